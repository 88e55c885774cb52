"""Recordings of one JSON object a line: a value with its name, as OpenXC writes them, or a row of a table."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.columns import table_block
from acc_decel.drives.formats.compression import first_bytes, open_bytes
from acc_decel.drives.formats.long_table import LongTable, long_columns
from acc_decel.drives.formats.source import Block

BLOCK_LINES = 50_000
HEAD_BYTES = 65_536
MAX_LINE_BYTES = 1_000_000
MAX_DAMAGED_SHARE = 0.05  # of lines that are no object
OPENXC_UNITS = {  # of the signals that its message format names
    "vehicle_speed": "km/h",
    "engine_speed": "rpm",
    "accelerator_pedal_position": "%",
    "torque_at_transmission": "Nm",
    "steering_wheel_angle": "deg",
    "odometer": "km",
    "fine_odometer_since_restart": "km",
    "fuel_level": "%",
    "latitude": "deg",
    "longitude": "deg",
}


@dataclass(frozen=True)
class JsonLines:
    """The objects of the lines of a file, nested ones flattened with a point."""

    path: Path

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Tables of some lines each. Raises ValueError if too many lines are no object."""
        count = damaged = 0
        with open_bytes(self.path) as file:
            lines = iter(lambda: file.readline(MAX_LINE_BYTES), b"")
            while texts := list(islice(lines, BLOCK_LINES)):
                texts = [text for text in texts if text.strip()]
                rows = [row for text in texts if (row := _row(text)) is not None]
                count, damaged = count + len(texts), damaged + len(texts) - len(rows)
                if rows:
                    yield pd.DataFrame(rows)
        if damaged > MAX_DAMAGED_SHARE * count:
            raise ValueError(
                f"{self.path} must hold one JSON object a line. Got {damaged} of {count} lines that are none: record "
                "or copy it again."
            )


@dataclass(frozen=True)
class JsonTable:
    """The lines of a file as rows of a table; its time is one of its keys."""

    path: Path
    lines: JsonLines
    timed: bool = field(default=False, init=False)

    def channels(self) -> dict[str, str]:
        """The keys of the first lines."""
        return dict.fromkeys(self._names, "")

    @cached_property
    def _names(self) -> list[str]:
        return list(map(str, next(iter(self.lines), pd.DataFrame())))

    def tables(self, wanted: set[str]) -> Iterator[tuple[pd.DataFrame, int]]:
        """The keys `wanted`, some lines at a time; no row is left out."""
        for table in self.lines:
            yield _flags_as_numbers(table.reindex(columns=sorted(wanted))), 0

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:
        """The keys `names` with the time, some lines at a time."""
        for table, _ in self.tables({*names, *([time.name] if time else [])}):
            yield table_block(table, names, time)


def open_json(path: Path) -> LongTable | JsonTable | None:
    """The recording of a file of JSON lines; None for a file of another kind. Raises ValueError for one document."""
    head = first_bytes(path, HEAD_BYTES).lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head.startswith((b"{", b"[{", b"[\n", b"[\r", b"[ ")):
        return None
    line = head.split(b"\n", 1)[0]
    row = _row(line)
    if row is None:
        if len(head) == HEAD_BYTES or head.rstrip().endswith((b"]", b"}")):
            raise ValueError(
                f"{path} must hold one JSON object a line. Got one document over many lines: write its records as "
                "lines, as with `jq -c '.[]' FILE > FILE.jsonl`."
            )
        return None
    lines = JsonLines(path)
    table, columns = JsonTable(path, lines), long_columns(list(row))
    return table if columns is None else LongTable(table, columns, OPENXC_UNITS)


def _row(text: bytes) -> dict[str, Any] | None:
    """The object of a line, nested ones flattened; None if it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    if not any(isinstance(entry, dict | list) for entry in value.values()):
        return value
    row: dict[str, Any] = {}
    for key, entry in value.items():
        inner = {f"{key}.{name}": part for name, part in entry.items()} if isinstance(entry, dict) else {key: entry}
        row |= {name: part for name, part in inner.items() if not isinstance(part, dict | list)}
    return row


def _flags_as_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """The table with 1 and 0 for true and false among other values."""
    for name in [name for name in table if table[name].dtype.kind == "O"]:
        table[name] = table[name].map(lambda value: int(value) if isinstance(value, bool) else value)
    return table
