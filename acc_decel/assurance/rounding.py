"""How far a prediction in float32 may be from real arithmetic.

The standard model of rounding: the relative error of an operation is at most `u` = 2^-24, that of a sum of n products,
in any order and fused or not, at most `n u / (1 - n u)` times the sum of the magnitudes: Higham, Accuracy and Stability
of Numerical Algorithms, 2nd ed., SIAM 2002, section 3.1. A rectifier adds three roundings. Limits and sorting do not
round. None of these makes an error larger.

The physics features are no source of error: the bounds are of the values that float32 gives them. In the head, the
smaller of F and B, rounded off, moves by at most the larger of their moves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64
from numpy import ndarray

from acc_decel.assurance.accepted_box import scaled_spans
from acc_decel.assurance.feature_values import feature_spans
from acc_decel.assurance.output_ranges import Parts, parts, reserve_numerators
from acc_decel.assurance.ranges import Sums
from acc_decel.factors import column_factors, column_names, half_saturations, owners
from acc_decel.network import (
    FEATURES,
    HEAD,
    LEAST_BRAKING,
    DenseNet,
    Layer,
    feature_values,
    missing,
    rectified,
    side_by_side,
    walk,
    wiring,
)
from acc_decel.network.features import SURFACE_COLUMNS
from acc_decel.network.reserve import LEAST_MEDIAN, Reserve
from acc_decel.outputs import MEDIAN, ORDERED, RESERVE

UNIT = 2.0**-24  # relative error of one float32 operation
TINY = 2.0**-149  # absolute error of an operation that underflows
SLACK = 1e-3  # relative margin of the magnitudes, for their own errors
HEAD_ROUNDINGS = 12  # of values not larger than all parts together: B 2, F - B 1, its rectifier 3, the rest 1 each
RESERVE_ROUNDINGS = 3 + 2 * len(SURFACE_COLUMNS) + 1  # the rectifier, the offset of the surfaces, their sum
MIN_ROUNDINGS = 5  # of those, in F - rectified(F - B)


def rounding_errors(net: DenseNet, bounds: Sequence[Sums]) -> Float[ndarray, " outputs"]:
    """Bound of the difference of each output before the last clamp, in its unit, over the whole accepted box.

    `bounds` are those of the sums of every layer, embedding first, in real arithmetic. Sorted outputs share the largest
    of theirs.
    """
    of_sums = _errors_of_sums(net, bounds)
    ends = parts(net, bounds[-1])
    errors = of_sums[: len(net.outputs)].copy()
    own = np.maximum(of_sums[[*ORDERED]], of_sums[len(net.outputs) :])
    count = HEAD_ROUNDINGS + 2 * len(SURFACE_COLUMNS)
    errors[[*ORDERED]] = (own + count * (UNIT * _magnitude(net, ends) + TINY) * (1 + SLACK)).max()
    if net.reserve:
        numerator = reserve_numerators(net.reserve, bounds[-1])[1]
        errors[RESERVE] = _reserve_error(net.reserve, numerator, of_sums[RESERVE], float(errors[MEDIAN]))
    return errors


def _reserve_error(reserve: Reserve, numerator: float, of_sum: float, of_median: float) -> float:
    """Bound of the error of the reserve n / d, which moves by at most (move of n + n / d * move of d) / d.

    `numerator` is the maximum of n; d is at least LEAST_MEDIAN.
    """
    magnitude = numerator + abs(float(reserve.offset[0])) + float(np.abs(reserve.surface_offsets).sum())
    rounded = RESERVE_ROUNDINGS * (UNIT * magnitude + TINY)
    moved = of_sum + rounded + numerator / LEAST_MEDIAN * of_median
    return (moved / LEAST_MEDIAN + UNIT * numerator / LEAST_MEDIAN) * (1 + SLACK)


def reversal(net: DenseNet, bounds: Sequence[Sums]) -> float:
    """How far a quantile may move against a forced factor by rounding [m/s^2]: `monotone_arrays.py` says where.

    A value that rises in real arithmetic falls by at most twice its rounding error; everything behind it is monotone.
    """
    gains, depth = _gains(net, bounds), len(net.embedding)
    quantiles = [*ORDERED, *range(len(net.outputs), len(net.trunk[-1].bias))]
    forced = [*wiring(net.factors).forced]
    weights = np.abs(net.trunk[0].weights[:, len(net.embedding[-1].bias) :])
    saturated = (gains[depth][quantiles] @ (weights @ _saturation_errors(net)[forced])).max()
    rounded = MIN_ROUNDINGS * (UNIT * _magnitude(net, parts(net, bounds[-1])) + TINY)
    return float(2 * (saturated + rounded.max()) * (1 + SLACK))


def _magnitude(net: DenseNet, ends: tuple[Parts, Parts]) -> Float[ndarray, " quantiles"]:
    """The magnitudes of all parts of a quantile together, that of slope * braking once more beside B."""
    names = ("friction", "brakes", "offset", "road_limit", "brake_limit", "resistance")
    total: ndarray = sum(np.max([np.abs(getattr(end, name)) for end in ends], axis=0) for name in names)
    return total + np.abs(net.head.slopes) * feature_spans(net)["braking"][1]


def _errors_of_sums(net: DenseNet, bounds: Sequence[Sums]) -> Float[ndarray, " last"]:
    """Bound of the error of each sum of the last layer.

    The new rounding errors of each layer are multiplied by the maximum slope of the last sums over its sums.
    """
    layers, depth = net.layers, len(net.embedding)
    embedded_units = len(net.embedding[-1].bias)
    gains = _gains(net, bounds)
    x, errors = _embedding_inputs(net)
    forced, forced_errors = (part[[*wiring(net.factors).forced]] for part in _scaled(net))
    total = gains[0] @ (np.abs(layers[0].weights) @ errors)
    total += gains[depth] @ (np.abs(net.trunk[0].weights[:, embedded_units:]) @ forced_errors)
    embedded = np.zeros(0)
    for i, (layer, gain) in enumerate(zip(layers, gains, strict=True)):
        if i == depth:
            embedded, x = x, forced
        inputs = np.concatenate([embedded, x]) * (1 + SLACK)
        x = rectified(np.maximum(bounds[i].high, 0))
        total += gain @ (_rounded(layer, inputs) + (3 * UNIT * x + TINY if i < len(layers) - 1 else 0))
    return total


def in_real_arithmetic(net: DenseNet, columns: Float32[ndarray, "rows columns"]) -> Float64[ndarray, "rows outputs"]:
    """The outputs before the last clamp, in float64, for the features of float32: the ranges are proven for them."""
    wires, count = wiring(net.factors), len(net.outputs)
    absent = missing(net.factors, columns)[:, owners(net.factors)]
    values = np.where(absent, 1, columns).astype(np.float64)
    half = np.array(half_saturations(net.factors), np.float32).astype(np.float64)
    saturated = values / np.where(half > 0, values + half, 1)
    features = feature_values(net.factors, net.constants, columns)
    inputs = np.concatenate([saturated, np.stack([features[f.name] for f in FEATURES], axis=1)], axis=1)
    lost = np.pad(absent, ((0, 0), (0, len(FEATURES))))
    scaled = np.where(lost, 0, (inputs - net.center) * net.inverse_spread.astype(np.float64))
    known = np.where(absent, 0, columns)
    gated = scaled[:, wires.gated] * (1 - known[:, wires.gates])
    embedded = np.concatenate([scaled[:, wires.free], gated, ~absent[:, wires.masked]], axis=1)

    def step(i: int, layer: Layer, x: ndarray) -> ndarray:
        sums = _sums(layer, x)
        return sums if i == len(net.layers) - 1 else rectified(sums)

    *_, last = walk(net, embedded, scaled[:, wires.forced], step, side_by_side)
    outputs: ndarray = last[:, :count].copy()
    surface = known[:, [column_names(net.factors).index(name) for name in SURFACE_COLUMNS]].astype(np.float64)
    quantiles = _quantiles(net, last, {n: features[n].astype(np.float64) for n in HEAD}, surface)
    outputs[:, ORDERED] = np.sort(quantiles)
    if net.reserve:
        offset = net.reserve.offset + surface @ net.reserve.surface_offsets.astype(np.float64)
        median = np.maximum(quantiles[:, ORDERED.index(MEDIAN)], np.float32(LEAST_MEDIAN))
        outputs[:, RESERVE] = np.maximum(rectified(last[:, RESERVE]) + offset, 0) / median
    return outputs


def _quantiles(net: DenseNet, last: ndarray, values: dict[str, ndarray], surface: ndarray) -> ndarray:
    """The head in float64."""
    friction, head = last[:, ORDERED], net.head
    brakes = last[:, len(net.outputs) :] + head.slopes * values["braking"][:, None]
    smaller = friction - rectified(friction - brakes) + head.offset + surface @ head.surface_offsets.astype(np.float64)
    road, brake = (values[name][:, None] for name in ("road_limit", "brake_limit"))
    limit = np.minimum(head.road_shares * road, head.brake_shares * brake)
    bounded: ndarray = np.maximum(np.minimum(smaller, limit), LEAST_BRAKING) + values["resistance"][:, None]
    return bounded


def _sums(layer: Layer, x: Float64[ndarray, "rows inputs"]) -> Float64[ndarray, "rows units"]:
    return x @ layer.weights.T.astype(np.float64) + layer.bias


def _gains(net: DenseNet, bounds: Sequence[Sums]) -> list[ndarray]:
    """Maximum magnitude of the slope of each sum of the last layer over the sums of each layer: last x units.

    Slopes are propagated backwards as intervals; the slope of a rectifier is between those at the ends of its sum.
    """
    layers, depth = net.layers, len(net.embedding)
    embedded_units = len(net.embedding[-1].bias)
    last = len(net.trunk[-1].bias)
    on_embedded = Slopes(*(np.zeros((last, embedded_units)),) * 2)
    slopes = Slopes(*(np.eye(last),) * 2)
    gains = [slopes.magnitude]
    for i in range(len(layers) - 1, 0, -1):
        slopes = slopes.through(layers[i].weights.astype(np.float64))
        if i >= depth:
            on_embedded = on_embedded.plus(slopes.over(slice(embedded_units)))
            slopes = on_embedded if i == depth else slopes.over(slice(embedded_units, None))
        low, high = bounds[i - 1].low, bounds[i - 1].high
        margin = SLACK * (1 + np.maximum(np.abs(low), np.abs(high)))
        slopes = slopes.times(np.clip(low - margin, 0, 1), np.clip(high + margin, 0, 1))
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


def _scaled(net: DenseNet) -> tuple[Float[ndarray, " inputs"], Float[ndarray, " inputs"]]:
    """Maximum magnitude and error of each scaled input: saturated, centered, scaled."""
    low, high = scaled_spans(net)
    size = np.maximum(np.abs(low), np.abs(high))
    inverse = np.abs(net.inverse_spread.astype(np.float64))
    return size, _saturation_errors(net) + 2.1 * UNIT * size + TINY * (1 + inverse)


def _saturation_errors(net: DenseNet) -> Float[ndarray, " inputs"]:
    """The error that the saturation of a column (two operations) leaves in its scaled value."""
    low, high = scaled_spans(net)
    size, inverse = np.maximum(np.abs(low), np.abs(high)), np.abs(net.inverse_spread.astype(np.float64))
    half = np.array([*half_saturations(net.factors), *(0.0 for _ in FEATURES)])
    errors = np.where(half > 0, size / inverse + np.abs(net.center), 0) * 2.1 * UNIT
    return errors * inverse * (1 + SLACK)


def _rounded(layer: Layer, x: Float[ndarray, " inputs"]) -> Float[ndarray, " units"]:
    """Maximum rounding error of the sums of a layer, for inputs of magnitude `x`."""
    weights, bias = np.abs(layer.weights.astype(np.float64)), np.abs(layer.bias.astype(np.float64))
    count = (weights > 0).sum(axis=1) + 1  # a product with 0 adds no rounding
    return count * UNIT / (1 - count * UNIT) * (weights @ x + bias) + count * TINY
