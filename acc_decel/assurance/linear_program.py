"""Mixed-integer linear programs, row by row, solved by HiGHS through SciPy: what proves the ranges of the outputs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

OPTIMAL, TIME_LIMIT = "optimal", "time limit"
TROUBLE = "numerical trouble"
STATUS = {0: OPTIMAL, 1: TIME_LIMIT, 2: "infeasible", 3: "unbounded", 4: TROUBLE}
RELATIVE_GAP = 1e-6  # at which HiGHS calls a solution optimal


@dataclass(frozen=True)
class Affine:
    """A sum of variables, each times a number, plus a constant."""

    terms: Mapping[int, float]
    constant: float = 0.0

    def __add__(self, other: "Affine") -> "Affine":
        """The sum of both."""
        names = self.terms.keys() | other.terms.keys()
        terms = {i: self.terms.get(i, 0.0) + other.terms.get(i, 0.0) for i in sorted(names)}
        return Affine(terms, self.constant + other.constant)

    def __mul__(self, factor: float | int) -> "Affine":
        """Everything times a number."""
        return Affine({i: factor * v for i, v in self.terms.items()}, factor * self.constant)

    def __sub__(self, other: "Affine") -> "Affine":
        """The difference of both."""
        return self + other * -1.0

    def value(self, solution: ndarray) -> float:
        """Its value for the variables of a solution."""
        return self.constant + sum(v * float(solution[i]) for i, v in self.terms.items())


def constant(value: float) -> Affine:
    """An affine expression without variables."""
    return Affine({}, float(value))


@dataclass(frozen=True)
class Solution:
    """What the solver found: a proven upper `bound` of the maximum, and the `variables` of the best point, if any."""

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
        """The maximum of `objective`; `relaxed` lets whole variables take any value between, a bound from above.

        The bound is the solver's dual bound, right also where the time ran out, up to the solver's tolerances: 1e-7 a
        row, 1e-6 a whole number. It is infinite if the solver has none.
        """
        size = len(self._low)
        cost = np.zeros(size)
        for i, value in objective.terms.items():
            cost[i] = -value
        options = {"mip_rel_gap": RELATIVE_GAP} | ({"time_limit": seconds} if np.isfinite(seconds) else {})
        for presolve in (True, False):  # what presolving spoils, the solver may do without
            found = milp(
                cost,
                integrality=np.zeros(size) if relaxed else np.array(self._whole, float),
                bounds=Bounds(np.array(self._low), np.array(self._high)),
                constraints=self._constraints(size),
                options=options | {"presolve": presolve},
            )
            if STATUS[found.status] != TROUBLE:
                break
        return Solution(STATUS[found.status], _bound(found, objective), int(found.get("mip_node_count") or 0), found.x)

    def _constraints(self, size: int) -> list[LinearConstraint]:
        if not self._rows:
            return []
        rows = np.repeat(np.arange(len(self._rows)), [len(r.terms) for r in self._rows])
        columns = np.concatenate([list(r.terms) for r in self._rows]).astype(int)
        values = np.concatenate([list(r.terms.values()) for r in self._rows])
        matrix = csr_array((values, (rows, columns)), shape=(len(self._rows), size))
        return [LinearConstraint(matrix, lb=-np.array([r.constant for r in self._rows]))]


def _bound(found: object, objective: Affine) -> float:
    status, dual = found.status, found.mip_dual_bound  # type: ignore[attr-defined]
    if dual is None and status == 0:
        dual = found.fun  # type: ignore[attr-defined]
    return np.inf if dual is None or not np.isfinite(dual) else objective.constant - dual
