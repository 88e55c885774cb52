"""Records to clean series: time in order, no spikes, no drop-outs, no frozen values, channels aligned in time."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy import ndarray
from scipy.ndimage import median_filter, uniform_filter1d
from scipy.signal import correlate, correlation_lags

from acc_decel.drives.reading import Drive, Records
from acc_decel.drives.recording import SIGNAL

TOLERATED = 0.05  # share of records with a time that repeats or runs back; beyond it the clock is broken
BRAKING_LIMIT, GAINING_LIMIT = 14.0, 9.0  # [m/s^2] what no road car exceeds
DOUBTFUL = 5.0  # [s] around a jump that no car makes, where every record is judged by itself
JUMP = 1.0  # [m/s] sensors of wheel speed cut off below; no jump at all beneath this
SPIKE_SCORE = 6.0  # robust standard deviations from the running median
SPIKE_WINDOW = 7  # records
SPIKE_ACCELERATION = 3.0  # [m/s^2] least residual of an accelerometer's spike
SLOW_ACCELEROMETER = 0.2  # [s] between records; then a spike cannot be told from a short pulse
FROZEN_RECORDS, FROZEN_TIME = 4, 0.3  # exactly the same value so often and so long [s]
FROZEN_SPEED = 1.5  # [m/s] by which a frozen channel contradicts the other
LAG_STEP, LAG_RANGE = 0.05, (-1.0, 3.5)  # [s]
LAG_CORRELATION = 0.4  # least correlation that tells a lag
LEAST_CHANGES = 10  # of a value, to tell how often its sensor has news
COARSE = 0.1  # [m/s] steps of speed that differentiate into pulses
STAYING = 1.0  # [s] away from the next step, a stepped value is taken as it is
TREND = 30.0  # [s] slower changes tell nothing of a lag

_Function = Callable[[float], float]
_Change = Callable[[float, float], float]


@dataclass(frozen=True)
class Series:
    """One signal: time [s] strictly rising, values finite. `period` [s]: how often the sensor has news."""

    time: ndarray
    value: ndarray
    period: float
    resolution: float


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
    channels = drive.recording.channels
    speed, acceleration = found["speed"], found.get("acceleration")
    if acceleration is not None:
        acceleration = _shifted(acceleration, channels["acceleration"].lag or 0.0)
    lag, correlation = channels["speed"].lag, np.nan
    if lag is None:
        lag, correlation = (0.0, np.nan) if acceleration is None else lag_of(speed, acceleration)
    speed = _shifted(speed, max(lag, 0.0))
    if acceleration is not None:
        acceleration = _shifted(acceleration, max(-lag, 0.0))  # whichever is late is brought forward
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
    limits = SIGNAL[name]
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
    missing = np.flatnonzero(~finite) if finite.mean() > 0.5 else np.array([], int)
    tally["not a number"] += len(missing)
    tally["out of range"] += int((finite & ~sound).sum())
    gone = np.union1d(missing, np.flatnonzero(finite & ~sound))
    kept = fresh(time[rows], column[rows])
    rows, period, resolution = rows[kept.rows], kept.period, kept.resolution
    for reason, test in TESTS[name].items():
        bad = test(time[rows], column[rows], period)
        tally[reason] += int(bad.sum())
        gone, rows = np.union1d(gone, rows[bad]), rows[~bad]
    series = Series(time[rows], column[rows], period, resolution)
    return crossings(series) if name == "speed" else series, gone.astype(int)


def _spiky_speed(_: ndarray, speed: ndarray, period: float) -> ndarray:
    return spiky(speed, least=BRAKING_LIMIT * period + JUMP / 2)


def _spiky_acceleration(_: ndarray, acceleration: ndarray, period: float) -> ndarray:
    if period > SLOW_ACCELEROMETER:
        return np.zeros(len(acceleration), bool)
    return spiky(acceleration, least=SPIKE_ACCELERATION)


def spiky(value: ndarray, *, least: float) -> ndarray:
    """Records far from the running median of their neighbours, which a steady change passes through."""
    if len(value) < SPIKE_WINDOW:
        return np.zeros(len(value), bool)
    off = np.abs(value - median_filter(value, SPIKE_WINDOW, mode="nearest"))
    scale = 1.4826 * np.median(off[off > 0]) if (off > 0).any() else 0.0
    return off > max(SPIKE_SCORE * scale, least)


def implausible(time: ndarray, speed: ndarray, period: float) -> ndarray:
    """Records off the longest chain that a car can drive: drop-outs, foreign values, and what leads to them."""
    steps, jumps = np.maximum(np.diff(time), period), np.diff(speed)  # a late record comes close to the next
    breaks = np.flatnonzero(~_drivable(jumps, steps))
    if not len(breaks):
        return np.zeros(len(time), bool)
    reach = int(np.clip(DOUBTFUL / period, 3, 60))
    first, last = _links(len(time), breaks, reach)
    total, before = (last - first + 1).astype(float), np.full(len(first), -1)
    for j in range(1, len(first)):
        i = np.arange(max(0, j - 4 * reach), j)
        gap = np.maximum(time[first[j]] - time[last[i]], period)
        fits = _drivable(speed[first[j]] - speed[last[i]], gap)
        if fits.any():
            before[j] = i[fits][::-1][np.argmax(total[i[fits]][::-1])]
            total[j] += total[before[j]]
    off, j = np.ones(len(time), bool), int(np.argmax(total))
    while j >= 0:
        off[first[j] : last[j] + 1] = False
        j = int(before[j])
    return off


def _drivable(jump: ndarray, gap: ndarray) -> ndarray:
    return (jump <= GAINING_LIMIT * gap + JUMP) & (jump >= -BRAKING_LIMIT * gap - JUMP)


def _links(records: int, breaks: ndarray, reach: int) -> tuple[ndarray, ndarray]:
    """First and last rows of the links of a chain: every record near a break by itself, the rest as one."""
    edges = np.zeros(records + 2 * reach + 2, int)
    np.add.at(edges, breaks + 1, 1)
    np.add.at(edges, breaks + 2 * reach + 1, -1)
    single = (np.cumsum(edges) > 0)[reach : reach + records]
    first = np.flatnonzero(single | np.concatenate([[True], single[:-1]]))
    return first, np.concatenate([first[1:], [records]]) - 1


def _runs(value: ndarray) -> tuple[ndarray, ndarray]:
    """First and last rows of the runs of exactly the same value."""
    edges = np.flatnonzero(np.diff(value)) + 1
    return np.concatenate([[0], edges]), np.concatenate([edges, [len(value)]]) - 1


def _frozen_before_jump(time: ndarray, speed: ndarray, period: float) -> ndarray:
    """Records of runs that end in a jump no car can make: the value was frozen while the car went on."""
    first, last = _runs(speed)
    after = np.minimum(last + 1, len(time) - 1)
    step, jump = np.maximum(time[after] - time[last], period), np.abs(speed[after] - speed[last])
    frozen = (last - first >= FROZEN_RECORDS - 1) & (time[last] - time[first] >= FROZEN_TIME)
    span = time[after] - time[first]
    frozen &= (jump > BRAKING_LIMIT * step + JUMP) & (jump <= BRAKING_LIMIT * span + JUMP)
    stuck = np.zeros(len(time), bool)
    for a, b in zip(first[frozen], last[frozen], strict=True):
        stuck[a + 1 : b + 1] = True
    return stuck


@dataclass(frozen=True)
class Fresh:
    """Rows with news of a sensor, how often [s] it has news, and the least step of its value."""

    rows: ndarray
    period: float
    resolution: float


def fresh(time: ndarray, value: ndarray) -> Fresh:
    """The records that do not merely repeat a held value: a logger often writes a slow sensor's last value again."""
    step, sizes = float(np.median(np.diff(time))), np.abs(np.diff(value))
    resolution = float(np.quantile(sizes[sizes > 0], 0.02))
    changes = np.flatnonzero(sizes) + 1
    period = float(np.quantile(np.diff(time[changes]), 0.1)) if len(changes) >= LEAST_CHANGES else step
    if period < 2.5 * step:
        return Fresh(np.arange(len(time)), step, resolution)
    edge = np.zeros(len(time), bool)
    edge[changes] = True
    kept = [0]
    for i in range(1, len(time)):
        if edge[i] or time[i] - time[kept[-1]] >= 1.2 * period:
            kept.append(i)
    return Fresh(np.array(kept), period, resolution)


