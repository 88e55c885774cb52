"""The network in fixed point: the NumPy reference of its integer arithmetic.

Every value between two layers is a 16-bit integer q that stands for low + (q + 32768) / scale. An input of the
network uses the whole range of q. The output of a rectifier starts at 0, has a scale that is a power of two, and is cut
at 65535 / scale. A unit adds 16-bit weights times such integers to its bias, modulo 2^32; the export proves that the
result fits 32 bits for all 16-bit integers. The sum is in 2^-point. A shift to the right brings it to 2^-15 for the
rectifier, which uses only integers, and a second shift gives q: all scales are in the weights. Rounding keeps the sign
of a weight and the order of values, so a network that is monotone in float32 is monotone here.

The physics features before the layers and the head behind them are those of the network in float32.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from numpy import ndarray

from acc_decel.export.reference import status_of
from acc_decel.network import FEATURES, DenseNet, cautious, domain_inputs, excluded, feature_values, wiring
from acc_decel.outputs import COMFORT_DECELERATION, LOWER, OUTPUTS
from acc_decel.status import BELOW_COMFORT, OUTSIDE_DOMAIN, REFUSED

MIN_VALUE, MAX_VALUE = -32768, 32767  # between layers
STEPS = MAX_VALUE - MIN_VALUE
WORD = 2**31  # sums are from -WORD to WORD - 1
RATIO_BITS = 16  # of half_saturation / (value + half_saturation), and of half_saturation as an integer
GATE_BITS = 14  # a gate of 1 is 2^14
ROOT_BITS = 15  # fraction bits of the number that the rectifier squares
MAX_RAMP = 2**ROOT_BITS - 1  # almost 1: a core saturates to so many bits in one instruction


@dataclass(frozen=True)
class Scale:
    """The real values that integers represent: low + (q - MIN_VALUE) / scale."""

    low: Float64[ndarray, " values"]
    scale: Float64[ndarray, " values"]

    @property
    def zero(self) -> Int64[ndarray, " values"]:
        """The integers that represent 0, or the nearest possible value."""
        return np.clip(np.rint(-self.low * self.scale) + MIN_VALUE, MIN_VALUE, MAX_VALUE).astype(np.int64)

    def meaning(self, q: Int64[ndarray, " values"]) -> Float64[ndarray, " values"]:
        """The real values that these integers represent."""
        return self.low + (q - MIN_VALUE) / self.scale

    def joined(self, other: "Scale") -> "Scale":
        """These scales followed by the `other` ones."""
        return Scale(np.concatenate([self.low, other.low]), np.concatenate([self.scale, other.scale]))


@dataclass(frozen=True)
class Entries:
    """The inputs of the network: (t * multiplier + offset) >> shift; `zero` if the column is not available.

    t is the factor or the feature as an integer; for a saturated factor, half_saturation / (factor + half_saturation)
    in 2^-RATIO_BITS.
    """

    places: Int64[ndarray, " values"]  # among the columns and, behind them, the features
    columns: Int64[ndarray, " values"]  # which says whether it is available: of a feature, one that always is
    bits: Int64[ndarray, " values"]  # fraction bits of the integer
    half_saturations: Int64[ndarray, " values"]  # with the same fraction bits; 0 if not saturated
    multipliers: Int64[ndarray, " values"]
    offsets: Int64[ndarray, " values"]
    shifts: Int64[ndarray, " values"]
    zero: Int64[ndarray, " values"]

    def __call__(self, inputs: Float32[ndarray, "rows inputs"]) -> Int64[ndarray, "rows values"]:
        """The inputs, as integers, for the columns and features of events; NaN means not available."""
        t = fixed(np.nan_to_num(inputs[:, self.places]), self.bits)
        half = self.half_saturations
        t = np.where(half > 0, (half << RATIO_BITS) // np.maximum(t + half, 1), t)
        q = (t * self.multipliers + self.offsets) >> self.shifts
        return np.where(np.isnan(inputs[:, self.columns]), self.zero, q)


@dataclass(frozen=True)
class FixedLayer:
    """Sums weights @ x + bias, in 2^-point.

    The layer's outputs are the sums, rectified and shifted right by `shift`; the last layer's sums are the network's.
    """

    weights: Int64[ndarray, "outputs inputs"]
    bias: Int64[ndarray, " outputs"]
    point: Int64[ndarray, " outputs"]
    shift: Int64[ndarray, " outputs"]

    def __call__(self, x: Int64[ndarray, "rows inputs"]) -> Int64[ndarray, "rows outputs"]:
        """The layer's outputs for `x`."""
        above = np.maximum(self.sums(x), 0) >> self.first_shift
        ramp = np.minimum(above, MAX_RAMP)
        curve = ramp * ramp >> ROOT_BITS + 1
        return np.minimum((above - ramp + curve) >> self.second_shift, STEPS) + MIN_VALUE

    @property
    def first_shift(self) -> Int64[ndarray, " outputs"]:
        """Right shift of a sum before the rectifier, to 2^-15."""
        return self.point - ROOT_BITS

    @property
    def second_shift(self) -> Int64[ndarray, " outputs"]:
        """Right shift of the value after the rectifier."""
        return self.shift - self.first_shift

    def sums(self, x: Int64[ndarray, "rows inputs"]) -> Int64[ndarray, "rows outputs"]:
        """The sums."""
        products = x.astype(np.float64) @ self.weights.T.astype(np.float64)  # exact: integers below 2^53
        return products.astype(np.int64) + self.bias


