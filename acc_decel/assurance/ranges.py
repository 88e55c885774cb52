"""Proven ranges: the least and greatest value of each output over the whole accepted box.

The extremes of an output are bounded by mixed-integer linear programs, after Tjeng, Xiao, Tedrake, Evaluating
Robustness of Neural Networks with Mixed Integer Programming, ICLR 2019. Every unit is the smooth rectifier of a sum. It
is convex: tangents bound it from below, chords between some points of its sum from above, and each further chord costs
one whole variable. Where the best point lies off the curve, a point is added there and the program solved again, so
that bound and value meet. The chords need bounds of each sum: linear programs, layer by layer, then short mixed-integer
programs for hidden units. A unit that only ever pushes the objective down when it rises needs its tangents alone, and
so costs nothing.

The bound is the solver's dual bound, so it also holds when the time runs out; it is then not exact, and the gap says
by how much. HiGHS computes in float64 to tolerances, for which MARGIN allows: the proof is as good as its arithmetic.
What float32 may round differently is bounded apart, in `rounding.py`. The best point found, by the solver or a random
search (`witness.py`), is run through the real network in float32.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from time import monotonic

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from acc_decel.assurance.accepted_box import Box, Span, box, gate_spans
from acc_decel.assurance.linear_program import OPTIMAL, TIME_LIMIT, Affine, Program, Solution, constant
from acc_decel.assurance.witness import extreme_events
from acc_decel.network import DenseNet, Layer

MARGIN = 1e-6  # by which bounds from linear programs are widened, absolute and relative: ten times the solver's own
ON_PRODUCT = 1e-6  # a gated column this near to its product counts as exact
SHORTEST = 0.05  # [s] less time for a hidden unit is not worth building its program
ENOUGH = 1e-4  # a bound this near to what is attained, absolute and relative, is exact
ON_CURVE = 1e-6  # a rectifier this near to its curve counts as exact
APART = 2e-3  # of two points at least: a chord this short is on the curve
FIRST_POINTS = (0.0, 0.5, 1.0)  # where the first chords meet

Pull = tuple[ndarray, ndarray]  # of each unit of a layer: whether up, whether down
Points = list[list[tuple[float, ...]]]  # of each hidden layer and unit: where its chords meet and its tangents touch


@dataclass(frozen=True)
class Sums:
    """Bounds of the sums of a layer, before its rectifier."""

    low: Float[ndarray, " units"]
    high: Float[ndarray, " units"]


@dataclass(frozen=True)
class Curve:
    """One rectifier in a program: that of unit `unit` of layer `layer`, `y` for its sum `u`."""

    layer: int
    unit: int
    u: Affine
    y: Affine

    def off(self, solution: ndarray) -> float:
        """How far a solution is from the curve."""
        return abs(self.y.value(solution) - _curve(self.u.value(solution)))


@dataclass(frozen=True)
class Extreme:
    """The greatest (`sign` 1) or least (-1) value of one output over the accepted box, before the last clamp.

    No accepted event goes beyond `bound` in real arithmetic. `attained` is what the real network gives for `witness`,
    one row of columns. `status` is the solver's: only if it is optimal are both the same, up to ENOUGH.
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
        """How far the bound is from a value that is attained."""
        return max(0.0, self.sign * (self.bound - self.attained))


def ranks(net: DenseNet) -> tuple[int | None, ...]:
    """Which smallest of the ordered outputs each output is, 0 the least; None for one that is not ordered.

    Asked of the network itself: its last layer is replaced by constants, in every rotation.
    """
    count = len(net.trunk[-1].bias)
    columns = np.full((1, len(net.center)), np.nan, np.float32)
    turned = [np.roll(np.arange(count), shift) for shift in range(count)]
    answers = np.array([unclamped(net, bias)(columns)[0] for bias in turned])
    ordered = [not (answers[:, i] == np.array(turned)[:, i]).all() for i in range(count)]
    return tuple(
        int(np.searchsorted(np.flatnonzero(ordered), int(answers[0, i]))) if ordered[i] else None for i in range(count)
    )


