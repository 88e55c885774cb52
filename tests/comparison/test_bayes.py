"""The network with a posterior: its spread is that of sampled weights, its answers are monotone, and it is stored."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import COMPACT, sensed_events
from hypothesis import given
from hypothesis import strategies as st

from acc_decel import Predictor
from acc_decel.assurance.monotone_arrays import violations
from acc_decel.comparison import bayes_training
from acc_decel.comparison.bayes import KIND, BayesNet, Belief, _sums, metrics
from acc_decel.comparison.bayes_training import MIN_EVENTS, BayesTraining, divergence, train
from acc_decel.comparison.folder import arrays_bytes, arrays_file, read_arrays, read_folder, write_folder
from acc_decel.factors import EXCLUSIONS, FACTORS, column_names
from acc_decel.network import Layer, best_possible, dense_net
from acc_decel.outputs import MEDIAN, ORDERED, OUTPUTS
from benchmarks import bayes as bench
from benchmarks.network import Truth
from tests.helpers.random_net import random_events, random_net
from tests.network.test_network import shortened

pytestmark = pytest.mark.slow

SMALL = BayesTraining(epochs=6, batch=128, embedding=(6,), trunk=(8,))
THIN = 1_200  # events
FAR_APART = np.array([100, 200, 300, 400], "f4")  # [m/s^2]
RANGED = [f for f in FACTORS if not f.levels and f.step < f.high - f.low]
ARRAYS = arrays_file(KIND)


@pytest.fixture(scope="module")
def bayes(small_data) -> BayesNet:
    return train(small_data, COMPACT.factors, SMALL)


@pytest.fixture(scope="module")
def thin(small_data) -> BayesNet:
    return train(shortened(small_data, THIN), COMPACT.factors, SMALL)


@pytest.fixture(scope="module")
def wide() -> BayesNet:
    """Random weights; the quantiles lie so far apart that none is put in another's place, and no limit cuts them."""
    net = random_net(np.random.default_rng(3))
    beyond = np.full(len(ORDERED), 1e4, "f4")
    far = replace(net.head, offset=FAR_APART, brake_shares=beyond, road_shares=beyond)
    return BayesNet(replace(net, head=far), np.array([0.05, 0.1, 0.05, 0.1, 0.05], "f4"))


def written(folder: Path, bayes: BayesNet) -> Path:
    write_folder(folder, KIND, bayes.arrays(), vehicle="compact", dataset={}, training={}, metrics={"rmse": 1.0})
    return folder


def read(folder: Path) -> BayesNet:
    return BayesNet.from_arrays(read_folder(folder, KIND), folder / ARRAYS)


def test_the_spread_is_that_of_sampled_weights(wide):
    events, rng = sensed_events(40), np.random.default_rng(4)
    answers = np.stack([wide.sample(rng)(events) for _ in range(1_000)])
    np.testing.assert_allclose(wide.spread(events) / answers.std(axis=0), 1, atol=0.25)
    assert np.median(wide.spread(events) / answers.std(axis=0)) == pytest.approx(1, abs=0.05)
    off = wide.belief(events).mean - answers.mean(axis=0)
    assert np.abs(off / answers.std(axis=0)).max() < 0.3


def test_one_uncertain_layer_has_a_closed_form(wide):
    # The last sum is linear in its weights: its variance is the sum of (scale * weight * input)^2, exactly. Brakes that
    # are stronger than any friction leave it as it is in the head, which computes in float32.
    last, events = wide.net.trunk[-1], sensed_events(40)
    strong = np.where(np.arange(len(last.bias)) < len(OUTPUTS), last.bias, 1e3).astype("f4")
    inputs = last.weights.shape[1]

    def kept(which: np.ndarray) -> BayesNet:
        layer = replace(last, weights=np.where(which, last.weights, 0), bias=strong)
        return BayesNet(replace(wide.net, trunk=(*wide.net.trunk[:-1], layer)), np.array([0, 0, 0, 0, 0.1], "f4"))

    means = [kept(np.arange(inputs) == i).belief(events).mean for i in range(inputs)]
    nothing = kept(np.zeros(inputs, bool)).belief(events).mean
    expected = 0.1 * np.sqrt(sum((mean - nothing) ** 2 for mean in means))
    np.testing.assert_allclose(kept(np.ones(inputs, bool)).spread(events), expected, rtol=1e-3, atol=1e-4)


