"""Radar frames of the cars ahead to braking events: segments stitched over gaps and identifiers, ghosts dropped.

No label says which frame is a ghost. A frame belongs to its neighbour's segment if range and speed carry on as motion
says; segments are joined, each to at most one successor, where that costs least (Hungarian assignment); what stays a
scrap is a ghost, and so is a frame that the robust smoother of its track disowns.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy import ndarray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from acc_decel.drives.cleaning import Clean, clean
from acc_decel.drives.description import RADAR_SIGNALS
from acc_decel.drives.events import COLUMNS, THRESHOLD, events_of
from acc_decel.drives.reading import Drive, Records
from acc_decel.drives.series import Series
from acc_decel.drives.smoothing import Motion, motion

NEAREST, FARTHEST, SIDE = 1.0, 180.0, 5.5  # [m] gates of range and of offset to either side
FASTEST_TARGET, SLOWEST_TARGET = 75.0, -4.0  # [m/s]
SEGMENT_GAP = 0.35  # [s] longer, and a segment ends
RANGE_JUMP, SPEED_JUMP, SPEED_RATE = 1.6, 1.6, 14.0  # [m], [m/s], [m/s^2] within a segment
STITCH_GAP = 2.5  # [s]
STITCH_GATE = 14.0  # squared standard deviations, of range, speed and offset together
FEW, NEXT = 6, 0.12  # frames of a segment, and the gap [s] to its neighbour, that make an end doubtful
GHOST_ROUNDS = 4
RAGGED = 0.8  # [s]
SEEN = 0.5  # share of an event with frames
ENDS = 8  # frames from which the state at an end is told
SCRAP_FRAMES, SCRAP_TIME = 8, 0.8  # fewer frames or a shorter time [s] make no track
GHOST_SPEED, GHOST_RANGE = 1.2, 1.5  # [m/s], [m] from the smooth motion of the track


@dataclass(frozen=True)
class Frames:
    """Radar frames within the gates, in the order of time. `row` is the place in the recording."""

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
    clean: Clean
    rows: ndarray
    tracks: tuple[int, ...]


@dataclass(frozen=True)
class Targets:
    """The cars ahead with their braking events; `target` counts the cars, `time` [s] and `range` [m] are all frames."""

    file: str
    targets: tuple[Target, ...]
    events: pd.DataFrame
    frames: int
    dropped_frames: int
    time: ndarray
    range: ndarray


def targets(drive: Drive, *, threshold: float = THRESHOLD) -> Targets:
    """The cars that the radar of a drive saw and their braking events. Raises ValueError if it has no radar."""
    radar = next((r for r in drive.records if set(RADAR_SIGNALS) <= set(r.values)), None)
    if radar is None:
        raise ValueError(
            f"{drive.path} must have radar signals {', '.join(RADAR_SIGNALS)} of one clock. Got none: describe each "
            "in its own section of a recording description and give it with --recording."
        )
    own = clean(_without_radar(drive))
    ego = motion(own)
    frames = _gated(radar, ego)
    found = [t for rows in stitched(frames, _travelled(ego)) if (t := _target(frames, rows, ego, own)) is not None]
    tables = []
    for i, target in enumerate(found):
        table = events_of(list(target.pieces), target.clean, threshold=threshold)
        table = table[~_ragged(table) & _seen(table, target)]
        table.insert(0, "target", i)
        tables.append(table)
    whole = [table for table in tables if len(table)]
    events = pd.concat(whole) if whole else pd.DataFrame(columns=["target", *COLUMNS])
    events = events.sort_values("start_s", ignore_index=True)
    kept = sum(len(target.rows) for target in found)
    count, since = len(radar.time), radar.time - own.start
    return Targets(str(drive.path), tuple(found), events, count, count - kept, since, radar.values["range"])


def _ragged(table: pd.DataFrame) -> "pd.Series[bool]":
    """Events so short at an end of the track that a few wrong frames may feign them."""
    return table["quality"].str.contains("cut") & (table["end_s"] - table["start_s"] < RAGGED)


def _seen(table: pd.DataFrame, target: Target) -> ndarray:
    """Events of which the radar saw the greater part; the others lie in a gap that was bridged."""
    series = target.clean.speed
    since = series.time - target.clean.start
    count = np.searchsorted(since, table["end_s"]) - np.searchsorted(since, table["start_s"])
    return np.asarray(count * series.period > SEEN * (table["end_s"] - table["start_s"]))


def _without_radar(drive: Drive) -> Drive:
    rest = (Records(r.time, {n: v for n, v in r.values.items() if n not in RADAR_SIGNALS}) for r in drive.records)
    return replace(drive, records=tuple(r for r in rest if r.values))


def _gated(radar: Records, ego: list[Motion]) -> Frames:
    """Frames that can be a car ahead, with its speed over ground."""
    values, time = radar.values, radar.time
    own = np.interp(time, np.concatenate([p.time for p in ego]), np.concatenate([p.speed for p in ego]))
    speed = own + values["range_rate"]
    inside = np.isfinite(time) & (values["range"] >= NEAREST) & (values["range"] <= FARTHEST)
    inside &= (np.abs(values["lateral"]) <= SIDE) & (speed >= SLOWEST_TARGET) & (speed <= FASTEST_TARGET)
    rows = np.flatnonzero(inside & np.isfinite(values["track"]))
    rows = rows[np.argsort(time[rows], kind="stable")]
    track = values["track"][rows].astype(int)
    return Frames(
        time[rows], track, values["range"][rows], values["lateral"][rows], values["range_rate"][rows], speed[rows], rows
    )


def _travelled(ego: list[Motion]) -> tuple[ndarray, ndarray]:
    """Times and the way [m] that the own car has gone until then."""
    time, speed = (np.concatenate([getattr(p, n) for p in ego]) for n in ("time", "speed"))
    way = np.concatenate([[0], np.cumsum(np.diff(time) * (speed[1:] + speed[:-1]) / 2)])
    return time, way


def segments(frames: Frames) -> list[ndarray]:
    """Rows of `frames` that follow each other under one identifier as motion says."""
    order = np.lexsort((frames.time, frames.track))
    time, place, speed = frames.time[order], frames.range[order], frames.speed[order]
    own = frames.track[order]
    gap = np.diff(time)
    rate = frames.rate[order]
    off = np.abs(np.diff(place) - gap * (rate[1:] + rate[:-1]) / 2)
    cut = (np.diff(own) != 0) | (gap > SEGMENT_GAP) | (gap <= 0) | (off > RANGE_JUMP)
    cut |= np.abs(np.diff(speed)) > SPEED_JUMP + SPEED_RATE * gap
    return [part for part in np.split(order, np.flatnonzero(cut) + 1) if len(part)]


def stitched(frames: Frames, travelled: tuple[ndarray, ndarray]) -> list[ndarray]:
    """Rows of each car's frames: segments joined where range, speed and offset carry on over the gap."""
    parts = segments(frames)
    if not parts:
        return []
    ends = np.array([_state(frames, part[-ENDS:], at=int(part[-1])) for part in parts])
    starts = np.array([_state(frames, part[:ENDS], at=int(part[0])) for part in parts])
    i, j = _near_in_time(ends[:, 0], starts[:, 0])
    cost = _costs(ends[i], starts[j], travelled)
    good = cost < STITCH_GATE
    follower = _assigned(i[good], j[good], cost[good], len(parts))
    return _chains(parts, follower, frames.time)


