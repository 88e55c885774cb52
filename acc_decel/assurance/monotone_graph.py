"""Monotonicity proven on the ONNX file itself: the graph is followed from each output back to the input.

An element of a tensor is what holds for every accepted event at once (`moving_values.py`). There is a rule for each
operator; names in the graph are not used, and an operator without a rule ends the proof.
"""

from collections.abc import Callable

import numpy as np
import onnx
from onnx import numpy_helper

from acc_decel.assurance.moving_values import (
    CONSTANT,
    FALLS,
    RISES,
    SWAPPED,
    UNKNOWN,
    Part,
    Values,
    add,
    divide,
    exact,
    maximum,
    minimum,
    multiply,
    subtract,
    where,
)
from acc_decel.factors import Factor, column_factors, column_names, ranges


class NotUnderstood(Exception):  # noqa: N818 - a statement about the graph, reported as a failed proof
    """The graph contains something without a rule."""


def moves(model: onnx.ModelProto, factors: tuple[Factor, ...], moving: Factor, outputs: tuple[int, ...]) -> list[int]:
    """How `outputs` of the graph, by position, move when the column of `moving` grows: CONSTANT to UNKNOWN.

    Its gate, if it has one, is 1. Raises NotUnderstood, naming the node, for anything without a rule.
    """
    graph = model.graph
    producers = {output: node for node in graph.node for output in node.output}
    known = {t.name: exact(numpy_helper.to_array(t)) for t in graph.initializer}
    if len(graph.input) != 1:
        raise NotUnderstood(f"the graph must have one input. Got {len(graph.input)}.")
    known[graph.input[0].name] = accepted(factors, moving)
    with np.errstate(all="ignore"):
        return [
            int(np.bitwise_or.reduce(_value(graph.output[i].name, producers, known).moves, axis=None)) for i in outputs
        ]


def accepted(factors: tuple[Factor, ...], moving: Factor) -> Values:
    """The input of every accepted event in which `moving` is available and its gate is 1."""
    names = column_names(factors)
    low, high = np.array(ranges(factors), np.float32).astype(np.float64).T.copy()
    nan = np.array([f.optional for f in column_factors(factors)])
    column = names.index(moving.name)
    nan[column] = False
    if moving.forced_while:
        gate = names.index(moving.forced_while)
        low[gate], high[gate], nan[gate] = 1.0, 1.0, False
    moved = np.where(np.arange(len(names)) == column, RISES, CONSTANT)
    return Values(low[None], high[None], nan[None], moved[None])


def _value(name: str, producers: dict[str, onnx.NodeProto], known: dict[str, Values]) -> Values:
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
            known[current] = _apply_rule(node, producers, known)
    return known[name]


def _apply_rule(node: onnx.NodeProto, producers: dict[str, onnx.NodeProto], known: dict[str, Values]) -> Values:
    rule = _RULES.get(node.op_type) if node.domain in ("", "ai.onnx") else None
    if rule is None or len(node.output) != 1:
        raise NotUnderstood(f"operator {node.op_type} of node {node.name!r} is not known to the proof: add a rule.")
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    inputs = [known[i] for i in node.input]
    try:
        if node.op_type == "Div" and (ratio := _saturation(node, producers, known)) is not None:
            return ratio
        return rule(*inputs, **attributes)
    except (TypeError, ValueError, IndexError) as error:
        raise NotUnderstood(
            f"node {node.name!r} ({node.op_type}) must have a form that the proof knows. Got: {error}."
        ) from error


def _saturation(node: onnx.NodeProto, producers: dict[str, onnx.NodeProto], known: dict[str, Values]) -> Values | None:
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


def _truth(low: Part, high: Part, moving: Part) -> Values:
    """Conditions: always true has low 1, always false has high 0; both do not move."""
    low, high = np.asarray(low, float), np.asarray(high, float)
    return Values(low, high, np.zeros(low.shape, bool), np.where(low == high, CONSTANT, moving))


def _is_nan(x: Values) -> Values:
    return _truth(np.zeros(x.low.shape), x.nan, np.zeros(x.low.shape, int))


