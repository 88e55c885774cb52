"""The trained domain: a small score that tells combinations which training never showed from those that it did.

The score is a rectified layer and a sum on some of the values that enter the network; above 0 an event is outside. It
is trained to tell events from the same events with one or two of their available factors drawn anew, independently of
the others (noise-contrastive estimation: Gutmann and Hyvarinen, JMLR 13, 2012). Most of such events are as good as
real; a wider score, trained first, says which, and those are left out. Nothing of `dataset.never_trained` is used.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float32
from numpy import ndarray

from acc_decel.factors import CERTAIN, EXCLUSIONS, Factor, column_names
from acc_decel.network.dense_net import DenseNet, Layer, entering, rectified, wiring

FALSE_ALARMS = 0.015  # share of real events that exclusions and score flag together
MAX_PRUNING_EVENTS = 10_000  # events of each kind when units are chosen
Events = Float32[ndarray, "rows columns"]
Values = Float32[ndarray, "_ inputs"]  # of any number of events


@dataclass(frozen=True)
class Fitting:
    """How to fit the score. `units` is what the firmware pays for."""

    units: int = 12
    wide: int = 48  # units of the score that sorts the events drawn anew, and is then pruned
    events: int = 80_000  # real ones, at most
    copies: int = 6  # of each real event, drawn anew
    kept: float = 0.95  # share of real events below the score from which on an event drawn anew counts
    uniform: float = 0.8  # share of values drawn evenly over the range, the others from the events
    steps: tuple[int, int, int] = (6_000, 6_000, 8_000)  # before sorting, before pruning, after it
    tries: int = 10
    batch: int = 1024
    learning_rate: float = 1e-2


def is_dependent(factor: Factor) -> bool:
    """Whether what else is known tells something about this factor: choices, switches, exclusions and estimates do.

    All others are drawn by themselves, so that training has shown them with everything.
    """
    switch = factor.step == factor.high - factor.low
    return bool(factor.levels or switch or factor.estimate) or factor.name in {e.factor for e in EXCLUSIONS}


def domain_inputs(factors: tuple[Factor, ...]) -> tuple[int, ...]:
    """Which of the forced columns and then of what enters the embedding the score sees: related factors, in order."""
    wires, names = wiring(factors), column_names(factors)
    seen = {names.index(c) for f in factors if is_dependent(f) for c in f.columns}
    gated = [-1] * len(wires.gated)  # a product with the gate is nobody's value
    entered = [*wires.forced, *wires.free, *gated, *wires.masked]
    return tuple(i for i, column in enumerate(entered) if column in seen)


def domain_score(net: DenseNet, columns: Events) -> Float32[ndarray, " rows"]:
    """The score of accepted events, above 0 outside the trained domain; NaN in means not available."""
    if not net.domain:
        raise ValueError(
            "the network must have the score of its trained domain. Got none: fit it by `domain.fit_domain`."
        )
    x = _seen(net.factors, net.center, net.inverse_spread, columns)
    return _score(net.domain, x)


def excluded(factors: tuple[Factor, ...], columns: Events) -> Bool[ndarray, " rows"]:
    """Whether an event holds one of the EXCLUSIONS; what is not available excludes nothing."""
    at = column_names(factors).index
    found = np.zeros(len(columns), np.bool_)
    for e in EXCLUSIONS:
        found |= (columns[:, at(e.column)] > np.float32(CERTAIN)) & (columns[:, at(e.factor)] > np.float32(e.limit))
    return found


def outside_domain(net: DenseNet, columns: Events) -> Bool[ndarray, " rows"]:
    """Whether accepted events lie outside the trained domain: an exclusion, or the score."""
    return excluded(net.factors, columns) | (domain_score(net, columns) > 0)


def fit_domain(net: DenseNet, columns: Events, *, seed: int, fitting: Fitting = Fitting()) -> DenseNet:
    """`net` with the score of the domain that the events `columns` span; the same seed gives the same bytes.

    Of some tries the one is kept that tells real events best from those of which one factor is drawn anew, a choice as
    shares, by the mean area under the curve.
    """
    rng = np.random.default_rng(seed)
    real = columns[rng.permutation(len(columns))[: fitting.events]]
    strange = resample_factors(net.factors, np.repeat(real, fitting.copies, axis=0), rng, uniform=fitting.uniform)
    inside, outside = (_seen(net.factors, net.center, net.inverse_spread, some) for some in (real, strange))
    tries = [_fit_layers(inside, outside, rng, fitting) for _ in range(fitting.tries)]
    some = real[:MAX_PRUNING_EVENTS]
    alone = [
        resample_factors(net.factors, some, rng, uniform=1.0, among=(f,), certain=0.0)
        for f in net.factors
        if is_dependent(f)
    ]
    nets = [replace(net, domain=layers) for layers in tries]
    told = [np.mean([auroc(domain_score(one, some), domain_score(one, new)) for new in alone]) for one in nets]
    return with_threshold(nets[int(np.argmax(told))], columns)


def _fit_layers(inside: Values, outside: Values, rng: np.random.Generator, fitting: Fitting) -> tuple[Layer, Layer]:
    """One try: a wide score sorts the events drawn anew and is pruned."""
    layers = _train(_sample_units(inside, outside, fitting.wide, rng), inside, outside, fitting.steps[0], rng, fitting)
    outside = outside[_score(layers, outside) > np.quantile(_score(layers, inside), fitting.kept)]
    layers = _train(layers, inside, outside, fitting.steps[1], rng, fitting)
    layers = _prune(layers, inside, outside, fitting.units)
    return _train(layers, inside, outside, fitting.steps[2], rng, fitting)


def auroc(inside: Float32[ndarray, " _"], outside: Float32[ndarray, " _"]) -> float:
    """How often an event outside has the higher score than one inside; equal scores count half."""
    ordered = np.sort(inside)
    below, upto = (np.searchsorted(ordered, outside, side) for side in ("left", "right"))
    return float((below + upto).mean() / (2 * len(inside)))


def with_threshold(net: DenseNet, columns: Events) -> DenseNet:
    """`net` with its score moved so that it and the exclusions flag the share FALSE_ALARMS of the real `columns`."""
    score = np.where(excluded(net.factors, columns), np.float32(np.inf), domain_score(net, columns))
    limit = np.quantile(score, 1 - FALSE_ALARMS, method="higher")
    if not np.isfinite(limit):
        raise ValueError(
            f"at most {FALSE_ALARMS:.1%} of the events may be excluded combinations. Got more: mend the scenarios."
        )
    *first, last = net.domain
    return replace(net, domain=(*first, replace(last, bias=last.bias - limit)))


def resample_factors(
    factors: tuple[Factor, ...],
    events: Events,
    rng: np.random.Generator,
    *,
    uniform: float,
    among: tuple[Factor, ...] = (),
    certain: float = 0.5,
) -> Float32[ndarray, "_ columns"]:
    """The events with one or two of the related factors that are available drawn anew, independently of the rest.

    Only of factors `among` these, if any are given. Of the values drawn evenly over the range, choices are `certain` in
    that share of the events.
    """
    ends = np.cumsum([0, *(len(f.columns) for f in factors)])
    parts = [
        (f, slice(*span))
        for f, span in zip(factors, pairwise(ends), strict=True)
        if f in (among or factors) and is_dependent(f)
    ]
    here = np.stack([~np.isnan(events[:, part.start]) for _, part in parts], axis=1)
    rank = np.argsort(np.argsort(rng.random(here.shape) + ~here, axis=1), axis=1)  # those that lack come last
    changed = here & (rank < rng.integers(1, 3, (len(events), 1)))
    new = events.copy()
    for (factor, part), available, change in zip(parts, here.T, changed.T, strict=True):
        known = events[available, part]
        others = known[rng.integers(0, len(known), change.sum())]
        anywhere = _anywhere(factor, len(others), rng, certain)
        new[change, part] = np.where(rng.random((len(others), 1)) < uniform, anywhere, others)
    return new[changed.any(axis=1)]


def _anywhere(factor: Factor, rows: int, rng: np.random.Generator, certain: float) -> ndarray:
    """Values spread evenly over what the network sees of the range; of a choice one level, or shares."""
    if not factor.levels:
        low, high = (end / (end + factor.bend) if factor.bend else end for end in (factor.low, factor.high))
        seen = rng.uniform(low, high, (rows, 1))
        return np.clip(factor.bend * seen / (1 - seen) if factor.bend else seen, factor.low, factor.high)
    count = len(factor.levels)
    levels = np.eye(count)[rng.integers(0, count, rows)]
    return np.where(rng.random((rows, 1)) < certain, levels, rng.dirichlet(np.full(count, 0.5), rows))


def _seen(factors: tuple[Factor, ...], center: ndarray, inverse_spread: ndarray, columns: Events) -> Values:
    x, forced = entering(factors, center, inverse_spread, columns)
    return np.concatenate([forced, x], axis=1)[:, domain_inputs(factors)]


def _score(layers: tuple[Layer, ...], x: Values) -> Float32[ndarray, " rows"]:
    *hidden, total = layers
    for layer in hidden:
        x = rectified(layer(x))
    return total(x)[:, 0]


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


def _train(
    layers: tuple[Layer, Layer], inside: Values, outside: Values, steps: int, rng: np.random.Generator, fitting: Fitting
) -> tuple[Layer, Layer]:
    """A score that is high `outside` and low `inside`: logistic regression on rectified units, by Adam.

    Kingma and Ba, ICLR 2015; the learning rate falls to 0 with half a cosine.
    """
    half = fitting.batch // 2
    arrays = [a.copy() for layer in layers for a in (layer.weights.T, layer.bias)]
    mean, square = ([np.zeros_like(a) for a in arrays] for _ in range(2))
    label = np.repeat(np.array([[0], [1]], "f4"), half, axis=0)
    for step in range(1, steps + 1):
        x = np.concatenate([some[rng.integers(0, len(some), half)] for some in (inside, outside)])
        rate = fitting.learning_rate * (1 + np.cos(np.pi * step / steps)) / 2
        for i, slope in enumerate(_slopes(arrays, x, label)):
            mean[i] += 0.1 * (slope - mean[i])
            with np.errstate(under="ignore"):
                square[i] += 0.001 * (slope**2 - square[i])
            root = np.sqrt(square[i] / np.float32(1 - 0.999**step)) + np.float32(1e-8)
            arrays[i] -= np.float32(rate / (1 - 0.9**step)) * mean[i] / root
    first, bias, last, offset = arrays
    return _layers(first.T, bias, last.T, offset)


def _slopes(arrays: list[ndarray], x: Values, label: Float32[ndarray, "rows 1"]) -> tuple[ndarray, ...]:
    """Slopes of the mean logistic loss."""
    first, bias, last, offset = arrays
    sums = x @ first + bias
    hidden = rectified(sums)
    chance = 1 / (1 + np.exp(-np.clip(hidden @ last + offset, -30, 30)))
    back = (chance - label) / np.float32(len(x))
    through = (back @ last.T) * np.clip(sums, 0, 1)
    return x.T @ through, through.sum(axis=0), hidden.T @ back, back.sum(axis=0)
