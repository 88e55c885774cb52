"""Every table, file and picture that shows an answer shows its status, and the last line counts the flags."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from acc_decel import evaluation, released_models
from acc_decel.cli import card_plots, plots
from acc_decel.cli.flag_lines import flag_summary
from acc_decel.correction import Correction, CorrectionFile, model_digest
from acc_decel.factors import schema
from acc_decel.predictor import Predictor
from acc_decel.status import BELOW_COMFORT, FLAGS, OUTSIDE_DOMAIN

EVENTS = "speed,brake_pressure_bar,surface,road_temperature_c\n30,100,ice,40\n20,80,asphalt,20\n"
TESTS = (
    "name,braking_distance_m,speed,surface,road_temperature_c,water_film_mm\n"
    "odd,90,30,ice,40,0\nplain,40,27,asphalt,20,0\n"
)


@pytest.fixture
def events(tmp_path):
    (tmp_path / "t.csv").write_text(EVENTS)
    return tmp_path / "t.csv"


def row_of(out: str, label: str) -> str:
    return next(line for line in out.splitlines() if line.strip("│| ").startswith(f"{label} "))


@pytest.mark.parametrize("columns", ["80", "120", "200"])
def test_the_table_of_predict_has_a_status_for_each_event(run, events, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    code, out, _ = run("predict", "--input", events)
    assert code == 0
    assert "outside" in row_of(out, "2")
    assert "ok" in row_of(out, "3")
    assert out.rstrip().splitlines()[-1].startswith("flagged: 1 of 2 events: 1 outside domain (a combination of")


def test_what_a_file_holds_is_counted_too(run, events, tmp_path):
    code, out, _ = run("predict", "--input", events, "--output", tmp_path / "a.csv")
    assert code == 0
    assert out.splitlines()[-1].startswith("flagged: 1 of 2 events")
    assert "rare in the training data" in pd.read_csv(tmp_path / "a.csv")["status_text"][0]


def test_a_program_gets_the_flags_of_each_event(answered, events):
    odd, plain = answered("predict", "--input", events)["predictions"]
    assert (odd["flags"], plain["flags"]) == (["OUTSIDE_DOMAIN", "BELOW_COMFORT"], [])


def test_attributions_are_shown_with_the_flags(run, events):
    _, out, _ = run("predict", "--input", events, "--explain")
    heading = next(line for line in out.splitlines() if "factor" in line and "line 2" in line)
    assert "line 2 (outside domain, below comfort)" in heading
    assert "line 3 (ok)" in heading
    assert out.rstrip().splitlines()[-1].startswith("flagged: 1 of 2")
    event = ("--speed", 30, "--brake-pressure-bar", 100, "--surface", "ice", "--road-temperature-c", 40)
    _, out, _ = run("predict", *event, "--explain")
    assert "what each factor adds to the deceleration (status: outside domain, below comfort)" in out


def test_a_table_of_attributions_breaks_no_number(run, tmp_path):
    predictor = Predictor()
    every = {f.name: f.levels[0] if f.levels else f.low + 0.4 * (f.high - f.low) for f in predictor.factors}
    pd.DataFrame([every | {"abs": 1.0}] * 12).to_csv(tmp_path / "t.csv", index=False)
    code, out, err = run("predict", "--input", tmp_path / "t.csv", "--explain")
    assert code == 0, err
    row = out[out.index("what each factor adds") :]
    cells = row_of(row, "brake_temperature_c").split("│")[2:-1]
    assert len(cells) == 8
    assert all(len(cell.strip()) == len("+0.00") for cell in cells)


@pytest.mark.parametrize("physics", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_tests_have_a_status_where_a_model_answers(run, tmp_path, physics):
    (tmp_path / "mine.csv").write_text(TESTS)
    arguments = ("evaluate", "--tests", tmp_path / "mine.csv", *(["--physics"] if physics else []))
    _, out, _ = run(*arguments)
    assert ("status" in out, "flagged" in out) == (not physics, not physics)
    _, text, _ = run(*arguments, "--json")
    rows = json.loads(text)["rows"]
    assert all(("flags" in row) == (not physics) for row in rows)
    if not physics:
        assert "outside domain" in row_of(out, "odd")
        assert out.rstrip().splitlines()[-1].startswith("flagged: 1 of 2 tests: 1 outside domain (")
        assert rows[0]["flags"] == ["OUTSIDE_DOMAIN", "BELOW_COMFORT"]


@pytest.mark.slow
def test_the_emulated_core_shows_the_status_too(run, events):
    _, out, _ = run("ecu", "--input", events)
    assert "outside domain" in row_of(out, "2")
    assert out.rstrip().splitlines()[-1].startswith("flagged: 1 of 2 events")
    assert "time_us: " in out
    _, text, _ = run("ecu", "--input", events, "--json", "--clock-mhz", 40)
    answer = json.loads(text)
    assert [row["flags"] for row in answer["answers"]] == [["OUTSIDE_DOMAIN", "BELOW_COMFORT"], []]
    assert answer["time_us"] == answer["cycles"] / 40


@pytest.mark.slow
def test_a_replayed_drive_shows_the_status_too(run, tmp_path):
    rows = [(0.02 * i, 30 - i, 100, "ice" if i > 2 else "asphalt", 40 if i > 2 else 20) for i in range(6)]
    names = ["time_s", "speed", "brake_pressure_bar", "surface", "road_temperature_c"]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "d.csv", index=False)
    _, out, _ = run("replay", tmp_path / "d.csv", "--plot", tmp_path / "d.svg", "--output", tmp_path / "a.csv")
    assert f"picture in {tmp_path / 'd.svg'}" in out
    assert f"11 answers in {tmp_path / 'a.csv'}" in out
    assert out.rstrip().splitlines()[-1].startswith("flagged: 11 of 11 ticks: 5 outside domain (")
    assert "seconds: 0.10\n" in out
    _, text, _ = run("replay", tmp_path / "d.csv", "--json")
    assert json.loads(text)["answers"][-1]["flags"] == ["OUTSIDE_DOMAIN", "BELOW_COMFORT"]


def texts(picture) -> str:
    return "".join(node.tail or "" for node in ElementTree.parse(picture).iter()) + picture.read_text()


def test_pictures_mark_what_is_flagged(tmp_path):
    answers = pd.DataFrame({"time_s": np.arange(4) / 100, "deceleration": 5.0, "instructions": 9000})
    answers = answers.assign(
        deceleration_lower=4.0, deceleration_upper=6.0, status=[0, OUTSIDE_DOMAIN, OUTSIDE_DOMAIN | BELOW_COMFORT, 0]
    )
    plots.save(plots.task_over_time(answers, None, "a drive"), tmp_path / "drive.svg")
    drawn = texts(tmp_path / "drive.svg")
    for said in (
        "flagged: 2 of 4 ticks: 2 outside domain; 1 below comfort",
        "<!-- outside domain",
        "<!-- below comfort",
    ):
        assert said in drawn


def test_the_picture_of_published_tests_marks_what_is_flagged(tmp_path):
    tests = evaluation.published_tests()
    rows = evaluation.evaluate_tests(tests, evaluation.load_predictors(tests))
    plots.save(card_plots.tests(rows), tmp_path / "tests.svg")
    drawn = texts(tmp_path / "tests.svg")
    assert flag_summary(rows["status"], "tests").partition(" (")[0] in drawn
    assert "<!-- below comfort" in drawn


def test_each_flag_there_is_would_be_shown():
    every = flag_summary([bit for bit, _ in FLAGS.values()])
    assert all(f"1 {name.lower().replace('_', ' ')} ({meaning})" in every for name, (_, meaning) in FLAGS.items())


def test_a_chart_of_a_limited_answer_says_what_its_factors_add_up_to(run, tmp_path):
    path = tmp_path / "c.json"
    model = released_models()["compact"] / "model.onnx"
    strong = Correction(scale=10.0, bias=20.0)
    CorrectionFile(schema(), model_digest(model), "compact", strong, 20, {}).save(path)
    code, out, _ = run("predict", "--speed", 20, "--brake-pressure-bar", 80, "--explain", "--correction", path)
    assert code == 0
    assert re.search(r"from these factors: \d\d+\.\d\d m/s\^2, limited to 18\.00 m/s\^2", out)
