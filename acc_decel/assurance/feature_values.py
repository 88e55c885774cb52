"""The physics features for all accepted events at once: their ranges, and how they move with one factor.

`features.compute` runs on values that are not numbers (`moving_values.py`), one for each cell of the accepted box: a
piece of the road temperature, and whether surface, tyre kind and road temperature are known.
Every other factor may be known or missing. Cells keep apart what the formulas decide between; together they are the
whole box. A choice keeps the sum of its probabilities, so that a weighted sum of them has narrow bounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import product
from typing import Any

import numpy as np
from numpy import ndarray

from acc_decel.assurance import moving_values as rules
from acc_decel.assurance.moving_values import CONSTANT, RISES, Part, Values
from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import Factor
from acc_decel.network import DenseNet
from acc_decel.network.features import compute, named

PIECE_C = 0.5  # width of a piece of the road temperature
DECIDING = ("surface", "tyre_kind")  # factors of which the formulas ask whether they are known
TEMPERATURE = "road_temperature_c"
SUM_ERROR = 1e-6  # of a sum of probabilities in float32


@dataclass(frozen=True)
class Choice:
    """Several columns side by side, and the bounds of their sum."""

    columns: tuple[Values, ...]
    total: Values


@dataclass(frozen=True)
class Quantity:
    """What holds for a quantity in each cell, with the operators that the formulas use.

    A weighted sum of the columns of a choice keeps its weights: a sum of two of them is one again, and what all columns
    share is not counted twice.
    """

    values: Values
    weights: tuple[Values, ...] = ()
    of: Choice | None = None  # what the weights belong to
    level_of: str = ""  # the factor of which it is the probability of one level

    __array_ufunc__ = None  # an operator with a NumPy number on its left is the one below

    def __add__(self, other: Any) -> "Quantity":
        """The sum."""
        total = rules.add(self.values, _values(other))
        if isinstance(other, float) and other == 0:
            return self
        if not isinstance(other, Quantity) or self.of is None or self.of is not other.of:
            return Quantity(total)
        weights = tuple(map(rules.add, self.weights, other.weights))
        return weighted(self.of, weights, total)

    def __sub__(self, other: Any) -> "Quantity":
        """The difference."""
        return Quantity(rules.subtract(self.values, _values(other)))

    def __rsub__(self, other: Any) -> "Quantity":
        """The difference from a number."""
        return Quantity(rules.subtract(_values(other), self.values))

    def __mul__(self, other: Any) -> "Quantity":
        """The product."""
        size, result = _values(other), rules.multiply(self.values, _values(other))
        if self.of is None:
            return Quantity(result)
        return weighted(self.of, tuple(rules.multiply(w, size) for w in self.weights), result)

    def __truediv__(self, other: Any) -> "Quantity":
        """The quotient."""
        return Quantity(rules.divide(self.values, _values(other)))

    def __rtruediv__(self, other: Any) -> "Quantity":
        """The quotient of a number."""
        return Quantity(rules.divide(_values(other), self.values))

    __radd__, __rmul__ = __add__, __mul__


def _values(x: Any) -> Values:
    return x.values if isinstance(x, Quantity) else rules.exact(x)


def weighted(block: Choice, weights: tuple[Values, ...], values: Values) -> Quantity:
    """The weighted sum of the columns of a choice: `values`, with the bounds that follow from the total, too."""
    high = np.minimum(values.high, _most(block, [w.high for w in weights]))
    low = np.maximum(values.low, -_most(block, [-w.low for w in weights]))
    return Quantity(replace(values, low=low, high=high), weights, block)


def _most(block: Choice, weights: Sequence[Part]) -> Part:
    """The maximum of a weighted sum: the columns of the greatest weights take as much of the total as they may.

    The columns and what is left of the total are not negative.
    """
    shape = np.broadcast_shapes(*(np.shape(x) for c in block.columns for x in (c.low, c.high)), *map(np.shape, weights))
    w, low, high = (
        np.stack([np.broadcast_to(part, shape) for part in parts])
        for parts in (weights, [c.low for c in block.columns], [c.high for c in block.columns])
    )
    order = np.argsort(-w, axis=0)
    w, low, high = (np.take_along_axis(part, order, axis=0) for part in (w, low, high))
    given, most = low.sum(axis=0), (w * low).sum(axis=0)
    for weight, room in zip(w, high - low, strict=True):
        part = np.clip(np.where(weight > 0, block.total.high, block.total.low) - given, 0, room)
        given, most = given + part, most + weight * part
    return most


class CellArithmetic:
    """The arithmetic of `features.py` on quantities and choices."""

    @staticmethod
    def minimum(x: Any, y: Any) -> Quantity:
        """The smaller."""
        return Quantity(rules.minimum(_values(x), _values(y)))

    @staticmethod
    def maximum(x: Any, y: Any) -> Quantity:
        """The greater."""
        return Quantity(rules.maximum(_values(x), _values(y)))

    @staticmethod
    def where(condition: Quantity, yes: Any, no: Any) -> Any:
        """`yes` where the condition holds; both together where it may hold."""
        if not isinstance(yes, Choice):
            return Quantity(rules.where(condition.values, _values(yes), _values(no)))
        pairs = zip((*yes.columns, yes.total), (*no.columns, no.total), strict=True)
        *columns, total = (rules.where(condition.values, *pair) for pair in pairs)
        return Choice(tuple(columns), total)

    @staticmethod
    def block(columns: Sequence[Any]) -> Choice:
        """The columns; those of a choice have an accepted sum, if all are there."""
        values = tuple(_values(x) for x in columns)
        if (name := getattr(columns[0], "level_of", "")) and {getattr(x, "level_of", "") for x in columns} == {name}:
            low, high = (float(np.float32(end)) for end in CHOICE_SUM)
            return Choice(values, replace(rules.exact(0.0), low=low - SUM_ERROR, high=high + SUM_ERROR))
        return Choice(values, reduce(rules.add, values))

    @staticmethod
    def scaled(block: Choice, size: Quantity) -> Choice:
        """Every column times `size`."""
        *columns, total = (rules.multiply(x, size.values) for x in (*block.columns, block.total))
        return Choice(tuple(columns), total)

    @staticmethod
    def column(block: Choice, i: int) -> Quantity:
        """Column i of the block."""
        units = tuple(rules.exact(float(i == j)) for j in range(len(block.columns)))
        return Quantity(block.columns[i], units, block)

    @staticmethod
    def dot(block: Choice, weights: ndarray) -> Quantity:
        """The weighted sum: at most what the greatest weights get of the total, at least what the smallest get."""
        padded = np.pad(weights, (0, len(block.columns) - len(weights)))
        products = [rules.multiply(c, rules.exact(w)) for c, w in zip(block.columns, padded, strict=True)]
        return weighted(block, tuple(map(rules.exact, padded)), reduce(rules.add, products))

    @staticmethod
    def number(condition: Quantity) -> Quantity:
        """1 or 0."""
        return condition


@dataclass(frozen=True)
class Cells:
    """The cells of the accepted box, and what is fixed in all of them.

    `moving` is known and its gate, if it has one, is at least 1; `missing` names factors that are not known.
    """

    net: DenseNet
    moving: str = ""
    missing: tuple[str, ...] = ()

    def features(self) -> dict[str, Values]:
        """All features and the values of HEAD by name, in each cell, while the column of `moving` grows."""
        known = {f.name: Quantity(self.known(f)) for f in self.net.factors}
        columns = {name: self.column(f) for f in self.net.factors for name in f.columns}
        with np.errstate(all="ignore"):
            found = compute(named(self.net.constants), columns, known, CellArithmetic())
        return {name: _values(quantity) for name, quantity in found.items()}

    @property
    def _pieces(self) -> ndarray:
        """Cells x (low, high) of the road temperature; NaN where it is missing."""
        road = self._factor(TEMPERATURE)
        ends = np.linspace(road.low, road.high, int(np.ceil((road.high - road.low) / PIECE_C)) + 1)
        ends = np.stack([ends[:-1], ends[1:]], axis=1)
        return np.concatenate([ends, np.full((1, 2), np.nan)])

    @property
    def _patterns(self) -> list[tuple[bool, ...]]:
        """Which of the DECIDING factors are known, in every combination."""
        return list(product((True, False), repeat=len(DECIDING)))

    def known(self, factor: Factor) -> Values:
        """Whether a factor is known in each cell: 1, 0 or anything between."""
        if factor.name == TEMPERATURE:
            flags = np.tile(~np.isnan(self._pieces[:, 0]), len(self._patterns)).astype(float)
        elif factor.name in DECIDING:
            i = DECIDING.index(factor.name)
            flags = np.repeat([float(pattern[i]) for pattern in self._patterns], len(self._pieces))
        else:
            return self._either(factor)
        return self._either(factor) if self._is_fixed(factor) else Values(flags, flags, np.array(False), np.array(0))

    def _is_fixed(self, factor: Factor) -> bool:
        return factor.name in (*self.missing, *self._present) or not factor.optional

    @property
    def _present(self) -> tuple[str, ...]:
        """Factors that are known: the moving one and its gate."""
        moving = (self.moving, self._factor(self.moving).forced_while) if self.moving else ()
        return tuple(name for name in moving if name not in self.missing)

    def _either(self, factor: Factor) -> Values:
        low = float(factor.name in self._present or not factor.optional)
        return Values(np.array(low), np.array(float(factor.name not in self.missing)), np.array(False), np.array(0))

    def column(self, factor: Factor) -> Quantity:
        """A column of a factor in each cell, where it is known."""
        low, high = float(np.float32(factor.low)), float(np.float32(factor.high))
        low = max(low, 1.0) if factor.name in self._present and factor.name != self.moving else low
        ends = np.array([[low, high]])
        if factor.name == TEMPERATURE:
            ends = np.tile(np.where(np.isnan(self._pieces), [low, high], self._pieces), (len(self._patterns), 1))
        move = RISES if factor.name == self.moving else CONSTANT
        values = Values(ends[:, 0], ends[:, 1], np.array(False), np.array(move))
        return Quantity(values, level_of=factor.name if factor.levels else "")

    def _factor(self, name: str) -> Factor:
        return next(f for f in self.net.factors if f.name == name)


def feature_ranges(net: DenseNet) -> dict[str, tuple[float, float]]:
    """Minimum and maximum of each feature and value of HEAD over all accepted events, in real arithmetic."""
    return {name: (float(v.low.min()), float(v.high.max())) for name, v in Cells(net).features().items()}
