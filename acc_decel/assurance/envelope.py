"""What a road car can do at most, and how often the network needs its last clamp to stay within it."""

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.assurance.ranges import unclamped
from acc_decel.dataset import sensed_events
from acc_decel.network import DenseNet
from acc_decel.physics import AIR_DENSITY, GRAVITY, SURFACES, Vehicle, tyre
from acc_decel.physics.braking import GUST_SPREAD, TYRE_SPREAD

SCORES = 3.0  # standard deviations of what no sensor knows, all friction together: 999 roads and tyres of 1000
EVENTS = 50_000  # within the trained domain, on which the clamp is watched


def greatest_deceleration(vehicle: Vehicle) -> dict[str, float]:
    """The greatest mean deceleration [m/s^2] that the physics allows `vehicle`, by its parts and as their `total`.

    Friction: the best surface, tyre kind and road temperature, SCORES above the typical, at the lightest load. With
    load sensitivity k < 0 the axle forces mu (1 + k (N_i / R_i - 1)) N_i add up to at most mu N (1 + k (N / R - 1)),
    N and R the sums over both axles, by the inequality of Cauchy and Schwarz. Grade: uphill, g sin. Drag: that of the
    lightest car averaged over the distance, from the highest speed v against the strongest wind w: at constant
    deceleration v^2 / 2 + 4 / 3 w v + w^2, and less if the car slows down faster at first. A trailer adds its drag
    area, and the mass that its own brakes leave to the car. The friction part neglects that mass.
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
        "friction": greatest_friction(vehicle) * light * GRAVITY,
        "grade": GRAVITY * grade / np.hypot(1, grade),
        "drag": drag,
        "rolling": body.rolling_resistance * max(s.rolling for s in SURFACES.values()) * GRAVITY,
    }
    return {name: float(part) for name, part in parts.items()} | {"total": float(sum(parts.values()))}


def greatest_friction(vehicle: Vehicle) -> float:
    """The greatest friction of any surface with any tyre, SCORES above the typical; water, speed and slip only lessen.

    The compound's grip is linear between the temperatures of its table, so one of them is the best.
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
                grown = float((cold * tyre.wear_snow(np.array([tread.high])))[0])
            else:
                grown = compound * float(tyre.wear_dry(np.array([tread.low]))[0])
            best = max(best, friction * grown * spread)
    return best * grip


def domain_events(vehicle: Vehicle, events: int, *, seed: int = 99) -> Float32[ndarray, "events columns"]:
    """Events of the trained domain as sensors see them, of a seed that no released model was trained with."""
    return sensed_events(vehicle, seed=seed, first=0, events=events).columns


def clamped_share(net: DenseNet, columns: Float32[ndarray, "events columns"]) -> float:
    """Share of the events in which the last clamp changes some output."""
    return float((net(columns) != unclamped(net)(columns)).any(axis=1).mean())


def same_vehicle(vehicle: Vehicle, digest: str) -> bool:
    """Whether `vehicle` is the one whose `digest` the dataset of a model noted."""
    return vehicle.digest == digest
