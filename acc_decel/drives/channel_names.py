"""Which channels are named like a time, a speed or an acceleration, in the ways that loggers name them."""

import re

from acc_decel.drives.units import Unit, known_unit, unit_in_name

TIME = re.compile(r"\b(time|timestamps?|ts?|zeit|timestep|datetime|date|utc|clock|epoch|elapsed|secs?|seconds)\b")
SPEED = re.compile(r"speed|veloc|spd\b|\bvel\b|\bv\b|\bvx\b|geschwindig|vitesse|\bkmh\b|\bkph\b|\bmph\b|tacho")
NOT_SPEED = re.compile(
    r"engine|motor|rpm|\bwind|\bfan|turbo|angular|\brate\b|rotation|yaw|limit|accuracy|valid|target|\bset\b|cruise|desired|"
    r"idle|relative|\blead\b|delta|error|command|\bcmd\b|\bref|gear|\bmax\b|\bmin\b|avg|average|pump|vertical|lateral|"
    r"steer|calc|\bdiff|\bvy\b|\bvz\b|radar|\bcount|status|quality"
)
OWN_CAR = re.compile(r"vehicle|\bveh|\bcar\b|gps|gnss|obd|ground|\bego\b|^speed$|^velocity$")
WHEEL = re.compile(r"wheel|\bws\b|\bfl\b|\bfr\b|\brl\b|\brr\b|tyre|tire")
ACCELERATION = re.compile(
    r"accel(?!er?ator)|\bacc\b|\bacc(?=[xyz]\b)|"
    r"\ba[xyz]\b|\ba\b|beschl|g ?force|\bg ?[xyz]\b|decel|\blong? g\b|\bg lon|\binline"
)
NOT_ACCELERATION = re.compile(
    r"pedal|throttle|\bpos|position|percent|accuracy|valid|\blat|yaw|angular|gyro|roll|pitch|vert|status|"
    r"radar|target|desired|request|\breq\b|command|\bcmd\b|lead"
)
LONGITUDINAL = re.compile(r"\blon(g|gi|gitudinal)?\b|longitud|forward|\bfwd\b|inline|\bax\b|decel")
OTHER_UNIT = re.compile(r"/|%|\brpm\b|\bdeg|\brad\b|\bbar\b|\bk?pa\b|\bn?m\b|\bv\b|\bhz\b")  # in brackets of a name


def words(name: str) -> str:
    """The name without its unit, in lower-case words: `VehicleSpeed_kmh` becomes `vehicle speed kmh`."""
    last = re.sub(r"[(\[{].*?[)\]}]", " ", name).rsplit("/", 1)[-1]
    separated = re.sub(r"([a-z])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3 \2\4", last)
    return " ".join(re.split(r"[^0-9a-zA-Z\u00c0-\u024f]+", separated)).strip().lower()


def is_time(name: str) -> bool:
    """Whether a channel is named like a time."""
    return bool(TIME.search(words(name)) or unit_in_name(name, "time"))


def is_speed(name: str, file_unit: str) -> bool:
    """Whether a channel is named like a speed of the car and no unit, of the file or in the name, speaks against it."""
    plain = words(name)
    like_speed = bool(SPEED.search(plain) or unit_in_name(name, "speed"))
    return like_speed and not NOT_SPEED.search(plain) and not _has_other_unit(name, file_unit, "speed")


def speed_score(name: str, file_unit: str) -> int:
    """How surely a channel named like a speed is that of the car; wheel speeds come last."""
    plain = words(name)
    has_unit = stated_unit(name, file_unit, "speed") is not None
    return 2 * bool(OWN_CAR.search(plain)) + has_unit - 3 * bool(WHEEL.search(plain)) + bool(SPEED.search(plain))


def is_acceleration(name: str, file_unit: str) -> bool:
    """Whether a channel is named like an acceleration and no unit, of the file or in the name, speaks against it."""
    plain = words(name)
    like_acceleration = bool(ACCELERATION.search(plain)) or name.lower().split("/")[-1].startswith("accel")
    other_unit = _has_other_unit(name, file_unit, "acceleration")
    return like_acceleration and not NOT_ACCELERATION.search(plain) and not other_unit


def is_longitudinal(name: str) -> bool:
    """Whether the name of an acceleration says longitudinal."""
    return bool(LONGITUDINAL.search(words(name)))


def stated_unit(name: str, file_unit: str, quantity: str) -> Unit | None:
    """The unit of `quantity` that the file states for the channel, or else its name; None if neither does."""
    return known_unit(file_unit, quantity) or unit_in_name(name, quantity)


def _has_other_unit(name: str, file_unit: str, quantity: str) -> bool:
    """Whether the file, or brackets in the name, state a unit of another quantity."""
    if stated_unit(name, file_unit, quantity) is not None:
        return False
    bracketed = re.findall(r"[(\[{]([^)\]}]*)[)\]}]", name)
    return bool(file_unit) or bool(bracketed and OTHER_UNIT.search(bracketed[-1].lower()))
