"""Events that are the same on every machine: for golden vectors, and to compare one form of a network with another."""

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.factors import Factor

GOLDEN_EVENTS = 48


def golden_events(factors: tuple[Factor, ...], events: int = GOLDEN_EVENTS) -> Float32[ndarray, "events columns"]:
    """Events for the golden vectors: `even_events`, but the last two must be refused."""
    golden = even_events(factors, events)
    golden[-1, 0] = np.nan  # the first factor is required
    golden[-2, 0] = 2 * factors[0].high
    return golden


def even_events(factors: tuple[Factor, ...], events: int) -> Float32[ndarray, "events columns"]:
    """Events spread evenly over the ranges, both ends included, three quarters of them with missing factors.

    Drawn from the raw bits of Philox, which no release of NumPy changes.
    """
    return np.concatenate([_even_factor(i, f, events) for i, f in enumerate(factors)], axis=1).astype(np.float32)


def _even_factor(i: int, factor: Factor, events: int) -> ndarray:
    raw = np.random.Philox(key=i).random_raw(2 * events).reshape(2, events)
    value, chance = (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53
    if factor.levels:
        columns = np.eye(len(factor.levels))[(value * len(factor.levels)).astype(int)]
    else:
        last = round((factor.high - factor.low) / factor.step)  # both ends are drawn: a switch is on and off
        steps = np.floor(value * (last + 1))
        columns = np.minimum(factor.low + steps * factor.step, factor.high)[:, None]
    missing = (chance < 0.3) & (np.arange(events) >= events // 4) & factor.optional
    return np.where(missing[:, None], np.nan, columns)
