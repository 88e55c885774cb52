"""Monotonicity proven on the ONNX file itself: the graph is followed from each output back to the input.

An element of a tensor is what holds for every accepted event at once (`moving_values.py`). There is a rule for each
operator (`graph_rules.py`); names in the graph are not used, and an operator without a rule ends the proof. The rows of
the input are the cells of the accepted box (`feature_values.Cells`): together they are all events, and each row is
followed as an event of its own.

Two forms are known in which a value meets itself: x / (x + b) rises with x for b >= 0, and F - rectified(F - B) rises
with both. There float32 may round the wrong way: `monotone_arrays.py`.

A graph with a branch for events outside the trained domain is followed once through each branch, for events that are
all outside or all inside.
"""

import numpy as np
import onnx
from onnx import numpy_helper

from acc_decel.assurance.feature_values import Cells
from acc_decel.assurance.graph_rules import RULES
from acc_decel.assurance.moving_values import CONSTANT, UNKNOWN, Total, Values, exact
from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import Factor, slices
from acc_decel.outputs import ORDERED

INSIDE, OUTSIDE = "else_branch", "then_branch"  # of the trained domain
SUM_ERROR = 1e-6  # of a sum of probabilities in float32

_SCATTER = "ScatterElements"

Producers = dict[str, onnx.NodeProto]
Known = dict[str, Values]


class NotUnderstood(Exception):  # noqa: N818 - a statement about the graph, reported as a failed proof
    """The graph contains something without a rule."""


def moves(
    model: onnx.ModelProto,
    factors: tuple[Factor, ...],
    moving: Factor,
    outputs: tuple[int, ...],
    branch: str = INSIDE,
) -> list[int]:
    """How `outputs` of the graph, by position, move when the column of `moving` grows: CONSTANT to UNKNOWN.

    Its gate, if it has one, is at least 1. Raises NotUnderstood, naming the node, for anything without a rule.
    """
    graph = model.graph
    known = {t.name: exact(numpy_helper.to_array(t)) for t in graph.initializer}
    if len(graph.input) != 1:
        raise NotUnderstood(f"the graph must have one input. Got {len(graph.input)}.")
    known[graph.input[0].name] = accepted(factors, moving)
    producers = _producers(graph, known, branch)
    with np.errstate(all="ignore"):
        return [
            int(np.bitwise_or.reduce(_value(graph.output[i].name, producers, known).moves, axis=None)) for i in outputs
        ]


def raised_outside(model: onnx.ModelProto) -> list[str]:
    """One sentence for each quantile that may be more outside the trained domain than the same network gives inside.

    None if each is the least of some values, one of which is what the branch for events inside passes on. What follows
    the quantiles, a reserve, must be the greatest of some in the same way.
    """
    sentences = []
    for node in (node for node in model.graph.node if node.op_type == "If"):
        outside, inside = (next(a.g for a in node.attribute if a.name == name) for name in (OUTSIDE, INSIDE))
        made_by, passed_on = ({o: n for n in branch.node for o in n.output} for branch in (outside, inside))
        for place, (cautious, plain) in enumerate(zip(outside.output, inside.output, strict=True)):
            scatter, same = made_by.get(cautious.name), passed_on.get(plain.name)
            worst = made_by.get(scatter.input[2]) if scatter is not None and scatter.op_type == _SCATTER else None
            operator, word = ("Min", "most") if place < len(ORDERED) else ("Max", "least")
            is_worst = worst is not None and worst.op_type == operator
            parts = [made_by.get(name) for name in worst.input] if worst is not None and is_worst else []
            whole = [*scatter.input[:2]] if scatter is not None else []
            is_one = any(p is not None and p.op_type == "Gather" and [*p.input] == whole for p in parts)
            if not is_one or same is None or same.op_type != "Identity" or [*same.input] != whole[:1]:
                sentences.append(
                    f"{cautious.name} must be at {word} {plain.name}, the value inside the trained domain."
                )
    return sentences


