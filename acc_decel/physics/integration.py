"""One straight-line braking event in time, compiled: the equations of motion, written once, and their integration.

State of an event: speed, slip of each axle, disc temperature of each axle. Slip rather than wheel speed is the state,
because an implicit step in wheel speed is biased by the slope of the slip curve. A stop is integrated in two parts:

1. *build-up* from the demand to settled pressure, starting at the initial speed;
2. *braking* from the initial speed again, brakes built up and slip settled, to standstill.

The second gives the deceleration, v0^2 / (2 x). The first, joined to the second at the speed where it ends, gives the
stopping distance, and so the delay. Each step is second order: Heun's rule for speed and temperature; for the stiff
slip a Rosenbrock step with the L-stable (0, 2) Pade form of the exponential.
"""

from math import exp
from typing import Any

import numpy as np
from numba import njit, prange
from numpy import ndarray

TIME_STEP = 0.005  # [s], of the build-up and of a short stop; the others see `EVENT.step`
SLOW = 1.5  # [m/s] below this the remaining distance is v^2 / (2 a)
CRAWLING = 0.05  # [m/s^2] a car that slows by less never stops
LONGEST = 120.0  # [s] after this the remaining distance is v^2 / (2 a)
SETTLED = 4.0  # time constants of the hydraulic lag until the pressure counts as built up
ABS_TIME = 0.03  # [s] time constant with which the ABS brings the slip to its target

EVENT = np.dtype(
    [
        (name, "f8")
        for name in (
            # the situation
            "step speed mass wind grade_force ambient_c front_disc_c rear_disc_c "
            # resistances
            "drag rolling_force "
            # load: standing axle loads, load transfer height / wheelbase, rated loads
            "front_load rear_load transfer front_rated rear_rated load_sensitivity "
            # friction: slip curve scaled to its level, speed dependence
            "level rise fall speed_fall inverse_critical abs_on front_target rear_target "
            # brakes: force at the wheel per pressure; pressures that the axles reach; response
            "front_force_per_bar rear_force_per_bar demand front_share rear_share dead_time pressure_rate lag "
            "inverse_inertia front_capacity rear_capacity cooling cooling_per_speed fade_onset fade_span fade_loss "
        ).split()
    ]
)
RESULT = np.dtype([(name, "f8") for name in ("deceleration", "delay", "peak_disc_c")])

compiled: Any = njit(error_model="numpy")


@compiled
def pressure_at(e: Any, time: float) -> float:
    """Caliper pressure [bar] a time [s] after the demand: dead time, ramp, first-order lag (closed form)."""
    rising = time - e.dead_time
    if rising <= 0.0:
        return 0.0
    ramp_end = e.demand / e.pressure_rate
    reached = rising - e.lag * (1.0 - exp(-rising / e.lag))
    if rising > ramp_end:
        later = rising - ramp_end
        reached -= later - e.lag * (1.0 - exp(-later / e.lag))
    return e.pressure_rate * reached


@compiled
def fade(e: Any, disc_c: float) -> float:
    """Pad friction relative to cold pads at this disc temperature [degC]: falls evenly from onset to full fade."""
    share = (disc_c - e.fade_onset) / e.fade_span
    if share < 0.0:
        share = 0.0
    if share > 1.0:
        share = 1.0
    return 1.0 - e.fade_loss * share


@compiled
def friction(e: Any, slip: float, speed: float) -> tuple[float, float]:
    """Friction and its slope over slip, at rated load: Burckhardt's curve with its speed factor, wet speed ratio."""
    rising = exp(-e.rise * slip)
    squared = speed * e.inverse_critical
    squared *= squared
    level = e.level * exp(-e.speed_fall * slip * speed) / (1.0 + squared * squared)
    curve = 1.0 - rising - e.fall * slip
    return level * curve, level * (e.rise * rising - e.fall - e.speed_fall * speed * curve)


@compiled
def load_factor(e: Any, load: float, rated: float) -> float:
    """Friction relative to that at rated load: PDX2 of the Magic Formula, linear in the load."""
    factor = 1.0 + e.load_sensitivity * (load / rated - 1.0)
    return factor if factor > 0.5 else 0.5


