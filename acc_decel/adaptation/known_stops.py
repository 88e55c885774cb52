"""A table of events as stops at known conditions: every cause, and what was measured."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.adaptation.measured_stops import column_values, measured_stops
from acc_decel.adaptation.plausible import check_delays
from acc_decel.dataset import CAUSES
from acc_decel.factors import Factor
from acc_decel.physics import Vehicle
from acc_decel.predictor import where


@dataclass(frozen=True)
class KnownStops:
    """Columns for the physics, the measured deceleration [m/s^2] and delay [s], NaN where not measured."""

    conditions: dict[str, ndarray]
    deceleration: ndarray
    delay: ndarray
    left_out: int  # events without a mean fully developed deceleration: no stop
    ignored: tuple[str, ...]  # columns that are neither a cause nor a measurement


def known_stops(events: pd.DataFrame, vehicle: Vehicle) -> KnownStops:
    """The stops among `events`: a column for each factor except estimates, `deceleration`, and optionally `delay`.

    A table of `drives events` has the speed as `initial_speed` and the deceleration as `mfdd`, and needs the other
    factors added. Raises ValueError that names all missing columns, or the row of a value that is out of range.
    """
    causes = [f for f in vehicle.factors if f.name in {cause.name for cause in CAUSES}]
    required = [f.name for f in CAUSES if f.standard is None]  # the pressure, too: most stops are no full braking
    measured = measured_stops(events, causes, required=required, measurements=("delay",))
    stops = measured.table
    conditions = {f.name: _column(f, stops) for f in causes}
    delay = column_values(stops, "delay") if "delay" in stops else np.full(len(stops), np.nan)
    check_delays(delay, stops.index)
    return KnownStops(conditions, column_values(stops, "deceleration"), delay, measured.left_out, measured.ignored)


def _column(factor: Factor, stops: pd.DataFrame) -> ndarray:
    if factor.name not in stops and factor.standard is not None:
        return np.full(len(stops), factor.standard)
    if factor.levels:
        levels = _levels(factor, stops)
        for row, level in enumerate(levels):
            if level not in factor.levels:
                raise ValueError(factor.refusal(str(level), where(stops.index, row)))
        return np.array([factor.levels.index(level) for level in levels], float)
    values = column_values(stops, factor.name)
    inside = (values >= factor.low) & (values <= factor.high)
    if not inside.all():
        row = int(np.flatnonzero(~inside)[0])
        raise ValueError(factor.refusal(float(values[row]), where(stops.index, row)))
    return values


def _levels(factor: Factor, stops: pd.DataFrame) -> list[str]:
    """The kind of each row by name; known stops have no probabilities."""
    if factor.name not in stops:
        raise ValueError(
            f"{factor.name} must be one column of names: {factor.choices}. Got a probability for each: the physics "
            "needs to know which it was."
        )
    return stops[factor.name].tolist()
