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
from itertools import pairwise
from time import monotonic

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from acc_decel.assurance.accepted_box import Box, Span, add_box, gate_spans
from acc_decel.assurance.linear_program import OPTIMAL, TIME_LIMIT, Affine, Program, Solution, constant
from acc_decel.assurance.witness import extreme_events
from acc_decel.network import DenseNet, Layer

BOUND_MARGIN = 1e-6  # absolute and relative, added to bounds from linear programs: ten times the solver's tolerance
PRODUCT_TOLERANCE = 1e-6  # a gated column this close to its product counts as exact
MIN_PROGRAM_S = 0.05  # with less time for a hidden unit its program is not worth building
EXACT_GAP = 1e-4  # absolute and relative: a bound this close to an attained value counts as exact
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


@dataclass(frozen=True)
class Extreme:
    """Maximum (`sign` 1) or minimum (-1) of one output over the accepted box, before the last clamp.

    No accepted event exceeds `bound` in real arithmetic. `attained` is the answer of the real network to `witness`, one
    row of columns. `status` is that of the solver: if it is optimal, both are the same, up to EXACT_GAP.
    """

    output: int
    sign: int
    bound: float
    attained: float
    witness: Float32[ndarray, " columns"]
    status: str
    nodes: int

    @property
    def gap(self) -> float:
        """Distance of the bound from an attained value."""
        return max(0.0, self.sign * (self.bound - self.attained))


def ranks(net: DenseNet) -> tuple[int | None, ...]:
    """Rank of each output among the sorted outputs, 0 for the lowest; None for an output that is not sorted.

    Found by experiment on the network: its last layer is replaced by constants, in every rotation.
    """
    count = len(net.trunk[-1].bias)
    columns = np.full((1, len(net.center)), np.nan, np.float32)
    rotations = [np.roll(np.arange(count), shift) for shift in range(count)]
    answers = np.array([unclamped(net, bias)(columns)[0] for bias in rotations])
    ordered = [not (answers[:, i] == np.array(rotations)[:, i]).all() for i in range(count)]
    return tuple(
        int(np.searchsorted(np.flatnonzero(ordered), int(answers[0, i]))) if ordered[i] else None for i in range(count)
    )


def unclamped(net: DenseNet, bias: ndarray | None = None) -> DenseNet:
    """`net` without the last clamp; with `bias`, the last layer is replaced by this constant."""
    unlimited = np.full_like(net.low, np.inf)
    free = replace(net, low=-unlimited, high=unlimited)
    if bias is None:
        return free
    constant_layer = Layer(np.zeros_like(net.trunk[-1].weights), bias.astype(np.float32))
    return replace(free, trunk=(*net.trunk[:-1], constant_layer))


def sums(net: DenseNet, *, seconds: float = 0.0, on_layer: Callable[[], None] = lambda: None) -> tuple[Sums, ...]:
    """Bounds of the sums of every layer over the accepted box, embedding first, each from the layers before it.

    Linear programs bound every sum. Mixed-integer programs then tighten those of hidden units whose sum can be in the
    curved part of the rectifier, each within `seconds`, if these are at least MIN_PROGRAM_S.
    """
    bounds: list[Sums] = []
    layers = _layers(net)
    for depth in range(len(layers)):
        program = Program()
        box = add_box(program, net, gate_spans(net))
        both_ways = [(np.ones(len(layer.bias), bool),) * 2 for layer in layers]
        u, _ = _add_layers(program, box, net, bounds, both_ways, depth, first_points(net))
        bounds.append(Sums(*(np.array([_solve_end(program, unit, sign) for unit in u]) for sign in (-1, 1))))
        if seconds >= MIN_PROGRAM_S and 0 < depth < len(layers) - 1:
            bounds[depth] = _tightened(net, bounds, depth, seconds)
        on_layer()
    return tuple(bounds)


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
            box = add_box(program, net, gate_spans(net))
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
        for p in (low, *inner, high):
            slope = min(max(p, 0.0), 1.0)
            program.at_least(y, u * slope + constant(_curve(p) - slope * p))
    if up:
        _require_below_chords(program, u, y, [low, *inner, high])
    return y


def _require_below_chords(program: Program, u: Affine, y: Affine, ends: list[float]) -> None:
    """Require `y` to be on or below the chords from end to end. `u` is a sum of parts, one for each chord, in order."""
    filled, chord = constant(ends[0]), constant(_curve(ends[0]))
    before: Affine | None = None  # 1 if the part before is full
    for i, (left, right) in enumerate(pairwise(ends)):
        part = program.variable(0.0, right - left)
        if before is not None:
            program.at_least(before * (right - left), part)
        if i < len(ends) - 2:
            before = program.variable(0.0, 1.0, whole=True)
            program.at_least(part, before * (right - left))
        filled += part
        chord += part * ((_curve(right) - _curve(left)) / (right - left))
    program.at_least(filled, u)
    program.at_least(u, filled)
    program.at_least(chord, y)


def _curve(u: float) -> float:
    """The smooth rectifier."""
    ramp = min(max(u, 0.0), 1.0)
    return max(u - 1.0, 0.0) + 0.5 * ramp * ramp


