"""From recordings to recorded leads: their speed as it was measured, or that of the own car with the gap to them.

The recordings are read, cleaned and smoothed as those of `acc-decel drives`. Four ways, the first that a file allows:

- radar tracks that a recording description names (range, lateral, range_rate, track): each car in the own lane,
- a column `lead_speed`,
- the own speed and `relative_speed` of the lead: their sum, where `gap` shows a lead,
- the own speed and `gap`: the speed at which own way plus gap changes, by parabolas over about a second.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy import ndarray
from scipy.signal import savgol_filter

from acc_decel.acc.trial.loop import RECORDED_STEP
from acc_decel.acc.trial.recorded_leads import MIN_START, SHORTEST, RecordedLead
from acc_decel.drives.channel_names import stated_unit, unread_unit, words
from acc_decel.drives.cleaning import CleanDrive, clean_drive
from acc_decel.drives.description import RADAR_SIGNALS, Channel, Description, read_description
from acc_decel.drives.fleet_files import list_recordings
from acc_decel.drives.formats.opening import open_source
from acc_decel.drives.formats.source import Choices
from acc_decel.drives.pipeline import choose_description
from acc_decel.drives.radar_tracks import target_events
from acc_decel.drives.reading import Drive, Records, read_drive
from acc_decel.drives.series import Series
from acc_decel.drives.smoothing import Motion, estimate_motion
from acc_decel.drives.time_channel import choose_time
from acc_decel.drives.units import unit_named

LANE_HALF = 1.5  # [m] a car whose median offset is smaller drives in the own lane
MOST_RANGE = 300.0  # [m] a longer gap, or none, says that there is no lead
LOST = 1.0  # [s] without a record: the lead is lost
MOST_JUMP = 2.0  # [m] of way plus gap, beyond what a lead moves: it is another one
MOST_LEAD_SPEED = 75.0  # [m/s]
WINDOW = 11  # points of a parabola, RECORDED_STEP apart
# fmt: off
COLUMNS = {  # what a column is called, its quantity, its unit where none is stated, the signal that it is read as
    "lead speed":     ("speed",  "m/s", "speed"),
    "relative speed": ("speed",  "m/s", "range_rate"),
    "gap":            ("length", "m",   "range"),
}
# fmt: on
WAY_OUT = (
    "a column lead_speed [m/s], or speed and gap [m] or relative_speed [m/s] of the lead, or radar tracks named by a "
    "recording description"
)


def read_leads(paths: Iterable[Path]) -> tuple[RecordedLead, ...]:
    """The leads in recordings: files, or folders of them. Raises ValueError for one without a lead to follow."""
    return tuple(lead for path in list_recordings(paths) for lead in read_lead(path))


def read_lead(path: Path) -> tuple[RecordedLead, ...]:
    """The leads in one recording, each tracked without a gap for at least SHORTEST."""
    described = path.with_suffix(".toml")
    if described.is_file() and set(RADAR_SIGNALS) <= set((known := read_description(described)).channels):
        motions = _of_radar(read_drive(path, known))
    else:
        motions = _of_columns(path)
    tracked = [RecordedLead(str(path), _on_grid(motion)) for motion in motions]
    leads = tuple(lead for lead in tracked if len(lead.starts))
    if not leads:
        longest = max((lead.duration for lead in tracked), default=0.0)
        raise ValueError(
            f"{path} must hold a lead that is tracked for {SHORTEST:g} s without a gap and drives at {MIN_START:g} m/s "
            f"or more. Got at most {longest:.1f} s of one: record longer, or give another file."
        )
    return leads


def _of_radar(drive: Drive) -> list[Motion]:
    """The motion of each car in the own lane."""
    radar = next(r for r in drive.records if set(RADAR_SIGNALS) <= set(r.values))
    in_lane = (
        target
        for target in target_events(drive).targets
        if abs(np.median(radar.values["lateral"][target.rows])) < LANE_HALF
    )
    return [piece for target in in_lane for piece in target.pieces]


def _of_columns(path: Path) -> list[Motion]:
    """The motion of the lead, from the columns of a table."""
    source = open_source(path, Choices())
    file_units = source.channels()
    channels = {name: _column(path, name, file_units) for name in COLUMNS}
    if lead := channels["lead speed"]:
        time = None if source.timed else choose_time(source, file_units)
        if time is None and not source.timed:
            raise ValueError(f"{path} must have a column with the time [s]. Got {_listed(file_units)}: add one.")
        return estimate_motion(clean_drive(read_drive(path, Description({"speed": lead}, time))))
    measured = {COLUMNS[name][2]: channel for name, channel in channels.items() if channel}
    if not measured:
        raise ValueError(f"{path} must show a lead: {WAY_OUT}. Got {_listed(file_units)}: add one.")
    own, _ = choose_description(path, None, Choices())
    if "speed" not in own.channels:
        raise ValueError(f"{path} must have the speed of the own car. Got {_listed(file_units)}: add a column speed.")
    chosen = replace(own, channels={"speed": own.channels["speed"]} | measured)
    return [motion for series in _lead_series(read_drive(path, chosen)) for motion in _smoothed(series)]


def _column(path: Path, wanted: str, file_units: dict[str, str]) -> Channel | None:
    """The column with this name, with or without a unit in it; None without one. Raises ValueError for its unit."""
    quantity, unit, _ = COLUMNS[wanted]
    for name, file_unit in file_units.items():
        stated = stated_unit(name, file_unit, quantity)
        plain = words(name)
        if plain == wanted or (plain.startswith(f"{wanted} ") and stated is not None):
            text = unread_unit(name, file_unit, quantity)
            return Channel(name, stated or unit_named(text or unit, quantity, f"{path}: {name!r}"))
    return None


def _listed(names: Iterable[str]) -> str:
    return "the columns " + ", ".join(map(repr, list(names)[:12]))


def _lead_series(drive: Drive) -> Iterator[Series]:
    """The speed of the lead over time, a series for each lead."""
    records = next(r for r in drive.records if {"range", "range_rate"} & set(r.values))
    own_records = (Records(r.time, {"speed": r.values["speed"]}) for r in drive.records if "speed" in r.values)
    own = estimate_motion(clean_drive(replace(drive, records=tuple(own_records))))
    gap, rate = records.values.get("range"), records.values.get("range_rate")
    if gap is not None and (gap < 0).any():
        raise ValueError(
            f"{drive.path}: gap must be 0 m or more (0 where there is no lead). Got {np.nanmin(gap):g} m in the "
            f"worst of {int((gap < 0).sum())} records: correct the column."
        )
    for piece in own:
        rows = _with_lead(records, gap, piece)
        time = records.time[rows]
        way = np.interp(time, piece.time, _way(piece)) + (0.0 if gap is None else gap[rows])
        for part in _parts(time, way):
            if rate is None:
                yield _slope(time[part], way[part])
            else:
                yield _series(time[part], np.interp(time[part], piece.time, piece.speed) + rate[rows[part]])


def _with_lead(records: Records, gap: ndarray | None, own: Motion) -> ndarray:
    """The rows with a lead while the own motion is known."""
    inside = (records.time >= own.time[0]) & (records.time <= own.time[-1])
    for column in (records.values.get("range"), records.values.get("range_rate")):
        inside &= True if column is None else np.isfinite(column)
    return np.flatnonzero(inside if gap is None else inside & (gap > 0) & (gap < MOST_RANGE))


def _way(motion: Motion) -> ndarray:
    """The way [m] of a motion since its start."""
    v = motion.speed
    return np.concatenate([[0.0], np.cumsum(np.diff(motion.time) * (v[1:] + v[:-1]) / 2)])


def _parts(time: ndarray, way: ndarray) -> list[ndarray]:
    """The rows of each lead: cut where it is lost, and where its way [m] jumps as no car moves."""
    steps = np.diff(time)
    cuts = np.flatnonzero((steps > LOST) | (np.abs(np.diff(way)) > MOST_JUMP + MOST_LEAD_SPEED * steps)) + 1
    return [rows for rows in np.split(np.arange(len(time)), cuts) if len(rows) > 1]


def _slope(time: ndarray, way: ndarray) -> Series:
    """The speed at which a way [m] changes: parabolas over WINDOW points of a grid."""
    grid = np.arange(time[0], time[-1], RECORDED_STEP)
    if len(grid) < WINDOW:
        return _series(time[:0], time[:0])
    speed = savgol_filter(np.interp(grid, time, way), WINDOW, 2, deriv=1, delta=RECORDED_STEP)
    return _series(grid, np.asarray(speed))


def _series(time: ndarray, speed: ndarray) -> Series:
    return Series(time, speed, float(np.median(np.diff(time))) if len(time) > 1 else np.nan, 0.0)


def _smoothed(series: Series) -> list[Motion]:
    """The motion of a lead from its speed; none where it was seen for less than SHORTEST."""
    if len(series.time) < WINDOW or series.time[-1] - series.time[0] < SHORTEST:
        return []
    return estimate_motion(CleanDrive(series, None, series.time[0], series.time[-1], len(series.time)))


def _on_grid(motion: Motion) -> ndarray:
    """Speeds [m/s], at least 0, RECORDED_STEP apart."""
    grid = np.arange(motion.time[0], motion.time[-1] + RECORDED_STEP / 2, RECORDED_STEP)
    return np.asarray(np.maximum(np.interp(grid, motion.time, motion.speed), 0.0))
