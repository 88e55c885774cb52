"""The network in fixed point: integers chosen so that no sum can overflow, and the NumPy reference of their arithmetic.

Every value between two layers is a 16-bit integer q that stands for low + (q + 32768) / scale, where low to low +
65535 / scale is what the value can be: its interval, proven from the ranges of the factors, cut by its clamp. So the
clamp of every unit is the saturation of a 16-bit integer, a rectifier's zero is exact, and saturation changes nothing
that the clamp would not. A unit adds 16-bit weights times such integers to its bias, in arithmetic modulo 2^32 whose
result is proven to lie within 32 bits, and shifts right: all scales are in the weights. Rounding a weight keeps its
sign and rounding a value keeps its order, so that a network monotone in float32 is monotone here.
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
from acc_decel.network import DenseNet, Layer, domain_inputs, excluded, in_order, wiring
from acc_decel.status import BELOW_COMFORT, OUTSIDE_DOMAIN, REFUSED

LEAST, MOST = -32768, 32767  # of a value between layers
STEPS = MOST - LEAST
WEIGHT = 32767  # greatest magnitude of a weight
FAR = 2.0**40  # a weight that does not fit by far
WORD = 2**31  # sums lie from -WORD to WORD - 1
FIXED_BITS = 15  # a factor becomes an integer of at most so many bits and a sign
GATE_BITS = 14  # a gate of 1 is 2^14
SHIFTS = range(1, 24)
OUTPUT_BITS = range(8, 25)
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
    """q = (weights @ x + (fine @ x >> finer) + bias) >> shift, saturated to 16 bits; no `fine` if `finer` is 0."""

    weights: Int64[ndarray, "outputs inputs"]
    fine: Int64[ndarray, "outputs inputs"]  # what the weights lack, in 2^-finer
    bias: Int64[ndarray, " outputs"]
    shift: Int64[ndarray, " outputs"]
    finer: int

    def __call__(self, x: Int64[ndarray, "rows inputs"]) -> Int64[ndarray, "rows outputs"]:
        """The layer's outputs for `x`."""
        return np.clip(self.sums(x) >> self.shift, LEAST, MOST)

    def sums(self, x: Int64[ndarray, "rows inputs"]) -> Int64[ndarray, "rows outputs"]:
        """The sums before the shift."""
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
        x, forced = self.entered(columns)
        for layer in self.embedding:
            x = layer(x)
        x = np.concatenate([x, forced], axis=1)
        for layer in self.trunk[:-1]:
            x = layer(x)
        whole = np.clip(self.trunk[-1].sums(x), self.least, self.most)
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
    expected = net(events)
    finer: frozenset[int] = frozenset()
    layers = range(len(net.embedding) + len(net.trunk))
    best = quantised(net, finer)
    error = _distance(best, events, expected)
    while error > tolerance and len(finer) < len(layers):
        trials = {finer | {i}: quantised(net, finer | {i}) for i in layers if i not in finer}
        errors = {some: _distance(trial, events, expected) for some, trial in trials.items()}
        finer = min(errors, key=errors.__getitem__)
        best, error = trials[finer], errors[finer]
    return best


def _distance(net: FixedNet, events: Float32[ndarray, "rows columns"], expected: ndarray) -> float:
    return float(np.abs(net(events) - expected).max(initial=0))


def quantised(net: DenseNet, finer: Collection[int] = ()) -> FixedNet:
    """`net` in fixed point, with finer weights in the layers of these numbers, counted from the embedding's first.

    Raises ValueError, naming layer and reason, if the integers cannot be proven to fit.
    """
    wires = wiring(net.factors)
    columns = (*wires.forced, *wires.free, *wires.gated)
    scale = _scale(entering_intervals(net, columns))
    first = len(wires.forced)
    forced = Scale(scale.low[:first], scale.scale[:first])
    masked = _scale(Interval(np.zeros(len(wires.masked)), np.ones(len(wires.masked))))
    seen = Scale(scale.low[first:], scale.scale[first:]).joined(masked)
    named, done = _named_layers(net), []
    sums = sum_intervals(net, [layer for _, layer in named])
    for i, (name, layer) in enumerate(named[:-1]):
        seen = seen.joined(forced) if i == len(net.embedding) else seen
        rounded, seen = _layer(name, layer, seen, sums[i], fine=i in finer)
        done.append(rounded)
    seen = seen.joined(forced) if len(done) == len(net.embedding) else seen
    name, layer = named[-1]
    last, bits = _last_layer(name, layer, seen, fine=len(done) in finer)
    ends = [np.clip(np.rint(e.astype(np.float64) * np.exp2(bits)), -WORD, WORD - 1) for e in (layer.low, layer.high)]
    least, most = (end.astype(np.int64) for end in ends)
    deep = len(net.embedding)
    entries = _entries(net, columns, scale)
    domain = _domain(net, scale.joined(masked))
    return FixedNet(net, entries, tuple(done[:deep]), (*done[deep:], last), domain, bits, least, most)


