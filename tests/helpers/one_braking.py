"""A drive of 80 s with one braking: small enough that a table of faults can be tried on it."""

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.drives import DriveEvents

STEP_S = 0.05
TIME = np.arange(0, 80, STEP_S).round(2)
BRAKING = (35.0, 43.0)  # [s]
SPEED, DECELERATION = 24.0, 2.4  # before the braking [m/s], and of it [m/s^2]; the car then gains speed again
_ACCELERATION = np.select([TIME < 20, TIME < 35, TIME < 43], [1.2, 0.0, -DECELERATION], 0.3)


def acceleration() -> ndarray:
    """True acceleration [m/s^2] with a little noise."""
    return (_ACCELERATION + np.random.default_rng(1).normal(0, 0.05, len(TIME))).round(4)


def speed() -> ndarray:
    """True speed [m/s] with a little noise."""
    return (np.cumsum(_ACCELERATION) * STEP_S + np.random.default_rng(2).normal(0, 0.02, len(TIME))).round(4)


def table(**columns: ndarray) -> pd.DataFrame:
    """The drive as a table of time [s], speed [m/s] and acceleration [m/s^2], with other columns in place of these."""
    return pd.DataFrame({"time": TIME, "speed_mps": speed(), "accel_long": acceleration()} | columns)


def is_found(drive: DriveEvents, *, since: float = 0.0) -> bool:
    """Whether the one braking is found, `since` [s] later than in TIME, and no other."""
    events = drive.events
    if len(events) != 1:
        return False
    event = events.iloc[0]
    ends = abs(event["start_s"] - since - BRAKING[0]) < 0.3 and abs(event["end_s"] - since - BRAKING[1]) < 0.3
    lost = event["initial_speed"] - event["final_speed"]
    return bool(ends and abs(lost - DECELERATION * 8) < 0.6 and abs(event["mean_deceleration"] - DECELERATION) < 0.15)
