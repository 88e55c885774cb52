"""Motion to braking events: when, from which speed to which, how hard, how quickly built up, how far to trust it."""

from dataclasses import astuple, dataclass, fields

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.drives.cleaning import Clean
from acc_decel.drives.smoothing import Motion, motion

THRESHOLD = 2.0  # [m/s^2] peak that makes an event
EDGE, EDGE_SHARE = 0.5, 0.1  # it lasts while slowing by more than EDGE [m/s^2] and this share of the peak
DIP = 0.4  # [s] shorter dips below the edge do not end it
LEAST_LOSS = 1.0  # [m/s]
LEAST_TIME = 0.3  # [s]
STANDSTILL = 0.4  # [m/s]
BUILT_UP = 0.9  # of the typical deceleration after the rise
SPARSE = 0.35  # [s] speed less often than this blurs peak and build-up where there is no accelerometer
GOOD = "good"


@dataclass(frozen=True)
class Event:
    """One braking event. Speeds in m/s, decelerations in m/s^2 and positive, times in s since the drive's start.

    `mean_deceleration` is the speed lost over the time taken. `mfdd`: mean fully developed deceleration from 0.8 to 0.1
    of the initial speed, NaN for an event that does not reach it. `build_up` [s]: from the start to 0.9 of the typical
    deceleration. `quality` is `good` or what speaks against it, separated by spaces.
    """

    start_s: float
    end_s: float
    initial_speed: float
    final_speed: float
    mean_deceleration: float
    peak_deceleration: float
    mfdd: float
    build_up_s: float
    distance: float
    stopped: bool
    quality: str


COLUMNS = tuple(f.name for f in fields(Event))
# fmt: off
QUALITY = {
    "speed_only":  "no accelerometer: deceleration is differentiated speed",
    "sparse":      "speed comes so rarely that peak and build-up are blurred",
    "gap":         "no record of speed for one and a half seconds or more inside",
    "cut":         "the recording begins or ends inside",
    "unaligned":   "the lag between speed and acceleration could not be told",
    "implausible": "slows harder than a road car can",
}
# fmt: on
IMPLAUSIBLE = 13.0  # [m/s^2]


def events(clean: Clean, *, threshold: float = THRESHOLD) -> pd.DataFrame:
    """Braking events of a cleaned drive, in the order driven; columns as in `Event`."""
    return events_of(motion(clean), clean, threshold=threshold)


def events_of(pieces: list[Motion], clean: Clean, *, threshold: float = THRESHOLD) -> pd.DataFrame:
    """Braking events of a drive whose motion is known."""
    if not threshold > EDGE:
        raise ValueError(f"threshold must be above {EDGE:g} m/s^2, the edge of an event. Got {threshold:g}.")
    found = [_event(piece, rows, clean) for piece in pieces for rows in _stretches(piece, threshold)]
    table = pd.DataFrame([astuple(event) for event in found], columns=list(COLUMNS))
    return table.astype(dict.fromkeys(COLUMNS[:-2], "float64") | {"stopped": "bool", "quality": "str"})


def _stretches(piece: Motion, threshold: float) -> list[slice]:
    """Rows of each event: around every peak, as far as the car slows."""
    slowing = -piece.acceleration
    step = piece.time[1] - piece.time[0]
    found = []
    for low, high in _above(slowing, EDGE, max(int(DIP / step), 1)):
        peak = slowing[low:high].max()
        if peak < threshold:
            continue
        edge = max(EDGE, EDGE_SHARE * peak)
        inside = low + np.flatnonzero(slowing[low:high] >= edge)
        first, last = int(inside[0]), int(inside[-1])
        standing = np.flatnonzero(piece.speed[first : last + 1] < STANDSTILL / 4)
        last = first + int(standing[0]) if len(standing) else last
        lost = piece.speed[first] - piece.speed[last]
        if lost >= LEAST_LOSS and (last - first) * step >= LEAST_TIME:
            found.append(slice(first, last + 1))
    return found


def _above(value: ndarray, level: float, dip: int) -> list[tuple[int, int]]:
    """Stretches above `level`, joined over dips of up to `dip` points."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], value > level, [0]]).astype(int)))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return []
    apart = np.flatnonzero(starts[1:] - ends[:-1] > dip)
    return list(zip(starts[[0, *(apart + 1)]].tolist(), ends[[*apart, len(ends) - 1]].tolist(), strict=True))


def _event(piece: Motion, rows: slice, clean: Clean) -> Event:
    time, speed = piece.time[rows], np.maximum(piece.speed[rows], 0.0)
    slowing, step = -piece.acceleration[rows], piece.time[1] - piece.time[0]
    gone = np.concatenate([[0], np.cumsum(step * (speed[1:] + speed[:-1]) / 2)])
    stopped = bool(piece.speed[rows.stop - 1 : rows.stop + int(1 / step)].min() < STANDSTILL)
    return Event(
        start_s=float(time[0] - clean.start),
        end_s=float(time[-1] - clean.start),
        initial_speed=float(speed[0]),
        final_speed=float(speed[-1]),
        mean_deceleration=float((speed[0] - speed[-1]) / (time[-1] - time[0])),
        peak_deceleration=float(slowing.max()),
        mfdd=mfdd(speed, gone),
        build_up_s=build_up(time, slowing),
        distance=float(gone[-1]),
        stopped=stopped,
        quality=_quality(piece, rows, clean),
    )


def mfdd(speed: ndarray, distance: ndarray) -> float:
    """Mean fully developed deceleration [m/s^2], (v_b^2 - v_e^2) / (2 (s_e - s_b)), v_b = 0.8 v0 and v_e = 0.1 v0.

    NaN where the event does not slow to 0.1 of its initial speed. Source: UNECE R13-H, there in km/h.
    """
    begin, end = 0.8 * speed[0], 0.1 * speed[0]
    if speed[-1] > end:
        return float("nan")
    i, j = (int(np.flatnonzero(speed <= level)[0]) for level in (begin, end))
    places = [np.interp(-v, -speed[k - 1 : k + 1], distance[k - 1 : k + 1]) for v, k in ((begin, i), (end, j))]
    return float((begin**2 - end**2) / (2 * (places[1] - places[0])))


def build_up(time: ndarray, slowing: ndarray) -> float:
    """Time [s] from the start until 0.9 of the typical deceleration is reached."""
    typical = np.median(slowing[slowing >= 0.6 * slowing.max()])
    return float(time[np.flatnonzero(slowing >= BUILT_UP * typical)[0]] - time[0])


def _quality(piece: Motion, rows: slice, clean: Clean) -> str:
    first, last = piece.time[rows.start], piece.time[rows.stop - 1]
    speed_only = clean.acceleration is None or not _covered(clean.acceleration.time, first, last)
    tests = {
        "speed_only": speed_only,
        "sparse": speed_only and clean.speed.period > SPARSE,
        "gap": bool((piece.seen[rows] > max(0.75, clean.speed.period)).any()),
        "cut": rows.start == 0 or rows.stop >= len(piece.time) - 1,
        "unaligned": not speed_only and clean.lag == 0 and clean.lag_correlation < 0.4,
        "implausible": -piece.acceleration[rows].min() > IMPLAUSIBLE,
    }
    return " ".join(name for name, holds in tests.items() if holds) or GOOD


def _covered(time: ndarray, first: float, last: float) -> bool:
    inside = time[np.searchsorted(time, first) : np.searchsorted(time, last)]
    return len(inside) > 2 and float(np.diff(inside).max()) < 0.5
