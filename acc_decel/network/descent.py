"""Adam in one compiled loop: hundreds of training steps run without returning to Python or Keras.

With networks this small, `fit` of Keras spends more time between the steps than in them.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from jaxtyping import Float64, Int32, Int64
from numpy import ndarray

STEPS_PER_CALL = 500  # steps of one compiled call; Ctrl-C acts after it
ROWS_PER_CALL = 8_192  # rows of one compiled call for a mean loss
DECAYS = 0.9, 0.999  # of the running means of gradient and squared gradient
EPSILON = 1e-7
NO_ROW = -1  # fills up the last batch

Loss = Callable[..., tuple[Any, Any]]


class State(NamedTuple):
    """Progress of a descent: parameters and running means as flat tensors, and the number of steps."""

    parameters: Any
    slope: Any
    square: Any
    steps: int = 0


class Descent:
    """Adam (Kingma and Ba, ICLR 2015) on the mean loss of batches, compiled by XLA once for all steps."""

    def __init__(self, loss: Loss, shapes: Sequence[tuple[int, ...]]) -> None:
        """`loss` gets parameters of `shapes` and rows of arrays; it returns the loss of each row and a penalty.

        The penalty, a number, is added to the mean of the losses.
        """
        self.loss, self.shapes = loss, shapes
        self._run, self._mean = (tf.function(f, jit_compile=True) for f in (self._steps_of, self._mean_of))

    def start(self, parameters: Sequence[ndarray]) -> State:
        """The state before the first step."""
        flat = tf.constant(np.concatenate([np.ravel(p) for p in parameters]), tf.float32)
        return State(flat, tf.zeros_like(flat), tf.zeros_like(flat))

    def parameters(self, state: State) -> list[ndarray]:
        """The parameters in their shapes."""
        return [p.numpy() for p in self._shaped(state.parameters)]

    def steps(
        self,
        state: State,
        arrays: Sequence[Any],
        order: Int32[ndarray, "steps batch"],
        rates: Float64[ndarray, " steps"],
    ) -> tuple[State, float]:
        """The state after one step for each batch in `order` (row numbers of `arrays`, or NO_ROW), and the mean loss.

        `rates` are the learning rates of the steps.
        """
        total = 0.0
        for start in range(0, len(order), STEPS_PER_CALL):
            chunk = slice(start, start + STEPS_PER_CALL)
            count, rows = len(rates[chunk]), np.full((STEPS_PER_CALL, order.shape[1]), NO_ROW, np.int32)
            rows[:count] = order[chunk]
            rate = np.pad(rates[chunk], (0, STEPS_PER_CALL - count)).astype(np.float32)
            *flat, loss = self._run(*state[:3], *map(tf.constant, (state.steps, count, rows, rate)), *arrays)
            state = State(flat[0], flat[1], flat[2], state.steps + count)
            total += float(loss)
        return state, total / len(order)

    def mean(self, state: State, arrays: Sequence[Any]) -> float:
        """The mean loss of all rows of `arrays`, penalty included."""
        rows = len(arrays[0])
        order = batches(np.arange(rows), ROWS_PER_CALL)
        losses = [self._mean(state.parameters, tf.constant(batch), *arrays) for batch in order]
        return float(np.average(losses, weights=(order != NO_ROW).sum(axis=1)))

    def _shaped(self, flat: Any) -> list[Any]:
        parts = tf.split(flat, [int(np.prod(shape)) for shape in self.shapes])
        return [tf.reshape(part, shape) for part, shape in zip(parts, self.shapes, strict=True)]

    def _mean_of(self, flat: Any, rows: Any, *arrays: Any) -> Any:
        """Mean loss of `rows`, without those that are NO_ROW, plus the penalty."""
        is_row = rows != NO_ROW
        losses, penalty = self.loss(self._shaped(flat), *(tf.gather(a, tf.maximum(rows, 0)) for a in arrays))
        count = tf.reduce_sum(tf.cast(is_row, tf.float32))
        return tf.reduce_sum(tf.where(is_row, losses, 0.0)) / count + penalty

    def _steps_of(
        self, flat: Any, slope: Any, square: Any, done: Any, count: Any, order: Any, rates: Any, *arrays: Any
    ) -> tuple[Any, ...]:
        """The first `count` of the steps, after `done` others. Flat tensors: one operation updates all parameters."""
        first, second = DECAYS

        def step(i: Any, flat: Any, slope: Any, square: Any, total: Any) -> tuple[Any, ...]:
            """One step of Adam, and the losses of the steps so far added up."""
            with tf.GradientTape() as tape:
                tape.watch(flat)
                loss = self._mean_of(flat, order[i], *arrays)
            gradient = tape.gradient(loss, flat)
            slope += (1 - first) * (gradient - slope)
            square += (1 - second) * (gradient * gradient - square)
            time = tf.cast(done + i + 1, tf.float32)
            rate = rates[i] * tf.sqrt(1 - second**time) / (1 - first**time)
            return i + 1, flat - rate * slope / (tf.sqrt(square) + EPSILON), slope, square, total + loss

        _, *results = tf.while_loop(lambda i, *_: i < count, step, (0, flat, slope, square, 0.0))
        return tuple(results)


def batches(rows: Int64[ndarray, " rows"], batch: int) -> Int32[ndarray, "batches {batch}"]:
    """`rows` in batches, the last one padded with NO_ROW."""
    padding = -len(rows) % batch
    return np.pad(rows, (0, padding), constant_values=NO_ROW).reshape(-1, batch).astype(np.int32)


def falling(highest: float, steps: int, *, lowest: float = 0.0) -> Float64[ndarray, " steps"]:
    """Learning rates that fall by half a cosine from `highest` to `lowest * highest`."""
    cosine = (1 + np.cos(np.pi * np.arange(steps) / steps)) / 2
    return highest * (lowest + (1 - lowest) * cosine)
