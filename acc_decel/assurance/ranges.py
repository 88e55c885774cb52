"""Bounds of the sums of every layer over the whole accepted box, by linear programs.

Every unit is the smooth rectifier of a sum. It is convex: tangents bound it from below, the chord between the bounds of
its sum from above; both are linear, after Ehlers, Formal Verification of Piece-Wise Linear Feed-Forward Neural
Networks, ATVA 2017. So each layer needs the bounds of the layers before it.

HiGHS computes in float64 with tolerances, and a margin allows for them: the proof depends on its arithmetic. Features
enter with the values that float32 gives them. Different rounding of the layers is bounded separately, in `rounding.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from acc_decel.assurance.accepted_box import add_box
from acc_decel.assurance.linear_program import Affine, Program, constant
from acc_decel.network import DenseNet, Layer, walk

TANGENTS = (0.25, 0.5, 0.75)  # where the rectifier has tangents, beside the bounds of its sum


@dataclass(frozen=True)
class Sums:
    """Bounds of the sums of a layer, before its rectifier."""

    low: Float[ndarray, " units"]
    high: Float[ndarray, " units"]


def unclamped(net: DenseNet) -> DenseNet:
    """`net` without the last clamp."""
    unlimited = np.full_like(net.low, np.inf)
    return replace(net, low=-unlimited, high=unlimited)


def sums(net: DenseNet, *, on_layer: Callable[[], None] = lambda: None) -> tuple[Sums, ...]:
    """Bounds of the sums of every layer over the accepted box, embedding first."""
    program = Program()
    box = add_box(program, net)
    found: list[Sums] = []

    def step(i: int, layer: Layer, x: list[Affine]) -> list[Affine]:
        u = [_sum(weights, float(bias), x) for weights, bias in zip(layer.weights, layer.bias, strict=True)]
        found.append(Sums(*program.bounds(u)))
        on_layer()
        ends = zip(u, found[i].low, found[i].high, strict=True)
        return [] if i == len(net.layers) - 1 else [_rectify(program, x, float(a), float(b)) for x, a, b in ends]

    for _ in walk(net, box.embedding, box.forced, step, lambda embedded, x: [*embedded, *x]):
        pass
    return tuple(found)


def _sum(weights: Float32[ndarray, " inputs"], bias: float, x: Sequence[Affine]) -> Affine:
    total: dict[int, float] = {}
    for weight, entry in zip(weights.tolist(), x, strict=True):
        bias += weight * entry.constant
        for i, value in entry.terms.items():
            total[i] = total.get(i, 0.0) + weight * value
    return Affine(total, bias)


def _rectify(program: Program, u: Affine, low: float, high: float) -> Affine:
    """A variable for the rectifier of `u`, which is between `low` and `high`."""
    if high <= 0:
        return constant(0.0)
    if low >= 1:
        return u - constant(0.5)
    y = program.variable(_curve(low), _curve(high))
    for p in (low, *(p for p in TANGENTS if low < p < high), high):
        slope = min(max(p, 0.0), 1.0)
        program.at_least(y, u * slope + constant(_curve(p) - slope * p))
    chord = (_curve(high) - _curve(low)) / (high - low) if high > low else 0.0
    program.at_least(u * chord + constant(_curve(low) - chord * low), y)
    return y


def _curve(u: float) -> float:
    """The smooth rectifier."""
    ramp = min(max(u, 0.0), 1.0)
    return max(u - 1.0, 0.0) + 0.5 * ramp * ramp
