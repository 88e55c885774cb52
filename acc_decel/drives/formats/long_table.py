"""Long recordings, one value a row with the name of its channel: each channel has its own times."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.columns import table_block
from acc_decel.drives.formats.source import Block
from acc_decel.drives.units import UNITS, folded, known_unit

LONG_NAMES = {  # names of the columns of a table with one row for each value, without accents
    "name": {"pid", "name", "signal", "signal name", "parameter", "channel", "variable", "sensor", "parametre", "senal",
             "parametro", "параметр", "kanal", "messgrosse"},
    "value": {"value", "val", "wert", "messwert", "valeur", "valor", "значение"},
    "unit": {"unit", "units", "einheit", "unite", "unidad", "единица", "ед. изм."},
}  # fmt: skip
MAX_LONG_COLUMNS = 8
QUANTITIES = tuple(dict.fromkeys(unit.quantity for unit in UNITS))


@runtime_checkable
class Rows(Protocol):
    """A table whose rows are read some at a time."""

    @property
    def path(self) -> Path:
        """The file."""

    def channels(self) -> dict[str, str]:
        """Its columns with the unit that the file states, "" if none."""

    def tables(self, wanted: set[str]) -> Iterator[tuple[pd.DataFrame, int]]:
        """The columns `wanted`, some rows at a time, with the number of rows left out since the table before."""


@dataclass(frozen=True)
class LongColumns:
    """The columns of a table with one row for each value; `unit` is "" if none holds it."""

    name: str
    value: str
    unit: str

    @property
    def used(self) -> set[str]:
        """The columns that are no channel themselves."""
        return {self.name, self.value, self.unit}


@dataclass(frozen=True)
class LongTable:
    """A table with one row for each value, in columns for time, name of the signal and value.

    `units` are those of signals whose format defines them.
    """

    rows: Rows
    columns: LongColumns
    units: Mapping[str, str] = field(default_factory=dict)
    timed: bool = field(default=False, init=False)

    @property
    def path(self) -> Path:
        """The file."""
        return self.rows.path

    def channels(self) -> dict[str, str]:
        """The columns that may be a time, and every signal with its unit where a column or the format has it."""
        units = {name: next(iter(found), "") or self.units.get(name, "") for name, found in self._units.items()}
        return {name: unit for name, unit in self.rows.channels().items() if name not in self.columns.used} | units

    @property
    def notes(self) -> tuple[str, ...]:
        """Which signals have several units."""
        several = {name: units for name, units in self._units.items() if len(units) > 1}
        return tuple(f"{name!r} is in {' and in '.join(units)}: read as {units[0]}" for name, units in several.items())

    @cached_property
    def _units(self) -> dict[str, list[str]]:
        """The units of each signal, in the order of their first use; none where no column holds them."""
        names = [self.columns.name, *([self.columns.unit] if self.columns.unit else [])]
        units: dict[str, list[str]] = {}
        for table, _ in self.rows.tables(set(names)):
            pairs = table[names].dropna(subset=names[:1]).fillna("").astype("str").drop_duplicates()
            for name, *unit in pairs.itertuples(index=False):
                known = units.setdefault(name, [])
                known += [text for text in unit if text.strip() and text not in known]
        return units

    def _in_first_unit(self, name: str, rows: pd.DataFrame, value: ndarray) -> ndarray:
        """The values of a signal in the first of its units; NaN where its unit has no known relation to that."""
        if len(self._units.get(name, ())) < 2:
            return value
        first, texts = self._units[name][0], rows[self.columns.unit].fillna("").astype("str").to_numpy(object)
        sizes = {text: 1.0 if text in ("", first) else _size_ratio(text, first) for text in set(texts)}
        return value * np.array([sizes[text] for text in texts])

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:
        """The signals `names`, each as a group of its own; without names the times alone."""
        columns, time_names = self.columns, [time.name] if time else []
        plain = [name for name in names if name in self.rows.channels() and name not in columns.used]
        wanted = {columns.name, columns.value, *time_names, *plain, *({columns.unit} - {""})}
        for table, left_out in self.rows.tables(wanted):
            if not names or plain:
                yield replace(table_block(table, plain, time), left_out=left_out)
            for name, rows in table.groupby(table[columns.name].astype("str"), sort=False):
                if name in names and name not in plain:
                    block = table_block(rows, [columns.value], time)
                    texts = {str(name): cells for cells in block.texts.values()}
                    value = self._in_first_unit(str(name), rows, block.values[columns.value])
                    yield Block(str(name), block.time, {str(name): value}, texts=texts)


def _size_ratio(unit: str, other: str) -> float:
    """The size of a unit in another one; NaN where they are not known to be of one quantity."""
    pairs = [(known_unit(unit, quantity), known_unit(other, quantity)) for quantity in QUANTITIES]
    return next((a.size / b.size for a, b in pairs if a is not None and b is not None), np.nan)


def long_columns(names: Sequence[str]) -> LongColumns | None:
    """The columns of a table with one row for each value; None for any other table."""
    plain = {folded(name).strip(): name for name in names}
    found = {role: next((plain[n] for n in plain if n in known), "") for role, known in LONG_NAMES.items()}
    if not found["name"] or not found["value"] or len(names) > MAX_LONG_COLUMNS:
        return None
    return LongColumns(**found)
