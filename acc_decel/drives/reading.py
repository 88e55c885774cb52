"""A recording of any kind as signals in SI units; read block by block, so that memory grows with hours, not bytes."""

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy import ndarray

from acc_decel.drives.clock import Clock
from acc_decel.drives.description import RADAR_SIGNALS, Channel, Description
from acc_decel.drives.formats.opening import open_source
from acc_decel.drives.formats.source import ALL_VEHICLES, Block, Choices, NamedSource, Source
from acc_decel.drives.formats.text_cells import TextTally

MAX_RATE_HZ = 100.0  # faster channels are thinned to about this by medians of neighbours
MAX_GROUP_RECORDS = 1_500_000  # a longer group is thinned further, ...
MIN_RATE_HZ = 20.0  # ... but not below this rate
MAX_LEFT_OUT_SHARE = 0.05  # of rows that do not fit the header; with more, an event may be lost with them
BURST_RECORDS = 16  # that may come at once


@dataclass(frozen=True)
class Records:
    """Records with one clock: time [s] and signals in SI units, in the order recorded; NaN where a value is missing."""

    time: ndarray
    values: dict[str, ndarray]


@dataclass(frozen=True)
class Drive:
    """A recorded drive: its records by clock, the number of records read, the description used, notes on the clock."""

    path: Path
    records: tuple[Records, ...]
    frames: int
    description: Description
    notes: tuple[str, ...] = ()


def read_drive(path: Path, description: Description, on_records: Callable[[int], None] = lambda _: None) -> Drive:
    """The signals of a recording in SI units. `on_records` gets the number of records that have just been read.

    Raises ValueError if the recording has no time, no record, or not the channels of the description.
    """
    groups, notes = _read_groups(path, description, on_records)
    records = tuple(_records(group.blocks, description.channels) for _, group in sorted(groups.items()))
    return Drive(path, records, sum(group.frames for group in groups.values()), description, notes)


def read_vehicles(
    path: Path, description: Description, on_records: Callable[[int], None] = lambda _: None
) -> dict[str, Drive]:
    """The drives of all vehicles of a table, read once, by their identifiers; errors as `read_drive`."""
    groups, notes = _read_groups(path, replace(description, vehicle_id=ALL_VEHICLES), on_records)
    return {
        vehicle: Drive(path, (_records(group.blocks, description.channels),), group.frames, description, notes)
        for vehicle, group in groups.items()
    }


def _read_groups(
    path: Path, description: Description, on_records: Callable[[int], None]
) -> "tuple[dict[str, ThinnedGroup], tuple[str, ...]]":
    """The records of each group, and notes on the clocks and on rows left out."""
    source = open_source(path, Choices(description.dbc, description.bus, description.vehicle_id))
    _check_channels(path, source, description)
    if not source.timed and description.time is None:
        raise ValueError(f"{path} must have a time: its format has none. Got a description without [time]: add it.")
    names = {channel.name for channel in description.channels.values()}
    # a radar writes many records with one time, so that medians of neighbours would mix targets
    radar = {description.channels[name].name for name in RADAR_SIGNALS if name in description.channels}
    groups: dict[str, ThinnedGroup] = defaultdict(ThinnedGroup)
    clocks: dict[str, Clock] = defaultdict(Clock)
    texts: dict[str, TextTally] = defaultdict(TextTally)
    frames = left_out = 0
    for block in read_blocks(source, sorted(names), description.time, clocks):
        frames += len(block.time)
        left_out += block.left_out
        on_records(len(block.time))
        for name in block.values:
            texts[name].add(block.values[name], block.texts.get(name))
        groups[block.group].add(block, thin=not radar & set(block.values))
    if not frames:
        raise ValueError(f"{path} must hold records. Got none of {', '.join(sorted(names))}: check the file.")
    notes = dict.fromkeys(note for clock in clocks.values() for note in clock.notes)
    notes |= dict.fromkeys([*_left_out_notes(path, left_out, frames), *_text_notes(path, texts, source)])
    if source.timed and description.time is not None:
        notes["[time] of the description is not used: the format has the time of each record"] = None
    notes |= dict.fromkeys(source.notes)
    return groups, tuple(notes)


def _left_out_notes(path: Path, left_out: int, frames: int) -> Iterator[str]:
    """A sentence on the rows left out. Raises ValueError if they are too many."""
    if left_out > MAX_LEFT_OUT_SHARE * (frames + left_out):
        raise ValueError(
            f"{path} must have rows of as many fields as its header. Got more in {left_out} of {frames + left_out}, as "
            "where a decimal comma is taken for a delimiter: correct them."
        )
    if left_out:
        yield f"{left_out} rows have more fields than the header and are left out: correct the file"


