"""The network in fixed point: integers chosen so that no sum can overflow, and the NumPy reference of their arithmetic.

Every value between two layers is a 16-bit integer q that stands for low + (q + 32768) / scale. What enters spans its
whole interval. What leaves a rectifier begins at 0, has a scale that is a power of two, and is cut at 65535 / scale: at
least ROOM times the greatest value seen over many events and corners, or the proven interval if that is less. A unit
adds 16-bit weights times such integers to its bias, in arithmetic modulo 2^32 whose result is proven to lie within 32
bits, whatever 16-bit integers come in; its sum is in 2^-point. A shift to the right brings it to 2^-15 for the
rectifier, which works on whole integers, and another shift gives q: all scales are in the weights. Rounding a weight
keeps its sign, and rounding or cutting a value keeps its order, so that a network monotone in float32 is monotone here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import floor, log2

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from numpy import ndarray

from acc_decel.export.bounds import Interval, domain_intervals, entering_intervals, sum_intervals
from acc_decel.export.fitness import check_fits
from acc_decel.export.reference import status_of
from acc_decel.factors import COMFORT_DECELERATION, OUTPUTS, bends
from acc_decel.network import DenseNet, Layer, domain_inputs, entering, excluded, in_order, rectified, wiring
from acc_decel.status import BELOW_COMFORT, OUTSIDE_DOMAIN, REFUSED

LEAST, MOST = -32768, 32767  # of a value between layers
STEPS = MOST - LEAST
WEIGHT = 32767  # greatest magnitude of a weight
FAR = 2.0**40  # a weight that does not fit by far
WORD = 2**31  # sums lie from -WORD to WORD - 1
FIXED_BITS = 15  # a factor becomes an integer of at most so many bits and a sign
GATE_BITS = 14  # a gate of 1 is 2^14
ROOT_BITS = 15  # of what the rectifier squares, behind the point
MOST_RAMP = 2**ROOT_BITS - 1  # 1, nearly: saturating to so many bits is one instruction
LEAST_SPAN = 1.0  # of a value: no steps finer than those of the rectifier
SHIFTS = range(1, 32)
POINTS = range(ROOT_BITS + 1, 2 * ROOT_BITS + 1)  # bits behind the point of a sum
OUTPUT_BITS = range(8, 25)
ROOM = 2.0  # for a value: times the greatest one seen
TOLERANCE = 0.05  # [m/s^2], [s] that fixed point may be away from float before weights are made finer


@dataclass(frozen=True)
class Scale:
    """What the integers of some values stand for: low + (q - LEAST) / scale."""

    low: Float64[ndarray, " values"]
    scale: Float64[ndarray, " values"]

    @property
    def zero(self) -> Int64[ndarray, " values"]:
        """The integer nearest to 0, or at the end next to it."""
        return np.clip(np.rint(-self.low * self.scale) + LEAST, LEAST, MOST).astype(np.int64)

    def meaning(self, q: Int64[ndarray, " values"]) -> Float64[ndarray, " values"]:
        """The real values that some integers stand for."""
        return self.low + (q - LEAST) / self.scale

    def joined(self, other: "Scale") -> "Scale":
        """The scales of these values and then of others."""
        return Scale(np.concatenate([self.low, other.low]), np.concatenate([self.scale, other.scale]))


@dataclass(frozen=True)
class Entries:
    """What enters the network: (factor * multiplier + offset) >> shift, saturated; `zero` where it is not available."""

    columns: Int64[ndarray, " values"]
    bits: Int64[ndarray, " values"]  # of the fraction of the factor as an integer
    bends: Int64[ndarray, " values"]  # in the same; 0 without a bend
    multipliers: Int64[ndarray, " values"]
    offsets: Int64[ndarray, " values"]
    shifts: Int64[ndarray, " values"]
    zero: Int64[ndarray, " values"]

    def __call__(self, columns: Float32[ndarray, "rows columns"]) -> Int64[ndarray, "rows values"]:
        """The integers that enter for some events; NaN means not available."""
        values = np.nan_to_num(columns[:, self.columns])
        t = fixed(values, self.bits)
        t = np.where(self.bends > 0, (t << FIXED_BITS) // np.maximum(t + self.bends, 1), t)
        q = np.clip((t * self.multipliers + self.offsets) >> self.shifts, LEAST, MOST)
        return np.where(np.isnan(columns[:, self.columns]), self.zero, q)


@dataclass(frozen=True)
class FixedLayer:
    """Sums weights @ x + (fine @ x >> finer) + bias, in 2^-point; no `fine` if `finer` is 0.

    Rectified and shifted right by `shift` they are the layer's outputs; the last layer's sums are those of the network.
    """

    weights: Int64[ndarray, "outputs inputs"]
    fine: Int64[ndarray, "outputs inputs"]  # what the weights lack, in 2^-finer
    bias: Int64[ndarray, " outputs"]
    point: Int64[ndarray, " outputs"]
    shift: Int64[ndarray, " outputs"]
    finer: int

    def __call__(self, x: Int64[ndarray, "rows inputs"]) -> Int64[ndarray, "rows outputs"]:
        """The layer's outputs for `x`."""
        above = np.maximum(self.sums(x), 0) >> self.first_shift
        ramp = np.minimum(above, MOST_RAMP)
        curve = ramp * ramp >> ROOT_BITS + 1
        return np.minimum((above - ramp + curve) >> self.second_shift, STEPS) + LEAST

    @property
    def first_shift(self) -> Int64[ndarray, " outputs"]:
        """Places to the right by which a sum enters the rectifier: in 2^-15."""
        return self.point - ROOT_BITS

    @property
    def second_shift(self) -> Int64[ndarray, " outputs"]:
        """Places to the right by which its value leaves the rectifier."""
        return self.shift - self.first_shift

    def sums(self, x: Int64[ndarray, "rows inputs"]) -> Int64[ndarray, "rows outputs"]:
        """The sums."""
        return _product(x, self.weights) + (_product(x, self.fine) >> self.finer) + self.bias


