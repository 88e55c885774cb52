"""How many full stops a CPU second computes: ours, the same equations in NumPy and in SciPy, and a peer.

    python benchmarks/physics.py [--json]

Method: CPU time of this process (all threads together), the best of three runs after one that compiles; every method in
the same run. Nominal is a stop from 100 km/h on dry asphalt with ABS; mixed are the training scenarios. NumPy runs the
very functions of acc_decel.physics.integration on whole columns, at the same steps. SciPy solves the same equations,
compiled by Numba, one stop at a time: LSODA, the quickest of its methods here, at a tolerance of 1e-3, where it is
0.05 % of the distance off the tight solution (ours: 0.005 % at the median, 0.07 % in 95 of 100 mixed events, by
accuracy.py). With equations called from Python and at 1e-6, as this benchmark once did, SciPy takes five times as long.
The peer is the single-track model with wheel slip of commonroad-vehicle-models 3.0.2, pure Python as it comes,
its vehicle read beforehand, by SciPy's odeint at the same tolerance, at a demand of 5 m/s^2, because it fails once a
wheel would lock: another model, so the ratio is of effort, not of method.
"""

import argparse
import json
import os
import resource
import time
import types
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from rich.console import Console
from rich.table import Table
from scipy.integrate import odeint, solve_ivp

from acc_decel.dataset import scenarios
from acc_decel.physics import braking, equations, integration, stops, vehicle
from acc_decel.physics.equations import abs_rate, pressure_at, rates

EVENTS = 65_536
NUMPY_EVENTS, SCIPY_EVENTS, PEER_EVENTS = 2_048, 100, 30
TOLERANCE = 1e-3  # relative, and absolute
CAR = vehicle("compact")
NOMINAL = {
    "speed": 100 / 3.6,
    "brake_pressure_bar": 160.0,
    "mass": 1450.0,
    "brake_temperature_c": 80.0,
    "grade": 0.0,
    "headwind": 0.0,
    "surface": 0.0,
    "water_film_mm": 0.0,
    "road_temperature_c": 20.0,
    "tyre_kind": 0.0,
    "tread_depth_mm": 8.0,
    "tyre_pressure_bar": 2.4,
    "abs": 1.0,
}


def nominal(events: int) -> dict[str, np.ndarray]:
    """Columns of the nominal stop."""
    return {name: np.full(events, value) for name, value in NOMINAL.items()}


def prepared(columns: dict[str, np.ndarray], latents: dict[str, np.ndarray] | None = None) -> np.ndarray:
    """The events as the integration gets them: rows as Event."""
    seen: list[np.ndarray] = []
    compiled = braking.stops_of
    braking.stops_of = lambda events, answers: (seen.append(events), compiled(events, answers))  # type: ignore[assignment]
    try:
        stops(CAR, **columns, latents=latents)
    finally:
        braking.stops_of = compiled
    return seen[0]


def per_second(
    events: int, work: Callable[[], object], repeats: int = 3, clock: Callable[[], float] = time.process_time
) -> float:
    """Events per second of the clock, the best of some runs."""
    return events / min(_seconds(work, clock) for _ in range(repeats))


def _seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    work()
    return clock() - start


def in_numpy() -> types.SimpleNamespace:
    """The functions of the physics, uncompiled, on columns: the same source, other meanings of two names."""
    names = {"pick": np.where, "exponential": np.exp}
    source = {**vars(equations), **vars(integration)}
    scope: dict[str, Any] = {**source, **names}
    for name, thing in source.items():
        if hasattr(thing, "py_func") and not thing.py_func.__closure__ and name not in names:
            scope[name] = types.FunctionType(thing.py_func.__code__, scope, name)
    return types.SimpleNamespace(**scope)


def numpy_stops(n: types.SimpleNamespace, events: np.ndarray) -> np.ndarray:
    """The stops of all events at once; returns the decelerations [m/s^2]."""
    e = n.Event(*events)
    s = n.begun(e)
    for i in range(1, int(n.settling_time(e).max() / n.BUILD_UP_STEP) + 2):
        later = n.stepped(e, s, n.pressure_at(e, (i + 0.5) * n.BUILD_UP_STEP), n.BUILD_UP_STEP)
        s = n.chosen((i - 1) * n.BUILD_UP_STEP < n.settling_time(e), later, s)
    s, i = n.resumed(e, s, e.demand), 0
    built = s.speed, s.distance, s.decel
    while (more := n.going(s, i * e.step)).any():
        s, i = n.chosen(more, n.stepped(e, s, e.demand, e.step), s), i + 1
    return n.answer(e, s, *built, s.front_c).deceleration


@njit(error_model="numpy")
def limited(slip: float, free: float, target: float) -> float:
    """Slip rate [1/s] that the ABS lets through, curved near rolling and locking so that the slip stays between."""
    return max(min(free, abs_rate(slip, target), (1.0 - slip) / 1e-3), -slip / 1e-3)


