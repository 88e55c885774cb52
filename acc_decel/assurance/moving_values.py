"""Values that are not numbers but what holds of them for all events at once, and the rules of their arithmetic.

This is an abstract interpretation: `low <= value <= high`, whether it can be NaN, and how it moves when one column
grows and everything else, including which factors are missing, stays the same (constant, rises, falls, or unknown).
Each operation of float32 is monotone in each of its operands, also rounded: what the rules say of moves holds for
float32 as computed, to the bit. Bounds are those of real arithmetic, in float64.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Part = Any  # an array; NumPy turns one without dimensions into a scalar
CONSTANT, RISES, FALLS, UNKNOWN = 0, 1, 2, 3  # bits: may rise, may fall
SWAPPED = np.array([CONSTANT, FALLS, RISES, UNKNOWN])
WORDS = {CONSTANT: "is constant", RISES: "rises", FALLS: "falls", UNKNOWN: "may rise or fall"}


@dataclass(frozen=True)
class Total:
    """What holds for the sum of some elements of each row, from `start` up to `stop`: the levels of a choice."""

    start: int
    stop: int
    low: Part
    high: Part

    def of(self, values: "Values", shape: tuple[int, ...]) -> "Total":
        """The sum of the same elements of other values, broadcast to this shape."""
        known = next((t for t in values.totals if (t.start, t.stop) == (self.start, self.stop)), None)
        own = slice(self.start, self.stop)
        low, high = (np.broadcast_to(end, shape)[..., own].sum(axis=-1) for end in (values.low, values.high))
        return known or replace(self, low=low, high=high)


@dataclass(frozen=True)
class Values:
    """What holds for each element of a tensor: arrays of its shape; and for some sums of each row.

    What is surely NaN has no number between `low` and `high`: the one is infinity, the other minus infinity.
    """

    low: Part
    high: Part
    nan: Part
    moves: Part
    totals: tuple[Total, ...] = ()

    def __post_init__(self) -> None:
        """Bounds that are NaN, from infinity times 0 or minus infinity, become unknown."""
        unknown = np.isnan(self.low) | np.isnan(self.high)
        object.__setattr__(self, "low", np.where(unknown, -np.inf, self.low))
        object.__setattr__(self, "high", np.where(unknown, np.inf, self.high))
        object.__setattr__(self, "nan", self.nan | unknown)

    def each(self, change: Callable[[Part], Part]) -> "Values":
        """The same change of shape in all parts."""
        return Values(change(self.low), change(self.high), change(self.nan), change(self.moves))

    def each_row(self, change: Callable[[Part], Part]) -> "Values":
        """The same change of the rows in all parts and totals."""
        totals = (replace(t, low=change(t.low), high=change(t.high)) for t in self.totals)
        return replace(self.each(change), totals=tuple(totals))

    @property
    def known(self) -> Part | None:
        """The numbers themselves if all are constant; else None."""
        fixed = (self.low == self.high).all() and not self.nan.any() and not self.moves.any()
        return self.low if fixed else None


def exact(array: Part) -> Values:
    """Numbers that are known."""
    numbers = np.asarray(array, np.float64)
    nan = np.isnan(numbers)
    constant = np.zeros(numbers.shape, int)
    return Values(np.where(nan, -np.inf, numbers), np.where(nan, np.inf, numbers), nan, constant)


def swapped(x: Values) -> Values:
    """-x."""
    return Values(-x.high, -x.low, x.nan, SWAPPED[x.moves])


def where(condition: Values, yes: Values, no: Values) -> Values:
    """One of both; where the condition depends on the moving column, the move is unknown."""
    always, never = condition.low == 1, condition.high == 0
    shape = np.broadcast_shapes(*(np.shape(x) for x in (always, yes.low, no.low)))
    totals = tuple(
        _total_of_either(
            np.broadcast_to(always, shape), np.broadcast_to(never, shape), t.of(yes, shape), t.of(no, shape)
        )
        for t in yes.totals + no.totals
    )
    either = yes.moves | no.moves | np.where(condition.moves == CONSTANT, CONSTANT, UNKNOWN)
    return Values(
        np.where(always, yes.low, np.where(never, no.low, np.minimum(yes.low, no.low))),
        np.where(always, yes.high, np.where(never, no.high, np.maximum(yes.high, no.high))),
        np.where(always, yes.nan, np.where(never, no.nan, yes.nan | no.nan)),
        np.where(always, yes.moves, np.where(never, no.moves, either)),
        totals,
    )


def _total_of_either(always: Part, never: Part, yes: Total, no: Total) -> Total:
    """The total of one of both: of the one that the condition surely chooses in all its elements, if there is one."""
    own = slice(yes.start, yes.stop)
    surely, surely_not = always[..., own].all(axis=-1), never[..., own].all(axis=-1)
    low = np.where(surely, yes.low, np.where(surely_not, no.low, np.minimum(yes.low, no.low)))
    high = np.where(surely, yes.high, np.where(surely_not, no.high, np.maximum(yes.high, no.high)))
    return replace(yes, low=low, high=high)


def add(a: Values, b: Values) -> Values:
    """The sum."""
    return Values(a.low + b.low, a.high + b.high, a.nan | b.nan, a.moves | b.moves)


def subtract(a: Values, b: Values) -> Values:
    """The difference."""
    return add(a, swapped(b))


def multiply(a: Values, b: Values) -> Values:
    """The product: a factor without negative values keeps the direction of the other."""
    corners = np.stack(np.broadcast_arrays(a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high))
    moving = _scaled_moves(a, b) | _scaled_moves(b, a)
    return Values(corners.min(axis=0), corners.max(axis=0), a.nan | b.nan, moving)


def _scaled_moves(a: Values, b: Values) -> Part:
    """How a * b moves if only a moves."""
    by_sign = np.where(b.low >= 0, a.moves, np.where(b.high <= 0, SWAPPED[a.moves], UNKNOWN))
    constant = (a.moves == CONSTANT) | ((b.low == 0) & (b.high == 0))
    return np.where(constant, CONSTANT, by_sign)


def divide(a: Values, b: Values) -> Values:
    """The quotient: 1 / b falls where b rises and has one sign."""
    one = Values(1 / b.high, 1 / b.low, b.nan, SWAPPED[b.moves])
    nonzero = (b.low > 0) | (b.high < 0)
    unknown = np.where(b.moves == CONSTANT, CONSTANT, UNKNOWN)
    inverse = Values(
        np.where(nonzero, one.low, -np.inf),
        np.where(nonzero, one.high, np.inf),
        one.nan | ~nonzero,
        np.where(nonzero, one.moves, unknown),
    )
    return multiply(a, inverse)


def minimum(*values: Values) -> Values:
    """The least of all."""
    least = values[0]
    for v in values[1:]:
        low, high = np.minimum(least.low, v.low), np.minimum(least.high, v.high)
        least = Values(low, high, least.nan | v.nan, least.moves | v.moves)
    return least


def maximum(*values: Values) -> Values:
    """The greatest of all."""
    return swapped(minimum(*(swapped(v) for v in values)))
