"""`acc-decel predict --input`: other columns, refused rows, and which row an error is about."""

from pathlib import Path

import pandas as pd
import pytest

from acc_decel import Predictor

EVENTS = pd.DataFrame({"timestamp": [0.0, 0.1, 0.2], "speed": [20.0, 0.0, 12.0], "brake_pressure_bar": [80.0, 80, 60]})


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """A drive with a standstill and a column that is no factor."""
    EVENTS.to_csv(tmp_path / "drive.csv", index=False)
    return tmp_path / "drive.csv"


def test_all_columns_that_are_no_factor_are_ignored_with_a_note(run, tmp_path):
    EVENTS.assign(id=1, quality="good").to_csv(tmp_path / "drive.csv", index=False)
    code, _, err = run("predict", "--input", tmp_path / "drive.csv", "--output", tmp_path / "answers.csv")
    assert code == 0
    assert "ignored, being no braking factor: timestamp, id, quality; --keep all copies such columns" in err
    answers = pd.read_csv(tmp_path / "answers.csv")
    assert "timestamp" not in answers
    assert answers["deceleration"].notna().tolist() == [True, False, True]


def test_a_misspelt_factor_is_recognised_among_them(refused, tmp_path):
    EVENTS.rename(columns={"brake_pressure_bar": "break_pressure_bar"}).to_csv(tmp_path / "d.csv", index=False)
    sentence = refused("predict", "--input", tmp_path / "d.csv", "--keep", "timestamp")
    assert "Got also break_pressure_bar: --keep break_pressure_bar" in sentence
    assert "Did you mean brake_pressure_bar?" in sentence


def test_every_other_column_can_be_kept_at_once(answered, drive):
    rows = answered("predict", "--input", drive, "--keep", "all", "--on-refusal", "flag")["predictions"]
    assert [row["timestamp"] for row in rows] == EVENTS["timestamp"].tolist()


def test_a_refused_row_is_flagged_and_the_others_are_answered(run, drive, tmp_path):
    code, _, err = run(
        "predict", "--input", drive, "--keep", "all", "--on-refusal", "flag", "--output", tmp_path / "answers.csv"
    )
    assert code == 0
    assert "no answer for 1 of 3 rows" in err
    assert "line 3: speed must be 1 to 70 m/s (vehicle speed over ground). Got 0." in err
    answers = pd.read_csv(tmp_path / "answers.csv")
    assert answers["deceleration"].notna().tolist() == [True, False, True]
    assert "speed is outside its range" in answers["status_text"][1]
    expected = Predictor().predict(speed=12.0, brake_pressure_bar=60.0)
    assert answers["deceleration"][2] == pytest.approx(expected.deceleration, rel=1e-6)


def test_a_refused_row_is_a_dash_for_people(run, drive):
    code, out, err = run("predict", "--input", drive, "--keep", "timestamp", "--on-refusal", "flag")
    assert code == 0, err
    row = next(line for line in out.splitlines() if line.split()[1:2] == ["3"])
    assert "nan" not in out
    assert row.split().count("-") == 7


def test_one_event_is_flagged_too(answered):
    (row,) = answered("predict", "--speed", 90, "--brake-pressure-bar", 80, "--on-refusal", "flag")["predictions"]
    assert row["deceleration"] is None


def test_a_refused_row_is_an_error_with_its_line_for_who_wants_it(refused, drive):
    sentence = refused("predict", "--input", drive, "--keep", "timestamp", "--on-refusal", "raise")
    assert "speed in line 3 must be 1 to 70 m/s" in sentence


def test_rows_of_a_parquet_file_count_from_0_and_say_so(refused, tmp_path):
    EVENTS.drop(columns="timestamp").to_parquet(tmp_path / "drive.parquet")
    assert "speed in row 1 (counted from 0) must be" in refused(
        "predict", "--input", tmp_path / "drive.parquet", "--on-refusal", "raise"
    )


def test_a_kept_column_may_begin_like_an_attribution(run, tmp_path):
    EVENTS[1:].iloc[[1, 1]].assign(attribution_of="fleet 7").to_csv(tmp_path / "d.csv", index=False)
    code, out, err = run("predict", "--input", tmp_path / "d.csv", "--keep", "all")
    assert code == 0, err
    assert "fleet" in out


def test_a_kept_column_never_hides_behind_the_flags_of_the_answer(refused, tmp_path):
    EVENTS[2:].assign(flags="mine").to_csv(tmp_path / "d.csv", index=False)
    sentence = refused("predict", "--input", tmp_path / "d.csv", "--keep", "all", "--json")
    assert "Got flags, which is an answer: rename that column" in sentence


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_bad_row_of_a_file_has_no_answer_and_says_why(run, tmp_path, ending):
    table = EVENTS.drop(columns="timestamp").assign(speed=[20.0, 0.0, 20.0])
    path, answers = tmp_path / f"drive.{ending}", tmp_path / "answers.csv"
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    code, out, err = run("predict", "--input", path, "--output", answers)
    row = "line 3" if ending == "csv" else "row 1 (counted from 0)"
    assert code == 0
    assert "no answer for 1 of 3 rows" in err
    assert f"{row}: speed must be 1 to 70 m/s (vehicle speed over ground). Got 0." in err
    assert "1 refused" in out
    written = pd.read_csv(answers)
    assert written["deceleration"].isna().tolist() == [False, True, False]
    assert "speed is outside its range" in written["status_text"][1]


def test_a_column_of_the_table_never_stands_beside_an_answer_of_the_same_name(run, refused, tmp_path):
    path, answers = tmp_path / "stops.csv", tmp_path / "answers.csv"
    EVENTS.drop(columns="timestamp").assign(deceleration=9.1).to_csv(path, index=False)
    arguments = ("predict", "--input", path, "--output", answers)
    assert "Got deceleration, which is an answer: rename that column" in refused(*arguments, "--keep", "deceleration")
    code, _, err = run(*arguments)
    assert code == 0
    assert "ignored, being no braking factor: deceleration" in err
    header = answers.read_text().split("\n", 1)[0].split(",")
    assert len(header) == len(set(header))
