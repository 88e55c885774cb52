"""Radar frames of the cars ahead to braking events: segments joined over gaps and identifiers, ghosts dropped.

No label says which frame is a ghost. A frame belongs to its neighbour's segment if range and speed continue as motion
predicts. Segments are joined, each to at most one successor, at the lowest total cost (Hungarian assignment). A track
that stays too short is a ghost, and so is a frame far from the smooth motion of its track.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy import ndarray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from acc_decel.drives.cleaning import CleanDrive, clean_drive
from acc_decel.drives.description import RADAR_SIGNALS
from acc_decel.drives.events import COLUMNS, THRESHOLD, events_of
from acc_decel.drives.reading import Drive, Records
from acc_decel.drives.series import Series
from acc_decel.drives.smoothing import Motion, estimate_motion

MIN_RANGE_M, MAX_RANGE_M, MAX_OFFSET_M = 1.0, 180.0, 5.5  # offset to either side
MAX_SPEED_MPS, MIN_SPEED_MPS = 75.0, -4.0  # of a target over ground
MAX_FRAME_GAP_S = 0.35  # within a segment
MAX_RANGE_JUMP_M, MAX_SPEED_JUMP_MPS, MAX_SPEED_RATE_MPS2 = 1.6, 1.6, 14.0  # within a segment
MAX_JOIN_GAP_S = 2.5
MAX_JOIN_COST = 14.0  # squared standard deviations, of range, speed and offset together
END_FRAMES = 8  # from which the state at an end of a segment is computed
SHORT_SEGMENT_FRAMES, LONE_GAP_S = 6, 0.12  # a shorter segment, further from its neighbour, is no end of a track
MIN_TRACK_FRAMES, MIN_TRACK_S = 8, 0.8
MAX_GHOST_ROUNDS = 4
MAX_SPEED_ERROR_MPS, MAX_RANGE_ERROR_M = 1.2, 1.5  # from the smooth motion of the track
RANGE_TREND_FRAMES = 21  # of the running median that takes the drift out of the range
MIN_CUT_EVENT_S = 0.8  # a shorter event at an end of a track can come from a few wrong frames
MIN_COVERAGE = 0.5  # share of an event with frames; with fewer, the event lies in a gap between segments


@dataclass(frozen=True)
class Frames:
    """Radar frames that can be a car ahead, in the order of time. `row` is the place in the recording."""

    time: ndarray
    track: ndarray
    range: ndarray
    lateral: ndarray
    rate: ndarray
    speed: ndarray
    row: ndarray


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


@dataclass(frozen=True)
class Travel:
    """Times [s], speeds [m/s] and the distance travelled [m] until then, of the own car or of a target."""

    time: ndarray
    speed: ndarray
    distance: ndarray

    def distance_at(self, time: ndarray) -> ndarray:
        """The distance travelled [m] until each time."""
        return np.interp(time, self.time, self.distance)


def target_events(drive: Drive, *, threshold: float = THRESHOLD) -> TargetEvents:
    """The cars in the radar of a drive and their braking events. Raises ValueError if the drive has no radar."""
    radar = next((r for r in drive.records if set(RADAR_SIGNALS) <= set(r.values)), None)
    if radar is None:
        raise ValueError(
            f"{drive.path} must have radar signals {', '.join(RADAR_SIGNALS)} of one clock. Got none: describe each "
            "in its own section of a recording description and give it with --recording."
        )
    own_drive = clean_drive(_without_radar(drive))
    own = _travel(estimate_motion(own_drive))
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


def joined_tracks(frames: Frames, own: Travel) -> list[ndarray]:
    """Rows of each car's frames: segments joined where range, speed and offset continue over the gap."""
    parts = segments(frames)
    if not parts:
        return []
    ends = np.array([_state(frames, part[-END_FRAMES:], at=int(part[-1])) for part in parts])
    starts = np.array([_state(frames, part[:END_FRAMES], at=int(part[0])) for part in parts])
    i, j = _near_in_time(ends[:, 0], starts[:, 0])
    cost = _join_costs(ends[i], starts[j], own)
    possible = cost < MAX_JOIN_COST
    successor = _assigned(i[possible], j[possible], cost[possible], len(parts))
    return _chains(parts, successor, frames.time)


