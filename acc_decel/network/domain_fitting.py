"""How the score of the trained domain is fitted: real events against the same with some factors drawn anew.

It is trained to tell events from the same events with one or two of their available factors drawn anew, independently
of the others (noise-contrastive estimation: Gutmann and Hyvarinen, JMLR 13, 2012). Most of such events are as good as
real; a wider score, trained first, says which, and those are left out. Nothing of `dataset.never_trained` is used.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf
from jaxtyping import Float32, Int64
from numpy import ndarray

from acc_decel.factors import Factor
from acc_decel.network.dense_net import DenseNet, Layer, rectified
from acc_decel.network.descent import Descent, falling
from acc_decel.network.domain import Events, Values, auroc, domain_score, excluded, related, seen
from acc_decel.network.keras_net import rectified as smooth

FALSE_ALARMS = 0.015  # share of real events that exclusions and score flag together
LOOKED_AT = 10_000  # events of each kind when units are chosen


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


def fitted(
    net: DenseNet,
    columns: Events,
    *,
    seed: int,
    fitting: Fitting = Fitting(),
    on_try: Callable[[int, int], None] = lambda *_: None,
) -> DenseNet:
    """`net` with the score of the domain that the events `columns` span; the same seed gives the same bytes.

    Of some tries the one is kept that tells real events best from those of which one factor is drawn anew, a choice as
    shares, by the mean area under the curve. As many tries run at a time as there are cores. `on_try` is called with
    the number of finished tries and that of all.
    """
    rng = np.random.default_rng(seed)
    real = columns[rng.permutation(len(columns))[: fitting.events]]
    strange = drawn_anew(net.factors, np.repeat(real, fitting.copies, axis=0), rng, uniform=fitting.uniform)
    inside, outside = (seen(net.factors, net.center, net.inverse_spread, some) for some in (real, strange))
    contrast = Contrast(inside, outside, fitting)
    tries = []
    on_try(0, fitting.tries)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        running = [threads.submit(contrast.fitted, its_own) for its_own in rng.spawn(fitting.tries)]
        try:
            for one in running:
                tries.append(one.result())
                on_try(len(tries), fitting.tries)
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    some = real[:LOOKED_AT]
    alone = [
        drawn_anew(net.factors, some, rng, uniform=1.0, among=(f,), certain=0.0) for f in net.factors if related(f)
    ]
    nets = [replace(net, domain=layers) for layers in tries]
    told = [np.mean([auroc(domain_score(one, some), domain_score(one, new)) for new in alone]) for one in nets]
    return with_threshold(nets[int(np.argmax(told))], columns)


class Contrast:
    """Real events and events drawn anew, and how a score learns to tell them apart."""

    def __init__(self, inside: Values, outside: Values, fitting: Fitting) -> None:
        """`inside` and `outside` are what the score sees of real events and of those drawn anew."""
        self.inside, self.outside, self.fitting = inside, outside, fitting
        self.arrays = [tf.constant(np.concatenate([inside, outside]))]
        self.arrays.append(tf.constant(np.repeat(np.array([0, 1], np.float32), [len(inside), len(outside)])))
        inputs = inside.shape[1]
        self.descents = {
            units: Descent(_logistic, [(inputs, units), (units,), (units, 1), (1,)])
            for units in (fitting.wide, fitting.units)
        }

    def fitted(self, rng: np.random.Generator) -> tuple[Layer, Layer]:
        """One try: a wide score sorts the events drawn anew and is pruned."""
        first, second, third = self.fitting.steps
        everything = np.arange(len(self.outside))
        layers = _sampled(self.inside, self.outside, self.fitting.wide, rng)
        layers = self._trained(layers, everything, first, rng)
        limit = np.quantile(_quick_score(layers, self.inside), self.fitting.kept)
        strange = np.flatnonzero(_quick_score(layers, self.outside) > limit)
        layers = self._trained(layers, strange, second, rng)
        layers = _pruned(layers, self.inside, self.outside[strange[:LOOKED_AT]], self.fitting.units)
        return self._trained(layers, strange, third, rng)

    def _trained(
        self, layers: tuple[Layer, Layer], strange: Int64[ndarray, " _"], steps: int, rng: np.random.Generator
    ) -> tuple[Layer, Layer]:
        """A score that is high for the rows `strange` of the events drawn anew and low for real ones.

        Logistic regression on rectified units, by Adam; half of each batch is real.
        """
        half, real = self.fitting.batch // 2, len(self.inside)
        chosen = strange[rng.integers(0, len(strange), (steps, half))] + real
        order = np.concatenate([rng.integers(0, real, (steps, half)), chosen], axis=1).astype(np.int32)
        descent = self.descents[len(layers[0].bias)]
        start = descent.start([a for layer in layers for a in (layer.weights.T, layer.bias)])
        state, _ = descent.steps(start, self.arrays, order, falling(self.fitting.learning_rate, steps))
        first, bias, last, offset = descent.parameters(state)
        return _layers(first.T, bias, last.T, offset)


def _logistic(parameters: list[Any], x: Any, label: Any) -> tuple[Any, float]:
    """Logistic loss of each row; no penalty."""
    first, bias, last, offset = parameters
    score = (tf.matmul(smooth(tf.matmul(x, first) + bias), last) + offset)[:, 0]
    return tf.nn.sigmoid_cross_entropy_with_logits(label, score), 0.0


def _quick_score(layers: tuple[Layer, Layer], x: Values) -> Float32[ndarray, " rows"]:
    """The score with its sums in any order, for comparisons among many events."""
    hidden, total = layers
    return (rectified(x @ hidden.weights.T + hidden.bias) @ total.weights.T + total.bias)[:, 0]


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


def drawn_anew(
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
        if f in (among or factors) and related(f)
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


def _sampled(inside: Values, outside: Values, units: int, rng: np.random.Generator) -> tuple[Layer, Layer]:
    """A score to begin with: each unit rises from a real event, where it is 0, to one drawn anew."""
    below, above = (some[rng.integers(0, len(some), units)].astype("f8") for some in (inside, outside))
    apart = above - below
    first = apart / np.maximum((apart**2).sum(axis=1, keepdims=True), 1e-6)
    return _layers(first, -(first * below).sum(axis=1), np.full((1, units), 1 / units), np.zeros(1))


def _layers(first: ndarray, bias: ndarray, last: ndarray, offset: ndarray) -> tuple[Layer, Layer]:
    """A rectified layer and a sum."""
    first, bias, last, offset = (np.ascontiguousarray(a, np.float32) for a in (first, bias, last, offset))
    return Layer(first, bias), Layer(last, offset)


def _pruned(layers: tuple[Layer, Layer], inside: Values, outside: Values, units: int) -> tuple[Layer, Layer]:
    """The score without the units that it can best do without: one by one, whose loss raises the loss least."""
    hidden, total = layers
    rows = min(len(inside), len(outside), LOOKED_AT)
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
