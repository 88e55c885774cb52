"""An option that has no effect in a combination is refused; so is a column that cannot be kept."""

import re

import pandas as pd
import pytest

from tests.helpers.full_braking import write_full_braking

STOP = ("--speed", 20, "--brake-pressure-bar", 80)
EVENTS = pd.DataFrame({"speed": [30.0, 20.0], "brake_pressure_bar": [100.0, 80], "mass": [1500.0, 1500], "t": [1, 2]})
IGNORED = {
    "tests and a table": (("ecu", "--tests", "--input", "t.csv"), "--tests .* Got also --input"),
    "tests and a factor": (("ecu", "--tests", "--mass", 1500), "--tests .* Got also --mass"),
    "tests, a table and factors": (("ecu", "--tests", "--input", "t.csv", *STOP), "Got also --input, --.*speed"),
    "tests and a column": (("ecu", "--tests", "--keep", "t"), "--tests .* Got also --keep"),
    "a clock without cycles": (("ecu", *STOP, "--emulator", "qemu", "--clock-mhz", 80), "--clock-mhz is for costs"),
    "no clock": (("ecu", *STOP, "--clock-mhz", 0), "--clock-mhz must be above 0"),
    "a column without a table": (("predict", *STOP, "--keep", "t"), "--keep t without --input"),
    "the same of ecu": (("ecu", *STOP, "--keep", "t"), "--keep t without --input"),
    "table and factors": (("predict", "--input", "t.csv", *STOP), "--input takes no other factors"),
    "physics and a model": (("evaluate", "--physics", "--model", "suv"), "--physics predicts without a model"),
    "an age of no column": (("replay", "d.csv", "--max-age", "mass=60"), "Got mass=60, which is none"),
    "an age of a constant": (("replay", "d.csv", "--mass", 1500, "--max-age", "mass=60"), "Got mass=60"),
    "two ages of one factor": (("replay", "d.csv", "--max-age", "speed=1", "--max-age", "speed=2"), "Got also speed=2"),
    "two ages for all": (("replay", "d.csv", "--max-age", "1", "--max-age", "2"), "once for all. Got also 2"),
    "a list and a model": (("info", "suv", "--all"), "--all lists the released models and takes no model. Got suv"),
    "a build and an output": (
        ("replay", "d.csv", "--output", "o.csv", "--build", "o.csv"),
        "--build must not be a file that the command uses",
    ),
    "samples that do not balance": (("influences", "--samples", 100), "power of two. Got 100: give 64 or 128"),
    "a second picture of no kind": (
        ("simulate", *STOP, "--plot", "x.png", "--friction-map", "x.txt"),
        "x.txt must end in .png or .svg",
    ),
    "workers and a scheduler": (
        ("drives", "fleet", "d.csv", "-o", "f", "--workers", 2, "--scheduler", "tcp://x:1"),
        "--scheduler has its own workers. Got also --workers 2",
    ),
    "a database of signals": (("drives", "inspect", "d.csv", "--dbc", "c.dbc"), "--dbc decodes .* Got d.csv"),
    "the same for events": (("drives", "events", "d.csv", "--dbc", "c.dbc"), "--dbc decodes .* Got d.csv"),
    "seconds of another part": (
        ("evidence", "f", "--only", "coverage_pct", "--fuzz-seconds", 5),
        "--only coverage_pct does not use --fuzz-seconds",
    ),
    "events of another part": (
        ("evidence", "f", "--only", "fuzzing", "--fuzz-seconds", 5, "--events", 100),
        "--only fuzzing does not use --events",
    ),
    "formats of a part": (("evidence", "f", "--only", "warnings", "--format", "float"), "does not use --format"),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    EVENTS.to_csv("t.csv", index=False)
    (tmp_path / "d.csv").write_text("time_s,speed,brake_pressure_bar\n0,20,80\n0.1,19,80\n")
    return tmp_path


@pytest.mark.parametrize(("words", "said"), IGNORED.values(), ids=IGNORED.keys())
def test_an_option_without_effect_is_refused(refused, words, said):
    sentence = refused(*words)
    assert re.search(said, sentence), sentence


def test_the_published_tests_do_not_run_on_the_core_of_another_car(refused, folder):
    write_full_braking(folder / "lorry", vehicle="lorry")
    assert "--model lorry must answer a test" in refused("ecu", "--tests", "--model", "lorry")


KEPT = {
    "twice": (("--keep", "t", "--keep", "t"), "Got t twice"),
    "a factor": (("--keep", "t", "--keep", "mass"), "takes them out of the prediction. Got mass"),
    "a required factor": (("--keep", "speed", "--keep", "t"), "takes them out of the prediction. Got speed"),
    "a column that is not there": (("--keep", "time"), "Got 'time'"),
    "all and one more": (("--keep", "all", "--keep", "t"), "Got --keep t as well"),
}


@pytest.mark.parametrize("command", ["predict", "ecu"])
@pytest.mark.parametrize(("words", "said"), KEPT.values(), ids=KEPT.keys())
def test_a_column_that_cannot_be_kept_is_refused(refused, command, words, said):
    assert said in refused(command, "--input", "t.csv", *words)


@pytest.mark.parametrize("keep", ["all", None])
@pytest.mark.parametrize(
    ("command", "name"),
    [
        *(("predict", name) for name in ("deceleration", "delay", "status", "status_text", "stopping_distance")),
        *(("ecu", name) for name in ("deceleration", "vehicle", "difference", "onnx_deceleration")),
        ("predict --explain", "baseline"),
        ("predict --explain", "attribution_speed"),
    ],
)
def test_a_column_named_as_an_answer_is_refused(refused, command, name, keep):
    EVENTS.rename(columns={"t": name}).to_csv("t.csv", index=False)
    assert f"Got {name}, which is an answer" in refused(*command.split(), "--input", "t.csv", "--keep", keep or name)


def test_a_column_of_another_command_may_be_kept(answered):
    EVENTS.rename(columns={"t": "baseline"}).to_csv("t.csv", index=False)
    assert answered("predict", "--input", "t.csv", "--keep", "baseline")["predictions"][1]["baseline"] == 2


def test_times_and_truths_are_kept_as_they_are(run, answered):
    stamps = pd.to_datetime(["2026-01-01 10:00", None])
    kept = EVENTS.drop(columns=["t", "mass"]).assign(t=stamps, ok=[True, False], note=["a", None])
    kept.to_parquet("t.parquet")
    code, out, err = run("predict", "--input", "t.parquet", "--keep", "all")
    assert code == 0, err
    assert {"2026-01-01", "10:00:00", "True", "False"} <= {*out.split()}
    first, second = answered("predict", "--input", "t.parquet", "--keep", "all")["predictions"]
    assert (first["t"], first["ok"], first["note"]) == ("2026-01-01 10:00:00", True, "a")
    assert (second["t"], second["ok"], second["note"]) == (None, False, None)


def test_a_standstill_says_how_to_answer_the_other_rows(refused):
    EVENTS.assign(speed=[20.0, 0.0]).drop(columns="t").to_csv("t.csv", index=False)
    sentence = refused("predict", "--input", "t.csv", "--on-refusal", "raise")
    assert "speed in line 3 must be 1 to 70 m/s" in sentence
    assert "--on-refusal flag" in sentence
    assert "--on-refusal" not in refused("predict", "--speed", 0, "--brake-pressure-bar", 80)