def _compared(a: Values, b: Values, *, strict: bool) -> Values:
    """Whether a >= b (strict: a > b). False for NaN, which does not depend on the moving column."""
    nan = a.nan | b.nan
    always = (a.low > b.high if strict else a.low >= b.high) & ~nan
    possible = a.high > b.low if strict else a.high >= b.low
    return _truth(always, possible, a.moves | SWAPPED[b.moves])


def _greater(a: Values, b: Values) -> Values:
    return _compared(a, b, strict=True)


def _greater_or_equal(a: Values, b: Values) -> Values:
    return _compared(a, b, strict=False)


def _less_or_equal(a: Values, b: Values) -> Values:
    return _compared(b, a, strict=False)


def _and(a: Values, b: Values) -> Values:
    return _truth(np.minimum(a.low, b.low), np.minimum(a.high, b.high), a.moves | b.moves)


def _or(a: Values, b: Values) -> Values:
    return _truth(np.maximum(a.low, b.low), np.maximum(a.high, b.high), a.moves | b.moves)


def _not(a: Values) -> Values:
    return _truth(1 - a.high, 1 - a.low, SWAPPED[a.moves])


def _cast(x: Values, *, to: int) -> Values:
    if to == onnx.TensorProto.BOOL:
        zero, nonzero = (x.low == 0) & (x.high == 0), (x.low > 0) | (x.high < 0)
        return _truth(nonzero, ~zero | x.nan, np.where(x.moves == CONSTANT, CONSTANT, UNKNOWN))
    truth = ((x.low == 0) | (x.low == 1)) & ((x.high == 0) | (x.high == 1))
    if to == onnx.TensorProto.FLOAT and truth.all():
        return x
    raise ValueError(f"a cast to type {to}")


def _matmul(x: Values, weights: Values) -> Values:
    """Product with constant weights: a positive weight keeps the direction of a move, a negative one reverses it."""
    w = weights.known
    if w is None:
        raise ValueError("weights that are not constant")
    positive, negative = np.maximum(w, 0), np.minimum(w, 0)
    rises, falls = (x.moves & RISES) > 0, (x.moves & FALLS) > 0
    up = (rises @ (w > 0)) | (falls @ (w < 0))
    down = (falls @ (w > 0)) | (rises @ (w < 0))
    return Values(
        x.low @ positive + x.high @ negative,
        x.high @ positive + x.low @ negative,
        x.nan @ np.ones(w.shape, bool),
        up * RISES + down * FALLS,
    )


def _gemm(
    x: Values,
    weights: Values,
    bias: Values,
    *,
    transA: int = 0,  # noqa: N803 - as ONNX names them
    transB: int = 0,  # noqa: N803
    alpha: float = 1.0,
    beta: float = 1.0,
) -> Values:
    if transA or (alpha, beta) != (1.0, 1.0):
        raise ValueError(f"transA={transA}, alpha={alpha}, beta={beta}")
    return add(_matmul(x, weights.each(np.transpose) if transB else weights), bias)


def _gather(x: Values, indices: Values, *, axis: int = 0) -> Values:
    index = indices.known
    if index is None:
        raise ValueError("indices that are not constant")
    return x.each(lambda part: np.take(part, index.astype(int), axis=axis))


def _concat(*values: Values, axis: int) -> Values:
    parts = [np.concatenate([getattr(v, part) for v in values], axis) for part in ("low", "high", "nan", "moves")]
    return Values(*parts)


def _squeeze(x: Values, axes: Values) -> Values:
    index = axes.known
    if index is None:
        raise ValueError("axes that are not constant")
    return x.each(lambda part: np.squeeze(part, tuple(index.astype(int))))


_RULES: dict[str, Callable[..., Values]] = {
    "Add": add,
    "And": _and,
    "Cast": _cast,
    "Concat": _concat,
    "Div": divide,
    "Gather": _gather,
    "Gemm": _gemm,
    "Greater": _greater,
    "GreaterOrEqual": _greater_or_equal,
    "IsNaN": _is_nan,
    "LessOrEqual": _less_or_equal,
    "MatMul": _matmul,
    "Max": maximum,
    "Min": minimum,
    "Mul": multiply,
    "Not": _not,
    "Or": _or,
    "Squeeze": _squeeze,
    "Sub": subtract,
    "Where": where,
}
