"""Adam compiled whole: hundreds of training steps run without a look at Python or Keras between them.

Networks as small as ours spend more time between the steps of Keras's `fit` than in them.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from jaxtyping import Float64, Int32, Int64
from numpy import ndarray

STEPS_AT_ONCE = 500  # between two looks at Python, where Ctrl-C acts
ROWS_AT_ONCE = 8_192  # of a mean without a step
DECAYS = 0.9, 0.999  # of the running means of slope and squared slope
EPSILON = 1e-7
NO_ROW = -1  # fills up the last batch

Loss = Callable[..., tuple[Any, Any]]


class State(NamedTuple):
    """How far a descent has come: parameters and running means, flat tensors, and the number of steps."""

    parameters: Any
    slope: Any
    square: Any
    steps: int = 0


class Descent:
    """Adam (Kingma and Ba, ICLR 2015) on the mean loss of batches, compiled by XLA once for all its steps."""

    def __init__(self, loss: Loss, shapes: Sequence[tuple[int, ...]]) -> None:
        """`loss` is called with parameters of `shapes` and some rows of arrays; it gives each row's loss and a penalty.

        The penalty, a number, is added to the mean of the losses.
        """
        self.loss, self.shapes = loss, [tuple(shape) for shape in shapes]
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
        """The state after a step for each row of `order`, which holds rows of `arrays` or NO_ROW; and the mean loss.

        `rates` are the learning rates of the steps.
        """
        total = 0.0
        for start in range(0, len(order), STEPS_AT_ONCE):
            some = slice(start, start + STEPS_AT_ONCE)
            count, rows = len(rates[some]), np.full((STEPS_AT_ONCE, order.shape[1]), NO_ROW, np.int32)
            rows[:count] = order[some]
            rate = np.pad(rates[some], (0, STEPS_AT_ONCE - count)).astype(np.float32)
            *flat, loss = self._run(*state[:3], *map(tf.constant, (state.steps, count, rows, rate)), *arrays)
            state = State(flat[0], flat[1], flat[2], state.steps + count)
            total += float(loss)
        return state, total / len(order)

    def mean(self, state: State, arrays: Sequence[Any]) -> float:
        """The mean loss of all rows of `arrays`, penalty included."""
        rows = len(arrays[0])
        order = batches(np.arange(rows), ROWS_AT_ONCE)
        losses = [self._mean(state.parameters, tf.constant(some), *arrays) for some in order]
        return float(np.average(losses, weights=(order != NO_ROW).sum(axis=1)))

    def _shaped(self, flat: Any) -> list[Any]:
        parts = tf.split(flat, [int(np.prod(shape)) for shape in self.shapes])
        return [tf.reshape(part, shape) for part, shape in zip(parts, self.shapes, strict=True)]

    def _mean_of(self, flat: Any, rows: Any, *arrays: Any) -> Any:
        """Mean loss of some rows, those of NO_ROW left out, and the penalty."""
        there = rows != NO_ROW
        losses, penalty = self.loss(self._shaped(flat), *(tf.gather(a, tf.maximum(rows, 0)) for a in arrays))
        count = tf.reduce_sum(tf.cast(there, tf.float32))
        return tf.reduce_sum(tf.where(there, losses, 0.0)) / count + penalty

    def _steps_of(
        self, flat: Any, slope: Any, square: Any, done: Any, count: Any, order: Any, rates: Any, *arrays: Any
    ) -> tuple[Any, ...]:
        """The first `count` of the steps, `done` before; flat tensors, so that one operation moves all parameters."""
        first, second = DECAYS

        def step(i: Any, flat: Any, slope: Any, square: Any, total: Any) -> tuple[Any, ...]:
            with tf.GradientTape() as tape:
                tape.watch(flat)
                loss = self._mean_of(flat, order[i], *arrays)
            found = tape.gradient(loss, flat)
            slope += (1 - first) * (found - slope)
            square += (1 - second) * (found * found - square)
            time = tf.cast(done + i + 1, tf.float32)
            rate = rates[i] * tf.sqrt(1 - second**time) / (1 - first**time)
            return i + 1, flat - rate * slope / (tf.sqrt(square) + EPSILON), slope, square, total + loss

        _, *reached = tf.while_loop(lambda i, *_: i < count, step, (0, flat, slope, square, 0.0))
        return tuple(reached)


def batches(rows: Int64[ndarray, " rows"], batch: int) -> Int32[ndarray, "batches batch"]:
    """`rows` in batches, the last filled up with NO_ROW."""
    short = -len(rows) % batch
    return np.pad(rows, (0, short), constant_values=NO_ROW).reshape(-1, batch).astype(np.int32)


def falling(highest: float, steps: int, *, lowest: float = 0.0) -> Float64[ndarray, " steps"]:
    """Learning rates that fall with half a cosine from `highest` to `lowest` times as much."""
    cosine = (1 + np.cos(np.pi * np.arange(steps) / steps)) / 2
    return highest * (lowest + (1 - lowest) * cosine)
