"""The network of `dense_net.py` in Keras, for training, and its conversion to plain arrays."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.factors import Factor
from acc_decel.network.dense_net import LAST, DenseNet, Layer
from acc_decel.network.features import HEAD
from acc_decel.network.head import BRAKE_LIMIT, BRAKING, LEAST_BRAKING, RESISTANCE, ROAD_LIMIT, Head, untrained_head
from acc_decel.network.wiring import wiring
from acc_decel.outputs import DELAY, ORDERED, OUTPUT_LIMITS, OUTPUTS

DECELERATION_SCALE, DECELERATION_OFFSET = 4.0, 5.0  # [m/s^2], unit and zero of the outputs during training
DELAY_SCALE, DELAY_OFFSET = 0.1, 0.1  # [s]
SCALE = np.array([DELAY_SCALE if i == DELAY else DECELERATION_SCALE for i in range(len(OUTPUTS))], np.float32)
OFFSET = np.array([DELAY_OFFSET if i == DELAY else DECELERATION_OFFSET for i in range(len(OUTPUTS))], np.float32)


LAST_SCALE = np.append(SCALE, np.full(len(ORDERED), DECELERATION_SCALE, np.float32))  # of the sums of the last layer
LAST_OFFSET = np.append(OFFSET, np.zeros(len(ORDERED), np.float32))


def unit_directions(units: int) -> Float32[ndarray, " units"]:
    """1 for each unit of a hidden layer of the trunk that rises with the deceleration, -1 for those that fall."""
    return np.where(np.arange(units) < units // 2, 1, -1).astype(np.float32)  # convex ones rise, concave ones fall


@keras.saving.register_keras_serializable("acc_decel")
class SignedDense(keras.layers.Layer):
    """Dense layer whose weights have prescribed signs, free where the sign is 0.

    If the signs pass each direction from layer to layer, the network is monotone by construction. With both convex and
    concave units it is still a universal approximator: Runje and Shankaranarayana, Constrained Monotonic Neural
    Networks, ICML 2023. A concave unit is a convex one with the opposite sign of all its weights, in and out.
    """

    def __init__(self, signs: Float32[ndarray, "inputs units"], penalty: float = 0.0, **options: Any) -> None:
        """`signs` -1, 0 or 1; `penalty` times the sum of the squared weights is added to the loss."""
        super().__init__(**options)
        self.signs, self.penalty = signs, penalty

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Create the weights."""
        units = self.signs.shape[1]
        self.kernel = self.add_weight(
            shape=(input_shape[-1], units),
            initializer="glorot_uniform",
            regularizer=keras.regularizers.L2(self.penalty) if self.penalty else None,
            name="kernel",
        )
        self.bias = self.add_weight(shape=(units,), initializer="zeros", name="bias")

    def signed(self) -> Any:
        """The weights with their signs enforced."""
        return keras.ops.where(self.signs == 0, self.kernel, self.signs * keras.ops.abs(self.kernel))

    def call(self, inputs: Any) -> Any:
        """The layer's sums."""
        return keras.ops.matmul(inputs, self.signed()) + self.bias

    def plain(self) -> Layer:
        """The layer as arrays."""
        weights = np.ascontiguousarray(keras.ops.convert_to_numpy(self.signed()).T)
        return Layer(weights, keras.ops.convert_to_numpy(self.bias))


@keras.saving.register_keras_serializable("acc_decel")
def rectified(z: Any) -> Any:
    """The smooth rectifier of `dense_net.py`."""
    ramp = keras.ops.clip(z, 0.0, 1.0)
    return keras.ops.maximum(z - 1.0, 0.0) + 0.5 * ramp * ramp


