"""Published braking tests and a user's own: the facts are carried unchanged, every row is predicted."""

import json
import re
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from conftest import SHARED_TABLES

from acc_decel import Predictor, evaluation
from acc_decel.cli.card import own_tests as card_tests
from acc_decel.evaluation.implied import implied_values
from acc_decel.evaluation.physics_tests import simulate_tests
from acc_decel.factors import FACTORS, column_names
from acc_decel.model_folder import read_model
from acc_decel.outputs import OUTPUTS
from acc_decel.predictor import columns_of
from tests.helpers.full_braking import write_full_braking

KNOWN = {*(f.name for f in FACTORS), *column_names()}


@pytest.fixture(scope="module")
def small(small_net, tmp_path_factory) -> dict[str, Predictor]:
    return {"compact": Predictor(write_full_braking(tmp_path_factory.mktemp("small") / "compact", small_net))}


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    return evaluation.published_tests()


@pytest.fixture(scope="module")
def results(published) -> pd.DataFrame:  # by the released models
    return evaluation.evaluate_tests(published, evaluation.load_predictors(published))


def own_tests(folder: Path, text: str) -> Path:
    path = folder / "mine.csv"
    path.write_text(text)
    return path


def test_the_facts_are_those_of_the_source(published):
    if not SHARED_TABLES.is_dir():
        pytest.skip("recordings of others are not part of the project")
    source = pd.concat(pd.read_csv(SHARED_TABLES / f"braking_tests{part}.csv") for part in ("", "_2"))
    assert published["name"].tolist() == source["id"].tolist()
    for column in ("kind", "conditions", "source"):
        assert published[column].tolist() == source[column].tolist(), column
    np.testing.assert_array_equal(published["braking_distance_m"], source["braking_distance_m"])
    np.testing.assert_allclose(published["speed"], source["v0_kmh"] / 3.6, rtol=1e-4)
    stated = source["note"].str.extract(r"trust ([ABC])(?:; vehicle (\w+))?")
    assert published["trust"].fillna("").tolist() == stated[0].fillna("").tolist()
    assert (published["vehicle"][stated[1].notna().to_numpy()] == stated[1].dropna().to_numpy()).all()
    dry = source["surface"].str.startswith("dry").to_numpy()
    np.testing.assert_array_equal(published["water_film_mm"] == 0, dry)


def test_every_published_test_names_its_source_and_conditions(published):
    assert published["name"].is_unique
    assert (published["source"].str.len() > 10).all()
    assert (published["conditions"].str.len() > 5).all()
    assert (published["braking_distance_m"] > 0).all()


def test_what_a_published_test_does_not_state_stays_not_available(published):
    columns = columns_of(evaluation.factors_of(published))
    implied = [implied_values(text) for text in published["implied"]]
    for f in FACTORS:
        follows = np.array([f.name in values for values in implied])
        lacking = np.isnan(columns[:, [column_names().index(c) for c in f.columns]]).all(axis=1)
        if f.name in published:
            stated = published[f.name].notna()
            np.testing.assert_array_equal(lacking, ~stated & ~follows & (f.standard is None), err_msg=f.name)
        else:
            np.testing.assert_array_equal(lacking, ~follows, err_msg=f.name)


def test_every_published_test_is_level_and_calm_with_discs_at_100_degc_unless_it_says_otherwise(published):
    factors = evaluation.factors_of(published)
    assert (factors["grade"] == 0).all() and (factors["headwind"] == 0).all()
    hot = published["conditions"].str.contains("hot brakes")
    assert factors["brake_temperature_c"].tolist() == np.where(hot, 550, 100).tolist()


def test_a_published_test_that_contradicts_its_source_or_that_no_model_can_represent_hardly_counts(published):
    weight = published.set_index("name")["weight"]
    assert weight[weight < 1].to_dict() == {
        "AMS_rain150_8mm": 0.1,
        "AMS_rain150_2.5mm": 0.1,
        "ADAC15_X3_caravan": 0.0,
    }


def test_every_published_test_is_predicted(published, results):
    assert results["name"].tolist() == published["name"].tolist()
    assert results["vehicle"].tolist() == published["vehicle"].tolist()
    assert np.isfinite(results["predicted_m"]).all()
    assert (results["lower_m"] < results["predicted_m"]).all()
    assert (results["predicted_m"] < results["upper_m"]).all()
    np.testing.assert_array_equal(results["measured_m"], published["braking_distance_m"])


def test_published_distances_are_met_within_15_percent_on_average(results):
    found = evaluation.summarise(results)
    assert found.mean_abs_error_pct <= 15
    assert found.inside_interval_pct >= 60


