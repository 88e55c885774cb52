"""Calibrated intervals: split-conformal offsets on the outer quantiles, and the metrics that show the coverage.

Errors are measured twice: against single events, which scatter, and against the best possible answer
(`best_possible.py`).
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32
from numpy import ndarray

from acc_decel.dataset import Dataset
from acc_decel.factors import CERTAIN, column_names
from acc_decel.network.best_possible import KINDS, ORACLE_EVENTS, against_best
from acc_decel.network.cautious import predict
from acc_decel.network.dense_net import DenseNet
from acc_decel.network.domain_metrics import domain_metrics
from acc_decel.network.features import SURFACE_COLUMNS
from acc_decel.network.head import rectified
from acc_decel.network.reserve import Reserve, counted
from acc_decel.network.split import in_split
from acc_decel.network.wiring import missing
from acc_decel.outputs import (
    DELAY,
    LOWER,
    MEDIAN,
    ORDERED,
    QUANTILES,
    RESERVE,
    RESERVE_SHARE,
    UPPER,
    lead_reserve,
)

MEDIAN_SHARE = 0.5
DELAY_ROOM = 1.25  # no answer has a delay above the longest one of the calibration, times this
SPEED_BANDS = (1.0, 15.0, 30.0, 50.0, 70.0)  # [m/s]


def calibrate(net: DenseNet, data: Dataset) -> DenseNet:
    """`net` with an offset of each quantile except the median, so that the share of events beyond it is right.

    Each surface has offsets of its own, from the events in which the camera names it, and events without a camera have
    theirs. They do not depend on a forced factor, so monotonicity stays. Conformalized quantile regression, one side at
    a time: Romano, Patterson, Candes, NeurIPS 2019. The events are those of the calibration part of `data`.
    """
    rows = in_split(data.event, "calibration")
    columns, true = data.columns[rows], data.deceleration[rows]
    outputs, surface = net(columns), net.entered(columns).surface
    answer = outputs[:, ORDERED]
    groups = [surface.sum(axis=1) == 0, *(surface.T > CERTAIN)]
    offsets = np.array([_offsets(answer[group], true[group]) for group in groups], np.float32)
    head = replace(net.head, offset=offsets[0], surface_offsets=offsets[1:] - offsets[0])
    high = net.high.copy()
    high[DELAY] = min(high[DELAY], DELAY_ROOM * outputs[:, DELAY].max())
    calibrated = replace(net, head=head, high=high)
    if not net.reserve:
        return calibrated
    needed = lead_reserve(true, data.lead_deceleration[rows])
    return replace(calibrated, reserve=_calibrated_reserve(calibrated, columns, needed, groups))


def _calibrated_reserve(
    net: DenseNet,
    columns: Float32[ndarray, "rows columns"],
    needed: Float32[ndarray, " rows"],
    groups: list[Bool[ndarray, " rows"]],
) -> Reserve:
    """Offsets with which the reserve covers its share of what was `needed` [s^2/m], in each group of events."""
    entered = net.entered(columns)
    sums = net.sums(entered)
    median = counted(net.quantiles(sums, entered)[:, ORDERED.index(MEDIAN)])
    short = needed * median - rectified(sums[:, RESERVE])
    offsets = np.array([_offset(short[group], 1 - RESERVE_SHARE) for group in groups], np.float32)
    return Reserve(offsets[:1], offsets[1:] - offsets[0])


def _offsets(answer: Float32[ndarray, "rows quantiles"], true: Float32[ndarray, " rows"]) -> list[float]:
    """The offset of each quantile for one group of events."""
    if not len(true):
        raise ValueError("every surface must be among the events of the calibration. Got none of one: generate more.")
    return [
        _signed_offset(quantile - true, share) for share, quantile in zip(QUANTILES.values(), answer.T, strict=True)
    ]


def _signed_offset(above: Float32[ndarray, " rows"], share: float) -> float:
    """What to add to a quantile of this `share` that is `above` the true values by so much; 0 for the median."""
    if share < MEDIAN_SHARE:
        return -_offset(above, share)
    return _offset(-above, 1 - share) if share > MEDIAN_SHARE else 0.0


def _offset(excess: Float32[ndarray, " rows"], share: float) -> float:
    level = min(1.0, np.ceil((len(excess) + 1) * (1 - share)) / len(excess))
    return float(np.quantile(excess, level, method="higher"))


def metrics(
    net: DenseNet,
    data: Dataset,
    *,
    oracle_events: int = ORACLE_EVENTS,
    seed: int = 1,
    on_oracle: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """Error and coverage on the test part of `data`, overall and by regime; decelerations in m/s^2, delay in s.

    `oracle_events` events of each kind, with all factors available and with some missing as in training, are compared
    with the best possible answer (`best_possible.py`); `on_oracle` is called with the number of events just finished.
    """
    rows = in_split(data.event, "test")
    columns, true, delay = data.columns[rows], data.deceleration[rows], data.delay[rows]
    answer = predict(net, columns) if net.domain else net(columns)
    inside = (answer[:, LOWER] <= true) & (true <= answer[:, UPPER])
    needed = lead_reserve(true, data.lead_deceleration[rows])
    best = against_best(net, data, columns, events=oracle_events, seed=seed, on_events=on_oracle)
    return {
        "weights": net.weights,
        "events": int(rows.sum()),
        "rmse": _rms(answer[:, MEDIAN] - true),
        "rmse_conditional_median": best["best_possible"][KINDS["every"]]["rmse_conditional_median"],
        **best,
        "mean_abs_error": float(np.abs(answer[:, MEDIAN] - true).mean()),
        "mean_abs_error_delay": float(np.abs(answer[:, DELAY] - delay).mean()),
        "coverage": float(inside.mean()),
        "below": {name: float((true < answer[:, i]).mean()) for name, i in zip(QUANTILES, ORDERED, strict=True)},
        "mean_width": float((answer[:, UPPER] - answer[:, LOWER]).mean()),
        **(domain_metrics(net, columns, seed=seed) if net.domain else {}),
        **({"lead_reserve": _reserve_metrics(net, columns, answer, needed)} if net.reserve else {}),
        "regimes": {
            name: {
                "events": int(mask.sum()),
                "coverage": float(inside[mask].mean()),
                "rmse": _rms((answer[:, MEDIAN] - true)[mask]),
                "mean_width": float((answer[:, UPPER] - answer[:, LOWER])[mask].mean()),
            }
            for name, mask in _regimes(net, columns).items()
            if mask.any()
        },
    }


def _reserve_metrics(
    net: DenseNet,
    columns: Float32[ndarray, "rows columns"],
    answer: Float32[ndarray, "rows outputs"],
    needed: Float32[ndarray, " rows"],
) -> dict[str, Any]:
    """How often the reserve is less than what was `needed` [s^2/m], overall and by surface, and its mean [s^2/m]."""
    reserve, surface = answer[:, RESERVE], net.entered(columns).surface
    groups = {"unknown": surface.sum(axis=1) == 0}
    levels = [name.removeprefix("surface_") for name in SURFACE_COLUMNS]
    groups |= {level: own > CERTAIN for level, own in zip(levels, surface.T, strict=True)}
    return {
        "short": float((needed > reserve).mean()),
        "mean": float(reserve.mean()),
        "short_by_surface": {name: float((needed > reserve)[own].mean()) for name, own in groups.items() if own.any()},
        "mean_by_surface": {name: float(reserve[own].mean()) for name, own in groups.items() if own.any()},
    }


def _rms(error: Float[ndarray, " rows"]) -> float:
    return float(np.sqrt(np.mean(error**2)))


def _regimes(net: DenseNet, columns: Float32[ndarray, "rows columns"]) -> dict[str, ndarray]:
    index = column_names(net.factors).index
    absent = {f.name: mask for f, mask in zip(net.factors, missing(net.factors, columns).T, strict=True) if f.optional}
    lost = np.sum(list(absent.values()), axis=0)
    speed, film = columns[:, index("speed")], columns[:, index("water_film_mm")]
    regimes = {"every factor available": lost == 0, "five or more factors not available": lost >= 5}
    regimes |= {f"{name} not available": mask for name, mask in absent.items()}
    regimes |= {column: columns[:, index(column)] > CERTAIN for f in net.factors for column in f.columns if f.levels}
    regimes |= {"wet": film > 0, "dry": film == 0}
    for low, high in pairwise(SPEED_BANDS):
        regimes[f"speed {low:g} to {high:g} m/s"] = (speed >= low) & (speed < high)
    return regimes
