"""A network against the best possible answer: the conditional quantiles of the simulator (`dataset.oracle`).

They are only known from two independent samples a and b; the mean of (net - a) (net - b) does not contain their
sampling error. Mean errors in m/s^2 are those of paved roads, where decelerations and intervals are large; so each
surface has figures of its own, and the error of the median is also given relative to it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int64
from numpy import ndarray

from acc_decel.dataset import Dataset, conditional_quantiles
from acc_decel.factors import CERTAIN, Factor, column_names
from acc_decel.network.dense_net import DenseNet
from acc_decel.network.domain import outside_domain
from acc_decel.network.features import SURFACE_COLUMNS
from acc_decel.network.split import in_split
from acc_decel.outputs import LOWER, MEDIAN, OUTPUTS, QUANTILES, UPPER
from acc_decel.physics import vehicle_from

ORACLE_EVENTS = 1_000  # of each kind, which are compared with the best possible answer
ORACLE_DRAWS, SAMPLES = 1_024, 2  # situations in each sample of the best possible answer, and samples
SURFACE_SHARE = 0.15  # of ORACLE_EVENTS: events of each kind on each surface, at least
MIN_DECELERATION = 0.3  # [m/s^2] an error is relative to at least this
KINDS = {"every": "every factor available", "masked": "factors missing as trained"}
SHARES = tuple(QUANTILES[list(OUTPUTS)[i]] for i in (LOWER, MEDIAN, UPPER))

Rows = Int64[ndarray, " _"]


def against_best(
    net: DenseNet,
    data: Dataset,
    columns: Float32[ndarray, "rows columns"],
    *,
    events: int = ORACLE_EVENTS,
    seed: int = 1,
    on_events: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """How far `net` is from the best possible answer, for some of the events `columns`, overall and by surface.

    `events` of each of KINDS are compared, and on each surface at least SURFACE_SHARE of as many; `on_events` is called
    with the number of events just finished, all together about `simulated_events`. Events outside the trained domain
    are left out: there the answer is meant to be more cautious than the best possible one. A surface of which a small
    dataset has no such event has no figures of that kind.
    """
    if net.domain:
        columns = columns[~outside_domain(net, columns)]
    groups = _groups(net.factors, columns, events)
    rows = np.unique(np.concatenate(list(groups.values())))
    answer = net(columns[rows])[:, (LOWER, MEDIAN, UPPER)]
    car, rng = vehicle_from(data.manifest["vehicle_file"]), np.random.default_rng(seed)
    samples = [
        conditional_quantiles(
            car, columns[rows], SHARES, rng=rng, draws=ORACLE_DRAWS, driving=data.driving, on_events=on_events
        )
        for _ in range(SAMPLES)
    ]
    figures = {}
    for name, group in groups.items():
        if len(group):
            own = np.searchsorted(rows, group)
            figures[name] = _figures(answer[own], *(sample[own] for sample in samples))
    surfaces = [column.removeprefix("surface_") for column in SURFACE_COLUMNS]
    by_surface = {s: {kind: figures[s, kind] for kind in KINDS if (s, kind) in figures} for s in surfaces}
    return {
        "best_possible": {text: figures["", kind] for kind, text in KINDS.items()},
        "best_possible_by_surface": by_surface,
        "width_over_best": {s: {kind: own["width_over_best"] for kind, own in by_surface[s].items()} for s in surfaces},
        "relative_error_median": figures["", "every"]["relative_error_median"],
    }


def simulated_events(factors: tuple[Factor, ...], data: Dataset, events: int = ORACLE_EVENTS) -> int:
    """How many events the comparison on the test part of `data` simulates: each compared one twice."""
    groups = _groups(factors, data.columns[in_split(data.event, "test")], events)
    return SAMPLES * len(np.unique(np.concatenate(list(groups.values()))))


def _groups(
    factors: tuple[Factor, ...], columns: Float32[ndarray, "rows columns"], events: int
) -> dict[tuple[str, str], Rows]:
    """Row numbers of the compared events by surface ("" for all) and kind."""
    index = column_names(factors).index
    of_kind = {"every": ~np.isnan(columns).any(axis=1), "masked": np.ones(len(columns), bool)}
    groups = {("", kind): np.flatnonzero(mask)[:events] for kind, mask in of_kind.items()}
    for column in SURFACE_COLUMNS:
        named = columns[:, index(column)] > CERTAIN
        for kind, mask in of_kind.items():
            rows = np.flatnonzero(named & mask)
            enough = max(round(SURFACE_SHARE * events), int(np.isin(rows, groups["", kind]).sum()))
            groups[column.removeprefix("surface_"), kind] = rows[:enough]
    return groups


def _figures(
    answer: Float32[ndarray, "rows 3"], a: Float[ndarray, "rows 3"], b: Float[ndarray, "rows 3"]
) -> dict[str, float | int]:
    """Errors [m/s^2] of median and lower quantile, relative error of the median, width over the best possible one."""
    squared = ((answer - a) * (answer - b)).mean(axis=0)
    best = (a + b) / 2
    relative = np.abs(answer[:, 1] - best[:, 1]) / np.maximum(np.abs(best[:, 1]), MIN_DECELERATION)
    return {
        "events": len(answer),
        "rmse_conditional_median": float(np.sqrt(max(squared[1], 0))),
        "rmse_conditional_lower": float(np.sqrt(max(squared[0], 0))),
        "relative_error_median": float(relative.mean()),
        "width_over_best": float((answer[:, 2] - answer[:, 0]).mean() / (best[:, 2] - best[:, 0]).mean()),
    }
