"""The loop over many runs, compiled: whole runs one after the other, or all runs a few steps at a time."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.typed import List
from numpy import ndarray

from acc_decel.acc import limits, planner
from acc_decel.acc.trial import controller, loop
from acc_decel.acc.trial.loop import NO_LAST, RESULTS, TRACE, driven_on, remembering, started
from acc_decel.physics import driving, equations, integration

SEEN = ("speed", "gap", "lead_speed", "radar_speed", "acceleration", "emergency", "ended")  # of a run in progress


class Compiled(NamedTuple):
    """What Python calls: whole runs one after the other, or many runs a few steps at a time."""

    all_runs: Any
    started_runs: Any
    driven_runs: Any


def _compiled_with(sources: str) -> Compiled:
    """The compiled loops over runs, cached on disk where there is a folder to write to.

    `sources`, a digest of what is compiled into them, becomes part of the key of the cache, as Numba itself only sees
    changes of this file.
    """

    def all_runs(
        scene: int,
        cars: tuple[ndarray, ndarray, ndarray, ndarray],
        patch: ndarray,
        belief: ndarray,
        wanted: ndarray,
        top: ndarray,
        start: ndarray,
        recorded: ndarray,
        brakes: tuple[float, float],
        longest: float,
        step: float,
        trace: ndarray,
    ) -> ndarray:
        """The RESULTS of each run, [runs, results], driven from its start to its end; `step` and `longest` [s]."""
        results = np.empty((len(start), len(RESULTS)))
        results[:, :1] = len(sources)  # overwritten below; only a variable that is used becomes part of the key
        for i in range(len(start)):
            driven_on(
                started(cars, i, start[i], results[i]), remembering(start[i]), scene, cars, i, patch[i], belief[i],
                wanted[i], top[i], start[i], recorded[i], brakes, longest, step, NO_LAST, results[i], trace[i],
            )  # fmt: skip
        return results

    def started_runs(cars: tuple[ndarray, ndarray, ndarray, ndarray], start: ndarray) -> Any:
        """The motion and the memory of each run at its start, and its RESULTS so far, [runs, results]."""
        results = np.empty((len(start), len(RESULTS)))
        results[:, :1] = len(sources)
        motions, memories = List(), List()
        for i in range(len(start)):
            motions.append(started(cars, i, start[i], results[i]))
            memories.append(remembering(start[i]))
        return motions, memories, results

    def driven_runs(
        motions: Any,
        memories: Any,
        results: ndarray,
        scene: int,
        cars: tuple[ndarray, ndarray, ndarray, ndarray],
        patch: ndarray,
        belief: ndarray,
        wanted: ndarray,
        top: ndarray,
        start: ndarray,
        recorded: ndarray,
        brakes: tuple[float, float],
        longest: float,
        step: float,
        last: int,
        seen: ndarray,
    ) -> int:
        """Drive every run on to the step `last` and write what is SEEN of it, [runs, seen]; the number of runs."""
        trace = np.empty((0 * len(sources), len(TRACE)))  # none; the variable becomes part of the key
        for i in range(len(start)):
            motions[i] = driven_on(
                motions[i], memories[i], scene, cars, i, patch[i], belief[i], wanted[i], top[i], start[i], recorded[i],
                brakes, longest, step, last, results[i], trace,
            )  # fmt: skip
            m = motions[i]
            seen[i] = np.array([m.own.speed, m.gap, m.lead_speed, m.radar.speed, m.asked.acceleration,
                                1.0 * m.asked.emergency, 1.0 * m.ended])  # fmt: skip
        return len(start)

    functions = all_runs, started_runs, driven_runs
    try:
        return Compiled(*(njit(nogil=True, cache=True, error_model="numpy")(function) for function in functions))
    except RuntimeError:  # neither beside the package nor in the user's folder may anything be written
        return Compiled(*(njit(nogil=True, error_model="numpy")(function) for function in functions))


_MODULES = (loop, controller, limits, planner, driving, equations, integration)
_SOURCES = hashlib.sha256(b"".join(Path(str(m.__file__)).read_bytes() for m in _MODULES)).hexdigest()
all_runs, started_runs, driven_runs = _compiled_with(_SOURCES)
