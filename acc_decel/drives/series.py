"""One signal over time: at which records its sensor sent a new value, and what a coarsely stepped value says."""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray

MIN_CHANGES = 10  # of a value; fewer do not show how often its sensor sends a new one
MAX_HELD_S, MIN_REGULAR_SHARE = 1.5, 0.5  # of a held acceleration: between its changes, and of those that are as short
COARSE_STEP_MPS = 0.1  # steps of speed from here on become pulses when differentiated
MIN_CONSTANT_S = 1.0  # further than this from each step, a stepped value is taken as it is


@dataclass(frozen=True)
class Series:
    """One signal: time [s] strictly rising, values finite. `period` [s]: how often the sensor sends a new value."""

    time: ndarray
    value: ndarray
    period: float
    resolution: float


@dataclass(frozen=True)
class SensorUpdates:
    """Rows where the sensor sent a new value, how often [s] it does so, and the smallest step of the value."""

    rows: ndarray
    period: float
    resolution: float


def sensor_updates(time: ndarray, value: ndarray, *, may_rest: bool = False) -> SensorUpdates:
    """The records that do not only repeat a held value: a logger often writes a slow sensor's last value again.

    `may_rest`: the true value may stay exactly the same for long, as an acceleration without noise does; then it is
    held only if it mostly changes after the same short time.
    """
    step, sizes = float(np.median(np.diff(time))), np.abs(np.diff(value))
    resolution = float(np.quantile(sizes[sizes > 0], 0.02))
    changes = np.flatnonzero(sizes) + 1
    intervals = np.diff(time[changes])
    period = float(np.quantile(intervals, 0.1)) if len(changes) >= MIN_CHANGES else step
    is_regular = period <= MAX_HELD_S and float((intervals < 1.5 * period).mean()) >= MIN_REGULAR_SHARE
    if period < 2.5 * step or (may_rest and not is_regular):
        return SensorUpdates(np.arange(len(time)), step, resolution)
    changed = np.zeros(len(time), bool)
    changed[changes] = True
    rows = [0]
    for i in range(1, len(time)):
        if changed[i] or time[i] - time[rows[-1]] >= 1.2 * period:
            rows.append(i)
    return SensorUpdates(np.array(rows), period, resolution)


def step_midpoints(series: Series) -> Series:
    """A coarsely stepped series by its steps: at the time of a step the true value lies half way between both values.

    A value that stays constant for longer also counts as it is. Other series are returned unchanged.
    """
    first, last = constant_runs(series.value)
    if (
        series.period > MIN_CONSTANT_S / 2
        or series.resolution < COARSE_STEP_MPS
        or len(first) < MIN_CHANGES
        or len(series.value) < 2 * len(first)
    ):
        return series
    time, value = series.time, series.value
    step_times = (time[first[1:]] + time[last[:-1]]) / 2
    step_values = (value[first[1:]] + value[last[:-1]]) / 2
    since_step = time - time[np.repeat(first, last - first + 1)]
    until_step = time[np.repeat(last, last - first + 1)] - time
    constant = np.minimum(since_step, until_step) >= MIN_CONSTANT_S
    constant[[0, -1]] = True
    times = np.concatenate([step_times, time[constant]])
    order = np.argsort(times, kind="stable")
    values = np.concatenate([step_values, value[constant]])
    return Series(times[order], values[order], series.period, series.resolution)


def constant_runs(value: ndarray) -> tuple[ndarray, ndarray]:
    """First and last rows of the runs of exactly the same value."""
    changes = np.flatnonzero(np.diff(value)) + 1
    return np.concatenate([[0], changes]), np.concatenate([changes, [len(value)]]) - 1


def shifted(series: Series, lag: float) -> Series:
    """The series moved to an earlier time by `lag` [s]."""
    return Series(series.time - lag, series.value, series.period, series.resolution)


def without(series: Series, rows: ndarray) -> Series:
    """The series without some rows, given as a mask."""
    return Series(series.time[~rows], series.value[~rows], series.period, series.resolution)
