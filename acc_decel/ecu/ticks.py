"""A drive as the inputs of an ECU task: at each tick the last value of every factor, unless it is too old."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray

from acc_decel.factors import Factor, slices

PERIOD = 0.01  # [s] from tick to tick
MAX_AGE = 0.5  # [s] default age after which a value is too old
MAX_DRIVE = 4 * 3600.0  # [s]
_SAME = 1e-6  # [s] tolerance: a value this late still counts at the tick, because decimal times are rounded


def tick_times(time: Float64[ndarray, " rows"]) -> Float64[ndarray, " ticks"]:
    """The ticks [s] from the first row of a drive to its last. Raises ValueError if that is too long for seconds."""
    span = float(time[-1] - time[0])
    if span > MAX_DRIVE:
        raise ValueError(
            f"A drive must take at most {MAX_DRIVE:g} s. Got {span:g} s: give its times in seconds, or split it."
        )
    return time[0] + PERIOD * np.arange(int((span + _SAME) / PERIOD) + 1)


def sample_and_hold(
    factors: tuple[Factor, ...],
    time: Float64[ndarray, " rows"],
    columns: Float32[ndarray, "rows columns"],
    ticks: Float64[ndarray, " ticks"],
    *,
    max_age: Mapping[str, float],
) -> Float32[ndarray, "ticks columns"]:
    """The value of every factor at each tick; NaN means not available.

    A row in which a factor is NaN has no new value: the last value is held until it is older than the factor's
    `max_age` [s]. `time` must ascend; of rows at the same time, the last one counts.
    """
    held = np.full((len(ticks), columns.shape[1]), np.nan, np.float32)
    for factor, own in zip(factors, slices(factors), strict=True):
        rows = np.flatnonzero(~np.isnan(columns[:, own]).all(axis=1))
        last = np.searchsorted(time[rows], ticks + _SAME, side="right") - 1
        known = last >= 0
        known[known] = ticks[known] - time[rows[last[known]]] <= max_age[factor.name] + _SAME
        held[known, own] = columns[rows[last[known]], own]
    return held


def deadline_utilisation(cycles: Int64[ndarray, " ticks"], clock_mhz: float) -> Float64[ndarray, " ticks"]:
    """Share of a tick's period that the cycles need at this clock; above 1 the deadline is missed."""
    return cycles / (clock_mhz * 1e6 * PERIOD)
