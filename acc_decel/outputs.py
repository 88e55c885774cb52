"""The outputs of a model: what they mean, which are quantiles, their places, and the stopping distance."""

from typing import TypeVar

import numpy as np
from numpy import ndarray

OUTPUTS: dict[str, str] = {
    "deceleration_lower": "mean deceleration reached at least, 95 times in 100 (5 % quantile) [m/s^2]",
    "deceleration": "mean deceleration of the built-up brakes to standstill, median [m/s^2]",
    "deceleration_upper": "mean deceleration exceeded only 5 times in 100 (95 % quantile) [m/s^2]",
    "delay": "time that dead time and build-up of the brakes cost, at the initial speed; never below 0 [s]",
    "deceleration_lower_99": "mean deceleration reached at least, 99 times in 100 (1 % quantile) [m/s^2]",
}
PAIR_OUTPUTS: dict[str, str] = {  # of a network that knows the lead, too: they follow the OUTPUTS
    "lead_reserve_99": "1 / own deceleration - 1 / that of another car on this road, at most, 99 times in 100 [s^2/m]",
}
QUANTILES: dict[str, float] = {  # the outputs that are quantiles of the deceleration, in ascending order
    "deceleration_lower_99": 0.01,
    "deceleration_lower": 0.05,
    "deceleration": 0.50,
    "deceleration_upper": 0.95,
}
OUTPUT_LIMITS: dict[str, tuple[float, float]] = {  # no answer is beyond them: what a road car can do, in its unit
    name: (0.0, 2.0) if name == "delay" else (-4.0, 18.0) for name in OUTPUTS
}
PAIR_LIMITS: dict[str, tuple[float, float]] = {"lead_reserve_99": (0.0, 10.0)}  # as OUTPUT_LIMITS
RESERVE = len(OUTPUTS)  # the place of the reserve, and the share of pairs that it covers
RESERVE_SHARE = 0.99
LEAST_SLOWING = 0.1  # [m/s^2] a car that slows by less counts as one that slows by this much
LOWER, MEDIAN, UPPER, LOWER_99, DELAY = (  # their places among the outputs
    list(OUTPUTS).index(name)
    for name in ("deceleration_lower", "deceleration", "deceleration_upper", "deceleration_lower_99", "delay")
)
ORDERED = tuple(list(OUTPUTS).index(name) for name in QUANTILES)  # the places of the quantiles, in ascending order
COMFORT_DECELERATION = 3.5  # [m/s^2], the most that an ACC may ask for at higher speed, ISO 15622


Real = TypeVar("Real", float, np.float32, ndarray)


def lead_reserve(deceleration: ndarray, lead_deceleration: ndarray) -> ndarray:
    """What a car needs against its lead [s^2/m]: 1 / own deceleration - 1 / that of the lead, both in m/s^2.

    Times half of the squared speed it is how much farther the own car needs to stand, from the same speed.
    """
    own, lead = (np.maximum(braking, LEAST_SLOWING) for braking in (deceleration, lead_deceleration))
    return 1 / own - 1 / lead


def stopping_distance(speed: Real, deceleration: Real, delay: Real) -> Real:
    """Distance [m] from the demand to standstill, for columns or for numbers, in their dtype.

    Infinite where the car does not slow down; NaN where the deceleration is NaN. `speed` [m/s], `deceleration` [m/s^2],
    `delay` [s]; the firmware computes the same bits.
    """
    if isinstance(deceleration, ndarray):
        stays = deceleration <= 0
        slowing = np.where(stays, 1, deceleration)
        return np.where(stays, np.inf, speed * delay + speed * speed / (2 * slowing))
    if deceleration <= 0:
        return abs(deceleration) + np.inf  # infinite, in its own type
    return speed * delay + speed * speed / (2 * deceleration)
