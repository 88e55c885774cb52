"""All runs of one part, ready for the loop: as a whole with one belief each, or in lockstep with what changes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from acc_decel.acc.trial import loop
from acc_decel.acc.trial.many_runs import SEEN, all_runs, driven_runs, started_runs
from acc_decel.acc.trial.scenes import Planning


@dataclass(frozen=True)
class Course:
    """What the loop needs of all runs of one part, beside what their planners believe.

    `cars` are events [fields, runs]: own car, own car on ice, lead, lead on ice. `patch` [m] is where the ice lies,
    `start` as `Start.table`, `recorded` [m/s] as `Start.recorded`. `brakes` are the full pressure [bar] and the force
    per pressure [N/bar] of the own car.
    A run ends after `longest` [s]; the plant takes steps of `step` [s].
    """

    scene: int
    cars: tuple[ndarray, ndarray, ndarray, ndarray]
    patch: Float[ndarray, "runs 2"]
    start: Float[ndarray, "runs 5"]
    recorded: Float[ndarray, "runs points"]
    brakes: tuple[float, float]
    longest: float
    step: float

    def whole(self, plan: Planning, trace: ndarray | None = None) -> Float[ndarray, "runs results"]:
        """The loop.RESULTS of all runs with one `plan`; `trace` [runs, rows, loop.TRACE] is filled, if it is given."""
        return all_runs(
            self.scene, self.cars, self.patch, plan.deceleration, plan.gap, plan.top, self.start, self.recorded,
            self.brakes, self.longest, self.step,
            np.empty((len(self.start), 0, len(loop.TRACE))) if trace is None else trace,
        )  # fmt: skip


class Lockstep:
    """All runs of a course in lockstep, from one call to the next with what their planners believe at that time.

    The same compiled loop as `Course.whole`: with the same plan in every call it gives the same results.
    """

    def __init__(self, course: Course) -> None:
        """At the start of all runs."""
        self._course = course
        self._motions, self._memories, self.results = started_runs(course.cars, course.start)
        speed, _, gap, lead_speed, _ = course.start.T
        nothing = np.zeros(len(speed))
        self.seen = np.ascontiguousarray(np.stack([speed, gap, lead_speed, lead_speed, *[nothing] * 3], axis=1))
        self._steps = 0

    def column(self, name: str) -> Float[ndarray, " runs"]:
        """One of SEEN of each run now; of an ended run, at its end."""
        return self.seen[:, SEEN.index(name)]

    @property
    def running(self) -> Bool[ndarray, " runs"]:
        """Which runs have not ended."""
        return self.column("ended") == 0

    def drive_on(self, plan: Planning, steps: int) -> None:
        """Drive all runs on by so many steps of the plant; the planner ticks with `plan` where that is due."""
        c = self._course
        self._steps += steps
        driven_runs(
            self._motions, self._memories, self.results, c.scene, c.cars, c.patch, plan.deceleration, plan.gap,
            plan.top, c.start, c.recorded, c.brakes, c.longest, c.step, self._steps, self.seen,
        )  # fmt: skip
