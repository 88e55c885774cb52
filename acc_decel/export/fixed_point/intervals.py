"""What every unit of a network can be for accepted factors: proven intervals, for the scales of fixed point.

Two proofs, of which each unit takes the narrower interval. Interval arithmetic sends the interval of each value through
the layers. Backward substitution (Zhang et al. 2018, arXiv:1811.00866) writes the greatest sum of a unit as a linear
function of the values before it, each rectifier replaced by a line above or below it, and so on back to what enters;
there the factors stand alone, and their ranges give the bound. Both are computed in float64; the intervals are widened
by `SLACK` of their width, far more than its rounding.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import column_names
from acc_decel.network import DenseNet, Layer, bent, domain_inputs, rectified, wiring

SLACK = 1e-9


@dataclass(frozen=True)
class Interval:
    """The least and the greatest of some values."""

    low: Float64[ndarray, " values"]
    high: Float64[ndarray, " values"]

    def joined(self, other: "Interval") -> "Interval":
        """The intervals of these values and then of others."""
        return Interval(np.concatenate([self.low, other.low]), np.concatenate([self.high, other.high]))

    def rectified(self) -> "Interval":
        """The intervals of what the rectifier makes of these values."""
        return Interval(rectified(self.low), rectified(self.high))


@dataclass(frozen=True)
class Choice:
    """A choice among what enters: its places, and its values as lines of probabilities that add up to 1."""

    places: tuple[int, ...]
    center: Float64[ndarray, " kinds"]
    spread: Float64[ndarray, " kinds"]


@dataclass(frozen=True)
class Entering:
    """What enters a network: intervals of all values, the embedding's and then the forced ones, and the choices."""

    values: Interval
    choices: tuple[Choice, ...]

    def greatest(self, slopes: Float64[ndarray, "units values"]) -> Float64[ndarray, " units"]:
        """The greatest of slopes @ values."""
        each = np.maximum(slopes * self.values.low, slopes * self.values.high)
        total = each.sum(axis=1)
        for choice in self.choices:
            some = slopes[:, choice.places] * choice.spread
            shares = np.stack([some * share for share in CHOICE_SUM])  # all on one kind is the extreme
            known = shares.max(axis=(0, 2)) - (some * choice.center).sum(axis=1)
            total += np.maximum(known, 0) - each[:, choice.places].sum(axis=1)  # 0: not available
        return total


def entering_intervals(net: DenseNet, columns: Sequence[int]) -> Interval:
    """What each of these columns can be when scaled: its range, and 0 when it is not available."""
    ranges = np.array([(f.low, f.high) for f in net.factors for _ in f.columns], np.float32)
    scaled = (bent(net.factors, ranges.T.copy()).astype(np.float64) - net.center) * net.inverse_spread
    low, high = np.minimum(scaled.min(axis=0), 0), np.maximum(scaled.max(axis=0), 0)
    return Interval(low[[*columns]], high[[*columns]])


def sum_intervals(net: DenseNet) -> list[Interval]:
    """The intervals of the sums of all layers, embedding first."""
    entering, embedded, x = _entering(net)
    sums: list[Interval] = []
    for layer in net.embedding:
        sums.append(_sums(layer, embedded, _outermost(net, sums, entering)))
        embedded = sums[-1].rectified()
    for layer in net.trunk:
        sums.append(_sums(layer, embedded.joined(x), _outermost(net, sums, entering)))
        x = sums[-1].rectified()
    return sums


def domain_intervals(net: DenseNet) -> Interval:
    """The intervals of the sums of the score's rectified units."""
    entering, _, forced = _entering(net)
    layer, columns = net.domain[0], len(entering.values.low)
    order = np.roll(np.arange(columns), len(forced.low))  # the score sees the forced columns first
    slopes = np.zeros((len(layer.bias), columns))
    slopes[:, order[[*domain_inputs(net.factors)]]] = layer.weights
    low, high = layer.bias - entering.greatest(-slopes), layer.bias + entering.greatest(slopes)
    slack = SLACK * (1 + high - low)
    return Interval(low - slack, high + slack)


