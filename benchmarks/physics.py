"""How many full stops a CPU second computes: ours, the same equations in NumPy and in SciPy, and a peer.

    python benchmarks/physics.py [--json]

Method: CPU time of this process (all threads together), the best of three runs after one that compiles; every method in
the same run. Nominal is a stop from 100 km/h on dry asphalt with ABS; mixed are the training scenarios. NumPy runs the
very functions of acc_decel.physics.integration on whole columns, at the same steps. LSODA (SciPy) solves the same
equations to a relative tolerance of 1e-6. The peer is the single-track model with wheel slip of
commonroad-vehicle-models 3.0.2, at a demand of 5 m/s^2, because it fails once a wheel would lock.
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
from rich.console import Console
from rich.table import Table
from scipy.integrate import odeint, solve_ivp

from acc_decel.dataset import scenarios
from acc_decel.physics import braking, equations, integration, stops, vehicle

EVENTS = 65_536
NUMPY_EVENTS, SCIPY_EVENTS, PEER_EVENTS = 2_048, 3, 3
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


def scipy_stop(event: equations.Event, tolerance: float = 1e-6) -> float:
    """Distance [m] of one stop by LSODA."""
    i = equations

    def rhs(now: float, y: np.ndarray) -> list[float]:
        decel, front, _, rear, _, front_k, rear_k = i.rates(event, *y[1:], i.pressure_at(event, now), 0.0)
        front, rear = (
            max(min(rate, i.abs_rate(slip, target), (1 - slip) / 1e-3), -slip / 1e-3)
            for rate, slip, target in ((front, y[2], event.front_target), (rear, y[3], event.rear_target))
        )
        return [y[1], -decel, front, rear, front_k, rear_k]

    def slow(_: float, y: np.ndarray) -> float:
        return float(y[1] - i.SLOW)

    slow.terminal = True  # type: ignore[attr-defined]
    start = [0.0, event.speed, 0.0, 0.0, event.front_disc_c, event.rear_disc_c]
    way = solve_ivp(rhs, (0, 60), start, method="LSODA", rtol=tolerance, atol=tolerance, events=slow)
    return float(way.y[0, -1])


def peer_stop(demand: float = 5.0) -> float:
    """Final speed [m/s] of the peer's stop from 100 km/h; ImportError if the peer is not installed."""
    from vehiclemodels.init_std import init_std
    from vehiclemodels.parameters_vehicle2 import parameters_vehicle2
    from vehiclemodels.vehicle_dynamics_std import vehicle_dynamics_std

    car = parameters_vehicle2()
    start = init_std([0.0, 0.0, 0.0, 100 / 3.6, 0.0, 0.0, 0.0], car)
    times = np.arange(0, 100 / 3.6 / demand, 0.01)
    way = odeint(lambda x, _: vehicle_dynamics_std(x, [0.0, -demand], car), start, times)
    return float(way[-1, 3])


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
    scipy_stop(event)
    told = {
        "nominal_events_per_cpu_second": per_second(EVENTS, lambda: integration.stops_of(easy, answers)),
        "mixed_events_per_cpu_second": per_second(EVENTS, lambda: integration.stops_of(mixed, answers)),
        "events_per_second": per_second(EVENTS, lambda: integration.stops_of(mixed, answers), clock=time.perf_counter),
        "numpy_nominal": per_second(NUMPY_EVENTS, lambda: numpy_stops(n, easy[:, :NUMPY_EVENTS]), 1),
        "scipy_nominal": per_second(SCIPY_EVENTS, lambda: [scipy_stop(event) for _ in range(SCIPY_EVENTS)], 1),
        "commonroad_nominal": per_second(PEER_EVENTS, lambda: [peer_stop() for _ in range(PEER_EVENTS)], 1),
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
