"""The recording description: which channel of a recording is which signal, in which unit, sign and lag."""

import json
import math
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from acc_decel.drives.units import ISO, Unit, unit_named
from acc_decel.factors import FACTORS
from acc_decel.files import atomic_write


@dataclass(frozen=True)
class Signal:
    """A signal that this package uses: its quantity, its SI unit, and the range that is possible for a car."""

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
SIGNALS_BY_NAME = {s.name: s for s in SIGNALS}
RADAR_SIGNALS = ("range", "lateral", "range_rate", "track")
MAX_NUMBER = 1e300  # of an entry; TOML may hold infinities and whole numbers of any length
MAX_LAG_S = 10.0  # no sensor is later than this; a lag that is found lies within -1 and 3.5 s
TOP_KEYS = {  # above the sections
    "dbc": "the path of a DBC file",
    "bus": "the name of a bus of the log",
    "vehicle_id": "the identifier of a vehicle of the table",
}
CHANNEL_KEYS = ("channel", "unit", "sign", "lag")
HINT = "`acc-decel drives inspect FILE --output FILE.toml` writes one to start from."


@dataclass(frozen=True)
class Channel:
    """A channel as a signal: value * size of the unit * sign. `lag` [s] is how late it is; None: to be estimated.

    `is_sign_assumed` says that nothing shows the sign: it was proposed for an accelerometer alone.
    """

    name: str
    unit: Unit
    sign: float = 1.0
    lag: float | None = None
    is_sign_assumed: bool = False

    @property
    def holds_dates(self) -> bool:
        """Whether the channel holds dates with the time of day as text."""
        return self.unit.name == ISO


@dataclass(frozen=True)
class Description:
    """Which channels are the time and the signals. `time` is None where the format has it.

    `dbc` decodes a raw bus, `bus` is the one of a log of several, `vehicle_id` the vehicle of a table of several.
    `known` are braking factors that were constant over the whole drive, like the surface; `model` is the car's model.
    """

    channels: dict[str, Channel]
    time: Channel | None = None
    dbc: Path | None = None
    known: dict[str, float | str] = field(default_factory=dict)
    model: str | None = None
    bus: str | None = None
    vehicle_id: str | None = None


def read_description(path: Path) -> Description:
    """The description in a TOML file. Raises ValueError naming file, section, what was expected and what came."""
    try:
        sections = tomllib.loads(path.read_text("utf-8-sig"))  # some editors begin with a mark
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path} must be a recording description in TOML. Got: {error}. {HINT}") from error
    dbc, bus, vehicle_id = (_text(path, sections, key) for key in TOP_KEYS)
    time = _channel(path, "time", "time", sections.pop("time")) if "time" in sections else None
    known, model = _known_factors(path, sections.pop("known", {}))
    if unknown := sorted(set(sections) - set(SIGNALS_BY_NAME)):
        allowed = ", ".join(("time", "known", *SIGNALS_BY_NAME))
        raise ValueError(
            f"{path} can have {', '.join(TOP_KEYS)} and the sections {allowed}. "
            f"Got also {', '.join(unknown)}: remove or rename."
        )
    channels = {n: _channel(path, n, SIGNALS_BY_NAME[n].quantity, section) for n, section in sections.items()}
    uses = [channel.name for channel in (*channels.values(), *([time] if time else []))]
    if twice := [name for i, name in enumerate(uses) if name in uses[:i]]:
        raise ValueError(f"{path} must name each channel once. Got {twice[0]!r} in two sections: correct one.")
    if not {"acceleration", *(s.name for s in SIGNALS if s.required)} & {*channels}:
        raise ValueError(
            f"{path} must have a section [speed], or [acceleration] where no speed was recorded. Got none. {HINT}"
        )
    return Description(channels, time, None if dbc is None else path.parent / dbc, known, model, bus, vehicle_id)


def write_description(description: Description, path: Path) -> None:
    """Write the description, whole or not at all; the DBC's path becomes relative to the file where it can."""
    if description.dbc is not None:
        dbc, folder = description.dbc.resolve(), path.parent.resolve()
        description = replace(description, dbc=dbc.relative_to(folder) if dbc.is_relative_to(folder) else dbc)
    with atomic_write(path) as temporary:
        temporary.write_text(description_toml(description))


