"""Several vehicles in one table: named, one is taken, and their records are never mixed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acc_decel import drives
from acc_decel.drives.formats import vehicles
from tests.helpers.one_braking import TIME, acceleration, is_found, speed, table

IDS = ("veh0", "veh1", "veh2")


def fleet_table(ids: tuple = IDS, *, sort: bool = True) -> pd.DataFrame:
    """The drive once for each vehicle: each brakes 5 s later than the one before."""
    parts = []
    for i, name in enumerate(ids):
        wait = np.zeros(100 * i)  # each stands for 5 s longer than the one before
        late = [np.concatenate([wait, column])[: len(TIME)] for column in (speed(), acceleration())]
        parts.append(table(vehicle_id=np.full(len(TIME), name), speed_mps=late[0], accel_long=late[1]))
    together = pd.concat(parts)
    return together.sort_values("time", kind="stable") if sort else together


def fcd(folder: Path) -> Path:
    rows = fleet_table()
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<fcd-export>"]
    for time, group in rows.groupby("time"):
        lines.append(f'  <timestep time="{time:.2f}">')
        for row in group.itertuples():
            values = f'speed="{row.speed_mps}" acceleration="{row.accel_long}" x="1.0" lane="e0_0"'
            lines.append(f'    <vehicle id="{row.vehicle_id}" {values}/>')
        lines.append('    <person id="p" speed="1.0"/>\n  </timestep>')
    path = folder / "fcd.xml"
    path.write_text("\n".join([*lines, "</fcd-export>"]))
    return path


def written(kind: str, folder: Path) -> Path:
    if kind == "xml":
        return fcd(folder)
    if kind == "parquet":
        fleet_table().to_parquet(folder / "drive.parquet", index=False)
        return folder / "drive.parquet"
    rows = fleet_table(sort=kind == "csv")
    names = {"time": "timestep_time", "speed_mps": "vehicle_speed", "accel_long": "vehicle_acceleration"}
    rows.rename(columns=names).to_csv(folder / "drive.csv", index=False, sep=";")
    return folder / "drive.csv"


@pytest.mark.parametrize("kind", ["csv", "one after the other", "parquet", "xml"])
def test_one_vehicle_of_several_is_taken_or_asked_for(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(vehicles, "BLOCK_ROWS", 300)
    path = written(kind, tmp_path)
    with pytest.raises(
        ValueError, match=r"Got several in one table: veh0, veh1.* --vehicle-id veh0, or with vehicle_id"
    ):
        drives.find_events(path)
    with pytest.raises(ValueError, match="Got several in one table"):
        drives.inspect_recording(path)
    for i, name in enumerate(IDS):
        drive = drives.find_events(path, vehicle_id=name)
        assert drive.clean.frames == len(TIME)
        assert is_found(drive, since=5 * i)
    with pytest.raises(ValueError, match=r"must hold the vehicle .veh9. .* Got veh0, veh1, veh2: choose"):
        drives.find_events(path, vehicle_id="veh9")


def test_the_description_names_the_vehicle_and_a_number_is_one(tmp_path):
    path = tmp_path / "drive.csv"
    fleet_table((7, 8)).to_csv(path, index=False)
    with pytest.raises(ValueError, match="table: 7, 8"):
        drives.find_events(path)
    proposal = drives.inspect_recording(path, vehicle_id="7").proposal
    drives.write_description(proposal.description, path.with_suffix(".toml"))
    assert 'vehicle_id = "7"' in path.with_suffix(".toml").read_text()
    assert is_found(drives.find_events(path))


def test_a_table_of_one_vehicle_needs_no_choice(tmp_path):
    fleet_table(("veh0",)).to_csv(tmp_path / "drive.csv", index=False)
    assert is_found(drives.find_events(tmp_path / "drive.csv"))
    assert is_found(drives.find_events(tmp_path / "drive.csv", vehicle_id="veh0"))


@pytest.mark.parametrize("rate", [25.0, 20.0])
def test_tracks_of_a_camera_have_the_speed_along_their_path(tmp_path, rate):
    """As highD writes them: frames, no time, components of speed; a car may drive against the axis."""
    angle = np.radians(200.0)
    parts = [
        pd.DataFrame(
            {
                "frame": np.round(TIME * 20).astype(int),
                "id": i,
                "x": 1.0,
                "xVelocity": np.cos(angle) * speed(),
                "yVelocity": np.sin(angle) * speed(),
                "xAcceleration": np.cos(angle) * acceleration(),
                "yAcceleration": np.sin(angle) * acceleration(),
            }
        )
        for i in (1, 2)
    ]
    path = tmp_path / "01_tracks.csv"
    pd.concat(parts).to_csv(path, index=False)
    if rate != 25.0:
        pd.DataFrame({"id": [1], "frameRate": [rate]}).to_csv(tmp_path / "01_recordingMeta.csv", index=False)
    with pytest.raises(ValueError, match="Got several in one table: 1, 2"):
        drives.find_events(path)
    drive = drives.find_events(path, vehicle_id="2")
    start = drive.events["start_s"].iloc[0]
    assert start == pytest.approx(35 * 20 / rate, abs=0.3)
    assert is_found(drive) == (rate == 20.0)
    assert any(f"at {rate:g} Hz" in note for note in drive.notes)


def test_targets_of_a_radar_are_no_vehicles():
    assert vehicles.vehicle_column(["frame", "id", "range", "range_rate"]) is None
    assert vehicles.vehicle_column(["time", "id", "speed"]) is None
    assert vehicles.vehicle_column(["time", "track", "speed"]) is None
    assert vehicles.vehicle_column(["Vehicle_ID", "Frame_ID", "v_Vel"]) == "Vehicle_ID"


@pytest.mark.parametrize("kind", ["csv", "xml", "parquet", "one after the other"])
def test_all_vehicles_of_a_table_are_drives_of_their_own(tmp_path, answered, kind):
    file = written(kind, tmp_path)
    arguments = ("drives", "fleet", file, "--output", tmp_path / "fleet", "--workers", 1, "--vehicle-id", "all")
    for _ in range(2):  # the second answers from what the first has written
        report = answered(*arguments)["files"]
        assert [row["vehicle_id"] for row in report] == ["veh0", "veh1", "veh2"]
        assert [row["status"] for row in report] == ["ok", "ok", "ok"]
    events = pd.read_parquet(tmp_path / "fleet" / "events.parquet")
    for vehicle in ("veh0", "veh1", "veh2"):
        own = events[events["vehicle_id"] == vehicle].drop(columns=["file", "vehicle_id"]).reset_index(drop=True)
        alone = drives.find_events(file, vehicle_id=vehicle).events
        pd.testing.assert_frame_equal(own, alone, check_dtype=False)
        assert len(own) == next(row["events"] for row in report if row["vehicle_id"] == vehicle)
    assert len(events) >= 1


def test_other_recordings_of_the_fleet_stay_one_drive(tmp_path, answered):
    written("csv", tmp_path)
    table().to_csv(tmp_path / "plain.csv", index=False)
    report = answered(
        "drives", "fleet", tmp_path, "--output", tmp_path / "fleet", "--workers", 1, "--vehicle-id", "all"
    )
    assert [row["vehicle_id"] for row in report["files"]] == ["veh0", "veh1", "veh2", ""]


def test_a_vehicle_that_stands_has_its_reason_and_the_others_their_events(tmp_path, run):
    rows = fleet_table()
    rows.loc[rows["vehicle_id"] == "veh0", "speed_mps"] = 0.0
    rows = rows[(rows["vehicle_id"] != "veh2") | (rows.index % 1000 == 0)]
    rows.to_csv(tmp_path / "drive.csv", index=False)
    code, out, err = run(
        "drives", "fleet", tmp_path / "drive.csv", "--output", tmp_path / "f", "--workers", 1, "--vehicle-id", "all"
    )
    assert code in (0, 1), err
    assert "drive.csv, vehicle veh1" in " ".join(out.split())
    report = pd.read_csv(tmp_path / "f" / "report.csv", keep_default_na=False).set_index("vehicle_id")
    assert report.loc["veh1", "status"] == "ok"
    assert set(report.index) >= {"veh0", "veh1"}
    failed = report[report["status"] == "failed"]
    assert failed["reason"].str.len().gt(0).all()


def test_one_command_for_one_drive_says_where_all_vehicles_are_read(tmp_path, refused):
    file = written("csv", tmp_path)
    assert "`drives fleet`, which takes each vehicle as a drive" in refused(
        "drives", "events", file, "--vehicle-id", "all"
    )
    assert "`drives fleet --vehicle-id all` takes each as a drive" in refused("drives", "events", file)
