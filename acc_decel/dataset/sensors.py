"""What sensors make of an event: noise, quantisation, a hesitant camera, factors that are not available."""

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray
from numpy.random import Generator, Philox
from scipy.special import ndtri

from acc_decel.dataset.scenarios import surface_shares
from acc_decel.factors import FACTORS, Factor, column_names

Columns = dict[str, ndarray]

CERTAIN_SHARE = 0.6  # of the events the surface is known for certain; else the camera hesitates
HESITATION = (0.2, 0.7)  # noise of the camera's evidence, evenly between
COMPLETE_SHARE = 0.3  # of the events every factor is available
MAX_LOST_SHARE = 0.9  # in the others each factor that may lack is lost with an even chance of up to this
_DRAWS = 4 * -(-(2 * len(column_names()) + len(FACTORS) + 3) // 4)  # uniform numbers for one event, a multiple of 4


def sense(
    factors: tuple[Factor, ...], true: Columns, friction: Float[ndarray, " events"], *, seed: int, first: int
) -> Float32[ndarray, "events columns"]:
    """The columns that an ECU would see, NaN where a factor is not available.

    `friction` is the peak friction that an on-board estimator tries to read. Event i draws its numbers from the Philox
    counter i, so the result does not depend on how events are grouped.
    """
    draws = _uniform(seed, first, len(friction))
    noise = ndtri(draws[:, : 2 * len(column_names())])
    rest = draws[:, 2 * len(column_names()) :]
    columns = []
    for i, factor in enumerate(factors):
        start = sum(len(f.columns) for f in factors[:i])
        here = noise[:, 2 * start : 2 * (start + len(factor.columns))]
        value = friction if factor.estimate else true[factor.name]
        if factor.name == "surface":
            seen = _camera_probabilities(factor, value, true["road_temperature_c"], here, rest[:, -2:])
        elif factor.levels:
            seen = np.eye(len(factor.levels))[value.astype(int)]
        else:
            seen = _with_sensor_noise(factor, value, here)[:, None]
        columns.append(np.where(_drop_out(factor, rest[:, [i]], rest[:, [-3]]), np.nan, seen))
    return np.concatenate(columns, axis=1).astype(np.float32)


def _uniform(seed: int, first: int, events: int) -> Float[ndarray, "events draws"]:
    generator = Generator(Philox(key=seed, counter=first * _DRAWS // 4))
    return np.clip(generator.random((events, _DRAWS)), 1e-12, 1 - 1e-12)


def _with_sensor_noise(factor: Factor, value: ndarray, noise: ndarray) -> ndarray:
    seen = value + factor.noise * noise[:, 0] + factor.noise_share * np.abs(value) * noise[:, 1]
    if factor.name == "water_film_mm":
        seen = np.where(value > 0, seen, 0)  # a rain sensor is sure of a dry road
    return np.clip(np.round(seen / factor.step) * factor.step, factor.low, factor.high)


def _camera_probabilities(
    factor: Factor, surface: ndarray, road_c: ndarray, noise: ndarray, chance: ndarray
) -> ndarray:
    """Probabilities of a camera that is calibrated by construction: Bayes' rule on noisy evidence."""
    exact = np.eye(len(factor.levels))[surface.astype(int)]
    deviation = HESITATION[0] + (HESITATION[1] - HESITATION[0]) * chance[:, :1]
    evidence = exact + deviation * noise[:, : len(factor.levels)]
    logarithm = evidence / deviation**2
    weight = surface_shares(factor, road_c) * np.exp(logarithm - logarithm.max(axis=1, keepdims=True))
    return np.where(chance[:, 1:] < CERTAIN_SHARE, exact, weight / weight.sum(axis=1, keepdims=True))


def _drop_out(factor: Factor, own: ndarray, common: ndarray) -> ndarray:
    if not factor.may_lack:
        return np.zeros(own.shape, bool)
    chance = MAX_LOST_SHARE * (common - COMPLETE_SHARE) / (1 - COMPLETE_SHARE)
    return own < chance