def test_sums_of_uncertain_weights_times_uncertain_units_have_exact_moments():
    rng, root = np.random.default_rng(9), np.array([[1.0, 0.0, 0.0], [0.5, 0.8, 0.0], [-0.3, 0.2, 0.6]])
    layer = Layer(np.array([[1.0, -2.0, 0.5], [0.3, 1.0, 1.0]], "f4"), np.array([0.5, -1.0], "f4"))
    mean, scale = np.array([0.2, -0.5, 1.0]), 0.8
    units = mean + rng.standard_normal((200_000, 3)) @ root.T
    weights = layer.weights * (1 + scale * rng.standard_normal((200_000, 2, 3)))
    sums = np.einsum("noi,ni->no", weights, units) + layer.bias
    found = _sums(layer, scale, Belief(mean[None], (root @ root.T)[None]))
    np.testing.assert_allclose(found.mean[0], sums.mean(axis=0), atol=0.03)
    np.testing.assert_allclose(found.covariance[0], np.cov(sums.T), rtol=0.03, atol=0.03)


def test_weights_without_spread_give_answers_without_spread(wide):
    certain, events = replace(wide, scales=0 * wide.scales), sensed_events(40)
    assert certain.spread(events).max() < 1e-9
    np.testing.assert_allclose(certain.belief(events).mean, certain(events), rtol=1e-5, atol=1e-4)


@given(st.floats(0.001, 3))
def test_the_divergence_is_that_from_a_prior_uniform_in_the_logarithm(scale):
    # Of N(1, scale^2) from 1 / |w|: E log|w| less the entropy, and at most 0.015 nats from that, constants aside.
    def exact(scale: float) -> float:
        z = (np.arange(80_000) + 0.5) / 10_000 - 4
        bell = np.exp(-(z**2) / 2)
        return float((np.log(np.abs(1 + scale * z)) * bell).sum() / bell.sum() - np.log(scale))

    difference = float(divergence(2 * np.log(np.float32(scale)))) - exact(scale)
    assert difference == pytest.approx(float(divergence(0.0)) - exact(1.0), abs=0.03)


def test_training_learns_what_a_car_can_do_and_how_far_it_may_be_wrong(bayes, small_data):
    found = metrics(bayes, small_data, oracle_events=10)
    assert found["rmse"] < 0.75 * small_data.deceleration.std()
    assert found["coverage"] == pytest.approx(0.90, abs=0.06)
    assert found["weights"] == bayes.net.weights + len(found["scales"])
    assert 0.01 < found["median_spread"]["deceleration"] < small_data.deceleration.std()
    assert len(set(found["scales"].values())) == len(SMALL.embedding) + len(SMALL.trunk) + 1, "each has its own"


def test_the_answers_are_monotone_by_the_signs_of_the_mean_weights(bayes):
    assert violations(bayes.net) == []
    flipped = replace(bayes.net.trunk[0], weights=-bayes.net.trunk[0].weights)
    assert violations(replace(bayes.net, trunk=(flipped, *bayes.net.trunk[1:])))


def test_the_spread_grows_on_thin_data(bayes, thin):
    events = sensed_events(300)
    assert np.median(thin.spread(events)[:, MEDIAN]) > 1.5 * np.median(bayes.spread(events)[:, MEDIAN])


def test_the_same_seed_trains_the_same_bytes(thin, small_data):
    again = train(shortened(small_data, THIN), COMPACT.factors, SMALL)
    assert arrays_bytes(again.arrays()) == arrays_bytes(thin.arrays())


