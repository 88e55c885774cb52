"""A mapping proposed from names, units and values: which channels are time, speed and acceleration.

Names find candidates; values decide. The acceleration is the channel that correlates best with differentiated speed;
the same comparison gives its sign, its axis, and a unit that the file does not state. What stays ambiguous is refused,
and the error says what to write.
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy import ndarray

from acc_decel.drives.aligning import correlation, size_ratio
from acc_decel.drives.channel_names import is_acceleration, is_longitudinal, is_speed, speed_score, stated_unit, words
from acc_decel.drives.channel_sampling import Sampled, sample_channels
from acc_decel.drives.description import SIGNALS_BY_NAME, Channel, Description, description_toml
from acc_decel.drives.formats.source import Source
from acc_decel.drives.series import Series
from acc_decel.drives.time_channel import choose_time
from acc_decel.drives.units import UNITS, Unit, unit_named

MAX_CANDIDATES = 12  # channels of one signal that are sampled
MAX_SPEED_MPS = 75.0  # a greater number without a unit is not in m/s
MIN_CORRELATION = 0.5  # of an acceleration with the change of speed
MIN_CORRELATION_LEAD = 0.1  # of the best candidate over the second
MIN_CORRELATION_LONGITUDINAL = 0.3  # enough for a channel whose name says longitudinal
MAX_SIZE_RATIO = 1.4  # between the change of speed and acceleration in the right pair of units
MAX_SIZE_RATIO_KNOWN_SPEED = 3.0  # the same where only the acceleration has no unit: m/s^2 and g are 10 apart
SAME_SPEED_CORRELATION = 0.9  # two speeds that correlate less are not the same speed
SI_NAMES = {"speed", "v", "velocity", "vx"}  # taken as SI where no unit is stated, as in this project, ...
MIN_WHOLE_SHARE = 0.99  # ... unless this share of the values is whole: no logger rounds to whole m/s, many do to km/h
MIN_WHOLE_KMH, MIN_WHOLE_KMH_SI = 10.0, 40.0  # a smaller maximum of whole numbers does not show km/h; of an SI name


@dataclass(frozen=True)
class Proposal:
    """A mapping with what was assumed; `problem` says why it cannot be used, "" if it can."""

    description: Description
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def toml(self) -> str:
        """The mapping as a recording description."""
        return description_toml(self.description)


@dataclass(frozen=True)
class Candidate:
    """A channel that may be a signal: its series as recorded, and its unit if the file or the name states it."""

    name: str
    unit: Unit | None
    series: Series = field(repr=False)

    def possible_units(self, signal: str) -> list[Unit]:
        """The stated unit alone, or else the common units of the signal."""
        names = {"speed": ("m/s", "km/h", "mph"), "acceleration": ("m/s^2", "g")}[signal]
        return [self.unit] if self.unit else [unit_named(name, signal, "") for name in names]


def propose_mapping(source: Source) -> Proposal:
    """The mapping of a recording, from its first records."""
    file_units = source.channels()
    time = None if source.timed else choose_time(source, file_units)
    no_channels = Description({}, time, getattr(source, "dbc", None))

    def problem(signal: str, reason: str) -> Proposal:
        return Proposal(no_channels, (), _instructions(signal, list(file_units), reason))

    if not source.timed and time is None:
        return problem("time", "no channel is named like a time")
    speeds = [n for n in file_units if is_speed(n, file_units[n])]
    speeds = sorted(speeds, key=lambda n: -speed_score(n, file_units[n]))[:MAX_CANDIDATES]
    accelerations = [n for n in file_units if is_acceleration(n, file_units[n])][:MAX_CANDIDATES]
    if not speeds:
        return problem("speed", "no channel is named like a speed")
    sampled = sample_channels(source, [*speeds, *accelerations], time, file_units)
    if sampled.time_error:
        return problem("time", sampled.time_error)
    usable = [name for name in speeds if name in sampled.series]
    if not usable:
        reasons = ", ".join(f"{name!r} {sampled.dead[name]}" for name in speeds)
        return problem("speed", f"its channel is dead: {reasons}")
    if rival := _rival(usable[0], usable, file_units, sampled):
        return problem("speed", f"{usable[0]!r} and {rival!r} differ and either may be meant")
    speed = _candidate(usable[0], "speed", file_units, sampled)
    candidates = [_candidate(n, "acceleration", file_units, sampled) for n in accelerations if n in sampled.series]
    return _proposal(speed, candidates, list(file_units), no_channels)


def accept(proposal: Proposal, source: Source) -> Description:
    """The description that a proposal holds. Raises ValueError that says what to write if it cannot be used."""
    if proposal.problem:
        raise ValueError(f"{source.path}: {proposal.problem}")
    return proposal.description


def _rival(best: str, names: list[str], file_units: dict[str, str], sampled: Sampled) -> str:
    """Another channel that is named as well as the best and has other values; "" if there is none."""
    series = sampled.series[best]
    for name in names:
        if name == best or speed_score(name, file_units[name]) < speed_score(best, file_units[best]):
            continue
        other = np.interp(series.time, sampled.series[name].time, sampled.series[name].value)
        if float(np.corrcoef(series.value, other)[0, 1]) < SAME_SPEED_CORRELATION:
            return name
    return ""


def _candidate(name: str, signal: str, file_units: dict[str, str], sampled: Sampled) -> Candidate:
    return Candidate(name, stated_unit(name, file_units[name], signal), sampled.series[name])


def _proposal(speed: Candidate, candidates: list[Candidate], names: list[str], no_channels: Description) -> Proposal:
    """The proposal for this speed with the acceleration that correlates with it, if there is one."""
    acceleration, sign, sign_notes = _choose_acceleration(speed, candidates)
    speed_unit, acceleration_unit, notes, problem = _choose_units(speed, acceleration, names)
    channels = {"speed": Channel(speed.name, speed_unit)}
    if acceleration is not None and acceleration_unit is not None and not problem:
        channels["acceleration"] = Channel(acceleration.name, acceleration_unit, sign)
        if sign < 0:
            sign_notes.append(f"{acceleration.name!r} falls where speed rises, so its sign is -1")
    elif acceleration is not None:
        sign_notes.append(
            f"{acceleration.name!r} is not used: its unit is not stated and none fits. Describe it with --recording"
        )
    return Proposal(replace(no_channels, channels=channels), (*notes, *sign_notes), problem)


def _choose_acceleration(speed: Candidate, candidates: list[Candidate]) -> tuple[Candidate | None, float, list[str]]:
    """The candidate that correlates with the change of speed, its sign, and a note on the choice."""
    scored = []
    for candidate in candidates:
        correlations = correlation(speed.series, candidate.series)
        if correlations is not None:
            r = float(correlations[1][np.argmax(np.abs(correlations[1]))])
            scored.append((abs(r) * _size_score(speed, candidate), r, candidate))
    scored.sort(key=lambda entry: -entry[0])
    if not scored:
        return None, 1.0, ["the recording is too short to compare acceleration with speed"] if candidates else []
    (score, r, best), second = scored[0], scored[1][0] if len(scored) > 1 else 0.0
    is_clear = abs(r) >= MIN_CORRELATION and score - second >= MIN_CORRELATION_LEAD
    if is_clear or (is_longitudinal(best.name) and abs(r) >= MIN_CORRELATION_LONGITUDINAL):
        return best, float(np.sign(r)), [f"{best.name!r} follows the change of {speed.name!r} (r = {r:.2f})"]
    names = ", ".join(f"{c.name!r} (r = {r:.2f})" for _, r, c in scored)
    return None, 1.0, [f"no acceleration is used, none clearly follows the change of speed: {names}"]


def _size_score(speed: Candidate, acceleration: Candidate) -> float:
    """1 where acceleration is as large as the change of speed in some pair of units, less where it is not."""
    ratio = max(size_ratio(speed.series, acceleration.series), 1e-9)
    speed_units, acceleration_units = speed.possible_units("speed"), acceleration.possible_units("acceleration")
    return float(np.exp(-min(abs(np.log(ratio * s.size / a.size)) for s in speed_units for a in acceleration_units)))


def _choose_units(
    speed: Candidate, acceleration: Candidate | None, names: list[str]
) -> tuple[Unit, Unit | None, list[str], str]:
    """Units of speed and acceleration, notes on what was assumed, and the problem if the unit of speed stays open."""
    speed_units = speed.possible_units("speed")
    speed_units = [u for u in speed_units if _in_range(speed.series.value * u.size, "speed")] or speed_units
    acceleration_units = acceleration.possible_units("acceleration") if acceleration is not None else []
    if acceleration is not None:
        in_range = [u for u in acceleration_units if _in_range(acceleration.series.value * u.size, "acceleration")]
        acceleration_units = in_range or acceleration_units
    only_acceleration_unit = acceleration_units[0] if len(acceleration_units) == 1 else None
    if len(speed_units) == 1 and len(acceleration_units) <= 1:
        return speed_units[0], only_acceleration_unit, _assumption(speed, speed_units[0]), ""
    if acceleration is not None:
        pair, notes = _compare_units(speed, acceleration, speed_units, acceleration_units)
        if pair is not None:
            return *pair, notes, ""
    likely = _likely_speed_unit(speed, speed_units)
    if likely is not None:
        return likely, only_acceleration_unit, _assumption(speed, likely), ""
    units = ", ".join(u.name for u in speed_units)
    reason = f"the unit of {speed.name!r} is not stated ({units} are possible)"
    return speed_units[0], None, [], _instructions("speed", names, reason)


def _compare_units(
    speed: Candidate, acceleration: Candidate, speed_units: list[Unit], acceleration_units: list[Unit]
) -> tuple[tuple[Unit, Unit] | None, list[str]]:
    """The pair of units with which acceleration is as large as the change of speed, with notes; None if not clear."""
    ratio = size_ratio(speed.series, acceleration.series)
    pairs = sorted(
        (abs(np.log(ratio * s.size / a.size)), s.name, a.name, s, a) for s in speed_units for a in acceleration_units
    )
    error, speed_name, acceleration_name, speed_unit, acceleration_unit = pairs[0]
    is_clear = all(b[0] - a[0] > np.log(MAX_SIZE_RATIO) / 2 for a, b in pairwise(pairs[:2]))
    if error < np.log(MAX_SIZE_RATIO) and is_clear:
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


def _instructions(signal: str, names: list[str], reason: str) -> str:
    """Why the signal must be described by hand, and what to write."""
    quantity = "time" if signal == "time" else SIGNALS_BY_NAME[signal].quantity
    units = ", ".join(u.name for u in UNITS if u.quantity == quantity)
    listed = ", ".join(map(repr, names[:30])) + (", ..." if len(names) > 30 else "")
    return (
        f"the {signal} must be given by a recording description, because {reason}. Channels: {listed}. "
        f'Write [{signal}], channel = "NAME", unit = "UNIT" ({units}) into a TOML file and give it with --recording.'
    )
