"""A table of events as labelled stops: the known factors and the measured deceleration of each."""

from dataclasses import dataclass

import pandas as pd
from jaxtyping import Float, Int64
from numpy import ndarray

from acc_decel.adaptation.measured_stops import column_values, measured_stops
from acc_decel.factors import FACTORS
from acc_decel.predictor import Predictor


@dataclass(frozen=True)
class LabelledStops:
    """Predicted and measured deceleration of each stop [m/s^2]."""

    predicted: Float[ndarray, " stops"]  # median
    lower: Float[ndarray, " stops"]  # lower bound
    measured: Float[ndarray, " stops"]
    status: Int64[ndarray, " stops"]  # of the predictions
    rows: pd.Index  # their names in the table
    left_out: int  # events without a measured deceleration
    ignored: tuple[str, ...]  # columns that are neither a factor nor the deceleration


def labelled_stops(events: pd.DataFrame, predictor: Predictor) -> LabelledStops:
    """The stops among `events`: columns of known factors, and `deceleration`, or `initial_speed` and `mfdd`.

    Other columns are ignored and named; a factor without a column is missing. Raises ValueError that names all missing
    columns, the row of a value that the model refuses or that no car has, or why no event is a stop.
    """
    required = [f.name for f in FACTORS if not f.optional and f.standard is None]  # most stops are no full braking
    stops = measured_stops(events, predictor.factors, required=required)
    answer = predictor.predict(stops.table.drop(columns="deceleration"), on_refusal="raise")
    predicted, lower = (answer[name].to_numpy(float) for name in ("deceleration", "deceleration_lower"))
    measured = column_values(stops.table, "deceleration")
    status = answer["status"].to_numpy("int64")
    return LabelledStops(predicted, lower, measured, status, stops.table.index, stops.left_out, stops.ignored)
