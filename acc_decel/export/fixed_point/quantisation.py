"""A network as integers: scales, weights and biases, chosen so that no sum can overflow.

The output of a rectifier is cut at ROOM times its maximum over many events and corners, or at the proven maximum if
that is smaller. Each unit has the finest weights that fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log2

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from acc_decel.export.feature_ranges import feature_ranges
from acc_decel.export.fixed_point.arithmetic import (
    MAX_VALUE,
    MIN_VALUE,
    RATIO_BITS,
    ROOT_BITS,
    STEPS,
    WORD,
    Entries,
    FixedLayer,
    FixedNet,
    Scale,
    fixed,
)
from acc_decel.export.fixed_point.intervals import Interval, domain_intervals, entering_intervals, sum_intervals
from acc_decel.factors import column_factors
from acc_decel.network import FEATURES, DenseNet, Layer, domain_inputs, rectified, wiring

MAX_WEIGHT = 32767  # magnitude
FAR = 2.0**40  # a weight that is much too large
FIXED_BITS = 15  # a factor becomes an integer of at most so many bits and a sign
FEATURE_BITS = 16  # a feature; most are never negative
MIN_SPAN = 1.0  # of a value: its steps are not finer than those of the rectifier
SHIFTS = range(1, 32)
POINTS = range(ROOT_BITS + 1, 2 * ROOT_BITS + 1)  # fraction bits of a sum
OUTPUT_BITS = range(8, 28)
SPARE = 4  # steps at both ends of an input, because rounding its multiplier may add some
ROOM = 1.25  # for a value, relative to its observed maximum


def quantise(
    net: DenseNet,
    observed: Sequence[Float64[ndarray, " _"]] | None = None,
    *,
    terms: Sequence[int] = (),
) -> FixedNet:
    """`net` in fixed point, each weight rounded independently.

    Values are cut at ROOM times their `observed` maxima, or only at their proven maxima if these are not given. With
    `terms`, each weight of a layer is a sum of at most so many signed powers of two: one number for each layer, the
    layers of the score last. Raises
    ValueError, naming layer and reason, if the integers cannot be proven to fit.
    """
    wires = wiring(net.factors)
    places = (*wires.forced, *wires.free, *wires.gated)
    scale = entering_scale(net, places)
    first = len(wires.forced)
    forced = Scale(scale.low[:first], scale.scale[:first])
    masked = scale_of(Interval(np.zeros(len(wires.masked)), np.ones(len(wires.masked))))
    embedded, done = Scale(scale.low[first:], scale.scale[first:]).joined(masked), []
    limits = cut_limits(net, observed)
    terms = terms or [0] * (len(limits) + 1 + len(net.domain))
    for i, layer in enumerate(net.embedding):
        rounded, embedded = _layer(f"embedding[{i}]", layer, embedded, limits[i], terms=terms[i])
        done.append(rounded)
    deep, x = len(done), forced
    for i, layer in enumerate(net.trunk[:-1]):
        at = deep + i
        rounded, x = _layer(f"trunk[{i}]", layer, embedded.joined(x), limits[at], terms=terms[at])
        done.append(rounded)
    at = len(done)
    last, bits = _last_layer(f"trunk[{at - deep}]", net.trunk[-1], embedded.joined(x), terms=terms[at])
    entries = _entries(net, places, scale)
    domain = _domain(net, scale.joined(masked), terms=terms[at + 1 :])
    return FixedNet(net, entries, tuple(done[:deep]), (*done[deep:], last), domain, bits)


def cut_limits(net: DenseNet, observed: Sequence[Float64[ndarray, " _"]] | None = None) -> list[Float64[ndarray, " _"]]:
    """The limit at which the value of every hidden unit is cut, layer by layer, embedding first."""
    proven = [rectified(np.maximum(sums.high, 0)) for sums in sum_intervals(net)[:-1]]
    if observed is None:
        return proven
    return [np.minimum(limit, ROOM * maximum) for limit, maximum in zip(proven, observed, strict=True)]


def _domain(net: DenseNet, entered: Scale, *, terms: Sequence[int]) -> tuple[FixedLayer, ...]:
    """The layers of the score in integers; `entered` is the scale of all inputs, forced ones first."""
    places = [*domain_inputs(net.factors)]
    inputs = Scale(entered.low[places], entered.scale[places])
    limits = rectified(np.maximum(domain_intervals(net).high, 0))
    first, hidden = _layer("domain[0]", net.domain[0], inputs, limits, terms=terms[0])
    score, _ = _last_layer("domain[1]", net.domain[1], hidden, terms=terms[1])
    return first, score


def scale_of(values: Interval) -> Scale:
    """The finest scale of 16-bit integers for values in these intervals."""
    width = values.high - values.low
    return Scale(values.low, STEPS / np.where(width > 0, width, 1.0))


@dataclass(frozen=True)
class _Source:
    """What an input is computed from: a column or a feature."""

    name: str
    low: float
    high: float
    half_saturation: float = 0.0
    bits: int = FIXED_BITS

    @property
    def fraction(self) -> int:
        """Fraction bits of the number t that it becomes, see `Entries`."""
        if self.half_saturation:
            return RATIO_BITS
        return self.bits - 1 - floor(log2(max(abs(self.low), abs(self.high))))


def _sources(net: DenseNet) -> list[_Source]:
    """The columns, then the features."""
    limits = feature_ranges(net.factors, net.constants)
    columns = [_Source(f.name, f.low, f.high, f.half_saturation) for f in column_factors(net.factors)]
    return columns + [_Source(feature.name, *limits[feature.name], bits=FEATURE_BITS) for feature in FEATURES]


def entering_scale(net: DenseNet, places: Sequence[int]) -> Scale:
    """The scale of these inputs: their intervals, with some steps at both ends for rounding."""
    finest, sources = scale_of(entering_intervals(net, places)), _sources(net)
    whole = net.inverse_spread[[*places]] * np.exp2(-np.array([float(sources[place].fraction) for place in places]))
    spare = SPARE + finest.scale * whole  # an integer of the factor may be many steps, where its range is narrow
    scale = finest.scale * (1 - 2 * spare / STEPS)
    return Scale(finest.low - spare / scale, scale)


def _layer(
    name: str, layer: Layer, inputs: Scale, limits: Float64[ndarray, " units"], *, terms: int = 0
) -> tuple[FixedLayer, Scale]:
    """The layer in integers, its outputs cut at `limits` or above, and their scale."""
    bits = output_bits(limits)
    units = [_unit(f"{name}, unit {i}", layer, i, inputs, int(bits[i]), terms) for i in range(len(layer.bias))]
    weights, bias, point, shift = map(np.array, zip(*units, strict=True))
    return FixedLayer(weights, bias, point, shift), Scale(np.zeros(len(bits)), np.exp2(bits))


def output_bits(limits: Float64[ndarray, " outputs"]) -> Int64[ndarray, " outputs"]:
    """The maximum number of fraction bits with which 16 bits hold values up to `limits`."""
    return np.floor(np.log2(STEPS / np.maximum(limits, MIN_SPAN))).astype(np.int64)


def _unit(name: str, layer: Layer, i: int, inputs: Scale, bits: int, terms: int) -> tuple[ndarray, int, int, int]:
    """Weights, bias, point and shift of a unit with outputs in 2^-bits: the finest sums that fit."""
    for point in reversed(POINTS):
        shift = point - bits
        if not SHIFTS[0] <= shift <= SHIFTS[-1]:
            continue
        half = 2.0 ** (shift - 1)  # so that the shift rounds
        real = layer.weights[i].astype(np.float64) * 2.0**point
        weights, bias = _integers(real, float(layer.bias[i]) * 2.0**point + half, inputs, terms)
        if fits(weights, bias):
            return weights, bias, point, shift
    raise ValueError(
        f"{name} must fit fixed point with {POINTS[0]} fraction bits in its sums. "
        "Train again with smaller weights, or export the format float."
    )


def _last_layer(
    name: str, layer: Layer, inputs: Scale, *, terms: int = 0
) -> tuple[FixedLayer, Int64[ndarray, " outputs"]]:
    """The last layer, whose sums are in 2^-bits, and these bits: as many as fit."""
    units = [_output(f"{name}, unit {i}", layer, i, inputs, terms) for i in range(len(layer.bias))]
    weights, bias, bits = zip(*units, strict=True)
    none, points = np.zeros(len(bias), np.int64), np.array(bits)
    return FixedLayer(np.stack(weights), np.array(bias), points, none), points


def _output(name: str, layer: Layer, i: int, inputs: Scale, terms: int) -> tuple[ndarray, int, int]:
    for bits in reversed(OUTPUT_BITS):
        real = layer.weights[i].astype(np.float64) * 2.0**bits
        weights, bias = _integers(real, float(layer.bias[i]) * 2.0**bits, inputs, terms)
        if fits(weights, bias):
            return weights, bias, bits
    raise ValueError(f"{name} must fit fixed point with {OUTPUT_BITS[0]} fraction bits. Train again.")


def _integers(real: Float64[ndarray, " inputs"], constant: float, inputs: Scale, terms: int) -> tuple[ndarray, int]:
    """Integer weights and bias; their sum is the real sum, almost exactly if the inputs are 0."""
    exact = np.clip(real / inputs.scale, -FAR, FAR)
    weights = with_terms(np.rint(exact).astype(np.int64), terms) if terms else np.rint(exact).astype(np.int64)
    zero = inputs.zero
    whole = round(float((real * inputs.meaning(zero)).sum()) + constant)
    return weights, whole - int(weights @ zero)


def with_terms(weights: Int64[ndarray, "*any"], terms: int) -> Int64[ndarray, "*any"]:
    """Each integer as the sum of at most `terms` signed powers of two, each the nearest to the rest.

    Keeps signs. The error is at most 3^-terms of a weight: a power of two is never farther than a third of a number.
    """
    total = np.zeros_like(weights)
    for _ in range(terms):
        total += nearest_power(weights - total)
    return total


def nearest_power(whole: Int64[ndarray, "*any"]) -> Int64[ndarray, "*any"]:
    """The signed power of two nearest to each integer, the smaller one of two equally near; 0 for 0."""
    magnitude = np.abs(whole)
    below = np.exp2(np.floor(np.log2(np.maximum(magnitude, 1)))).astype(np.int64)
    return np.sign(whole) * np.where(2 * magnitude > 3 * below, 2 * below, below) * (whole != 0)


def fits(weights: Int64[ndarray, " inputs"], bias: int) -> bool:
    """The proof: 16 bits hold all weights, and 32 bits hold every sum for all 16-bit inputs."""
    if np.abs(weights).max(initial=0) > MAX_WEIGHT or not -WORD <= bias < WORD:
        return False
    rising, falling = int(weights[weights > 0].sum()), int(weights[weights < 0].sum())
    return (
        bias + rising * MIN_VALUE + falling * MAX_VALUE >= -WORD
        and bias + rising * MAX_VALUE + falling * MIN_VALUE < WORD
    )


def _entries(net: DenseNet, places: Sequence[int], scale: Scale) -> Entries:
    sources, columns, rows = _sources(net), column_factors(net.factors), []
    always = next(i for i, factor in enumerate(columns) if not factor.optional)
    for i, place in enumerate(places):
        source, half = sources[place], sources[place].half_saturation
        if half and source.low < 0:
            raise ValueError(
                f"{source.name} must not be negative, because fixed point saturates it. Its low is {source.low}."
            )
        slope = float(net.inverse_spread[place] * scale.scale[i])
        constant = -float(net.center[place]) * slope - float(scale.low[i] * scale.scale[i]) + MIN_VALUE
        bits = RATIO_BITS - 1 - floor(log2(half)) if half else source.fraction
        half_in_bits = min(round(half * 2.0**bits), 2**RATIO_BITS - 1)
        ends = fixed(np.array([[source.low], [source.high]], np.float32), np.array([bits]))[:, 0]
        if half:  # value / (value + half) is 1 - half / (value + half), whose division rounds down
            ends = (half_in_bits << RATIO_BITS) // (ends + half_in_bits)
            constant, slope = constant + slope * (1 - 0.5 / 2**RATIO_BITS), -slope
        affine = _affine(source.name, slope, constant, ends, source.fraction)
        rows.append((place, place if place < len(columns) else always, bits, half_in_bits, *affine))
    at, known_by, fraction_bits, halves, multipliers, offsets, shifts = np.array(rows, np.int64).T
    return Entries(at, known_by, fraction_bits, halves, multipliers, offsets, shifts, scale.zero)


def _affine(name: str, slope: float, constant: float, ends: Int64[ndarray, "2"], fraction: int) -> tuple[int, int, int]:
    """Multiplier, offset and shift that scale an integer with `fraction` bits: the finest that fit 32 bits.

    The error is smallest in the middle of its `ends`, which are proven to fit 16 bits.
    """
    middle = float(ends.mean())
    for shift in reversed(range(1, 31)):
        multiplier = round(slope * 2.0 ** (shift - fraction))
        exact = (constant + slope * middle * 2.0**-fraction) * 2.0**shift
        offset = round(exact - multiplier * middle) + 2 ** (shift - 1)  # modulo 2^32 in the firmware
        sums = [int(end) * multiplier + offset for end in ends]
        fitting = all(MIN_VALUE <= total >> shift <= MAX_VALUE and -WORD <= total < WORD for total in sums)
        if fitting and abs(multiplier) < WORD:
            return multiplier, offset, shift
    raise ValueError(
        f"{name} must be scaled with a shift of at most 30 bits in fixed point. Its scale is {slope:g}. Train again."
    )
