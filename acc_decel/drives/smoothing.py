"""Cleaned series to motion: speed, acceleration and the accelerometer's bias on one grid, by robust least squares.

The state at each grid point is speed v, acceleration a and bias b (offset of the sensor, and the road's grade in it).
Speed changes by the mean acceleration of a step. Acceleration is a random walk whose rare large steps cost little
(Student's t), because brakes act at once. Bias is a slow random walk. Speed measures v, the accelerometer a + b.
Weighted least squares, repeated with weights that follow the residuals, is a smoother that outliers do not move.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy import ndarray
from scipy.linalg import solveh_banded

from acc_decel.drives.aligning import MAX_PERIOD_S
from acc_decel.drives.cleaning import CleanDrive
from acc_decel.drives.series import Series

STEP_S, SLOW_STEP_S = 0.05, 0.1  # of the grid; the longer one if no channel is faster than MIN_FAST_RATE_HZ
MIN_FAST_RATE_HZ = 6.0
MAX_GAP_S, MAX_BRIDGED_GAP_S = 4.0, 15.0  # without speed, alone and with an accelerometer; longer, the drive is cut
BLOCK_POINTS, OVERLAP_POINTS = 24_000, 400  # of the grid: solved at once, and shared by neighbouring blocks
ROUNDS = 5  # of reweighting
SENSOR_FREEDOM, WALK_FREEDOM = 4.0, 1.0  # degrees of freedom of Student's t
KINEMATIC_NOISE_MPS = 1e-3  # how exactly speed is the integral of acceleration
BIAS_WALK, FAST_BIAS_WALK = 0.03, 0.2  # [m/s^2 per sqrt(s)]; the latter where speed is fast enough to separate the
# pitch of the braking car, which tilts the accelerometer, from its acceleration
MAX_FAST_PERIOD_S = 0.2  # between records of such a speed
MIN_SPARSE_PERIOD_S = 0.35  # a braking is a few records of a speed that comes less often
CALM_SHARE = 0.25  # of a braking's deceleration, that is none
CERTAIN_LOSS_SCORE = 5.0  # standard deviations of the difference of two records, beyond which it is no noise
OUTLIER_SCORE = 6.0  # standard deviations from the smooth motion, and at least ...
MIN_OUTLIER_MPS, MIN_OUTLIER_MPS2 = 0.5, 1.5  # ... this much in speed and in acceleration
SPEED_NOISE_MPS, ACCELERATION_NOISE_MPS2 = (0.03, 1.0), (0.15, 1.5)  # minimum and maximum standard deviation
NO_PIECE = "must hold a second of speed without a gap. Got only single records: record longer."
COASTING_WEIGHT = 1e-4  # of no acceleration, [s^4/m^2]; without a measurement the car coasts
WALK, SPEED_ONLY_WALK = 0.4, 0.3  # [m/s^2 per sqrt(s)] of the acceleration

Weights = tuple[ndarray, ndarray | None, ndarray]  # of speed, acceleration, walk
Solution = tuple[ndarray, ndarray, float]


@dataclass(frozen=True)
class Motion:
    """Motion on a regular grid between two gaps. `record_distance` [s]: from the nearest record of speed.

    `least_peak` [m/s^2]: where speed comes rarely, the speed lost between two records over their time, which no peak
    there can be below; without points elsewhere. Without a record of speed (`has_speed` False) `speed` counts from an
    unknown one, so that only its differences say something.
    """

    time: ndarray
    speed: ndarray
    acceleration: ndarray
    bias: ndarray
    record_distance: ndarray
    outliers: int = 0  # records far from the smooth motion
    least_peak: ndarray = field(default_factory=lambda: np.zeros(0))
    has_speed: bool = True

    def peak(self, rows: slice) -> float:
        """The greatest deceleration [m/s^2] in these rows, at least what two records show."""
        bound = float(self.least_peak[rows].max(initial=0.0))
        return max(float(-self.acceleration[rows].min()), bound)


@dataclass(frozen=True)
class Noise:
    """Standard deviations of the sensors, and the walks of acceleration and bias."""

    speed: float
    acceleration: float
    walk: float
    bias_walk: float


def estimate_motion(clean: CleanDrive) -> list[Motion]:
    """The drive's motion, one piece between each two gaps."""
    series = [clean.speed] + ([clean.acceleration] if clean.acceleration else [])
    step = STEP_S if min(s.period for s in series) < 1 / MIN_FAST_RATE_HZ else SLOW_STEP_S
    return [_piece(clean, start, end, step) for start, end in spans(clean) if end - start >= 10 * step]


