"""The channel that holds the time, and its unit, where the format itself has no time."""

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy import ndarray

from acc_decel.drives.channel_names import is_role, is_time, stated_unit, words
from acc_decel.drives.clock import DAY_S, Clock
from acc_decel.drives.description import Channel
from acc_decel.drives.formats.columns import of_digits
from acc_decel.drives.formats.source import Source
from acc_decel.drives.units import DIGITS, ISO, SAME_SIZE, UNITS, Unit, unit_named

MAX_CANDIDATES = 6  # channels named like a time whose values are read
# greater numbers are times since 1970; ticks of 100 ns are since the year 1 or 1601
MIN_EPOCH_TIMES = ((1e18, "ns"), (1e17, "100ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s"))
EXCEL_DAYS, MAX_DAY_STEP = (20_000.0, 80_000.0), 1e-4  # since 1900, of the years 1954 to 2119, and between records
UNNAMED = re.compile(r"column \d+|Unnamed: \d+|index", re.IGNORECASE)
MIN_ELAPSED_STEPS = ((5e6, "ns"), (5e3, "us"), (5.0, "ms"))  # between records of a time that is not since 1970
MAX_DIGITS_STEP_S, MAX_DIGITS_STEPS = 2.0, 20.0  # over a minute's end of a time of day in digits; in usual steps
MIN_DIGITS_SHARE = 0.9  # of the minutes' ends, that must be no gap when read as digits


@dataclass(frozen=True)
class TimeCandidate:
    """A channel that may be the time: its unit, the share of steps that rise, and how many run backward."""

    name: str
    unit: Unit
    rising: float
    backward: int


def choose_time(source: Source, file_units: dict[str, str]) -> Channel | None:
    """The finest channel that is named like a time, or holds dates, and rises, with its unit; None if there is none."""
    names = [name for name, unit in file_units.items() if is_time(name) or unit == ISO]
    if not names:  # the index of a table that was written without its name
        names = [name for name in list(file_units)[:1] if UNNAMED.fullmatch(name) and _holds_dates(source, name)]
    if not names:
        return None
    best_first = sorted(names, key=_unlikeliness)
    clocks = [_clock(source, name, file_units[name]) for name in best_first[:MAX_CANDIDATES]]
    # the first of those that are as good as each other, as they are sorted by name
    best = min(clocks, key=lambda clock: (-round(clock.rising, 1), clock.backward > 0))
    return Channel(best.name, best.unit)


def _unlikeliness(name: str) -> tuple[bool, bool, bool]:
    """How badly a name says that the channel is the time of a record; the least comes first."""
    return is_role(name, "not_time"), words(name) not in {"time", "t", "timestamp"}, "time" not in words(name)


def rescaled(time: Channel, scale: float) -> Channel:
    """The time with a unit that is `scale` times as long; the same where there is none or it holds no plain number."""
    if time.holds_dates or time.unit.name in DIGITS:
        return time
    size = time.unit.size * scale
    units = [u for u in UNITS if u.quantity == "time" and u.name not in (ISO, *DIGITS, "d", "100ns")]
    unit = next((u for u in units if abs(u.size / size - 1) < SAME_SIZE), time.unit)
    return replace(time, unit=unit)


def _clock(source: Source, name: str, file_unit: str) -> TimeCandidate:
    unit = _unit(source, name, file_unit)
    steps = np.diff(_first_times(source, name, unit))
    if not len(steps):
        return TimeCandidate(name, unit, 0.0, 0)
    return TimeCandidate(name, unit, float((steps > 0).mean()), int((steps < 0).sum()))


def _unit(source: Source, name: str, file_unit: str) -> Unit:
    """The unit of a time: as stated; dates if its values are text; by size if since 1970; else by its steps."""
    raw = _first_times(source, name, unit_named("s", "time", name))
    if not len(raw):
        return unit_named(ISO, "time", name)
    if form := next((form for form in DIGITS if _is_in_digits(raw, form)), ""):
        return unit_named(form, "time", name)
    stated = stated_unit(name, file_unit, "time")
    if stated is not None and stated.name != ISO:
        return stated
    size, steps = float(np.median(np.abs(raw))), np.diff(raw)
    for min_time, epoch_unit in MIN_EPOCH_TIMES:
        if size > min_time:
            return unit_named(epoch_unit, "time", name)
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    if EXCEL_DAYS[0] < size < EXCEL_DAYS[1] and 0 < step < MAX_DAY_STEP:
        return unit_named("d", "time", name)
    elapsed_unit = next((u for min_step, u in MIN_ELAPSED_STEPS if step >= min_step), "s")
    return unit_named(elapsed_unit, "time", name)


def _is_in_digits(raw: ndarray, form: str) -> bool:
    """Whether numbers are times in this form: after 59 seconds comes the next minute, 41 later, and no gap."""
    read = of_digits(raw, form)
    if not np.isfinite(read).all() or form.startswith("yyyy"):  # a number that is a date with its time is no other time
        return bool(np.isfinite(read).all())
    raw = raw * DIGITS[form]
    ends = np.flatnonzero(np.diff(raw // 100) != 0)
    steps = np.diff(read) % DAY_S
    usual = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    no_gap = (np.abs(np.diff(raw)[ends]) >= 40) & (steps[ends] <= max(MAX_DIGITS_STEP_S, MAX_DIGITS_STEPS * usual))
    return len(ends) > 0 and float(no_gap.mean()) >= MIN_DIGITS_SHARE and usual < 30


def _holds_dates(source: Source, name: str) -> bool:
    """Whether a channel holds texts that are dates, and no numbers."""
    dates, others = (_first_times(source, name, unit_named(unit, "time", name)) for unit in (ISO, "s"))
    return len(dates) > 0 and len(others) == 0 and float(np.median(dates)) > MIN_EPOCH_TIMES[-1][0]


def _first_times(source: Source, name: str, unit: Unit) -> ndarray:
    block = next(iter(source.blocks([], Channel(name, unit))), None)
    if block is None:
        return np.array([])
    time = Clock().continued(block.time)
    return time[np.isfinite(time)]
