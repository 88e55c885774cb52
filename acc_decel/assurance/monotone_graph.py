"""Monotonicity read from the ONNX file itself: the graph is followed from each output back to the input.

An abstract interpretation: the elements of a tensor are not numbers but what can be said of them for every accepted
event at once, `low <= value <= high`, whether NaN is possible, and how the value moves when one chosen column grows and
all else, availability included, stays (constant, rises, falls, or unknown). Operators are known by what they do to
these; names mean nothing, and an operator that is not known ends the proof.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from acc_decel.factors import Factor, column_factors, column_names, ranges

Part = Any  # an array; NumPy makes scalars of those without dimensions
CONSTANT, RISES, FALLS, UNKNOWN = 0, 1, 2, 3  # bits: may rise, may fall
_SWAPPED = np.array([CONSTANT, FALLS, RISES, UNKNOWN])
WORDS = {CONSTANT: "is constant", RISES: "rises", FALLS: "falls", UNKNOWN: "may rise or fall"}


@dataclass(frozen=True)
class Values:
    """What is known of each element of a tensor: arrays of its shape, of one event (batch 1)."""

    low: Part
    high: Part
    nan: Part
    moves: Part

    def __post_init__(self) -> None:
        """Infinite times zero, or minus itself, is not known."""
        lost = np.isnan(self.low) | np.isnan(self.high)
        object.__setattr__(self, "low", np.where(lost, -np.inf, self.low))
        object.__setattr__(self, "high", np.where(lost, np.inf, self.high))
        object.__setattr__(self, "nan", self.nan | lost)

    def each(self, change: Callable[[Part], Part]) -> "Values":
        """The same change of shape in all parts."""
        return Values(change(self.low), change(self.high), change(self.nan), change(self.moves))

    @property
    def known(self) -> Part | None:
        """The numbers themselves, where all are known."""
        fixed = (self.low == self.high).all() and not self.nan.any() and not self.moves.any()
        return self.low if fixed else None


class NotUnderstood(Exception):  # noqa: N818 - a statement about the graph, told as a failed proof
    """The graph holds something that the interpretation does not know."""


def moves(model: onnx.ModelProto, factors: tuple[Factor, ...], moving: Factor, outputs: tuple[int, ...]) -> list[int]:
    """How `outputs` of the graph, by position, move when the column of `moving` grows: CONSTANT to UNKNOWN.

    Its gate, if it has one, is 1. Raises NotUnderstood, naming the node, for what the interpretation does not know.
    """
    graph = model.graph
    made = {output: node for node in graph.node for output in node.output}
    known = {t.name: _exact(numpy_helper.to_array(t)) for t in graph.initializer}
    if len(graph.input) != 1:
        raise NotUnderstood(f"the graph must have one input. Got {len(graph.input)}.")
    known[graph.input[0].name] = accepted(factors, moving)
    with np.errstate(all="ignore"):
        return [int(np.bitwise_or.reduce(_value(graph.output[i].name, made, known).moves, axis=None)) for i in outputs]


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


def _value(name: str, made: dict[str, onnx.NodeProto], known: dict[str, Values]) -> Values:
    """The value called `name`, its node's inputs first."""
    waiting, begun = [name], set[str]()
    while waiting:
        current = waiting[-1]
        if current in known:
            waiting.pop()
            continue
        if current not in made:
            raise NotUnderstood(f"the graph must make {current!r} before it is used. Got no such value.")
        node = made[current]
        missing = [i for i in node.input if i not in known]
        if missing and current in begun:
            raise NotUnderstood(f"the graph must not run in circles. Got {node.name!r} in one.")
        begun.add(current)
        if missing:
            waiting += missing
        else:
            known[current] = _applied(node, made, known)
    return known[name]


def _applied(node: onnx.NodeProto, made: dict[str, onnx.NodeProto], known: dict[str, Values]) -> Values:
    rule = _RULES.get(node.op_type) if node.domain in ("", "ai.onnx") else None
    if rule is None or len(node.output) != 1:
        raise NotUnderstood(f"operator {node.op_type} of node {node.name!r} is not known to the proof: teach it there.")
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    inputs = [known[i] for i in node.input]
    try:
        if node.op_type == "Div" and (ratio := _saturating(node, made, known)) is not None:
            return ratio
        return rule(*inputs, **attributes)
    except (TypeError, ValueError, IndexError) as error:
        raise NotUnderstood(
            f"node {node.name!r} ({node.op_type}) must have a form that the proof knows. Got: {error}."
        ) from error


def _saturating(node: onnx.NodeProto, made: dict[str, onnx.NodeProto], known: dict[str, Values]) -> Values | None:
    """The ratio x / (x + b) = 1 - b / (x + b), constant b >= 0: it rises with x wherever x + b > 0; None for others.

    Where it divides by 0, it may be NaN.
    """
    above, below = node.input
    adding = made.get(below)
    if adding is None or adding.op_type != "Add" or above not in adding.input:
        return None
    other = [i for i in adding.input if i != above]
    half = known[other[0]].known if len(other) == 1 else None
    if half is None or (half < 0).any():
        return None
    x, total = known[above], known[below]
    low, high = x.low / total.low, x.high / total.high
    fine = total.low > 0
    moving = np.where(fine, np.where(half > 0, x.moves, CONSTANT), np.where(x.moves == CONSTANT, CONSTANT, UNKNOWN))
    return Values(np.where(fine, low, -np.inf), np.where(fine, high, np.inf), x.nan | ~fine, moving)


def _exact(array: Part) -> Values:
    numbers = np.asarray(array, np.float64)
    nan = np.isnan(numbers)
    none = np.zeros(numbers.shape, int)
    return Values(np.where(nan, -np.inf, numbers), np.where(nan, np.inf, numbers), nan, none)


