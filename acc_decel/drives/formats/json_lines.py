"""Recordings of one JSON object a line: a value with its name, as OpenXC writes them, or a row of a table."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.columns import numbers, seconds
from acc_decel.drives.formats.compression import first_bytes, open_bytes
from acc_decel.drives.formats.long_table import LongTable, long_chunk, long_roles, time_unit_of
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
class LongJson:
    """The lines of a file as rows of a long table."""

    lines: JsonLines
    roles: dict[str, str]

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Rows with time [s], name, value and unit."""
        unit = None
        for table in self.lines:
            if not set(self.roles.values()) - {self.roles.get("unit")} <= set(table):
                continue
            rows = table.reindex(columns=list(self.roles.values()))
            unit = unit or time_unit_of(self.roles["time"], rows[self.roles["time"]])
            chunk = long_chunk(_flags_as_numbers(rows), self.roles, unit)
            units = [own or OPENXC_UNITS.get(name, "") for own, name in zip(chunk["unit"], chunk["name"], strict=True)]
            yield chunk.assign(unit=units)


@dataclass(frozen=True)
class JsonTable:
    """The lines of a file as rows of a table; its time is one of its keys."""

    path: Path
    lines: JsonLines
    timed: bool = field(default=False, init=False)

    def channels(self) -> dict[str, str]:
        """The keys of the first lines."""
        return dict.fromkeys(map(str, next(iter(self.lines), pd.DataFrame())), "")

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:
        """The keys `names` with the time, some lines at a time."""
        wanted = list(dict.fromkeys([*names, *([time.name] if time else [])]))
        first = 0
        for table in self.lines:
            rows = _flags_as_numbers(table.reindex(columns=wanted))
            stamps = seconds(rows[time.name], time) if time else pd.RangeIndex(first, first + len(rows)).to_numpy(float)
            first += len(rows)
            yield Block("", stamps, {name: numbers(rows[name]) for name in names})


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
    roles = long_roles(list(row))
    return JsonTable(path, lines) if roles is None else LongTable(path, LongJson(lines, roles))


def _row(text: bytes) -> dict[str, Any] | None:
    """The object of a line, nested ones flattened; None if it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
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
