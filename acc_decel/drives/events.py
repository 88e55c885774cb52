"""Motion to braking events: when, from which speed to which, how hard, how quickly built up, how reliable."""

from dataclasses import astuple, dataclass, fields

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.drives.cleaning import CleanDrive
from acc_decel.drives.description import SIGNALS_BY_NAME
from acc_decel.drives.smoothing import Motion
from acc_decel.drives.speed_doubt import speed_doubt

THRESHOLD = 2.0  # [m/s^2] peak that makes an event
MIN_SLOWING_MPS2, MIN_SLOWING_SHARE = 0.5, 0.1  # an event lasts while the car slows by more than this, and this of peak
MAX_DIP_S = 0.4  # shorter dips below do not end it
MIN_SPEED_LOSS_MPS = 1.0
MIN_DURATION_S = 0.3
STANDSTILL_MPS = 0.4
BUILT_UP_SHARE = 0.9  # of the typical deceleration after the rise
MAX_SPEED_PERIOD_S = 0.35  # without an accelerometer, peak and build-up are blurred where speed comes less often
MIN_GAP_DISTANCE_S = 0.75  # from the nearest record of speed, inside a gap
MIN_LAG_CORRELATION = 0.4  # below it the lag between speed and acceleration is not known
MAX_ACCELEROMETER_GAP_S = 0.5  # inside an event; with a longer one it rests on speed
MAX_PLAUSIBLE_MPS2 = 13.0  # the shortest stop of evaluation/braking_tests.csv, 31.3 m from 100 km/h, is 12.3 on average
MAX_LOSS_MPS = 70.0  # of speed, in one braking; no road is driven that much faster
MAX_PEAK_MPS2 = SIGNALS_BY_NAME["acceleration"].high  # greater values are dropped
GOOD, NO_SPEED_FLAG = "good", "no_speed"
# fmt: off
QUALITY = {
    "speed_only":  "no accelerometer: deceleration is differentiated speed",
    "sparse":      "records of speed are so rare that peak and build-up are blurred",
    "gap":         "no record of speed for 1.5 s or more inside, or without speed none of acceleration for 0.5 s",
    "cut":         "the recording begins or ends inside",
    "unaligned":   "the lag between speed and acceleration is not known",
    "implausible": "slows harder than a road car can",
    "doubtful":    "elsewhere in the recording the car does what no road car can: check the unit of speed",
    "contradicted": "speed and acceleration differ in size: one of their units or scales is wrong",
    "no_speed":    "no record of speed: decelerations by an accelerometer alone",
    "sign_assumed": "which end of the accelerometer is braking is not certain: write its sign into the description",
}
# fmt: on


