"""Drives with known truth: stops of the physics joined by acceleration, and what imperfect sensors record of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.physics import GRAVITY, Vehicle, history

STEP = 0.01  # [s] of the truth
PEAK = 2.0  # [m/s^2] that makes a true event


@dataclass(frozen=True)
class Truth:
    """What the car did: on a grid of STEP, and its braking events (start_s, end_s, speeds, peak)."""

    time: ndarray
    speed: ndarray
    acceleration: ndarray
    events: pd.DataFrame


@dataclass(frozen=True)
class Sensors:
    """How a drive is recorded, and what goes wrong on the way. Rates in Hz, times in s, the rest in SI."""

    speed_rate: float = 20.0
    speed_noise: float = 0.05
    speed_step: float = 0.0
    lag: float = 0.0
    rate: float = 50.0  # of the records; slower speed is held
    accelerometer: bool = True
    noise: float = 0.25
    bias: float = 0.2
    grade: float = 0.03
    sign: float = 1.0
    spikes: float = 0.002  # share of records
    drop_outs: float = 0.5  # each minute: the sensor tells 0
    frozen: float = 0.3  # each minute: the last value stays


def driven(rng: np.random.Generator, car: Vehicle, situation: dict[str, float], *, stops: int = 12) -> Truth:
    """A drive with `stops` braking events of all strengths, some to standstill, at the factors in `situation`."""
    accelerations, rows, speed, now = [np.zeros(int(3 / STEP))], [], 0.0, 3.0
    for _ in range(stops):
        gain = _gain(rng, rng.uniform(8, 35) - speed)
        accelerations.append(gain)
        speed, now = speed + STEP * float(gain.sum()), now + STEP * len(gain)
        pressure = float(np.exp(rng.uniform(np.log(8), np.log(110))))
        slowing = _braking(rng, car, situation | {"speed": speed, "brake_pressure_bar": pressure})
        after = np.maximum(speed - STEP * np.cumsum(slowing), 0.0)
        braked = np.flatnonzero(slowing > 0.5)
        rows.append(
            {
                "start_s": now + STEP * float(braked[0]),
                "end_s": now + STEP * float(braked[-1] + 1),
                "initial_speed": speed,
                "final_speed": float(after[-1]),
                "peak_deceleration": float(slowing.max()),
            }
        )
        rest = np.zeros(int(rng.uniform(2, 8) / STEP))
        accelerations += [-slowing, rest]
        speed, now = float(after[-1]), now + STEP * (len(slowing) + len(rest))
    acceleration = np.concatenate(accelerations)
    return Truth(
        STEP * np.arange(len(acceleration)),
        np.maximum(np.cumsum(acceleration) * STEP, 0.0),
        acceleration,
        pd.DataFrame(rows),
    )


def _gain(rng: np.random.Generator, wanted: float) -> ndarray:
    """Acceleration to another speed, without a jerk, and a while of wavering cruise."""
    push = rng.uniform(0.8, 3.0)
    rise = int(max(abs(wanted) / push, 1.0) / STEP)
    shape = np.sin(np.linspace(0, np.pi, rise)) ** 2
    gain = shape * max(wanted, 0.5) / (shape.sum() * STEP)
    cruise = np.arange(int(rng.uniform(4, 20) / STEP)) * STEP
    return np.concatenate([gain, 0.15 * np.sin(2 * np.pi * cruise / rng.uniform(5, 15)) * (cruise < cruise[-1])])


def _braking(rng: np.random.Generator, car: Vehicle, factors: dict[str, float]) -> ndarray:
    """Deceleration of one event of the physics, on the grid; two of three are released before standstill."""
    told = history(car, **factors)
    released = 0.0 if rng.random() < 1 / 3 else rng.uniform(0.1, 0.7) * factors["speed"]
    last = int(np.flatnonzero(told["speed"] <= max(released, told["speed"][-1]))[0])
    time = np.arange(0, told["time"][last], STEP)
    speed = np.interp(time, told["time"], told["speed"])
    slowing = np.maximum(-np.diff(speed, append=2 * speed[-1] - speed[-2]) / STEP, 0.0)
    if not released:
        return np.concatenate([slowing, np.full(int(speed[-1] / slowing[-1] / STEP), slowing[-1])])
    return np.concatenate([slowing, slowing[-1] * np.linspace(1, 0, int(rng.uniform(0.1, 0.4) / STEP))])


def recorded(rng: np.random.Generator, truth: Truth, told: Sensors) -> pd.DataFrame:
    """The drive as a logger writes it: columns `Time (s)`, `Speed (km/h)` and, if there is one, `Accel Long (m/s2)`."""
    time = np.arange(0, truth.time[-1], 1 / told.rate) + rng.normal(0, 0.02 / told.rate)
    held = told.speed_rate < told.rate
    news = np.floor(time * told.speed_rate) / told.speed_rate if held else time
    speed = np.interp(news - told.lag, truth.time, truth.speed)
    _, update = np.unique(news, return_inverse=True)
    speed = np.maximum(speed + rng.normal(0, told.speed_noise, update.max() + 1)[update] * (speed > 0.3), 0)
    if told.speed_step:
        speed = np.round(speed / told.speed_step) * told.speed_step
    speed = _spoiled(rng, time, speed, told, size=25.0, update=update)
    table = {"Time (s)": time, "Speed (km/h)": 3.6 * np.abs(speed)}
    if told.accelerometer:
        slope = told.grade * np.sin(2 * np.pi * time / rng.uniform(40, 120) + rng.uniform(0, 6))
        felt = np.interp(time, truth.time, truth.acceleration) + told.bias + GRAVITY * slope
        felt = felt + rng.normal(0, told.noise, len(time))
        felt = _spoiled(rng, time, felt, told, size=12.0, update=np.arange(len(time)))
        table["Accel Long (m/s2)"] = told.sign * felt
    return pd.DataFrame(table)


def _spoiled(
    rng: np.random.Generator, time: ndarray, value: ndarray, told: Sensors, *, size: float, update: ndarray
) -> ndarray:
    value, minutes = value.copy(), time[-1] / 60
    hit = rng.random(update.max() + 1) < told.spikes
    value += (hit * rng.uniform(0.4, 1.0, len(hit)) * rng.choice([-1, 1], len(hit)) * size)[update]
    for often, frozen in ((told.drop_outs, False), (told.frozen, True)):
        for start in rng.uniform(0, time[-1], rng.poisson(often * minutes)):
            inside = (time >= start) & (time < start + rng.uniform(0.4, 2.5))
            if inside.any():
                value[inside] = value[np.flatnonzero(inside)[0]] if frozen else 0.0
    return value


def matched(true: pd.DataFrame, found: pd.DataFrame, *, least: float = 0.5) -> list[tuple[int, int]]:
    """Pairs of a true and a found event that overlap by more than a share `least` of their common span."""
    pairs = []
    for i, t in enumerate(true.itertuples()):
        for j, f in enumerate(found.itertuples()):
            both = min(t.end_s, f.end_s) - max(t.start_s, f.start_s)
            if both > least * (max(t.end_s, f.end_s) - min(t.start_s, f.start_s)):
                pairs.append((i, j))
    return pairs


@dataclass(frozen=True)
class Score:
    """Counts over drives; add them up. `hard` are true instants above 4 m/s^2, `hard_lost` those in no found event."""

    true: int = 0
    true_found: int = 0
    found: int = 0
    found_true: int = 0
    hard: int = 0
    hard_lost: int = 0
    start_errors: tuple[float, ...] = ()
    peak_errors: tuple[float, ...] = ()
    mean_errors: tuple[float, ...] = ()

    def __add__(self, other: "Score") -> "Score":
        return Score(*(getattr(self, n) + getattr(other, n) for n in self.__dataclass_fields__))

    @property
    def recall(self) -> float:
        return self.true_found / max(self.true, 1)

    @property
    def precision(self) -> float:
        return self.found_true / max(self.found, 1)

    @property
    def lost(self) -> float:
        return self.hard_lost / max(self.hard, 1)


def score(truth: Truth, found: pd.DataFrame, *, margin: float = 0.1) -> Score:
    """How well `found` tells the events of `truth`.

    A true event must be found if its peak is `margin` above PEAK; a found one is right if it overlaps a true event
    whose peak is no more than `margin` below PEAK.
    """
    peaks = truth.events["peak_deceleration"].to_numpy()
    pairs = matched(truth.events, found)
    must, may = peaks >= (1 + margin) * PEAK, peaks >= (1 - margin) * PEAK
    right = {j for i, j in pairs if may[i]}
    hard = truth.acceleration < -4
    inside = np.zeros(len(hard), bool)
    for event in found.itertuples():
        inside[(truth.time >= event.start_s) & (truth.time <= event.end_s)] = True
    true = truth.events
    mean = (true["initial_speed"] - true["final_speed"]) / (true["end_s"] - true["start_s"])
    return Score(
        true=int(must.sum()),
        true_found=len({i for i, _ in pairs if must[i]}),
        found=len(found),
        found_true=len(right),
        hard=int(hard.sum()),
        hard_lost=int((hard & ~inside).sum()),
        start_errors=tuple(float(found["start_s"][j] - true["start_s"][i]) for i, j in pairs),
        peak_errors=tuple(float(found["peak_deceleration"][j] - peaks[i]) for i, j in pairs),
        mean_errors=tuple(float(found["mean_deceleration"][j] - mean[i]) for i, j in pairs),
    )
