"""Correction of a released model for one car: a positive scale and a bias on its predictions, from a few stops."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.optimize import least_squares

from acc_decel.adaptation.plausible import check_ratio, check_stops
from acc_decel.correction import MAX_SCALE, MIN_SCALE, Correction

MIN_STOPS = 3
NORMAL_95 = 1.959964  # half the 95 % interval of a standard normal distribution


@dataclass(frozen=True)
class Prior:
    """How much cars are expected to differ from their model, before any stop; standard deviations."""

    scale: float = 0.3
    bias: float = 0.5  # [m/s^2]
    scatter: float = 0.5  # [m/s^2] of one stop about the prediction; a few times that counts as an outlier


@dataclass(frozen=True)
class CorrectionFit:
    """A correction, its uncertainty, and its error on stops that it was not fitted to."""

    correction: Correction
    stops: int
    scale_interval: tuple[float, float]  # 95 %
    bias_interval: tuple[float, float]  # 95 % [m/s^2]
    reach: float  # half the 95 % interval of the corrected deceleration at the mean of the stops [m/s^2]
    error_before: float  # root of the mean square of predicted minus measured [m/s^2]
    error_after: float  # the same, each stop with the correction fitted to the other stops


def fit_correction(
    predicted: Float[ndarray, " stops"], measured: Float[ndarray, " stops"], prior: Prior = Prior()
) -> Correction:
    """The correction that fits stops of one car: predicted median and measured deceleration [m/s^2].

    Robust least squares with a `prior` around scale 1 and bias 0, so a few stops change little. Raises
    ValueError for fewer than three stops, a value that is not finite, or decelerations that no car has.
    """
    _check(predicted, measured)
    return _most_probable(predicted, measured, prior)[0]


def fit_and_validate(
    predicted: Float[ndarray, " stops"], measured: Float[ndarray, " stops"], prior: Prior = Prior()
) -> CorrectionFit:
    """The correction with its uncertainty and leave-one-out error; needs one stop more than `fit_correction`."""
    _check(predicted, measured)
    correction, covariance = _most_probable(predicted, measured, prior)
    left_out = [_without(i, predicted, measured, prior) for i in range(len(measured))]
    after = np.array([c.scale * p + c.bias for c, p in zip(left_out, predicted, strict=True)])
    misfit = _rms(correction.scale * predicted + correction.bias - measured) / prior.scatter
    # scale, bias and value at the center, from scale and value at the center
    combinations = np.array([[1.0, 0.0], [-float(np.mean(predicted)), 1.0], [0.0, 1.0]])
    deviation = np.sqrt(np.diag(combinations @ covariance @ combinations.T)) * max(1.0, misfit)
    scale, bias, reach = (NORMAL_95 * deviation).tolist()
    return CorrectionFit(
        correction,
        len(measured),
        (correction.scale - scale, correction.scale + scale),
        (correction.bias - bias, correction.bias + bias),
        reach,
        _rms(predicted - measured),
        _rms(after - measured),
    )


def _without(
    stop: int, predicted: Float[ndarray, " stops"], measured: Float[ndarray, " stops"], prior: Prior
) -> Correction:
    return _most_probable(np.delete(predicted, stop), np.delete(measured, stop), prior)[0]


def _check(predicted: Float[ndarray, " stops"], measured: Float[ndarray, " stops"]) -> None:
    _check_count(measured)
    if not (np.isfinite(predicted).all() and np.isfinite(measured).all()):
        raise ValueError("predicted and measured decelerations must be finite. Got NaN or infinity: drop those stops.")
    check_stops(measured)
    check_ratio(predicted, measured)


def _check_count(measured: Float[ndarray, " stops"]) -> None:
    if len(measured) < MIN_STOPS:
        raise ValueError(f"a correction needs at least {MIN_STOPS} stops. Got {len(measured)}: brake more often.")


def _most_probable(
    predicted: Float[ndarray, " stops"], measured: Float[ndarray, " stops"], prior: Prior
) -> tuple[Correction, Float[ndarray, "2 2"]]:
    """The correction, and the covariance of its scale and of its value at the mean of `predicted`."""
    _check_count(measured)
    # relative to the mean of the stops, where scale and bias are not correlated
    center = float(np.mean(predicted))

    def residuals(x: Float[ndarray, " unknowns"]) -> Float[ndarray, " residuals"]:
        scale, bias = x[0], x[1] - x[0] * center
        fit = robust((measured - scale * predicted - bias) / prior.scatter)
        return np.concatenate([fit, [(scale - 1) / prior.scale, bias / prior.bias]])

    limits = ([MIN_SCALE, -np.inf], [MAX_SCALE, np.inf])
    solution = least_squares(residuals, [1.0, center], bounds=limits)
    scale, at_center = solution.x.tolist()
    return Correction(scale, at_center - scale * center), np.linalg.inv(solution.jac.T @ solution.jac)


def robust(residual: Float[ndarray, " rows"], limit: float = 2.0) -> Float[ndarray, " rows"]:
    """Residuals whose square grows only linearly beyond about `limit` (pseudo-Huber)."""
    size = np.sqrt(2 * limit**2 * (np.sqrt(1 + (residual / limit) ** 2) - 1))
    return np.sign(residual) * size


def _rms(error: Float[ndarray, " rows"]) -> float:
    return float(np.sqrt(np.mean(error**2)))
