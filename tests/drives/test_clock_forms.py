"""Clocks in all the forms in which loggers write them: counters of some bits, digits, ticks, days, ambiguous dates."""

import numpy as np
import pandas as pd
import pytest

from acc_decel import drives
from tests.helpers.one_stop import TIME, is_found, speed, table

LATE = pd.Timestamp("2026-01-01 09:58:48") + pd.to_timedelta(TIME, unit="s")  # a minute ends inside the braking


def counter(bits, unit, before=12.0):
    """A counter of some bits that starts again `before` [s] after the first record."""
    return (np.round(TIME / unit) + 2**bits - round(before / unit)) % 2**bits


FORMS = {
    "16 bits of ms": ("time_ms", counter(16, 1e-3)),
    "32 bits of us": ("timestamp_us", counter(32, 1e-6)),
    "32 bits of ms": ("millis", counter(32, 1e-3)),
    "8 bits of s": ("time_s", (TIME + 244.0) % 256),
    "signed 32 bits of us": ("timestamp_us", counter(32, 1e-6) - 2**31),
    "hhmmssmmm": ("UTC time", LATE.strftime("%H%M%S").astype(int) * 1000 + LATE.microsecond // 1000),
    "yyyymmddhhmmss": ("DateTime", LATE.strftime("%Y%m%d%H%M%S") + "." + (LATE.microsecond // 100_000).astype(str)),
    "yyyymmddhhmmssmmm": (
        "timestamp",
        LATE.strftime("%Y%m%d%H%M%S") + (LATE.microsecond // 1000).astype(str).str.zfill(3),
    ),
    "ticks since 1601": ("timestamp", (1.34e17 + TIME * 1e7).astype(np.int64)),
    "ticks since the year 1": ("timestamp", (6.39e17 + TIME * 1e7).astype(np.int64)),
    "days of Excel": ("time", 46_000 + TIME / 86_400),
    "days first": ("time", (LATE + pd.Timedelta("31D14h1min")).strftime("%d/%m/%Y %H:%M:%S.%f")),
    "months first": ("time", (LATE + pd.Timedelta("31D14h1min")).strftime("%m/%d/%Y %H:%M:%S.%f")),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_braking_is_found_with_its_time(tmp_path, form):
    name, stamps = FORMS[form]
    path = tmp_path / "drive.csv"
    pd.DataFrame({name: stamps, "speed_kmh": 3.6 * speed()}).to_csv(path, index=False, float_format="%.9f")
    drive = drives.find_events(path)
    assert is_found(drive), (drive.events.to_string(), drive.notes)
    assert any("counter that starts again" in note for note in drive.notes) == ("bits" in form)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_dates_in_an_index_without_a_name_are_the_time(tmp_path, ending):
    frame = pd.DataFrame({"speed_kmh": 3.6 * speed()}, index=LATE)
    path = tmp_path / f"drive.{ending}"
    frame.to_csv(path) if ending == "csv" else frame.to_parquet(path)
    assert is_found(drives.find_events(path))


def test_a_count_in_an_index_without_a_name_is_no_time(tmp_path, refused):
    pd.DataFrame({"speed_kmh": 3.6 * speed()}).to_csv(tmp_path / "drive.csv")
    assert "no channel is named like a time" in refused("drives", "events", tmp_path / "drive.csv")


def test_a_clock_that_is_set_back_by_another_time_is_no_counter(tmp_path, refused):
    stamps = np.where(TIME < 20, TIME + 300, TIME)
    table(speed_kmh=3.6 * speed()).assign(time=stamps).to_csv(tmp_path / "drive.csv", index=False)
    assert "must have times that rise" in refused("drives", "events", tmp_path / "drive.csv")


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8", "utf-16"])
def test_russian_names_are_read_in_each_encoding(tmp_path, encoding):
    frame = pd.DataFrame({"Время, с": TIME, "Скорость, км/ч": 3.6 * speed()})
    frame.to_csv(tmp_path / "drive.csv", index=False, sep=";", decimal=",", encoding=encoding)
    assert is_found(drives.find_events(tmp_path / "drive.csv"))


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_western_names_are_no_russian(tmp_path, encoding):
    frame = pd.DataFrame({"Temps (s)": TIME, "Vitesse véhicule (km/h)": 3.6 * speed(), "Température moteur (°C)": 90.0})
    frame.to_csv(tmp_path / "drive.csv", index=False, sep=";", decimal=",", encoding=encoding)
    inspection = drives.inspect_recording(tmp_path / "drive.csv")
    assert "Vitesse véhicule (km/h)" in [channel.name for channel in inspection.channels]


def test_a_signal_that_changes_its_unit_in_a_long_table_keeps_its_first(tmp_path):
    is_late = TIME > 12
    value, unit = np.where(is_late, speed() / 0.44704, 3.6 * speed()), np.where(is_late, "mph", "km/h")
    frame = pd.DataFrame({"time": TIME, "pid": "Vehicle speed", "value": value.round(3), "units": unit})
    frame.to_csv(tmp_path / "long.csv", index=False)
    drive = drives.find_events(tmp_path / "long.csv")
    assert is_found(drive)
    assert "'Vehicle speed' is in km/h and in mph: read as km/h" in drive.notes
