"""The recording description: which channel of a recording is which signal, in which unit, sign and lag."""

import json
import math
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path

from acc_decel.drives.units import ISO, Unit, unit_named
from acc_decel.factors import FACTORS
from acc_decel.files import replaced


@dataclass(frozen=True)
class Signal:
    """What `drives` can make use of: its quantity, SI unit, and the range that a car can show."""

    name: str
    quantity: str
    unit: str
    low: float
    high: float
    meaning: str
    required: bool = False


# fmt: off
SIGNALS: tuple[Signal, ...] = (
    Signal("speed",        "speed",        "m/s",   -15.0,  110.0, "vehicle speed over ground", required=True),
    Signal("acceleration", "acceleration", "m/s^2", -20.0,  20.0,  "longitudinal, positive when the car gains speed"),
    Signal("range",        "length",       "m",     0.0,    300.0, "radar: distance to the target ahead"),
    Signal("lateral",      "length",       "m",     -50.0,  50.0,  "radar: offset of the target to the left"),
    Signal("range_rate",   "speed",        "m/s",   -110.0, 110.0, "radar: speed of the target relative to the car"),
    Signal("track",        "number",       "1",     -math.inf, math.inf, "radar: identifier of the track"),
)
# fmt: on
SIGNAL = {s.name: s for s in SIGNALS}
RADAR = ("range", "lateral", "range_rate", "track")
ENTRIES = ("channel", "unit", "sign", "lag")


@dataclass(frozen=True)
class Channel:
    """A channel as a signal: value * size of the unit * sign. `lag` [s] is how late it is; None: to be estimated."""

    name: str
    unit: Unit
    sign: float = 1.0
    lag: float | None = None


@dataclass(frozen=True)
class Recording:
    """Which channels are the time and the signals; `dbc` decodes a raw bus. `time` is None where the format has it.

    `known` are braking factors that held for the whole drive, like the surface; `model` is the model of the car.
    """

    channels: dict[str, Channel]
    time: Channel | None = None
    dbc: Path | None = None
    known: dict[str, float | str] = field(default_factory=dict)
    model: str | None = None


def recording(path: Path) -> Recording:
    """The description in a TOML file. Raises ValueError naming file, section, what was expected and what came."""
    try:
        told = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} must be a recording description in TOML. Got: {error}. {WAY_OUT}") from error
    dbc = told.pop("dbc", None)
    if dbc is not None and not isinstance(dbc, str):
        raise ValueError(f"{path}: dbc must be the path of a DBC file. Got {dbc!r}: write it in quotes.")
    time = _channel(path, "time", "time", told.pop("time")) if "time" in told else None
    known, model = _known(path, told.pop("known", {}))
    if unknown := sorted(set(told) - set(SIGNAL)):
        raise ValueError(f"{path} knows the sections time, known, {', '.join(SIGNAL)}. Got also {', '.join(unknown)}.")
    channels = {name: _channel(path, name, SIGNAL[name].quantity, entry) for name, entry in told.items()}
    if missing := [s.name for s in SIGNALS if s.required and s.name not in channels]:
        raise ValueError(f"{path} must have a section [{missing[0]}]. Got none. {WAY_OUT}")
    return Recording(channels, time, None if dbc is None else path.parent / dbc, known, model)


WAY_OUT = "`acc-decel drives inspect FILE --output FILE.toml` writes one to start from."


def description(told: Recording) -> str:
    """The description as TOML, as `recording` reads it."""
    lines = [f"dbc = {json.dumps(str(told.dbc))}"] if told.dbc else []
    sections = {"time": told.time} if told.time else {}
    for name, channel in (sections | told.channels).items():
        meaning = SIGNAL[name].meaning if name in SIGNAL else "time of the record"
        lines += ["", f"[{name}]  # {meaning}", f"channel = {json.dumps(channel.name, ensure_ascii=False)}"]
        lines.append(f"unit = {json.dumps(channel.unit.name)}")
        lines += [f"sign = {channel.sign:g}"] if channel.sign != 1 else []
        lines += [f"lag = {channel.lag:g}"] if channel.lag is not None else []
    known = ({"model": told.model} if told.model else {}) | told.known
    lines += ["", "[known]  # what held for the whole drive"] if known else []
    lines += [f"{name} = {json.dumps(value)}" for name, value in known.items()]
    return "\n".join(lines).strip() + "\n"


def write_description(told: Recording, path: Path) -> None:
    """Write the description beside nothing half-written; the DBC's path becomes relative to the file where it can."""
    if told.dbc is not None:
        dbc, home = told.dbc.resolve(), path.parent.resolve()
        told = replace(told, dbc=dbc.relative_to(home) if dbc.is_relative_to(home) else dbc)
    with replaced(path) as temporary:
        temporary.write_text(description(told))


def _channel(path: Path, section: str, quantity: str, told: object) -> Channel:
    where = f"{path} [{section}]"
    if not isinstance(told, dict) or not isinstance(told.get("channel"), str):
        raise ValueError(f"{where} must be a section with a channel in quotes. Got {told!r}. {WAY_OUT}")
    if unknown := sorted(set(told) - set(ENTRIES)):
        raise ValueError(f"{where} knows {', '.join(ENTRIES)}. Got also {', '.join(unknown)}: take it out.")
    named = told.get("unit")
    if not isinstance(named, str):
        raise ValueError(f"{where} must say a unit in quotes. Got {named!r}: write the unit of {told['channel']!r}.")
    sign, lag = _number(where, told, "sign", 1.0), _number(where, told, "lag", None)
    if sign not in (1.0, -1.0):
        raise ValueError(f"{where}: sign must be 1 or -1. Got {sign:g}: the unit gives the size.")
    return Channel(told["channel"], unit_named(named, quantity, where), sign, lag)


def _known(path: Path, told: object) -> tuple[dict[str, float | str], str | None]:
    """Factors and model of the section [known]; whether a value is in range, the model says that is asked."""
    if not isinstance(told, dict):
        raise ValueError(f"{path} [known] must be a section of braking factors. Got {told!r}.")
    rest = dict(told)
    model = rest.pop("model", None)
    if model is not None and not isinstance(model, str):
        raise ValueError(f"{path} [known]: model must be a name or a path in quotes. Got {model!r}.")
    factors = {f.name: f for f in FACTORS if f.name != "speed"}
    for name, value in rest.items():
        if name not in factors:
            raise ValueError(f"{path} [known] knows model, {', '.join(factors)}. Got {name!r}: mend or drop it.")
        right = isinstance(value, str) if factors[name].levels else isinstance(value, int | float)
        if isinstance(value, bool) or not right or (factors[name].levels and value not in factors[name].levels):
            raise ValueError(f"{path} [known]: {factors[name].refusal(str(value))}")
    return rest, model


def _number(where: str, told: dict[str, object], entry: str, default: float | None) -> float | None:
    value = told.get(entry, default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{where}: {entry} must be a number. Got {value!r}.")
    return float(value)


def is_iso(channel: Channel) -> bool:
    """Whether the channel holds dates with the time of day as text."""
    return channel.unit.name == ISO
