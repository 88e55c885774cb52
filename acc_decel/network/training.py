"""Training: a dataset in, a calibrated `DenseNet` out.

Single events scatter, and a small network with forced signs learns slowly from them. So a greater one without any
constraint learns first, by the pinball loss, and the small one then learns its answers: no scatter, and an error counts
by its size also where the truth is uncertain and the pinball loss flat. (Knowledge distillation: Hinton, Vinyals, Dean,
arXiv:1503.02531.)
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import rmtree
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from jaxtyping import Float32, Int64
from numpy import ndarray

from acc_decel.dataset import Dataset
from acc_decel.factors import CERTAIN, Factor, column_factors, column_names
from acc_decel.files import replaced
from acc_decel.network.calibration import calibrate
from acc_decel.network.dense_net import DenseNet, bent, entering
from acc_decel.network.descent import Descent, State, batches, falling
from acc_decel.network.domain_fitting import Fitting, fit_domain
from acc_decel.network.keras_net import OFFSET, SCALE, keras_model, plain, teacher_model
from acc_decel.network.split import in_split
from acc_decel.outputs import DELAY, ORDERED, OUTPUTS, QUANTILES
from acc_decel.physics import SURFACES

DELAY_WEIGHT = 0.1  # of the delay in the loss, beside the quantiles
DISTANCE_WEIGHTS = {  # of the outputs, when the network learns the answers of its teacher
    "deceleration_lower_99": 0.3,
    "deceleration_lower": 0.6,
    "deceleration": 6.0,
    "deceleration_upper": 0.6,
    "delay": 0.1,
}
MIN_GAP = 1e-4  # in training units: keeps the slope of the root finite
FROZEN_WEIGHT = 3.0  # of an event known to be on snow or ice: a small error is a long way there
COMPLETE_WEIGHT = 3.0  # of an event with every factor available: there the answer can be the sharpest
NETWORK_EVENTS, TEACHER_EVENTS = 72_000_000, 24_000_000  # learnt from at most: a greater dataset takes no longer
FROZEN = tuple(f"surface_{name}" for name, surface in SURFACES.items() if surface.frozen)
MIN_EVENTS = 2_000

Loss = Callable[[Any, Any], Any]
Learning = tuple[list[ndarray], ndarray, ndarray]  # inputs, labels, weights of the events
Start = tuple[keras.Model, ndarray, ndarray]  # a network to go on with, and its scaling


@dataclass(frozen=True)
class Training:
    """How to train; metrics.json says what made each model. `usual` has fewer epochs for a greater dataset."""

    epochs: int = 150
    patience: int = 15
    batch: int = 512
    learning_rate: float = 1e-2
    seed: int = 1
    embedding: tuple[int, ...] = (32, 16)
    trunk: tuple[int, ...] = (20, 16, 12)
    penalty: float = 4e-5  # times all squared weights: small ones bear rounding to integers
    teacher_epochs: int = 30  # 0: no teacher, the network learns from single events
    teacher_learning_rate: float = 8e-3
    teacher_hidden: tuple[int, ...] = (96, 96, 96, 96)
    domain: Fitting = field(default_factory=Fitting)


def default_training(event: Int64[ndarray, " events"]) -> Training:
    """The training of the released models, for a dataset of the events with these numbers."""
    events, most = int(in_split(event, "training").sum()), Training()
    return replace(
        most,
        epochs=min(most.epochs, max(1, round(NETWORK_EVENTS / events))),
        teacher_epochs=min(most.teacher_epochs, max(1, round(TEACHER_EVENTS / events))),
    )


def train(
    data: Dataset,
    factors: tuple[Factor, ...],
    training: Training = Training(),
    *,
    on_epoch: Callable[[int, float, float], None] = lambda *_: None,
    on_domain: Callable[[int], None] = lambda _: None,
    checkpoint: Path | None = None,
    start: Start | None = None,
) -> DenseNet:
    """A network for `factors`, trained on the training part of `data` and calibrated on its calibration part.

    Its score of the trained domain is fitted to all but the test part.
    `on_epoch` is called with the epoch, those of the teacher first, its validation loss and the best so far, and
    `on_domain` with the number of finished tries of the domain's score, first with 0. An interrupted training goes on
    from its last whole epoch if `checkpoint`, a folder of its own, is the same, and ends in the same bytes. Stops early
    when the validation loss no longer falls; if the loss stops being a number, the last good weights are kept and
    RuntimeError is raised without any epoch to keep. Goes on with the network of `start`, if given. Raises ValueError
    for fewer than MIN_EVENTS events.
    """
    if len(data.event) < MIN_EVENTS:
        raise ValueError(f"the dataset must hold at least {MIN_EVENTS} events. Got {len(data.event)}: generate more.")
    keras.utils.set_random_seed(training.seed)  # XLA on a CPU then repeats to the bit; a test holds it
    if start is None:
        model = keras_model(factors, training.embedding, training.trunk, penalty=training.penalty)
        start = (model, *scaling(factors, data.columns[in_split(data.event, "training")]))
    model, center, inverse_spread = start
    learning, checking = (_learning(data, factors, center, inverse_spread, name) for name in ("training", "validation"))
    loss, done = pinball, 0
    if training.teacher_epochs:
        teacher = _teacher(factors, learning, checking, training, on_epoch, checkpoint)
        learning, checking = _teacher_labels(teacher, learning), _teacher_labels(teacher, checking)
        loss, done = distillation_loss, training.teacher_epochs
    phase = Phase(
        training.epochs,
        training.learning_rate,
        checkpoint / "network.npz" if checkpoint else None,
        lambda epoch, now, best: on_epoch(done + epoch, now, best),
    )
    _fit(model, loss, learning, checking, training, phase)
    if checkpoint:
        rmtree(checkpoint, ignore_errors=True)
    net = plain(model, factors, center, inverse_spread, embedded=len(training.embedding))
    return fit_domain(
        calibrate(net, data),
        data.columns[~in_split(data.event, "test")],
        seed=training.seed,
        fitting=training.domain,
        on_try=on_domain,
    )


@dataclass(frozen=True)
class Phase:
    """One fit: of the teacher or of the network."""

    epochs: int
    learning_rate: float
    checkpoint: Path | None
    on_epoch: Callable[[int, float, float], None]


def _teacher(
    factors: tuple[Factor, ...],
    learning: Learning,
    checking: Learning,
    training: Training,
    on_epoch: Callable[[int, float, float], None],
    checkpoint: Path | None,
) -> keras.Model:
    """The trained teacher; one that is trained already is taken from `checkpoint`."""
    teacher = teacher_model(factors, training.teacher_hidden)
    trained = checkpoint / "teacher.weights.h5" if checkpoint else None
    if trained and trained.exists():
        teacher.load_weights(trained)
        return teacher
    file = checkpoint / "teacher.npz" if checkpoint else None
    phase = Phase(training.teacher_epochs, training.teacher_learning_rate, file, on_epoch)
    _fit(teacher, pinball, learning, checking, training, phase)
    if trained:
        trained.parent.mkdir(parents=True, exist_ok=True)
        whole = trained.with_name(f"new.{trained.name}")
        teacher.save_weights(whole)
        whole.replace(trained)
    return teacher


def _fit(
    model: keras.Model, loss: Loss, learning: Learning, checking: Learning, training: Training, phase: Phase
) -> None:
    """Fit `model`, or go on with it; the best weights on `checking` are kept.

    The events of an epoch come in an order that its number and the seed decide.
    """

    def losses(parameters: list[Any], *rows: Any) -> tuple[Any, Any]:
        *inputs, true, weight = rows
        answer, _, penalties = model.stateless_call(
            parameters, model.non_trainable_variables, inputs, return_losses=True
        )
        return loss(true, answer) * weight, sum(penalties, 0.0)

    descent = Descent(losses, [weights.shape for weights in model.trainable_variables])
    fit = Fit(descent.start([keras.ops.convert_to_numpy(weights) for weights in model.trainable_variables]))
    if phase.checkpoint:
        fit = _read(phase.checkpoint, fit)
    known, unseen = ([tf.constant(a) for a in (*part[0], *part[1:])] for part in (learning, checking))
    rows = len(learning[1])
    steps = -(-rows // training.batch)
    rates = falling(phase.learning_rate, phase.epochs * steps, lowest=0.002)
    while fit.epochs < phase.epochs and fit.waited < training.patience:
        order = batches(np.random.default_rng((training.seed, fit.epochs)).permutation(rows), training.batch)
        state, mean = descent.steps(fit.state, known, order, rates[fit.epochs * steps :][:steps])
        now = descent.mean(state, unseen)
        if not np.isfinite(mean + now):
            break
        fit = fit.after(state, now)
        if phase.checkpoint:
            _write(phase.checkpoint, fit)
        phase.on_epoch(fit.epochs, now, fit.best_loss)
    if not fit.epochs:
        raise RuntimeError("training must begin with a finite loss. Got none: lower the learning rate.")
    best = descent.parameters(fit.state._replace(parameters=fit.best))
    for weights, trained in zip(model.trainable_variables, best, strict=True):
        weights.assign(trained)


class Fit(NamedTuple):
    """How far a fit has come: whole epochs, the best parameters so far, epochs since then."""

    state: State
    epochs: int = 0
    waited: int = 0
    best_loss: float = float("inf")
    best: Any = None

    def after(self, state: State, loss: float) -> "Fit":
        """The fit after one more epoch."""
        if loss < self.best_loss:
            return Fit(state, self.epochs + 1, 0, loss, state.parameters)
        return Fit(state, self.epochs + 1, self.waited + 1, self.best_loss, self.best)


def _write(path: Path, fit: Fit) -> None:
    """Write the fit to `path`, whole or not at all."""
    numbers = np.array([fit.state.steps, fit.epochs, fit.waited])
    with replaced(path) as temporary, temporary.open("wb") as file:
        np.savez(file, *map(np.asarray, fit.state[:3]), np.asarray(fit.best), np.array(fit.best_loss), numbers)


def _read(path: Path, fit: Fit) -> Fit:
    """The fit that an interrupted training wrote to `path`; `fit` if there is none."""
    if not path.exists():
        return fit
    with np.load(path) as file:
        *flat, best_loss, numbers = file.values()
    *flat, best = map(tf.constant, flat)
    done, epochs, waited = map(int, numbers)
    return Fit(State(flat[0], flat[1], flat[2], done), epochs, waited, float(best_loss), best)


def pinball(true: Any, answer: Any) -> Any:
    """Pinball loss of the quantiles plus the absolute error of the delay; `true` is the deceleration and the delay."""
    over = true[:, :1] - keras.ops.stack([answer[:, i] for i in ORDERED], axis=1)
    quantiles = keras.ops.convert_to_tensor(tuple(QUANTILES.values()), dtype="float32")
    loss = keras.ops.sum(keras.ops.maximum(quantiles * over, (quantiles - 1) * over), axis=1)
    return loss + DELAY_WEIGHT * keras.ops.abs(true[:, 1] - answer[:, DELAY])


def distillation_loss(true: Any, answer: Any) -> Any:
    """Weighted distance to the outputs of the teacher, to the power of 1.5: great errors count more than small ones."""
    weights = keras.ops.convert_to_tensor([DISTANCE_WEIGHTS[name] for name in OUTPUTS], dtype="float32")
    apart = keras.ops.abs(true - answer)
    return keras.ops.sum(weights * apart * keras.ops.sqrt(apart + MIN_GAP), axis=1)


def scaling(
    factors: tuple[Factor, ...], columns: Float32[ndarray, "rows columns"]
) -> tuple[Float32[ndarray, " columns"], Float32[ndarray, " columns"]]:
    """Centre and inverse spread of each bent column: mean and deviation of what is available; choices stay 0 to 1."""
    seen = bent(factors, columns)
    center, inverse = np.nanmean(seen, axis=0, dtype="f8"), 1 / np.nanstd(seen, axis=0, dtype="f8")
    if not np.isfinite(inverse).all():
        constant = np.array(column_names(factors))[~np.isfinite(inverse)]
        raise ValueError(f"every column must vary. Got only one value in {', '.join(constant)}: generate more events.")
    choice = np.array([bool(f.levels) for f in column_factors(factors)])
    return np.where(choice, 0, center).astype("f4"), np.where(choice, 1, inverse).astype("f4")


def _learning(
    data: Dataset, factors: tuple[Factor, ...], center: ndarray, inverse_spread: ndarray, name: str
) -> Learning:
    """What is learnt from single events: deceleration and delay, in training units."""
    rows = in_split(data.event, name)
    at = [ORDERED[0], DELAY]
    labels = (np.stack([data.deceleration[rows], data.delay[rows]], axis=1) - OFFSET[at]) / SCALE[at]
    inputs = list(entering(factors, center, inverse_spread, data.columns[rows]))
    return inputs, labels.astype(np.float32), event_weights(factors, data.columns[rows])


def event_weights(factors: tuple[Factor, ...], columns: Float32[ndarray, "rows columns"]) -> Float32[ndarray, " rows"]:
    """How much each event counts in the loss, 1 to FROZEN_WEIGHT * COMPLETE_WEIGHT; NaN in `columns` is not available.

    It depends on what the ECU sees alone: weighting by the label would move the quantiles.
    """
    frozen = [column_names(factors).index(column) for column in FROZEN]
    seen = np.nansum(columns[:, frozen], axis=1)
    complete = ~np.isnan(columns).any(axis=1)
    weights = np.where(seen > CERTAIN, FROZEN_WEIGHT, 1.0) * np.where(complete, COMPLETE_WEIGHT, 1.0)
    return weights.astype(np.float32)


def _teacher_labels(teacher: keras.Model, learning: Learning) -> Learning:
    """The same events, labelled with the answers of the teacher."""
    inputs, _, weights = learning
    return inputs, teacher.predict(inputs, batch_size=8192, verbose=0), weights
