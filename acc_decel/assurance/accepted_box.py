"""The accepted box as a linear program: every value of every factor in its range, and every pattern of missing factors.

A feature is a variable of its own within its span, and the availability of a factor is any number between 0 and 1: the
program allows more than the accepted events, so what it proves holds for them.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from acc_decel.assurance.feature_values import feature_spans
from acc_decel.assurance.linear_program import Affine, Program, constant
from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import half_saturations, owners, ranges, slices
from acc_decel.network import FEATURES, DenseNet, wiring

Span = tuple[float, float]
SUM_ERROR = 1e-6  # of a sum of probabilities in float32


@dataclass(frozen=True)
class Box:
    """The accepted box in the variables of a program: the inputs of embedding and trunk, in the order of `wiring`."""

    embedding: list[Affine]
    forced: list[Affine]


def add_box(program: Program, net: DenseNet) -> Box:
    """The accepted box, whose variables and rows are added to `program`.

    A gated input, x * (1 - gate), is a product of two variables and is replaced by its convex hull: McCormick,
    Mathematical Programming 10, 1976.
    """
    lows, highs = scaled_spans(net)
    scaled: list[Affine] = []
    available: list[Affine] = []
    for factor, columns in zip(net.factors, slices(net.factors), strict=True):
        flag = program.variable(0.0, 1.0) if factor.optional else constant(1.0)
        available.append(flag)
        own = range(columns.start, columns.stop)
        scaled += [_add_column(program, flag, lows[i], highs[i]) for i in own]
        if factor.levels:
            _require_sum(program, net, flag, {i: scaled[i] for i in own})
    scaled += [program.variable(lows[i], highs[i]) for i in range(len(scaled), len(lows))]
    wires, owner = wiring(net.factors), owners(net.factors)
    gated = []
    for i, gate in zip(wires.gated, wires.gates, strict=True):
        factor = net.factors[owner[gate]]
        value = _unscaled(net, gate, scaled[gate], available[owner[gate]])
        span = _with_zero(lows[i], highs[i]) if i < len(owner) else (lows[i], highs[i])
        gated.append(
            _add_product(program, scaled[i], span, value, _gate_span(factor.low, factor.high, factor.optional))
        )
    flags = [available[owner[column]] for column in wires.masked]
    return Box([*(scaled[i] for i in wires.free), *gated, *flags], [scaled[i] for i in wires.forced])


def scaled_spans(net: DenseNet) -> tuple[Float[ndarray, " inputs"], Float[ndarray, " inputs"]]:
    """Minimum and maximum of each scaled input: a column of an available factor, or a feature."""
    limits = np.array(ranges(net.factors), np.float32).astype(np.float64)
    half = np.array(half_saturations(net.factors), np.float32).astype(np.float64)[:, None]
    saturated = np.divide(limits, limits + half, where=half > 0, out=limits.copy())
    spans = feature_spans(net)
    values = np.concatenate([saturated, [spans[feature.name] for feature in FEATURES]])
    ends = (values - net.center[:, None].astype(np.float64)) * net.inverse_spread[:, None].astype(np.float64)
    return ends.min(axis=1), ends.max(axis=1)


def _with_zero(low: float, high: float) -> Span:
    return min(0.0, low), max(0.0, high)


def _gate_span(low: float, high: float, optional: bool) -> Span:
    """The span of a gate; that of an optional factor includes 0, its value where the factor is missing."""
    span = float(np.float32(low)), float(np.float32(high))
    return _with_zero(*span) if optional else span


def _add_column(program: Program, available: Affine, low: float, high: float) -> Affine:
    """A variable between `low` and `high` where the factor is available, else 0."""
    if not available.terms:
        return program.variable(low, high)
    scaled = program.variable(*_with_zero(low, high))
    program.at_least(scaled, available * low)
    program.at_least(available * high, scaled)
    return scaled


def _require_sum(program: Program, net: DenseNet, available: Affine, levels: dict[int, Affine]) -> None:
    """Require that the probabilities of an available choice add up to 1."""
    total = constant(0.0)
    for i, scaled in levels.items():
        total += _unscaled(net, i, scaled, available)
    program.at_least(total, available * (CHOICE_SUM[0] - SUM_ERROR))
    program.at_least(available * (CHOICE_SUM[1] + SUM_ERROR), total)


def _unscaled(net: DenseNet, column: int, scaled: Affine, available: Affine) -> Affine:
    """The value of a column without saturation; 0 where it is missing."""
    return scaled * (1 / float(net.inverse_spread[column])) + available * float(net.center[column])


def _add_product(program: Program, x: Affine, x_span: Span, gate: Affine, span: Span) -> Affine:
    """A variable in the convex hull of x * (1 - gate)."""
    closed, (low, high), (closed_low, closed_high) = constant(1.0) - gate, x_span, (1 - span[1], 1 - span[0])
    corners = [a * b for a in (low, high) for b in (closed_low, closed_high)]
    hull = program.variable(min(corners), max(corners))
    program.at_least(hull, closed * low + x * closed_low - constant(low * closed_low))
    program.at_least(hull, closed * high + x * closed_high - constant(high * closed_high))
    program.at_least(closed * high + x * closed_low - constant(high * closed_low), hull)
    program.at_least(closed * low + x * closed_high - constant(low * closed_high), hull)
    return hull
