"""The observed maxima of the values between layers, which the integers of fixed point must hold."""

from itertools import islice

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from acc_decel.factors import column_factors, ranges, slices
from acc_decel.network import DenseNet, rectified, side_by_side, walk


def observed_maxima(net: DenseNet, events: Float32[ndarray, "rows columns"]) -> list[Float64[ndarray, " _"]]:
    """The maximum of every hidden unit, layer by layer, over `events`, with few factors available, and in corners."""
    both = np.concatenate([events, _few_available(net, events)])
    return hidden_maxima(net, np.concatenate([both, _at_the_ends(net, both)]))


def hidden_maxima(net: DenseNet, events: Float32[ndarray, "rows columns"]) -> list[Float64[ndarray, " _"]]:
    """The maximum of every hidden unit over `events`, layer by layer, embedding first."""
    entered = net.entered(events)
    values = walk(net, entered.embedding, entered.forced, lambda _, layer, x: rectified(layer(x)), side_by_side)
    return [units.max(axis=0).astype(np.float64) for units in islice(values, len(net.layers) - 1)]


def _few_available(net: DenseNet, events: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows columns"]:
    """The events with only one optional factor available, each in turn, or none."""
    scarce, optional = events.copy(), [f for f in net.factors if f.optional]
    for factor, own in zip(net.factors, slices(net.factors), strict=True):
        if factor.optional:
            scarce[np.arange(len(events)) % (len(optional) + 1) != optional.index(factor), own] = np.nan
    return scarce


def _at_the_ends(net: DenseNet, events: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows columns"]:
    """The events with every factor moved to the nearer end of its range; choices as they are."""
    ends = np.array(ranges(net.factors), np.float32)
    moved = np.where(events < ends.mean(axis=1), ends[:, 0], ends[:, 1])
    choice = np.array([bool(f.levels) for f in column_factors(net.factors)])
    return np.where(choice | np.isnan(events), events, moved)
