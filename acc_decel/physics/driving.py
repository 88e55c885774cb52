"""A car in traffic: one step under any brake pressure and drive, to be compiled into a loop with its controller.

The same equations as a full stop. Those end at SLOW, below which the slip has no meaning of its own. Here the car goes
on as a point mass that brakes with the friction of the ABS at most: it comes to rest, stays there, and can start
again.
"""

from typing import NamedTuple

from numba import njit
from numpy import ndarray

from acc_decel.physics.equations import SLOW, Event, fade, friction
from acc_decel.physics.integration import State, _event, begun, stepped


class Brakes(NamedTuple):
    """Pressures between the demand and the calipers [bar]: at the end of the ramp, and behind the hydraulic lag."""

    ramp: float
    caliper: float


@njit(error_model="numpy")
def event_of(events: ndarray, car: int) -> Event:
    """The inputs of one car, a column of `events` [fields, cars], which `stops` gives to its `on_events`."""
    return _event(events, car)


@njit(error_model="numpy")
def rolling(e: Event, speed: float) -> State:
    """The car rolling freely at `speed` [m/s]."""
    return at_speed(begun(e), speed)


@njit(error_model="numpy")
def at_speed(s: State, speed: float) -> State:
    """The same state at another speed [m/s]."""
    return State(
        speed, s.distance, s.front, s.rear, s.front_c, s.rear_c, s.decel, s.front_rate, s.front_slope, s.rear_rate,
        s.rear_slope, s.front_heating, s.rear_heating,
    )  # fmt: skip


@njit(error_model="numpy")
def resistance(e: Event, speed: float) -> float:
    """Deceleration [m/s^2] by air, rolling and slope; negative where the slope pulls the car on."""
    air = speed + e.wind
    return (e.drag * air * abs(air) + e.rolling_force + e.grade_force) / e.mass


@njit(error_model="numpy")
def driven(e: Event, s: State, pressure: float, drive: float, step: float) -> State:
    """The car a `step` [s] later, at a caliper `pressure` [bar] and with `drive` [m/s^2] of its engine."""
    if s.speed >= SLOW:
        later = stepped(e, s, pressure, step)
        return at_speed(later, max(later.speed + drive * step, 0.0))
    mu, _ = friction(e, e.front_target, s.speed)
    front = e.front_force_per_bar * fade(e, s.front_c)
    rear = e.rear_share * e.rear_force_per_bar * fade(e, s.rear_c)
    force = min(pressure * (front + rear), mu * (e.front_load + e.rear_load))
    decel = force / e.mass + resistance(e, s.speed)
    speed = max(s.speed - (decel - drive) * step, 0.0)
    covered = 0.5 * (s.speed + speed) * step
    return State(speed, s.distance + covered, 0.0, 0.0, s.front_c, s.rear_c, decel, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@njit(error_model="numpy")
def pressed(e: Event, b: Brakes, demand: float, step: float) -> Brakes:
    """The pressures a `step` [s] later: a ramp to the `demand` [bar], which the dead time has passed, then the lag."""
    most = e.pressure_rate * step
    ramp = b.ramp + min(max(demand - b.ramp, -most), most)
    return Brakes(ramp, b.caliper + step / (e.lag + step) * (ramp - b.caliper))
