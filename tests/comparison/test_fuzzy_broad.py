"""Fuzzy broad learning and the benchmark of methods: it learns in closed form, and errors are counted right."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import COMPACT, sensed_events
from numpy import ndarray

from acc_decel import Predictor
from acc_decel.comparison import fuzzy_broad
from acc_decel.comparison.folder import arrays_bytes, arrays_file, read_arrays, read_folder, write_folder
from acc_decel.comparison.fuzzy_broad import KIND, MIN_EVENTS, FuzzyBroad, FuzzyBroadTraining, k_means, metrics, train
from acc_decel.factors import FACTORS, column_names
from acc_decel.network.split import in_split
from acc_decel.outputs import MEDIAN, OUTPUTS
from benchmarks import network as bench
from tests.network.test_network import shortened

pytestmark = pytest.mark.slow

SMALL = FuzzyBroadTraining(rules=3, enhancement=10)
ARRAYS = arrays_file(KIND)
FORCED = [f for f in FACTORS if f.direction]


@pytest.fixture(scope="module")
def system(small_data) -> FuzzyBroad:
    return train(small_data, COMPACT.factors, SMALL)


def test_it_learns_what_a_car_can_do(system, small_data):
    found = metrics(system, small_data)
    assert found["events"] == in_split(small_data.event, "test").sum()
    assert found["rmse"] < 0.75 * small_data.deceleration.std()
    complete, lost = found["regimes"].values()
    assert complete["rmse"] < lost["rmse"], "what lacks costs accuracy"
    assert complete["events"] + lost["events"] == found["events"]


def test_several_rules_beat_one_which_is_a_straight_line(system, small_data):
    straight = train(small_data, COMPACT.factors, FuzzyBroadTraining(subsystems=1, rules=1, enhancement=0))
    one, several = (metrics(s, small_data)["regimes"]["every factor available"]["rmse"] for s in (straight, system))
    assert several < 0.9 * one


def test_the_interval_covers_about_90_of_100_unseen_stops(system, small_data):
    found = metrics(system, small_data)
    assert found["coverage"] == pytest.approx(0.90, abs=0.06)
    assert found["below_lower"] == pytest.approx(0.05, abs=0.04)


def test_each_quantile_is_beaten_as_often_as_it_says_where_it_was_calibrated(system, small_data):
    rows = in_split(small_data.event, "calibration")
    answers = dict(zip(OUTPUTS, system(small_data.columns[rows]).T, strict=True))
    quantiles = {name: level for name, level in fuzzy_broad.LEVELS.items() if name in OUTPUTS}
    assert {"deceleration_lower", "deceleration_upper"} <= set(quantiles)
    for name, level in quantiles.items():
        below = np.mean(small_data.deceleration[rows] < answers[name])
        assert below == pytest.approx(level, abs=3 / rows.sum())


def test_the_slopes_are_a_ridge_regression(system, small_data):
    # At the solution the gradient of squared error plus damping vanishes.
    rows = in_split(small_data.event, "training")
    nodes = system.nodes(small_data.columns[rows])
    labels = np.stack([small_data.deceleration[rows], small_data.delay[rows]], axis=1)
    damping = SMALL.ridge * np.mean(np.sum(nodes**2, axis=0))
    gradient = nodes.T @ (nodes @ system.linear - labels) + damping * system.linear
    assert np.abs(gradient).max() < 1e-6 * np.abs(nodes.T @ labels).max()


def test_the_rules_of_a_subsystem_fire_in_shares():
    rng = np.random.default_rng(2)
    firing = fuzzy_broad._firing(50 * rng.standard_normal((100, 7)), rng.standard_normal((4, 7)), 0.1)
    np.testing.assert_allclose(firing.sum(axis=1), 1)
    assert (firing >= 0).all()


def test_k_means_finds_groups_that_lie_apart():
    rng = np.random.default_rng(3)
    wanted = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    x = np.repeat(wanted, 100, axis=0) + 0.1 * rng.standard_normal((300, 2))
    centers = k_means(x, 12, rng)  # more than groups: each group has one
    assert np.linalg.norm(wanted[:, None] - centers, axis=2).min(axis=1).max() < 0.5


def test_the_same_seed_trains_the_same_system_and_another_seed_another(system, small_data):
    same, other = (train(small_data, COMPACT.factors, replace(SMALL, seed=seed)) for seed in (1, 2))
    assert arrays_bytes(same.arrays()) == arrays_bytes(system.arrays())
    assert arrays_bytes(other.arrays()) != arrays_bytes(system.arrays())


def test_too_few_events_are_refused(small_data):
    with pytest.raises(ValueError, match=f"at least {MIN_EVENTS} events. Got {MIN_EVENTS - 1}"):
        train(shortened(small_data, MIN_EVENTS - 1), COMPACT.factors, SMALL)


def test_a_constant_column_is_refused_by_name(small_data):
    columns = small_data.columns.copy()
    columns[:, column_names().index("mass")] = 1500
    with pytest.raises(ValueError, match="only one value in mass"):
        train(replace(small_data, columns=columns), COMPACT.factors, SMALL)


def written(folder: Path, system: FuzzyBroad) -> Path:
    write_folder(folder, KIND, system.arrays(), vehicle="compact", dataset={}, training={}, metrics={"rmse": 1.0})
    return folder


def read(folder: Path) -> FuzzyBroad:
    return FuzzyBroad.from_arrays(read_folder(folder, KIND))


def test_a_system_stored_and_read_is_the_same(system, tmp_path):
    again = read(written(tmp_path, system))
    events = sensed_events(300)
    np.testing.assert_array_equal(again(events), system(events))
    assert again.factors == system.factors
    assert again.weights == system.weights


def test_a_changed_file_is_refused(system, tmp_path):
    (written(tmp_path, system) / ARRAYS).write_bytes(b"other")
    with pytest.raises(ValueError, match=rf"{ARRAYS} must have its hash in manifest\.json"):
        read(tmp_path)
    with pytest.raises(ValueError, match=f"{ARRAYS} must be the stored arrays"):
        read_arrays(tmp_path / ARRAYS, KIND)


def test_arrays_of_another_schema_are_refused(system, tmp_path):
    path = tmp_path / ARRAYS
    path.write_bytes(arrays_bytes(system.arrays() | {"schema": np.array("00000000")}))
    with pytest.raises(ValueError, match="trained for factor schema 00000000"):
        read_arrays(path, KIND)


MANIFESTS = {
    "empty": ("", "must be readable JSON"),
    "no JSON": ("{", "must be readable JSON"),
    "nested for ever": ("[" * 100_000, "must be readable JSON"),
    "a list": ("[]", "must be a JSON object. Got list"),
    "nothing": ("null", "must be a JSON object. Got NoneType"),
    "no hashes": (f'{{"kind": "{KIND}"}}', "must hold the hashes of"),
    "no hash at all": (f'{{"kind": "{KIND}", "sha256": {{}}}}', "must hold the hashes of"),
    "hashes as a list": (f'{{"kind": "{KIND}", "sha256": []}}', "must hold the hashes of"),
    "a file elsewhere": (f'{{"kind": "{KIND}", "sha256": {{"/etc/passwd": ""}}}}', "must hold the hashes of"),
}


@pytest.mark.parametrize(("text", "said"), MANIFESTS.values(), ids=MANIFESTS.keys())
def test_a_damaged_manifest_is_refused_in_one_sentence(tmp_path, text, said):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=f"manifest.json {said}"):
        read(tmp_path)


def test_a_folder_without_such_a_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match=f"must hold a {KIND} model"):
        read(tmp_path)


def test_the_predictor_refuses_it_in_a_sentence(system, tmp_path):
    with pytest.raises(ValueError, match=f"Got a {KIND} model, which has no ONNX or C form"):
        Predictor(written(tmp_path, system))


@pytest.fixture(scope="module")
def quick_default():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fuzzy_broad, "FuzzyBroadTraining", lambda seed: replace(SMALL, seed=seed))
        yield


def test_the_command_line_trains_it_and_refuses_to_export_it(quick_default, answered, refused, small_folder, tmp_path):
    folder = tmp_path / "model"
    found = answered("train", small_folder, "--model", KIND, "--output", folder)
    in_file = json.loads((folder / "metrics.json").read_text())
    assert in_file["rmse"] == found["rmse"]
    assert in_file["training"]["rules"] == SMALL.rules
    assert read(folder).weights == found["weights"]
    for command in (("export", folder, "--output", tmp_path / "c"), ("verify", folder)):
        assert f"Got a {KIND} model" in refused(*command)
    assert not (tmp_path / "c").exists()


def test_the_command_line_prints_it_as_a_table(quick_default, run, small_folder, tmp_path):
    code, out, _ = run("train", small_folder, "--model", KIND, "--output", tmp_path)
    assert code == 0
    assert "every factor available" in out


def test_options_of_the_network_are_refused(refused, small_folder, tmp_path):
    sentence = refused("train", small_folder, "--model", KIND, "--epochs", 3, "--output", tmp_path / "model")
    assert sentence.startswith("--epochs must be left out")
    assert not (tmp_path / "model").exists()


def test_the_folder_of_a_network_is_not_overwritten(refused, small_folder, small_model):
    before = (small_model / "manifest.json").read_bytes()
    assert "Got another model" in refused("train", small_folder, "--model", KIND, "--output", small_model)
    assert (small_model / "manifest.json").read_bytes() == before


def test_the_error_against_the_median_is_free_of_the_oracles_own():
    rng = np.random.default_rng(4)
    median = rng.normal(5, 2, 40_000)
    truth = bench.Truth(
        median[:, None], median + rng.normal(0, 1, 40_000), median[:, None] + rng.normal(0, 0.5, (40_000, 2))
    )
    rmse, error = truth.rmse(lambda columns: columns[:, 0] + 0.1)
    assert abs(rmse - 0.1) < 4 * error
    assert error < 0.03
    assert truth.rmse_single(lambda columns: columns[:, 0]) == pytest.approx(1, abs=0.02)
    assert truth.irreducible() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("f", FORCED, ids=lambda f: f.name)
def test_a_method_that_goes_against_one_factor_is_found_out(f):
    def against(columns: ndarray) -> ndarray:
        return -f.direction * np.nan_to_num(columns[:, column_names().index(f.name)])

    found = bench.wrong_ways(against, COMPACT.factors, sensed_events(500))
    by_factor = found["monotone_violations_by_factor"]
    assert by_factor.pop(f.name) > 0.9
    assert set(by_factor.values()) == {0.0}
    assert found["worst_wrong_way"] > 0


@pytest.mark.parametrize("held", [("surface_asphalt", "surface_concrete"), "abs"])
def test_a_condition_is_one_column_or_several_that_add_up(held):
    factor = SimpleNamespace(forced_while=held)
    columns = sensed_events(500)
    share = bench.share_held(factor, columns, column_names())
    names = (held,) if isinstance(held, str) else held
    assert bench.conditions(factor) == names
    np.testing.assert_allclose(share, np.nan_to_num(columns[:, [column_names().index(n) for n in names]]).sum(axis=1))
    assert {0, 1} <= set(np.round(share, 6))


def test_a_factor_that_is_always_forced_has_no_condition():
    free = SimpleNamespace(forced_while="")
    assert (bench.share_held(free, sensed_events(20), column_names()) == 1).all()


def test_the_benchmark_measures_methods_on_one_truth(small_data, tmp_path, monkeypatch):
    truths = bench.truths(COMPACT, small_data, 30, draws=128, kept=tmp_path)
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = bench.truths(COMPACT, small_data, 30, draws=128, kept=tmp_path)
    assert len(kept) == 2
    assert kept == {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    np.testing.assert_array_equal(again[1].halves, truths[1].halves)
    assert np.isfinite(truths[0].columns).all()
    assert np.isnan(truths[1].columns).any()
    quick = lambda data, factors: bench.Method(lambda columns: train(data, factors, SMALL)(columns)[:, MEDIAN], 1)  # noqa: E731
    monkeypatch.setitem(bench.METHODS, "fuzzy broad", quick)
    row = bench.measured("fuzzy broad", small_data, COMPACT, *truths)
    assert 0 < row["rmse_conditional_median"] < small_data.deceleration.std()
    assert row["irreducible"] < row["rmse_single_events"]
    assert 0 < row["monotone_violations"] < 0.5
    assert bench.table([row], 6_000).row_count == 1


def test_the_peers_learn(small_data, monkeypatch):
    pytest.importorskip("sklearn", reason='scikit-learn is missing: pip install "acc-decel[bench]"')
    pytest.importorskip("lightgbm", reason='lightgbm is missing: pip install "acc-decel[bench]"')
    for name, value in {"MOST_TREES": 60, "SEARCHED_TREES": 10, "LEAVES": (15,)}.items():
        monkeypatch.setattr(bench, name, value)
    monkeypatch.setitem(bench.TREES, "num_threads", 1)
    monkeypatch.setitem(bench.PERCEPTRON, "tol", 0.01)  # of R^2, to stop early
    columns, spread = small_data.columns[in_split(small_data.event, "test")], small_data.deceleration.std()
    true = small_data.deceleration[in_split(small_data.event, "test")]
    for name in ("linear", "MLP", "LightGBM, tuned", "LightGBM, monotone"):
        method = bench.METHODS[name](small_data, COMPACT.factors)
        assert np.sqrt(np.mean((method.answer(columns) - true) ** 2)) < 0.8 * spread
        assert method.weights > len(column_names())
    assert bench.wrong_ways(method.answer, COMPACT.factors, columns)["monotone_violations"] == 0
