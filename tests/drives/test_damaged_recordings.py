"""Damaged and unusual files: read where they can be, else refused in one sentence that names the file."""

import contextlib
import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acc_decel import drives
from acc_decel.drives.formats import mdf
from acc_decel.drives.formats.damage import damage_named
from tests.helpers.one_braking import TIME, acceleration, is_found, speed, table
from tests.helpers.recorded_files import dbc, frames, write_bus_mf4, write_log, write_mf4

COUNT = len(TIME)


def in_kmh() -> pd.DataFrame:
    """The drive as the columns that logs of a bus are made from."""
    return pd.DataFrame({"t": TIME, "Speed (km/h)": 3.6 * speed(), "Accel Long (m/s2)": acceleration()})


def csv(**columns: object) -> str:
    return table(**columns).to_csv(index=False)


def replaced(column: str, rows: object, value: float, since: float = 0.0) -> pd.DataFrame:
    records = table(time=TIME + since)
    records.loc[rows, column] = value
    return records


READ = {  # how the drive is written, and what the events must say besides
    "UTF-16": (csv().encode("utf-16"), "good"),
    "UTF-16 without a mark": (csv().encode("utf-16-le"), "good"),
    "UTF-16, high byte first": (csv().encode("utf-16-be"), "good"),
    "UTF-32": (csv().encode("utf-32"), "good"),
    "UTF-8 with a mark": (csv().encode("utf-8-sig"), "good"),
    "tabs": (csv().replace(",", "\t").encode(), "good"),
    "semicolons and decimal commas": (csv().replace(",", ";").replace(".", ",").encode(), "good"),
    "latin-1": (csv().replace("accel_long", "L\u00e4ngsbeschleunigung").encode("latin-1"), "good"),
    "blank lines first": (b"\n\r\n\n" + csv().encode(), "good"),
    "carriage returns": (csv().replace("\n", "\r\n").encode(), "good"),
    "a row of units": (csv().replace("_long\n", "_long\ns,m/s,m/s^2\n").encode(), "good"),
    "garbage before": (b"# logger 7\nFormat,CSV\n\n" + csv().encode(), "good"),
    "a footer": (csv().encode() + b"End of log\n", "good"),
    "a cut line": (csv().encode()[:-9], "good"),
    "milliseconds since 1970": (csv(time=(1000 * TIME + 1.7e12).round()).encode(), "good"),
    "microseconds since 1970": (csv(time=(1e6 * TIME + 1.7e15).round()).encode(), "good"),
    "nanoseconds since 1970": (csv(time=(1e9 * TIME).astype("i8") + 1_700_000_000 * 10**9).encode(), "good"),
    "dates with a zone": (
        csv(time=[f"2024-03-31T01:59:{s:06.3f}+02:00" for s in TIME % 60][:1200] + [None] * 400).encode(),
        None,  # the rows without a time hold the braking's end
    ),
    "sign turned": (csv(accel_long=-acceleration()).encode(), "good"),
    "in g": (csv(accel_long=acceleration() / 9.80665).encode(), "good"),
    "sentinels": (replaced("speed_mps", slice(100, 140), 65535.0).to_csv(index=False).encode(), "good"),
    "infinities": (replaced("speed_mps", slice(100, 140), np.inf).to_csv(index=False).encode(), "good"),
    "drop-outs": (replaced("speed_mps", slice(500, 520), 0.0).to_csv(index=False).encode(), "good"),
    "one stamp back": (replaced("time", 300, 1.0).to_csv(index=False).encode(), "good"),
    "quotes": (
        "\n".join(",".join(f'"{c}"' for c in row.split(",")) for row in csv().split("\n")[:-1]).encode(),
        "good",
    ),
}


@pytest.mark.parametrize(("content", "quality"), READ.values(), ids=READ)
def test_a_table_is_read_however_it_is_written(tmp_path, content, quality):
    path = tmp_path / "drive.csv"
    path.write_bytes(content)
    drive = drives.find_events(path)
    if quality is not None:
        assert is_found(drive)
        assert drive.events["quality"].to_list() == [quality]
    gzipped = tmp_path / "drive.csv.gz"
    gzipped.write_bytes(gzip.compress(content, 1))
    pd.testing.assert_frame_equal(drives.find_events(gzipped).events, drive.events)


def test_a_log_of_a_bus_is_known_by_its_first_line_with_text(tmp_path):
    dbc(tmp_path)
    log = write_log(tmp_path / "drive.log", *frames(in_kmh()))
    asc = write_log(tmp_path / "drive.asc", *frames(in_kmh()))
    for name, content in {
        "empty first line.log": b"\n\n" + log.read_bytes(),
        "comment first.log": b"# candump -l can0\n" + log.read_bytes(),
        "packed.log.gz": gzip.compress(log.read_bytes(), 1),
        "asc in a.txt": asc.read_bytes(),
    }.items():
        (tmp_path / name).write_bytes(content)
        assert is_found(drives.find_events(tmp_path / name)), name


