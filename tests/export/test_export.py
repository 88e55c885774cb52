"""The ONNX file: the same answers and the same refusals as the reference in NumPy, and all that a user must know."""

import hashlib
import json
import shutil
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import BUDGET, sensed_events
from numpy import ndarray

from acc_decel.export import even_events, golden_events, onnx_bytes, reference_outputs, status_of, write_model
from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import EXCLUSIONS, FACTORS, Factor, column_names, schema
from acc_decel.model_folder import read_model
from acc_decel.network import DenseNet, contradicting, domain_score, to_bytes
from acc_decel.outputs import COMFORT_DECELERATION, DELAY, LOWER, ORDERED, OUTPUTS
from acc_decel.status import (
    BELOW_COMFORT,
    NOT_AVAILABLE_SHIFT,
    OUT_OF_RANGE_SHIFT,
    OUTSIDE_DOMAIN,
    REFUSED,
    not_available,
    out_of_range,
)
from tests.helpers.random_net import familiar, random_events, random_net, spoiled

NET = random_net(np.random.default_rng(5))


def answers(session: onnxruntime.InferenceSession, columns: ndarray) -> tuple[ndarray, ndarray]:
    *outputs, status = session.run([*OUTPUTS, "status"], {"factors": columns})
    return np.stack(outputs, axis=1), status


