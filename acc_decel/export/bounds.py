"""What every unit of a network can be for accepted factors: proven intervals, for the scales of fixed point.

Two proofs, of which each unit takes the narrower interval. Interval arithmetic sends the interval of each value through
the layers. Backward substitution (Zhang et al. 2018, arXiv:1811.00866) writes the greatest sum of a unit as a linear
function of the values before it, each clamp replaced by a line above or below it, and so on back to what enters; there
the factors stand alone, and their ranges give the bound. Both are computed in float64; the intervals are widened by
`SLACK` of their width, far more than its rounding.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64
from numpy import ndarray

from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import column_names
from acc_decel.network import DenseNet, Layer, bent, domain_inputs, wiring

SLACK = 1e-9


@dataclass(frozen=True)
class Interval:
    """The least and the greatest of some values."""

    low: Float64[ndarray, " values"]
    high: Float64[ndarray, " values"]

    def joined(self, other: "Interval") -> "Interval":
        """The intervals of these values and then of others."""
        return Interval(np.concatenate([self.low, other.low]), np.concatenate([self.high, other.high]))

    def clamped(self, layer: Layer) -> "Interval":
        """The intervals of the layer's outputs if these are those of its sums."""
        return Interval(np.clip(self.low, layer.low, layer.high), np.clip(self.high, layer.low, layer.high))


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


def sum_intervals(net: DenseNet, layers: Sequence[Layer]) -> list[Interval]:
    """The intervals of the sums of `layers`: the embedding, then the trunk taking the embedding's values first."""
    entering, embedded, forced = _entering(net)
    joins, x = len(net.embedding), embedded
    sums: list[Interval] = []
    for i, layer in enumerate(layers):
        x = x.joined(forced) if i == joins else x
        greatest = [_greatest(sign, i, layers, sums, entering, joins) for sign in (-1.0, 1.0)]
        plain = _plain(layer, x)
        low, high = np.maximum(plain.low, -greatest[0]), np.minimum(plain.high, greatest[1])
        slack = SLACK * (1 + high - low)
        sums.append(Interval(low - slack, high + slack))
        x = sums[-1].clamped(layer)
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


def _plain(layer: Layer, x: Interval) -> Interval:
    weights = layer.weights.astype(np.float64)
    ends = np.stack([weights * x.low, weights * x.high])
    return Interval(layer.bias + ends.min(axis=0).sum(axis=1), layer.bias + ends.max(axis=0).sum(axis=1))


def _greatest(
    sign: float, last: int, layers: Sequence[Layer], sums: list[Interval], entering: Entering, joins: int
) -> Float64[ndarray, " units"]:
    """The greatest of `sign` times the sums of a layer, by backward substitution."""
    slopes, constant = sign * layers[last].weights.astype(np.float64), sign * layers[last].bias.astype(np.float64)
    direct = np.zeros((len(constant), len(entering.values.low)))  # slopes of what has been followed to the entry
    for i in reversed(range(last)):
        if i + 1 == joins:  # behind the embedding's values stand the forced ones
            width = len(layers[i].bias)
            direct[:, direct.shape[1] - (slopes.shape[1] - width) :] += slopes[:, width:]
            slopes = slopes[:, :width]
        above, below = _line_above(sums[i], layers[i]), _line_below(sums[i], layers[i])
        rising, falling = np.maximum(slopes, 0), np.minimum(slopes, 0)
        constant = constant + rising @ above[1] + falling @ below[1]
        slopes = rising * above[0] + falling * below[0]
        constant = constant + slopes @ layers[i].bias
        slopes = slopes @ layers[i].weights.astype(np.float64)
    direct[:, : slopes.shape[1]] += slopes
    return constant + entering.greatest(direct)


def _line_above(z: Interval, layer: Layer) -> tuple[ndarray, ndarray]:
    """Slope and constant of a line that lies nowhere below clamp(z), unit by unit."""
    return _lines(z.low, z.high, layer.low, layer.high)


def _line_below(z: Interval, layer: Layer) -> tuple[ndarray, ndarray]:
    """Slope and constant of a line that lies nowhere above clamp(z): that above, seen in a mirror."""
    slopes, constants = _lines(-z.high, -z.low, -layer.high, -layer.low)
    return slopes, -constants


def _lines(*ends: Float[ndarray, " units"]) -> tuple[ndarray, ndarray]:
    lines = [_above(*unit) for unit in zip(*(end.tolist() for end in ends), strict=True)]
    slopes, constants = zip(*lines, strict=True)
    return np.array(slopes), np.array(constants)


def _above(low: float, high: float, least: float, most: float) -> tuple[float, float]:
    """Slope and constant of a line above clamp(z, least, most) for z from low to high."""
    if high <= least or low >= most:
        return 0.0, min(max(low, least), most)
    if low >= least:  # straight, then level: z itself or the level, whichever stands out less
        return (1.0, 0.0) if high - most < most - low else (0.0, most)
    top = min(high, most)
    slope = (top - least) / (top - low)  # from the left end to the kink or the right end
    if slope * (high - low) / 2 + least > top:
        return 0.0, top
    return slope, least - slope * low
