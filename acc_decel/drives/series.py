"""One signal over time: which records are news, and what a coarsely stepped value tells."""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray

LEAST_CHANGES = 10  # of a value, to tell how often its sensor has news
COARSE = 0.1  # [m/s] steps of speed that differentiate into pulses
STAYING = 1.0  # [s] away from the next step, a stepped value is taken as it is


@dataclass(frozen=True)
class Series:
    """One signal: time [s] strictly rising, values finite. `period` [s]: how often the sensor has news."""

    time: ndarray
    value: ndarray
    period: float
    resolution: float


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
    first, last = runs(series.value)
    if (
        series.period > STAYING / 2
        or series.resolution < COARSE
        or len(first) < LEAST_CHANGES
        or len(series.value) < 2 * len(first)
    ):
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


def runs(value: ndarray) -> tuple[ndarray, ndarray]:
    """First and last rows of the runs of exactly the same value."""
    edges = np.flatnonzero(np.diff(value)) + 1
    return np.concatenate([[0], edges]), np.concatenate([edges, [len(value)]]) - 1


def shifted(series: Series, lag: float) -> Series:
    """The series brought forward by `lag` [s]."""
    return Series(series.time - lag, series.value, series.period, series.resolution)


def without(series: Series, rows: ndarray) -> Series:
    """The series without some rows, given as a mask."""
    return Series(series.time[~rows], series.value[~rows], series.period, series.resolution)
