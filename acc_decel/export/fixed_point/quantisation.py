"""A network as integers: scales, weights and biases, chosen so that no sum can overflow.

What leaves a rectifier is cut at ROOM times the greatest value seen over many events and corners, or at the proven
interval if that is less. Each unit has the finest weights that fit.
"""

from collections.abc import Sequence
from math import floor, log2

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from acc_decel.export.fixed_point.arithmetic import (
    LEAST,
    MOST,
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
from acc_decel.factors import bends
from acc_decel.network import DenseNet, Layer, domain_inputs, rectified, wiring

WEIGHT = 32767  # greatest magnitude of a weight
FAR = 2.0**40  # a weight that does not fit by far
FIXED_BITS = 15  # a factor becomes an integer of at most so many bits and a sign
LEAST_SPAN = 1.0  # of a value: no steps finer than those of the rectifier
SHIFTS = range(1, 32)
POINTS = range(ROOT_BITS + 1, 2 * ROOT_BITS + 1)  # bits behind the point of a sum
OUTPUT_BITS = range(8, 28)
SPARE = 4  # steps at the ends of what enters, for what rounding its multiplier may add
ROOM = 1.25  # for a value: times the greatest one seen


def quantised(
    net: DenseNet,
    reached: Sequence[Float64[ndarray, " _"]] | None = None,
    *,
    terms: Sequence[int] = (),
) -> FixedNet:
    """`net` in fixed point, each weight rounded by itself.

    Values are cut at ROOM times what they have `reached`, or not at all if that is not given. `terms` makes each
    weight of a layer the sum of at most so many signed powers of two, one number a layer, the score's last. Raises
    ValueError, naming layer and reason, if the integers cannot be proven to fit.
    """
    wires = wiring(net.factors)
    columns = (*wires.forced, *wires.free, *wires.gated)
    scale = entering_scale(net, columns)
    first = len(wires.forced)
    forced = Scale(scale.low[:first], scale.scale[:first])
    masked = scale_of(Interval(np.zeros(len(wires.masked)), np.ones(len(wires.masked))))
    seen = Scale(scale.low[first:], scale.scale[first:]).joined(masked)
    most = greatest_cut(net, reached)
    few = terms or [0] * (len(most) + 1 + len(net.domain))
    embedded, done = seen, []
    for i, layer in enumerate(net.embedding):
        rounded, embedded = _layer(f"embedding[{i}]", layer, embedded, most[i], terms=few[i])
        done.append(rounded)
    deep, x = len(done), forced
    for i, layer in enumerate(net.trunk[:-1]):
        at = deep + i
        rounded, x = _layer(f"trunk[{i}]", layer, embedded.joined(x), most[at], terms=few[at])
        done.append(rounded)
    at = len(done)
    last, bits = _last_layer(f"trunk[{at - deep}]", net.trunk[-1], embedded.joined(x), terms=few[at])
    ends = [np.clip(np.rint(e.astype(np.float64) * np.exp2(bits)), -WORD, WORD - 1) for e in (net.low, net.high)]
    entries = _entries(net, columns, scale)
    domain = _domain(net, scale.joined(masked), terms=few[at + 1 :])
    least, greatest = (end.astype(np.int64) for end in ends)
    return FixedNet(net, entries, tuple(done[:deep]), (*done[deep:], last), domain, bits, least, greatest)


def greatest_cut(
    net: DenseNet, reached: Sequence[Float64[ndarray, " _"]] | None = None
) -> list[Float64[ndarray, " _"]]:
    """What the value of every hidden unit is cut at, layer by layer, embedding first."""
    most = [rectified(np.maximum(sums.high, 0)) for sums in sum_intervals(net)[:-1]]
    if reached is None:
        return most
    return [np.minimum(proven, ROOM * seen) for proven, seen in zip(most, reached, strict=True)]


def _domain(net: DenseNet, entered: Scale, *, terms: Sequence[int]) -> tuple[FixedLayer, ...]:
    """The layers of the score in integers; `entered` are forced, free, gated and availability."""
    places = [*domain_inputs(net.factors)]
    seen = Scale(entered.low[places], entered.scale[places])
    most = rectified(np.maximum(domain_intervals(net).high, 0))
    first, hidden = _layer("domain[0]", net.domain[0], seen, most, terms=terms[0])
    score, _ = _last_layer("domain[1]", net.domain[1], hidden, terms=terms[1])
    return first, score


def scale_of(values: Interval) -> Scale:
    """The finest scale of 16-bit integers for values in these intervals."""
    width = values.high - values.low
    return Scale(values.low, STEPS / np.where(width > 0, width, 1.0))


def entering_scale(net: DenseNet, columns: Sequence[int]) -> Scale:
    """The scale of these columns: their intervals, with some steps left at either end for rounding."""
    finest = scale_of(entering_intervals(net, columns))
    at = [*columns]
    whole = net.inverse_spread[at] * np.exp2(-np.array([_fraction(net, column) for column in columns]))
    spare = SPARE + finest.scale * whole  # an integer of the factor may be many steps, where its range is narrow
    scale = finest.scale * (1 - 2 * spare / STEPS)
    return Scale(finest.low - spare / scale, scale)


def _fraction(net: DenseNet, column: int) -> int:
    """The bits behind the point of what a column is multiplied by: itself, or bend / (itself + bend)."""
    factor = [f for f in net.factors for _ in f.columns][column]
    return RATIO_BITS if factor.bend else FIXED_BITS - 1 - floor(log2(max(abs(factor.low), abs(factor.high))))


def _layer(
    name: str, layer: Layer, seen: Scale, most: Float64[ndarray, " units"], *, terms: int = 0
) -> tuple[FixedLayer, Scale]:
    """The layer in integers, its outputs cut at `most` or later, and what they stand for."""
    bits = output_bits(most)
    units = [_unit(f"{name}, unit {i}", layer, i, seen, int(bits[i]), terms) for i in range(len(layer.bias))]
    weights, bias, point, shift = (np.array(some) for some in zip(*units, strict=True))
    return FixedLayer(weights, bias, point, shift), Scale(np.zeros(len(bits)), np.exp2(bits))


def output_bits(most: Float64[ndarray, " outputs"]) -> Int64[ndarray, " outputs"]:
    """The bits of a fraction with which 16 bits hold values up to `most`."""
    return np.floor(np.log2(STEPS / np.maximum(most, LEAST_SPAN))).astype(np.int64)


def _unit(name: str, layer: Layer, i: int, seen: Scale, bits: int, terms: int) -> tuple[ndarray, int, int, int]:
    """Weights, bias, point and shift of a unit with outputs in 2^-bits: the finest sums that fit."""
    for point in reversed(POINTS):
        shift = point - bits
        if not SHIFTS[0] <= shift <= SHIFTS[-1]:
            continue
        half = 2.0 ** (shift - 1)  # so that the shift rounds
        real = layer.weights[i].astype(np.float64) * 2.0**point
        weights, bias = _integers(real, float(layer.bias[i]) * 2.0**point + half, seen, terms)
        if fits(weights, bias):
            return weights, bias, point, shift
    raise ValueError(
        f"{name} must fit fixed point with {POINTS[0]} bits behind the point of its sums. "
        "Train again with weaker weights, or export float."
    )


def _last_layer(
    name: str, layer: Layer, seen: Scale, *, terms: int = 0
) -> tuple[FixedLayer, Int64[ndarray, " outputs"]]:
    """The last layer, whose sums are the outputs in 2^-bits, and these bits: the most that fit."""
    units = [_output(f"{name}, unit {i}", layer, i, seen, terms) for i in range(len(layer.bias))]
    weights, bias, bits = zip(*units, strict=True)
    none, points = np.zeros(len(bias), np.int64), np.array(bits)
    return FixedLayer(np.stack(weights), np.array(bias), points, none), points


def _output(name: str, layer: Layer, i: int, seen: Scale, terms: int) -> tuple[ndarray, int, int]:
    for bits in reversed(OUTPUT_BITS):
        real = layer.weights[i].astype(np.float64) * 2.0**bits
        weights, bias = _integers(real, float(layer.bias[i]) * 2.0**bits, seen, terms)
        if fits(weights, bias):
            return weights, bias, bits
    raise ValueError(f"{name} must fit fixed point with {OUTPUT_BITS[0]} bits behind the point. Train again.")


def _integers(real: Float64[ndarray, " inputs"], constant: float, seen: Scale, terms: int) -> tuple[ndarray, int]:
    """Weights and bias, whose sum is the real one, nearly exactly so where the inputs are 0."""
    exact = np.clip(real / seen.scale, -FAR, FAR)
    weights = with_terms(np.rint(exact).astype(np.int64), terms) if terms else np.rint(exact).astype(np.int64)
    zero = seen.zero
    whole = round(float((real * seen.meaning(zero)).sum()) + constant)
    return weights, whole - int(weights @ zero)


def with_terms(weights: Int64[ndarray, "*any"], terms: int) -> Int64[ndarray, "*any"]:
    """Each integer as the sum of at most `terms` signed powers of two, each the nearest to what is left.

    Keeps signs, and leaves at most 3^-terms of a weight, because no number is farther from a power of two than a third.
    """
    total = np.zeros_like(weights)
    for _ in range(terms):
        total += nearest_power(weights - total)
    return total


def nearest_power(whole: Int64[ndarray, "*any"]) -> Int64[ndarray, "*any"]:
    """The signed power of two nearest to each integer, the smaller of two that are equally near; 0 for 0."""
    magnitude = np.abs(whole)
    below = np.exp2(np.floor(np.log2(np.maximum(magnitude, 1)))).astype(np.int64)
    return np.sign(whole) * np.where(2 * magnitude > 3 * below, 2 * below, below) * (whole != 0)


def fits(weights: Int64[ndarray, " inputs"], bias: int) -> bool:
    """The proof: 16 bits hold all weights, and 32 bits every sum, whatever 16-bit integers come in."""
    if np.abs(weights).max(initial=0) > WEIGHT or not -WORD <= bias < WORD:
        return False
    rising, falling = int(weights[weights > 0].sum()), int(weights[weights < 0].sum())
    return bias + rising * LEAST + falling * MOST >= -WORD and bias + rising * MOST + falling * LEAST < WORD


def _entries(net: DenseNet, columns: Sequence[int], scale: Scale) -> Entries:
    factors = [f for f in net.factors for _ in f.columns]
    bend = bends(net.factors)
    rows = []
    for i, column in enumerate(columns):
        factor, bent_at = factors[column], bend[column]
        if bent_at and factor.low < 0:
            raise ValueError(
                f"{factor.name} must not be negative to have a bend in fixed point. Its low is {factor.low}."
            )
        slope = float(net.inverse_spread[column] * scale.scale[i])
        constant = -float(net.center[column]) * slope - float(scale.low[i] * scale.scale[i]) + LEAST
        bits = RATIO_BITS - 1 - floor(log2(bent_at)) if bent_at else _fraction(net, column)
        bend_in_bits = min(round(bent_at * 2.0**bits), 2**RATIO_BITS - 1)
        ends = fixed(np.array([[factor.low], [factor.high]], np.float32), np.array([bits]))[:, 0]
        if bent_at:  # value / (value + bend) is 1 - bend / (value + bend), whose division rounds down
            ends = (bend_in_bits << RATIO_BITS) // (ends + bend_in_bits)
            constant, slope = constant + slope * (1 - 0.5 / 2**RATIO_BITS), -slope
        affine = _affine(factor.name, slope, constant, ends, _fraction(net, column))
        rows.append((column, bits, bend_in_bits, *affine))
    places, bits_of, bend_at, multipliers, offsets, shifts = np.array(rows, np.int64).T
    return Entries(places, bits_of, bend_at, multipliers, offsets, shifts, scale.zero)


def _affine(name: str, slope: float, constant: float, ends: Int64[ndarray, "2"], fraction: int) -> tuple[int, int, int]:
    """Multiplier, offset and shift that bring an integer with `fraction` bits to its scale: the finest of 32 bits.

    Nearest midway between its `ends`, which are proven to fit 16 bits.
    """
    middle = float(ends.mean())
    for shift in reversed(range(1, 31)):
        multiplier = round(slope * 2.0 ** (shift - fraction))
        exact = (constant + slope * middle * 2.0**-fraction) * 2.0**shift
        offset = round(exact - multiplier * middle) + 2 ** (shift - 1)  # modulo 2^32 in the firmware
        sums = [int(end) * multiplier + offset for end in ends]
        fit = all(LEAST <= total >> shift <= MOST and -WORD <= total < WORD for total in sums)
        if fit and abs(multiplier) < WORD:
            return multiplier, offset, shift
    raise ValueError(f"{name} must enter fixed point with at most 30 bits. Its scale is {slope:g}. Train again.")
