"""The units that recordings use, and the size of each in the unit of its quantity that this project uses."""

import re
from dataclasses import dataclass

from acc_decel.constants import GRAVITY

ISO = "iso"  # the unit of times written as date and time of day


@dataclass(frozen=True)
class Unit:
    """One unit: value * size is in the first unit of `quantity` in the table below. `others` are further spellings."""

    name: str
    quantity: str
    size: float
    others: tuple[str, ...] = ()


# fmt: off
UNITS: tuple[Unit, ...] = (
    Unit("m/s",    "speed",        1.0,        ("mps", "ms", "ms-1", "meter/s", "meterspersecond")),
    Unit("km/h",   "speed",        1 / 3.6,    ("kmh", "kph", "kmph", "km/hr", "kmh-1", "kilometersperhour")),
    Unit("mph",    "speed",        0.44704,    ("mi/h", "miles/h", "milesperhour")),
    Unit("kn",     "speed",        1852 / 3600, ("knot", "knots", "kt", "kts")),
    Unit("ft/s",   "speed",        0.3048,     ("fps",)),
    Unit("m/s^2",  "acceleration", 1.0,        ("m/s2", "ms2", "ms-2", "mps2", "mpss", "m/s/s", "m/ss", "m/sec2")),
    Unit("g",      "acceleration", GRAVITY,    ("gee", "g0", "gs", "gforce", "gn")),
    Unit("mg",     "acceleration", GRAVITY / 1000, ("milli-g", "millig")),
    Unit("ft/s^2", "acceleration", 0.3048,     ("ft/s2", "fps2")),
    Unit("km/h/s", "acceleration", 1 / 3.6,    ("kmh/s", "kph/s")),
    Unit("s",      "time",         1.0,        ("sec", "second", "seconds", "secs")),
    Unit("ms",     "time",         1e-3,       ("msec", "millis", "millisecond", "milliseconds")),
    Unit("us",     "time",         1e-6,       ("usec", "micros", "microsecond", "microseconds")),
    Unit("ns",     "time",         1e-9,       ("nsec", "nanos", "nanosecond", "nanoseconds")),
    Unit("min",    "time",         60.0,       ("minute", "minutes")),
    Unit("h",      "time",         3600.0,     ("hour", "hours")),
    Unit(ISO,      "time",         1.0,        ("iso8601", "datetime", "date")),
    Unit("bar",    "pressure",     1.0,        ("bars",)),
    Unit("kPa",    "pressure",     0.01,       ()),
    Unit("MPa",    "pressure",     10.0,       ()),
    Unit("psi",    "pressure",     0.0689476,  ()),
    Unit("m",      "length",       1.0,        ("meter", "meters", "metre")),
    Unit("ft",     "length",       0.3048,     ("feet",)),
    Unit("1",      "number",       1.0,        ("-", "id", "none")),
)
# fmt: on


def unit_named(name: str, quantity: str, where: str) -> Unit:
    """The unit of `quantity` called `name`. Raises ValueError that names `where` and lists the known units."""
    unit = known_unit(name, quantity)
    if unit is None:
        names = ", ".join(u.name for u in UNITS if u.quantity == quantity)
        raise ValueError(f"{where}: the unit of a {quantity} must be one of {names}. Got {name!r}: write one of these.")
    return unit


def known_unit(name: str, quantity: str) -> Unit | None:
    """The unit of `quantity` called `name` in any common spelling, or None."""
    plain = _plain(name)
    spellings = ((u, {_plain(u.name), *map(_plain, u.others)}) for u in UNITS if u.quantity == quantity)
    return next((u for u, spelled in spellings if plain in spelled), None) if plain else None


def unit_in_name(name: str, quantity: str) -> Unit | None:
    """The unit in the name of a column, in brackets or as its last word: `Speed (Km/h)`, `speed_mps`."""
    bracketed: list[str] = re.findall(r"[(\[{]([^)\]}]*)[)\]}]", name)
    words = [word for word in re.split(r"[\s_,;:.]+", re.sub(r"[(\[{].*", "", name)) if word]
    ends = ["".join(words[-n:]) for n in (1, 2) if len(words) > n]
    return next((u for text in bracketed + ends if (u := known_unit(text, quantity))), None)


def _plain(name: str) -> str:
    text = name.strip().lower().replace("\u00b2", "2").replace("\u00b5", "u").replace("\u03bc", "u")
    return re.sub(r"\*\*|[\s^*\u00b7]", "", text)
