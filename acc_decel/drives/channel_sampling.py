"""The first records of some channels, without spikes and drop-outs, to judge what each channel is."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy import ndarray

from acc_decel.drives.channel_names import is_acceleration, is_speed, stated_unit
from acc_decel.drives.cleaning import longest_rising
from acc_decel.drives.clock import is_stray
from acc_decel.drives.description import Channel
from acc_decel.drives.formats.source import Block, NamedSource
from acc_decel.drives.formats.text_cells import TextTally
from acc_decel.drives.outliers import OUTLIER_TESTS
from acc_decel.drives.reading import read_blocks, thinned, typical_step
from acc_decel.drives.series import Series, sensor_updates
from acc_decel.drives.speed_range import within_channel
from acc_decel.drives.units import unit_named

SAMPLED_RECORDS = 1_000_000  # enough to judge channels
MIN_STEP_S, MAX_FAST_RECORDS = 1e-3, 50_000  # below this step a clock is doubtful, and so many records show it
SMALLEST_UNITS = {"speed": "km/h", "acceleration": "mg"}  # with them no value is an outlier that is none in another


@dataclass(frozen=True)
class Sampled:
    """Series of the channels that change, as recorded; what is wrong with the others, and with the time.

    `constant` has the value of those that hold but one, `full_of_text` what text stands in those that hold too much.
    """

    series: dict[str, Series]
    dead: dict[str, str]
    time_error: str
    constant: dict[str, float] = field(default_factory=dict)
    full_of_text: dict[str, str] = field(default_factory=dict)


def sample_channels(source: NamedSource, names: list[str], time: Channel | None, file_units: dict[str, str]) -> Sampled:
    """The first records of the channels `names`, without outliers, so that these do not mislead."""
    groups, texts = _first_blocks(source, names, time)
    series, dead, time_error = {}, dict.fromkeys(names, "has no records"), ""
    constant: dict[str, float] = {}
    full_of_text: dict[str, str] = {}
    time_name = repr(time.name) if time else "the time of the records"
    for group in groups.values():
        stamps = np.concatenate([block.time for block in group])
        if not np.isfinite(stamps).any():
            time_error = f"{time_name} holds no time"
        elif not (np.diff(stamps[np.isfinite(stamps)]) > 0).any():
            time_error = f"{time_name} runs backward or stands still"
        for name in group[0].values:
            value = np.concatenate([block.values[name] for block in group])
            if texts[name].is_no_number:
                dead[name] = full_of_text[name] = f"holds {texts[name].sentence(source.line_of)}"
                continue
            numbers = value[np.isfinite(value)]
            if len(numbers) < 3 or (numbers == numbers[0]).all():
                dead[name] = f"holds one value, {numbers[0]:g}" if len(numbers) else "holds no number"
                constant |= {name: float(numbers[0])} if len(numbers) else {}
                continue
            sampled = _series(stamps, value, name, file_units[name])
            if sampled is not None:
                series[name] = sampled
                dead.pop(name, None)
            else:
                dead[name] = "has no three records whose times rise"
    return Sampled(series, dead, time_error, constant, full_of_text)


def _first_blocks(
    source: NamedSource, names: list[str], time: Channel | None
) -> tuple[dict[str, list[Block]], dict[str, TextTally]]:
    """The first blocks of each group, and what text stands among the numbers of each channel."""
    groups: dict[str, list[Block]] = {}
    texts: dict[str, TextTally] = defaultdict(TextTally)
    records = 0
    for block in read_blocks(source, names, time):
        for name, value in block.values.items():
            texts[name].add(value, block.texts.get(name))
        groups.setdefault(block.group, []).append(_sample(block))
        records += len(block.time)
        if records >= SAMPLED_RECORDS:
            break
    return groups, texts


def _sample(block: Block) -> Block:
    """The block thinned; only cut where no logger is so fast, so that the clock may be wrong."""
    step = typical_step(block.time)
    if step == 0 or step >= MIN_STEP_S:
        return thinned(block)
    rows = slice(0, MAX_FAST_RECORDS)
    return Block(block.group, block.time[rows], {name: value[rows] for name, value in block.values.items()})


def _series(time: ndarray, value: ndarray, name: str, file_unit: str) -> Series | None:
    """The channel with rising times and without outliers; None if too few records remain or all hold one value."""
    rows = np.flatnonzero(np.isfinite(time) & np.isfinite(value))
    if len(rows) and not (np.diff(time[rows]) > 0).all():
        rows = rows[longest_rising(time[rows])]
    rows = rows[~is_stray(time[rows])] if len(rows) else rows
    if len(rows) < 3 or (value[rows] == value[rows[0]]).all():
        return None
    signal = "speed" if is_speed(name, file_unit) else "acceleration"
    is_other = signal == "acceleration" and not is_acceleration(name, file_unit)
    updates = sensor_updates(time[rows], value[rows], may_rest=signal == "acceleration" and not is_other)
    rows = rows[updates.rows]
    if is_other:
        return Series(time[rows], value[rows], updates.period, updates.resolution)
    size = (stated_unit(name, file_unit, signal) or unit_named(SMALLEST_UNITS[signal], signal, name)).size
    values = value[rows]
    if signal == "speed":
        kept, whole, _, changed = within_channel(time[rows], values * size)
        rows, values = rows[kept], whole / size if changed else values[kept]
    for is_outlier in OUTLIER_TESTS[signal].values():
        inliers = ~is_outlier(time[rows], values * size, updates.period)
        rows, values = (rows[inliers], values[inliers]) if inliers.sum() > 0.5 * len(rows) else (rows, values)
    return Series(time[rows], values, updates.period, updates.resolution)
