"""Folders of a fleet: every file has a row, a drive in several files is one, and long paths leave numbers whole."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acc_decel import drives
from acc_decel.cli.drives.options import MAX_LABEL, labels
from tests.helpers.one_stop import TIME, acceleration, is_found, positions, speed, table


def sensor_logger(folder: Path, *, start: float = 1_772_640_000.0) -> Path:
    """A drive in tables of its own for each sensor: GPS once a second, the accelerometer 50 times."""
    folder.mkdir(parents=True)
    latitude, longitude = positions()
    rows = slice(None, None, 10)
    gps = {"speed": speed()[rows], "longitude": longitude[rows], "latitude": latitude[rows]}
    stamps = ((start + TIME) * 1e9).astype("i8")
    clock = {"time": stamps, "seconds_elapsed": TIME}
    pd.DataFrame({name: value[rows] for name, value in clock.items()} | gps).to_csv(
        folder / "Location.csv", index=False
    )
    fine = np.arange(0, 40, 0.02)
    axes = {axis: np.random.default_rng(k).normal(0, 0.1, len(fine)) for k, axis in enumerate("zyx")}
    axes["y"] = axes["y"] + np.interp(fine, TIME, acceleration())
    clock = {"time": ((start + fine) * 1e9).astype("i8"), "seconds_elapsed": fine}
    pd.DataFrame(clock | axes).to_csv(folder / "Accelerometer.csv", index=False)
    pd.DataFrame(clock | {axis: 0.1 * value for axis, value in axes.items()}).to_csv(
        folder / "Gyroscope.csv", index=False
    )
    pd.DataFrame({"device": ["phone"], "rate": ["fast"]}).to_csv(folder / "Metadata.csv", index=False)
    return folder


def test_one_drive_in_several_tables_is_one_drive(tmp_path):
    folder = sensor_logger(tmp_path / "drive")
    drive = drives.find_events(folder)
    assert is_found(drive)
    names = {signal: channel.name for signal, channel in drive.description.channels.items()}
    assert names == {"speed": "Location speed", "acceleration": "Accelerometer y"}
    assert drives.list_recordings([tmp_path]) == [folder]
    assert drives.list_recordings([folder]) == [folder]


def test_a_drive_of_uah_without_headers_is_one_drive(tmp_path):
    latitude, longitude = positions()
    gps = zip(TIME[::10], 3.6 * speed()[::10], latitude[::10], longitude[::10], strict=True)
    lines = [f"{t:.2f} {v:.1f} {x:.6f} {y:.6f} 650.0 4 5 0.0 0.0 0 0 0" for t, v, x, y in gps]
    (tmp_path / "RAW_GPS.txt").write_text("\n".join(lines) + "\n")
    fine = zip(TIME, acceleration() / 9.80665, strict=True)
    lines = [f"{t:.2f} 1 0.01 {0.02 * (k % 3):.2f} {a:.3f} 0 0 0 0.1 0.2 0.3" for k, (t, a) in enumerate(fine)]
    (tmp_path / "RAW_ACCELEROMETERS.txt").write_text("\n".join(lines) + "\n")
    drive = drives.find_events(tmp_path)
    assert is_found(drive)
    assert drive.description.channels["acceleration"].name == "RAW_ACCELEROMETERS accel z [g]"


def test_tables_of_different_times_are_drives_of_their_own(tmp_path, refused):
    folder = sensor_logger(tmp_path / "drive")
    other = pd.read_csv(folder / "Accelerometer.csv")
    other.assign(time=other["time"] + 10**13).to_csv(folder / "Accelerometer.csv", index=False)
    assert "or the tables of one drive" in refused("drives", "events", folder)


def test_every_file_of_a_folder_has_a_row(tmp_path, run, answered):
    folder = tmp_path / "recordings"
    sensor_logger(folder / "phone")
    table(speed_mps=speed()).to_csv(folder / "good.csv", index=False)
    for name in ("notes.txt", "book.xyz", "trip.unknown"):
        (folder / name).write_text("nothing to see\n")
    (folder / "photo.png").write_bytes(b"\x89PNG")
    (folder / "good.toml").write_text(
        '[time]\nchannel = "time"\nunit = "s"\n[speed]\nchannel = "speed_mps"\nunit = "m/s"\n'
    )
    code, *_ = run("drives", "fleet", folder, "--output", tmp_path / "out", "--workers", 1)
    assert code == 1
    report = pd.read_csv(tmp_path / "out" / "report.csv").set_index("file")
    report.index = [Path(file).relative_to(folder).as_posix() for file in report.index]
    expected = {"phone": "ok", "good.csv": "ok", "notes.txt": "failed", "book.xyz": "failed", "trip.unknown": "failed"}
    expected |= {"photo.png": "left out", "good.toml": "left out"}
    assert report["status"].to_dict() == expected
    assert report["reason"][report["status"] != "ok"].notna().all()
    assert report["reason"]["photo.png"] == "a picture, no recording"


def test_files_that_are_no_recordings_do_not_fail_a_fleet(tmp_path, run):
    folder = tmp_path / "recordings"
    folder.mkdir()
    table(speed_mps=speed()).to_csv(folder / "good.csv", index=False)
    (folder / "README.md").write_text("# Drives\n")
    assert run("drives", "fleet", folder, "--output", tmp_path / "out", "--workers", 1)[0] == 0


def test_a_long_path_does_not_squeeze_the_numbers(tmp_path, run):
    folder = tmp_path / ("a_long_name_of_a_folder_" * 4)
    for part in ("one", "two"):
        (folder / part).mkdir(parents=True)
        table(speed_mps=speed()).to_csv(folder / part / f"{'recording_' * 9}.csv", index=False)
    code, out, err = run("drives", "fleet", folder, "--output", tmp_path / "out", "--workers", 1)
    assert code == 0, err
    rows = [line for line in out.splitlines() if "recording_" in line]
    assert len(rows) == 2
    assert all("0.011" in row and "400" in row for row in rows)


@pytest.mark.parametrize("name", ["drive.csv", "x" * 100 + ".csv"])
def test_a_label_is_short_and_tells_files_apart(name):
    files = [f"/data/{folder}/{name}" for folder in ("monday", "tuesday")]
    short = labels(files)
    assert len(set(short.values())) == 2
    assert labels(files[:1])[files[0]] in (name, f"{name[: MAX_LABEL // 2 - 3]}...{name[-MAX_LABEL // 2 :]}")


def test_a_file_in_the_folder_of_a_drive_that_is_no_part_of_it_has_a_row(tmp_path, answered):
    folder = sensor_logger(tmp_path / "drive")
    (folder / "notes.md").write_text("a sunny day")
    report = answered("drives", "fleet", tmp_path, "--output", tmp_path / "fleet", "--workers", 1)["files"]
    rows = {Path(row["file"]).name: (row["status"], row["reason"]) for row in report}
    reason = ("left out", "in the folder of one drive, of which it is no part")
    assert rows == {"drive": ("ok", ""), "notes.md": reason}


def test_a_table_beside_the_arrays_of_a_drive_has_a_row(tmp_path):
    for name, value in {"speed": speed(), "accel": acceleration()}.items():
        np.save(tmp_path / f"{name}__t.npy", TIME)
        np.save(tmp_path / f"{name}__value.npy", value)
    table(speed_mps=speed()).to_csv(tmp_path / "speed.csv", index=False)
    assert drives.list_recordings([tmp_path]) == [tmp_path]
    assert list(drives.list_left_out([tmp_path])) == [tmp_path / "speed.csv"]


def test_what_a_fleet_writes_into_the_folder_of_a_drive_is_no_part_of_it(tmp_path, answered):
    folder = sensor_logger(tmp_path / "drive")
    for _ in range(2):
        report = answered("drives", "fleet", folder, "--output", folder, "--workers", 1)["files"]
        assert [(row["status"], row["events"]) for row in report if row["status"] != "left out"] == [("ok", 1)]
