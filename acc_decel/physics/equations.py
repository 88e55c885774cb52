"""The equations of motion of one straight-line braking event, written once.

Plain scalar functions without branches: compiled, they melt into one loop that runs for several events in lockstep, one
event in each lane of a vector register; uncompiled, with `pick` and `exponential` from NumPy, they take whole columns.
"""

from typing import Any, NamedTuple

from numba import njit

SLOW = 1.5  # [m/s] below this the remaining distance is v^2 / (2 a)
ABS_TIME = 0.03  # [s] time constant with which the ABS brings the slip to its target


class Event(NamedTuple):
    """Everything that the equations need to know of an event; forces [N], loads [N], pressures [bar], SI otherwise."""

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
    """Compile `function` so that it melts into its caller."""
    return njit(function, error_model="numpy", forceinline=True)


@compiled
def pick(condition: bool, yes: float, no: float) -> float:
    """`yes` where `condition` holds, else `no`."""
    if condition:
        return yes
    return no


@compiled
def exponential(x: float) -> float:
    """exp(x) for -40 <= x <= 1 to 2e-9: Taylor's polynomial at x / 256, squared eight times, to suit vectors."""
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
    since = pick(time > 0.0, time, 0.0)
    decayed = -since / lag
    return since - lag * (1.0 - exponential(pick(decayed > -40.0, decayed, -40.0)))


@compiled
def pressure_at(e: Event, time: float) -> float:
    """Caliper pressure [bar] a time [s] after the demand: dead time, ramp, first-order lag (closed form)."""
    rising = time - e.dead_time
    return e.pressure_rate * (lagged(rising, e.lag) - lagged(rising - e.demand / e.pressure_rate, e.lag))


@compiled
def fade(e: Event, disc_c: float) -> float:
    """Pad friction relative to cold pads at this disc temperature [degC]: falls evenly from onset to full fade."""
    share = (disc_c - e.fade_onset) / e.fade_span
    share = pick(share > 0.0, share, 0.0)
    return 1.0 - e.fade_loss * pick(share < 1.0, share, 1.0)


@compiled
def friction(e: Event, slip: float, speed: float) -> tuple[float, float]:
    """Friction and its slope over slip, at rated load: Burckhardt's curve with its speed factor, wet speed ratio."""
    rising = exponential(-e.rise * slip)
    squared = speed * e.inverse_critical
    squared *= squared
    level = e.level * exponential(-e.speed_fall * slip * speed) / (1.0 + squared * squared)
    curve = 1.0 - rising - e.fall * slip
    return level * curve, level * (e.rise * rising - e.fall - e.speed_fall * speed * curve)


@compiled
def load_factor(e: Event, load: float, rated: float) -> float:
    """Friction relative to that at rated load: PDX2 of the Magic Formula, linear in the load."""
    factor = 1.0 + e.load_sensitivity * (load / rated - 1.0)
    return pick(factor > 0.5, factor, 0.5)


@compiled
def abs_rate(slip: float, target: float) -> float:
    """Slip rate [1/s] with which the ABS lets an axle approach its target."""
    return (target - slip) / ABS_TIME


@compiled
def axle(
    e: Event, brake: float, tyre: float, slope: float, slip: float, target: float, decel: float, speed: float
) -> tuple[float, float, float]:
    """Slip rate of an axle without ABS [1/s], its slope over slip, and the heat into the discs [W].

    The rate follows from the balance of brake force and tyre force [N] at the wheel. The ABS lets through what keeps
    the slip on its way to the target.
    """
    rolling = pick(speed > SLOW, speed, SLOW)
    sinking = (1.0 - slip) * decel
    rate = (e.inverse_inertia * (brake - tyre) - sinking) / rolling
    let_through = tyre + (abs_rate(slip, target) * rolling + sinking) / e.inverse_inertia
    limited = (e.abs_on > 0.5) & (let_through < brake)
    force = pick(limited, pick(let_through > 0.0, let_through, 0.0), brake)
    return rate, (decel - e.inverse_inertia * slope) / rolling, force * (1.0 - slip) * speed


@compiled
def rates(
    e: Event, speed: float, front: float, rear: float, front_c: float, rear_c: float, pressure: float, before: float
) -> tuple[float, float, float, float, float, float, float]:
    """Deceleration [m/s^2]; slip rate without ABS and its slope of each axle; heating [K/s] of each axle.

    The load transfer with the tyres' own forces has the closed form
    F = (mu_f N_f + mu_r N_r) / (1 - (mu_f - mu_r) h / L); `before` [m/s^2], the deceleration one step earlier, only
    serves the load sensitivity.
    """
    moved = e.mass * before * e.transfer
    front_mu, front_slope = friction(e, front, speed)
    rear_mu, rear_slope = friction(e, rear, speed)
    front_gain = load_factor(e, e.front_load + moved, e.front_rated)
    rear_gain = load_factor(e, e.rear_load - moved, e.rear_rated)
    front_mu *= front_gain
    rear_mu *= rear_gain
    total = (front_mu * e.front_load + rear_mu * e.rear_load) / (1.0 - (front_mu - rear_mu) * e.transfer)
    lifted = e.rear_load < total * e.transfer  # the rear wheels leave the ground, the front axle carries the car
    total = pick(lifted, front_mu * (e.front_load + e.rear_load), total)
    rear_n = pick(lifted, 0.0, e.rear_load - total * e.transfer)
    front_n = e.front_load + e.rear_load - rear_n
    air = speed + e.wind
    decel = (total + e.drag * air * abs(air) + e.rolling_force + e.grade_force) / e.mass
    brake = pressure * e.front_force_per_bar * fade(e, front_c)
    slope = front_slope * front_gain * front_n
    front_axle = axle(e, brake, front_mu * front_n, slope, front, e.front_target, decel, speed)
    brake = pressure * e.rear_share * e.rear_force_per_bar * fade(e, rear_c)
    slope = rear_slope * rear_gain * rear_n
    rear_axle = axle(e, brake, rear_mu * rear_n, slope, rear, e.rear_target, decel, speed)
    cool = e.cooling + e.cooling_per_speed * speed
    front_heating = (front_axle[2] - cool * (front_c - e.ambient_c)) / e.front_capacity
    rear_heating = (rear_axle[2] - cool * (rear_c - e.ambient_c)) / e.rear_capacity
    return decel, front_axle[0], front_axle[1], rear_axle[0], rear_axle[1], front_heating, rear_heating
