"""Tables of events from files: CSV of any program, each row checked against the header, and Parquet."""

import csv
import gzip
import io
import itertools
import re
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from acc_decel.files import reason
from acc_decel.number_cells import with_points

DELIMITERS = (",", ";", "\t", "|")
LINE_LETTERS = 2**22  # of the longest line: a table has some hundred columns
HEAD_BYTES = 4096  # that are enough to tell the encoding
GZIP, UTF_16 = b"\x1f\x8b", (b"\xff\xfe", b"\xfe\xff")
DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+")
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # that Excel writes and reads above the header
ENDINGS = (".csv", ".csv.gz", ".parquet")
UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    zlib.error,
    csv.Error,
    MemoryError,
    NotImplementedError,
    TypeError,
    KeyError,
)


@dataclass(frozen=True)
class _Layout:
    """What the fields of a CSV file are, and at which line each of its rows begins."""

    encoding: str
    delimiter: str
    decimal: str
    skipped: int  # records before the first row
    names: list[str]
    lines: "array[int]"


def read_table(path: Path) -> pd.DataFrame:
    """The table in a CSV or Parquet file; what `read_csv` says of CSV holds.

    Raises ValueError naming the file if its name has another ending, if it cannot be read, or if it has no row.
    """
    if not path.name.lower().endswith(ENDINGS):
        raise ValueError(f"{path} must end in .csv or .parquet. Got {path.suffix or 'no ending'!r}: convert it.")
    if not path.name.lower().endswith(".parquet"):
        return read_csv(path)
    try:
        table = pd.read_parquet(path)
    except UNREADABLE as error:
        raise ValueError(f"{path} must be a readable parquet table. Got: {reason(error)}. Check the file.") from error
    return _checked(path, table)


def read_csv(path: Path) -> pd.DataFrame:
    """The table in a CSV file, of any name; its rows are labelled by their line, the header is line 1.

    It may be compressed by gzip, be UTF-8, UTF-16 or Windows-1252, and separate its fields by commas, semicolons, tabs
    or bars; without commas between the fields, numbers may have decimal commas. Blank lines are left out, and so is a
    last column without name and values. Names lose the spaces around them.

    Raises ValueError naming the file if it cannot be read or has no row, if a row has more or fewer fields than the
    header (naming its line), or if two columns have the same name.
    """
    try:
        opened = _opener(path)
        layout = _any_layout(path, opened)
        if not layout.lines:
            raise _WrongRowError(f"{path} must hold at least one event. Got an empty table: add rows.")
        with opened() as file:
            table = pd.read_csv(
                file,
                sep=layout.delimiter,
                decimal=layout.decimal,
                encoding=layout.encoding,
                skiprows=layout.skipped,
                header=None,
                names=list(range(len(layout.names))),
                index_col=False,
                low_memory=False,  # one type for the whole of a column
            )
        if len(table) != len(layout.lines):
            raise ValueError(f"{len(layout.lines)} records of which {len(table)} can be read")
    except _WrongRowError:
        raise
    except UnicodeError as error:
        got = "bytes that are neither UTF-8, UTF-16 nor Windows-1252"
        raise ValueError(f"{path} must be a readable csv table. Got: {got}. Save it as UTF-8.") from error
    except UNREADABLE as error:
        raise ValueError(f"{path} must be a readable csv table. Got: {reason(error)}. Check the file.") from error
    names, width = layout.names, len(layout.names)
    if width > 1 and not names[-1] and table.iloc[:, -1].isna().all():
        table = table.iloc[:, :-1]
    table = table.set_axis([name or f"Unnamed: {i}" for i, name in enumerate(names[: table.shape[1]])], axis=1)
    table = with_points(table) if layout.decimal == "," else table
    return _checked(path, table.set_axis(pd.Index(layout.lines, dtype="int64", name="line")))


