"""Braking factors as a user gives them, by name or as a table, turned into the network's float32 columns."""

import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TypeGuard, cast

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel import status as bits
from acc_decel.factors import FACTORS, Factor, column_names, slices

Given = float | int | bool | str | Mapping[str, float | int] | None


def refusal(factors: tuple[Factor, ...], columns: ndarray, status: int, where: str = "") -> str:
    """One sentence for the first factor that `status` refuses in the row `columns`."""
    names = bits.out_of_range(status, factors)
    names += tuple(f.name for f in factors if f.name in bits.not_available(status, factors) and not f.optional)
    factor, own = next((f, own) for f, own in zip(factors, slices(factors), strict=True) if f.name == names[0])
    values = columns[own]
    told = {level: float(v) for level, v in zip(factor.levels, values, strict=True)} if factor.levels else values[0]
    return factor.refusal(told if factor.levels else float(f"{values[0]:.9g}"), where)


def columns_of(events: pd.DataFrame, factors: tuple[Factor, ...] = FACTORS) -> ndarray:
    """The float32 [n, columns] array of a table of factors, NaN for not available.

    Raises ValueError for an unknown column or something that is no number, naming column and row.
    """
    if not len(events):
        raise ValueError("events must have at least one row. Got none: give events to predict.")
    known = {f.name for f in factors} | set(column_names(factors))
    if twice := list(events.columns[events.columns.duplicated()]):
        raise ValueError(f"{twice[0]} must be given once. Got two columns of that name: drop one.")
    for name in events.columns:
        if name not in known:
            raise ValueError(unknown_factor(str(name), factors))
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as out of range
        return np.concatenate([_factor_columns(f, events) for f in factors], axis=1).astype(np.float32)


def unknown_factor(name: str, factors: tuple[Factor, ...] = FACTORS) -> str:
    """One sentence for a factor that does not exist, with the nearest that does."""
    near = get_close_matches(name, [f.name for f in factors], n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{name} must be a braking factor: {', '.join(f.name for f in factors)}. Got {name!r}.{hint}"


def _factor_columns(factor: Factor, events: pd.DataFrame) -> ndarray:
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
    label = index[row].item() if isinstance(index[row], np.generic) else index[row]
    counted = " (counted from 0)" if index.name is None and isinstance(index, pd.RangeIndex) else ""
    return f" in {index.name or 'row'} {label!r}{counted}"


def _one_hot(factor: Factor, level: object, where: str) -> ndarray:
    if level is None or level is pd.NA or (isinstance(level, float) and np.isnan(level)):
        return np.full(len(factor.levels), np.nan)
    if level not in factor.levels:
        raise ValueError(factor.refusal(str(level), where))
    return np.eye(len(factor.levels))[factor.levels.index(str(level))]


def _numbers(factor: Factor, column: "pd.Series[float]") -> ndarray:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    numbers = pd.to_numeric(column.astype(str).where(column.notna()), errors="coerce")
    wrong = column[numbers.isna() & column.notna()]
    if len(wrong):
        row = int(np.flatnonzero(numbers.isna() & column.notna())[0])
        raise ValueError(factor.refusal(wrong.iloc[0], where(column.index, row)))
    return numbers.to_numpy(dtype=np.float64, na_value=np.nan)


NUMBERS = frozenset((float, int, bool, np.float64, np.float32, np.int64))
LARGEST = 1e15  # integers up to here are exact in every type


def columns_of_one(given: Mapping[str, Given], factors: tuple[Factor, ...] = FACTORS) -> ndarray | None:
    """The float32 [1, columns] array of one event whose values are of the usual types; None if one is not.

    What is unusual or wrong is left to `columns_of`, which takes more and says what is wrong.
    """
    row: list[float | int] = []
    known = 0
    for factor in factors:
        known += factor.name in given
        values = _usual(factor, given.get(factor.name), lacks=factor.name not in given)
        if values is None:
            return None
        row += values
    return np.array([row], np.float32) if known == len(given) else None


def _usual(factor: Factor, value: Given, *, lacks: bool) -> Sequence[float | int] | None:
    """The columns of one factor, given a value of a usual type; None for another."""
    if lacks and factor.standard is not None:
        return (factor.standard,)
    if value is None:
        return (math.nan,) * max(1, len(factor.levels))
    if not factor.levels:
        return (value,) if _is_usual(value) else None
    if type(value) is str and value in factor.levels:
        return [float(level == value) for level in factor.levels]
    if type(value) is dict and value.keys() <= set(factor.levels) and all(map(_is_usual, value.values())):
        return [value.get(level, 0.0) for level in factor.levels]
    return None


def _is_usual(value: Given) -> TypeGuard[float]:
    return type(value) in NUMBERS and not abs(cast(float, value)) >= LARGEST  # NaN is usual


def _frame_of_one(given: Mapping[str, Given], factors: tuple[Factor, ...]) -> pd.DataFrame:
    row: dict[str, object] = {}
    levels = {f.name: f for f in factors if f.levels}
    for name, value in given.items():
        if name in levels and isinstance(value, Mapping):
            factor = levels[name]
            if unknown := [level for level in value if level not in factor.levels]:
                raise ValueError(factor.refusal(str(unknown[0])))
            row |= {c: value.get(level, 0.0) for c, level in zip(factor.columns, factor.levels, strict=True)}
        else:
            row[name] = np.nan if value is None else value
    return pd.DataFrame([row])
