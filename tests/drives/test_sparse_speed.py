"""A speed of 1 Hz: short brakings are found, a peak is never below what two records show, and noise makes no event."""

import numpy as np
import pandas as pd
import pytest

from acc_decel import drives
from acc_decel.cli import drive_plots

STEP_S = 0.01


def brakings(rng: np.random.Generator, count: int) -> tuple[np.ndarray, list[tuple[float, float, float]]]:
    """Speed on a grid of STEP_S with short brakings, each with begin, end [s] and deceleration [m/s^2]."""
    parts, events, now = [np.zeros(1000)], [], 1000
    for _ in range(count):
        hard, duration = rng.uniform(2.5, 6.5), rng.uniform(1.2, 2.5)
        rise = np.arange(0, duration, STEP_S)
        braking = -hard * np.clip(np.minimum(rise, duration - rise) / 0.2, 0, 1)
        events.append((now * STEP_S, (now + len(rise)) * STEP_S, hard))
        gain = np.full(int(-braking.sum() / rng.uniform(0.6, 1.2)), 1.0)
        gain *= -braking.sum() / len(gain)
        part = [braking, np.zeros(int(rng.uniform(400, 800))), gain, np.zeros(int(rng.uniform(500, 1000)))]
        parts += part
        now += sum(map(len, part))
    return 28 + np.cumsum(np.concatenate(parts)) * STEP_S, events


def recorded(path, speed: np.ndarray, rng: np.random.Generator, *, noise: float) -> drives.DriveEvents:
    time = np.arange(rng.uniform(0, 1), len(speed) * STEP_S - 1, 1.0)
    values = np.interp(time, np.arange(len(speed)) * STEP_S, speed) + rng.normal(0, noise, len(time))
    pd.DataFrame({"time_s": time.round(3), "speed_mps": values.round(2)}).to_csv(path, index=False)
    return drives.find_events(path)


@pytest.mark.parametrize("noise", [0.02, 0.1])
def test_short_brakings_are_found_in_one_record_a_second(tmp_path, noise):
    rng = np.random.default_rng(8)
    speed, true = brakings(rng, 30)
    drive = recorded(tmp_path / "drive.csv", speed, rng, noise=noise)
    spans = [(e.start_s + drive.clean.start, e.end_s + drive.clean.start) for e in drive.events.itertuples()]
    found = [any(min(end, b) - max(start, a) > 0.3 for a, b in spans) for start, end, _ in true]
    assert sum(found) >= 28
    assert len(spans) <= 30


def test_a_peak_is_never_below_the_speed_lost_between_two_records(tmp_path):
    speed = np.full(120, 30.0)
    for start in (20, 50, 80):
        speed[start + 1 : start + 9] = [24.5, *[21.2] * 7]
        speed[start + 9 : start + 17] = np.linspace(22.3, 30, 8)
    pd.DataFrame({"Device Time (s)": np.arange(120), "GPS Speed (m/s)": speed}).to_csv(tmp_path / "d.csv", index=False)
    drive = drives.find_events(tmp_path / "d.csv")
    assert len(drive.events) == 3
    assert (drive.events["peak_deceleration"] >= 5.5 - 1e-9).all()
    assert drive.events["quality"].str.contains("sparse").all()
    assert drive.dropped == {}
    assert any(note.startswith("speed comes every 1 s: a braking that loses less than 2 m/s") for note in drive.notes)


@pytest.mark.parametrize("noise", [0.1, 0.3, 0.5])
def test_noise_of_a_slow_speed_makes_no_event(tmp_path, noise):
    rng, time = np.random.default_rng(50), np.arange(0, 4800.0)
    speed = 15 + 8 * np.sin(time / 40) + 3 * np.sin(time / 13) + rng.normal(0, noise, len(time))
    pd.DataFrame({"time_s": time, "speed_mps": np.maximum(speed, 0)}).to_csv(tmp_path / "drive.csv", index=False)
    assert len(drives.find_events(tmp_path / "drive.csv").events) == 0


def test_a_lone_wrong_record_makes_no_event(tmp_path):
    time = np.arange(0, 300.0)
    speed = 20 + 2 * np.sin(time / 20)
    speed[[60, 150, 240]] += [-3.5, 3.5, -3.0]
    pd.DataFrame({"time_s": time, "speed_mps": speed.round(2)}).to_csv(tmp_path / "drive.csv", index=False)
    assert len(drives.find_events(tmp_path / "drive.csv").events) == 0


def test_the_picture_reaches_the_peak_of_the_table(tmp_path):
    rng = np.random.default_rng(8)
    drive = recorded(tmp_path / "drive.csv", brakings(rng, 3)[0], rng, noise=0.02)
    slowing = drive_plots.drive(drive).axes[-1]
    for event in drive.events.itertuples():
        drawn = []
        for line in slowing.get_lines():
            time, value = (np.asarray(data, float) for data in line.get_data())
            inside = (time >= event.start_s) & (time <= event.end_s)
            drawn.append(np.nanmax(value[inside], initial=-np.inf, where=np.isfinite(value[inside])))
        assert max(drawn) == pytest.approx(event.peak_deceleration)
