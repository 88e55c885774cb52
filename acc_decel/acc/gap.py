"""The gap to a lead from which its hardest braking stays harmless, and the time gap that goes with it."""

import numpy as np
from numpy import ndarray

from acc_decel.acc.curve import Curve, curve_of
from acc_decel.acc.quantities import Value, checked
from acc_decel.following import (
    BRAKING,
    DECELERATION,
    LEAD_SPEED,
    MIN_TIME_GAP,
    REACTION,
    REACTION_TIME,
    REST_GAP,
    SPEED,
    STANDSTILL,
)


def greatest_closing(
    speed: Value, deceleration: Value, reaction: Value, lead_speed: Value, lead_deceleration: Value
) -> ndarray:
    """The most [m] by which a gap shrinks when the lead brakes, both cars with a constant deceleration [m/s^2].

    The own car holds its `speed` for `reaction` [s], the delay of its brakes included; the lead brakes at once. The gap
    can be smallest at three moments: at the end of the reaction, when both cars are equally fast, and when both stand.
    Infinite where the own car does not brake; a lead that does not brake keeps its speed.

    At rest: Shalev-Shwartz et al., On a Formal Model of Safe and Scalable Self-driving Cars, arXiv:1708.06374,
    definition 1, without acceleration in the reaction. Equal speeds matter where the own car brakes harder than the
    lead, which that formula leaves out.
    """
    v, b = checked(SPEED, speed), checked(DECELERATION, deceleration)
    vl, bl = checked(LEAD_SPEED, lead_speed), checked(DECELERATION, lead_deceleration)
    r = checked(REACTION, reaction)
    own_brakes, lead_brakes = b > BRAKING, bl > BRAKING
    b, bl = np.where(own_brakes, b, 1.0), np.where(lead_brakes, bl, 0.0)
    lead_stands = np.where(lead_brakes, vl / np.where(lead_brakes, bl, 1.0), np.inf)
    lead_way = np.where(lead_brakes, vl**2 / 2 / np.where(lead_brakes, bl, 1.0), np.where(vl > 0, np.inf, 0.0))

    moving = np.minimum(r, lead_stands)
    reacted = v * r - (vl * moving - bl * moving**2 / 2)
    at_rest = v * r + v**2 / 2 / b - lead_way
    harder = b > bl
    equal = np.where(harder, v - vl + b * r, 0.0) / np.where(harder, b - bl, 1.0)
    both_brake = harder & (equal >= r) & (equal < lead_stands) & (equal <= r + v / b)
    t = np.where(both_brake, equal, 0.0)
    equally_fast = v * t - b * np.maximum(t - r, 0.0) ** 2 / 2 - (vl * t - bl * t**2 / 2)
    closing = np.maximum(np.maximum(reacted, at_rest), np.where(both_brake, equally_fast, 0.0))
    return np.where(own_brakes | (v == 0), np.maximum(closing, 0.0), np.inf)


def safe_gap(
    own: Curve | Value,
    lead: Curve | Value,
    speed: Value,
    lead_speed: Value,
    reaction: Value = REACTION_TIME,
    *,
    standstill: Value = REST_GAP,
) -> ndarray:
    """The least gap [m] that keeps `standstill` [m] to a lead that brakes at once as hard as `lead` says.

    `own` is what the own car reaches at least (lower quantile), `lead` what the lead reaches at most (upper quantile):
    curves, or constant decelerations [m/s^2]. The own car holds its `speed` for `reaction` [s] and for the delay of its
    brakes. Infinite where the own car may not stop.

    The greatest closing over all moments. With constant decelerations only three of them count, see
    `greatest_closing`; curves, whose deceleration changes with the speed, may come nearest at others.
    """
    own, lead = curve_of(own), curve_of(lead)
    v, vl = checked(SPEED, speed), checked(LEAD_SPEED, lead_speed)
    hold = checked(REACTION, reaction) + own.delay_from(v)
    closing = _greatest_closing(own.motion(v, hold), lead.motion(vl, 0.0))
    stays = np.isinf(own.braking_distance(v))
    return np.asarray(np.where(stays, np.inf, closing) + checked(STANDSTILL, standstill))


def time_gap(
    own: Curve | Value, lead: Curve | Value, speed: Value, reaction: Value = REACTION_TIME, **standstill: Value
) -> ndarray:
    """The time gap [s] to keep behind a lead of the same `speed`: safe gap over speed, and at least 0.8 s.

    0.8 s is the least that ISO 15622 allows. At standstill it is infinite.
    """
    v = checked(SPEED, speed)
    moving = np.where(v > 0, v, 1.0)
    gap = safe_gap(own, lead, v, v, reaction, **standstill)
    return np.where(v > 0, np.maximum(gap / moving, MIN_TIME_GAP), np.inf)


def _greatest_closing(own: tuple[ndarray, ndarray], lead: tuple[ndarray, ndarray]) -> ndarray:
    """The most [m] by which the own car comes nearer, for two cars whose speed over time is a chain of straight lines.

    Between two corners of either chain the rate of closing is a straight line, so the closing is greatest at a corner
    or where the rate passes zero. After the last corner both stand, or the lead leaves.
    """
    shape = np.broadcast_shapes(own[0].shape[:-1], lead[0].shape[:-1])
    chains = [[np.broadcast_to(a, (*shape, a.shape[-1])) for a in chain] for chain in (own, lead)]
    times = np.concatenate([np.zeros((*shape, 1)), *(times for times, _ in chains)], axis=-1)
    times = np.sort(times, axis=-1)
    own_speed, lead_speed = (_speed_at(times, *chain) for chain in chains)
    rate, step = own_speed - lead_speed, np.diff(times, axis=-1)
    start, end = rate[..., :-1], rate[..., 1:]
    closing = np.cumsum(0.5 * (start + end) * step, axis=-1)
    before = np.concatenate([np.zeros((*shape, 1)), closing[..., :-1]], axis=-1)
    passes = (start > 0) & (end < 0)
    peak = before + np.where(passes, 0.5 * start**2 * step / np.where(passes, start - end, 1.0), 0.0)
    return np.asarray(np.maximum(np.maximum(closing, peak).max(axis=-1), 0.0))


def _speed_at(when: ndarray, times: ndarray, speeds: ndarray) -> ndarray:
    """Speeds at the times `when` [..., m], from corners [..., n] in the order of time; constant before and after."""
    index = np.zeros(when.shape, np.intp)
    for i in range(1, times.shape[-1] - 1):  # few corners, many rows
        index += when >= times[..., i : i + 1]
    t0, t1, v0, v1 = (np.take_along_axis(a, index + k, axis=-1) for a in (times, speeds) for k in (0, 1))
    whole = t1 > t0
    share = np.where(whole, when - t0, 0.0) / np.where(whole, t1 - t0, 1.0)
    return v0 + np.clip(np.where(whole, share, 1.0), 0.0, 1.0) * (v1 - v0)
