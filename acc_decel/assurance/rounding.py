"""How far a prediction in float32 may be from real arithmetic.

The standard model of rounding: the relative error of an operation is at most `u` = 2^-24, that of a sum of n products,
in any order and fused or not, at most `n u / (1 - n u)` times the sum of the magnitudes: Higham, Accuracy and Stability
of Numerical Algorithms, 2nd ed., SIAM 2002, section 3.1. A rectifier adds three roundings. Limits and sorting do not
round. None of these makes an error larger.
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
TINY = 2.0**-149  # absolute error of an operation that underflows
SLACK = 1e-3  # relative margin of the magnitudes, for their own errors


def rounding_errors(net: DenseNet, low: Sequence[ndarray], high: Sequence[ndarray]) -> Float[ndarray, " outputs"]:
    """Bound of the difference of each output before the last clamp, in its unit, over the whole accepted box.

    `low` and `high` bound the sums of every layer, embedding first, in real arithmetic. The new rounding errors of each
    layer are multiplied by the maximum slope of the outputs over its sums.
    """
    layers, depth = net.layers, len(net.embedding)
    embedded_units = len(net.embedding[-1].bias)
    gains = _gains(net, low, high)
    x, errors = _embedding_inputs(net)
    forced, forced_errors = (part[[*wiring(net.factors).forced]] for part in _scaled(net))
    total = gains[0] @ (np.abs(layers[0].weights) @ errors)
    total += gains[depth] @ (np.abs(net.trunk[0].weights[:, embedded_units:]) @ forced_errors)
    embedded = np.zeros(0)
    for i, (layer, gain) in enumerate(zip(layers, gains, strict=True)):
        if i == depth:
            embedded, x = x, forced
        inputs = np.concatenate([embedded, x]) * (1 + SLACK)
        x = rectified(np.maximum(high[i], 0))
        total += gain @ (_rounded(layer, inputs) + (3 * UNIT * x + TINY if i < len(layers) - 1 else 0))
    return total


def in_real_arithmetic(net: DenseNet, columns: Float32[ndarray, "rows columns"]) -> Float64[ndarray, "rows outputs"]:
    """The outputs before the last clamp and before sorting, in float64: the ranges are proven for them."""
    wires = wiring(net.factors)
    absent = missing(net.factors, columns)[:, owners(net.factors)]
    values = np.where(absent, 1, columns).astype(np.float64)
    half = np.array(half_saturations(net.factors), np.float32).astype(np.float64)
    saturated = values / np.where(half > 0, values + half, 1)
    scaled = np.where(absent, 0, (saturated - net.center) * net.inverse_spread.astype(np.float64))
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
    """Maximum magnitude of the slope of each output over the sums of each layer: outputs x units.

    Slopes are propagated backwards as intervals; the slope of a rectifier is between those at the ends of its sum.
    """
    layers, depth = net.layers, len(net.embedding)
    embedded_units = len(net.embedding[-1].bias)
    on_embedded = Slopes(*(np.zeros((len(net.low), embedded_units)),) * 2)
    slopes = Slopes(*(np.eye(len(net.low)),) * 2)
    gains = [slopes.magnitude]
    for i in range(len(layers) - 1, 0, -1):
        slopes = slopes.through(layers[i].weights.astype(np.float64))
        if i >= depth:
            on_embedded = on_embedded.plus(slopes.over(slice(embedded_units)))
            slopes = on_embedded if i == depth else slopes.over(slice(embedded_units, None))
        margin = SLACK * (1 + np.maximum(np.abs(low[i - 1]), np.abs(high[i - 1])))
        slopes = slopes.times(np.clip(low[i - 1] - margin, 0, 1), np.clip(high[i - 1] + margin, 0, 1))
        gains.insert(0, slopes.magnitude)
    return gains


@dataclass(frozen=True)
class Slopes:
    """Intervals of the slopes of each output over some units."""

    low: Float64[ndarray, "outputs units"]
    high: Float64[ndarray, "outputs units"]

    @property
    def magnitude(self) -> Float64[ndarray, "outputs units"]:
        """Maximum magnitude of each slope."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    def over(self, units: slice) -> "Slopes":
        """The slopes over these units only."""
        return Slopes(self.low[:, units], self.high[:, units])

    def plus(self, other: "Slopes") -> "Slopes":
        """The sums of the slopes over the same units."""
        return Slopes(self.low + other.low, self.high + other.high)

    def through(self, weights: Float64[ndarray, "units inputs"]) -> "Slopes":
        """The slopes over the inputs of which the units are weighted sums."""
        positive, negative = np.maximum(weights, 0), np.minimum(weights, 0)
        return Slopes(self.low @ positive + self.high @ negative, self.high @ positive + self.low @ negative)

    def times(self, low: Float64[ndarray, " units"], high: Float64[ndarray, " units"]) -> "Slopes":
        """The slopes times factors between `low` and `high`, which are not negative."""
        return Slopes(np.minimum(self.low * low, self.low * high), np.maximum(self.high * low, self.high * high))


def _embedding_inputs(net: DenseNet) -> tuple[Float[ndarray, " inputs"], Float[ndarray, " inputs"]]:
    """Maximum magnitude and error of each input of the embedding."""
    wires = wiring(net.factors)
    scaled, error = _scaled(net)
    gates = np.array([max(1.0, abs(f.low - 1), abs(f.high - 1)) for f in column_factors(net.factors)])
    factor = gates[[*wires.gates]]
    gated, gated_error = scaled[[*wires.gated]] * factor, error[[*wires.gated]] * factor
    gated_error = gated_error + 2.1 * UNIT * (gated + gated_error) + TINY
    flags = np.ones(len(wires.masked))
    return (
        np.concatenate([scaled[[*wires.free]], gated, flags]),
        np.concatenate([error[[*wires.free]], gated_error, 0 * flags]),
    )


def _scaled(net: DenseNet) -> tuple[Float[ndarray, " columns"], Float[ndarray, " columns"]]:
    """Maximum magnitude and error of each scaled column: saturated (two operations), centered, scaled."""
    low, high = scaled_spans(net)
    size = np.maximum(np.abs(low), np.abs(high))
    inverse = np.abs(net.inverse_spread.astype(np.float64))
    half = np.array(half_saturations(net.factors))
    saturation_error = np.where(half > 0, size / inverse + np.abs(net.center), 0) * 2.1 * UNIT
    return size, saturation_error * inverse * (1 + SLACK) + 2.1 * UNIT * size + TINY * (1 + inverse)


def _rounded(layer: Layer, x: Float[ndarray, " inputs"]) -> Float[ndarray, " units"]:
    """Maximum rounding error of the sums of a layer, for inputs of magnitude `x`."""
    weights, bias = np.abs(layer.weights.astype(np.float64)), np.abs(layer.bias.astype(np.float64))
    count = (weights > 0).sum(axis=1) + 1  # a product with 0 adds no rounding
    return count * UNIT / (1 - count * UNIT) * (weights @ x + bias) + count * TINY
