"""One straight-line braking event in time: the integration of the equations of motion.

State of an event: speed, slip of each axle, disc temperature of each axle. The state is slip, not wheel speed, because
an implicit step in wheel speed has a bias from the slope of the slip curve. A stop begins at the demand; the *build-up*
lasts until the pressure has settled; then the car brakes to standstill.

The deceleration is that of built-up brakes, v0^2 / (2 x). x has two parts: the distance from the end of the build-up to
standstill, and the distance from v0 to the speed at the end of the build-up, at the deceleration at that time. The
delay is the rest of the stopping distance over v0. So a stop that ends during the build-up has a deceleration, too.

Each step is second order: Heun's rule for speed and temperature; for the stiff slip a Rosenbrock step with the L-stable
(0, 2) Pade form of the exponential and the pressure at the middle of the step.

LANES events run in lockstep, one in each lane of a vector register; the equations are in equations.py.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numba import njit, prange
from numpy import ndarray

from acc_decel.physics import equations
from acc_decel.physics.equations import ABS_TIME, SLOW, Event, abs_rate, compiled, pick, pressure_at, rates

TIME_STEP = 0.005  # [s], of a short stop; for a longer one see `Event.step`
BUILD_UP_STEP = 0.0025  # [s], until the pressure has settled
CRAWLING = 0.05  # [m/s^2] a car that slows down by less counts as never stopping
MAX_DURATION = 240.0  # [s] after this the remaining distance is v^2 / (2 a)
SETTLING_LAGS = 4.0  # time constants of the hydraulic lag until the pressure counts as built up
LANES = 16  # events in lockstep; two vector registers of eight numbers on a current x86 core


class State(NamedTuple):
    """State during an event: what is integrated, and its rates, with which the next step begins."""

    speed: float
    distance: float
    front: float
    rear: float
    front_c: float
    rear_c: float
    decel: float
    front_rate: float
    front_slope: float
    rear_rate: float
    rear_slope: float
    front_heating: float
    rear_heating: float


class Answer(NamedTuple):
    """Result of a stop, see `braking.stops`."""

    deceleration: float
    delay: float
    peak_disc_c: float


@compiled
def relaxed(slip: float, rate: float, slope: float, step: float) -> float:
    """Slip one step later: L-stable second-order Rosenbrock step."""
    z = slope * step
    return slip + step * rate * (1.0 - 0.5 * z) / (1.0 - z + 0.5 * z * z)


@compiled
def advanced(e: Event, slip: float, rate: float, slope: float, target: float, step: float) -> float:
    """Slip one step later, between rolling (0) and locked (1); with ABS no more than the ABS allows.

    The ends of both steps are compared, not the rates: near equilibrium the free slip is so stiff that its rate does
    not show where the step ends.
    """
    free = relaxed(slip, rate, slope, step)
    held = relaxed(slip, abs_rate(slip, target), -1.0 / ABS_TIME, step)
    later = pick((e.abs_on > 0.5) & (held < free), held, free)
    later = pick(later > 0.0, later, 0.0)
    return pick(later < 1.0, later, 1.0)


@compiled
def resumed(e: Event, s: State, pressure: float) -> State:
    """The same state, with its rates at this pressure."""
    now = rates(e, s.speed, s.front, s.rear, s.front_c, s.rear_c, pressure, s.decel)
    return State(s.speed, s.distance, s.front, s.rear, s.front_c, s.rear_c, *now)


@compiled
def begun(e: Event) -> State:
    """The event at the demand: rolling at its initial speed."""
    zero = 0.0 * e.speed  # a column where e.speed is one
    start = State(e.speed, zero, zero, zero, e.front_disc_c, e.rear_disc_c, zero, zero, zero, zero, zero, zero, zero)
    return resumed(e, start, zero)


@compiled
def stepped(e: Event, s: State, pressure: float, step: float) -> State:
    """The event a `step` [s] later, with its rates at `pressure` [bar]; a car at standstill stays there."""
    front = advanced(e, s.front, s.front_rate, s.front_slope, e.front_target, step)
    rear = advanced(e, s.rear, s.rear_rate, s.rear_slope, e.rear_target, step)
    guess = s.speed - step * s.decel
    guess = pick(guess > 0.0, guess, 0.0)
    front_c = s.front_c + step * s.front_heating
    rear_c = s.rear_c + step * s.rear_heating
    end = rates(e, guess, front, rear, front_c, rear_c, pressure, s.decel)
    end_decel, _, _, _, _, end_front_heating, end_rear_heating = end
    mean = 0.5 * (s.decel + end_decel)
    stands = mean * step >= s.speed
    covered = pick(stands, 0.5 * s.speed * s.speed / pick(mean > 0.0, mean, 1.0), step * (s.speed - 0.5 * step * mean))
    moving = s.speed > 0.0
    half = pick(moving, 0.5 * step, 0.0)
    return State(
        pick(stands, 0.0, s.speed - step * mean),
        s.distance + pick(moving, covered, 0.0),
        front,
        rear,
        s.front_c + half * (s.front_heating + end_front_heating),
        s.rear_c + half * (s.rear_heating + end_rear_heating),
        *end,
    )


def _reader(kind: Any, first: int) -> Any:
    """A compiled function (table, lane) -> `kind`, whose fields are the rows of the table from `first` on.

    Numba does not vectorise a loop that unpacks a column of an array into a named tuple, so each field is written out.
    """
    rows = ", ".join(f"table[{first + k}, lane]" for k in range(len(kind._fields)))
    return compiled(eval(f"lambda table, lane: kind({rows})", {"kind": kind}))


_EVENT, _STATE = 0, len(Event._fields)  # first rows of the working table of a block of lanes
_BUILT = _STATE + len(State._fields)  # speed, distance and deceleration at the end of the build-up
_HOTTEST, _ACTIVE, _ROWS = _BUILT + 3, _BUILT + 4, _BUILT + 5
_event = _reader(Event, _EVENT)
_state = _reader(State, _STATE)


@compiled
def _put(table: ndarray, lane: int, s: State) -> None:
    """Write the state into its rows of the table."""
    table[_STATE, lane], table[_STATE + 1, lane], table[_STATE + 2, lane] = s.speed, s.distance, s.front
    table[_STATE + 3, lane], table[_STATE + 4, lane], table[_STATE + 5, lane] = s.rear, s.front_c, s.rear_c
    table[_STATE + 6, lane], table[_STATE + 7, lane] = s.decel, s.front_rate
    table[_STATE + 8, lane], table[_STATE + 9, lane] = s.front_slope, s.rear_rate
    table[_STATE + 10, lane], table[_STATE + 11, lane] = s.rear_slope, s.front_heating
    table[_STATE + 12, lane] = s.rear_heating


@compiled
def settling_time(e: Event) -> float:
    """Time [s] from the demand until the pressure counts as built up."""
    return e.dead_time + e.demand / e.pressure_rate + SETTLING_LAGS * e.lag


@compiled
def going(s: State, time: float) -> bool:
    """Whether the event needs another step after the build-up."""
    return (s.speed >= SLOW) & (s.decel >= CRAWLING) & (time < MAX_DURATION)


@compiled
def chosen(condition: bool, yes: State, no: State) -> State:
    """The state `yes` where `condition` holds, else `no`; then its rates, except the deceleration, are not valid."""
    return State(
        pick(condition, yes.speed, no.speed),
        pick(condition, yes.distance, no.distance),
        pick(condition, yes.front, no.front),
        pick(condition, yes.rear, no.rear),
        pick(condition, yes.front_c, no.front_c),
        pick(condition, yes.rear_c, no.rear_c),
        pick(condition, yes.decel, no.decel),
        yes.front_rate,
        yes.front_slope,
        yes.rear_rate,
        yes.rear_slope,
        yes.front_heating,
        yes.rear_heating,
    )


@compiled
def _build_up(table: ndarray) -> None:
    """Integrate all lanes from the demand until the pressure has settled."""
    longest = 0.0
    for lane in range(LANES):
        e = _event(table, lane)
        _put(table, lane, begun(e))
        longest = max(longest, settling_time(e))
    for i in range(1, int(longest / BUILD_UP_STEP) + 2):
        for lane in range(LANES):
            e, s = _event(table, lane), _state(table, lane)
            later = stepped(e, s, pressure_at(e, (i + 0.5) * BUILD_UP_STEP), BUILD_UP_STEP)
            _put(table, lane, chosen((i - 1) * BUILD_UP_STEP < settling_time(e), later, s))


@compiled
def _brake(table: ndarray) -> None:
    """Integrate all lanes from the end of the build-up until no event needs another step."""
    for lane in range(LANES):
        e = _event(table, lane)
        s = resumed(e, _state(table, lane), e.demand)
        table[_BUILT, lane], table[_BUILT + 1, lane], table[_BUILT + 2, lane] = s.speed, s.distance, s.decel
        table[_HOTTEST, lane] = pick(s.front_c > e.front_disc_c, s.front_c, e.front_disc_c)
        _put(table, lane, s)
    active, i = 1.0, 0
    while active > 0.0:
        for lane in range(LANES):
            e, s = _event(table, lane), _state(table, lane)
            more = going(s, i * e.step)
            later = stepped(e, s, e.demand, e.step)
            hottest = table[_HOTTEST, lane]
            table[_HOTTEST, lane] = pick(more & (later.front_c > hottest), later.front_c, hottest)
            table[_ACTIVE, lane] = pick(more, 1.0, 0.0)
            _put(table, lane, chosen(more, later, s))
        active, i = 0.0, i + 1
        for lane in range(LANES):
            active += table[_ACTIVE, lane]


@compiled
def answer(e: Event, s: State, speed: float, distance: float, decel: float, hottest: float) -> Answer:
    """Result of the stop, from its last state and from speed, distance and deceleration after the build-up."""
    stops = (s.decel >= CRAWLING) & (decel >= CRAWLING)
    # distance from v0 to `speed` if the brakes had been built up from the start
    lost = 0.5 * (e.speed * e.speed - speed * speed) / pick(stops, decel, 1.0)
    rest = s.distance - distance + 0.5 * s.speed * s.speed / pick(stops, s.decel, 1.0)
    mean = 0.5 * e.speed * e.speed / pick(stops, lost + rest, 1.0)
    rolling_on = e.dead_time + 0.5 * e.demand / e.pressure_rate + e.lag
    never = pick(s.decel < decel, s.decel, decel)
    return Answer(pick(stops, mean, never), pick(stops, (distance - lost) / e.speed, rolling_on), hottest)


def _on_all_cores(source: str) -> Any:
    """The compiled loop over blocks of lanes, cached on disk between runs where there is a folder to write to.

    `source`, the text of the equations, becomes part of the cache key. Numba itself only sees changes of this file.
    """

    def stops_of(events: ndarray, answers: ndarray) -> None:
        """See `stops_of` below."""
        answers[:, :1] = len(source)  # overwritten below; only a variable that is used becomes part of the key
        for block in prange(events.shape[1] // LANES):
            table = np.empty((_ROWS, LANES))
            table[:_STATE] = events[:, block * LANES : (block + 1) * LANES]
            _build_up(table)
            _brake(table)
            for lane in range(LANES):
                e, s = _event(table, lane), _state(table, lane)
                built = table[_BUILT, lane], table[_BUILT + 1, lane], table[_BUILT + 2, lane]
                result = answer(e, s, *built, table[_HOTTEST, lane])
                for k in range(3):
                    answers[k, block * LANES + lane] = result[k]

    def compiled(*, cache: bool) -> Any:
        return njit(parallel=True, nogil=True, cache=cache, error_model="numpy")(stops_of)

    try:
        return compiled(cache=True)
    except RuntimeError:  # neither beside the package nor in the user's folder may anything be written
        return compiled(cache=False)


_stops_of = _on_all_cores(Path(equations.__file__).read_text())


def stops_of(events: Float[ndarray, "fields events"], answers: Float[ndarray, "outputs events"]) -> None:
    """Fill `answers` (rows as Answer) for `events` (rows as Event, a multiple of LANES of them), on all cores.

    Neighbouring events should have about the same number of steps: the lanes of a block wait for the slowest.
    """
    _stops_of(events, answers)
