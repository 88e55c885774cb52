"""Which channels are named like a time, a speed or an acceleration, in the ways that loggers name them."""

import re

from acc_decel.drives.units import Unit, known_unit, unit_in_name

TIME = re.compile(r"\b(time|timestamps?|ts?|zeit|timestep|datetime|date|utc|clock|epoch|elapsed|secs?|seconds)\b")
SPEED = re.compile(r"speed|veloc|spd\b|\bvel\b|\bv\b|\bvx\b|geschwindig|vitesse|\bkmh\b|\bkph\b|\bmph\b|tacho")
NO_SPEED = re.compile(
    r"engine|motor|rpm|\bwind|\bfan|turbo|angular|\brate\b|rotation|yaw|limit|accuracy|valid|target|\bset\b|cruise|desired|"
    r"idle|relative|\blead\b|delta|error|command|\bcmd\b|\bref|gear|\bmax\b|\bmin\b|avg|average|pump|vertical|lateral|"
    r"steer|calc|\bdiff|\bvy\b|\bvz\b|radar|\bcount|status|quality"
)
CAR = re.compile(r"vehicle|\bveh|\bcar\b|gps|gnss|obd|ground|\bego\b|^speed$|^velocity$")
WHEEL = re.compile(r"wheel|\bws\b|\bfl\b|\bfr\b|\brl\b|\brr\b|tyre|tire")
PUSH = re.compile(
    r"accel(?!er?ator)|\bacc\b|\bacc(?=[xyz]\b)|"
    r"\ba[xyz]\b|\ba\b|beschl|g ?force|\bg ?[xyz]\b|decel|\blong? g\b|\bg lon|\binline"
)
NO_PUSH = re.compile(
    r"pedal|throttle|\bpos|position|percent|accuracy|valid|\blat|yaw|angular|gyro|roll|pitch|vert|status|"
    r"radar|target|desired|request|\breq\b|command|\bcmd\b|lead"
)
FOREIGN = re.compile(r"/|%|\brpm\b|\bdeg|\brad\b|\bbar\b|\bk?pa\b|\bn?m\b|\bv\b|\bhz\b")  # of units in brackets
ALONG = re.compile(r"\blon(g|gi|gitudinal)?\b|longitud|forward|\bfwd\b|inline|\bax\b|decel")


def words(name: str) -> str:
    """The name without its unit, in lower-case words: `VehicleSpeed_kmh` becomes `vehicle speed kmh`."""
    last = re.sub(r"[(\[{].*?[)\]}]", " ", name).rsplit("/", 1)[-1]
    apart = re.sub(r"([a-z])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3 \2\4", last)
    return " ".join(re.split(r"[^0-9a-zA-Z\u00c0-\u024f]+", apart)).strip().lower()


def is_speed(name: str, told: str) -> bool:
    """Whether a channel is named like a speed of the car and its unit, as the file tells it, is that of a speed."""
    plain = words(name)
    foreign = _is_foreign(name, told, "speed")
    return bool(SPEED.search(plain) or unit_in_name(name, "speed")) and not NO_SPEED.search(plain) and not foreign


def speed_score(name: str, told: str) -> int:
    """How surely a channel named like a speed is that of the car; wheels come last."""
    plain = words(name)
    known = told_unit(name, told, "speed") is not None
    return 2 * bool(CAR.search(plain)) + known - 3 * bool(WHEEL.search(plain)) + bool(SPEED.search(plain))


def is_push(name: str, told: str) -> bool:
    """Whether a channel is named like an acceleration and its unit, as the file tells it, is that of one."""
    plain = words(name)
    foreign = _is_foreign(name, told, "acceleration")
    named = bool(PUSH.search(plain)) or name.lower().split("/")[-1].startswith("accel")
    return named and not NO_PUSH.search(plain) and not foreign


def told_unit(name: str, told: str, quantity: str) -> Unit | None:
    """The unit that the file or the name tells."""
    return known_unit(told, quantity) or unit_in_name(name, quantity)


def _is_foreign(name: str, told: str, quantity: str) -> bool:
    """Whether the file or brackets in the name tell a unit that is none of this quantity."""
    if told_unit(name, told, quantity) is not None:
        return False
    bracketed = re.findall(r"[(\[{]([^)\]}]*)[)\]}]", name)
    return bool(told) or bool(bracketed and FOREIGN.search(bracketed[-1].lower()))


def is_time(name: str) -> bool:
    """Whether a channel is named like a time."""
    return bool(TIME.search(words(name)) or unit_in_name(name, "time"))


def is_along(name: str) -> bool:
    """Whether the name of an acceleration says longitudinal."""
    return bool(ALONG.search(words(name)))
