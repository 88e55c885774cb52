"""The accepted box as a program: every value of every factor in its range, and every pattern of missing factors."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from acc_decel.assurance.linear_program import Affine, Program, constant
from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import Factor, half_saturations, owners, ranges, slices
from acc_decel.network import DenseNet, wiring

Span = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """The accepted box in the variables of a program.

    `scaled` holds one expression for each column, `available` one for each factor (1 or 0). `embedding` and `forced`
    are the inputs of the embedding and of the trunk. All are exact except the gated columns: pressure * (1 - abs) is a
    product of two variables and is replaced by its convex hull (McCormick, Mathematical Programming 10, 1976). The hull
    is exact where the gate is at an end of its span; `product_errors` are the errors of a solution.
    """

    net: DenseNet
    scaled: tuple[Affine, ...]
    available: tuple[Affine, ...]
    gates: tuple[Affine, ...]
    gated: tuple[Affine, ...]

    @property
    def embedding(self) -> list[Affine]:
        """Inputs of the embedding, in the order of `dense_net.entering`."""
        wires, owner = wiring(self.net.factors), owners(self.net.factors)
        flags = [self.available[owner[column]] for column in wires.masked]
        return [*(self.scaled[i] for i in wires.free), *self.gated, *flags]

    @property
    def forced(self) -> list[Affine]:
        """Inputs of the trunk other than the output of the embedding."""
        return [self.scaled[i] for i in wiring(self.net.factors).forced]

    def product_errors(self, solution: ndarray) -> list[float]:
        """Distance of each gated column of a solution from its product."""
        wires = wiring(self.net.factors)
        return [
            abs(hull.value(solution) - self.scaled[i].value(solution) * (1 - gate.value(solution)))
            for hull, i, gate in zip(self.gated, wires.gated, self.gates, strict=True)
        ]

    def columns(self, solution: ndarray) -> Float32[ndarray, "1 columns"]:
        """The event of a solution, NaN where a factor is missing."""
        scaled = np.array([e.value(solution) for e in self.scaled])
        values = scaled / self.net.inverse_spread + self.net.center
        half = np.array(half_saturations(self.net.factors), np.float32).astype(np.float64)
        values = np.where(half > 0, half * values / np.where(half > 0, 1 - values, 1), values)
        row = []
        for factor, own, available in zip(self.net.factors, slices(self.net.factors), self.available, strict=True):
            part = values[own]
            row.append(_accepted(factor, part) if available.value(solution) > 0.5 else np.full(len(part), np.nan))
        return np.concatenate(row).astype(np.float32)[None]


def add_box(program: Program, net: DenseNet, gates: tuple[Span, ...]) -> Box:
    """The accepted box, whose variables and rows are added to `program`; each gate is within its span of `gates`."""
    lows, highs = scaled_spans(net)
    spans: list[Span] = []
    scaled: list[Affine] = []
    available: list[Affine] = []
    for factor, columns in zip(net.factors, slices(net.factors), strict=True):
        flag = program.variable(0.0, 1.0, whole=True) if factor.optional else constant(1.0)
        available.append(flag)
        own = range(columns.start, columns.stop)
        spans += [_with_zero(lows[i], highs[i]) if factor.optional else (lows[i], highs[i]) for i in own]
        scaled += [_add_column(program, flag, spans[i], lows[i], highs[i]) for i in own]
        if factor.levels:
            _require_sum(program, net, flag, {i: scaled[i] for i in own})
    wires = wiring(net.factors)
    owner = owners(net.factors)
    values = [_unscaled(net, i, scaled[i], available[owner[i]]) for i in wires.gates]
    gated = []
    for value, i, span in zip(values, wires.gated, gates, strict=True):
        program.at_least(value, constant(span[0]))
        program.at_least(constant(span[1]), value)
        gated.append(_add_product(program, scaled[i], spans[i], value, span))
    return Box(net, tuple(scaled), tuple(available), tuple(values), tuple(gated))


def gate_spans(net: DenseNet) -> tuple[Span, ...]:
    """The full span of each gate; the gate of an optional factor includes 0, its value where the factor is missing."""
    spans = []
    owner = owners(net.factors)
    for column in wiring(net.factors).gates:
        factor = net.factors[owner[column]]
        low, high = float(np.float32(factor.low)), float(np.float32(factor.high))
        spans.append(_with_zero(low, high) if factor.optional else (low, high))
    return tuple(spans)


def scaled_spans(net: DenseNet) -> tuple[Float[ndarray, " columns"], Float[ndarray, " columns"]]:
    """Minimum and maximum of each scaled column of an available factor."""
    limits = np.array(ranges(net.factors), np.float32).astype(np.float64)
    half = np.array(half_saturations(net.factors), np.float32).astype(np.float64)[:, None]
    saturated = np.divide(limits, limits + half, where=half > 0, out=limits.copy())
    ends = (saturated - net.center[:, None].astype(np.float64)) * net.inverse_spread[:, None].astype(np.float64)
    return ends.min(axis=1), ends.max(axis=1)


def _with_zero(low: float, high: float) -> Span:
    return min(0.0, low), max(0.0, high)


def _add_column(program: Program, available: Affine, span: Span, low: float, high: float) -> Affine:
    """A variable within `span`: between `low` and `high` where the factor is available, else 0."""
    scaled = program.variable(*span)
    if not available.terms:
        return scaled
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


def _accepted(factor: Factor, values: ndarray) -> ndarray:
    """The values of a factor in float32, moved into its range and to an accepted sum where rounding has left them."""
    values = np.clip(values.astype(np.float32), np.float32(factor.low), np.float32(factor.high))
    if not factor.levels:
        return values
    total = values.sum()
    return values * (np.clip(total, CHOICE_SUM[0] + 1e-6, CHOICE_SUM[1] - 1e-6) / total if total else 1.0)


SUM_ERROR = 1e-6  # of a sum of probabilities in float32
