"""The network of `dense_net.py` in Keras, for training, and its conversion to plain arrays."""

from typing import Any

import keras
import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.factors import Factor
from acc_decel.network.dense_net import DenseNet, Layer, wiring
from acc_decel.outputs import DELAY, OUTPUT_LIMITS, OUTPUTS

DECELERATION_SCALE, DECELERATION_OFFSET = 4.0, 5.0  # [m/s^2], unit and zero of the outputs during training
DELAY_SCALE, DELAY_OFFSET = 0.1, 0.1  # [s]
SCALE = np.array([DELAY_SCALE if i == DELAY else DECELERATION_SCALE for i in range(len(OUTPUTS))], np.float32)
OFFSET = np.array([DELAY_OFFSET if i == DELAY else DECELERATION_OFFSET for i in range(len(OUTPUTS))], np.float32)


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


def keras_model(
    factors: tuple[Factor, ...],
    embedding: tuple[int, ...],
    trunk: tuple[int, ...],
    *,
    monotone: bool = True,
    penalty: float = 0.0,
) -> keras.Model:
    """The network in Keras: two inputs (embedding, forced columns), outputs neither clipped nor sorted.

    `embedding` and `trunk` are the units of the hidden layers. Without `monotone`, every weight is free. `penalty`
    times the sum of all squared weights is added to the loss.
    """
    wires = wiring(factors)
    free, forced = keras.Input((wires.embedding_inputs,)), keras.Input((len(wires.forced),))
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
        directions = np.where(np.arange(units) < units // 2, 1, -1)  # convex units rise, concave ones fall
        x, carried = rectified(layer(x, carried, directions)), directions
    output_directions = np.where(np.arange(len(OUTPUTS)) == DELAY, 0, 1)  # the delay is free
    return keras.Model([free, forced], layer(x, carried, output_directions))


def teacher_model(factors: tuple[Factor, ...], hidden: tuple[int, ...]) -> keras.Model:
    """A larger teacher without constraints for the network of `keras_model`, with the same inputs and outputs.

    `hidden` are the units of its layers. Distillation after Hinton, Vinyals, Dean, arXiv:1503.02531.
    """
    wires = wiring(factors)
    inputs = [keras.Input((wires.embedding_inputs,)), keras.Input((len(wires.forced),))]
    x = keras.layers.Concatenate()(inputs)
    for units in hidden:
        x = keras.layers.Dense(units, activation="silu")(x)
    return keras.Model(inputs, keras.layers.Dense(len(OUTPUTS))(x))


def plain(
    model: keras.Model, factors: tuple[Factor, ...], center: ndarray, inverse_spread: ndarray, *, embedded: int
) -> DenseNet:
    """The trained Keras model as arrays, its first `embedded` layers the embedding; outputs in m/s^2 and s."""
    layers = [layer.plain() for layer in model.layers if isinstance(layer, SignedDense)]
    last = layers.pop()
    layers.append(Layer(last.weights * SCALE[:, None], last.bias * SCALE + OFFSET))
    low, high = np.array(tuple(OUTPUT_LIMITS.values()), np.float32).T
    return DenseNet(
        factors, center, inverse_spread, tuple(layers[:embedded]), tuple(layers[embedded:]), low.copy(), high.copy()
    )