def _add_goal(program: Program, values: list[Affine], lows: list[float], high: float, needed: int) -> Affine:
    """A variable that at least `needed` of the values are not below."""
    if len(values) == needed == 1:
        return values[0]
    goal = program.variable(min(lows), high)
    count = constant(0.0)
    for value, low in zip(values, lows, strict=True):
        if needed == len(values):
            program.at_least(value, goal)
            continue
        not_below = program.variable(0.0, 1.0, whole=True)
        count += not_below
        program.at_least(value + (constant(1.0) - not_below) * (high - low), goal)
    if needed < len(values):
        program.at_least(count, constant(float(needed)))
    return goal


def extreme(
    net: DenseNet, bounds: tuple[Sums, ...], output: int, sign: int, *, seconds: float, seed: int = 1
) -> Extreme:
    """The proven extreme of one output. The solver gets `seconds`; `bounds` are those of `sums`.

    A gated column is represented by the convex hull of a product: while the best point is not on the product, the span
    of the gate is split and both parts are solved, the one with the better bound first. While the best point is not on
    the curve of a rectifier, a point is added there.
    """
    free = unclamped(net)
    events, answers = extreme_events(free, output, sign, np.random.default_rng(seed))
    best = int(np.argmax(sign * answers))
    witness, attained = events[best], float(answers[best])
    deadline = monotonic() + seconds
    closed, nodes, status = -np.inf, 0, OPTIMAL
    points = first_points(net)
    parts = [(_relaxed_bound(net, bounds, output, sign), gate_spans(net))]
    while parts and parts[0][0] > max(closed, sign * attained + EXACT_GAP * (1 + abs(attained))):
        limit, spans = parts.pop(0)
        seconds_left = max(deadline - monotonic(), 0.1)
        solution, box, curves = _solve(net, bounds, output, sign, spans, points, seconds_left)
        limit, nodes = min(limit, solution.bound), nodes + solution.nodes
        violated = _violated_gate(box, solution)
        if solution.variables is not None:
            event = box.columns(solution.variables)
            answer = float(free(event)[0, output])
            if sign * answer > sign * attained:
                witness, attained = event[0], answer
        optimal = solution.status == OPTIMAL
        if optimal and violated is not None and monotonic() < deadline:
            parts = sorted([*parts, *((limit, half) for half in _halves(spans, *violated))], key=lambda p: -p[0])
            continue
        if optimal and monotonic() < deadline and _add_points(points, curves, solution):
            parts = sorted([*parts, (limit, spans)], key=lambda p: -p[0])
            continue
        closed = max(closed, limit)
        if not optimal or violated is not None or limit > sign * attained + EXACT_GAP * (1 + abs(attained)):
            status = TIME_LIMIT if optimal else solution.status
    bound = sign * max(closed, sign * attained, *(limit for limit, _ in parts))
    return Extreme(output, sign, bound + sign * BOUND_MARGIN * (1 + abs(bound)), attained, witness, status, nodes)


def _relaxed_bound(net: DenseNet, bounds: tuple[Sums, ...], output: int, sign: int) -> float:
    """Bound of `sign` times an output from the bounds of the last sums: sorting is monotone."""
    ends = bounds[-1].high if sign > 0 else bounds[-1].low
    group, rank = _group(net, output)
    return sign * float(np.sort(ends[group])[rank])


def _group(net: DenseNet, output: int) -> tuple[list[int], int]:
    """The units of the last layer that are sorted together with an output, and its rank among them."""
    order = ranks(net)
    own = order[output]
    return ([output], 0) if own is None else ([i for i, rank in enumerate(order) if rank is not None], own)


def _solve(
    net: DenseNet,
    bounds: tuple[Sums, ...],
    output: int,
    sign: int,
    spans: tuple[Span, ...],
    points: Points,
    seconds: float,
) -> tuple[Solution, Box, list[Curve]]:
    """Maximum of `sign` times an output, each gate within its span, with the box and curves of the program."""
    program = Program()
    box = add_box(program, net, spans)
    group, rank = _group(net, output)
    depth = len(bounds) - 1
    u, curves = _add_layers(program, box, net, bounds, _pulls(net, depth, group, sign), depth, points)
    needed = len(group) - rank if sign > 0 else rank + 1  # how many of `sign` times the outputs are not below
    low, high = (sign * end[group] for end in (bounds[-1].low, bounds[-1].high)[::sign])
    goal = _add_goal(program, [u[i] * sign for i in group], low.tolist(), float(high.max()), needed)
    return program.maximum(goal, seconds=seconds), box, curves


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


def _halves(spans: tuple[Span, ...], gate: int, at: float) -> list[tuple[Span, ...]]:
    """The spans with that of `gate` split near `at`, never close to its ends."""
    low, high = spans[gate]
    middle = float(np.clip(at, low + 0.1 * (high - low), high - 0.1 * (high - low)))
    return [(*spans[:gate], half, *spans[gate + 1 :]) for half in ((low, middle), (middle, high))]