def accepted(factors: tuple[Factor, ...], moving: Factor) -> Values:
    """The input of every accepted event in which `moving` is available and its gate is at least 1: a row a cell."""
    cells = Cells(factors, moving.name)
    columns, known = cells.columns(), cells.known()
    names = [(f.name, column) for f in factors for column in f.columns]
    count = max(len(q.low) for q in (*columns.values(), *known.values()))
    low, high, moved = (
        np.stack([np.broadcast_to(getattr(columns[c], part), count) for _, c in names], axis=1)
        for part in ("low", "high", "moves")
    )
    surely, maybe = (
        np.stack([np.broadcast_to(getattr(known[f], part), count) for f, _ in names], axis=1)
        for part in ("low", "high")
    )
    missing = maybe == 0
    ends = np.array(CHOICE_SUM, np.float32).astype(np.float64) + [-SUM_ERROR, SUM_ERROR]  # noqa: RUF005
    totals = tuple(
        Total(own.start, own.stop, *(np.full(count, end) for end in ends))
        for f, own in zip(factors, slices(factors), strict=True)
        if f.levels
    )
    return Values(
        np.where(missing, np.inf, low.astype(np.float64)),
        np.where(missing, -np.inf, high.astype(np.float64)),
        surely < 1,
        moved,
        totals,
    )


def _producers(graph: onnx.GraphProto, known: Known, branch: str) -> Producers:
    """The node that makes each value; a choice between two branches passes on the values of one of them."""
    producers = {output: node for node in graph.node for output in node.output}
    for node in (node for node in graph.node if node.op_type == "If"):
        chosen = next(a.g for a in node.attribute if a.name == branch)
        known |= {t.name: exact(numpy_helper.to_array(t)) for t in chosen.initializer}
        producers |= {output: inner for inner in chosen.node for output in inner.output}
        for result, output in zip(chosen.output, node.output, strict=True):
            producers[output] = onnx.helper.make_node("Identity", [result.name], [output], name=node.name)
        if branch == OUTSIDE:
            for inner in (inner for inner in chosen.node if inner.op_type == "NonZero"):
                known[inner.output[0]] = _all_rows(node, inner, producers, known)
    return producers


def _all_rows(choice: onnx.NodeProto, rows: onnx.NodeProto, producers: Producers, known: Known) -> Values:
    """The rows in which a condition holds: all, if it is the one that this branch was chosen for, row by row."""
    greater = producers.get(choice.input[0])
    number = producers.get(greater.input[0]) if greater is not None else None
    cast = producers.get(number.input[0]) if number is not None else None
    operators = [None if node is None else node.op_type for node in (greater, number, cast)]
    if operators != ["Greater", "ReduceSum", "Cast"] or cast is None or cast.input[0] != rows.input[0]:
        raise NotUnderstood(f"node {rows.name!r} must list the events that {choice.name!r} is for. Got others.")
    limit = known[greater.input[1]].known if greater is not None else None
    if limit is None or not (limit >= 0).all() or not (limit < 1).all():
        raise NotUnderstood(f"node {choice.name!r} must be for at least one event. Got another number.")
    count = next(len(v.low) for v in known.values() if v.totals)
    return exact(np.arange(count)[None])


def _value(name: str, producers: Producers, known: Known) -> Values:
    """The value called `name`; the inputs of its node are evaluated first."""
    waiting, started = [name], set[str]()
    while waiting:
        current = waiting[-1]
        if current in known:
            waiting.pop()
            continue
        if current not in producers:
            raise NotUnderstood(f"the graph must make {current!r} before it is used. Got no such value.")
        node = producers[current]
        missing = [i for i in node.input if i not in known]
        if missing and current in started:
            raise NotUnderstood(f"the graph must not have a cycle. Got {node.name!r} in one.")
        started.add(current)
        if missing:
            waiting += missing
        else:
            known |= dict(zip(node.output, _apply_rule(node, producers, known), strict=True))
    return known[name]


