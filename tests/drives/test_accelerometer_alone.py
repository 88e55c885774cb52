"""An accelerometer without speed: brakings are found through bias and slope, and what cannot be known is said."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import COMPACT, ORDINARY, SHARED_DRIVES
from helpers.synthetic_drives import Score, Sensors, record_drive, sample_drive, score

from acc_decel import drives
from acc_decel.constants import GRAVITY
from acc_decel.drives.accelerometer_alone import motion_without_speed

BRAKINGS = ((10.0, 14.0, 5.0), (60.0, 62.5, 3.0), (110.0, 113.0, 7.5))  # from, to [s], deceleration [m/s^2]
LONGITUDINAL = "Accel Long (m/s2)"
DESCRIBED = '[time]\nchannel = "Time (s)"\nunit = "s"\n[acceleration]\nchannel = "{}"\nunit = "m/s^2"\nsign = {}\n'


def accelerations(rng: np.random.Generator, *, noise: float = 0.3, gain: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Times at 50 Hz and a longitudinal acceleration with BRAKINGS, each speed regained by `gain` [m/s^2]."""
    time = np.arange(0, 160, 0.02)
    value = rng.normal(0, noise, len(time))
    for start, end, deceleration in BRAKINGS:
        value -= deceleration * ((time >= start) & (time < end))
        value += gain * ((time >= end + 4) & (time < end + 4 + (end - start) * deceleration / gain))
    return time, value


def written(path: Path, time: np.ndarray, **columns: np.ndarray) -> Path:
    pd.DataFrame({"Time (s)": time} | columns).to_csv(path, index=False)
    return path


def described(path: Path, channel: str = "y", sign: int = 1) -> Path:
    path.write_text(DESCRIBED.format(channel, sign))
    return path


def assert_brakings(events: pd.DataFrame) -> None:
    assert len(events) == len(BRAKINGS)
    for event, (start, end, deceleration) in zip(events.itertuples(), BRAKINGS, strict=True):
        assert (event.start_s, event.end_s) == (pytest.approx(start, abs=0.2), pytest.approx(end, abs=0.2))
        assert event.mean_deceleration == pytest.approx(deceleration, rel=0.1)
        assert event.peak_deceleration == pytest.approx(deceleration, abs=0.5)


@pytest.mark.parametrize(
    "bias",
    [
        lambda t: 0.0 * t,
        lambda t: 2.5 + 0.0 * t,
        lambda t: -1.0 + 0.02 * t,
        lambda t: GRAVITY * 0.06 * np.sin(2 * np.pi * t / 80),
        lambda t: np.where(t > 90, 3.0, 0.0),
    ],
    ids=["none", "gravity by mounting", "drift", "hills", "phone slips"],
)
def test_brakings_are_found_through_bias_slope_and_drift(tmp_path, bias):
    time, value = accelerations(np.random.default_rng(1))
    drive = drives.find_events(written(tmp_path / "drive.csv", time, **{LONGITUDINAL: value + bias(time)}))
    assert_brakings(drive.events)
    assert all("no_speed" in quality.split() for quality in drive.events["quality"])
    assert drive.events[["initial_speed", "final_speed", "mfdd", "distance", "stopped"]].isna().all(axis=None)
    assert drive.events["build_up_s"].between(0, 1).all()


@pytest.mark.parametrize("noise", [0.3, 1.5])
def test_noise_on_a_hilly_road_is_no_braking(tmp_path, noise):
    time = np.arange(0, 1800, 0.02)
    value = GRAVITY * 0.05 * np.sin(2 * np.pi * time / 70) + np.random.default_rng(2).normal(0.8, noise, len(time))
    drive = drives.find_events(written(tmp_path / "drive.csv", time, **{LONGITUDINAL: value}))
    assert drive.events.empty


def test_what_physics_brakes_is_found_by_its_accelerometer_alone(tmp_path):
    total = Score()
    for seed in range(3):
        rng = np.random.default_rng(seed)
        truth = sample_drive(rng, COMPACT, ORDINARY)
        table = record_drive(rng, truth, Sensors()).drop(columns="Speed (km/h)")
        table.to_csv(tmp_path / "drive.csv", index=False)
        drive = drives.find_events(tmp_path / "drive.csv")
        start = drive.clean.start
        shifted = {name: drive.events[name] + start for name in ("start_s", "end_s")}
        total += score(truth, drive.events.assign(**shifted))
    assert total.recall >= 0.95
    assert total.precision >= 0.95
    assert np.median(np.abs(total.peak_errors)) < 0.2