def spans(clean: CleanDrive) -> list[tuple[float, float]]:
    """Start and end [s] of the parts of the drive without a gap in speed."""
    time = clean.speed.time
    bridged = clean.acceleration is not None and np.diff(clean.acceleration.time).max() < MAX_GAP_S
    max_gap = MAX_BRIDGED_GAP_S if bridged else MAX_GAP_S
    cuts = np.flatnonzero(np.diff(time) > max_gap + 2 * min(clean.speed.period, MAX_PERIOD_S))
    edges = [(float(time[a]), float(time[b])) for a, b in zip([0, *(cuts + 1)], [*cuts, len(time) - 1], strict=True)]
    return [edge for edge in edges if edge[1] > edge[0]]


def _piece(clean: CleanDrive, start: float, end: float, step: float) -> Motion:
    grid = start + step * np.arange(int((end - start) / step) + 2)
    states, outliers, max_noise = in_blocks(grid, lambda part: _solve(clean, part, step))
    speed, acceleration, bias = states.T
    bound = _least_peak(clean.speed, grid, speed, max_noise) if _is_sparse(clean) else np.zeros(0)
    return Motion(grid, speed, acceleration, bias, _distance(grid, clean.speed.time), outliers, bound)


def in_blocks(grid: ndarray, solve: Callable[[ndarray], Solution]) -> tuple[ndarray, int, float]:
    """The states on the whole grid, points x 3, the number of outliers, and the greatest noise, from blocks of it.

    `solve` gives the states on a part of the grid, the times of records far off them, and the noise of speed [m/s].
    """
    states, outliers, max_noise = np.empty((len(grid), 3)), 0, 0.0
    for first in range(0, len(grid), BLOCK_POINTS):
        a, b = max(0, first - OVERLAP_POINTS), min(len(grid), first + BLOCK_POINTS + OVERLAP_POINTS)
        state, outlier_times, noise = solve(grid[a:b])
        max_noise = max(max_noise, noise)
        last = min(first + BLOCK_POINTS, len(grid))
        outliers += int(((outlier_times >= grid[first]) & (outlier_times <= grid[last - 1])).sum())
        states[first:last] = state[first - a : last - a]
    return states, outliers, max_noise


def _is_sparse(clean: CleanDrive) -> bool:
    return clean.acceleration is None and clean.speed.period > MIN_SPARSE_PERIOD_S


def _least_peak(speed: Series, grid: ndarray, smooth: ndarray, noise: float) -> ndarray:
    """On the grid, the deceleration [m/s^2] that two records next to each other show; 0 where it may be noise."""
    near = np.abs(speed.value - np.interp(speed.time, grid, smooth)) <= max(OUTLIER_SCORE * noise, MIN_OUTLIER_MPS)
    time, value = speed.time[near], speed.value[near]
    if len(time) < 2:
        return np.zeros(len(grid))
    lost, steps = -np.diff(value), np.diff(time)
    is_certain = (lost > CERTAIN_LOSS_SCORE * np.sqrt(2) * noise) & (steps <= MAX_GAP_S)
    rate = np.where(is_certain, lost / steps, 0.0)
    rate = np.maximum(rate, _over_two(rate, steps))
    after = np.searchsorted(time, grid)
    inside = (after > 0) & (after < len(time))
    between = np.clip(after, 1, len(time) - 1) - 1
    return np.where(inside, rate[between], 0.0)