def _domain(net: DenseNet, entered: Scale) -> tuple[FixedLayer, ...]:
    """The layers of the score in integers; `entered` are forced, free, gated and availability."""
    places = [*domain_inputs(net.factors)]
    seen = Scale(entered.low[places], entered.scale[places])
    rectified, hidden = _layer("domain[0]", net.domain[0], seen, domain_intervals(net), fine=False)
    score, _ = _last_layer("domain[1]", net.domain[1], hidden, fine=False)
    return rectified, score


def _named_layers(net: DenseNet) -> list[tuple[str, Layer]]:
    """All layers and their names; the trunk's first takes the embedding's values before the forced columns."""
    forced, first = len(wiring(net.factors).forced), net.trunk[0]
    weights = np.concatenate([first.weights[:, forced:], first.weights[:, :forced]], axis=1)
    trunk = (Layer(weights, first.bias, first.low, first.high), *net.trunk[1:])
    parts = {"embedding": net.embedding, "trunk": trunk}
    return [(f"{part}[{i}]", layer) for part, layers in parts.items() for i, layer in enumerate(layers)]


def _scale(values: Interval) -> Scale:
    width = values.high - values.low
    return Scale(values.low, STEPS / np.where(width > 0, width, 1.0))


def _layer(name: str, layer: Layer, seen: Scale, sums: Interval, *, fine: bool) -> tuple[FixedLayer, Scale]:
    """The layer in integers, and what its outputs stand for."""
    scale, finer = _scale(sums.clamped(layer)), _finer(layer) if fine else 0
    units = [_unit(f"{name}, unit {i}", layer, i, seen, scale, finer) for i in range(len(layer.bias))]
    weights, residues, bias, shift = zip(*units, strict=True)
    return FixedLayer(np.stack(weights), np.stack(residues), np.array(bias), np.array(shift), finer), scale


def _finer(layer: Layer) -> int:
    """Bits by which weights of this layer can be finer: what they lack then sums up to less than 32 bits."""
    return 16 - layer.weights.shape[1].bit_length()


def _unit(name: str, layer: Layer, i: int, seen: Scale, scale: Scale, finer: int) -> tuple[ndarray, ndarray, int, int]:
    """Weights, what they lack, bias and shift of one unit: the greatest shift, and so the finest weights, that fit."""
    for shift in reversed(SHIFTS):
        unit = float(scale.scale[i]) * 2.0**shift  # of the sum
        constant = (float(layer.bias[i]) - float(scale.low[i])) * unit + LEAST * 2.0**shift + 2.0 ** (shift - 1)
        weights, fine, bias = _integers(layer.weights[i].astype(np.float64) * unit, constant, seen, finer)
        if fits(weights, bias, fine, finer):
            return weights, fine, bias, shift
    raise ValueError(
        f"{name} must fit fixed point: its sums reach more than 2^{31 - SHIFTS[0]} steps of its output. "
        "Train again with weaker weights, or export float."
    )


def _last_layer(name: str, layer: Layer, seen: Scale, *, fine: bool) -> tuple[FixedLayer, Int64[ndarray, " outputs"]]:
    """The last layer, whose sums are the outputs in 2^-bits, and these bits: the most that fit."""
    finer = _finer(layer) if fine else 0
    units = [_output(f"{name}, unit {i}", layer, i, seen, finer) for i in range(len(layer.bias))]
    weights, residues, bias, bits = zip(*units, strict=True)
    none = np.zeros(len(bias), np.int64)
    return FixedLayer(np.stack(weights), np.stack(residues), np.array(bias), none, finer), np.array(bits)


def _output(name: str, layer: Layer, i: int, seen: Scale, finer: int) -> tuple[ndarray, ndarray, int, int]:
    for bits in reversed(OUTPUT_BITS):
        unit = 2.0**bits
        weights, fine, bias = _integers(
            layer.weights[i].astype(np.float64) * unit, float(layer.bias[i]) * unit, seen, finer
        )
        if fits(weights, bias, fine, finer):
            return weights, fine, bias, bits
    raise ValueError(f"{name} must fit fixed point with {OUTPUT_BITS[0]} bits behind the point. Train again.")


def _integers(
    real: Float64[ndarray, " inputs"], constant: float, seen: Scale, finer: int
) -> tuple[ndarray, ndarray, int]:
    """Weights, what they lack and bias, whose sum is the real one, nearly exactly so where the inputs are 0."""
    exact = np.clip(real / seen.scale, -FAR, FAR)
    weights = np.rint(exact).astype(np.int64)
    fine = np.rint((exact - weights) * 2.0**finer).astype(np.int64) if finer else np.zeros_like(weights)
    zero = seen.zero
    whole = round(float((real * seen.meaning(zero)).sum()) + constant)
    return weights, fine, whole - int(weights @ zero) - (int(fine @ zero) >> finer)


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