def test_the_speed_that_a_braking_loses_is_its_integral(tmp_path):
    time, value = accelerations(np.random.default_rng(3))
    events = drives.find_events(written(tmp_path / "drive.csv", time, **{LONGITUDINAL: value})).events
    lost = events["mean_deceleration"] * (events["end_s"] - events["start_s"])
    assert lost.to_list() == pytest.approx([(end - start) * hard for start, end, hard in BRAKINGS], rel=0.1)


@pytest.mark.parametrize(("turn", "sign"), [(1, 1.0), (-1, -1.0)])
def test_the_end_that_is_much_stronger_is_braking(tmp_path, turn, sign):
    time, value = accelerations(np.random.default_rng(4))
    drive = drives.find_events(written(tmp_path / "drive.csv", time, **{LONGITUDINAL: turn * value}))
    assert drive.description.channels["acceleration"].sign == sign
    assert_brakings(drive.events)
    assert not drive.events["quality"].str.contains("sign_assumed").any()
    assert any("its hardest values are" in note for note in drive.notes)


def test_a_name_that_says_deceleration_gives_the_sign(tmp_path):
    time, value = accelerations(np.random.default_rng(4))
    weak = written(tmp_path / "drive.csv", time, **{"deceleration (g)": -0.5 * value / GRAVITY})
    drive = drives.find_events(weak)
    assert drive.description.channels["acceleration"].sign == -1
    assert drive.events["quality"].eq("no_speed").all()
    assert len(drive.events) == 2  # the third one is below the threshold then


def test_a_sign_that_nothing_shows_is_flagged(tmp_path, run):
    time, value = accelerations(np.random.default_rng(5))
    weak = written(tmp_path / "drive.csv", time, **{LONGITUDINAL: 0.5 * value})
    drive = drives.find_events(weak)
    assert drive.events["quality"].eq("no_speed sign_assumed").all()
    assert any("state it in [acceleration]" in note for note in drive.notes)
    _, out, _ = run("drives", "inspect", weak, "--output", tmp_path / "drive.toml")
    assert "sign = 1  # assumed" in out
    assert "nothing shows it without a speed" in out
    stated = drives.find_events(weak, description_file=tmp_path / "drive.toml")  # which is now the user's word
    assert stated.events["quality"].eq("no_speed").all()


def test_a_stated_sign_that_the_values_contradict_is_flagged(tmp_path):
    time, value = accelerations(np.random.default_rng(6))
    path = written(tmp_path / "drive.csv", time, y=-value)
    drive = drives.find_events(path, description_file=described(tmp_path / "a.toml"))
    assert any("harder accelerations than brakings" in note for note in drive.notes)
    assert drive.clean.sign_doubt
    right = drives.find_events(path, description_file=described(tmp_path / "b.toml", sign=-1))
    assert_brakings(right.events)
    assert right.events["quality"].eq("no_speed").all()


def test_the_axis_of_a_phone_cannot_be_known_and_the_sentence_says_what_to_write(tmp_path, refused):
    time, value = accelerations(np.random.default_rng(7))
    axes = {
        "Accel X": 0 * value + 0.1 * np.sin(time),
        "Accel Y": value / GRAVITY,
        "Accel Z": np.cos(time / 50) * 0.01 + 1,
    }
    sentence = refused("drives", "events", written(tmp_path / "drive.csv", time, **axes))
    assert "which of 'Accel X', 'Accel Y', 'Accel Z' is the longitudinal axis ('Accel Z' holds gravity)" in sentence
    assert 'Write [acceleration], channel = "NAME"' in sentence
    assert "sign = 1 (-1 if the values are positive where the car brakes)" in sentence


def test_of_two_accelerometers_of_one_axis_the_one_without_gravity_is_taken(tmp_path):
    time, value = accelerations(np.random.default_rng(8))
    columns = {"longitudinal acceleration (m/s2)": value + 2, "linear longitudinal acceleration (m/s2)": value}
    drive = drives.find_events(written(tmp_path / "drive.csv", time, **columns))
    assert drive.description.channels["acceleration"].name == "linear longitudinal acceleration (m/s2)"
    assert_brakings(drive.events)


