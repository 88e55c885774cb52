"""Radar frames to tracks: segments of frames that continue each other, joined over gaps and changing identifiers.

A frame belongs to its neighbour's segment if range and speed continue as motion predicts. Segments are joined, each to
at most one successor, at the lowest total cost (Hungarian assignment).
"""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

MAX_FRAME_GAP_S = 0.35  # within a segment
MAX_RANGE_JUMP_M, MAX_SPEED_JUMP_MPS, MAX_SPEED_RATE_MPS2 = 1.6, 1.6, 14.0  # within a segment
MAX_JOIN_GAP_S = 2.5
MAX_JOIN_COST = 14.0  # squared standard deviations, of range, speed and offset together
END_FRAMES = 8  # from which the state at an end of a segment is computed
SHORT_SEGMENT_FRAMES, LONE_GAP_S = 6, 0.12  # a shorter segment, further from its neighbour, is no end of a track


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
class Travel:
    """Times [s], speeds [m/s] and the distance travelled [m] until then, of the own car or of a target."""

    time: ndarray
    speed: ndarray
    distance: ndarray

    def distance_at(self, time: ndarray) -> ndarray:
        """The distance travelled [m] until each time."""
        return np.interp(time, self.time, self.distance)


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
