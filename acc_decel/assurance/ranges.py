"""Proven ranges: the exact least and greatest value of each output over the whole accepted box.

Every unit is `clamp(weights @ x + bias)`, piecewise linear with at most two breakpoints, so the extremes of an output
are the optimum of a mixed-integer linear program: Tjeng, Xiao, Tedrake, Evaluating Robustness of Neural Networks with
Mixed Integer Programming, ICLR 2019. A breakpoint that a unit can reach on both sides costs one whole variable, and its
rows need bounds of the sum before the clamp: linear programs, layer by layer, in which every clamp is replaced by its
convex hull (the best of the straight lines that CROWN chooses from, Zhang et al., NeurIPS 2018), then short
mixed-integer programs for the hidden units whose clamp is still undecided. A unit that only ever pushes the objective
up when it rises needs an upper limit alone: the concave part of its clamp then costs nothing, and half the whole
variables of a trunk that is monotone from layer to layer vanish.

The bound is the solver's dual bound, so it also holds when the time runs out; it is then not exact, and the gap says
by how much. HiGHS computes in float64 to tolerances, for which MARGIN allows: the proof is as good as its arithmetic.
What float32 may round differently is bounded apart, in `rounding.py`. The best point found, by the solver or a random
search (`witness.py`), is run through the real network in float32.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic

import numpy as np
from jaxtyping import Bool, Float, Float32
from numpy import ndarray

from acc_decel.assurance.accepted_box import Box, Span, box, gate_spans
from acc_decel.assurance.linear_program import OPTIMAL, TIME_LIMIT, Affine, Program, Solution, constant
from acc_decel.assurance.witness import extreme_events
from acc_decel.network import DenseNet, Layer, wiring

MARGIN = 1e-6  # by which bounds from linear programs are widened, absolute and relative: ten times the solver's own
ON_PRODUCT = 1e-6  # a gated column this near to its product counts as exact
SHORTEST = 0.05  # [s] less time for a hidden unit is not worth building its program
ENOUGH = 1e-4  # a bound this near to what is attained, absolute and relative, is exact

Pull = tuple[ndarray, ndarray]  # of each unit of a layer: whether up, whether down


@dataclass(frozen=True)
class Sums:
    """Bounds of the sums of a layer, before its clamp."""

    low: Float[ndarray, " units"]
    high: Float[ndarray, " units"]


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
    last = net.trunk[-1]
    unlimited = np.full_like(last.low, np.inf)
    weights = last.weights if bias is None else np.zeros_like(last.weights)
    given = last.bias if bias is None else bias.astype(np.float32)
    return replace(net, trunk=(*net.trunk[:-1], Layer(weights, given, -unlimited, unlimited)))


def sums(net: DenseNet, *, seconds: float = 0.0, on_layer: Callable[[], None] = lambda: None) -> tuple[Sums, ...]:
    """Bounds of the sums of every layer over the accepted box, embedding first, each from those before it.

    Linear programs bound every sum; mixed-integer ones then those of hidden units whose clamp is not decided, each
    within `seconds`, if those are SHORTEST at least.
    """
    found: list[Sums] = []
    layers = _layers(net)
    for depth, layer in enumerate(layers):
        program = Program()
        inside = box(program, net, gate_spans(net))
        everything = [(np.ones(len(one.bias), bool),) * 2 for one in layers]
        u = _sums_at(program, inside, net, found, everything, depth)
        found.append(Sums(*(np.array([_end(program, one, sign) for one in u]) for sign in (-1, 1))))
        if seconds >= SHORTEST and 0 < depth < len(layers) - 1:
            found[depth] = _narrowed(net, found, depth, layer, seconds)
        on_layer()
    return tuple(found)


def _end(program: Program, u: Affine, sign: int, seconds: float | None = None) -> float:
    """The least (`sign` -1) or greatest value of `u`, relaxed unless there are `seconds` for the exact one."""
    found = program.maximum(u * sign, relaxed=seconds is None, seconds=seconds or np.inf)
    return sign * (found.bound + MARGIN * (1 + abs(found.bound)))


def _narrowed(net: DenseNet, found: list[Sums], depth: int, layer: Layer, seconds: float) -> Sums:
    """The bounds of a layer, those of undecided clamps by mixed-integer programs."""
    ends = {-1: found[depth].low.copy(), 1: found[depth].high.copy()}
    undecided = [
        any(low < limit < high for limit in limits)
        for low, high, limits in zip(ends[-1], ends[1], zip(layer.low, layer.high, strict=True), strict=True)
    ]
    for i in np.flatnonzero(undecided):
        for sign, end in ends.items():
            program = Program()
            inside = box(program, net, gate_spans(net))
            pulls = _pulls(net, depth, [int(i)], sign)
            exact = _end(program, _sums_at(program, inside, net, found, pulls, depth)[i], sign, seconds)
            end[i] = sign * min(sign * end[i], sign * exact)
    return Sums(ends[-1], ends[1])


def _layers(net: DenseNet) -> tuple[Layer, ...]:
    return (*net.embedding, *net.trunk)


def _sums_at(
    program: Program, inside: Box, net: DenseNet, bounds: Sequence[Sums], pulls: Sequence[Pull], depth: int
) -> list[Affine]:
    """The sums of the layer at `depth`, all layers before it added to `program`."""
    x = inside.embedding
    for i, layer in enumerate(_layers(net)[: depth + 1]):
        x = [*inside.forced, *x] if i == len(net.embedding) else x
        u = _sums_of(layer, x)
        if i < depth:
            x = _clamped(program, layer, bounds[i], u, *pulls[i])
    return u


def _pulls(net: DenseNet, depth: int, units: list[int], sign: int) -> list[Pull]:
    """Of each layer up to `depth`: which units are pulled up, and which down, where `units` are pulled to `sign`."""
    layers = _layers(net)
    pulled = np.isin(np.arange(len(layers[depth].bias)), units)
    up, down = pulled & (sign > 0), pulled & (sign < 0)
    found = [(up, down)]
    for i in range(depth, 0, -1):
        skip = len(wiring(net.factors).forced) if i == len(net.embedding) else 0
        weights = layers[i].weights[:, skip:]
        rises, falls = weights > 0, weights < 0
        up, down = (up @ rises) | (down @ falls), (up @ falls) | (down @ rises)
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


def _clamped(
    program: Program, layer: Layer, bounds: Sums, u: list[Affine], up: Bool[ndarray, " units"], down: ndarray
) -> list[Affine]:
    """The outputs of a layer, limited above where the objective pulls them `up` and below where it pulls `down`."""
    out = []
    for i, one in enumerate(u):
        low, high = float(layer.low[i]), float(layer.high[i])
        span = float(bounds.low[i]), float(bounds.high[i])
        y = _no_less(program, one, span, low, up=bool(up[i]), down=bool(down[i]))
        span = -max(span[1], low), -max(span[0], low)
        out.append(_no_less(program, y * -1, span, -high, up=bool(down[i]), down=bool(up[i])) * -1)
    return out


def _no_less(program: Program, u: Affine, span: Span, low: float, *, up: bool, down: bool) -> Affine:
    """max(u, low), limited above where pulled `up` and below where pulled `down`."""
    least, most = span
    if least >= low or not (up or down):
        return u
    if most <= low:
        return constant(low)
    y = program.variable(low, most)
    if down:
        program.at_least(y, u)  # the other side is the bound of y
    if up:
        above = program.variable(0.0, 1.0, whole=True)
        program.at_least(u + (constant(1.0) - above) * (low - least), y)
        program.at_least(constant(low) + above * (most - low), y)
    return y


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
    gate is split and both parts are solved, the more promising first.
    """
    free = unclamped(net)
    events, answers = extreme_events(free, output, sign, np.random.default_rng(seed))
    best = int(np.argmax(sign * answers))
    witness, attained = events[best], float(answers[best])
    deadline = monotonic() + seconds
    closed, nodes, status = -np.inf, 0, OPTIMAL
    parts = [(_relaxed_bound(net, bounds, output, sign), gate_spans(net))]
    while parts and parts[0][0] > max(closed, sign * attained + ENOUGH * (1 + abs(attained))):
        most, spans = parts.pop(0)
        found, inside = _solved(net, bounds, output, sign, spans, max(deadline - monotonic(), 0.1))
        most, nodes = min(most, found.bound), nodes + found.nodes
        beside = _beside(inside, found)
        if found.variables is not None:
            event = inside.columns(found.variables)
            answer = float(free(event)[0, output])
            if sign * answer > sign * attained:
                witness, attained = event[0], answer
        if found.status == OPTIMAL and beside is not None and monotonic() < deadline:
            parts = sorted([*parts, *((most, half) for half in _halves(spans, *beside))], key=lambda p: -p[0])
            continue
        closed = max(closed, most)
        if found.status != OPTIMAL or beside is not None:
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
    net: DenseNet, bounds: tuple[Sums, ...], output: int, sign: int, spans: tuple[Span, ...], seconds: float
) -> tuple[Solution, Box]:
    """Maximum of `sign` times an output, each gate within its span, and the box that the solution speaks of."""
    program = Program()
    inside = box(program, net, spans)
    group, rank = _group(net, output)
    depth = len(bounds) - 1
    u = _sums_at(program, inside, net, bounds, _pulls(net, depth, group, sign), depth)
    beaten = len(group) - rank if sign > 0 else rank + 1  # of `sign` times the outputs, how many are no less
    low, high = (sign * end[group] for end in (bounds[-1].low, bounds[-1].high)[::sign])
    goal = _beaten_by(program, [u[i] * sign for i in group], low.tolist(), float(high.max()), beaten)
    return program.maximum(goal, seconds=seconds), inside


def _beside(inside: Box, found: Solution) -> tuple[int, float] | None:
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
