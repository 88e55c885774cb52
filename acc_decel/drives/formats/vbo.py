"""Recordings of Racelogic VBOX: the sections of a VBO file, whose times are HHMMSS.ss in one number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.columns import numbers, texts_of
from acc_decel.drives.formats.compression import first_bytes, open_bytes
from acc_decel.drives.formats.source import BLOCK_ROWS, Block
from acc_decel.drives.units import UNITS, known_unit

HEAD_BYTES = 65_536
SECTIONS = ("[header]", "[column names]", "[data]")
NAMES = {"lat": "latitude", "long": "longitude", "lon": "longitude"}
MINUTES = {"latitude": 1 / 60, "longitude": -1 / 60}  # of a degree: Racelogic counts longitude positive to the west
SPEED = "velocity"  # in km/h unless the header says another unit


@dataclass(frozen=True)
class VboFile:
    """A VBO file: its columns with their units, and the line on which the rows begin."""

    path: Path
    names: tuple[str, ...]
    units: dict[str, str]
    first_row: int
    timed: bool = field(default=True, init=False)

    def channels(self) -> dict[str, str]:
        """Columns with their units, but the time."""
        return self.units

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:  # noqa: ARG002 - timed
        """The columns `names`, some rows at a time."""
        with (
            open_bytes(self.path) as file,
            pd.read_csv(
                file,
                sep=r"\s+",
                skiprows=self.first_row,
                header=None,
                names=list(self.names),
                usecols=lambda name: name in {"time", *names},
                encoding="latin-1",
                chunksize=BLOCK_ROWS,
                index_col=False,
                on_bad_lines="skip",
                low_memory=False,
            ) as rows,
        ):
            for table in rows:
                values = {name: numbers(table[name]) * MINUTES.get(name, 1.0) for name in names}
                yield Block("", _seconds_of_day(numbers(table["time"])), values, texts=texts_of(table, values))


def open_vbo(path: Path) -> VboFile | None:
    """The VBO file with its columns; None for a file of another kind. Raises ValueError if it has no time."""
    sections: dict[str, list[str]] = {}
    section, first_row = "", 0
    for i, line in enumerate(first_bytes(path, HEAD_BYTES).decode("latin-1").splitlines()):
        text = line.strip()
        if text.startswith("[") and text.endswith("]"):
            section = text.lower()
            sections.setdefault(section, [])
            first_row = i + 1
        elif text and section:
            sections[section].append(text)
        if section == "[data]":
            break
    if not {"[header]", "[data]"} <= set(sections):
        return None
    header = sections["[header]"]
    columns = " ".join(sections.get("[column names]", [])).split() or [text.split()[0] for text in header]
    names = [NAMES.get(name.lower(), name) for name in columns]
    names = [name.lower() if name.lower() in ("time", SPEED) else name for name in names]
    if "time" not in names or len(set(names)) < len(names):
        raise ValueError(f"{path} must name each column once, and the time. Got {' '.join(columns)}: correct the file.")
    return VboFile(path, tuple(names), _units(names, header, sections.get("[channel units]", [])), first_row)


def _units(names: list[str], header: list[str], stated: list[str]) -> dict[str, str]:
    """Units of the columns: those that the long names of the header end with, then those of the further channels."""
    units = dict.fromkeys(names, "") | {"latitude": "deg", "longitude": "deg", SPEED: "km/h"}
    if len(header) == len(names):
        for name, text in zip(names, header, strict=True):
            last = text.split()[-1] if len(text.split()) > 1 else ""
            unit = next((u for u in UNITS if known_unit(last, u.quantity) is u), None)
            units[name] = unit.name if unit is not None else units[name]
    for name, unit_text in zip(names[len(names) - len(stated) :], stated, strict=False):
        units[name] = units[name] or unit_text
    return {name: units[name] for name in names if name != "time"}


def _seconds_of_day(stamps: ndarray) -> ndarray:
    """Seconds since midnight of times written HHMMSS.ss; NaN where that is no time of day."""
    hours, minutes, seconds = stamps // 10_000, stamps // 100 % 100, stamps % 100
    is_time = (stamps >= 0) & (hours < 25) & (minutes < 60) & (seconds < 60.5)
    return np.where(is_time, 3600 * hours + 60 * minutes + seconds, np.nan)