def segments(frames: Frames) -> list[ndarray]:
    """Rows of `frames` that follow each other under one identifier as motion predicts."""
    order = np.lexsort((frames.time, frames.track))
    time, track, rate = frames.time[order], frames.track[order], frames.rate[order]
    gap = np.diff(time)
    range_error = np.abs(np.diff(frames.range[order]) - gap * (rate[1:] + rate[:-1]) / 2)
    cut = (np.diff(track) != 0) | (gap > MAX_FRAME_GAP_S) | (gap <= 0) | (range_error > MAX_RANGE_JUMP_M)
    cut |= np.abs(np.diff(frames.speed[order])) > MAX_SPEED_JUMP_MPS + MAX_SPEED_RATE_MPS2 * gap
    return [part for part in np.split(order, np.flatnonzero(cut) + 1) if len(part)]


def _state(frames: Frames, rows: ndarray, at: int) -> tuple[float, float, float, float]:
    """Time, range, speed and offset at the frame `at`, from it and its neighbours `rows`."""
    time = frames.time[rows] - frames.time[at]
    rate = float(np.median(frames.rate[rows]))
    distance = float(np.median(frames.range[rows] - rate * time))
    speed = float(np.median(frames.speed[rows]))
    if len(rows) >= 4:
        slope = float(np.polyfit(time, frames.speed[rows], 1)[0])
        speed = float(np.median(frames.speed[rows] - slope * time))
    return float(frames.time[at]), distance, speed, float(np.median(frames.lateral[rows]))


def _near_in_time(ends: ndarray, starts: ndarray) -> tuple[ndarray, ndarray]:
    """Pairs of an end and a start that follows within MAX_JOIN_GAP_S."""
    order = np.argsort(starts, kind="stable")
    low = np.searchsorted(starts[order], ends, side="right")
    high = np.searchsorted(starts[order], ends + MAX_JOIN_GAP_S, side="right")
    count = high - low
    i = np.repeat(np.arange(len(ends)), count)
    within = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
    return i, order[np.repeat(low, count) + within]


def _join_costs(end: ndarray, start: ndarray, own: Travel) -> ndarray:
    """Squared deviation of each start from the state that its end predicts, in standard deviations."""
    gap = start[:, 0] - end[:, 0]
    own_distance = own.distance_at(start[:, 0]) - own.distance_at(end[:, 0])
    range_error = start[:, 1] - end[:, 1] - ((start[:, 2] + end[:, 2]) / 2 * gap - own_distance)
    speed, offset = start[:, 2] - end[:, 2], start[:, 3] - end[:, 3]
    cost = range_error**2 / (0.6**2 + (0.6 * gap + 0.7 * gap**2) ** 2) + speed**2 / (0.5**2 + (4.0 * gap) ** 2)
    return np.asarray(cost + offset**2 / (0.5**2 + (0.7 * gap) ** 2) + gap)


def _assigned(i: ndarray, j: ndarray, cost: ndarray, count: int) -> dict[int, int]:
    """Successor of each segment that has one, at the lowest total cost; each join saves MAX_JOIN_COST.

    The pairs fall into small groups that share no segment; each group is solved by itself.
    """
    if not len(i):
        return {}
    graph = coo_matrix((np.ones(len(i)), (i, j + count)), shape=(2 * count, 2 * count))
    _, label = connected_components(graph, directed=False)
    successor: dict[int, int] = {}
    order = np.argsort(label[i], kind="stable")
    for pairs in np.split(order, np.flatnonzero(np.diff(label[i][order])) + 1):
        a, left = np.unique(i[pairs], return_inverse=True)
        b, right = np.unique(j[pairs], return_inverse=True)
        table = np.zeros((len(a), len(b)))
        np.minimum.at(table, (left, right), cost[pairs] - MAX_JOIN_COST)
        for x, y in zip(*linear_sum_assignment(table), strict=True):
            if table[x, y] < 0:
                successor[int(a[x])] = int(b[y])
    return successor


def _chains(parts: list[ndarray], successor: dict[int, int], time: ndarray) -> list[ndarray]:
    successors = set(successor.values())
    chains = []
    for first in range(len(parts)):
        if first in successors:
            continue
        chain, at = [parts[first]], first
        while at in successor:
            at = successor[at]
            chain.append(parts[at])
        chains.append(np.concatenate(_trimmed(chain, time)))
    return chains


def _trimmed(chain: list[ndarray], time: ndarray) -> list[ndarray]:
    """The chain without short segments at its ends: nothing beyond confirms that they belong to it."""
    while len(chain) > 1 and _is_lone(chain[-1], time[chain[-1][0]] - time[chain[-2][-1]]):
        chain = chain[:-1]
    while len(chain) > 1 and _is_lone(chain[0], time[chain[1][0]] - time[chain[0][-1]]):
        chain = chain[1:]
    return chain


def _is_lone(segment: ndarray, gap: float) -> bool:
    return len(segment) < SHORT_SEGMENT_FRAMES and bool(gap > LONE_GAP_S)


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
