"""Drives with known truth: stops of the physics joined by acceleration, and what imperfect sensors record of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.constants import GRAVITY
from acc_decel.physics import Vehicle, history

STEP_S = 0.01  # of the truth
MIN_PEAK_MPS2 = 2.0  # of a true event


@dataclass(frozen=True)
class Truth:
    """What the car did: on a grid of STEP_S, and its braking events (start_s, end_s, speeds, peak)."""

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
    rate: float = 50.0  # of the records; a slower speed is repeated
    accelerometer: bool = True
    noise: float = 0.25
    bias: float = 0.2
    grade: float = 0.03
    sign: float = 1.0
    spikes: float = 0.002  # share of records
    drop_outs: float = 0.5  # per minute: the sensor sends 0
    frozen: float = 0.3  # per minute: the last value stays


def sample_drive(rng: np.random.Generator, car: Vehicle, situation: dict[str, float], *, stops: int = 12) -> Truth:
    """A drive with `stops` braking events of all strengths, some to standstill, at the factors in `situation`."""
    accelerations, rows, speed, now = [np.zeros(int(3 / STEP_S))], [], 0.0, 3.0
    for _ in range(stops):
        gain = _sample_gain(rng, rng.uniform(8, 35) - speed)
        accelerations.append(gain)
        speed, now = speed + STEP_S * float(gain.sum()), now + STEP_S * len(gain)
        pressure = float(np.exp(rng.uniform(np.log(8), np.log(110))))
        slowing = _sample_braking(rng, car, situation | {"speed": speed, "brake_pressure_bar": pressure})
        after = np.maximum(speed - STEP_S * np.cumsum(slowing), 0.0)
        braked = np.flatnonzero(slowing > 0.5)
        rows.append(
            {
                "start_s": now + STEP_S * float(braked[0]),
                "end_s": now + STEP_S * float(braked[-1] + 1),
                "initial_speed": speed,
                "final_speed": float(after[-1]),
                "peak_deceleration": float(slowing.max()),
            }
        )
        rest = np.zeros(int(rng.uniform(2, 8) / STEP_S))
        accelerations += [-slowing, rest]
        speed, now = float(after[-1]), now + STEP_S * (len(slowing) + len(rest))
    acceleration = np.concatenate(accelerations)
    return Truth(
        STEP_S * np.arange(len(acceleration)),
        np.maximum(np.cumsum(acceleration) * STEP_S, 0.0),
        acceleration,
        pd.DataFrame(rows),
    )


def _sample_gain(rng: np.random.Generator, wanted: float) -> ndarray:
    """Acceleration to another speed, smooth at both ends, and some seconds at nearly constant speed."""
    mean_acceleration = rng.uniform(0.8, 3.0)
    rise = int(max(abs(wanted) / mean_acceleration, 1.0) / STEP_S)
    shape = np.sin(np.linspace(0, np.pi, rise)) ** 2
    gain = shape * max(wanted, 0.5) / (shape.sum() * STEP_S)
    cruise = np.arange(int(rng.uniform(4, 20) / STEP_S)) * STEP_S
    return np.concatenate([gain, 0.15 * np.sin(2 * np.pi * cruise / rng.uniform(5, 15)) * (cruise < cruise[-1])])


def _sample_braking(rng: np.random.Generator, car: Vehicle, factors: dict[str, float]) -> ndarray:
    """Deceleration of one event of the physics, on the grid; two of three are released before standstill."""
    stop = history(car, **factors)
    released = 0.0 if rng.random() < 1 / 3 else rng.uniform(0.1, 0.7) * factors["speed"]
    last = int(np.flatnonzero(stop["speed"] <= max(released, stop["speed"][-1]))[0])
    time = np.arange(0, stop["time"][last], STEP_S)
    speed = np.interp(time, stop["time"], stop["speed"])
    slowing = np.maximum(-np.diff(speed, append=2 * speed[-1] - speed[-2]) / STEP_S, 0.0)
    if not released:
        return np.concatenate([slowing, np.full(int(speed[-1] / slowing[-1] / STEP_S), slowing[-1])])
    return np.concatenate([slowing, slowing[-1] * np.linspace(1, 0, int(rng.uniform(0.1, 0.4) / STEP_S))])


def record_drive(rng: np.random.Generator, truth: Truth, sensors: Sensors) -> pd.DataFrame:
    """The drive as a logger writes it: columns `Time (s)`, `Speed (km/h)` and, if there is one, `Accel Long (m/s2)`."""
    time = np.arange(0, truth.time[-1], 1 / sensors.rate) + rng.normal(0, 0.02 / sensors.rate)
    is_repeated = sensors.speed_rate < sensors.rate
    update_time = np.floor(time * sensors.speed_rate) / sensors.speed_rate if is_repeated else time
    speed = np.interp(update_time - sensors.lag, truth.time, truth.speed)
    _, update = np.unique(update_time, return_inverse=True)
    speed = np.maximum(speed + rng.normal(0, sensors.speed_noise, update.max() + 1)[update] * (speed > 0.3), 0)
    if sensors.speed_step:
        speed = np.round(speed / sensors.speed_step) * sensors.speed_step
    speed = _with_faults(rng, time, speed, sensors, size=25.0, update=update)
    table = {"Time (s)": time, "Speed (km/h)": 3.6 * np.abs(speed)}
    if sensors.accelerometer:
        slope = sensors.grade * np.sin(2 * np.pi * time / rng.uniform(40, 120) + rng.uniform(0, 6))
        measured = np.interp(time, truth.time, truth.acceleration) + sensors.bias + GRAVITY * slope
        measured = measured + rng.normal(0, sensors.noise, len(time))
        measured = _with_faults(rng, time, measured, sensors, size=12.0, update=np.arange(len(time)))
        table["Accel Long (m/s2)"] = sensors.sign * measured
    return pd.DataFrame(table)


def _with_faults(
    rng: np.random.Generator, time: ndarray, value: ndarray, sensors: Sensors, *, size: float, update: ndarray
) -> ndarray:
    value, minutes = value.copy(), time[-1] / 60
    spike = rng.random(update.max() + 1) < sensors.spikes
    value += (spike * rng.uniform(0.4, 1.0, len(spike)) * rng.choice([-1, 1], len(spike)) * size)[update]
    for per_minute, frozen in ((sensors.drop_outs, False), (sensors.frozen, True)):
        for start in rng.uniform(0, time[-1], rng.poisson(per_minute * minutes)):
            inside = (time >= start) & (time < start + rng.uniform(0.4, 2.5))
            if inside.any():
                value[inside] = value[np.flatnonzero(inside)[0]] if frozen else 0.0
    return value


def matching_pairs(true: pd.DataFrame, detected: pd.DataFrame, *, min_overlap: float = 0.5) -> list[tuple[int, int]]:
    """Pairs of a true and a detected event that overlap by more than a share `min_overlap` of their common span."""
    pairs = []
    for i, t in enumerate(true.itertuples()):
        for j, d in enumerate(detected.itertuples()):
            both = min(t.end_s, d.end_s) - max(t.start_s, d.start_s)
            if both > min_overlap * (max(t.end_s, d.end_s) - min(t.start_s, d.start_s)):
                pairs.append((i, j))
    return pairs


@dataclass(frozen=True)
class Score:
    """Counts over drives; add them up. `hard` are true instants above 4 m/s^2, `hard_missed` those in no event."""

    required: int = 0  # true events that must be detected
    required_detected: int = 0
    detected: int = 0
    correct: int = 0  # detected events that are true
    hard: int = 0
    hard_missed: int = 0
    start_errors: tuple[float, ...] = ()
    peak_errors: tuple[float, ...] = ()
    mean_errors: tuple[float, ...] = ()

    def __add__(self, other: "Score") -> "Score":
        return Score(*(getattr(self, n) + getattr(other, n) for n in self.__dataclass_fields__))

    @property
    def recall(self) -> float:
        return self.required_detected / max(self.required, 1)

    @property
    def precision(self) -> float:
        return self.correct / max(self.detected, 1)

    @property
    def lost(self) -> float:
        return self.hard_missed / max(self.hard, 1)


def score(truth: Truth, detected: pd.DataFrame, *, margin: float = 0.1) -> Score:
    """How well the `detected` events are those of `truth`.

    A true event must be detected if its peak is a share `margin` above MIN_PEAK_MPS2. A detected one is correct if it
    overlaps a true event whose peak is no more than `margin` below MIN_PEAK_MPS2.
    """
    peaks = truth.events["peak_deceleration"].to_numpy()
    pairs = matching_pairs(truth.events, detected)
    required, allowed = peaks >= (1 + margin) * MIN_PEAK_MPS2, peaks >= (1 - margin) * MIN_PEAK_MPS2
    hard = truth.acceleration < -4
    inside = np.zeros(len(hard), bool)
    for event in detected.itertuples():
        inside[(truth.time >= event.start_s) & (truth.time <= event.end_s)] = True
    true = truth.events
    mean = (true["initial_speed"] - true["final_speed"]) / (true["end_s"] - true["start_s"])
    return Score(
        required=int(required.sum()),
        required_detected=len({i for i, _ in pairs if required[i]}),
        detected=len(detected),
        correct=len({j for i, j in pairs if allowed[i]}),
        hard=int(hard.sum()),
        hard_missed=int((hard & ~inside).sum()),
        start_errors=tuple(float(detected["start_s"][j] - true["start_s"][i]) for i, j in pairs),
        peak_errors=tuple(float(detected["peak_deceleration"][j] - peaks[i]) for i, j in pairs),
        mean_errors=tuple(float(detected["mean_deceleration"][j] - mean[i]) for i, j in pairs),
    )
