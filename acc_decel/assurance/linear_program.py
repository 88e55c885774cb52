"""Mixed-integer linear programs, built row by row and solved by HiGHS through SciPy: they prove output ranges."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

OPTIMAL, TIME_LIMIT, INFEASIBLE = "optimal", "time limit", "infeasible"
TROUBLE = "numerical trouble"
STATUS = {0: OPTIMAL, 1: TIME_LIMIT, 2: INFEASIBLE, 3: "unbounded", 4: TROUBLE}
RELATIVE_GAP = 1e-6  # below which HiGHS reports a solution as optimal


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

    def value(self, solution: ndarray) -> float:
        """The value for the variables of a solution."""
        return self.constant + sum(v * float(solution[i]) for i, v in self.terms.items())


def constant(value: float) -> Affine:
    """An affine expression without variables."""
    return Affine({}, float(value))


@dataclass(frozen=True)
class Solution:
    """Result of the solver: a proven upper `bound` of the maximum, and the `variables` of the best point, if any."""

    status: str
    bound: float
    nodes: int
    variables: ndarray | None


class Program:
    """A program under construction. Variables have bounds, rows are `low <= affine`."""

    def __init__(self) -> None:
        """Without variables and rows."""
        self._low: list[float] = []
        self._high: list[float] = []
        self._whole: list[bool] = []
        self._rows: list[Affine] = []

    def variable(self, low: float, high: float, *, whole: bool = False) -> Affine:
        """A new variable between `low` and `high`."""
        self._low.append(low)
        self._high.append(high)
        self._whole.append(whole)
        return Affine({len(self._low) - 1: 1.0})

    def at_least(self, greater: Affine, less: Affine) -> None:
        """Require `greater >= less`."""
        self._rows.append(greater - less)

    def maximum(self, objective: Affine, *, relaxed: bool = False, seconds: float = np.inf) -> Solution:
        """The maximum of `objective`; with `relaxed`, whole variables may have fractions, which gives an upper bound.

        The bound is the solver's dual bound, so it also holds if the time runs out, up to the solver's tolerances: 1e-7
        for a row, 1e-6 for a whole number. It is infinite if the solver has none.
        """
        size = len(self._low)
        cost = np.zeros(size)
        for i, value in objective.terms.items():
            cost[i] = -value
        options = {"mip_rel_gap": RELATIVE_GAP} | ({"time_limit": seconds} if np.isfinite(seconds) else {})
        for presolve in (True, False):  # without presolving, the solver may avoid numerical trouble
            result = milp(
                cost,
                integrality=np.zeros(size) if relaxed else np.array(self._whole, float),
                bounds=Bounds(np.array(self._low), np.array(self._high)),
                constraints=self._constraints(size),
                options=options | {"presolve": presolve},
            )
            if STATUS[result.status] != TROUBLE:
                break
        nodes = int(result.get("mip_node_count") or 0)
        return Solution(STATUS[result.status], _bound(result, objective), nodes, result.x)

    def _constraints(self, size: int) -> list[LinearConstraint]:
        if not self._rows:
            return []
        rows = np.repeat(np.arange(len(self._rows)), [len(r.terms) for r in self._rows])
        columns = np.concatenate([list(r.terms) for r in self._rows]).astype(int)
        values = np.concatenate([list(r.terms.values()) for r in self._rows])
        matrix = csr_array((values, (rows, columns)), shape=(len(self._rows), size))
        return [LinearConstraint(matrix, lb=-np.array([r.constant for r in self._rows]))]


def _bound(result: object, objective: Affine) -> float:
    status, dual = result.status, result.mip_dual_bound  # type: ignore[attr-defined]
    if dual is None and status == 0:
        dual = result.fun  # type: ignore[attr-defined]
    return np.inf if dual is None or not np.isfinite(dual) else objective.constant - dual
