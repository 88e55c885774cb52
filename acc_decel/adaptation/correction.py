"""The light way to adapt a released model to a car: a positive scale and a bias on what it says, from a few stops."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.optimize import least_squares

from acc_decel.factors import OUTPUTS

LEAST_SCALE, GREATEST_SCALE = 0.1, 10.0
FEWEST_STOPS = 3


@dataclass(frozen=True)
class Trust:
    """How far a car is believed to differ from its model before any stop is seen; standard deviations."""

    scale: float = 0.3
    bias: float = 0.5  # [m/s^2]
    scatter: float = 0.5  # [m/s^2] of one stop about the prediction; a few times more counts as an outlier


@dataclass(frozen=True)
class Correction:
    """Deceleration of this car = scale * deceleration of the model + bias [m/s^2].

    `scale` is above 0, so that whatever is monotone in the model stays monotone.
    """

    scale: float = 1.0
    bias: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a scale that would turn the model upside down."""
        if not LEAST_SCALE <= self.scale <= GREATEST_SCALE:
            raise ValueError(f"scale must be {LEAST_SCALE} to {GREATEST_SCALE}. Got {self.scale:g}: check the stops.")

    def outputs(self, outputs: Float[ndarray, "rows outputs"]) -> Float[ndarray, "rows outputs"]:
        """The model's outputs, in the order of OUTPUTS, for this car.

        A lower bound is only ever made safer here; `LowerBound` raises it, when there is evidence.
        """
        columns = []
        for i, name in enumerate(OUTPUTS):
            told = outputs[:, i]
            if name.startswith("deceleration"):
                here = self.scale * told + self.bias
                told = np.minimum(told, here) if name.startswith("deceleration_lower") else here
            columns.append(told)
        return np.stack(columns, axis=1).astype(outputs.dtype)


def correction(
    predicted: Float[ndarray, " stops"], measured: Float[ndarray, " stops"], trust: Trust = Trust()
) -> Correction:
    """The correction that fits stops of one car: predicted median and measured deceleration [m/s^2].

    Robust least squares, drawn towards scale 1 and bias 0 as `trust` says, so that few stops do little. Raises
    ValueError for fewer than three stops or a value that is not finite.
    """
    if len(measured) < FEWEST_STOPS:
        raise ValueError(f"a correction needs at least {FEWEST_STOPS} stops. Got {len(measured)}: brake more often.")
    if not (np.isfinite(predicted).all() and np.isfinite(measured).all()):
        raise ValueError("predicted and measured decelerations must be finite. Got NaN or infinity: drop those stops.")
    # about the middle of the stops, where scale and bias do not stand for each other
    centre = float(np.mean(predicted))

    def residuals(x: Float[ndarray, " unknowns"]) -> Float[ndarray, " residuals"]:
        scale, bias = x[0], x[1] - x[0] * centre
        fit = robust((measured - scale * predicted - bias) / trust.scatter)
        return np.concatenate([fit, [(scale - 1) / trust.scale, bias / trust.bias]])

    limits = ([LEAST_SCALE, -np.inf], [GREATEST_SCALE, np.inf])
    scale, at_centre = least_squares(residuals, [1.0, centre], bounds=limits).x
    return Correction(float(scale), float(at_centre - scale * centre))


def robust(residual: Float[ndarray, " rows"], limit: float = 2.0) -> Float[ndarray, " rows"]:
    """Residuals whose square grows like the absolute value beyond about `limit` (pseudo-Huber)."""
    size = np.sqrt(2 * limit**2 * (np.sqrt(1 + (residual / limit) ** 2) - 1))
    return np.sign(residual) * size