def unclamped(net: DenseNet, bias: ndarray | None = None) -> DenseNet:
    """`net` without the last clamp; with `bias` for its last layer, the layer gives only that."""
    unlimited = np.full_like(net.low, np.inf)
    free = replace(net, low=-unlimited, high=unlimited)
    if bias is None:
        return free
    constant_layer = Layer(np.zeros_like(net.trunk[-1].weights), bias.astype(np.float32))
    return replace(free, trunk=(*net.trunk[:-1], constant_layer))


def sums(net: DenseNet, *, seconds: float = 0.0, on_layer: Callable[[], None] = lambda: None) -> tuple[Sums, ...]:
    """Bounds of the sums of every layer over the accepted box, embedding first, each from those before it.

    Linear programs bound every sum; mixed-integer ones then those of the units whose rectifier is curved, each within
    `seconds`, if those are SHORTEST at least.
    """
    found: list[Sums] = []
    layers = _layers(net)
    for depth in range(len(layers)):
        program = Program()
        inside = box(program, net, gate_spans(net))
        everything = [(np.ones(len(one.bias), bool),) * 2 for one in layers]
        u, _ = _sums_at(program, inside, net, found, everything, depth, first_points(net))
        found.append(Sums(*(np.array([_end(program, one, sign) for one in u]) for sign in (-1, 1))))
        if seconds >= SHORTEST and 0 < depth < len(layers) - 1:
            found[depth] = _narrowed(net, found, depth, seconds)
        on_layer()
    return tuple(found)


def _end(program: Program, u: Affine, sign: int, seconds: float | None = None) -> float:
    """The least (`sign` -1) or greatest value of `u`, relaxed unless there are `seconds` for the exact one."""
    found = program.maximum(u * sign, relaxed=seconds is None, seconds=seconds or np.inf)
    return sign * (found.bound + MARGIN * (1 + abs(found.bound)))


def _narrowed(net: DenseNet, found: list[Sums], depth: int, seconds: float) -> Sums:
    """The bounds of a layer, those of undecided rectifiers by mixed-integer programs."""
    ends = {-1: found[depth].low.copy(), 1: found[depth].high.copy()}
    for i in np.flatnonzero((ends[-1] < 1) & (ends[1] > 0)):
        for sign, end in ends.items():
            program = Program()
            inside = box(program, net, gate_spans(net))
            pulls = _pulls(net, depth, [int(i)], sign)
            u, _ = _sums_at(program, inside, net, found, pulls, depth, first_points(net))
            end[i] = sign * min(sign * end[i], sign * _end(program, u[i], sign, seconds))
    return Sums(ends[-1], ends[1])


def first_points(net: DenseNet) -> Points:
    """Where the first chords of every hidden unit meet."""
    return [[FIRST_POINTS for _ in layer.bias] for layer in _layers(net)[:-1]]


def _layers(net: DenseNet) -> tuple[Layer, ...]:
    return (*net.embedding, *net.trunk)