@compiled
def slip_rate(e: Any, brake: float, tyre: float, slip: float, decel: float, speed: float) -> float:
    """Change of an axle's slip [1/s] from the balance of brake force and tyre force [N] at the wheel."""
    rolling = speed if speed > SLOW else SLOW
    return (e.inverse_inertia * (brake - tyre) - (1.0 - slip) * decel) / rolling


@compiled
def axle(
    e: Any, brake: float, tyre: float, slope: float, slip: float, target: float, decel: float, speed: float
) -> tuple[float, float]:
    """Slip rate of an axle [1/s] and its slope over slip, with the ABS releasing pressure beyond its target."""
    rolling = speed if speed > SLOW else SLOW
    free = slip_rate(e, brake, tyre, slip, decel, speed)
    held = (target - slip) / ABS_TIME
    if e.abs_on > 0.5 and held < free:
        released = slip_rate(e, 0.0, tyre, slip, decel, speed)
        return (held if held > released else released), -1.0 / ABS_TIME
    return free, (decel - e.inverse_inertia * slope) / rolling


@compiled
def advanced(slip: float, rate: float, slope: float, step: float) -> float:
    """Slip one step later: L-stable second-order Rosenbrock step, kept between rolling (0) and locked (1)."""
    z = slope * step
    later = slip + step * rate * (1.0 - 0.5 * z) / (1.0 - z + 0.5 * z * z)
    return 0.0 if later < 0.0 else (1.0 if later > 1.0 else later)


@compiled
def brake_heat(e: Any, rate: float, tyre: float, slip: float, decel: float, speed: float) -> float:
    """Heat [W] into an axle's discs: brake force, found back from the slip rate, times rim speed."""
    rolling = speed if speed > SLOW else SLOW
    force = tyre + (rate * rolling + (1.0 - slip) * decel) / e.inverse_inertia
    return force * (1.0 - slip) * speed if force > 0.0 else 0.0