@njit(error_model="numpy")
def right_hand_side(now: float, y: np.ndarray, e: equations.Event) -> np.ndarray:
    """Rates of distance, speed, slips and disc temperatures, with ABS."""
    decel, front, _, rear, _, front_k, rear_k = rates(e, y[1], y[2], y[3], y[4], y[5], pressure_at(e, now), 0.0)
    slips = limited(y[2], front, e.front_target), limited(y[3], rear, e.rear_target)
    return np.array([y[1], -decel, *slips, front_k, rear_k])


def scipy_stop(event: equations.Event, tolerance: float = TOLERANCE) -> float:
    """Distance [m] of one stop by LSODA."""

    def slow(_: float, y: np.ndarray, *__: object) -> float:
        return float(y[1] - equations.SLOW)

    slow.terminal = True  # type: ignore[attr-defined]
    start = [0.0, event.speed, 0.0, 0.0, event.front_disc_c, event.rear_disc_c]
    tolerances = {"rtol": tolerance, "atol": tolerance}
    way = solve_ivp(right_hand_side, (0, 60), start, method="LSODA", events=slow, args=(event,), **tolerances)
    return float(way.y[0, -1])


def peer(demand: float = 5.0, tolerance: float = TOLERANCE) -> Callable[[], float]:
    """The peer's stop from 100 km/h, which returns the final speed [m/s]; ImportError if the peer is not installed."""
    from vehiclemodels.init_std import init_std
    from vehiclemodels.parameters_vehicle2 import parameters_vehicle2
    from vehiclemodels.vehicle_dynamics_std import vehicle_dynamics_std

    car = parameters_vehicle2()
    start, end = init_std([0.0, 0.0, 0.0, 100 / 3.6, 0.0, 0.0, 0.0], car), 100 / 3.6 / demand

    def stop() -> float:
        dynamics = lambda x, _: vehicle_dynamics_std(x, [0.0, -demand], car)  # noqa: E731
        return float(odeint(dynamics, start, [0.0, end], rtol=tolerance, atol=tolerance)[-1, 3])

    return stop


def measured() -> dict[str, float]:
    """All figures."""
    mixed_columns, latents = scenarios(CAR.factors, seed=1, first=0, events=EVENTS)
    easy, mixed = prepared(nominal(EVENTS)), prepared(mixed_columns, latents)
    answers = np.empty((3, EVENTS))
    n = in_numpy()
    plain = numpy_stops(n, easy[:, :64])
    integration.stops_of(easy[:, :64].copy(), check := np.empty((3, 64)))
    if not np.allclose(plain, check[0], rtol=1e-6):
        raise RuntimeError(f"NumPy must reach the compiled answer. Got {plain[0]} and {check[0, 0]}.")
    event = equations.Event(*easy[:, 0].tolist())
    peer_stop = peer()
    scipy_stop(event), peer_stop()
    told = {
        "nominal_events_per_cpu_second": per_second(EVENTS, lambda: integration.stops_of(easy, answers)),
        "mixed_events_per_cpu_second": per_second(EVENTS, lambda: integration.stops_of(mixed, answers)),
        "events_per_second": per_second(EVENTS, lambda: integration.stops_of(mixed, answers), clock=time.perf_counter),
        "numpy_nominal": per_second(NUMPY_EVENTS, lambda: numpy_stops(n, easy[:, :NUMPY_EVENTS])),
        "scipy_nominal": per_second(SCIPY_EVENTS, lambda: [scipy_stop(event) for _ in range(SCIPY_EVENTS)]),
        "commonroad_nominal": per_second(PEER_EVENTS, lambda: [peer_stop() for _ in range(PEER_EVENTS)]),
        "cores": float(os.cpu_count() or 1),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    for name in ("numpy", "scipy", "commonroad"):
        told[f"ratio_{name}"] = told["nominal_events_per_cpu_second"] / told[f"{name}_nominal"]
    return told


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print for a program")
    asked = parser.parse_args()
    told = measured()
    if asked.json:
        print(json.dumps(told, indent=1))
        return
    table = Table(title="full stops per CPU second", title_justify="left")
    for column in ("method", "100 to 0 km/h", "mixed", "ours is faster by"):
        table.add_column(column, justify="left" if column == "method" else "right")
    mixed = f"{told['mixed_events_per_cpu_second']:,.0f}"
    table.add_row("acc_decel", f"{told['nominal_events_per_cpu_second']:,.0f}", mixed, "")
    names = {"numpy": "the same in NumPy", "scipy": "the same in SciPy LSODA", "commonroad": "commonroad STD"}
    for name, text in names.items():
        table.add_row(text, f"{told[f'{name}_nominal']:,.1f}", "", f"{told[f'ratio_{name}']:,.0f}")
    Console().print(table)
    print(
        f"mixed, all {told['cores']:.0f} cores: {told['events_per_second']:,.0f} events a second; "
        f"peak memory {told['peak_memory_mb']:.0f} MB"
    )


if __name__ == "__main__":
    main()
