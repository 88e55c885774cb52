"""The trained domain: a small score that separates combinations that training had from those that it never had.

The score is a rectified layer and a sum on some inputs of the network; above 0 an event is outside. It is fitted in
`domain_fitting.py`.
"""

import numpy as np
from jaxtyping import Bool, Float32
from numpy import ndarray

from acc_decel.factors import EXCLUSIONS, Factor, column_names
from acc_decel.network.dense_net import DenseNet, Layer
from acc_decel.network.head import rectified
from acc_decel.network.wiring import input_names, wiring

SCORED_FEATURES = ("film_share", "wetness", "grip", "film_known")  # features of dependent factors

Events = Float32[ndarray, "rows columns"]
Values = Float32[ndarray, "_ inputs"]  # of any number of events


def is_dependent(factor: Factor) -> bool:
    """Whether this factor depends on others in the training data: choices, switches, exclusions and estimates do.

    All others are drawn independently, so training has them in every combination.
    """
    switch = factor.step == factor.high - factor.low
    return bool(factor.levels or switch or factor.estimate) or factor.name in {e.factor for e in EXCLUSIONS}


def domain_inputs(factors: tuple[Factor, ...]) -> tuple[int, ...]:
    """Indices of the inputs of the score, which are dependent factors, among forced columns and embedding inputs."""
    wires, names = wiring(factors), input_names(factors)
    dependent = {names.index(c) for f in factors if is_dependent(f) for c in f.columns}
    dependent |= {names.index(name) for name in SCORED_FEATURES}
    gated = [-1] * len(wires.gated)  # a product with the gate is not the value of a column
    inputs = [*wires.forced, *wires.free, *gated, *wires.masked]
    return tuple(i for i, place in enumerate(inputs) if place in dependent)


def domain_score(net: DenseNet, columns: Events) -> Float32[ndarray, " rows"]:
    """The score of accepted events, above 0 outside the trained domain; NaN in `columns` means missing."""
    if not net.domain:
        raise ValueError(
            "the network must have the score of its trained domain. Got none: fit it by `domain_fitting.fit_domain`."
        )
    return score(net.domain, score_inputs(net, columns))


def excluded(factors: tuple[Factor, ...], columns: Events) -> Bool[ndarray, " rows"]:
    """Whether an event has one of the EXCLUSIONS; a missing factor excludes nothing."""
    index = column_names(factors).index
    mask = np.zeros(len(columns), np.bool_)
    for e in EXCLUSIONS:
        value, limit = columns[:, index(e.factor)], np.float32(e.limit)
        beyond = value < limit if e.below else value > limit
        mask |= beyond & (columns[:, index(e.column)] > np.float32(e.threshold))
    return mask


def outside_domain(net: DenseNet, columns: Events) -> Bool[ndarray, " rows"]:
    """Whether accepted events are outside the trained domain, by an exclusion or by the score."""
    return excluded(net.factors, columns) | (domain_score(net, columns) > 0)


def auroc(inside: Float32[ndarray, " _"], outside: Float32[ndarray, " _"]) -> float:
    """Area under the ROC curve: how often an event outside has a higher score than one inside; ties count half."""
    ordered = np.sort(inside)
    below, upto = (np.searchsorted(ordered, outside, side) for side in ("left", "right"))
    return float((below + upto).mean() / (2 * len(inside)))


def score_inputs(net: DenseNet, columns: Events) -> Values:
    """The inputs of the score: the values of `domain_inputs`."""
    entered = net.entered(columns)
    return np.concatenate([entered.forced, entered.embedding], axis=1)[:, domain_inputs(net.factors)]


def score(layers: tuple[Layer, ...], x: Values) -> Float32[ndarray, " rows"]:
    """The score of its inputs `x`."""
    *hidden, total = layers
    for layer in hidden:
        x = rectified(layer(x))
    return total(x)[:, 0]