def test_the_summary_counts_measured_tests_only():
    rows = pd.DataFrame(
        {
            "name": ["a", "b", "c"],
            "kind": ["measured", "measured", evaluation.BOUND],
            "measured_m": [40.0, 50.0, 30.0],
            "predicted_m": [44.0, 40.0, 90.0],
            "lower_m": [35.0, 35.0, 80.0],
            "upper_m": [55.0, 45.0, 99.0],
            "error_pct": [10.0, -20.0, 200.0],
            "inside": [True, False, False],
        }
    )
    found = evaluation.summarise(rows)
    assert (found.tests, found.mean_abs_error_pct, found.inside_interval_pct) == (2, 15.0, 50.0)
    assert (found.worst, found.worst_error_pct) == ("b", 20.0)
    assert found.mean_interval_pct == pytest.approx((50 + 20) / 2)
    assert found.bias_pct == pytest.approx(-5)
    near, far = np.log(44 / 40) / np.log(44 / 35), np.log(50 / 40) / np.log(45 / 40)
    assert found.rms_z == pytest.approx(1.645 * np.sqrt((near**2 + far**2) / 2))
    with pytest.raises(ValueError, match="Got only bounds"):
        evaluation.summarise(rows[2:])


def test_the_error_is_the_predicted_distance_over_the_measured(small, tmp_path):
    path = own_tests(tmp_path, "name,braking_distance_m,speed,surface,water_film_mm\nmine,40,27.8,asphalt,0\n")
    row = evaluation.evaluate_tests(evaluation.read_tests(path), small).iloc[0]
    answer = small["compact"].predict(speed=27.8, surface="asphalt", water_film_mm=0)
    assert row["predicted_m"] == pytest.approx(answer.stopping_distance, rel=1e-5)
    assert row["upper_m"] == pytest.approx(answer.stopping_distance_upper, rel=1e-5)
    assert row["lower_m"] == pytest.approx(27.8 * answer.delay + 27.8**2 / (2 * answer.deceleration_upper), rel=1e-5)
    assert row["error_pct"] == pytest.approx(100 * (answer.stopping_distance / 40 - 1), rel=1e-4)
    assert row["inside"] == (row["lower_m"] <= 40 <= row["upper_m"])


def test_own_tests_may_leave_out_columns_and_cells(small, tmp_path):
    few = "name,braking_distance_m,speed\na,40,27.8\nb,30,25\n"
    many = (
        "name,braking_distance_m,vehicle,speed,brake_pressure_bar,mass,abs,surface\n"
        "a,40,,27.8,,,,\n"
        "b,30,compact,25,150,,1,\n"
    )
    results = [
        evaluation.evaluate_tests(evaluation.read_tests(own_tests(tmp_path, text)), small)["predicted_m"]
        for text in (few, many)
    ]
    np.testing.assert_allclose(*results)


def test_own_tests_keep_what_they_state(small, tmp_path):
    text = "name,braking_distance_m,speed,brake_pressure_bar,abs\na,90,27.8,30,\nb,40,27.8,,\nc,60,27.8,,0\n"
    predicted = evaluation.evaluate_tests(evaluation.read_tests(own_tests(tmp_path, text)), small)["predicted_m"]
    assert predicted.nunique() == 3
    assert predicted[0] > predicted[1]


def test_own_tests_of_several_vehicles_keep_their_order(small, tmp_path):
    models = {"compact": small["compact"], "other": small["compact"]}
    text = "name,braking_distance_m,speed,vehicle\na,40,27.8,other\nb,40,27.8,compact\nc,40,27.8,other\nd,40,27.8,\n"
    rows = evaluation.evaluate_tests(evaluation.read_tests(own_tests(tmp_path, text)), models)
    assert rows["name"].tolist() == ["a", "b", "c", "d"]


WRONG_TESTS = {
    "no name": ("braking_distance_m,speed\n40,27\n", "must have a column name"),
    "no distance": ("name,speed\na,27\n", "must have a column braking_distance_m"),
    "no speed": ("name,braking_distance_m\na,27\n", "must have a column speed"),
    "empty distance": ("name,braking_distance_m,speed\na,40,27\nb,,27\n", "braking_distance_m of b must be above 0 m"),
    "negative distance": ("name,braking_distance_m,speed\na,-40,27\n", "braking_distance_m of a.*Got -40"),
    "text for a distance": ("name,braking_distance_m,speed\na,long,27\n", "braking_distance_m of a.*Got long"),
    "unknown column": ("name,braking_distance_m,speed,waterfilm_mm\na,40,27,1\n", "Did you mean water_film_mm"),
    "only a header": ("name,braking_distance_m,speed\n", "at least one"),
    "a row of commas": ("name,braking_distance_m,speed\na,40,27\n,,\n", "line 3 must hold a test. Got only empty"),
    "no name in a row": ("name,braking_distance_m,speed\n,40,27\n", "name must be .* Got no value in line 2"),
    "a field too many": ("name,braking_distance_m,speed\nb,40,27\na,40,27.78,5\n", "3 fields .* Got 4 in line 3"),
    "a field too few": ("name,braking_distance_m,speed\na,40\n", "3 fields .* Got 2 in line 2"),
    "implied without a value": ("name,braking_distance_m,speed,implied\na,40,27,grade\n", "in line 2: .*factor=value"),
    "implied of no factor": (
        "name,braking_distance_m,speed,implied\na,40,27,slope=0\n",
        "slope must be a braking factor",
    ),
    "implied beyond": ("name,braking_distance_m,speed,implied\na,40,27,grade=2\n", "line 2: grade must be -0.2 to 0.2"),
    "implied twice": ("name,braking_distance_m,speed,implied\na,40,27,mass=1500;mass=1600\n", "Got mass twice"),
    "too heavy a weight": ("name,braking_distance_m,speed,weight\na,40,27,2\n", "weight of a must be 0 to 1.*Got 2"),
    "unknown kind": (
        "name,kind,braking_distance_m,speed\na,measured,40,27\nb,nonsense,40,27\nc,,40,27\n",
        "kind of b must be measured or measured_bound, .* Got nonsense in line 3",
    ),
    "a kind with a capital": ("name,kind,braking_distance_m,speed\na,Measured,40,27\n", "kind of a .* Got Measured"),
    "nothing": ("", "must be a readable csv table"),
}


