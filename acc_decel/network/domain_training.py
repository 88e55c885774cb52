"""One try to fit the score of the trained domain: logistic regression, then selection of events and pruning."""

from typing import Any

import numpy as np
import tensorflow as tf
from jaxtyping import Float32, Int64
from numpy import ndarray

from acc_decel.network.dense_net import Layer
from acc_decel.network.descent import Descent, falling
from acc_decel.network.domain import Values
from acc_decel.network.domain_fitting import MAX_PRUNING_EVENTS, Fitting
from acc_decel.network.head import rectified
from acc_decel.network.keras_net import rectified as smooth


class Contrast:
    """Real and resampled events, and how a score learns to separate them."""

    def __init__(self, inside: Values, outside: Values, fitting: Fitting) -> None:
        """`inside` and `outside` are the inputs of the score for real and for resampled events."""
        self.inside, self.outside, self.fitting = inside, outside, fitting
        self.arrays = [tf.constant(np.concatenate([inside, outside]))]
        self.arrays.append(tf.constant(np.repeat(np.array([0, 1], np.float32), [len(inside), len(outside)])))
        inputs = inside.shape[1]
        self.descents = {
            units: Descent(_logistic, [(inputs, units), (units,), (units, 1), (1,)])
            for units in (fitting.wide, fitting.units)
        }

    def fit_layers(self, rng: np.random.Generator) -> tuple[Layer, Layer]:
        """One try: a wide score selects the resampled events that could not be real, and is then pruned."""
        first, second, third = self.fitting.steps
        everything = np.arange(len(self.outside))
        layers = _sample_units(self.inside, self.outside, self.fitting.wide, rng)
        layers = self._train(layers, everything, first, rng)
        limit = np.quantile(_quick_score(layers, self.inside), self.fitting.kept)
        selected = np.flatnonzero(_quick_score(layers, self.outside) > limit)
        layers = self._train(layers, selected, second, rng)
        layers = _prune(layers, self.inside, self.outside[selected[:MAX_PRUNING_EVENTS]], self.fitting.units)
        return self._train(layers, selected, third, rng)

    def _train(
        self, layers: tuple[Layer, Layer], selected: Int64[ndarray, " _"], steps: int, rng: np.random.Generator
    ) -> tuple[Layer, Layer]:
        """A score that is high for the rows `selected` of the resampled events and low for real ones.

        Logistic regression on rectified units, by Adam; half of each batch is real.
        """
        half, real = self.fitting.batch // 2, len(self.inside)
        chosen = selected[rng.integers(0, len(selected), (steps, half))] + real
        order = np.concatenate([rng.integers(0, real, (steps, half)), chosen], axis=1).astype(np.int32)
        descent = self.descents[len(layers[0].bias)]
        start = descent.start([a for layer in layers for a in (layer.weights.T, layer.bias)])
        state, _ = descent.steps(start, self.arrays, order, falling(self.fitting.learning_rate, steps))
        first, bias, last, offset = descent.parameters(state)
        return _layers(first.T, bias, last.T, offset)


def _logistic(parameters: list[Any], x: Any, label: Any) -> tuple[Any, float]:
    """Logistic loss of each row; no penalty."""
    first, bias, last, offset = parameters
    score = (tf.matmul(smooth(tf.matmul(x, first) + bias), last) + offset)[:, 0]
    return tf.nn.sigmoid_cross_entropy_with_logits(label, score), 0.0


def _quick_score(layers: tuple[Layer, Layer], x: Values) -> Float32[ndarray, " rows"]:
    """The score with its sums in any order: fast, for comparing many events."""
    hidden, total = layers
    return (rectified(x @ hidden.weights.T + hidden.bias) @ total.weights.T + total.bias)[:, 0]


def _sample_units(inside: Values, outside: Values, units: int, rng: np.random.Generator) -> tuple[Layer, Layer]:
    """The first score: each unit rises from a real event, where it is 0, to a resampled one."""
    below, above = (events[rng.integers(0, len(events), units)].astype("f8") for events in (inside, outside))
    difference = above - below
    first = difference / np.maximum((difference**2).sum(axis=1, keepdims=True), 1e-6)
    return _layers(first, -(first * below).sum(axis=1), np.full((1, units), 1 / units), np.zeros(1))


def _layers(first: ndarray, bias: ndarray, last: ndarray, offset: ndarray) -> tuple[Layer, Layer]:
    """A rectified layer and a sum."""
    first, bias, last, offset = (np.ascontiguousarray(a, np.float32) for a in (first, bias, last, offset))
    return Layer(first, bias), Layer(last, offset)


def _prune(layers: tuple[Layer, Layer], inside: Values, outside: Values, units: int) -> tuple[Layer, Layer]:
    """The score without its least useful units: one after the other, the one whose removal raises the loss least."""
    hidden, total = layers
    rows = min(len(inside), len(outside), MAX_PRUNING_EVENTS)
    parts = rectified(hidden(np.concatenate([inside[:rows], outside[:rows]]))) * total.weights[0]
    sign = np.repeat(np.array([1, -1], "f4"), rows)[:, None]
    remaining, offset = np.arange(len(hidden.bias)), total.bias[0]
    while len(remaining) > units:
        mean = parts[:, remaining].mean(axis=0)
        score = parts[:, remaining].sum(axis=1, keepdims=True) + offset
        with np.errstate(under="ignore"):
            without = np.logaddexp(0, sign * (score - parts[:, remaining] + mean)).mean(axis=0)
        weakest = int(np.argmin(without))
        remaining, offset = np.delete(remaining, weakest), offset + mean[weakest]
    return _layers(hidden.weights[remaining], hidden.bias[remaining], total.weights[:, remaining], np.full(1, offset))
