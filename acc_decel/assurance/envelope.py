"""The maximum deceleration that physics allows, and how often the network needs its last clamp to stay below it."""

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.assurance.ranges import unclamped
from acc_decel.constants import AIR_DENSITY, GRAVITY
from acc_decel.dataset import sensed_events
from acc_decel.network import DenseNet
from acc_decel.physics import SURFACES, Vehicle, tyre
from acc_decel.physics.braking import GUST_SPREAD, TYRE_SPREAD

SCORES = 3.0  # standard deviations of all latents of friction together: 999 roads and tyres of 1000 are below
EVENTS = 50_000  # of the trained domain, on which the clamp is observed


def max_deceleration(vehicle: Vehicle) -> dict[str, float]:
    """The maximum mean deceleration [m/s^2] that physics allows `vehicle`: its parts and their `total`.

    Friction: the best surface, tyre kind and road temperature, SCORES above typical, at the lightest load. With load
    sensitivity k < 0 the axle forces mu (1 + k (N_i / R_i - 1)) N_i add up to at most mu N (1 + k (N / R - 1)),
    N and R the sums over both axles, by the inequality of Cauchy and Schwarz. Grade: uphill, g sin. Drag: that of the
    lightest car averaged over the distance, from the highest speed v against the strongest wind w: at constant
    deceleration v^2 / 2 + 4 / 3 w v + w^2, and less if the car slows down faster at first. A trailer adds its drag
    area, and the mass that its own brakes do not stop. The friction part neglects that mass.
    """
    ranged = {f.name: f for f in vehicle.factors}
    body = vehicle.body
    grade, speed = ranged["grade"].high, ranged["speed"].high
    rated = 0.5 * (body.kerb_mass + body.gross_mass)
    light = 1 + vehicle.tyres.load_sensitivity * (body.kerb_mass / np.hypot(1, grade) / rated - 1)
    wind = ranged["headwind"].high + SCORES * GUST_SPREAD
    area, mass = body.drag_area, body.kerb_mass
    if vehicle.trailer is not None:
        area += vehicle.trailer.drag_area
        mass += (1 - vehicle.trailer.braked_share) * vehicle.trailer.mass
    drag = 0.5 * AIR_DENSITY * area / mass * (speed**2 / 2 + 4 / 3 * wind * speed + wind**2)
    parts = {
        "friction": max_friction(vehicle) * light * GRAVITY,
        "grade": GRAVITY * grade / np.hypot(1, grade),
        "drag": drag,
        "rolling": body.rolling_resistance * max(s.rolling for s in SURFACES.values()) * GRAVITY,
    }
    return {name: float(part) for name, part in parts.items()} | {"total": float(sum(parts.values()))}


def max_friction(vehicle: Vehicle) -> float:
    """The maximum friction of any surface with any tyre, SCORES above typical; water, speed and slip only reduce it.

    The grip of a compound is linear between the temperatures of its table, so its maximum is at one of them.
    """
    ranged = {f.name: f for f in vehicle.factors}
    grip = max(vehicle.tyres.dry_grip, vehicle.tyres.wet_grip)
    tread, road = ranged["tread_depth_mm"], ranged["road_temperature_c"]
    compounds = {kind: max(tyre.DRY_COMPOUND[kind] + tyre.WET_COMPOUND[kind]) for kind in ranged["tyre_kind"].levels}
    best = 0.0
    for surface in SURFACES.values():
        spread = float(np.exp(SCORES * np.hypot(surface.scatter, TYRE_SPREAD)))
        for friction, compound in zip(surface.friction, compounds.values(), strict=True):
            if surface.frozen:
                cold = tyre.frozen_grip(np.array([road.low]), surface.cold_gain)
                grip_ratio = float((cold * tyre.wear_snow(np.array([tread.high])))[0])
            else:
                grip_ratio = compound * float(tyre.wear_dry(np.array([tread.low]))[0])
            best = max(best, friction * grip_ratio * spread)
    return best * grip


def domain_events(vehicle: Vehicle, events: int, *, seed: int = 99) -> Float32[ndarray, "events columns"]:
    """Sensed events of the trained domain, from a seed that no released model was trained with."""
    return sensed_events(vehicle, seed=seed, first=0, events=events).columns


def clamped_shares(net: DenseNet, columns: Float32[ndarray, "events columns"]) -> dict[str, float]:
    """Share of the events in which the last clamp changes an output, by output."""
    changed = net(columns) != unclamped(net)(columns)
    return dict(zip(net.outputs, changed.mean(axis=0).tolist(), strict=True))


def same_vehicle(vehicle: Vehicle, digest: str) -> bool:
    """Whether `vehicle` has this `digest`, stored with the dataset of a model."""
    return vehicle.digest == digest
