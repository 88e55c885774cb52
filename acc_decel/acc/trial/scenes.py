"""The scenarios of the trial: what happens ahead, and how each run of an arm starts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.random import Generator

from acc_decel.acc.curve import Curve
from acc_decel.acc.gap import safe_gap
from acc_decel.acc.speed import GAP_CAP_TIME, safe_speed
from acc_decel.acc.trial.arms import Belief
from acc_decel.acc.trial.loop import CUT_IN, LEAD_BRAKES, OBSTACLE, OBSTACLE_RANGE, RECORDED, SLOW_DOWN
from acc_decel.acc.trial.pairs import Pairs
from acc_decel.acc.trial.recorded_leads import RecordedLead, drawn_speeds, limited_by
from acc_decel.acc.trial.roads import FROST, ROADS
from acc_decel.following import GAP, MIN_TIME_GAP, REST_GAP

NODES = 17  # speeds from 0 to the set speed at which the planner's gap is computed, straight lines between them
BLOCK = 500  # pairs whose gaps are computed at a time: that takes memory
CAP_TRIES = 401  # speeds that are tried for the cap of the gap
FIRST_SEEN = 170.0  # [m] the obstacle stands, beyond the range of the radar
SLOWING = 1.5  # [m/s^2] of a lead that slows down, or half of what it can
SLOWER = (0.15, 0.4)  # share of the own speed by which a car that cuts in is slower
R157_DECELERATION, R157_TIME = 6.0, 0.35  # UN R157, 5.2.5.2: avoid a cut-in above TTC = v_rel / (2 x 6 m/s^2) + 0.35 s
LATER = 3.0  # [s] by which the time to collision exceeds that limit at most
SIGHT = (0.4, 1.4)  # share of the way of a full stop that is seen in a bend
SIGHT_TIME = 0.7  # [s] of reaction in that way
PATCH_TIME = (1.0, 2.0)  # [s] until the own car is on the ice
PATCH_LENGTH = (20.0, 60.0)  # [m]
NO_PATCH = (np.inf, np.inf)


@dataclass(frozen=True)
class Scenario:
    """One scenario: its title, what happens ahead, on which roads, and the time [s] after which a run ends."""

    title: str
    scene: int
    roads: tuple[str, ...] = tuple(ROADS)
    longest: float = 120.0


SCENARIOS: dict[str, Scenario] = {
    "lead_brakes": Scenario("lead brakes fully", LEAD_BRAKES),
    "lead_brakes_capped": Scenario("lead brakes fully, gap at most 3 s by a lower speed", LEAD_BRAKES),
    "slow_down": Scenario("lead slows down", SLOW_DOWN, longest=25.0),
    "cut_in": Scenario("cut-in at the limit of UN R157", CUT_IN),
    "obstacle": Scenario("obstacle at 150 m", OBSTACLE),
    "bend": Scenario("obstacle after a bend", OBSTACLE),
    "ice_patch": Scenario("lead brakes fully, patch of ice ahead, friction estimate stale", LEAD_BRAKES, (FROST,)),
    "recorded": Scenario("behind recorded leads", RECORDED),  # only where leads are given
}


@dataclass(frozen=True)
class Planning:
    """What the planner of each run needs of its belief, over speeds from 0 to `top` [m/s].

    `deceleration` [m/s^2] from each speed, and `gap` [m] that is kept at it.
    """

    top: Float[ndarray, " pairs"]
    deceleration: Float[ndarray, "pairs nodes"]
    gap: Float[ndarray, "pairs nodes"]

    def gap_at(self, speed: Float[ndarray, "pairs tries"]) -> Float[ndarray, "pairs tries"]:
        """The gap [m] that is kept at these speeds [m/s]."""
        place = np.clip(speed / self.top[:, None], 0, 1) * (self.gap.shape[1] - 1)
        below = np.minimum(place.astype(int), self.gap.shape[1] - 2)
        low, high = (np.take_along_axis(self.gap, below + k, axis=1) for k in (0, 1))
        return low + (place - below) * (high - low)


def planning(belief: Belief, top: Float[ndarray, " pairs"]) -> Planning:
    """Deceleration and gap of a belief over the speed. A gap has an end, even where the own car may not stop."""
    speeds = top[:, None] * np.linspace(0, 1, NODES)
    gaps, decelerations = [], []
    for first in range(0, len(top), BLOCK):
        rows = slice(first, first + BLOCK)
        own, lead = _over_speeds(belief.own, rows), _over_speeds(belief.lead, rows)
        gaps.append(gap_to_keep(own, lead, speeds[rows], belief.reaction))
        decelerations.append(np.broadcast_to(own.deceleration_from(speeds[rows]), speeds[rows].shape))
    return Planning(top, np.concatenate(decelerations), np.concatenate(gaps))


def gap_to_keep(own: Curve, lead: Curve, speed: Float[ndarray, "*pairs"], reaction: float) -> Float[ndarray, "*pairs"]:
    """The gap [m] that the planner keeps to a lead of the same speed: safe, at least 0.8 s and 2 m, and with an end."""
    wanted = np.maximum(safe_gap(own, lead, speed, speed, reaction), MIN_TIME_GAP * speed + REST_GAP)
    return np.minimum(wanted, GAP.high)


def _over_speeds(curve: Curve, rows: slice) -> Curve:
    """The curves of these cars, or the one of all cars, to be asked for several speeds of each."""
    if curve.distance.ndim == 1 or len(curve.distance) == 1:
        return curve
    return Curve(curve.speed, curve.distance[rows, None, :], curve.delay[rows, None, :])


@dataclass(frozen=True)
class Start:
    """How runs start: speeds [m/s], gap [m], slowing of the lead [m/s^2], and from where to where the ice lies [m].

    Behind a recorded lead, `recorded` are its speeds [m/s], loop.RECORDED_STEP apart and NaN after its end, `limited`
    says where the recording brakes harder than the lead of the pair can, and the set speed is not the speed.
    """

    speed: Float[ndarray, " pairs"]
    gap: Float[ndarray, " pairs"]
    lead_speed: Float[ndarray, " pairs"]
    slowing: Float[ndarray, " pairs"]
    patch: Float[ndarray, "pairs 2"]
    set_speed: Float[ndarray, " pairs"] | None = None
    recorded: Float[ndarray, "pairs points"] | None = None
    limited: Bool[ndarray, " pairs"] | None = None

    @property
    def table(self) -> Float[ndarray, "pairs 5"]:
        """As the loop takes it: speed, set speed, gap, speed of the lead, slowing."""
        set_speed = self.speed if self.set_speed is None else self.set_speed
        return np.stack([self.speed, set_speed, self.gap, self.lead_speed, self.slowing], axis=1)


def start_of(name: str, pairs: Pairs, belief: Belief, plan: Planning, rng: Generator) -> Start:
    """The start of each run of a scenario. What is drawn is the same for every arm, as `rng` begins alike."""
    v, none = pairs.speed, np.zeros(len(pairs.speed))
    ahead = np.broadcast_to(NO_PATCH, (len(v), 2))
    if name == "cut_in":
        slower = v * rng.uniform(*SLOWER, len(v))
        collision_time = slower / (2 * R157_DECELERATION) + R157_TIME + rng.uniform(0, LATER, len(v))
        return Start(v, collision_time * slower, v - slower, none, ahead)
    if name == "obstacle":
        return Start(v, np.full(len(v), FIRST_SEEN), none, none, ahead)
    if name == "bend":
        way = v * SIGHT_TIME + pairs.own.curve.braking_distance(v)
        sight = np.minimum(way * rng.uniform(*SIGHT, len(v)), OBSTACLE_RANGE)
        slow = safe_speed(belief.own, sight, belief.reaction, set_speed=v)
        return Start(slow, sight, none, none, ahead)
    if name == "lead_brakes_capped":
        v = capped_speed(plan)
    elif name == "ice_patch":
        entry = v * rng.uniform(*PATCH_TIME, len(v))
        ahead = np.stack([entry, entry + rng.uniform(*PATCH_LENGTH, len(v))], axis=1)
    slowing = np.minimum(SLOWING, 0.5 * pairs.lead.curve.deceleration_from(pairs.speed))
    return Start(v, plan.gap_at(v[:, None])[:, 0], v, slowing, ahead)


def recorded_start(leads: Sequence[RecordedLead], pairs: Pairs, plan: Planning, rng: Generator) -> Start:
    """The start of each run behind a recorded lead: as fast as the lead, with the gap that is kept at that speed.

    What is drawn is the same for every arm. The lead is never faster than the speed that the driver has set, and it
    brakes no harder than the lead of the pair can on its road.
    """
    drawn = drawn_speeds(leads, pairs.speed, rng)
    speeds, limited = limited_by(drawn, pairs.lead.curve)
    v, none = speeds[:, 0].copy(), np.zeros(len(pairs.speed))
    ahead = np.broadcast_to(NO_PATCH, (len(v), 2))
    return Start(v, plan.gap_at(v[:, None])[:, 0], v, none, ahead, pairs.speed, speeds, limited)


def capped_speed(plan: Planning) -> Float[ndarray, " pairs"]:
    """The highest speed [m/s] up to the set speed at which the gap is at most GAP_CAP_TIME; 0 where none is.

    As `acc.speed_for_gap_cap`, from the table of gaps.
    """
    tried = plan.top[:, None] * np.linspace(0, 1, CAP_TRIES)
    fits = plan.gap_at(tried) <= GAP_CAP_TIME * tried
    last = CAP_TRIES - 1 - np.argmax(fits[:, ::-1], axis=1)
    return np.where(fits.any(axis=1), tried[np.arange(len(tried)), last], 0.0)