@dataclass(frozen=True)
class FixedNet:
    """A network in fixed point. The last layer's sums are in 2^-bits; `net` has the features and the head."""

    net: DenseNet
    entries: Entries  # forced, free and gated
    embedding: tuple[FixedLayer, ...]
    trunk: tuple[FixedLayer, ...]
    domain: tuple[FixedLayer, ...]  # its last sum is the score, times a power of 2
    bits: Int64[ndarray, " last"]

    @property
    def domain_inputs(self) -> tuple[int, ...]:
        """Which inputs of the network are inputs of the score; in integers, the forced ones are last."""
        wires = wiring(self.net.factors)
        forced = len(wires.forced)
        return tuple((i - forced) % (forced + wires.embedding_inputs) for i in domain_inputs(self.net.factors))

    def entered(
        self, columns: Float32[ndarray, "rows columns"]
    ) -> tuple[Int64[ndarray, "rows x"], Int64[ndarray, "rows forced"]]:
        """The inputs of the embedding and the forced inputs, as integers."""
        wires, values = wiring(self.net.factors), feature_values(self.net.factors, self.net.constants, columns)
        features = np.stack([values[feature.name] for feature in FEATURES], axis=1)
        entered = self.entries(np.concatenate([columns, features], axis=1))
        forced, free, gated = np.split(entered, np.cumsum([len(wires.forced), len(wires.free)]), axis=1)
        zero = self.entries.zero[len(wires.forced) + len(wires.free) :]
        gate = 2**GATE_BITS - fixed(np.nan_to_num(columns[:, wires.gates]), np.full(len(wires.gates), GATE_BITS))
        gated = zero + (((gated - zero) * gate + 2 ** (GATE_BITS - 1)) >> GATE_BITS)
        available = np.where(np.isnan(columns[:, wires.masked]), MIN_VALUE, MAX_VALUE)
        return np.concatenate([free, gated, available], axis=1), forced

    def unfamiliar(self, columns: Float32[ndarray, "rows columns"]) -> Bool[ndarray, " rows"]:
        """True where the score of accepted events, in integers, is above 0: outside the trained domain."""
        x = np.concatenate(self.entered(columns), axis=1)[:, self.domain_inputs]
        for layer in self.domain[:-1]:
            x = layer(x)
        return self.domain[-1].sums(x)[:, 0] > 0

    def __call__(self, columns: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows outputs"]:
        """The outputs for accepted events, with the bits of the firmware; `fixed_answers` is cautious, too."""
        embedded, x = self.entered(columns)
        for layer in self.embedding:
            embedded = layer(embedded)
        for layer in self.trunk[:-1]:
            x = layer(np.concatenate([embedded, x], axis=1))
        sums = self.trunk[-1].sums(np.concatenate([embedded, x], axis=1))
        return self.net.answer(sums.astype(np.float32) * self.steps, self.net.entered(columns))

    @property
    def steps(self) -> Float32[ndarray, " last"]:
        """What 1 in a sum of the last layer stands for: a power of two."""
        return np.exp2(-self.bits).astype(np.float32)


def fixed_answers(
    net: FixedNet, columns: Float32[ndarray, "rows columns"]
) -> tuple[Float32[ndarray, "rows outputs"], Int64[ndarray, " rows"]]:
    """Outputs (NaN where refused) and status that the firmware in fixed point must give for `columns`."""
    status = status_of(net.net, columns) & ~(BELOW_COMFORT | OUTSIDE_DOMAIN)
    answered = status & REFUSED == 0
    outside = excluded(net.net.factors, columns[answered]) | net.unfamiliar(columns[answered])
    status[answered] |= np.where(outside, OUTSIDE_DOMAIN, 0)
    outputs = np.full((len(columns), len(OUTPUTS)), np.nan, np.float32)
    outputs[answered] = cautious(net, net.net.factors, columns[answered], outside)
    status[answered & ~(outputs[:, LOWER] >= np.float32(COMFORT_DECELERATION))] |= BELOW_COMFORT
    return outputs, status


def fixed(values: Float32[ndarray, "rows values"], bits: Int64[ndarray, " values"]) -> Int64[ndarray, "rows values"]:
    """Floats as integers with a fraction of `bits` bits, rounded to the nearest, halves away from 0."""
    whole = values.astype(np.float64) * np.exp2(bits)  # exact
    return (np.sign(whole) * np.floor(np.abs(whole) + 0.5)).astype(np.int64)
