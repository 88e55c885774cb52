"""Speed and acceleration together: how late one is to the other, their sizes, and values that one of them disproves."""

from collections.abc import Callable

import numpy as np
from numpy import ndarray
from scipy.ndimage import uniform_filter1d
from scipy.signal import correlate, correlation_lags

from acc_decel.drives.series import Series, constant_runs, without

FROZEN_RECORDS, FROZEN_TIME = 5, 1.0  # exactly the same value so often and so long [s]
FROZEN_SPEED = 1.5  # [m/s] by which a frozen channel contradicts the other
LAG_STEP, LAG_RANGE = 0.05, (-1.0, 3.5)  # [s]
CERTAIN = 0.7  # correlation that leaves no doubt that speed and acceleration are of one drive
WRONG_UNIT = 3.0  # times too great or too small
LAG_CORRELATION = 0.4  # least correlation that tells a lag
TREND = 30.0  # [s] slower changes tell nothing of a lag

_Function = Callable[[float], float]
_Change = Callable[[float, float], float]


def lag_of(speed: Series, acceleration: Series) -> tuple[float, float]:
    """How late [s] speed is to acceleration, and their correlation then; 0 where they do not tell.

    The lag is where differentiated speed and acceleration, smoothed alike and without their slow trend, agree best.
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


def contradiction(speed: Series, acceleration: Series) -> str:
    """What speaks against the two being of one car in their units, in words; nothing if nothing does."""
    found = correlation(speed, acceleration)
    if found is None:
        return ""
    least, most = float(found[1].min()), float(found[1].max())
    if least < -CERTAIN and -least > most:
        return f"acceleration falls where speed gains (r = {least:.2f}): turn its sign"
    size = slope(speed, acceleration)
    if most > CERTAIN and not 1 / WRONG_UNIT < size < WRONG_UNIT:
        return f"speed changes {size:.2g} times as fast as acceleration says: check both units"
    return ""


def without_frozen(speed: Series, acceleration: Series) -> tuple[Series, Series, int]:
    """Both series without runs of one exact value that the other contradicts, and how many records that cost."""
    pushed = _integral(acceleration)
    stuck = _contradicted(speed, lambda a, b: pushed(b) - pushed(a), own=False)
    stuck &= np.abs(speed.value) > 1.0
    moved = _interpolated(speed)
    still = _contradicted(acceleration, lambda a, b: moved(b) - moved(a), own=True)
    return without(speed, stuck), without(acceleration, still), int(stuck.sum() + still.sum())


def _contradicted(series: Series, other: _Change, *, own: bool) -> ndarray:
    first, last = constant_runs(series.value)
    long = (last - first >= FROZEN_RECORDS - 1) & (series.time[last] - series.time[first] >= FROZEN_TIME)
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


def _near(grid: ndarray, time: ndarray, reach: float) -> ndarray:
    """Where `grid` lies no further than `reach` from a record on both sides."""
    after = np.clip(np.searchsorted(time, grid), 1, len(time) - 1)
    return (time[after] - time[after - 1]) <= 2 * reach
