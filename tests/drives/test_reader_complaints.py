"""What the reader of a format says of a damaged file: one note of ours, and nothing in its own words."""

import re

import numpy as np
import pandas as pd

from acc_decel import drives
from tests.helpers.one_stop import TIME, acceleration, is_found, speed
from tests.helpers.recorded_files import dbc, frames, write_log

TABLE = pd.DataFrame({"t": TIME, "speed": 3.6 * speed(), "accel": acceleration()})


def written(folder, ending):
    dbc(folder)
    return write_log(folder / f"drive.{ending}", *frames(TABLE))


def test_bad_lines_of_a_trc_are_one_note_with_their_number_and_the_first(tmp_path, run):
    path = written(tmp_path, "trc")
    lines = path.read_text().splitlines()
    for i in (60, 90, 300):
        lines[i] = f"  zz)  damaged{i}"
    path.write_text("\n".join(lines))
    code, out, err = run("drives", "events", path)
    assert code == 0
    assert len(re.findall("TRCReader", err)) == 1
    assert "complains 3 times, first: TRCReader: Failed to parse message 'zz) damaged60'" in " ".join(err.split())
    assert "TRCReader" not in out


def test_bad_lines_of_candump_are_told(tmp_path):
    path = written(tmp_path, "log")
    lines = path.read_text().splitlines()
    lines[10:10] = ["(1600000000.5) can0 garbage", "# a comment", "(1600000000.6) can0 123#R"]
    path.write_text("\n".join(lines))
    drive = drives.find_events(path)
    assert is_found(drive)
    told = [note for note in drive.notes if "complains" in note]
    assert told == [
        "the reader of this format complains once: 1 lines are no frame of candump, like '(1600000000.5) can0 garbage'"
    ]


def test_a_whole_log_has_no_complaint(tmp_path):
    for ending in ("trc", "log", "asc", "blf"):
        drive = drives.find_events(written(tmp_path, ending))
        assert is_found(drive)
        assert not any("complains" in note for note in drive.notes)


def test_candump_as_it_prints_on_a_terminal_is_read(tmp_path):
    time, records = frames(TABLE)
    dbc(tmp_path)
    lines = [
        f" ({1.6e9 + t:.6f})  can0  {identifier:0{8 if extended else 3}X}   [8]  {bytes(data).hex(' ').upper()}"
        for t, identifier, extended, data in zip(
            time,
            records["CAN_DataFrame.ID"].tolist(),
            records["CAN_DataFrame.IDE"].tolist(),
            records["CAN_DataFrame.DataBytes"].tolist(),
            strict=True,
        )
    ]
    (tmp_path / "drive.log").write_text("\n".join(lines) + "\n")
    drive = drives.find_events(tmp_path / "drive.log")
    assert is_found(drive)
    assert np.isfinite(drive.clean.lag_correlation)


def test_an_asc_log_of_relative_times_is_refused(tmp_path, refused):
    path = written(tmp_path, "asc")
    path.write_text(path.read_text().replace("timestamps absolute", "timestamps relative"))
    assert "must have absolute timestamps" in refused("drives", "events", path)
