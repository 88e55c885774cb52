"""Units and clocks are what the file shows: each witness in it votes, and a guess that one contradicts is refused."""

import numpy as np
import pandas as pd
import pytest

from acc_decel import drives
from acc_decel.drives.channel_names import is_acceleration, is_longitudinal, is_speed, is_time, unread_unit
from acc_decel.drives.units import known_unit
from tests.helpers.one_stop import TIME, acceleration, is_found, positions, speed, table

SIZES = {"m/s": 1.0, "km/h": 3.6, "mph": 1 / 0.44704, "kn": 3600 / 1852, "ft/s": 1 / 0.3048}


def proposed(tmp_path, records: pd.DataFrame) -> drives.DriveEvents:
    records.to_csv(tmp_path / "drive.csv", index=False)
    return drives.find_events(tmp_path / "drive.csv")


@pytest.mark.parametrize("unit", SIZES)
@pytest.mark.parametrize("heading", [0.0, 1.0])
def test_positions_show_the_unit_of_a_speed_that_states_none(tmp_path, unit, heading):
    latitude, longitude = positions(heading)
    drive = proposed(tmp_path, table(latitude=latitude, longitude=longitude, velocity=SIZES[unit] * speed()))
    assert drive.description.channels["speed"].unit.name == unit
    assert any("as the positions 'latitude', 'longitude' show" in note for note in drive.notes)
    assert is_found(drive)


@pytest.mark.parametrize("name", ["SOG", "SoG", "speed_over_ground"])
def test_speed_over_ground_is_a_speed(tmp_path, name):
    latitude, longitude = positions()
    assert is_found(proposed(tmp_path, table(Lat=latitude, Lon=longitude, **{name: SIZES["kn"] * speed()})))


def test_a_second_speed_shows_the_unit(tmp_path):
    records = table(vehicle_speed=SIZES["mph"] * speed(), **{"Wheel Speed FL (km/h)": 3.6 * speed()})
    drive = proposed(tmp_path, records)
    assert drive.description.channels["speed"].unit.name == "mph"
    assert is_found(drive)


@pytest.mark.parametrize(("unit", "other"), [("mph", "km/h"), ("km/h", "mph"), ("m/s", "km/h"), ("kn", "km/h")])
def test_two_speeds_without_units_show_both(tmp_path, unit, other):
    records = table(Speed=SIZES[unit] * speed(), speed_gps=1.01 * SIZES[other] * speed())
    drive = proposed(tmp_path, records)
    assert drive.description.channels["speed"].name == "Speed"
    assert drive.description.channels["speed"].unit.name == unit
    assert any("as the speed 'speed_gps' show" in note for note in drive.notes)
    assert is_found(drive)


def test_two_speeds_of_which_one_reads_high_show_no_unit(tmp_path):
    drive = proposed(tmp_path, table(Speed=speed(), speed_gps=0.92 * speed()))
    assert drive.description.channels["speed"].unit.name == "m/s"
    assert "'Speed' has no unit: taken as m/s" in drive.notes


def test_a_speed_as_measured_goes_before_a_smoothed_one(tmp_path):
    late = pd.Series(speed()).ewm(span=20).mean().to_numpy()
    drive = proposed(tmp_path, table(**{"speed_filtered (m/s)": late, "speed_raw (m/s)": speed()}))
    assert drive.description.channels["speed"].name == "speed_raw (m/s)"
    assert is_found(drive)


def test_a_sign_of_another_quantity_in_place_of_the_unit_is_read(tmp_path, refused):
    table(**{"Speed [%]": 4 * speed()}).to_csv(tmp_path / "drive.csv", index=False)
    assert "no channel is named like a speed" in refused("drives", "events", tmp_path / "drive.csv")
    assert unread_unit("Speed [-]", "", "speed") == ""


def test_a_distance_shows_the_unit(tmp_path):
    gone = np.cumsum(speed()) * 0.1
    drive = proposed(tmp_path, table(**{"distance (m)": gone, "VehSpeed": SIZES["mph"] * speed()}))
    assert drive.description.channels["speed"].unit.name == "mph"


