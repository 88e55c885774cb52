"""What ISO 15622 lets an ACC ask for, over the speed.

ISO 15622:2018 names limits for speeds up to 5 m/s and from 20 m/s on; between them they are straight lines. The text of
the standard was not at hand: the numbers are those that open ACC software states as its own limits.
"""

import numpy as np
from numpy import ndarray

from acc_decel.acc.quantities import Value, checked
from acc_decel.following import SPEED
from acc_decel.outputs import COMFORT_DECELERATION

LIMIT_SPEEDS = (5.0, 20.0)  # [m/s]
DECELERATIONS = (5.0, COMFORT_DECELERATION)  # [m/s^2]
JERKS = (5.0, 2.5)  # [m/s^3]


def iso_deceleration(speed: Value) -> ndarray:
    """The most deceleration [m/s^2] that an ACC may ask for at this speed [m/s]."""
    return np.asarray(np.interp(checked(SPEED, speed), LIMIT_SPEEDS, DECELERATIONS))


def iso_jerk(speed: Value) -> ndarray:
    """The most jerk [m/s^3] with which the deceleration of an ACC may grow at this speed [m/s]."""
    return np.asarray(np.interp(checked(SPEED, speed), LIMIT_SPEEDS, JERKS))
