"""The states that the self-test of the ACC unit replays: each rule of the formulas, and each value that is refused."""

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.export.acc_reference import ACC_VALUES, COLUMNS, PARAMETERS, AccValue
from acc_decel.following import BRAKING, DRIVER_TIME, REACTION_TIME, REST_GAP, STANDSTILL_SPEED

ORDINARY = {
    "speed": 30.0, "deceleration": 6.0, "delay": 0.2, "deceleration_at_lead_speed": 7.0, "lead_speed": 20.0,
    "lead_deceleration": 9.0, "lead_braking": 2.0, "gap": 60.0, "reaction": REACTION_TIME, "standstill": REST_GAP,
    "driver": DRIVER_TIME, "wait": 0.15, "reserve": 0.05,
}  # fmt: skip
NONE = np.nan
RULES: tuple[dict[str, float], ...] = (
    {},
    {"lead_speed": 30.0},  # equally fast
    {"lead_speed": 29.0, "lead_deceleration": 3.0},  # closest when equally fast
    {"lead_speed": 12.0, "lead_deceleration": 5.5},  # the lead stands before they would be
    {"lead_speed": 33.0, "lead_deceleration": 1.0},  # the lead is faster and leaves
    {"lead_speed": 29.0, "lead_deceleration": 0.0},  # it keeps its speed
    {"lead_speed": 4.0, "lead_deceleration": 8.0},  # it stands within the reaction
    {"lead_speed": 0.0, "lead_braking": 0.0},
    {"lead_speed": 0.0, "lead_deceleration": 0.0, "lead_braking": -3.0},
    {"lead_deceleration": np.inf},  # it stops at once
    {"lead_deceleration": np.inf, "reaction": 0.0, "delay": 0.0},
    {"lead_speed": 30.0, "lead_deceleration": 6.0},  # both brake alike
    {"speed": 0.0},
    {"speed": 0.0, "deceleration": 0.0, "lead_speed": 0.0},
    {"speed": STANDSTILL_SPEED},  # it stands
    {"speed": 1.1e-3, "lead_speed": 0.9e-3, "gap": 0.01},
    {"lead_speed": STANDSTILL_SPEED, "deceleration_at_lead_speed": 3.0, "lead_braking": 0.0},
    {"speed": 1.5, "lead_speed": 0.5},  # the least time gap
    {"deceleration": 0.0},  # the own car may not stop
    {"deceleration": -1.0},
    {"deceleration": BRAKING},
    {"deceleration_at_lead_speed": NONE},
    {"deceleration_at_lead_speed": 0.0},
    {"deceleration_at_lead_speed": 5.0},  # it brakes more and more softly
    {"lead_speed": 0.0, "deceleration_at_lead_speed": 0.0},
    {"gap": 0.0},
    {"gap": np.inf},
    {"gap": np.inf, "lead_speed": 0.0, "lead_braking": 0.0},
    {"gap": 3.0, "lead_speed": 1.0, "wait": 0.0},
    {"gap": 4.0, "lead_braking": 9.0, "lead_speed": 2.0, "wait": 1.0},  # in contact while waiting
    {"gap": 8.0, "lead_braking": 9.0, "lead_speed": 25.0, "wait": 0.0},  # the lead stands first
    {"gap": 8.0, "lead_braking": 0.0, "lead_speed": 25.0, "wait": 0.0},
    {"gap": 4.5, "lead_braking": 0.0, "lead_speed": 0.0, "wait": 0.15},  # no room is left
    {"gap": 0.0, "lead_braking": 0.0, "lead_speed": 30.0},
    {"lead_speed": 31.0, "lead_braking": 6.0},
    {"reserve": 0.2},  # more than 1 / deceleration
    {"reserve": -0.1},
    {"deceleration": 4.0, "reserve": 0.25},
)


def golden_states() -> Float32[ndarray, "states columns"]:
    """The states of the self-test, with the columns of `COLUMNS`: each rule, and each value just above its range."""
    above = [{value.name: beyond(value)[1]} for value in (*ACC_VALUES, *PARAMETERS)]
    return np.stack([_row(changes) for changes in (*RULES, *above)])


def edge_states() -> Float32[ndarray, "states columns"]:
    """States for tests: each value at its limits, just beyond them, infinite, and NaN."""
    return np.stack(
        [
            _row({value.name: number})
            for value in (*ACC_VALUES, *PARAMETERS)
            for number in (*map(float, value.limits), *beyond(value), np.inf, -np.inf, np.nan)
        ]
    )


def beyond(value: AccValue) -> tuple[float, float]:
    """The floats just below and just above the range of a value."""
    low, high = value.limits
    return float(np.nextafter(low, np.float32(-np.inf))), float(np.nextafter(high, np.float32(np.inf)))


def _row(changes: dict[str, float]) -> Float32[ndarray, " columns"]:
    state = ORDINARY | changes
    return np.array([state[name] for name in COLUMNS], np.float32)