def _state(frames: Frames, rows: ndarray, at: int) -> tuple[float, float, float, float]:
    """Time, range, speed and offset at the frame `at`, from it and its neighbours `rows`."""
    time = frames.time[rows] - frames.time[at]
    rate = float(np.median(frames.rate[rows]))
    place = float(np.median(frames.range[rows] - rate * time))
    speed = float(np.median(frames.speed[rows]))
    if len(rows) >= 4:
        slope = float(np.polyfit(time, frames.speed[rows], 1)[0])
        speed = float(np.median(frames.speed[rows] - slope * time))
    return float(frames.time[at]), place, speed, float(np.median(frames.lateral[rows]))


def _near_in_time(ends: ndarray, starts: ndarray) -> tuple[ndarray, ndarray]:
    """Pairs of an end and a start that follows within STITCH_GAP."""
    order = np.argsort(starts, kind="stable")
    low = np.searchsorted(starts[order], ends, side="right")
    high = np.searchsorted(starts[order], ends + STITCH_GAP, side="right")
    count = high - low
    i = np.repeat(np.arange(len(ends)), count)
    within = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
    return i, order[np.repeat(low, count) + within]


def _costs(end: ndarray, start: ndarray, travelled: tuple[ndarray, ndarray]) -> ndarray:
    """Squared deviation of each start from where its end would have come, in standard deviations."""
    gap = start[:, 0] - end[:, 0]
    own = np.interp(start[:, 0], *travelled) - np.interp(end[:, 0], *travelled)
    place = start[:, 1] - end[:, 1] - ((start[:, 2] + end[:, 2]) / 2 * gap - own)
    speed, offset = start[:, 2] - end[:, 2], start[:, 3] - end[:, 3]
    found = place**2 / (0.6**2 + (0.6 * gap + 0.7 * gap**2) ** 2) + speed**2 / (0.5**2 + (4.0 * gap) ** 2)
    return np.asarray(found + offset**2 / (0.5**2 + (0.7 * gap) ** 2) + gap)


