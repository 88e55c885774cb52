"""The physics features for all accepted events at once: their spans, and how they move with one factor.

`features.compute` runs on spans (`export.feature_ranges`) that also know how they move when one column grows and all
else, including which factors are missing, stays the same (`moving_values.py`). Each operation of float32 is monotone in
each operand, also rounded, so spans and moves hold for float32 as computed, to the bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int
from numpy import ndarray

from acc_decel.assurance import moving_values as rules
from acc_decel.assurance.moving_values import CONSTANT, RISES, Values
from acc_decel.export.feature_ranges import SLACK, Block, Span, Spans, spanned
from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import FACTORS, Factor
from acc_decel.network import DenseNet, compute, named

STILL = np.zeros(1, int)


@dataclass(frozen=True)
class Quantity(Span):
    """The span of one quantity and how it moves, with the operators that the formulas use.

    A weighted sum of the columns of a choice keeps the spans of its weights: a sum of two of them is one again, and
    what all columns share is not counted twice.
    """

    moves: Int[ndarray, " moves"] = field(default_factory=lambda: STILL)
    weights: tuple[Span, ...] = ()
    of: Block | None = None  # what the weights belong to
    of_choice: bool = False  # whether it is a probability as the camera gives it

    def __add__(self, other: Any) -> "Quantity":
        """The sum."""
        y = quantity(other)
        total = _moved(Span.__add__(self, y), rules.add(_values(self), _values(y)))
        if not isinstance(other, Quantity):
            return _weighted(self.of, self.weights, total) if self.of and (y.low == 0).all() else total
        if self.of is None or self.of is not y.of:
            return total
        return _weighted(self.of, tuple(map(Span.__add__, self.weights, y.weights)), total)

    def __sub__(self, other: Any) -> "Quantity":
        """The difference."""
        y = quantity(other)
        return _moved(Span.__sub__(self, y), rules.subtract(_values(self), _values(y)))

    def __rsub__(self, other: Any) -> "Quantity":
        """The difference from a number."""
        return quantity(other) - self

    def __mul__(self, other: Any) -> "Quantity":
        """The product."""
        y = quantity(other)
        product = _moved(Span.__mul__(self, y), rules.multiply(_values(self), _values(y)))
        if self.of is None:
            return product
        return _weighted(self.of, tuple(Span.__mul__(w, y) for w in self.weights), product)

    def __truediv__(self, other: Any) -> "Quantity":
        """The quotient."""
        y = quantity(other)
        return _moved(Span.__truediv__(self, y), rules.divide(_values(self), _values(y)))

    def __rtruediv__(self, other: Any) -> "Quantity":
        """The quotient of a number."""
        return quantity(other) / self

    __radd__, __rmul__ = __add__, __mul__


def quantity(x: Any) -> Quantity:
    """A number or a span as a quantity that does not move."""
    if isinstance(x, Quantity):
        return x
    span = spanned(x)
    return Quantity(span.low, span.high)


def _values(x: Quantity) -> Values:
    return Values(x.low, x.high, np.zeros(1, bool), x.moves)


def _moved(span: Span, values: Values) -> Quantity:
    """The span of an operation with the moves of the same."""
    return Quantity(span.low, span.high, np.atleast_1d(values.moves))


def _weighted(block: Block, weights: tuple[Span, ...], total: Quantity) -> Quantity:
    """The weighted sum of the columns of a choice: `total`, narrowed by what follows from their sum."""
    slack = SLACK * np.max([np.abs([w.low, w.high]).max(axis=0) for w in weights], axis=0)
    low = -_most(block, [-w.low for w in weights]) - slack
    high = _most(block, [w.high for w in weights]) + slack
    low, high = np.maximum(total.low, low.astype(np.float32)), np.minimum(total.high, high.astype(np.float32))
    low, high = np.broadcast_arrays(low, high)
    return Quantity(low, high, total.moves, weights, block)


def _most(block: Block, weights: Sequence[ndarray]) -> Float64[ndarray, " cells"]:
    """The maximum of a weighted sum: the columns of the greatest weights take as much of the total as they may.

    No column is negative.
    """
    parts = ([c.low for c in block.columns], [c.high for c in block.columns], weights)
    shape = np.broadcast_shapes(*(x.shape for part in parts for x in part), block.total.low.shape)
    low, high, w = (np.stack([np.broadcast_to(x, shape) for x in part]).astype(np.float64) for part in parts)
    order = np.argsort(-w, axis=0)
    low, high, w = (np.take_along_axis(part, order, axis=0) for part in (low, high, w))
    given, most = low.sum(axis=0), (w * low).sum(axis=0)
    for weight, room in zip(w, high - low, strict=True):
        part = np.clip(np.where(weight > 0, block.total.high, block.total.low) - given, 0, room)
        given, most = given + part, most + weight * part
    return most


class MovingSpans:
    """The arithmetic of `features.py` on quantities."""

    @staticmethod
    def minimum(x: Any, y: Any) -> Quantity:
        """The smaller."""
        x, y = quantity(x), quantity(y)
        return _moved(Spans.minimum(x, y), rules.minimum(_values(x), _values(y)))

    @staticmethod
    def maximum(x: Any, y: Any) -> Quantity:
        """The greater."""
        x, y = quantity(x), quantity(y)
        return _moved(Spans.maximum(x, y), rules.maximum(_values(x), _values(y)))

    @staticmethod
    def where(condition: Quantity, yes: Any, no: Any) -> Any:
        """`yes` where the condition holds; what covers both where it may hold."""
        if isinstance(yes, Block):
            columns = [MovingSpans.where(condition, *pair) for pair in zip(yes.columns, no.columns, strict=True)]
            return Block(tuple(columns), Spans.where(condition, yes.total, no.total))
        yes, no = quantity(yes), quantity(no)
        return _moved(Spans.where(condition, yes, no), rules.where(_values(condition), _values(yes), _values(no)))

    @staticmethod
    def block(columns: Sequence[Any]) -> Block:
        """The columns; those of a choice have an accepted sum."""
        quantities = tuple(quantity(x) for x in columns)
        if all(x.of_choice for x in quantities):
            return Block(quantities, Span(*(np.full(1, end, np.float32) for end in CHOICE_SUM)))
        spans: list[Span] = [*quantities]
        return Block(quantities, sum(spans[1:], spans[0]))

    @staticmethod
    def scaled(block: Block, size: Quantity) -> Block:
        """Every column times `size`."""
        return Block(tuple(column * size for column in block.columns), Span.__mul__(block.total, size))

    @staticmethod
    def column(block: Block, i: int) -> Quantity:
        """Column i of the block."""
        units = tuple(spanned(float(i == j)) for j in range(len(block.columns)))
        own = quantity(block.columns[i])
        return Quantity(own.low, own.high, own.moves, units, block)

    @staticmethod
    def dot(block: Block, weights: ndarray) -> Quantity:
        """The weighted sum."""
        terms = [column * weight for column, weight in zip(block.columns, weights, strict=False)]
        padded = np.pad(weights, (0, len(block.columns) - len(weights)))
        return _weighted(block, tuple(map(spanned, padded)), reduce(Quantity.__add__, terms))

    @staticmethod
    def number(condition: Quantity) -> Quantity:
        """1 or 0."""
        return condition


def features(
    constants: Float32[ndarray, " constants"], columns: Mapping[str, Span], known: Mapping[str, Span]
) -> dict[str, Quantity]:
    """All features and the values of HEAD by name, for quantities of the columns and of whether a factor is known."""
    with np.errstate(all="ignore"):
        found = compute(named(constants), columns, known, MovingSpans())
    return {name: quantity(x) for name, x in found.items()}


@dataclass(frozen=True)
class Cells:
    """The cells of the accepted box, and what is fixed in all of them.

    A cell is a piece of the road temperature, and whether each of DECIDING is known; together the cells are the whole
    box. `moving` is known and its gate, if it has one, is at least 1; `missing` names factors that are not known.
    """

    factors: tuple[Factor, ...]
    moving: str = ""
    missing: tuple[str, ...] = ()
    pieces: int = 20

    def columns(self) -> dict[str, Quantity]:
        """The columns by name."""
        return {name: self._column(factor) for factor in self.factors for name in factor.columns}

    def known(self) -> dict[str, Quantity]:
        """Whether each factor is known: 1, 0 or, where both may be, anything between."""
        return {factor.name: self._known(factor) for factor in self.factors}

    @property
    def count(self) -> int:
        """Number of cells."""
        return self.pieces * 2 ** len(DECIDING)

    def _places(self) -> Int[ndarray, "places cells"]:
        """Of each cell: its piece, and 1 or 0 for each of DECIDING, whether it is known."""
        counts = (self.pieces, *(2 for _ in DECIDING))
        return np.indices(counts).reshape(len(counts), -1)

    def _present(self) -> tuple[str, ...]:
        """Factors that are known: the moving one and its gate."""
        moving = next((f for f in self.factors if f.name == self.moving), None)
        names = (moving.name, moving.forced_while) if moving else ()
        return tuple(name for name in names if name not in self.missing)

    def _known(self, factor: Factor) -> Quantity:
        low = np.float32(factor.name in self._present() or not factor.optional) * ONE
        high = np.float32(factor.name not in self.missing) * ONE
        if factor.name in DECIDING and (low < high).all():
            low = high = self._places()[1 + DECIDING.index(factor.name)].astype(np.float32)
        return Quantity(low, high)

    def _column(self, factor: Factor) -> Quantity:
        """A column of a factor, where it is known."""
        low, high = np.float32(factor.low), np.float32(factor.high)
        if factor.name in self._present() and factor.name != self.moving:
            low = max(low, np.float32(1))
        ends = np.linspace(low, high, self.pieces + 1 if factor.name == PIECEWISE else 2).astype(np.float32)
        place = self._places()[0] if factor.name == PIECEWISE else np.zeros(1, int)
        moves = np.array([RISES if factor.name == self.moving else CONSTANT])
        return Quantity(ends[place], ends[place + 1], moves, of_choice=bool(factor.levels))


def stacked(parts: Sequence[Quantity], count: int) -> Quantity:
    """The same quantity in the cells of several boxes, of `count` cells each."""
    ends = ([np.broadcast_to(getattr(part, name), count) for part in parts] for name in ("low", "high", "moves"))
    low, high, moves = map(np.concatenate, ends)
    return Quantity(low, high, moves, of_choice=parts[0].of_choice)


def feature_spans(net: DenseNet) -> dict[str, tuple[float, float]]:
    """Minimum and maximum of each feature and value of HEAD over all accepted events, as float32 gives them."""
    return dict(_spans(net.factors, net.constants.tobytes()))


@cache
def _spans(factors: tuple[Factor, ...], constants: bytes) -> dict[str, tuple[float, float]]:
    cells = Cells(factors, pieces=FINE)
    found = features(np.frombuffer(constants, np.float32), cells.columns(), cells.known())
    return {name: (float(x.low.min()), float(x.high.max())) for name, x in found.items()}


ONE = np.ones(1, np.float32)
DECIDING = (*(f.name for f in FACTORS if f.levels), "road_temperature_c")  # which formula holds, if they are known
PIECEWISE, FINE = "road_temperature_c", 100
