"""The best answer that any network could give: quantiles of the simulated deceleration, given what sensors tell.

For each event the situations that may lie behind its columns are drawn (importance sampling): factors near what their
sensor reads, factors that lack and latents from their population; each situation is simulated and weighted by its
prior and by the likelihood of every reading. Nothing here knows which situation the event really was.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray
from scipy.special import log_ndtr, logsumexp, ndtr, ndtri

from acc_decel.dataset.scenarios import (
    CAUSES,
    DRY_SHARE,
    THIN_MEAN_MM,
    THIN_SHARE,
    Driving,
    deepest_film,
    pick_level,
    sample,
    surface_shares,
    tyre_shares,
)
from acc_decel.factors import Factor, column_names
from acc_decel.physics import LATENTS, Vehicle, stops

Columns = dict[str, ndarray]
Rule = Callable[[Factor, ndarray, Columns, np.random.Generator], tuple[ndarray, ndarray]]
DRAWS = 4_096  # situations drawn for each event
AT_ONCE = 262_144  # situations simulated at a time
DAMP_SHARE, DAMP_MM = 0.1, 0.03  # a sensor that reads dry: this share of the draws is damp, about this deep


def conditional_quantiles(
    vehicle: Vehicle,
    columns: Float32[ndarray, "events columns"],
    quantiles: tuple[float, ...],
    *,
    rng: np.random.Generator,
    draws: int = DRAWS,
    driving: Driving | None = None,
    on_events: Callable[[int], None] = lambda _: None,
) -> Float[ndarray, "events quantiles"]:
    """Quantiles of the deceleration [m/s^2] of `vehicle` given the sensed `columns`, NaN where a factor lacks.

    `driving` is that of the dataset, in place of the priors of some factors. The sampling error of the quantiles
    shrinks with the root of `draws`. `on_events` is told how many events are done.
    """
    at_once = max(1, AT_ONCE // draws)
    parts = []
    for start in range(0, len(columns), at_once):
        some = columns[start : start + at_once]
        deceleration, logarithm = _weighted_stops(vehicle, np.repeat(some, draws, axis=0), rng, driving)
        parts.append(_weighted_quantiles(deceleration.reshape(-1, draws), logarithm.reshape(-1, draws), quantiles))
        on_events(len(some))
    return np.concatenate(parts)


def _weighted_quantiles(value: ndarray, logarithm: ndarray, quantiles: tuple[float, ...]) -> ndarray:
    """Quantiles of each row of `value` under the weights exp(logarithm)."""
    weight = np.exp(logarithm - logsumexp(logarithm, axis=1, keepdims=True))
    order = np.argsort(value, axis=1)
    value, weight = (np.take_along_axis(x, order, axis=1) for x in (value, weight))
    middle = np.cumsum(weight, axis=1) - 0.5 * weight
    return np.stack([np.interp(quantiles, m, v) for m, v in zip(middle, value, strict=True)])


def _weighted_stops(
    vehicle: Vehicle, columns: ndarray, rng: np.random.Generator, driving: Driving | None
) -> tuple[ndarray, ndarray]:
    """Deceleration of one situation drawn for each row, and the logarithm of its weight."""
    at = column_names(vehicle.factors).index
    read = {f.name: columns[:, [at(c) for c in f.columns]].astype(float) for f in vehicle.factors}
    ranged = {f.name: f for f in vehicle.factors}
    rows = len(columns)
    true: Columns = {}
    logarithm = np.zeros(rows)
    plain = [f.name for f in CAUSES if f.name not in _RULES]
    for name in (*plain, *_RULES):  # the rules need what was drawn before
        rule: Rule = _RULES.get(name) or partial(_near_reading, driving=driving)
        true[name], log_weight = rule(ranged[name], read[name], true, rng)
        logarithm += log_weight
    latents = {latent.name: rng.standard_normal(rows) for latent in LATENTS}
    answer = stops(vehicle, **{f.name: true[f.name] for f in CAUSES}, latents=latents)
    for factor in vehicle.factors:
        if factor.estimate:
            reading = read[factor.name][:, 0]
            given = np.isfinite(reading)
            logarithm[given] += _log_likelihood(factor, answer["peak_friction"][given], reading[given])
    return answer["deceleration"], logarithm


def _near_reading(
    factor: Factor,
    read: ndarray,
    true: Columns,  # noqa: ARG001 - every rule has this form
    rng: np.random.Generator,
    *,
    driving: Driving | None,
) -> tuple[ndarray, ndarray]:
    """Values near the reading with their log weight; from the prior where the factor lacks."""
    reading = read[:, 0]
    given = np.isfinite(reading)
    value = sample(rng.random(len(reading)), factor, driving)
    if not factor.noise and not factor.noise_share:
        return np.where(given, reading, value), np.zeros(len(reading))
    near, log_proposed = _truncated(reading[given], _deviation(factor, reading[given]), factor.low, factor.high, rng)
    value[given] = near
    logarithm = np.zeros(len(reading))
    driven = driving.log_density(near, factor) if driving else None
    prior = _log_prior(factor, near) if driven is None else driven
    logarithm[given] = prior + _log_likelihood(factor, near, reading[given]) - log_proposed
    return value, logarithm


def _truncated(
    mean: ndarray, deviation: ndarray, low: float | ndarray, high: float | ndarray, rng: np.random.Generator
) -> tuple[ndarray, ndarray]:
    """Normal values cut off at `low` and `high`, with the logarithm of their density."""
    a, b = ndtr((low - mean) / deviation), ndtr((high - mean) / deviation)
    room = np.maximum(b - a, 1e-12)
    z = ndtri(np.clip(a + room * rng.random(len(mean)), 1e-12, 1 - 1e-12))
    return np.clip(mean + deviation * z, low, high), _log_bell(z) - np.log(deviation * room)


def _log_bell(z: ndarray) -> ndarray:
    return -0.5 * z**2 - 0.5 * np.log(2 * np.pi)


def _deviation(factor: Factor, value: ndarray) -> ndarray:
    """Standard deviation of a reading of `value`, rounding included."""
    return np.sqrt(factor.noise**2 + (factor.noise_share * value) ** 2 + factor.step**2 / 12)


def _log_prior(factor: Factor, value: ndarray) -> ndarray:
    prior = factor.prior
    density = np.full(len(value), prior.uniform / (factor.high - factor.low))
    if prior.uniform < 1:
        low, high = (ndtr((limit - prior.mean) / prior.deviation) for limit in (factor.low, factor.high))
        bell = np.exp(_log_bell((value - prior.mean) / prior.deviation)) / prior.deviation
        density += (1 - prior.uniform) * bell / (high - low)
    return np.log(density)


def _log_likelihood(factor: Factor, value: ndarray, reading: ndarray) -> ndarray:
    """Logarithm of the probability that a sensor at `value` reads `reading`: one step of it, all beyond at an end."""
    deviation = np.sqrt(factor.noise**2 + (factor.noise_share * value) ** 2)
    half = 0.5 * factor.step
    above = np.where(reading >= factor.high - half, np.inf, (reading + half - value) / deviation)
    below = np.where(reading <= factor.low + half, -np.inf, (reading - half - value) / deviation)
    flip = above + np.where(np.isinf(below), -1e9, below) > 0  # work in the lower tail, where differences keep digits
    above, below = np.where(flip, -below, above), np.where(flip, -above, below)
    high, low = log_ndtr(above), log_ndtr(below)
    return high + np.log1p(-np.minimum(np.exp(low - high), 1 - 1e-12))


def _surface(factor: Factor, read: ndarray, true: Columns, rng: np.random.Generator) -> tuple[ndarray, ndarray]:
    """The camera is calibrated, so its probabilities are those of the surface, on a road where they can be."""
    shares = surface_shares(factor, true["road_temperature_c"])
    given = np.isfinite(read[:, 0])
    value = pick_level(rng.random(len(read)), np.where(given[:, None], read, shares))
    exact = read.max(axis=1) > 1 - 1e-6
    possible = ((read > 0) == (shares > 0)).all(axis=1)  # a hesitant camera rules out just what melts
    share = np.take_along_axis(shares, value[:, None].astype(int), axis=1)[:, 0]
    with np.errstate(divide="ignore"):
        return value, np.where(given, np.where(exact, np.log(share), np.where(possible, 0.0, -np.inf)), 0.0)


def _tyre_kind(factor: Factor, read: ndarray, true: Columns, rng: np.random.Generator) -> tuple[ndarray, ndarray]:
    shares = tyre_shares(factor, true["road_temperature_c"])
    given = np.isfinite(read[:, 0])
    value = pick_level(rng.random(len(read)), np.where(given[:, None], read, shares))
    share = np.take_along_axis(shares, value[:, None].astype(int), axis=1)[:, 0]
    return value, np.where(given, np.log(share), 0.0)


def _water_film_mm(factor: Factor, read: ndarray, true: Columns, rng: np.random.Generator) -> tuple[ndarray, ndarray]:
    """A film near the reading; a sensor that reads dry leaves a little room for a damp road."""
    reading, rows = read[:, 0], len(read)
    deepest = deepest_film(factor, true)
    thin = np.minimum(rng.exponential(THIN_MEAN_MM, rows), deepest)
    wet = np.where(rng.random(rows) < THIN_SHARE, thin, deepest * rng.random(rows))
    unread = np.where(rng.random(rows) < DRY_SHARE, 0.0, wet)
    damp = np.minimum(rng.exponential(DAMP_MM, rows), deepest)
    is_dry = (rng.random(rows) >= DAMP_SHARE) | (deepest == 0)
    near, log_proposed = _truncated(reading, _deviation(factor, np.maximum(reading, 0)), 1e-4, deepest + 1e-3, rng)
    value = np.where(np.isnan(reading), unread, np.where(reading > 0, near, np.where(is_dry, 0.0, damp)))
    with np.errstate(divide="ignore"):
        dry = np.log(np.where(deepest > 0, DRY_SHARE / (1 - DAMP_SHARE), 1.0))
        log_damp = np.log(DAMP_SHARE) - np.log(DAMP_MM) - damp / DAMP_MM
        log_wet = _log_wet(value, deepest) + _log_likelihood(factor, value, reading)
        read_wet = np.where(deepest > 0, log_wet - log_proposed, -np.inf)
        read_dry = np.where(is_dry, dry, log_wet - log_damp)
    return value, np.where(np.isnan(reading), 0.0, np.where(reading > 0, read_wet, read_dry))


def _log_wet(film: ndarray, deepest: ndarray) -> ndarray:
    thin = THIN_SHARE * np.exp(-film / THIN_MEAN_MM) / THIN_MEAN_MM
    return np.log((1 - DRY_SHARE) * (thin + (1 - THIN_SHARE) / np.maximum(deepest, 1e-9)))


_RULES: dict[str, Rule] = {
    "surface": _surface,
    "tyre_kind": _tyre_kind,
    "water_film_mm": _water_film_mm,
}
