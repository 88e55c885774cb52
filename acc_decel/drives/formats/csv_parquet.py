"""Recordings that are tables: CSV of any logger, Parquet, and folders of NumPy arrays; read in blocks."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy import ndarray

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.compression import first_bytes, open_bytes
from acc_decel.drives.formats.source import Block

BLOCK_ROWS = 200_000
HEAD_BYTES = 65_536  # that are enough to find the header
MIN_UTF16_ZEROS = 0.7  # share of zeros at every second place in a text of UTF-16 without a mark
DELIMITERS = (",", ";", "\t", "|")
BLOCK_BYTES = 1_000_000  # of a text
NEW_LINE = 10
NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?|nan|inf|null|n/?a", re.IGNORECASE)
SCALARS = (str, int, float, Decimal, np.number)
CLOCK = re.compile(r"[\d/.-]*[ T]?\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?")


@dataclass(frozen=True)
class Layout:
    """Where the rows of a CSV file begin and how they are written."""

    encoding: str
    delimiter: str
    decimal: str
    first_row: int
    names: tuple[str, ...]
    units: tuple[str, ...]


@dataclass(frozen=True)
class CsvFile:
    """A CSV file; its time is one of its columns."""

    path: Path
    layout: Layout
    timed = False

    def channels(self) -> dict[str, str]:
        """Columns with the unit in the row under the header, if there is one."""
        return dict(zip(self.layout.names, self.layout.units, strict=True))

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:
        """The columns `names` with the time, some rows at a time."""
        wanted = {*names, *([time.name] if time else [])}
        layout = self.layout
        with (
            open_bytes(self.path) as file,
            FittingRows(file, layout) as fitting,
            pd.read_csv(
                io.BufferedReader(fitting, BLOCK_BYTES),
                sep=layout.delimiter,
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
                yield replace(_block(table, names, time), left_out=fitting.take_left_out())


class FittingRows(io.RawIOBase):
    """The bytes of a CSV file without the rows that have more fields than the header, which it counts.

    pandas would cut them silently, although a decimal comma may have moved every value after it. Fields at the end
    without text are none; rows with quotes, and texts of UTF-16 and UTF-32, are left to pandas.
    """

    def __init__(self, file: BufferedIOBase, layout: Layout) -> None:
        """`file` is read block by block; the lines before the first row of `layout` pass unchanged."""
        self._file, self._delimiter, self._most = file, layout.delimiter.encode(), len(layout.names) - 1
        self._before = layout.first_row
        self._is_checked = not layout.encoding.startswith(("utf-16", "utf-32"))
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


def open_csv(path: Path) -> CsvFile:
    """The CSV file with its layout, found from its first lines. Raises ValueError if they hold no table."""
    head = first_bytes(path, HEAD_BYTES)
    encoding = _encoding(head)
    lines = head.decode(encoding, errors="replace").splitlines()
    lines = lines[:-1] if len(head) == HEAD_BYTES else lines
    best: tuple[int, Layout] | None = None
    for delimiter in DELIMITERS:
        layout, fields = _layout(list(csv.reader(lines, delimiter=delimiter)), delimiter, encoding)
        if layout is not None and (best is None or fields > best[0]):
            best = fields, layout
    if best is None:
        raise ValueError(
            f"{path} must hold a header line with the names of its columns and rows of numbers under it. "
            "Got no such table in its first lines: check the file."
        )
    return CsvFile(path, best[1])


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


def _block(table: pd.DataFrame, names: Sequence[str], time: Channel | None) -> Block:
    stamps = np.arange(len(table), dtype=float) if time is None else seconds(table[time.name], time)
    return Block("", stamps, {name: numbers(table[name]) for name in names})


def _encoding(head: bytes) -> str:
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "utf-32"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    zeros = [head[i::2].count(0) / max(len(head) / 2, 1) for i in (0, 1)]  # at even and at odd places
    if max(zeros) > MIN_UTF16_ZEROS and min(zeros) < 1 - MIN_UTF16_ZEROS:
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    try:
        head[: len(head) - 4].decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def _layout(lines: list[list[str]], delimiter: str, encoding: str) -> tuple[Layout | None, int]:
    """The layout if `delimiter` separates the fields, with the number of fields in lines of the right width."""
    data = next((i for i in range(1, len(lines)) if _is_data(lines[i]) and len(lines[i - 1]) > 1), None)
    if data is None:
        return None, 0
    width, header, units = len(lines[data]), data - 1, [""] * len(lines[data])
    if data > 1 and _is_units(lines[data - 1]) and len(lines[data - 2]) >= width:
        header, units = data - 2, lines[data - 1]
    if _is_data(lines[header]) or len(lines[header]) < width:
        return None, 0
    names = _unique([name.strip() for name in lines[header]])
    cells = [cell for line in lines[data:] for cell in line]
    decimal = "," if delimiter != "," and any(re.fullmatch(r"-?\d+,\d+", cell.strip()) for cell in cells) else "."
    padded = (*(u.strip().strip("[]()") for u in units), *[""] * len(names))[: len(names)]
    right_width = sum(len(line) == width for line in lines[data:])
    return Layout(encoding, delimiter, decimal, data, names, padded), width * right_width


def _is_data(cells: list[str]) -> bool:
    """Whether at least half of the cells with text are numbers or times of day."""
    texts = [cell.strip() for cell in cells if cell.strip()]
    count = sum(bool(NUMBER.fullmatch(text)) for text in texts) + sum(bool(CLOCK.fullmatch(text)) for text in texts)
    return len(cells) > 1 and count > 0 and 2 * count >= len(texts)


def _is_units(cells: list[str]) -> bool:
    texts = [cell.strip() for cell in cells if cell.strip()]
    return bool(texts) and all(len(t) <= 10 for t in texts) and any(re.search(r"/|^\[|^s$|^ms$", t) for t in texts)


def _unique(names: list[str]) -> tuple[str, ...]:
    """The names, numbered where one is empty or repeated."""
    count: Counter[str] = Counter()
    unique = []
    for i, name in enumerate(names):
        full_name = name or f"column {i + 1}"
        count[full_name] += 1
        unique.append(full_name if count[full_name] == 1 else f"{full_name}.{count[full_name]}")
    return tuple(unique)
