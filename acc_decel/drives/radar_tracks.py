"""Radar frames of the cars ahead to braking events: frames to tracks, ghosts dropped, tracks smoothed.

No label says which frame is a ghost. A track that stays too short is a ghost, and so is a frame far from the smooth
motion of its track.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.drives.cleaning import CleanDrive, clean_drive
from acc_decel.drives.description import RADAR_SIGNALS
from acc_decel.drives.events import COLUMNS, THRESHOLD, events_of
from acc_decel.drives.radar_joining import Frames, Travel, joined_tracks
from acc_decel.drives.reading import Drive, Records
from acc_decel.drives.series import Series
from acc_decel.drives.smoothing import NO_PIECE, Motion, estimate_motion

MIN_RANGE_M, MAX_RANGE_M, MAX_OFFSET_M = 1.0, 180.0, 5.5  # offset to either side
MAX_SPEED_MPS, MIN_SPEED_MPS = 75.0, -4.0  # of a target over ground
MIN_TRACK_FRAMES, MIN_TRACK_S = 8, 0.8
MAX_GHOST_ROUNDS = 4
MAX_SPEED_ERROR_MPS, MAX_RANGE_ERROR_M = 1.2, 1.5  # from the smooth motion of the track
RANGE_TREND_FRAMES = 21  # of the running median that takes the drift out of the range
MIN_CUT_EVENT_S = 0.8  # a shorter event at an end of a track can come from a few wrong frames
MIN_COVERAGE = 0.5  # share of an event with frames; with fewer, the event lies in a gap between segments


@dataclass(frozen=True)
class Target:
    """One tracked car ahead: its smooth motion, the rows of its frames, and its identifiers in turn."""

    pieces: tuple[Motion, ...]
    clean: CleanDrive
    rows: ndarray
    tracks: tuple[int, ...]


@dataclass(frozen=True)
class TargetEvents:
    """The cars ahead with their braking events; `target` counts the cars, `time` [s] and `range` [m] are all frames."""

    file: str
    targets: tuple[Target, ...]
    events: pd.DataFrame
    frames: int
    dropped_frames: int
    time: ndarray
    range: ndarray


def target_events(drive: Drive, *, threshold: float = THRESHOLD) -> TargetEvents:
    """The cars in the radar of a drive and their braking events. Raises ValueError if the drive has no radar."""
    radar = next((r for r in drive.records if set(RADAR_SIGNALS) <= set(r.values)), None)
    if radar is None:
        raise ValueError(
            f"{drive.path} must have radar signals {', '.join(RADAR_SIGNALS)} of one clock. Got none: describe each "
            "in its own section of a recording description and give it with --recording."
        )
    if "speed" not in drive.description.channels:
        raise ValueError(
            f"{drive.path} must have the speed of the own car, to which the radar measures. Got none: "
            "describe it in a section [speed]."
        )
    own_drive = clean_drive(_without_radar(drive))
    pieces = estimate_motion(own_drive)
    if not pieces:
        raise ValueError(f"{drive.path} {NO_PIECE}")
    own = _travel(pieces)
    frames = _frames_in_gates(radar, own)
    tracks = (_target(frames, rows, own, own_drive) for rows in joined_tracks(frames, own))
    targets = tuple(target for target in tracks if target is not None)
    dropped = len(radar.time) - sum(len(target.rows) for target in targets)
    return TargetEvents(
        str(drive.path),
        targets,
        _event_table(targets, threshold),
        len(radar.time),
        dropped,
        radar.time - own_drive.start,
        radar.values["range"],
    )


def _event_table(targets: tuple[Target, ...], threshold: float) -> pd.DataFrame:
    tables = []
    for i, target in enumerate(targets):
        table = events_of(list(target.pieces), target.clean, threshold=threshold)
        table = table[~_is_cut_short(table) & _is_covered(table, target)]
        table.insert(0, "target", i)
        tables.append(table)
    filled = [table for table in tables if len(table)]
    events = pd.concat(filled) if filled else pd.DataFrame(columns=["target", *COLUMNS])
    return events.sort_values("start_s", ignore_index=True)


def _is_cut_short(table: pd.DataFrame) -> "pd.Series[bool]":
    """Short events at an end of the track, where a few wrong frames look like one."""
    return table["quality"].str.contains("cut") & (table["end_s"] - table["start_s"] < MIN_CUT_EVENT_S)


def _is_covered(table: pd.DataFrame, target: Target) -> ndarray:
    """Events with enough frames; the others lie in a gap between segments."""
    series = target.clean.speed
    time = series.time - target.clean.start
    count = np.searchsorted(time, table["end_s"]) - np.searchsorted(time, table["start_s"])
    return np.asarray(count * series.period > MIN_COVERAGE * (table["end_s"] - table["start_s"]))


def _without_radar(drive: Drive) -> Drive:
    rest = (Records(r.time, {n: v for n, v in r.values.items() if n not in RADAR_SIGNALS}) for r in drive.records)
    return replace(drive, records=tuple(r for r in rest if r.values))


def _travel(pieces: list[Motion]) -> Travel:
    time, speed = (np.concatenate([getattr(p, n) for p in pieces]) for n in ("time", "speed"))
    return Travel(time, speed, np.concatenate([[0], np.cumsum(np.diff(time) * (speed[1:] + speed[:-1]) / 2)]))


def _frames_in_gates(radar: Records, own: Travel) -> Frames:
    """Frames that can be a car ahead, with its speed over ground."""
    values, time = radar.values, radar.time
    speed = np.interp(time, own.time, own.speed) + values["range_rate"]
    inside = np.isfinite(time) & (values["range"] >= MIN_RANGE_M) & (values["range"] <= MAX_RANGE_M)
    inside &= (np.abs(values["lateral"]) <= MAX_OFFSET_M) & (speed >= MIN_SPEED_MPS) & (speed <= MAX_SPEED_MPS)
    rows = np.flatnonzero(inside & np.isfinite(values["track"]))
    rows = rows[np.argsort(time[rows], kind="stable")]
    track = values["track"][rows].astype(int)
    return Frames(
        time[rows], track, values["range"][rows], values["lateral"][rows], values["range_rate"][rows], speed[rows], rows
    )


def _target(frames: Frames, rows: ndarray, own: Travel, own_drive: CleanDrive) -> Target | None:
    """The car of these frames, smoothed; None if there are too few of them."""
    for _ in range(MAX_GHOST_ROUNDS):
        if len(rows) < MIN_TRACK_FRAMES or frames.time[rows[-1]] - frames.time[rows[0]] < MIN_TRACK_S:
            return None
        time = frames.time[rows]
        series = Series(time, frames.speed[rows], float(np.median(np.diff(time))), 0.0)
        clean = CleanDrive(series, None, own_drive.start, own_drive.end, len(rows))
        pieces = estimate_motion(clean)
        if not pieces:
            return None
        ghosts = _is_ghost(frames, rows, _travel(pieces), own)
        if not ghosts.any():
            break
        rows = rows[~ghosts]
    return Target(tuple(pieces), clean, frames.row[rows], tuple(dict.fromkeys(frames.track[rows].tolist())))


def _is_ghost(frames: Frames, rows: ndarray, target: Travel, own: Travel) -> ndarray:
    """Frames of one track far from its smooth motion, in speed or in range."""
    time = frames.time[rows]
    range_error = pd.Series(frames.range[rows] - (target.distance_at(time) - own.distance_at(time)))
    range_error -= range_error.rolling(RANGE_TREND_FRAMES, center=True, min_periods=1).median()
    speed_error = np.abs(frames.speed[rows] - np.interp(time, target.time, target.speed))
    return np.asarray((np.abs(range_error.to_numpy()) > MAX_RANGE_ERROR_M) | (speed_error > MAX_SPEED_ERROR_MPS))
