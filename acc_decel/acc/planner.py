"""A planner for an ACC: the acceleration to ask for, behind a lead and before an obstacle that stands.

It begins early and softly on a slippery road, stays within ISO 15622, and brakes fully only where more than ISO 15622
allows is needed: a low belief alone makes gaps longer, it never slams the brakes.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy import ndarray

from acc_decel.acc.curve import Curve, curve_of
from acc_decel.acc.gap import safe_gap
from acc_decel.acc.limits import iso_deceleration, iso_jerk
from acc_decel.acc.quantities import Value, checked
from acc_decel.acc.stop import required_deceleration
from acc_decel.following import GAP, LEAD_DECELERATION, LEAD_SPEED, MIN_TIME_GAP, REACTION_TIME, REST_GAP, SPEED

# All of them as tried in closed loop by this project; no standard names them.
START, START_SHARE = 1.5, 0.4  # braking begins where this much [m/s^2], or this share of the belief, is required
END_SHARE = 0.3  # and ends below this share of it
TIGHT_SHARE = 0.7  # of the belief: from there on without limit of the jerk
RESERVE, TIGHT_RESERVE, TIGHT_MORE = 1.05, 1.2, 0.2  # asked per required; when tight, and [m/s^2] on top
SPEED_GAIN, MAX_ACCELERATION = 0.4, 1.0  # [1/s] towards the set speed, [m/s^2] at most
GAP_GAIN, CLOSING_GAIN = 0.06, 0.5  # [1/s^2] per metre of gap, [1/s] per m/s of closing
FOLLOWING_DECELERATION = 2.0  # [m/s^2] at most, to win back a gap
RELEASE_JERK, TIGHT_JERK = 2.5, 50.0  # [m/s^3] towards less braking; when tight
LATENCY = 0.15  # [s] of the brakes, that a first demand takes to act
CREEP = 2.0  # [m/s] below it the margin to contact shrinks with the speed, as the last metre needs no full braking
STOP = 1.5  # [m/s^2] for coming to rest within that margin


@dataclass(frozen=True)
class Scene:
    """What the ACC sees now, each a number or an array: speeds [m/s], gaps [m], deceleration [m/s^2].

    Infinite gaps say that nothing is there. `lead` moves or may move, `obstacle` stands on the own way.
    """

    speed: Value
    set_speed: Value
    lead_gap: Value = np.inf
    lead_speed: Value = 0.0
    lead_deceleration: Value = 0.0
    obstacle_gap: Value = np.inf


@dataclass(frozen=True)
class Command:
    """What the planner asks for, and what it remembers for its next tick.

    `acceleration` [m/s^2] is negative when braking. `emergency` asks for all that the brakes give, whatever the
    acceleration says. `required` [m/s^2] is the deceleration that just avoids contact.
    """

    acceleration: ndarray = field(default_factory=lambda: np.array(0.0))
    emergency: ndarray = field(default_factory=lambda: np.array(False))
    braking: ndarray = field(default_factory=lambda: np.array(False))
    required: ndarray = field(default_factory=lambda: np.array(0.0))


def command(
    own: Curve | Value,
    lead: Curve | Value,
    scene: Scene,
    before: Command | None = None,
    *,
    tick: float = 0.02,
    reaction: Value = REACTION_TIME,
) -> Command:
    """What to ask for at this `tick` [s], after the command `before`; without one, the car was rolling freely.

    `own` is what the own car reaches at least, `lead` what a lead reaches at most. Braking begins where more than
    min(1.5 m/s^2, 0.4 of the belief) is required, asks for 1.05 times what is required within the limits of ISO 15622,
    and no longer limits the jerk above 0.7 of the belief. Beyond ISO 15622 it is an emergency, which ends when the car
    is no faster than the lead, or no braking would begin now.
    """
    own, lead, before = curve_of(own), curve_of(lead), before or Command()
    v = checked(SPEED, scene.speed)
    belief, limit = own.deceleration_from(v), iso_deceleration(v)
    for_lead, for_obstacle, required = _required(scene, v, np.where(before.braking, 0.0, LATENCY))
    start = np.asarray(np.minimum(START, START_SHARE * belief))
    needed = np.maximum(for_lead, for_obstacle)
    braking = (needed > start) | (before.braking & (needed > END_SHARE * start))
    target = np.minimum(_towards_set_speed(scene, v, start), _following(own, lead, scene, v, belief, reaction))
    target = np.where(braking, np.minimum(target, -RESERVE * required), target)
    tight = braking & (required > TIGHT_SHARE * belief)
    target = np.where(tight, np.minimum(target, -TIGHT_RESERVE * required - TIGHT_MORE), target)
    target = np.maximum(target, -limit)
    fall = np.where(tight, TIGHT_JERK, iso_jerk(v)) * tick
    asked = before.acceleration + np.clip(target - before.acceleration, -fall, RELEASE_JERK * tick)
    faster = v > checked(LEAD_SPEED, scene.lead_speed)
    goes_on = ((for_lead > start) & faster) | (for_obstacle > start)
    emergency = (required > limit) | (before.emergency & goes_on)
    asked = np.where(emergency, -np.maximum(belief, limit), asked)
    return Command(*map(np.asarray, (asked, emergency, braking, required)))


def _required(scene: Scene, v: ndarray, delay: ndarray) -> tuple[ndarray, ndarray, ndarray]:
    """The decelerations [m/s^2] that keep half the rest gap to the lead, to the obstacle, and to both at a walk.

    At a walk that margin shrinks: what is left of it is enough to come to rest softly.
    """
    slowing = checked(LEAD_DECELERATION, scene.lead_deceleration)

    def keeping(margin: Value) -> tuple[ndarray, ndarray]:
        lead_gap, obstacle_gap = (
            np.maximum(checked(GAP, gap, unlimited=True) - margin, 0.0) for gap in (scene.lead_gap, scene.obstacle_gap)
        )
        return (
            required_deceleration(v, lead_gap, scene.lead_speed, slowing, delay=delay),
            required_deceleration(v, obstacle_gap, delay=delay),
        )

    margin = 0.5 * REST_GAP
    for_lead, for_obstacle = keeping(margin)
    at_a_walk = np.maximum(np.maximum(*keeping(margin * np.minimum(v / CREEP, 1.0))), STOP)
    return for_lead, for_obstacle, np.asarray(np.minimum(np.maximum(for_lead, for_obstacle), at_a_walk))


def _towards_set_speed(scene: Scene, v: ndarray, start: ndarray) -> ndarray:
    """The acceleration [m/s^2] towards the set speed, or the speed from which braking need not begin yet."""
    gap = checked(GAP, scene.obstacle_gap, unlimited=True)
    way = np.maximum(np.minimum(gap, GAP.high) - REST_GAP, 0.0)
    early = np.where(np.isfinite(gap), np.sqrt(2 * np.maximum(start, 0.0) * way), np.inf)
    wanted = np.minimum(checked(SPEED, scene.set_speed), early)
    return np.asarray(np.clip(SPEED_GAIN * (wanted - v), -MAX_ACCELERATION, MAX_ACCELERATION))


def _following(own: Curve, lead: Curve, scene: Scene, v: ndarray, belief: ndarray, reaction: Value) -> ndarray:
    """The acceleration [m/s^2] towards the safe gap to the lead; infinite without a lead."""
    gap = checked(GAP, scene.lead_gap, unlimited=True)
    ahead = np.isfinite(gap)
    wanted = np.maximum(safe_gap(own, lead, v, v, reaction), MIN_TIME_GAP * v + REST_GAP)
    error = np.where(ahead, gap, 0.0) - np.minimum(wanted, GAP.high)
    towards = GAP_GAIN * error + CLOSING_GAIN * (checked(LEAD_SPEED, scene.lead_speed) - v)
    return np.where(ahead, np.maximum(towards, -np.minimum(FOLLOWING_DECELERATION, TIGHT_SHARE * belief)), np.inf)
