"""The physics features for all accepted events at once: ranges, rounding errors, and how they move with one factor.

`features.compute` runs on quantities instead of numbers (`moving_values.py`), in each cell of the accepted box: a piece
of the road temperature, and whether surface, tyre kind and road temperature are known. Every other factor may be known
or missing. Cells keep apart what the formulas decide between; together they are the whole box. A choice keeps the sum
of its probabilities, so that a weighted sum of them has narrow bounds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, reduce
from typing import Any

import numpy as np
from numpy import ndarray

from acc_decel.assurance import float_errors as errors
from acc_decel.assurance import moving_values as rules
from acc_decel.assurance.float_errors import Error
from acc_decel.assurance.moving_values import CONSTANT, RISES, Part, Values
from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import Factor
from acc_decel.network import DenseNet
from acc_decel.network.features import compute, named

DECIDING = ("surface", "tyre_kind", "road_temperature_c")  # factors of which the formulas ask whether they are known
TEMPERATURE = "road_temperature_c"
SUM_ERROR = 1e-6  # of a sum of probabilities in float32


@dataclass(frozen=True)
class Quantity:
    """What holds for a quantity in each cell, with the operators that the formulas use.

    A weighted sum of the columns of a choice keeps its weights: a sum of two of them is one again, and what all columns
    share is not counted twice.
    """

    values: Values
    error: Error
    weights: tuple[Values, ...] = ()
    of: "Choice | None" = None  # what the weights belong to
    level_of: str = ""  # the factor of which it is the probability of one level

    __array_ufunc__ = None  # an operator with a NumPy number on its left is the one below

    def __add__(self, other: Any) -> "Quantity":
        """The sum."""
        y = quantity(other)
        if y.values.known is not None and (y.values.known == 0).all():
            return self
        values = rules.add(self.values, y.values)
        total = Quantity(values, errors.of_sum(self.values, self.error, y.values, y.error, values))
        if self.of is None or self.of is not y.of:
            return total
        return weighted(self.of, tuple(map(rules.add, self.weights, y.weights)), total)

    def __sub__(self, other: Any) -> "Quantity":
        """The difference."""
        y = quantity(other)
        return self + Quantity(rules.swapped(y.values), y.error)

    def __rsub__(self, other: Any) -> "Quantity":
        """The difference from a number."""
        return quantity(other) - self

    def __mul__(self, other: Any) -> "Quantity":
        """The product."""
        y = quantity(other)
        values = rules.multiply(self.values, y.values)
        product = Quantity(values, errors.of_product(self.values, self.error, y.values, y.error, values))
        if self.of is None:
            return product
        return weighted(self.of, tuple(rules.multiply(w, y.values) for w in self.weights), product)

    def __truediv__(self, other: Any) -> "Quantity":
        """The quotient."""
        y = quantity(other)
        values = rules.divide(self.values, y.values)
        return Quantity(values, errors.of_quotient(self.error, y.values, y.error, values))

    def __rtruediv__(self, other: Any) -> "Quantity":
        """The quotient of a number."""
        return quantity(other) / self

    __radd__, __rmul__ = __add__, __mul__


@dataclass(frozen=True)
class Choice:
    """Several columns side by side, and the bounds of their sum."""

    columns: tuple[Quantity, ...]
    total: Values


def quantity(x: Any) -> Quantity:
    """A number as a quantity: what is no float32 is rounded."""
    if isinstance(x, Quantity):
        return x
    values, off = rules.exact(x), np.abs(np.float64(x) - np.float64(np.float32(x)))
    return Quantity(values, errors.narrowed(values, off, np.array(np.inf)))


def weighted(block: Choice, weights: tuple[Values, ...], total: Quantity) -> Quantity:
    """The weighted sum of the columns of a choice: `total`, with the bounds that follow from their sum, too."""
    high = np.minimum(total.values.high, _most(block, [w.high for w in weights]))
    low = np.maximum(total.values.low, -_most(block, [-w.low for w in weights]))
    return replace(total, values=replace(total.values, low=low, high=high), weights=weights, of=block)


def _most(block: Choice, weights: Sequence[Part]) -> Part:
    """The maximum of a weighted sum: the columns of the greatest weights take as much of the total as they may.

    No column is negative.
    """
    ends = [(c.values.low, c.values.high, w) for c, w in zip(block.columns, weights, strict=True)]
    shape = np.broadcast_shapes(*(np.shape(part) for column in ends for part in column))
    low, high, w = (np.stack([np.broadcast_to(part, shape) for part in parts]) for parts in zip(*ends, strict=True))
    order = np.argsort(-w, axis=0)
    w, low, high = (np.take_along_axis(part, order, axis=0) for part in (w, low, high))
    given, most = low.sum(axis=0), (w * low).sum(axis=0)
    for weight, room in zip(w, high - low, strict=True):
        part = np.clip(np.where(weight > 0, block.total.high, block.total.low) - given, 0, room)
        given, most = given + part, most + weight * part
    return most


def _error_of_either(x: Quantity, y: Quantity) -> Error:
    return errors.of_either(x.values, x.error, y.values, y.error)


class CellArithmetic:
    """The arithmetic of `features.py` on quantities and choices."""

    @staticmethod
    def minimum(x: Any, y: Any) -> Quantity:
        """The smaller."""
        x, y = quantity(x), quantity(y)
        return Quantity(rules.minimum(x.values, y.values), _error_of_either(x, y))

    @staticmethod
    def maximum(x: Any, y: Any) -> Quantity:
        """The greater."""
        x, y = quantity(x), quantity(y)
        return Quantity(rules.maximum(x.values, y.values), _error_of_either(x, y))

    def where(self, condition: Quantity, yes: Any, no: Any) -> Any:
        """`yes` where the condition holds; both together where it may hold."""
        if isinstance(yes, Choice):
            columns = tuple(self.where(condition, *pair) for pair in zip(yes.columns, no.columns, strict=True))
            return Choice(columns, rules.where(condition.values, yes.total, no.total))
        yes, no = quantity(yes), quantity(no)
        always, never, both = condition.values.low == 1, condition.values.high == 0, _error_of_either(yes, no)
        absolute, relative = (
            np.where(always, getattr(yes.error, part), np.where(never, getattr(no.error, part), getattr(both, part)))
            for part in ("absolute", "relative")
        )
        return Quantity(rules.where(condition.values, yes.values, no.values), Error(absolute, relative))

    @staticmethod
    def block(columns: Sequence[Any]) -> Choice:
        """The columns; those of a choice have an accepted sum, if all are there."""
        all_columns = tuple(quantity(x) for x in columns)
        total = reduce(rules.add, (x.values for x in all_columns))
        if (name := all_columns[0].level_of) and {x.level_of for x in all_columns} == {name}:
            low, high = (float(np.float32(end)) for end in CHOICE_SUM)
            total = replace(total, low=low - SUM_ERROR, high=high + SUM_ERROR)
        return Choice(all_columns, total)

    @staticmethod
    def scaled(block: Choice, factor: Quantity) -> Choice:
        """Every column times `factor`."""
        return Choice(tuple(x * factor for x in block.columns), rules.multiply(block.total, factor.values))

    @staticmethod
    def column(block: Choice, i: int) -> Quantity:
        """Column i of the block."""
        units = tuple(rules.exact(float(i == j)) for j in range(len(block.columns)))
        return replace(block.columns[i], weights=units, of=block)

    @staticmethod
    def dot(block: Choice, weights: ndarray) -> Quantity:
        """The weighted sum."""
        terms = [column * weight for column, weight in zip(block.columns, weights, strict=False)]
        padded = np.pad(weights, (0, len(block.columns) - len(weights)))
        return weighted(block, tuple(map(rules.exact, padded)), reduce(Quantity.__add__, terms))

    @staticmethod
    def number(condition: Quantity) -> Quantity:
        """1 or 0."""
        return condition


@dataclass(frozen=True)
class Cells:
    """The cells of the accepted box, and what is fixed in all of them.

    `moving` is known and its gate, if it has one, is at least 1; `missing` names factors that are not known. `pieces`
    says into how many pieces the ranges of some factors are cut.
    """

    factors: tuple[Factor, ...]
    constants: ndarray  # of the features, as LAYOUT
    moving: str = ""
    missing: tuple[str, ...] = ()
    pieces: Mapping[str, int] = field(default_factory=lambda: {TEMPERATURE: 20})

    def features(self) -> dict[str, Quantity]:
        """All features and the values of HEAD by name, in each cell, while the column of `moving` grows."""
        places = self._places()
        known = {f.name: Quantity(self._known(f, places), errors.NONE) for f in self.factors}
        columns = {name: self._column(f, places) for f in self.factors for name in f.columns}
        with np.errstate(all="ignore"):
            return dict(compute(named(self.constants), columns, known, CellArithmetic()))

    def _places(self) -> dict[str, ndarray]:
        """Of each cell: the piece of each factor that is cut, and 1 or 0 for each of DECIDING, whether it is known."""
        counts = [*self.pieces.values(), *(2 for _ in DECIDING)]
        places = np.indices(counts).reshape(len(counts), -1)
        return dict(zip([*self.pieces, *(f"{name} known" for name in DECIDING)], places, strict=True))

    def _known(self, factor: Factor, places: Mapping[str, ndarray]) -> Values:
        """Whether a factor is known in each cell: 1, 0 or anything between."""
        low = np.array(float(factor.name in self._present() or not factor.optional))
        high = np.array(float(factor.name not in self.missing))
        if factor.name in DECIDING and low < high:
            low = high = places[f"{factor.name} known"].astype(float)
        return Values(low, high, np.array(False), np.array(CONSTANT))

    def _present(self) -> tuple[str, ...]:
        """Factors that are known: the moving one and its gate."""
        moving = next((f for f in self.factors if f.name == self.moving), None)
        names = (moving.name, moving.forced_while) if moving else ()
        return tuple(name for name in names if name not in self.missing)

    def _column(self, factor: Factor, places: Mapping[str, ndarray]) -> Quantity:
        """A column of a factor in each cell, where it is known."""
        low, high = float(np.float32(factor.low)), float(np.float32(factor.high))
        if factor.name in self._present() and factor.name != self.moving:
            low = max(low, 1.0)
        ends = np.linspace(low, high, self.pieces.get(factor.name, 1) + 1)
        place = places.get(factor.name, np.array(0))
        move = RISES if factor.name == self.moving else CONSTANT
        values = Values(ends[place], ends[place + 1], np.array(False), np.array(move))
        return Quantity(values, errors.NONE, level_of=factor.name if factor.levels else "")


FINE = {TEMPERATURE: 200, "speed": 7}  # pieces for the ranges
FOR_ERRORS = {TEMPERATURE: 100}  # and for rounding


def feature_ranges(net: DenseNet) -> dict[str, tuple[float, float]]:
    """Minimum and maximum of each feature and value of HEAD over all accepted events, in real arithmetic."""
    return {name: (float(v.low.min()), float(v.high.max())) for name, (v, _) in _found(net, FINE).items()}


def ranges_without(net: DenseNet, missing: str) -> dict[str, tuple[float, float]]:
    """The same over the events without this factor."""
    return {name: (float(v.low.min()), float(v.high.max())) for name, (v, _) in _found(net, FINE, missing).items()}


def feature_errors(net: DenseNet) -> dict[str, float]:
    """The maximum distance of each feature and value of HEAD from real arithmetic, over all accepted events."""
    found = _found(net, FOR_ERRORS)
    return {name: float(np.max(error.absolute)) + errors.FLOOR for name, (_, error) in found.items()}


def _found(net: DenseNet, pieces: Mapping[str, int], *missing: str) -> dict[str, tuple[Values, Error]]:
    return _cached(net.factors, net.constants.tobytes(), tuple(pieces.items()), missing)


@cache
def _cached(
    factors: tuple[Factor, ...], constants: bytes, pieces: tuple[tuple[str, int], ...], missing: tuple[str, ...]
) -> dict[str, tuple[Values, Error]]:
    cells = Cells(factors, np.frombuffer(constants, np.float32), missing=missing, pieces=dict(pieces))
    return {name: (quantity.values, quantity.error) for name, quantity in cells.features().items()}
