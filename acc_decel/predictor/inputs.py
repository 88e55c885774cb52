"""The inputs of a predictor: factors by name or as a table, converted to the float32 columns of the network."""

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from numbers import Integral, Rational, Real
from typing import Any, TypeGuard, cast

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel import status as bits
from acc_decel.factors import FACTORS, Factor, column_names, slices

Given = float | int | bool | str | Mapping[str, float | int] | None


class RefusedError(ValueError):
    """The factors of an event are out of range, or a required one is missing: the model has no answer to it."""


def refusal(
    factors: tuple[Factor, ...],
    columns: ndarray,
    status: int,
    where: str = "",
    given: Mapping[str, object] | None = None,
) -> str:
    """One sentence for the first factor that `status` refuses in the row `columns`.

    `given` is that event as it was given, whose value is shown rather than what float32 makes of it.
    """
    names = bits.out_of_range(status, factors)
    names += tuple(f.name for f in factors if f.name in bits.not_available(status, factors) and not f.optional)
    factor, own = next((f, own) for f, own in zip(factors, slices(factors), strict=True) if f.name == names[0])
    values = columns[own]
    if factor.levels:
        return factor.refusal({level: float(v) for level, v in zip(factor.levels, values, strict=True)}, where)
    value = (given or {}).get(factor.name)
    if (
        not isinstance(value, Real)
        or isinstance(value, bool | np.bool_)
        or (isinstance(value, float) and math.isnan(value))
    ):
        value = float(f"{values[0]:.9g}")
    return factor.refusal(value, where)


def columns_of(events: pd.DataFrame | Mapping[str, Given], factors: tuple[Factor, ...] = FACTORS) -> ndarray:
    """The float32 [n, columns] array of a table of factors, or of the factors of one event by name; NaN is missing.

    Raises ValueError for an unknown factor and for a value that is not a number, naming factor and row.
    """
    if isinstance(events, pd.DataFrame):
        return _table_columns(events, factors)
    if not isinstance(events, Mapping):
        raise ValueError(
            f"events must be a DataFrame, or the factors of one event by name. Got {type(events).__name__}: make a "
            "DataFrame of it."
        )
    row = plain_columns(events, factors)
    return _table_columns(_table_of_one(events, factors), factors) if row is None else row


def _table_columns(events: pd.DataFrame, factors: tuple[Factor, ...]) -> ndarray:
    if not len(events):
        raise ValueError("events must have at least one row. Got none: give events to predict.")
    known = {f.name for f in factors} | set(column_names(factors))
    if twice := list(events.columns[events.columns.duplicated()]):
        raise ValueError(f"{twice[0]} must be given once. Got two columns of that name: drop one.")
    for name in events.columns:
        if name not in known:
            raise ValueError(unknown_factor(str(name), factors))
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as out of range
        return np.concatenate([factor_columns(f, events) for f in factors], axis=1).astype(np.float32)


def other_columns(names: Sequence[object], factors: tuple[Factor, ...] = FACTORS) -> list[Any]:
    """The columns of a table that are no factor, nor named so nearly like one that it may be meant."""
    known = {*(f.name for f in factors), *column_names(factors)}
    return [name for name in names if name not in known and not near_factor(str(name), factors)]


def near_factor(name: str, factors: tuple[Factor, ...] = FACTORS) -> str:
    """The factor, or its column, that a name may mean, whatever signs and capitals are in it; "" if none."""
    names = [*(f.name for f in factors), *column_names(factors)]
    letters = re.sub(r"[^a-z0-9_]+", "", name.lower())
    return next(iter(get_close_matches(letters, names, n=1, cutoff=MIN_LIKENESS)), "")


def unknown_factor(name: str, factors: tuple[Factor, ...] = FACTORS) -> str:
    """One sentence for a factor that does not exist, with the nearest that does."""
    near = get_close_matches(name, [f.name for f in factors], n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{name} must be a braking factor: {', '.join(f.name for f in factors)}. Got {name!r}.{hint}"


def factor_columns(factor: Factor, events: pd.DataFrame) -> ndarray:
    """The columns [n, 1 or levels] of one factor; NaN where it is missing. Raises ValueError for what is no value."""
    if factor.levels and factor.name in events:
        split = [c for c in factor.columns if c in events]
        if split:
            raise ValueError(f"{factor.name} must be given once. Got {factor.name} and {', '.join(split)}: drop one.")
        rows = enumerate(events[factor.name])
        return np.stack([_one_hot(factor, value, where(events.index, row)) for row, value in rows])
    absent = pd.Series(np.nan if factor.standard is None else factor.standard, index=events.index)
    return np.stack([_numbers(factor, events.get(column, absent)) for column in factor.columns], axis=1)


def where(index: pd.Index, row: int) -> str:
    """Which row of a table an error is about, by its label; nothing where there is only one.

    A named index gives the word: "in line 3" for one named line. Without labels of their own rows count from 0.
    """
    if len(index) == 1:
        return ""
    label = _plain_label(index[row])
    counted = " (counted from 0)" if index.name is None and isinstance(index, pd.RangeIndex) else ""
    return f" in {index.name or 'row'} {shortened(repr(label))}{counted}"


def shortened(text: str) -> str:
    """A text with its end left out if it is long."""
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 3]}..."


