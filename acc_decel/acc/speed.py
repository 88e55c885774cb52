"""The speed that still fits: to stop within the distance that is seen, or to keep no more than a certain gap."""

from collections.abc import Callable

import numpy as np
from numpy import ndarray

from acc_decel.acc.curve import Curve, curve_of
from acc_decel.acc.gap import time_gap
from acc_decel.acc.quantities import Value, checked
from acc_decel.following import GAP_CAP, REACTION, REACTION_TIME, REST_GAP, SET_SPEED, SIGHT, STANDSTILL, TOP_SPEED

GAP_CAP_TIME = 3.0  # [s] the longest gap an ACC keeps before it lowers the speed; into longer ones others cut in
TRIES = 64  # speeds tried before the search between two of them
HALVINGS = 30


def safe_speed(
    own: Curve | Value,
    sight: Value,
    reaction: Value = REACTION_TIME,
    *,
    standstill: Value = REST_GAP,
    set_speed: Value = TOP_SPEED,
) -> ndarray:
    """The highest speed [m/s] up to `set_speed` from which the car stands `standstill` [m] before the end of `sight`.

    It solves v (reaction + delay) + S(v) + standstill = sight, as of a bend or a crest behind which an obstacle may
    stand. 0 where no speed is slow enough.
    """
    own = curve_of(own)
    seen, wait, rest = checked(SIGHT, sight), checked(REACTION, reaction), checked(STANDSTILL, standstill)
    return _highest(
        lambda v: v * wait + own.stopping_distance(v) + rest <= seen,
        np.broadcast_arrays(checked(SET_SPEED, set_speed), seen, wait, rest, own.distance[..., 0])[0],
    )


def speed_for_gap_cap(
    own: Curve | Value,
    lead: Curve | Value,
    set_speed: Value,
    gap_cap: Value = GAP_CAP_TIME,
    reaction: Value = REACTION_TIME,
    *,
    standstill: Value = REST_GAP,
) -> ndarray:
    """The highest speed [m/s] up to `set_speed` at which the time gap to a lead is at most `gap_cap` [s].

    0 where no speed has so short a gap. At walking speed the gap is long in seconds again, because of `standstill`.
    """
    own, lead, cap = curve_of(own), curve_of(lead), checked(GAP_CAP, gap_cap)
    top = checked(SET_SPEED, set_speed)
    shape = np.broadcast_arrays(top, cap, checked(REACTION, reaction), own.distance[..., 0], lead.distance[..., 0])
    return _highest(lambda v: time_gap(own, lead, v, reaction, standstill=standstill) <= cap, shape[0])


def _highest(fits: Callable[[ndarray], ndarray], top: ndarray) -> ndarray:
    """The highest speed up to `top` that `fits`, 0 where none does: the highest of a row of speeds, then by halving."""
    low, high = np.zeros(top.shape), np.array(top)
    for share in np.linspace(1.0, 0.0, TRIES, endpoint=False):
        tried = top * share
        good = fits(tried) & (low == 0)
        low, high = np.where(good, tried, low), np.where(good | (low > 0), high, tried)
    limited = (low > 0) & (low < top)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        good = fits(middle)
        low, high = np.where(limited & good, middle, low), np.where(limited & ~good, middle, high)
    return low
