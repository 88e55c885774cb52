"""The planner of `acc.command` for one car at a time, to be compiled into the closed loop; a test compares the two."""

from typing import NamedTuple

import numpy as np
from numba import njit

from acc_decel.acc.limits import DECELERATIONS, JERKS, LIMIT_SPEEDS
from acc_decel.acc.planner import (
    CLOSING_GAIN,
    CREEP,
    END_SHARE,
    FOLLOWING_DECELERATION,
    GAP_GAIN,
    LATENCY,
    MAX_ACCELERATION,
    RELEASE_JERK,
    RESERVE,
    SPEED_GAIN,
    START,
    START_SHARE,
    STOP,
    TIGHT_JERK,
    TIGHT_MORE,
    TIGHT_RESERVE,
    TIGHT_SHARE,
)
from acc_decel.following import GAP, REST_GAP

FARTHEST = GAP.high  # [m]


class Asked(NamedTuple):
    """What the planner asks for and remembers, as `acc.Command` has it."""

    acceleration: float
    emergency: bool
    braking: bool


@njit(error_model="numpy")
def limit(speed: float, values: tuple[float, float]) -> float:
    """A limit of ISO 15622 at this speed [m/s]."""
    share = (speed - LIMIT_SPEEDS[0]) / (LIMIT_SPEEDS[1] - LIMIT_SPEEDS[0])
    return values[0] + min(max(share, 0.0), 1.0) * (values[1] - values[0])


@njit(error_model="numpy")
def required(speed: float, gap: float, lead_speed: float, lead_deceleration: float, delay: float) -> float:
    """The deceleration [m/s^2] that just avoids contact, as `acc.required_deceleration`."""
    if np.isinf(gap) or speed <= 0.0:
        return 0.0
    slowing = max(lead_deceleration, 0.0)
    moving = min(delay, lead_speed / slowing) if slowing > 0.0 else delay
    room = gap + lead_speed * moving - 0.5 * slowing * moving**2 - speed * delay
    if room < 0.0:
        return np.inf
    lead = max(lead_speed - slowing * moving, 0.0)
    faster = max(speed - lead, 0.0)
    keeps_speed = slowing == 0.0 and lead > 0.0
    if keeps_speed or (faster > 0.0 and 2.0 * room * slowing < lead * faster):
        return slowing + 0.5 * faster**2 / room if faster > 0.0 else 0.0
    lead_way = 0.5 * lead**2 / slowing if slowing > 0.0 else 0.0
    return 0.5 * speed**2 / (room + lead_way)


@njit(error_model="numpy")
def planned(
    before: Asked,
    speed: float,
    set_speed: float,
    lead_gap: float,
    lead_speed: float,
    lead_deceleration: float,
    obstacle_gap: float,
    belief: float,
    wanted: float,
    tick: float,
) -> Asked:
    """What to ask for at this `tick` [s]; names as in `acc.Scene`.

    `belief` [m/s^2] is what the own car reaches at least from this speed, `wanted` [m] the gap that it keeps at it.
    """
    delay = 0.0 if before.braking else LATENCY
    margin = 0.5 * REST_GAP
    for_lead = required(speed, max(lead_gap - margin, 0.0), lead_speed, lead_deceleration, delay)
    for_obstacle = required(speed, max(obstacle_gap - margin, 0.0), 0.0, 0.0, delay)
    margin *= min(speed / CREEP, 1.0)
    at_a_walk = max(
        required(speed, max(lead_gap - margin, 0.0), lead_speed, lead_deceleration, delay),
        required(speed, max(obstacle_gap - margin, 0.0), 0.0, 0.0, delay),
        STOP,
    )
    needed = max(for_lead, for_obstacle)
    least = min(needed, at_a_walk)
    most, start = limit(speed, DECELERATIONS), min(START, START_SHARE * belief)
    braking = needed > start or (before.braking and needed > END_SHARE * start)
    target = towards_set_speed(speed, set_speed, obstacle_gap, start)
    if not np.isinf(lead_gap):
        towards = GAP_GAIN * (lead_gap - wanted) + CLOSING_GAIN * (lead_speed - speed)
        target = min(target, max(towards, -min(FOLLOWING_DECELERATION, TIGHT_SHARE * belief)))
    if braking:
        target = min(target, -RESERVE * least)
    tight = braking and least > TIGHT_SHARE * belief
    if tight:
        target = min(target, -TIGHT_RESERVE * least - TIGHT_MORE)
    fall = TIGHT_JERK if tight else limit(speed, JERKS)
    change = max(target, -most) - before.acceleration
    asked = before.acceleration + min(max(change, -fall * tick), RELEASE_JERK * tick)
    goes_on = (for_lead > start and speed > lead_speed) or for_obstacle > start
    emergency = least > most or (before.emergency and goes_on)
    return Asked(-max(belief, most) if emergency else asked, emergency, braking)


@njit(error_model="numpy")
def towards_set_speed(speed: float, set_speed: float, obstacle_gap: float, start: float) -> float:
    """The acceleration [m/s^2] towards the set speed, or the speed from which braking need not begin yet."""
    wanted = set_speed
    if not np.isinf(obstacle_gap):
        wanted = min(wanted, np.sqrt(2.0 * max(start, 0.0) * max(min(obstacle_gap, FARTHEST) - REST_GAP, 0.0)))
    return min(max(SPEED_GAIN * (wanted - speed), -MAX_ACCELERATION), MAX_ACCELERATION)
