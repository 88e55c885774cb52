"""Recordings that are tables: CSV of any logger, Parquet, and folders of NumPy arrays; read in blocks."""

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
from acc_decel.drives.formats.columns import numbers, seconds
from acc_decel.drives.formats.compression import open_bytes
from acc_decel.drives.formats.csv_layout import (
    WHITESPACE,
    Layout,
    LongColumns,
    find_layout,
    long_columns,
)
from acc_decel.drives.formats.source import Block

BLOCK_ROWS = 200_000
BLOCK_BYTES = 1_000_000  # of a text
NEW_LINE = 10


@dataclass(frozen=True)
class CsvFile:
    """A CSV file; its time is one of its columns."""

    path: Path
    layout: Layout
    timed = False

    def channels(self) -> dict[str, str]:
        """Columns with the unit in the row under the header, if there is one; a date and a time of day also as one."""
        joined = [self.layout.joined_name] if self.layout.joined else []
        return dict(zip(self.layout.names, self.layout.units, strict=True)) | dict.fromkeys(joined, "")

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:
        """The columns `names` with the time, some rows at a time."""
        for table, left_out in self.tables({*names, *([time.name] if time else [])}):
            yield replace(_block(table, names, time), left_out=left_out)

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
                comment=None if any("#" in name for name in layout.names) else "#",
                low_memory=False,
            ) as rows,
        ):
            for table in rows:
                if joined is not None:
                    date, clock = (table[name].astype("str") for name in joined)
                    table[layout.joined_name] = date + " " + clock
                yield table, fitting.take_left_out()


class FittingRows(io.RawIOBase):
    """The bytes of a CSV file without the rows that have more fields than the header, which it counts.

    pandas would cut them silently, although a decimal comma may have moved every value after it. Fields at the end
    without text are none; rows with quotes, and texts of UTF-16 and UTF-32, are left to pandas.
    """

    def __init__(self, file: BufferedIOBase, layout: Layout) -> None:
        """`file` is read block by block; the lines before the first row of `layout` pass unchanged."""
        self._file, self._delimiter, self._most = file, layout.delimiter.encode(), len(layout.names) - 1
        self._before = layout.first_row
        self._is_checked = not layout.encoding.startswith(("utf-16", "utf-32")) and layout.delimiter != WHITESPACE
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
        fitting = [row for row in rows if self._fits(row)]
        self._left_out += len(rows) - len(fitting)
        return b"".join(before + fitting)

    def _all_fit(self, text: bytes) -> bool:
        """Whether no line has more delimiters than the header, at the speed of the disk."""
        letters = np.frombuffer(text, np.uint8)
        ends = np.flatnonzero(letters[:-1] == NEW_LINE) + 1
        counts = np.add.reduceat(letters == ord(self._delimiter), np.concatenate([[0], ends]), dtype=int)
        return bool(counts.max() <= self._most)

    def _fits(self, row: bytes) -> bool:
        return b'"' in row or row.rstrip(b" \t\r\n" + self._delimiter).count(self._delimiter) <= self._most


