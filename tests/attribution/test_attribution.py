"""Attributions: the laws of Shapley values, a student that keeps them by construction, and what reaches the user."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from conftest import COMPACT, event_of, sensed_events
from numpy import ndarray

from acc_decel import FACTORS, Predictor
from acc_decel.attribution import (
    Dense,
    Reference,
    Student,
    agreement,
    attribution_bytes,
    estimates,
    exact_attributions,
    exact_shapley_values,
    is_available,
    reference,
)
from acc_decel.dataset import generate
from acc_decel.export import onnx_bytes, write_model
from acc_decel.factors import column_factors, column_names, owners, ranges
from acc_decel.model_folder import read_model
from acc_decel.network import DenseNet, predict
from acc_decel.outputs import MEDIAN
from acc_decel.physics import vehicle
from benchmarks import attribution as bench
from tests.helpers.random_net import random_events, random_net

COLUMNS = column_names()
FREE_TO_LACK = [f for f in FACTORS if f.optional and not f.levels]
STOP = {"speed": 33.3, "brake_pressure_bar": 160.0, "surface": "asphalt", "water_film_mm": 1.0}
ROUNDING = 1e-5  # [m/s^2], of some dozens of float32 sums


def asked_of(answer, *, events: int = 4) -> Reference:
    return reference(FACTORS, answer, random_events(np.random.default_rng(1), 64), events=events)


def median_of(net: DenseNet):
    return lambda columns: net(columns)[:, MEDIAN]


@pytest.fixture(scope="module")
def net() -> DenseNet:
    return random_net(np.random.default_rng(3), COMPACT.factors)


@pytest.fixture(scope="module")
def some() -> ndarray:
    return random_events(np.random.default_rng(5), 6)


def a_student(seed: int = 4) -> Student:
    rng = np.random.default_rng(seed)
    inputs, every = len(COLUMNS) + sum(f.optional for f in FACTORS) + 1, len(FACTORS)
    widths = ((inputs, 12), (12, 8), (8, every))
    layers = tuple(Dense(*(rng.normal(0, 0.5, shape).astype("f4") for shape in ((n, m), (n,)))) for m, n in widths)
    span = np.array(ranges(), "f4")
    return Student(FACTORS, span.mean(axis=1), 1 / (span[:, 1] - span[:, 0]), 5.25, layers)


def test_attributions_and_baseline_add_up_to_the_prediction(net, some):
    asked = asked_of(median_of(net))
    for found in (exact_attributions(asked, some), estimates(asked, some, np.random.default_rng(1), walks=4)):
        assert found.sum(axis=1) + asked.baseline == pytest.approx(asked.answer(some), abs=ROUNDING)


def test_of_a_linear_model_each_factor_adds_its_weight_times_its_distance_from_the_baseline(some):
    weight = np.random.default_rng(2).normal(size=len(COLUMNS)) / np.array([high for _, high in ranges()])
    asked = asked_of(lambda columns: np.nan_to_num(columns).astype("f8") @ weight)
    distance = np.nan_to_num(some) - np.nan_to_num(asked.background).mean(axis=0)
    expected = np.zeros((len(some), len(FACTORS)))
    np.add.at(expected.T, owners(FACTORS), (weight * distance).T)
    assert exact_attributions(asked, some) == pytest.approx(expected, abs=1e-6)
    assert estimates(asked, some, np.random.default_rng(1), walks=4) == pytest.approx(expected, abs=1e-6)


def test_two_factors_that_act_alike_share_what_they_do_together():
    one, two = (COLUMNS.index(f.name) for f in FREE_TO_LACK[:2])
    asked = asked_of(lambda columns: np.nan_to_num(columns[:, one]) * np.nan_to_num(columns[:, two]))
    event = event_of({f.name: 5.0 for f in FREE_TO_LACK} | {f.name: f.high for f in FACTORS if not f.optional})[0]
    found = dict(zip(COLUMNS, exact_shapley_values(asked, event)[owners(FACTORS)], strict=True))
    assert found[COLUMNS[one]] == found[COLUMNS[two]] == pytest.approx(12.5)
    assert not any(value for name, value in found.items() if name not in (COLUMNS[one], COLUMNS[two]))


def test_a_factor_that_is_not_available_adds_nothing(net, some):
    asked, lacks = asked_of(median_of(net)), ~is_available(FACTORS, some)
    assert lacks.any()
    walks = estimates(asked, some, np.random.default_rng(1), walks=2)
    for found in (exact_attributions(asked, some), walks, a_student()(some, asked.answer(some))):
        assert not found[lacks].any()
        assert (found[~lacks] != 0).mean() > 0.9  # the limits of the head may leave a factor without effect


@pytest.mark.slow
def test_permutations_approach_the_exact_attributions(net, some):
    asked = asked_of(median_of(net), events=8)
    few = some[np.argsort(is_available(FACTORS, some).sum(axis=1))][:3]  # few factors, few coalitions
    true = exact_attributions(asked, few)

    def error(walks: int, repeated: int) -> float:
        found = estimates(asked, np.tile(few, (repeated, 1)), np.random.default_rng(1), walks=walks)
        return float(np.abs(found.reshape(repeated, *true.shape).mean(axis=0) - true).mean())

    assert error(8, 16) < 0.8 * error(2, 16)
    assert error(8, 256) < 0.3 * error(8, 16)


def test_background_events_that_differ_in_nothing_unknown_are_asked_once(net, some):
    rows = []

    def counted(columns: ndarray) -> ndarray:
        rows.append(len(columns))
        return median_of(net)(columns)

    asked = asked_of(counted)
    every = np.ones((1, len(FACTORS)), bool)
    rows.clear()
    assert asked.values(some[0], every) == pytest.approx(median_of(net)(some[:1]))
    assert asked.values(some[0], ~every) == pytest.approx(asked.baseline, abs=ROUNDING)
    assert rows[:2] == [1, len(asked.background)]


def test_the_baseline_is_the_mean_answer_to_events_of_which_little_is_known(net):
    columns = sensed_events(1000)
    asked = reference(FACTORS, median_of(net), columns)
    alone = np.where([not f.optional for f in column_factors()], columns, np.float32(np.nan))
    answers = median_of(net)(alone)
    assert abs(asked.baseline - answers.mean()) < 0.05 * answers.std()
    assert np.isnan(asked.background).all(axis=0).sum() == sum(len(f.columns) for f in FACTORS if f.optional)


def test_a_student_adds_up_whatever_its_weights(some):
    student, median = a_student(), np.linspace(-3, 12, len(some), dtype="f4")
    assert student(some, median).sum(axis=1) + student.baseline == pytest.approx(median, abs=ROUNDING)


def test_the_onnx_file_of_a_student_gives_what_its_arrays_give(net):
    rng = np.random.default_rng(8)
    columns = random_events(rng, 300)
    columns[:, COLUMNS.index("mass")] = rng.uniform(*mass_range(net), 300)
    student, model = a_student(), onnx_bytes(net, {})
    content = attribution_bytes(model, student, {})
    assert content == attribution_bytes(model, student, {})
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert [(i.name, i.shape) for i in session.get_inputs()] == [("factors", ["batch", len(COLUMNS)])]
    assert [(o.name, o.shape) for o in session.get_outputs()] == [("attribution", ["batch", len(FACTORS)])]
    found = session.run(None, {"factors": columns})[0]
    assert found == pytest.approx(student(columns, predict(net, columns)[:, MEDIAN]), abs=1e-4)
    columns[:, COLUMNS.index("speed")] = 500.0
    assert np.isnan(session.run(None, {"factors": columns})[0]).all(), "a refused event has no attribution"


def mass_range(net: DenseNet) -> tuple[float, float]:
    mass = next(f for f in net.factors if f.name == "mass")
    return mass.low, mass.high


def test_a_student_that_is_wrong_is_found_out(net, some):
    asked = asked_of(median_of(net))
    true = exact_attributions(asked, some)
    assert agreement(asked, some, true, true)["pearson"] == pytest.approx(1)
    assert agreement(asked, some, true, true)["mean_absolute_error"] == 0
    swapped = true[:, np.roll(np.arange(len(FACTORS)), 1)]
    assert agreement(asked, some, true, swapped)["pearson"] < 0.9
    off = agreement(asked, some, true, np.where(is_available(FACTORS, some), true + 0.5, 7.0))
    assert off["mean_absolute_error"] == pytest.approx(0.5), "what is not available does not count"


@pytest.mark.slow
def test_a_student_learns_and_one_seed_gives_one_student(net):
    from acc_decel.attribution.training import AttributionTraining, train_student  # noqa: PLC0415 - slow to import

    columns = sensed_events(2600)
    asked = reference(FACTORS, median_of(net), columns, events=4)
    training = AttributionTraining(walks=4, epochs=20, batch=64, hidden=(32,))
    first, second = (train_student(asked, columns[:2500], training) for _ in range(2))
    for one, other in zip(first.layers, second.layers, strict=True):
        assert one.weights.tobytes() + one.bias.tobytes() == other.weights.tobytes() + other.bias.tobytes()
    held_out = columns[2500:2512]
    true = exact_attributions(asked, held_out)
    learned = agreement(asked, held_out, true, first(held_out, asked.answer(held_out)))
    blank = replace(first, layers=tuple(Dense(0 * layer.weights, 0 * layer.bias) for layer in first.layers))
    even = agreement(asked, held_out, true, blank(held_out, asked.answer(held_out)))
    assert learned["pearson"] > 0.9
    assert learned["mean_absolute_error"] < 0.5 * even["mean_absolute_error"]
    with pytest.raises(ValueError, match=r"at least 2000 events\. Got 1999"):
        train_student(asked, columns[:1999], training)


@pytest.fixture(scope="module")
def bare(net, tmp_path_factory) -> Path:
    """A model's folder without a student."""
    folder = tmp_path_factory.mktemp("bare") / "compact"
    write_model(folder, net, vehicle="compact", dataset={}, training={}, metrics={"events": 1})
    return folder


