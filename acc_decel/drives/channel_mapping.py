"""A mapping proposed from names, units and values: which channels are time, speed and acceleration.

Names find candidates; values decide. The acceleration is the channel that correlates best with differentiated speed;
the same comparison gives its sign, its axis, and a unit that the file does not state. What stays ambiguous is refused,
and the error says what to write.
"""

from dataclasses import dataclass, replace

import numpy as np

from acc_decel.drives.acceleration_choice import choose_acceleration
from acc_decel.drives.accelerometer_axis import choose_axis
from acc_decel.drives.channel_names import (
    is_acceleration,
    is_speed,
    speed_score,
    stated_unit,
    unread_unit,
)
from acc_decel.drives.channel_sampling import Sampled, sample_channels
from acc_decel.drives.description import SIGNALS_BY_NAME, Channel, Description, description_toml
from acc_decel.drives.evidence import clock_scale, distance_witnesses, speed_witnesses, witness_channels
from acc_decel.drives.formats.source import NamedSource
from acc_decel.drives.time_channel import choose_time, rescaled
from acc_decel.drives.unit_choice import Candidate, choose_units
from acc_decel.drives.units import DIGITS, UNITS

MAX_CANDIDATES = 12  # channels of one signal that are sampled
SAME_SPEED_CORRELATION = 0.9  # two speeds that correlate less are not the same speed


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


class _OpenError(Exception):
    """A signal cannot be chosen, for a reason in words."""

    def __init__(self, signal: str, reason: str) -> None:
        super().__init__(reason)
        self.signal, self.reason = signal, reason


def propose_mapping(source: NamedSource) -> Proposal:
    """The mapping of a recording, from its first records."""
    file_units = source.channels()
    time = None if source.timed else choose_time(source, file_units)
    no_channels = Description({}, time, getattr(source, "dbc", None))
    try:
        if not source.timed and time is None:
            raise _OpenError("time", "no channel is named like a time")
        return _mapped(source, file_units, no_channels)
    except _OpenError as open_:
        return Proposal(no_channels, (), _instructions(open_.signal, list(file_units), open_.reason))


def _mapped(source: NamedSource, file_units: dict[str, str], no_channels: Description) -> Proposal:
    """The proposal with the speed that is named best. Raises _OpenError where it, or the time, cannot be chosen."""
    if no_channels.time is not None and (text := _unread_time(no_channels.time, file_units)):
        raise _OpenError("time", f"the unit {text!r} of {no_channels.time.name!r} is not understood")
    speeds = [n for n in file_units if is_speed(n, file_units[n])]
    speeds = sorted(speeds, key=lambda n: -speed_score(n, file_units[n]))[:MAX_CANDIDATES]
    if not speeds:
        return _without_speed(source, file_units, no_channels)
    accelerations, notes = _accelerations(file_units)
    names = list(dict.fromkeys([*speeds, *accelerations, *witness_channels(file_units)]))
    sampled = sample_channels(source, names, no_channels.time, file_units)
    usable = _usable(speeds, sampled, file_units)
    if no_channels.time is not None:
        time, said = _checked_clock(usable[0], accelerations, no_channels.time, sampled, file_units)
        if time != no_channels.time:
            sampled = sample_channels(source, names, time, file_units)
            usable = _usable(speeds, sampled, file_units)
            no_channels, notes = replace(no_channels, time=time), [*notes, said]
    notes += [f"{n!r} is not used: it {sampled.full_of_text[n]}" for n in accelerations if n in sampled.full_of_text]
    if rival := _rival(usable[0], usable, file_units, sampled):
        raise _OpenError("speed", f"{usable[0]!r} and {rival!r} differ and either may be meant")
    speed = _candidate(usable[0], "speed", file_units, sampled)
    candidates = [_candidate(n, "acceleration", file_units, sampled) for n in accelerations if n in sampled.series]
    proposal = _proposal(speed, candidates, sampled, file_units, no_channels)
    return replace(proposal, notes=(*notes, *proposal.notes))


def _without_speed(source: NamedSource, file_units: dict[str, str], no_channels: Description) -> Proposal:
    """The proposal of a recording that has accelerations and no speed. Raises _OpenError where none can be chosen."""
    accelerations, notes = _accelerations(file_units)
    if not accelerations:
        raise _OpenError(
            "speed", "no channel is named like a speed, and none like an acceleration, which will do alone"
        )
    sampled = sample_channels(source, accelerations, no_channels.time, file_units)
    if sampled.time_error:
        raise _OpenError("time", sampled.time_error)
    candidates = [_candidate(n, "acceleration", file_units, sampled) for n in accelerations if n in sampled.series]
    if not candidates:
        reasons = ", ".join(f"{name!r} {sampled.dead[name]}" for name in accelerations)
        raise _OpenError("acceleration", f"no speed is recorded, and its channel is dead: {reasons}")
    axis = choose_axis(candidates)
    if axis.channel is None:
        raise _OpenError("acceleration", axis.problem)
    description = replace(no_channels, channels={"acceleration": axis.channel})
    return Proposal(description, ("no channel is named like a speed", *notes, *axis.notes))