def _text_notes(path: Path, texts: "dict[str, TextTally]", source: NamedSource) -> Iterator[str]:
    """A sentence on each channel with text among its numbers. Raises ValueError for one that holds too much text."""
    for name, tally in texts.items():
        if tally.is_no_number:
            raise ValueError(
                f"{path} must have numbers in {name!r}. Got {tally.sentence(source.line_of)}: correct such cells, or "
                "name another channel."
            )
        if tally.count:
            yield f"{name!r} holds {tally.sentence(source.line_of)}: taken as missing"


def _check_channels(path: Path, source: Source, description: Description) -> None:
    names = list(source.channels())
    channels = description.channels
    if description.time and not source.timed:
        channels = channels | {"time": description.time}
    for section, channel in channels.items():
        if channel.name not in names:
            similar = difflib.get_close_matches(channel.name, names, n=3, cutoff=0.4) or names[:5]
            raise ValueError(
                f"{path} must have the channel {channel.name!r} that [{section}] names. Got none; similar: "
                f"{', '.join(map(repr, similar))}. `acc-decel drives inspect` lists all."
            )


def read_blocks(
    source: Source, names: Sequence[str], time: Channel | None, clocks: "dict[str, Clock] | None" = None
) -> Iterator[Block]:
    """The blocks of a source, with times that rise over midnight; `clocks` gets the clock of each group."""
    clocks = defaultdict(Clock) if clocks is None else clocks
    for block in source.blocks(names, time):
        yield replace(block, time=clocks[block.group].continued(block.time))


def _records(blocks: list[Block], channels: dict[str, Channel]) -> Records:
    time = np.concatenate([block.time for block in blocks])
    values = {}
    for name, channel in channels.items():
        if channel.name in blocks[0].values:
            column = np.concatenate([block.values[channel.name] for block in blocks])
            values[name] = column * (channel.unit.size * channel.sign)
    return Records(time, values)


class ThinnedGroup:
    """The blocks of one group so far. A longer drive is thinned more, so that memory stays within bounds."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.rate = MAX_RATE_HZ
        self.frames = self.records = 0  # records before and after thinning

    def add(self, block: Block, *, thin: bool) -> None:
        """Add a block, unchanged if `thin` is False."""
        self.frames += len(block.time)
        self.blocks.append(thinned(block, self.rate) if thin else block)
        self.records += len(self.blocks[-1].time)
        if self.records > MAX_GROUP_RECORDS and self.rate / 2 >= MIN_RATE_HZ and thin:
            self.rate /= 2
            self.blocks = [thinned(earlier, self.rate) for earlier in self.blocks]
            self.records = sum(len(earlier.time) for earlier in self.blocks)


def thinned(block: Block, max_rate: float = MAX_RATE_HZ) -> Block:
    """The block at no more than about `max_rate` [Hz]: each record a median of neighbours, so that no spike spreads."""
    step = typical_step(block.time)
    least = 1 / (max_rate * len(block.time)) if step > 0 else 1.0  # of a step, that leaves a record
    factor = int(1 / (max_rate * max(step, least)) + 0.1) if step > 0 else 1
    if factor < 2:
        return block
    rows = len(block.time) // factor * factor
    time = block.time[:rows].reshape(-1, factor)[:, factor // 2]
    values = {name: _medians(column[:rows].reshape(-1, factor)) for name, column in block.values.items()}
    return Block(block.group, time, values)


def typical_step(time: ndarray) -> float:
    """The typical step [s] between records, over some of them each, as they may come in bursts or twice; 0 if none."""
    count = min(BURST_RECORDS, max(len(time) // 4, 1))
    steps = np.diff(time) if count == 1 else (time[count:] - time[:-count]) / count
    steps = steps[steps > 0]
    return float(np.median(steps)) if len(steps) else 0.0


def _medians(rows: ndarray) -> ndarray:
    """The median of each row without its NaN; NaN for a row that has nothing else."""
    finite = np.isfinite(rows)
    complete = finite.all(axis=1)
    medians = np.full(len(rows), np.nan)
    medians[complete] = np.median(rows[complete], axis=1)
    partial = ~complete & finite.any(axis=1)
    medians[partial] = np.nanmedian(rows[partial], axis=1)
    return medians
