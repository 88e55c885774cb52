"""One braking event over time, for plots: the same steps as `stops`, but every state is kept."""

import numpy as np
from numpy import ndarray

from acc_decel.physics.braking import Columns, stops
from acc_decel.physics.equations import Event, pressure_at
from acc_decel.physics.integration import (
    BUILD_UP_STEP,
    CRAWLING,
    State,
    begun,
    going,
    resumed,
    settling_time,
    stepped,
)
from acc_decel.physics.vehicle import Vehicle


def history(vehicle: Vehicle, latents: Columns | None = None, /, **factors: float) -> dict[str, ndarray]:
    """One stop of `vehicle` over time: columns from the demand to standstill, or until it no longer slows down.

    `factors` are those of `stops`, as single numbers. Columns: time [s], speed [m/s], distance [m], deceleration
    [m/s^2], front_slip, rear_slip, pressure_bar, front_disc_c and rear_disc_c [degC]. Below SLOW the deceleration stays
    constant until standstill, as in `stops`, so the last distance is the stopping distance.
    """
    events: list[ndarray] = []
    columns = {name: np.array([float(value)]) for name, value in factors.items()}
    stops(vehicle, events.append, **columns, latents=latents)
    e = Event(*(float(value) for value in events[0][0]))
    s = begun(e)
    rows = [_row(0.0, s, 0.0)]
    for i in range(1, int(settling_time(e) / BUILD_UP_STEP) + 2):
        s = State(*stepped(e, s, pressure_at(e, (i + 0.5) * BUILD_UP_STEP), BUILD_UP_STEP))
        rows.append(_row(i * BUILD_UP_STEP, s, pressure_at(e, i * BUILD_UP_STEP)))
        if s.speed == 0:
            break
    built = s = State(*resumed(e, s, e.demand))
    start, i = rows[-1][0], 0
    while going(s, i * e.step):
        s, i = State(*stepped(e, s, e.demand, e.step)), i + 1
        rows.append(_row(start + i * e.step, s, e.demand))
    if s.speed > 0 and min(s.decel, built.decel) >= CRAWLING:
        rows.append(_standstill(rows[-1][0], s, e.demand))
    return dict(zip(HISTORY, np.array(rows).T, strict=True))


HISTORY = (
    "time",
    "speed",
    "distance",
    "deceleration",
    "front_slip",
    "rear_slip",
    "pressure_bar",
    "front_disc_c",
    "rear_disc_c",
)


def _row(time: float, s: State, pressure: float) -> tuple[float, ...]:
    return time, s.speed, s.distance, s.decel, s.front, s.rear, pressure, s.front_c, s.rear_c


def _standstill(time: float, s: State, pressure: float) -> tuple[float, ...]:
    """The row of standstill, at the deceleration of `s`."""
    remaining = 0.5 * s.speed * s.speed / s.decel
    return _row(time + s.speed / s.decel, s._replace(speed=0.0, distance=s.distance + remaining), pressure)
