"""Cells of a column of numbers that hold text: missing values, which are counted and told, and refused if too many."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy import ndarray

from acc_decel.number_cells import MAX_TEXT_SHARE, is_missing

MAX_CELL_LETTERS = 40  # of a cell in a sentence


@dataclass(frozen=True)
class TextCells:
    """The cells of a column that hold text in place of a number: their rows, from 0, and what they hold."""

    rows: ndarray
    cells: ndarray

    def chosen(self, rows: ndarray) -> "TextCells":
        """The same where only some rows of the column are left, given as their numbers or as a mask."""
        left = np.flatnonzero(rows) if rows.dtype == bool else rows
        kept = np.isin(left, self.rows)
        at = dict(zip(self.rows.tolist(), self.cells.tolist(), strict=True))
        return TextCells(np.flatnonzero(kept), np.array([at[row] for row in left[kept].tolist()], object))


@dataclass
class TextTally:
    """Counts of the cells of one column, which grow block by block; `unlike` is text that is no word for missing."""

    records: int = 0
    numbers: int = 0
    count: int = 0
    unlike: int = 0
    first: tuple[int, str] = field(default=(-1, ""))  # the record, from 0, and what it holds

    def add(self, value: ndarray, text: TextCells | None) -> None:
        """Count a block of values, NaN where there is none, and the text that stands there."""
        if text is not None and len(text.rows):
            unlike = np.array([not is_missing(str(cell)) for cell in text.cells], bool)
            shown = int(np.argmax(unlike))  # the first that is no word for missing, or else the first
            if self.unlike == 0 and (self.count == 0 or unlike.any()):
                self.first = (self.records + int(text.rows[shown]), str(text.cells[shown]))
            self.count += len(text.rows)
            self.unlike += int(unlike.sum())
        self.records += len(value)
        self.numbers += int(np.isfinite(value).sum())

    @property
    def is_no_number(self) -> bool:
        """Whether so many cells hold text that the column holds no numbers."""
        return self.unlike > MAX_TEXT_SHARE * (self.numbers + self.unlike)

    @property
    def word(self) -> str:
        """What the first such cell holds, shortened; "" if there is none."""
        cell = self.first[1]
        return cell if len(cell) <= MAX_CELL_LETTERS else f"{cell[: MAX_CELL_LETTERS - 3]}..."

    def sentence(self, line_of: Callable[[int], str]) -> str:
        """What the column holds; `line_of` says where a record stands."""
        which = "like" if self.count > 1 else "which is"
        return f"text in {self.count} of {self.records} records, {which} {self.word!r} in {line_of(self.first[0])}"


def text_cells(column: Any, numbers: ndarray) -> TextCells | None:
    """The cells of a column of a table that hold text where `numbers` has none; None if there is none."""
    if column.dtype.kind in "biufmMc":
        return None
    rows = np.flatnonzero(np.isnan(numbers) & column.notna().to_numpy(bool))
    cells = column.to_numpy(object)[rows]
    is_text = np.array([isinstance(cell, str) and bool(cell.strip()) for cell in cells], bool)
    return TextCells(rows[is_text], cells[is_text]) if is_text.any() else None
