"""Fitting the reserve: one more sum of the last layer, learnt on a trained network whose other outputs stay.

The hidden layers know nearly enough of the road and the car for it: a network of its own, without signs, would leave
gaps that are a few percent shorter. The sum is fitted to single pairs by the pinball loss (Koenker and Bassett,
Econometrica 46(1), 1978); nothing else is trained.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.network.dense_net import DenseNet, Layer, without_reserve
from acc_decel.network.descent import Descent, batches, falling
from acc_decel.network.keras_net import unit_directions
from acc_decel.network.reserve import counted, untrained_reserve
from acc_decel.outputs import MEDIAN, ORDERED, PAIR_LIMITS, RESERVE, RESERVE_SHARE, lead_reserve

MAX_PAIRS = 1_000_000
EPOCHS, BATCH, LEARNING_RATE = 12, 1024, 5e-3
ROWS_AT_A_TIME = 250_000  # whose hidden layers are computed together


def with_reserve(
    net: DenseNet,
    columns: Float32[ndarray, "rows columns"],
    own: Float32[ndarray, " rows"],
    lead: Float32[ndarray, " rows"],
    *,
    seed: int,
) -> DenseNet:
    """`net` with a reserve that fits these pairs: decelerations [m/s^2] of the own car and of its lead.

    NaN in `columns` means missing. The same seed gives the same bits. Every other output stays bit for bit. The reserve
    has no offsets yet: those of the calibration come later. One that `net` has is replaced.
    """
    net = without_reserve(net)
    rows = np.random.default_rng(seed).permutation(len(columns))[:MAX_PAIRS]
    parts = [_seen(net, columns[part]) for part in np.array_split(rows, -(-len(rows) // ROWS_AT_A_TIME))]
    inputs, median = (np.concatenate(values) for values in zip(*parts, strict=True))
    needed = (lead_reserve(own[rows], lead[rows]) * median).astype(np.float32)
    weights, bias = _fitted(inputs, needed, _signs(net), seed)
    last = net.trunk[-1]
    layer = Layer(np.insert(last.weights, RESERVE, weights, axis=0), np.insert(last.bias, RESERVE, bias))
    low, high = np.array(tuple(PAIR_LIMITS.values()), np.float32).T
    return replace(
        net,
        trunk=(*net.trunk[:-1], layer),
        low=np.append(net.low, low),
        high=np.append(net.high, high),
        reserve=untrained_reserve(),
    )


def _seen(
    net: DenseNet, columns: Float32[ndarray, "rows columns"]
) -> tuple[Float32[ndarray, "rows hidden"], Float32[ndarray, " rows"]]:
    """What the last layer sees of the events, and their medians [m/s^2] as the reserve counts them."""
    entered = net.entered(columns)
    hidden = net.hidden(entered)
    return hidden, counted(net.quantiles(net.trunk[-1](hidden), entered)[:, ORDERED.index(MEDIAN)])


def _signs(net: DenseNet) -> Float32[ndarray, " hidden"]:
    """The sign of each weight: against the units that rise with the deceleration; 0 is free."""
    directions = unit_directions(len(net.trunk[-2].bias))
    free = net.trunk[-1].weights.shape[1] - len(directions)
    return np.concatenate([np.zeros(free), -directions]).astype(np.float32)


def _fitted(
    inputs: Float32[ndarray, "rows hidden"],
    needed: Float32[ndarray, " rows"],
    signs: Float32[ndarray, " hidden"],
    seed: int,
) -> tuple[Float32[ndarray, " hidden"], float]:
    """Weights and bias of the sum whose rectified value is the quantile RESERVE_SHARE of `needed`, without unit."""
    center, spread = inputs.mean(axis=0, dtype="f8"), inputs.std(axis=0, dtype="f8") + 1e-6
    arrays = [tf.constant(((inputs - center) / spread).astype(np.float32)), tf.constant(needed)]

    def losses(parameters: list[Any], x: Any, true: Any) -> tuple[Any, Any]:
        kernel, bias = parameters
        over = true - _rectified(tf.linalg.matvec(x, _signed(kernel, signs)) + bias)
        return tf.maximum(RESERVE_SHARE * over, (RESERVE_SHARE - 1) * over), 0.0

    descent = Descent(losses, [signs.shape, ()])
    start = np.quantile(np.maximum(needed, 0), RESERVE_SHARE) + 0.5  # where the rectifier is linear
    state = descent.start([np.full(len(signs), 0.01, np.float32), np.array(start, np.float32)])
    steps = -(-len(needed) // BATCH)
    rates = falling(LEARNING_RATE, EPOCHS * steps, lowest=0.002)
    for epoch in range(EPOCHS):
        order = batches(np.random.default_rng((seed, epoch)).permutation(len(needed)), BATCH)
        state, _ = descent.steps(state, arrays, order, rates[epoch * steps :][:steps])
    kernel, bias = descent.parameters(state)
    weights = _signed(kernel, signs).numpy() / spread
    return weights.astype(np.float32), float(bias - weights @ center)


def _signed(kernel: Any, signs: Float32[ndarray, " hidden"]) -> Any:
    return tf.where(signs == 0, kernel, signs * tf.abs(kernel))


def _rectified(z: Any) -> Any:
    """The rectifier of `head.py`, with a slope below 0 too, so that a sum there still learns."""
    ramp = tf.clip_by_value(z, 0.0, 1.0)
    return tf.maximum(z - 1.0, 0.0) + 0.5 * ramp * ramp + 0.01 * tf.minimum(z, 0.0)