@pytest.mark.parametrize(("text", "said"), WRONG_TESTS.values(), ids=WRONG_TESTS.keys())
def test_a_file_of_tests_with_a_mistake_is_refused_by_name(tmp_path, text, said):
    path = own_tests(tmp_path, text)
    with pytest.raises(ValueError, match=f"mine.csv.*{said}"):
        evaluation.read_tests(path)


def test_a_file_of_tests_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"none\.csv must be a readable csv table"):
        evaluation.read_tests(tmp_path / "none.csv")


WRONG_ROWS = {
    "vehicle without a model": ("vehicle", "tank", "vehicle of b must be one with a model: compact.*Got 'tank'"),
    "speed in km/h": ("speed", "130", "speed in test 'b' must be.*If that was km/h, give 36.11"),
    "no speed": ("speed", "", "speed in test 'b' is required"),
    "unknown surface": ("surface", "tarmac", "surface in test 'b' must be one of"),
    "text for a number": ("mass", "heavy", "mass in test 'b' must be a number"),
}


@pytest.mark.parametrize(("column", "value", "said"), WRONG_ROWS.values(), ids=WRONG_ROWS.keys())
def test_a_test_that_cannot_be_predicted_is_named(small, tmp_path, column, value, said):
    good = {"name": "a", "braking_distance_m": "40", "speed": "27.8", "vehicle": "compact", "surface": "", "mass": ""}
    bad = good | {"name": "b", column: value}
    text = "\n".join([",".join(good), ",".join(good.values()), ",".join(bad.values())])
    with pytest.raises(ValueError, match=said):
        evaluation.evaluate_tests(evaluation.read_tests(own_tests(tmp_path, text)), small)


def test_a_model_that_is_named_takes_the_place_of_the_released_one(small_model, monkeypatch):
    released = {"compact": small_model}
    monkeypatch.setattr(evaluation.braking_tests, "released_models", lambda: released)
    tests = pd.DataFrame({"name": ["a"], "braking_distance_m": [40.0], "speed": [27.8]})
    named = evaluation.load_predictors(tests, (str(small_model / "model.onnx"),))
    assert named["compact"].path == small_model / "model.onnx"
    released.clear()
    with pytest.raises(ValueError, match="must be one with a model"):
        evaluation.evaluate_tests(tests, evaluation.load_predictors(tests))


def test_an_empty_vehicle_column_means_the_compact_car(small, tmp_path):
    text = "name,braking_distance_m,speed,vehicle\na,40,27.8,\n"
    tests = evaluation.read_tests(own_tests(tmp_path, text))
    assert list(evaluation.evaluate_tests(tests, small)["vehicle"]) == ["compact"]


@pytest.mark.slow
def test_the_physics_itself_meets_the_published_tests(published):
    rows = simulate_tests(published)
    found = evaluation.summarise(rows)
    assert found.mean_abs_error_pct < 11
    assert 88 < found.inside_interval_pct < 98
    for regime in evaluation.score_regimes(rows):
        if regime.tests >= 20:
            assert abs(regime.bias_pct) < 8, regime
            assert 0.7 < regime.rms_z < 1.2, regime


def test_a_models_card_tells_its_metrics_and_shows_its_pictures(small_model, run, monkeypatch, tmp_path):
    monkeypatch.setattr("acc_decel.cli.card.EVENTS", 3_000)
    net, metrics = read_model(small_model)
    small_model = write_full_braking(tmp_path / "compact", net, metrics=metrics)
    code, said, err = run("card", small_model)
    assert code == 0, err
    text = (small_model / "card.md").read_text()
    for name in OUTPUTS:
        assert f"`{name}`" in text
    for regime in json.loads((small_model / "metrics.json").read_text())["regimes"]:
        assert f"| {regime} |" in text
    pictures = re.findall(r"!\[.*\]\((.*)\)", text)
    assert f"{len(pictures)} pictures" in said
    assert len(pictures) == 5
    for score in evaluation.score_regimes(card_tests(Predictor(small_model))):
        assert f"| {score.regime} | {score.tests} | {score.mean_abs_error_pct:.1f} % |" in text
    assert all(matplotlib.image.imread(small_model / name).std() > 0.05 for name in pictures)  # something is drawn
    assert read_model(small_model)  # the card leaves the model as it was
