"""The equations of motion of one straight-line braking event, written once.

Plain scalar functions without branches. Compiled, they are inlined into one loop that runs several events in lockstep,
one event in each lane of a vector register. Uncompiled, with `pick` and `exponential` from NumPy, they take whole
columns.
"""

from typing import Any, NamedTuple

from numba import njit

SLOW = 1.5  # [m/s] below this the remaining distance is v^2 / (2 a)
ABS_TIME = 0.03  # [s] time constant with which the ABS brings the slip to its target


class Event(NamedTuple):
    """All inputs of the equations for one event. Forces and loads [N], pressures [bar], otherwise SI."""

    step: float
    speed: float
    mass: float
    wind: float
    grade_force: float
    ambient_c: float
    front_disc_c: float
    rear_disc_c: float
    drag: float
    rolling_force: float
    front_load: float
    rear_load: float
    transfer: float
    front_rated: float
    rear_rated: float
    load_sensitivity: float
    level: float
    rise: float
    fall: float
    speed_fall: float
    inverse_critical: float
    speed_loss: float
    abs_on: float
    front_target: float
    rear_target: float
    front_force_per_bar: float
    rear_force_per_bar: float
    demand: float
    rear_share: float
    dead_time: float
    pressure_rate: float
    lag: float
    inverse_inertia: float
    front_capacity: float
    rear_capacity: float
    cooling: float
    cooling_per_speed: float
    fade_onset: float
    fade_span: float
    fade_loss: float


def compiled(function: Any) -> Any:
    """`function`, compiled so that it is inlined into its caller."""
    return njit(function, error_model="numpy", forceinline=True)


@compiled
def pick(condition: bool, yes: float, no: float) -> float:
    """`yes` where `condition` holds, else `no`."""
    if condition:
        return yes
    return no


@compiled
def exponential(x: float) -> float:
    """exp(x) for -40 <= x <= 1, relative error up to 2e-9.

    Taylor's polynomial at x / 256, squared eight times: the compiler can vectorise it.
    """
    y = x * 0.00390625
    y = 1.0 + y * (1.0 + y * (0.5 + y * (1 / 6 + y * (1 / 24 + y * (1 / 120)))))
    y *= y
    y *= y
    y *= y
    y *= y
    y *= y
    y *= y
    y *= y
    return y * y


@compiled
def lagged(time: float, lag: float) -> float:
    """Response of a first-order lag to a ramp of slope 1 that began a `time` ago; 0 before."""
    elapsed = pick(time > 0.0, time, 0.0)
    exponent = -elapsed / lag
    return elapsed - lag * (1.0 - exponential(pick(exponent > -40.0, exponent, -40.0)))


@compiled
def pressure_at(e: Event, time: float) -> float:
    """Caliper pressure [bar] a time [s] after the demand: dead time, ramp, first-order lag (closed form)."""
    ramp_time = time - e.dead_time
    return e.pressure_rate * (lagged(ramp_time, e.lag) - lagged(ramp_time - e.demand / e.pressure_rate, e.lag))


@compiled
def fade(e: Event, disc_c: float) -> float:
    """Pad friction relative to cold pads at this disc temperature [degC]: falls linearly from onset to full fade."""
    share = (disc_c - e.fade_onset) / e.fade_span
    share = pick(share > 0.0, share, 0.0)
    return 1.0 - e.fade_loss * pick(share < 1.0, share, 1.0)


@compiled
def friction(e: Event, slip: float, speed: float) -> tuple[float, float]:
    """Friction and its derivative by slip, at rated load: Burckhardt's curve with speed factor and speed ratio."""
    decay = exponential(-e.rise * slip)
    squared = speed * e.inverse_critical
    squared *= squared
    level = e.level * exponential(-e.speed_fall * slip * speed) / (1.0 + squared * squared + speed * e.speed_loss)
    curve = 1.0 - decay - e.fall * slip
    return level * curve, level * (e.rise * decay - e.fall - e.speed_fall * speed * curve)