def test_without_posterior_it_is_a_plain_network(small_data):
    tiny = BayesTraining(epochs=1, batch=32, embedding=(4,), trunk=(4,), uncertain=False)
    plain = train(shortened(small_data, 1_200), COMPACT.factors, tiny)
    assert not plain.scales.any()


def test_too_few_events_are_refused(small_data):
    with pytest.raises(ValueError, match=f"at least {MIN_EVENTS} events. Got {MIN_EVENTS - 1}"):
        train(shortened(small_data, MIN_EVENTS - 1), COMPACT.factors, SMALL)


def test_a_loss_that_is_no_number_is_refused(small_data):
    labels = np.full_like(small_data.deceleration, np.nan)
    with pytest.raises(RuntimeError, match=r"Got none in epoch 1: lower the learning rate of 0\.01"):
        train(replace(small_data, deceleration=labels), COMPACT.factors, replace(SMALL, embedding=(4,), trunk=(4,)))


def test_a_network_stored_and_read_is_the_same(wide, tmp_path):
    again, events = read(written(tmp_path, wide)), sensed_events(20)
    np.testing.assert_array_equal(again(events), wide(events))
    np.testing.assert_array_equal(again.spread(events), wide.spread(events))
    assert again.layers == ("embedding 1", "embedding 2", "trunk 1", "trunk 2", "trunk 3")


def test_reading_takes_no_tensorflow(wide, tmp_path):
    written(tmp_path, wide)
    code = (
        "import sys; from pathlib import Path; from acc_decel.comparison import bayes, folder;"
        "arrays = folder.read_folder(Path(sys.argv[1]), bayes.KIND); bayes.BayesNet.from_arrays(arrays, Path());"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_changed_file_is_refused(wide, tmp_path):
    (written(tmp_path, wide) / ARRAYS).write_bytes(b"other")
    with pytest.raises(ValueError, match=rf"{ARRAYS} must have its hash in manifest\.json"):
        read(tmp_path)
    with pytest.raises(ValueError, match=f"{ARRAYS} must be the stored arrays"):
        read_arrays(tmp_path / ARRAYS, KIND)


def test_a_missing_file_is_refused(wide, tmp_path):
    (written(tmp_path, wide) / "metrics.json").unlink()
    with pytest.raises(ValueError, match=r"metrics\.json must have its hash in manifest\.json"):
        read(tmp_path)


def test_arrays_without_a_scale_for_each_layer_are_refused(wide, tmp_path):
    path = tmp_path / ARRAYS
    path.write_bytes(dense_net.to_bytes(wide.net))
    with pytest.raises(ValueError, match=r"a scale for each of its 5 layers\. Got 0: train it again"):
        BayesNet.from_arrays(read_arrays(path, KIND), path)


def test_a_folder_without_such_a_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match=f"must hold a {KIND} model"):
        read(tmp_path)


def test_the_predictor_refuses_it_in_a_sentence(wide, tmp_path):
    with pytest.raises(ValueError, match=f"Got a {KIND} model, which has no ONNX or C form"):
        Predictor(written(tmp_path, wide))


@pytest.fixture
def quick(monkeypatch):
    tiny = BayesTraining(epochs=1, batch=32, embedding=(4,), trunk=(4,))
    monkeypatch.setattr(bayes_training, "BayesTraining", lambda: tiny)
    monkeypatch.setattr(best_possible, "ORACLE_EVENTS", 5)


def test_the_command_line_trains_it_and_refuses_to_export_it(quick, run, refused, small_folder, tmp_path):
    folder = tmp_path / "model"
    code, out, _ = run("train", small_folder, "--model", KIND, "--epochs", 2, "--output", folder)
    in_file = json.loads((folder / "metrics.json").read_text())
    assert code == 0
    assert "embedding 1" in out
    assert f"RMSE {in_file['rmse']:.2f} m/s^2" in out
    assert in_file["training"]["epochs"] == 2
    assert list(in_file["scales"]) == list(read(folder).layers)
    assert f"Got a {KIND} model" in refused("export", folder, "--output", tmp_path / "c")


