"""The lower bound kept honest on the stream of a car's stops: adaptive conformal inference, one-sided."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import bdtr

MISS = 0.05  # share of stops that may stay below the bound
DOUBT = 0.05  # chance that the model's own bound is raised although MISS of the stops stay below it
WINDOW = 1_000  # latest stops that count


@dataclass(frozen=True)
class LowerBound:
    """What to take off a model's lower bound [m/s^2], after the stops seen so far.

    Adaptive conformal inference (Gibbs and Candes, NeurIPS 2021): a score is how far a stop stayed below the model's
    bound; the offset is the quantile of the scores that leaves the share `level` above it; `level` falls with each miss
    and rises slowly with each stop that held, so that in the long run MISS of the stops are missed, whatever the car
    does. With too few stops for the quantile the greatest score is taken, where the original has no bound at all.

    The bound never loosens without evidence: the model's own is raised only once the stops refute, in a one-sided
    binomial test, that MISS of them or more stay below it; that takes at least 59 stops. Until then `level` does not
    rise, or it would have to fall again by misses. A miss never loosens the bound.
    """

    scores: tuple[float, ...] = ()
    level: float = MISS
    rate: float = 0.005  # by how much one stop moves the level

    @property
    def offset(self) -> float:
        """What is taken off the model's bound; negative only where there is evidence."""
        return self._adaptive if self._too_safe else max(self._adaptive, 0.0)

    def bound(self, lower: float) -> float:
        """The bound for this car, where the model says `lower` [m/s^2]."""
        return lower - self.offset

    def after(self, lower: float, measured: float) -> "LowerBound":
        """The state after a stop with the model's bound `lower` in which `measured` was reached [m/s^2]."""
        if not (np.isfinite(lower) and np.isfinite(measured)):
            raise ValueError(f"a stop must have a finite bound and deceleration. Got {lower} and {measured}: skip it.")
        missed = measured < self.bound(lower)
        free = missed or self._adaptive == self.offset
        level = self.level + self.rate * (MISS - missed) * free
        return replace(self, scores=(*self.scores, lower - measured)[-WINDOW:], level=level)

    @property
    def _adaptive(self) -> float:
        """The offset by the level alone."""
        if not self.scores:
            return 0.0
        falling = np.sort(self.scores)[::-1]
        rank = max(int(self.level * (len(falling) + 1)), 1)
        return float(falling[min(rank, len(falling)) - 1])

    @property
    def _too_safe(self) -> bool:
        """Whether the stops refute that the model's own bound misses MISS of them or more."""
        below = sum(score > 0 for score in self.scores)
        return bool(bdtr(below, len(self.scores), MISS) <= DOUBT)


def read_bound(told: dict[str, Any]) -> LowerBound:
    """The state of a bound as a file holds it, a new one from nothing. Raises ValueError if it is no such state."""
    try:
        scores, level = tuple(float(s) for s in told.get("scores", ())), float(told.get("level", MISS))
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"bound must hold a level and a list of scores. Got: {error}: start a new one.") from error
    if not np.isfinite([level, *scores]).all():
        raise ValueError("bound must hold finite numbers. Got NaN or infinity: start a new one.")
    return LowerBound(scores, level)