def _assigned(i: ndarray, j: ndarray, cost: ndarray, count: int) -> dict[int, int]:
    """Follower of each segment that has one, at the least total cost; a link saves STITCH_GATE."""
    if not len(i):
        return {}
    graph = coo_matrix((np.ones(len(i)), (i, j + count)), shape=(2 * count, 2 * count))
    _, label = connected_components(graph, directed=False)
    follower: dict[int, int] = {}
    order = np.argsort(label[i], kind="stable")
    for edges in np.split(order, np.flatnonzero(np.diff(label[i][order])) + 1):
        a, left = np.unique(i[edges], return_inverse=True)
        b, right = np.unique(j[edges], return_inverse=True)
        table = np.zeros((len(a), len(b)))
        np.minimum.at(table, (left, right), cost[edges] - STITCH_GATE)
        for x, y in zip(*linear_sum_assignment(table), strict=True):
            if table[x, y] < 0:
                follower[int(a[x])] = int(b[y])
    return follower


def _chains(parts: list[ndarray], follower: dict[int, int], time: ndarray) -> list[ndarray]:
    followed = set(follower.values())
    chains = []
    for first in range(len(parts)):
        if first in followed:
            continue
        chain, at = [parts[first]], first
        while at in follower:
            at = follower[at]
            chain.append(parts[at])
        chains.append(np.concatenate(_trimmed(chain, time)))
    return chains


def _trimmed(chain: list[ndarray], time: ndarray) -> list[ndarray]:
    """The chain without short segments at its ends: nothing beyond confirms that they belong to it."""
    while len(chain) > 1 and len(chain[-1]) < FEW and time[chain[-1][0]] - time[chain[-2][-1]] > NEXT:
        chain = chain[:-1]
    while len(chain) > 1 and len(chain[0]) < FEW and time[chain[1][0]] - time[chain[0][-1]] > NEXT:
        chain = chain[1:]
    return chain


def _target(frames: Frames, rows: ndarray, ego: list[Motion], own: Clean) -> Target | None:
    """The car of these frames, smoothed; None if there are too few of them."""
    for _ in range(GHOST_ROUNDS):
        if len(rows) < SCRAP_FRAMES or frames.time[rows[-1]] - frames.time[rows[0]] < SCRAP_TIME:
            return None
        time = frames.time[rows]
        series = Series(time, frames.speed[rows], float(np.median(np.diff(time))), 0.0)
        told = Clean(series, None, own.start, own.end, len(rows))
        pieces = motion(told)
        if not pieces:
            return None
        ghosts = _ghosts(frames, rows, pieces, ego)
        if not ghosts.any():
            break
        rows = rows[~ghosts]
    return Target(tuple(pieces), told, frames.row[rows], tuple(dict.fromkeys(frames.track[rows].tolist())))


def _ghosts(frames: Frames, rows: ndarray, pieces: list[Motion], ego: list[Motion]) -> ndarray:
    """Frames of one track away from its smooth motion, in speed or in range."""
    time = frames.time[rows]
    grid, speed = (np.concatenate([getattr(p, n) for p in pieces]) for n in ("time", "speed"))
    way = np.concatenate([[0], np.cumsum(np.diff(grid) * (speed[1:] + speed[:-1]) / 2)])
    expected = np.interp(time, grid, way) - np.interp(time, *_travelled(ego))
    off = pd.Series(frames.range[rows] - expected)
    off -= off.rolling(21, center=True, min_periods=1).median()
    far = np.abs(off.to_numpy()) > GHOST_RANGE
    return np.asarray(far | (np.abs(frames.speed[rows] - np.interp(time, grid, speed)) > GHOST_SPEED))
