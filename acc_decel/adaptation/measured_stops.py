"""A table of stops as an engineer has it or as `drives events` writes it: which rows and columns serve for a fit."""

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.adaptation.plausible import check_stops
from acc_decel.drives import COLUMNS
from acc_decel.factors import Factor
from acc_decel.predictor import where

ALIASES = {"initial_speed": "speed", "mfdd": "deceleration"}  # names of `drives events`; the own name wins
EVENT_COLUMNS = {*COLUMNS, "file", "target"}
MISSPELT = 0.8  # similarity from which an unknown column is taken for a factor that was misspelt


@dataclass(frozen=True)
class MeasuredStops:
    """The rows with a measured deceleration: factors by name, `deceleration` [m/s^2] and other measurements."""

    table: pd.DataFrame
    left_out: int  # rows without a measured deceleration
    ignored: tuple[str, ...]  # columns that are neither a factor nor a measurement


def measured_stops(
    events: pd.DataFrame, factors: Collection[Factor], *, required: Collection[str], measurements: Collection[str] = ()
) -> MeasuredStops:
    """The stops among `events` with their `factors`, `deceleration` and, where the table has them, `measurements`.

    `initial_speed` and `mfdd` stand for `speed` and `deceleration` where the table has no such column. Raises
    ValueError that names every missing column of a `required` factor, that says why no row has a deceleration, that
    asks for a column whose name is nearly that of a factor, or that names a deceleration which no car has.
    """
    table = events.rename(columns={old: new for old, new in ALIASES.items() if new not in events})
    known = {column for f in factors for column in (f.name, *f.columns)}
    problems = [
        _missing_columns([f for f in factors if f.name in required and not {f.name, *f.columns} & {*table}], events),
        _missing_deceleration(events, table),
        *(_misspelt(str(c), known - {*table}) for c in table if c not in known | EVENT_COLUMNS),
    ]
    if any(problems):
        raise ValueError(" ".join(filter(None, problems)))
    deceleration = column_values(table, "deceleration")
    check_stops(deceleration, table.index)
    serving = [c for c in table if c in known | {"deceleration", *measurements}]
    rows = np.isfinite(deceleration)
    renamed = {new: old for old, new in ALIASES.items() if new not in events}
    used = {renamed.get(c, c) for c in serving}
    ignored = tuple(str(c) for c in events if c not in used)
    return MeasuredStops(table.loc[rows, serving], int((~rows).sum()), ignored)


def column_values(table: pd.DataFrame, name: str) -> ndarray:
    """The numbers of a column; NaN where it is empty. Raises ValueError, with the row, for what is no number."""
    column = table[name]
    numbers = pd.to_numeric(column, errors="coerce")
    is_wrong = (column.notna() & numbers.isna()).to_numpy(bool)
    if pd.api.types.is_bool_dtype(column) or column.dtype.kind in "mM":
        is_wrong = column.notna().to_numpy(bool)
    if is_wrong.any():
        row = int(np.flatnonzero(is_wrong)[0])
        raise ValueError(
            f"{name}{where(table.index, row)} must be a number. Got {str(column.iloc[row])[:40]!r}: write the number "
            "alone, without its unit, or leave the field empty where nothing was measured."
        )
    return numbers.to_numpy(float)


def _missing_columns(factors: Collection[Factor], events: pd.DataFrame) -> str:
    """One sentence for all columns that are missing, with what fills them; empty for none."""
    missing = [f"{f.name} ({f.meaning}: {f.choices or f.span})" for f in factors]
    if "deceleration" not in events and "mfdd" not in events:
        missing.append("deceleration (of the built-up brakes, m/s^2) or mfdd of `drives events`")
    if not missing:
        return ""
    columns = "a column" if len(missing) == 1 else f"{len(missing)} more columns:"
    return f"events must have {columns} {'; '.join(missing)}. Got {', '.join(map(str, events))}: add what is missing."


def _missing_deceleration(events: pd.DataFrame, table: pd.DataFrame) -> str:
    """Why no row has a deceleration; empty if one has."""
    if "deceleration" not in table or np.isfinite(column_values(table, "deceleration")).any():
        return ""
    if "deceleration" in events:
        return f"events must hold a stop with a measured deceleration. Got {len(events)} rows without: measure it."
    slow = "none is slowed to a tenth of its initial speed"
    if "initial_speed" in events and not np.isfinite(column_values(events, "initial_speed")).any():
        slow = "none has a speed (an accelerometer alone found them)"
    elif "stopped" in events and not events["stopped"].eq(True).fillna(value=False).any():
        slow = "no event ended at standstill"
    return (
        f"events must hold a stop with a measured deceleration. Got {len(events)} events of which {slow}, so no MFDD "
        "(mean fully developed deceleration): record stops to standstill, or add a column deceleration."
    )


def _misspelt(column: str, known: Collection[str]) -> str:
    near = get_close_matches(column, known, n=1, cutoff=MISSPELT)
    return f"{column} must be a braking factor. Got no such name: did you mean {near[0]}?" if near else ""
