"""What a sensor is worth: the answer with named sets of factors known, by road, against knowing all.

From a model, and from the best answer that any network could give (the oracle). Needs the extra [train].
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from acc_decel.dataset import conditional_quantiles, scenarios, sense
from acc_decel.factors import FACTORS, Factor, column_names, slices
from acc_decel.outputs import DELAY, LOWER, QUANTILES, UPPER, stopping_distance
from acc_decel.physics import Vehicle, stops
from acc_decel.predictor import Predictor, unknown_factor
from acc_decel.status import OUTSIDE_DOMAIN

EVENTS, DRAWS = 50, 512  # on each road; situations that the oracle draws for each event
BLOCK = 16_384  # scenarios drawn at a time, of which those on the road are kept
MOST_BLOCKS = 256
SPEED = 100 / 3.6  # [m/s], of the standard stop
EVERYTHING, EVERY_CAR = "everything", "every car"
INTERVAL = (QUANTILES["deceleration_lower"], QUANTILES["deceleration_upper"])


@dataclass(frozen=True)
class Road:
    """A typical road, level and calm: its surface, and spans of other factors, within which they are even."""

    surface: str
    spans: Mapping[str, tuple[float, float]]


ROADS: dict[str, Road] = {
    "dry asphalt": Road("asphalt", {"water_film_mm": (0.0, 0.0)}),
    "wet asphalt": Road("asphalt", {"water_film_mm": (0.5, 1.5), "tread_depth_mm": (4.0, 8.0)}),
    "worn tyres in deep water": Road("asphalt", {"water_film_mm": (2.0, 4.0), "tread_depth_mm": (1.6, 3.0)}),
    "gravel": Road("gravel", {"water_film_mm": (0.0, 0.0)}),
    "packed snow": Road("packed_snow", {}),
    "ice": Road("ice", {}),
}

GIVEN_BY: dict[str, str] = {  # what gives a factor that is not always known; nothing in a car measures the headwind
    "mass": EVERY_CAR,
    "brake_temperature_c": EVERY_CAR,
    "grade": EVERY_CAR,
    "road_temperature_c": EVERY_CAR,
    "water_film_mm": "rain sensor",
    "surface": "camera",
    "tyre_kind": "tyre data",
    "tread_depth_mm": "tyre data",
    "tyre_pressure_bar": "tyre data",
    "friction_estimate": "friction estimator",
}


@dataclass(frozen=True)
class SensorWorth:
    """What is known with one set of factors on one road: means over its events, of the model and of the oracle.

    Widths and decelerations [m/s^2], distances [m]; the oracle's are NaN where it was not asked. A distance is
    infinite if in one of the events the car may not stop at all. `_more` is against knowing all.
    """

    set: str
    road: str
    events: int
    outside_domain: int  # of these events, those that the model flags so
    width: float  # of the 90 % interval of the deceleration
    deceleration_lower: float
    stopping_distance_upper: float
    stopping_distance_upper_more: float
    oracle_width: float
    oracle_deceleration_lower: float
    oracle_stopping_distance_upper: float  # with the delay of the model
    oracle_stopping_distance_upper_more: float


def sensor_sets() -> dict[str, tuple[str, ...]]:
    """The named sets: what every car has, the same with one further sensor, and everything. In the factors' order."""
    base = tuple(name for name, sensor in GIVEN_BY.items() if sensor == EVERY_CAR)
    sets = {EVERY_CAR: known_factors(base)}
    for sensor in dict.fromkeys(GIVEN_BY.values()):
        if sensor != EVERY_CAR:
            more = tuple(name for name, giver in GIVEN_BY.items() if giver == sensor)
            sets[f"with {sensor}"] = known_factors((*base, *more))
    return sets | {EVERYTHING: tuple(f.name for f in FACTORS)}


def known_factors(names: tuple[str, ...]) -> tuple[str, ...]:
    """The factors of a set, with those that are always known, because no answer goes without them.

    Raises ValueError for a name that is no factor, or that is there twice.
    """
    for i, name in enumerate(names):
        if name not in {f.name for f in FACTORS}:
            raise ValueError(unknown_factor(name))
        if name in names[:i]:
            raise ValueError(f"a set of factors must name each once. Got {name} twice: leave one out.")
    return tuple(f.name for f in FACTORS if not f.optional or f.name in names)


