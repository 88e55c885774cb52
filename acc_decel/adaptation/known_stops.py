"""A table of events as stops at known conditions: all factors, and what was measured."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.dataset import CAUSES
from acc_decel.factors import Factor
from acc_decel.physics import Vehicle

COLUMN_ALIASES = {"initial_speed": "speed", "mfdd": "deceleration"}  # as `drives events` names them


@dataclass(frozen=True)
class KnownStops:
    """Columns for the physics, the measured deceleration [m/s^2] and delay [s], NaN where not measured."""

    conditions: dict[str, ndarray]
    deceleration: ndarray
    delay: ndarray
    left_out: int  # events that are no stops: without a mean fully developed deceleration


def known_stops(events: pd.DataFrame, vehicle: Vehicle) -> KnownStops:
    """The stops among `events`: a column for each factor except estimates, `deceleration`, and optionally `delay`.

    A table of `drives events` has the speed as `initial_speed` and the deceleration as `mfdd`, and the
    other factors must be added. Raises ValueError naming the column and row that is missing or out of range.
    """
    stops, left_out = measured_stops(events)
    factors = {f.name: f for f in vehicle.factors}
    conditions = {f.name: _column(factors[f.name], stops) for f in CAUSES}
    delay = _numbers(stops, "delay") if "delay" in stops else np.full(len(stops), np.nan)
    return KnownStops(conditions, _numbers(stops, "deceleration"), delay, left_out)


def measured_stops(events: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The rows of `events` with a measured `deceleration`, columns named as factors are, and the number of the others.

    Raises ValueError if there is no such column.
    """
    table = events.rename(columns={old: new for old, new in COLUMN_ALIASES.items() if new not in events})
    if "deceleration" not in table:
        raise ValueError(f"events must have a column deceleration or mfdd. Got {', '.join(map(str, events))}: add it.")
    stops = table[np.isfinite(_numbers(table, "deceleration"))]
    return stops, len(table) - len(stops)


def _numbers(table: pd.DataFrame, name: str) -> ndarray:
    return pd.to_numeric(table[name], errors="coerce").to_numpy(float)


def _column(factor: Factor, stops: pd.DataFrame) -> ndarray:
    if factor.name not in stops:
        if factor.standard is not None:
            return np.full(len(stops), factor.standard)
        raise ValueError(
            f"events must have a column {factor.name} ({factor.meaning}): parameters can only be fitted to stops at "
            "known conditions. Got none: add it."
        )
    if factor.levels:
        for row, level in stops[factor.name].items():
            if level not in factor.levels:
                raise ValueError(factor.refusal(str(level), f" in row {row}"))
        return stops[factor.name].map(factor.levels.index).to_numpy(float)
    values = _numbers(stops, factor.name)
    in_range = (values >= factor.low) & (values <= factor.high)
    if not in_range.all():
        row = int(np.flatnonzero(~in_range)[0])
        raise ValueError(factor.refusal(float(values[row]), f" in row {stops.index[row]}"))
    return values
