"""Training of the network with a posterior: a dataset in, a calibrated `BayesNet` out, by the evidence lower bound.

The bound that is maximised, for each event in nats: the expected log-likelihood of the event under the posterior, less
its share of the Kullback-Leibler divergence between posterior and prior.

- Expectation: one draw for each event, of the sums instead of the weights: the same distribution with less noise (local
  reparametrisation: Kingma, Salimans, Welling, NeurIPS 2015).
- Likelihood: asymmetric Laplace around each quantile, whose logarithm is the pinball loss, with a learnt width; Laplace
  around the delay. The same deceleration counts once for each quantile, so the posterior is narrower than that of one
  likelihood, by a factor of up to two. (If it counted once for all, 1,000 events would be too few for 2,700 weights:
  the posterior would stay at the prior.)
- Prior: uniform in the logarithm of a weight, so the divergence depends only on the scale.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy import ndarray

from acc_decel.comparison.bayes import BayesNet
from acc_decel.dataset import Dataset
from acc_decel.factors import Factor
from acc_decel.network import entering
from acc_decel.network.calibration import calibrate
from acc_decel.network.feature_constants import feature_constants
from acc_decel.network.keras_net import OFFSET, SCALE, HeadLayer, SignedDense, keras_model, plain, rectified
from acc_decel.network.split import in_split
from acc_decel.network.training import scaling
from acc_decel.outputs import DELAY, OUTPUTS, QUANTILES
from acc_decel.physics import vehicle_from

MIN_EVENTS = 1_000  # about a hundred of them calibrate the 1 % quantile
STEPS_PER_CALL = 100  # training steps in one call of the compiled function, and the minimum in an epoch
FIRST_NOISE = 0.2  # first width of the likelihood, in training units
QUANTILE = np.array([QUANTILES.get(name, 0.5) for name in OUTPUTS], np.float32)
GENERATOR = "philox"  # 25 times as fast under XLA on a CPU as the one that TensorFlow chooses
DIVERGENCE = (0.63576, 1.87320, 1.48695)  # Molchanov, Ashukha, Vetrov, ICML 2017, equation 14


@dataclass(frozen=True)
class BayesTraining:
    """Settings. Without `uncertain` the scales are 0: a plain network, trained by the same likelihood."""

    epochs: int = 20
    batch: int = 512
    learning_rate: float = 1e-2
    seed: int = 1
    embedding: tuple[int, ...] = (24, 16)
    trunk: tuple[int, ...] = (24, 18, 12)
    first_scale: float = 0.05
    uncertain: bool = True


def train(
    data: Dataset,
    factors: tuple[Factor, ...],
    training: BayesTraining = BayesTraining(),
    *,
    on_epoch: Callable[[int, float], None] = lambda *_: None,
) -> BayesNet:
    """A network with a posterior for `factors`: trained on the training part of `data`, calibrated on its own part.

    `on_epoch` is called with the epoch and its loss [nats]. If there are few events, they are repeated until an epoch
    has STEPS_PER_CALL steps; their weight stays the same. Raises ValueError for fewer than MIN_EVENTS events,
    RuntimeError if the loss is no longer a number.
    """
    if len(data.event) < MIN_EVENTS:
        raise ValueError(f"the dataset must hold at least {MIN_EVENTS} events. Got {len(data.event)}: generate more.")
    keras.utils.set_random_seed(training.seed)
    rows = np.flatnonzero(in_split(data.event, "training"))
    constants = feature_constants(vehicle_from(data.manifest["vehicle_file"]))
    scales = (constants, *scaling(factors, constants, data.columns[rows]))
    net = keras_model(factors, training.embedding, training.trunk)
    model = Posterior(net, len(training.embedding), len(rows), training)
    repeated = np.tile(rows, max(1, -(-STEPS_PER_CALL * training.batch // len(rows))))
    labels = np.stack([data.delay if i == DELAY else data.deceleration for i in range(len(OUTPUTS))], axis=1)
    entered = entering(factors, *scales, data.columns[repeated])
    inputs = [entered.embedding, entered.forced, entered.head]
    _fit(model, inputs, (labels[repeated] - OFFSET) / SCALE, training, on_epoch)
    means = plain(net, factors, *scales, embedded=len(training.embedding))
    return BayesNet(calibrate(means, data), model.scales())


class Posterior(keras.Model):
    """A network whose sums are drawn again for each event while it is trained; otherwise those of the mean weights."""

    def __init__(self, net: keras.Model, depth: int, events: int, training: BayesTraining) -> None:
        """`depth` layers of `net` are its embedding; the divergence is shared by `events`."""
        super().__init__()
        self.net, self.depth, self.events, self.uncertain = net, depth, events, training.uncertain
        self.dense = [layer for layer in net.layers if isinstance(layer, SignedDense)]
        self.head = next(layer for layer in net.layers if isinstance(layer, HeadLayer))
        self.draws = keras.random.SeedGenerator(training.seed)
        first = keras.initializers.Constant(np.log(training.first_scale))
        self.log_scale = self.add_weight((len(self.dense),), first, trainable=training.uncertain, name="log_scale")
        self.log_noise = self.add_weight(
            (len(OUTPUTS),), keras.initializers.Constant(np.log(FIRST_NOISE)), name="log_noise"
        )

    def call(self, inputs: list[Any], training: bool = False) -> Any:
        """The outputs in training units, neither clipped nor sorted."""
        embedded, x, values = inputs
        noise = len(self.dense) * [None]
        if training and self.uncertain:
            weights = np.array([np.prod(layer.kernel.shape) for layer in self.dense], np.float32)
            self.add_loss(keras.ops.sum(weights * divergence(2 * self.log_scale)) / self.events)
            noise = self._noise(keras.ops.shape(x)[0])
        for i in range(self.depth):
            embedded = rectified(self._sums(i, embedded, noise[i]))
        for i in range(self.depth, len(self.dense) - 1):
            x = rectified(self._sums(i, keras.ops.concatenate([embedded, x], axis=1), noise[i]))
        sums = self._sums(len(self.dense) - 1, keras.ops.concatenate([embedded, x], axis=1), noise[-1])
        return self.head(sums, values)

    def _noise(self, rows: Any) -> list[Any]:
        """Standard normal draws for every sum of every layer."""
        units = [layer.kernel.shape[1] for layer in self.dense]
        seed = keras.ops.cast(self.draws.next(), "int32")
        return tf.split(tf.random.stateless_normal((rows, sum(units)), seed, alg=GENERATOR), units, axis=1)

    def _sums(self, i: int, x: Any, noise: Any) -> Any:
        """Sums of layer `i` for the mean weights, or with `noise` for weights drawn again for each event."""
        mean, squares = self.dense[i](x), keras.ops.square(self.dense[i].kernel)
        if noise is None:
            return mean
        deviation = keras.ops.sqrt(keras.ops.matmul(keras.ops.square(x), squares) + 1e-12)  # no derivative at 0
        return mean + keras.ops.exp(self.log_scale[i]) * deviation * noise

    def negative_log_likelihood(self, true: Any, answer: Any) -> Any:
        """Negative log-likelihood [nats] of each event, less a constant."""
        over = true - answer
        loss = keras.ops.maximum(QUANTILE * over, (QUANTILE - 1) * over)
        return keras.ops.sum(self.log_noise + loss / keras.ops.exp(self.log_noise), axis=1)

    def scales(self) -> ndarray:
        """The scale of each layer."""
        return np.exp(keras.ops.convert_to_numpy(self.log_scale)) * np.float32(self.uncertain)


def divergence(log_alpha: Any) -> Any:
    """Kullback-Leibler divergence [nats] of one weight from the log-uniform prior, less a constant; 0 in the limit."""
    k1, k2, k3 = DIVERGENCE
    return k1 * (1 - keras.ops.sigmoid(k2 + k3 * log_alpha)) + 0.5 * keras.ops.softplus(-log_alpha)


def _fit(
    model: Posterior,
    inputs: list[ndarray],
    labels: ndarray,
    training: BayesTraining,
    on_epoch: Callable[[int, float], None],
) -> None:
    steps = -(-len(labels) // training.batch)
    rate = keras.optimizers.schedules.CosineDecay(training.learning_rate, training.epochs * steps, alpha=0.002)
    model.compile(
        keras.optimizers.Adam(rate),
        loss=model.negative_log_likelihood,
        jit_compile=True,
        steps_per_execution=STEPS_PER_CALL,
    )
    report = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: on_epoch(epoch + 1, logs["loss"]))
    stop = keras.callbacks.TerminateOnNaN()
    history = model.fit(
        inputs, labels, batch_size=training.batch, epochs=training.epochs, verbose=0, callbacks=[report, stop]
    ).history["loss"]
    if not np.isfinite(history).all():
        raise RuntimeError(
            f"the loss must stay a number. Got none in epoch {len(history)}: lower the learning rate of "
            f"{training.learning_rate:g}."
        )
