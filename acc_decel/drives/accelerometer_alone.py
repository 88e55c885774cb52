"""Cleaned acceleration to motion where no speed was recorded: acceleration, and the sensor's bias taken out of it.

State, random walks and robust least squares are those of `smoothing`. In place of records of speed stands what is known
of any car: its speed stays near a middle one, and most of the time it neither gains nor loses much (Student's t, so
that a braking costs little). An offset of the sensor, the share of gravity by its mounting and by the road's grade, and
drift break both rules, so they go into the bias. The bias may step, too, as where a phone slips in its holder.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy import ndarray

from acc_decel.drives.cleaning import CleanDrive
from acc_decel.drives.series import Series
from acc_decel.drives.smoothing import (
    ACCELERATION_NOISE_MPS2,
    COASTING_WEIGHT,
    MIN_FAST_RATE_HZ,
    MIN_OUTLIER_MPS2,
    ROUNDS,
    SENSOR_FREEDOM,
    SLOW_STEP_S,
    STEP_S,
    WALK,
    WALK_FREEDOM,
    Motion,
    Noise,
    in_blocks,
    least_squares,
    standard_deviation,
    student_weights,
    times_of_outliers,
    within,
)

SPEED_SPREAD_MPS, SPEED_MEMORY_S = 12.0, 20.0  # standard deviation of a car's speed, and how long it stays about so
CALM_MPS2, CALM_MEMORY_S = 0.3, 2.0  # the same of the acceleration of a car that neither gains nor loses much
ALONE_BIAS_WALK = 0.07  # [m/s^2 per sqrt(s)]; follows the grade of a hilly road
MAX_ALONE_GAP_S = 2.0  # between records of acceleration; over a longer gap nothing is known
MIN_PIECE_S = 2.0
NO_ACCELERATION_PIECE = (
    f"must hold {MIN_PIECE_S:g} s of acceleration without a gap, as it has no speed. Got shorter pieces: record longer."
)


@dataclass(frozen=True)
class _Weights:
    """Of the records, of the steps of acceleration and bias, and of a car that neither gains nor loses speed."""

    records: ndarray
    walk: ndarray
    bias_walk: ndarray
    coasting: ndarray


def motion_without_speed(clean: CleanDrive) -> list[Motion]:
    """The motion of a drive without speed, one piece between each two gaps of its accelerometer."""
    series = clean.acceleration
    if series is None:
        raise ValueError("a drive must have a speed or an acceleration. Got neither: describe one.")
    step = STEP_S if series.period < 1 / MIN_FAST_RATE_HZ else SLOW_STEP_S
    cuts = np.flatnonzero(np.diff(series.time) > max(MAX_ALONE_GAP_S, 4 * series.period))
    firsts, lasts = [0, *(cuts + 1)], [*cuts, len(series.time) - 1]
    edges = [(float(series.time[a]), float(series.time[b])) for a, b in zip(firsts, lasts, strict=True)]
    return [_piece(series, start, end, step) for start, end in edges if end - start >= MIN_PIECE_S]


def _piece(series: Series, start: float, end: float, step: float) -> Motion:
    grid = start + step * np.arange(int((end - start) / step) + 1)
    states, outliers, _ = in_blocks(grid, lambda part: _solve(series, part, step))
    speed, acceleration, bias = states.T
    return Motion(grid, speed, acceleration, bias, np.zeros(len(grid)), outliers, has_speed=False)


def _solve(series: Series, grid: ndarray, step: float) -> tuple[ndarray, ndarray, float]:
    """State at each point of `grid`, points x 3, the times of records far off it, and no noise of speed."""
    series = within(series, grid)
    middle = float(np.median(series.value))
    level = replace(series, value=series.value - middle)
    every_second = grid[:: round(1 / step)]
    likely_speed = Series(every_second, np.zeros(len(every_second)), 1.0, 0.0)
    noise = Noise(SPEED_SPREAD_MPS * float(np.sqrt(SPEED_MEMORY_S)), 0.4, WALK, ALONE_BIAS_WALK)
    steps = np.ones(len(grid) - 1)
    weights = _Weights(np.ones(len(level.time)), steps, steps, np.full(len(grid), COASTING_WEIGHT))
    state = np.zeros((len(grid), 3))
    for _ in range(ROUNDS):
        state = least_squares(
            grid,
            step,
            likely_speed,
            level,
            noise,
            (np.ones(len(every_second)), weights.records, weights.walk),
            bias_weight=weights.bias_walk,
            coasting_weight=weights.coasting,
        )
        noise, weights = _reweighted(state, grid, step, level, noise)
    off = times_of_outliers(level, grid, state[:, 1] + state[:, 2], noise.acceleration, MIN_OUTLIER_MPS2)
    state[:, 2] += middle
    return state, off, 0.0


def _reweighted(state: ndarray, grid: ndarray, step: float, level: Series, noise: Noise) -> tuple[Noise, _Weights]:
    """Noise of the accelerometer as the residuals show it, and the weights of Student's t."""
    residual = level.value - np.interp(level.time, grid, state[:, 1] + state[:, 2])
    noise = replace(noise, acceleration=standard_deviation(residual, *ACCELERATION_NOISE_MPS2))
    walk = np.diff(state[:, 1]) / (noise.walk * np.sqrt(step))
    bias_walk = np.diff(state[:, 2]) / (noise.bias_walk * np.sqrt(step))
    calm = student_weights(state[:, 1] / CALM_MPS2, WALK_FREEDOM)
    return noise, _Weights(
        student_weights(residual / noise.acceleration, SENSOR_FREEDOM),
        student_weights(walk, WALK_FREEDOM),
        student_weights(bias_walk, SENSOR_FREEDOM),
        calm * step / (CALM_MPS2**2 * CALM_MEMORY_S),
    )
