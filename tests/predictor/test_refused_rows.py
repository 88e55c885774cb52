"""Rows of a table that the model refuses: NaN with a status and a sentence; the other rows as if they were alone."""

import warnings

import numpy as np
import pandas as pd
import pytest

from acc_decel.factors import FACTORS
from acc_decel.predictor import ANSWERS, Predictor, RefusedError
from acc_decel.status import REFUSED

TABLE = pd.DataFrame(
    {"speed": [27.8, 20.0, 13.9], "brake_pressure_bar": [150.0, 80.0, 60.0], "surface": ["asphalt", "ice", None]}
)
RANGED = [f for f in FACTORS if not f.levels and f.name != "abs"]


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    """The default model."""
    return Predictor()


def with_value(row: int, name: str, value: object) -> pd.DataFrame:
    """The table with one value of one row replaced."""
    table = TABLE.copy()
    if name not in table:
        table[name] = np.nan
    table.loc[row, name] = value
    return table


@pytest.mark.parametrize("row", range(3))
@pytest.mark.parametrize("speed", [0.0, 0.5, 0.999, -3.0, 400.0, np.inf, np.nan])
def test_a_row_of_standstill_or_out_of_range_has_no_answer_and_the_others_keep_theirs(predictor, row, speed):
    answers = predictor.predict(with_value(row, "speed", speed))
    assert [*answers.columns] == [*ANSWERS]
    refused = answers.loc[row]
    assert refused.drop(["status", "status_text"]).isna().all()
    assert refused["status"] & REFUSED
    assert "no prediction: a factor is out of range, or a required one is missing" in refused["status_text"]
    others = TABLE.drop(index=row)
    pd.testing.assert_frame_equal(answers.drop(index=row), predictor.predict(others))


@pytest.mark.parametrize("factor", RANGED, ids=lambda f: f.name)
def test_a_factor_out_of_range_is_named_in_its_row_alone(predictor, factor):
    span = max(abs(factor.low), abs(factor.high), 1.0)
    answers = predictor.predict(with_value(1, factor.name, factor.high + span))
    assert answers["deceleration"].isna().tolist() == [False, True, False]
    assert f"{factor.name} is outside its range" in answers.loc[1, "status_text"]
    assert factor.name not in answers.loc[0, "status_text"].split("not available")[0]


@pytest.mark.parametrize("factor", RANGED, ids=lambda f: f.name)
def test_whoever_wants_an_error_gets_the_first_row_with_its_limit(predictor, factor):
    span = max(abs(factor.low), abs(factor.high), 1.0)
    table = with_value(1, factor.name, factor.high + span)
    with pytest.raises(RefusedError, match=rf"{factor.name} in row 1 \(counted from 0\) must be"):
        predictor.predict(table, on_refusal="raise")


def test_every_row_may_be_refused(predictor):
    answers = predictor.predict(TABLE.assign(speed=0.0))
    assert len(answers) == 3
    assert answers["deceleration"].isna().all()


def test_a_table_of_one_refused_row_is_answered_and_one_event_is_an_error(predictor):
    table = TABLE.iloc[:1].assign(speed=0.0)
    assert predictor.predict(table)["deceleration"].isna().all()
    with pytest.raises(RefusedError, match=r"speed must be 1 to 70 m/s .* Got 0"):
        predictor.predict(speed=0.0, brake_pressure_bar=80.0)
    assert predictor.predict(speed=0.0, brake_pressure_bar=80.0, on_refusal="flag").refused


def test_a_table_without_the_column_of_a_required_factor_is_an_error(predictor):
    for table in (TABLE.drop(columns="speed"), TABLE.rename(columns={"speed": "driven"})):
        with warnings.catch_warnings(action="ignore"), pytest.raises(RefusedError, match="speed is required"):
            predictor.predict(table)


def test_a_table_without_pressure_asks_about_full_braking(predictor):
    answers = predictor.predict(TABLE.drop(columns="brake_pressure_bar").assign(speed=[20.0, 0.0, 20.0]))
    assert answers["deceleration"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize("speed", [20.0, 0.0], ids=["a good row", "a refused row"])
def test_columns_that_are_no_factor_are_ignored_with_a_warning_and_never_answered_twice(predictor, speed):
    table = with_value(1, "speed", speed)
    extra = table.assign(deceleration=9.0, status="x", timestamp=1.0, driver="A")
    with pytest.warns(UserWarning, match="no braking factor: deceleration, status, timestamp, driver"):
        answers = predictor.predict(extra)
    assert not answers.columns.duplicated().any()
    pd.testing.assert_frame_equal(answers, predictor.predict(table))


@pytest.mark.parametrize("name", ["Speed", "speed (m/s)", "speed_mps", "brake_pressure", "tyre_presure_bar"])
def test_a_column_named_nearly_like_a_factor_is_an_error(predictor, name):
    table = TABLE.drop(columns=["speed" if "peed" in name else "brake_pressure_bar"]).assign(**{name: 30.0})
    with pytest.raises(ValueError, match="must be a braking factor"):
        predictor.predict(table)


def test_a_column_that_is_there_twice_is_an_error(predictor):
    with pytest.raises(ValueError, match="speed must be given once"):
        predictor.predict(pd.concat([TABLE, TABLE[["speed"]]], axis=1))


@pytest.mark.parametrize("index", [pd.Index(["a", "b", "c"]), pd.Index([7, 7, 7]), pd.RangeIndex(10, 13)], ids=str)
def test_labels_of_rows_stay_also_when_they_repeat(predictor, index):
    answers = predictor.predict(with_value(1, "speed", 0.0).set_axis(index))
    assert list(answers.index) == list(index)
    assert answers["deceleration"].isna().tolist() == [False, True, False]


def test_a_refused_row_has_no_explanation_and_the_others_have_theirs(predictor: Predictor):
    answers = predictor.predict(with_value(1, "speed", 0.0), explain=True)
    alone = predictor.predict(TABLE.iloc[[0, 2]], explain=True)
    pd.testing.assert_frame_equal(answers.iloc[[0, 2]], alone)
    assert answers.loc[1, [name for name in answers if name.startswith("attribution_")]].isna().all()