def test_two_longitudinal_accelerometers_that_differ_are_asked_about(tmp_path, refused):
    time, value = accelerations(np.random.default_rng(9))
    columns = {"long acc front (m/s2)": value, "long acc rear (m/s2)": np.roll(value, 1500)}
    assert "differ and either may be meant" in refused("drives", "events", written(tmp_path / "d.csv", time, **columns))


def test_the_unit_is_shown_by_gravity_or_by_size_or_asked_for(tmp_path, refused):
    time, value = accelerations(np.random.default_rng(10))
    by_size = drives.find_events(written(tmp_path / "a.csv", time, acceleration=value))
    assert_brakings(by_size.events)
    assert any("taken as m/s^2 by its size" in note for note in by_size.notes)
    small = written(tmp_path / "b.csv", time, acceleration=value / GRAVITY)
    assert "its values fit m/s^2 and g" in refused("drives", "events", small)


@pytest.mark.parametrize(
    ("period", "sentence"), [(1.0, "a record of acceleration every 0.25 s"), (0.02, "acceleration must change")]
)
def test_an_accelerometer_that_shows_no_braking_is_refused(tmp_path, refused, period, sentence):
    time = np.arange(0, 100, period)
    value = np.sin(time) if period > 0.1 else 0 * time
    path = written(tmp_path / "drive.csv", time, y=value)
    assert sentence in refused("drives", "events", path, "--recording", described(tmp_path / "a.toml"))


def test_neither_speed_nor_acceleration_is_one_sentence(tmp_path, refused):
    time = np.arange(0, 100, 0.1)
    sentence = refused("drives", "events", written(tmp_path / "drive.csv", time, x=np.sin(time), y=np.cos(time)))
    assert "no channel is named like a speed, and none like an acceleration, which will do alone" in sentence


def test_a_frozen_or_dropped_out_sensor_is_no_braking(tmp_path):
    time, value = accelerations(np.random.default_rng(11))
    value += 2.5
    value[(time > 30) & (time < 31.5)] = 0.0
    value[(time > 80) & (time < 81.5)] = -1.0
    drive = drives.find_events(written(tmp_path / "drive.csv", time, **{LONGITUDINAL: value}))
    assert_brakings(drive.events)
    assert drive.dropped["frozen value"] == pytest.approx(150, abs=5)


def test_a_braking_that_no_car_survives_is_implausible(tmp_path):
    time, value = accelerations(np.random.default_rng(12))
    value -= 12 * ((time > 30) & (time < 33))
    drive = drives.find_events(written(tmp_path / "drive.csv", time, **{LONGITUDINAL: 1.3 * value}))
    assert drive.events["quality"].str.contains("implausible").sum() == 1
    assert drive.events["quality"].str.contains("doubtful").sum() == len(drive.events) - 1


def test_a_gap_ends_what_is_known(tmp_path):
    time, value = accelerations(np.random.default_rng(13))
    rows = (time < 11.5) | (time > 40)
    drive = drives.find_events(written(tmp_path / "drive.csv", time[rows], **{LONGITUDINAL: value[rows]}))
    assert len(drive.pieces) == 2
    assert "cut" in drive.events["quality"].iloc[0].split()
    assert not any("cut" in quality.split() for quality in drive.events["quality"].iloc[1:])


def test_events_without_speed_are_shown_as_such(tmp_path, run, answered):
    time, value = accelerations(np.random.default_rng(14))
    path = written(tmp_path / "drive.csv", time, **{LONGITUDINAL: value})
    outputs = ("--output", tmp_path / "events.csv", "--plot", tmp_path / "pictures")
    code, out, err = run("drives", "events", path, *outputs)
    assert code == 0, err
    assert "without a speed, events have decelerations" in err
    assert "3 no_speed (no record of speed: decelerations by an accelerometer alone)" in out
    assert len(list((tmp_path / "pictures").glob("event-*.png"))) == len(BRAKINGS)
    row = pd.read_csv(tmp_path / "events.csv").iloc[0]
    assert row[["initial_speed", "stopped"]].isna().all()
    answer = answered("drives", "events", path, "--output", tmp_path / "events.parquet")
    assert [answer["events"][0][name] for name in ("initial_speed", "mfdd", "stopped")] == [None] * 3
    assert answer["flags"] == {"no_speed": 3}
    assert pd.read_parquet(tmp_path / "events.parquet")["stopped"].isna().all()


