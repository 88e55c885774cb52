"""Records to clean series: time in order, no spikes, no drop-outs, no frozen values, channels aligned in time."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy import ndarray

from acc_decel.drives.aligning import MAX_PERIOD_S, contradiction, doubt, lag_of, without_frozen
from acc_decel.drives.clock import gap_notes, is_stray, recorded_seconds
from acc_decel.drives.description import SIGNALS_BY_NAME
from acc_decel.drives.outliers import OUTLIER_TESTS, without_frozen_runs
from acc_decel.drives.reading import Drive, Records
from acc_decel.drives.series import Series, sensor_updates, shifted, step_midpoints
from acc_decel.drives.speed_range import within_channel

MIN_DENSE_SHARE = 0.6  # of records with a number; with fewer, a column is taken to be recorded less often
MIN_MOVING_MPS = 1.0  # a slower car may roll back, or its sensor be off
MAX_BAD_TIME_SHARE = 0.05  # of records with a time that repeats or runs back; with more, the clock is broken
MAX_OUTLIER_SHARE = 0.3  # of the records of a signal; with more, what is left is chance
MAX_ALONE_PERIOD_S = 0.25  # between records of acceleration without speed; a braking may last a second
NO_SPEED = Series(np.empty(0), np.empty(0), np.nan, np.nan)  # of a recording without speed


@dataclass(frozen=True)
class CleanDrive:
    """A drive after cleaning; `dropped` counts records by reason. `lag` [s] is how late speed was to acceleration.

    `recorded` [s] is the time from start to end without gaps. `doubt` says by how much speed and acceleration differ in
    size, "" where they agree; `notes` that, and what is odd about the clock. `lag_correlation` is NaN where the
    description gives the lag. Where no speed was recorded, `speed` is NO_SPEED and the lag NaN; `sign_doubt` says why
    it is not certain which end of the accelerometer is braking, "" where it is.
    """

    speed: Series
    acceleration: Series | None
    start: float
    end: float
    frames: int
    dropped: dict[str, int] = field(default_factory=dict)
    dropped_frames: int = 0
    lag: float = 0.0
    lag_correlation: float = np.nan
    recorded: float = np.nan
    notes: tuple[str, ...] = ()
    doubt: str = ""
    sign_doubt: str = ""

    @property
    def has_speed(self) -> bool:
        """Whether a speed was recorded, and not an acceleration alone."""
        return len(self.speed.time) > 0


def clean_drive(drive: Drive) -> CleanDrive:
    """The drive's speed and acceleration, cleaned and aligned. Raises ValueError if its clock or a signal is broken."""
    tally: Counter[str] = Counter()
    said: list[str] = []
    dropped_frames, signals, times = 0, {}, []
    for records in drive.records:
        time, rows = in_time_order(records, drive.path, tally)
        dropped = np.ones(len(records.time), bool)
        dropped[rows] = False
        times.append(time)
        for name, column in records.values.items():
            signals[name], dropped_rows = _clean_signal(name, time, column[rows], drive.path, tally, said)
            dropped[rows[dropped_rows]] = True
        dropped_frames += int(dropped.sum())
    acceleration, speed = signals.get("acceleration"), signals.get("speed", NO_SPEED)
    lag, lag_correlation, size_doubt = np.nan, np.nan, ""
    if "speed" in signals:
        speed, acceleration, lag, lag_correlation = _aligned(drive, speed, acceleration)
    elif acceleration is not None:
        _check_alone(acceleration, drive.path)
        acceleration, frozen = without_frozen_runs(acceleration)
        acceleration = shifted(acceleration, drive.description.channels["acceleration"].lag or 0.0)
        tally["frozen value"] += frozen
        dropped_frames += frozen
    if acceleration is not None and "speed" in signals:
        speed, acceleration, frozen = without_frozen(speed, acceleration)
        tally["frozen value"] += frozen
        dropped_frames += frozen
        size_doubt = doubt(speed, acceleration)
    time = np.sort(np.concatenate(times))
    return CleanDrive(
        speed,
        acceleration,
        float(time[0]),
        float(time[-1]),
        drive.frames,
        {reason: count for reason, count in tally.items() if count},
        min(dropped_frames, drive.frames),
        lag,
        lag_correlation,
        recorded_seconds(time),
        (*drive.notes, *said, *gap_notes(time), *((size_doubt,) if size_doubt else ())),
        size_doubt,
    )


