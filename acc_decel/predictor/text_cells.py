"""Text where a table to predict should hold a value: in a few cells it costs their own rows, and a note says so."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from acc_decel.factors import FACTORS, Factor
from acc_decel.number_cells import MAX_TEXT_SHARE, is_missing
from acc_decel.predictor.inputs import SWITCH_WORDS, factor_columns, shortened, where


@dataclass(frozen=True)
class TextCells:
    """Cells of one column with text that is no value: all rows, and those whose text is no word for missing."""

    name: str
    factor: Factor
    rows: list[int]
    unlike: list[int]

    @property
    def is_name(self) -> bool:
        """Whether the column holds names of levels."""
        return bool(self.factor.levels) and self.name == self.factor.name

    def sentence(self, events: pd.DataFrame) -> str:
        """What the cells hold and what is done about it, with the first of them."""
        row = (self.unlike or self.rows)[0]
        first = f"like {shortened(events[self.name].iloc[row])!r}{where(events.index, row)}"
        is_refused = bool(self.is_name and self.unlike)
        count = len(self.unlike if is_refused else self.rows)
        kind = f"names other than {self.factor.choices}" if self.is_name else "text"
        effect = "such rows have no answer" if is_refused else "taken as missing"
        return f"{self.name} holds {kind} in {count} of {len(events)} rows, {first}: {effect}"

    def removed_from(self, events: pd.DataFrame) -> pd.DataFrame:
        """The table without the text; a name that is no level makes all levels improbable: its row is refused."""
        column = events[self.name]
        table = events.assign(**{self.name: column.where(~np.isin(np.arange(len(column)), self.rows), np.nan)})
        if not (self.is_name and self.unlike):
            return table
        levels = factor_columns(self.factor, table)
        levels[self.unlike] = 0.0
        return table.drop(columns=self.name).assign(**dict(zip(self.factor.columns, levels.T, strict=True)))


def without_text(events: pd.DataFrame, factors: tuple[Factor, ...] = FACTORS) -> tuple[pd.DataFrame, list[str]]:
    """The table without text that is no value in a few cells of a column, and a sentence on each such column.

    A column stays as it is, to be refused, if it holds nothing but text, or if more than one cell and more than a few
    of a hundred hold text that is no word for missing.
    """
    sentences = []
    for cells in list(_text_cells(events, factors)):
        sentences.append(cells.sentence(events))
        events = cells.removed_from(events)
    return events, sentences


def _text_cells(events: pd.DataFrame, factors: tuple[Factor, ...]) -> Iterator[TextCells]:
    """The columns with a few cells of text that is no value."""
    names = {name: f for f in factors for name in (f.name, *f.columns)}
    once = [name for name in names if (events.columns == name).sum() == 1]  # twice is refused elsewhere
    for name in once:
        column = events[name]
        if pd.api.types.is_numeric_dtype(column):
            continue
        factor, count = names[name], int(column.notna().sum())
        rows = [i for i, cell in enumerate(column) if isinstance(cell, str) and not _is_value(factor, name, cell)]
        unlike = [row for row in rows if not is_missing(column.iloc[row])]
        is_few = len(unlike) <= max(1, MAX_TEXT_SHARE * count) and not (unlike and len(rows) == count)
        if rows and is_few:
            yield TextCells(name, factor, rows, unlike)


def _is_value(factor: Factor, name: str, text: str) -> bool:
    """Whether the text of a cell is a level of the factor, a word of a switch, or a number."""
    if factor.levels and name == factor.name:
        return text.strip() in factor.levels
    if factor.is_switch and text.strip().lower() in SWITCH_WORDS:
        return True
    try:
        return not math.isnan(float(text))
    except ValueError:
        return False
