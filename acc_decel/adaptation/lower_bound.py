"""The lower bound kept honest on the stream of a car's stops: adaptive conformal inference, one-sided."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import bdtr

MISS = 0.05  # share of stops that may stay below the bound
DOUBT = 0.05  # chance that a bound is loosened although more than MISS of the stops stay below it
WINDOW = 1_000  # latest stops that count


@dataclass(frozen=True)
class LowerBound:
    """What to take off a model's lower bound [m/s^2], after the stops seen so far.

    Adaptive conformal inference (Gibbs and Candes, NeurIPS 2021): a score is how far a stop stayed below the model's
    bound; the offset is the quantile of the scores that leaves the share `level` above it; `level` falls with each miss
    and rises slowly with each stop that held, so that in the long run MISS of the stops are missed, whatever the car
    does. With too few stops for the quantile the greatest score is taken, where the original has no bound at all.

    The bound never loosens without evidence: the model's own is raised only as far as a one-sided tolerance limit
    (Wilks 1941) of the scores allows, which takes 59 stops above it; and a miss never loosens it.
    """

    scores: tuple[float, ...] = ()
    level: float = MISS
    rate: float = 0.005  # by how much one stop moves the level

    @property
    def offset(self) -> float:
        """What is taken off the model's bound; negative only where there is evidence."""
        if not self.scores:
            return 0.0
        falling = np.sort(self.scores)[::-1]
        rank = max(int(self.level * (len(falling) + 1)), 1)
        adaptive = float(falling[min(rank, len(falling)) - 1])
        return max(adaptive, self._least(falling))

    def bound(self, lower: float) -> float:
        """The bound for this car, where the model says `lower` [m/s^2]."""
        return lower - self.offset

    def after(self, lower: float, measured: float) -> "LowerBound":
        """The state after a stop with the model's bound `lower` in which `measured` was reached [m/s^2]."""
        if not (np.isfinite(lower) and np.isfinite(measured)):
            raise ValueError(f"a stop must have a finite bound and deceleration. Got {lower} and {measured}: skip it.")
        missed = measured < self.bound(lower)
        level = self.level + self.rate * (MISS - missed)
        return replace(self, scores=(*self.scores, lower - measured)[-WINDOW:], level=level)

    def _least(self, falling: np.ndarray) -> float:
        """The least offset that there is evidence for."""
        ranks = np.arange(1, len(falling) + 1)
        proven = np.flatnonzero(bdtr(ranks - 1.0, len(falling), MISS) <= DOUBT)
        return min(0.0, float(falling[proven[-1]])) if len(proven) else 0.0
