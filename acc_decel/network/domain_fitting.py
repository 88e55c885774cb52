"""Fitting the score of the trained domain: real events against the same events with some factors resampled.

The score is trained to separate real events from copies in which one or two of the available factors are drawn again,
independently of the others (noise-contrastive estimation: Gutmann and Hyvarinen, JMLR 13, 2012). Most copies could be
real; a wider score, trained first, finds these, and they are left out. `dataset.never_trained` is not used.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.factors import Factor, slices
from acc_decel.network.dense_net import DenseNet
from acc_decel.network.domain import Events, auroc, domain_score, excluded, is_dependent, score_inputs

FALSE_ALARM_SHARE = 0.01  # share of real events that exclusions and score flag together
MAX_PRUNING_EVENTS = 10_000  # events of each kind when units are chosen


@dataclass(frozen=True)
class Fitting:
    """Settings of the fit. Time and memory in the firmware depend on `units`."""

    units: int = 12
    wide: int = 48  # units of the first score, which selects the resampled events and is then pruned
    events: int = 80_000  # real ones, at most
    copies: int = 6  # resampled ones of each real event
    kept: float = 0.95  # a resampled event counts if its score is above that of this share of real events
    uniform: float = 0.8  # share of values drawn evenly over the range, the others from the events
    steps: tuple[int, int, int] = (6_000, 6_000, 8_000)  # before selection, before pruning, after pruning
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
    """`net` with a score of the domain of the events `columns`; the same seed gives the same bytes.

    The best of several tries is used: the one that best separates real events from those with one resampled factor (a
    choice as shares), by the mean area under the ROC curve. As many tries run at a time as there are cores. `on_try` is
    called with the number of finished tries, first with 0.
    """
    rng = np.random.default_rng(seed)
    real = columns[rng.permutation(len(columns))[: fitting.events]]
    resampled = resample_factors(net.factors, np.repeat(real, fitting.copies, axis=0), rng, uniform=fitting.uniform)
    inside = score_inputs(net, real)
    outside = score_inputs(net, resampled)
    from acc_decel.network.domain_training import Contrast  # noqa: PLC0415 - TensorFlow takes seconds

    contrast = Contrast(inside, outside, fitting)
    tries = []
    on_try(0)
    for own_rng in rng.spawn(fitting.tries):
        tries.append(contrast.fit_layers(own_rng))
        on_try(len(tries))
    sample = real[:MAX_PRUNING_EVENTS]
    one_resampled = [
        resample_factors(net.factors, sample, rng, uniform=1.0, among=(f,), certain=0.0)
        for f in net.factors
        if is_dependent(f)
    ]
    nets = [replace(net, domain=layers) for layers in tries]
    mean_auroc = [
        np.mean([auroc(domain_score(one, sample), domain_score(one, new)) for new in one_resampled]) for one in nets
    ]
    return with_threshold(nets[int(np.argmax(mean_auroc))], columns)


def with_threshold(net: DenseNet, columns: Events) -> DenseNet:
    """`net` with its score shifted: score and exclusions flag the share FALSE_ALARM_SHARE of the real `columns`."""
    score = np.where(excluded(net.factors, columns), np.float32(np.inf), domain_score(net, columns))
    limit = np.quantile(score, 1 - FALSE_ALARM_SHARE, method="higher")
    if not np.isfinite(limit):
        raise ValueError(
            f"at most {FALSE_ALARM_SHARE:.1%} of the events may be excluded combinations. Got more: correct "
            "the scenarios."
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
    """The events with one or two of their available, dependent factors drawn again, independently of the others.

    Only factors `among` these are drawn, if any are given. A share `uniform` of the values is drawn evenly over the
    range, with a certain choice in a share `certain` of them; the others come from other events.
    """
    parts = [
        (f, own) for f, own in zip(factors, slices(factors), strict=True) if f in (among or factors) and is_dependent(f)
    ]
    is_available = np.stack([~np.isnan(events[:, part.start]) for _, part in parts], axis=1)
    rank = np.argsort(np.argsort(rng.random(is_available.shape) + ~is_available, axis=1), axis=1)  # missing ones last
    changed = is_available & (rank < rng.integers(1, 3, (len(events), 1)))
    new = events.copy()
    for (factor, part), available, change in zip(parts, is_available.T, changed.T, strict=True):
        known = events[available, part]
        others = known[rng.integers(0, len(known), change.sum())]
        anywhere = _anywhere(factor, len(others), rng, certain)
        new[change, part] = np.where(rng.random((len(others), 1)) < uniform, anywhere, others)
    return new[changed.any(axis=1)]


def _anywhere(factor: Factor, rows: int, rng: np.random.Generator, certain: float) -> ndarray:
    """Values spread evenly over the saturated range, as the network gets it; for a choice one level, or shares."""
    if not factor.levels:
        half = factor.half_saturation
        low, high = (end / (end + half) if half else end for end in (factor.low, factor.high))
        value = rng.uniform(low, high, (rows, 1))
        if half:
            value = half * value / (1 - value)
        return np.clip(value, factor.low, factor.high)
    count = len(factor.levels)
    levels = np.eye(count)[rng.integers(0, count, rows)]
    return np.where(rng.random((rows, 1)) < certain, levels, rng.dirichlet(np.full(count, 0.5), rows))