def with_own_sets(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The named sets with those of a user before everything. Raises ValueError as `own_set`, and for a name twice."""
    sets = sensor_sets()
    everything = sets.pop(EVERYTHING)
    for text in texts:
        name, factors = own_set(text)
        if name in sets:
            raise ValueError(f"a set of your own must have a name of its own. Got {name!r} twice: choose another name.")
        sets[name] = factors
    return sets | {EVERYTHING: everything}


def own_set(text: str) -> tuple[str, tuple[str, ...]]:
    """Name and factors of a set given as NAME=factor,factor. Raises ValueError for another form."""
    name, equals, factors = (part.strip() for part in text.partition("="))
    if not name or not equals or not factors:
        raise ValueError(f"a set of factors must be NAME=factor,factor. Got {text!r}.")
    if name in sensor_sets():
        raise ValueError(f"a set of your own must have a name of its own. Got {name!r}: choose another name.")
    return name, known_factors(tuple(factor.strip() for factor in factors.split(",")))


def check_road(name: str) -> str:
    """The name of a road. Raises ValueError if there is none of this name."""
    if name not in ROADS:
        raise ValueError(f"road must be one of {', '.join(ROADS)}. Got {name!r}.")
    return name


def road_events(
    vehicle: Vehicle, road: Road, question: Mapping[str, float], *, events: int, seed: int
) -> Float32[ndarray, "events columns"]:
    """Events on a road as sensors see them, every factor available: `question` sets factors, like the speed.

    Other factors are drawn as for the training data. Raises ValueError if hardly any event is on such a road.
    """
    parts: list[ndarray] = []
    for block in range(MOST_BLOCKS):
        if sum(map(len, parts)) >= events:
            break
        parts.append(_block_on_road(vehicle, road, question, seed=seed, first=block * BLOCK))
    columns = np.concatenate(parts)[:events]
    if len(columns) < events:
        raise ValueError(
            f"a road must have {events} events among {MOST_BLOCKS * BLOCK} drawn. Got {len(columns)}: ask for fewer."
        )
    return columns


def _block_on_road(
    vehicle: Vehicle, road: Road, question: Mapping[str, float], *, seed: int, first: int
) -> Float32[ndarray, "events columns"]:
    """The complete events on the road among one block of scenarios."""
    true, latents = scenarios(vehicle.factors, seed=seed, first=first, events=BLOCK)
    surface = next(f for f in vehicle.factors if f.name == "surface")
    on_road = true["surface"] == surface.levels.index(road.surface)
    true, latents = ({name: x[on_road].copy() for name, x in columns.items()} for columns in (true, latents))
    rng = np.random.default_rng((seed, first))
    for name, (low, high) in road.spans.items():
        true[name] = rng.uniform(low, high, int(on_road.sum()))
    for name, value in (dict.fromkeys(("grade", "headwind"), 0.0) | dict(question)).items():
        true[name][:] = value
    friction = stops(vehicle, **true, latents=latents)["peak_friction"]
    columns = sense(vehicle.factors, true, friction, seed=seed, first=first)
    return columns[~np.isnan(columns).any(axis=1)]


def masked(
    columns: Float32[ndarray, "events columns"], known: tuple[str, ...], factors: tuple[Factor, ...] = FACTORS
) -> Float32[ndarray, "events columns"]:
    """The events with only the `known` factors available."""
    hidden = columns.copy()
    for factor, own in zip(factors, slices(factors), strict=True):
        if factor.name not in known:
            hidden[:, own] = np.nan
    return hidden


def sensor_worths(
    predictor: Predictor,
    vehicle: Vehicle,
    sets: Mapping[str, tuple[str, ...]],
    roads: tuple[str, ...],
    *,
    question: Mapping[str, float],
    events: int = EVENTS,
    draws: int | None = DRAWS,
    seed: int = 1,
    on_set: Callable[[], None] = lambda: None,
) -> list[SensorWorth]:
    """What each set of factors is worth on each road; without the oracle if `draws` is None.

    The same events for every set. `on_set` is called after each set of a road.
    """
    worths = []
    for road in roads:
        columns = road_events(vehicle, ROADS[road], question, events=events, seed=seed)
        asked = []
        for name, known in (dict(sets) | {EVERYTHING: sensor_sets()[EVERYTHING]}).items():
            asked.append(_worth(predictor, vehicle, masked(columns, known), (name, road), draws, seed))
            on_set()
        worths += [against(worth, asked[-1]) for worth in asked if worth.set in sets]
    return worths


def against(worth: SensorWorth, everything: SensorWorth) -> SensorWorth:
    """The worth with its distances beyond those of knowing all; NaN where both are infinite."""
    with np.errstate(invalid="ignore"):
        return replace(
            worth,
            stopping_distance_upper_more=float(
                np.subtract(worth.stopping_distance_upper, everything.stopping_distance_upper)
            ),
            oracle_stopping_distance_upper_more=float(
                np.subtract(worth.oracle_stopping_distance_upper, everything.oracle_stopping_distance_upper)
            ),
        )


def _worth(
    predictor: Predictor, vehicle: Vehicle, columns: ndarray, name: tuple[str, str], draws: int | None, seed: int
) -> SensorWorth:
    outputs, status = predictor.predict_array(columns)
    best = np.full((len(columns), 2), np.nan)
    if draws is not None:
        best = conditional_quantiles(vehicle, columns, INTERVAL, rng=np.random.default_rng(seed), draws=draws)
    speed = columns[:, column_names().index("speed")].astype(float)
    delay = outputs[:, DELAY].astype(float)
    own = _means(speed, delay, outputs[:, LOWER].astype(float), outputs[:, UPPER].astype(float))
    oracle = _means(speed, delay, *best.T)
    flagged = int((status & OUTSIDE_DOMAIN != 0).sum())
    return SensorWorth(*name, len(columns), flagged, *own, np.nan, *oracle, np.nan)


def _means(
    speed: Float[ndarray, " events"],
    delay: Float[ndarray, " events"],
    lower: Float[ndarray, " events"],
    upper: Float[ndarray, " events"],
) -> tuple[float, float, float]:
    """Mean width of the interval and mean lower bound [m/s^2], and mean of the distance with the lower bound [m]."""
    distance = stopping_distance(speed, lower, delay)
    return float(np.mean(upper - lower)), float(np.mean(lower)), float(np.mean(distance))
