"""Proven ranges: minimum and maximum of each output over the whole accepted box.

The extremes of an output are bounded by mixed-integer linear programs, after Tjeng, Xiao, Tedrake, Evaluating
Robustness of Neural Networks with Mixed Integer Programming, ICLR 2019. Every unit is the smooth rectifier of a sum. It
is convex: tangents bound it from below, chords between some points of its sum bound it from above, and each further
chord needs one whole variable. Where the best point is not on the curve, a point is added there and the program is
solved again, until bound and value meet. The chords need bounds of each sum: linear programs, layer by layer, then
short mixed-integer programs for hidden units. A unit that only lowers the objective when it rises needs only its
tangents, and no whole variable.

The bound is the solver's dual bound, so it also holds if the time runs out. It is then not exact; the gap is the
difference. HiGHS computes in float64 with tolerances, and BOUND_MARGIN allows for them: the proof depends on its
arithmetic. Different rounding in float32 is bounded separately, in `rounding.py`. The best point, from the solver or
from a random search (`witness.py`), is evaluated with the real network in float32.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from acc_decel.assurance.accepted_box import Box, Span, add_box, gate_spans
from acc_decel.assurance.feature_ties import add_ties
from acc_decel.assurance.linear_program import INFEASIBLE, OPTIMAL, TIME_LIMIT, Affine, Program, Solution, constant
from acc_decel.assurance.piecewise import chords, require_above_tangents
from acc_decel.network import DenseNet, Layer, wiring

BOUND_MARGIN = 1e-6  # absolute and relative, added to bounds from linear programs: ten times the solver's tolerance
PRODUCT_TOLERANCE = 1e-6  # a gated column this close to its product counts as exact
MIN_PROGRAM_S = 0.05  # with less time for a hidden unit its program is not worth building
CURVE_TOLERANCE = 1e-6  # a rectifier this close to its curve counts as exact
MIN_CHORD = 2e-3  # distance of two points: a shorter chord is close enough to the curve
FIRST_POINTS = (0.0, 0.5, 1.0)  # ends of the first chords

Pull = tuple[ndarray, ndarray]  # for each unit of a layer: whether the objective raises it, whether it lowers it
Points = list[list[tuple[float, ...]]]  # of each hidden layer and unit: ends of its chords, and points of its tangents


@dataclass(frozen=True)
class Sums:
    """Bounds of the sums of a layer, before its rectifier."""

    low: Float[ndarray, " units"]
    high: Float[ndarray, " units"]


@dataclass(frozen=True)
class Curve:
    """The rectifier of one unit in a program: `y` for its sum `u`."""

    layer: int
    unit: int
    u: Affine
    y: Affine

    def error(self, solution: ndarray) -> float:
        """Distance of a solution from the curve."""
        return abs(self.y.value(solution) - _curve(self.u.value(solution)))


def unclamped(net: DenseNet) -> DenseNet:
    """`net` without the last clamp."""
    unlimited = np.full_like(net.low, np.inf)
    return replace(net, low=-unlimited, high=unlimited)


def sums(net: DenseNet, *, seconds: float = 0.0, on_layer: Callable[[], None] = lambda: None) -> tuple[Sums, ...]:
    """Bounds of the sums of every layer over the accepted box, embedding first, each from the layers before it.

    Linear programs bound every sum. Mixed-integer programs then tighten those of hidden units whose sum can be in the
    curved part of the rectifier, each within `seconds`, if these are at least MIN_PROGRAM_S.
    """
    bounds: list[Sums] = []
    layers = _layers(net)
    for depth in range(len(layers)):
        program = Program()
        box = _add_events(program, net, gate_spans(net))
        both_ways = [(np.ones(len(layer.bias), bool),) * 2 for layer in layers]
        u, _ = _add_layers(program, box, net, bounds, both_ways, depth, first_points(net))
        bounds.append(Sums(*(np.array([_solve_end(program, unit, sign) for unit in u]) for sign in (-1, 1))))
        if seconds >= MIN_PROGRAM_S and 0 < depth < len(layers) - 1:
            bounds[depth] = _tightened(net, bounds, depth, seconds)
        on_layer()
    return tuple(bounds)


def _add_events(program: Program, net: DenseNet, gates: tuple[Span, ...]) -> Box:
    """The accepted box, with the rows that tie features to columns."""
    box = add_box(program, net, gates)
    add_ties(program, box)
    return box


def _solve_end(program: Program, u: Affine, sign: int, seconds: float | None = None) -> float:
    """Bound of the minimum (`sign` -1) or maximum of `u`; of the relaxed program if no `seconds` are given."""
    solution = program.maximum(u * sign, relaxed=seconds is None, seconds=seconds or np.inf)
    return sign * (solution.bound + BOUND_MARGIN * (1 + abs(solution.bound)))


def _tightened(net: DenseNet, bounds: list[Sums], depth: int, seconds: float) -> Sums:
    """The bounds of a layer, with those in the curved part of the rectifier from mixed-integer programs."""
    ends = {-1: bounds[depth].low.copy(), 1: bounds[depth].high.copy()}
    for i in np.flatnonzero((ends[-1] < 1) & (ends[1] > 0)):
        for sign, end in ends.items():
            program = Program()
            box = _add_events(program, net, gate_spans(net))
            pulls = _pulls(net, depth, [int(i)], sign)
            u, _ = _add_layers(program, box, net, bounds, pulls, depth, first_points(net))
            end[i] = sign * min(sign * end[i], sign * _solve_end(program, u[i], sign, seconds))
    return Sums(ends[-1], ends[1])


def first_points(net: DenseNet) -> Points:
    """Ends of the first chords of every hidden unit."""
    return [[FIRST_POINTS for _ in layer.bias] for layer in _layers(net)[:-1]]


def _layers(net: DenseNet) -> tuple[Layer, ...]:
    return (*net.embedding, *net.trunk)


def _add_layers(
    program: Program,
    box: Box,
    net: DenseNet,
    bounds: Sequence[Sums],
    pulls: Sequence[Pull],
    depth: int,
    points: Points,
) -> tuple[list[Affine], list[Curve]]:
    """The sums of the layer at `depth`, and all rectifiers before it, which are added to `program`."""
    embedded, x = box.embedding, box.forced
    curves: list[Curve] = []
    for i, layer in enumerate(_layers(net)[:depth]):
        in_embedding = i < len(net.embedding)
        u = _sums_of(layer, embedded if in_embedding else [*embedded, *x])
        y = [
            _rectify(program, unit, (float(low), float(high)), up=bool(up), down=bool(down), points=ends)
            for unit, low, high, up, down, ends in zip(
                u, bounds[i].low, bounds[i].high, *pulls[i], points[i], strict=True
            )
        ]
        curves += [
            Curve(i, unit, *pair)
            for unit, pair in enumerate(zip(u, y, strict=True))
            if pulls[i][0][unit] or pulls[i][1][unit]
        ]
        embedded, x = (y, x) if in_embedding else (embedded, y)
    return _sums_of(_layers(net)[depth], embedded if depth < len(net.embedding) else [*embedded, *x]), curves


def _pulls(net: DenseNet, depth: int, units: list[int], sign: int) -> list[Pull]:
    """For each layer up to `depth`: which units rise and which fall when `units` of the last move by `sign`."""
    layers, trunk_start, embedded = _layers(net), len(net.embedding), len(net.embedding[-1].bias)
    pulled = np.isin(np.arange(len(layers[depth].bias)), units)
    up, down = pulled & (sign > 0), pulled & (sign < 0)
    embedded_up, embedded_down = np.zeros((2, embedded), bool)
    pulls = [(up, down)]
    for i in range(depth, 0, -1):
        rises, falls = layers[i].weights > 0, layers[i].weights < 0
        up, down = (up @ rises) | (down @ falls), (up @ falls) | (down @ rises)
        if i >= trunk_start:
            embedded_up, embedded_down = embedded_up | up[:embedded], embedded_down | down[:embedded]
            up, down = (embedded_up, embedded_down) if i == trunk_start else (up[embedded:], down[embedded:])
        pulls.insert(0, (up, down))
    return pulls


def _sums_of(layer: Layer, x: list[Affine]) -> list[Affine]:
    """`weights @ x + bias` of each unit."""
    return [_sum(weights, float(bias), x) for weights, bias in zip(layer.weights, layer.bias, strict=True)]


def _sum(weights: Float32[ndarray, " inputs"], bias: float, x: list[Affine]) -> Affine:
    total: dict[int, float] = {}
    for weight, entry in zip(weights.tolist(), x, strict=True):
        bias += weight * entry.constant
        for i, value in entry.terms.items():
            total[i] = total.get(i, 0.0) + weight * value
    return Affine(total, bias)


def _rectify(program: Program, u: Affine, span: Span, *, up: bool, down: bool, points: tuple[float, ...]) -> Affine:
    """A variable for the rectifier of `u`: bounded above if the objective moves it `up`, below if `down`."""
    low, high = span
    if high <= 0 or not (up or down):
        return constant(0.0)
    if low >= 1:
        return u - constant(0.5)
    y = program.variable(_curve(low), _curve(high))
    inner = [p for p in points if low + MIN_CHORD < p < high - MIN_CHORD]
    if down:
        require_above_tangents(program, u, y, _curve, _slope, (low, *inner, high))
    if up:
        (chord,) = chords(program, u, [_curve], [low, *inner, high])
        program.at_least(chord, y)
    return y


def _curve(u: float) -> float:
    """The smooth rectifier."""
    ramp = min(max(u, 0.0), 1.0)
    return max(u - 1.0, 0.0) + 0.5 * ramp * ramp


def _slope(u: float) -> float:
    """That of the smooth rectifier."""
    return min(max(u, 0.0), 1.0)


@dataclass(frozen=True)
class Goal:
    """What is bounded: `sign` times a value that `add` makes of a program, its box and the last sums.

    `units` of the last layer move it, `limit` bounds it from above without a program.
    """

    sign: int
    units: tuple[int, ...]
    add: Callable[[Program, Box, list[Affine]], Affine]
    limit: float


@dataclass(frozen=True)
class Bound:
    """A proven upper bound of `sign` times a value over the accepted box, in real arithmetic."""

    value: float
    status: str
    nodes: int


def bound(net: DenseNet, bounds: tuple[Sums, ...], goal: Goal, *, seconds: float, enough: float = -np.inf) -> Bound:
    """The bound of a goal. The solver gets `seconds`; it may stop at `enough`. `bounds` are those of `sums`.

    A gated input is represented by the convex hull of a product: while the best point is not on the product, the span
    of the gate is split and both parts are solved, the one with the better bound first. While the best point is not on
    the curve of a rectifier, a point is added there.
    """
    deadline = monotonic() + seconds
    closed, nodes, status = -np.inf, 0, OPTIMAL
    points = first_points(net)
    parts = [(goal.limit, gate_spans(net))]
    while parts and parts[0][0] > max(closed, enough):
        limit, spans = parts.pop(0)
        solution, box, curves = _solve(net, bounds, goal, spans, points, max(deadline - monotonic(), 0.1))
        nodes += solution.nodes
        if solution.status == INFEASIBLE:
            continue
        limit, optimal = min(limit, solution.bound), solution.status == OPTIMAL
        violated = _violated_gate(box, solution)
        if optimal and violated is not None and monotonic() < deadline:
            parts = sorted([*parts, *((limit, half) for half in _halves(net, spans, *violated))], key=lambda p: -p[0])
            continue
        if optimal and monotonic() < deadline and _add_points(points, curves, solution):
            parts = sorted([*parts, (limit, spans)], key=lambda p: -p[0])
            continue
        closed = max(closed, limit)
        if not optimal or violated is not None:
            status = TIME_LIMIT if optimal else solution.status
    value = max(closed, *(limit for limit, _ in parts)) if parts else closed
    return Bound(value + BOUND_MARGIN * (1 + abs(value)), status, nodes)


def _solve(
    net: DenseNet,
    bounds: tuple[Sums, ...],
    goal: Goal,
    spans: tuple[Span, ...],
    points: Points,
    seconds: float,
) -> tuple[Solution, Box, list[Curve]]:
    """Maximum of a goal, each gate within its span, with the box and curves of the program."""
    program = Program()
    box = _add_events(program, net, spans)
    depth = len(bounds) - 1
    u, curves = _add_layers(program, box, net, bounds, _pulls(net, depth, [*goal.units], goal.sign), depth, points)
    return program.maximum(goal.add(program, box, u), seconds=seconds), box, curves


def _add_points(points: Points, curves: list[Curve], solution: Solution) -> bool:
    """Add a point to `points` wherever the solution is not on a curve; returns whether there is any."""
    if solution.variables is None:
        return False
    added = False
    for curve in curves:
        of_layer, u = points[curve.layer], curve.u.value(solution.variables)
        is_far = all(abs(u - p) > MIN_CHORD for p in of_layer[curve.unit])
        if curve.error(solution.variables) > CURVE_TOLERANCE and is_far:
            of_layer[curve.unit] = tuple(sorted({*of_layer[curve.unit], u}))
            added = True
    return added


def _violated_gate(box: Box, solution: Solution) -> tuple[int, float] | None:
    """The gate whose gated column is furthest from its product, and the value of the gate; None if all are exact."""
    if solution.variables is None:
        return None
    errors = box.product_errors(solution.variables)
    if max(errors, default=0.0) < PRODUCT_TOLERANCE:
        return None
    worst = int(np.argmax(errors))
    return worst, box.gates[worst].value(solution.variables)


def _halves(net: DenseNet, spans: tuple[Span, ...], gate: int, at: float) -> list[tuple[Span, ...]]:
    """The spans with that of `gate` split near `at`, never close to its ends; inputs of one gate share its span."""
    low, high = spans[gate]
    middle = float(np.clip(at, low + 0.1 * (high - low), high - 0.1 * (high - low)))
    places = wiring(net.factors).gates
    return [
        tuple(half if place == places[gate] else span for place, span in zip(places, spans, strict=True))
        for half in ((low, middle), (middle, high))
    ]
