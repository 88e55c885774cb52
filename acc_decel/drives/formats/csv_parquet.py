"""Recordings that are tables: CSV of any logger, and Parquet; read in blocks."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy import ndarray

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.columns import table_block
from acc_decel.drives.formats.compression import open_bytes
from acc_decel.drives.formats.csv_layout import WHITESPACE, Layout, find_layout
from acc_decel.drives.formats.long_table import LongTable, long_columns
from acc_decel.drives.formats.source import BLOCK_ROWS, Block
from acc_decel.drives.formats.vehicles import FCD_TIME, FCD_UNITS, vehicle_column
from acc_decel.drives.units import ISO
from acc_decel.number_cells import with_points

BLOCK_BYTES = 1_000_000  # of a text
NEW_LINE = 10
COMMENT = b"#"  # that begins a line


@dataclass(frozen=True)
class CsvFile:
    """A CSV file; its time is one of its columns."""

    path: Path
    layout: Layout
    timed = False

    def channels(self) -> dict[str, str]:
        """Columns with the unit in the row under the header, if there is one; a date and a time of day also as one."""
        units = dict(zip(self.layout.names, self.layout.units, strict=True))
        known = FCD_UNITS if FCD_TIME in units else {}
        joined = [self.layout.joined_name] if self.layout.joined else []
        return {name: unit or known.get(name, "") for name, unit in units.items()} | dict.fromkeys(joined, "")

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:
        """The columns `names` with the time, some rows at a time."""
        for table, left_out in self.tables({*names, *([time.name] if time else [])}):
            yield replace(table_block(table, names, time), left_out=left_out)

    def vehicle_blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[tuple[Block, ndarray]]:
        """The same with the vehicle of each row."""
        column = str(vehicle_column(self.layout.names))
        for table, left_out in self.tables({*names, *([time.name] if time else []), column}):
            yield replace(table_block(table, names, time), left_out=left_out), table[column].to_numpy(object)

    def tables(self, wanted: set[str]) -> Iterator[tuple[pd.DataFrame, int]]:
        """The columns `wanted`, some rows at a time, with the number of rows left out since the table before."""
        layout = self.layout
        joined = layout.joined if layout.joined_name in wanted else None
        wanted = wanted | set(joined or ())
        with (
            open_bytes(self.path) as file,
            FittingRows(file, layout) as fitting,
            pd.read_csv(
                io.BufferedReader(fitting, BLOCK_BYTES),
                sep=layout.delimiter,
                skipinitialspace=layout.delimiter != WHITESPACE,
                decimal=layout.decimal,
                encoding=layout.encoding,
                encoding_errors="replace",
                skiprows=layout.first_row,
                header=None,
                names=list(layout.names),
                usecols=lambda name: name in wanted,
                chunksize=BLOCK_ROWS,
                index_col=False,
                on_bad_lines="skip",
                low_memory=False,
            ) as rows,
        ):
            for table in rows:
                if layout.decimal == ",":
                    table = with_points(table)  # noqa: PLW2901
                if joined is not None:
                    date, clock = (table[name].astype("str") for name in joined)
                    table[layout.joined_name] = date + " " + clock
                yield table, fitting.take_left_out()

    def line_of(self, record: int) -> str:
        """Where a record, counted from 0, stands in the file, in words."""
        layout, count = self.layout, -1
        with open_bytes(self.path) as file, FittingRows(file, layout) as fitting:
            for number, line in enumerate(file, 1):
                count += number > layout.first_row and bool(line.strip()) and fitting.fits(line)
                if count == record:
                    return f"line {number}"
        return f"record {record + 1}"


class FittingRows(io.RawIOBase):
    """The bytes of a CSV file without comments, and without the rows that have more fields than the header.

    The latter are counted: pandas would cut them silently, although a decimal comma may have moved every value after
    it. Fields at the end without text are none; rows with quotes, and texts of UTF-16 and UTF-32, are left to pandas.
    """

    def __init__(self, file: BufferedIOBase, layout: Layout) -> None:
        """`file` is read block by block; the lines before the first row of `layout` pass unchanged."""
        self._file, self._delimiter, self._most = file, layout.delimiter.encode(), len(layout.names) - 1
        self._before = layout.first_row
        self._is_checked = not layout.encoding.startswith(("utf-16", "utf-32"))
        self._is_spaced = layout.delimiter == WHITESPACE
        self._rest, self._ready = b"", memoryview(b"")
        self._left_out = 0

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; 0 at the end of the file."""
        while not len(self._ready):
            block = self._file.read(BLOCK_BYTES)
            text = self._rest + block
            self._is_checked &= len(text) <= 2 * BLOCK_BYTES or b"\n" in text  # no line of a table is that long
            end = text.rfind(b"\n") + 1 if block and self._is_checked else len(text)
            whole, self._rest = text[:end], text[end:]
            self._ready = memoryview(self._fitting(whole) if self._is_checked else whole)
            if not block:
                break
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count

    def take_left_out(self) -> int:
        """How many rows were left out since this was asked last."""
        count, self._left_out = self._left_out, 0
        return count

    def _fitting(self, text: bytes) -> bytes:
        if not text or (not self._before and self._all_fit(text)):
            return text
        lines = text.splitlines(keepends=True)
        before, rows = lines[: self._before], lines[self._before :]
        self._before -= len(before)
        rows = [row for row in rows if not row.startswith(COMMENT)]
        fitting = [row for row in rows if self.fits(row)]
        self._left_out += len(rows) - len(fitting)
        return b"".join(before + fitting)

    def _all_fit(self, text: bytes) -> bool:
        """Whether no line is a comment or has more delimiters than the header, at the speed of the disk."""
        if self._is_spaced:
            return False
        letters = np.frombuffer(text, np.uint8)
        starts = np.concatenate([[0], np.flatnonzero(letters[:-1] == NEW_LINE) + 1])
        counts = np.add.reduceat(letters == ord(self._delimiter), starts, dtype=int)
        return bool(counts.max() <= self._most) and not (letters[starts] == ord(COMMENT)).any()

    def fits(self, row: bytes) -> bool:
        """Whether a line is a row with no more fields than the header."""
        if row.startswith(COMMENT):
            return False
        if self._is_spaced:
            return len(row.split()) <= self._most + 1
        return b'"' in row or row.rstrip(b" \t\r\n" + self._delimiter).count(self._delimiter) <= self._most


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file; its time is one of its columns."""

    path: Path
    timed = False

    def channels(self) -> dict[str, str]:
        """Columns of the file; those of dates, as an index without a name may be, with that as their unit."""
        try:
            return {field.name: ISO if pa.types.is_timestamp(field.type) else "" for field in pq.read_schema(self.path)}
        except (pa.ArrowException, OSError, ValueError) as error:
            sentence = " ".join(str(error).split())[:200].rstrip(".")
            raise ValueError(f"{self.path} must be a whole Parquet file. Got: {sentence}. Copy it again.") from error

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:
        """The columns `names` with the time, some rows at a time."""
        for table in self._tables([*names, *([time.name] if time else [])]):
            yield table_block(table, names, time)

    def vehicle_blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[tuple[Block, ndarray]]:
        """The same with the vehicle of each row."""
        column = str(vehicle_column(list(self.channels())))
        for table in self._tables([*names, *([time.name] if time else []), column]):
            yield table_block(table, names, time), table[column].to_numpy(object)

    def _tables(self, wanted: list[str]) -> Iterator[pd.DataFrame]:
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(BLOCK_ROWS, columns=list(dict.fromkeys(wanted))):
                yield batch.to_pandas(ignore_metadata=True)


def open_csv(path: Path) -> CsvFile | LongTable:
    """The CSV file with its layout, found from its first lines. Raises ValueError if they hold no table."""
    file = CsvFile(path, find_layout(path))
    columns = long_columns(file.layout.names)
    return file if columns is None else LongTable(file, columns)
