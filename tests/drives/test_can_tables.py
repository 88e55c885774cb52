"""Frames of a raw bus written as CSV, in the ways of five loggers: decoded with a DBC, or refused in one sentence."""

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acc_decel import drives
from tests.helpers.one_braking import TIME, acceleration, is_found, speed
from tests.helpers.recorded_files import dbc, frames


def rows(bus: int = 0) -> Iterator[tuple[float, int, bool, bytes, int]]:
    """Time, identifier, extended or not, data and bus of each frame of the drive."""
    table = pd.DataFrame({"time": TIME, "speed": 3.6 * speed(), "acceleration": acceleration()})
    for time, record in zip(*frames(table), strict=True):
        identifier, extended = int(record["CAN_DataFrame.ID"]), bool(record["CAN_DataFrame.IDE"])
        yield float(time), identifier, extended, record["CAN_DataFrame.DataBytes"].tobytes(), bus


def cabana(frame: tuple) -> str:
    time, identifier, _, data, bus = frame
    return f"{time:.6f},{identifier:#x},{bus},0x{data.hex()}"


def savvycan(frame: tuple) -> str:
    time, identifier, extended, data, bus = frame
    octets = ",".join(f"{byte:02X}" for byte in data)
    return f"{round(1e6 * time) + 4_120_915},{identifier:08X},{str(extended).lower()},Rx,{bus},{len(data)},{octets},"


def python_can(frame: tuple) -> str:
    time, identifier, extended, data, _ = frame
    text = base64.b64encode(data).decode()
    return f"np.float64({1.7e9 + time}),{identifier:#x},{int(extended)},0,0,{len(data)},{text}"


def canedge(frame: tuple) -> str:
    time, identifier, extended, data, bus = frame
    return f"{1.7e9 + time:.6f};{bus + 1};{identifier:X};{int(extended)};8;{len(data)};0;0;0;{data.hex().upper()}"


def libpanda(frame: tuple) -> str:
    time, identifier, _, data, bus = frame
    return f"{1.7e9 + time:.6f},{bus},{identifier},{data.hex()},{len(data)}"


LOGGERS = {
    "cabana": ("time,addr,bus,data", cabana),
    "savvycan": ("Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8", savvycan),
    "python-can": ("timestamp,arbitration_id,extended,remote,error,dlc,data", python_can),
    "canedge": ("TimestampEpoch;BusChannel;ID;IDE;DLC;DataLength;Dir;EDL;BRS;DataBytes", canedge),
    "libpanda": ("Time,Bus,MessageID,Message,MessageLength", libpanda),
}


def write(path: Path, logger: str, *buses: int) -> Path:
    """The drive in the table of a logger; `cabana` and `libpanda` do not say which identifiers are extended."""
    header, line = LOGGERS[logger]
    parts = [rows(bus) for bus in buses or (0,)]
    lines = [line(frame) for together in zip(*parts, strict=True) for frame in together]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def database(folder: Path, logger: str) -> Path:
    """The DBC; with a base identifier for the message of a logger that cannot say extended."""
    path = dbc(folder)
    if logger in ("cabana", "libpanda"):
        path.write_text(path.read_text().replace("BO_ 2147484961", f"BO_ {0x521}"))
    return path


@pytest.mark.parametrize("logger", LOGGERS)
def test_frames_in_a_table_are_decoded(tmp_path, logger):
    path = write(tmp_path / "drive.csv", logger)
    with pytest.raises(ValueError, match="holds a raw CAN bus and must come with a DBC"):
        drives.find_events(path)
    drive = drives.find_events(path, dbc=database(tmp_path, logger))
    assert is_found(drive)
    assert drive.clean.frames == 2 * len(TIME)


@pytest.mark.parametrize("logger", ["cabana", "savvycan", "canedge", "libpanda"])
def test_the_buses_of_a_table_are_not_mixed(tmp_path, logger):
    path = write(tmp_path / "drive.csv", logger, 0, 2)
    first, second = ("1", "3") if logger == "canedge" else ("0", "2")
    with pytest.raises(ValueError, match=f"Motion on {first}, {second}"):
        drives.find_events(path, dbc=database(tmp_path, logger))
    assert is_found(drives.find_events(path, dbc=database(tmp_path, logger), bus=second))


def test_damaged_rows_of_a_table_of_frames_cost_their_frames(tmp_path):
    path = write(tmp_path / "drive.csv", "cabana")
    lines = path.read_text().split("\n")
    lines[100:104] = ["", "x,0x120,0,0x00", "1.0,zz,0,0x00", "1.0,0x120,0,0xQQ"]
    path.write_text("\n".join(lines))
    drive = drives.find_events(path, dbc=database(tmp_path, "cabana"))
    assert is_found(drive)
    assert drive.clean.frames == 2 * len(TIME) - 4


def test_the_database_says_whether_identifiers_are_decimal(tmp_path):
    path = write(tmp_path / "drive.csv", "cabana")
    decimal = path.read_text().replace("0x120", "288").replace("0x521", "1313")
    path.write_text(decimal)
    assert is_found(drives.find_events(path, dbc=database(tmp_path, "cabana")))
    both = database(tmp_path, "cabana")
    both.write_text(f'{both.read_text()}\nBO_ {0x288} Other: 8 ECU\n SG_ Speed : 0|16@1+ (1,0) [0|1] "km/h" ECU\n')
    with pytest.raises(ValueError, match="decimal or hexadecimal"):
        drives.find_events(path, dbc=both)


def test_whole_times_of_no_unit_are_refused(tmp_path):
    path = write(tmp_path / "drive.csv", "cabana")
    header, *lines = path.read_text().strip().split("\n")
    whole = [f"{round(1000 * float(t))},{rest}" for t, rest in (line.split(",", 1) for line in lines)]
    path.write_text("\n".join([header, *whole]))
    with pytest.raises(ValueError, match="must say the unit of its times"):
        drives.find_events(path, dbc=database(tmp_path, "cabana"))
    path.write_text("\n".join([header.replace("time", "time_ms"), *whole]))
    assert is_found(drives.find_events(path, dbc=database(tmp_path, "cabana")))


def test_a_table_of_signals_with_an_identifier_stays_one(tmp_path):
    table = pd.DataFrame({"time": TIME, "id": np.arange(len(TIME)), "speed_mps": speed(), "data": 12, "d1": 25})
    table.to_csv(tmp_path / "drive.csv", index=False)
    assert drives.find_events(tmp_path / "drive.csv").description.channels["speed"].name == "speed_mps"
