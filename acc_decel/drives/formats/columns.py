"""Cells of a table as numbers and as times in seconds."""

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.drives.description import Channel

SCALARS = (str, int, float, Decimal, np.number)


def numbers(column: "pd.Series[float]") -> ndarray:
    """A column as float64; NaN where it holds no number, also for dates and lists."""
    if column.dtype.kind in "mMc" or isinstance(column.dtype, pd.DatetimeTZDtype):
        return np.full(len(column), np.nan)
    if column.dtype.kind == "O":
        column = column.where(column.map(lambda value: isinstance(value, SCALARS)), None)
    return pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan)


def seconds(column: Any, time: Channel) -> ndarray:
    """A column of times in seconds: since 1970 for dates, since midnight for a time of day."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return _since_epoch(column)
    if pd.api.types.is_timedelta64_dtype(column):
        return column.dt.total_seconds().to_numpy(float)
    if not time.holds_dates:
        return numbers(column) * time.unit.size
    texts = column.astype("str").str.strip().str.replace(",", ".")
    if texts.str.match(r"\d{1,2}:\d{2}").mean() > 0.5:
        return pd.to_timedelta(texts, errors="coerce").dt.total_seconds().to_numpy(float)
    if texts.str.match(r"-?\d+ days?\b").mean() > 0.5:  # as pandas writes a time since the start
        return pd.to_timedelta(texts, errors="coerce").dt.total_seconds().to_numpy(float)
    return _since_epoch(pd.to_datetime(texts, errors="coerce", utc=True, format="mixed"))


def _since_epoch(dates: Any) -> ndarray:
    stamps = dates.to_numpy("datetime64[ns]")
    return np.where(np.isnat(stamps), np.nan, stamps.astype("i8") / 1e9)
