"""Frames of a raw CAN bus written as a table: CSV of cabana, SavvyCAN, python-can, CANedge, libpanda and their like."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.drives.formats.can_cells import (
    ByteText,
    base_of_bytes,
    byte_text,
    identifiers,
    is_true,
    possible_bases,
    seconds_of,
)
from acc_decel.drives.formats.can_frames import BLOCK_FRAMES, MAX_BYTES, Frames, padded_bytes
from acc_decel.drives.formats.can_signals import is_message
from acc_decel.drives.formats.compression import first_bytes, open_bytes
from acc_decel.drives.units import Unit, unit_in_name, unit_named

if TYPE_CHECKING:
    from cantools.database.can import Database

HEAD_BYTES = 65_536
DELIMITERS = (",", ";", "\t")
MAX_LINES_BEFORE = 30  # the header
MIN_FITTING_SHARE = 0.9  # of the first rows, whose identifier and data must be some
# fmt: off
ROLES = {  # how loggers call the columns, in lower case without what is no letter or digit
    "time":       ("time", "timestamp", "timestampepoch", "timestamps", "ts", "t", "timeus", "timems", "times", "date",
                   "datetime", "timestampus", "timestampms", "timestampns", "timestamps", "elapsed", "timens"),
    "identifier": ("addr", "address", "id", "arbitrationid", "arbid", "canid", "messageid", "msgid", "identifier",
                   "frameid", "idhex", "canidhex"),
    "data":       ("data", "databytes", "message", "payload", "datahex", "rawdata", "databyteshex"),
    "bus":        ("bus", "busid", "buschannel", "channel", "interface", "busnumber", "network", "chn"),
    "extended":   ("extended", "ide", "ext", "isextended", "isextendedid", "isextendedframe"),
    "length":     ("len", "length", "datalength", "messagelength", "datalen", "bytes", "msglen"),
    "dlc":        ("dlc",),
    "remote":     ("remote", "isremoteframe", "rtr"),
    "error":      ("error", "iserrorframe"),
}
# fmt: on
BYTE_COLUMN = re.compile(r"(?:d|data|b|byte|databyte)(\d{1,2})")
DECIMAL_IDENTIFIERS = ("messageid",)  # libpanda writes them so
MICROSECONDS = {"time", "extended", "bus", "length"}  # roles of SavvyCAN, whose times are whole microseconds


@dataclass(frozen=True)
class CanTable:
    """The frames in a CSV file, one a row. `base` is that of the identifiers; None: to be found with a database."""

    path: Path
    encoding: str
    delimiter: str
    first_row: int
    names: tuple[str, ...]
    columns: dict[str, int]  # by role
    byte_columns: tuple[int, ...]
    time_unit: Unit
    data_text: ByteText | None  # how a column of whole data is written
    byte_base: int
    bases: tuple[int, ...]  # that the identifiers may have
    first_identifiers: tuple[str, ...]

    def __iter__(self) -> Iterator[Frames]:
        """Blocks of frames."""
        wanted = sorted({*self.columns.values(), *self.byte_columns})
        with (
            open_bytes(self.path) as file,
            pd.read_csv(
                file,
                encoding=self.encoding,
                encoding_errors="replace",
                sep=self.delimiter,
                skiprows=self.first_row,
                header=None,
                names=list(range(len(self.names))),
                usecols=wanted,
                dtype=str,
                keep_default_na=False,
                chunksize=BLOCK_FRAMES,
                index_col=False,
                on_bad_lines="skip",
                skipinitialspace=True,
            ) as rows,
        ):
            for table in rows:
                frames = self._frames(table.fillna(""))
                if len(frames.time):
                    yield frames

    def with_base(self, database: "Database") -> "CanTable":
        """The table with one base of its identifiers: that which names messages of the database.

        Raises ValueError where both do and the file does not say which.
        """
        if len(self.bases) == 1:
            return self
        fitting = [base for base in self.bases if self._is_described(base, database)]
        is_known = self._is_decimal_by_name or self._is_savvycan
        if len(fitting) > 1 and not is_known:
            raise ValueError(
                f"{self.path} must show whether its identifiers are decimal or hexadecimal. Got digits that are "
                "messages of the DBC either way: write them with 0x."
            )
        known = 10 if self._is_decimal_by_name else 16
        return replace(self, bases=(fitting[0] if len(fitting) == 1 else known,))

    @property
    def _is_decimal_by_name(self) -> bool:
        return plain(self.names[self.columns["identifier"]]) in DECIMAL_IDENTIFIERS

    @property
    def _is_savvycan(self) -> bool:
        return bool(self.byte_columns) and set(self.columns) >= MICROSECONDS

    def _is_described(self, base: int, database: "Database") -> bool:
        numbers, extended = identifiers(pd.Series(self.first_identifiers, dtype=str), base)
        pairs = {*zip(numbers.tolist(), extended.tolist(), strict=True)}
        return any(is_message(m, i, m.is_extended_frame) for m in database.messages for i, _ in pairs)

    def _frames(self, table: pd.DataFrame) -> Frames:
        """The frames of some rows, without those that hold none."""
        time = seconds_of(table[self.columns["time"]], self.time_unit)
        identifier, extended = identifiers(table[self.columns["identifier"]], self.bases[0])
        if "extended" in self.columns:
            extended = is_true(table[self.columns["extended"]])
        data, length = self._data(table)
        buses: tuple[str, ...] = ("1",)
        bus = np.zeros(len(table), np.int64)
        if "bus" in self.columns:
            bus, names = pd.factorize(table[self.columns["bus"]].str.strip())
            buses = tuple(map(str, names))
        frames = Frames(time, identifier & 0x1FFFFFFF, extended, data, length, buses, bus)
        is_frame = np.isfinite(time) & (identifier >= 0) & (length >= 0)
        for role in ("remote", "error"):
            if role in self.columns:
                is_frame &= ~is_true(table[self.columns[role]])
        return frames.rows(is_frame)

    def _data(self, table: pd.DataFrame) -> tuple[ndarray, ndarray]:
        """Bytes of each frame, and how many they are; -1 where they cannot be read."""
        if self.data_text is not None:
            parsed = [self.data_text(cell) for cell in table[self.columns["data"]]]
            data, length = padded_bytes([cell or b"" for cell in parsed])
            length = np.where([cell is None for cell in parsed], -1, length)
        else:
            cells = [_byte_values(table[i], self.byte_base) for i in self.byte_columns]
            values = np.stack(cells, axis=1)
            length = (values >= 0).cumprod(axis=1).sum(axis=1)
            data = np.maximum(values, 0).astype(np.uint8)
        if "length" in self.columns:
            stated = pd.to_numeric(table[self.columns["length"]], errors="coerce").to_numpy(float, na_value=np.nan)
            length = np.where(stated < length, np.maximum(stated, 0), length).astype(np.int64)
        return data, length


def find_can_table(path: Path) -> CanTable | None:
    """The table of frames in a text file; None if its first lines hold none."""
    head = first_bytes(path, HEAD_BYTES)
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    lines = head.decode(encoding, "replace").splitlines()
    lines = lines[:-1] if len(head) == HEAD_BYTES else lines
    for i, line in enumerate(lines[:MAX_LINES_BEFORE]):
        for delimiter in DELIMITERS:
            names = next(csv.reader([line], delimiter=delimiter), [])
            columns, byte_columns = _roles(names)
            if _is_header(names, columns, byte_columns):
                rows = [row for row in csv.reader(lines[i + 1 :], delimiter=delimiter) if len(row) >= len(columns)]
                return _table(path, encoding, delimiter, i + 1, names, rows)
    return None


def _is_header(names: Sequence[str], columns: dict[str, int], byte_columns: tuple[int, ...]) -> bool:
    """Whether the columns are those of frames: `id` and `data` alone, or a few of `d1`, `d2`, may be anything."""
    if not {"time", "identifier"} <= set(columns) or not ("data" in columns or byte_columns):
        return False
    is_of_a_bus = bool({"bus", "extended", "length", "dlc", "remote"} & set(columns))
    return is_of_a_bus or plain(names[columns["identifier"]]) != "id" or len(byte_columns) >= 8


def plain(name: str) -> str:
    """The name of a column in lower case, without what is no letter or digit."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"\(.*?\)$", "", name.lower()))


