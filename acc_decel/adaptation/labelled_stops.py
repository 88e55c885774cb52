"""A table of events as labelled stops: the known factors and the measured deceleration of each."""

from dataclasses import dataclass

import pandas as pd
from jaxtyping import Float
from numpy import ndarray

from acc_decel.adaptation.known_stops import COLUMN_ALIASES, measured_stops
from acc_decel.drives import COLUMNS
from acc_decel.predictor import Predictor

# of a table of events: columns that are no factors
OTHER_COLUMNS = {*COLUMNS, "file", "target", "delay"} - {*COLUMN_ALIASES}


@dataclass(frozen=True)
class LabelledStops:
    """Predicted and measured deceleration of each stop [m/s^2]."""

    predicted: Float[ndarray, " stops"]  # median
    lower: Float[ndarray, " stops"]  # lower bound
    measured: Float[ndarray, " stops"]
    rows: tuple[object, ...]  # index of each stop in the table
    left_out: int  # events without a measured deceleration


def labelled_stops(events: pd.DataFrame, predictor: Predictor) -> LabelledStops:
    """The stops among `events`: columns of known factors, and `deceleration`, or `initial_speed` and `mfdd`.

    Other columns of `drives events` are ignored; a factor without a column is missing. Raises ValueError naming
    column and row for an unknown column or a value that the model refuses, or if no event is a stop.
    """
    stops, left_out = measured_stops(events)
    if not len(stops):
        raise ValueError(f"events must hold a stop with a measured deceleration. Got {left_out} without: measure it.")
    factors = stops.drop(columns=["deceleration", *(c for c in stops if c in OTHER_COLUMNS)])
    answer = predictor.predict_frame(factors)
    predicted, lower = (answer[name].to_numpy(float) for name in ("deceleration", "deceleration_lower"))
    measured = pd.to_numeric(stops["deceleration"]).to_numpy(float)
    return LabelledStops(predicted, lower, measured, tuple(stops.index), left_out)
