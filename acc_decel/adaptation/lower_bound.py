"""A lower bound that is adjusted after each stop of a car: one-sided adaptive conformal inference."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import bdtr

MISS_SHARE = 0.05  # of the stops that may be below the bound
SIGNIFICANCE = 0.05  # chance that the model's bound is raised although MISS_SHARE of the stops are below it
WINDOW_STOPS = 1_000  # the latest stops, which count
LARGEST_STATE = 1_000.0  # of a level or a score, far beyond what stops give


@dataclass(frozen=True)
class LowerBound:
    """The amount to subtract from a model's lower bound [m/s^2], after the stops so far.

    Adaptive conformal inference (Gibbs and Candes, NeurIPS 2021): a score is how far a stop was below the model's
    bound. The offset is the quantile of the scores that leaves the share `level` above it. `level` falls with each miss
    and rises slowly with each stop above the bound, so that in the long run MISS_SHARE of the stops are misses,
    whatever the car does. With too few stops for the quantile the maximum score is used; the original method then has
    no bound at all.

    The bound is never raised without evidence. The model's bound is raised only once the stops refute, in a one-sided
    binomial test, that MISS_SHARE of them or more are below it; this needs at least 59 stops. Until then `level` does
    not rise, because misses would have to lower it again. A miss never raises the bound.
    """

    scores: tuple[float, ...] = ()
    level: float = MISS_SHARE
    rate: float = 0.005  # by how much one stop moves the level

    @property
    def offset(self) -> float:
        """The amount to subtract from the model's bound [m/s^2]; negative only with evidence."""
        return self._adaptive if self._too_safe else max(self._adaptive, 0.0)

    def bound(self, lower: float) -> float:
        """The bound for this car [m/s^2] where the model's is `lower`."""
        return lower - self.offset

    def after(self, lower: float, measured: float) -> "LowerBound":
        """The state after a stop with the model's bound `lower` and the deceleration `measured` [m/s^2]."""
        if not (np.isfinite(lower) and np.isfinite(measured)):
            raise ValueError(f"a stop must have a finite bound and deceleration. Got {lower} and {measured}: skip it.")
        missed = measured < self.bound(lower)
        moves = missed or self._adaptive == self.offset
        level = self.level + self.rate * (MISS_SHARE - missed) * moves
        return replace(self, scores=(*self.scores, lower - measured)[-WINDOW_STOPS:], level=level)

    @property
    def _adaptive(self) -> float:
        """The offset from the level alone."""
        if not self.scores:
            return 0.0
        descending = np.sort(self.scores)[::-1]
        rank = max(int(self.level * (len(descending) + 1)), 1)
        return float(descending[min(rank, len(descending)) - 1])

    @property
    def _too_safe(self) -> bool:
        """Whether the stops refute that MISS_SHARE of them or more are below the model's bound."""
        below = sum(score > 0 for score in self.scores)
        return bool(bdtr(below, len(self.scores), MISS_SHARE) <= SIGNIFICANCE)


def read_bound(state: dict[str, Any]) -> LowerBound:
    """The bound with this state from a file; an empty state is a new bound. Raises ValueError for an invalid state."""
    values: dict[str, Any] = {"scores": [], "level": MISS_SHARE} | state if isinstance(state, dict) else {}
    scores, level = values.get("scores"), values.get("level")
    if not (isinstance(scores, list) and all(isinstance(n, int | float) for n in (level, *scores))):
        raise ValueError("bound must hold a level and a list of scores, all numbers. Got others: start a new one.")
    if not (np.abs([level, *scores]) <= LARGEST_STATE).all():  # NaN neither
        raise ValueError(f"bound must hold numbers within +-{LARGEST_STATE:g}. Got others: start a new one.")
    return LowerBound(tuple(map(float, scores)), float(values["level"]))
