"""Training: a dataset in, a calibrated `DenseNet` out. The only module that imports Keras."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.dataset import Dataset
from acc_decel.factors import CERTAIN, DELAY, ORDERED, OUTPUTS, QUANTILES, Factor, column_names
from acc_decel.network.calibration import calibrated
from acc_decel.network.dense_net import DenseNet, Layer, bent, entering, wiring
from acc_decel.network.domain import Fitting, fitted
from acc_decel.network.split import part
from acc_decel.physics import SURFACES

DECELERATION_SCALE, DECELERATION_OFFSET = 4.0, 5.0  # [m/s^2], what the last layer's unit means while training
DELAY_SCALE, DELAY_OFFSET = 0.1, 0.1  # [s]
DELAY_WEIGHT = 0.1  # of the delay in the loss, beside the quantiles
FROZEN_WEIGHT = 3.0  # of an event known to be on snow or ice: a small error is a long way there
SCALE = np.array([DELAY_SCALE if i == DELAY else DECELERATION_SCALE for i in range(len(OUTPUTS))], np.float32)
OFFSET = np.array([DELAY_OFFSET if i == DELAY else DECELERATION_OFFSET for i in range(len(OUTPUTS))], np.float32)
ENVELOPE = tuple(  # outputs are clamped to what a road car can do, [m/s^2] and [s]
    (-1.0, 2.0) if i == DELAY else (-4.0, 18.0) for i in range(len(OUTPUTS))
)
STEPS_AT_ONCE = 100  # training steps between two looks of Python
FROZEN = tuple(f"surface_{name}" for name, surface in SURFACES.items() if surface.frozen)
FEWEST_EVENTS = 2_000
INFINITE = np.float32(np.inf)


@dataclass(frozen=True)
class Training:
    """How to train. The defaults made the released models; metrics.json says what made each."""

    epochs: int = 45
    patience: int = 15
    batch: int = 1024
    learning_rate: float = 1e-2
    seed: int = 1
    embedding: tuple[int, ...] = (28, 18)
    trunk: tuple[int, ...] = (32, 18)
    domain: Fitting = field(default_factory=Fitting)


@keras.saving.register_keras_serializable("acc_decel")
class ClampedDense(keras.layers.Layer):
    """Dense layer whose weights keep given signs (0: free), clamped unit by unit: rectified, concave or saturated.

    With non-negative weights from layer to layer, such a network is monotone by construction and still a universal
    approximator: Runje and Shankaranarayana, Constrained Monotonic Neural Networks, ICML 2023.
    """

    def __init__(self, signs: Float32[ndarray, "inputs units"], low: ndarray, high: ndarray, **options: Any) -> None:
        """`signs` -1, 0 or 1; `low` and `high` limits of each unit."""
        super().__init__(**options)
        self.signs, self.low, self.high = signs, low, high

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Create the weights."""
        self.kernel = self.add_weight(
            shape=(input_shape[-1], len(self.low)), initializer="glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight(shape=(len(self.low),), initializer="zeros", name="bias")

    def signed(self) -> Any:
        """The weights with their signs kept."""
        return keras.ops.where(self.signs == 0, self.kernel, self.signs * keras.ops.abs(self.kernel))

    def call(self, inputs: Any) -> Any:
        """The layer's outputs."""
        x = keras.ops.matmul(inputs, self.signed()) + self.bias
        return keras.ops.minimum(keras.ops.maximum(x, self.low), self.high)

    def plain(self) -> Layer:
        """The layer as arrays."""
        weights = np.ascontiguousarray(keras.ops.convert_to_numpy(self.signed()).T)
        return Layer(weights, keras.ops.convert_to_numpy(self.bias), self.low, self.high)


def keras_model(factors: tuple[Factor, ...], training: Training) -> keras.Model:
    """The network of `dense_net.py` in Keras: two inputs (embedding, forced columns), outputs not ordered."""
    wires = wiring(factors)
    free = keras.Input((wires.embedding_inputs,))
    forced = keras.Input((len(wires.forced),))
    x = free
    for units in training.embedding:
        x = ClampedDense(_signs(x.shape[-1], units), np.zeros(units, "f4"), np.full(units, INFINITE))(x)
    signs = np.concatenate(
        [
            np.tile(np.array(wires.directions, np.float32)[:, None], training.trunk[0]),
            _signs(x.shape[-1], training.trunk[0]),
        ]
    )
    x = keras.layers.Concatenate()([forced, x])
    for units, following in zip(training.trunk, (*training.trunk[1:], len(ENVELOPE)), strict=True):
        x = ClampedDense(signs, *_three_kinds(units))(x)
        signs = np.ones((units, following), np.float32)
    signs[:, DELAY] = 0  # the delay is free
    unlimited = np.full(len(ENVELOPE), INFINITE)
    return keras.Model([free, forced], ClampedDense(signs, -unlimited, unlimited)(x))


def train(
    data: Dataset,
    factors: tuple[Factor, ...],
    training: Training = Training(),
    *,
    on_epoch: Callable[[int, float, float], None] = lambda *_: None,
    checkpoint: Path | None = None,
) -> DenseNet:
    """A network for `factors`, trained on the training part of `data` and calibrated on its calibration part.

    Its score of the trained domain is fitted to all but the test part.
    `on_epoch` is told the epoch, its validation loss and the best so far. An interrupted training goes on from its last
    whole epoch if `checkpoint`, a folder, is the same; it ends in other bytes than an uninterrupted one. Stops early
    when the validation loss no longer falls; if the loss stops being a number, the last good weights are kept and
    RuntimeError is raised without any epoch to keep. Raises ValueError for fewer than FEWEST_EVENTS events.
    """
    if len(data.event) < FEWEST_EVENTS:
        raise ValueError(
            f"the dataset must hold at least {FEWEST_EVENTS} events. Got {len(data.event)}: generate more."
        )
    keras.utils.set_random_seed(training.seed)  # XLA on a CPU then repeats to the bit; a test holds it
    center, inverse_spread = scaling(factors, data.columns[part(data.event, "training")])
    model = keras_model(factors, training)
    learning, checking = (_arrays(data, factors, center, inverse_spread, name) for name in ("training", "validation"))
    steps = training.epochs * -(-len(learning[1]) // training.batch)
    rate = keras.optimizers.schedules.CosineDecay(training.learning_rate, steps, alpha=0.002)
    at_once = min(STEPS_AT_ONCE, steps // training.epochs)
    model.compile(keras.optimizers.Adam(rate), loss=loss, jit_compile=True, steps_per_execution=at_once)
    best = keras.callbacks.EarlyStopping(patience=training.patience, restore_best_weights=True)
    told = keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: on_epoch(e + 1, logs["val_loss"], best.best))
    safe = [keras.callbacks.BackupAndRestore(checkpoint)] if checkpoint else []
    history = model.fit(
        *learning,
        sample_weight=_weights(data, factors, "training"),
        validation_data=(*checking, _weights(data, factors, "validation")),
        validation_batch_size=8192,
        batch_size=training.batch,
        epochs=training.epochs,
        verbose=0,
        callbacks=[*safe, best, told, keras.callbacks.TerminateOnNaN()],
    )
    if not np.isfinite(history.history["loss"][0]):
        raise RuntimeError("training must begin with a finite loss. Got none: lower the learning rate.")
    net = plain(model, factors, center, inverse_spread, embedded=len(training.embedding))
    return fitted(
        calibrated(net, data), data.columns[~part(data.event, "test")], seed=training.seed, fitting=training.domain
    )


def loss(true: Any, answer: Any) -> Any:
    """Pinball loss of the quantiles plus the absolute error of the delay, in training units."""
    over = true[:, :1] - keras.ops.stack([answer[:, i] for i in ORDERED], axis=1)
    quantiles = keras.ops.convert_to_tensor(tuple(QUANTILES.values()), dtype="float32")
    pinball = keras.ops.sum(keras.ops.maximum(quantiles * over, (quantiles - 1) * over), axis=1)
    return pinball + DELAY_WEIGHT * keras.ops.abs(true[:, 1] - answer[:, DELAY])


def scaling(
    factors: tuple[Factor, ...], columns: Float32[ndarray, "rows columns"]
) -> tuple[Float32[ndarray, " columns"], Float32[ndarray, " columns"]]:
    """Centre and inverse spread of each bent column: mean and deviation of what is available; choices stay 0 to 1."""
    seen = bent(factors, columns)
    center, inverse = np.nanmean(seen, axis=0, dtype="f8"), 1 / np.nanstd(seen, axis=0, dtype="f8")
    if not np.isfinite(inverse).all():
        constant = np.array(column_names(factors))[~np.isfinite(inverse)]
        raise ValueError(f"every column must vary. Got only one value in {', '.join(constant)}: generate more events.")
    choice = np.concatenate([[bool(f.levels)] * len(f.columns) for f in factors])
    return np.where(choice, 0, center).astype("f4"), np.where(choice, 1, inverse).astype("f4")


def plain(
    model: keras.Model, factors: tuple[Factor, ...], center: ndarray, inverse_spread: ndarray, *, embedded: int
) -> DenseNet:
    """The trained Keras model as arrays, its first `embedded` layers the embedding; outputs in m/s^2 and s."""
    layers = [layer.plain() for layer in model.layers if isinstance(layer, ClampedDense)]
    last = layers[-1]
    limits = np.array(ENVELOPE, np.float32)
    layers[-1] = Layer(
        last.weights * SCALE[:, None], last.bias * SCALE + OFFSET, limits[:, 0].copy(), limits[:, 1].copy()
    )
    return DenseNet(factors, center, inverse_spread, tuple(layers[:embedded]), tuple(layers[embedded:]))


def _arrays(
    data: Dataset, factors: tuple[Factor, ...], center: ndarray, inverse_spread: ndarray, name: str
) -> tuple[list[ndarray], ndarray]:
    rows = part(data.event, name)
    labels = np.stack(
        [
            (data.deceleration[rows] - DECELERATION_OFFSET) / DECELERATION_SCALE,
            (data.delay[rows] - DELAY_OFFSET) / DELAY_SCALE,
        ],
        axis=1,
    )
    return list(entering(factors, center, inverse_spread, data.columns[rows])), labels.astype(np.float32)


def _weights(data: Dataset, factors: tuple[Factor, ...], name: str) -> ndarray:
    """Weight of each event, by what the ECU sees alone: weighting by the label would move the quantiles."""
    frozen = [column_names(factors).index(column) for column in FROZEN]
    seen = np.nansum(data.columns[part(data.event, name)][:, frozen], axis=1)
    return np.where(seen > CERTAIN, FROZEN_WEIGHT, 1.0).astype(np.float32)


def _signs(inputs: int, units: int) -> Float32[ndarray, "inputs units"]:
    return np.zeros((inputs, units), np.float32)


def _three_kinds(units: int) -> tuple[Float32[ndarray, " units"], Float32[ndarray, " units"]]:
    """Limits of a layer of which a third is convex, a third concave and the rest saturated."""
    kind = np.arange(units) * 3 // units
    return np.array([0, -np.inf, -1], np.float32)[kind], np.array([np.inf, 0, 1], np.float32)[kind]
