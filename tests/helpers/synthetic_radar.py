"""Radar logs with known truth: cars ahead that brake, seen through drop-outs, changing identifiers and ghosts."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.drives import Channel, Description, Drive, Records, TargetEvents, target_events
from acc_decel.drives.units import unit_named
from tests.helpers.synthetic_drives import matching_pairs

STEP_S = 0.05  # between radar frames
MIN_DURATION_S = 0.6  # of an event that must be detected


@dataclass(frozen=True)
class Radar:
    """The errors of a radar."""

    range_noise: float = 0.25  # [m]
    rate_noise: float = 0.12  # [m/s]
    lateral_noise: float = 0.25  # [m]
    ghosts: float = 0.05  # share of frames
    breaks: float = 0.09  # per second of a track; after a break it gets another identifier
    gap: float = 0.8  # [s] mean time without frames at a break


@dataclass(frozen=True)
class Log:
    """Frames as recorded, own speed, and the truth: `genuine` frames, `slowing` [m/s^2] of their car, true events."""

    frames: pd.DataFrame
    own: pd.DataFrame
    genuine: ndarray
    slowing: ndarray
    events: pd.DataFrame


def sample_log(rng: np.random.Generator, radar: Radar, *, minutes: float = 10.0) -> Log:
    """A log in which cars ahead come and go, one or two at a time, and brake by 2 to 9 m/s^2."""
    time = np.arange(0, 60 * minutes, STEP_S)
    lead = _sample_speed(rng, time)
    lag = int(0.9 / STEP_S)
    own = np.convolve(np.concatenate([np.full(lag, lead[0]), lead])[: len(lead)], np.ones(12) / 12, mode="same")
    own[:12], own[-12:] = own[12], own[-13]
    rows, events, now = [], [], 0.0
    while now < time[-1] - 10:
        last = min(now + rng.uniform(12, 60), time[-1])
        inside = slice(int(now / STEP_S), int(last / STEP_S))
        rows.append(_sample_frames(rng, radar, time[inside], lead[inside], own[inside], lane=0.0))
        events += _true_events(time[inside], lead[inside], rows[-1])
        now = last + rng.uniform(1.0, 5.0)
    other = _sample_speed(rng, time)
    for start in rng.uniform(0, time[-1] - 15, int(minutes)):
        inside = slice(int(start / STEP_S), int((start + rng.uniform(5, 14)) / STEP_S))
        speed = np.clip(other[inside] - other[inside][0] + own[inside][0], 0, None)
        rows.append(_sample_frames(rng, radar, time[inside], speed, own[inside], lane=float(rng.choice([-3.5, 3.5]))))
        events += _true_events(time[inside], speed, rows[-1])
    table = pd.concat(rows)
    table = pd.concat([table, _sample_clutter(rng, table, own, radar.ghosts / 2)]).sort_values("time", kind="stable")
    measured = own + rng.normal(0, 0.03, len(own))
    frames = table[["time", "range", "lateral", "rate", "track"]].reset_index(drop=True)
    return Log(
        frames,
        pd.DataFrame({"time": time, "speed": measured}),
        table["genuine"].to_numpy(bool),
        table["slowing"].to_numpy(),
        pd.DataFrame(events),
    )


def _sample_speed(rng: np.random.Generator, time: ndarray) -> ndarray:
    """Speed of a car that brakes now and then and recovers."""
    acceleration = np.zeros(len(time))
    at = rng.uniform(4, 12)
    while at < time[-1] - 15:
        hard = rng.uniform(2.3, 9.0)
        rise, hold, fall = rng.uniform(0.15, 0.5), rng.uniform(0.5, 2.2), rng.uniform(0.2, 0.6)
        speed_loss = hard * (hold + (rise + fall) / 2)
        if speed_loss > 22:
            continue
        knots = at + np.cumsum([0, rise, hold, fall, 1.0, 1.0, speed_loss / rng.uniform(1.0, 2.2), 1.0])
        gain = speed_loss / (knots[6] - knots[5] + 1.0)
        acceleration += np.interp(time, knots, [0, -hard, -hard, 0, 0, gain, gain, 0])
        at = knots[-1] + rng.exponential(9) + 2
    variation = 0.1 * np.sin(time / rng.uniform(3, 8))
    return np.maximum(27 + np.cumsum(acceleration + variation) * STEP_S, 0)


def _sample_frames(
    rng: np.random.Generator, radar: Radar, time: ndarray, speed: ndarray, own: ndarray, *, lane: float
) -> pd.DataFrame:
    """The frames of one car ahead at its `speed` [m/s], `lane` [m] to the left of the own one."""
    change = np.cumsum(speed - own) * STEP_S
    true_range = rng.uniform(12, 50) + change - min(change.min(), 0)
    count = len(time)
    table = pd.DataFrame(
        {
            "time": time,
            "range": true_range + rng.normal(0, radar.range_noise, count),
            "lateral": lane + rng.normal(0, radar.lateral_noise, count) + 0.4 * np.sin(time / 7),
            "rate": speed - own + rng.normal(0, radar.rate_noise, count),
            "slowing": -np.gradient(speed, STEP_S),
            "genuine": True,
        }
    )
    table["track"], present = _sample_breaks(rng, radar, count, first=0 if lane == 0 else 32)
    wrong = rng.random(count) < radar.ghosts / 2
    table.loc[wrong, "range"] += rng.choice([-1, 1], wrong.sum()) * rng.uniform(3, 25, wrong.sum())
    table.loc[wrong, "rate"] += rng.choice([-1, 1], wrong.sum()) * rng.uniform(2, 15, wrong.sum())
    table.loc[wrong, "genuine"] = False
    return table[present & (table["range"] > 2)]


def _sample_breaks(rng: np.random.Generator, radar: Radar, count: int, *, first: int) -> tuple[ndarray, ndarray]:
    """Identifier of each frame, and which frames the radar has at all."""
    track, present, at = np.zeros(count, int), np.ones(count, bool), 0
    while at < count:
        length = max(int(rng.exponential(1 / radar.breaks) / STEP_S), 4)
        track[at : at + length] = first + rng.integers(0, 32)
        missing = int(rng.exponential(radar.gap) / STEP_S) if rng.random() < 0.7 else 0
        present[at + length : at + length + min(missing, 40)] = False
        at += length
    return track, present


def _sample_clutter(rng: np.random.Generator, table: pd.DataFrame, own: ndarray, share: float) -> pd.DataFrame:
    """Ghost tracks: signs and bridges that stand still, reflections that jump, all short."""
    rows, wanted = [], share * len(table)
    while sum(map(len, rows)) < wanted:
        first = int(rng.integers(0, len(own) - 60))
        inside = np.arange(first, first + rng.integers(2, 30))
        jumps = rng.random() < 0.6
        rate = rng.uniform(-12, 12, len(inside)) if jumps else -own[inside]
        distance = rng.uniform(5, 120) + (rng.normal(0, 8, len(inside)) if jumps else np.cumsum(rate) * STEP_S)
        ghost = {
            "time": inside * STEP_S,
            "range": distance,
            "lateral": rng.uniform(-5, 5),
            "rate": rate,
            "slowing": 0.0,
        }
        rows.append(pd.DataFrame(ghost | {"genuine": False, "track": 64 + rng.integers(0, 32)}))
    return pd.concat(rows)


def _true_events(time: ndarray, speed: ndarray, table: pd.DataFrame) -> list[dict[str, float | bool]]:
    """Braking by more than 1.8 m/s^2; `required` if by more than 2.2, for MIN_DURATION_S, and with enough frames."""
    slowing = -np.gradient(speed, STEP_S)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], slowing > 0.5, [0]])))
    frame_times = table["time"].to_numpy()[table["genuine"]]
    events = []
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        start, end, peak = float(time[a]), float(time[b - 1]), float(slowing[a:b].max())
        frames = int(((frame_times >= start) & (frame_times <= end)).sum())
        required = peak > 2.2 and end - start >= MIN_DURATION_S and frames > 0.5 * (b - a)
        if peak > 1.8:
            events.append({"start_s": start, "end_s": end, "peak_deceleration": peak, "required": required})
    return events


def find_targets(log: Log) -> TargetEvents:
    """The cars and events that `drives` finds in the frames and the own speed of a log."""
    values = {name: log.frames[name].to_numpy(float) for name in ("range", "lateral", "track")}
    frames = Records(log.frames["time"].to_numpy(), values | {"range_rate": log.frames["rate"].to_numpy()})
    own = Records(log.own["time"].to_numpy(), {"speed": log.own["speed"].to_numpy()})
    description = Description({"speed": Channel("speed", unit_named("m/s", "speed", "synthetic"))})
    return target_events(Drive(Path("synthetic"), (frames, own), len(log.frames) + len(log.own), description))


@dataclass(frozen=True)
class RadarScore:
    """Counts over logs; add them up. `hard` are genuine frames of a car that slows by more than 4 m/s^2."""

    required: int = 0  # true events that must be detected
    required_detected: int = 0
    detected: int = 0
    correct: int = 0  # detected events that are true
    genuine: int = 0  # frames of a car
    genuine_used: int = 0
    used: int = 0  # frames in some track
    hard: int = 0
    hard_missed: int = 0  # in no track

    def __add__(self, other: "RadarScore") -> "RadarScore":
        return RadarScore(*(getattr(self, n) + getattr(other, n) for n in self.__dataclass_fields__))

    @property
    def recall(self) -> float:
        return self.required_detected / self.required

    @property
    def precision(self) -> float:
        return self.correct / self.detected

    @property
    def frame_recall(self) -> float:
        return self.genuine_used / self.genuine

    @property
    def frame_precision(self) -> float:
        return self.genuine_used / self.used

    @property
    def lost(self) -> float:
        return self.hard_missed / self.hard


def score_log(log: Log, result: TargetEvents) -> RadarScore:
    """How well `result` has the events and the genuine frames of a log."""
    pairs = matching_pairs(log.events, result.events, min_overlap=1 / 3)
    required = log.events["required"].to_numpy(bool)
    used = np.zeros(len(log.frames), bool)
    for target in result.targets:
        used[target.rows] = True
    hard = log.genuine & (log.slowing > 4)
    return RadarScore(
        required=int(required.sum()),
        required_detected=len({i for i, _ in pairs if required[i]}),
        detected=len(result.events),
        correct=len({j for _, j in pairs}),
        genuine=int(log.genuine.sum()),
        genuine_used=int((used & log.genuine).sum()),
        used=int(used.sum()),
        hard=int(hard.sum()),
        hard_missed=int((hard & ~used).sum()),
    )