def test_a_radar_shows_the_unit(tmp_path):
    rng = np.random.default_rng(1)
    closing = np.where(rng.random(len(TIME)) < 0.5, -speed(), rng.uniform(-30, 10, len(TIME)))
    drive = proposed(tmp_path, table(**{"radar_range_rate (m/s)": closing, "VehSpeed": 3.6 * speed()}))
    assert drive.description.channels["speed"].unit.name == "km/h"


def test_witnesses_that_contradict_each_other_are_named_and_the_guess_refused(tmp_path, refused):
    latitude, longitude = positions()
    records = table(lat=latitude, lon=longitude, velocity=3.6 * speed(), **{"distance (m)": np.cumsum(speed()) * 0.05})
    records.to_csv(tmp_path / "drive.csv", index=False)
    sentence = refused("drives", "events", tmp_path / "drive.csv")
    assert "by the positions 'lat', 'lon' it is km/h" in sentence
    assert "by the distance 'distance (m)'" in sentence


def test_a_stated_unit_that_the_positions_contradict_is_refused(tmp_path, refused):
    latitude, longitude = positions()
    table(lat=latitude, lon=longitude, **{"Speed (mph)": 3.6 * speed()}).to_csv(tmp_path / "drive.csv", index=False)
    sentence = refused("drives", "events", tmp_path / "drive.csv")
    assert "stated as mph, and the file shows another: by the positions 'lat', 'lon' it is km/h" in sentence


def test_a_stated_unit_that_differs_from_the_positions_in_no_unit_is_said(tmp_path):
    latitude, longitude = positions()
    drive = proposed(tmp_path, table(lat=latitude, lon=longitude, **{"Speed (m/s)": speed() / 0.7}))
    assert any("differ by a factor of 1.43: check the clock and the scale of both" in note for note in drive.notes)


def test_a_clock_in_tenths_of_seconds_is_refused_where_the_positions_show_it(tmp_path, refused):
    latitude, longitude = positions()
    records = table(time=np.arange(len(TIME)), lat=latitude, lon=longitude, **{"Speed (m/s)": speed()})
    records.to_csv(tmp_path / "drive.csv", index=False)
    assert "differ by a factor of 10.00: check the clock" in refused("drives", "events", tmp_path / "drive.csv")


def test_a_guess_that_the_accelerometer_contradicts_is_refused(tmp_path, refused):
    records = table(velocity=1.6 * speed(), **{"Accel Long (m/s^2)": acceleration()})
    records.to_csv(tmp_path / "drive.csv", index=False)
    assert "unit of 'velocity' is not stated" in refused("drives", "events", tmp_path / "drive.csv")


def test_feet_without_a_unit_are_asked_for(tmp_path, refused):
    feet = SIZES["ft/s"]
    records = pd.DataFrame({"Global_Time": 1_118_847_869_000 + (1000 * TIME).astype(int), "v_Length": 14.3})
    records = records.assign(v_Vel=feet * speed(), v_Acc=feet * acceleration())
    records.to_csv(tmp_path / "drive.csv", index=False)
    assert "the unit of 'v_Vel' is not stated" in refused("drives", "events", tmp_path / "drive.csv")
    (tmp_path / "drive.toml").write_text(
        '[time]\nchannel = "Global_Time"\nunit = "ms"\n[speed]\nchannel = "v_Vel"\nunit = "ft/s"\n'
        '[acceleration]\nchannel = "v_Acc"\nunit = "ft/s^2"\n'
    )
    assert is_found(drives.find_events(tmp_path / "drive.csv"))


@pytest.mark.parametrize("text", ["furlong/h", "mach", "counts", "rods per hogshead"])
def test_a_unit_that_is_not_understood_is_asked_for(tmp_path, refused, text):
    table(**{f"Speed ({text})": speed()}).to_csv(tmp_path / "drive.csv", index=False)
    assert f"the unit {text!r} of 'Speed ({text})' is not understood" in refused(
        "drives", "events", tmp_path / "drive.csv"
    )


