"""Pairs of cars on one road: what is true of both, how each of them brakes, and what the plant needs of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.random import Generator

from acc_decel.acc.curve import Curve
from acc_decel.acc.trial.roads import ALL_ROADS, PATCH_C, SPEED_SPREAD, Road
from acc_decel.dataset import CAUSES
from acc_decel.factors import FACTORS
from acc_decel.physics import LATENTS, Vehicle, stops, vehicle, vehicle_names
from acc_decel.physics.equations import Event

Columns = dict[str, ndarray]
LEVELS = {f.name: f.levels for f in FACTORS if f.levels}
TYRES_WARM, TYRES_COLD = (0.60, 0.25, 0.15), (0.02, 0.18, 0.80)  # summer, all-season, winter; a guess
TRUE_SPEEDS = 12  # at which full stops are simulated, to a curve


@dataclass(frozen=True)
class Cars:
    """One side of the pairs: true factors, latents, how the cars brake, and their events for the plant.

    `curve` is that of full braking, for speeds up to the fastest run; `friction` the peak friction. `events` and
    `on_ice` [fields, cars] are the inputs of the equations on the road, and on a patch of ice.
    """

    factors: Columns
    latents: Columns
    curve: Curve
    friction: Float[ndarray, " cars"]
    events: Float[ndarray, "fields cars"]
    on_ice: Float[ndarray, "fields cars"]
    curve_on_ice: Curve | None


@dataclass(frozen=True)
class Pairs:
    """Pairs on one road: the own cars, all of one platform, and their leads, each of the `platform` of this number."""

    road: str
    own: Cars
    lead: Cars
    platform: Int[ndarray, " pairs"]

    @property
    def speed(self) -> Float[ndarray, " pairs"]:
        """The speed that the driver has set [m/s]."""
        return self.own.factors["speed"]


def draw_pairs(road: str, pairs: int, *, own: Vehicle, rng: Generator, patch: bool = False) -> Pairs:
    """`pairs` of cars on `road`: latents drawn for each, those of the road shared; the lead any shipped platform.

    With `patch` both also get their events on a patch of ice.
    """
    place = ALL_ROADS[road]
    here = _road_factors(place, pairs, rng)
    latents = {latent.name: rng.standard_normal(pairs) for latent in LATENTS}
    others = {name: rng.standard_normal(pairs) for name in latents}
    others |= {latent.name: latents[latent.name] for latent in LATENTS if latent.of_the_road}
    own_factors = here | _car_factors(own, place, pairs, rng) | _handicap(own, place, pairs, rng)
    names = vehicle_names()
    platform = rng.integers(0, len(names), pairs)
    lead_factors = {name: np.empty(pairs) for name in own_factors} | here
    for i, name in enumerate(names):
        rows = np.flatnonzero(platform == i)
        for factor, column in _car_factors(vehicle(name), place, len(rows), rng).items():
            lead_factors[factor][rows] = column
    return Pairs(
        road,
        _cars([(own, np.arange(pairs))], own_factors, latents, place, patch=patch),
        _cars(
            [(vehicle(name), np.flatnonzero(platform == i)) for i, name in enumerate(names)],
            lead_factors, others, place, patch=patch,
        ),
        platform,
    )  # fmt: skip


def _road_factors(road: Road, pairs: int, rng: Generator) -> Columns:
    """What both cars have in common."""
    warmest = 2.0 if road.cold else 60.0
    return {
        "speed": road.speed * rng.uniform(*SPEED_SPREAD, pairs),
        "grade": np.clip(road.grade + rng.normal(0, 0.008, pairs), -0.2, 0.2),
        "headwind": np.clip(rng.normal(0, 3, pairs), -15, 15),
        "surface": np.full(pairs, float(LEVELS["surface"].index(road.surface))),
        "water_film_mm": road.water_film_mm * rng.uniform(0.6, 1.4, pairs),
        "road_temperature_c": np.minimum(road.road_temperature_c + rng.normal(0, 3, pairs), warmest),
    }


def _car_factors(car: Vehicle, road: Road, cars: int, rng: Generator) -> Columns:
    """Cars of one platform with their own load, tyres and brakes, braking fully."""
    kerb, gross = car.body.kerb_mass, car.body.gross_mass
    return {
        "mass": kerb + (0.10 + 0.6 * rng.random(cars) ** 2) * (gross - kerb),
        "brake_temperature_c": np.clip(rng.normal(110, 60, cars), 20, 300),
        "tyre_kind": rng.choice(3, cars, p=TYRES_COLD if road.cold else TYRES_WARM).astype(float),
        "tread_depth_mm": np.clip(rng.normal(5.5, 1.6, cars), 1.6, 8.0),
        "tyre_pressure_bar": np.clip(rng.normal(2.4, 0.12, cars), 1.8, 3.0),
        "abs": np.ones(cars),
        "brake_pressure_bar": np.full(cars, car.brakes.full_pressure_bar),
    }


def _handicap(car: Vehicle, road: Road, cars: int, rng: Generator) -> Columns:
    """What is wrong with the own car on this road."""
    gross = {"mass": car.body.gross_mass}
    return {name: value * gross.get(name, 1.0) * rng.uniform(0.95, 1.0, cars) for name, value in road.handicap.items()}


def _cars(
    platforms: list[tuple[Vehicle, ndarray]], factors: Columns, latents: Columns, road: Road, *, patch: bool
) -> Cars:
    """How cars brake, those of each platform in the rows that are given with it."""
    speeds = road.top_speed * np.arange(1, TRUE_SPEEDS + 1) / TRUE_SPEEDS
    curve, friction, events = _braking(platforms, factors, latents, speeds)
    if not patch:
        return Cars(factors, latents, curve, friction, events, events, None)
    icy = np.full(len(friction), float(LEVELS["surface"].index("ice")))
    frozen = factors | {"surface": icy, "road_temperature_c": np.full(len(friction), PATCH_C)}
    curve_on_ice, _, on_ice = _braking(platforms, frozen, latents, speeds)
    return Cars(factors, latents, curve, friction, events, on_ice, curve_on_ice)


def _braking(
    platforms: list[tuple[Vehicle, ndarray]], factors: Columns, latents: Columns, speeds: ndarray
) -> tuple[Curve, ndarray, ndarray]:
    """Curves of full braking, peak friction, and events [fields, cars]."""
    cars = len(factors["speed"])
    decelerations, delays, friction = np.empty((cars, len(speeds))), np.empty((cars, len(speeds))), np.empty(cars)
    fields: list[ndarray] = []
    places: list[ndarray] = []
    for car, rows in platforms:
        if not len(rows):
            continue
        each, speed = np.repeat(rows, len(speeds)), np.tile(speeds, len(rows))
        answers = _stops(car, factors, latents, each, speed=speed)
        shape = len(rows), len(speeds)
        decelerations[rows], delays[rows] = (answers[k].reshape(shape) for k in ("deceleration", "delay"))
        friction[rows] = answers["peak_friction"].reshape(shape)[:, 0]
        fields.append(_events(car, factors, latents, rows))
        places.append(rows)
    events = np.empty((len(fields[0]), cars))
    events[:, np.concatenate(places)] = np.concatenate(fields, axis=1)
    return Curve.of_decelerations(speeds, decelerations, delays), friction, events


def _events(car: Vehicle, factors: Columns, latents: Columns, rows: ndarray) -> ndarray:
    """The inputs of the equations [fields, cars]."""
    records: list[ndarray] = []
    _stops(car, factors, latents, rows, speed=factors["speed"][rows], on_events=records.append)
    return np.stack([records[0][name] for name in Event._fields])


def _stops(
    car: Vehicle,
    factors: Columns,
    latents: Columns,
    rows: ndarray,
    *,
    speed: ndarray,
    on_events: Callable[[ndarray], None] = lambda _: None,
) -> Columns:
    """Full stops of these rows from these speeds [m/s]."""
    columns = {f.name: factors[f.name][rows] for f in CAUSES} | {"speed": speed}
    return stops(car, on_events, **columns, latents={name: column[rows] for name, column in latents.items()})