@dataclass(frozen=True)
class Event:
    """One braking event. Speeds in m/s, decelerations in m/s^2 and positive, times in s since the drive's start.

    `mean_deceleration` is the speed lost over the time taken. `mfdd`: mean fully developed deceleration from 0.8 to 0.1
    of the initial speed, NaN for an event that does not reach it. `build_up_s`: from the start to 0.9 of the typical
    deceleration. `quality` is `good`, or the keys of QUALITY that apply, separated by spaces. Without a record of speed
    the mean is integrated acceleration, speeds, `mfdd` and `distance` are NaN, and `stopped` is None: not known.
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
    stopped: bool | None
    quality: str


COLUMNS = tuple(f.name for f in fields(Event))


def events_of(pieces: list[Motion], clean: CleanDrive, *, threshold: float = THRESHOLD) -> pd.DataFrame:
    """Braking events of a drive with known motion, in the order driven; columns as in `Event`.

    Raises ValueError for a `threshold` [m/s^2] that `check_threshold` refuses.
    """
    check_threshold(threshold)
    found = [(piece, rows) for piece in pieces for rows in _event_rows(piece, threshold)]
    is_doubtful = any(_is_implausible(piece, rows) for piece, rows in found) or bool(speed_doubt(pieces))
    events = [_event(piece, rows, clean, is_doubtful=is_doubtful) for piece, rows in found]
    table = pd.DataFrame([astuple(event) for event in events], columns=list(COLUMNS))
    stopped = "bool" if clean.has_speed else "boolean"  # the latter may be missing
    return table.astype(dict.fromkeys(COLUMNS[:-2], "float64") | {"stopped": stopped, "quality": "str"})


def check_threshold(threshold: float) -> None:
    """Raise ValueError unless an event can peak above `threshold` [m/s^2] and begins and ends below it."""
    if not MIN_SLOWING_MPS2 < threshold <= MAX_PEAK_MPS2:
        raise ValueError(
            f"threshold must be above {MIN_SLOWING_MPS2:g} m/s^2, the edge of an event, and at most "
            f"{MAX_PEAK_MPS2:g}, which no car reaches. Got {threshold:g}: 2 is usual."
        )


def rate_notes(clean: CleanDrive) -> tuple[str, ...]:
    """What cannot be seen of a braking where speed comes rarely and nothing else shows it."""
    period = clean.speed.period
    if clean.acceleration is not None or period <= MAX_SPEED_PERIOD_S:
        return ()
    return (
        f"speed comes every {period:.2g} s: a braking that loses less than {THRESHOLD * period:.2g} m/s between two "
        f"records cannot be seen, and one shorter than {2 * period:.2g} s was at least as hard as its peak says",
    )


def _event_rows(piece: Motion, threshold: float) -> list[slice]:
    """Rows of each event: around every peak, as far as the car slows."""
    slowing = -piece.acceleration
    step = piece.time[1] - piece.time[0]
    events = []
    for low, high in _spans_above(slowing, MIN_SLOWING_MPS2, max(int(MAX_DIP_S / step), 1)):
        peak = piece.peak(slice(low, high))
        if peak < threshold:
            continue
        edge = max(MIN_SLOWING_MPS2, MIN_SLOWING_SHARE * peak)
        inside = low + np.flatnonzero(slowing[low:high] >= edge)
        first, last = int(inside[0]), int(inside[-1])
        slow = piece.speed[first : last + 1] < STANDSTILL_MPS / 4
        standing = np.flatnonzero(slow) if piece.has_speed else slow[:0]
        last = first + int(standing[0]) if len(standing) else last
        speed_loss = piece.speed[first] - piece.speed[last]
        if speed_loss >= MIN_SPEED_LOSS_MPS and (last - first) * step >= MIN_DURATION_S:
            events.append(slice(first, last + 1))
    return events


def _spans_above(value: ndarray, level: float, max_dip: int) -> list[tuple[int, int]]:
    """Begin and end of the spans above `level`, joined over dips of up to `max_dip` points."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], value > level, [0]]).astype(int)))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return []
    cuts = np.flatnonzero(starts[1:] - ends[:-1] > max_dip)
    return list(zip(starts[[0, *(cuts + 1)]].tolist(), ends[[*cuts, len(ends) - 1]].tolist(), strict=True))


def _event(piece: Motion, rows: slice, clean: CleanDrive, *, is_doubtful: bool) -> Event:
    if not piece.has_speed:
        return _event_without_speed(piece, rows, clean, is_doubtful=is_doubtful)
    time, speed = piece.time[rows], np.maximum(piece.speed[rows], 0.0)
    slowing, step = -piece.acceleration[rows], piece.time[1] - piece.time[0]
    distance = np.concatenate([[0], np.cumsum(step * (speed[1:] + speed[:-1]) / 2)])
    stopped = bool(piece.speed[rows.stop - 1 : rows.stop + int(1 / step)].min() < STANDSTILL_MPS)
    return Event(
        start_s=float(time[0] - clean.start),
        end_s=float(time[-1] - clean.start),
        initial_speed=float(speed[0]),
        final_speed=float(speed[-1]),
        mean_deceleration=float((speed[0] - speed[-1]) / (time[-1] - time[0])),
        peak_deceleration=piece.peak(rows),
        mfdd=mfdd(speed, distance),
        build_up_s=build_up(time, slowing),
        distance=float(distance[-1]),
        stopped=stopped,
        quality=_quality(piece, rows, clean, is_doubtful=is_doubtful),
    )


