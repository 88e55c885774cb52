"""Radar logs with known truth: cars ahead that brake, seen through drop-outs, changing identifiers and ghosts."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.drives import Channel, Description, Drive, Records, TargetEvents, target_events
from acc_decel.drives.units import unit_named
from tests.helpers.synthetic_drives import matched

STEP = 0.05  # [s] between radar frames
LEAST_TIME = 0.6  # [s] of an event that must be found


@dataclass(frozen=True)
class Radar:
    """How badly the radar sees."""

    range_noise: float = 0.25  # [m]
    rate_noise: float = 0.12  # [m/s]
    lateral_noise: float = 0.25  # [m]
    ghosts: float = 0.05  # share of frames
    breaks: float = 0.09  # each second of a track, after which it gets another identifier
    gap: float = 0.8  # [s] mean time without frames at a break


@dataclass(frozen=True)
class Log:
    """Frames as recorded, own speed, and the truth: `genuine` frames, `slowing` [m/s^2] of their car, true events."""

    frames: pd.DataFrame
    own: pd.DataFrame
    genuine: ndarray
    slowing: ndarray
    events: pd.DataFrame


def seen(rng: np.random.Generator, told: Radar, *, minutes: float = 10.0) -> Log:
    """A log in which cars ahead come and go, one or two at a time, and brake by 2 to 9 m/s^2."""
    time = np.arange(0, 60 * minutes, STEP)
    lead = _lead(rng, time)
    lag = int(0.9 / STEP)
    own = np.convolve(np.concatenate([np.full(lag, lead[0]), lead])[: len(lead)], np.ones(12) / 12, mode="same")
    own[:12], own[-12:] = own[12], own[-13]
    rows, events, now = [], [], 0.0
    while now < time[-1] - 10:
        last = min(now + rng.uniform(12, 60), time[-1])
        inside = slice(int(now / STEP), int(last / STEP))
        rows.append(_followed(rng, told, time[inside], lead[inside], own[inside], lane=0.0))
        events += _true_events(time[inside], lead[inside], rows[-1])
        now = last + rng.uniform(1.0, 5.0)
    beside = _lead(rng, time)
    for start in rng.uniform(0, time[-1] - 15, int(minutes)):
        inside = slice(int(start / STEP), int((start + rng.uniform(5, 14)) / STEP))
        speed = np.clip(beside[inside] - beside[inside][0] + own[inside][0], 0, None)
        rows.append(_followed(rng, told, time[inside], speed, own[inside], lane=float(rng.choice([-3.5, 3.5]))))
        events += _true_events(time[inside], speed, rows[-1])
    table = pd.concat(rows)
    table = pd.concat([table, _clutter(rng, table, own, told.ghosts / 2)]).sort_values("time", kind="stable")
    measured = own + rng.normal(0, 0.03, len(own))
    frames = table[["time", "range", "lateral", "rate", "track"]].reset_index(drop=True)
    return Log(
        frames,
        pd.DataFrame({"time": time, "speed": measured}),
        table["genuine"].to_numpy(bool),
        table["slowing"].to_numpy(),
        pd.DataFrame(events),
    )


def _lead(rng: np.random.Generator, time: ndarray) -> ndarray:
    """Speed of a car that brakes now and then and recovers."""
    push = np.zeros(len(time))
    at = rng.uniform(4, 12)
    while at < time[-1] - 15:
        hard = rng.uniform(2.3, 9.0)
        rise, hold, fall = rng.uniform(0.15, 0.5), rng.uniform(0.5, 2.2), rng.uniform(0.2, 0.6)
        lost = hard * (hold + (rise + fall) / 2)
        if lost > 22:
            continue
        knots = at + np.cumsum([0, rise, hold, fall, 1.0, 1.0, lost / rng.uniform(1.0, 2.2), 1.0])
        gain = lost / (knots[6] - knots[5] + 1.0)
        push += np.interp(time, knots, [0, -hard, -hard, 0, 0, gain, gain, 0])
        at = knots[-1] + rng.exponential(9) + 2
    wander = 0.1 * np.sin(time / rng.uniform(3, 8))
    return np.maximum(27 + np.cumsum(push + wander) * STEP, 0)


def _followed(
    rng: np.random.Generator, told: Radar, time: ndarray, speed: ndarray, own: ndarray, *, lane: float
) -> pd.DataFrame:
    way = np.cumsum(speed - own) * STEP
    true = rng.uniform(12, 50) + way - min(way.min(), 0)
    count = len(time)
    table = pd.DataFrame(
        {
            "time": time,
            "range": true + rng.normal(0, told.range_noise, count),
            "lateral": lane + rng.normal(0, told.lateral_noise, count) + 0.4 * np.sin(time / 7),
            "rate": speed - own + rng.normal(0, told.rate_noise, count),
            "slowing": -np.gradient(speed, STEP),
            "genuine": True,
        }
    )
    table["track"], there = _broken(rng, told, count, first=0 if lane == 0 else 32)
    wrong = rng.random(count) < told.ghosts / 2
    table.loc[wrong, "range"] += rng.choice([-1, 1], wrong.sum()) * rng.uniform(3, 25, wrong.sum())
    table.loc[wrong, "rate"] += rng.choice([-1, 1], wrong.sum()) * rng.uniform(2, 15, wrong.sum())
    table.loc[wrong, "genuine"] = False
    return table[there & (table["range"] > 2)]


def _broken(rng: np.random.Generator, told: Radar, count: int, *, first: int) -> tuple[ndarray, ndarray]:
    """Identifier of each frame, and which frames are there at all."""
    track, there, at = np.zeros(count, int), np.ones(count, bool), 0
    while at < count:
        length = max(int(rng.exponential(1 / told.breaks) / STEP), 4)
        track[at : at + length] = first + rng.integers(0, 32)
        lost = int(rng.exponential(told.gap) / STEP) if rng.random() < 0.7 else 0
        there[at + length : at + length + min(lost, 40)] = False
        at += length
    return track, there


def _clutter(rng: np.random.Generator, table: pd.DataFrame, own: ndarray, share: float) -> pd.DataFrame:
    """Ghost tracks: signs and bridges that stand, reflections that jump about, all short."""
    rows, wanted = [], share * len(table)
    while sum(map(len, rows)) < wanted:
        first = int(rng.integers(0, len(own) - 60))
        inside = np.arange(first, first + rng.integers(2, 30))
        jumps = rng.random() < 0.6
        rate = rng.uniform(-12, 12, len(inside)) if jumps else -own[inside]
        place = rng.uniform(5, 120) + (rng.normal(0, 8, len(inside)) if jumps else np.cumsum(rate) * STEP)
        ghost = {"time": inside * STEP, "range": place, "lateral": rng.uniform(-5, 5), "rate": rate, "slowing": 0.0}
        rows.append(pd.DataFrame(ghost | {"genuine": False, "track": 64 + rng.integers(0, 32)}))
    return pd.concat(rows)


def _true_events(time: ndarray, speed: ndarray, table: pd.DataFrame) -> list[dict[str, float | bool]]:
    """Braking by more than 1.8 m/s^2; it `must` be found if by more than 2.2, for LEAST_TIME, and mostly seen."""
    slowing = -np.gradient(speed, STEP)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], slowing > 0.5, [0]])))
    seen_at = table["time"].to_numpy()[table["genuine"]]
    found = []
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        start, end, peak = float(time[a]), float(time[b - 1]), float(slowing[a:b].max())
        frames = int(((seen_at >= start) & (seen_at <= end)).sum())
        must = peak > 2.2 and end - start >= LEAST_TIME and frames > 0.5 * (b - a)
        if peak > 1.8:
            found.append({"start_s": start, "end_s": end, "peak_deceleration": peak, "must": must})
    return found


def targets_in(log: Log) -> TargetEvents:
    """What `drives` finds in the log, of which it sees the frames and own speed alone."""
    seen_frames = {name: log.frames[name].to_numpy(float) for name in ("range", "lateral", "track")}
    frames = Records(log.frames["time"].to_numpy(), seen_frames | {"range_rate": log.frames["rate"].to_numpy()})
    own = Records(log.own["time"].to_numpy(), {"speed": log.own["speed"].to_numpy()})
    told = Description({"speed": Channel("speed", unit_named("m/s", "speed", "synthetic"))})
    return target_events(Drive(Path("synthetic"), (frames, own), len(log.frames) + len(log.own), told))


def counts(log: Log, found: TargetEvents) -> ndarray:
    """Events that must be found, of them found, found, of them right; genuine frames, kept, all kept; hard, lost."""
    pairs = matched(log.events, found.events, least=1 / 3)
    must = log.events["must"].to_numpy(bool)
    kept = np.zeros(len(log.frames), bool)
    for target in found.targets:
        kept[target.rows] = True
    hard = log.genuine & (log.slowing > 4)
    events = [must.sum(), len({i for i, _ in pairs if must[i]}), len(found.events), len({j for _, j in pairs})]
    frames = [log.genuine.sum(), (kept & log.genuine).sum(), kept.sum(), hard.sum(), (hard & ~kept).sum()]
    return np.array(events + frames, float)
