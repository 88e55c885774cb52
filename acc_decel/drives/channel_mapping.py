"""A mapping proposed from names, units and values: which channels are time, speed and acceleration.

Names find candidates, values decide: acceleration is the channel that goes with differentiated speed, and its sign, its
axis and a unit that the file does not tell come out of the same comparison. What stays ambiguous is refused with what
to write.
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy import ndarray

from acc_decel.drives.aligning import correlation, slope
from acc_decel.drives.channel_names import (
    is_acceleration,
    is_longitudinal,
    is_speed,
    is_time,
    speed_score,
    stated_unit,
    words,
)
from acc_decel.drives.cleaning import rising
from acc_decel.drives.description import SIGNALS_BY_NAME, Channel, Description, description_toml
from acc_decel.drives.formats.source import Block, Source
from acc_decel.drives.outliers import TESTS
from acc_decel.drives.reading import blocks, thinned
from acc_decel.drives.series import Series, sensor_updates
from acc_decel.drives.units import ISO, UNITS, Unit, unit_named

LOOKED_AT = 1_000_000  # records that are enough to judge channels
CANDIDATES = 12  # of one signal that are looked at
FAST_MS = 75.0  # [m/s] a greater number without a unit is no m/s
AGREES, CLEARLY = 0.5, 0.1  # correlation that makes an acceleration, and by how much it must lead
NAMED_AGREES = 0.3  # enough for a channel whose name says longitudinal
UNIT_ODDS = 1.4  # how far the sizes may be apart for a unit to be told from them
NEAR_ODDS = 3.0  # the same where only the unit of the acceleration is open: m/s^2 and g are 10 apart
EPOCHS = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s"))  # least seconds since 1970 in each unit
ALIKE = 0.9  # correlation of two speeds that are the same
LOOSE = {"speed": "km/h", "acceleration": "mg"}  # units that make nothing an outlier that is none in another
SI_NAMES = {"speed", "v", "velocity", "vx"}  # by the convention of this project: SI where no unit is named


@dataclass(frozen=True)
class Proposal:
    """A mapping with what was assumed; `problem` says what keeps it from being used, if anything does."""

    description: Description
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def toml(self) -> str:
        """The mapping as a recording description."""
        return description_toml(self.description)


@dataclass(frozen=True)
class Candidate:
    """A channel that may be a signal: its series as recorded, the unit if the file or the name tells it."""

    name: str
    unit: Unit | None
    series: Series = field(repr=False)


def proposed(source: Source) -> Proposal:
    """The mapping of a recording, from what its first records show."""
    there = source.channels()
    time = None if source.timed else _time(source, there)
    nothing = Description({}, time, getattr(source, "dbc", None))
    if not source.timed and time is None:
        return Proposal(nothing, (), _how("time", there, "no channel is named like a time"))
    speeds = sorted((n for n in there if is_speed(n, there[n])), key=lambda n: -speed_score(n, there[n]))[:CANDIDATES]
    pushes = [n for n in there if is_acceleration(n, there[n])][:CANDIDATES]
    if not speeds:
        return Proposal(nothing, (), _how("speed", there, "no channel is named like a speed"))
    seen = looked_at(source, [*speeds, *pushes], time, there)
    if seen.broken_time:
        return Proposal(nothing, (), _how("time", there, seen.broken_time))
    alive = [name for name in speeds if name in seen.series]
    if not alive:
        told = ", ".join(f"{name!r} {seen.dead[name]}" for name in speeds)
        return Proposal(nothing, (), _how("speed", there, f"its channel is dead: {told}"))
    if rival := _rival(alive[0], alive, there, seen.series):
        told = f"{alive[0]!r} and {rival!r} differ and either may be meant"
        return Proposal(nothing, (), _how("speed", there, told))
    speed = _candidate(alive[0], "speed", there, seen)
    return _mapped(
        speed, [_candidate(n, "acceleration", there, seen) for n in pushes if n in seen.series], there, nothing
    )


def _candidate(name: str, signal: str, there: dict[str, str], seen: "Looked") -> Candidate:
    return Candidate(name, stated_unit(name, there[name], signal), seen.series[name])


def _mapped(speed: Candidate, pushes: list[Candidate], there: dict[str, str], nothing: Description) -> Proposal:
    """The proposal for this speed with the acceleration that goes with it, if one does."""
    acceleration, sign, why = _acceleration(speed, pushes)
    speed_unit, acceleration_unit, notes, problem = _units(speed, acceleration, there)
    channels = {"speed": Channel(speed.name, speed_unit)}
    if acceleration is not None and acceleration_unit is not None and not problem:
        channels["acceleration"] = Channel(acceleration.name, acceleration_unit, sign)
        if sign < 0:
            why.append(f"{acceleration.name!r} runs against the change of speed, so its sign is -1")
    elif acceleration is not None:
        why.append(
            f"{acceleration.name!r} is not used: its unit is not told and none fits. Describe it with --recording"
        )
    return Proposal(replace(nothing, channels=channels), (*notes, *why), problem)


@dataclass(frozen=True)
class Looked:
    """Series of the channels that change, as recorded; what is wrong with the others, and with the time."""

    series: dict[str, Series]
    dead: dict[str, str]
    broken_time: str


def looked_at(source: Source, names: list[str], time: Channel | None, there: dict[str, str]) -> Looked:
    """The first records of some channels, without spikes and drop-outs, so that those do not mislead."""
    parts: dict[str, list[Block]] = {}
    records = 0
    for block in blocks(source, names, time):
        parts.setdefault(block.group, []).append(thinned(block))
        records += len(block.time)
        if records >= LOOKED_AT:
            break
    found, dead, broken = {}, dict.fromkeys(names, "has no records"), ""
    told_time = repr(time.name) if time else "the time of the records"
    for group in parts.values():
        stamps = np.concatenate([block.time for block in group])
        if not np.isfinite(stamps).any():
            broken = f"{told_time} holds no time"
        elif not (np.diff(stamps[np.isfinite(stamps)]) > 0).any():
            broken = f"{told_time} runs backward or stands still"
        for name in group[0].values:
            value = np.concatenate([block.values[name] for block in group])
            numbers = value[np.isfinite(value)]
            if len(numbers) < 3 or (numbers == numbers[0]).all():
                dead[name] = f"holds one value, {numbers[0]:g}" if len(numbers) else "holds no number"
                continue
            series = _series(stamps, value, name, there[name])
            if series is not None:
                found[name] = series
                del dead[name]
    return Looked(found, dead, broken)


def _series(time: ndarray, value: ndarray, name: str, told: str) -> Series | None:
    rows = np.flatnonzero(np.isfinite(time) & np.isfinite(value))
    if len(rows) and not (np.diff(time[rows]) > 0).all():
        rows = rows[rising(time[rows])]
    if len(rows) < 3 or (value[rows] == value[rows[0]]).all():
        return None
    news = sensor_updates(time[rows], value[rows])
    rows = rows[news.rows]
    signal = "speed" if is_speed(name, told) else "acceleration"
    size = (stated_unit(name, told, signal) or unit_named(LOOSE[signal], signal, name)).size
    for test in TESTS[signal].values():
        kept = rows[~test(time[rows], value[rows] * size, news.period)]
        rows = kept if len(kept) > 0.5 * len(rows) else rows
    return Series(time[rows], value[rows], news.period, news.resolution)


def _rival(best: str, names: list[str], there: dict[str, str], seen: dict[str, Series]) -> str:
    """Another channel that is named as well as the best and tells another story, or nothing."""
    mine = seen[best]
    for name in names:
        if name == best or name not in seen or speed_score(name, there[name]) < speed_score(best, there[best]):
            continue
        other = np.interp(mine.time, seen[name].time, seen[name].value)
        if float(np.corrcoef(mine.value, other)[0, 1]) < ALIKE:
            return name
    return ""


def _time(source: Source, there: dict[str, str]) -> Channel | None:
    named = [name for name in there if is_time(name)]
    if not named:
        return None
    ranked = sorted(named, key=lambda n: (words(n) not in {"time", "t", "timestamp"}, "time" not in words(n)))[:4]
    choices = [(name, _time_unit(source, name, there[name])) for name in ranked]
    rises = [choice for choice in choices if _mostly_rises(source, *choice)]
    name, told = (rises or choices)[0]
    return Channel(name, told)


def _first_times(source: Source, name: str, told: Unit) -> ndarray:
    block = next(iter(blocks(source, [], Channel(name, told))), None)
    return np.array([]) if block is None else block.time[np.isfinite(block.time)]


def _mostly_rises(source: Source, name: str, told: Unit) -> bool:
    steps = np.diff(_first_times(source, name, told))
    return len(steps) > 0 and float((steps > 0).mean()) > 0.5


def _time_unit(source: Source, name: str, told: str) -> Unit:
    """The unit of a time: as told; as the text of dates; since 1970 by its size; else by the size of its steps."""
    second = unit_named("s", "time", name)
    raw = _first_times(source, name, second)
    if not len(raw):
        return unit_named(ISO, "time", name)
    known = stated_unit(name, told, "time")
    if known is not None and known.name != ISO:
        return known
    size, steps = float(np.median(np.abs(raw))), np.diff(raw)
    for least, epoch in EPOCHS:
        if size > least:
            return unit_named(epoch, "time", name)
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    elapsed = next((u for least, u in ((5e6, "ns"), (5e3, "us"), (5.0, "ms")) if step >= least), "s")
    return unit_named(elapsed, "time", name)


def _acceleration(speed: Candidate, candidates: list[Candidate]) -> tuple[Candidate | None, float, list[str]]:
    """The candidate that goes with the change of speed, its sign, and why there is none."""
    found = []
    for candidate in candidates:
        told = correlation(speed.series, candidate.series)
        if told is not None:
            r = float(told[1][np.argmax(np.abs(told[1]))])
            found.append((abs(r) * _size_fits(speed, candidate), r, candidate))
    found.sort(key=lambda entry: -entry[0])
    if not found:
        return None, 1.0, ["the recording is too short to compare acceleration with speed"] if candidates else []
    (lead, r, best), second = found[0], found[1][0] if len(found) > 1 else 0.0
    along = is_longitudinal(best.name)
    if (abs(r) >= AGREES and lead - second >= CLEARLY) or (along and abs(r) >= NAMED_AGREES):
        return best, float(np.sign(r)), [f"{best.name!r} goes with the change of {speed.name!r} (r = {r:.2f})"]
    names = ", ".join(f"{c.name!r} (r = {r:.2f})" for _, r, c in found)
    return None, 1.0, [f"no acceleration is used, none clearly goes with the change of speed: {names}"]


def _size_fits(speed: Candidate, acceleration: Candidate) -> float:
    """1 where acceleration is as large as the change of speed in some pair of units, less where it is not."""
    speeds = [speed.unit] if speed.unit else [unit_named(u, "speed", "") for u in ("m/s", "km/h", "mph")]
    units = [acceleration.unit] if acceleration.unit else [unit_named(u, "acceleration", "") for u in ("m/s^2", "g")]
    size = slope(speed.series, acceleration.series)
    return float(np.exp(-min(abs(np.log(max(size, 1e-9) * s.size / u.size)) for s in speeds for u in units)))


def _units(
    speed: Candidate, acceleration: Candidate | None, there: dict[str, str]
) -> tuple[Unit, Unit | None, list[str], str]:
    """Units of speed and acceleration, what was assumed, and what keeps them from being told."""
    speeds = [speed.unit] if speed.unit else [unit_named(u, "speed", "") for u in ("m/s", "km/h", "mph")]
    speeds = [u for u in speeds if _possible(speed.series.value * u.size, "speed")] or speeds
    pushes: list[Unit] = []
    if acceleration is not None:
        pushes = (
            [acceleration.unit] if acceleration.unit else [unit_named(u, "acceleration", "") for u in ("m/s^2", "g")]
        )
    if len(speeds) == 1 and len(pushes) <= 1:
        return speeds[0], pushes[0] if pushes else None, _assumed(speed, speeds[0]), ""
    if acceleration is not None:
        size = slope(speed.series, acceleration.series)
        pairs = sorted((abs(np.log(size * s.size / p.size)), s.name, p.name, s, p) for s in speeds for p in pushes)
        clear = len(pairs) < 2 or all(b[0] - a[0] > np.log(UNIT_ODDS) / 2 for a, b in pairwise(pairs[:2]))
        if pairs[0][0] < np.log(UNIT_ODDS) and clear:
            s, p = pairs[0][3], pairs[0][4]
            return s, p, [f"units {s.name} and {p.name} follow from comparing speed with acceleration"], ""
        if len(speeds) == 1 and pairs[0][0] < np.log(NEAR_ODDS):
            p = pairs[0][4]
            return (
                speeds[0],
                p,
                [*_assumed(speed, speeds[0]), f"{p.name} is the unit nearest to the change of speed"],
                "",
            )
    best = _likely_speed(speed, speeds)
    if best is not None:
        return best, pushes[0] if len(pushes) == 1 else None, _assumed(speed, best), ""
    why = f"the unit of {speed.name!r} is not told ({', '.join(u.name for u in speeds)} are possible)"
    return speeds[0], None, [], _how("speed", there, why)


def _assumed(speed: Candidate, taken: Unit) -> list[str]:
    return [] if speed.unit else [f"{speed.name!r} has no unit: taken as {taken.name}"]


def _likely_speed(speed: Candidate, possible: list[Unit]) -> Unit | None:
    """The unit that a speed without one has, if its name, size or steps tell."""
    named, series = {u.name: u for u in possible}, speed.series
    if "m/s" not in named:
        return named.get("km/h", possible[0])
    if words(speed.name) in SI_NAMES:
        return named["m/s"]
    if "km/h" in named and (series.value == np.round(series.value)).all() and series.value.max() > 10:
        return named["km/h"]
    return None


def _possible(value: ndarray, signal: str) -> bool:
    """Whether nearly all values lie in the signal's range, and their changes are those of a car."""
    limits = SIGNALS_BY_NAME[signal]
    top = min(limits.high, FAST_MS)
    return bool(np.quantile(value, 0.99) <= top and np.quantile(value, 0.01) >= limits.low)


def _how(signal: str, there: dict[str, str], why: str) -> str:
    quantity = "time" if signal == "time" else SIGNALS_BY_NAME[signal].quantity
    units = ", ".join(u.name for u in UNITS if u.quantity == quantity)
    shown = ", ".join(map(repr, list(there)[:30])) + (", ..." if len(there) > 30 else "")
    return (
        f"the {signal} must be told by a recording description, because {why}. Channels: {shown}. "
        f'Write [{signal}], channel = "NAME", unit = "UNIT" ({units}) into a TOML file and give it with --recording.'
    )


def used(proposal: Proposal, source: Source) -> Description:
    """The recording of a proposal that may be used as it is. Raises ValueError that says what to write."""
    if proposal.problem:
        raise ValueError(f"{source.path}: {proposal.problem}")
    return replace(proposal.description)
