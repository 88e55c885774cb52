"""What the formulas take beside curves: each quantity with its range and unit, and the sentence that refuses others."""

import numpy as np
from numpy import ndarray

from acc_decel.factors import FACTORS, Factor

Value = float | int | np.number | ndarray  # a number, or an array; arrays are broadcast
Numbers = ndarray | np.float64  # what NumPy computes: from numbers alone it makes a number

KM_H = (("km/h", 1 / 3.6, 0.0),)
MS = (("ms", 1e-3, 0.0),)
MM = (("cm", 1e-2, 0.0), ("mm", 1e-3, 0.0))
G = (("%", 0.0980665, 0.0),)  # of the acceleration of gravity
TOP_SPEED = next(f for f in FACTORS if f.name == "speed").high  # [m/s] that models know
SPEED = Factor("speed", 0.0, TOP_SPEED, 0.01, "m/s", "speed of the own car over ground", mistaken_for=KM_H)
SET_SPEED = Factor("set_speed", 1.0, TOP_SPEED, 0.01, "m/s", "speed that the driver has set", mistaken_for=KM_H)
LEAD_SPEED = Factor("lead_speed", 0.0, TOP_SPEED, 0.01, "m/s", "speed of the lead over ground", mistaken_for=KM_H)
SLOWER_SPEED = Factor("slower_speed", 0.0, TOP_SPEED, 0.01, "m/s", "speed to slow down to", mistaken_for=KM_H)
DECELERATION = Factor("deceleration", -4.0, 18.0, 0.01, "m/s^2", "deceleration of a car", mistaken_for=G)
LEAD_DECELERATION = Factor(
    "lead_deceleration", -18.0, 18.0, 0.01, "m/s^2", "deceleration of the lead now, negative where it gains speed",
    mistaken_for=G,
)  # fmt: skip
GAP = Factor("gap", 0.0, 1000.0, 0.01, "m", "distance from the own bumper to the lead's", mistaken_for=MM)
DISTANCE = Factor("distance", 0.0, 1e6, 0.01, "m", "way that the car has braked")
SIGHT = Factor("sight", 0.0, 2000.0, 0.1, "m", "distance that is seen to be free", mistaken_for=MM)
REACTION = Factor("reaction", 0.0, 5.0, 0.01, "s", "time from the event until the brakes are asked", mistaken_for=MS)
DELAY = Factor("delay", 0.0, 5.0, 0.01, "s", "time in which the car holds its speed", mistaken_for=MS)
DRIVER = Factor("driver", 0.0, 5.0, 0.01, "s", "time until a warned driver brakes", mistaken_for=MS)
GAP_CAP = Factor("gap_cap", 0.8, 10.0, 0.01, "s", "longest time gap that the ACC may keep", mistaken_for=MS)
STANDSTILL = Factor("standstill", 0.0, 20.0, 0.01, "m", "distance that is left when both cars stand", mistaken_for=MM)


def checked(quantity: Factor, value: Value, *, unlimited: bool = False) -> ndarray:
    """The value as float64. Raises ValueError, naming the quantity, for what is not a number in its range.

    `unlimited` also takes infinity, for "nothing is there".
    """
    try:
        numbers = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise ValueError(quantity.refusal(str(value)[:60])) from None
    good = (numbers >= quantity.low) & (numbers <= quantity.high)  # NaN is not
    if unlimited:
        good |= numbers == np.inf
    if not good.all():
        wrong = np.argmin(good)
        where = f" in place {wrong} (counted from 0)" if numbers.size > 1 else ""
        raise ValueError(quantity.refusal(float(numbers.flat[wrong]), where))
    return numbers


def check_set_speed(set_speed: Value) -> None:
    """Raise ValueError unless it is a speed [m/s] that a driver may set."""
    checked(SET_SPEED, set_speed)


def check_lead_speed(lead_speed: Value) -> None:
    """Raise ValueError unless it is a speed [m/s] that a lead may have."""
    checked(LEAD_SPEED, lead_speed)
