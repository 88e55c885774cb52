"""The student as plain arrays: a small network that computes in one pass what each factor adds to a prediction.

1. The inputs are the columns, saturated as for the network and scaled, 0 where the factor is missing; a flag for each
   optional factor, 1 where it is available; and the difference between prediction and baseline.
2. Hidden layers x * sigmoid(x), x = weights @ inputs + bias; then one linear output for each factor.
3. The difference between the prediction and the sum of the outputs is divided evenly among the available factors. So
   the attributions add up to the prediction by construction, and a missing factor has 0.

After the attentive surrogate of Lee and Kim, Sensors 21(4):1280, 2021: learned from permutation Shapley values.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32
from numpy import ndarray

from acc_decel.attribution.game import is_available
from acc_decel.factors import Factor, owners
from acc_decel.network import saturated

GAP_SCALE = np.float32(4.0)  # [m/s^2], scale of the input prediction - baseline


@dataclass(frozen=True)
class Dense:
    """`weights @ x + bias`."""

    weights: Float32[ndarray, "outputs inputs"]
    bias: Float32[ndarray, " outputs"]

    def __call__(self, x: Float32[ndarray, "rows inputs"]) -> Float32[ndarray, "rows outputs"]:
        """The layer's outputs for `x`."""
        return x @ self.weights.T + self.bias


@dataclass(frozen=True)
class Student:
    """A trained student; `baseline` [m/s^2] is what its attributions are relative to."""

    factors: tuple[Factor, ...]
    center: Float32[ndarray, " columns"]
    inverse_spread: Float32[ndarray, " columns"]
    baseline: float
    layers: tuple[Dense, ...]

    @property
    def multiply_adds(self) -> int:
        """Number of weights and biases: each costs one multiply-add."""
        return sum(layer.weights.size + layer.bias.size for layer in self.layers)

    def __call__(
        self, columns: Float32[ndarray, "rows columns"], median: Float32[ndarray, " rows"]
    ) -> Float32[ndarray, "rows factors"]:
        """What each factor adds [m/s^2] to the predicted `median` deceleration of each event."""
        available = is_available(self.factors, columns)
        gap = median - np.float32(self.baseline)
        x = student_inputs(self.factors, self.center, self.inverse_spread, columns, gap)
        for layer in self.layers[:-1]:
            x = layer(x)
            x = x * (0.5 + 0.5 * np.tanh(0.5 * x))  # the sigmoid, without an exponential that could overflow
        return shared_out(self.layers[-1](x), available, gap)


def student_inputs(
    factors: tuple[Factor, ...],
    center: Float32[ndarray, " columns"],
    inverse_spread: Float32[ndarray, " columns"],
    columns: Float32[ndarray, "rows columns"],
    gap: Float32[ndarray, " rows"],
) -> Float32[ndarray, "rows inputs"]:
    """Inputs of the student, step 1; `gap` [m/s^2] is the prediction minus the baseline."""
    available = is_available(factors, columns)
    scaled = (saturated(factors, columns) - center) * inverse_spread
    inputs = np.where(available[:, owners(factors)], scaled, np.float32(0))
    flags = available[:, optional_factors(factors)]
    return np.concatenate([inputs, flags, gap[:, None] / GAP_SCALE], axis=1).astype(np.float32)


def optional_factors(factors: tuple[Factor, ...]) -> tuple[int, ...]:
    """Indices of the optional factors: their availability is an input of the student."""
    return tuple(i for i, f in enumerate(factors) if f.optional)


def shared_out(
    outputs: Float32[ndarray, "rows factors"], available: Bool[ndarray, "rows factors"], gap: Float[ndarray, " rows"]
) -> Float32[ndarray, "rows factors"]:
    """The outputs of the available factors, with the rest of the `gap` divided evenly among them, step 3."""
    share = (gap - (outputs * available).sum(axis=1)) / available.sum(axis=1)
    return ((outputs + share[:, None]) * available).astype(np.float32)
