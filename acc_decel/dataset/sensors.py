"""What sensors read of an event: noise, quantisation, an uncertain camera, missing factors."""

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray
from numpy.random import Generator, Philox
from scipy.special import ndtri

from acc_decel.dataset.scenarios import pick_level, surface_shares
from acc_decel.factors import FACTORS, Factor, column_names, slices

Columns = dict[str, ndarray]

CERTAIN_SHARE = 0.6  # share of the events in which the camera is certain of the surface
CAMERA_DEVIATION = (0.2, 0.7)  # standard deviation of the camera's evidence in the others, evenly between
COMPLETE_SHARE = 0.3  # share of the events in which every factor is available
MAX_MISSING_CHANCE = 0.9  # in the others: each optional factor is missing with a chance drawn evenly up to this
# A camera can be certain and wrong. It then takes one of these surfaces, which only cold roads have, for dry asphalt.
# Ice: a network found 96 % of black ice (Lee, Kang, Song, Hwang, Electronics 9(12):2178, 2020). Snow is white;
# estimated.
TAKEN_FOR_ASPHALT = {"ice": 0.04, "packed_snow": 0.01}
MISSED_FILM_SHARE = 0.01  # of the wet roads are taken for dry; estimated
_SHARED = 5  # uniform numbers of an event beside one for each factor
_MISSING, _FILM, _CAMERA = 0, 1, slice(2, 5)  # their places
_DRAWS = 4 * -(-(2 * len(column_names()) + len(FACTORS) + _SHARED) // 4)  # uniform numbers for one event


def sense(
    factors: tuple[Factor, ...], true: Columns, friction: Float[ndarray, " events"], *, seed: int, first: int
) -> Float32[ndarray, "events columns"]:
    """The columns that an ECU would see, NaN where a factor is missing.

    `friction` is the true peak friction, which the on-board estimator measures. The random numbers of event i come from
    the Philox counter i, so the result does not depend on how events are grouped.
    """
    draws = _uniform(seed, first, len(friction))
    noise = ndtri(draws[:, : 2 * len(column_names())])
    chance = draws[:, 2 * len(column_names()) :]
    shared = chance[:, -_SHARED:]
    columns = []
    for i, (factor, own) in enumerate(zip(factors, slices(factors), strict=True)):
        own_noise = noise[:, 2 * own.start : 2 * own.stop]
        value = friction if factor.estimate else true[factor.name]
        if factor.name == "surface":
            reading = _camera_probabilities(factor, value, true["road_temperature_c"], own_noise, shared[:, _CAMERA])
        elif factor.levels:
            reading = np.eye(len(factor.levels))[value.astype(int)]
        elif factor.name == "water_film_mm":
            reading = _film_reading(factor, value, own_noise, shared[:, _FILM])[:, None]
        else:
            reading = _with_sensor_noise(factor, value, own_noise)[:, None]
        columns.append(np.where(_is_missing(factor, chance[:, [i]], shared[:, [_MISSING]]), np.nan, reading))
    return np.concatenate(columns, axis=1).astype(np.float32)


def _uniform(seed: int, first: int, events: int) -> Float[ndarray, "events draws"]:
    generator = Generator(Philox(key=seed, counter=first * _DRAWS // 4))
    return np.clip(generator.random((events, _DRAWS)), 1e-12, 1 - 1e-12)


def _with_sensor_noise(factor: Factor, value: ndarray, noise: ndarray) -> ndarray:
    reading = value + factor.noise * noise[:, 0] + factor.noise_share * np.abs(value) * noise[:, 1]
    return np.clip(np.round(reading / factor.step) * factor.step, factor.low, factor.high)


def _film_reading(factor: Factor, film: ndarray, noise: ndarray, chance: ndarray) -> ndarray:
    """What a rain sensor reads: always right about a dry road, and a wet one is missed now and then."""
    detected = (film > 0) & (chance >= MISSED_FILM_SHARE)
    return np.where(detected, _with_sensor_noise(factor, film, noise), 0.0)


def _camera_probabilities(
    factor: Factor, surface: ndarray, road_c: ndarray, noise: ndarray, chance: ndarray
) -> ndarray:
    """Probability of each surface by a camera: certain, and then now and then wrong, or by Bayes' rule.

    An uncertain one is calibrated by construction: Bayes' rule on noisy evidence. `chance` [rows, 3] decides how noisy
    it is, whether the camera is certain, and whether that is a mistake.
    """
    exact, levels = np.eye(len(factor.levels)), surface.astype(int)
    low, high = CAMERA_DEVIATION
    deviation = low + (high - low) * chance[:, :1]
    evidence = exact[levels] + deviation * noise[:, : len(factor.levels)]
    logarithm = evidence / deviation**2
    weight = surface_shares(factor, road_c) * np.exp(logarithm - logarithm.max(axis=1, keepdims=True))
    certain = pick_level(chance[:, 2], certain_readings(factor)[levels]).astype(int)
    return np.where(chance[:, 1:2] < CERTAIN_SHARE, exact[certain], weight / weight.sum(axis=1, keepdims=True))


def certain_readings(factor: Factor) -> Float[ndarray, "levels levels"]:
    """Probability of each surface that a certain camera may name (column), given the true one (row)."""
    named = np.eye(len(factor.levels))
    asphalt = factor.levels.index("asphalt")
    for level, share in TAKEN_FOR_ASPHALT.items():
        row = factor.levels.index(level)
        named[row, [row, asphalt]] = 1 - share, share
    return named


def _is_missing(factor: Factor, own: ndarray, common: ndarray) -> ndarray:
    """Where a factor is missing, from one uniform number of the factor and one that all factors of an event share."""
    if not factor.optional:
        return np.zeros(own.shape, bool)
    chance = MAX_MISSING_CHANCE * (common - COMPLETE_SHARE) / (1 - COMPLETE_SHARE)
    return own < chance
