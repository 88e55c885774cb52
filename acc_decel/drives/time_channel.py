"""The channel that holds the time, and its unit, where the format itself has no time."""

import numpy as np
from numpy import ndarray

from acc_decel.drives.channel_names import is_time, stated_unit, words
from acc_decel.drives.description import Channel
from acc_decel.drives.formats.source import Source
from acc_decel.drives.reading import read_blocks
from acc_decel.drives.units import ISO, Unit, unit_named

MAX_CANDIDATES = 4  # channels named like a time whose values are read
MIN_EPOCH_TIMES = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s"))  # greater numbers are times since 1970
MIN_ELAPSED_STEPS = ((5e6, "ns"), (5e3, "us"), (5.0, "ms"))  # between records of a time that is not since 1970


def choose_time(source: Source, file_units: dict[str, str]) -> Channel | None:
    """The channel that is named like a time and rises, with its unit; None where no channel is named like a time."""
    names = [name for name in file_units if is_time(name)]
    if not names:
        return None
    best_first = sorted(names, key=lambda n: (words(n) not in {"time", "t", "timestamp"}, "time" not in words(n)))
    candidates = [(name, _unit(source, name, file_units[name])) for name in best_first[:MAX_CANDIDATES]]
    rising = [candidate for candidate in candidates if _mostly_rises(source, *candidate)]
    name, unit = (rising or candidates)[0]
    return Channel(name, unit)


def _unit(source: Source, name: str, file_unit: str) -> Unit:
    """The unit of a time: as stated; dates if its values are text; by size if since 1970; else by its steps."""
    raw = _first_times(source, name, unit_named("s", "time", name))
    if not len(raw):
        return unit_named(ISO, "time", name)
    stated = stated_unit(name, file_unit, "time")
    if stated is not None and stated.name != ISO:
        return stated
    size, steps = float(np.median(np.abs(raw))), np.diff(raw)
    for min_time, epoch_unit in MIN_EPOCH_TIMES:
        if size > min_time:
            return unit_named(epoch_unit, "time", name)
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    elapsed_unit = next((u for min_step, u in MIN_ELAPSED_STEPS if step >= min_step), "s")
    return unit_named(elapsed_unit, "time", name)


def _mostly_rises(source: Source, name: str, unit: Unit) -> bool:
    steps = np.diff(_first_times(source, name, unit))
    return len(steps) > 0 and float((steps > 0).mean()) > 0.5


def _first_times(source: Source, name: str, unit: Unit) -> ndarray:
    block = next(iter(read_blocks(source, [], Channel(name, unit))), None)
    return np.array([]) if block is None else block.time[np.isfinite(block.time)]
