"""VBO, GPX, JSON lines and long tables: the braking is found in each; what is not read is named with the way out."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acc_decel import drives
from acc_decel.drives.formats.vbo import open_vbo
from tests.helpers.one_braking import TIME, acceleration, is_found, speed

START = pd.Timestamp("2026-03-04 23:59:20", tz="UTC")  # midnight is inside the braking
RADIUS_M = 6_371_009.0


def stamps(form: str) -> list[str]:
    return list((START + pd.to_timedelta(TIME, unit="s")).strftime(form))


def positions() -> tuple[np.ndarray, np.ndarray]:
    """Degrees north and east of a car that drives north-east."""
    way = np.concatenate([[0.0], np.cumsum((speed()[1:] + speed()[:-1]) / 2 * np.diff(TIME))]) / np.sqrt(2)
    latitude = 48 + np.degrees(way / RADIUS_M)
    return latitude, 11.5 + np.degrees(way / RADIUS_M) / np.cos(np.radians(48))


def vbo() -> str:
    header = ["satellites", "time", "latitude", "longitude", "velocity kmh", "heading", "Long accel g", "BrakePress"]
    names = "sats time lat long velocity heading LongAcc BrakePress"
    rows = [
        f"012 {stamp[:-4]} +{60 * north:011.6f} {-60 * east:+012.6f} {3.6 * v:07.3f} 045.00 {a / 9.80665:+08.4f} 0"
        for stamp, north, east, v, a in zip(stamps("%H%M%S.%f"), *positions(), speed(), acceleration(), strict=True)
    ]
    parts = ["File created on 04/03/2026 @ 23:59", "", "[header]", *header, "", "[channel units]", "Bar", ""]
    return "\n".join([*parts, "[comments]", "Log Rate (Hz) : 20", "", "[column names]", names, "", "[data]", *rows, ""])


def gpx(point: Callable[[int], str], noise: float = 0.0, step: int = 4) -> str:
    """A track with the parts of `point` in each of its points."""
    north, east = positions()
    shaken = north + np.random.default_rng(1).normal(0, noise / 111_000, len(TIME))
    times = stamps("%Y-%m-%dT%H:%M:%S.%fZ")
    points = [
        f'<trkpt lat="{shaken[i]:.9f}" lon="{east[i]:.9f}"><ele>5</ele><time>{times[i]}</time>{point(i)}</trkpt>'
        for i in range(0, len(TIME), step)
    ]
    head = '<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1" xmlns:x="urn:x">'
    return f"{head}<trk><name>drive</name><trkseg>{''.join(points)}</trkseg></trk></gpx>"


def with_speed(i: int) -> str:
    return (
        f"<extensions><x:TrackPointExtension><x:speed>{speed()[i]:.3f}</x:speed></x:TrackPointExtension></extensions>"
    )


def openxc() -> str:
    rows = []
    for i, time in enumerate(TIME):
        rows.append({"timestamp": 1.7e9 + time, "name": "vehicle_speed", "value": round(3.6 * speed()[i], 3)})
        rows.append({"timestamp": 1.7e9 + time + 0.01, "name": "brake_pedal_status", "value": bool(35 < time < 43)})
    return "\n".join(map(json.dumps, rows))


def json_table() -> str:
    rows = [
        {"t": t, "gps": {"speed_mps": v, "fix": [1, 2]}, "accel_long": a}
        for t, v, a in zip(TIME.tolist(), speed().tolist(), acceleration().tolist(), strict=True)
    ]
    return "\n".join(map(json.dumps, rows))


def long_table() -> str:
    rows = ['"SECONDS";"PID";"VALUE";"UNITS"']
    for time, v in zip(TIME, speed(), strict=True):
        rows.append(f'"{43_200 + time:.3f}";"Engine RPM";"2500";"rpm"')
        rows.append(f'"{43_200.01 + time:.3f}";"Vehicle speed";"{3.6 * v:.2f}";"km/h"')
    return "\n".join(rows)


def racechrono() -> str:
    """Names, units and sources in three lines; `speed` three times, of which that of the bus is another."""
    names = "timestamp,lap_number,elapsed_time,speed,device_update_rate,speed,longitudinal_acc,speed"
    lines = ["This file is created using RaceChrono", "Format,3", "Created,01/02/2026,10:20", "Note,", "", names]
    lines += ["unix time,,s,m/s,Hz,m/s,G,m/s", ",,,100: gps,100: gps,calc,calc,200: canbus"]
    for time, v, a in zip(TIME, speed(), acceleration(), strict=True):
        lines.append(f"{1.7e9 + time:.2f},1,{time:.2f},{v},20,{v},{a / 9.80665:.5f},{v / 2}")
    return "\n".join(lines)


def motec() -> str:
    """Text above the names, some of it with numbers; blank lines between names, units and rows."""
    lines = ['"Format","MoTeC CSV File",,,"Workbook",""', '"Device","ADL"', '"Sample Rate","20"', '"Duration","80"', ""]
    lines += ["", '"Time","Ground Speed","G Force Long"', '"s","km/h","G"', "", ""]
    for time, v, a in zip(TIME, speed(), acceleration(), strict=True):
        lines.append(f'"{time:.2f}","{3.6 * v:.3f}","{a / 9.80665:.5f}"')
    return "\n".join(lines)


def spaced() -> str:
    rows = [f" {time:8.2f}   {v:.3f}  {a:.4f}" for time, v, a in zip(TIME, speed(), acceleration(), strict=True)]
    return "\n".join([" time  speed_mps   ax", *rows])


FILES = {
    "racechrono.csv": racechrono,
    "motec.csv": motec,
    "spaced.txt": spaced,
    "drive.vbo": vbo,
    "drive.gpx": lambda: gpx(with_speed),
    "old.gpx": lambda: gpx(lambda i: f"<speed>{speed()[i]:.3f}</speed>"),
    "positions.gpx": lambda: gpx(lambda _: ""),
    "openxc.json": openxc,
    "table.jsonl": json_table,
    "long.csv": long_table,
}


@pytest.mark.parametrize("name", FILES)
def test_the_braking_is_found(tmp_path, name):
    (tmp_path / name).write_text(FILES[name]())
    drive = drives.find_events(tmp_path / name)
    assert is_found(drive), drive.events.to_string()
    assert drive.notes == tuple(dict.fromkeys(drive.notes))
    has_acceleration = name in ("racechrono.csv", "motec.csv", "spaced.txt", "drive.vbo", "table.jsonl")
    assert ("acceleration" in drive.description.channels) == has_acceleration


def test_equal_names_are_told_apart_by_their_source(tmp_path):
    (tmp_path / "drive.csv").write_text(racechrono())
    channels = {c.name: c for c in drives.inspect_recording(tmp_path / "drive.csv").channels}
    assert {"speed (gps)", "speed (calc)", "speed (canbus)", "device_update_rate", "elapsed_time"} <= set(channels)
    assert channels["speed (canbus)"].unit == "m/s"
    assert drives.find_events(tmp_path / "drive.csv").description.channels["speed"].name == "speed (gps)"


def test_a_table_without_names_is_read_by_the_numbers_of_its_columns(tmp_path, refused):
    path = tmp_path / "drive.txt"
    path.write_text("\n".join(spaced().split("\n")[1:]))
    assert "Channels: 'column 1', 'column 2', 'column 3'" in refused("drives", "events", path)
    entries = {"time": ("column 1", "s"), "speed": ("column 2", "m/s"), "acceleration": ("column 3", "m/s^2")}
    lines = [f'[{name}]\nchannel = "{channel}"\nunit = "{unit}"' for name, (channel, unit) in entries.items()]
    path.with_suffix(".toml").write_text("\n".join(lines))
    assert is_found(drives.find_events(path))


def test_a_vbo_has_degrees_positive_to_the_east(tmp_path):
    (tmp_path / "drive.vbo").write_text(vbo())
    channels = {c.name: c for c in drives.inspect_recording(tmp_path / "drive.vbo").channels}
    assert channels["latitude"].low == pytest.approx(48, abs=1e-6)
    assert channels["longitude"].low == pytest.approx(11.5, abs=1e-6)
    units = open_vbo(tmp_path / "drive.vbo").channels()
    assert (units["velocity"], units["LongAcc"], units["BrakePress"]) == ("km/h", "g", "Bar")
    (tmp_path / "mph.vbo").write_text(vbo().replace("velocity kmh", "velocity mph"))
    assert open_vbo(tmp_path / "mph.vbo").channels()["velocity"] == "mph"


def test_a_speed_from_positions_is_said_and_refused_where_noise_hides_it(tmp_path):
    (tmp_path / "drive.gpx").write_text(gpx(lambda _: ""))
    assert any("follows from the positions" in note for note in drives.find_events(tmp_path / "drive.gpx").notes)
    (tmp_path / "noisy.gpx").write_text(gpx(lambda _: "", noise=3.0, step=20))
    with pytest.raises(ValueError, match=r"noisy\.gpx must hold speeds, or positions that show them .* of noise"):
        drives.find_events(tmp_path / "noisy.gpx")


def test_lines_that_are_no_object_are_counted(tmp_path):
    lines = json_table().split("\n")
    path = tmp_path / "drive.jsonl"
    path.write_text("\n".join([*lines[:100], "{damaged", *lines[101:]]))
    assert is_found(drives.find_events(path))
    path.write_text("\n".join(line[:10] if i % 5 == 1 else line for i, line in enumerate(lines)))
    with pytest.raises(ValueError, match="must hold one JSON object a line"):
        drives.find_events(path)
    path.write_text(json.dumps([json.loads(line) for line in lines], indent=1))
    with pytest.raises(ValueError, match="Got one document over many lines"):
        drives.find_events(path)


UNREAD = {
    "drive.xlsx": (b"PK\x03\x04", "an Excel workbook .XLSX.: save its sheet as CSV"),
    "drive.zip": (b"PK\x03\x04", "a ZIP archive"),
    "drive.ld": (b"\x40\x00\x00\x00", "a MoTeC log .LD.: export it from MoTeC i2 as CSV"),
    "drive.xrk": (b"<hCNF", "an AiM log .XRK.: export it from Race Studio"),
    "rlog.bz2": (b"BZh9", "comma log: write vEgo and aEgo"),
    "drive.fit": (b"\x0e\x10\xd9\x07\x00\x00\x00\x00.FIT", "a Garmin log .FIT.: convert it with GPSBabel"),
    "drive.tcx": (b'<?xml version="1.0"?><TrainingCenterDatabase/>', "a Garmin log .TCX."),
    "drive.xml": (b'<?xml version="1.0"?><route/>', "XML of <route>: write its channels as CSV"),
    "broken.xml": (b"<?xml version='1.0'?><", "XML that is damaged"),
    "drive.nmea": (b"$GPRMC,123519,A", "NMEA sentences of a GPS"),
    "drive.txt": (b"$GNRMC,123519,A", "NMEA sentences of a GNSS"),
    "drive.bin": (b"#ROSBAG V2.0\n", "a ROS bag: write its topics"),
    "drive.db3": (b"SQLite format 3\x00", "an SQLite database"),
    "car.dbc": (b'VERSION ""\n', "a CAN database: give the log, and this file with --dbc"),
}


@pytest.mark.parametrize(("name", "content", "said"), [(n, *rest) for n, rest in UNREAD.items()], ids=UNREAD)
def test_a_format_that_is_not_read_is_named_with_the_way_out(tmp_path, refused, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} must be a recording.* Got .*{said}"):
        drives.find_events(tmp_path / name)
    assert name in refused("drives", "inspect", tmp_path / name)


@pytest.mark.parametrize("ending", ["parquet", "mf4", "blf"])
def test_a_file_is_known_by_what_it_begins_with(tmp_path, ending):
    from tests.helpers.recorded_files import dbc, frames, write_log, write_mf4  # noqa: PLC0415

    bus = pd.DataFrame({"t": TIME, "Speed (km/h)": 3.6 * speed(), "Accel Long (m/s2)": acceleration()})
    path: Path = tmp_path / f"drive.{ending}"
    if ending == "parquet":
        bus.to_parquet(path)
    else:
        dbc(tmp_path)
        write_mf4(path, bus) if ending == "mf4" else write_log(path, *frames(bus))
    assert is_found(drives.find_events(path.rename(tmp_path / "drive.bin")))
