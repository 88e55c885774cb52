"""What the formulas take beside curves: numbers and arrays, checked against the range of their quantity."""

import numpy as np
from numpy import ndarray

from acc_decel.factors import Factor
from acc_decel.following import LEAD_SPEED, SET_SPEED

Value = float | int | np.number | ndarray  # a number, or an array; arrays are broadcast
Numbers = ndarray | np.float64  # what NumPy computes: from numbers alone it makes a number


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
