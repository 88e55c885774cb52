"""How far the time steps of the physics are from a tight solution of the same equations.

    python benchmarks/accuracy.py [--events 1000] [--json]

Method: random training scenarios (all surfaces, ABS on and off, latents). LSODA (SciPy, relative tolerance 1e-9)
carries each event from the demand to SLOW in one go; beyond that both take v^2 / (2 a). Scenarios are drawn until so
many events are compared; those that hardly stop (below 0.3 m/s^2) or start below 2 SLOW are left out and counted. The
load sensitivity looks at the deceleration itself, which the reference iterates.
"""

import argparse
import json

import numpy as np
from numba import njit
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.integrate import solve_ivp

from acc_decel.dataset import scenarios
from acc_decel.physics import integration, stops, vehicle
from acc_decel.physics.equations import SLOW, Event, abs_rate, pressure_at, rates

event_at = integration._event
TIGHT = {"method": "LSODA", "rtol": 1e-9, "atol": 1e-10}


@njit(error_model="numpy")
def limited(slip: float, free: float, target: float, abs_on: float) -> float:
    """Slip rate [1/s] that the ABS lets through, curved near rolling and locking so that the slip stays between."""
    rate = min(free, abs_rate(slip, target)) if abs_on > 0.5 else free
    return max(min(rate, (1.0 - slip) / 1e-3), -slip / 1e-3)


@njit(error_model="numpy")
def rhs(time: float, y: np.ndarray, events: np.ndarray, lane: int) -> np.ndarray:
    """Rates of distance, speed, slips and disc temperatures."""
    e = event_at(events, lane)
    pressure = pressure_at(e, time)
    now = rates(e, y[1], y[2], y[3], y[4], y[5], pressure, 0.0)
    for _ in range(6):
        now = rates(e, y[1], y[2], y[3], y[4], y[5], pressure, now[0])
    front = limited(y[2], now[1], e.front_target, e.abs_on)
    rear = limited(y[3], now[3], e.rear_target, e.abs_on)
    return np.array([y[1], -now[0], front, rear, now[5], now[6]])


def exact_distance(events: np.ndarray, lane: int) -> float:
    """Distance [m] from the demand to standstill; infinite if the car never gets there."""
    e = Event(*events[:, lane].tolist())

    def slow(_: float, y: np.ndarray, *__: object) -> float:
        return float(y[1] - min(SLOW, 0.5 * e.speed))

    slow.terminal = True  # type: ignore[attr-defined]
    kinks = (e.dead_time, e.dead_time + e.demand / e.pressure_rate, np.inf)
    y, start = np.array([0.0, e.speed, 0.0, 0.0, e.front_disc_c, e.rear_disc_c]), 0.0
    for stop in kinks:
        way = solve_ivp(rhs, (start, min(stop, 600.0)), y, events=slow, args=(events, lane), **TIGHT)
        y, start = way.y[:, -1], float(way.t[-1])
        if way.status == 1:
            # the rest of the way at the force of built-up brakes, as the definition says
            return float(y[0] - y[1] ** 2 / (2 * rhs(max(start, 10.0), y, events, lane)[1]))
    return float("inf")


def errors(events: int) -> dict[str, float]:
    """Relative errors of the stopping distance of `events` events, as quantiles."""
    seen: list[np.ndarray] = []
    columns, latents = scenarios((car := vehicle("compact")).factors, seed=11, first=0, events=2 * events)
    answer = stops(car, seen.append, **columns, latents=latents)
    table = np.stack([seen[0][name] for name in Event._fields])
    distance = answer["stopping_distance"]
    compared = np.isfinite(distance) & (answer["deceleration"] > 0.3) & (columns["speed"] > 2 * SLOW)
    chosen = np.flatnonzero(compared)[:events]
    found = [distance[i] / exact_distance(table, i) - 1 for i in track(chosen, description="LSODA", transient=True)]
    off = np.abs(found)
    left_out = int(chosen[-1]) + 1 - len(chosen)
    told = {"events": len(off), "left_out": left_out, "failures": int((~np.isfinite(found)).sum())}
    for name, share in {"median_pct": 0.5, "p95_pct": 0.95, "p99_pct": 0.99, "worst_pct": 1.0}.items():
        told[name] = float(100 * np.quantile(off, share))
    return told


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1000, help="events to compare")
    parser.add_argument("--json", action="store_true", help="print for a program")
    asked = parser.parse_args()
    told = errors(asked.events)
    if asked.json:
        print(json.dumps(told, indent=1))
        return
    table = Table("figure", "value", title="stopping distance against LSODA", title_justify="left")
    for name, value in told.items():
        table.add_row(name, f"{value:.4g}")
    Console().print(table)


if __name__ == "__main__":
    main()
