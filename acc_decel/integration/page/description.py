"""What the page shows, as plain values: cars with their factors, roads, sensors, lanes, outputs and status."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from acc_decel.factors import EXCLUSIONS, Factor, schema
from acc_decel.outputs import COMFORT_DECELERATION, OUTPUTS, QUANTILES
from acc_decel.status import (
    FLAGS,
    NOT_AVAILABLE_SHIFT,
    OUT_OF_RANGE_SHIFT,
    OUTSIDE_DOMAIN,
    REFUSED,
)

SPEED = "speed"  # the factor that a stopping distance needs beside the outputs
ROLES = {  # outputs with a place of their own in the pictures; every output is among the figures
    "lower_99": "deceleration_lower_99",
    "lower": "deceleration_lower",
    "median": "deceleration",
    "upper": "deceleration_upper",
    "delay": "delay",
}
SIGNS = {"degC": "°C", "m/s^2": "m/s²"}  # units as the page writes them, also within a sentence
OTHER_UNITS = ("km/h", "%", "psi")  # units that people use beside the SI unit
SUFFIXES = ("mm", "bar", "c")  # units at the end of a factor's name, which its label does not repeat


@dataclass(frozen=True)
class Road:
    """A road: values of factors by name, and those of the own car, relative to `Vehicle.full` where it has one."""

    name: str
    values: Mapping[str, float | str]
    handicap: Mapping[str, float]


@dataclass(frozen=True)
class Knowledge:
    """The optional factors that a set of sensors knows."""

    title: str
    factors: Sequence[str]


@dataclass(frozen=True)
class Arm:
    """A lane whose belief is constant: the own car reaches at least `own`, the lead at most `lead` [m/s^2].

    Its gap allows for `reaction` [s] and, for its brakes, `delay` [s]. The visitor sets both decelerations of an
    `adjustable` one.
    """

    name: str
    title: str
    own: float
    lead: float
    reaction: float
    delay: float
    adjustable: bool = False


@dataclass(frozen=True)
class TableRows:
    """The table by surface: its rows, and which of them holds for each level of `surface`, dry and wet by `film`."""

    rows: Sequence[str]
    surface: str
    film: str
    by_level: Sequence[Sequence[int]]
    delay: float


@dataclass(frozen=True)
class Lanes:
    """What the lanes need of the ACC: arms, constants [s, m, m/s^2], and speeds [m/s] of a stopping curve."""

    arms: Sequence[Arm]
    table: TableRows
    reaction: float
    rest_gap: float
    min_time_gap: float
    greatest_gap: float
    hardest: float
    assumed: float
    speeds: Sequence[float]


@dataclass(frozen=True)
class Setting:
    """What all cars of a page have in common: roads, the one to `start` with, sensors, and lanes.

    `over` is the factor that the fan shows first.
    """

    roads: Sequence[Road]
    start: str
    over: str
    knowledge: Sequence[Knowledge]
    lanes: Lanes


@dataclass(frozen=True)
class Table:
    """Decelerations [m/s^2] of the table by surface for one car: what own cars reach at least, and leads at most."""

    own: Sequence[float]
    lead: Sequence[float]


@dataclass(frozen=True)
class Vehicle:
    """What is known of a car beside its network; without a vehicle file, nothing is.

    `full` are values of factors that a road's handicap is relative to, `start` those to begin with.
    """

    description: str = ""
    full: Mapping[str, float] = field(default_factory=dict)
    start: Mapping[str, float] = field(default_factory=dict)
    table: Table | None = None


@dataclass(frozen=True)
class Car:
    """One car of a page: its name, the `model` that calls name, its factors, vehicle and WebAssembly module."""

    name: str
    model: str
    factors: tuple[Factor, ...]
    vehicle: Vehicle
    module: bytes = field(repr=False)


@dataclass(frozen=True)
class Note:
    """A sentence under the title of a page, and a `link` to a file beside the page, `linked` by these words."""

    text: str
    link: str = ""
    linked: str = ""


def page_data(cars: Sequence[Car], setting: Setting) -> dict[str, Any]:
    """Everything that the scripts of a page read, as values for JSON. The factors are those of the first car."""
    described = [[_factor(factor, car.vehicle) for factor in car.factors] for car in cars]
    return {
        "schema": schema(cars[0].factors),
        "factors": described[0],
        "cars": [_car(car, own, described[0]) for car, own in zip(cars, described, strict=True)],
        "outputs": [_output(name, meaning) for name, meaning in OUTPUTS.items()],
        "roles": ROLES,
        "speed": SPEED,
        "comfort": COMFORT_DECELERATION,
        "status": _status(),
        "exclusions": [asdict(rule) | {"meaning": _signed(rule.meaning)} for rule in EXCLUSIONS],
        "roads": [asdict(road) for road in setting.roads],
        "start": setting.start,
        "over": setting.over,
        "knowledge": [asdict(known) for known in setting.knowledge],
        "lanes": _camel(asdict(setting.lanes)),
    }


def _factor(factor: Factor, vehicle: Vehicle) -> dict[str, Any]:
    others = [list(entry) for entry in factor.mistaken_for if entry[0] in OTHER_UNITS]
    return {
        "name": factor.name,
        "label": _label(factor),
        "unit": _signed(factor.unit),
        "low": factor.low,
        "high": factor.high,
        "step": factor.step,
        "meaning": _signed(factor.named_meaning),
        "optional": factor.optional,
        "estimate": factor.estimate,
        "ofTheRoad": factor.of_the_road,
        "isSwitch": factor.is_switch,
        "levels": list(factor.levels),
        "columns": list(factor.columns),
        "standard": factor.standard,
        "start": vehicle.start.get(factor.name, _start(factor)),
        "other": others[0] if others else None,
    }


def _signed(text: str) -> str:
    for written, sign in SIGNS.items():
        text = text.replace(written, sign)
    return text


def _label(factor: Factor) -> str:
    name, _, suffix = factor.name.rpartition("_")
    return (name if suffix in SUFFIXES else factor.name).replace("_", " ")


def _start(factor: Factor) -> float:
    """A value to begin with: that of every car, else the usual one of the training, else the middle of the range."""
    if factor.standard is not None:
        return factor.standard
    usual = factor.prior.mean if factor.prior.uniform < 1 else (factor.low + factor.high) / 2
    steps = round((usual - factor.low) / factor.step)
    return min(max(round(factor.low + steps * factor.step, 6), factor.low), factor.high)


def _car(car: Car, own: list[dict[str, Any]], first: list[dict[str, Any]]) -> dict[str, Any]:
    """A car, with what its factors have otherwise than those of the first one."""
    changes = {
        factor["name"]: change
        for factor, other in zip(own, first, strict=True)
        if (change := {key: value for key, value in factor.items() if value != other[key]})
    }
    vehicle = car.vehicle
    return {
        "name": car.name,
        "model": car.model,
        "description": vehicle.description,
        "factors": changes,
        "full": dict(vehicle.full),
        "table": asdict(vehicle.table) if vehicle.table else None,
    }


def _output(name: str, meaning: str) -> dict[str, Any]:
    words, _, unit = meaning.removesuffix("]").rpartition(" [")
    return {"name": name, "meaning": _signed(words), "unit": _signed(unit), "quantile": QUANTILES.get(name)}


def _status() -> dict[str, Any]:
    """The bits of a status by their place, as JavaScript reads them."""
    flags = [
        {"name": name, "bit": bit.bit_length() - 1, "meaning": _signed(meaning)}
        for name, (bit, meaning) in FLAGS.items()
    ]
    return {
        "outOfRange": OUT_OF_RANGE_SHIFT,
        "notAvailable": NOT_AVAILABLE_SHIFT,
        "refused": REFUSED.bit_length() - 1,
        "outside": OUTSIDE_DOMAIN.bit_length() - 1,
        "flags": flags,
    }


def _camel(values: Any) -> Any:
    """The same values with the keys of dictionaries as JavaScript writes names."""
    if isinstance(values, Mapping):
        return {_camel_name(key): _camel(value) for key, value in values.items()}
    return [_camel(value) for value in values] if isinstance(values, list | tuple) else values


def _camel_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