def _event_without_speed(piece: Motion, rows: slice, clean: CleanDrive, *, is_doubtful: bool) -> Event:
    """The event as an accelerometer alone shows it; the speed lost is its integral."""
    time, unknown = piece.time[rows], float("nan")
    return Event(
        start_s=float(time[0] - clean.start),
        end_s=float(time[-1] - clean.start),
        initial_speed=unknown,
        final_speed=unknown,
        mean_deceleration=_speed_loss(piece, rows) / float(time[-1] - time[0]),
        peak_deceleration=piece.peak(rows),
        mfdd=unknown,
        build_up_s=build_up(time, -piece.acceleration[rows]),
        distance=unknown,
        stopped=None,
        quality=_quality_without_speed(piece, rows, clean, is_doubtful=is_doubtful),
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
    return float(time[np.flatnonzero(slowing >= BUILT_UP_SHARE * typical)[0]] - time[0])


def _speed_loss(piece: Motion, rows: slice) -> float:
    return float(piece.speed[rows.start] - piece.speed[rows.stop - 1])


def _is_implausible(piece: Motion, rows: slice) -> bool:
    """Whether a car slows harder, or without record of speed loses more, than a road car can."""
    return piece.peak(rows) > MAX_PLAUSIBLE_MPS2 or (not piece.has_speed and _speed_loss(piece, rows) > MAX_LOSS_MPS)


def _quality(piece: Motion, rows: slice, clean: CleanDrive, *, is_doubtful: bool) -> str:
    first, last = piece.time[rows.start], piece.time[rows.stop - 1]
    speed_only = clean.acceleration is None or not _covers(clean.acceleration.time, first, last)
    gap_distance = max(MIN_GAP_DISTANCE_S, clean.speed.period)
    applies = {
        "speed_only": speed_only,
        "sparse": speed_only and clean.speed.period > MAX_SPEED_PERIOD_S,
        "gap": bool((piece.record_distance[rows] > gap_distance).any()),
        "cut": rows.start == 0 or rows.stop >= len(piece.time) - 1,
        "unaligned": not speed_only and clean.lag == 0 and clean.lag_correlation < MIN_LAG_CORRELATION,
        "implausible": _is_implausible(piece, rows),
        "doubtful": is_doubtful and not _is_implausible(piece, rows),
        "contradicted": bool(clean.doubt),
    }
    return " ".join(name for name in QUALITY if applies.get(name, False)) or GOOD


def _quality_without_speed(piece: Motion, rows: slice, clean: CleanDrive, *, is_doubtful: bool) -> str:
    is_implausible = _is_implausible(piece, rows)
    first, last = piece.time[rows.start], piece.time[rows.stop - 1]
    applies = {
        "gap": clean.acceleration is not None and not _covers(clean.acceleration.time, first, last),
        "cut": rows.start == 0 or rows.stop >= len(piece.time) - 1,
        "implausible": is_implausible,
        "doubtful": is_doubtful and not is_implausible,
        NO_SPEED_FLAG: True,
        "sign_assumed": bool(clean.sign_doubt),
    }
    return " ".join(name for name in QUALITY if applies.get(name, False))


def _covers(time: ndarray, first: float, last: float) -> bool:
    """Whether the accelerometer has records all through the event."""
    inside = time[np.searchsorted(time, first) : np.searchsorted(time, last)]
    return len(inside) > 2 and float(np.diff([first, *inside, last]).max()) < MAX_ACCELEROMETER_GAP_S