def test_options_that_make_no_sense_are_refused(refused, small_folder, tmp_path):
    sentence = refused("train", small_folder, "--model", KIND, "--patience", 3, "--output", tmp_path / "model")
    assert sentence.startswith("--patience must be left out with --model bayes, which is trained from nothing")
    assert not (tmp_path / "model").exists()


def test_the_folder_of_another_model_is_not_overwritten(refused, small_folder, tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    assert "Got another model" in refused("train", small_folder, "--model", KIND, "--output", tmp_path)


@pytest.mark.parametrize("f", RANGED, ids=lambda f: f.name)
def test_the_benchmark_puts_a_factor_out_of_its_range_and_no_other(f):
    events = random_events(np.random.default_rng(5), 50)
    moved, at = bench.beyond(f, events, np.random.default_rng(6)), column_names().index(f.name)
    changed = moved[:, at]
    assert ((changed < f.low) | (changed > f.high)).all()
    assert (changed > -f.half_saturation).all() or not f.half_saturation
    np.testing.assert_array_equal(np.delete(moved, at, axis=1), np.delete(events, at, axis=1))


def test_the_benchmark_holds_combinations_that_no_training_event_holds():
    events = random_events(np.random.default_rng(5), 50)
    for rule, moved in zip(EXCLUSIONS, bench.never_trained(events, np.random.default_rng(6)), strict=True):
        at = column_names().index
        assert (moved[:, at(rule.column)] > rule.threshold).all()
        sign = -1 if rule.below else 1
        assert (sign * moved[:, at(rule.factor)] > sign * rule.limit).all()


def test_the_benchmark_tells_the_worst_errors_from_luck():
    error = np.arange(1_000.0)
    assert bench.caught(-error, error) == 1
    assert bench.caught(error, -error) == 0
    assert bench.caught(error, np.random.default_rng(7).random(1_000)) < 0.5
    assert bench.auroc(error, error) == 0.5
    assert bench.auroc(error, error + 1_000) == 1


def test_coarse_weights_are_what_they_say():
    weights = np.random.default_rng(8).standard_normal((20, 30)).astype("f4")
    assert len(np.unique(bench.bits(weights))) <= 2**bench.BITS - 1
    assert np.abs(bench.bits(weights) - weights).max() <= 0.51 * np.abs(weights).max() / (2 ** (bench.BITS - 1) - 1)
    assert np.abs(bench.bits(weights, 0.5) - weights).max() <= 0.51 * np.abs(weights).max() / (
        2 ** (bench.BITS - 1) - 1
    )
    single = np.abs(bench.powers(weights, 1))
    assert (np.abs(bench.powers(weights, 1, 0.5) / weights - 1) < 0.5).all()
    np.testing.assert_array_equal(np.log2(single), np.round(np.log2(single)))
    errors = [np.abs(bench.powers(weights, terms) - weights).max() for terms in (1, 2, 3)]
    assert errors[0] > 2 * errors[1] > 4 * errors[2]


def test_the_benchmark_measures_a_trained_network(monkeypatch, bayes, small_data):
    plain = replace(bayes, scales=0 * bayes.scales)
    monkeypatch.setattr(bayes_training, "train", lambda *given: bayes if given[-1].uncertain else plain)
    complete = small_data.columns[np.isfinite(small_data.columns).all(axis=1)][:40]
    median = np.full((40, 2), 5.0)
    truth = Truth(complete, median[:, 0], median)
    found = bench.measured(small_data, truth, truth)
    assert [row["posterior"] for row in found["networks"]] == [True, False, True, False]
    assert found["networks"][0]["events"] > found["networks"][2]["events"]
    assert all(0 <= row["auroc"] <= 1 for row in found["outside"])
    assert [row["scale"] for row in found["layers"]] == bayes.scales.tolist()
    assert sum(row["weights"] for row in found["layers"]) < bayes.weights
    assert [made.row_count for made in bench.tables(found)] == [4, len(found["outside"]), 3, len(bayes.scales)]
    json.dumps(found)