def _usable(speeds: list[str], sampled: Sampled, file_units: dict[str, str]) -> list[str]:
    """The speeds that change, the best first. Raises _OpenError if there is none, or the unit of the best is unread."""
    if sampled.time_error:
        raise _OpenError("time", sampled.time_error)
    usable = [name for name in speeds if name in sampled.series]
    if not usable:
        reasons = ", ".join(f"{name!r} {sampled.dead[name]}" for name in speeds)
        raise _OpenError("speed", f"its channel is dead: {reasons}")
    if text := unread_unit(usable[0], file_units[usable[0]], "speed"):
        raise _OpenError("speed", f"the unit {text!r} of {usable[0]!r} is not understood")
    return usable


def _unread_time(time: Channel, file_units: dict[str, str]) -> str:
    """The text of a unit of the time that is not understood; dates and digits of a time of day need none."""
    if time.holds_dates or time.unit.name in DIGITS:
        return ""
    return unread_unit(time.name, file_units[time.name], "time")


def _accelerations(file_units: dict[str, str]) -> tuple[list[str], list[str]]:
    """Channels that may be an acceleration, and notes on those that are not used for their unit."""
    names = [n for n in file_units if is_acceleration(n, file_units[n])]
    unread = {n: text for n in names if (text := unread_unit(n, file_units[n], "acceleration"))}
    notes = [f"{n!r} is not used: its unit {text!r} is not understood" for n, text in unread.items()]
    return [n for n in names if n not in unread][:MAX_CANDIDATES], notes


def _checked_clock(
    speed: str, accelerations: list[str], time: Channel, sampled: Sampled, file_units: dict[str, str]
) -> tuple[Channel, str]:
    """The time with the unit that agrees with what the file shows, and a note if that is another."""
    unit = stated_unit(speed, file_units[speed], "speed")
    accelerometers = [
        (sampled.series[n], stated_unit(n, file_units[n], "acceleration")) for n in accelerations if n in sampled.series
    ]
    witnesses = distance_witnesses(speed, sampled, file_units)
    scale, witness = clock_scale(sampled.series[speed], unit, accelerometers, witnesses)
    right = rescaled(time, scale)
    if right == time:
        return time, ""
    return right, (
        f"{time.name!r} was taken to be in {time.unit.name}, which {witness} contradicts by a factor of "
        f"{max(scale, 1 / scale):g}: taken as {right.unit.name}"
    )


def accept(proposal: Proposal, source: NamedSource) -> Description:
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


def _proposal(
    speed: Candidate,
    candidates: list[Candidate],
    sampled: Sampled,
    file_units: dict[str, str],
    no_channels: Description,
) -> Proposal:
    """The proposal for this speed with the acceleration that correlates with it, if there is one."""
    acceleration, sign, sign_notes = choose_acceleration(speed, candidates)
    units = choose_units(speed, acceleration, speed_witnesses(speed.name, sampled, file_units))
    problem = _instructions("speed", list(file_units), units.problem) if units.problem else ""
    channels = {"speed": Channel(speed.name, units.speed)}
    if acceleration is not None and units.acceleration is not None and not problem:
        channels["acceleration"] = Channel(acceleration.name, units.acceleration, sign)
        if sign < 0:
            sign_notes.append(f"{acceleration.name!r} falls where speed rises, so its sign is -1")
    elif acceleration is not None:
        sign_notes.append(
            f"{acceleration.name!r} is not used: its unit is not stated and none fits. Describe it with --recording"
        )
    return Proposal(replace(no_channels, channels=channels), (*units.notes, *sign_notes), problem)


def _instructions(signal: str, names: list[str], reason: str) -> str:
    """Why the signal must be described by hand, and what to write."""
    quantity = "time" if signal == "time" else SIGNALS_BY_NAME[signal].quantity
    units = ", ".join(u.name for u in UNITS if u.quantity == quantity)
    sign = ", sign = 1 (-1 if the values are positive where the car brakes)" if signal == "acceleration" else ""
    listed = ", ".join(map(repr, names[:30])) + (", ..." if len(names) > 30 else "")
    return (
        f"the {signal} must be given by a recording description, because {reason}. Channels: {listed}. "
        f'Write [{signal}], channel = "NAME", unit = "UNIT" ({units}){sign} into a TOML file and give it with '
        "--recording."
    )
