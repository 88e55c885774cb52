"""Which channels are named like a time, a speed, an acceleration or a position, in the ways that loggers name them."""

import re

from acc_decel.drives.channel_vocabulary import VOCABULARY
from acc_decel.drives.units import UNITS, Unit, folded, known_unit, unit_in_name

ROLES = {
    role: re.compile("|".join(f"(?:{folded(pattern)})" for pattern in languages.values()))
    for role, languages in VOCABULARY.items()
}
OTHER_UNIT = re.compile(  # in brackets of a name: a unit of another quantity, though none that this project uses
    r"%|\brpm\b|\bdeg|\brad\b|\bk?pa\b|\bn?m\b|\bv\b|\bhz\b|\b(1|u|tr|rev|об)/|^(l|g|kg|kwh?|w|a|mv|c|f)(/\w+)?$|°"
)
QUANTITIES = tuple(dict.fromkeys(unit.quantity for unit in UNITS))
NO_SIGN = re.compile(r"[-_?./*\s]*")  # in place of a unit, where there is none; % and the like are units
BRACKETED = re.compile(r"[(\[{]([^)\]}]*)[)\]}]")


def words(name: str) -> str:
    """The name without its unit, in lower-case words: `VehicleSpeed_kmh` becomes `vehicle speed kmh`."""
    last = BRACKETED.sub(" ", name)
    last = last.rsplit("/", 1)[-1] if last.rsplit("/", 1)[-1].strip() else last
    separated = re.sub(r"([a-zа-я])([A-ZА-Я])|([A-Z]+)([A-Z][a-z])", r"\1\3 \2\4", last)
    return " ".join(re.split(r"[^0-9a-zа-яґєії]+", folded(separated))).strip()


def is_role(name: str, role: str) -> bool:
    """Whether the words of a name are those of a role of the vocabulary."""
    return bool(ROLES[role].search(words(name)))


def is_time(name: str) -> bool:
    """Whether a channel is named like a time."""
    return is_role(name, "time") or unit_in_name(name, "time") is not None


def is_speed(name: str, file_unit: str) -> bool:
    """Whether a channel is named like a speed of the car and no unit, of the file or in the name, speaks against it."""
    plain = words(name)
    like_speed = bool(ROLES["speed"].search(plain) or unit_in_name(name, "speed"))
    is_other = bool(ROLES["not_speed"].search(plain)) or (
        bool(ROLES["acceleration"].search(plain)) and not re.search(r"speed|veloc|\bvel\b", plain)
    )
    return like_speed and not is_other and not _has_other_unit(name, file_unit, "speed")


def speed_score(name: str, file_unit: str) -> int:
    """How surely a channel named like a speed is that of the car, as measured; wheel speeds come last."""
    plain = words(name)
    has_unit = stated_unit(name, file_unit, "speed") is not None
    is_unread = bool(unread_unit(name, file_unit, "speed"))
    score = 2 * bool(ROLES["own_car"].search(plain)) - 3 * bool(ROLES["wheel"].search(plain))
    score -= bool(ROLES["smoothed"].search(folded(name)))
    return score + has_unit + bool(ROLES["speed"].search(plain)) - 4 * is_unread


def is_acceleration(name: str, file_unit: str) -> bool:
    """Whether a channel is named like an acceleration and no unit, of the file or in the name, speaks against it."""
    plain = words(name)
    like_acceleration = bool(ROLES["acceleration"].search(plain)) or name.lower().split("/")[-1].startswith("accel")
    other_unit = _has_other_unit(name, file_unit, "acceleration")
    return like_acceleration and not ROLES["not_acceleration"].search(plain) and not other_unit


def is_longitudinal(name: str) -> bool:
    """Whether the name of an acceleration says longitudinal."""
    return is_role(name, "longitudinal")


def stated_unit(name: str, file_unit: str, quantity: str) -> Unit | None:
    """The unit of `quantity` that the file states for the channel, or else its name; None if neither does."""
    return known_unit(file_unit, quantity) or unit_in_name(name, quantity)


def unread_unit(name: str, file_unit: str, quantity: str) -> str:
    """The text of a unit that the file, or brackets in the name, state and that is not understood; "" if none."""
    if stated_unit(name, file_unit, quantity) is not None:
        return ""
    texts = [file_unit] if file_unit.strip() else BRACKETED.findall(name)[-1:]
    unread = (text.strip() for text in texts if text.strip() and not _is_no_unit(text))
    return next(unread, "")


def _is_no_unit(text: str) -> bool:
    plain = " ".join(re.split(r"[^0-9a-zа-я]+", folded(text))).strip()
    return bool(ROLES["no_unit"].search(plain) if plain else NO_SIGN.fullmatch(text.strip()))


def _has_other_unit(name: str, file_unit: str, quantity: str) -> bool:
    """Whether the file, or brackets in the name, state a unit of another quantity."""
    text = unread_unit(name, file_unit, quantity)
    is_known = any(known_unit(text, other) for other in QUANTITIES if other != quantity) if text else False
    return is_known or bool(text and OTHER_UNIT.search(folded(text)))
