"""Honest intervals: split-conformal offsets on the outer quantiles, and the metrics that show it."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from acc_decel.dataset import Dataset
from acc_decel.factors import CERTAIN, column_names
from acc_decel.network.dense_net import DenseNet
from acc_decel.network.split import part

MISS = 0.05  # share of events allowed beyond each end of the interval
SPEED_BANDS = (1.0, 15.0, 30.0, 50.0, 70.0)  # [m/s]


def calibrated(net: DenseNet, data: Dataset) -> DenseNet:
    """`net` with a constant added to its lower and upper output, so that each is beaten in 5 % of the calibration part.

    A constant leaves monotonicity as it is. Conformalized quantile regression, one side at a time: Romano, Patterson,
    Candes, NeurIPS 2019.
    """
    rows = part(data.event, "calibration")
    true = data.deceleration[rows]
    answer = net(data.columns[rows])
    below = _offset(answer[:, 0] - true)
    above = _offset(true - answer[:, 2])
    last = net.trunk[-1]
    shifted = replace(last, bias=last.bias + np.array([-below, 0, above, 0], np.float32))
    return replace(net, trunk=(*net.trunk[:-1], shifted))


def _offset(excess: Float32[ndarray, " rows"]) -> float:
    level = min(1.0, np.ceil((len(excess) + 1) * (1 - MISS)) / len(excess))
    return float(np.quantile(excess, level, method="higher"))


def metrics(net: DenseNet, data: Dataset) -> dict[str, Any]:
    """Error and coverage on the test part of `data`, overall and by regime; decelerations in m/s^2, delay in s."""
    rows = part(data.event, "test")
    columns, true, delay = data.columns[rows], data.deceleration[rows], data.delay[rows]
    answer = net(columns)
    inside = (answer[:, 0] <= true) & (true <= answer[:, 2])
    return {
        "weights": net.weights,
        "events": int(rows.sum()),
        "rmse": _rms(answer[:, 1] - true),
        "mean_abs_error": float(np.abs(answer[:, 1] - true).mean()),
        "mean_abs_error_delay": float(np.abs(answer[:, 3] - delay).mean()),
        "coverage": float(inside.mean()),
        "below_lower": float((true < answer[:, 0]).mean()),
        "mean_width": float((answer[:, 2] - answer[:, 0]).mean()),
        "regimes": {
            name: {
                "events": int(here.sum()),
                "coverage": float(inside[here].mean()),
                "rmse": _rms((answer[:, 1] - true)[here]),
                "mean_width": float((answer[:, 2] - answer[:, 0])[here].mean()),
            }
            for name, here in _regimes(net, columns).items()
            if here.any()
        },
    }


def _rms(error: Float[ndarray, " rows"]) -> float:
    return float(np.sqrt(np.mean(error**2)))


def _regimes(net: DenseNet, columns: Float32[ndarray, "rows columns"]) -> dict[str, ndarray]:
    at = column_names(net.factors).index
    lacking = {f.name: np.isnan(columns[:, at(f.columns[0])]) for f in net.factors if f.may_lack}
    lost = np.sum(list(lacking.values()), axis=0)
    speed, film = columns[:, at("speed")], columns[:, at("water_film_mm")]
    regimes = {"every factor available": lost == 0, "five or more factors not available": lost >= 5}
    regimes |= {f"{name} not available": here for name, here in lacking.items()}
    regimes |= {column: columns[:, at(column)] > CERTAIN for f in net.factors for column in f.columns if f.levels}
    regimes |= {"wet": film > 0, "dry": film == 0}
    for low, high in pairwise(SPEED_BANDS):
        regimes[f"speed {low:g} to {high:g} m/s"] = (speed >= low) & (speed < high)
    return regimes
