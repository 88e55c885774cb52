"""The range of every physics feature over all accepted events, from its formula in interval arithmetic.

Ends are float32 and go through the operations of `features.py` in the same order. Each rounded operation is monotone,
so the ends also bound every rounded value. Only a weighted sum of probabilities gets a narrower bound, computed in
float64 and widened by `SLACK`: the probabilities of a choice have the sum 1.

The events are divided into pieces, by the road temperature, by ABS and by which factors are known: within a piece few
terms of a formula vary together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, TypeAlias, Union

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import FACTORS, Factor
from acc_decel.network import compute, named

SLACK = 1e-5  # relative to the largest weight: much more than the rounding of a dozen additions
PIECES = {"road_temperature_c": 128, "abs": 4}  # of a range
CHOICES = tuple(f.name for f in FACTORS if f.levels)
SPLIT = (*CHOICES, "road_temperature_c")  # known and missing in pieces of their own


def feature_ranges(
    factors: tuple[Factor, ...], constants: Float32[ndarray, " constants"]
) -> dict[str, tuple[float, float]]:
    """Minimum and maximum of each feature and each value of HEAD, by name, for accepted events of these `factors`.

    They hold for every pattern of missing factors. Raises ValueError, naming the feature, if its range is not finite.
    """
    result = dict(_ranges(factors, constants.tobytes()))
    for name, ends in result.items():
        if not np.isfinite(ends).all():
            raise ValueError(f"{name} must have a finite range for all accepted events. Got {ends}: train again.")
    return result


@lru_cache(maxsize=8)
def _ranges(factors: tuple[Factor, ...], constants: bytes) -> tuple[tuple[str, tuple[float, float]], ...]:
    """The ranges by name; an export asks for those of one network many times."""
    columns, known = _pieces(factors)
    with np.errstate(over="ignore", invalid="ignore"):
        spans = feature_spans(np.frombuffer(constants, np.float32), columns, known)
    return tuple((name, (float(span.low.min()), float(span.high.max()))) for name, span in spans.items())


def feature_spans(
    constants: Float32[ndarray, " constants"], columns: Mapping[str, "Span"], known: Mapping[str, "Span"]
) -> dict[str, "Span"]:
    """The spans of all features and of the values of HEAD, by name, for spans of the columns, all of the same length.

    `known` is the span of whether a factor is known: 1 to 1 if it is, 0 to 0 if it is missing, 0 to 1 if it may be
    either. A choice is best given as spans of the class Probability.
    """
    spans: dict[str, Span] = compute(named(constants), columns, known, Spans())
    return spans


def _pieces(factors: tuple[Factor, ...]) -> tuple[dict[str, "Span"], dict[str, "Span"]]:
    """Spans of the columns and of what is known that together hold all accepted events."""
    by_name = {f.name: f for f in factors}
    ends = {name: np.linspace(by_name[name].low, by_name[name].high, count + 1) for name, count in PIECES.items()}
    rows = list(product(*(range(count) for count in PIECES.values()), *([(0, 1)] * len(SPLIT))))
    at = dict(zip([*PIECES, *(f"{name} known" for name in SPLIT)], np.array(rows).T, strict=True))
    columns, known = {}, {}
    for f in factors:
        for column in f.columns:
            kind = Probability if f.levels else Span
            columns[column] = kind(*(np.full(len(rows), end, np.float32) for end in (f.low, f.high)))
        if f.name in PIECES:
            edges = ends[f.name].astype(np.float32)
            columns[f.name] = Span(edges[at[f.name]], edges[at[f.name] + 1])
        one = np.ones(len(rows), np.float32)
        known[f.name] = Span(0 * one if f.optional else one, one)
        if f.name in SPLIT and f.optional:
            certain = at[f"{f.name} known"].astype(np.float32)
            known[f.name] = Span(certain, certain)
    return columns, known


Operand: TypeAlias = Union["Span", float, int, np.float32]  # named before the class, which its annotations use


@dataclass(frozen=True)
class Span:
    """The least and the greatest value of one quantity, piece by piece."""

    low: Float32[ndarray, " pieces"]
    high: Float32[ndarray, " pieces"]

    __array_ufunc__ = None  # a number of NumPy on the left leaves the operation to this class

    def __add__(self, other: Operand) -> "Span":
        """The span of the sum."""
        y = spanned(other)
        return Span(self.low + y.low, self.high + y.high)

    def __sub__(self, other: Operand) -> "Span":
        """The span of the difference."""
        y = spanned(other)
        return Span(self.low - y.high, self.high - y.low)

    def __rsub__(self, other: Operand) -> "Span":
        """The span of the difference."""
        return spanned(other) - self

    def __mul__(self, other: Operand) -> "Span":
        """The span of the product."""
        y = spanned(other)
        return _around(self.low * y.low, self.low * y.high, self.high * y.low, self.high * y.high)

    def __truediv__(self, other: Operand) -> "Span":
        """The span of the quotient. Raises ValueError if the divisor may be 0."""
        y = spanned(other)
        if not ((y.low > 0) | (y.high < 0)).all():
            raise ValueError(
                f"A divisor of a feature must not be 0. It may be {y.low.min():g} to {y.high.max():g}: train again."
            )
        return _around(self.low / y.low, self.low / y.high, self.high / y.low, self.high / y.high)

    def __rtruediv__(self, other: Operand) -> "Span":
        """The span of the quotient."""
        return spanned(other) / self

    __radd__, __rmul__ = __add__, __mul__


class Probability(Span):
    """The span of one probability of a choice, as the camera gives it."""


@dataclass(frozen=True)
class Block:
    """Columns side by side, and the span of their sum."""

    columns: tuple[Span, ...]
    total: Span


class Spans:
    """The `Arithmetic` of spans; a condition is the span of 1 where it holds and 0 where it does not."""

    @staticmethod
    def minimum(x: Operand, y: Operand) -> Span:
        """The span of the smaller value."""
        a, b = spanned(x), spanned(y)
        return Span(np.minimum(a.low, b.low), np.minimum(a.high, b.high))

    @staticmethod
    def maximum(x: Operand, y: Operand) -> Span:
        """The span of the greater value."""
        a, b = spanned(x), spanned(y)
        return Span(np.maximum(a.low, b.low), np.maximum(a.high, b.high))

    @staticmethod
    def where(condition: Span, yes: Any, no: Any) -> Any:
        """`yes` or `no`, or what covers both where the condition may be either; for blocks, too."""
        if isinstance(yes, Block):
            columns = [Spans.where(condition, a, b) for a, b in zip(yes.columns, no.columns, strict=True)]
            return Block(tuple(columns), Spans.where(condition, yes.total, no.total))
        a, b = spanned(yes), spanned(no)
        ends = [
            np.where(condition.low == 1, first, np.where(condition.high == 0, second, outer(first, second)))
            for outer, first, second in ((np.minimum, a.low, b.low), (np.maximum, a.high, b.high))
        ]
        return Span(*ends)

    @staticmethod
    def block(columns: Sequence[Operand]) -> Block:
        """The columns side by side; the probabilities of a choice have the sum that is accepted."""
        spans = tuple(map(spanned, columns))
        if all(isinstance(span, Probability) for span in spans):
            return Block(spans, Span(*(np.full(1, end, np.float32) for end in CHOICE_SUM)))
        return Block(spans, sum(spans[1:], spans[0]))

    @staticmethod
    def scaled(block: Block, size: Span) -> Block:
        """Every column of the block times `size`."""
        return Spans.block([column * size for column in block.columns])

    @staticmethod
    def column(block: Block, i: int) -> Span:
        """Column i of the block."""
        return block.columns[i]

    @staticmethod
    def dot(block: Block, weights: ndarray) -> Span:
        """The span of the weighted sum: that of its terms, and that by the sum of the columns."""
        terms = [column * weight for column, weight in zip(block.columns, weights, strict=False)]
        plain = sum(terms[1:], terms[0])
        slopes = np.pad(weights.astype(np.float64), (0, len(block.columns) - len(weights)))
        slack = SLACK * np.abs(slopes).max()
        low, high = _greatest(block, -slopes) + slack, _greatest(block, slopes) + slack
        return Span(np.maximum(plain.low, -low.astype(np.float32)), np.minimum(plain.high, high.astype(np.float32)))

    @staticmethod
    def number(condition: Span) -> Span:
        """The condition itself."""
        return condition


def spanned(value: Operand) -> Span:
    """The span of a value: a number has no width."""
    return value if isinstance(value, Span) else Span(*(np.full(1, value, np.float32) for _ in range(2)))


def _around(*ends: ndarray) -> Span:
    return Span(np.minimum.reduce(ends), np.maximum.reduce(ends))


def _greatest(block: Block, slopes: ndarray) -> Float64[ndarray, " pieces"]:
    """The maximum of slopes @ columns: from their minima on, the steepest column is raised first, as the sum allows."""
    low, high = ([getattr(span, end).astype(np.float64) for span in block.columns] for end in ("low", "high"))
    result = sum(column * slope for column, slope in zip(low, slopes, strict=True))
    must, may = block.total.low - sum(low), block.total.high - sum(low)
    for i in np.argsort(-slopes):
        raised = np.clip(may if slopes[i] > 0 else must, 0, high[i] - low[i])
        result = result + raised * slopes[i]
        must, may = must - raised, may - raised
    return np.asarray(result)