def _plain_label(label: object) -> object:
    """The label with Python's own types, which print as they were written."""
    if isinstance(label, tuple):
        return tuple(map(_plain_label, label))
    return label.item() if isinstance(label, np.generic) else label


def _one_hot(factor: Factor, level: object, where: str) -> ndarray:
    if level is None or level is pd.NA or level is pd.NaT or (isinstance(level, Real | Decimal) and math.isnan(level)):
        return np.full(len(factor.levels), np.nan)
    if not isinstance(level, str) or level.strip() not in factor.levels:
        raise ValueError(factor.refusal(str(level), where))
    return np.eye(len(factor.levels))[factor.levels.index(level.strip())]


def _numbers(factor: Factor, column: "pd.Series[float]") -> ndarray:
    """The numbers of a column; NaN where it has none. Raises ValueError for the first value that is no number."""
    takes_booleans = factor.is_switch or bool(factor.levels)
    refused_kind = pd.api.types.is_complex_dtype(column) or (pd.api.types.is_bool_dtype(column) and not takes_booleans)
    if pd.api.types.is_numeric_dtype(column) and (not refused_kind or column.isna().all()):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    given = column.notna().to_numpy(bool)
    accepted = {kind: _is_number_type(kind, takes_booleans) for kind in set(map(type, column[given]))}
    of_type = np.array([present and accepted[type(value)] for present, value in zip(given, column, strict=True)], bool)
    if column.dtype == object:
        decimals = pd.Series([_decimal(value) for value in column], column.index, dtype=object)
    else:
        decimals = column
    texts = decimals.astype(str).str.strip()
    if factor.is_switch:
        texts = texts.str.lower().replace(SWITCH_WORDS)
    numbers = pd.to_numeric(texts.where(given), errors="coerce").to_numpy(np.float64, na_value=np.nan)
    if (wrong := np.flatnonzero(given & (~of_type | np.isnan(numbers)))).size:
        row = int(wrong[0])
        raise ValueError(factor.refusal(_plain_label(column.iloc[row]), where(column.index, row)))
    return numbers


def _decimal(value: object) -> object:
    """A fraction as a decimal number; anything else as it is."""
    return float(value) if isinstance(value, Rational) and not isinstance(value, Integral) else value


def _is_number_type(kind: type, takes_booleans: bool) -> bool:
    """Whether values of this type are numbers, or texts that may be numbers; dates, periods, complex, lists are not."""
    if issubclass(kind, bool | np.bool_):
        return takes_booleans
    return issubclass(kind, Real | Decimal | str) and not issubclass(kind, np.timedelta64)


SWITCH_WORDS = {"true": "1", "yes": "1", "on": "1", "false": "0", "no": "0", "off": "0"}
NUMBERS = frozenset((float, int, bool, np.float64, np.float32, np.int64))
MIN_LIKENESS = 0.7  # of a name with that of a factor which may be meant
LONGEST_LABEL = 100  # of a row, in a sentence
LARGEST = 1e15  # integers up to here are exact in every type


def plain_columns(event: Mapping[str, Given], factors: tuple[Factor, ...] = FACTORS) -> ndarray | None:
    """The float32 [1, columns] array of one event whose values are all of common types; None if one is not.

    This is the quick path of `columns_of`: 20 us instead of 2 ms. Other types and unknown names need the slow one,
    which accepts more and explains what is wrong.
    """
    row: list[float | int] = []
    known = 0
    for factor in factors:
        known += factor.name in event
        values = _plain_values(factor, event.get(factor.name), given=factor.name in event)
        if values is None:
            return None
        row += values
    return np.array([row], np.float32) if known == len(event) else None


def _plain_values(factor: Factor, value: Given, *, given: bool) -> Sequence[float | int] | None:
    """The columns of one factor, if the value is of a common type; else None."""
    if not given and factor.standard is not None:
        return (factor.standard,)
    if value is None:
        return (math.nan,) * max(1, len(factor.levels))
    if not factor.levels:
        return (value,) if _is_plain_number(value) and (factor.is_switch or type(value) is not bool) else None
    if type(value) is str and value in factor.levels:
        return [float(level == value) for level in factor.levels]
    if type(value) is dict and value.keys() <= set(factor.levels) and all(map(_is_plain_number, value.values())):
        return [value.get(level, 0.0) for level in factor.levels]
    return None


def _is_plain_number(value: Given) -> TypeGuard[float]:
    return type(value) in NUMBERS and not abs(cast(float, value)) >= LARGEST  # NaN passes


def _table_of_one(event: Mapping[str, Given], factors: tuple[Factor, ...]) -> pd.DataFrame:
    row: dict[str, object] = {}
    levels = {f.name: f for f in factors if f.levels}
    for name, value in event.items():
        if name in levels and isinstance(value, Mapping):
            factor = levels[name]
            if unknown := [level for level in value if level not in factor.levels]:
                raise ValueError(factor.refusal(str(unknown[0])))
            row |= {c: value.get(level, 0.0) for c, level in zip(factor.columns, factor.levels, strict=True)}
        else:
            row[name] = np.nan if value is None else value
    try:
        return pd.DataFrame([row])
    except OverflowError:  # before pandas 3 an integer beyond every float
        return pd.DataFrame([row], dtype=object)
