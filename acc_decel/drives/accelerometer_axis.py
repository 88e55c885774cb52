"""Which accelerometer is the longitudinal one, in which unit and with which sign, where no speed can show it."""

import re
from dataclasses import dataclass, replace

import numpy as np

from acc_decel.constants import GRAVITY
from acc_decel.drives.acceleration_choice import is_same_axis
from acc_decel.drives.accelerometer_alone import motion_without_speed
from acc_decel.drives.braking_end import braking_sign
from acc_decel.drives.channel_names import is_longitudinal, is_role, words
from acc_decel.drives.cleaning import NO_SPEED, CleanDrive
from acc_decel.drives.description import Channel
from acc_decel.drives.series import Series
from acc_decel.drives.unit_choice import Candidate
from acc_decel.drives.units import Unit, unit_named

NO_SPEED_NOTE = "without a speed, events have decelerations by the accelerometer alone, but no speeds, distance or MFDD"
AXIS = re.compile(r"\b(a|acc|accel|g)?(?P<letter>[xyz])\b")  # the axis of a sensor in the words of a name
GRAVITY_TOLERANCE = 0.15  # of the median length of three axes, by which it is gravity
MIN_GRAVITY_SHARE = 0.7  # of gravity, that lies in the vertical axis of a sensor mounted upright
MIN_SI_SPREAD = 1.5  # a car's acceleration changes by more than this in m/s^2, and never by so much in g
SPREAD_QUANTILES = (0.001, 0.999)
SIGN_SAMPLE_S = 1800.0  # of the recording, that shows the sign


@dataclass(frozen=True)
class Axis:
    """The longitudinal accelerometer with notes on how it was chosen; `problem` says why none can be, "" if one is."""

    channel: Channel | None
    notes: tuple[str, ...] = ()
    problem: str = ""


def choose_axis(candidates: list[Candidate]) -> Axis:
    """The longitudinal one of the accelerometers of a recording without speed, by names and by what they share."""
    scales = {c.name: unit for c in candidates if (unit := c.unit or _unit_by_gravity(c, candidates))}
    named = [c for c in candidates if _is_named_longitudinal(c, candidates)]
    if not named and (axes := [c for c in candidates if _letter(c.name)]):
        return Axis(None, (), _unknown_axis(axes, scales))
    group = named or candidates
    if others := [c for c in group[1:] if not is_same_axis(c.series, group[0].series)]:
        return Axis(None, (), f"{group[0].name!r} and {others[0].name!r} differ and either may be meant")
    best = max(group, key=lambda c: (is_role(c.name, "without_gravity"), c.name in scales))
    unit = scales.get(best.name) or _unit_by_size(best)
    if unit is None:
        return Axis(None, (), f"the unit of {best.name!r} is not stated and its values fit m/s^2 and g")
    why = "as its name says" if named else "as it is the only accelerometer"
    notes = [NO_SPEED_NOTE, f"{best.name!r} is taken as longitudinal, {why}"]
    notes += [f"{best.name!r} has no unit: taken as {unit.name} by its size"] if best.unit is None else []
    channel, said = _with_sign(best, unit)
    return Axis(channel, (*notes, said))


def _letter(name: str) -> str:
    """The axis of a sensor that a name says, "" if none."""
    match = AXIS.search(words(name))
    return match["letter"] if match else ""


def _is_named_longitudinal(candidate: Candidate, candidates: list[Candidate]) -> bool:
    """Whether the name says longitudinal. Beside a third axis, `ax` is that of a sensor, which may lie in any way."""
    letter = _letter(candidate.name)
    beside_vertical = any(_letter(c.name) == "z" for c in candidates)
    return is_longitudinal(candidate.name) and letter in ("", "x") and not (letter and beside_vertical)


def _family(name: str) -> str:
    """What the three axes of one sensor have in common in their names."""
    return AXIS.sub(lambda m: m[1] or "", words(name))


def _unit_by_gravity(candidate: Candidate, candidates: list[Candidate]) -> Unit | None:
    """The unit in which the three axes of the sensor measure gravity; None where they do not."""
    axes = {_letter(c.name): c.series for c in candidates if _family(c.name) == _family(candidate.name)}
    if {*axes} != {"x", "y", "z"}:
        return None
    time = candidate.series.time
    length = float(np.median(np.sqrt(sum(np.interp(time, s.time, s.value) ** 2 for s in axes.values()))))
    units = [unit_named(name, "acceleration", "") for name in ("m/s^2", "g")]
    return next((u for u in units if abs(length * u.size / GRAVITY - 1) < GRAVITY_TOLERANCE), None)


def _unit_by_size(candidate: Candidate) -> Unit | None:
    low, high = np.quantile(candidate.series.value, SPREAD_QUANTILES)
    spread = max(high - np.median(candidate.series.value), np.median(candidate.series.value) - low)
    return unit_named("m/s^2", "acceleration", "") if spread > MIN_SI_SPREAD else None


def _unknown_axis(axes: list[Candidate], scales: dict[str, Unit]) -> str:
    """Why none of the axes of a sensor can be taken, with the one that is vertical, where gravity shows it."""
    names = ", ".join(repr(c.name) for c in axes)
    vertical = [
        repr(c.name)
        for c in axes
        if c.name in scales
        and abs(float(np.median(c.series.value))) * scales[c.name].size > MIN_GRAVITY_SHARE * GRAVITY
    ]
    without = f" ({' and '.join(vertical)} hold{'s' if len(vertical) == 1 else ''} gravity)" if vertical else ""
    return f"no speed is recorded, by which to see which of {names} is the longitudinal axis{without}"


def _with_sign(best: Candidate, unit: Unit) -> tuple[Channel, str]:
    """The channel with its sign, and a note on how that was decided."""
    if is_role(best.name, "deceleration"):
        return Channel(best.name, unit, -1.0), f"{best.name!r} is positive where the car brakes, as its name says"
    sign = braking_sign(motion_without_speed(_sample(best.series, unit)))
    if sign:
        end = "negative" if sign > 0 else "positive"
        return Channel(best.name, unit, sign), f"{best.name!r} is {end} where the car brakes: its hardest values are"
    said = f"{best.name!r} is taken as negative where the car brakes, as is usual: nothing shows it without a speed"
    return Channel(best.name, unit, is_sign_assumed=True), said


def _sample(series: Series, unit: Unit) -> CleanDrive:
    """The first part of an accelerometer as a drive without speed."""
    rows = series.time <= series.time[0] + SIGN_SAMPLE_S
    first = replace(series, time=series.time[rows], value=series.value[rows] * unit.size)
    return CleanDrive(NO_SPEED, first, float(first.time[0]), float(first.time[-1]), len(first.time))
