"""Training of the student: events and a reference in, a `Student` out that has learned their Shapley values."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.attribution.game import WALKS, Reference, estimates, is_available
from acc_decel.attribution.student import Dense, Student, student_inputs
from acc_decel.network.training import MIN_EVENTS, scaling

STEPS_AT_ONCE = 100  # training steps between two looks of Python


@dataclass(frozen=True)
class AttributionTraining:
    """How to train a student. The estimates scatter by some 0.1 m/s^2; many events average that out."""

    events: int = 160_000  # at most
    walks: int = WALKS
    epochs: int = 80
    batch: int = 512
    learning_rate: float = 2e-2
    hidden: tuple[int, ...] = (80, 64)
    seed: int = 1


def train_student(
    asked: Reference,
    columns: Float32[ndarray, "rows columns"],
    training: AttributionTraining = AttributionTraining(),
    *,
    on_step: Callable[[], None] = lambda: None,
    on_epoch: Callable[[int, float], None] = lambda *_: None,
) -> Student:
    """A student of the model that `asked` asks, trained on the first events of `columns`; one seed, one result.

    `on_step` is told each of walks * factors steps of the estimates, `on_epoch` the epoch and its loss. Raises
    ValueError for fewer than FEWEST_EVENTS events, RuntimeError if the loss stops being a number.
    """
    if len(columns) < MIN_EVENTS:
        raise ValueError(
            f"the training part of the dataset must hold at least {MIN_EVENTS} events. Got {len(columns)}: "
            "generate more."
        )
    columns = columns[: training.events]
    rng = np.random.default_rng(training.seed)
    targets = estimates(asked, columns, rng, walks=training.walks, on_step=on_step)
    center, inverse_spread = scaling(asked.factors, columns)
    baseline = np.float32(asked.baseline)
    gap = (asked.answer(columns) - baseline).astype(np.float32)
    inputs = student_inputs(asked.factors, center, inverse_spread, columns, gap)
    given = is_available(asked.factors, columns).astype(np.float32)
    model = _fit([inputs, given, gap[:, None]], targets.astype(np.float32), training, on_epoch)
    arrays = [layer.get_weights() for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    layers = tuple(Dense(np.ascontiguousarray(kernel.T), bias) for kernel, bias in arrays)
    return Student(asked.factors, center, inverse_spread, float(baseline), layers)


def _fit(
    inputs: list[ndarray], targets: ndarray, training: AttributionTraining, on_epoch: Callable[[int, float], None]
) -> keras.Model:
    keras.utils.set_random_seed(training.seed)
    model = student_model(inputs[0].shape[1], targets.shape[1], training.hidden)
    steps = -(-len(targets) // training.batch)
    rate = keras.optimizers.schedules.CosineDecay(training.learning_rate, training.epochs * steps, alpha=0.002)
    at_once = min(STEPS_AT_ONCE, steps)
    model.compile(keras.optimizers.Adam(rate), loss="mse", jit_compile=True, steps_per_execution=at_once)
    told = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: on_epoch(epoch + 1, logs["loss"]))
    history = model.fit(inputs, targets, batch_size=training.batch, epochs=training.epochs, verbose=0, callbacks=[told])
    if not np.isfinite(loss := history.history["loss"][-1]):
        raise RuntimeError(f"training of the student must end with a finite loss. Got {loss}: lower the learning rate.")
    return model


def student_model(inputs: int, factors: int, hidden: tuple[int, ...]) -> keras.Model:
    """The student of `attribution_student.py` in Keras: inputs, availability and gap [m/s^2] in, attributions out."""
    seen, given, gap = keras.Input((inputs,)), keras.Input((factors,)), keras.Input((1,))
    x = seen
    for units in hidden:
        x = keras.layers.Dense(units, activation="silu")(x)
    outputs = keras.layers.Dense(factors)(x)
    short = gap - keras.ops.sum(outputs * given, axis=1, keepdims=True)
    share = short / keras.ops.sum(given, axis=1, keepdims=True)
    return keras.Model([seen, given, gap], (outputs + share) * given)
