"""Training: a dataset in, a calibrated `DenseNet` out.

Single events scatter, and a small network with prescribed signs learns slowly from them. So a larger network without
constraints, the teacher, is trained first, by the pinball loss, and the small one then learns its answers. They have no
scatter, and an error counts by its size also where the truth is uncertain and the pinball loss is flat. (Knowledge
distillation: Hinton, Vinyals, Dean, arXiv:1503.02531.)
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from jaxtyping import Float32, Int64
from numpy import ndarray

from acc_decel.dataset import Dataset
from acc_decel.factors import CERTAIN, Factor, column_factors, column_names, schema
from acc_decel.files import atomic_write, living_owner, sweep, temporary_path
from acc_decel.network.calibration import calibrate
from acc_decel.network.dense_net import FORMAT, DenseNet
from acc_decel.network.descent import Descent, State, batches, falling
from acc_decel.network.domain_fitting import Fitting, fit_domain
from acc_decel.network.feature_constants import feature_constants
from acc_decel.network.features import FEATURES, feature_values
from acc_decel.network.keras_net import (
    DECELERATION_OFFSET,
    DECELERATION_SCALE,
    OFFSET,
    SCALE,
    keras_model,
    plain,
    teacher_model,
)
from acc_decel.network.reserve_fitting import with_reserve
from acc_decel.network.split import in_split
from acc_decel.network.wiring import entering, input_names, saturated
from acc_decel.outputs import DELAY, MEDIAN, ORDERED, QUANTILES
from acc_decel.physics import SURFACES, vehicle_from

DELAY_WEIGHT = 0.1  # of the delay in the loss, relative to a quantile
DISTILLATION_WEIGHTS = {  # of the outputs, when the network learns the answers of the teacher
    "deceleration_lower_99": 0.3,
    "deceleration_lower": 0.6,
    "deceleration": 6.0,
    "deceleration_upper": 0.6,
    "delay": 0.1,
}
MIN_ERROR = 1e-4  # in training units: keeps the derivative of the root finite
RELATIVE_WEIGHT, LEAST_DECELERATION = 6.0, 0.4  # [m/s^2] of an error relative to the deceleration
FROZEN_WEIGHT = 3.0  # of an event known to be on snow or ice, while the teacher learns
COMPLETE_WEIGHT = 3.0  # of an event with every factor available: these have the narrowest intervals
MAX_NETWORK_EVENTS, MAX_TEACHER_EVENTS = 72_000_000, 20_000_000  # a larger dataset gets fewer epochs
FROZEN = tuple(f"surface_{name}" for name, surface in SURFACES.items() if surface.frozen)
MIN_EVENTS = 2_000
IDENTITY, TEACHER, NEW_TEACHER = "identity.txt", "teacher.weights.h5", "new.teacher.weights.h5"
LOCK = "lock"
CHECKPOINT_FILES = (IDENTITY, TEACHER, NEW_TEACHER, "teacher.npz", "network.npz")

Loss = Callable[[Any, Any], Any]
Learning = tuple[list[ndarray], ndarray, ndarray]  # inputs of a model, labels, weights of the events
Scales = tuple[ndarray, ndarray, ndarray]  # constants of the features, center and inverse spread of the inputs
Start = tuple[keras.Model, ndarray, ndarray, ndarray]  # a network to continue with, its constants and scaling


@dataclass(frozen=True)
class Training:
    """Settings of the training, stored in metrics.json. `default_training` has fewer epochs for a larger dataset."""

    epochs: int = 150
    patience: int = 15
    batch: int = 512
    learning_rate: float = 1e-2
    seed: int = 1
    embedding: tuple[int, ...] = (24, 14)
    trunk: tuple[int, ...] = (18, 12, 8)
    penalty: float = 4e-5  # times all squared weights: smaller weights lose less when they are rounded to integers
    teacher_epochs: int = 30  # 0: no teacher, the network learns from single events
    teacher_learning_rate: float = 8e-3
    teacher_hidden: tuple[int, ...] = (96, 96, 96, 96)
    domain: Fitting = field(default_factory=Fitting)
    lead: bool = False  # whether the network also gets the reserve against a lead


def default_training(event: Int64[ndarray, " events"]) -> Training:
    """The settings of the released models, for a dataset of the events with these numbers."""
    events, longest = int(in_split(event, "training").sum()), Training()
    return replace(
        longest,
        epochs=min(longest.epochs, max(1, round(MAX_NETWORK_EVENTS / events))),
        teacher_epochs=min(longest.teacher_epochs, max(1, round(MAX_TEACHER_EVENTS / events))),
    )


def train(
    data: Dataset,
    factors: tuple[Factor, ...],
    training: Training = Training(),
    *,
    on_epoch: Callable[[int, float, float], None] = lambda *_: None,
    on_domain: Callable[[int], None] = lambda _: None,
    on_other: Callable[[], None] = lambda: None,
    checkpoint: Path | None = None,
    start: Start | None = None,
) -> DenseNet:
    """A network for `factors`, trained on the training part of `data` and calibrated on its calibration part.

    Its score of the trained domain is fitted to all parts except the test part. If `start` is given, the training
    continues with this network.
    `on_epoch` is called with the epoch (those of the teacher come first), its validation loss and the best one so far;
    `on_domain` with the number of finished tries of the domain's score, first with 0. With the same `checkpoint`, a
    folder of its own, an interrupted training continues after its last complete epoch and ends in the same bytes. A
    checkpoint of other data, settings, factors, start or code is deleted, and `on_other` is called.
    Training stops early when the validation loss no longer falls, or when the loss is no longer a number; the best
    weights are used. Raises ValueError for fewer than MIN_EVENTS events, RuntimeError if the loss of the first epoch is
    not a number.
    """
    if len(data.event) < MIN_EVENTS:
        raise ValueError(f"the dataset must hold at least {MIN_EVENTS} events. Got {len(data.event)}: generate more.")
    with _claimed(checkpoint, _identity(data, factors, training, start), on_other) if checkpoint else nullcontext():
        keras.utils.set_random_seed(training.seed)  # XLA on a CPU then gives the same bits again; a test checks it
        if start is None:
            model = keras_model(factors, training.embedding, training.trunk, penalty=training.penalty)
            constants = feature_constants(vehicle_from(data.manifest["vehicle_file"]))
            start = (model, constants, *scaling(factors, constants, data.columns[in_split(data.event, "training")]))
        model, scales = start[0], start[1:]
        parts = [_learning(data, factors, scales, name) for name in ("training", "validation")]
        loss, done = pinball, 0
        if training.teacher_epochs:
            seen = [([teacher_inputs(inputs)], labels, weights) for inputs, labels, weights in parts]
            teacher = _teacher(seen, training, on_epoch, checkpoint)
            parts = [_teacher_labels(teacher, own, part) for own, part in zip(seen, parts, strict=True)]
            loss, done = distillation_loss, training.teacher_epochs
        phase = Phase(
            training.epochs,
            training.learning_rate,
            checkpoint / "network.npz" if checkpoint else None,
            lambda epoch, now, best: on_epoch(done + epoch, now, best),
        )
        _fit(model, loss, parts, training, phase)
    net = plain(model, factors, *scales, embedded=len(training.embedding))
    if training.lead:
        rows = in_split(data.event, "training")
        pairs = data.columns[rows], data.deceleration[rows], data.lead_deceleration[rows]
        net = with_reserve(net, *pairs, seed=training.seed)
    return fit_domain(
        calibrate(net, data),
        data.columns[~in_split(data.event, "test")],
        seed=training.seed,
        fitting=training.domain,
        on_try=on_domain,
    )


def _identity(data: Dataset, factors: tuple[Factor, ...], training: Training, start: Start | None) -> str:
    """SHA-256 of all that decides which network a training ends in: a checkpoint belongs to exactly this."""
    digest = sha256(repr((schema(), FORMAT, version("acc-decel"), keras.__version__, factors, training)).encode())
    arrays = [data.columns, data.deceleration, data.delay, data.lead_deceleration, data.event]
    if start is not None:
        model, *scales = start
        arrays += [*scales, *model.get_weights()]
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


@contextmanager
def _claimed(checkpoint: Path, identity: str, on_other: Callable[[], None]) -> Iterator[None]:
    """Hold the folder `checkpoint` for the training of this identity; what another training left is deleted.

    If the block succeeds, the checkpoint is deleted. Raises ValueError if another process trains there.
    """
    checkpoint.mkdir(parents=True, exist_ok=True)
    if process := living_owner(checkpoint, LOCK):
        raise ValueError(
            f"{checkpoint.parent} must be trained by one process at a time. Got another, process {process}: wait for "
            "it, or choose another folder."
        )
    lock = temporary_path(checkpoint / LOCK)
    lock.touch()
    try:
        path = checkpoint / IDENTITY
        if not path.is_file() or path.read_text(errors="replace").strip() != identity:
            if any((checkpoint / name).is_file() for name in CHECKPOINT_FILES):
                on_other()
                _delete_checkpoint(checkpoint)
            with atomic_write(path) as temporary:
                temporary.write_text(identity + "\n")
        yield
        _delete_checkpoint(checkpoint)
    finally:
        lock.unlink(missing_ok=True)
    with suppress(OSError):
        checkpoint.rmdir()


def _delete_checkpoint(checkpoint: Path) -> None:
    """Delete the files of a checkpoint; others in its folder stay."""
    sweep(checkpoint)
    for name in CHECKPOINT_FILES:
        (checkpoint / name).unlink(missing_ok=True)


@dataclass(frozen=True)
class Phase:
    """One fit: of the teacher or of the network."""

    epochs: int
    learning_rate: float
    checkpoint: Path | None
    on_epoch: Callable[[int, float, float], None]


def _teacher(
    parts: list[Learning],
    training: Training,
    on_epoch: Callable[[int, float, float], None],
    checkpoint: Path | None,
) -> keras.Model:
    """The trained teacher; from `checkpoint` if it is there."""
    teacher = teacher_model(parts[0][0][0].shape[1], training.teacher_hidden)
    trained = checkpoint / TEACHER if checkpoint else None
    if trained and trained.exists():
        teacher.load_weights(trained)
        return teacher
    file = checkpoint / "teacher.npz" if checkpoint else None
    phase = Phase(training.teacher_epochs, training.teacher_learning_rate, file, on_epoch)
    _fit(teacher, pinball, parts, training, phase)
    if trained:
        trained.parent.mkdir(parents=True, exist_ok=True)
        temporary = trained.with_name(NEW_TEACHER)
        teacher.save_weights(temporary)
        temporary.replace(trained)
    return teacher


def _fit(model: keras.Model, loss: Loss, parts: list[Learning], training: Training, phase: Phase) -> None:
    """Fit `model`, or continue to; it gets the weights with the lowest loss on the second of the `parts`.

    The order of the events in an epoch depends only on its number and the seed.
    """

    def losses(parameters: list[Any], *rows: Any) -> tuple[Any, Any]:
        *inputs, true, weight = rows
        answer, _, penalties = model.stateless_call(
            parameters, model.non_trainable_variables, inputs, return_losses=True
        )
        return loss(true, answer) * weight, sum(penalties, 0.0)

    descent = Descent(losses, [tuple(weights.shape) for weights in model.trainable_variables])
    fit = Fit(descent.start([keras.ops.convert_to_numpy(weights) for weights in model.trainable_variables]))
    if phase.checkpoint:
        fit = _read(phase.checkpoint, fit)
    training_arrays, validation_arrays = (
        [tf.constant(array) for array in (*inputs, labels, weights)] for inputs, labels, weights in parts
    )
    rows = len(parts[0][1])
    steps = -(-rows // training.batch)
    rates = falling(phase.learning_rate, phase.epochs * steps, lowest=0.002)
    while fit.epochs < phase.epochs and fit.waited < training.patience:
        order = batches(np.random.default_rng((training.seed, fit.epochs)).permutation(rows), training.batch)
        state, mean = descent.steps(fit.state, training_arrays, order, rates[fit.epochs * steps :][:steps])
        now = descent.mean(state, validation_arrays)
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
    """Progress of a fit: complete epochs, the best parameters so far, epochs since then."""

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
    """Write the fit to `path`, completely or not at all."""
    numbers = np.array([fit.state.steps, fit.epochs, fit.waited])
    with atomic_write(path) as temporary, temporary.open("wb") as file:
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
    """Pinball loss of the quantiles, plus the absolute error of the delay; `true` is the deceleration and the delay."""
    over = true[:, :1] - keras.ops.stack([answer[:, i] for i in ORDERED], axis=1)
    quantiles = keras.ops.convert_to_tensor(tuple(QUANTILES.values()), dtype="float32")
    loss = keras.ops.sum(keras.ops.maximum(quantiles * over, (quantiles - 1) * over), axis=1)
    loss += DELAY_WEIGHT * keras.ops.abs(true[:, 1] - answer[:, DELAY])
    return loss


def distillation_loss(true: Any, answer: Any) -> Any:
    """Weighted error against the teacher, to the power of 1.5: large errors count more than small ones."""
    weights = keras.ops.convert_to_tensor(tuple(DISTILLATION_WEIGHTS.values()), dtype="float32")
    error = keras.ops.abs(true - answer)
    return keras.ops.sum(weights * error * keras.ops.sqrt(error + MIN_ERROR), axis=1)


def scaling(
    factors: tuple[Factor, ...], constants: Float32[ndarray, " constants"], columns: Float32[ndarray, "rows columns"]
) -> tuple[Float32[ndarray, " inputs"], Float32[ndarray, " inputs"]]:
    """Center and inverse spread of each input: mean and deviation where available; choices stay 0 to 1."""
    features = feature_values(factors, constants, columns)
    values = np.column_stack([saturated(factors, columns), *(features[f.name] for f in FEATURES)])
    center, inverse = np.nanmean(values, axis=0, dtype="f8"), 1 / np.nanstd(values, axis=0, dtype="f8")
    if not np.isfinite(inverse).all():
        constant = np.array(input_names(factors))[~np.isfinite(inverse)]
        raise ValueError(f"every column must vary. Got only one value in {', '.join(constant)}: generate more events.")
    choice = np.array([bool(f.levels) for f in column_factors(factors)] + [False] * len(FEATURES))
    return np.where(choice, 0, center).astype("f4"), np.where(choice, 1, inverse).astype("f4")


def _learning(data: Dataset, factors: tuple[Factor, ...], scales: Scales, name: str) -> Learning:
    """Inputs, labels and weights of single events; the labels are deceleration and delay in training units."""
    rows = in_split(data.event, name)
    outputs = [ORDERED[0], DELAY]
    labels = (np.stack([data.deceleration[rows], data.delay[rows]], axis=1) - OFFSET[outputs]) / SCALE[outputs]
    entered = entering(factors, *scales, data.columns[rows])
    inputs = [entered.embedding, entered.forced, entered.head]
    return inputs, labels.astype(np.float32), event_weights(factors, data.columns[rows])


def teacher_inputs(inputs: list[ndarray]) -> Float32[ndarray, "rows inputs"]:
    """What the teacher sees: all inputs of the network, those of the head in training units."""
    embedding, forced, head = inputs
    return np.concatenate([embedding, forced, head / np.float32(DECELERATION_SCALE)], axis=1)


def event_weights(factors: tuple[Factor, ...], columns: Float32[ndarray, "rows columns"]) -> Float32[ndarray, " rows"]:
    """How much each event counts in the loss, 1 to FROZEN_WEIGHT * COMPLETE_WEIGHT; NaN in `columns` is missing.

    It depends only on the inputs of the ECU: weights that depend on the label would move the quantiles.
    """
    frozen = [column_names(factors).index(column) for column in FROZEN]
    on_frozen = np.nansum(columns[:, frozen], axis=1)
    complete = ~np.isnan(columns).any(axis=1)
    weights = np.where(on_frozen > CERTAIN, FROZEN_WEIGHT, 1.0) * np.where(complete, COMPLETE_WEIGHT, 1.0)
    return weights.astype(np.float32)


def _teacher_labels(teacher: keras.Model, seen: Learning, learning: Learning) -> Learning:
    """The events of `learning`, labelled with the answers of the teacher to the same events as it has `seen` them.

    An error counts relative to the deceleration where that is small: on snow and ice a small error changes the distance
    a lot.
    """
    labels = teacher.predict(seen[0], batch_size=8192, verbose=0)
    median = np.maximum(labels[:, MEDIAN] * DECELERATION_SCALE + DECELERATION_OFFSET, 0)
    return learning[0], labels, learning[2] * (1 + RELATIVE_WEIGHT / (median + LEAST_DECELERATION)).astype(np.float32)