def _over_two(rate: ndarray, steps: ndarray) -> ndarray:
    """Deceleration [m/s^2] of a short braking over two steps between calm ones; 0 for other steps.

    It fills part of both steps, three quarters of their time on average.
    """
    likely = np.zeros(len(rate))
    if len(rate) < 4:
        return likely
    before, first, second, after = rate[:-3], rate[1:-2], rate[2:-1], rate[3:]
    lone = (np.minimum(first, second) > 0) & (np.maximum(before, after) <= CALM_SHARE * np.minimum(first, second))
    mean = np.where(lone, (first * steps[1:-2] + second * steps[2:-1]) / (0.75 * (steps[1:-2] + steps[2:-1])), 0.0)
    likely[1:-2], likely[2:-1] = mean, np.maximum(likely[2:-1], mean)
    return likely


def _solve(clean: CleanDrive, grid: ndarray, step: float) -> tuple[ndarray, ndarray, float]:
    """State at each point of `grid`, points x 3, the times of records far off it, and the noise of speed [m/s]."""
    speed = within(clean.speed, grid)
    acceleration = within(clean.acceleration, grid) if clean.acceleration is not None else None
    noise = Noise(
        speed=max(clean.speed.resolution / 3, 0.1),
        acceleration=0.4,
        walk=WALK if acceleration else SPEED_ONLY_WALK,
        bias_walk=FAST_BIAS_WALK if clean.speed.period < MAX_FAST_PERIOD_S else BIAS_WALK,
    )
    weights = _equal_weights(len(grid), speed, acceleration)
    state = np.zeros((len(grid), 3))
    for _ in range(ROUNDS):
        state = least_squares(grid, step, speed, acceleration, noise, weights)
        noise, weights = _reweighted(state, grid, step, speed, acceleration, noise)
        if _is_sparse(clean):
            weights = (_lone_weights(speed, grid, state, noise.speed), *weights[1:])
    outlier_times = [times_of_outliers(speed, grid, state[:, 0], noise.speed, MIN_OUTLIER_MPS)]
    if acceleration is not None:
        measured = state[:, 1] + state[:, 2]
        outlier_times.append(times_of_outliers(acceleration, grid, measured, noise.acceleration, MIN_OUTLIER_MPS2))
    return state, np.unique(np.concatenate(outlier_times)), noise.speed


def _lone_weights(speed: Series, grid: ndarray, state: ndarray, noise: float) -> ndarray:
    """Weights of rare records: small only for one that is off the motion and off both of its neighbours to one side.

    A braking of a second is off the smooth motion in one or two records, but they lead from one speed to another.
    """
    value = speed.value
    residual = np.abs(value - np.interp(speed.time, grid, state[:, 0]))
    before, after = np.diff(value, prepend=value[:1]), np.diff(value[::-1], prepend=value[-1:])[::-1]
    lone = np.where(before * after > 0, np.minimum(np.abs(before), np.abs(after)), 0.0)
    return student_weights(np.minimum(residual, lone) / noise, SENSOR_FREEDOM)


def times_of_outliers(series: Series, grid: ndarray, smooth: ndarray, noise: float, min_residual: float) -> ndarray:
    """Times [s] of the records that are far off the smooth motion."""
    residual = np.abs(series.value - np.interp(series.time, grid, smooth))
    return series.time[residual > max(OUTLIER_SCORE * noise, min_residual)]


def _equal_weights(points: int, speed: Series, acceleration: Series | None) -> Weights:
    return (
        np.ones(len(speed.time)),
        None if acceleration is None else np.ones(len(acceleration.time)),
        np.ones(points - 1),
    )


