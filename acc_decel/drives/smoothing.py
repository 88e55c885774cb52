"""Cleaned series to motion: speed, acceleration and the accelerometer's bias on one grid, by robust least squares.

The state at each grid point is speed v, acceleration a and bias b (offset of the sensor and grade leaking into it).
Speed changes by the mean acceleration of a step; acceleration is a random walk whose rare great steps are cheap
(Student's t), so that brakes may bite at once; bias a slow random walk. Speed measures v, the accelerometer a + b.
Weighted least squares with weights that follow the residuals: a fixed-interval smoother that outliers do not move.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy import ndarray
from scipy.linalg import solveh_banded

from acc_decel.drives.cleaning import Clean
from acc_decel.drives.series import Series

STEP, SLOW_STEP = 0.05, 0.1  # [s] of the grid; the longer one if no channel has news at SLOW_RATE
SLOW_RATE = 6.0  # [Hz]
GAP, BRIDGED_GAP = 4.0, 15.0  # [s] without speed, alone and with an accelerometer: the drive is cut there
BLOCK, OVERLAP = 24_000, 400  # grid points solved at once, and shared by neighbours
ROUNDS = 5  # of reweighting
FREEDOM, WALK_FREEDOM = 4.0, 1.0  # of Student's t for the sensors and for the steps of the acceleration
KINEMATIC = 1e-3  # [m/s] how exactly speed is the integral of acceleration
BIAS_WALK, BIAS_WALK_FAST = 0.03, 0.2  # [m/s^2 per sqrt(s)]; the latter where speed is fast enough to follow the
# nose that dives with the brakes and tilts the accelerometer
FAST = 0.2  # [s] between records of speed
OUTLIER = 6.0  # standard deviations from the smooth motion, and at least ...
OUTLIER_SPEED, OUTLIER_ACCELERATION = 0.5, 1.5  # ... so much [m/s], [m/s^2]
SPEED_NOISE, ACCELERATION_NOISE = (0.03, 1.0), (0.15, 1.5)  # least and greatest standard deviations
WALK, WALK_SPEED_ONLY = 0.4, 0.3  # [m/s^2 per sqrt(s)] of the acceleration


@dataclass(frozen=True)
class Motion:
    """Motion on a regular grid between two gaps. `seen` [s]: distance to the nearest record of speed."""

    time: ndarray
    speed: ndarray
    acceleration: ndarray
    bias: ndarray
    seen: ndarray
    outliers: int = 0  # records that the motion disowns


@dataclass(frozen=True)
class Noise:
    """Standard deviations of the sensors, and the walk of the acceleration."""

    speed: float
    acceleration: float
    walk: float
    bias_walk: float


def motion(clean: Clean) -> list[Motion]:
    """The drive's motion, one piece between each two gaps."""
    series = [clean.speed] + ([clean.acceleration] if clean.acceleration else [])
    step = STEP if min(s.period for s in series) < 1 / SLOW_RATE else SLOW_STEP
    return [_piece(clean, start, end, step) for start, end in stretches(clean) if end - start >= 10 * step]


def stretches(clean: Clean) -> list[tuple[float, float]]:
    """Start and end [s] of the stretches where speed is known."""
    time = clean.speed.time
    bridged = clean.acceleration is not None and np.diff(clean.acceleration.time).max() < GAP
    cuts = np.flatnonzero(np.diff(time) > (BRIDGED_GAP if bridged else GAP) + 2 * clean.speed.period)
    edges = [(float(time[a]), float(time[b])) for a, b in zip([0, *(cuts + 1)], [*cuts, len(time) - 1], strict=True)]
    return [edge for edge in edges if edge[1] > edge[0]]


def _piece(clean: Clean, start: float, end: float, step: float) -> Motion:
    grid = start + step * np.arange(int((end - start) / step) + 2)
    solved, outliers = np.empty((len(grid), 3)), 0
    for first in range(0, len(grid), BLOCK):
        a, b = max(0, first - OVERLAP), min(len(grid), first + BLOCK + OVERLAP)
        part, disowned = _solved(clean, grid[a:b], step)
        last = min(first + BLOCK, len(grid))
        outliers += int(((disowned >= grid[first]) & (disowned <= grid[last - 1])).sum())
        solved[first:last] = part[first - a : last - a]
    speed, acceleration, bias = solved.T
    return Motion(grid, speed, acceleration, bias, _distance(grid, clean.speed.time), outliers)


def _solved(clean: Clean, grid: ndarray, step: float) -> tuple[ndarray, ndarray]:
    """State at each point of `grid`, points x 3, and the times of records far off it."""
    speed, acceleration = _within(clean.speed, grid), None
    if clean.acceleration is not None:
        acceleration = _within(clean.acceleration, grid)
    noise = Noise(
        max(clean.speed.resolution / 3, 0.1),
        0.4,
        WALK if acceleration else WALK_SPEED_ONLY,
        BIAS_WALK_FAST if clean.speed.period < FAST else BIAS_WALK,
    )
    weights = _even(len(grid), speed, acceleration)
    state = np.zeros((len(grid), 3))
    for _ in range(ROUNDS):
        state = _least_squares(grid, step, speed, acceleration, noise, weights)
        noise, weights = _reweighted(state, grid, step, speed, acceleration, noise, clean)
    disowned = [_outliers(speed, grid, state[:, 0], noise.speed, OUTLIER_SPEED)]
    if acceleration is not None:
        felt = state[:, 1] + state[:, 2]
        disowned.append(_outliers(acceleration, grid, felt, noise.acceleration, OUTLIER_ACCELERATION))
    return state, np.unique(np.concatenate(disowned))


