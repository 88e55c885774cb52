"""Recorded leads for the trial: stretches of their speed, one for each run, as hard as the lead of a pair can brake."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.random import Generator

from acc_decel.acc.curve import Curve
from acc_decel.acc.trial.loop import RECORDED_STEP

LONGEST = 30.0  # [s] of a run behind a recorded lead
SHORTEST = 10.0  # [s] of a run; a lead that is tracked for less is not used
MIN_START = 3.0  # [m/s] of the lead when a run starts: behind one that stands there is no time gap
LONGEST_POINTS, SHORTEST_POINTS = (round(time / RECORDED_STEP) + 1 for time in (LONGEST, SHORTEST))
SAME_SPEED = 1e-6  # [m/s]


@dataclass(frozen=True)
class RecordedLead:
    """One lead while it was tracked without a gap: the file, and its `speed` [m/s], RECORDED_STEP apart."""

    file: str
    speed: Float[ndarray, " points"]

    @property
    def duration(self) -> float:
        """How long it was tracked [s]."""
        return RECORDED_STEP * (len(self.speed) - 1)

    @property
    def starts(self) -> ndarray:
        """The points at which a run may start: the lead drives, and at least SHORTEST is left of it."""
        return np.flatnonzero(self.speed[: max(len(self.speed) - SHORTEST_POINTS + 1, 0)] >= MIN_START)


def drawn_speeds(
    leads: Sequence[RecordedLead], set_speed: Float[ndarray, " pairs"], rng: Generator
) -> Float[ndarray, "pairs points"]:
    """A stretch of a recording for each run [m/s], NaN after its end; every possible start is as likely.

    A lead faster than the set speed of a run [m/s] drives at that speed. Raises ValueError without a possible start.
    """
    starts = [(lead, point) for lead in leads for point in lead.starts]
    if not starts:
        raise ValueError(f"recorded leads must drive for {SHORTEST:g} s or more. Got none: give one with --lead.")
    speeds = np.full((len(set_speed), LONGEST_POINTS), np.nan)
    for row, chosen in enumerate(rng.integers(len(starts), size=len(set_speed))):
        lead, point = starts[chosen]
        stretch = lead.speed[point : point + LONGEST_POINTS]
        speeds[row, : len(stretch)] = np.minimum(stretch, set_speed[row])
    return speeds


def limited_by(
    speeds: Float[ndarray, "pairs points"], car: Curve
) -> tuple[Float[ndarray, "pairs points"], Bool[ndarray, " pairs"]]:
    """The speeds [m/s] of leads that brake at most as `car` can, and which of the recordings brake harder somewhere.

    What a car can is the mean deceleration of its full stop from its present speed. It brakes on until it is as slow as
    the recording.
    """
    driven = speeds.copy()
    for k in range(1, speeds.shape[1]):
        before = np.nan_to_num(driven[:, k - 1])
        least = np.maximum(before - RECORDED_STEP * car.deceleration_from(before), 0.0)
        driven[:, k] = np.maximum(speeds[:, k], least)
    return driven, np.asarray((driven > speeds + SAME_SPEED).any(axis=1))


def leads_digest(leads: Sequence[RecordedLead]) -> str:
    """Sixteen hexadecimal digits that change with the leads; "none" without any."""
    contents = b"\0".join(lead.speed.astype("<f8").tobytes() for lead in leads)
    return hashlib.sha256(contents).hexdigest()[:16] if leads else "none"
