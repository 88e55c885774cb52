"""Recordings of every kind are read alike, mapped by what they show, and refused in one sentence where broken."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import COMPACT, ORDINARY
from typer.main import get_command

from acc_decel import cli, drives
from acc_decel.drives.units import UNITS, unit_in_name, unit_named
from tests.helpers.recorded_files import dbc, frames, write_bus_mf4, write_log, write_mf4
from tests.helpers.synthetic_drives import Sensors, Truth, record_drive, sample_drive, score

SENSORS = Sensors(20, 0.04, 0, 0.2, 20, noise=0.2, spikes=0, drop_outs=0, frozen=0)
COUNT = 3  # events of the drive


@pytest.fixture(scope="module")
def truth() -> Truth:
    return sample_drive(np.random.default_rng(3), COMPACT, ORDINARY | {"grade": -0.02}, stops=4)


@pytest.fixture(scope="module")
def table(truth) -> pd.DataFrame:
    records = record_drive(np.random.default_rng(4), truth, SENSORS)
    records["Time (s)"] -= records["Time (s)"][0]
    return records


def columns(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(table[name].to_numpy() for name in table)


def is_right(truth: Truth, drive: drives.DriveEvents) -> bool:
    result = score(truth, drive.events)
    return result.required > 0 and result.recall == 1 and result.precision == 1


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["log", "asc", "blf"])
def test_a_bus_log_is_decoded_with_the_dbc_beside_it(truth, table, tmp_path, ending):
    dbc(tmp_path)
    path = write_log(tmp_path / f"drive.{ending}", *frames(table))
    drive = drives.find_events(path)
    assert is_right(truth, drive)
    assert drive.clean.frames == 2 * len(table)
    assert {c.name for c in drive.description.channels.values()} == {"VehicleSpeed", "AccelLong"}


def test_a_raw_mf4_is_decoded_and_a_decoded_one_is_read(truth, table, tmp_path):
    raw = write_bus_mf4(tmp_path / "raw.mf4", [frames(table)])
    with pytest.raises(ValueError, match=r"raw\.mf4 holds a raw CAN bus .*--dbc"):
        drives.find_events(raw)
    assert is_right(truth, drives.find_events(raw, dbc=dbc(tmp_path)))
    assert is_right(truth, drives.find_events(write_mf4(tmp_path / "decoded.mf4", table)))


def test_a_signal_of_a_frame_is_what_cantools_decodes(table, tmp_path):
    import cantools  # noqa: PLC0415

    database = cantools.database.load_file(dbc(tmp_path))
    inspection = drives.inspect_recording(write_log(tmp_path / "drive.log", *frames(table)))
    _, records = frames(table)
    inertia = [database.decode_message("Inertia", f["CAN_DataFrame.DataBytes"].tobytes()) for f in records[1::2]]
    channel = next(c for c in inspection.channels if c.name == "AccelLong")
    assert channel.low == pytest.approx(min(m["AccelLong"] for m in inertia))
    assert channel.high == pytest.approx(max(m["AccelLong"] for m in inertia))


def spelled(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    time, speed, acceleration = columns(table)
    iso = pd.Timestamp("2024-03-01 10:00:00") + pd.to_timedelta(time, unit="s")
    quiet = np.random.default_rng(1).normal(0, 0.1, len(time))
    return {
        "km/h in the header": pd.DataFrame(
            {"TIME": time, "Speed (KM/H)": speed, "Accel X": quiet, "Accel Y": acceleration / 9.81}
        ),
        "milliseconds": pd.DataFrame(
            {"Time_ms": (1000 * time).astype(int), "speed_mps": speed / 3.6, "ax": acceleration}
        ),
        "milliseconds not named": pd.DataFrame({"timestamp": (1000 * time).astype(int), "speed": speed / 3.6}),
        "since 1970 in ms": pd.DataFrame(
            {"ts": 1000 * time + 1.7e12, "Speed [mph]": speed / 1.609344, "long_acc": -acceleration}
        ),
        "dates": pd.DataFrame({"DateTime": iso.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "GPS Speed (km/h)": speed}),
        "time of day": pd.DataFrame({"Time": iso.strftime("%H:%M:%S.%f"), "speed_kmh": speed, "decel": -acceleration}),
        "units from comparing": pd.DataFrame(
            {"time": time, "VehicleSpeed": speed, "Acceleration": acceleration / 9.81}
        ),
    }


@pytest.mark.parametrize("name", list(spelled(pd.DataFrame(np.zeros((2, 3))))))
def test_columns_are_understood_however_they_are_called(truth, table, tmp_path, name):
    spelled(table)[name].to_csv(tmp_path / "drive.csv", index=False)
    assert is_right(truth, drives.find_events(tmp_path / "drive.csv"))


def test_a_german_logger_is_understood(truth, table, tmp_path):
    time, speed, acceleration = columns(table)
    named = {"Zeit [s]": time, "Geschwindigkeit [km/h]": speed, "L\u00e4ngsbeschleunigung [m/s\u00b2]": acceleration}
    path = tmp_path / "fahrt.csv"
    pd.DataFrame(named).to_csv(path, index=False, sep=";", decimal=",", encoding="latin-1")
    assert is_right(truth, drives.find_events(path))


def test_lines_before_the_header_and_a_row_of_units_are_understood(truth, table, tmp_path):
    rows = table.to_csv(index=False, header=False)
    path = tmp_path / "motec.csv"
    path.write_text(f"# logger 3\nFormat,CSV\n\nTime,Ground Speed,G Force Long\ns,km/h,m/s/s\n{rows}")
    drive = drives.find_events(path)
    assert is_right(truth, drive)
    assert drive.description.channels["acceleration"].unit.name == "m/s^2"


def test_parquet_and_arrays_are_read(truth, table, tmp_path):
    time, speed, acceleration = columns(table)
    iso = pd.Timestamp("2024-03-01") + pd.to_timedelta(time, unit="s")
    pd.DataFrame({"time": iso, "speed_kmh": speed, "acc": acceleration}).to_parquet(tmp_path / "drive.parquet")
    assert is_right(truth, drives.find_events(tmp_path / "drive.parquet"))
    arrays = tmp_path / "arrays"
    arrays.mkdir()
    for name, value in {
        "speed": speed / 3.6,
        "imu_accel": np.stack([acceleration, 0 * acceleration, 9.8 + 0 * acceleration], axis=1),
    }.items():
        np.save(arrays / f"{name}__t.npy", time)
        np.save(arrays / f"{name}__value.npy", value)
    drive = drives.find_events(arrays)
    assert is_right(truth, drive)
    assert drive.description.channels["acceleration"].name == "imu_accel[0]"


def test_the_proposed_mapping_can_be_written_changed_and_used(truth, table, tmp_path):
    path = tmp_path / "drive.csv"
    table.to_csv(path, index=False)
    proposal = drives.inspect_recording(path).proposal
    drives.write_description(proposal.description, tmp_path / "other.toml")
    assert drives.read_description(tmp_path / "other.toml") == proposal.description
    changed = (tmp_path / "other.toml").read_text() + "lag = 0\n"
    (tmp_path / "drive.toml").write_text(changed)
    drive = drives.find_events(path)
    assert drive.description.channels["acceleration"].lag == 0
    assert "drive.toml" in drive.notes[0]
    assert is_right(truth, drive)


@pytest.mark.parametrize("unit", UNITS, ids=lambda u: f"{u.quantity} {u.name}")
def test_every_unit_is_known_by_each_of_its_names_in_any_case(unit):
    for name in (unit.name, *unit.others, unit.name.upper(), f" {unit.name} "):
        assert unit_named(name, unit.quantity, "test") == unit


@pytest.mark.parametrize(
    ("name", "quantity", "expected"),
    [("Speed (KM/H)", "speed", "km/h"), ("speed_mps", "speed", "m/s"), ("Speed", "speed", None), ("ms", "time", None)],
)
def test_a_unit_is_read_from_a_name_only_where_it_stands(name, quantity, expected):
    unit = unit_in_name(name, quantity)
    assert (unit.name if unit else None) == expected


def broken(table: pd.DataFrame, folder: Path) -> dict[str, tuple[str, str]]:
    """Files that cannot be used and what the error must say of them."""
    time, speed, acceleration = columns(table)
    good = {"time": time, "speed_kmh": speed, "accel": acceleration}
    tables = {
        "runs backward": good | {"time": time[::-1]},
        "starts again": good | {"time": np.where(time < time[-1] / 2, time, time - time[-1] / 2)},
        "repeats": {name: np.repeat(value, 2) for name, value in good.items()},
        "one value": good | {"speed_kmh": 72.0},
        "no number": good | {"speed_kmh": np.nan},
        "no time": good | {"time": np.nan},
        "no column like a speed": {"time": time, "rpm": speed},
        "no column like a time": {"speed_kmh": speed, "accel": acceleration},
        "unknown unit": {"time": time, "Speed (furlong/h)": speed},
        "two speeds": {"time": time, "speed1_kmh": speed, "speed2_kmh": speed[::-1]},
        "no unit": {"time": time, "VehSpeed": np.minimum(speed, 70.5)},
    }
    sentences = {
        "runs backward": "'time' runs backward",
        "starts again": "must have times that rise",
        "repeats": "a time that repeats",
        "one value": "holds one value, 72",
        "no number": "holds no number",
        "no time": "'time' holds no time",
        "no column like a speed": "no channel is named like a speed",
        "no column like a time": "no channel is named like a time",
        "unknown unit": 'UNIT" (m/s, km/h, mph, kn, ft/s, cm/s, mm/s)',
        "two speeds": "either may be meant",
        "no unit": "unit of 'VehSpeed' is not stated",
    }
    for name, columns_ in tables.items():
        pd.DataFrame(columns_).to_csv(folder / f"{name}.csv", index=False)
    whole = write_mf4(folder / "whole.mf4", table).read_bytes()
    parquet = folder / "whole.parquet"
    table.to_parquet(parquet)
    raw = {
        "empty.csv": (b"", "Got an empty file"),
        "header.csv": (b"time,speed_kmh\n", "rows of numbers"),
        "noise.csv": (np.random.default_rng(1).bytes(4000), "rows of numbers"),
        "cut.mf4": (whole[: len(whole) // 2], "must be a whole MDF file"),
        "head.mf4": (whole[:80], "must be a whole MDF file"),
        "wrong.mf4": (b"nope" * 100, "must be a whole MDF file"),
        "cut.parquet": (parquet.read_bytes()[:2000], "must be a whole Parquet file"),
        "log.log": (b"(1.0) can0 123#00\n" * 9, "with a DBC"),
    }
    for name, (content, _) in raw.items():
        (folder / name).write_bytes(content)
    for name in ("whole.mf4", "whole.parquet"):
        (folder / name).unlink()
    return {f"{n}.csv": sentences[n] for n in tables} | {n: sentence for n, (_, sentence) in raw.items()}


@pytest.mark.slow
def test_a_broken_file_is_refused_in_one_sentence_and_is_a_row_of_a_fleet(table, tmp_path, refused, run):
    folder = tmp_path / "recordings"
    folder.mkdir()
    expected = broken(table, folder)
    for name, part in expected.items():
        sentence = refused("drives", "events", folder / name)
        assert part in sentence, name
        assert name in sentence
        assert sentence.count("\n") == 1
    table.to_csv(folder / "good.csv", index=False)
    code, out, _ = run("drives", "fleet", folder, "--output", tmp_path / "fleet", "--workers", 1, "--json")
    report = json.loads(out)
    assert code == 1
    rows = {Path(row["file"]).name: row for row in report["files"]}
    assert set(rows) == {*expected, "good.csv"}
    assert report["failed"] == len(expected)
    for name, part in expected.items():
        assert part in rows[name]["reason"]
    assert rows["good.csv"]["status"] == "ok"
    assert report["events"] == rows["good.csv"]["events"] > 0


def test_a_dbc_that_does_not_fit_is_named(table, tmp_path, refused):
    log = write_log(tmp_path / "drive.log", *frames(table.head(50)))
    other = dbc(tmp_path)
    other.write_text(other.read_text().replace("BO_ 288", "BO_ 289").replace("BO_ 2147484961", "BO_ 2147484962"))
    assert "car.dbc must describe frames of" in refused("drives", "events", log)
    other.write_text("no database")
    assert "car.dbc must be a CAN database" in refused("drives", "events", log)
    assert "no such file" in refused("drives", "events", log, "--dbc", tmp_path / "none.dbc")


DESCRIPTIONS = {
    "unknown unit": (
        '[speed]\nchannel = "Speed (km/h)"\nunit = "furlong"',
        "m/s, km/h, mph, kn, ft/s, cm/s, mm/s. Got 'furlong'",
    ),
    "no unit": ('[speed]\nchannel = "Speed (km/h)"', "must have a unit"),
    "unknown channel": ('[speed]\nchannel = "Sped"\nunit = "km/h"', "similar: 'Speed (km/h)'"),
    "unknown section": ('[sped]\nchannel = "x"\nunit = "km/h"', "Got also sped"),
    "unknown entry": ('[speed]\nchannel = "x"\nunit = "km/h"\nscale = 2', "Got also scale"),
    "no speed": ('[range]\nchannel = "x"\nunit = "m"', "must have a section [speed], or [acceleration]"),
    "bad sign": ('[speed]\nchannel = "x"\nunit = "km/h"\nsign = 3', "sign must be 1 or -1"),
    "no TOML": ("speed: x", "must be a recording description in TOML"),
    "wrong unit": ('[speed]\nchannel = "Time (s)"\nunit = "h"', "Got 'h'"),
}


@pytest.mark.parametrize(("text", "message"), DESCRIPTIONS.values(), ids=DESCRIPTIONS.keys())
def test_a_wrong_description_is_refused_with_what_would_be_right(table, tmp_path, refused, text, message):
    table.to_csv(tmp_path / "drive.csv", index=False)
    description = tmp_path / "description.toml"
    description.write_text(f'{text}\n[time]\nchannel = "Time (s)"\nunit = "s"\n')
    assert message in refused("drives", "events", tmp_path / "drive.csv", "--recording", description)


@pytest.mark.parametrize(
    ("entry", "message"), [('unit = "m/s^2"\nsign = -1', "change its sign"), ('unit = "g"', "check both units")]
)
def test_a_description_that_the_values_disprove_is_refused(table, tmp_path, refused, entry, message):
    table.to_csv(tmp_path / "drive.csv", index=False)
    text = '[time]\nchannel = "Time (s)"\nunit = "s"\n[speed]\nchannel = "Speed (km/h)"\nunit = "km/h"\n'
    (tmp_path / "drive.toml").write_text(f'{text}[acceleration]\nchannel = "Accel Long (m/s2)"\n{entry}\n')
    assert message in refused("drives", "events", tmp_path / "drive.csv")


def test_a_fleet_runs_on_dask(table, tmp_path):
    distributed = pytest.importorskip("distributed", reason='distributed is missing: pip install "acc-decel[scale]"')
    table.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "b.csv").write_text("")
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    with distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster:
        report = drives.find_fleet_events(files, tmp_path / "dask", scheduler=cluster.scheduler_address)
    pd.testing.assert_frame_equal(report, drives.find_fleet_events(files, tmp_path / "local", workers=1))


@pytest.mark.parametrize("name", ["inspect", "events", "fleet"])
def test_every_command_for_drives_has_help_with_an_example(run, name):
    command = get_command(cli.app).commands["drives"].commands[name]
    assert f"acc-decel drives {name} " in command.help
    assert all(parameter.help for parameter in command.params)
    code, out, _ = run("drives", name, "--help")
    assert code == 0
    assert command.help.split(".")[0][:40] in " ".join(out.split())


@pytest.mark.slow
def test_events_are_printed_as_json_and_written(truth, table, tmp_path, answered):
    table.to_csv(tmp_path / "drive.csv", index=False)
    out, picture = tmp_path / "events.parquet", tmp_path / "pictures"
    answer = answered("drives", "events", tmp_path / "drive.csv", "-o", out, "--plot", picture)
    assert (answer["frames"], answer["dropped_frames"]) == (len(table), sum(answer["dropped"].values()))
    names = {"start_s", "end_s", "initial_speed", "final_speed", "mean_deceleration", "peak_deceleration"}
    assert all(set(event) >= names | {"stopped", "quality"} for event in answer["events"])
    written = pd.read_parquet(out)
    assert tuple(written.columns) == drives.COLUMNS
    assert len(written) == len(answer["events"]) > 0
    assert {p.name for p in picture.iterdir()} == {"drive.png", *(f"event-{i + 1:03}.png" for i in range(len(written)))}


@pytest.mark.parametrize(("shift", "words"), [(0.5, "s behind acceleration"), (-0.5, "s ahead of acceleration")])
def test_the_note_about_a_lag_says_which_signal_is_late(table, tmp_path, run, shift, words):
    moved = round(20 * shift)  # records, 20 of them a second
    speed = table["Speed (km/h)"].shift(moved).bfill().ffill()
    table.assign(**{"Speed (km/h)": speed}).to_csv(tmp_path / "drive.csv", index=False)
    note = next(line for line in run("drives", "events", tmp_path / "drive.csv")[2].splitlines() if words[2:] in line)
    assert words in note
    assert " -" not in note


def test_inspect_lists_channels_and_proposes_a_mapping(table, tmp_path, answered, run):
    table.assign(dead=1.0).to_csv(tmp_path / "drive.csv", index=False)
    inspection = answered("drives", "inspect", tmp_path / "drive.csv", "-o", tmp_path / "map.toml")
    by_name = {c["name"]: c for c in inspection["channels"]}
    assert by_name["Speed (km/h)"]["rate_hz"] == pytest.approx(20, rel=0.01)
    assert by_name["dead"]["note"] == "one value"
    assert inspection["mapping"] == (tmp_path / "map.toml").read_text()
    code, out, _ = run("drives", "inspect", tmp_path / "drive.csv")
    assert code == 0
    assert "proposed mapping" in out


def test_a_fleet_resumes_and_reads_again_only_what_changed(table, tmp_path):
    folder, output = tmp_path / "recordings", tmp_path / "fleet"
    folder.mkdir()
    for name in ("a", "b"):
        table.to_csv(folder / f"{name}.csv", index=False)
    (folder / "c.csv").write_text("")
    files = drives.list_recordings([folder])
    first = drives.find_fleet_events(files, output, workers=1)
    parts = {p.name: p.stat().st_mtime_ns for p in (output / "parts").iterdir()}
    (folder / "c.csv").write_text(table.to_csv(index=False))
    (output / "report.csv").unlink()
    second = drives.find_fleet_events(files, output, workers=1)
    after = {p.name: p.stat().st_mtime_ns for p in (output / "parts").iterdir() if p.name in parts}
    assert after == parts
    assert first["status"].to_list() == ["ok", "ok", "failed"]
    assert second["status"].to_list() == ["ok", "ok", "ok"]
    events = pd.read_parquet(output / "events.parquet")
    assert len(events) == second["events"].sum()
    assert set(events["file"]) == {str(f) for f in files}


@pytest.mark.slow
def test_a_fleet_over_processes_finds_what_one_finds(table, tmp_path):
    for name in ("a", "b"):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    files = drives.list_recordings([tmp_path / "a.csv", tmp_path / "b.csv"])
    one, two = (drives.find_fleet_events(files, tmp_path / f"fleet{n}", workers=n) for n in (1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert (tmp_path / "fleet1" / "events.parquet").read_bytes() == (
        tmp_path / "fleet2" / "events.parquet"
    ).read_bytes()


def test_every_row_of_a_fleet_is_json_of_its_own(table, tmp_path):
    table.to_csv(tmp_path / "a.csv", index=False)
    drives.find_fleet_events([tmp_path / "a.csv"], tmp_path / "fleet", workers=1)
    (row,) = (tmp_path / "fleet" / "parts").glob("*.json")
    assert json.loads(row.read_text())["status"] == "ok"


def test_without_its_extra_the_command_says_which(monkeypatch, refused, tmp_path, table):
    table.to_csv(tmp_path / "drive.csv", index=False)

    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'scipy'", name="scipy")

    monkeypatch.setattr(drives, "find_events", missing)
    assert 'pip install "acc-decel[drives]"' in refused("drives", "events", tmp_path / "drive.csv")
