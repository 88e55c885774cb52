"""The units that recordings use, and the size of each in the unit of its quantity that this project uses."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from acc_decel.constants import GRAVITY

ISO = "iso"  # the unit of times written as date and time of day
DIGITS = {  # the units of a time of day, or a date with it, written as one number: 142620.5 is 14:26:20.5; their size
    "hhmmss": 1.0,
    "hhmmssmmm": 1e-3,
    "yyyymmddhhmmss": 1.0,
    "yyyymmddhhmmssmmm": 1e-3,
}
SAME_SIZE = 1e-6  # relative


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
    Unit("cm/s",   "speed",        0.01,       ()),
    Unit("mm/s",   "speed",        0.001,      ()),
    Unit("m/s^2",  "acceleration", 1.0,        ("m/s2", "ms2", "ms-2", "mps2", "mpss", "m/s/s", "m/ss", "m/sec2")),
    Unit("g",      "acceleration", GRAVITY,    ("gee", "g0", "gs", "gforce", "gn")),
    Unit("mg",     "acceleration", GRAVITY / 1000, ("milli-g", "millig")),
    Unit("ft/s^2", "acceleration", 0.3048,     ("ft/s2", "fps2")),
    Unit("km/h/s", "acceleration", 1 / 3.6,    ("kmh/s", "kph/s")),
    Unit("cm/s^2", "acceleration", 0.01,       ("gal",)),
    Unit("s",      "time",         1.0,        ("sec", "second", "seconds", "secs", "sekunden", "secondes", "segundos",
                                                "с", "сек", "секунд")),
    Unit("ms",     "time",         1e-3,       ("msec", "millis", "millisecond", "milliseconds", "millisekunden",
                                                "millisecondes", "milisegundos", "мс")),
    Unit("us",     "time",         1e-6,       ("usec", "micros", "microsecond", "microseconds", "mikrosekunden")),
    Unit("ns",     "time",         1e-9,       ("nsec", "nanos", "nanosecond", "nanoseconds", "nanosekunden")),
    Unit("min",    "time",         60.0,       ("minute", "minutes")),
    Unit("h",      "time",         3600.0,     ("hour", "hours")),
    Unit(ISO,      "time",         1.0,        ("iso8601", "datetime", "date")),
    Unit("d",      "time",         86_400.0,   ("day", "days", "tage")),
    Unit("100ns",  "time",         1e-7,       ("ticks",)),
    Unit("hhmmss", "time",         1.0,        ("hhmmss.s", "hhmmss.ss", "hhmmss.sss")),
    Unit("hhmmssmmm", "time",      1.0,        ("hhmmssfff", "hhmmsszzz")),
    Unit("yyyymmddhhmmss", "time", 1.0,        ("yyyymmddhhmmss.s", "yyyymmddhhmmss.sss")),
    Unit("yyyymmddhhmmssmmm", "time", 1.0,     ("yyyymmddhhmmssfff",)),
    Unit("bar",    "pressure",     1.0,        ("bars",)),
    Unit("kPa",    "pressure",     0.01,       ()),
    Unit("MPa",    "pressure",     10.0,       ()),
    Unit("psi",    "pressure",     0.0689476,  ()),
    Unit("m",      "length",       1.0,        ("meter", "meters", "metre")),
    Unit("ft",     "length",       0.3048,     ("feet",)),
    Unit("km",     "length",       1000.0,     ("kilometer", "kilometers", "kilometre", "kilometres")),
    Unit("mi",     "length",       1609.344,   ("mile", "miles")),
    Unit("1",      "number",       1.0,        ("-", "id", "none")),
)
# fmt: on

# fmt: off
LENGTHS = (  # size [m], and its words in English, German, French, Spanish and Russian, without accents
    (1.0,      "m meter meters metre metres metro metros м метр метров"),
    (1000.0,   "km kilometer kilometers kilometre kilometres kilometro kilometros kms км "
               "километр километров"),
    (0.01,     "cm centimeter centimeters centimetre centimetres zentimeter centimetro centimetros см"),
    (0.001,    "mm millimeter millimeters millimetre millimetres milimetro milimetros мм"),
    (1609.344, "mi mile miles meile meilen milla millas миля миль"),
    (1852.0,   "nmi nauticalmile nauticalmiles seemeile seemeilen"),
    (0.3048,   "ft foot feet pied pieds pie pies фут футов"),
)
DURATIONS = (  # size [s], and its words
    (1.0,      "s sec secs second seconds sek sekunde sekunden seconde secondes seg segundo segundos "
               "с сек секунда секунду"),
    (3600.0,   "h hr hrs hour hours std stunde stunden heure heures hora horas ч час часов"),
    (60.0,     "min minute minutes minuto minutos мин"),
)
# fmt: on
SIZES = {word: (size, 1, 0) for size, names in LENGTHS for word in names.split()} | {
    word: (size, 0, 1) for size, names in DURATIONS for word in names.split()
}
PER = re.compile(r"(?<=[^\W\d_])[ .*]*\b(per|pro|par|por|в)\b[ .*]*")
SQUARED = re.compile(r" *\b(squared?|im quadrat|carre|al cuadrado|cuadrado|в квадрате)\b")
PART = re.compile(r"(/?)([^\W\d_]+)\^?(-?\d)?")


def unit_named(name: str, quantity: str, where: str) -> Unit:
    """The unit of `quantity` called `name`. Raises ValueError that names `where` and lists the known units."""
    unit = known_unit(name, quantity)
    if unit is None:
        names = ", ".join(u.name for u in UNITS if u.quantity == quantity)
        raise ValueError(f"{where}: the unit of a {quantity} must be one of {names}. Got {name!r}: write one of these.")
    return unit


@lru_cache(maxsize=4096)  # asked for every cell of a header, again and again
def known_unit(name: str, quantity: str) -> Unit | None:
    """The unit of `quantity` called `name` in any common spelling, or None."""
    plain = _plain(name)
    if not plain:
        return None
    spellings = ((u, {_plain(u.name), *map(_plain, u.others)}) for u in UNITS if u.quantity == quantity)
    return next((u for u, spelled in spellings if plain in spelled), None) or _composed(name, quantity)


def _composed(name: str, quantity: str) -> Unit | None:
    """The unit that a length and times make, as in `Meters/second`, `km.h-1` or `kilometre per hour`; else None."""
    text = SQUARED.sub("2", PER.sub("/", folded(name).replace("\u2212", "-").replace("**", "^")))
    text = re.sub(r"[ .*\u00b7()]+", " ", text).replace(" /", "/").replace("/ ", "/").strip()
    size, lengths, times = 1.0, 0, 0
    if PART.sub("", text).strip():
        return None
    for divided, word, exponent in PART.findall(text):
        if word not in SIZES:
            return None
        one, is_length, is_time = SIZES[word]
        power = int(exponent or 1) * (-1 if divided else 1)
        size, lengths, times = size * one**power, lengths + is_length * power, times + is_time * power
    if lengths != 1 or {"speed": -1, "acceleration": -2}.get(quantity) != times:
        return None
    return next((u for u in UNITS if u.quantity == quantity and abs(u.size / size - 1) < SAME_SIZE), None)


def folded(text: str) -> str:
    """The text in lower case without accents; superscript digits become plain ones."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def unit_in_name(name: str, quantity: str) -> Unit | None:
    """The unit in the name of a column, in brackets or as its last word: `Speed (Km/h)`, `speed_mps`."""
    bracketed: list[str] = re.findall(r"[(\[{]([^)\]}]*)[)\]}]", name)
    words = [word for word in re.split(r"[\s_,;:.]+", re.sub(r"[(\[{].*", "", name)) if word]
    ends = [" ".join(words[-n:]) for n in (1, 2, 3) if len(words) > n]
    return next((u for text in bracketed + ends if (u := known_unit(text, quantity))), None)


def _plain(name: str) -> str:
    text = folded(name.strip()).replace("\u03bc", "u")
    return re.sub(r"\*\*|[\s^*\u00b7]", "", text)
