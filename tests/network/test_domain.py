"""The trained domain: never-trained combinations are flagged, real events hardly ever, alike in every exported form."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import BUDGET, COMPACT, QUICK_FITTING
from hypothesis import given
from hypothesis import strategies as st
from numpy import ndarray
from onnx import numpy_helper

from acc_decel import Predictor, released_models
from acc_decel.assurance.onnx_arrays import differences
from acc_decel.dataset import NEVER_TRAINED, Dataset, never_trained, scenarios
from acc_decel.ecu import CortexM, HostEcu
from acc_decel.export import (
    c_fixed,
    c_float,
    even_events,
    firmware_files,
    golden_events,
    onnx_bytes,
    status_of,
    write_firmware,
)
from acc_decel.export.firmware_files import FIXED_EVENTS
from acc_decel.export.fixed_point import fixed_answers, fixed_net
from acc_decel.export.fixed_point.quantisation import quantise
from acc_decel.factors import EXCLUSIONS, FACTORS, column_names
from acc_decel.model_folder import read_model
from acc_decel.network import (
    FORMAT,
    DenseNet,
    Layer,
    domain_inputs,
    domain_score,
    excluded,
    load_net,
    rectified,
    to_bytes,
    wiring,
)
from acc_decel.network.domain import auroc, is_dependent
from acc_decel.network.domain_fitting import FALSE_ALARM_SHARE, fit_domain, resample_factors, with_threshold
from acc_decel.network.domain_metrics import domain_metrics, out_of_range
from acc_decel.network.split import in_split
from acc_decel.status import OUTSIDE_DOMAIN, REFUSED
from tests.helpers.random_net import random_events, random_net

AT = column_names().index
NET = random_net(np.random.default_rng(5))
EVENTS = random_events(np.random.default_rng(6), 3000)
SCORE_TOLERANCE = 0.02  # of the score, in fixed point


@pytest.fixture(scope="module")
def held_out(small_data: Dataset) -> ndarray:
    return small_data.columns[in_split(small_data.event, "test")]


@pytest.fixture(scope="module")
def metrics(small_net: DenseNet, held_out: ndarray) -> dict:
    return domain_metrics(small_net, held_out)


def test_never_trained_combinations_are_told_from_real_events(metrics):
    assert metrics["domain_auroc"] >= 0.97
    assert metrics["domain"]["auroc_score"] >= 0.96
    assert metrics["domain"]["auroc_out_of_range"] >= 0.98


@pytest.mark.parametrize("kind", NEVER_TRAINED, ids=lambda kind: kind.name)
def test_every_kind_of_never_trained_combination_is_told_from_real_events(metrics, kind):
    on_snow = kind.name == "water on deep-frozen snow"  # the network does not see a film on snow, where it does nothing
    assert metrics["domain"]["never_trained"][kind.name]["auroc"] >= (0.65 if on_snow else 0.88)


def test_few_real_events_are_flagged(small_net, small_data):
    real = small_data.columns  # those held out are too few to count two in a hundred
    assert 0 < (status_of(small_net, real) & OUTSIDE_DOMAIN != 0).mean() <= 0.02
    complete = real[~np.isnan(real).any(axis=1)]
    assert (status_of(small_net, complete) & OUTSIDE_DOMAIN != 0).mean() <= 0.04
    assert (status_of(small_net, real[np.isnan(real).sum(axis=1) >= 5]) & OUTSIDE_DOMAIN != 0).mean() <= 0.02


def test_a_value_out_of_range_is_always_flagged(small_net, held_out):
    status = status_of(small_net, out_of_range(small_net.factors, held_out, np.random.default_rng(1)))
    assert (status & REFUSED != 0).all()


@pytest.mark.parametrize("kind", NEVER_TRAINED, ids=lambda kind: kind.name)
def test_the_sampler_never_draws_a_never_trained_combination(kind):
    true, _ = scenarios(COMPACT.factors, seed=3, first=0, events=50_000)
    levels = {c: true[f.name] == i for f in FACTORS if f.levels for i, c in enumerate(f.columns)}
    drawn = {f.name: true[f.name] for f in FACTORS if f.name in true and not f.levels} | levels
    known = [span for span in kind.spans if span[0] in drawn]  # what the physics finds is not drawn
    certain = len(known) < len(kind.spans)
    met = [(drawn[name] >= low) & (drawn[name] <= high) for name, low, high in known]
    assert certain or not np.logical_and.reduce(met).any()


@pytest.mark.parametrize(
    "kind", [k for k in NEVER_TRAINED if any(n == "friction_estimate" for n, _, _ in k.spans)], ids=lambda k: k.name
)
def test_no_real_event_has_the_friction_of_a_never_trained_combination(small_data, kind):
    met = [
        (small_data.columns[:, AT(n)] >= low) & (small_data.columns[:, AT(n)] <= high) for n, low, high in kind.spans
    ]
    assert np.logical_and.reduce(met).mean() < 1e-3


def test_what_is_drawn_anew_for_training_leaves_availability_and_unrelated_factors_alone(small_data):
    real = small_data.columns[:2000]
    strange = resample_factors(FACTORS, real, np.random.default_rng(1), uniform=0.8)
    assert 0 < len(strange) <= len(real)
    inside = random_net(np.random.default_rng(1))
    assert (status_of(inside, strange) & REFUSED == 0).all()
    moves = {c for f in FACTORS if is_dependent(f) for c in f.columns}
    rest = [i for i, c in enumerate(column_names()) if c not in moves]
    known = {row.tobytes() for row in np.nan_to_num(real[:, rest])}
    assert all(row.tobytes() in known for row in np.nan_to_num(strange[:, rest]))


def test_the_score_sees_related_factors_alone():
    wires = wiring(FACTORS)
    unrelated = [AT(c) for f in FACTORS if not is_dependent(f) for c in f.columns]
    moved = EVENTS.copy()
    moved[:, unrelated] = random_events(np.random.default_rng(8), len(EVENTS))[:, unrelated]
    np.testing.assert_array_equal(domain_score(NET, moved), domain_score(NET, EVENTS))
    assert len(domain_inputs(FACTORS)) < len(wires.forced) + wires.embedding_inputs
    for factor in filter(is_dependent, FACTORS):
        moved = EVENTS.copy()
        moved[:, [AT(c) for c in factor.columns]] = EVENTS[::-1][:, [AT(c) for c in factor.columns]]
        assert (domain_score(NET, moved) != domain_score(NET, EVENTS)).any(), factor.name


def test_the_score_is_small_beside_the_network(small_net):
    mine, network = (sum(layer.weights.size for layer in layers) for layers in (small_net.domain, small_net.embedding))
    network += sum(layer.weights.size for layer in small_net.trunk)
    assert mine <= network / 9
    assert sum(layer.weights.size + layer.bias.size for layer in small_net.domain) <= small_net.weights / 9


def test_the_same_seed_fits_the_same_bytes_and_another_seed_others(small_net, small_data):
    few, short = small_data.columns[:1000], replace(QUICK_FITTING, tries=2)
    once, again, other = (to_bytes(fit_domain(small_net, few, seed=seed, fitting=short)) for seed in (1, 1, 2))
    assert once == again != other


def test_the_tries_of_a_fit_are_counted(small_net, small_data):
    finished: list[int] = []
    fit_domain(small_net, small_data.columns[:1000], seed=1, fitting=QUICK_FITTING, on_try=finished.append)
    assert finished == list(range(QUICK_FITTING.tries + 1))


def test_the_threshold_leaves_the_share_of_false_alarms(small_net, small_data):
    raised = replace(small_net.domain[-1], bias=small_net.domain[-1].bias + 5)
    loud = replace(small_net, domain=(small_net.domain[0], raised))
    mended = with_threshold(loud, small_data.columns)
    flagged = excluded(FACTORS, small_data.columns) | (domain_score(mended, small_data.columns) > 0)
    assert flagged.mean() == pytest.approx(FALSE_ALARM_SHARE, abs=1e-3)


def test_events_that_are_mostly_excluded_have_no_threshold(small_net, small_data):
    hot = small_data.columns[:500].copy()
    e = EXCLUSIONS[0]
    hot[:, [AT(c) for f in FACTORS if e.column in f.columns for c in f.columns]] = 0
    hot[:, [AT(e.column), AT(e.factor)]] = 1.0, e.limit + 30
    with pytest.raises(ValueError, match="may be excluded combinations"):
        with_threshold(small_net, hot)


@given(
    inside=st.lists(st.integers(0, 5), min_size=1, max_size=8),
    outside=st.lists(st.integers(0, 5), min_size=1, max_size=8),
)
def test_auroc_counts_pairs(inside, outside):
    pairs = [(a < b) + 0.5 * (a == b) for a in inside for b in outside]
    assert auroc(np.array(inside, "f4"), np.array(outside, "f4")) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("column", range(len(domain_inputs(FACTORS))))
def test_each_value_reaches_the_score_from_its_own_place(column):
    entered = NET.entered(EVENTS)
    value = np.concatenate([entered.forced, entered.embedding], axis=1)[:, domain_inputs(FACTORS)[column]]
    weights = np.zeros((1, len(domain_inputs(FACTORS))), "f4")
    weights[0, column] = 1
    none = np.zeros(1, "f4")
    net = replace(NET, domain=(Layer(weights, none), Layer(np.ones((1, 1), "f4"), none)))
    np.testing.assert_array_equal(domain_score(net, EVENTS), rectified(value))
    assert len(np.unique(value)) > 1


@pytest.fixture(scope="module")
def awkward(small_net: DenseNet, held_out: ndarray) -> ndarray:
    """Real events, never-trained ones, and any at all."""
    rng = np.random.default_rng(2)
    unseen = [never_trained(kind, small_net.factors, held_out[:40], rng) for kind in NEVER_TRAINED]
    return np.concatenate([held_out, *unseen, random_events(rng, 500, small_net.factors)])


def exported(net: DenseNet, folder: Path, number_format: str) -> Path:
    files = firmware_files(net, model="m", golden=golden_events(net.factors), number_format=number_format)
    write_firmware(folder, files)
    return folder


@pytest.fixture(scope="module")
def in_float(small_net: DenseNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(small_net, tmp_path_factory.mktemp("float"), "float")


@pytest.fixture(scope="module")
def in_fixed(small_net: DenseNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(small_net, tmp_path_factory.mktemp("fixed"), "fixed")


def flagged(status: ndarray) -> ndarray:
    return status & OUTSIDE_DOMAIN != 0


def test_onnx_flags_what_the_reference_flags_but_at_the_threshold(small_net, awkward):
    session = onnxruntime.InferenceSession(onnx_bytes(small_net, {}), providers=["CPUExecutionProvider"])
    status = session.run(["status"], {"factors": awkward})[0]
    far = np.abs(domain_score(small_net, awkward)) > BUDGET.score_to_onnx
    expected = flagged(status_of(small_net, awkward))
    np.testing.assert_array_equal(flagged(status)[far], expected[far])
    assert far.mean() > 0.99
    assert 0.1 < expected.mean() < 0.9


def test_c_flags_exactly_what_the_reference_flags(small_net, awkward, in_float):
    expected = status_of(small_net, awkward)
    np.testing.assert_array_equal(HostEcu(in_float).predict_array(awkward)[1], expected)
    np.testing.assert_array_equal(CortexM(in_float).predict_array(awkward)[1], expected)


def test_c_in_fixed_point_flags_exactly_what_its_reference_flags(small_net, awkward, in_fixed):
    expected = fixed_answers(fixed_net(small_net, even_events(small_net.factors, FIXED_EVENTS)), awkward)[1]
    np.testing.assert_array_equal(HostEcu(in_fixed).predict_array(awkward)[1], expected)
    np.testing.assert_array_equal(CortexM(in_fixed, core="cortex-m3").predict_array(awkward[::4])[1], expected[::4])


def test_fixed_point_moves_the_score_little(small_net, awkward):
    outside = flagged(fixed_answers(quantise(small_net), awkward)[1])
    near = np.abs(domain_score(small_net, awkward)) < SCORE_TOLERANCE
    np.testing.assert_array_equal(outside[~near], flagged(status_of(small_net, awkward))[~near])
    assert near.mean() < 0.05


def test_random_networks_flag_some_events_by_their_score_alone():
    # so that wherever a random network is compared with its reference, the score is
    assert 0.01 < (domain_score(NET, EVENTS) > 0).mean() < 0.5


def test_golden_vectors_hold_events_that_the_score_alone_flags(small_net):
    events = golden_events(small_net.factors)
    answered = events[status_of(small_net, events) & REFUSED == 0]
    alone = (domain_score(small_net, answered) > 0) & ~excluded(small_net.factors, answered)
    assert alone.any()
    assert not flagged(status_of(small_net, answered)).all()


def moved(layer: Layer, by: float) -> Layer:
    return replace(layer, bias=layer.bias + np.float32(by))


def test_golden_vectors_fail_on_another_threshold(small_net):
    events = golden_events(small_net.factors)
    loud = replace(small_net, domain=(small_net.domain[0], moved(small_net.domain[1], 100)))
    assert (status_of(loud, events) != status_of(small_net, events)).any()


def test_tables_of_the_score_are_under_the_checksum(small_net):
    other = replace(small_net, domain=(moved(small_net.domain[0], 1e-3), small_net.domain[1]))
    assert c_float.network_checksum(other) != c_float.network_checksum(small_net)
    one, two = (c_fixed.network_checksum(quantise(net), c_fixed.PACKING) for net in (other, small_net))
    assert one != two


def test_a_changed_weight_of_the_score_in_the_onnx_file_is_found():
    model = onnx.load_from_string(onnx_bytes(NET, {}))
    assert not differences(model, NET)
    spoilt = replace(NET, domain=(moved(NET.domain[0], 1e-6), NET.domain[1]))
    assert differences(onnx.load_from_string(onnx_bytes(spoilt, {})), NET)[0].startswith("domain[0].bias[0] must be")


def test_a_changed_input_of_the_score_in_the_onnx_file_is_found():
    model = onnx.load_from_string(onnx_bytes(NET, {}))
    places = np.array(domain_inputs(FACTORS))
    (indices,) = (t for t in model.graph.initializer if np.array_equal(numpy_helper.to_array(t), places))
    indices.CopyFrom(numpy_helper.from_array(places[::-1].copy(), indices.name))
    assert differences(model, NET)


REFUSALS = {
    "domain must have at least one layer": (),
    "domain must be 2 layers that give 1 score": (NET.domain[0],),
    r"domain\[0\].bias must be finite": (moved(NET.domain[0], np.nan), NET.domain[1]),
    r"domain\[1\] must stay within the range of float32": (
        NET.domain[0],
        replace(NET.domain[1], weights=NET.domain[1].weights * 1e38),
    ),
}


@pytest.mark.parametrize(("sentence", "domain"), REFUSALS.items(), ids=[s[:30] for s in REFUSALS])
def test_a_network_whose_score_does_not_fit_is_refused(sentence, domain):
    with pytest.raises(ValueError, match=sentence):
        firmware_files(replace(NET, domain=domain), model="m", golden=EVENTS[:8])


def test_a_network_without_a_score_has_no_status():
    with pytest.raises(ValueError, match="must have the score of its trained domain"):
        status_of(replace(NET, domain=()), EVENTS[:8])


def test_arrays_of_the_format_without_the_score_are_refused(tmp_path):
    path = tmp_path / "network.npz"
    with np.load(BytesIO(to_bytes(NET))) as arrays:
        np.savez(path, **{name: array for name, array in arrays.items() if name != "format" and "domain" not in name})
    with pytest.raises(
        ValueError, match=rf"network\.npz must be of format {FORMAT}, which has physics features.*Got format 1"
    ):
        load_net(path)


def test_a_graph_of_the_format_without_the_score_is_refused(tmp_path):
    model = onnx.load_from_string(onnx_bytes(NET, {}))
    told = [p for p in model.metadata_props if p.key != "format"]
    del model.metadata_props[:]
    model.metadata_props.extend(told)
    onnx.save(model, tmp_path / "old.onnx")
    with pytest.raises(
        ValueError, match=rf"old\.onnx must be of format {FORMAT}, which has physics features.*Got format 1"
    ):
        Predictor(tmp_path / "old.onnx")


@pytest.mark.parametrize("name", released_models())
def test_a_released_model_flags_never_trained_combinations_and_tells_how_well(name):
    _, told = read_model(released_models()[name])
    assert told["domain_auroc"] >= 0.98
    assert told["domain"]["auroc_out_of_range"] >= 0.98
    assert told["domain"]["false_alarms"] <= 0.02
    assert {*told["domain"]["never_trained"]} == {kind.name for kind in NEVER_TRAINED}


@pytest.mark.parametrize(
    "combination",
    [
        {"surface": "ice", "road_temperature_c": 40.0},
        {"surface": "packed_snow", "water_film_mm": 3.0},
        {"surface": "ice", "friction_estimate": 1.1},
        {"surface": "asphalt", "water_film_mm": 5.0, "road_temperature_c": -25.0},
    ],
    ids=str,
)
def test_the_released_model_flags_what_no_road_shows(combination):
    known = {"speed": 20.0, "brake_pressure_bar": 80.0}
    assert Predictor().predict(**known, **combination).outside_domain
    usual = {"road_temperature_c": 20.0, "water_film_mm": 1.0, "friction_estimate": 0.8}
    assert not Predictor().predict(**known, surface="asphalt", **usual).outside_domain