def _outliers(series: Series, grid: ndarray, smooth: ndarray, noise: float, least: float) -> ndarray:
    off = np.abs(series.value - np.interp(series.time, grid, smooth))
    return series.time[off > max(OUTLIER * noise, least)]


Weights = tuple[ndarray, ndarray | None, ndarray]  # of speed, acceleration, walk


def _even(points: int, speed: Series, acceleration: Series | None) -> Weights:
    return (
        np.ones(len(speed.time)),
        None if acceleration is None else np.ones(len(acceleration.time)),
        np.ones(points - 1),
    )


def _reweighted(
    state: ndarray,
    grid: ndarray,
    step: float,
    speed: Series,
    acceleration: Series | None,
    noise: Noise,
    clean: Clean,
) -> tuple[Noise, Weights]:
    off = speed.value - np.interp(speed.time, grid, state[:, 0])
    least = max(SPEED_NOISE[0], clean.speed.resolution / 3)
    speed_noise = _scale(off, least, max(SPEED_NOISE[1], least))
    walked = np.diff(state[:, 1]) / (noise.walk * np.sqrt(step))
    pushed, pushed_noise = None, noise.acceleration
    if acceleration is not None:
        miss = acceleration.value - np.interp(acceleration.time, grid, state[:, 1] + state[:, 2])
        pushed_noise = _scale(miss, *ACCELERATION_NOISE)
        pushed = _student(miss / pushed_noise)
    noise = replace(noise, speed=speed_noise, acceleration=pushed_noise)
    return noise, (_student(off / speed_noise), pushed, _student(walked, WALK_FREEDOM))


def _scale(off: ndarray, least: float, greatest: float) -> float:
    return float(np.clip(1.4826 * np.median(np.abs(off)) if len(off) else least, least, greatest))


def _student(score: ndarray, freedom: float = FREEDOM) -> ndarray:
    return (freedom + 1) / (freedom + score**2)


def _least_squares(
    grid: ndarray, step: float, speed: Series, acceleration: Series | None, noise: Noise, weights: Weights
) -> ndarray:
    """The banded normal equations of all states, solved. Unknown 3 k + j is entry j (v, a, b) at point k."""
    points = len(grid)
    bands, right = np.zeros((6, 3 * points)), np.zeros(3 * points)
    k = np.arange(points - 1)
    kinematic = np.full(points - 1, KINEMATIC**-2)
    _add(bands, 3 * k, ((0, -1.0), (1, -step / 2), (3, 1.0), (4, -step / 2)), kinematic)
    _add(bands, 3 * k, ((1, -1.0), (4, 1.0)), weights[2] / (noise.walk**2 * step))
    _add(bands, 3 * k, ((2, -1.0), (5, 1.0)), np.full(points - 1, 1 / (noise.bias_walk**2 * step)))
    _add(bands, 3 * np.arange(points), ((1, 1.0),), np.full(points, 1e-4))  # nothing measured: coast
    _add(bands, 3 * np.arange(points), ((2, 1.0),), np.full(points, 1e-4))
    _measure(bands, right, grid, step, speed, weights[0] / noise.speed**2, (0,))
    if acceleration is not None and weights[1] is not None:
        _measure(bands, right, grid, step, acceleration, weights[1] / noise.acceleration**2, (1, 2))
    return solveh_banded(bands, right, lower=True, check_finite=False).reshape(points, 3)


def _add(bands: ndarray, at: ndarray, terms: tuple[tuple[int, float], ...], weight: ndarray) -> None:
    """Add weight * (sum of coefficient * unknown)^2 for equations that start at the unknowns `at`."""
    for i, ci in terms:
        for j, cj in terms:
            if i >= j:
                bands[i - j, at + j] += weight * (ci * cj)


def _measure(
    bands: ndarray,
    right: ndarray,
    grid: ndarray,
    step: float,
    series: Series,
    weight: ndarray,
    entries: tuple[int, ...],
) -> None:
    """Add measurements of the sum of `entries`, interpolated between the two points around each record."""
    place = (series.time - grid[0]) / step
    k = np.clip(place.astype(int), 0, len(grid) - 2)
    share = np.clip(place - k, 0, 1)
    terms = [(e, 1 - share) for e in entries] + [(3 + e, share) for e in entries]
    for i, ci in terms:
        right += np.bincount(3 * k + i, weight * ci * series.value, len(right))
        for j, cj in terms:
            if i >= j:
                bands[i - j] += np.bincount(3 * k + j, weight * ci * cj, bands.shape[1])


def _within(series: Series, grid: ndarray) -> Series:
    rows = slice(*np.searchsorted(series.time, (grid[0], grid[-1])))
    return Series(series.time[rows], series.value[rows], series.period, series.resolution)


def _distance(grid: ndarray, time: ndarray) -> ndarray:
    after = np.clip(np.searchsorted(time, grid), 1, len(time) - 1)
    return np.minimum(np.abs(grid - time[after - 1]), np.abs(time[after] - grid))
