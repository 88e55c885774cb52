"""The closed loop: the own car with radar, planner and brakes behind a lead, both on the physics of full stops.

One run after the other, compiled. The plant takes a step of 5 ms, the planner ticks every 20 ms. The radar is 0.1 s
late, the deceleration of the lead passes a filter of 0.15 s. The loop ends at contact, or when nothing more happens.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy import ndarray

from acc_decel.acc.trial.controller import Asked, planned
from acc_decel.physics.driving import Brakes, driven, event_of, pressed, resistance, rolling
from acc_decel.physics.equations import pressure_at
from acc_decel.physics.integration import State

LEAD_BRAKES, SLOW_DOWN, CUT_IN, OBSTACLE, RECORDED = range(5)  # what happens ahead
STEP, TICK = 0.005, 0.02  # [s]
RADAR_TICKS = 5  # until what the radar measures arrives
LEAD_FILTER = 0.15  # [s] time constant for the deceleration of the lead
MOST_GAIN = 3.0  # [m/s^2] acceleration of a lead that is believed
LEAD_RANGE, OBSTACLE_RANGE = 250.0, 150.0  # [m] of the radar: of a lead that it tracks, of what has always stood
BEGAN = 1.0  # [s] when the lead acts
DRIVE_LAG, MOST_DRIVE = 0.25, 2.5  # [s], [m/s^2] of the engine
SLOWED = 0.7  # of its speed, that a lead keeps which slows down
COASTING = 0.02  # [m/s^2] a demand for less than this above coasting needs no brakes
PRESSURE_GAIN = 12.0  # [bar s/m] per second, with which the brakes correct what is missing
RESTS = 0.5  # [m/s] a car that is slower behind one that stands has arrived
ACTS = 0.3  # [m/s^2] beyond coasting: the brakes have begun
JERK_TIME = 1.0  # [s] over which the jerk is measured, as ISO 15622 averages it
RECORDED_STEP = 0.1  # [s] between two speeds of a recorded lead
TRACE_STEPS = 10  # of the plant, between two rows of a trace
MEMORY = 2048  # steps that the loop can look back
NO_LAST = 2**62  # more steps than any run has

COLLIDED, IMPACT, LEAST, REST, PEAK, JERK, EMERGENCY, ONSET, DURATION = range(9)
RESULTS = ("collided", "impact_mps", "least_gap_m", "rest_gap_m", "peak_deceleration", "jerk", "emergency", "onset_s",
           "duration_s")  # fmt: skip
TRACE = ("time", "gap", "speed", "lead_speed", "deceleration")


class Radar(NamedTuple):
    """What has arrived of the lead: gap [m], speed [m/s], filtered deceleration [m/s^2]."""

    gap: float
    speed: float
    deceleration: float


@njit(error_model="numpy")
def measured(gaps: ndarray, speeds: ndarray, tick: int, gap: float, speed: float, before: Radar) -> Radar:
    """The radar at this tick: it takes the present gap and speed, and gives those of RADAR_TICKS ago."""
    place = tick % RADAR_TICKS
    old_gap, old_speed = gaps[place], speeds[place]
    gaps[place], speeds[place] = gap, speed
    slowing = max((before.speed - old_speed) / TICK, -MOST_GAIN)
    return Radar(old_gap, old_speed, before.deceleration + TICK / LEAD_FILTER * (slowing - before.deceleration))


@njit(error_model="numpy")
def at(table: ndarray, speed: float, top: float) -> float:
    """The value at this speed of a table at evenly spaced speeds from 0 to `top` [m/s]; beyond it the last one."""
    place = min(max(speed / top, 0.0), 1.0) * (len(table) - 1)
    i = min(int(place), len(table) - 2)
    return table[i] + (place - i) * (table[i + 1] - table[i])


@njit(error_model="numpy")
def over(scene: int, time: float, speed: float, lead_speed: float) -> bool:
    """Whether nothing more will happen."""
    if scene == CUT_IN:
        return speed <= lead_speed and time > BEGAN + 1.0
    if scene == RECORDED:  # it ends with the recording: a lead that stands may drive on
        return False
    return speed < RESTS and (scene == OBSTACLE or lead_speed == 0.0)


@njit(error_model="numpy")
def recorded_speed(recorded: ndarray, time: float) -> float:
    """Speed [m/s] of a recorded lead at this time [s], straight lines between its points; NaN after its end."""
    i = int(time / RECORDED_STEP)
    if i >= len(recorded) - 1:
        return np.nan
    return recorded[i] + (time / RECORDED_STEP - i) * (recorded[i + 1] - recorded[i])


class Motion(NamedTuple):
    """A run after `k` steps of the plant: both cars, the brakes, the radar, the planner, and whether it has ended.

    Gap and ways [m], speed of the lead [m/s], demand and its correction [bar], drive of the engine [m/s^2].
    """

    k: int
    own: State
    lead: State
    pressures: Brakes
    asked: Asked
    radar: Radar
    gap: float
    lead_speed: float
    x: float
    lead_x: float
    demand: float
    correction: float
    drive: float
    ended: bool


class Memory(NamedTuple):
    """What a run looks back at: gaps and speeds that the radar measured, demands and decelerations of each step."""

    gaps: ndarray
    speeds: ndarray
    demands: ndarray
    decelerations: ndarray


@njit(error_model="numpy")
def remembering(start: ndarray) -> Memory:
    """The memory of a run that begins."""
    return Memory(np.full(RADAR_TICKS, start[2]), np.full(RADAR_TICKS, start[3]), np.zeros(MEMORY), np.zeros(MEMORY))


@njit(error_model="numpy")
def started(cars: tuple[ndarray, ndarray, ndarray, ndarray], car: int, start: ndarray, result: ndarray) -> Motion:
    """A run that begins; `result` becomes that of a run in which nothing has happened."""
    speed, gap, lead_speed = start[0], start[2], start[3]
    own, lead = rolling(event_of(cars[0], car), speed), rolling(event_of(cars[2], car), lead_speed)
    result[:] = 0.0
    result[LEAST], result[ONSET] = gap, np.nan
    return Motion(
        0, own, lead, Brakes(0.0, 0.0), Asked(0.0, False, False), Radar(gap, lead_speed, 0.0), gap, lead_speed, 0.0,
        gap, 0.0, 0.0, 0.0, False,
    )  # fmt: skip


@njit(error_model="numpy")
def driven_on(  # noqa: PLR0912 - one compiled loop
    m: Motion,
    memory: Memory,
    scene: int,
    cars: tuple[ndarray, ndarray, ndarray, ndarray],
    car: int,
    patch: ndarray,
    belief: ndarray,
    wanted: ndarray,
    top: float,
    start: ndarray,
    recorded: ndarray,
    brakes: tuple[float, float],
    longest: float,
    step: float,
    last: int,
    result: ndarray,
    trace: ndarray,
) -> Motion:
    """The run at the step `last`, or at its end; its `result` so far, and its `trace` as far as that has rows.

    `belief` [m/s^2] and `wanted` [m] are tables over the speed, up to `top` [m/s]. `recorded` [m/s] are the speeds of a
    recorded lead, RECORDED_STEP apart; after its end they are NaN, or there are none.
    """
    set_speed, slowing = start[1], start[4]
    full_pressure, rated_gain = brakes
    road, ice = event_of(cars[0], car), event_of(cars[1], car)
    lead_on_road, lead_on_ice = event_of(cars[2], car), event_of(cars[3], car)
    k, own, lead, pressures, asked, radar, gap, lead_speed, x, lead_x, demand, correction, drive, ended = m
    demands, decelerations = memory.demands, memory.decelerations
    dead, second, ticks = max(int(road.dead_time / step), 1), int(JERK_TIME / step), round(TICK / step)
    while not ended and k < last:
        time = k * step
        before = lead_speed
        if scene == LEAD_BRAKES and time > BEGAN:
            e = lead_on_ice if patch[0] < lead_x < patch[1] else lead_on_road
            lead = driven(e, lead, pressure_at(lead_on_road, time - BEGAN), 0.0, step)
            lead_speed = lead.speed
        elif scene == SLOW_DOWN:
            lead_speed = max(start[3] - slowing * max(time - BEGAN, 0.0), SLOWED * start[3])
        elif scene == RECORDED:
            lead_speed = recorded_speed(recorded, time)
        lead_x += 0.5 * (before + lead_speed) * step
        coast = resistance(road, own.speed)
        if k % ticks == 0:
            radar = measured(memory.gaps, memory.speeds, k // ticks, gap, lead_speed, radar)
            seen = radar.gap - (own.speed - radar.speed) * TICK * RADAR_TICKS
            stands = scene == OBSTACLE
            ahead = max(seen, 0.0) if seen < (OBSTACLE_RANGE if stands else LEAD_RANGE) else np.inf
            asked = planned(
                asked, own.speed, set_speed, np.inf if stands else ahead, radar.speed, radar.deceleration,
                ahead if stands else np.inf, at(belief, own.speed, top), at(wanted, own.speed, top), TICK,
            )  # fmt: skip
            braking = -asked.acceleration - coast
            if asked.emergency:
                demand, drive, correction, result[EMERGENCY] = full_pressure, 0.0, 0.0, 1.0
            elif braking > COASTING:
                missing = -asked.acceleration - decelerations[(k - 1) % MEMORY]
                correction = min(max(correction + PRESSURE_GAIN * TICK * missing, -30.0), 120.0)
                demand, drive = min(max(braking * road.mass / rated_gain + correction, 0.0), full_pressure), 0.0
            else:
                demand, correction = 0.0, 0.0
                drive += TICK / DRIVE_LAG * (min(max(-braking, 0.0), MOST_DRIVE) - drive)
        demands[k % MEMORY] = demand
        pressures = pressed(road, pressures, demands[(k - dead) % MEMORY] if k >= dead else 0.0, step)
        before = own.speed
        own = driven(ice if patch[0] < x < patch[1] else road, own, pressures.caliper, drive, step)
        decel = (before - own.speed) / step
        x += 0.5 * (before + own.speed) * step
        gap = lead_x - x
        if before > 1.0:
            result[PEAK] = max(result[PEAK], decel)
            if k >= second:
                result[JERK] = max(result[JERK], (decel - decelerations[(k - second) % MEMORY]) / JERK_TIME)
        decelerations[k % MEMORY] = decel
        if np.isnan(result[ONSET]) and time > BEGAN and decel > ACTS + max(coast, 0.0):
            result[ONSET] = time - BEGAN
        if k % TRACE_STEPS == 0 and k // TRACE_STEPS < len(trace):
            trace[k // TRACE_STEPS] = np.array([time, gap, own.speed, lead_speed, decel])
        result[LEAST] = min(result[LEAST], gap)
        k += 1
        if gap <= 0.0:
            result[COLLIDED], result[IMPACT] = 1.0, own.speed - lead_speed
        ended = gap <= 0.0 or over(scene, time, own.speed, lead_speed) or k * step >= longest
        if scene == RECORDED and np.isnan(recorded_speed(recorded, k * step)):
            ended = True
    result[REST], result[DURATION] = gap, k * step
    return Motion(k, own, lead, pressures, asked, radar, gap, lead_speed, x, lead_x, demand, correction, drive, ended)