def _aligned(drive: Drive, speed: Series, acceleration: Series | None) -> tuple[Series, Series | None, float, float]:
    """Speed and acceleration without the lag of either, the lag [s] of speed, and the correlation that showed it."""
    channels = drive.description.channels
    lag = channels["speed"].lag
    if acceleration is None:
        lag = lag or 0.0
        return shifted(speed, max(lag, 0.0)), None, lag, np.nan
    acceleration = shifted(acceleration, channels["acceleration"].lag or 0.0)
    if reason := contradiction(speed, acceleration):
        raise ValueError(f"{drive.path}: speed and acceleration must agree. Got a pair where {reason}.")
    lag, lag_correlation = lag_of(speed, acceleration) if lag is None else (lag, np.nan)
    return shifted(speed, max(lag, 0.0)), shifted(acceleration, max(-lag, 0.0)), lag, lag_correlation


def in_time_order(records: Records, path: Path, tally: "Counter[str]") -> tuple[ndarray, ndarray]:
    """Times that rise, and their rows, without stray stamps. A few that repeat or run back are dropped, many raise."""
    rows = np.flatnonzero(np.isfinite(records.time))
    if not len(rows):
        raise ValueError(f"{path} must have times. Got none that is a number or a date: check the unit of [time].")
    time = records.time[rows]
    rising = np.arange(len(time)) if (np.diff(time) > 0).all() else longest_rising(time)
    repeated = int(np.isin(np.delete(time, rising), time[rising]).sum())
    backward = len(time) - len(rising) - repeated
    if len(time) - len(rising) > max(MAX_BAD_TIME_SHARE * len(time), 2):
        fault = "runs backward" if backward > repeated else "repeats"
        raise ValueError(
            f"{path} must have times that rise. Got a time that {fault} in {len(time) - len(rising)} of {len(time)} "
            "records: correct the clock, or name another channel in [time]."
        )
    tally["no time"] += len(records.time) - len(rows)
    tally["repeated time"] += repeated
    tally["time runs backward"] += backward
    time, rows = time[rising], rows[rising]
    stray = is_stray(time)
    tally["stray time"] += int(stray.sum())
    return time[~stray], rows[~stray]


def longest_rising(time: ndarray) -> ndarray:
    """Rows of the longest strictly rising subsequence of `time`, so that one wrong time costs one record.

    Patience sorting: `tails[n]` is the smallest time in which a rising subsequence of n + 1 records can end, `last[n]`
    its row, and `before` the row that precedes each row.
    """
    tails: list[float] = []
    last: list[int] = []
    before = np.full(len(time), -1)
    for i, t in enumerate(time.tolist()):
        length = bisect_left(tails, t)
        before[i] = last[length - 1] if length else -1
        if length == len(tails):
            tails.append(t)
            last.append(i)
        else:
            tails[length], last[length] = t, i
    rows, i = [], last[-1]
    while i >= 0:
        rows.append(i)
        i = int(before[i])
    return np.array(rows[::-1])


