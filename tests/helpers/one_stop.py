"""A drive of 40 s at 10 Hz with one hard braking, as columns in SI units and as positions, for tests of any form."""

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.drives import DriveEvents

STEP_S = 0.1
TIME = np.arange(0, 40, STEP_S).round(1)
BRAKING, SPEEDS, DECELERATION = (10.0, 14.0), (25.0, 5.0), 5.0
_TRUE = np.select([(TIME >= 10) & (TIME < 14), (TIME >= 20) & (TIME < 30)], [-DECELERATION, 2.0], 0.0)
LATITUDE_0, LONGITUDE_0 = 48.0, 11.5
METRES_PER_DEGREE = 6_371_000.0 * np.pi / 180


def speed() -> ndarray:
    """Speed [m/s]."""
    return 25 + np.concatenate([[0], np.cumsum(_TRUE[:-1])]) * STEP_S


def acceleration(seed: int = 1) -> ndarray:
    """Acceleration [m/s^2] with a little noise."""
    return (_TRUE + np.random.default_rng(seed).normal(0, 0.08, len(TIME))).round(3)


def positions(heading: float = 0.0) -> tuple[ndarray, ndarray]:
    """Latitude and longitude [degrees] on a straight road with this heading [rad] from north."""
    gone = np.cumsum(speed()) * STEP_S
    north, east = gone * np.cos(heading), gone * np.sin(heading)
    width = METRES_PER_DEGREE * np.cos(np.radians(LATITUDE_0))
    return LATITUDE_0 + north / METRES_PER_DEGREE, LONGITUDE_0 + east / width


def table(**columns: object) -> pd.DataFrame:
    """Columns as a table, with the time [s] first."""
    return pd.DataFrame({"time": TIME} | columns)


def is_found(drive: DriveEvents, *, since: float = 0.0) -> bool:
    """Whether the braking is found and no other: ends within 0.2 s, speeds within 0.3 m/s, mean within 5 %."""
    if len(drive.events) != 1:
        return False
    event = drive.events.iloc[0]
    ends = [abs(event[name] - since - true) for name, true in zip(("start_s", "end_s"), BRAKING, strict=True)]
    speeds = [abs(event[name] - true) for name, true in zip(("initial_speed", "final_speed"), SPEEDS, strict=True)]
    return max(ends) < 0.2 and max(speeds) < 0.3 and abs(event["mean_deceleration"] / DECELERATION - 1) < 0.05
