"""Fine-tuning goes on from what a network has learnt, and ends in a model like any other."""

import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import BUDGET, COMPACT, QUICK_FITTING, SMALL_EVENTS, sensed_events

from acc_decel.assurance.monotone_arrays import violations
from acc_decel.dataset import generate, load_dataset
from acc_decel.model_folder import read_model
from acc_decel.network.fine_tuning import FINE_TUNING, fine_tune, with_sizes_of, with_weights
from acc_decel.network.keras_net import keras_model, plain
from acc_decel.network.split import in_split
from acc_decel.outputs import MEDIAN
from acc_decel.physics import vehicle
from acc_decel.predictor import Predictor

WEAK = replace(COMPACT, tyres=replace(COMPACT.tyres, dry_grip=0.7 * COMPACT.tyres.dry_grip))


@pytest.fixture(scope="module")
def weak_folder(tmp_path_factory):
    """A dataset of a car with worn-out grip."""
    folder = tmp_path_factory.mktemp("weak") / "dataset"
    generate(WEAK, folder, events=SMALL_EVENTS, seed=2)
    return folder


def test_a_network_is_the_same_after_a_trip_through_keras(small_net):
    sizes = with_sizes_of(FINE_TUNING, small_net)
    model = with_weights(keras_model(small_net.factors, sizes.embedding, sizes.trunk), small_net)
    embedded = len(small_net.embedding)
    scales = small_net.constants, small_net.center, small_net.inverse_spread
    back = plain(model, small_net.factors, *scales, embedded=embedded)
    columns = sensed_events(500)
    none = np.zeros_like(small_net.head.offset), np.zeros_like(small_net.head.surface_offsets)
    head = replace(small_net.head, offset=none[0], surface_offsets=none[1])  # the calibration gives new offsets
    uncalibrated = replace(small_net, head=head)
    np.testing.assert_allclose(back(columns), uncalibrated(columns), atol=BUDGET.keras_to_numpy)


def test_a_few_epochs_bring_a_network_nearer_to_the_other_car(small_net, weak_folder):
    data = load_dataset(weak_folder)
    tuned = fine_tune(small_net, data, WEAK.factors, replace(FINE_TUNING, epochs=3, batch=256, domain=QUICK_FITTING))
    held = in_split(data.event, "test")
    before, after = (
        np.mean(np.abs(net(data.columns[held])[:, MEDIAN] - data.deceleration[held])) for net in (small_net, tuned)
    )
    assert after < before
    for layer, old in zip((*tuned.embedding, *tuned.trunk), (*small_net.embedding, *small_net.trunk), strict=True):
        assert layer.weights.shape == old.weights.shape
    assert not violations(tuned)


def test_the_command_writes_a_model_that_says_where_it_comes_from(
    answered, refused, soon_trained, small_model, weak_folder, tmp_path
):
    told = answered("train", weak_folder, "--from", small_model, "--epochs", 1, "--output", tmp_path / "tuned")
    assert told["events"] > 0
    net, metrics = read_model(tmp_path / "tuned")
    assert metrics["training"]["epochs"] == 1
    assert (
        metrics["training"]["start_sha256"]
        == json.loads((small_model / "manifest.json").read_text())["sha256"]["model.onnx"]
    )
    assert Predictor(tmp_path / "tuned").predict(speed=20, brake_pressure_bar=80).deceleration > 0
    assert net.factors == vehicle("compact").factors
    again = ("train", weak_folder, "--from", small_model, "--output", tmp_path / "fuzzy", "--model", "fuzzy-broad")
    assert "--from must be left out with --model fuzzy-broad" in refused(*again)
    assert "model must be a released model" in refused(
        "train", weak_folder, "--from", "none", "--output", tmp_path / "x"
    )
