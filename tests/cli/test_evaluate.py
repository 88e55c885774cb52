"""`acc-decel evaluate` with a user's own table: which model answers a test, and what is refused."""

from pathlib import Path

import matplotlib.image
import pytest

from acc_decel import Predictor, evaluation
from acc_decel.evaluation import braking_tests
from acc_decel.factors import OF_THE_VEHICLE
from tests.helpers.full_braking import write_full_braking

STOP = {"speed": 27.8, "surface": "asphalt"}


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch) -> dict[str, Path]:
    """Models of all vehicles that know full braking, in place of the released ones; each reaches another pressure."""
    names = evaluation.published_tests()["vehicle"].unique()
    folders = {n: write_full_braking(tmp_path / n, bar=120.0 + 5 * i, vehicle=n) for i, n in enumerate(names)}
    monkeypatch.setattr(braking_tests, "released_models", lambda: folders)
    return folders


@pytest.fixture
def table(tmp_path: Path):
    """A table of tests as the documentation describes it, with or without a column vehicle."""

    def table(*vehicles: str) -> Path:
        rows = [f"{'abc'[i]},40,27.8,asphalt,{v}" for i, v in enumerate(vehicles)]
        (tmp_path / "my_tests.csv").write_text("\n".join(["name,braking_distance_m,speed,surface,vehicle", *rows]))
        return tmp_path / "my_tests.csv"

    return table


def distance(model: Path) -> float:
    pressure = next(f.standard for f in Predictor(model).factors if f.name == OF_THE_VEHICLE)
    answer = Predictor(model).predict(**STOP, brake_pressure_bar=pressure, abs=1)
    return pytest.approx(answer.stopping_distance, rel=1e-5)


@pytest.mark.parametrize("name", ["saloon", "van"])
def test_the_model_that_is_given_answers_tests_without_a_vehicle(answered, models, tmp_path, name):
    (tmp_path / "my_tests.csv").write_text("name,braking_distance_m,speed,surface\nmine,40,27.8,asphalt\n")
    (row,) = answered("evaluate", "--tests", tmp_path / "my_tests.csv", "--model", models[name])["rows"]
    assert row["vehicle"] == name
    assert row["predicted_m"] == distance(models[name])


def test_each_test_is_full_braking_of_its_own_vehicle(answered, models, table):
    rows = answered("evaluate", "--tests", table("suv", "", "van"), "--model", models["van"])["rows"]
    assert [row["vehicle"] for row in rows] == ["suv", "van", "van"]
    assert [row["predicted_m"] for row in rows] == [distance(models[name]) for name in ("suv", "van", "van")]
    assert len({row["implied"] for row in rows}) == 2
    assert all("brake_pressure_bar=" in row["implied"] and "abs=1" in row["implied"] for row in rows)


def test_a_model_that_does_not_know_full_braking_asks_for_the_pressure(refused, tmp_path, table):
    unknowing = write_full_braking(tmp_path / "unknowing", bar=None)
    sentence = refused("evaluate", "--tests", table(""), "--model", unknowing)
    assert "brake_pressure_bar is required: 5 to 180 bar" in sentence


def test_without_a_model_the_compact_car_answers(answered, table):
    assert answered("evaluate", "--tests", table(""))["rows"][0]["vehicle"] == "compact"


REFUSED = {
    "no test of its vehicle": (("suv",), ("saloon",), "saloon must answer a test"),
    "one of two without a test": (("suv",), ("suv", "van"), "van must answer a test"),
    "two models, no vehicle": (("suv", ""), ("suv", "van"), "vehicle of b must be one of suv, van"),
    "twice the same": (("suv",), ("suv", "suv"), "must name one model for suv"),
}


@pytest.mark.parametrize(("vehicles", "given", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_model_that_cannot_answer_is_refused(refused, models, table, vehicles, given, said):
    options = [word for name in given for word in ("--model", models[name])]
    assert said in refused("evaluate", "--tests", table(*vehicles), *options)


def test_the_physics_takes_no_model(refused):
    assert "--physics predicts without a model" in refused("evaluate", "--physics", "--model", "suv")


SCORES = {
    "regime",
    "tests",
    "mean_abs_error_pct",
    "bias_pct",
    "inside_interval_pct",
    "mean_interval_pct",
    "rms_z",
}


def test_the_published_tests_are_reported_by_regime(answered, run, tmp_path):
    answer = answered("evaluate", "--plot", tmp_path / "regimes.png")
    assert [score["regime"] for score in answer["regimes"]] == ["dry", "wet new", "wet worn", "snow", "ice", "hot"]
    assert all(set(score) == SCORES for score in answer["regimes"])
    assert sum(score["tests"] for score in answer["regimes"]) == answer["tests"] == 112
    rows = {row["name"]: row for row in answer["rows"]}
    assert "grade=0; headwind=0; brake_temperature_c=550; mass=1950" in rows["AMSfade_VW_Golf_VI"]["implied"]
    assert rows["AMSfade_VW_Golf_VI"]["regime"] == "hot"
    assert matplotlib.image.imread(tmp_path / "regimes.png").std() > 0.05  # something is drawn
    code, out, err = run("evaluate")
    assert code == 0, err
    assert "chosen where a test states nothing else: grade=0; headwind=0; brake_temperature_c=100" in out
    assert "water_film_mm=1 (25)" in out
    for score in answer["regimes"]:
        assert f"{score['regime']}: measured distance" in out
        (line,) = [x for x in out.splitlines() if x.startswith(f"│ {score['regime']} ")]
        assert f"{score['bias_pct']:+.1f}" in line


def test_a_picture_of_no_kind_is_refused_before_any_work(refused, tmp_path):
    assert "must end in .png or .svg" in refused("evaluate", "--plot", tmp_path / "regimes.bmp")
    assert not (tmp_path / "regimes.bmp").exists()