def _checked(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """The table with stripped names. Raises ValueError if two are the same or there is no row."""
    table = table.set_axis([str(name).strip() for name in table.columns], axis=1)
    if twice := list(table.columns[table.columns.duplicated()]):
        raise ValueError(f"{path} must have each column once. Got two columns {twice[0]!r}: rename or delete one.")
    if not len(table):
        raise ValueError(f"{path} must hold at least one event. Got an empty table: add rows.")
    return table


def _opener(path: Path) -> Callable[[], BinaryIO]:
    """What opens the content of the file, as often as asked, even if it is a pipe or compressed by gzip."""
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(GZIP)) != GZIP:
                return lambda: path.open("rb")
    content = path.read_bytes()
    content = gzip.decompress(content) if content.startswith(GZIP) else content
    return lambda: io.BytesIO(content)


class _WrongRowError(ValueError):
    """A row whose fields do not fit the header."""


def _any_layout(path: Path, opened: Callable[[], BinaryIO]) -> _Layout:
    """The layout of the file, whatever its encoding. Raises ValueError for the first row that does not fit."""
    with opened() as file:
        head = file.read(HEAD_BYTES)
    zeros = {"utf-16-le": head[1::2].count(0), "utf-16-be": head[::2].count(0)}  # of letters without a mark
    without_mark = [name for name, count in zeros.items() if count > len(head) // 4]
    encoding = "utf-16" if head.startswith(UTF_16) else without_mark[0] if without_mark else "utf-8-sig"
    try:
        return _layout(path, opened, encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8-sig":
            raise
        return _layout(path, opened, "cp1252")


def _layout(path: Path, opened: Callable[[], BinaryIO], encoding: str) -> _Layout:
    with io.TextIOWrapper(opened(), encoding, newline="") as text:
        lines = _lines(text)
        skipped, header = _first_text(lines)
        marked = SEPARATOR_LINE.fullmatch(header)
        if marked:
            more, header = _first_text(lines)
            skipped += 1 + more
        delimiter = marked[1] if marked else max(DELIMITERS, key=lambda d: len(next(csv.reader([header], delimiter=d))))
        names, height = _cells(header, lines, delimiter)
        line, width, decimal, starts = skipped + height, len(names), ".", array("q")
        for first in lines:
            quoted = '"' in first
            cells, height = _cells(first, lines, delimiter) if quoted else ((), 1)
            line += height
            if (len(cells) if quoted else first.count(delimiter) + 1) != width:
                if not first.strip() and delimiter not in first:
                    continue
                cells = cells or first.split(delimiter)
                raise _WrongRowError(_wrong_row(path, names, cells, line - height + 1))
            if width == 1 and not first.strip():
                continue
            starts.append(line - height + 1)
            if decimal == "." and delimiter != "," and "," in first:
                decimal = "," if any(map(DECIMAL_COMMA.fullmatch, cells or first.strip().split(delimiter))) else "."
    return _Layout(encoding, delimiter, decimal, skipped + 1, [name.strip() for name in names], starts)


def _cells(first: str, lines: Iterator[str], delimiter: str) -> tuple[Sequence[str], int]:
    """The fields of the record that begins with the line `first`, and how many lines it has: quotes may hold more."""
    records = csv.reader(itertools.chain([first], lines), delimiter=delimiter)
    return next(records), records.line_num


def _wrong_row(path: Path, names: Sequence[str], cells: Sequence[str], line: int) -> str:
    fields = f"{len(names)} field{'' if len(names) == 1 else 's'}"
    trailing = len(cells) == len(names) + 1 and not cells[-1].strip()
    remedy = "delete the delimiter at the end of the rows" if trailing else "correct that line"
    return (
        f"{path} must have {fields} in each row, as in its header: {', '.join(names)}. Got {len(cells)} in "
        f"line {line}{', the last one empty' if trailing else ''}: {remedy}."
    )


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """The lines. Raises ValueError for the first that holds a zero byte, and for one without an end."""
    for number, line in enumerate(iter(partial(text.readline, LINE_LETTERS), ""), 1):
        if "\0" in line:
            raise ValueError(f"a zero byte in line {number}")
        if len(line) == LINE_LETTERS:
            raise ValueError(f"more than {LINE_LETTERS} letters in line {number}")
        yield line


def _first_text(lines: Iterator[str]) -> tuple[int, str]:
    """The first line that is not blank, with the number of those before it. Raises ValueError if there is none."""
    for count, line in enumerate(lines):
        if line.strip():
            return count, line
    raise ValueError("no header line")