def _roles(names: Sequence[str]) -> tuple[dict[str, int], tuple[int, ...]]:
    """The column of each role, and those of single bytes in their order."""
    texts = [plain(name) for name in names]
    columns: dict[str, int] = {}
    for role, spelled in ROLES.items():
        place = next((i for i, text in enumerate(texts) if text in spelled), None)
        if place is not None:
            columns[role] = place
    numbered = {int(match[1]): i for i, text in enumerate(texts) if (match := BYTE_COLUMN.fullmatch(text))}
    return columns, tuple(numbered[number] for number in sorted(numbered))


def _table(
    path: Path, encoding: str, delimiter: str, first_row: int, names: list[str], rows: list[list[str]]
) -> CanTable | None:
    """The table if its first rows hold frames."""
    columns, byte_columns = _roles(names)
    if byte_columns and byte_columns[-1] == len(names) - 1:  # more bytes than the header names, as of CAN FD
        width = min(max(map(len, rows), default=0), len(names) + MAX_BYTES)
        filled = [i for i in range(len(names), width) if any(len(row) > i and row[i].strip() for row in rows)]
        byte_columns += tuple(filled)
        names = [*names, *(f"byte {i}" for i in filled)]
    cells = {role: [row[i].strip() if i < len(row) else "" for row in rows] for role, i in columns.items()}
    bases = possible_bases(cells["identifier"], MIN_FITTING_SHARE)
    lengths = cells.get("length") or cells.get("dlc")
    text = byte_text(cells["data"], lengths, MIN_FITTING_SHARE) if not byte_columns and "data" in cells else None
    if not rows or not bases or (text is None and not byte_columns):
        return None
    parts = [row[i].strip() for row in rows for i in byte_columns if i < len(row)]
    base = base_of_bytes(parts)
    if base is None:
        return None
    table = CanTable(
        path,
        encoding,
        delimiter,
        first_row,
        tuple(names),
        columns,
        byte_columns,
        unit_named("s", "time", ""),
        text,
        base,
        bases,
        tuple(Counter(cells["identifier"])),
    )
    return replace(table, time_unit=_time_unit(table, cells["time"]))


