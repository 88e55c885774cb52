"""How well the trained domain is recognised: never-trained combinations and values out of range against real events."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float32
from numpy import ndarray

from acc_decel.dataset import NEVER_TRAINED, never_trained
from acc_decel.factors import Factor, ranges, slices
from acc_decel.network.dense_net import DenseNet
from acc_decel.network.domain import auroc, domain_score, excluded

Events = Float32[ndarray, "rows columns"]
Scores = Float32[ndarray, " _"]  # of any number of events
MAX_BEYOND_SHARE = 0.02  # of its range: how far beyond it a value out of range may be


def domain_metrics(net: DenseNet, columns: Events, *, seed: int = 1) -> dict[str, Any]:
    """Area under the ROC curve and share flagged, for events derived from the real, held-out ones in `columns`.

    "Flagged" is by the status: ranges, exclusions or score; "score" is the score alone. Every kind of
    `dataset.NEVER_TRAINED` has the same weight in `domain_auroc`.
    """
    rng = np.random.default_rng(seed)
    inside, flags = domain_score(net, columns), _flag(net, columns)
    combinations = {kind.name: never_trained(kind, net.factors, columns, rng) for kind in NEVER_TRAINED}
    beyond = _flag(net, out_of_range(net.factors, columns, rng))
    scores = {name: domain_score(net, events) for name, events in combinations.items()}
    flagged = {name: _flag(net, events) for name, events in combinations.items()}
    all_flags = np.concatenate(list(flagged.values()))
    return {
        "domain_auroc": auroc(flags, all_flags),
        "domain": {
            "auroc_score": auroc(inside, np.concatenate(list(scores.values()))),
            "auroc_out_of_range": auroc(flags, beyond),
            "flagged": float((all_flags > 0).mean()),
            "false_alarms": float((flags > 0).mean()),
            "false_alarms_score": float((inside > 0).mean()),
            "weights": sum(layer.weights.size + layer.bias.size for layer in net.domain),
            "never_trained": {
                name: {
                    "auroc": auroc(flags, flagged[name]),
                    "auroc_score": auroc(inside, scores[name]),
                    "flagged": float((flagged[name] > 0).mean()),
                    "flagged_score": float((scores[name] > 0).mean()),
                }
                for name in combinations
            },
        },
    }


def out_of_range(factors: tuple[Factor, ...], columns: Events, rng: np.random.Generator) -> Events:
    """The events, each with one factor just out of its range."""
    changed = columns.copy()
    chosen = rng.integers(0, len(factors), len(columns))
    for i, (factor, own) in enumerate(zip(factors, slices(factors), strict=True)):
        rows = np.flatnonzero(chosen == i)
        distance = (factor.high - factor.low) * MAX_BEYOND_SHARE * rng.uniform(0.01, 1, len(rows))
        changed[rows, own.start] = np.where(rng.random(len(rows)) < 0.5, factor.low - distance, factor.high + distance)
    return changed


def _flag(net: DenseNet, columns: Events) -> Scores:
    """The score, infinite where the ranges or an exclusion flag the event."""
    flagged = _beyond(net.factors, columns) | excluded(net.factors, columns)
    return np.where(flagged, np.float32(np.inf), domain_score(net, columns))


def _beyond(factors: tuple[Factor, ...], columns: Events) -> Bool[ndarray, " rows"]:
    low, high = np.array(ranges(factors), np.float32).T
    return np.any((columns < low) | (columns > high), axis=1)
