"""A fleet with files of its own, foreign files, damaged parts and recordings that end their reader."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from acc_decel import drives
from acc_decel.drives import fleet
from tests.helpers.one_braking import TIME, table


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with one recording."""
    (tmp_path / "drives").mkdir()
    table().to_csv(tmp_path / "drives" / "a.csv", index=False)
    return tmp_path / "drives"


def test_an_output_among_the_recordings_is_no_recording(folder, answered):
    events = ("drives", "events", folder / "a.csv", "--output")
    for name in ("events.csv", "other.parquet"):
        answered(*events, folder / name)
    answered("drives", "score", folder / "a.csv", "--output", folder / "scored.csv")
    for output in (folder, folder / "fleet", folder):
        report = answered("drives", "fleet", folder, "--output", output, "--workers", 1)
        assert [Path(row["file"]).name for row in report["files"]] == ["a.csv"]
        assert (report["failed"], report["events"]) == (0, 1)


def test_a_report_of_somebody_else_is_not_replaced(folder, refused):
    (folder / "report.csv").write_text("my,own\n1,2\n")
    assert "report.csv must be free" in refused("drives", "fleet", folder / "a.csv", "--output", folder)
    assert (folder / "report.csv").read_text() == "my,own\n1,2\n"


def test_a_file_that_is_not_there_is_a_row_and_the_exit_code_says_so(folder, run, tmp_path):
    for command in (("fleet", "--output", tmp_path / "out", "--workers", 1), ("score",)):
        code, out, _ = run("drives", command[0], folder / "a.csv", folder / "none", *command[1:], "--json")
        report = json.loads(out)
        assert code == 1
        assert "no such file" in report["files"][1]["reason"]
        assert report["events"] == 1
    assert run("drives", "fleet", folder, "--output", tmp_path / "out", "--workers", 1)[0] == 0


def test_damaged_parts_are_read_again(folder, tmp_path):
    first = drives.find_fleet_events([folder / "a.csv"], tmp_path / "out", workers=1)
    (row,) = (tmp_path / "out" / "parts").glob("*.json")
    whole = row.read_text()
    for path, content in ((row, "{"), (row, "[]"), (row, "{}"), (row.with_suffix(".parquet"), "PAR1")):
        path.write_text(content)
        again = drives.find_fleet_events([folder / "a.csv"], tmp_path / "out", workers=1)
        pd.testing.assert_frame_equal(first, again)
        assert row.read_text() == whole
    assert len(pd.read_parquet(tmp_path / "out" / "events.parquet")) == 1


def test_parts_of_another_version_or_another_dbc_are_not_taken(folder, monkeypatch):
    task = fleet.Task(str(folder / "a.csv"), None, None, 2.0)
    keys = {task.key}
    (folder / "car.dbc").write_text("x")
    keys.add(task.key)
    (folder / "a.toml").write_text("x")
    keys.add(task.key)
    monkeypatch.setattr(fleet, "version", lambda _: "0")
    keys.add(task.key)
    assert len(keys) == 4


def end_process(path: Path, **_: object) -> None:
    """Stands for a recording that takes all memory: the system ends the process."""
    if path.name == "b.csv":
        os._exit(9)
    raise ValueError(f"{path} must be another file.")


def run_task(task: fleet.Task, parts: str) -> dict[str, object]:
    """As `fleet.run_task`, with `end_process` in the place of the reader; it runs in the process of a worker."""
    fleet.find_events = end_process
    return fleet.run_task(task, parts)


@pytest.mark.slow
def test_a_recording_that_ends_its_process_is_a_row_and_the_others_are_read(folder, tmp_path):
    tasks = [fleet.Task(str(folder / name), None, None, 2.0) for name in ("a.csv", "b.csv")]
    (tmp_path / "parts").mkdir()
    rows = list(fleet._run_all(tasks, tmp_path / "parts", 2, None, run_task))
    reasons = {Path(row["file"]).name: row["reason"] for row in rows}
    assert "want of memory" in reasons["b.csv"]
    assert "must be another file" in reasons["a.csv"]


def test_a_fleet_says_how_many_events_are_flagged(folder, run, tmp_path):
    table(speed_mps=1.5 * table()["speed_mps"]).to_csv(folder / "b.csv", index=False)
    table().iloc[: len(TIME) // 2].to_csv(folder / "c.csv", index=False)  # ends while the car brakes
    code, out, _ = run("drives", "fleet", folder, "--output", tmp_path / "out", "--workers", 1)
    assert code == 0
    assert out.splitlines()[-1].startswith(
        "flagged: 2 of 3 events: 1 cut (the recording begins or ends inside); 1 contra"
    )
    report = pd.read_csv(tmp_path / "out" / "report.csv")
    assert report["flagged"].to_list() == [0, 1, 1]
    assert json.loads(run("drives", "fleet", folder, "--output", tmp_path / "out", "--json")[1])["flags"] == {
        "cut": 1,
        "contradicted": 1,
    }