@keras.saving.register_keras_serializable("acc_decel")
class HeadLayer(keras.layers.Layer):
    """The head of `head.py` in training units, without the offsets of the calibration."""

    def build(self, sums_shape: Any, values_shape: Any) -> None:  # noqa: ARG002 - the names are those of `call`
        """Create the slopes."""
        self.slopes = self.add_weight(shape=(len(ORDERED),), initializer="ones", name="slopes")

    def call(self, sums: Any, values: Any) -> Any:
        """The outputs for the sums of the last layer, and the values of HEAD [m/s^2]."""
        ops, count = keras.ops, len(OUTPUTS)
        braking, resistance, road, brake = (
            values[:, i : i + 1] for i in (BRAKING, RESISTANCE, ROAD_LIMIT, BRAKE_LIMIT)
        )
        friction = ops.take(sums, ORDERED, axis=1) * DECELERATION_SCALE + DECELERATION_OFFSET
        brakes = sums[:, count:] * DECELERATION_SCALE + ops.abs(self.slopes) * braking
        smaller = friction - rectified(friction - brakes)
        limits = untrained_head()
        bounded = ops.minimum(ops.minimum(smaller, limits.road_shares * road), limits.brake_shares * brake)
        answers = ops.maximum(bounded, LEAST_BRAKING) + resistance
        quantiles = (answers - DECELERATION_OFFSET) / DECELERATION_SCALE
        columns = {place: quantiles[:, i] for i, place in enumerate(ORDERED)} | {DELAY: sums[:, DELAY]}
        return ops.stack([columns[i] for i in range(count)], axis=1)

    def plain(self) -> Head:
        """The head as arrays."""
        return replace(untrained_head(), slopes=np.abs(keras.ops.convert_to_numpy(self.slopes)))


def keras_model(
    factors: tuple[Factor, ...],
    embedding: tuple[int, ...],
    trunk: tuple[int, ...],
    *,
    monotone: bool = True,
    penalty: float = 0.0,
) -> keras.Model:
    """The network in Keras: three inputs (embedding, forced, head), outputs neither clipped nor sorted.

    `embedding` and `trunk` are the units of the hidden layers. Without `monotone`, every weight is free. `penalty`
    times the sum of all squared weights is added to the loss.
    """
    wires = wiring(factors)
    free, forced, values = (keras.Input((n,)) for n in (wires.embedding_inputs, len(wires.forced), len(HEAD)))
    embedded, x = free, forced
    for units in embedding:
        signs = np.zeros((embedded.shape[-1], units), np.float32)
        embedded = rectified(SignedDense(signs, penalty)(embedded))

    def layer(x: Any, carried: ndarray, directions: ndarray) -> Any:
        of_embedding = np.zeros((embedded.shape[-1], len(directions)))
        signs = np.concatenate([of_embedding, np.outer(carried, directions) * monotone]).astype(np.float32)
        return SignedDense(signs, penalty)(keras.layers.Concatenate()([embedded, x]))

    carried = np.array(wires.directions)
    for units in trunk:
        directions = unit_directions(units)
        x, carried = rectified(layer(x, carried, directions)), directions
    last_directions = np.ones(LAST)
    last_directions[DELAY] = 0  # the delay is free
    return keras.Model([free, forced, values], HeadLayer()(layer(x, carried, last_directions), values))


def teacher_model(inputs: int, hidden: tuple[int, ...]) -> keras.Model:
    """A larger teacher without constraints for the network of `keras_model`, with the same outputs.

    `inputs` is the number of its inputs, `hidden` are the units of its layers. Distillation after Hinton, Vinyals,
    Dean, arXiv:1503.02531.
    """
    x = first = keras.Input((inputs,))
    for units in hidden:
        x = keras.layers.Dense(units, activation="silu")(x)
    return keras.Model([first], keras.layers.Dense(len(OUTPUTS))(x))


def plain(
    model: keras.Model,
    factors: tuple[Factor, ...],
    constants: ndarray,
    center: ndarray,
    inverse_spread: ndarray,
    *,
    embedded: int,
) -> DenseNet:
    """The trained Keras model as arrays, its first `embedded` layers the embedding; outputs in m/s^2 and s."""
    layers = [layer.plain() for layer in model.layers if isinstance(layer, SignedDense)]
    last = layers.pop()
    layers.append(Layer(last.weights * LAST_SCALE[:, None], last.bias * LAST_SCALE + LAST_OFFSET))
    low, high = np.array(tuple(OUTPUT_LIMITS.values()), np.float32).T
    return DenseNet(
        factors,
        constants,
        center,
        inverse_spread,
        tuple(layers[:embedded]),
        tuple(layers[embedded:]),
        next(layer.plain() for layer in model.layers if isinstance(layer, HeadLayer)),
        low.copy(),
        high.copy(),
    )
