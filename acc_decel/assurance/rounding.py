"""How far float32 may be from real arithmetic in one prediction, and a program's solution from its rows.

The standard model of rounding: an operation is right up to the relative error `u` = 2^-24, and a sum of n products, in
whatever order and fused or not, up to `n u / (1 - n u)` times the sum of the magnitudes: Higham, Accuracy and Stability
of Numerical Algorithms, 2nd ed., SIAM 2002, section 3.1. A rectifier adds three roundings. Limits and the ordering
round nothing; they and the rectifiers carry errors over at most as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64
from numpy import ndarray

from acc_decel.assurance.accepted_box import scaled_spans
from acc_decel.factors import column_factors, half_saturations, owners
from acc_decel.network import DenseNet, Layer, missing, rectified, side_by_side, walk, wiring

UNIT = 2.0**-24  # relative error of one float32 operation
TINY = 2.0**-149  # absolute error of one that underflows
SLACK = 1e-3  # by which magnitudes are widened for the errors themselves


def rounding_errors(net: DenseNet, low: Sequence[ndarray], high: Sequence[ndarray]) -> Float[ndarray, " outputs"]:
    """Bound of the difference of each output before the last clamp, in its unit, over the whole accepted box.

    `low` and `high` bound the sums of every layer, embedding first, in real arithmetic. What each layer rounds anew is
    carried to the outputs by the greatest slope that the following layers can have.
    """
    layers, deep = net.layers, len(net.embedding)
    beside = len(net.embedding[-1].bias)
    gains = _gains(net, low, high)
    x, errors = _entering(net)
    forced, forced_errors = (part[[*wiring(net.factors).forced]] for part in _scaled(net))
    total = gains[0] @ (np.abs(layers[0].weights) @ errors)
    total += gains[deep] @ (np.abs(net.trunk[0].weights[:, beside:]) @ forced_errors)
    embedded = np.zeros(0)
    for i, (layer, gain) in enumerate(zip(layers, gains, strict=True)):
        if i == deep:
            embedded, x = x, forced
        seen = np.concatenate([embedded, x]) * (1 + SLACK)
        x = rectified(np.maximum(high[i], 0))
        total += gain @ (_rounded(layer, seen) + (3 * UNIT * x + TINY if i < len(layers) - 1 else 0))
    return total


def in_real_arithmetic(net: DenseNet, columns: Float32[ndarray, "rows columns"]) -> Float64[ndarray, "rows outputs"]:
    """The outputs before the last clamp and before the ordering, in float64: what the ranges are proven of."""
    wires = wiring(net.factors)
    absent = missing(net.factors, columns)[:, owners(net.factors)]
    values = np.where(absent, 1, columns).astype(np.float64)
    half = np.array(half_saturations(net.factors), np.float32).astype(np.float64)
    seen = values / np.where(half > 0, values + half, 1)
    scaled = np.where(absent, 0, (seen - net.center) * net.inverse_spread.astype(np.float64))
    gated = scaled[:, wires.gated] * (1 - np.where(absent, 0, columns)[:, wires.gates])
    embedded = np.concatenate([scaled[:, wires.free], gated, ~absent[:, wires.masked]], axis=1)

    def step(i: int, layer: Layer, x: ndarray) -> ndarray:
        sums = _sums(layer, x)
        return sums if i == len(net.layers) - 1 else rectified(sums)

    *_, outputs = walk(net, embedded, scaled[:, wires.forced], step, side_by_side)
    return outputs


def _sums(layer: Layer, x: Float64[ndarray, "rows inputs"]) -> Float64[ndarray, "rows units"]:
    return x @ layer.weights.T.astype(np.float64) + layer.bias


def _gains(net: DenseNet, low: Sequence[ndarray], high: Sequence[ndarray]) -> list[ndarray]:
    """The greatest magnitude of the slope of each output over the sums of each layer: outputs x units.

    Slopes are carried backwards as intervals; a rectifier's own lies between those at the ends of its sum.
    """
    layers, deep = net.layers, len(net.embedding)
    beside = len(net.embedding[-1].bias)
    on_embedded = Span(*(np.zeros((len(net.low), beside)),) * 2)
    slopes = Span(*(np.eye(len(net.low)),) * 2)
    found = [slopes.magnitude]
    for i in range(len(layers) - 1, 0, -1):
        slopes = slopes.through(layers[i].weights.astype(np.float64))
        if i >= deep:
            on_embedded = Span(on_embedded.least + slopes.least[:, :beside], on_embedded.most + slopes.most[:, :beside])
            slopes = on_embedded if i == deep else Span(slopes.least[:, beside:], slopes.most[:, beside:])
        margin = SLACK * (1 + np.maximum(np.abs(low[i - 1]), np.abs(high[i - 1])))
        slopes = slopes.times(np.clip(low[i - 1] - margin, 0, 1), np.clip(high[i - 1] + margin, 0, 1))
        found.insert(0, slopes.magnitude)
    return found


@dataclass(frozen=True)
class Span:
    """Intervals of the slopes of each output over some units."""

    least: Float64[ndarray, "outputs units"]
    most: Float64[ndarray, "outputs units"]

    @property
    def magnitude(self) -> Float64[ndarray, "outputs units"]:
        """The greatest size of each slope."""
        return np.maximum(np.abs(self.least), np.abs(self.most))

    def through(self, weights: Float64[ndarray, "units inputs"]) -> "Span":
        """The slopes over what the units are the weighted sums of."""
        positive, negative = np.maximum(weights, 0), np.minimum(weights, 0)
        return Span(self.least @ positive + self.most @ negative, self.most @ positive + self.least @ negative)

    def times(self, low: Float64[ndarray, " units"], high: Float64[ndarray, " units"]) -> "Span":
        """The slopes times factors between `low` and `high`, which are not negative."""
        return Span(np.minimum(self.least * low, self.least * high), np.maximum(self.most * low, self.most * high))


def _entering(net: DenseNet) -> tuple[Float[ndarray, " inputs"], Float[ndarray, " inputs"]]:
    """Greatest magnitude and error of what enters the embedding."""
    wires = wiring(net.factors)
    scaled, error = _scaled(net)
    gates = np.array([max(1.0, abs(f.low - 1), abs(f.high - 1)) for f in column_factors(net.factors)])
    opened = gates[[*wires.gates]]
    gated, gated_error = scaled[[*wires.gated]] * opened, error[[*wires.gated]] * opened
    gated_error = gated_error + 2.1 * UNIT * (gated + gated_error) + TINY
    seen = np.ones(len(wires.masked))
    return (
        np.concatenate([scaled[[*wires.free]], gated, seen]),
        np.concatenate([error[[*wires.free]], gated_error, 0 * seen]),
    )


def _scaled(net: DenseNet) -> tuple[Float[ndarray, " columns"], Float[ndarray, " columns"]]:
    """Greatest magnitude and error of each scaled column: saturated (two operations), centred, scaled."""
    low, high = scaled_spans(net)
    size = np.maximum(np.abs(low), np.abs(high))
    inverse = np.abs(net.inverse_spread.astype(np.float64))
    half = np.array(half_saturations(net.factors))
    saturation = np.where(half > 0, size / inverse + np.abs(net.center), 0) * 2.1 * UNIT
    return size, saturation * inverse * (1 + SLACK) + 2.1 * UNIT * size + TINY * (1 + inverse)


def _rounded(layer: Layer, x: Float[ndarray, " inputs"]) -> Float[ndarray, " units"]:
    """What the sums of a layer may be off, for inputs of magnitude `x`."""
    weights, bias = np.abs(layer.weights.astype(np.float64)), np.abs(layer.bias.astype(np.float64))
    count = (weights > 0).sum(axis=1) + 1  # what is times 0 adds without rounding
    return count * UNIT / (1 - count * UNIT) * (weights @ x + bias) + count * TINY
