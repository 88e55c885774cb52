"""Triggering conditions: where the model is weakest, what it does not flag, and what it says where it knows nothing."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.export import even_events, reference_outputs, status_of
from acc_decel.factors import EXCLUSIONS, Exclusion, column_names
from acc_decel.integration.safety_case.documents import Documents
from acc_decel.integration.safety_case.verdicts import EACH, metrics
from acc_decel.network import DenseNet
from acc_decel.outputs import LOWER
from acc_decel.status import OUTSIDE_DOMAIN, REFUSED

WORST = 8  # kinds of event that are listed
EVENTS = 1000  # of each exclusion: `even_events`, the same on every machine


@dataclass(frozen=True)
class Slice:
    """One kind of event: how many, and how good the model is on them [m/s^2]."""

    name: str
    events: int
    coverage: float
    rmse: float
    mean_width: float


@dataclass(frozen=True)
class Unflagged:
    """One kind of combination that no training event has: the shares flagged by the status and by the score."""

    name: str
    flagged: float
    by_score: float


@dataclass(frozen=True)
class Outside:
    """The answers to one excluded combination: how many are flagged, and the lower bound [m/s^2] of those answered."""

    meaning: str
    combination: str
    flagged: float
    median: float
    highest: float


def worst_slices(documents: Documents, number: int = WORST) -> list[Slice]:
    """The kinds of event whose 90 % interval covers least, the worst first."""
    names = documents.entries(metrics("regimes", EACH, "events"))
    slices = [
        Slice(
            name,
            int(documents.read(metrics("regimes", name, "events")).value),
            *(float(documents.read(metrics("regimes", name, key)).value) for key in ("coverage", "rmse", "mean_width")),
        )
        for name in names
    ]
    return sorted(slices, key=lambda s: s.coverage)[:number]


def unflagged(documents: Documents) -> list[Unflagged]:
    """How well each combination that no training event has is known, the least known first."""
    kinds = [
        Unflagged(
            name,
            *(
                documents.read(metrics("domain", "never_trained", name, key)).value
                for key in ("flagged", "flagged_score")
            ),
        )
        for name in documents.entries(metrics("domain", "never_trained", EACH, "flagged"))
    ]
    return sorted(kinds, key=lambda kind: kind.flagged)


def outside_answers(net: DenseNet) -> list[Outside]:
    """What the network answers to each excluded combination: events over all ranges, with that combination in them."""
    return [_answers(net, exclusion) for exclusion in EXCLUSIONS]


def _answers(net: DenseNet, exclusion: Exclusion) -> Outside:
    events = excluded_events(net, exclusion)
    status = status_of(net, events)
    answered = status & REFUSED == 0
    lower = reference_outputs(net, events)[answered, LOWER]
    beyond = f"{'below' if exclusion.below else 'above'} {exclusion.limit:g}"
    return Outside(
        exclusion.meaning,
        f"{exclusion.column} above {exclusion.threshold:g}, {exclusion.factor} {beyond}",
        float((status[answered] & OUTSIDE_DOMAIN != 0).mean()),
        float(np.median(lower)),
        float(lower.max()),
    )


def excluded_events(net: DenseNet, exclusion: Exclusion) -> Float32[ndarray, "events columns"]:
    """Events over the ranges of every factor, each with the excluded combination in it."""
    events, names = even_events(net.factors, EVENTS), column_names(net.factors)
    owner = {column: f for f in net.factors for column in f.columns}
    events[:, [names.index(column) for column in owner[exclusion.column].columns]] = 0
    column, factor = owner[exclusion.column], owner[exclusion.factor]
    end = factor.low if exclusion.below else factor.high
    step = np.arange(1, EVENTS + 1) / EVENTS
    shuffled = np.argsort(np.random.Philox(key=len(names)).random_raw(EVENTS), kind="stable")
    present = 1.0 if column.levels else exclusion.threshold + (column.high - exclusion.threshold) * step
    events[:, names.index(exclusion.column)] = present  # a kind is certain, so that its probabilities add up to 1
    events[:, names.index(exclusion.factor)] = exclusion.limit + (end - exclusion.limit) * step[shuffled]
    return events
