"""Records to clean series: time in order, no spikes, no drop-outs, no frozen values, channels aligned in time."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy import ndarray

from acc_decel.drives.aligning import contradiction, lag_of, without_frozen
from acc_decel.drives.description import SIGNALS_BY_NAME
from acc_decel.drives.outliers import TESTS
from acc_decel.drives.reading import Drive, Records
from acc_decel.drives.series import Series, sensor_updates, shifted, step_midpoints

SPARSE = 0.6  # share of records with a number below which a column is taken to come more rarely than the others
TOLERATED = 0.05  # share of records with a time that repeats or runs back; beyond it the clock is broken


@dataclass(frozen=True)
class Clean:
    """A drive after cleaning; `dropped` counts records by reason. `lag` [s] is how late speed was to acceleration."""

    speed: Series
    acceleration: Series | None
    start: float
    end: float
    frames: int
    dropped: dict[str, int] = field(default_factory=dict)
    dropped_frames: int = 0
    lag: float = 0.0
    lag_correlation: float = np.nan


def clean(drive: Drive) -> Clean:
    """The drive's speed and acceleration, cleaned and aligned. Raises ValueError if its clock or speed is broken."""
    tally: Counter[str] = Counter()
    lost, found, starts, ends = 0, {}, [], []
    for records in drive.records:
        time, rows = ordered(records, drive.path, tally)
        bad = np.ones(len(records.time), bool)
        bad[rows] = False
        starts.append(time[0])
        ends.append(time[-1])
        for name, column in records.values.items():
            found[name], worse = _series(name, time, column[rows], drive.path, tally)
            bad[rows[worse]] = True
        lost += int(bad.sum())
    channels = drive.description.channels
    speed, acceleration = found["speed"], found.get("acceleration")
    if acceleration is not None:
        acceleration = shifted(acceleration, channels["acceleration"].lag or 0.0)
    lag, correlation = channels["speed"].lag, np.nan
    if acceleration is not None and (told := contradiction(speed, acceleration)):
        raise ValueError(f"{drive.path}: speed and acceleration must agree. Got a pair of which {told}.")
    if lag is None:
        lag, correlation = (0.0, np.nan) if acceleration is None else lag_of(speed, acceleration)
    speed = shifted(speed, max(lag, 0.0))
    if acceleration is not None:
        acceleration = shifted(acceleration, max(-lag, 0.0))  # whichever is late is brought forward
        speed, acceleration, frozen = without_frozen(speed, acceleration)
        tally["frozen value"] += frozen
        lost += frozen
    dropped = {reason: count for reason, count in tally.items() if count}
    return Clean(
        speed, acceleration, min(starts), max(ends), drive.frames, dropped, min(lost, drive.frames), lag, correlation
    )


def ordered(records: Records, path: Path, tally: "Counter[str]") -> tuple[ndarray, ndarray]:
    """Times in rising order and their rows. A few that repeat or run back are dropped; many are refused."""
    rows = np.flatnonzero(np.isfinite(records.time))
    if not len(rows):
        raise ValueError(f"{path} must have times. Got none that is a number or a date: check the unit of [time].")
    time = records.time[rows]
    kept = np.arange(len(time)) if (np.diff(time) > 0).all() else rising(time)
    repeated = int(np.isin(np.delete(time, kept), time[kept]).sum())
    backward = len(time) - len(kept) - repeated
    if len(time) - len(kept) > max(TOLERATED * len(time), 2):
        what = "runs backward" if backward > repeated else "repeats"
        raise ValueError(
            f"{path} must have times that rise. Got a time that {what} in {len(time) - len(kept)} of {len(time)} "
            "records: mend the clock, or name another channel in [time]."
        )
    tally["no time"] += len(records.time) - len(rows)
    tally["repeated time"] += repeated
    tally["time runs backward"] += backward
    return time[kept], rows[kept]


def rising(time: ndarray) -> ndarray:
    """Rows of the longest strictly rising part of `time`, so that one wrong time costs one record."""
    tails: list[float] = []
    last: list[int] = []
    before = np.full(len(time), -1)
    for i, t in enumerate(time.tolist()):
        at = bisect_left(tails, t)
        before[i] = last[at - 1] if at else -1
        if at == len(tails):
            tails.append(t)
            last.append(i)
        else:
            tails[at], last[at] = t, i
    rows, i = [], last[-1]
    while i >= 0:
        rows.append(i)
        i = int(before[i])
    return np.array(rows[::-1])


def _series(name: str, time: ndarray, column: ndarray, path: Path, tally: "Counter[str]") -> tuple[Series, ndarray]:
    """The signal cleaned by itself, and the rows dropped from it."""
    finite = np.isfinite(column)
    if not finite.any():
        raise ValueError(f"{path} must have numbers for {name}. Got none in {len(column)} records: check its channel.")
    limits = SIGNALS_BY_NAME[name]
    sound = finite & (column >= limits.low) & (column <= limits.high)
    if sound.sum() < 0.5 * finite.sum():
        raise ValueError(
            f"{path}: {name} must be {limits.low:g} to {limits.high:g} {limits.unit} ({limits.meaning}). Got "
            f"{np.median(column[finite]):.4g} in the middle: check the unit in its section."
        )
    rows = np.flatnonzero(sound)
    if len(rows) > 1 and (column[rows] == column[rows[0]]).all():
        raise ValueError(
            f"{path}: {name} must change over a drive. Got {column[rows[0]]:g} {limits.unit} in all {len(rows)} "
            "records: the channel is dead, name another."
        )
    if len(rows) < 3:
        raise ValueError(f"{path} must hold at least 3 records of {name}. Got {len(rows)}: record longer.")
    missing = np.flatnonzero(~finite) if finite.mean() > SPARSE else np.array([], int)
    tally["not a number"] += len(missing)
    tally["out of range"] += int((finite & ~sound).sum())
    gone = np.union1d(missing, np.flatnonzero(finite & ~sound))
    kept = sensor_updates(time[rows], column[rows])
    rows, period, resolution = rows[kept.rows], kept.period, kept.resolution
    for reason, test in TESTS[name].items():
        bad = test(time[rows], column[rows], period)
        tally[reason] += int(bad.sum())
        gone, rows = np.union1d(gone, rows[bad]), rows[~bad]
    series = Series(time[rows], column[rows], period, resolution)
    return step_midpoints(series) if name == "speed" else series, gone.astype(int)
