"""The most extreme answers of the real network, by a random search over accepted events that is improved in steps."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import Factor, slices
from acc_decel.network import DenseNet

STARTS = 20_000  # random events
IMPROVED_EVENTS = 32  # the best of them
STEPS = 60  # rounds of improvement
TRIALS = 64  # changed copies of each event in a round
MISSING_SHARE = 1 / 3  # of the events, in which an optional factor is missing
EXTREME_SHARE = 1 / 2  # of the events, in which a value is at an end of its range, or a choice is certain

Events = Float32[ndarray, "rows columns"]


Score = Callable[[Events], Float32[ndarray, " rows"]]


def extreme_events(
    net: DenseNet, output: int, sign: int, rng: np.random.Generator
) -> tuple[Events, Float32[ndarray, " rows"]]:
    """Accepted events with very high (`sign` 1) or very low (-1) answers of one output, and these answers."""
    events, best = climbed(net.factors, lambda events: np.float32(sign) * net(events)[:, output], rng)
    return events, sign * best


def climbed(
    factors: tuple[Factor, ...], score: Score, rng: np.random.Generator
) -> tuple[Events, Float32[ndarray, " rows"]]:
    """Accepted events with a very high score, and their scores: the best random ones, improved in steps."""
    events = accepted_events(factors, STARTS, rng)
    best = score(events)
    top = np.argsort(-best, kind="stable")[:IMPROVED_EVENTS]
    events, best = events[top], best[top]
    for step in range(STEPS):
        events, best = _improve(factors, events, best, score, 0.3 * 0.9**step, rng)
    return events, best


def accepted_events(factors: tuple[Factor, ...], rows: int, rng: np.random.Generator) -> Events:
    """Events over the whole accepted box, with its edges and corners and with every pattern of missing factors."""
    return np.concatenate([_sample(factor, rows, rng) for factor in factors], axis=1)


def _sample(factor: Factor, rows: int, rng: np.random.Generator) -> Events:
    low, high, count = np.float32(factor.low), np.float32(factor.high), len(factor.columns)
    edge = rng.random((rows, 1)) < EXTREME_SHARE
    if factor.levels:
        certain = np.eye(count)[rng.integers(0, count, rows)]
        values = np.where(edge, certain, rng.dirichlet(np.full(count, 0.3), rows))
        values = np.clip(values * rng.uniform(CHOICE_SUM[0] + 1e-3, CHOICE_SUM[1] - 1e-3, (rows, 1)), low, high)
    else:
        ends = np.where(rng.random((rows, 1)) < 0.5, low, high)
        values = np.where(edge, ends, rng.uniform(factor.low, factor.high, (rows, 1)))
    values = np.clip(values.astype(np.float32), low, high)
    if factor.optional:
        values[rng.random(rows) < MISSING_SHARE] = np.nan
    return values


def _improve(
    factors: tuple[Factor, ...],
    events: Events,
    best: Float32[ndarray, " rows"],
    score: Score,
    reach: float,
    rng: np.random.Generator,
) -> tuple[Events, Float32[ndarray, " rows"]]:
    """Each event, or the best of its changed copies: one factor gets another value, a near one or any."""
    trials = np.repeat(events, TRIALS, axis=0)
    changed = rng.integers(0, len(factors), len(trials))
    for i, (factor, own) in enumerate(zip(factors, slices(factors), strict=True)):
        rows = np.flatnonzero(changed == i)
        trials[rows, own] = _perturb(factor, trials[rows, own], reach, rng)
    scores = score(trials).reshape(len(events), TRIALS)
    best_trial = scores.argmax(axis=1)
    better = scores.max(axis=1) > best
    candidates = trials.reshape(len(events), TRIALS, -1)[np.arange(len(events)), best_trial]
    return np.where(better[:, None], candidates, events), np.maximum(best, scores.max(axis=1))


def _perturb(factor: Factor, values: Events, reach: float, rng: np.random.Generator) -> Events:
    anywhere = _sample(factor, len(values), rng)
    if factor.levels:
        weight = np.float32(reach) * rng.random((len(values), 1), np.float32)
        near = (1 - weight) * values + weight * anywhere
    else:
        step = reach * (factor.high - factor.low) * rng.normal(size=values.shape)
        near = np.clip((values + step).astype(np.float32), np.float32(factor.low), np.float32(factor.high))
    return np.where((rng.random((len(values), 1)) < 0.5) & ~np.isnan(near), near, anywhere)