def description_toml(description: Description) -> str:
    """The description as TOML, as `read_description` reads it."""
    top = {"dbc": description.dbc, "bus": description.bus, "vehicle_id": description.vehicle_id}
    lines = [f"{key} = {json.dumps(str(v), ensure_ascii=False)}" for key, v in top.items() if v is not None]
    sections = {"time": description.time} if description.time else {}
    for name, channel in (sections | description.channels).items():
        meaning = SIGNALS_BY_NAME[name].meaning if name in SIGNALS_BY_NAME else "time of the record"
        lines += ["", f"[{name}]  # {meaning}", f"channel = {json.dumps(channel.name, ensure_ascii=False)}"]
        lines.append(f"unit = {json.dumps(channel.unit.name)}")
        assumed = (
            "  # assumed: the other is right if braking is counted the other way" if channel.is_sign_assumed else ""
        )
        lines += [f"sign = {channel.sign:g}{assumed}"] if channel.sign != 1 or assumed else []
        lines += [f"lag = {channel.lag:g}"] if channel.lag is not None else []
    known = ({"model": description.model} if description.model else {}) | description.known
    lines += ["", "[known]  # constant over the whole drive"] if known else []
    lines += [f"{name} = {json.dumps(value)}" for name, value in known.items()]
    return "\n".join(lines).strip() + "\n"


def _text(path: Path, sections: dict[str, Any], key: str) -> str | None:
    """Take an entry from above the sections; a whole number counts as its digits."""
    value = sections.pop(key, None)
    if isinstance(value, int) and not isinstance(value, bool) and key != "dbc":
        return str(value)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{path}: {key} must be {TOP_KEYS[key]}. Got {value!r}: write it in quotes.")
    return value


def _channel(path: Path, name: str, quantity: str, section: object) -> Channel:
    where = f"{path} [{name}]"
    if not isinstance(section, dict) or not isinstance(section.get("channel"), str):
        raise ValueError(f"{where} must be a section with a channel in quotes. Got {section!r}. {HINT}")
    if unknown := sorted(set(section) - set(CHANNEL_KEYS)):
        raise ValueError(f"{where} can have {', '.join(CHANNEL_KEYS)}. Got also {', '.join(unknown)}: remove it.")
    unit = section.get("unit")
    if not isinstance(unit, str):
        raise ValueError(f"{where} must have a unit in quotes. Got {unit!r}: write the unit of {section['channel']!r}.")
    sign, lag = _number(where, section, "sign", 1.0), _number(where, section, "lag", None)
    if sign not in (1.0, -1.0):
        raise ValueError(f"{where}: sign must be 1 or -1. Got {sign:g}: the unit gives the size.")
    if lag is not None and abs(lag) > MAX_LAG_S:
        raise ValueError(
            f"{where}: lag must be {-MAX_LAG_S:g} to {MAX_LAG_S:g} s. Got {lag:g}: leave it out, and it is estimated."
        )
    return Channel(section["channel"], unit_named(unit, quantity, where), sign, lag)


def _number(where: str, section: dict[str, object], key: str, default: float | None) -> float | None:
    value = section.get(key, default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < MAX_NUMBER:
        raise ValueError(f"{where}: {key} must be a number. Got {value!r}.")
    return float(value)


def _known_factors(path: Path, section: object) -> tuple[dict[str, float | str], str | None]:
    """Factors and model of the section [known]."""
    if not isinstance(section, dict):
        raise ValueError(f"{path} [known] must be a section of braking factors. Got {section!r}.")
    known = dict(section)
    model = known.pop("model", None)
    if model is not None and not isinstance(model, str):
        raise ValueError(f"{path} [known]: model must be a name or a path in quotes. Got {model!r}.")
    factors = {f.name: f for f in FACTORS if f.name != "speed"}
    for name, value in known.items():
        if name not in factors:
            raise ValueError(f"{path} [known] can have model, {', '.join(factors)}. Got {name!r}: correct it.")
        right_type = isinstance(value, str) if factors[name].levels else isinstance(value, int | float)
        if isinstance(value, bool) or not right_type or (factors[name].levels and value not in factors[name].levels):
            raise ValueError(f"{path} [known]: {factors[name].refusal(str(value))}")
        if isinstance(value, int | float) and not factors[name].low <= value <= factors[name].high:
            raise ValueError(
                f"{path} [known]: {factors[name].refusal(float(value) if abs(value) < MAX_NUMBER else str(value))}"
            )
    return known, model
