"""Training of the student: events and a reference in, a `Student` out that has learnt their Shapley values."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.attribution.game import WALKS, Reference, estimates, is_available
from acc_decel.attribution.student import Dense, Student, student_inputs
from acc_decel.factors import Factor, column_factors, column_names
from acc_decel.network import saturated
from acc_decel.network.training import MIN_EVENTS

STEPS_AT_ONCE = 100  # training steps between two looks of Python


@dataclass(frozen=True)
class AttributionTraining:
    """Settings of the training. The estimates scatter by about 0.1 m/s^2, which many events average out."""

    events: int = 160_000  # at most
    walks: int = WALKS
    epochs: int = 80
    batch: int = 512
    learning_rate: float = 2e-2
    hidden: tuple[int, ...] = (80, 64)
    seed: int = 1


def train_student(
    game: Reference,
    columns: Float32[ndarray, "rows columns"],
    training: AttributionTraining = AttributionTraining(),
    *,
    on_step: Callable[[], None] = lambda: None,
    on_epoch: Callable[[int, float], None] = lambda *_: None,
) -> Student:
    """A student of the model behind `game`, trained on the first events of `columns`; same seed, same result.

    `on_step` is called after each of walks * factors steps of the estimates, `on_epoch` with the epoch and its loss.
    Raises ValueError for fewer than MIN_EVENTS events, RuntimeError if the loss is no longer a number.
    """
    if len(columns) < MIN_EVENTS:
        raise ValueError(
            f"the training part of the dataset must hold at least {MIN_EVENTS} events. Got {len(columns)}: "
            "generate more."
        )
    columns = columns[: training.events]
    rng = np.random.default_rng(training.seed)
    targets = estimates(game, columns, rng, walks=training.walks, on_step=on_step)
    center, inverse_spread = _scaling(game.factors, columns)
    baseline = np.float32(game.baseline)
    gap = (game.answer(columns) - baseline).astype(np.float32)
    inputs = student_inputs(game.factors, center, inverse_spread, columns, gap)
    available = is_available(game.factors, columns).astype(np.float32)
    model = _fit([inputs, available, gap[:, None]], targets.astype(np.float32), training, on_epoch)
    arrays = [layer.get_weights() for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    layers = tuple(Dense(np.ascontiguousarray(kernel.T), bias) for kernel, bias in arrays)
    return Student(game.factors, center, inverse_spread, float(baseline), layers)


def _scaling(
    factors: tuple[Factor, ...], columns: Float32[ndarray, "rows columns"]
) -> tuple[Float32[ndarray, " columns"], Float32[ndarray, " columns"]]:
    """Center and inverse spread of each saturated column: mean and deviation where available; choices stay 0 to 1."""
    values = saturated(factors, columns)
    center, inverse = np.nanmean(values, axis=0, dtype="f8"), 1 / np.nanstd(values, axis=0, dtype="f8")
    if not np.isfinite(inverse).all():
        constant = np.array(column_names(factors))[~np.isfinite(inverse)]
        raise ValueError(f"every column must vary. Got only one value in {', '.join(constant)}: generate more events.")
    choice = np.array([bool(f.levels) for f in column_factors(factors)])
    return np.where(choice, 0, center).astype("f4"), np.where(choice, 1, inverse).astype("f4")


def _fit(
    inputs: list[ndarray], targets: ndarray, training: AttributionTraining, on_epoch: Callable[[int, float], None]
) -> keras.Model:
    keras.utils.set_random_seed(training.seed)
    model = student_model(inputs[0].shape[1], targets.shape[1], training.hidden)
    steps = -(-len(targets) // training.batch)
    rate = keras.optimizers.schedules.CosineDecay(training.learning_rate, training.epochs * steps, alpha=0.002)
    steps_per_call = min(STEPS_AT_ONCE, steps)
    model.compile(keras.optimizers.Adam(rate), loss="mse", jit_compile=True, steps_per_execution=steps_per_call)
    report = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: on_epoch(epoch + 1, logs["loss"]))
    history = model.fit(inputs, targets, training.batch, training.epochs, verbose=0, callbacks=[report])
    if not np.isfinite(loss := history.history["loss"][-1]):
        raise RuntimeError(f"training of the student must end with a finite loss. Got {loss}: lower the learning rate.")
    return model


def student_model(input_count: int, factors: int, hidden: tuple[int, ...]) -> keras.Model:
    """The student of `student.py` in Keras: inputs, availability and gap [m/s^2] in, attributions out."""
    inputs, available, gap = keras.Input((input_count,)), keras.Input((factors,)), keras.Input((1,))
    x = inputs
    for units in hidden:
        x = keras.layers.Dense(units, activation="silu")(x)
    outputs = keras.layers.Dense(factors)(x)
    rest = gap - keras.ops.sum(outputs * available, axis=1, keepdims=True)
    share = rest / keras.ops.sum(available, axis=1, keepdims=True)
    return keras.Model([inputs, available, gap], (outputs + share) * available)
