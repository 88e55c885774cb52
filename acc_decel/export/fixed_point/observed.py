"""How great the values between the layers of a network become: what the integers of fixed point must hold."""

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from acc_decel.network import DenseNet, entering, rectified


def values_reached(net: DenseNet, events: Float32[ndarray, "rows columns"]) -> list[Float64[ndarray, " _"]]:
    """The greatest value of every hidden unit, layer by layer: `events`, where little is known, and in the corners."""
    every = np.concatenate([events, _hardly_known(net, events)])
    return greatest_values(net, np.concatenate([every, _at_the_ends(net, every)]))


def greatest_values(net: DenseNet, events: Float32[ndarray, "rows columns"]) -> list[Float64[ndarray, " _"]]:
    """The greatest value of every hidden unit over `events`, layer by layer, embedding first."""
    embedded, x = entering(net.factors, net.center, net.inverse_spread, events)
    found = []
    for layer in net.embedding:
        embedded = rectified(layer(embedded))
        found.append(embedded.max(axis=0).astype(np.float64))
    for layer in net.trunk[:-1]:
        x = rectified(layer(np.concatenate([embedded, x], axis=1)))
        found.append(x.max(axis=0).astype(np.float64))
    return found


def _hardly_known(net: DenseNet, events: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows columns"]:
    """The events without the factors that may lack, but for one, each in turn, or none."""
    scarce, lacking, start = events.copy(), [f for f in net.factors if f.may_lack], 0
    for factor in net.factors:
        own = slice(start, start := start + len(factor.columns))
        if factor.may_lack:
            scarce[np.arange(len(events)) % (len(lacking) + 1) != lacking.index(factor), own] = np.nan
    return scarce


def _at_the_ends(net: DenseNet, events: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows columns"]:
    """The events with every factor moved to the nearer end of its range; choices as they are."""
    ends = np.array([(f.low, f.high) for f in net.factors for _ in f.columns], np.float32)
    moved = np.where(events < ends.mean(axis=1), ends[:, 0], ends[:, 1])
    choice = np.array([bool(f.levels) for f in net.factors for _ in f.columns])
    return np.where(choice | np.isnan(events), events, moved)