@pytest.fixture(scope="module")
def explained(bare, small_folder, tmp_path_factory) -> Path:
    """The same with a student, made by the command."""
    from typer.testing import CliRunner  # noqa: PLC0415

    from acc_decel.cli import app  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("explained") / "compact"
    shutil.copytree(bare, folder)
    arguments = ["attribute", folder, "--dataset", small_folder, "--epochs", 1, "--events", 3]
    done = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "times fewer than KernelSHAP" in done.output
    return folder


def test_the_folder_covers_the_student(explained, tmp_path):
    net, told = read_model(explained)
    found = told["attribution"]
    assert {"pearson", "mean_absolute_error", "multiply_adds_ratio", "baseline"} <= set(found)
    assert found["events"] == 3
    assert found["multiply_adds_ratio"] == 200 * 32 * net.weights / found["multiply_adds"]
    assert told["events"] == 1, "what the folder told before is kept"
    shutil.copytree(explained, tmp_path / "changed")
    path = tmp_path / "changed" / "attribution.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(ValueError, match=r"attribution\.onnx must be as manifest\.json says"):
        read_model(tmp_path / "changed")


def test_a_prediction_says_what_each_factor_adds(explained):
    predictor = Predictor(explained)
    answer = predictor.predict(explain=True, **STOP)
    assert list(answer.attribution) == [f.name for f in FACTORS]
    assert sum(answer.attribution.values()) + answer.baseline == pytest.approx(answer.deceleration, abs=ROUNDING)
    assert not any(answer.attribution[name] for name in answer.not_available)
    plain = predictor.predict(**STOP)
    assert (plain.attribution, plain.baseline) == (None, None)
    assert replace(answer, attribution=None, baseline=None) == plain
    assert isinstance(hash(answer), int)