def _time_unit(table: CanTable, cells: list[str]) -> Unit:
    """The unit of the times. Raises ValueError if they are whole numbers of which nothing says it."""
    name = table.names[table.columns["time"]]
    times = seconds_of(pd.Series(cells, dtype=str), unit_named("s", "time", name))
    median = float(np.nanmedian(times)) if np.isfinite(times).any() else 0.0
    epoch = next((u for least, u in ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s")) if median > least), None)
    if epoch is not None:
        return unit_named(epoch, "time", name)
    stated = unit_in_name(name, "time")
    if stated is not None and name.lower() != "time":
        return stated
    if any("." in cell or ":" in cell or "," in cell for cell in cells):
        return unit_named("s", "time", name)
    if table._is_savvycan:
        return unit_named("us", "time", name)
    raise ValueError(
        f"{table.path} must say the unit of its times. Got whole numbers in {name!r}: name the column time_s, time_ms "
        "or time_us."
    )


def _byte_values(cells: "pd.Series[str]", base: int) -> ndarray:
    """The byte in each cell, -1 where there is none."""
    codes, texts = pd.factorize(cells.str.strip())
    values = np.array([_byte(text, base) for text in texts], np.int64)
    return values[codes]


def _byte(text: str, base: int) -> int:
    try:
        value = int(text, base)
    except ValueError:
        return -1
    return value if 0 <= value <= 0xFF else -1