@dataclass(frozen=True)
class LongTable:
    """A CSV file with one row for each value, in columns for time, name of the signal and value."""

    file: CsvFile
    columns: LongColumns
    timed = False

    @property
    def path(self) -> Path:
        """The file."""
        return self.file.path

    def channels(self) -> dict[str, str]:
        """The columns that may be a time, and every signal with its unit where a column has it."""
        names = [self.columns.name, *([self.columns.unit] if self.columns.unit else [])]
        units: dict[str, str] = {}
        for table, _ in self.file.tables(set(names)):
            signals = table[names].dropna(subset=names[:1]).astype("str").drop_duplicates(names[0])
            units = {row[0]: row[1] if self.columns.unit else "" for row in signals.itertuples(index=False)} | units
        return {name: unit for name, unit in self.file.channels().items() if name not in self.columns.used} | units

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:
        """The signals `names`, each as a group of its own; without names the times alone."""
        columns, asked = self.columns, [time.name] if time else []
        plain = [name for name in names if name in self.file.layout.names and name not in columns.used]
        for table, left_out in self.file.tables({columns.name, columns.value, *asked, *plain}):
            if not names or plain:
                yield replace(_block(table, plain, time), left_out=left_out)
            for name, rows in table.groupby(table[columns.name].astype("str"), sort=False):
                if name in names and name not in plain:
                    block = _block(rows, [columns.value], time)
                    yield Block(str(name), block.time, {str(name): block.values[columns.value]})


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file; its time is one of its columns."""

    path: Path
    timed = False

    def channels(self) -> dict[str, str]:
        """Columns of the file."""
        try:
            return dict.fromkeys(pq.read_schema(self.path).names, "")
        except (pa.ArrowException, OSError, ValueError) as error:
            sentence = " ".join(str(error).split())[:200].rstrip(".")
            raise ValueError(f"{self.path} must be a whole Parquet file. Got: {sentence}. Copy it again.") from error

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:
        """The columns `names` with the time, some rows at a time."""
        wanted = list(dict.fromkeys([*names, *([time.name] if time else [])]))
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(BLOCK_ROWS, columns=wanted):
                yield _block(batch.to_pandas(ignore_metadata=True), names, time)


@dataclass(frozen=True)
class ArrayFolder:
    """A folder with pairs of NumPy arrays, `X__t.npy` and `X__value.npy` (or `X/t` and `X/value`)."""

    path: Path
    timed = True

    def channels(self) -> dict[str, str]:
        """Names of the pairs; a column of a wider array gets its number in brackets."""
        return {name: "" for group in self.groups() for name in self._columns(group)}

    def groups(self) -> dict[str, tuple[Path, Path]]:
        """Name of each pair with the files of its times and its values."""
        files = {
            path.relative_to(self.path).as_posix(): path for path in sorted(self.path.rglob("*")) if path.is_file()
        }
        pairs = {}
        for name, path in files.items():
            for end in ("__t.npy", "/t.npy", "/t"):
                values = (
                    files.get(name.removesuffix(end) + end.replace("t", "value", 1)) if name.endswith(end) else None
                )
                if values is not None:
                    pairs[name.removesuffix(end).replace("__", "/")] = (path, values)
        return pairs

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:  # noqa: ARG002 - timed
        """The columns `names`, pair by pair."""
        for group, (times, _) in self.groups().items():
            columns = {name: values for name, values in self._columns(group).items() if name in names}
            stamps = _load(times).ravel()
            for first in range(0, len(stamps) if columns else 0, BLOCK_ROWS):
                rows = slice(first, first + BLOCK_ROWS)
                values = {name: np.asarray(column[rows], float) for name, column in columns.items()}
                yield Block(group, np.asarray(stamps[rows], float), values)

    def _columns(self, group: str) -> dict[str, ndarray]:
        times, values = map(_load, self.groups()[group])
        if not times.size or not values.ndim or len(values) != times.size:
            shape = " x ".join(map(str, values.shape)) or "a single value"
            raise ValueError(f"{self.path}: {group} must have a value for each time. Got {shape}, {times.size} times.")
        flat = values.reshape(len(values), -1)
        if flat.shape[1] == 1:
            return {group: flat[:, 0]}
        return {f"{group}[{i}]": flat[:, i] for i in range(flat.shape[1])}


def _load(path: Path) -> ndarray:
    """An array of numbers in a file. Raises ValueError that names the file for anything else."""
    try:
        array = np.load(path, mmap_mode="r")
    except (
        ValueError,
        OSError,
        EOFError,
        SyntaxError,
        TypeError,
        OverflowError,
        MemoryError,
    ) as error:  # as NumPy does
        sentence = " ".join(str(error).split())[:200].rstrip(".")
        raise ValueError(f"{path} must be a whole NumPy array. Got: {sentence}. Copy it again.") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        kind = array.dtype if isinstance(array, np.ndarray) else "an archive of arrays"
        raise ValueError(f"{path} must be an array of numbers. Got {kind}: write numbers, one array a file.")
    return array


def open_csv(path: Path) -> "CsvFile | LongTable":
    """The CSV file with its layout, found from its first lines. Raises ValueError if they hold no table."""
    file = CsvFile(path, find_layout(path))
    columns = long_columns(file.layout)
    return file if columns is None else LongTable(file, columns)


def _block(table: pd.DataFrame, names: Sequence[str], time: Channel | None) -> Block:
    stamps = np.arange(len(table), dtype=float) if time is None else seconds(table[time.name], time)
    return Block("", stamps, {name: numbers(table[name]) for name in names})
