"""A column of a table as numbers, or as times in seconds in any of the ways in which loggers write a time."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.source import Block
from acc_decel.drives.formats.text_cells import TextCells, text_cells
from acc_decel.drives.units import DIGITS

SCALARS = (str, int, float, Decimal, np.number)
DAY_S, WEEK_S = 86_400.0, 604_800.0
# fmt: off
DURATION = r"-?\d+ days?\b"                       # as pandas writes a time since the start
GPS_WEEK = r"(\d{3,4}):(\d{5,6}(?:\.\d+)?)$"      # number of the week, and seconds since it began
PLAIN_CLOCK = r"\d{1,2}:\d{2}:\d{2}(\.\d*)?$"
CLOCK = (  # 5:58 of minutes and seconds, 17:05:58, 17:05:58.250, 17:05:58:250, 5:05:58 PM
    r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2}(?:\.\d*)?)(?::(\d{1,6}))?\s*([AaPp])?\.?[Mm]?\.?$"
)
AMBIGUOUS = r"\d{1,2}/\d{1,2}/\d{2,4}"
DAY_FIRST = r"\d{1,2}\.\d{1,2}\.\d{2,4}|(1[3-9]|2\d|3[01])/\d{1,2}/\d{2,4}"
# fmt: on


def numbers(column: Any) -> ndarray:
    """A column as float64; NaN where it holds no number, also for dates and lists."""
    if column.dtype.kind in "mMc" or isinstance(column.dtype, pd.DatetimeTZDtype):
        return np.full(len(column), np.nan)
    if column.dtype.kind == "O":
        column = column.where(column.map(lambda value: isinstance(value, SCALARS)), None)
    if pd.api.types.infer_dtype(column, skipna=True) == "string":
        column = column.str.replace("\u2212", "-")  # the minus of typesetters
    values: ndarray = pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan)
    return values


def seconds(column: Any, time: Channel) -> ndarray:
    """A column of times in seconds: since 1970 for dates, since midnight for a time of day."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return _since_epoch(column)
    if pd.api.types.is_timedelta64_dtype(column):
        return column.dt.total_seconds().to_numpy(float)
    if time.unit.name in DIGITS:
        return of_digits(numbers(column), time.unit.name)
    if not time.holds_dates:
        return numbers(column) * time.unit.size
    return _of_texts(column.astype("str").str.strip().str.replace(r"(?<=\d),(?=\d)", ".", regex=True))


def table_block(table: pd.DataFrame, names: Sequence[str], time: Channel | None) -> Block:
    """The columns `names` of some rows with their times [s]."""
    stamps = np.arange(len(table), dtype=float) if time is None else seconds(table[time.name], time)
    values = {name: numbers(table[name]) for name in names}
    return Block("", stamps, values, texts=texts_of(table, values))


def texts_of(table: pd.DataFrame, values: Mapping[str, ndarray]) -> dict[str, TextCells]:
    """The cells of the table that hold text in place of a number, by the columns that have such."""
    return {name: cells for name, value in values.items() if (cells := text_cells(table[name], value)) is not None}


def of_digits(digits: ndarray, form: str) -> ndarray:
    """Seconds of times written as one number in this form, since 1970 if it has a date; NaN for other numbers."""
    digits = digits * DIGITS[form]
    if not form.startswith("yyyy"):
        return since_midnight(digits)
    year, month, day = digits // 1e10, digits // 1e8 % 100, digits // 1e6 % 100
    is_date = (year >= 1980) & (year < 2100) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    years, months, days = (
        np.where(is_date, part, first).astype(int) for part, first in ((year, 1980), (month, 1), (day, 1))
    )
    midnight = ((years - 1970).astype("M8[Y]").astype("M8[M]") + (months - 1)).astype("M8[D]").astype(int) + days - 1
    return np.where(is_date, 86_400.0 * midnight + since_midnight(digits % 1e6), np.nan)


def since_midnight(digits: ndarray) -> ndarray:
    """Seconds since midnight of times of day written as one number: 142620.5 is 14:26:20.5; NaN for other numbers."""
    hours, minutes, rest = digits // 1e4, digits // 100 % 100, digits % 100
    is_time = (digits >= 0) & (hours < 24) & (minutes < 60) & (rest < 61)
    return np.where(is_time, 3600 * hours + 60 * minutes + rest, np.nan)


def _of_texts(texts: "pd.Series[str]") -> ndarray:
    def are(pattern: str) -> bool:
        return bool(texts.str.match(pattern).mean() > 0.5)

    if are(GPS_WEEK):
        parts = texts.str.extract(GPS_WEEK).astype(float)
        return (WEEK_S * parts[0] + parts[1]).to_numpy(float)
    if are(DURATION) or are(PLAIN_CLOCK):
        return pd.to_timedelta(texts, errors="coerce").dt.total_seconds().to_numpy(float)
    if are(CLOCK):
        return _of_clock(texts.str.extract(f"^{CLOCK}"))
    return _of_dates(texts, is_ambiguous=are(AMBIGUOUS) and not texts.str.match(DAY_FIRST).any())


def _of_dates(texts: "pd.Series[str]", *, is_ambiguous: bool) -> ndarray:
    """Seconds since 1970. Of 01/02/2026 that is day and that month by which the times go on without a jump."""

    def read(*, day_first: bool) -> ndarray:
        dates = pd.to_datetime(texts, errors="coerce", utc=True, format="mixed", dayfirst=day_first)
        return _since_epoch(dates)

    if not is_ambiguous:
        return read(day_first=bool(texts.str.match(DAY_FIRST).any()))
    month_first = read(day_first=False)
    steps = np.abs(np.diff(month_first[np.isfinite(month_first)]))
    return read(day_first=True) if steps.max(initial=0.0) > DAY_S else month_first


def _of_clock(parts: pd.DataFrame) -> ndarray:
    """Seconds of hours, minutes, seconds, a fraction of the second by its digits, and the half of the day."""
    hours, minutes, whole = (pd.to_numeric(parts[i], errors="coerce") for i in range(3))
    fraction = pd.to_numeric("0." + parts[3].fillna("0").astype("str"))
    hours, half = hours.fillna(0.0), parts[4].fillna("").astype("str").str.lower()
    hours = hours.where(half == "", hours % 12) + 12 * (half == "p")
    return (3600 * hours + 60 * minutes + whole + fraction).to_numpy(float)


def _since_epoch(dates: Any) -> ndarray:
    stamps = dates.to_numpy("datetime64[ns]")
    return np.where(np.isnat(stamps), np.nan, stamps.astype("i8") / 1e9)
