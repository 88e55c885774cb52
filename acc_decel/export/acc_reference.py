"""What acc_decel_acc.c answers, in float32 with NumPy: the same operations in the same order, so the same bits.

`acc_decel.acc` has the same formulas in float64, for stopping curves. The manual of the C is acc_decel_acc.h.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, UInt32
from numpy import ndarray

from acc_decel.factors import Factor
from acc_decel.following import (
    BRAKING,
    DECELERATION,
    DELAY,
    DRIVER,
    GAP,
    HARDEST,
    HARDEST_LEAD,
    LEAD_DECELERATION,
    LEAD_SPEED,
    MIN_TIME_GAP,
    REACTION,
    RESERVE,
    SPEED,
    STANDSTILL,
    STANDSTILL_SPEED,
)

INFINITE, ZERO, TWO = np.float32(np.inf), np.float32(0), np.float32(2)


@dataclass(frozen=True)
class AccValue:
    """One value of acc_decel_acc_t: its name there, what it is, and whether infinity or NaN belong to it."""

    name: str
    quantity: Factor
    unlimited: bool = False
    optional: bool = False

    @property
    def limits(self) -> tuple[np.float32, np.float32]:
        """The lowest and the highest accepted float."""
        return np.float32(self.quantity.low), np.float32(self.quantity.high)


# fmt: off
ACC_VALUES = (  # in the order of the struct; the bit of a value in the status is its place
    AccValue("speed", SPEED),
    AccValue("deceleration", DECELERATION),
    AccValue("delay", DELAY),
    AccValue("deceleration_at_lead_speed", DECELERATION, optional=True),
    AccValue("lead_speed", LEAD_SPEED),
    AccValue("lead_deceleration", HARDEST_LEAD, unlimited=True),
    AccValue("lead_braking", LEAD_DECELERATION),
    AccValue("gap", GAP, unlimited=True),
    AccValue("reaction", REACTION),
    AccValue("standstill", STANDSTILL),
    AccValue("driver", DRIVER),
)
PARAMETERS = (AccValue("wait", DELAY), AccValue("reserve", RESERVE))  # of functions, beside the struct
# fmt: on
COLUMNS = tuple(value.name for value in (*ACC_VALUES, *PARAMETERS))  # of a state
_BRAKING = ("speed", "deceleration", "delay", "reaction")
_LATEST = (*_BRAKING, "lead_speed", "deceleration_at_lead_speed")
USED = {  # answer -> the values that it needs
    "safe_gap": (*_BRAKING, "lead_deceleration", "standstill", "lead_speed"),
    "time_gap": (*_BRAKING, "lead_deceleration", "standstill"),
    "required_deceleration": ("speed", "lead_speed", "lead_braking", "gap", "wait"),
    "latest_braking_distance": _LATEST,
    "warning_distance": (*_LATEST, "gap", "driver"),
}
ANSWERS = (*USED, "is_due", "lead_upper")  # is_due is 0 or 1; lead_upper is of deceleration and reserve
UNCHANGED = np.float32(-1)  # what an answer is before the call, and stays if it is refused
State = dict[str, ndarray]  # a column of float32 for each of COLUMNS


def acc_answers(
    states: Float32[ndarray, "states columns"],
) -> tuple[Float32[ndarray, "states answers"], UInt32[ndarray, "states used"]]:
    """`ANSWERS` and the status of each answer in `USED`, for states with the `COLUMNS`.

    Refused answers are `UNCHANGED`; a lead_upper that is refused is NaN.
    """
    state = {name: states[:, i] for i, name in enumerate(COLUMNS)}
    refused = {value.name: ~_within(value, state[value.name]) for value in (*ACC_VALUES, *PARAMETERS)}
    with np.errstate(all="ignore"):  # what divides by zero or overflows is not chosen, or rightly infinite
        distance, is_due = _warning(state)
        computed = {
            "safe_gap": _gap_to(state, state["lead_speed"]),
            "time_gap": _time_gap(state),
            "required_deceleration": _required(state),
            "latest_braking_distance": _latest(state),
            "warning_distance": distance,
            "is_due": is_due,
            "lead_upper": lead_upper(state["deceleration"], state["reserve"]),
        }
    status = np.stack([_status(refused, used) for used in USED.values()], axis=1)
    answers = np.stack([computed[name] for name in ANSWERS], axis=1)
    needs = [*range(len(USED)), list(USED).index("warning_distance")]
    answers[:, : len(needs)][status[:, needs] != 0] = UNCHANGED
    return answers, status


def lead_upper(lower: Float32[ndarray, " rows"], reserve: Float32[ndarray, " rows"]) -> Float32[ndarray, " rows"]:
    """1 / (1 / lower - reserve) [m/s^2], infinite where that is not positive; NaN for values out of their range."""
    good = _within(AccValue("lower", DECELERATION), lower) & _within(PARAMETERS[1], reserve)
    with np.errstate(all="ignore"):
        upper = np.where(_brakes(lower), _divided(np.float32(1), np.float32(1) / lower - reserve), INFINITE)
    return np.where(good, upper, np.float32(np.nan))


def _within(value: AccValue, numbers: ndarray) -> Bool[ndarray, " rows"]:
    low, high = value.limits
    special = (value.optional & np.isnan(numbers)) | (value.unlimited & (numbers == INFINITE))
    return ((numbers >= low) & (numbers <= high)) | special


def _status(refused: dict[str, ndarray], used: tuple[str, ...]) -> UInt32[ndarray, " rows"]:
    bits = [np.where(refused[name], np.uint32(1 << COLUMNS.index(name)), np.uint32(0)) for name in used]
    return np.bitwise_or.reduce(bits)


def _moves(speed: ndarray) -> ndarray:
    return speed > np.float32(STANDSTILL_SPEED)


def _brakes(deceleration: ndarray) -> ndarray:
    return deceleration > np.float32(BRAKING)


def _braking_of(deceleration: ndarray) -> ndarray:
    return np.where(_brakes(deceleration), deceleration, ZERO)


def _divided(value: ndarray | np.float32, divisor: ndarray) -> ndarray:
    return np.where(divisor > 0, value / divisor, INFINITE)


def _braking_way(speed: ndarray, deceleration: ndarray) -> ndarray:
    return (speed * speed) / (TWO * deceleration)


def _way_to_rest(speed: ndarray, braking: ndarray) -> ndarray:
    return np.where(_moves(speed), _divided(speed * speed, TWO * braking), ZERO)


def _lead_after(speed: ndarray, braking: ndarray, time: ndarray) -> tuple[ndarray, ndarray, ndarray]:
    """Way so far [m], speed left [m/s], and way to rest [m] of a lead that brakes."""
    lost, to_rest = braking * time, _way_to_rest(speed, braking)
    moves = speed > lost
    way = np.where(moves, (speed * time) - (lost * time) / TWO, to_rest)
    return way, np.where(moves, speed - lost, ZERO), to_rest


def _gap_to(state: State, lead_speed: ndarray) -> ndarray:
    speed, own = state["speed"], state["deceleration"]
    closing = np.where(_brakes(own), _closing(state, lead_speed), INFINITE)
    return np.where(_moves(speed), closing, ZERO) + state["standstill"]


def _closing(state: State, lead_speed: ndarray) -> ndarray:
    """The most [m] by which a gap shrinks, if the own car brakes and moves."""
    speed, own, hold = state["speed"], state["deceleration"], state["reaction"] + state["delay"]
    other = _braking_of(state["lead_deceleration"])
    lead_way, lead_left, to_rest = _lead_after(lead_speed, other, hold)
    held = speed * hold
    reacted, at_rest = held - lead_way, (held + _braking_way(speed, own)) - to_rest
    closing = _larger(_larger(reacted, at_rest), ZERO)
    faster = speed - lead_left
    meets = lead_left * own > other * speed  # so own is greater than other, if the lead is slower
    equally_fast = reacted + (faster * faster) / (TWO * (own - other))
    return np.where((faster > 0) & meets, _larger(closing, equally_fast), closing)


def _larger(x: ndarray, y: ndarray | np.float32) -> ndarray:
    return np.where(x > y, x, y)


def _time_gap(state: State) -> ndarray:
    speed = state["speed"]
    return np.where(_moves(speed), _larger(_gap_to(state, speed) / speed, np.float32(MIN_TIME_GAP)), INFINITE)


def _required(state: State) -> ndarray:
    speed, wait = state["speed"], state["wait"]
    braking = _braking_of(state["lead_braking"])
    lead_way, lead_left, _ = _lead_after(state["lead_speed"], braking, wait)
    room = (state["gap"] + lead_way) - speed * wait
    faster = speed - lead_left
    in_motion = (TWO * room) * braking < lead_left * faster
    evenly = braking + _divided((faster * faster) / TWO, room)
    stands_first = _divided((speed * speed) / TWO, room + _way_to_rest(lead_left, braking))
    needed = np.where(in_motion, evenly, stands_first)
    return np.where(room < 0, INFINITE, np.where(_moves(speed), needed, ZERO))


def _latest(state: State) -> ndarray:
    faster = state["speed"] - state["lead_speed"]
    distance = faster * (state["reaction"] + state["delay"]) + _braking_closing(state, faster)
    return np.where(_moves(state["speed"]) & (faster > 0), distance, ZERO)


def _braking_closing(state: State, faster: ndarray) -> ndarray:
    """The way [m] by which the gap shrinks while the own car brakes down to the lead's speed."""
    own, there = state["deceleration"], state["deceleration_at_lead_speed"]
    there = np.where(np.isnan(there), np.float32(HARDEST), there)
    there = np.where(_moves(state["lead_speed"]), there, own)
    product = state["speed"] * faster
    more = product / (TWO * own) - product / (TWO * there)
    closing = _braking_way(faster, there) + _larger(more, ZERO)
    return np.where(_brakes(own) & _brakes(there), closing, INFINITE)


def _warning(state: State) -> tuple[ndarray, ndarray]:
    faster = _larger(state["speed"] - state["lead_speed"], ZERO)
    distance = _latest(state) + faster * state["driver"]
    return distance, ((faster > 0) & (state["gap"] <= distance)).astype(np.float32)