def _product(x: Int64[ndarray, "rows inputs"], weights: Int64[ndarray, "outputs inputs"]) -> ndarray:
    return (x.astype(np.float64) @ weights.T.astype(np.float64)).astype(np.int64)  # exact: integers below 2^53


@dataclass(frozen=True)
class FixedNet:
    """A network in fixed point. The last layer's sums, cut to `least` to `most`, are the outputs in 2^-bits."""

    net: DenseNet
    entries: Entries  # forced, free and gated columns
    embedding: tuple[FixedLayer, ...]
    trunk: tuple[FixedLayer, ...]
    domain: tuple[FixedLayer, ...]  # its last sum is the score, in some power of 2
    bits: Int64[ndarray, " outputs"]
    least: Int64[ndarray, " outputs"]
    most: Int64[ndarray, " outputs"]

    @property
    def domain_inputs(self) -> tuple[int, ...]:
        """Which of the values that enter the score sees: here the forced columns come last."""
        wires = wiring(self.net.factors)
        forced = len(wires.forced)
        return tuple((i - forced) % (forced + wires.embedding_inputs) for i in domain_inputs(self.net.factors))

    def entered(
        self, columns: Float32[ndarray, "rows columns"]
    ) -> tuple[Int64[ndarray, "rows x"], Int64[ndarray, "rows forced"]]:
        """The integers that enter the embedding, and the forced columns."""
        wires = wiring(self.net.factors)
        entered = self.entries(columns)
        forced, free, gated = np.split(entered, np.cumsum([len(wires.forced), len(wires.free)]), axis=1)
        zero = self.entries.zero[len(wires.forced) + len(wires.free) :]
        gate = 2**GATE_BITS - fixed(np.nan_to_num(columns[:, wires.gates]), np.full(len(wires.gates), GATE_BITS))
        gated = zero + (((gated - zero) * gate + 2 ** (GATE_BITS - 1)) >> GATE_BITS)
        available = np.where(np.isnan(columns[:, wires.masked]), LEAST, MOST)
        return np.concatenate([free, gated, available], axis=1), forced

    def unfamiliar(self, columns: Float32[ndarray, "rows columns"]) -> Bool[ndarray, " rows"]:
        """Whether the score of accepted events, in integers, is above 0."""
        x = np.concatenate(self.entered(columns), axis=1)[:, self.domain_inputs]
        for layer in self.domain[:-1]:
            x = layer(x)
        return self.domain[-1].sums(x)[:, 0] > 0

    def __call__(self, columns: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows outputs"]:
        """What `DenseNet` gives for accepted events, as the integers of the firmware give it: the same bits."""
        embedded, x = self.entered(columns)
        for layer in self.embedding:
            embedded = layer(embedded)
        for layer in self.trunk[:-1]:
            x = layer(np.concatenate([embedded, x], axis=1))
        sums = self.trunk[-1].sums(np.concatenate([embedded, x], axis=1))
        whole = np.clip(sums, self.least, self.most)
        outputs = whole.astype(np.float32) * np.exp2(-self.bits).astype(np.float32)
        return in_order(outputs)


def fixed_answers(
    net: FixedNet, columns: Float32[ndarray, "rows columns"]
) -> tuple[Float32[ndarray, "rows outputs"], Int64[ndarray, " rows"]]:
    """Outputs (NaN where refused) and status that the firmware in fixed point must give for `columns`."""
    status = status_of(net.net, columns) & ~(BELOW_COMFORT | OUTSIDE_DOMAIN)
    answered = status & REFUSED == 0
    outside = excluded(net.net.factors, columns[answered]) | net.unfamiliar(columns[answered])
    status[answered] |= np.where(outside, OUTSIDE_DOMAIN, 0)
    outputs = np.full((len(columns), len(OUTPUTS)), np.nan, np.float32)
    outputs[answered] = net(columns[answered])
    status[answered & ~(outputs[:, 0] >= np.float32(COMFORT_DECELERATION))] |= BELOW_COMFORT
    return outputs, status


def fixed(values: Float32[ndarray, "rows values"], bits: Int64[ndarray, " values"]) -> Int64[ndarray, "rows values"]:
    """Floats as integers with a fraction of `bits` bits, rounded to the nearest, halves away from 0."""
    whole = values.astype(np.float64) * np.exp2(bits)  # exact
    return (np.sign(whole) * np.floor(np.abs(whole) + 0.5)).astype(np.int64)


def fixed_net(net: DenseNet, events: Float32[ndarray, "rows columns"], *, tolerance: float = TOLERANCE) -> FixedNet:
    """`net` in fixed point, within `tolerance` [m/s^2] of it on accepted `events` where finer weights can reach that.

    Layer by layer, weights are made finer where that helps most; they then take twice the room and the time. Raises
    ValueError, naming layer and reason, if the integers cannot be proven to fit.
    """
    check_fits(net)
    expected, reached = net(events), values_reached(net, events)
    finer: frozenset[int] = frozenset()
    layers = range(len(net.embedding) + len(net.trunk))
    best = quantised(net, finer, reached)
    error = _distance(best, events, expected)
    while error > tolerance and len(finer) < len(layers):
        trials = {finer | {i}: quantised(net, finer | {i}, reached) for i in layers if i not in finer}
        errors = {some: _distance(trial, events, expected) for some, trial in trials.items()}
        finer = min(errors, key=errors.__getitem__)
        best, error = trials[finer], errors[finer]
    return best


def _distance(net: FixedNet, events: Float32[ndarray, "rows columns"], expected: ndarray) -> float:
    return float(np.abs(net(events) - expected).max(initial=0))


def values_reached(net: DenseNet, events: Float32[ndarray, "rows columns"]) -> list[Float64[ndarray, " _"]]:
    """The greatest value of every hidden unit, layer by layer: `events`, where little is known, and in the corners."""
    every = np.concatenate([events, _hardly_known(net, events)])
    return greatest_values(net, np.concatenate([every, _at_the_ends(net, every)]))


def greatest_values(net: DenseNet, events: Float32[ndarray, "rows columns"]) -> list[Float64[ndarray, " _"]]:
    """The greatest value of every hidden unit over `events`, layer by layer, embedding first."""
    embedded, x = entering(net.factors, net.center, net.inverse_spread, events)
    found = []
    for layer in net.embedding:
        embedded = rectified(layer(embedded))
        found.append(embedded.max(axis=0).astype(np.float64))
    for layer in net.trunk[:-1]:
        x = rectified(layer(np.concatenate([embedded, x], axis=1)))
        found.append(x.max(axis=0).astype(np.float64))
    return found


def _hardly_known(net: DenseNet, events: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows columns"]:
    """The events without the factors that may lack, but for one, each in turn, or none."""
    scarce, lacking, start = events.copy(), [f for f in net.factors if f.may_lack], 0
    for factor in net.factors:
        own = slice(start, start := start + len(factor.columns))
        if factor.may_lack:
            scarce[np.arange(len(events)) % (len(lacking) + 1) != lacking.index(factor), own] = np.nan
    return scarce


def _at_the_ends(net: DenseNet, events: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows columns"]:
    """The events with every factor moved to the nearer end of its range; choices as they are."""
    ends = np.array([(f.low, f.high) for f in net.factors for _ in f.columns], np.float32)
    moved = np.where(events < ends.mean(axis=1), ends[:, 0], ends[:, 1])
    choice = np.array([bool(f.levels) for f in net.factors for _ in f.columns])
    return np.where(choice | np.isnan(events), events, moved)


def quantised(
    net: DenseNet,
    finer: Collection[int] = (),
    reached: Sequence[Float64[ndarray, " _"]] | None = None,
    *,
    terms: Sequence[int] = (),
) -> FixedNet:
    """`net` in fixed point, with finer weights in the layers of these numbers, counted from the embedding's first.

    Values are cut at ROOM times what they have `reached`, or not at all if that is not given. `terms` makes each
    weight of a layer the sum of at most so many signed powers of two, one number a layer, the score's last. Raises
    ValueError, naming layer and reason, if the integers cannot be proven to fit.
    """
    wires = wiring(net.factors)
    columns = (*wires.forced, *wires.free, *wires.gated)
    scale = scale_of(entering_intervals(net, columns))
    first = len(wires.forced)
    forced = Scale(scale.low[:first], scale.scale[:first])
    masked = scale_of(Interval(np.zeros(len(wires.masked)), np.ones(len(wires.masked))))
    seen = Scale(scale.low[first:], scale.scale[first:]).joined(masked)
    most = greatest_cut(net, reached)
    few = terms or [0] * (len(most) + 1 + len(net.domain))
    embedded, done = seen, []
    for i, layer in enumerate(net.embedding):
        rounded, embedded = _layer(f"embedding[{i}]", layer, embedded, most[i], fine=i in finer, terms=few[i])
        done.append(rounded)
    deep, x = len(done), forced
    for i, layer in enumerate(net.trunk[:-1]):
        at = deep + i
        rounded, x = _layer(f"trunk[{i}]", layer, embedded.joined(x), most[at], fine=at in finer, terms=few[at])
        done.append(rounded)
    at = len(done)
    last, bits = _last_layer(f"trunk[{at - deep}]", net.trunk[-1], embedded.joined(x), fine=at in finer, terms=few[at])
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
    first, hidden = _layer("domain[0]", net.domain[0], seen, most, fine=False, terms=terms[0])
    score, _ = _last_layer("domain[1]", net.domain[1], hidden, fine=False, terms=terms[1])
    return first, score


def scale_of(values: Interval) -> Scale:
    """The finest scale of 16-bit integers for values in these intervals."""
    width = values.high - values.low
    return Scale(values.low, STEPS / np.where(width > 0, width, 1.0))


def _layer(
    name: str, layer: Layer, seen: Scale, most: Float64[ndarray, " units"], *, fine: bool, terms: int = 0
) -> tuple[FixedLayer, Scale]:
    """The layer in integers, its outputs cut at `most` or later, and what they stand for."""
    bits, finer = output_bits(most), _finer(layer) if fine else 0
    units = [_unit(f"{name}, unit {i}", layer, i, seen, int(bits[i]), finer, terms) for i in range(len(layer.bias))]
    weights, residues, bias, point, shift = (np.array(some) for some in zip(*units, strict=True))
    return FixedLayer(weights, residues, bias, point, shift, finer), Scale(np.zeros(len(bits)), np.exp2(bits))


def output_bits(most: Float64[ndarray, " outputs"]) -> Int64[ndarray, " outputs"]:
    """The bits of a fraction with which 16 bits hold values up to `most`."""
    return np.floor(np.log2(STEPS / np.maximum(most, LEAST_SPAN))).astype(np.int64)


def _finer(layer: Layer) -> int:
    """Bits by which weights of this layer can be finer: what they lack then sums up to less than 32 bits."""
    return 16 - layer.weights.shape[1].bit_length()


def _unit(
    name: str, layer: Layer, i: int, seen: Scale, bits: int, finer: int, terms: int
) -> tuple[ndarray, ndarray, int, int, int]:
    """Weights, what they lack, bias, point and shift of a unit with outputs in 2^-bits: the finest sums that fit."""
    for point in reversed(POINTS):
        shift = point - bits
        if not SHIFTS[0] <= shift <= SHIFTS[-1]:
            continue
        half = 2.0 ** (shift - 1)  # so that the shift rounds
        weights, fine, bias = _integers(
            layer.weights[i].astype(np.float64) * 2.0**point,
            float(layer.bias[i]) * 2.0**point + half,
            seen,
            finer,
            terms,
        )
        if fits(weights, bias, fine, finer):
            return weights, fine, bias, point, shift
    raise ValueError(
        f"{name} must fit fixed point with {POINTS[0]} bits behind the point of its sums. "
        "Train again with weaker weights, or export float."
    )


def _last_layer(
    name: str, layer: Layer, seen: Scale, *, fine: bool, terms: int = 0
) -> tuple[FixedLayer, Int64[ndarray, " outputs"]]:
    """The last layer, whose sums are the outputs in 2^-bits, and these bits: the most that fit."""
    finer = _finer(layer) if fine else 0
    units = [_output(f"{name}, unit {i}", layer, i, seen, finer, terms) for i in range(len(layer.bias))]
    weights, residues, bias, bits = zip(*units, strict=True)
    none, points = np.zeros(len(bias), np.int64), np.array(bits)
    return FixedLayer(np.stack(weights), np.stack(residues), np.array(bias), points, none, finer), points


def _output(name: str, layer: Layer, i: int, seen: Scale, finer: int, terms: int) -> tuple[ndarray, ndarray, int, int]:
    for bits in reversed(OUTPUT_BITS):
        unit = 2.0**bits
        weights, fine, bias = _integers(
            layer.weights[i].astype(np.float64) * unit, float(layer.bias[i]) * unit, seen, finer, terms
        )
        if fits(weights, bias, fine, finer):
            return weights, fine, bias, bits
    raise ValueError(f"{name} must fit fixed point with {OUTPUT_BITS[0]} bits behind the point. Train again.")


def _integers(
    real: Float64[ndarray, " inputs"], constant: float, seen: Scale, finer: int, terms: int
) -> tuple[ndarray, ndarray, int]:
    """Weights, what they lack and bias, whose sum is the real one, nearly exactly so where the inputs are 0."""
    exact = np.clip(real / seen.scale, -FAR, FAR)
    weights = with_terms(np.rint(exact).astype(np.int64), terms) if terms else np.rint(exact).astype(np.int64)
    fine = np.rint((exact - weights) * 2.0**finer).astype(np.int64) if finer else np.zeros_like(weights)
    zero = seen.zero
    whole = round(float((real * seen.meaning(zero)).sum()) + constant)
    return weights, fine, whole - int(weights @ zero) - (int(fine @ zero) >> finer)


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


def fits(weights: Int64[ndarray, " inputs"], bias: int, fine: Int64[ndarray, " inputs"], finer: int) -> bool:
    """The proof: 16 bits hold all weights, and 32 bits every sum, whatever 16-bit integers come in."""
    if max(np.abs(weights).max(initial=0), np.abs(fine).max(initial=0)) > WEIGHT or not -WORD <= bias < WORD:
        return False
    least, most = _ends(weights)
    fine_least, fine_most = _ends(fine)
    if fine_least < -WORD or fine_most >= WORD:
        return False
    return bias + least + (fine_least >> finer) >= -WORD and bias + most + (fine_most >> finer) < WORD


def _ends(weights: Int64[ndarray, " inputs"]) -> tuple[int, int]:
    """The least and the greatest sum of weights times 16-bit integers."""
    rising, falling = int(weights[weights > 0].sum()), int(weights[weights < 0].sum())
    return rising * LEAST + falling * MOST, rising * MOST + falling * LEAST


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
        bits = FIXED_BITS - 1 - floor(log2(max(abs(factor.low), abs(factor.high))))
        fraction = FIXED_BITS if bent_at else bits
        slope = float(net.inverse_spread[column] * scale.scale[i])
        constant = -float(net.center[column]) * slope - float(scale.low[i] * scale.scale[i]) + LEAST
        rows.append((column, bits, round(bent_at * 2.0**bits), *_affine(factor.name, slope, constant, fraction)))
    places, bits_of, bend_at, multipliers, offsets, shifts = np.array(rows, np.int64).T
    return Entries(places, bits_of, bend_at, multipliers, offsets, shifts, scale.zero)


def _affine(name: str, slope: float, constant: float, fraction: int) -> tuple[int, int, int]:
    """Multiplier, offset and shift that bring a factor as an integer to its scale: the finest that 32 bits hold."""
    for shift in reversed(range(1, 31)):
        multiplier = round(slope * 2.0 ** (shift - fraction))
        offset = round(constant * 2.0**shift) + 2 ** (shift - 1)
        if abs(multiplier) * 2**FIXED_BITS + abs(offset) < WORD:
            return multiplier, offset, shift
    raise ValueError(f"{name} must enter fixed point with at most 30 bits. Its scale is {slope:g}. Train again.")