def test_a_damaged_line_of_a_log_costs_its_frame(tmp_path):
    dbc(tmp_path)
    log = write_log(tmp_path / "drive.log", *frames(in_kmh()))
    lines = log.read_bytes().split(b"\n")
    lines[200] = lines[200].replace(b"#", b"F" * 40 + b"#")  # an identifier of 43 digits
    lines[400] += b"00" * 100_000  # data that no frame can hold
    lines[600] = b"\xff\xfe\x00"
    log.write_bytes(b"\n".join(lines))
    assert is_found(drives.find_events(log))
    asc = write_log(tmp_path / "drive.asc", *frames(in_kmh()))
    lines = asc.read_bytes().split(b"\n")
    lines[300] += b" \xe4\xff"  # bytes that are no text
    asc.write_bytes(b"\n".join(lines))
    assert is_found(drives.find_events(asc))


def flipped(content: bytes, *places: int) -> bytes:
    """The content with the bits of some bytes turned."""
    changed = bytearray(content)
    for place in places:
        changed[place] ^= 0xFF
    return bytes(changed)


def damaged(folder: Path) -> dict[str, bytes]:
    """Files of every format with damage that the library which reads it reports in its own way."""
    dbc(folder)
    whole = {
        "blf": write_log(folder / "whole.blf", *frames(in_kmh())).read_bytes(),
        "asc": write_log(folder / "whole.asc", *frames(in_kmh())).read_bytes(),
        "mf4": write_mf4(folder / "whole.mf4", in_kmh()).read_bytes(),
        "bus": write_bus_mf4(folder / "whole_bus.mf4", [frames(in_kmh())]).read_bytes(),
    }
    table().to_parquet(folder / "whole.parquet")
    whole["parquet"] = (folder / "whole.parquet").read_bytes()
    half = {name: len(content) // 2 for name, content in whole.items()}
    for path in folder.glob("whole*"):
        path.unlink()
    return {
        "flipped.blf": flipped(whole["blf"], half["blf"], half["blf"] + 1),
        "header.blf": whole["blf"][:100],
        "no.blf": b"LOGG" + bytes(300),
        "text.asc": b"date Mon\nbase hex\n" + b"0.1 1 XYZ Rx d 8 zz zz\n" * 9,
        "cut.mf4": whole["mf4"][: half["mf4"]],
        "cut_bus.mf4": whole["bus"][: half["bus"]],
        "cut.parquet": whole["parquet"][: half["parquet"]],
        "flipped.parquet": flipped(whole["parquet"], *range(4, half["parquet"], 97)),
        "cut.csv.gz": gzip.compress(csv().encode())[:-4000],
        "packed.mf4": gzip.compress(whole["mf4"]),
        "book.csv": b"PK\x03\x04" + bytes(200),
        "no.trc": b";$FILEVERSION=9.9\n" + b"nonsense\n" * 5,
    }


@pytest.mark.slow
def test_damage_of_any_format_is_one_sentence_with_the_file_and_a_row_of_a_fleet(tmp_path, refused, run):
    files = damaged(tmp_path)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        for command in ("inspect", "events"):
            sentence = refused("drives", command, tmp_path / name)
            assert name in sentence
            assert sentence.count("\n") == 1
    table().to_csv(tmp_path / "good.csv", index=False)
    code, out, err = run("drives", "fleet", tmp_path, "--output", tmp_path / "fleet", "--workers", 1)
    assert code == 1
    assert "failed: 12" in out
    assert "Traceback" not in err
    code, out, _ = run("drives", "score", tmp_path)
    assert code == 1
    assert out.count("not scored:") == len(files)
    assert "of 1 events are harder" in out


ARRAYS = {  # an array in the place of the values of a pair, and what the error says of it
    "scalar": (lambda p: np.save(p, np.float64(3.0)), "a single value"),
    "objects": (lambda p: np.save(p, np.array([1, "a", None], object), allow_pickle=True), "value.npy must be a whole"),
    "empty array": (lambda p: np.save(p, np.empty(0)), "must have a value for each time"),
    "empty file": (lambda p: p.write_bytes(b""), "value.npy must be a whole"),
    "cut": (lambda p: p.write_bytes(p.read_bytes()[:900]), "value.npy must be a whole"),
    "header only": (lambda p: p.write_bytes(p.read_bytes()[:60]), "value.npy must be a whole"),
    "text": (lambda p: np.save(p, np.array(["a"] * COUNT)), "must be an array of numbers"),
    "complex": (lambda p: np.save(p, np.ones(COUNT, complex)), "must be an array of numbers"),
    "dates": (lambda p: np.save(p, np.ones(COUNT, "datetime64[s]")), "must be an array of numbers"),
    "one too few": (lambda p: np.save(p, np.ones(COUNT - 1)), f"{COUNT - 1}, {COUNT} times"),
    "no array": (lambda p: p.write_text("hello"), "value.npy must be a whole"),
}


@pytest.mark.parametrize(("write", "words"), ARRAYS.values(), ids=ARRAYS)
def test_an_array_that_is_none_of_numbers_is_named(tmp_path, refused, write, words):
    for name, value in {"speed": speed(), "accel": acceleration()}.items():
        np.save(tmp_path / f"{name}__t.npy", TIME)
        np.save(tmp_path / f"{name}__value.npy", value)
    write(tmp_path / "speed__value.npy")
    sentence = refused("drives", "events", tmp_path)
    assert "speed" in sentence
    assert words in sentence
    assert words in refused("drives", "inspect", tmp_path)


def test_columns_of_parquet_that_hold_no_numbers_are_none(tmp_path):
    odd = {
        "lists_speed_kmh": [[1.0]] * COUNT,
        "dates_speed_kmh": pd.Timestamp("2024-01-01"),
        "texts_speed_kmh": "a",
        "bytes_speed_kmh": b"a",
    }
    table(**odd).to_parquet(tmp_path / "drive.parquet")
    assert is_found(drives.find_events(tmp_path / "drive.parquet"))
    channels = {c.name: c for c in drives.inspect_recording(tmp_path / "drive.parquet").channels}
    assert all(channels[name].note == "no numbers" for name in odd)


def test_a_sentence_of_ours_and_a_missing_extra_pass_and_all_else_is_named(tmp_path):
    path = tmp_path / "drive.mf4"
    for error in (KeyError("x"), RecursionError("deep"), MemoryError("much"), ZeroDivisionError(), OSError("bad")):
        with pytest.raises(ValueError, match=r"drive\.mf4 must be a whole recording"), damage_named(path):
            raise error
    with pytest.raises(ModuleNotFoundError), damage_named(path):
        raise ModuleNotFoundError("No module named 'asammdf'")
    with pytest.raises(ValueError, match=r"^.*drive\.mf4 must hold records\.$"), damage_named(path):
        raise ValueError(f"{path} must hold records.")


def test_a_recording_at_one_hertz_is_found_and_said_to_be_sparse(tmp_path):
    table().iloc[::20][["time", "speed_mps"]].to_csv(tmp_path / "drive.csv", index=False)
    events = drives.find_events(tmp_path / "drive.csv").events
    assert events["quality"].to_list() == ["speed_only sparse"]
    assert events["start_s"][0] == pytest.approx(35, abs=1.5)


def test_a_gap_inside_an_event_is_flagged(tmp_path):
    gap = (TIME > 37) & (TIME < 40)
    table()[~gap][["time", "speed_mps"]].to_csv(tmp_path / "drive.csv", index=False)
    events = drives.find_events(tmp_path / "drive.csv").events
    assert len(events) == 1
    assert events["quality"][0].split() == ["speed_only", "gap"]


@pytest.mark.parametrize(("cycles", "size"), [(2**50, 16), (1200, 2**31)])
def test_an_mdf_that_claims_more_than_its_file_can_hold_is_refused_at_once(tmp_path, monkeypatch, cycles, size):
    path = write_mf4(tmp_path / "drive.mf4", in_kmh())
    groups = mdf._groups

    def damaged_groups(file: object) -> list[object]:
        groups(file)[0].channel_group.cycles_nr = cycles
        groups(file)[0].channel_group.samples_byte_nr = size
        return groups(file)

    assert is_found(drives.find_events(path))
    monkeypatch.setattr(mdf, "_groups", damaged_groups)
    with pytest.raises(
        ValueError, match=rf"drive\.mf4 must be a whole MDF file. Got: {cycles} records of {size} bytes"
    ):
        drives.find_events(path)


def test_what_is_no_file_is_refused_as_what_it_is(tmp_path, refused, monkeypatch):
    os.mkfifo(tmp_path / "pipe.csv")
    for command in ("events", "inspect"):
        assert "pipe.csv must be a recording. Got a device or pipe" in refused("drives", command, tmp_path / "pipe.csv")
        assert "must hold pairs of arrays" in refused("drives", command, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert "must hold pairs of arrays" in refused("drives", "events", ".")


def test_arrays_in_the_working_folder_are_one_recording_of_a_fleet(tmp_path, answered, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in {"speed": speed(), "accel": acceleration()}.items():
        np.save(f"{name}__t.npy", TIME)
        np.save(f"{name}__value.npy", value)
    for _ in range(2):
        report = answered("drives", "fleet", ".", "--output", "fleet", "--workers", 1)
        assert [(row["status"], row["events"]) for row in report["files"]] == [("ok", 1)]


@pytest.mark.filterwarnings("ignore")
def test_what_a_library_prints_of_a_damaged_file_does_not_reach_the_user(tmp_path, capfd):
    path = write_mf4(tmp_path / "drive.mf4", in_kmh())
    whole = path.read_bytes()
    for name in (b"##CG", b"##DG", b"##SI", b"##CN"):
        path.write_bytes(whole.replace(name, b"\0\0\0\0", 1))
        with contextlib.suppress(ValueError):
            drives.find_events(path)
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err
    assert "asammdf" not in out + err
