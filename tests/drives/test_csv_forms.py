"""Text tables of loggers: several lines of header, blank lines, no header, spaces, and one row for each value."""

from pathlib import Path

import pytest

from acc_decel import drives
from tests.helpers.one_stop import TIME, acceleration, is_found, positions, speed, table

ROWS = list(zip(TIME.tolist(), speed().tolist(), acceleration().tolist(), strict=True))
LATITUDE, LONGITUDE = positions()


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_racechrono_has_names_units_and_sources(tmp_path):
    rows = [
        f"{1_767_150_797 + t:.2f},0,1,{t:.2f},{x:.7f},{y:.7f},{v:.3f},{a / 9.80665:.4f},{0.98 * v:.3f},2500,{v:.3f}"
        for (t, v, a), x, y in zip(ROWS, LATITUDE, LONGITUDE, strict=True)
    ]
    path = written(
        tmp_path / "session.csv",
        "This file is created using RaceChrono Pro v9.1.3 ( http://racechrono.com/ ).",
        "Format,3",
        'Session title,"Track day"',
        "Created,01/02/2026,10:20",
        "Note,",
        "",
        "timestamp,fragment_id,lap_number,elapsed_time,latitude,longitude,speed,longitudinal_acc,speed,rpm,speed",
        "unix time,,,s,deg,deg,m/s,G,m/s,rpm,m/s",
        ",,,,100: gps,100: gps,100: gps,calc,calc,200: canbus,200: canbus",
        *rows,
    )
    inspection = drives.inspect_recording(path)
    by_name = {channel.name: channel.unit for channel in inspection.channels}
    assert by_name["speed (gps)"] == by_name["speed (canbus)"] == "m/s"
    assert by_name["longitudinal_acc"] == "G"
    drive = drives.find_events(path)
    assert is_found(drive)
    assert drive.description.channels["acceleration"].unit.name == "g"


META = (
    '"Format","{0} CSV File",,,"Workbook",""',
    '"Sample Rate","10.000","Hz",,"End Time","39.9","s"',
    '"Beacon Markers",""',
)
AIM = (
    '"Format","AiM CSV File"', '"Venue","Somewhere"', '"Sample Rate","10"', '"Duration","39.9"', '"Segment","Session"',
    '"Beacon Markers","102.3"', '"Segment Times","1:42.300"',
)  # fmt: skip


@pytest.mark.parametrize("meta", [META, AIM], ids=["MoTeC", "AiM"])
def test_blank_lines_may_stand_between_header_units_and_rows(tmp_path, meta):
    rows = [f'"{t:.3f}","{3.6 * v:.2f}","{a / 9.80665:.4f}","0.0"' for t, v, a in ROWS]
    names = '"Time","Ground Speed","G Force Long","Brake Pressure Front"'
    path = written(tmp_path / "log.csv", *meta, "", "", names, '"s","km/h","G","bar"', "", "", *rows)
    drive = drives.find_events(path)
    assert is_found(drive)
    assert drive.clean.frames == len(ROWS)


def test_spaces_may_separate(tmp_path):
    rows = [f"{t:8.1f}  {v:.3f} {a:.4f}" for t, v, a in ROWS]
    assert is_found(drives.find_events(written(tmp_path / "drive.txt", "time speed ax", *rows)))
    assert is_found(drives.find_events(written(tmp_path / "drive.txt", "# time speed ax", *rows)))


@pytest.mark.parametrize("delimiter", [",", " ", "\t"])
def test_a_table_without_a_header_is_read_by_the_numbers_of_its_columns(tmp_path, refused, delimiter):
    rows = [delimiter.join((f"{t:.1f}", f"{v:.3f}", f"{a:.4f}")) for t, v, a in ROWS]
    path = written(tmp_path / "drive.txt", *rows)
    sentence = refused("drives", "events", path)
    assert "no channel is named like a time. Channels: 'column 1', 'column 2', 'column 3'" in sentence
    sections = {"time": ("column 1", "s"), "speed": ("column 2", "m/s"), "acceleration": ("column 3", "m/s^2")}
    lines = [f'[{name}]\nchannel = "{c}"\nunit = "{unit}"' for name, (c, unit) in sections.items()]
    (tmp_path / "drive.toml").write_text("\n".join(lines))
    drive = drives.find_events(path)
    assert is_found(drive)
    assert drive.clean.frames == len(ROWS)


@pytest.mark.parametrize("name", ["PID", "Parameter", "signal"])
def test_one_row_for_each_value_is_a_channel_for_each_name(tmp_path, name):
    rows = [
        row
        for t, v, a in ROWS
        for row in (
            f'"{43_200 + t:.6f}";"Engine RPM";"2500";"rpm"',
            f'"{43_200.03 + t:.6f}";"Vehicle speed";"{3.6 * v:.2f}";"km/h"',
            f'"{43_200.03 + t:.6f}";"Longitudinal acceleration";"{a:.3f}";"m/s^2"',
        )
    ]
    path = written(tmp_path / "long.csv", f'"SECONDS";"{name}";"VALUE";"UNITS"', *rows)
    drive = drives.find_events(path)
    assert is_found(drive, since=0.03 if drive.clean.start < 43_200.01 else 0.0)
    assert drive.description.channels["speed"].name == "Vehicle speed"
    channels = {c.name: c for c in drives.inspect_recording(path).channels}
    assert channels["Engine RPM"].records == channels["Vehicle speed"].records == len(ROWS)
    assert "VALUE" not in channels


def test_a_row_of_long_units_is_no_header(tmp_path):
    rows = [f"{t:.1f},{3.6 * v:.2f}" for t, v, _ in ROWS]
    path = written(tmp_path / "drive.csv", "Time,Speed", "seconds,kilometer per hour", *rows)
    drive = drives.find_events(path)
    assert is_found(drive)
    assert drive.description.channels["speed"].unit.name == "km/h"


def test_a_header_decides_between_a_delimiter_and_a_decimal_mark(tmp_path):
    path = tmp_path / "fahrt.csv"
    frame = table(**{"speed [m/s]": speed(), "accel [m/s^2]": acceleration()})
    frame.to_csv(path, index=False, sep=";", decimal=",")
    assert is_found(drives.find_events(path))


def test_without_a_header_the_delimiter_that_leaves_numbers_whole_is_taken(tmp_path):
    path = tmp_path / "fahrt.csv"
    frame = table(speed=speed(), accel=acceleration())
    frame.to_csv(path, index=False, header=False, sep=";", decimal=",", float_format="%.3f")
    names = [channel.name for channel in drives.inspect_recording(path).channels]
    assert names == ["column 1", "column 2", "column 3"]
