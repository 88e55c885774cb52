"""How far float32 may be from real arithmetic in one prediction, and a program's solution from its rows.

The standard model of rounding: an operation is right up to the relative error `u` = 2^-24, and a sum of n products, in
whatever order and fused or not, up to `n u / (1 - n u)` times the sum of the magnitudes: Higham, Accuracy and Stability
of Numerical Algorithms, 2nd ed., SIAM 2002, section 3.1. Clamps and the ordering round nothing and carry errors over at
most as they are.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32, Float64
from numpy import ndarray

from acc_decel.assurance.accepted_box import scaled_spans
from acc_decel.factors import bends
from acc_decel.network import DenseNet, Layer, wiring

UNIT = 2.0**-24  # relative error of one float32 operation
TINY = 2.0**-149  # absolute error of one that underflows
SLACK = 1e-3  # by which magnitudes are widened for the errors themselves


def rounding_errors(net: DenseNet, low: Sequence[ndarray], high: Sequence[ndarray]) -> Float[ndarray, " outputs"]:
    """Bound of the difference of each output before the last clamp, in its unit, over the whole accepted box.

    `low` and `high` bound the sums of every layer, embedding first, in real arithmetic. What each layer rounds anew is
    carried to the outputs by the greatest slope that the following layers can have.
    """
    layers = (*net.embedding, *net.trunk)
    gains = _gains(net, low, high)
    inputs, input_errors = _entering(net)
    forced, forced_errors = (part[[*wiring(net.factors).forced]] for part in _scaled(net))
    total = gains[0] @ (np.abs(layers[0].weights) @ input_errors)
    total += gains[len(net.embedding)] @ (np.abs(net.trunk[0].weights[:, : len(forced)]) @ forced_errors)
    x = inputs
    for i, (layer, gain) in enumerate(zip(layers, gains, strict=True)):
        x = np.concatenate([forced, x]) if i == len(net.embedding) else x
        total += gain @ _rounded(layer, x * (1 + SLACK))
        x = np.maximum(np.abs(np.clip(low[i], layer.low, layer.high)), np.abs(np.clip(high[i], layer.low, layer.high)))
    return total


def in_real_arithmetic(net: DenseNet, columns: Float32[ndarray, "rows columns"]) -> Float64[ndarray, "rows outputs"]:
    """The outputs before the last clamp and before the ordering, in float64: what the ranges are proven of."""
    wires = wiring(net.factors)
    lacking, start = np.isnan(columns), 0
    for factor in net.factors:
        own = slice(start, start := start + len(factor.columns))
        lacking[:, own] = lacking[:, own].any(axis=1, keepdims=True)
    values = np.where(lacking, 1, columns).astype(np.float64)
    bend = np.array(bends(net.factors), np.float32).astype(np.float64)
    seen = values / np.where(bend > 0, values + bend, 1)
    scaled = np.where(lacking, 0, (seen - net.center) * net.inverse_spread.astype(np.float64))
    gated = scaled[:, wires.gated] * (1 - np.where(lacking, 0, columns)[:, wires.gates])
    x = np.concatenate([scaled[:, wires.free], gated, ~lacking[:, wires.masked]], axis=1)
    for i, layer in enumerate((*net.embedding, *net.trunk)):
        x = np.concatenate([scaled[:, wires.forced], x], axis=1) if i == len(net.embedding) else x
        x = x @ layer.weights.T.astype(np.float64) + layer.bias
        x = x if layer is net.trunk[-1] else np.clip(x, layer.low, layer.high)
    return x


def _gains(net: DenseNet, low: Sequence[ndarray], high: Sequence[ndarray]) -> list[ndarray]:
    """The greatest magnitude of the slope of each output over the sums of each layer: outputs x units.

    Slopes are carried backwards as intervals; a clamp has a slope between 0 and 1, or one of them where it is decided.
    """
    layers = (*net.embedding, *net.trunk)
    least = most = np.eye(len(layers[-1].bias))
    found = [np.abs(most)]
    for i in range(len(layers) - 1, 0, -1):
        weights = layers[i].weights.astype(np.float64)
        skip = len(wiring(net.factors).forced) if i == len(net.embedding) else 0
        positive, negative = np.maximum(weights, 0)[:, skip:], np.minimum(weights, 0)[:, skip:]
        least, most = least @ positive + most @ negative, most @ positive + least @ negative
        before, margin = layers[i - 1], SLACK * (1 + np.maximum(np.abs(low[i - 1]), np.abs(high[i - 1])))
        down, up = low[i - 1] - margin, high[i - 1] + margin
        open_always = (down >= before.low) & (up <= before.high)
        shut_always = (up <= before.low) | (down >= before.high)
        least = np.where(shut_always, 0, np.where(open_always, least, np.minimum(least, 0)))
        most = np.where(shut_always, 0, np.where(open_always, most, np.maximum(most, 0)))
        found.insert(0, np.maximum(np.abs(least), np.abs(most)))
    return found


def _entering(net: DenseNet) -> tuple[Float[ndarray, " inputs"], Float[ndarray, " inputs"]]:
    """Greatest magnitude and error of what enters the embedding."""
    wires = wiring(net.factors)
    scaled, error = _scaled(net)
    gates = np.array([max(1.0, abs(f.low - 1), abs(f.high - 1)) for f in net.factors for _ in f.columns])
    opened = gates[[*wires.gates]]
    gated, gated_error = scaled[[*wires.gated]] * opened, error[[*wires.gated]] * opened
    gated_error = gated_error + 2.1 * UNIT * (gated + gated_error) + TINY
    seen = np.ones(len(wires.masked))
    return (
        np.concatenate([scaled[[*wires.free]], gated, seen]),
        np.concatenate([error[[*wires.free]], gated_error, 0 * seen]),
    )


def _scaled(net: DenseNet) -> tuple[Float[ndarray, " columns"], Float[ndarray, " columns"]]:
    """Greatest magnitude and error of each scaled column: bent (two operations), centred, scaled."""
    low, high = scaled_spans(net)
    size = np.maximum(np.abs(low), np.abs(high))
    inverse = np.abs(net.inverse_spread.astype(np.float64))
    bends = np.array([f.bend > 0 for f in net.factors for _ in f.columns])
    bent = np.where(bends, size / inverse + np.abs(net.center), 0) * 2.1 * UNIT
    return size, bent * inverse * (1 + SLACK) + 2.1 * UNIT * size + TINY * (1 + inverse)


def _rounded(layer: Layer, x: Float[ndarray, " inputs"]) -> Float[ndarray, " units"]:
    """What the sums of a layer may be off, for inputs of magnitude `x`."""
    weights, bias = np.abs(layer.weights.astype(np.float64)), np.abs(layer.bias.astype(np.float64))
    count = weights.shape[1] + 1
    return count * UNIT / (1 - count * UNIT) * (weights @ x + bias) + count * TINY