def _swapped(x: Values) -> Values:
    """-x."""
    return Values(-x.high, -x.low, x.nan, _SWAPPED[x.moves])


def _truth(low: Part, high: Part, moving: Part) -> Values:
    """Conditions: surely true has low 1, surely false high 0; what is decided does not move."""
    low, high = np.asarray(low, float), np.asarray(high, float)
    return Values(low, high, np.zeros(low.shape, bool), np.where(low == high, CONSTANT, moving))


def _is_nan(x: Values) -> Values:
    return _truth(np.zeros(x.low.shape), x.nan, np.zeros(x.low.shape, int))


def _compared(a: Values, b: Values, *, strict: bool) -> Values:
    """Whether a >= b (strict: a > b); false for NaN, which does not come and go with the moving column."""
    nan = a.nan | b.nan
    sure = (a.low > b.high if strict else a.low >= b.high) & ~nan
    possible = a.high > b.low if strict else a.high >= b.low
    return _truth(sure, possible, a.moves | _SWAPPED[b.moves])


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
    return _truth(1 - a.high, 1 - a.low, _SWAPPED[a.moves])


def _cast(x: Values, *, to: int) -> Values:
    if to == onnx.TensorProto.BOOL:
        zero, apart = (x.low == 0) & (x.high == 0), (x.low > 0) | (x.high < 0)
        return _truth(apart, ~zero | x.nan, np.where(x.moves == CONSTANT, CONSTANT, UNKNOWN))
    truth = ((x.low == 0) | (x.low == 1)) & ((x.high == 0) | (x.high == 1))
    if to == onnx.TensorProto.FLOAT and truth.all():
        return x
    raise ValueError(f"a cast to type {to}")


def _where(condition: Values, yes: Values, no: Values) -> Values:
    """One of both: which one, must not depend on the moving column where they differ."""
    surely, never = condition.low == 1, condition.high == 0
    either = yes.moves | no.moves | np.where(condition.moves == CONSTANT, CONSTANT, UNKNOWN)
    return Values(
        np.where(surely, yes.low, np.where(never, no.low, np.minimum(yes.low, no.low))),
        np.where(surely, yes.high, np.where(never, no.high, np.maximum(yes.high, no.high))),
        np.where(surely, yes.nan, np.where(never, no.nan, yes.nan | no.nan)),
        np.where(surely, yes.moves, np.where(never, no.moves, either)),
    )


def _add(a: Values, b: Values) -> Values:
    return Values(a.low + b.low, a.high + b.high, a.nan | b.nan, a.moves | b.moves)


def _sub(a: Values, b: Values) -> Values:
    return _add(a, _swapped(b))


def _mul(a: Values, b: Values) -> Values:
    corners = np.stack(np.broadcast_arrays(a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high))
    moving = _scaled_moves(a, b) | _scaled_moves(b, a)
    return Values(corners.min(axis=0), corners.max(axis=0), a.nan | b.nan, moving)


def _scaled_moves(a: Values, b: Values) -> Part:
    """How a * b moves with a, b being what it is."""
    by_sign = np.where(b.low >= 0, a.moves, np.where(b.high <= 0, _SWAPPED[a.moves], UNKNOWN))
    nothing = (a.moves == CONSTANT) | ((b.low == 0) & (b.high == 0))
    return np.where(nothing, CONSTANT, by_sign)


def _div(a: Values, b: Values) -> Values:
    one = Values(1 / b.high, 1 / b.low, b.nan, _SWAPPED[b.moves])
    fine = (b.low > 0) | (b.high < 0)
    unknown = np.where(b.moves == CONSTANT, CONSTANT, UNKNOWN)
    inverse = Values(
        np.where(fine, one.low, -np.inf),
        np.where(fine, one.high, np.inf),
        one.nan | ~fine,
        np.where(fine, one.moves, unknown),
    )
    return _mul(a, inverse)


def _least(*values: Values) -> Values:
    found = values[0]
    for v in values[1:]:
        low, high = np.minimum(found.low, v.low), np.minimum(found.high, v.high)
        found = Values(low, high, found.nan | v.nan, found.moves | v.moves)
    return found


def _most(*values: Values) -> Values:
    return _swapped(_least(*(_swapped(v) for v in values)))


def _matmul(x: Values, weights: Values) -> Values:
    """Product with constant weights: what a positive weight carries keeps its way, a negative one turns it."""
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
    return _add(_matmul(x, weights.each(np.transpose) if transB else weights), bias)


def _gather(x: Values, indices: Values, *, axis: int = 0) -> Values:
    at = indices.known
    if at is None:
        raise ValueError("indices that are not constant")
    return x.each(lambda part: np.take(part, at.astype(int), axis=axis))


def _concat(*values: Values, axis: int) -> Values:
    join = [np.concatenate([getattr(v, part) for v in values], axis) for part in ("low", "high", "nan", "moves")]
    return Values(*join)


def _squeeze(x: Values, axes: Values) -> Values:
    at = axes.known
    if at is None:
        raise ValueError("axes that are not constant")
    return x.each(lambda part: np.squeeze(part, tuple(at.astype(int))))


_RULES: dict[str, Callable[..., Values]] = {
    "Add": _add,
    "And": _and,
    "Cast": _cast,
    "Concat": _concat,
    "Div": _div,
    "Gather": _gather,
    "Gemm": _gemm,
    "Greater": _greater,
    "GreaterOrEqual": _greater_or_equal,
    "IsNaN": _is_nan,
    "LessOrEqual": _less_or_equal,
    "MatMul": _matmul,
    "Max": _most,
    "Min": _least,
    "Mul": _mul,
    "Not": _not,
    "Or": _or,
    "Squeeze": _squeeze,
    "Sub": _sub,
    "Where": _where,
}