@compiled
def load_factor(e: Event, load: float, rated: float) -> float:
    """Friction relative to that at rated load: PDX2 of the Magic Formula, linear in the load."""
    factor = 1.0 + e.load_sensitivity * (load / rated - 1.0)
    return pick(factor > 0.5, factor, 0.5)


@compiled
def abs_rate(slip: float, target: float) -> float:
    """Slip rate [1/s] at which the ABS brings an axle to its target."""
    return (target - slip) / ABS_TIME


@compiled
def axle(
    e: Event, brake: float, tyre: float, slope: float, slip: float, target: float, decel: float, speed: float
) -> tuple[float, float, float]:
    """Slip rate of an axle without ABS [1/s], its derivative by slip, and the heat into the discs [W].

    The rate follows from the balance of brake force and tyre force [N] at the wheel. The ABS limits the brake force to
    the one that brings the slip to its target.
    """
    floored = pick(speed > SLOW, speed, SLOW)
    wheel_decel = (1.0 - slip) * decel  # at constant slip
    rate = (e.inverse_inertia * (brake - tyre) - wheel_decel) / floored
    abs_force = tyre + (abs_rate(slip, target) * floored + wheel_decel) / e.inverse_inertia
    limited = (e.abs_on > 0.5) & (abs_force < brake)
    force = pick(limited, pick(abs_force > 0.0, abs_force, 0.0), brake)
    return rate, (decel - e.inverse_inertia * slope) / floored, force * (1.0 - slip) * speed


@compiled
def rates(
    e: Event, speed: float, front: float, rear: float, front_c: float, rear_c: float, pressure: float, before: float
) -> tuple[float, float, float, float, float, float, float]:
    """Deceleration [m/s^2]; slip rate without ABS and its derivative by slip of each axle; heating [K/s] of each axle.

    The load transfer depends on the tyre forces and they on it; the closed form is
    F = (mu_f N_f + mu_r N_r) / (1 - (mu_f - mu_r) h / L). `before` [m/s^2], the deceleration one step earlier, is used
    only for the load sensitivity.
    """
    moved = e.mass * before * e.transfer
    front_mu, front_slope = friction(e, front, speed)
    rear_mu, rear_slope = friction(e, rear, speed)
    front_gain = load_factor(e, e.front_load + moved, e.front_rated)
    rear_gain = load_factor(e, e.rear_load - moved, e.rear_rated)
    front_mu *= front_gain
    rear_mu *= rear_gain
    total = (front_mu * e.front_load + rear_mu * e.rear_load) / (1.0 - (front_mu - rear_mu) * e.transfer)
    lifted = e.rear_load < total * e.transfer  # the rear wheels have left the ground, all load is on the front axle
    total = pick(lifted, front_mu * (e.front_load + e.rear_load), total)
    rear_n = pick(lifted, 0.0, e.rear_load - total * e.transfer)
    front_n = e.front_load + e.rear_load - rear_n
    air = speed + e.wind
    decel = (total + e.drag * air * abs(air) + e.rolling_force + e.grade_force) / e.mass
    brake = pressure * e.front_force_per_bar * fade(e, front_c)
    slope = front_slope * front_gain * front_n
    front_rate, front_rate_slope, front_heat = axle(
        e, brake, front_mu * front_n, slope, front, e.front_target, decel, speed
    )
    brake = pressure * e.rear_share * e.rear_force_per_bar * fade(e, rear_c)
    slope = rear_slope * rear_gain * rear_n
    rear_rate, rear_rate_slope, rear_heat = axle(e, brake, rear_mu * rear_n, slope, rear, e.rear_target, decel, speed)
    cool = e.cooling + e.cooling_per_speed * speed
    front_heating = (front_heat - cool * (front_c - e.ambient_c)) / e.front_capacity
    rear_heating = (rear_heat - cool * (rear_c - e.ambient_c)) / e.rear_capacity
    return decel, front_rate, front_rate_slope, rear_rate, rear_rate_slope, front_heating, rear_heating
