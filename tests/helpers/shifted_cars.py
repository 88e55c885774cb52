"""Cars that are not as their file says: stops of a shifted car, with the factors that its sensors believe."""

from dataclasses import dataclass, replace

import numpy as np
from numpy import ndarray

from acc_decel.adaptation import PARAMETERS, MeasurementNoise, with_parameters
from acc_decel.dataset import CAUSES, scenarios
from acc_decel.factors import FACTORS, column_names
from acc_decel.physics import LATENTS, Vehicle, stops

CAR_SCORES = ("tyre_score", "wet_score", "pad_score", "abs_score", "response_score")  # of the car, not of the stop
SERVICE_BAR, FULL_BAR = (15.0, 60.0), (100.0, 160.0)


@dataclass(frozen=True)
class Shift:
    """How a car differs from its file; shares unless a unit is named. Nothing of it is told to the model."""

    brakes: float = 0.0
    tyres: float = 0.0
    load: float = 0.0  # [kg]
    drag_area: float = 0.0  # [m^2]
    downhill: float = 0.0  # offset of the grade sensor [rise/run]


@dataclass(frozen=True)
class Stops:
    """Stops of a car: what is believed of them (physics' columns), and what was measured."""

    told: dict[str, ndarray]
    deceleration: ndarray  # [m/s^2]
    delay: ndarray  # [s]


def shifted(car: Vehicle, shift: Shift) -> Vehicle:
    gain, grip = 1 + shift.brakes, 1 + shift.tyres
    brakes = replace(
        car.brakes,
        front_torque_per_bar=gain * car.brakes.front_torque_per_bar,
        rear_torque_per_bar=gain * car.brakes.rear_torque_per_bar,
    )
    tyres = replace(car.tyres, dry_grip=grip * car.tyres.dry_grip, wet_grip=grip * car.tyres.wet_grip)
    return replace(
        car, brakes=brakes, tyres=tyres, body=replace(car.body, drag_area=car.body.drag_area + shift.drag_area)
    )


def believed(car: Vehicle, rng: np.random.Generator, count: int, bar: tuple[float, float]) -> dict[str, ndarray]:
    """Factors of `count` stops on dry or wet asphalt with `bar` of brake pressure."""
    drawn, _ = scenarios(car.factors, seed=int(rng.integers(2**31)), first=0, events=count)
    surface, tyre = ({f.name: f for f in FACTORS}[name].levels for name in ("surface", "tyre_kind"))
    mass = car.body.kerb_mass + (car.body.gross_mass - car.body.kerb_mass) * rng.uniform(0.2, 0.6, count)
    return drawn | {
        "speed": rng.uniform(8, 45, count),
        "brake_pressure_bar": rng.uniform(*bar, count),
        "mass": mass,
        "surface": np.full(count, float(surface.index("asphalt"))),
        "tyre_kind": np.full(count, float(tyre.index("summer"))),
        "water_film_mm": np.where(rng.random(count) < 0.6, 0.0, rng.exponential(0.5, count).clip(0, 3)),
        "tread_depth_mm": rng.uniform(5, 8, count),
        "abs": np.ones(count),
    }


def stopped(
    car: Vehicle, shift: Shift, rng: np.random.Generator, count: int, bar: tuple[float, float] = SERVICE_BAR
) -> Stops:
    """Stops of the shifted car on roads that differ from stop to stop."""
    told = believed(car, rng, count, bar)
    true = told | {"mass": told["mass"] + shift.load, "grade": told["grade"] - shift.downhill}
    _, unknown = scenarios(car.factors, seed=int(rng.integers(2**31)), first=0, events=count)
    unknown |= {name: np.zeros(count) for name in CAR_SCORES}
    answer = stops(shifted(car, shift), **true, latents=unknown)
    return Stops(told, answer["deceleration"], answer["delay"])


def columns(car: Vehicle, told: dict[str, ndarray]) -> ndarray:
    """The network's columns where every cause is told exactly; no estimate of friction."""
    count = len(told["speed"])
    parts = {
        f.name: np.eye(len(f.levels))[told[f.name].astype(int)] if f.levels else told[f.name][:, None] for f in CAUSES
    }
    every = [parts.get(f.name, np.full((count, len(f.columns)), np.nan)) for f in car.factors]
    return np.concatenate(every, axis=1).astype(np.float32).reshape(count, len(column_names(car.factors)))


def fitted_truth(
    car: Vehicle, rng: np.random.Generator, count: int, *, bar: tuple[float, float] = (15.0, 160.0)
) -> tuple[ndarray, Stops]:
    """Standard scores of a car drawn from the prior, and noisy measurements of its stops at known conditions."""
    scores = rng.standard_normal(len(PARAMETERS))
    told = believed(car, rng, count, bar)
    extra = next(p.value(s) for p, s in zip(PARAMETERS, scores, strict=True) if p.name == "extra_mass")
    unknown = {x.name: np.zeros(count) if x.name in CAR_SCORES else rng.standard_normal(count) for x in LATENTS}
    answer = stops(with_parameters(car, scores), **(told | {"mass": told["mass"] + extra}), latents=unknown)
    noise = MeasurementNoise()
    deceleration = answer["deceleration"] + noise.deceleration * rng.standard_normal(count)
    return scores, Stops(told, deceleration, answer["delay"] + noise.delay * rng.standard_normal(count))