def _reweighted(
    state: ndarray, grid: ndarray, step: float, speed: Series, acceleration: Series | None, noise: Noise
) -> tuple[Noise, Weights]:
    """Noise as the residuals show it, and the weights of Student's t: large residuals count less."""
    residual = speed.value - np.interp(speed.time, grid, state[:, 0])
    min_noise = max(SPEED_NOISE_MPS[0], speed.resolution / 3)
    speed_noise = standard_deviation(residual, min_noise, max(SPEED_NOISE_MPS[1], min_noise))
    walk_score = np.diff(state[:, 1]) / (noise.walk * np.sqrt(step))
    acceleration_weights, acceleration_noise = None, noise.acceleration
    if acceleration is not None:
        measured = np.interp(acceleration.time, grid, state[:, 1] + state[:, 2])
        acceleration_residual = acceleration.value - measured
        acceleration_noise = standard_deviation(acceleration_residual, *ACCELERATION_NOISE_MPS2)
        acceleration_weights = student_weights(acceleration_residual / acceleration_noise, SENSOR_FREEDOM)
    noise = replace(noise, speed=speed_noise, acceleration=acceleration_noise)
    speed_weights = student_weights(residual / speed_noise, SENSOR_FREEDOM)
    return noise, (speed_weights, acceleration_weights, student_weights(walk_score, WALK_FREEDOM))


def standard_deviation(residual: ndarray, low: float, high: float) -> float:
    """Robust, from the median of the absolute residuals, within `low` and `high`."""
    return float(np.clip(1.4826 * np.median(np.abs(residual)) if len(residual) else low, low, high))


def student_weights(score: ndarray, freedom: float) -> ndarray:
    """Weights of residuals in standard deviations, by Student's t of `freedom` degrees: large ones count less."""
    return (freedom + 1) / (freedom + score**2)


def least_squares(
    grid: ndarray,
    step: float,
    speed: Series,
    acceleration: Series | None,
    noise: Noise,
    weights: Weights,
    bias_weight: ndarray | float = 1.0,
    coasting_weight: ndarray | float = COASTING_WEIGHT,
) -> ndarray:
    """The states, points x 3, from banded normal equations. Unknown 3 k + j is entry j (v, a, b) at point k."""
    points = len(grid)
    bands, right = np.zeros((6, 3 * points)), np.zeros(3 * points)
    k = np.arange(points - 1)
    kinematic = np.full(points - 1, KINEMATIC_NOISE_MPS**-2)
    _add(bands, 3 * k, ((0, -1.0), (1, -step / 2), (3, 1.0), (4, -step / 2)), kinematic)
    _add(bands, 3 * k, ((1, -1.0), (4, 1.0)), weights[2] / (noise.walk**2 * step))
    _add(bands, 3 * k, ((2, -1.0), (5, 1.0)), np.full(points - 1, bias_weight / (noise.bias_walk**2 * step)))
    _add(bands, 3 * np.arange(points), ((1, 1.0),), np.full(points, coasting_weight))
    _add(bands, 3 * np.arange(points), ((2, 1.0),), np.full(points, 1e-4))
    _add_measurements(bands, right, grid, step, speed, weights[0] / noise.speed**2, (0,))
    if acceleration is not None and weights[1] is not None:
        _add_measurements(bands, right, grid, step, acceleration, weights[1] / noise.acceleration**2, (1, 2))
    return solveh_banded(bands, right, lower=True, check_finite=False).reshape(points, 3)


def _add(bands: ndarray, at: ndarray, terms: tuple[tuple[int, float], ...], weight: ndarray) -> None:
    """Add weight * (sum of coefficient * unknown)^2 for equations that start at the unknowns `at`."""
    for i, ci in terms:
        for j, cj in terms:
            if i >= j:
                bands[i - j, at + j] += weight * (ci * cj)


def _add_measurements(
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


def within(series: Series, grid: ndarray) -> Series:
    """The part of a series between the ends of the grid."""
    rows = slice(*np.searchsorted(series.time, (grid[0], grid[-1])))
    return Series(series.time[rows], series.value[rows], series.period, series.resolution)


def _distance(grid: ndarray, time: ndarray) -> ndarray:
    """Distance of each point of `grid` from the nearest of the times."""
    after = np.clip(np.searchsorted(time, grid), 1, len(time) - 1)
    return np.minimum(np.abs(grid - time[after - 1]), np.abs(time[after] - grid))