def _sums_at(
    program: Program,
    inside: Box,
    net: DenseNet,
    bounds: Sequence[Sums],
    pulls: Sequence[Pull],
    depth: int,
    points: Points,
) -> tuple[list[Affine], list[Curve]]:
    """The sums of the layer at `depth`, and all rectifiers before it, added to `program`."""
    embedded, x = inside.embedding, inside.forced
    curves: list[Curve] = []
    for i, layer in enumerate(_layers(net)[:depth]):
        in_embedding = i < len(net.embedding)
        u = _sums_of(layer, embedded if in_embedding else [*embedded, *x])
        y = [
            _rectified(program, one, (float(low), float(high)), up=bool(up), down=bool(down), points=some)
            for one, low, high, up, down, some in zip(
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
    """Of each layer up to `depth`: which units are pulled up, and which down, where `units` are pulled to `sign`."""
    layers, deep, beside = _layers(net), len(net.embedding), len(net.embedding[-1].bias)
    pulled = np.isin(np.arange(len(layers[depth].bias)), units)
    up, down = pulled & (sign > 0), pulled & (sign < 0)
    embedded_up, embedded_down = np.zeros((2, beside), bool)
    found = [(up, down)]
    for i in range(depth, 0, -1):
        rises, falls = layers[i].weights > 0, layers[i].weights < 0
        up, down = (up @ rises) | (down @ falls), (up @ falls) | (down @ rises)
        if i >= deep:
            embedded_up, embedded_down = embedded_up | up[:beside], embedded_down | down[:beside]
            up, down = (embedded_up, embedded_down) if i == deep else (up[beside:], down[beside:])
        found.insert(0, (up, down))
    return found


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


def _rectified(program: Program, u: Affine, span: Span, *, up: bool, down: bool, points: tuple[float, ...]) -> Affine:
    """The rectifier of `u`, limited above where pulled `up` and below where pulled `down`."""
    low, high = span
    if high <= 0 or not (up or down):
        return constant(0.0)
    if low >= 1:
        return u - constant(0.5)
    y = program.variable(_curve(low), _curve(high))
    inner = [p for p in points if low + APART < p < high - APART]
    if down:
        for p in (low, *inner, high):
            slope = min(max(p, 0.0), 1.0)
            program.at_least(y, u * slope + constant(_curve(p) - slope * p))
    if up:
        _below_chords(program, u, y, [low, *inner, high])
    return y


def _below_chords(program: Program, u: Affine, y: Affine, ends: list[float]) -> None:
    """Require `y` to lie on or below the chords from end to end: the way of `u` through them is filled one by one."""
    way, most = constant(ends[0]), constant(_curve(ends[0]))
    before: Affine | None = None  # 1 if the chord before is filled
    for i, (left, right) in enumerate(pairwise(ends)):
        part = program.variable(0.0, right - left)
        if before is not None:
            program.at_least(before * (right - left), part)
        if i < len(ends) - 2:
            before = program.variable(0.0, 1.0, whole=True)
            program.at_least(part, before * (right - left))
        way += part
        most += part * ((_curve(right) - _curve(left)) / (right - left))
    program.at_least(way, u)
    program.at_least(u, way)
    program.at_least(most, y)


def _curve(u: float) -> float:
    """The rectifier."""
    ramp = min(max(u, 0.0), 1.0)
    return max(u - 1.0, 0.0) + 0.5 * ramp * ramp


def _beaten_by(program: Program, values: list[Affine], lows: list[float], most: float, needed: int) -> Affine:
    """A variable that is at most as great as `needed` of the values."""
    if len(values) == needed == 1:
        return values[0]
    goal = program.variable(min(lows), most)
    beaten = constant(0.0)
    for value, low in zip(values, lows, strict=True):
        if needed == len(values):
            program.at_least(value, goal)
            continue
        one = program.variable(0.0, 1.0, whole=True)
        beaten += one
        program.at_least(value + (constant(1.0) - one) * (most - low), goal)
    if needed < len(values):
        program.at_least(beaten, constant(float(needed)))
    return goal


def extreme(
    net: DenseNet, bounds: tuple[Sums, ...], output: int, sign: int, *, seconds: float, seed: int = 1
) -> Extreme:
    """The proven extreme of one output, to which the solver is given `seconds`; `bounds` are those of `sums`.

    A gated column enters by the convex hull of a product: while the best point lies beside the product, the span of the
    gate is split and both parts are solved, the more promising first. While it lies off the curve of a rectifier, a
    point is added there.
    """
    free = unclamped(net)
    events, answers = extreme_events(free, output, sign, np.random.default_rng(seed))
    best = int(np.argmax(sign * answers))
    witness, attained = events[best], float(answers[best])
    deadline = monotonic() + seconds
    closed, nodes, status = -np.inf, 0, OPTIMAL
    points = first_points(net)
    parts = [(_relaxed_bound(net, bounds, output, sign), gate_spans(net))]
    while parts and parts[0][0] > max(closed, sign * attained + ENOUGH * (1 + abs(attained))):
        most, spans = parts.pop(0)
        seconds_left = max(deadline - monotonic(), 0.1)
        found, inside, curves = _solved(net, bounds, output, sign, spans, points, seconds_left)
        most, nodes = min(most, found.bound), nodes + found.nodes
        beside = _violated_gate(inside, found)
        if found.variables is not None:
            event = inside.columns(found.variables)
            answer = float(free(event)[0, output])
            if sign * answer > sign * attained:
                witness, attained = event[0], answer
        if found.status == OPTIMAL and beside is not None and monotonic() < deadline:
            parts = sorted([*parts, *((most, half) for half in _halves(spans, *beside))], key=lambda p: -p[0])
            continue
        if found.status == OPTIMAL and monotonic() < deadline and _refined(points, curves, found):
            parts = sorted([*parts, (most, spans)], key=lambda p: -p[0])
            continue
        closed = max(closed, most)
        if found.status != OPTIMAL or beside is not None or most > sign * attained + ENOUGH * (1 + abs(attained)):
            status = TIME_LIMIT if found.status == OPTIMAL else found.status
    bound = sign * max(closed, sign * attained, *(most for most, _ in parts))
    return Extreme(output, sign, bound + sign * MARGIN * (1 + abs(bound)), attained, witness, status, nodes)


def _relaxed_bound(net: DenseNet, bounds: tuple[Sums, ...], output: int, sign: int) -> float:
    """Bound of `sign` times an output from the bounds of the last sums: ordering is monotone."""
    ends = bounds[-1].high if sign > 0 else bounds[-1].low
    group, rank = _group(net, output)
    return sign * float(np.sort(ends[group])[rank])


def _group(net: DenseNet, output: int) -> tuple[list[int], int]:
    """The units of the last layer that are ordered together with an output, and its rank among them."""
    order = ranks(net)
    own = order[output]
    return ([output], 0) if own is None else ([i for i, rank in enumerate(order) if rank is not None], own)


def _solved(
    net: DenseNet,
    bounds: tuple[Sums, ...],
    output: int,
    sign: int,
    spans: tuple[Span, ...],
    points: Points,
    seconds: float,
) -> tuple[Solution, Box, list[Curve]]:
    """Maximum of `sign` times an output, each gate within its span; the box and curves that the solution speaks of."""
    program = Program()
    inside = box(program, net, spans)
    group, rank = _group(net, output)
    depth = len(bounds) - 1
    u, curves = _sums_at(program, inside, net, bounds, _pulls(net, depth, group, sign), depth, points)
    beaten = len(group) - rank if sign > 0 else rank + 1  # of `sign` times the outputs, how many are no less
    low, high = (sign * end[group] for end in (bounds[-1].low, bounds[-1].high)[::sign])
    goal = _beaten_by(program, [u[i] * sign for i in group], low.tolist(), float(high.max()), beaten)
    return program.maximum(goal, seconds=seconds), inside, curves


def _refined(points: Points, curves: list[Curve], found: Solution) -> bool:
    """Add to `points` where the solution is off a curve; whether there is any such place."""
    if found.variables is None:
        return False
    added = False
    for curve in curves:
        mine, at = points[curve.layer], curve.u.value(found.variables)
        if curve.off(found.variables) > ON_CURVE and all(abs(at - p) > APART for p in mine[curve.unit]):
            mine[curve.unit] = tuple(sorted({*mine[curve.unit], at}))
            added = True
    return added


def _violated_gate(inside: Box, found: Solution) -> tuple[int, float] | None:
    """The gate whose gated column is furthest from the product that it stands for, and its value; None if none is."""
    if found.variables is None:
        return None
    off = inside.spread(found.variables)
    if max(off, default=0.0) < ON_PRODUCT:
        return None
    worst = int(np.argmax(off))
    return worst, inside.gates[worst].value(found.variables)


def _halves(spans: tuple[Span, ...], gate: int, at: float) -> list[tuple[Span, ...]]:
    low, high = spans[gate]
    middle = float(np.clip(at, low + 0.1 * (high - low), high - 0.1 * (high - low)))
    return [(*spans[:gate], half, *spans[gate + 1 :]) for half in ((low, middle), (middle, high))]
