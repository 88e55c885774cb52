"""One try at the score of the trained domain: logistic regression on rectified units, sorted and pruned between."""

from typing import Any

import numpy as np
import tensorflow as tf
from jaxtyping import Float32, Int64
from numpy import ndarray

from acc_decel.network.dense_net import Layer, rectified
from acc_decel.network.descent import Descent, falling
from acc_decel.network.domain import Values
from acc_decel.network.domain_fitting import MAX_PRUNING_EVENTS, Fitting
from acc_decel.network.keras_net import rectified as smooth


class Contrast:
    """Real events and events drawn anew, and how a score learns to tell them apart."""

    def __init__(self, inside: Values, outside: Values, fitting: Fitting) -> None:
        """`inside` and `outside` are what the score sees of real events and of those drawn anew."""
        self.inside, self.outside, self.fitting = inside, outside, fitting
        self.arrays = [tf.constant(np.concatenate([inside, outside]))]
        self.arrays.append(tf.constant(np.repeat(np.array([0, 1], np.float32), [len(inside), len(outside)])))
        inputs = inside.shape[1]
        self.descents = {
            units: Descent(_logistic, [(inputs, units), (units,), (units, 1), (1,)])
            for units in (fitting.wide, fitting.units)
        }

    def fit_layers(self, rng: np.random.Generator) -> tuple[Layer, Layer]:
        """One try: a wide score sorts the events drawn anew and is pruned."""
        first, second, third = self.fitting.steps
        everything = np.arange(len(self.outside))
        layers = _sample_units(self.inside, self.outside, self.fitting.wide, rng)
        layers = self._train(layers, everything, first, rng)
        limit = np.quantile(_quick_score(layers, self.inside), self.fitting.kept)
        strange = np.flatnonzero(_quick_score(layers, self.outside) > limit)
        layers = self._train(layers, strange, second, rng)
        layers = _prune(layers, self.inside, self.outside[strange[:MAX_PRUNING_EVENTS]], self.fitting.units)
        return self._train(layers, strange, third, rng)

    def _train(
        self, layers: tuple[Layer, Layer], strange: Int64[ndarray, " _"], steps: int, rng: np.random.Generator
    ) -> tuple[Layer, Layer]:
        """A score that is high for the rows `strange` of the events drawn anew and low for real ones.

        Logistic regression on rectified units, by Adam; half of each batch is real.
        """
        half, real = self.fitting.batch // 2, len(self.inside)
        chosen = strange[rng.integers(0, len(strange), (steps, half))] + real
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
    """The score with its sums in any order, for comparisons among many events."""
    hidden, total = layers
    return (rectified(x @ hidden.weights.T + hidden.bias) @ total.weights.T + total.bias)[:, 0]


def _sample_units(inside: Values, outside: Values, units: int, rng: np.random.Generator) -> tuple[Layer, Layer]:
    """A score to begin with: each unit rises from a real event, where it is 0, to one drawn anew."""
    below, above = (some[rng.integers(0, len(some), units)].astype("f8") for some in (inside, outside))
    apart = above - below
    first = apart / np.maximum((apart**2).sum(axis=1, keepdims=True), 1e-6)
    return _layers(first, -(first * below).sum(axis=1), np.full((1, units), 1 / units), np.zeros(1))


def _layers(first: ndarray, bias: ndarray, last: ndarray, offset: ndarray) -> tuple[Layer, Layer]:
    """A rectified layer and a sum."""
    first, bias, last, offset = (np.ascontiguousarray(a, np.float32) for a in (first, bias, last, offset))
    return Layer(first, bias), Layer(last, offset)


def _prune(layers: tuple[Layer, Layer], inside: Values, outside: Values, units: int) -> tuple[Layer, Layer]:
    """The score without the units that it can best do without: one by one, whose loss raises the loss least."""
    hidden, total = layers
    rows = min(len(inside), len(outside), MAX_PRUNING_EVENTS)
    parts = rectified(hidden(np.concatenate([inside[:rows], outside[:rows]]))) * total.weights[0]
    sign = np.repeat(np.array([1, -1], "f4"), rows)[:, None]
    kept, offset = np.arange(len(hidden.bias)), total.bias[0]
    while len(kept) > units:
        mean = parts[:, kept].mean(axis=0)
        score = parts[:, kept].sum(axis=1, keepdims=True) + offset
        with np.errstate(under="ignore"):
            without = np.logaddexp(0, sign * (score - parts[:, kept] + mean)).mean(axis=0)
        least = int(np.argmin(without))
        kept, offset = np.delete(kept, least), offset + mean[least]
    return _layers(hidden.weights[kept], hidden.bias[kept], total.weights[:, kept], np.full(1, offset))
