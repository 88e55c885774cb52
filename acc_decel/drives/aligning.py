"""Speed and acceleration together: the lag between them, their sizes, and values that one of them contradicts."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy import ndarray
from scipy.ndimage import uniform_filter1d
from scipy.signal import correlate, correlation_lags

from acc_decel.drives.series import Series, constant_runs, without

LAG_STEP_S, LAG_RANGE_S = 0.05, (-1.0, 3.5)
SLOPE_STEP_S = 0.1  # of the grid on which the sizes are compared
TREND_S = 30.0  # changes slower than this say nothing about a lag
MIN_OVERLAP_S = 10.0  # of speed and acceleration; a shorter one says nothing
MIN_LAG_CORRELATION = 0.4  # below it the lag is not known
CERTAIN_CORRELATION = 0.7  # from here on speed and acceleration are certainly of one drive
MAX_SIZE_RATIO = 3.0  # beyond it, or below its inverse, one of the units is wrong
MAX_DOUBT_RATIO = 1.2  # beyond it, or below its inverse, one of the two may be; pitch and grade explain less than this
MAX_PERIOD_S = 5.0  # between records; less often, nothing of a braking is seen
MAX_GRID_GAP_S = 60.0  # longer gaps are closed to this before a grid is laid over the recording
MAX_GRID_POINTS = 2_000_000  # a longer recording is compared over its first part, so that memory stays within bounds
MIN_FROZEN_RECORDS, MIN_FROZEN_S = 5, 1.0  # records, and time, with exactly one value
MIN_FROZEN_ERROR_MPS = 1.5  # by which a frozen channel contradicts the other

_ChangeBetween = Callable[[float, float], float]  # change of speed between two times


def lag_of(speed: Series, acceleration: Series) -> tuple[float, float]:
    """How late [s] speed is against acceleration, and their correlation then; a lag of 0 where it is not known.

    The correlation is 0 where the two have too little in common to be compared.

    The lag is where differentiated speed and acceleration, smoothed alike and without their slow trend, agree best.
    """
    lags_and_correlations = correlation(speed, acceleration)
    if lags_and_correlations is None:
        return 0.0, 0.0
    lags, values = lags_and_correlations
    best = int(np.argmax(values))
    if values[best] < MIN_LAG_CORRELATION or best in (0, len(lags) - 1):
        return 0.0, float(values[best])
    a, b, c = values[best - 1 : best + 2]  # the lag is refined to the vertex of a parabola through these three
    shift = 0.5 * (a - c) / (a - 2 * b + c) if a - 2 * b + c < 0 else 0.0
    return float(lags[best] + shift * LAG_STEP_S), float(b)


def correlation(speed: Series, acceleration: Series) -> tuple[ndarray, ndarray] | None:
    """Lags [s] of speed and the correlation of its derivative with acceleration at each; None if too short."""
    if max(speed.period, acceleration.period) > MAX_PERIOD_S:
        return None
    speed, acceleration = gaps_closed(speed, acceleration)
    start, end = max(speed.time[0], acceleration.time[0]), min(speed.time[-1], acceleration.time[-1])
    grid = _grid(start, end, LAG_STEP_S)
    if len(grid) < MIN_OVERLAP_S / LAG_STEP_S:
        return None
    width = max(int(max(1.0, 2 * speed.period) / LAG_STEP_S), 3)
    slope = np.gradient(uniform_filter1d(np.interp(grid, speed.time, speed.value), width), LAG_STEP_S)
    smooth = uniform_filter1d(np.interp(grid, acceleration.time, acceleration.value), width)
    recorded = _recorded(grid, speed) & _recorded(grid, acceleration)
    trend_points = int(TREND_S / LAG_STEP_S)
    slope, smooth = (np.where(recorded, x - uniform_filter1d(x, trend_points), 0.0) for x in (slope, smooth))
    norm = float(np.sqrt((slope @ slope) * (smooth @ smooth)))
    if norm == 0:
        return None
    lags = correlation_lags(len(grid), len(grid)) * LAG_STEP_S
    in_range = (lags >= LAG_RANGE_S[0]) & (lags <= LAG_RANGE_S[1])
    return lags[in_range], correlate(slope, smooth, method="fft")[in_range] / norm


def size_ratio(speed: Series, acceleration: Series) -> float:
    """Size of differentiated speed relative to acceleration; 1 where both have their true units."""
    lag, _ = lag_of(speed, acceleration)
    speed, acceleration = gaps_closed(speed, acceleration)
    start, end = max(speed.time[0] - lag, acceleration.time[0]), min(speed.time[-1] - lag, acceleration.time[-1])
    grid = _grid(start, end, SLOPE_STEP_S)
    if len(grid) < 2:
        return np.nan
    width = max(int(max(1.0, 2 * speed.period) / SLOPE_STEP_S), 3)
    slope = np.gradient(uniform_filter1d(np.interp(grid, speed.time - lag, speed.value), width), SLOPE_STEP_S)
    smooth = uniform_filter1d(np.interp(grid, acceleration.time, acceleration.value), width)
    recorded = _recorded(grid + lag, speed) & _recorded(grid, acceleration)
    slope, smooth = (_without_trend(x, recorded, int(TREND_S / SLOPE_STEP_S)) for x in (slope, smooth))
    return float(np.sqrt((slope @ slope) / max(smooth @ smooth, 1e-12)))


def gaps_closed(speed: Series, acceleration: Series) -> tuple[Series, Series]:
    """Both series with the gaps that they share shortened alike: a grid over them is as long as what they hold."""
    time = np.sort(np.concatenate([speed.time, acceleration.time]))
    excess = np.maximum(np.diff(time) - MAX_GRID_GAP_S, 0.0)
    if not excess.any():
        return speed, acceleration
    closed = np.concatenate([[0.0], np.cumsum(excess)])
    moved = (replace(s, time=s.time - closed[np.searchsorted(time, s.time)]) for s in (speed, acceleration))
    return next(moved), next(moved)


def _grid(start: float, end: float, step: float) -> ndarray:
    """Times from start to end, but no more than MAX_GRID_POINTS."""
    return np.arange(start, min(end, start + MAX_GRID_POINTS * step), step)


def contradiction(speed: Series, acceleration: Series) -> str:
    """What speaks against the two being of one car in their units, in words; "" if nothing does."""
    lags_and_correlations = correlation(speed, acceleration)
    if lags_and_correlations is None:
        return ""
    values = lags_and_correlations[1]
    lowest, highest = float(values.min()), float(values.max())
    if lowest < -CERTAIN_CORRELATION and -lowest > highest:
        return f"acceleration falls where speed rises (r = {lowest:.2f}): change its sign"
    ratio = size_ratio(speed, acceleration)
    if highest > CERTAIN_CORRELATION and not 1 / MAX_SIZE_RATIO < ratio < MAX_SIZE_RATIO:
        return f"speed changes {ratio:.2g} times as fast as acceleration says: check both units"
    return ""


def doubt(speed: Series, acceleration: Series) -> str:
    """By how much speed and acceleration differ in size where noise does not explain it, in words; "" if they agree.

    The slope of one against the other lies between r * ratio and ratio / r, as the noise is in the one or in the other.
    """
    lags_and_correlations = correlation(speed, acceleration)
    if lags_and_correlations is None:
        return ""
    r, ratio = float(lags_and_correlations[1].max()), size_ratio(speed, acceleration)
    if r < MIN_LAG_CORRELATION or (ratio / r >= 1 / MAX_DOUBT_RATIO and r * ratio <= MAX_DOUBT_RATIO):
        return ""
    return f"speed changes {ratio:.2f} times as fast as acceleration says: check the units and the scale of both"


def without_frozen(speed: Series, acceleration: Series) -> tuple[Series, Series, int]:
    """Both series without runs of exactly one value that the other contradicts, and the number of records dropped."""
    gained = _integral(acceleration)
    frozen_speed = _contradicted(speed, lambda a, b: gained(b) - gained(a), is_acceleration=False)
    frozen_speed &= np.abs(speed.value) > 1.0

    def speed_change(a: float, b: float) -> float:
        return float(np.interp(b, speed.time, speed.value)) - float(np.interp(a, speed.time, speed.value))

    frozen_acceleration = _contradicted(acceleration, speed_change, is_acceleration=True)
    dropped = int(frozen_speed.sum() + frozen_acceleration.sum())
    return without(speed, frozen_speed), without(acceleration, frozen_acceleration), dropped


def _contradicted(series: Series, other_change: _ChangeBetween, *, is_acceleration: bool) -> ndarray:
    """Records of runs of one value during which speed changes, by the other series, as this value excludes."""
    first, last = constant_runs(series.value)
    long = (last - first >= MIN_FROZEN_RECORDS - 1) & (series.time[last] - series.time[first] >= MIN_FROZEN_S)
    frozen = np.zeros(len(series.time), bool)
    for a, b in zip(first[long], last[long], strict=True):
        duration = series.time[b] - series.time[a]
        expected = series.value[a] * duration if is_acceleration else 0.0
        error = abs(other_change(series.time[a], series.time[b]) - expected)
        if error > MIN_FROZEN_ERROR_MPS + 0.3 * duration:
            frozen[a + 1 : b + 1] = True
    return frozen


def _integral(acceleration: Series) -> Callable[[float], float]:
    """Speed gained [m/s] until a time, the sensor's bias taken as the median."""
    level = acceleration.value - np.median(acceleration.value)
    total = np.concatenate([[0], np.cumsum(np.diff(acceleration.time) * (level[1:] + level[:-1]) / 2)])
    return lambda t: float(np.interp(t, acceleration.time, total))


def _without_trend(value: ndarray, recorded: ndarray, points: int) -> ndarray:
    """The value less its running mean over what is recorded; 0 where it is not."""
    share = np.maximum(uniform_filter1d(recorded.astype(float), points), 1 / points)
    return np.where(recorded, value - uniform_filter1d(np.where(recorded, value, 0.0), points) / share, 0.0)


def _recorded(grid: ndarray, series: Series) -> ndarray:
    """Where the two records around a point of `grid` are so near that the values between them are known."""
    after = np.clip(np.searchsorted(series.time, grid), 1, len(series.time) - 1)
    return (series.time[after] - series.time[after - 1]) <= 6 * series.period + 1.0
