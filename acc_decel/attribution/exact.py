"""Exact attributions, and how near others come to them: the measure of a model's student."""

from collections.abc import Callable
from math import comb

import numpy as np
from jaxtyping import Float, Float32, Float64
from numpy import ndarray

from acc_decel.attribution.game import Reference, is_available

KERNEL_SAMPLES = 200  # coalitions that KernelSHAP is given, to compare with


def exact_shapley_values(asked: Reference, event: Float32[ndarray, " columns"]) -> Float64[ndarray, " factors"]:
    """The exact Shapley values [m/s^2] of one event, over all coalitions of its available factors."""
    given = np.flatnonzero(is_available(asked.factors, event[None])[0])
    players = len(given)
    inside = (np.arange(2**players)[:, None] >> np.arange(players) & 1).astype(bool)  # coalitions x players
    known = np.zeros((len(inside), len(asked.factors)), bool)
    known[:, given] = inside
    value, size = asked.values(event, known), inside.sum(axis=1)
    share = np.array([1 / (players * comb(players - 1, others)) for others in range(players)])
    found = np.zeros(len(asked.factors))
    for player, factor in enumerate(given):
        without = np.flatnonzero(~inside[:, player])
        found[factor] = share[size[without]] @ (value[without | 1 << player] - value[without])
    return found


def exact_attributions(
    asked: Reference, columns: Float32[ndarray, "rows columns"], on_event: Callable[[], None] = lambda: None
) -> Float64[ndarray, "rows factors"]:
    """The exact Shapley values [m/s^2] of many events; `on_event` is told each."""
    found = np.zeros((len(columns), len(asked.factors)))
    for row, event in enumerate(columns):
        found[row] = exact_shapley_values(asked, event)
        on_event()
    return found


def agreement(
    asked: Reference,
    columns: Float32[ndarray, "rows columns"],
    true: Float64[ndarray, "rows factors"],
    found: Float[ndarray, "rows factors"],
) -> dict[str, float | int]:
    """How near attributions are to the exact ones, over all available factors of all events; errors in m/s^2.

    A factor that is not available is left out: its 0 is no achievement.
    """
    given = is_available(asked.factors, columns)
    error = np.abs(found - true)[given]
    return {
        "events": len(columns),
        "pearson": float(np.corrcoef(found[given], true[given])[0, 1]),
        "mean_absolute_error": float(error.mean()),
        "worst_error": float(error.max()),
        "mean_absolute_attribution": float(np.abs(true[given]).mean()),
    }
