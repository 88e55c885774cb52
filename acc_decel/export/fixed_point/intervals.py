"""Proven intervals of every unit of a network for accepted factors, for the scales of fixed point.

Two proofs; each unit uses the narrower interval. Interval arithmetic propagates the interval of each value through the
layers. Backward substitution (Zhang et al. 2018, arXiv:1811.00866) bounds the maximum sum of a unit by a linear
function of the values before it, with a line above or below each rectifier, and so on back to the inputs; the ranges
of factors and features, as if they were independent, give the bound. Both are computed in float64; the intervals are
widened by `SLACK` of their width, which is much more than the rounding errors.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from acc_decel.export.feature_ranges import feature_ranges
from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import column_names, ranges
from acc_decel.network import FEATURES, DenseNet, Layer, domain_inputs, rectified, saturated, walk, wiring

SLACK = 1e-9


@dataclass(frozen=True)
class Interval:
    """Minimum and maximum of each value."""

    low: Float64[ndarray, " values"]
    high: Float64[ndarray, " values"]

    def joined(self, other: "Interval") -> "Interval":
        """These intervals followed by the `other` ones."""
        return Interval(np.concatenate([self.low, other.low]), np.concatenate([self.high, other.high]))

    def rectified(self) -> "Interval":
        """The intervals of the rectified values."""
        return Interval(rectified(self.low), rectified(self.high))


@dataclass(frozen=True)
class Choice:
    """A choice among the inputs: its indexes, center and spread; its probabilities have the sum 1."""

    places: tuple[int, ...]
    center: Float64[ndarray, " kinds"]
    spread: Float64[ndarray, " kinds"]


@dataclass(frozen=True)
class Entering:
    """The inputs of a network: intervals of the embedding's values, then of the forced ones; and the choices."""

    values: Interval
    choices: tuple[Choice, ...]

    def maximum(self, slopes: Float64[ndarray, "units values"]) -> Float64[ndarray, " units"]:
        """The maximum of slopes @ values."""
        parts = np.maximum(slopes * self.values.low, slopes * self.values.high)
        result = parts.sum(axis=1)
        for choice in self.choices:
            scaled = slopes[:, choice.places] * choice.spread
            extremes = np.stack([scaled * total for total in CHOICE_SUM])  # one kind is certain
            known = extremes.max(axis=(0, 2)) - (scaled * choice.center).sum(axis=1)
            result += np.maximum(known, 0) - parts[:, choice.places].sum(axis=1)  # 0: not available
        return result


def entering_intervals(net: DenseNet, inputs: Sequence[int]) -> Interval:
    """The interval of each of these inputs after scaling: its range, and 0 for not available or a gate of 1."""
    limits = np.array(ranges(net.factors), np.float32)
    features = feature_ranges(net.factors, net.constants)
    of_features = np.array([features[feature.name] for feature in FEATURES])
    values = np.concatenate([saturated(net.factors, limits.T.copy()), of_features.T], axis=1)
    scaled = (values.astype(np.float64) - net.center) * net.inverse_spread
    low, high = np.minimum(scaled.min(axis=0), 0), np.maximum(scaled.max(axis=0), 0)
    return Interval(low[[*inputs]], high[[*inputs]])


def sum_intervals(net: DenseNet) -> list[Interval]:
    """The intervals of the sums of all layers, embedding first."""
    entering, embedded, forced = _entering(net)
    sums: list[Interval] = []

    def step(_: int, layer: Layer, x: Interval) -> Interval:
        sums.append(_sums(layer, x, _outermost(net, sums, entering)))
        return sums[-1].rectified()

    deque(walk(net, embedded, forced, step, Interval.joined), maxlen=0)
    return sums


def domain_intervals(net: DenseNet) -> Interval:
    """The intervals of the sums of the score's rectified units."""
    entering, _, forced = _entering(net)
    layer, columns = net.domain[0], len(entering.values.low)
    order = np.roll(np.arange(columns), len(forced.low))  # the forced columns are the first inputs of the score
    slopes = np.zeros((len(layer.bias), columns))
    slopes[:, order[[*domain_inputs(net.factors)]]] = layer.weights
    low, high = layer.bias - entering.maximum(-slopes), layer.bias + entering.maximum(slopes)
    slack = SLACK * (1 + high - low)
    return Interval(low - slack, high + slack)


