"""`acc-decel evaluate` with a user's own table: which model answers a test, and what is refused."""

from pathlib import Path

import pytest

from acc_decel import Predictor
from acc_decel.evaluation import FULL_BRAKING_BAR

STOP = {"speed": 27.8, "surface": "asphalt"}


@pytest.fixture
def table(tmp_path: Path):
    """A table of tests as the documentation describes it, with or without a column vehicle."""

    def table(*vehicles: str) -> Path:
        rows = [f"{'abc'[i]},40,27.8,asphalt,{v}" for i, v in enumerate(vehicles)]
        (tmp_path / "my_tests.csv").write_text("\n".join(["name,braking_distance_m,speed,surface,vehicle", *rows]))
        return tmp_path / "my_tests.csv"

    return table


def distance(model: str | Path) -> float:
    answer = Predictor(model).predict(**STOP, brake_pressure_bar=FULL_BRAKING_BAR, abs=1)
    return pytest.approx(answer.stopping_distance, rel=1e-5)


@pytest.mark.parametrize("model", ["saloon", "van"])
def test_the_model_that_is_given_answers_tests_without_a_vehicle(answered, tmp_path, model):
    (tmp_path / "my_tests.csv").write_text("name,braking_distance_m,speed,surface\nmine,40,27.8,asphalt\n")
    (row,) = answered("evaluate", "--tests", tmp_path / "my_tests.csv", "--model", model)["rows"]
    assert row["vehicle"] == model
    assert row["predicted_m"] == distance(model)


def test_a_model_of_ones_own_answers_them_too(answered, small_model, table):
    (row,) = answered("evaluate", "--tests", table(""), "--model", small_model)["rows"]
    assert row["predicted_m"] == distance(small_model) != distance("compact").expected


def test_a_test_with_a_vehicle_is_answered_by_the_model_of_that_vehicle(answered, table):
    rows = answered("evaluate", "--tests", table("suv", "", "van"), "--model", "van")["rows"]
    assert [row["vehicle"] for row in rows] == ["suv", "van", "van"]


def test_without_a_model_the_compact_car_answers(answered, table):
    assert answered("evaluate", "--tests", table(""))["rows"][0]["vehicle"] == "compact"


REFUSED = {
    "no test of its vehicle": (("suv",), ("saloon",), "--model saloon must answer a test"),
    "one of two without a test": (("suv",), ("suv", "van"), "--model van must answer a test"),
    "two models, no vehicle": (("suv", ""), ("suv", "van"), "vehicle of b must be one of suv, van"),
    "twice the same": (("suv",), ("suv", "suv"), "must name one model for suv"),
}


@pytest.mark.parametrize(("vehicles", "models", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_model_that_cannot_answer_is_refused(refused, table, vehicles, models, said):
    options = [word for model in models for word in ("--model", model)]
    assert said in refused("evaluate", "--tests", table(*vehicles), *options)


def test_the_physics_takes_no_model(refused):
    assert "--physics predicts without a model" in refused("evaluate", "--physics", "--model", "suv")
