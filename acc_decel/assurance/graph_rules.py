"""Rules for the operators of an ONNX graph, on values that hold for all events (`moving_values.py`)."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import onnx

from acc_decel.assurance.moving_values import (
    CONSTANT,
    FALLS,
    RISES,
    SWAPPED,
    UNKNOWN,
    Part,
    Total,
    Values,
    add,
    divide,
    maximum,
    minimum,
    multiply,
    subtract,
    where,
)


def truth(low: Part, high: Part, moving: Part) -> Values:
    """Conditions: always true has low 1, always false has high 0; both do not move."""
    low, high = np.asarray(low, float), np.asarray(high, float)
    return Values(low, high, np.zeros(low.shape, bool), np.where(low == high, CONSTANT, moving))


def _is_nan(x: Values) -> Values:
    return truth(x.nan & (x.low > x.high), x.nan, np.zeros(x.low.shape, int))


def _compared(a: Values, b: Values, *, strict: bool) -> Values:
    """Whether a >= b (strict: a > b). False for NaN, which does not depend on the moving column."""
    nan = a.nan | b.nan
    always = (a.low > b.high if strict else a.low >= b.high) & ~nan
    possible = a.high > b.low if strict else a.high >= b.low
    return truth(always, possible, a.moves | SWAPPED[b.moves])


def _greater(a: Values, b: Values) -> Values:
    return _compared(a, b, strict=True)


def _greater_or_equal(a: Values, b: Values) -> Values:
    return _compared(a, b, strict=False)


def _less_or_equal(a: Values, b: Values) -> Values:
    return _compared(b, a, strict=False)


def _and(a: Values, b: Values) -> Values:
    return truth(np.minimum(a.low, b.low), np.minimum(a.high, b.high), a.moves | b.moves)


def _or(a: Values, b: Values) -> Values:
    return truth(np.maximum(a.low, b.low), np.maximum(a.high, b.high), a.moves | b.moves)


def _not(a: Values) -> Values:
    return truth(1 - a.high, 1 - a.low, SWAPPED[a.moves])


def _cast(x: Values, *, to: int) -> Values:
    if to == onnx.TensorProto.BOOL:
        zero, nonzero = (x.low == 0) & (x.high == 0), (x.low > 0) | (x.high < 0)
        return truth(nonzero, ~zero | x.nan, np.where(x.moves == CONSTANT, CONSTANT, UNKNOWN))
    is_condition = ((x.low == 0) | (x.low == 1)) & ((x.high == 0) | (x.high == 1))
    if to == onnx.TensorProto.FLOAT and is_condition.all():
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
    low, high = x.low @ positive + x.high @ negative, x.high @ positive + x.low @ negative
    for total in x.totals:
        if (total.start, total.stop) == (0, len(w)) and (x.low >= 0).all():
            low, high = np.maximum(low, -_most(x, -w, total)), np.minimum(high, _most(x, w, total))
    return Values(low, high, x.nan @ np.ones(w.shape, bool), up * RISES + down * FALLS)


def _most(x: Values, weights: Part, total: Total) -> Part:
    """The maximum of each weighted sum: the greatest weights take as much of the total as they may."""
    columns = []
    for w in weights.T:
        given, most = x.low.sum(axis=-1), x.low @ w
        for i in np.argsort(-w):
            part = np.clip(np.where(w[i] > 0, total.high, total.low) - given, 0, x.high[..., i] - x.low[..., i])
            given, most = given + part, most + w[i] * part
        columns.append(most)
    return np.stack(columns, axis=-1)


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
    places = index.astype(int)
    return (x.each if axis else x.each_row)(lambda part: np.take(part, places, axis=axis))


def _concat(*values: Values, axis: int) -> Values:
    names = ("low", "high", "nan", "moves")
    low, high, nan, moving = (np.concatenate([getattr(v, name) for v in values], axis) for name in names)
    return Values(low, high, nan, moving)


def _squeeze(x: Values, axes: Values) -> Values:
    return x.each(lambda part: np.squeeze(part, tuple(_integers(axes))))


def _integers(x: Values) -> list[int]:
    if x.known is None:
        raise ValueError("numbers that are not constant")
    return [int(i) for i in np.ravel(x.known)]


def _split(x: Values, sizes: Values | None = None, *, axis: int = 0, parts: int) -> tuple[Values, ...]:
    """The parts; a total that is one of them stays."""
    length = x.low.shape[axis]
    counts = _integers(sizes) if sizes is not None else [length // parts] * parts
    ends = np.cumsum([0, *counts])
    found = []
    for start, stop in pairwise(ends.tolist()):
        part = x.each(partial(np.take, indices=range(start, stop), axis=axis))
        totals = [replace(t, start=0, stop=stop - start) for t in x.totals if (t.start, t.stop) == (start, stop)]
        found.append(replace(part, totals=tuple(totals)))
    return tuple(found)


def _clip(x: Values, low: Values, high: Values) -> Values:
    return minimum(maximum(x, low), high)


def _reshape(x: Values, shape: Values) -> Values:
    return x.each(lambda part: np.reshape(part, _integers(shape)))


def _tile(x: Values, repeats: Values) -> Values:
    times, *others = _integers(repeats)
    if others != [1] * len(others):
        raise ValueError(f"repeats {[times, *others]}")
    return x.each_row(lambda part: np.concatenate([part] * times))


def _reduce(x: Values, *, reduce: Callable[..., Values] = minimum, axes: list[int], keepdims: int = 1) -> Values:
    """The least or the greatest along an axis."""
    if keepdims or len(axes) != 1:
        raise ValueError(f"axes={axes}, keepdims={keepdims}")
    return reduce(*(x.each(partial(np.take, indices=i, axis=axes[0])) for i in range(x.low.shape[axes[0]])))


def _scatter(x: Values, rows: Values, updates: Values, *, axis: int = 0) -> Values:
    """The updates, which must be those of all rows, in their order."""
    if axis or _integers(rows) != [*range(x.low.shape[0])]:
        raise ValueError(f"rows {_integers(rows)} on axis {axis}")
    return updates


RULES: dict[str, Callable[..., Values | tuple[Values, ...]]] = {
    "Add": add,
    "And": _and,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Div": divide,
    "Gather": _gather,
    "Gemm": _gemm,
    "Greater": _greater,
    "GreaterOrEqual": _greater_or_equal,
    "Identity": lambda x: x,
    "IsNaN": _is_nan,
    "LessOrEqual": _less_or_equal,
    "MatMul": _matmul,
    "Max": maximum,
    "Min": minimum,
    "Mul": multiply,
    "Not": _not,
    "Or": _or,
    "ReduceMax": partial(_reduce, reduce=maximum),
    "ReduceMin": _reduce,
    "Reshape": _reshape,
    "ScatterElements": _scatter,
    "Split": _split,
    "Squeeze": _squeeze,
    "Sub": subtract,
    "Tile": _tile,
    "Where": where,
}
