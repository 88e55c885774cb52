"""The compiled descent takes the steps that Keras takes, and stops where it should."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import BUDGET, COMPACT, sensed_events
from numpy import ndarray

from acc_decel.attribution.training import STEPS_AT_ONCE
from acc_decel.network import entering
from acc_decel.network.descent import NO_ROW, Descent, State, batches, falling
from acc_decel.network.feature_constants import feature_constants
from acc_decel.network.keras_net import keras_model
from acc_decel.network.training import Fit, Phase, Training, _fit, distillation_loss, scaling
from acc_decel.outputs import OUTPUTS

pytestmark = pytest.mark.slow

ROWS, BATCH, EPOCHS = 700, 64, 3
Learning = tuple[list[ndarray], ndarray, ndarray]


@pytest.fixture(scope="module")
def learning() -> Learning:
    """Inputs of events, made-up labels, weights."""
    columns, rng = sensed_events(ROWS), np.random.default_rng(1)
    constants = feature_constants(COMPACT)
    entered = entering(COMPACT.factors, constants, *scaling(COMPACT.factors, constants, columns), columns)
    inputs = [entered.embedding, entered.forced, entered.head]
    labels = (inputs[1][:, :1] + rng.normal(0, 0.1, (ROWS, len(OUTPUTS)))).astype(np.float32)
    return inputs, labels, rng.uniform(1, 3, ROWS).astype(np.float32)


def model() -> keras.Model:
    keras.utils.set_random_seed(3)
    return keras_model(COMPACT.factors, (8,), (6, 4), penalty=1e-3)


def test_the_steps_are_those_of_keras(learning):
    inputs, labels, weights = learning
    ours, theirs = model(), model()
    training = Training(batch=BATCH, patience=EPOCHS)
    _fit(ours, distillation_loss, [learning, learning], training, Phase(EPOCHS, 1e-2, None, lambda *_: None))
    steps = EPOCHS * -(-ROWS // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(1e-2, steps, alpha=0.002)
    theirs.compile(keras.optimizers.Adam(rate), loss=distillation_loss)
    for epoch in range(EPOCHS):
        order = np.random.default_rng((training.seed, epoch)).permutation(ROWS)
        shuffled = [x[order] for x in inputs], labels[order]
        theirs.fit(*shuffled, sample_weight=weights[order], batch_size=BATCH, shuffle=False, verbose=0)
    for mine, other, first in zip(ours.weights, theirs.weights, model().weights, strict=True):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=0, atol=BUDGET.keras_to_numpy)
        assert np.abs(mine.numpy() - first.numpy()).max() > 0.01, "there was something to learn"


def test_the_mean_counts_every_row_once(learning):
    _, labels, weights = learning

    def loss(parameters: list[Any], label: Any, weight: Any) -> tuple[Any, Any]:
        return weight * (label[:, 0] - parameters[0][0]) ** 2, tf.reduce_sum(parameters[1])

    descent = Descent(loss, [(1,), (2, 2)])
    state = descent.start([np.array([0.5]), np.full((2, 2), 0.25)])
    expected = np.mean(weights * (labels[:, 0] - 0.5) ** 2) + 1
    assert descent.mean(state, [labels, weights]) == pytest.approx(expected, rel=1e-5)
    order = batches(np.arange(ROWS), ROWS + 50)
    _, mean = descent.steps(state, [labels, weights], order, np.zeros(1))
    assert mean == pytest.approx(expected, rel=1e-5)


def test_many_steps_find_the_minimum():
    def loss(parameters: list[Any], value: Any) -> tuple[Any, float]:
        return (value - parameters[0]) ** 2, 0.0

    values = np.random.default_rng(1).normal(3, 1, 1000).astype(np.float32)
    descent, steps = Descent(loss, [(1,)]), 2 * STEPS_AT_ONCE + 7
    order = np.random.default_rng(2).integers(0, len(values), (steps, 100)).astype(np.int32)
    state, _ = descent.steps(descent.start([np.zeros(1)]), [values], order, falling(0.1, steps))
    assert state.steps == steps
    assert descent.parameters(state)[0] == pytest.approx(values.mean(), abs=0.05)


def test_the_last_batch_is_filled_up():
    assert batches(np.arange(5), 3).tolist() == [[0, 1, 2], [3, 4, NO_ROW]]


def test_rates_fall_with_half_a_cosine():
    rates = falling(2.0, 100, lowest=0.1)
    assert rates[0] == 2
    assert rates[50] == pytest.approx(1.1)
    assert rates[-1] == pytest.approx(0.2, abs=1e-3)
    assert (np.diff(rates) < 0).all()


def fit_of(*losses: float) -> Fit:
    """A fit after epochs with these losses, whose parameters are the number of the epoch."""
    fit = Fit(State(0, None, None))
    for epoch, loss in enumerate(losses, 1):
        fit = fit.after(State(epoch, None, None), loss)
    return fit


def test_the_best_parameters_are_kept():
    fit = fit_of(3.0, 1.0, 2.0, 1.0)
    assert (fit.best, fit.best_loss, fit.waited, fit.epochs) == (2, 1.0, 2, 4)
    assert fit.state.parameters == 4, "training goes on from where it is"


def test_training_stops_after_its_patience_and_keeps_the_best(learning):
    inputs, labels, weights = learning
    unlearnable = inputs, -labels, weights  # the better on the one, the worse on the other
    net, first, epochs = model(), model(), []
    phase = Phase(50, 1e-2, None, lambda epoch, *_: epochs.append(epoch))
    _fit(net, distillation_loss, [learning, unlearnable], Training(batch=BATCH, patience=2), phase)
    assert epochs[-1] < 50
    assert len(epochs) >= 3
    assert any(np.any(mine.numpy() != start.numpy()) for mine, start in zip(net.weights, first.weights, strict=True))


def test_a_loss_that_is_no_number_is_refused(learning):
    inputs, labels, weights = learning
    broken = inputs, np.full_like(labels, np.nan), weights
    with pytest.raises(RuntimeError, match="must begin with a finite loss"):
        _fit(
            model(), distillation_loss, [broken, learning], Training(batch=BATCH), Phase(2, 1e-2, None, lambda *_: None)
        )
