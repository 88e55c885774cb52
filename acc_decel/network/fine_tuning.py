"""Fine-tuning: training of a trained network is continued, on the dataset of an adapted car."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras

from acc_decel.dataset import Dataset
from acc_decel.factors import Factor
from acc_decel.network.dense_net import DenseNet, without_reserve
from acc_decel.network.keras_net import LAST_OFFSET, LAST_SCALE, HeadLayer, SignedDense, keras_model
from acc_decel.network.training import Training, train

FINE_TUNING = Training(  # at a lower learning rate, to stay close to the trained network
    epochs=5, patience=5, batch=1024, learning_rate=1e-3, penalty=2e-5, teacher_epochs=0
)


def fine_tune(
    net: DenseNet,
    data: Dataset,
    factors: tuple[Factor, ...],
    training: Training = FINE_TUNING,
    *,
    on_epoch: Callable[[int, float, float], None] = lambda *_: None,
    on_domain: Callable[[int], None] = lambda _: None,
    on_other: Callable[[], None] = lambda: None,
    checkpoint: Path | None = None,
) -> DenseNet:
    """`net` for `factors`, trained further on `data` and calibrated again; see `train` for the rest.

    Sizes, scaling and signs stay those of `net`, so it stays monotone. `factors` may have other ranges: an adapted car
    has another mass.
    """
    training = with_sizes_of(training, net)
    model = keras_model(factors, training.embedding, training.trunk, penalty=training.penalty)
    start = with_weights(model, net), net.constants, net.center, net.inverse_spread
    return train(
        data,
        factors,
        training,
        on_epoch=on_epoch,
        on_domain=on_domain,
        on_other=on_other,
        checkpoint=checkpoint,
        start=start,
    )


def with_sizes_of(training: Training, net: DenseNet) -> Training:
    """`training` with the sizes of `net`."""
    embedding, trunk = (tuple(len(layer.bias) for layer in layers) for layers in (net.embedding, net.trunk[:-1]))
    return replace(training, embedding=embedding, trunk=trunk, lead=net.reserve is not None)


def with_weights(model: keras.Model, net: DenseNet) -> keras.Model:
    """`model`, which must have the layers of `net`, with its weights, without a reserve: the inverse of `plain`."""
    last = without_reserve(net).trunk[-1]
    unscaled = replace(last, weights=last.weights / LAST_SCALE[:, None], bias=(last.bias - LAST_OFFSET) / LAST_SCALE)
    layers = [layer for layer in model.layers if isinstance(layer, SignedDense)]
    for layer, trained in zip(layers, (*net.embedding, *net.trunk[:-1], unscaled), strict=True):
        layer.set_weights([trained.weights.T, trained.bias])
    next(layer for layer in model.layers if isinstance(layer, HeadLayer)).set_weights([net.head.slopes])
    return model
