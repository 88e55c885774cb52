"""Linear programs, built row by row and solved by HiGHS through SciPy: they bound the sums of the network."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

OPTIMAL = 0  # what the solver calls it
MARGIN = 1e-6  # absolute and relative, added to each bound: ten times the solver's tolerance


@dataclass(frozen=True)
class Affine:
    """A sum of variables, each multiplied by a number, plus a constant."""

    terms: Mapping[int, float]
    constant: float = 0.0

    def __add__(self, other: "Affine") -> "Affine":
        """The sum of both."""
        names = self.terms.keys() | other.terms.keys()
        terms = {i: self.terms.get(i, 0.0) + other.terms.get(i, 0.0) for i in sorted(names)}
        return Affine(terms, self.constant + other.constant)

    def __mul__(self, factor: float | int) -> "Affine":
        """The expression multiplied by a number."""
        return Affine({i: factor * v for i, v in self.terms.items()}, factor * self.constant)

    def __sub__(self, other: "Affine") -> "Affine":
        """The difference of both."""
        return self + other * -1.0


def constant(value: float) -> Affine:
    """An affine expression without variables."""
    return Affine({}, float(value))


class Program:
    """A program under construction. Variables have bounds, rows are `low <= affine`."""

    def __init__(self) -> None:
        """Without variables and rows."""
        self._low: list[float] = []
        self._high: list[float] = []
        self._rows: list[Affine] = []

    def variable(self, low: float, high: float) -> Affine:
        """A new variable between `low` and `high`."""
        self._low.append(low)
        self._high.append(high)
        return Affine({len(self._low) - 1: 1.0})

    def at_least(self, greater: Affine, less: Affine) -> None:
        """Require `greater >= less`."""
        self._rows.append(greater - less)

    def bounds(self, objectives: list[Affine]) -> tuple[ndarray, ndarray]:
        """Bounds of the minimum and of the maximum of each objective; infinite where the solver finds none."""
        constraints = self._constraints()
        ends = [[sign * self._maximum(o * sign, constraints) for o in objectives] for sign in (-1, 1)]
        return np.array(ends[0]), np.array(ends[1])

    def _maximum(self, objective: Affine, constraints: list[LinearConstraint]) -> float:
        """A bound of the maximum: the optimum of the program, with MARGIN for the tolerances of the solver."""
        cost = np.zeros(len(self._low))
        for i, value in objective.terms.items():
            cost[i] = -value
        limits = Bounds(np.array(self._low), np.array(self._high))
        for presolve in (True, False):  # without presolving, the solver may avoid numerical trouble
            result = milp(cost, bounds=limits, constraints=constraints, options={"presolve": presolve})
            if result.status == OPTIMAL:
                bound = objective.constant - float(result.fun)
                return bound + MARGIN * (1 + abs(bound))
        return np.inf

    def _constraints(self) -> list[LinearConstraint]:
        if not self._rows:
            return []
        rows = np.repeat(np.arange(len(self._rows)), [len(r.terms) for r in self._rows])
        columns = np.concatenate([list(r.terms) for r in self._rows]).astype(int)
        values = np.concatenate([list(r.terms.values()) for r in self._rows])
        matrix = csr_array((values, (rows, columns)), shape=(len(self._rows), len(self._low)))
        return [LinearConstraint(matrix, lb=-np.array([r.constant for r in self._rows]))]
