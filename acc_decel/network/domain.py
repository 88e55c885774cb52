"""The trained domain: a small score that tells combinations which training never showed from those that it did.

The score is a rectified layer and a sum on some of the values that enter the network; above 0 an event is outside. How
it is fitted stands in `domain_fitting.py`.
"""

import numpy as np
from jaxtyping import Bool, Float32
from numpy import ndarray

from acc_decel.factors import CERTAIN, EXCLUSIONS, Factor, column_names
from acc_decel.network.dense_net import DenseNet, Layer, entering, rectified, wiring

Events = Float32[ndarray, "rows columns"]
Values = Float32[ndarray, "_ inputs"]  # of any number of events


def is_dependent(factor: Factor) -> bool:
    """Whether what else is known tells something about this factor: choices, switches, exclusions and estimates do.

    All others are drawn by themselves, so that training has shown them with everything.
    """
    switch = factor.step == factor.high - factor.low
    return bool(factor.levels or switch or factor.estimate) or factor.name in {e.factor for e in EXCLUSIONS}


def domain_inputs(factors: tuple[Factor, ...]) -> tuple[int, ...]:
    """Which of the forced columns and then of what enters the embedding the score sees: related factors, in order."""
    wires, names = wiring(factors), column_names(factors)
    seen = {names.index(c) for f in factors if is_dependent(f) for c in f.columns}
    gated = [-1] * len(wires.gated)  # a product with the gate is nobody's value
    entered = [*wires.forced, *wires.free, *gated, *wires.masked]
    return tuple(i for i, column in enumerate(entered) if column in seen)


def domain_score(net: DenseNet, columns: Events) -> Float32[ndarray, " rows"]:
    """The score of accepted events, above 0 outside the trained domain; NaN in means not available."""
    if not net.domain:
        raise ValueError(
            "the network must have the score of its trained domain. Got none: fit it by `domain_fitting.fit_domain`."
        )
    values = seen(net.factors, net.center, net.inverse_spread, columns)
    return score(net.domain, values)


def excluded(factors: tuple[Factor, ...], columns: Events) -> Bool[ndarray, " rows"]:
    """Whether an event holds one of the EXCLUSIONS; what is not available excludes nothing."""
    at = column_names(factors).index
    found = np.zeros(len(columns), np.bool_)
    for e in EXCLUSIONS:
        found |= (columns[:, at(e.column)] > np.float32(CERTAIN)) & (columns[:, at(e.factor)] > np.float32(e.limit))
    return found


def outside_domain(net: DenseNet, columns: Events) -> Bool[ndarray, " rows"]:
    """Whether accepted events lie outside the trained domain: an exclusion, or the score."""
    return excluded(net.factors, columns) | (domain_score(net, columns) > 0)


def auroc(inside: Float32[ndarray, " _"], outside: Float32[ndarray, " _"]) -> float:
    """How often an event outside has the higher score than one inside; equal scores count half."""
    ordered = np.sort(inside)
    below, upto = (np.searchsorted(ordered, outside, side) for side in ("left", "right"))
    return float((below + upto).mean() / (2 * len(inside)))


def seen(factors: tuple[Factor, ...], center: ndarray, inverse_spread: ndarray, columns: Events) -> Values:
    """What the score sees of events: the values of `domain_inputs`."""
    x, forced = entering(factors, center, inverse_spread, columns)
    return np.concatenate([forced, x], axis=1)[:, domain_inputs(factors)]


def score(layers: tuple[Layer, ...], x: Values) -> Float32[ndarray, " rows"]:
    """The score for values that it sees."""
    *hidden, total = layers
    for layer in hidden:
        x = rectified(layer(x))
    return total(x)[:, 0]
