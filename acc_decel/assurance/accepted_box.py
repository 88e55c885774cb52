"""The accepted box as a program: every value of every factor in its range, and every pattern of missing factors.

A feature is a variable of its own within its range, tied to the columns where that pays (`feature_ties.py`): the
program allows more than the accepted events, so what it proves holds for them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from acc_decel.assurance.feature_values import SUM_ERROR, feature_ranges
from acc_decel.assurance.linear_program import Affine, Program, constant
from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import column_names, half_saturations, owners, ranges, slices
from acc_decel.network import FEATURES, DenseNet, wiring

Span = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """The accepted box in the variables of a program.

    `scaled` holds one expression for each input of the network, `available` one for each factor (1 or 0), `features`
    one for each feature and value of the head, in its unit. A gated input, pressure * (1 - abs), is a product of two
    variables and is replaced by its convex hull (McCormick, Mathematical Programming 10, 1976). The hull is exact where
    the gate is at an end of its span; `product_errors` are the errors of a solution.
    """

    net: DenseNet
    scaled: tuple[Affine, ...]
    available: tuple[Affine, ...]
    features: Mapping[str, Affine]
    gates: tuple[Affine, ...]
    gated: tuple[Affine, ...]

    @property
    def embedding(self) -> list[Affine]:
        """Inputs of the embedding, in the order of `wiring.entering`."""
        wires, owner = wiring(self.net.factors), owners(self.net.factors)
        flags = [self.available[owner[column]] for column in wires.masked]
        return [*(self.scaled[i] for i in wires.free), *self.gated, *flags]

    @property
    def forced(self) -> list[Affine]:
        """Inputs of the trunk other than the output of the embedding."""
        return [self.scaled[i] for i in wiring(self.net.factors).forced]

    def known(self, factor: str) -> Affine:
        """1 if this factor is available, else 0."""
        return next(a for a, f in zip(self.available, self.net.factors, strict=True) if f.name == factor)

    def column(self, name: str) -> Affine:
        """The column as the network sees it before scaling, saturated if it has a half-saturation; 0 if missing."""
        i = column_names(self.net.factors).index(name)
        return _unscaled(self.net, i, self.scaled[i], self.available[owners(self.net.factors)[i]])

    def product_errors(self, solution: ndarray) -> list[float]:
        """Distance of each gated input of a solution from its product."""
        wires = wiring(self.net.factors)
        return [
            abs(hull.value(solution) - self.scaled[i].value(solution) * (1 - gate.value(solution)))
            for hull, i, gate in zip(self.gated, wires.gated, self.gates, strict=True)
        ]


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
    features = {name: program.variable(*span) for name, span in feature_ranges(net).items()}
    for i, feature in enumerate(FEATURES, len(scaled)):
        spans.append((lows[i], highs[i]))
        scaled.append((features[feature.name] - constant(net.center[i])) * float(net.inverse_spread[i]))
    wires = wiring(net.factors)
    owner = owners(net.factors)
    values = [_unscaled(net, i, scaled[i], available[owner[i]]) for i in wires.gates]
    gated = []
    for value, i, span in zip(values, wires.gated, gates, strict=True):
        program.at_least(value, constant(span[0]))
        program.at_least(constant(span[1]), value)
        gated.append(_add_product(program, scaled[i], spans[i], value, span))
    return Box(net, tuple(scaled), tuple(available), features, tuple(values), tuple(gated))


def gate_spans(net: DenseNet) -> tuple[Span, ...]:
    """The full span of each gate; the gate of an optional factor includes 0, its value where the factor is missing."""
    spans = []
    owner = owners(net.factors)
    for column in wiring(net.factors).gates:
        factor = net.factors[owner[column]]
        low, high = float(np.float32(factor.low)), float(np.float32(factor.high))
        spans.append(_with_zero(low, high) if factor.optional else (low, high))
    return tuple(spans)


def scaled_spans(net: DenseNet) -> tuple[Float[ndarray, " inputs"], Float[ndarray, " inputs"]]:
    """Minimum and maximum of each scaled input: a column of an available factor, or a feature."""
    limits = np.array(ranges(net.factors), np.float32).astype(np.float64)
    half = np.array(half_saturations(net.factors), np.float32).astype(np.float64)[:, None]
    saturated = np.divide(limits, limits + half, where=half > 0, out=limits.copy())
    spans = feature_ranges(net)
    values = np.concatenate([saturated, [spans[feature.name] for feature in FEATURES]])
    ends = (values - net.center[:, None].astype(np.float64)) * net.inverse_spread[:, None].astype(np.float64)
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
    """The value of a column without its scaling; 0 where it is missing."""
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
