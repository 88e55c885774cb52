"""A `Vehicle` that is read from TOML and checked: each number in the range of real cars."""

import json
import tomllib
from dataclasses import Field, asdict, dataclass, field, fields, replace
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

from acc_decel.factors import FACTORS, Factor, with_range
from acc_decel.files import read_bounded


def quantity(low: float, high: float, unit: str, meaning: str, formula: str = "") -> Any:
    """An entry of a vehicle file: the range of real cars, and how to get the value from a data sheet."""
    return field(metadata={"low": low, "high": high, "unit": unit, "meaning": meaning, "formula": formula})


def entry_comment(entry: "Field[Any]") -> str:
    """Unit, meaning and formula of an entry of a vehicle file, in one line."""
    about = entry.metadata
    return f"[{about['unit'] or '-'}] {about['meaning']}{'; ' if about['formula'] else ''}{about['formula']}"


@dataclass(frozen=True)
class Body:
    """Masses, geometry and resistances."""

    kerb_mass: float = quantity(500.0, 10000.0, "kg", "lightest mass on the road, driver included")
    gross_mass: float = quantity(600.0, 12000.0, "kg", "maximum mass allowed")
    wheelbase: float = quantity(1.5, 6.0, "m", "distance of the axles")
    front_share: float = quantity(
        0.3,
        0.75,
        "",
        "share of the mass on the front axle at kerb mass",
        "front axle load / total load, standing level",
    )
    centre_of_gravity_height: float = quantity(0.2, 1.5, "m", "height of the centre of gravity above the road")
    drag_area: float = quantity(0.2, 6.0, "m^2", "drag coefficient times frontal area", "c_d * A")
    rolling_resistance: float = quantity(0.004, 0.04, "", "rolling resistance on asphalt", "rolling force / load")


@dataclass(frozen=True)
class Brakes:
    """From demanded pressure to brake torque, and the heat of the discs. Torques are for one axle."""

    front_torque_per_bar: float = quantity(
        5.0,
        300.0,
        "N m/bar",
        "brake torque of both front wheels per line pressure, pads at rated friction",
        "4 * pad friction * piston area of one side [m^2] * effective radius [m] * 1e5",
    )
    rear_torque_per_bar: float = quantity(
        2.0, 300.0, "N m/bar", "the same for both rear wheels", "as front_torque_per_bar, with the rear calipers"
    )
    rear_knee_bar: float = quantity(
        5.0, 300.0, "bar", "without ABS: pressure above which the rear axle gets less", "knee of the reducing valve"
    )
    rear_slope: float = quantity(
        0.0, 1.0, "", "without ABS: share of further pressure that the rear axle gets", "rear bar / front bar beyond it"
    )
    dead_time: float = quantity(0.005, 0.5, "s", "from the demand to the first pressure")
    pressure_rate_bar: float = quantity(50.0, 5000.0, "bar/s", "rise of the pressure in an emergency stop")
    full_pressure_bar: float = quantity(
        40.0,
        180.0,
        "bar",
        "pressure that the brake system reaches in an emergency stop",
        "log of the master cylinder; about what locks all wheels at gross mass on dry asphalt",
    )
    hydraulic_lag: float = quantity(0.002, 0.3, "s", "time constant from the master cylinder to the calipers")
    front_heat_capacity: float = quantity(
        1000.0, 100000.0, "J/K", "heat capacity of both front discs", "mass [kg] * 460 J/(kg K), cast iron"
    )
    rear_heat_capacity: float = quantity(1000.0, 100000.0, "J/K", "the same of both rear discs")
    cooling: float = quantity(0.5, 200.0, "W/K", "cooling of one axle's discs at standstill")
    cooling_per_speed: float = quantity(0.0, 20.0, "W s/(K m)", "additional cooling per m/s of speed")
    fade_onset_c: float = quantity(100.0, 700.0, "degC", "disc temperature at which the pads begin to fade")
    fade_full_c: float = quantity(200.0, 1000.0, "degC", "disc temperature at which the pads have faded fully")
    fade_loss: float = quantity(
        0.0, 0.9, "", "share of the pad friction lost when faded fully", "1 - hot friction / rated friction"
    )
    abs_slip_share: float = quantity(
        0.2, 1.0, "", "slip at which the ABS holds the wheel", "slip held / slip of maximum friction"
    )


@dataclass(frozen=True)
class Tyres:
    """The tyres, relative to a good present-day tyre of their size."""

    radius: float = quantity(0.2, 0.6, "m", "dynamic rolling radius", "rolling circumference / (2 pi)")
    wheel_inertia: float = quantity(0.3, 10.0, "kg m^2", "inertia of one wheel with tyre, disc and half-shaft")
    dry_grip: float = quantity(0.5, 1.5, "", "dry friction relative to a good tyre of a compact car, 1 if unknown")
    wet_grip: float = quantity(0.5, 1.5, "", "wet friction relative to a good tyre of a compact car, 1 if unknown")
    load_sensitivity: float = quantity(
        -0.4, 0.0, "", "change of friction per relative change of load", "PDX2 of the Magic Formula"
    )


@dataclass(frozen=True)
class Trailer:
    """A trailer: what it does not brake itself pushes the car. The factor mass is that of the car alone."""

    mass: float = quantity(50.0, 5000.0, "kg", "mass of the trailer with its load")
    braked_share: float = quantity(
        0.0, 1.0, "", "share of its own push that its brakes take up", "0 without brakes, 1 if it brakes itself fully"
    )
    drag_area: float = quantity(0.0, 10.0, "m^2", "drag coefficient times area that it adds to the car's", "c_d * A")