@pytest.mark.parametrize("text", ["GPS", "OBD", "1"])
def test_a_word_in_brackets_that_is_no_unit_is_none(text):
    assert unread_unit(f"Speed ({text})", "", "speed") == ""


SPELLINGS = {
    "m/s": [
        "Meters/second",
        "Metres/second",
        "meters/sec",
        "m/sec",
        "m.s-1",
        "m s^-1",
        "m·s⁻¹",
        "м/с",
        "mètres par seconde",
    ],
    "km/h": ["km/hour", "kilometres/hour", "kilometer per hour", "km.h-1", "km/Std", "км/ч", "kilometros por hora"],
    "mph": ["mile/h", "miles per hour", "mi/hr", "millas por hora"],
    "m/s^2": ["m/s²", "m.s-2", "meters per second squared", "м/с²", "m/s/s"],
}


@pytest.mark.parametrize(("unit", "text"), [(unit, text) for unit, texts in SPELLINGS.items() for text in texts])
def test_a_unit_is_known_in_words_of_five_languages(unit, text):
    assert known_unit(text, "acceleration" if unit.endswith("2") else "speed").name == unit


NAMES = {
    is_time: [
        "Uhrzeit",
        "Zeitstempel",
        "Datum",
        "Temps",
        "heure",
        "tiempo",
        "fecha",
        "Время",
        "uptimeNanos",
        "GPS time",
    ],
    is_speed: [
        "Geschwindigkeit",
        "vitesse GPS",
        "Velocidad",
        "Скорость",
        "v_Vel",
        "SOG",
        "VSS",
        "Fahrzeuggeschwindigkeit",
    ],
    is_acceleration: ["Längsbeschleunigung", "accélération", "Aceleración X", "Ускорение", "v_Acc", "decel"],
    is_longitudinal: ["Längsbeschleunigung", "accélération longitudinale", "Продольное ускорение"],
}
OTHER_CARS = [
    "front vehicle speed",
    "speed of vehicle ahead",
    "Geschwindigkeit Vorderfahrzeug",
    "vitesse véhicule précédent",
    "velocidad vehículo delantero",
    "скорость автомобиля впереди",
    "obj1_vx",
    "Turbine Speed",
]
NOT_NAMES = {
    is_speed: ["v_Acc", "v_Length", "Motordrehzahl", "vitesse du vent", "Wind Speed", "velocidad media", *OTHER_CARS],
    is_acceleration: ["Querbeschleunigung", "accélérateur", "pedal del acelerador", "Боковое ускорение"],
}


@pytest.mark.parametrize(("test", "name"), [(test, name) for test, names in NAMES.items() for name in names])
def test_a_channel_is_known_by_its_name(test, name):
    assert test(name, "") if test in (is_speed, is_acceleration) else test(name)


@pytest.mark.parametrize(("test", "name"), [(test, name) for test, names in NOT_NAMES.items() for name in names])
def test_another_quantity_is_not_taken_for_it(test, name):
    assert not test(name, "")


@pytest.mark.parametrize("sign", [1, -1])
def test_two_accelerometers_of_one_axis_are_no_rivals_and_that_without_gravity_is_taken(tmp_path, sign):
    records = table(**{"locationSpeed(m/s)": np.repeat(speed()[::10], 10)})
    for axis, value in {"X": 0.0, "Y": 0.0, "Z": acceleration()}.items():
        noise = np.random.default_rng(ord(axis)).normal(0, 0.1, len(TIME))
        records[f"accelerometerAcceleration{axis}(G)"] = (sign * value + noise) / 9.80665 + (axis == "X")
        records[f"motionUserAcceleration{axis}(G)"] = (value + noise[::-1]) / 9.80665
    drive = proposed(tmp_path, records)
    assert drive.description.channels["acceleration"].name == "motionUserAccelerationZ(G)"
    assert is_found(drive)