def test_a_table_gets_a_column_for_each_factor(explained):
    predictor = Predictor(explained)
    drive = pd.DataFrame([STOP, STOP | {"surface": "ice", "water_film_mm": 0.0}], index=[7, 7])
    plain, table = predictor.predict(drive), predictor.predict(drive, explain=True)
    added = [f"attribution_{f.name}" for f in FACTORS]
    assert list(table.columns) == [*plain.columns, *added, "baseline"]
    assert list(table.index) == [7, 7]
    total = table[added].sum(axis=1) + table["baseline"]
    assert total.to_numpy() == pytest.approx(table["deceleration"].to_numpy(), abs=ROUNDING)
    one = predictor.predict(explain=True, **STOP).attribution
    assert table[added].iloc[0].to_numpy() == pytest.approx(np.array(list(one.values())), abs=ROUNDING)


def test_the_file_says_what_it_is_relative_to(explained):
    predictor = Predictor(explained)
    background = predictor.explainer.background(predictor.factors)
    outputs, _ = predictor.predict_array(background)
    assert len(background) == 32
    assert outputs[:, MEDIAN].mean() == pytest.approx(predictor.explainer.baseline, abs=ROUNDING)
    metadata = {p.key: p.value for p in onnx.load(explained / "attribution.onnx").metadata_props}
    assert json.loads(metadata["columns"]) == list(COLUMNS)
    assert metadata["vehicle"] == "compact"


GIVEN = ("--speed", 33.3, "--brake-pressure-bar", 160, "--surface", "ice")