def test_a_fleet_has_a_row_for_a_drive_without_speed(tmp_path, run):
    (tmp_path / "drives").mkdir()
    time, value = accelerations(np.random.default_rng(15))
    written(tmp_path / "drives" / "alone.csv", time, **{LONGITUDINAL: value})
    speed = 100 + 3.6 * np.cumsum(value - value.mean()) * 0.02
    written(tmp_path / "drives" / "both.csv", time, **{LONGITUDINAL: value, "Speed (km/h)": speed})
    code, out, err = run(
        "drives", "fleet", tmp_path / "drives", "--output", tmp_path / "fleet", "--workers", "1", "--json"
    )
    assert code == 0, err
    alone, both = json.loads(out)["files"]
    assert (alone["events"], alone["flagged"], alone["lag_s"]) == (3, 3, None)
    assert "without a speed" in alone["notes"]
    assert both["lag_s"] is not None
    events = pd.read_parquet(tmp_path / "fleet" / "events.parquet")
    assert events["stopped"].isna().sum() == 3
    sentence = run("drives", "scenarios", tmp_path / "fleet" / "events.parquet", "--output", tmp_path / "s.toml")[2]
    assert "3 events are left out: found by an accelerometer alone" in sentence


def test_what_needs_a_speed_refuses_events_without(tmp_path, refused, run):
    time, value = accelerations(np.random.default_rng(16))
    path = written(tmp_path / "drive.csv", time, **{LONGITUDINAL: value})
    assert "must have a speed to be compared with a model" in refused("drives", "score", path)
    events = drives.find_events(path).events
    table = pd.concat([events] * 8, ignore_index=True).assign(brake_pressure_bar=60.0)
    table["start_s"] += 200.0 * (table.index // 3)
    with pytest.raises(ValueError, match="24 of 24 found by an accelerometer alone"):
        drives.fit_scenarios(table)
    table.to_csv(tmp_path / "events.csv", index=False)
    for command in ("correct", "bound"):
        sentence = refused("drives", command, tmp_path / "events.csv", "--output", tmp_path / "c.json")
        assert "none has a speed (an accelerometer alone found them)" in sentence


def test_targets_need_the_speed_of_the_own_car(tmp_path, refused):
    time, value = accelerations(np.random.default_rng(17))
    radar = {name: 30 + np.sin(time) for name in ("range", "lateral", "range_rate", "track")}
    path = written(tmp_path / "drive.csv", time, y=value, **radar)
    units = {"range": "m", "lateral": "m", "range_rate": "m/s", "track": "1"}
    sections = [f'[{name}]\nchannel = "{name}"\nunit = "{unit}"\n' for name, unit in units.items()]
    description = described(tmp_path / "drive.toml")
    description.write_text(description.read_text() + "".join(sections))
    assert "must have the speed of the own car" in refused("drives", "events", path, "--targets")


def test_a_drive_with_neither_signal_cannot_be_solved():
    clean = drives.CleanDrive(drives.NO_SPEED, None, 0.0, 1.0, 10)
    with pytest.raises(ValueError, match="a speed or an acceleration"):
        motion_without_speed(clean)


@pytest.mark.skipif(not SHARED_DRIVES.is_dir(), reason="recordings of others are not part of the project")
def test_a_phone_log_shows_nearly_the_same_brakings_without_its_gps(tmp_path):
    log = SHARED_DRIVES / "trackaddict_stc" / "STC_log.csv"
    (tmp_path / "log.toml").write_text(DESCRIBED.format("Accel Y", 1).replace("m/s^2", "g").replace("Time (s)", "Time"))
    with_speed = drives.find_events(log, threshold=4.0).events
    alone = drives.find_events(log, threshold=3.0, description_file=tmp_path / "log.toml").events
    middle = (with_speed["start_s"] + with_speed["end_s"]) / 2
    found = [bool(((alone["start_s"] < m) & (alone["end_s"] > m)).any()) for m in middle]
    assert sum(found) == len(with_speed)
    assert alone["peak_deceleration"].max() == pytest.approx(9.5, abs=0.5)
