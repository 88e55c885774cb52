"""When to brake, and how hard: for an obstacle that stands, and for one that moves."""

import numpy as np
from numpy import ndarray

from acc_decel.acc.curve import Curve, curve_of
from acc_decel.acc.quantities import Value, checked
from acc_decel.following import (
    DELAY,
    DRIVER,
    DRIVER_TIME,
    GAP,
    LEAD_DECELERATION,
    LEAD_SPEED,
    REACTION,
    REACTION_TIME,
    SPEED,
)


def required_deceleration(
    speed: Value, gap: Value, lead_speed: Value = 0.0, lead_deceleration: Value = 0.0, *, delay: Value = 0.0
) -> ndarray:
    """The constant deceleration [m/s^2] that just avoids contact; 0 where none is needed, infinite where none helps.

    The obstacle stands (`lead_speed` 0), moves on, or slows by `lead_deceleration` to standstill; one that gains speed
    counts as if it kept it. The own car holds its `speed` for `delay` [s] first, while the obstacle goes on.

    If both are equally fast before the obstacle stands: a_lead + dv^2 / (2 gap); else it stands first, and the own car
    has v^2 / (2 (gap + v_lead^2 / (2 a_lead))). Both follow from motion at constant deceleration.
    """
    v, vl = checked(SPEED, speed), checked(LEAD_SPEED, lead_speed)
    al = np.maximum(checked(LEAD_DECELERATION, lead_deceleration), 0.0)
    wait = checked(DELAY, delay)
    slows = al > 0
    moving = np.where(slows, np.minimum(wait, vl / np.where(slows, al, 1.0)), wait)
    room = checked(GAP, gap, unlimited=True) + vl * moving - al * moving**2 / 2 - v * wait
    vl = np.maximum(vl - al * moving, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):  # no room, or nobody ahead
        faster = np.maximum(v - vl, 0.0)
        lead_way = np.where(slows, vl**2 / 2 / np.where(slows, al, 1.0), np.where(vl > 0, np.inf, 0.0))
        in_motion = (faster > 0) & (2 * room * al < vl * faster)  # equally fast before the lead stands
        both_move = al + faster**2 / 2 / room
        lead_first = v**2 / 2 / (room + lead_way)
    keeps_speed = ~slows & (vl > 0)
    needed = np.where(in_motion | keeps_speed, np.where(faster > 0, both_move, 0.0), lead_first)
    return np.where(room < 0, np.inf, np.where(v > 0, needed, 0.0))


def latest_braking_distance(
    own: Curve | Value, speed: Value, reaction: Value = REACTION_TIME, *, lead_speed: Value = 0.0
) -> ndarray:
    """The distance [m] at which full braking must be asked for at the latest, to an obstacle that stands or moves on.

    (v - v_lead) (reaction + delay) + S(v) - S(v_lead) - v_lead T, with the time T of the braking between both speeds.
    `own` is what the own car reaches at least. Infinite where it may not stop; 0 where the obstacle is not slower.
    """
    own = curve_of(own)
    v, vl = checked(SPEED, speed), checked(LEAD_SPEED, lead_speed)
    hold = checked(REACTION, reaction) + own.delay_from(v)
    way, time = own.between(v, np.minimum(v, vl)), own.time_between(v, np.minimum(v, vl))
    stays = np.isinf(way)
    braking = np.where(stays, np.inf, np.where(stays, 0.0, way) - vl * np.where(stays, 0.0, time))
    return np.where(v > vl, (v - vl) * hold + braking, 0.0)


def warning_distance(
    own: Curve | Value,
    speed: Value,
    reaction: Value = REACTION_TIME,
    *,
    lead_speed: Value = 0.0,
    driver: Value = DRIVER_TIME,
) -> ndarray:
    """The distance [m] at which the driver must be warned, to stop in time himself `driver` [s] later.

    The latest braking distance, and the way that the gap loses in those seconds.
    """
    v, vl = checked(SPEED, speed), checked(LEAD_SPEED, lead_speed)
    latest = latest_braking_distance(own, v, reaction, lead_speed=vl)
    return np.asarray(latest + np.maximum(v - vl, 0.0) * checked(DRIVER, driver))


def warning_time(
    own: Curve | Value,
    speed: Value,
    gap: Value,
    reaction: Value = REACTION_TIME,
    *,
    lead_speed: Value = 0.0,
    driver: Value = DRIVER_TIME,
) -> ndarray:
    """The time [s] until the driver must be warned of an obstacle `gap` [m] ahead, if nobody brakes.

    0 where the warning is due, infinite where the obstacle is not slower.
    """
    v, vl = checked(SPEED, speed), checked(LEAD_SPEED, lead_speed)
    left = checked(GAP, gap, unlimited=True) - warning_distance(own, v, reaction, lead_speed=vl, driver=driver)
    closing = v > vl
    return np.where(closing, np.maximum(left, 0.0) / np.where(closing, v - vl, 1.0), np.inf)