def _clean_signal(
    name: str, time: ndarray, column: ndarray, path: Path, tally: "Counter[str]", said: list[str]
) -> tuple[Series, ndarray]:
    """The signal cleaned by itself, and the rows dropped from it; `said` gets notes on what was changed."""
    finite = np.isfinite(column)
    limits = SIGNALS_BY_NAME[name]
    in_range = finite & (column >= limits.low) & (column <= limits.high)
    _check_signal(name, column, finite, in_range, path)
    rows = np.flatnonzero(in_range)
    missing = np.flatnonzero(~finite) if finite.mean() > MIN_DENSE_SHARE else np.array([], int)
    tally["not a number"] += len(missing)
    tally["out of range"] += int((finite & ~in_range).sum())
    dropped = np.union1d(missing, np.flatnonzero(finite & ~in_range))
    _check_rate(name, time[rows], path)
    updates = sensor_updates(time[rows], column[rows], may_rest=name == "acceleration")
    rows, values = rows[updates.rows], column[rows[updates.rows]]
    if name == "speed":
        kept, values, counts, note = within_channel(time[rows], values)
        tally.update(counts)
        said += note
        dropped, rows = np.union1d(dropped, rows[~kept]), rows[kept]
    recorded = len(rows)
    for reason, is_outlier in OUTLIER_TESTS[name].items():
        outliers = is_outlier(time[rows], values, updates.period)
        tally[reason] += int(outliers.sum())
        dropped, rows, values = np.union1d(dropped, rows[outliers]), rows[~outliers], values[~outliers]
    if len(rows) < (1 - MAX_OUTLIER_SHARE) * recorded:
        raise ValueError(
            f"{path}: {name} must be that of one car. Got jumps that no car makes, so that {recorded - len(rows)} of "
            f"{recorded} records are wrong, as where vehicles or sensors are mixed: name another channel, or part them."
        )
    series = Series(time[rows], values, updates.period, updates.resolution)
    return step_midpoints(series) if name == "speed" else series, dropped.astype(int)


def _check_signal(name: str, column: ndarray, finite: ndarray, in_range: ndarray, path: Path) -> None:
    if not finite.any():
        raise ValueError(f"{path} must have numbers for {name}. Got none in {len(column)} records: check its channel.")
    backward, forward = int((column < -MIN_MOVING_MPS).sum()), int((column > MIN_MOVING_MPS).sum())
    if name == "speed" and backward > forward:
        raise ValueError(
            f"{path}: speed must be positive where the car drives forward. Got a negative one in {backward} and a "
            f"positive one in {forward} of {len(column)} records: write sign = -1 into its section."
        )
    limits = SIGNALS_BY_NAME[name]
    if in_range.sum() < 0.5 * finite.sum():
        raise ValueError(
            f"{path}: {name} must be {limits.low:g} to {limits.high:g} {limits.unit} ({limits.meaning}). Got "
            f"a median of {np.median(column[finite]):.4g}: check the unit in its section."
        )
    values = column[in_range]
    if len(values) > 1 and (values == values[0]).all():
        raise ValueError(
            f"{path}: {name} must change over a drive. Got {values[0]:g} {limits.unit} in all {len(values)} "
            "records: the channel is dead, name another."
        )
    if name == "speed" and len(values) > 2 and len(different := np.unique(values)) == 2:
        raise ValueError(
            f"{path}: speed must change by steps over a drive. Got nothing but {different[0]:g} and {different[1]:g} "
            f"{limits.unit} in {len(values)} records: that is a switch, name another channel."
        )
    if len(values) < 3:
        raise ValueError(f"{path} must hold at least 3 records of {name}. Got {len(values)}: record longer.")


def _check_rate(name: str, time: ndarray, path: Path) -> None:
    step = float(np.median(np.diff(time)))
    if name == "speed" and step > MAX_PERIOD_S:
        raise ValueError(
            f"{path} must have a record of speed every {MAX_PERIOD_S:g} s or more often, or no braking is seen. Got "
            f"one every {step:.4g} s: check the unit of [time], or record more often."
        )


def _check_alone(acceleration: Series, path: Path) -> None:
    if acceleration.period > MAX_ALONE_PERIOD_S:
        raise ValueError(
            f"{path} must have a record of acceleration every {MAX_ALONE_PERIOD_S:g} s or more often, as it has no "
            f"speed. Got one every {acceleration.period:.4g} s: check the unit of [time], or record more often."
        )
