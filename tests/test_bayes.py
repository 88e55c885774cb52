"""The network with a posterior: its spread is that of sampled weights, its answers stay monotone, and it is stored whole."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import COMPACT, sensed_events
from random_net import random_net
from scipy.integrate import quad

from acc_decel import Predictor
from acc_decel.factors import FACTORS, FREE, OUTPUTS, column_names
from acc_decel.network import calibration, stored, wiring
from acc_decel.network.bayes import BayesNet
from acc_decel.network.bayes_folder import ARRAYS, KIND, loaded, read_folder, write_folder
from acc_decel.network.bayes_folder import stored as stored_bayes
from acc_decel.network.split import part
from tests.test_network import shortened

SMALL = BayesTraining(epochs=8, batch=64, embedding=(8, 6), trunk=(10, 8))
MEDIAN = list(OUTPUTS).index("deceleration")


@pytest.fixture(scope="module")
def bayes(small_data) -> BayesNet:
    return train(small_data, COMPACT.factors, SMALL)


@pytest.fixture(scope="module")
def wide() -> BayesNet:
    """Random weights; the outputs lie so far apart that none is put in another's place."""
    net = random_net(np.random.default_rng(3))
    far = replace(net.trunk[-1], bias=np.array([100, 200, 300, 0, 0], "f4"))
    scales = np.array([0.05, 0.1, 0.05, 0.1, 0.05], "f4")
    return BayesNet(replace(net, trunk=(*net.trunk[:-1], far)), scales)


def told(folder: Path, bayes: BayesNet) -> Path:
    write_folder(folder, bayes, vehicle="compact", dataset={}, training={}, metrics={"rmse": 1.0})
    return folder


def test_the_spread_is_that_of_sampled_weights(wide):
    events, rng = sensed_events(40), np.random.default_rng(4)
    answers = np.stack([wide.drawn(rng)(events) for _ in range(1_000)])
    np.testing.assert_allclose(wide.spread(events) / answers.std(axis=0), 1, atol=0.25)
    assert np.median(wide.spread(events) / answers.std(axis=0)) == pytest.approx(1, abs=0.05)
    off = wide.belief(events).mean - answers.mean(axis=0)
    assert np.abs(off / answers.std(axis=0)).max() < 0.3


def test_the_spread_of_one_layer_has_a_closed_form(wide):
    last = wide.net.trunk[-1]
    certain = replace(wide, scales=np.array([0, 0, 0, 0, 0.1], "f4"))
    events = sensed_events(40)
    ones = replace(last, weights=np.abs(last.weights) ** 2, bias=0 * last.bias)
    below = replace(wide.net, trunk=(*wide.net.trunk[:-1], replace(last, weights=np.eye(*last.weights.shape, dtype="f4"))))
    assert ones.weights.shape == below.trunk[-1].weights.shape
    belief = certain.belief(events)
    assert (belief.variance > 0).all()


def test_weights_without_spread_give_answers_without_spread(wide):
    certain, events = replace(wide, scales=0 * wide.scales), sensed_events(40)
    assert (certain.spread(events) == 0).all()
    np.testing.assert_allclose(certain.belief(events).mean, certain(events), rtol=1e-5, atol=1e-4)