@compiled
def rates(
    e: Any, speed: float, front: float, rear: float, front_c: float, rear_c: float, pressure: float, before: float
) -> tuple[float, float, float, float, float, float, float]:
    """Deceleration [m/s^2]; slip rate and slope of each axle; heating [K/s] of each axle.

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
    front_n = e.front_load + total * e.transfer
    rear_n = e.rear_load - total * e.transfer
    if rear_n < 0.0:  # the rear wheels lift: the front axle carries the car
        rear_n = 0.0
        front_n = e.front_load + e.rear_load
        total = front_mu * front_n
    air = speed + e.wind
    decel = (total + e.drag * air * abs(air) + e.rolling_force + e.grade_force) / e.mass
    front_f = front_mu * front_n
    rear_f = rear_mu * rear_n
    front_brake = pressure * e.front_share * e.front_force_per_bar * fade(e, front_c)
    rear_brake = pressure * e.rear_share * e.rear_force_per_bar * fade(e, rear_c)
    slope = front_slope * front_gain * front_n
    front_rate, front_stiff = axle(e, front_brake, front_f, slope, front, e.front_target, decel, speed)
    slope = rear_slope * rear_gain * rear_n
    rear_rate, rear_stiff = axle(e, rear_brake, rear_f, slope, rear, e.rear_target, decel, speed)
    cool = e.cooling + e.cooling_per_speed * speed
    front_heat = brake_heat(e, front_rate, front_f, front, decel, speed) - cool * (front_c - e.ambient_c)
    rear_heat = brake_heat(e, rear_rate, rear_f, rear, decel, speed) - cool * (rear_c - e.ambient_c)
    front_heating = front_heat / e.front_capacity
    rear_heating = rear_heat / e.rear_capacity
    return decel, front_rate, front_stiff, rear_rate, rear_stiff, front_heating, rear_heating


@compiled
def built_up(e: Any) -> tuple[float, float, float, float, float]:
    """Build-up from the demand to settled pressure: final speed, distance [m], slips, deceleration."""
    step = TIME_STEP
    steps = int((e.dead_time + e.demand / e.pressure_rate + SETTLED * e.lag) / step) + 1
    speed, front, rear, distance = e.speed, 0.0, 0.0, 0.0
    front_c, rear_c = e.front_disc_c, e.rear_disc_c
    decel, front_rate, front_stiff, rear_rate, rear_stiff, front_k, rear_k = rates(
        e, speed, front, rear, front_c, rear_c, 0.0, 0.0
    )
    for i in range(steps):
        front = advanced(front, front_rate, front_stiff, step)
        rear = advanced(rear, rear_rate, rear_stiff, step)
        guess = speed - step * decel
        new, front_rate, front_stiff, rear_rate, rear_stiff, front_k2, rear_k2 = rates(
            e,
            guess if guess > 0.0 else 0.0,
            front,
            rear,
            front_c + step * front_k,
            rear_c + step * rear_k,
            pressure_at(e, (i + 1) * step),
            decel,
        )
        mean = 0.5 * (decel + new)
        if speed > 0.0:
            if mean * step >= speed:  # standstill within the step; the slip goes on settling
                distance += 0.5 * speed * speed / mean
                speed = 0.0
            else:
                distance += step * (speed - 0.5 * step * mean)
                speed -= step * mean
                front_c += 0.5 * step * (front_k + front_k2)
                rear_c += 0.5 * step * (rear_k + rear_k2)
        decel, front_k, rear_k = new, front_k2, rear_k2
    return speed, distance, front, rear, decel


@compiled
def stop(e: Any) -> tuple[float, float, float]:
    """Mean deceleration [m/s^2] of the built-up brakes, delay [s] and hottest front disc temperature [degC]."""
    step = e.step
    joined, ahead, front, rear, before = built_up(e)
    speed, distance, saved = e.speed, 0.0, -1.0
    front_c, rear_c = e.front_disc_c, e.rear_disc_c
    decel, front_rate, front_stiff, rear_rate, rear_stiff, front_k, rear_k = rates(
        e, speed, front, rear, front_c, rear_c, e.demand, before
    )
    hottest = front_c
    for _ in range(int(LONGEST / step)):
        if speed < SLOW or decel < CRAWLING:
            break
        front = advanced(front, front_rate, front_stiff, step)
        rear = advanced(rear, rear_rate, rear_stiff, step)
        guess = speed - step * decel
        new, front_rate, front_stiff, rear_rate, rear_stiff, front_k2, rear_k2 = rates(
            e,
            guess if guess > 0.0 else 0.0,
            front,
            rear,
            front_c + step * front_k,
            rear_c + step * rear_k,
            e.demand,
            decel,
        )
        mean = 0.5 * (decel + new)
        later = speed - step * mean
        if saved < 0.0 and later <= joined:
            saved = distance + 0.5 * (speed * speed - joined * joined) / mean
        distance += 0.5 * step * (speed + later)
        front_c += 0.5 * step * (front_k + front_k2)
        rear_c += 0.5 * step * (rear_k + rear_k2)
        speed, decel, front_k, rear_k = later, new, front_k2, rear_k2
        hottest = front_c if front_c > hottest else hottest
    if decel < CRAWLING:
        return decel, e.dead_time + 0.5 * e.demand / e.pressure_rate + e.lag, hottest
    if saved < 0.0:
        saved = distance + 0.5 * (speed * speed - joined * joined) / decel
    distance += 0.5 * speed * speed / decel
    return 0.5 * e.speed * e.speed / distance, (ahead - saved) / e.speed, hottest


@njit(parallel=True, nogil=True, cache=True, error_model="numpy")
def stops_of(events: ndarray, results: ndarray) -> None:
    """Fill `results` (dtype RESULT) for `events` (dtype EVENT), on all cores."""
    for i in prange(len(events)):
        deceleration, delay, hottest = stop(events[i])
        results[i].deceleration = deceleration
        results[i].delay = delay
        results[i].peak_disc_c = hottest
