"""Exact attributions, and how close other attributions are to them: this measures a model's student."""

from collections.abc import Callable
from math import comb

import numpy as np
from jaxtyping import Float, Float32, Float64
from numpy import ndarray

from acc_decel.attribution.game import Reference, is_available

KERNEL_SAMPLES = 200  # coalitions for KernelSHAP, for comparison


def exact_shapley_values(game: Reference, event: Float32[ndarray, " columns"]) -> Float64[ndarray, " factors"]:
    """The exact Shapley values [m/s^2] of one event, over all coalitions of its available factors."""
    available = np.flatnonzero(is_available(game.factors, event[None])[0])
    players = len(available)
    members = (np.arange(2**players)[:, None] >> np.arange(players) & 1).astype(bool)  # coalitions x players
    known = np.zeros((len(members), len(game.factors)), bool)
    known[:, available] = members
    value, size = game.values(event, known), members.sum(axis=1)
    share = np.array([1 / (players * comb(players - 1, others)) for others in range(players)])
    shapley = np.zeros(len(game.factors))
    for player, factor in enumerate(available):
        without = np.flatnonzero(~members[:, player])
        shapley[factor] = share[size[without]] @ (value[without | 1 << player] - value[without])
    return shapley


def exact_attributions(
    game: Reference, columns: Float32[ndarray, "rows columns"], on_event: Callable[[], None] = lambda: None
) -> Float64[ndarray, "rows factors"]:
    """The exact Shapley values [m/s^2] of many events. `on_event` is called after each."""
    attributions = np.zeros((len(columns), len(game.factors)))
    for row, event in enumerate(columns):
        attributions[row] = exact_shapley_values(game, event)
        on_event()
    return attributions


def agreement(
    game: Reference,
    columns: Float32[ndarray, "rows columns"],
    true: Float64[ndarray, "rows factors"],
    attributions: Float[ndarray, "rows factors"],
) -> dict[str, float | int]:
    """How close attributions are to the exact ones, over all available factors of all events; errors in m/s^2.

    A missing factor does not count: its 0 is always right.
    """
    available = is_available(game.factors, columns)
    error = np.abs(attributions - true)[available]
    return {
        "events": len(columns),
        "pearson": float(np.corrcoef(attributions[available], true[available])[0, 1]),
        "mean_absolute_error": float(error.mean()),
        "worst_error": float(error.max()),
        "mean_absolute_attribution": float(np.abs(true[available]).mean()),
    }
