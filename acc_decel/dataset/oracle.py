"""The best answer that any network could give: quantiles of the simulated deceleration, given the sensor readings.

For each event, situations that could have caused its readings are drawn (importance sampling): a factor near its
reading, missing factors and latents from their population. Each situation is simulated, and weighted by its prior and
by the likelihood of every reading. The true situation of the event is not used.
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
from acc_decel.dataset.sensors import MISSED_FILM_SHARE, certain_readings
from acc_decel.factors import Factor, column_names
from acc_decel.physics import LATENTS, Vehicle, stops

Columns = dict[str, ndarray]
Rule = Callable[[Factor, ndarray, Columns, np.random.Generator], tuple[ndarray, ndarray]]
DRAWS = 4_096  # situations drawn for each event
BATCH_SITUATIONS = 262_144  # simulated at a time
DAMP_SHARE, DAMP_MM = 0.1, 0.03  # where the sensor reads dry: this share of the draws is damp, with this mean depth
MISSED_SHARE = 0.05  # of the draws there: wet as the prior says, and missed by the sensor


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
    """Quantiles of the deceleration [m/s^2] of `vehicle` given the sensed `columns`, NaN where a factor is missing.

    `driving` is that of the dataset; it replaces the priors of some factors. The sampling error of the quantiles
    shrinks with the root of `draws`. `on_events` is called with the number of events just finished.
    """
    batch_events = max(1, BATCH_SITUATIONS // draws)
    parts = []
    for start in range(0, len(columns), batch_events):
        batch = columns[start : start + batch_events]
        deceleration, log_weight = _weighted_stops(vehicle, np.repeat(batch, draws, axis=0), rng, driving)
        parts.append(_weighted_quantiles(deceleration.reshape(-1, draws), log_weight.reshape(-1, draws), quantiles))
        on_events(len(batch))
    return np.concatenate(parts)


def _weighted_quantiles(value: ndarray, log_weight: ndarray, quantiles: tuple[float, ...]) -> ndarray:
    """Quantiles of each row of `value` with the weights exp(log_weight)."""
    weight = np.exp(log_weight - logsumexp(log_weight, axis=1, keepdims=True))
    order = np.argsort(value, axis=1)
    value, weight = (np.take_along_axis(x, order, axis=1) for x in (value, weight))
    middle = np.cumsum(weight, axis=1) - 0.5 * weight
    return np.stack([np.interp(quantiles, m, v) for m, v in zip(middle, value, strict=True)])


def _weighted_stops(
    vehicle: Vehicle, columns: ndarray, rng: np.random.Generator, driving: Driving | None
) -> tuple[ndarray, ndarray]:
    """Deceleration of one situation drawn for each row, and the logarithm of its weight."""
    index = column_names(vehicle.factors).index
    readings = {f.name: columns[:, [index(c) for c in f.columns]].astype(float) for f in vehicle.factors}
    factors = {f.name: f for f in vehicle.factors}
    rows = len(columns)
    true: Columns = {}
    total = np.zeros(rows)
    without_rule = [f.name for f in CAUSES if f.name not in _RULES]
    for name in (*without_rule, *_RULES):  # in this order: a rule uses what was drawn before
        rule: Rule = _RULES.get(name) or partial(_near_reading, driving=driving)
        true[name], log_weight = rule(factors[name], readings[name], true, rng)
        total += log_weight
    latents = {latent.name: rng.standard_normal(rows) for latent in LATENTS}
    answer = stops(vehicle, **{f.name: true[f.name] for f in CAUSES}, latents=latents)
    for factor in vehicle.factors:
        if factor.estimate:
            reading = readings[factor.name][:, 0]
            available = np.isfinite(reading)
            total[available] += _log_likelihood(factor, answer["peak_friction"][available], reading[available])
    return answer["deceleration"], total


def _near_reading(
    factor: Factor,
    read: ndarray,
    true: Columns,  # noqa: ARG001 - every rule has this form
    rng: np.random.Generator,
    *,
    driving: Driving | None,
) -> tuple[ndarray, ndarray]:
    """Values near the reading, with the logarithm of their weight; from the prior where the factor is missing."""
    reading = read[:, 0]
    available = np.isfinite(reading)
    value = sample(rng.random(len(reading)), factor, driving)
    if not factor.noise and not factor.noise_share:
        return np.where(available, reading, value), np.zeros(len(reading))
    sensed = reading[available]
    near, log_proposed = _sample_truncated(sensed, _deviation(factor, sensed), factor.low, factor.high, rng)
    value[available] = near
    log_weight = np.zeros(len(reading))
    driven = driving.log_density(near, factor) if driving else None
    prior = _log_prior(factor, near) if driven is None else driven
    log_weight[available] = prior + _log_likelihood(factor, near, sensed) - log_proposed
    return value, log_weight


def _sample_truncated(
    mean: ndarray, deviation: ndarray, low: float | ndarray, high: float | ndarray, rng: np.random.Generator
) -> tuple[ndarray, ndarray]:
    """Draws from a normal distribution truncated to `low` to `high`, with the logarithm of their density."""
    a, b = ndtr((low - mean) / deviation), ndtr((high - mean) / deviation)
    room = np.maximum(b - a, 1e-12)
    z = ndtri(np.clip(a + room * rng.random(len(mean)), 1e-12, 1 - 1e-12))
    return np.clip(mean + deviation * z, low, high), _log_bell(z) - np.log(deviation * room)


def _log_bell(z: ndarray) -> ndarray:
    return -0.5 * z**2 - 0.5 * np.log(2 * np.pi)


def _deviation(factor: Factor, value: ndarray) -> ndarray:
    """Standard deviation of the reading of a true `value`, rounding included."""
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
    """Logarithm of the probability that a sensor reads `reading` at `value`: of one step; at an end, of all beyond."""
    deviation = np.sqrt(factor.noise**2 + (factor.noise_share * value) ** 2)
    half = 0.5 * factor.step
    above = np.where(reading >= factor.high - half, np.inf, (reading + half - value) / deviation)
    below = np.where(reading <= factor.low + half, -np.inf, (reading - half - value) / deviation)
    flip = above + np.where(np.isinf(below), -1e9, below) > 0  # in the lower tail a difference keeps its digits
    above, below = np.where(flip, -below, above), np.where(flip, -above, below)
    high, low = log_ndtr(above), log_ndtr(below)
    return high + np.log1p(-np.minimum(np.exp(low - high), 1 - 1e-12))


def _surface(factor: Factor, read: ndarray, true: Columns, rng: np.random.Generator) -> tuple[ndarray, ndarray]:
    """A level by the probabilities of the camera, with weight 0 where the road is too warm for it.

    An uncertain camera is calibrated. What a certain one names may be another surface that it takes for this one.
    """
    shares = surface_shares(factor, true["road_temperature_c"])
    available = np.isfinite(read[:, 0])
    exact = read.max(axis=1) > 1 - 1e-6
    joint = shares * certain_readings(factor).T[np.argmax(np.where(available[:, None], read, 0), axis=1)]
    total = joint.sum(axis=1)
    certain = np.where(total[:, None] > 0, joint, read) / np.where(total > 0, total, 1)[:, None]
    probability = np.where(exact[:, None], certain, read)
    value = pick_level(rng.random(len(read)), np.where(available[:, None], probability, shares))
    possible = ((read > 0) == (shares > 0)).all(axis=1)  # an uncertain camera excludes only what has melted
    with np.errstate(divide="ignore"):
        return value, np.where(available, np.where(exact, np.log(total), np.where(possible, 0.0, -np.inf)), 0.0)


def _tyre_kind(factor: Factor, read: ndarray, true: Columns, rng: np.random.Generator) -> tuple[ndarray, ndarray]:
    shares = tyre_shares(factor, true["road_temperature_c"])
    available = np.isfinite(read[:, 0])
    value = pick_level(rng.random(len(read)), np.where(available[:, None], read, shares))
    share = np.take_along_axis(shares, value[:, None].astype(int), axis=1)[:, 0]
    return value, np.where(available, np.log(share), 0.0)


def _water_film_mm(factor: Factor, read: ndarray, true: Columns, rng: np.random.Generator) -> tuple[ndarray, ndarray]:
    """A film near the reading. Where the sensor reads dry, the road may still be damp, or the sensor may be wrong."""
    reading, rows = read[:, 0], len(read)
    deepest = deepest_film(factor, true)
    thin = np.minimum(rng.exponential(THIN_MEAN_MM, rows), deepest)
    wet = np.where(rng.random(rows) < THIN_SHARE, thin, deepest * rng.random(rows))
    from_prior = np.where(rng.random(rows) < DRY_SHARE, 0.0, wet)
    damp = np.minimum(rng.exponential(DAMP_MM, rows), deepest)
    unnoticed = np.where(rng.random(rows) < DAMP_SHARE / (DAMP_SHARE + MISSED_SHARE), damp, wet)
    is_dry = (rng.random(rows) >= DAMP_SHARE + MISSED_SHARE) | (deepest == 0)
    deviation = _deviation(factor, np.maximum(reading, 0))
    near, log_proposed = _sample_truncated(reading, deviation, 1e-4, deepest + 1e-3, rng)
    value = np.where(np.isnan(reading), from_prior, np.where(reading > 0, near, np.where(is_dry, 0.0, unnoticed)))
    with np.errstate(divide="ignore", invalid="ignore"):  # a missing reading is NaN
        dry = np.log(np.where(deepest > 0, DRY_SHARE / (1 - DAMP_SHARE - MISSED_SHARE), 1.0))
        log_wet, likelihood = _log_wet(value, deepest), _log_likelihood(factor, value, reading)
        log_damp = np.log(DAMP_SHARE) - np.log(DAMP_MM) - value / DAMP_MM
        log_missed = np.log(MISSED_SHARE) - np.log(1 - DRY_SHARE) + log_wet
        log_zero = np.logaddexp(np.log(MISSED_FILM_SHARE), np.log1p(-MISSED_FILM_SHARE) + likelihood)
        read_wet = np.where(deepest > 0, log_wet + likelihood - log_proposed, -np.inf)
        read_dry = np.where(is_dry, dry, log_wet + log_zero - np.logaddexp(log_damp, log_missed))
    return value, np.where(np.isnan(reading), 0.0, np.where(reading > 0, read_wet, read_dry))


def _log_wet(film: ndarray, deepest: ndarray) -> ndarray:
    thin = THIN_SHARE * np.exp(-film / THIN_MEAN_MM) / THIN_MEAN_MM
    return np.log((1 - DRY_SHARE) * (thin + (1 - THIN_SHARE) / np.maximum(deepest, 1e-9)))


_RULES: dict[str, Rule] = {
    "surface": _surface,
    "tyre_kind": _tyre_kind,
    "water_film_mm": _water_film_mm,
}