def crossings(series: Series) -> Series:
    """A coarsely stepped series by what it tells best: between two steps the true value lies half way.

    A value that stays for longer also counts while it stays. Other series are returned as they are.
    """
    first, last = _runs(series.value)
    if series.resolution < COARSE or len(first) < LEAST_CHANGES or len(series.value) < 2 * len(first):
        return series
    time, value = series.time, series.value
    steps = (time[first[1:]] + time[last[:-1]]) / 2, (value[first[1:]] + value[last[:-1]]) / 2
    since = time - time[np.repeat(first, last - first + 1)]
    until = time[np.repeat(last, last - first + 1)] - time
    stays = (
        (np.minimum(since, until) >= STAYING) | (np.arange(len(time)) == 0) | (np.arange(len(time)) == len(time) - 1)
    )
    times = np.concatenate([steps[0], time[stays]])
    rows = np.argsort(times, kind="stable")
    return Series(times[rows], np.concatenate([steps[1], value[stays]])[rows], series.period, series.resolution)


TESTS: dict[str, dict[str, Callable[[ndarray, ndarray, float], ndarray]]] = {
    "speed": {"spike": _spiky_speed, "frozen value": _frozen_before_jump, "drop-out": implausible},
    "acceleration": {"spike": _spiky_acceleration},
}


