"""The network in fixed point: the NumPy reference of its integer arithmetic.

Every value between two layers is a 16-bit integer q that stands for low + (q + 32768) / scale. What enters spans its
whole interval. What leaves a rectifier begins at 0, has a scale that is a power of two, and is cut at 65535 / scale. A
unit adds 16-bit weights times such integers to its bias, in arithmetic modulo 2^32 whose result is proven to lie within
32 bits, whatever 16-bit integers come in; its sum is in 2^-point. A shift to the right brings it to 2^-15 for the
rectifier, which works on whole integers, and another shift gives q: all scales are in the weights. Rounding a weight
keeps its sign, and rounding or cutting a value keeps its order, so that a network monotone in float32 is monotone here.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from numpy import ndarray

from acc_decel.export.reference import status_of
from acc_decel.network import DenseNet, domain_inputs, excluded, in_order, wiring
from acc_decel.outputs import COMFORT_DECELERATION, OUTPUTS
from acc_decel.status import BELOW_COMFORT, OUTSIDE_DOMAIN, REFUSED

LEAST, MOST = -32768, 32767  # of a value between layers
STEPS = MOST - LEAST
WORD = 2**31  # sums lie from -WORD to WORD - 1
RATIO_BITS = 16  # of bend / (value + bend), and of the bend as an integer
GATE_BITS = 14  # a gate of 1 is 2^14
ROOT_BITS = 15  # of what the rectifier squares, behind the point
MOST_RAMP = 2**ROOT_BITS - 1  # 1, nearly: saturating to so many bits is one instruction


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
    """What enters the network: (t * multiplier + offset) >> shift; `zero` where it is not available.

    t is the factor as an integer, or bend / (factor + bend) in 2^-RATIO_BITS where it has a bend.
    """

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
        t = np.where(self.bends > 0, (self.bends << RATIO_BITS) // np.maximum(t + self.bends, 1), t)
        q = (t * self.multipliers + self.offsets) >> self.shifts
        return np.where(np.isnan(columns[:, self.columns]), self.zero, q)


@dataclass(frozen=True)
class FixedLayer:
    """Sums weights @ x + bias, in 2^-point.

    Rectified and shifted right by `shift` they are the layer's outputs; the last layer's sums are those of the network.
    """

    weights: Int64[ndarray, "outputs inputs"]
    bias: Int64[ndarray, " outputs"]
    point: Int64[ndarray, " outputs"]
    shift: Int64[ndarray, " outputs"]

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
        products = x.astype(np.float64) @ self.weights.T.astype(np.float64)  # exact: integers below 2^53
        return products.astype(np.int64) + self.bias


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
