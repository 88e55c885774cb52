"""How the score of the trained domain is fitted: real events against the same with some factors drawn anew.

It is trained to tell events from the same events with one or two of their available factors drawn anew, independently
of the others (noise-contrastive estimation: Gutmann and Hyvarinen, JMLR 13, 2012). Most of such events are as good as
real; a wider score, trained first, says which, and those are left out. Nothing of `dataset.never_trained` is used.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.factors import Factor, slices
from acc_decel.network.dense_net import DenseNet
from acc_decel.network.domain import Events, auroc, domain_score, excluded, is_dependent, seen

FALSE_ALARMS = 0.015  # share of real events that exclusions and score flag together
MAX_PRUNING_EVENTS = 10_000  # events of each kind when units are chosen


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


def fit_domain(
    net: DenseNet,
    columns: Events,
    *,
    seed: int,
    fitting: Fitting = Fitting(),
    on_try: Callable[[int], None] = lambda _: None,
) -> DenseNet:
    """`net` with the score of the domain that the events `columns` span; the same seed gives the same bytes.

    Of some tries the one is kept that tells real events best from those of which one factor is drawn anew, a choice as
    shares, by the mean area under the curve. As many tries run at a time as there are cores. `on_try` is called with
    the number of finished tries, first with 0.
    """
    rng = np.random.default_rng(seed)
    real = columns[rng.permutation(len(columns))[: fitting.events]]
    strange = resample_factors(net.factors, np.repeat(real, fitting.copies, axis=0), rng, uniform=fitting.uniform)
    inside, outside = (seen(net.factors, net.center, net.inverse_spread, some) for some in (real, strange))
    from acc_decel.network.domain_training import Contrast  # noqa: PLC0415 - TensorFlow takes seconds

    contrast = Contrast(inside, outside, fitting)
    tries = []
    on_try(0)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        running = [threads.submit(contrast.fit_layers, its_own) for its_own in rng.spawn(fitting.tries)]
        try:
            for one in running:
                tries.append(one.result())
                on_try(len(tries))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    some = real[:MAX_PRUNING_EVENTS]
    alone = [
        resample_factors(net.factors, some, rng, uniform=1.0, among=(f,), certain=0.0)
        for f in net.factors
        if is_dependent(f)
    ]
    nets = [replace(net, domain=layers) for layers in tries]
    told = [np.mean([auroc(domain_score(one, some), domain_score(one, new)) for new in alone]) for one in nets]
    return with_threshold(nets[int(np.argmax(told))], columns)


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
    parts = [
        (f, own) for f, own in zip(factors, slices(factors), strict=True) if f in (among or factors) and is_dependent(f)
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