def lag_of(speed: Series, acceleration: Series) -> tuple[float, float]:
    """How late [s] speed is to acceleration, and their correlation then; 0 where they do not tell.

    The lag is where differentiated speed and acceleration, both smoothed alike and without their slow trend, agree best.
    """
    found = correlation(speed, acceleration)
    if found is None:
        return 0.0, np.nan
    lags, values = found
    at = int(np.argmax(values))
    if values[at] < LAG_CORRELATION or at in (0, len(lags) - 1):
        return 0.0, float(values[at])
    a, b, c = values[at - 1 : at + 2]
    shift = 0.5 * (a - c) / (a - 2 * b + c) if a - 2 * b + c < 0 else 0.0
    return float(lags[at] + shift * LAG_STEP), float(b)


def correlation(speed: Series, acceleration: Series) -> tuple[ndarray, ndarray] | None:
    """Lags [s] of speed and the correlation of its derivative with acceleration at each; None if too short."""
    start, end = max(speed.time[0], acceleration.time[0]), min(speed.time[-1], acceleration.time[-1])
    grid = np.arange(start, end, LAG_STEP)
    if len(grid) < 10 / LAG_STEP:
        return None
    width = max(int(max(1.0, 2 * speed.period) / LAG_STEP), 3)
    rate = np.gradient(uniform_filter1d(np.interp(grid, speed.time, speed.value), width), LAG_STEP)
    push = uniform_filter1d(np.interp(grid, acceleration.time, acceleration.value), width)
    there = _near(grid, speed.time, 3 * speed.period + 0.5) & _near(grid, acceleration.time, 1.0)
    rate, push = (np.where(there, x - uniform_filter1d(x, int(TREND / LAG_STEP)), 0.0) for x in (rate, push))
    norm = float(np.sqrt((rate @ rate) * (push @ push)))
    if norm == 0:
        return None
    lags = correlation_lags(len(grid), len(grid)) * LAG_STEP
    near = (lags >= LAG_RANGE[0]) & (lags <= LAG_RANGE[1])
    return lags[near], correlate(rate, push, method="fft")[near] / norm


def slope(speed: Series, acceleration: Series) -> float:
    """Size of differentiated speed relative to acceleration; 1 where both have their true units."""
    lag, _ = lag_of(speed, acceleration)
    grid = np.arange(
        max(speed.time[0] - lag, acceleration.time[0]), min(speed.time[-1] - lag, acceleration.time[-1]), 0.1
    )
    width = max(int(max(1.0, 2 * speed.period) / 0.1), 3)
    rate = np.gradient(uniform_filter1d(np.interp(grid, speed.time - lag, speed.value), width), 0.1)
    push = uniform_filter1d(np.interp(grid, acceleration.time, acceleration.value), width)
    rate, push = (x - uniform_filter1d(x, int(TREND / 0.1)) for x in (rate, push))
    return float(np.sqrt((rate @ rate) / max(push @ push, 1e-12)))


def without_frozen(speed: Series, acceleration: Series) -> tuple[Series, Series, int]:
    """Both series without runs of one exact value that the other contradicts, and how many records that cost."""
    pushed = _integral(acceleration)
    stuck = _contradicted(speed, lambda a, b: pushed(b) - pushed(a), min_time=1.0, own=False)
    stuck &= np.abs(speed.value) > 1.0
    moved = _interpolated(speed)
    still = _contradicted(acceleration, lambda a, b: moved(b) - moved(a), min_time=1.0, own=True)
    return _without(speed, stuck), _without(acceleration, still), int(stuck.sum() + still.sum())


def _contradicted(series: Series, other: _Change, *, min_time: float, own: bool) -> ndarray:
    first, last = _runs(series.value)
    long = (last - first >= FROZEN_RECORDS) & (series.time[last] - series.time[first] >= min_time)
    stuck = np.zeros(len(series.time), bool)
    for a, b in zip(first[long], last[long], strict=True):
        span = series.time[b] - series.time[a]
        expected = series.value[a] * span if own else 0.0
        if abs(other(series.time[a], series.time[b]) - expected) > FROZEN_SPEED + 0.3 * span:
            stuck[a + 1 : b + 1] = True
    return stuck


def _integral(series: Series) -> _Function:
    level = series.value - np.median(series.value)
    total = np.concatenate([[0], np.cumsum(np.diff(series.time) * (level[1:] + level[:-1]) / 2)])
    return lambda t: float(np.interp(t, series.time, total))


def _interpolated(series: Series) -> _Function:
    return lambda t: float(np.interp(t, series.time, series.value))


def _without(series: Series, rows: ndarray) -> Series:
    return Series(series.time[~rows], series.value[~rows], series.period, series.resolution)


def _shifted(series: Series, lag: float) -> Series:
    return Series(series.time - lag, series.value, series.period, series.resolution)


def _near(grid: ndarray, time: ndarray, reach: float) -> ndarray:
    """Where `grid` lies no further than `reach` from a record on both sides."""
    after = np.clip(np.searchsorted(time, grid), 1, len(time) - 1)
    return (time[after] - time[after - 1]) <= 2 * reach
