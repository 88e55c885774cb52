"""Speeds at the ends of their channel: counters that start again, greatest values, marks for missing, wrong units."""

import numpy as np
import pandas as pd
import pytest

from acc_decel import drives
from acc_decel.drives.speed_range import is_marked, is_saturated, unwrapped
from tests.helpers.one_stop import SPEEDS, TIME, acceleration, is_found, speed, table

NOISY = speed() + np.random.default_rng(3).normal(0, 0.03, len(TIME))


def written(path, **columns):
    table(**columns).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(("bits", "step"), [(8, 0.25), (8, 0.5), (8, 0.125)])
@pytest.mark.parametrize("offset", [0.0, 25.0])
def test_a_counter_of_speed_that_starts_again_is_made_whole_and_told(tmp_path, bits, step, offset):
    raw = np.round((speed() + offset) * 3.6 / step)
    columns = {"speed_kmh": raw % 2**bits * step, "ax": acceleration()}
    drive = drives.find_events(written(tmp_path / "drive.csv", **columns))
    starts_again = bool(np.ptp(raw // 2**bits))
    assert any("starts again at 0 every" in note for note in drive.notes) == starts_again
    assert len(drive.events) == 1
    lost = drive.events["initial_speed"] - drive.events["final_speed"]
    assert lost[0] == pytest.approx(SPEEDS[0] - SPEEDS[1], abs=0.4)


def test_a_drop_out_to_zero_is_no_counter():
    dropped = np.round(4 * 3.6 * speed()) / 4 / 3.6
    dropped[50:60] = 0.0
    assert unwrapped(TIME, dropped, 0.25 / 3.6)[1] == 0.0


@pytest.mark.parametrize("has_accelerometer", [False, True])
def test_the_greatest_value_of_a_channel_is_no_speed(tmp_path, has_accelerometer):
    columns = {"speed_kmh": np.minimum(3.6 * NOISY, 63.75).round(3)}
    columns |= {"ax": acceleration()} if has_accelerometer else {}
    drive = drives.find_events(written(tmp_path / "drive.csv", **columns))
    assert drive.dropped["at the channel's greatest value"] > 100
    assert (drive.events["quality"] != drives.GOOD).all()


def test_a_car_that_drives_at_a_steady_greatest_speed_is_believed(tmp_path):
    assert not is_saturated(TIME, speed(), 0.5).any()  # a simulation without noise
    whole = np.round(3.6 * NOISY)
    assert not is_saturated(TIME, whole, 1.0).any()
    assert is_found(drives.find_events(written(tmp_path / "drive.csv", speed_kmh=3.6 * speed(), ax=acceleration())))


def test_a_negative_mark_for_a_missing_speed_is_no_speed(tmp_path):
    marked = speed().copy()
    marked[180:230] = -1.0
    drive = drives.find_events(written(tmp_path / "drive.csv", **{"speed [m/s]": marked, "ax [m/s^2]": acceleration()}))
    assert drive.dropped["marked as missing"] == 50
    assert is_found(drive)
    assert not is_marked(np.where(speed() < 6, -0.1 * TIME, speed())).any()  # rolling back has many values


def test_a_mark_that_stays_for_long_is_left_out_like_a_short_one(tmp_path):
    time = np.arange(0, 120, 0.1).round(1)
    values = np.interp(time, TIME, speed()) + np.random.default_rng(4).normal(0, 0.03, len(time))
    values[500:900] = 70.83  # 255 km/h
    path = tmp_path / "drive.csv"
    pd.DataFrame({"time": time, "speed_kmh": 3.6 * values}).to_csv(path, index=False)
    drive = drives.find_events(path)
    assert sum(drive.dropped.values()) == 400
    assert len(drive.events) == 1


def test_speeds_of_two_cars_in_one_column_are_refused(tmp_path, refused):
    rows = {"time": np.repeat(TIME, 2) + np.tile([0.0, 0.05], len(TIME))}
    mixed = np.stack([3.6 * NOISY, 3.6 * NOISY[::-1] + 40], axis=1).ravel()
    for column, expected in (("colour", "must be that of one car"), ("imei", "must hold one vehicle")):
        frame = pd.DataFrame(rows | {column: np.tile(["red", "blue"], len(TIME)), "speed_kmh": mixed})
        frame.to_csv(tmp_path / "drive.csv", index=False)
        assert expected in refused("drives", "events", tmp_path / "drive.csv")


def test_a_vehicle_that_is_named_in_its_first_row_alone_keeps_the_others(tmp_path):
    names = ["WVW1", *[""] * (len(TIME) - 1)]
    drive = drives.find_events(written(tmp_path / "drive.csv", vin=names, speed_kmh=3.6 * NOISY))
    assert is_found(drive)
    assert drive.clean.frames == len(TIME)


def gaining(top):
    """A car that gains speed up to `top` [m/s] with 2 m/s^2 and brakes softly."""
    time = np.arange(0, 60, 0.1)
    values = np.minimum(2.0 * time, top) - np.maximum(time - 35, 0) * 2.2
    noise = np.random.default_rng(5).normal(0, 0.03, len(time))
    return pd.DataFrame({"time": time.round(1), "speed_mps": np.maximum(values, 0.5) + noise})


def test_km_per_hour_under_the_name_of_m_per_second_are_doubtful_by_the_power_that_they_ask(tmp_path):
    right = gaining(25.0)
    wrong = right.assign(speed_mps=3.6 * right["speed_mps"])
    for frame, is_doubtful in ((right, False), (wrong, True)):
        frame.to_csv(tmp_path / "drive.csv", index=False)
        drive = drives.find_events(tmp_path / "drive.csv")
        assert len(drive.events)
        assert any("check the unit of speed" in note or "check its unit" in note for note in drive.notes) == is_doubtful
        assert drive.events["quality"].str.contains("doubtful").all() == is_doubtful