@dataclass(frozen=True)
class Vehicle:
    """One vehicle platform. SI units unless the name states another; see `Body`, `Brakes`, `Tyres` and `Trailer`."""

    name: str
    description: str
    body: Body
    brakes: Brakes
    tyres: Tyres
    trailer: Trailer | None = None

    def __post_init__(self) -> None:
        """Refuse a car that contradicts itself."""
        for smaller, larger, holds in (
            ("body.kerb_mass", "body.gross_mass", self.body.kerb_mass < self.body.gross_mass),
            ("brakes.fade_onset_c", "brakes.fade_full_c", self.brakes.fade_onset_c < self.brakes.fade_full_c),
        ):
            if not holds:
                raise ValueError(f"vehicle {self.name}: {smaller} must be below {larger}. Got the reverse: correct it.")

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that change with any number of the vehicle."""
        return sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The braking factors with the mass narrowed to this platform, and full braking as the standard pressure."""
        factors = with_range(FACTORS, "mass", self.body.kerb_mass, self.body.gross_mass)
        full = self.brakes.full_pressure_bar
        return tuple(replace(f, standard=full) if f.name == "brake_pressure_bar" else f for f in factors)


def vehicle_names() -> tuple[str, ...]:
    """Names of the vehicles that come with the package."""
    files = (resources.files("acc_decel.physics") / "vehicles").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


def vehicle(name_or_path: str | Path) -> Vehicle:
    """The shipped vehicle of this name, or the one in this TOML file.

    Raises ValueError naming the file, the entry, what was expected and what came.
    """
    shipped = vehicle_names()
    if str(name_or_path) in shipped:
        source = resources.files("acc_decel.physics") / "vehicles" / f"{name_or_path}.toml"
        return _vehicle(source.read_text(), str(name_or_path), f"{name_or_path}.toml")
    path = Path(name_or_path)
    if not path.is_file():
        raise ValueError(
            f"vehicle must be one of {', '.join(shipped)} or a TOML file. Got {str(path)!r}: no such file."
        )
    try:
        text = read_bounded(path).decode("utf-8-sig")  # some editors begin with a mark
    except ValueError as error:
        raise ValueError(f"{path} must be a TOML file in UTF-8. Got: {error}. Save it as text.") from error
    return _vehicle(text, path.stem, str(path))


def check_trained_for(car: Vehicle, dataset: dict[str, Any], given: str) -> None:
    """Raise ValueError unless the `dataset` of a model, as its metrics name it, is of the vehicle `car`.

    A model of an earlier version, which does not say it, passes. `given` is what the user calls the vehicle.
    """
    digest = dataset.get("vehicle_sha256", car.digest)
    if digest != car.digest:
        raise ValueError(
            f"--vehicle must be the vehicle that the model was trained for ({digest}). Got {given} ({car.digest}): "
            "give the TOML file of that vehicle."
        )


def vehicle_from(values: dict[str, Any], source: str = "manifest") -> Vehicle:
    """The vehicle with these `values`, as `dataclasses.asdict` returns them, checked like those of a file."""
    rest = dict(values)
    return _checked(rest, str(rest.pop("name", "")), source)


def _vehicle(text: str, name: str, source: str) -> Vehicle:
    try:
        values = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(f"{source} must be a TOML file. Got too many brackets in each other.") from error
    except ValueError as error:  # also numbers of too many digits
        raise ValueError(f"{source} must be a TOML file. Got: {error}. Compare it with a shipped vehicle.") from error
    return _checked(values, name, source)


def _checked(values: dict[str, Any], name: str, source: str) -> Vehicle:
    """The vehicle with these `values`, which are used up."""
    description = values.pop("description", "")
    if not isinstance(description, str):
        raise ValueError(f"{source}: description must be a text. Got {str(description)[:40]}: put it in quotes.")
    if values.get("trailer") is None:  # null in a manifest
        values.pop("trailer", None)
    expected = {key: cls for key, cls in _PARTS.items() if key != "trailer" or key in values}
    parts = {key: _part(cls, values.pop(key, {}), key, source) for key, cls in expected.items()}
    if values:
        raise ValueError(f"{source} may hold {', '.join(_PARTS)} and description. Got also: {', '.join(values)}.")
    return Vehicle(name=name, description=description, **parts)


def _part(cls: type, entries: object, part: str, source: str) -> Any:
    known = fields(cls)
    if not isinstance(entries, dict):
        raise ValueError(f"{source}: {part} must be a section [{part}] of entries. Got {entries!r}.")
    if unknown := set(entries) - {f.name for f in known}:
        raise ValueError(
            f"{source}: [{part}] may hold {', '.join(f.name for f in known)}. Got also: {', '.join(unknown)}."
        )
    return cls(**{f.name: _number(f, entries.get(f.name), part, source) for f in known})


def _number(f: "Field[Any]", value: object, part: str, source: str) -> float:
    limits = f.metadata
    expected = f"{source}: {part}.{f.name} must be {limits['low']:g} to {limits['high']:g} {limits['unit']}".rstrip()
    expected += f" ({limits['meaning']})."
    if value is None:
        raise ValueError(f"{expected} Got nothing: add it.")
    if isinstance(value, bool) or not isinstance(value, int | float) or not limits["low"] <= value <= limits["high"]:
        raise ValueError(f"{expected} Got {value!r}.")
    return float(value)


_PARTS: dict[str, type] = {"body": Body, "brakes": Brakes, "tyres": Tyres, "trailer": Trailer}
