"""A drive as the task of an ECU sees it: at each tick the last value of every factor, unless that is too old."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray

from acc_decel.factors import Factor

PERIOD = 0.01  # [s] from tick to tick
MAX_AGE = 0.5  # [s] after which a value is too old, where nothing else is said
LONGEST = 4 * 3600.0  # [s] of a drive
_SAME = 1e-6  # [s] a value so little after a tick is there at the tick: decimal times are rounded


def tick_times(time: Float64[ndarray, " rows"]) -> Float64[ndarray, " ticks"]:
    """The ticks [s] from the first row of a drive to its last. Raises ValueError if it is too long to be in seconds."""
    span = float(time[-1] - time[0])
    if span > LONGEST:
        raise ValueError(
            f"A drive must take at most {LONGEST:g} s. Got {span:g} s: give its times in seconds, or split it."
        )
    return time[0] + PERIOD * np.arange(int((span + _SAME) / PERIOD) + 1)


def held(
    factors: tuple[Factor, ...],
    time: Float64[ndarray, " rows"],
    columns: Float32[ndarray, "rows columns"],
    ticks: Float64[ndarray, " ticks"],
    *,
    max_age: Mapping[str, float],
) -> Float32[ndarray, "ticks columns"]:
    """What is known of every factor at each tick; NaN is not available.

    A row in which a factor is NaN brings no new value of it: the last one is held until it is older than the factor's
    `max_age` [s]. `time` ascends; of rows at the same time the last one counts.
    """
    now = np.full((len(ticks), columns.shape[1]), np.nan, np.float32)
    start = 0
    for factor in factors:
        own = slice(start, start + len(factor.columns))
        start = own.stop
        rows = np.flatnonzero(~np.isnan(columns[:, own]).all(axis=1))
        last = np.searchsorted(time[rows], ticks + _SAME, side="right") - 1
        known = last >= 0
        known[known] = ticks[known] - time[rows[last[known]]] <= max_age[factor.name] + _SAME
        now[known, own] = columns[rows[last[known]], own]
    return now


def deadline_use(cycles: Int64[ndarray, " ticks"], clock_mhz: float) -> Float64[ndarray, " ticks"]:
    """Share of the time from tick to tick that so many cycles take at this clock; above 1 the deadline is missed."""
    return cycles / (clock_mhz * 1e6 * PERIOD)
