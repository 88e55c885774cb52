"""Braking events of recorded drives: does the car ever brake harder than the model predicts for full braking?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from acc_decel.predictor import Given, Predictor

MEASURED = ("start_s", "initial_speed", "mean_deceleration", "peak_deceleration", "quality")
ENVELOPE_PCT = 95.0  # share of the measured peaks below the envelope
DRY: dict[str, Given] = {"surface": "asphalt", "water_film_mm": 0.0}


@dataclass(frozen=True)
class DriveScore:
    """The capability check of one drive. Shares are of the events scored, 0 where there is none; decelerations [m/s^2].

    Most braking is partial, so a measured deceleration only tests the model if it exceeds the prediction for full
    braking. A measured peak lasts an instant and the prediction is a mean to standstill, so peaks may exceed it a
    little more often. The last four are NaN if there is no event.
    """

    events: int
    refused: int  # events not scored: they begin at a speed that the model was not trained for
    above_upper: float  # share of events whose mean deceleration exceeds `predicted_deceleration_upper`
    peaks_above_upper: float  # share of events whose peak deceleration exceeds it
    peak_envelope: float  # 95 % of the measured peaks are below
    hardest_peak: float
    dry_capability: float  # median prediction for full braking on dry asphalt from the speeds of the events
    dry_upper: float  # the median of its upper bound


def score_events(events: pd.DataFrame, predictor: Predictor, known: Mapping[str, Given]) -> pd.DataFrame:
    """The events that the model accepts, each with its prediction and its status; same index as `events`.

    What is predicted is called so: `predicted_deceleration`, `predicted_deceleration_upper` and `status`, and for full
    braking on dry asphalt `predicted_dry_deceleration`, `predicted_dry_deceleration_upper` and `dry_status`.
    `known` holds the factors known of the drive; the initial speed is measured, all other factors are missing. If
    `brake_pressure_bar` is not known, the prediction is of full braking. Raises ValueError for a factor that the model
    refuses, or if the model does not know the pressure of full braking.
    """
    if "speed" in known:
        raise ValueError(f"speed must not be given: each event has its own. Got {known['speed']}: leave it out.")
    speed = next(f for f in predictor.factors if f.name == "speed")
    rows = events.loc[events["initial_speed"].between(speed.low, speed.high), list(MEASURED)]
    if not len(rows):
        return rows.reindex(columns=[*MEASURED, *_PREDICTED])
    factors = dict(known)
    _predict(rows.head(1), predictor, factors)  # so that a refused factor is not blamed on one of many events
    answer = _predict(rows, predictor, factors)
    dry = _predict(rows, predictor, factors | DRY)
    return rows.assign(
        predicted_deceleration=answer["deceleration"],
        predicted_deceleration_upper=answer["deceleration_upper"],
        status=answer["status"],
        predicted_dry_deceleration=dry["deceleration"],
        predicted_dry_deceleration_upper=dry["deceleration_upper"],
        dry_status=dry["status"],
        above_upper=rows["mean_deceleration"] > answer["deceleration_upper"],
        peak_above_upper=rows["peak_deceleration"] > answer["deceleration_upper"],
    )


_PREDICTED = (
    "predicted_deceleration",
    "predicted_deceleration_upper",
    "status",
    "predicted_dry_deceleration",
    "predicted_dry_deceleration_upper",
    "dry_status",
    "above_upper",
    "peak_above_upper",
)


def drive_score(rows: pd.DataFrame, *, refused: int = 0) -> DriveScore:
    """The capability check over the scored events of a drive."""
    has_events = len(rows) > 0
    peaks = rows["peak_deceleration"].to_numpy(float) if has_events else np.empty(0)
    return DriveScore(
        events=len(rows),
        refused=refused,
        above_upper=float(rows["above_upper"].mean()) if has_events else 0.0,
        peaks_above_upper=float(rows["peak_above_upper"].mean()) if has_events else 0.0,
        peak_envelope=float(np.percentile(peaks, ENVELOPE_PCT)) if has_events else np.nan,
        hardest_peak=float(peaks.max()) if has_events else np.nan,
        dry_capability=float(rows["predicted_dry_deceleration"].median()) if has_events else np.nan,
        dry_upper=float(rows["predicted_dry_deceleration_upper"].median()) if has_events else np.nan,
    )


def _predict(rows: pd.DataFrame, predictor: Predictor, factors: Mapping[str, Given]) -> pd.DataFrame:
    table = {name: [value] * len(rows) for name, value in factors.items() if value is not None}
    events = pd.DataFrame(table, index=rows.index).assign(speed=rows["initial_speed"])
    return predictor.predict(events, on_refusal="raise")