def _entering(net: DenseNet) -> tuple[Entering, Interval, Interval]:
    """What enters, and its intervals: the embedding's, and the forced ones."""
    wires = wiring(net.factors)
    masked = Interval(np.zeros(len(wires.masked)), np.ones(len(wires.masked)))
    embedded = entering_intervals(net, (*wires.free, *wires.gated)).joined(masked)
    forced = entering_intervals(net, wires.forced)
    return Entering(embedded.joined(forced), _choices(net)), embedded, forced


def _choices(net: DenseNet) -> tuple[Choice, ...]:
    free, at = wiring(net.factors).free, column_names(net.factors).index
    found = []
    for factor in net.factors:
        columns = [at(c) for c in factor.columns]
        if factor.levels and set(columns) <= set(free):
            places = tuple(free.index(c) for c in columns)
            found.append(Choice(places, net.center[columns].astype(float), net.inverse_spread[columns].astype(float)))
    return tuple(found)


def _sums(layer: Layer, x: Interval, outermost: Interval) -> Interval:
    """The intervals of a layer's sums: what its inputs allow, and what backward substitution does."""
    weights = layer.weights.astype(np.float64)
    ends = np.stack([weights * x.low, weights * x.high])
    low = np.maximum(layer.bias + ends.min(axis=0).sum(axis=1), outermost.low)
    high = np.minimum(layer.bias + ends.max(axis=0).sum(axis=1), outermost.high)
    slack = SLACK * (1 + high - low)
    return Interval(low - slack, high + slack)


def _outermost(net: DenseNet, sums: list[Interval], entering: Entering) -> Interval:
    """The intervals of the sums of the layer after those of `sums`, by backward substitution."""
    return Interval(-_greatest(net, -1.0, sums, entering), _greatest(net, 1.0, sums, entering))


def _greatest(net: DenseNet, sign: float, sums: list[Interval], entering: Entering) -> Float64[ndarray, " units"]:
    """The greatest of `sign` times the sums of a layer, by backward substitution."""
    layers, deep = (*net.embedding, *net.trunk), len(net.embedding)
    beside = len(net.embedding[-1].bias)
    here = layers[len(sums)]
    constant = sign * here.bias.astype(np.float64)
    slopes = sign * here.weights.astype(np.float64)
    on_embedded = np.zeros((len(constant), beside))
    for i in range(len(sums) - 1, deep - 1, -1):
        on_embedded += slopes[:, :beside]
        slopes, constant = _behind(slopes[:, beside:], constant, layers[i], sums[i])
    on_forced = np.zeros((len(constant), len(wiring(net.factors).forced)))
    if len(sums) >= deep:
        on_forced = slopes[:, beside:]
        slopes = on_embedded + slopes[:, :beside]
    for i in range(min(len(sums), deep) - 1, -1, -1):
        slopes, constant = _behind(slopes, constant, layers[i], sums[i])
    return constant + entering.greatest(np.concatenate([slopes, on_forced], axis=1))


def _behind(
    slopes: Float64[ndarray, "units outputs"], constant: Float64[ndarray, " units"], layer: Layer, z: Interval
) -> tuple[Float64[ndarray, "units inputs"], Float64[ndarray, " units"]]:
    """What was linear in the rectified outputs of a layer, from above, as linear in its inputs."""
    above, below = _line_above(z), _line_below(z)
    rising, falling = np.maximum(slopes, 0), np.minimum(slopes, 0)
    constant = constant + rising @ above[1] + falling @ below[1]
    slopes = rising * above[0] + falling * below[0]
    return slopes @ layer.weights.astype(np.float64), constant + slopes @ layer.bias


def _line_above(z: Interval) -> tuple[ndarray, ndarray]:
    """Slope and constant of the chord: the rectifier is convex and nowhere above it."""
    low, high = rectified(z.low), rectified(z.high)
    slope = (high - low) / np.maximum(z.high - z.low, SLACK)
    return slope, np.maximum(low - slope * z.low, high - slope * z.high)


def _line_below(z: Interval) -> tuple[ndarray, ndarray]:
    """Slope and constant of the tangent in the middle: the rectifier is convex and nowhere below it."""
    middle = (z.low + z.high) / 2
    slope = np.clip(middle, 0, 1)
    return slope, rectified(middle) - slope * middle