def _entering(net: DenseNet) -> tuple[Entering, Interval, Interval]:
    """The inputs, and their intervals: the embedding's and the forced ones."""
    wires = wiring(net.factors)
    masked = Interval(np.zeros(len(wires.masked)), np.ones(len(wires.masked)))
    embedded = entering_intervals(net, (*wires.free, *wires.gated)).joined(masked)
    forced = entering_intervals(net, wires.forced)
    return Entering(embedded.joined(forced), _choices(net)), embedded, forced


def _choices(net: DenseNet) -> tuple[Choice, ...]:
    free, at = wiring(net.factors).free, column_names(net.factors).index
    choices = []
    for factor in net.factors:
        columns = [at(c) for c in factor.columns]
        if factor.levels and set(columns) <= set(free):
            places = tuple(free.index(c) for c in columns)
            choices.append(Choice(places, net.center[columns].astype(float), net.inverse_spread[columns].astype(float)))
    return tuple(choices)


def _sums(layer: Layer, x: Interval, outermost: Interval) -> Interval:
    """The intervals of a layer's sums: interval arithmetic, intersected with backward substitution (`outermost`)."""
    weights = layer.weights.astype(np.float64)
    ends = np.stack([weights * x.low, weights * x.high])
    low = np.maximum(layer.bias + ends.min(axis=0).sum(axis=1), outermost.low)
    high = np.minimum(layer.bias + ends.max(axis=0).sum(axis=1), outermost.high)
    slack = SLACK * (1 + high - low)
    return Interval(low - slack, high + slack)


def _outermost(net: DenseNet, sums: list[Interval], entering: Entering) -> Interval:
    """The intervals of the sums of the layer after those of `sums`, by backward substitution."""
    return Interval(-_maximum(net, -1.0, sums, entering), _maximum(net, 1.0, sums, entering))


def _maximum(net: DenseNet, sign: float, sums: list[Interval], entering: Entering) -> Float64[ndarray, " units"]:
    """The maximum of `sign` times the sums of a layer, by backward substitution."""
    layers, deep = net.layers, len(net.embedding)
    shared = len(net.embedding[-1].bias)
    layer = layers[len(sums)]
    constant = sign * layer.bias.astype(np.float64)
    slopes = sign * layer.weights.astype(np.float64)
    on_embedded = np.zeros((len(constant), shared))
    for i in range(len(sums) - 1, deep - 1, -1):
        on_embedded += slopes[:, :shared]
        slopes, constant = _behind(slopes[:, shared:], constant, layers[i], sums[i])
    on_forced = np.zeros((len(constant), len(wiring(net.factors).forced)))
    if len(sums) >= deep:
        on_forced = slopes[:, shared:]
        slopes = on_embedded + slopes[:, :shared]
    for i in range(min(len(sums), deep) - 1, -1, -1):
        slopes, constant = _behind(slopes, constant, layers[i], sums[i])
    return constant + entering.maximum(np.concatenate([slopes, on_forced], axis=1))


def _behind(
    slopes: Float64[ndarray, "units outputs"], constant: Float64[ndarray, " units"], layer: Layer, z: Interval
) -> tuple[Float64[ndarray, "units inputs"], Float64[ndarray, " units"]]:
    """An upper bound that is linear in the rectified outputs of a layer, as one that is linear in its inputs."""
    above, below = _line_above(z), _line_below(z)
    rising, falling = np.maximum(slopes, 0), np.minimum(slopes, 0)
    constant = constant + rising @ above[1] + falling @ below[1]
    slopes = rising * above[0] + falling * below[0]
    return slopes @ layer.weights.astype(np.float64), constant + slopes @ layer.bias


def _line_above(z: Interval) -> tuple[ndarray, ndarray]:
    """Slope and constant of the chord: the rectifier is convex, so it is never above."""
    low, high = rectified(z.low), rectified(z.high)
    slope = (high - low) / np.maximum(z.high - z.low, SLACK)
    return slope, np.maximum(low - slope * z.low, high - slope * z.high)


def _line_below(z: Interval) -> tuple[ndarray, ndarray]:
    """Slope and constant of the tangent in the middle: the rectifier is convex, so it is never below."""
    middle = (z.low + z.high) / 2
    slope = np.clip(middle, 0, 1)
    return slope, rectified(middle) - slope * middle