def session_of(net: DenseNet) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(onnx_bytes(net, {}), providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def session() -> onnxruntime.InferenceSession:
    return session_of(NET)


def at(factor: Factor) -> list[int]:
    return [column_names().index(c) for c in factor.columns]


def check_agree(net: DenseNet, columns: ndarray, got: tuple[ndarray, ndarray]) -> None:
    expected = reference_outputs(net, columns)
    np.testing.assert_allclose(got[0], expected, rtol=0, atol=BUDGET.numpy_to_onnx)
    same = got[1] == status_of(net, columns)
    near = np.abs(expected[:, LOWER] - COMFORT_DECELERATION) < BUDGET.numpy_to_onnx  # there the last bits decide
    answered = np.isfinite(expected[:, LOWER])
    near[answered] |= np.abs(domain_score(net, columns[answered])) < BUDGET.score_to_onnx
    assert near.mean() < 0.01
    assert (same | near).all(), columns[~(same | near)][:3]


def test_onnx_and_the_reference_agree_on_good_events(session):
    columns = random_events(np.random.default_rng(1), 5000)
    got = answers(session, columns)
    check_agree(NET, columns, got)
    assert not (got[1] & REFUSED).any()
    assert np.isfinite(got[0]).all()


def test_onnx_and_the_reference_agree_on_events_that_sensors_should_not_send(session):
    rng = np.random.default_rng(2)
    columns = spoiled(rng, random_events(rng, 5000))
    got = answers(session, columns)
    check_agree(NET, columns, got)
    refused = got[1] & REFUSED != 0
    assert 0.2 < refused.mean() < 0.95
    assert np.isnan(got[0][refused]).all()
    assert np.isfinite(got[0][~refused]).all()


def test_onnx_and_the_reference_agree_on_a_trained_network(small_net):
    columns = sensed_events(5000)
    got = answers(session_of(small_net), columns)
    check_agree(small_net, columns, got)
    assert (got[1] & BELOW_COMFORT != 0).any()
    assert (got[1] & BELOW_COMFORT == 0).any()


def test_any_number_of_events_may_be_asked_for_at_once(session):
    columns = random_events(np.random.default_rng(3), 100)
    together = answers(session, columns)[0]
    one_by_one = np.concatenate([answers(session, columns[i : i + 1])[0] for i in range(100)])
    np.testing.assert_allclose(together, one_by_one, rtol=0, atol=BUDGET.numpy_to_onnx)
    assert answers(session, columns[:0])[0].shape == (0, len(OUTPUTS))


def good_event() -> ndarray:
    """An event in the middle of every range, nothing lacking, as float32 [1, columns]."""
    return np.concatenate(
        [np.eye(len(f.levels), dtype="f4")[0] if f.levels else np.array([(f.low + f.high) / 2], "f4") for f in FACTORS]
    )[None]


def check_accepted(session: onnxruntime.InferenceSession, event: ndarray, f: Factor, accepted: bool) -> None:
    outputs, status = answers(session, event)
    assert status[0] == pytest.approx(status_of(NET, event)[0])
    assert out_of_range(int(status[0])) == (() if accepted else (f.name,))
    assert bool(status[0] & REFUSED) == (not accepted)
    assert np.isfinite(outputs).all() if accepted else np.isnan(outputs).all()


UP, DOWN = np.float32(np.inf), np.float32(-np.inf)
EDGES = {
    "low": (lambda f: np.float32(f.low), True),
    "high": (lambda f: np.float32(f.high), True),
    "just below low": (lambda f: np.nextafter(np.float32(f.low), DOWN), False),
    "just above high": (lambda f: np.nextafter(np.float32(f.high), UP), False),
    "infinity": (lambda f: UP, False),  # noqa: ARG005 - every edge has this form
    "minus infinity": (lambda f: DOWN, False),  # noqa: ARG005
}


@pytest.mark.parametrize(("edge", "accepted"), EDGES.values(), ids=EDGES.keys())
@pytest.mark.parametrize("f", [f for f in FACTORS if not f.levels], ids=lambda f: f.name)
def test_a_factor_is_accepted_up_to_the_last_bit_of_its_range(session, f, edge, accepted):
    event = good_event()
    event[0, at(f)] = edge(f)
    check_accepted(session, event, f, accepted)


CHOICES = {
    "one level for certain": ([1.0, 0.0], True),
    "two levels": ([0.25, 0.75], True),
    "a little less than 1": ([0.5, 0.4925], True),
    "a little more than 1": ([0.5, 0.5075], True),
    "too little": ([0.5, 0.48], False),
    "too much": ([0.5, 0.52], False),
    "nothing": ([0.0, 0.0], False),
    "a negative probability": ([-0.001, 1.0], False),
    "a probability above 1": ([1.001, 0.0], False),
    "infinity": ([np.inf, 0.0], False),
    "partly not available": ([np.nan, 1.0], False),
}


@pytest.mark.parametrize(("levels", "accepted"), CHOICES.values(), ids=CHOICES.keys())
@pytest.mark.parametrize("f", [f for f in FACTORS if f.levels], ids=lambda f: f.name)
def test_a_choice_is_accepted_if_its_probabilities_add_up_to_1(session, f, levels, accepted):
    assert CHOICE_SUM == (0.99, 1.01)
    event = good_event()
    event[0, at(f)] = 0
    event[0, at(f)[:2]] = levels
    check_accepted(session, event, f, accepted)


@pytest.mark.parametrize("f", FACTORS, ids=lambda f: f.name)
def test_a_factor_that_lacks_is_named_and_refused_only_if_it_may_not_lack(session, f):
    event = good_event()
    event[0, at(f)] = np.nan
    outputs, status = answers(session, event)
    assert status[0] == status_of(NET, event)[0]
    assert status[0] & (1 << (NOT_AVAILABLE_SHIFT + FACTORS.index(f)))
    assert not_available(int(status[0])) == (f.name,)
    assert not status[0] & (1 << (OUT_OF_RANGE_SHIFT + FACTORS.index(f)))
    assert bool(status[0] & REFUSED) == (not f.optional) == np.isnan(outputs).all()


@pytest.mark.parametrize("e", EXCLUSIONS, ids=lambda e: f"{e.column} {e.factor}")
def test_a_combination_that_no_road_shows_is_flagged(e):
    event, net = good_event(), familiar(NET)
    session = session_of(net)
    for other in EXCLUSIONS:  # keep clear of the others
        lowest = next(f.low for f in FACTORS if f.name == other.factor)
        event[0, column_names().index(other.factor)] = max(lowest, 0.0)
    event[0, at(next(f for f in FACTORS if f.name == "surface"))] = 0
    threshold, limit, beyond = np.float32(e.threshold), np.float32(e.limit), np.float32(-1 if e.below else 1)
    for present, value, flagged in (
        (1.0, limit, False),
        (1.0, np.nextafter(limit, beyond * np.float32(np.inf)), True),
        (threshold, limit + beyond / 10, False),
        (np.nextafter(threshold, np.float32(1)), limit + beyond / 10, True),
    ):
        event[0, column_names().index("surface_asphalt")] = 1 - present if e.column.startswith("surface") else 1
        event[0, column_names().index(e.column)] = present
        event[0, column_names().index(e.factor)] = value
        _, status = answers(session, event)
        assert status[0] == status_of(net, event)[0]
        assert bool(status[0] & OUTSIDE_DOMAIN) == flagged


def test_outside_the_domain_no_quantile_is_above_the_one_without_a_contradicting_factor(session):
    columns = random_events(np.random.default_rng(8), 3000)
    got, status = answers(session, columns)
    outside = status & OUTSIDE_DOMAIN != 0
    plain = NET(columns)
    np.testing.assert_allclose(got[~outside], plain[~outside], rtol=0, atol=BUDGET.numpy_to_onnx)
    least = plain[outside][:, ORDERED]
    for factor in contradicting(FACTORS):
        without = columns[outside].copy()
        without[:, at(FACTORS[factor])] = np.nan
        least = np.minimum(least, NET(without)[:, ORDERED])
    np.testing.assert_allclose(got[outside][:, ORDERED], least, rtol=0, atol=BUDGET.numpy_to_onnx)
    np.testing.assert_allclose(got[outside, DELAY], plain[outside, DELAY], rtol=0, atol=BUDGET.numpy_to_onnx)
    assert (got[outside][:, ORDERED] < plain[outside][:, ORDERED] - 0.1).any(axis=0).all()


def test_caution_changes_no_other_event_of_the_same_call(session):
    columns = random_events(np.random.default_rng(9), 64)
    together, _ = answers(session, columns)
    singly = np.concatenate([answers(session, event[None])[0] for event in columns])
    np.testing.assert_allclose(together, singly, rtol=0, atol=BUDGET.numpy_to_onnx)


def test_below_comfort_is_said_of_exactly_the_stops_below_the_acc_limit(session):
    columns = random_events(np.random.default_rng(6), 3000)
    outputs, status = answers(session, columns)
    np.testing.assert_array_equal(status & BELOW_COMFORT != 0, outputs[:, LOWER] < np.float32(COMFORT_DECELERATION))


def test_the_same_network_gives_the_same_bytes():
    told = {"vehicle": "compact", "note": "x"}
    assert onnx_bytes(NET, told) == onnx_bytes(NET, told)
    assert onnx_bytes(NET, told) != onnx_bytes(NET, told | {"note": "y"})


def test_the_file_passes_the_onnx_checker_and_is_self_contained(small_model):
    model = onnx.load(small_model / "model.onnx", load_external_data=False)
    onnx.checker.check_model(model, full_check=True)
    assert all(c.data_location == onnx.TensorProto.DEFAULT for c in model.graph.initializer)
    assert {domain.domain for domain in model.opset_import} == {""}
    assert [output.name for output in model.graph.output] == [*OUTPUTS, "status"]


def test_the_file_tells_all_that_a_user_must_know(small_model, small_net):
    told = {p.key: p.value for p in onnx.load(small_model / "model.onnx").metadata_props}
    assert told["schema"] == schema()
    assert tuple(json.loads(told["columns"])) == column_names()
    assert json.loads(told["outputs"]) == OUTPUTS
    assert told["vehicle"] == "compact"
    assert told["code_version"] == version("acc-decel")
    assert json.loads(told["dataset"])["seed"] == "1"
    assert json.loads(told["training"])["seed"] == 1
    assert int(told["weights"]) == small_net.weights
    for f, said in zip(small_net.factors, json.loads(told["factors"]), strict=True):
        assert (said["name"], said["unit"], said["low"], said["high"]) == (f.name, f.unit, f.low, f.high)
        assert (said["meaning"], said["optional"], tuple(said["levels"])) == (f.meaning, f.optional, f.levels)
    for bit in (OUTSIDE_DOMAIN, BELOW_COMFORT, REFUSED):
        assert str(bit) in told["status"]


def test_a_model_folder_gives_back_the_network(small_model, small_net):
    net, told = read_model(small_model)
    assert to_bytes(net) == to_bytes(small_net)
    assert told["vehicle"] == "compact"
    assert told["schema"] == schema()
    assert told["rmse"] > 0


@pytest.mark.parametrize("name", ["network.npz", "model.onnx", "metrics.json"])
@pytest.mark.parametrize("change", ["changed", "missing"])
def test_a_model_folder_with_a_changed_file_is_refused(small_model, tmp_path, name, change):
    folder = tmp_path / "compact"
    shutil.copytree(small_model, folder)
    if change == "missing":
        (folder / name).unlink()
    else:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(bytes(content))
    with pytest.raises(
        ValueError, match=rf"{name} must (be as manifest\.json says|hold the graph that was exported|be an ONNX model)"
    ):
        read_model(folder)


def test_a_folder_without_a_manifest_is_no_model(tmp_path):
    with pytest.raises(ValueError, match=r"model folder with a manifest\.json"):
        read_model(tmp_path)


def test_the_same_network_gives_the_same_model_folder(small_model, small_net, tmp_path):
    _, told = read_model(small_model)
    kept = {key: told.pop(key) for key in ("vehicle", "dataset", "training")}
    for key in ("code_version", "schema"):
        told.pop(key)
    write_model(tmp_path, small_net, metrics=told, **kept)
    for path in small_model.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_a_network_that_cannot_be_exported_leaves_the_folder_untouched(tmp_path):
    broken = random_net(np.random.default_rng(5))
    broken.trunk[0].weights[0, 0] = np.nan
    with pytest.raises(ValueError, match=r"trunk\[0\]\.weights must be finite"):
        write_model(tmp_path / "model", broken, vehicle="x", dataset={}, training={}, metrics={})
    assert not (tmp_path / "model").exists()


def test_golden_events_never_change():
    # A recorded number: firmware in the field was checked against these events. The factors are this test's own.
    factors = (
        Factor("warmth", -10.0, 30.0, 0.5, "degC", "made up", optional=False),
        Factor("colour", 0.0, 1.0, 1.0, "", "made up", levels=("red", "green", "blue")),
        Factor("length", 0.0, 8.0, 0.01, "m", "made up"),
    )
    events = golden_events(factors)
    digest = hashlib.sha256(np.nan_to_num(events, nan=-999.0).astype("<f4").tobytes()).hexdigest()
    assert digest[:16] == "2cca898b5cacbf69"


@pytest.mark.parametrize("f", [f for f in FACTORS if f.step == f.high - f.low and not f.levels], ids=lambda f: f.name)
def test_even_events_have_a_switch_on_as_often_as_off(f):
    values = even_events(FACTORS, 4000)[:, column_names().index(f.name)]
    assert set(np.unique(values)) == {f.low, f.high}
    assert (values == f.high).mean() == pytest.approx(0.5, abs=0.05)


def test_golden_events_meet_every_answer():
    events = golden_events(FACTORS)
    status = status_of(NET, events)
    assert (status & REFUSED != 0).tolist() == [False] * (len(events) - 2) + [True] * 2
    for f in FACTORS:
        lacking = np.isnan(events[:-2, at(f)]).all(axis=1)
        assert lacking.any() == f.optional, f.name
        assert not lacking[:10].any()


def test_every_released_model_is_whole():
    folders = sorted(Path(__file__).parents[2].glob("models/*/manifest.json"))
    assert folders
    for manifest in folders:
        net, told = read_model(manifest.parent)
        assert told["vehicle"] == manifest.parent.name
        assert net.weights == told["weights"]


def test_the_file_says_its_version_its_license_and_what_it_was_trained_on():
    model = onnx.load_from_string(onnx_bytes(NET, {}))
    texts = {entry.key: entry.value for entry in model.metadata_props}
    assert model.producer_version == version("acc-decel")
    assert "Trained on simulated events" in model.doc_string
    assert (texts["model_license"], texts["model_author"]) == ("MIT", "the acc_decel authors")
