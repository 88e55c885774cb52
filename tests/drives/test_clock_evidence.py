"""Clocks in every form: digits, minutes, weeks, two columns, several clocks, and a header that names the wrong unit."""

import numpy as np
import pandas as pd
import pytest

from acc_decel import drives
from acc_decel.drives.clock import Clock
from tests.helpers.one_stop import TIME, acceleration, is_found, positions, speed, table

START = pd.Timestamp("2026-03-04 17:58:20")


def dates(start: pd.Timestamp = START) -> pd.DatetimeIndex:
    return start + pd.to_timedelta(TIME, unit="s")


def found(tmp_path, records: pd.DataFrame) -> drives.DriveEvents:
    records.to_csv(tmp_path / "drive.csv", index=False)
    return drives.find_events(tmp_path / "drive.csv")


WITNESSES = {
    "acceleration": {"Longitudinal acceleration (m/s^2)": acceleration()},
    "positions": dict(zip(("latitude", "longitude"), positions(), strict=True)),
    "speed alone": {},
}


@pytest.mark.parametrize(
    ("name", "factor", "unit"), [("Time (s)", 1000, "ms"), ("Time (ms)", 1, "s"), ("t [us]", 1000, "ms")]
)
@pytest.mark.parametrize("witness", WITNESSES.values(), ids=WITNESSES)
def test_a_header_that_names_the_wrong_unit_of_time_is_contradicted_and_said(tmp_path, name, factor, unit, witness):
    drive = found(tmp_path, pd.DataFrame({name: TIME * factor, "Vehicle speed (km/h)": 3.6 * speed()} | witness))
    assert drive.description.time.unit.name == unit
    assert any(f"{name!r} was taken to be in" in note and "by a factor of 1000" in note for note in drive.notes)
    assert is_found(drive)


@pytest.mark.parametrize("name", ["Time (s)", "Time (ms)"])
def test_a_right_header_is_left_as_it_is(tmp_path, name):
    time = TIME * (1000 if "ms" in name else 1)
    drive = found(tmp_path, pd.DataFrame({name: time, "Vehicle speed (km/h)": 3.6 * speed()}))
    assert is_found(drive)
    assert not any("was taken to be" in note for note in drive.notes)


TEXTS = {
    "digits of a time of day": dates(pd.Timestamp("2026-03-04 17:58:48")).strftime("%H%M%S.%f").astype(float),
    "digits over midnight": dates(pd.Timestamp("2026-03-04 23:59:48")).strftime("%H%M%S.%f"),
    "minutes and seconds": dates().strftime("%M:%S.%f").str[:-3],
    "minutes and seconds over the hour": dates(pd.Timestamp("2026-03-04 17:59:48")).strftime("%M:%S.%f").str[:-3],
    "milliseconds after a colon": dates().strftime("%H:%M:%S:%f").str[:-3],
    "half of the day": dates().strftime("%I:%M:%S.%f %p"),
    "half of the day over noon": dates(pd.Timestamp("2026-03-04 11:59:48")).strftime("%I:%M:%S.%f %p"),
    "over midnight": dates(pd.Timestamp("2026-03-04 23:59:48")).strftime("%H:%M:%S.%f"),
    "week and seconds of GPS": [f"2132:{361_375.6 + t:.3f}" for t in TIME],
    "seconds of the week over its end": (604_788.0 + TIME) % 604_800,
    "day first": dates(pd.Timestamp("2026-03-04 23:59:48")).strftime("%d.%m.%Y %H:%M:%S.%f"),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_time_is_read_however_it_is_written(tmp_path, text):
    assert is_found(found(tmp_path, pd.DataFrame({"GPS time": text, "speed_kmh": 3.6 * speed()})))


def test_seconds_that_pass_a_hundred_are_no_time_of_day(tmp_path):
    drive = found(tmp_path, pd.DataFrame({"time": 90 + TIME, "speed_kmh": 3.6 * speed()}))
    assert drive.description.time.unit.name == "s"
    assert is_found(drive)


def test_a_date_and_a_time_of_day_may_stand_in_two_columns(tmp_path):
    day, clock = dates().strftime("%d.%m.%Y"), dates().strftime("%H:%M:%S,%f").str[:-3]
    lines = [f"{d};{c};{v:.2f}" for d, c, v in zip(day, clock, 3.6 * speed(), strict=True)]
    (tmp_path / "drive.csv").write_text("\n".join(["Datum;Uhrzeit;Geschwindigkeit [km/h]", *lines]), "latin-1")
    assert is_found(drives.find_events(tmp_path / "drive.csv"))


def test_two_columns_tell_the_days_of_two_drives_apart(tmp_path):
    stamps = dates().append(dates() + pd.Timedelta(days=1, hours=-9))
    records = pd.DataFrame({"Date": stamps.strftime("%Y-%m-%d"), "Time": stamps.strftime("%H:%M:%S.%f")})
    drive = found(tmp_path, records.assign(speed_kmh=np.tile(3.6 * speed(), 2)))
    assert drive.description.time.name == "Date + Time"
    assert len(drive.events) == 2


def test_of_several_clocks_the_fine_one_is_taken(tmp_path):
    coarse = dates().strftime("%H:%M:%S")
    drive = found(
        tmp_path, pd.DataFrame({"Time": coarse, "Device Time": dates().astype(str), "speed_kmh": 3.6 * speed()})
    )
    assert drive.description.time.name == "Device Time"
    assert is_found(drive)


def test_a_unit_of_time_that_is_not_understood_is_asked_for(tmp_path, refused):
    table(speed_kmh=3.6 * speed()).rename(columns={"time": "Time (fortnights)"}).to_csv(tmp_path / "d.csv", index=False)
    assert "the unit 'fortnights' of 'Time (fortnights)' is not understood" in refused(
        "drives", "events", tmp_path / "d.csv"
    )


def test_a_clock_that_starts_again_each_hour_is_continued_over_two_blocks():
    clock = Clock()
    times = [clock.continued(block) for block in (np.arange(3590.0, 3600.0), np.arange(0.0, 10.0))]
    assert np.concatenate(times).tolist() == np.arange(3590.0, 3610.0).tolist()
    assert "starts again" in clock.notes[0]


def test_a_clock_that_the_accelerometer_contradicts_is_not_taken(tmp_path):
    path = tmp_path / "drive.csv"
    columns = {"time": np.arange(len(TIME)) * 31.5e6, "speed_mps": speed(), "accel_long": acceleration()}
    pd.DataFrame(columns).to_csv(path, index=False)  # in ns the speed would change three times as fast
    with pytest.raises(ValueError, match=r"check the unit of \[time\]"):
        drives.find_events(path)


def test_an_acceleration_without_noise_is_not_taken_to_be_late(tmp_path):
    time = np.arange(0, 600, 0.05)
    phase = time % 120
    acceleration = np.select([phase < 20, (phase >= 60) & (phase < 65)], [1.0, -4.0], 0.0)
    speed = np.cumsum(acceleration) * 0.05
    table = {"time": time.round(2), "Speed (km/h)": (3.6 * speed).round(2), "AccelLong (m/s^2)": acceleration}
    pd.DataFrame(table).to_csv(tmp_path / "drive.csv", index=False)
    drive = drives.find_events(tmp_path / "drive.csv")
    assert abs(drive.clean.lag) < 0.1
    np.testing.assert_allclose(drive.events["start_s"], np.arange(60, 600, 120), atol=0.2)
    assert (drive.events["quality"] == "good").all()
