"""The reserve against a lead: learnt, calibrated, monotone by construction, and the same in every form."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import BUDGET, COMPACT, QUICK_FITTING
from hypothesis import given
from hypothesis import strategies as st
from numpy import ndarray

from acc_decel.dataset import Dataset
from acc_decel.export.firmware_files import firmware_files
from acc_decel.export.onnx_file import onnx_bytes
from acc_decel.export.reference import reference_outputs, status_of
from acc_decel.factors import FACTORS, Factor, column_names
from acc_decel.network import DenseNet, load_net, predict, to_bytes
from acc_decel.network.calibration import metrics
from acc_decel.network.dense_net import without_reserve
from acc_decel.network.domain import outside_domain
from acc_decel.network.keras_net import unit_directions
from acc_decel.network.reserve_fitting import with_reserve
from acc_decel.network.split import in_split
from acc_decel.network.training import Training, train
from acc_decel.outputs import OUTPUTS, PAIR_LIMITS, PAIR_OUTPUTS, RESERVE, lead_reserve
from tests.helpers.random_net import familiar, random_events, random_net

FORCED = [f for f in FACTORS if f.direction]
RANDOM = [random_net(np.random.default_rng(seed), lead=True) for seed in range(4)]
QUICK = Training(epochs=15, batch=128, teacher_epochs=0, lead=True, domain=QUICK_FITTING)


@pytest.fixture(scope="module")
def pair_net(small_data: Dataset) -> DenseNet:
    return train(small_data, COMPACT.factors, QUICK)


def moved(event: ndarray, factor: Factor, points: int = 33) -> ndarray:
    """The event over and over, the factor from its low to its high end."""
    grid = np.repeat(event[None], points, axis=0)
    grid[:, column_names().index(factor.name)] = np.linspace(factor.low, factor.high, points, dtype=np.float32)
    if factor.forced_while:
        grid[:, column_names().index(factor.forced_while)] = 1
    return grid


@pytest.mark.parametrize("f", FORCED, ids=lambda f: f.name)
@given(seed=st.integers(0, 2**32 - 1), which=st.integers(0, len(RANDOM) - 1))
def test_what_lets_a_car_stop_shorter_never_asks_for_more_reserve(f, seed, which):
    event = random_events(np.random.default_rng(seed), 1)[0]
    reserve = RANDOM[which](moved(event, f))[:, RESERVE]
    assert (np.diff(reserve) * f.direction <= 0).all()


@given(seed=st.integers(0, 2**32 - 1), which=st.integers(0, len(RANDOM) - 1))
def test_a_reserve_is_never_below_0_nor_above_its_limit(seed, which):
    low, high = np.array(PAIR_LIMITS["lead_reserve_99"], np.float32)
    net = RANDOM[which]
    limited = replace(net, high=np.append(net.high[:RESERVE], high))
    reserve = limited(random_events(np.random.default_rng(seed), 50))[:, RESERVE]
    assert ((reserve >= low) & (reserve <= high)).all()


@pytest.mark.slow
def test_one_of_a_hundred_pairs_is_short_on_every_surface_and_on_unknown_ones(pair_net, small_data):
    rows = in_split(small_data.event, "calibration")  # the offsets are of these
    columns = small_data.columns[rows]
    needed = lead_reserve(small_data.deceleration[rows], small_data.lead_deceleration[rows])
    short = needed > pair_net(columns)[:, RESERVE]
    surface = pair_net.entered(columns).surface
    for group in (surface.sum(axis=1) == 0, *(surface.T > 0.5)):
        assert short[group].mean() <= 0.01 + 1 / group.sum()
    test = in_split(small_data.event, "test")
    needed = lead_reserve(small_data.deceleration[test], small_data.lead_deceleration[test])
    assert (needed > pair_net(small_data.columns[test])[:, RESERVE]).mean() < 0.03


@pytest.mark.slow
def test_the_metrics_tell_how_often_a_pair_is_short(pair_net, small_data):
    figures = metrics(pair_net, small_data, oracle_events=10)["lead_reserve"]
    assert 0 < figures["short"] < 0.03
    assert set(figures["short_by_surface"]) == {"unknown", *next(f.levels for f in FACTORS if f.name == "surface")}
    assert figures["mean"] > 0


@pytest.fixture(scope="module")
def fitted(small_net: DenseNet, small_data: Dataset) -> DenseNet:
    """A trained network with a reserve fitted to it afterwards."""
    return with_reserve(small_net, small_data.columns, small_data.deceleration, small_data.lead_deceleration, seed=3)


def test_a_reserve_is_fitted_to_a_trained_network_and_changes_no_other_output(small_net, fitted, small_data):
    events = small_data.columns[:500]
    np.testing.assert_array_equal(fitted(events)[:, :RESERVE], small_net(events))
    assert to_bytes(without_reserve(fitted)) == to_bytes(small_net)
    assert without_reserve(small_net) is small_net
    again = with_reserve(fitted, small_data.columns, small_data.deceleration, small_data.lead_deceleration, seed=3)
    assert to_bytes(again) == to_bytes(fitted), "the same seed, the same bytes"


def test_a_fitted_reserve_covers_most_pairs_with_the_signs_that_physics_forces(fitted, small_data):
    hidden = len(fitted.trunk[-2].bias)
    rising = unit_directions(hidden)
    assert (fitted.trunk[-1].weights[RESERVE, -hidden:] * rising <= 0).all()
    needed = lead_reserve(small_data.deceleration, small_data.lead_deceleration)
    reserve = fitted(small_data.columns)[:, RESERVE]
    assert 0.002 < (needed > reserve).mean() < 0.03
    assert np.corrcoef(np.log(reserve + 0.01), np.log(np.maximum(needed, 0) + 0.01))[0, 1] > 0.4


def test_outside_its_domain_the_reserve_is_the_greatest():
    net = RANDOM[0]
    events = random_events(np.random.default_rng(7), 500)
    outside = outside_domain(net, events)
    assert 20 < outside.sum() < 480
    plainly, cautiously = net(events)[:, RESERVE], predict(net, events)[:, RESERVE]
    assert (cautiously >= plainly).all()
    assert (cautiously[outside] > plainly[outside]).any()
    np.testing.assert_array_equal(cautiously[~outside], plainly[~outside])


@pytest.mark.parametrize("net", RANDOM[:2], ids=["one", "another"])
def test_the_onnx_graph_gives_the_reserve_of_the_arrays(net):
    import onnxruntime  # noqa: PLC0415 - the package switches its telemetry off before

    events = random_events(np.random.default_rng(8), 400)
    session = onnxruntime.InferenceSession(onnx_bytes(net, {}))
    assert [put.name for put in session.get_outputs()] == [*OUTPUTS, *PAIR_OUTPUTS, "status"]
    *outputs, status = session.run(None, {"factors": events})
    np.testing.assert_array_equal(status, status_of(net, events))
    np.testing.assert_allclose(
        np.stack(outputs, axis=1), reference_outputs(net, events), rtol=2e-4, atol=BUDGET.numpy_to_onnx
    )


def test_a_network_that_knows_the_lead_is_stored_and_read_back(tmp_path):
    path = tmp_path / "network.npz"
    path.write_bytes(to_bytes(RANDOM[0]))
    again = load_net(path)
    assert again.outputs == (*OUTPUTS, *PAIR_OUTPUTS)
    assert to_bytes(again) == path.read_bytes()
    events = random_events(np.random.default_rng(9), 50)
    np.testing.assert_array_equal(again(events), RANDOM[0](events))


@pytest.mark.parametrize("lost", ["reserve_offset", "reserve_surface_offsets"])
def test_half_a_reserve_is_refused(tmp_path, lost):
    path = tmp_path / "network.npz"
    path.write_bytes(to_bytes(RANDOM[0]))
    with np.load(path) as file:
        arrays = {name: file[name] for name in file if name != lost}
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=f"must have the array {lost}"):
        load_net(path)


def test_a_reserve_without_its_sum_is_refused(tmp_path: Path):
    net = replace(random_net(np.random.default_rng(1)), reserve=RANDOM[0].reserve)
    path = tmp_path / "network.npz"
    path.write_bytes(to_bytes(net))
    with pytest.raises(ValueError, match=r"must have the array low, float32 \(6,\)"):
        load_net(path)


def test_firmware_is_not_exported_without_its_reserve():
    golden = random_events(np.random.default_rng(1), 5)
    with pytest.raises(ValueError, match="Got also lead_reserve_99, which has no C form yet"):
        firmware_files(familiar(RANDOM[0]), model="pair", golden=golden)