def test_explain_draws_bars_that_begin_in_the_middle_and_are_sorted(run, explained):
    code, out, err = run("predict", "--model", explained, *GIVEN, "--explain")
    assert code == 0, err
    rows = [line for line in out.splitlines() if "\u2588" in line or "0.00" in line]
    sizes = [float(row.split("\u2502")[3]) for row in rows]
    assert len(sizes) == 4, "speed, pressure, surface and the standard ABS are available"
    assert [abs(s) for s in sizes] == sorted((abs(s) for s in sizes), reverse=True)
    for row, size in zip(rows, sizes, strict=True):
        left, right = row.split("\u2502")[4:6]
        assert ("\u2588" in left, "\u2588" in right) == (size < 0, size > 0) or abs(size) < 0.1
    baseline = Predictor(explained).explainer.baseline
    assert f"baseline {baseline:.2f} m/s^2" in out


def test_explain_for_programs_and_tables(answered, run, explained, tmp_path):
    told = answered("predict", "--model", explained, *GIVEN, "--explain")
    assert sum(told["attribution"].values()) + told["baseline"] == pytest.approx(told["deceleration"], abs=ROUNDING)
    assert "attribution" not in answered("predict", "--model", explained, *GIVEN)
    pd.DataFrame([STOP, STOP]).to_csv(tmp_path / "events.csv", index=False)
    asked = ("predict", "--model", explained, "--input", tmp_path / "events.csv", "--explain")
    assert run(*asked, "--output", tmp_path / "answers.csv")[0] == 0
    assert "attribution_speed" in pd.read_csv(tmp_path / "answers.csv").columns
    code, out, _ = run(*asked)
    assert code == 0
    assert "what each factor adds" in out


def test_a_student_that_lacks_or_is_of_another_network_is_refused(refused, bare, explained, net, tmp_path):
    sentence = refused("predict", "--model", bare, *GIVEN, "--explain")
    assert "attribution.onnx must exist" in sentence
    assert f"acc-decel attribute {bare}" in sentence
    other = tmp_path / "other"
    last = replace(net.trunk[-1], bias=net.trunk[-1].bias + np.float32(0.01))
    changed = replace(net, trunk=(*net.trunk[:-1], last))
    write_model(other, changed, vehicle="compact", dataset={}, training={}, metrics={})
    shutil.copy(explained / "attribution.onnx", other)
    assert "Got the student of another network" in refused("predict", "--model", other, *GIVEN, "--explain")
    for name in ("model.onnx", "network.npz"):  # either alone is found out
        mixed = tmp_path / name
        shutil.copytree(explained, mixed)
        shutil.copy(other / name, mixed)
        assert f"{mixed / name} must be as manifest.json says" in refused(
            "predict", "--model", mixed, *GIVEN, "--explain"
        )
    (other / "attribution.onnx").write_bytes(b"no graph")
    assert "must be the student of a model" in refused("predict", "--model", other, *GIVEN, "--explain")
    shutil.copy(other / "model.onnx", other / "attribution.onnx")
    assert "must be the student of a model" in refused("predict", "--model", other, *GIVEN, "--explain")


def test_the_student_of_a_released_model_is_not_replaced(refused, tmp_path):
    assert "must not be the folder of a released model" in refused("attribute", "suv", "--dataset", tmp_path)


def test_attribute_refuses_events_of_another_car(refused, bare, tmp_path):
    assert "--dataset must name a folder" in refused("attribute", bare)
    generate(vehicle("van"), tmp_path / "van", events=64)
    assert "must hold events of the model's vehicle compact" in refused(
        "attribute", bare, "--dataset", tmp_path / "van"
    )


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # shap while it loads Matplotlib
def test_the_benchmark_measures_all_methods_on_one_truth(explained):
    columns = sensed_events(300)
    complete = np.isfinite(columns).all(axis=1)
    lost = columns[~complete]
    lost = lost[np.argsort(is_available(FACTORS, lost).sum(axis=1))][40:43]  # few factors, few coalitions
    mass = COLUMNS.index("mass")
    lost[:, mass] = np.nan
    found = {row["method"]: row for row in bench.measured(explained, columns, {"some": lost})}
    assert found["KernelSHAP, 200 samples"]["pearson"] > 0.9
    assert found["32 permutations"]["mean_absolute_error"] < found["2 permutations"]["mean_absolute_error"]
    assert found["KernelSHAP, 200 samples"]["multiply_adds"] > 100 * found["student"]["multiply_adds"]
    assert found["gradient times input"]["pearson"] < found["KernelSHAP, 200 samples"]["pearson"]