def _apply_rule(node: onnx.NodeProto, producers: Producers, known: Known) -> tuple[Values, ...]:
    rule = RULES.get(node.op_type) if node.domain in ("", "ai.onnx") else None
    if rule is None:
        raise NotUnderstood(f"operator {node.op_type} of node {node.name!r} is not known to the proof: add a rule.")
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "Split":
        attributes["parts"] = len(node.output)
    inputs = [known[i] for i in node.input]
    try:
        if (form := _form(node, producers, known)) is not None:
            return (form,)
        result = rule(*inputs, **attributes)
    except (TypeError, ValueError, IndexError) as error:
        raise NotUnderstood(
            f"node {node.name!r} ({node.op_type}) must have a form that the proof knows. Got: {error}."
        ) from error
    return result if isinstance(result, tuple) else (result,)


def _form(node: onnx.NodeProto, producers: Producers, known: Known) -> Values | None:
    """The value of a form of several nodes that is known as a whole."""
    if node.op_type == "Div":
        return _saturation(node, producers, known)
    return _smaller(node, producers, known) if node.op_type == "Sub" else None


def _saturation(node: onnx.NodeProto, producers: Producers, known: Known) -> Values | None:
    """The ratio x / (x + b) = 1 - b / (x + b), constant b >= 0: it rises with x where x + b > 0; None for other ratios.

    Where it divides by 0, it may be NaN.
    """
    numerator, denominator = node.input
    sum_node = producers.get(denominator)
    if sum_node is None or sum_node.op_type != "Add" or numerator not in sum_node.input:
        return None
    other = [i for i in sum_node.input if i != numerator]
    half = known[other[0]].known if len(other) == 1 else None
    if half is None or (half < 0).any():
        return None
    x, total = known[numerator], known[denominator]
    low, high = x.low / total.low, x.high / total.high
    positive = total.low > 0
    unknown = np.where(x.moves == CONSTANT, CONSTANT, UNKNOWN)
    moving = np.where(positive, np.where(half > 0, x.moves, CONSTANT), unknown)
    return Values(np.where(positive, low, -np.inf), np.where(positive, high, np.inf), x.nan | ~positive, moving)


def _smaller(node: onnx.NodeProto, producers: Producers, known: Known) -> Values | None:
    """The value F - r(F - B) with the rectifier r: its slope is 1 - r' in F and r' in B; None for other differences."""
    friction, curve = node.input
    z = _rectified(curve, producers, known)
    difference = producers.get(z) if z is not None else None
    if difference is None or difference.op_type != "Sub" or difference.input[0] != friction:
        return None
    f, b = known[friction], known[difference.input[1]]
    low, high = np.minimum(f.low, b.low), np.minimum(f.high, b.high + 0.5)
    return Values(low, high, f.nan | b.nan, f.moves | b.moves)


def _rectified(name: str, producers: Producers, known: Known) -> str | None:
    """The name of z if this is max(z - 1, 0) + ramp * 1/2 * ramp with ramp = min(max(z, 0), 1); else None."""

    def inputs(name: str, operator: str) -> list[str]:
        node = producers.get(name)
        return [*node.input] if node is not None and node.op_type == operator else ["", ""]

    def is_number(name: str, number: float) -> bool:
        value = known[name].known if name in known else None
        return value is not None and bool((value == number).all())

    above, square = inputs(name, "Add")
    beyond, zero = inputs(above, "Max")
    z, one = inputs(beyond, "Sub")
    half_ramp, ramp = inputs(square, "Mul")
    again, half = inputs(half_ramp, "Mul")
    positive, limit = inputs(ramp, "Min")
    same, floor = inputs(positive, "Max")
    numbers = ((zero, 0.0), (one, 1.0), (half, 0.5), (limit, 1.0), (floor, 0.0))
    found = again == ramp and same == z and all(is_number(*pair) for pair in numbers)
    return z if found else None
