"""The light way to adapt a released model to a car: a positive scale and a bias on what it says, from a few stops."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.optimize import least_squares

from acc_decel.correction import GREATEST_SCALE, LEAST_SCALE, Correction

MIN_STOPS = 3
NORMAL_95 = 1.959964


@dataclass(frozen=True)
class Prior:
    """How far a car is believed to differ from its model before any stop is seen; standard deviations."""

    scale: float = 0.3
    bias: float = 0.5  # [m/s^2]
    scatter: float = 0.5  # [m/s^2] of one stop about the prediction; a few times more counts as an outlier


@dataclass(frozen=True)
class CorrectionFit:
    """A correction, how well the stops tell it, and what it gains on stops that it has not seen."""

    correction: Correction
    stops: int
    scale_interval: tuple[float, float]  # 95 %
    bias_interval: tuple[float, float]  # 95 % [m/s^2]
    reach: float  # half the 95 % interval of the corrected deceleration, where the stops are on average [m/s^2]
    error_before: float  # root of the mean square of predicted minus measured [m/s^2]
    error_after: float  # the same, each stop corrected by what the other stops say


def fit_correction(
    predicted: Float[ndarray, " stops"], measured: Float[ndarray, " stops"], trust: Prior = Prior()
) -> Correction:
    """The correction that fits stops of one car: predicted median and measured deceleration [m/s^2].

    Robust least squares, drawn towards scale 1 and bias 0 as `trust` says, so that few stops do little. Raises
    ValueError for fewer than three stops or a value that is not finite.
    """
    return _most_probable(predicted, measured, trust)[0]


def fit_and_validate(
    predicted: Float[ndarray, " stops"], measured: Float[ndarray, " stops"], trust: Prior = Prior()
) -> CorrectionFit:
    """`correction` with its uncertainty, and its error by leaving one stop out at a time; one stop more is needed."""
    found, covariance = _most_probable(predicted, measured, trust)
    left = [_without(i, predicted, measured, trust) for i in range(len(measured))]
    after = np.array([c.scale * p + c.bias for c, p in zip(left, predicted, strict=True)])
    misfit = _rms(found.scale * predicted + found.bias - measured) / trust.scatter
    to_bias = np.array([[1.0, 0.0], [-float(np.mean(predicted)), 1.0], [0.0, 1.0]])  # scale, bias, value at the centre
    deviation = np.sqrt(np.diag(to_bias @ covariance @ to_bias.T)) * max(1.0, misfit)
    scale, bias, reach = (NORMAL_95 * deviation).tolist()
    return CorrectionFit(
        found,
        len(measured),
        (found.scale - scale, found.scale + scale),
        (found.bias - bias, found.bias + bias),
        reach,
        _rms(predicted - measured),
        _rms(after - measured),
    )


def _without(
    stop: int, predicted: Float[ndarray, " stops"], measured: Float[ndarray, " stops"], trust: Prior
) -> Correction:
    return fit_correction(np.delete(predicted, stop), np.delete(measured, stop), trust)


def _most_probable(
    predicted: Float[ndarray, " stops"], measured: Float[ndarray, " stops"], trust: Prior
) -> tuple[Correction, Float[ndarray, "2 2"]]:
    """The correction, and the covariance of its scale and of its value at the mean of `predicted`."""
    if len(measured) < MIN_STOPS:
        raise ValueError(f"a correction needs at least {MIN_STOPS} stops. Got {len(measured)}: brake more often.")
    if not (np.isfinite(predicted).all() and np.isfinite(measured).all()):
        raise ValueError("predicted and measured decelerations must be finite. Got NaN or infinity: drop those stops.")
    # about the middle of the stops, where scale and bias do not stand for each other
    centre = float(np.mean(predicted))

    def residuals(x: Float[ndarray, " unknowns"]) -> Float[ndarray, " residuals"]:
        scale, bias = x[0], x[1] - x[0] * centre
        fit = robust((measured - scale * predicted - bias) / trust.scatter)
        return np.concatenate([fit, [(scale - 1) / trust.scale, bias / trust.bias]])

    limits = ([LEAST_SCALE, -np.inf], [GREATEST_SCALE, np.inf])
    found = least_squares(residuals, [1.0, centre], bounds=limits)
    scale, at_centre = found.x.tolist()
    return Correction(scale, at_centre - scale * centre), np.linalg.inv(found.jac.T @ found.jac)


def robust(residual: Float[ndarray, " rows"], limit: float = 2.0) -> Float[ndarray, " rows"]:
    """Residuals whose square grows like the absolute value beyond about `limit` (pseudo-Huber)."""
    size = np.sqrt(2 * limit**2 * (np.sqrt(1 + (residual / limit) ** 2) - 1))
    return np.sign(residual) * size


def _rms(error: Float[ndarray, " rows"]) -> float:
    return float(np.sqrt(np.mean(error**2)))
