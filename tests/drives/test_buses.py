"""One identifier on two buses: the buses are named, one is taken, and their frames are never mixed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acc_decel import drives
from acc_decel.drives.formats import can_frames, mdf
from tests.helpers.one_braking import TIME, acceleration, is_found, speed
from tests.helpers.recorded_files import dbc, frames, write_bus_mf4, write_log

BUSES = {"log": ("can0", "can1"), "asc": ("1", "2"), "blf": ("1", "2"), "trc": ("1", "2"), "mf4": ("1", "2")}


def bus_frames(number: int, *, of_speed: np.ndarray, of_acceleration: np.ndarray, late: float = 0.0):
    table = pd.DataFrame({"time": TIME + late, "speed": 3.6 * of_speed, "acceleration": of_acceleration})
    time, records = frames(table)
    records["CAN_DataFrame.BusChannel"] = number
    return time, records


def joined(*parts):
    time, records = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(time, kind="stable")
    return time[order], records[order]


def write(ending: str, folder: Path, *parts) -> Path:
    dbc(folder)
    path = folder / f"drive.{ending}"
    return write_bus_mf4(path, [joined(*parts)]) if ending == "mf4" else write_log(path, *joined(*parts))


def own_bus():
    return bus_frames(1, of_speed=speed(), of_acceleration=acceleration())


def other_bus():
    return bus_frames(2, of_speed=speed()[::-1] + 3, of_acceleration=-acceleration()[::-1], late=0.001)


@pytest.mark.parametrize("ending", BUSES)
def test_frames_of_two_buses_are_never_mixed(tmp_path, ending):
    path = write(ending, tmp_path, own_bus(), other_bus())
    first, second = BUSES[ending]
    with pytest.raises(ValueError, match=rf"Got Motion on {first}, {second}.*--bus {first}, or with bus = \"{first}\""):
        drives.find_events(path)
    with pytest.raises(ValueError, match=rf"Motion on {first}, {second}"):
        drives.inspect_recording(path)
    assert is_found(drives.find_events(path, bus=first))
    other = drives.find_events(path, bus=second)
    assert not is_found(other)
    assert other.clean.frames == 2 * len(TIME)
    with pytest.raises(ValueError, match=rf"must hold the bus 'can7' .* Got {first}, {second}: choose"):
        drives.find_events(path, bus="can7")


def test_the_description_names_the_bus_and_the_proposal_keeps_it(tmp_path):
    path = write("log", tmp_path, own_bus(), other_bus())
    proposal = drives.inspect_recording(path, bus="can0").proposal
    assert 'bus = "can0"' in proposal.toml
    drives.write_description(proposal.description, path.with_suffix(".toml"))
    assert is_found(drives.find_events(path))
    assert not is_found(drives.find_events(path, bus="can1"))
    toml = path.with_suffix(".toml").read_text()
    path.with_suffix(".toml").write_text(toml.replace('"can0"', "0"))
    assert is_found(drives.find_events(path))  # a number, as Vector's tools name a bus
    path.with_suffix(".toml").write_text(toml.replace('"can0"', "[0]"))
    with pytest.raises(ValueError, match="bus must be the name of a bus of the log"):
        drives.find_events(path)


def test_each_message_on_a_bus_of_its_own_needs_no_choice(tmp_path):
    time, records = own_bus()
    records["CAN_DataFrame.BusChannel"][1::2] = 2
    assert is_found(drives.find_events(write("blf", tmp_path, (time, records))))


def test_a_second_bus_that_begins_late_is_not_mixed_in(tmp_path, monkeypatch):
    monkeypatch.setattr(can_frames, "BLOCK_FRAMES", 500)
    monkeypatch.setattr("acc_decel.drives.formats.can_log.SAMPLED_FRAMES_COMPLETE", 100)
    time, records = other_bus()
    late = time > 60
    path = write("asc", tmp_path, own_bus(), (time[late], records[late]))
    with pytest.raises(ValueError, match="Got Motion on 1, 2"):
        drives.find_events(path)


def test_groups_of_an_mf4_without_a_channel_number_are_buses(tmp_path, monkeypatch):
    from asammdf import MDF, Signal  # noqa: PLC0415
    from asammdf.blocks.source_utils import Source  # noqa: PLC0415

    dbc(tmp_path)
    with MDF(version="4.10") as file:
        for name, (time, records) in {"Chassis": own_bus(), "Body": other_bus()}.items():
            source = Source(name, name, "", Source.SOURCE_BUS, Source.BUS_TYPE_CAN)
            fields = [field for field in records.dtype.names if "BusChannel" not in field]
            unnumbered = np.zeros(len(records), [(field, records.dtype[field]) for field in fields])
            for field in fields:
                unnumbered[field] = records[field]
            file.append(Signal(samples=unnumbered, timestamps=time, name="CAN_DataFrame", source=source))
        file.save(tmp_path / "drive.mf4")
    with pytest.raises(ValueError, match="Motion on Body, Chassis"):
        drives.find_events(tmp_path / "drive.mf4")
    assert is_found(drives.find_events(tmp_path / "drive.mf4", bus="chassis"))


def test_a_choice_that_cannot_be_followed_is_refused(tmp_path, refused):
    pd.DataFrame({"time": TIME, "speed_mps": speed()}).to_csv(tmp_path / "drive.csv", index=False)
    file = tmp_path / "drive.csv"
    assert "--bus chooses a bus of a raw log" in refused("drives", "events", file, "--bus", "can0")
    assert "--dbc decodes the frames" in refused("drives", "inspect", file, "--dbc", dbc(tmp_path))
    assert "--vehicle-id chooses a vehicle" in refused("drives", "events", file, "--vehicle-id", "1")
    log = write("log", tmp_path, own_bus())
    assert "--vehicle-id chooses a vehicle" in refused("drives", "events", log, "--vehicle-id", "1")


def test_a_fleet_takes_the_bus_that_is_chosen(tmp_path, answered):
    write("log", tmp_path, own_bus(), other_bus())
    report = answered("drives", "fleet", tmp_path, "-o", tmp_path / "out", "--workers", 1, "--bus", "can0")
    assert report["failed"] == 0
    assert report["events"] == 1


def test_a_dbc_decodes_the_bus_of_a_file_that_holds_signals_too(tmp_path):
    from asammdf import MDF, Signal  # noqa: PLC0415

    raw = write_bus_mf4(tmp_path / "raw.mf4", [own_bus()])
    with MDF(raw) as file:
        file.append(Signal(samples=speed() * 0 + 5.0, timestamps=TIME, name="VehicleSpeed", unit="m/s"))
        file.save(tmp_path / "both.mf4")
    assert not mdf.is_raw_bus(tmp_path / "both.mf4")
    assert is_found(drives.find_events(tmp_path / "both.mf4", dbc=dbc(tmp_path)))
