"""The units of speed and acceleration: as the file states or its witnesses show them, or a guess that fits these."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy import ndarray

from acc_decel.drives.aligning import correlation, size_ratio
from acc_decel.drives.channel_names import words
from acc_decel.drives.description import SIGNALS_BY_NAME
from acc_decel.drives.evidence import ACCELEROMETER_TOLERANCE, Witness, accelerometer_witness
from acc_decel.drives.series import Series
from acc_decel.drives.units import Unit, unit_named

MAX_SPEED_MPS = 75.0  # a greater number without a unit is not in m/s
MAX_SIZE_RATIO = 1.4  # between the change of speed and acceleration in the right pair of units
MAX_SIZE_RATIO_KNOWN_SPEED = 3.0  # the same where only the acceleration has no unit: m/s^2 and g are 10 apart
SI_NAMES = {"speed", "v", "velocity", "vx"}  # taken as SI where no unit is stated, as in this project, ...
MIN_WHOLE_SHARE = 0.99  # ... unless this share of the values is whole: no logger rounds to whole m/s, many do to km/h
MIN_WHOLE_KMH, MIN_WHOLE_KMH_SI = 10.0, 40.0  # a smaller maximum of whole numbers does not show km/h; of an SI name
GUESSED = {"speed": ("m/s", "km/h", "mph"), "acceleration": ("m/s^2", "g")}
MIN_TOLD_RATIO = 1.2  # between a speed in its stated unit and a witness; ...
MAX_TOLD_RATIO = 2.0  # ... with a greater one the clock is in another unit, or the scale is another
WITNESSED = ("m/s", "km/h", "mph", "kn", "ft/s")  # which of these a speed is in, witnesses can tell


@dataclass(frozen=True)
class Candidate:
    """A channel that may be a signal: its series as recorded, and its unit if the file or the name states it."""

    name: str
    unit: Unit | None
    series: Series = field(repr=False)

    def possible_units(self, signal: str) -> list[Unit]:
        """The stated unit alone, or else the common units of the signal."""
        return [self.unit] if self.unit else [unit_named(name, signal, "") for name in GUESSED[signal]]


@dataclass(frozen=True)
class Units:
    """The units chosen, what was assumed, and why the unit of speed stays open, "" if it does not."""

    speed: Unit
    acceleration: Unit | None
    notes: tuple[str, ...] = ()
    problem: str = ""


def choose_units(speed: Candidate, acceleration: Candidate | None, witnesses: list[Witness]) -> Units:
    """The units of speed and acceleration. No unit is chosen that a witness contradicts."""
    speed_units = _possible(speed, "speed")
    acceleration_units = _possible(acceleration, "acceleration") if acceleration is not None else []
    notes: list[str] = []
    if witnesses:
        unit, said, problem = _witnessed(speed, witnesses)
        if problem:
            return Units(speed_units[0], None, (), problem)
        speed_units, notes = ([unit] if unit else speed_units), [said] if said else []
    units = _compared(speed, acceleration, speed_units, acceleration_units, notes)
    if speed.unit is None and acceleration is not None and units.acceleration is not None and not units.problem:
        return _unless_contradicted(units, speed, acceleration, is_witnessed=bool(notes))
    return units


def _possible(candidate: Candidate, signal: str) -> list[Unit]:
    units = candidate.possible_units(signal)
    return [u for u in units if _in_range(candidate.series.value * u.size, signal)] or units


def _witnessed(speed: Candidate, witnesses: list[Witness]) -> tuple[Unit | None, str, str]:
    """The unit that all witnesses allow, a note on it, and the problem where they contradict it or each other."""
    units = [unit_named(name, "speed", "") for name in WITNESSED]
    allowed = [unit for unit in units if all(witness.allows(unit) for witness in witnesses)]
    allowed.sort(key=lambda unit: sum(abs(float(np.log(unit.size / w.size))) for w in witnesses))
    what_they_say = ", ".join(_sentence(witness, units) for witness in witnesses)
    if speed.unit is None:
        if not allowed:
            return (
                None,
                "",
                f"the unit of {speed.name!r} is not stated and none fits what the file shows: {what_they_say}",
            )
        names = ", ".join(witness.name for witness in witnesses)
        return allowed[0], f"{speed.name!r} has no unit: taken as {allowed[0].name}, as {names} show", ""
    if allowed and not any(unit.size == speed.unit.size for unit in allowed):
        stated = f"the unit of {speed.name!r} is stated as {speed.unit.name}"
        return None, "", f"{stated}, and the file shows another: {what_they_say}"
    ratio, name = max((max(w.size / speed.unit.size, speed.unit.size / w.size), w.name) for w in witnesses)
    said = f"{speed.name!r} and {name} differ by a factor of {ratio:.2f}: check the clock and the scale of both"
    if ratio > MAX_TOLD_RATIO:
        return None, "", said
    return None, said if ratio >= MIN_TOLD_RATIO else "", ""


def _sentence(witness: Witness, units: list[Unit]) -> str:
    allowed = [unit.name for unit in units if witness.allows(unit)]
    return f"by {witness.name} it is {allowed[0] if allowed else f'{witness.size:.3g} m/s for each 1'}"


def _unless_contradicted(units: Units, speed: Candidate, acceleration: Candidate, *, is_witnessed: bool) -> Units:
    """The units, or the problem if the accelerometer contradicts that of speed.

    Where others show the unit of speed and that of the accelerometer is a guess, the accelerometer is left out.
    """
    size = units.acceleration.size if units.acceleration else 1.0
    for witness in accelerometer_witness(speed.series, acceleration.series, [size]):
        if witness.allows(units.speed):
            continue
        if is_witnessed and acceleration.unit is None:
            return replace(units, acceleration=None)
        shown = f"by which each 1 is {witness.size:.2g} m/s" if acceleration.unit else "whose unit is not stated either"
        reason = (
            f"the unit of {speed.name!r} is not stated, and {units.speed.name} does not fit {acceleration.name!r}, "
            f"{shown}"
        )
        return Units(units.speed, None, (), reason)
    return units


def _compared(
    speed: Candidate,
    acceleration: Candidate | None,
    speed_units: list[Unit],
    acceleration_units: list[Unit],
    notes: list[str],
) -> Units:
    """The units that remain, compared where more than one does."""
    only_acceleration_unit = acceleration_units[0] if len(acceleration_units) == 1 else None
    is_witnessed = bool(notes)
    if len(speed_units) == 1 and len(acceleration_units) <= 1:
        assumed = notes if is_witnessed else _assumption(speed, speed_units[0])
        return Units(speed_units[0], only_acceleration_unit, tuple(assumed))
    if acceleration is not None:
        pair, said = _compare_units(speed, acceleration, speed_units, acceleration_units)
        if pair is not None:
            return Units(*pair, (*notes, *(said[-1:] if is_witnessed else said)))
    if is_witnessed:
        return Units(speed_units[0], only_acceleration_unit, tuple(notes))
    likely = _likely_speed_unit(speed, speed_units)
    if likely is not None:
        return Units(likely, only_acceleration_unit, tuple(_assumption(speed, likely)))
    names = ", ".join(u.name for u in speed_units)
    return Units(speed_units[0], None, (), f"the unit of {speed.name!r} is not stated ({names} are possible)")


def _compare_units(
    speed: Candidate, acceleration: Candidate, speed_units: list[Unit], acceleration_units: list[Unit]
) -> tuple[tuple[Unit, Unit] | None, list[str]]:
    """The pair of units with which acceleration is as large as the change of speed, with notes; None if not clear."""
    ratio, values = size_ratio(speed.series, acceleration.series), correlation(speed.series, acceleration.series)
    if values is None or not np.isfinite(ratio) or ratio <= 0:
        return None, []
    r = max(float(np.abs(values[1]).max()), 1e-3)
    pairs = sorted(
        (abs(float(np.log(ratio * s.size / a.size))), s.name, a.name, s, a)
        for s in speed_units
        for a in acceleration_units
    )
    error, speed_name, acceleration_name, speed_unit, acceleration_unit = pairs[0]
    # the true ratio lies between r * ratio and ratio / r, as the noise is in the one or in the other
    uncertain = ACCELEROMETER_TOLERANCE - float(np.log(r))
    is_clear = len(pairs) == 1 or pairs[1][0] > uncertain
    if error < min(uncertain, np.log(MAX_SIZE_RATIO)) and is_clear:
        note = f"units {speed_name} and {acceleration_name} follow from comparing speed with acceleration"
        return (speed_unit, acceleration_unit), [note]
    if len(speed_units) == 1 and error < np.log(MAX_SIZE_RATIO_KNOWN_SPEED):
        note = f"{acceleration_name} is the unit nearest to the change of speed"
        return (speed_unit, acceleration_unit), [*_assumption(speed, speed_unit), note]
    return None, []


def _assumption(speed: Candidate, unit: Unit) -> list[str]:
    is_whole = bool((speed.series.value == np.round(speed.series.value)).all())
    holds = " and holds whole numbers" if is_whole else ""
    return [] if speed.unit else [f"{speed.name!r} has no unit{holds}: taken as {unit.name}"]


def _likely_speed_unit(speed: Candidate, possible: list[Unit]) -> Unit | None:
    """The unit of a speed that states none, if its name, its size or its steps show it."""
    by_name, series = {u.name: u for u in possible}, speed.series
    if "m/s" not in by_name:
        return by_name.get("km/h", possible[0])
    is_si_name = words(speed.name) in SI_NAMES
    if float((series.value == np.round(series.value)).mean()) < MIN_WHOLE_SHARE:
        return by_name["m/s"] if is_si_name else None
    min_kmh = MIN_WHOLE_KMH_SI if is_si_name else MIN_WHOLE_KMH
    return by_name["km/h"] if "km/h" in by_name and series.value.max() > min_kmh else None


def _in_range(value: ndarray, signal: str) -> bool:
    """Whether nearly all values are possible for the signal of a road car."""
    limits = SIGNALS_BY_NAME[signal]
    high = min(limits.high, MAX_SPEED_MPS)
    return bool(np.quantile(value, 0.99) <= high and np.quantile(value, 0.01) >= limits.low)
