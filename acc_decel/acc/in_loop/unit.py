"""The gaps of the exported ACC unit in the loop: the C computes them, from the answers of two predictions."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, UInt32
from numpy import ndarray

from acc_decel.acc.in_loop.gaps import LONGEST
from acc_decel.export.acc_reference import ANSWERS, COLUMNS, USED
from acc_decel.following import MIN_TIME_GAP, REST_GAP

SAFE_GAP = ANSWERS.index("safe_gap")


@runtime_checkable
class AccUnit(Protocol):
    """The ACC unit of an exported folder: on the host (`AccHost`) or on an emulated core (`AccCore`)."""

    def answers(
        self, states: Float32[ndarray, "states columns"]
    ) -> tuple[Float32[ndarray, "states answers"], UInt32[ndarray, "states used"]]:
        """Answers and status of every state, with the columns of `COLUMNS`."""


def unit_gaps(
    unit: AccUnit,
    speed: Float[ndarray, " cars"],
    lower: Float[ndarray, " cars"],
    delay: Float[ndarray, " cars"],
    lead: Float[ndarray, " cars"],
    reaction: float,
) -> Float[ndarray, " cars"]:
    """The gap [m] that each planner keeps to a lead of the same `speed` [m/s], as `gaps_to_keep` has it.

    Each car slows evenly: the own one by `lower` [m/s^2] after `reaction` and `delay` [s], the lead by `lead`. Raises
    RuntimeError for a state that the C refuses.
    """
    known: dict[str, ndarray | float] = {
        "speed": speed, "deceleration": lower, "delay": delay, "lead_speed": speed, "lead_deceleration": lead,
        "reaction": reaction, "standstill": REST_GAP,
    }  # fmt: skip
    states = np.full((len(speed), len(COLUMNS)), np.nan, np.float32)
    for name, values in known.items():
        states[:, COLUMNS.index(name)] = values
    answers, status = unit.answers(states)
    refused = np.flatnonzero(status[:, list(USED).index("safe_gap")])
    if refused.size:
        state = dict(zip(COLUMNS, states[refused[0]].tolist(), strict=True))
        raise RuntimeError(f"acc_decel_acc_safe_gap must answer. Got status {status[refused[0]].tolist()} for {state}.")
    gaps = answers[:, SAFE_GAP].astype(np.float64)
    return np.asarray(np.minimum(np.maximum(gaps, MIN_TIME_GAP * speed + REST_GAP), LONGEST))
