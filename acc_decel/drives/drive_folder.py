"""A drive in several tables of one folder, as sensor loggers write it: speed in one, accelerations in another."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from acc_decel.drives.channel_names import is_acceleration, is_speed
from acc_decel.drives.description import Channel
from acc_decel.drives.formats.array_folder import ArrayFolder
from acc_decel.drives.formats.compression import inner_ending
from acc_decel.drives.formats.csv_parquet import ParquetFile, open_csv
from acc_decel.drives.formats.damage import damage_named
from acc_decel.drives.formats.source import Block, NamedSource, Source
from acc_decel.drives.own_tables import is_own_table
from acc_decel.drives.time_channel import choose_time

TABLES = (".csv", ".tsv", ".txt", ".parquet")
ARRAY_ENDINGS = (".npy", "")  # of files in a folder of arrays, or in folders below it
MAX_TABLES = 60  # in one folder; with more it is no drive but a collection
MIN_OVERLAP = 0.5  # of the time of each table with that of the speed
EPOCH_S = 1e8  # clocks that begin below this count from the start of their own file
SAME_DURATION = 0.2  # relative, of two files whose clocks count from their own start


@dataclass(frozen=True)
class Part:
    """One table of the drive: its time, and when it begins and ends [s]."""

    table: Source
    time: Channel
    start: float
    end: float


@dataclass(frozen=True)
class DriveFolder:
    """One drive in several tables; a channel is called after its table and its column."""

    path: Path
    parts: tuple[Part, ...]
    timed = True

    def channels(self) -> dict[str, str]:
        """Columns of all tables."""
        return {
            f"{part.table.path.stem} {name}": unit
            for part in self.parts
            for name, unit in part.table.channels().items()
            if name != part.time.name
        }

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:  # noqa: ARG002 - timed
        """The columns `names`, table by table."""
        for part in self.parts:
            stem = part.table.path.stem
            columns = {f"{stem} {name}": name for name in part.table.channels() if f"{stem} {name}" in names}
            for block in part.table.blocks(list(columns.values()), part.time) if columns else ():
                values = {full: block.values[name] for full, name in columns.items()}
                texts = {full: block.texts[name] for full, name in columns.items() if name in block.texts}
                yield replace(block, group=stem, values=values, texts=texts)


def open_folder(path: Path) -> Source:
    """The drive in a folder: pairs of arrays, or tables that belong together. Raises ValueError for anything else."""
    with damage_named(path):
        if ArrayFolder(path).groups():
            return ArrayFolder(path)
    parts = drive_parts(path)
    if not parts:
        raise ValueError(
            f"{path} must hold pairs of arrays X__t.npy and X__value.npy, or the tables of one drive, one of them with "
            "its speed. Got none: give a file, or `drives fleet` the folder."
        )
    return DriveFolder(path, parts)


def drive_parts(folder: Path) -> tuple[Part, ...]:
    """The tables of a folder that are one drive: one with its speed, others with accelerations of the same time.

    Empty where each table is a recording of its own.
    """
    files = _tables(folder)
    if not 2 <= len(files) <= MAX_TABLES:
        return ()
    tables = [table for file in files if (table := _table(file)) is not None]
    speeds = [table for table in tables if _has(is_speed, table)]
    if len(speeds) != 1 or _has(is_acceleration, speeds[0]):
        return ()
    others = [_part(table) for table in tables if table is not speeds[0] and _has(is_acceleration, table)]
    speed = _part(speeds[0]) if others else None
    if speed is None:
        return ()
    joining = [part for part in others if part is not None and _is_same_time(part, speed)]
    return (speed, *joining) if joining else ()


def files_of(folder: Path) -> list[Path]:
    """The files of a folder that may be parts of its drive; what this package wrote into it is none."""
    arrays = [p for p in folder.rglob("*") if p.is_file() and p.suffix in ARRAY_ENDINGS]
    return sorted({*arrays, *_tables(folder)})


def parts_of(folder: Path) -> set[Path]:
    """The files of the drive of a folder: its arrays, or the tables of all sensors, also of those that are not read."""
    has_arrays = bool(ArrayFolder(folder).groups())
    return {path for path in files_of(folder) if not has_arrays or path.suffix in ARRAY_ENDINGS}


def _tables(folder: Path) -> list[Path]:
    files = [p for p in sorted(folder.iterdir()) if p.is_file() and inner_ending(p) in TABLES]
    return [p for p in files if not is_own_table(p)]


def _table(file: Path) -> Source | None:
    """The table in a file; None for one that is no table."""
    try:
        with damage_named(file):
            table = NamedSource(ParquetFile(file) if inner_ending(file) == ".parquet" else open_csv(file))
            table.channels()
    except (ValueError, OSError):
        return None  # so it is no part of a drive; whoever opens it by itself says why
    return table


def _has(is_signal: Callable[[str, str], bool], table: Source) -> bool:
    """Whether a channel, called after its table and its column, is such a signal."""
    return any(is_signal(f"{table.path.stem} {name}", unit) for name, unit in table.channels().items())


def _part(table: Source) -> Part | None:
    """The table with its time; None for one without, or one that cannot be read to its end."""
    try:
        time = choose_time(table, table.channels())
        stamps = [block.time[np.isfinite(block.time)] for block in table.blocks([], time)] if time else []
    except (ValueError, OSError):
        return None  # as above
    ends = np.concatenate([[s.min(), s.max()] for s in stamps if len(s)]) if any(map(len, stamps)) else np.array([])
    if time is None or not len(ends):
        return None
    return Part(table, time, float(ends.min()), float(ends.max()))


def _is_same_time(part: Part, speed: Part) -> bool:
    both = min(part.end, speed.end) - max(part.start, speed.start)
    durations = (part.end - part.start, speed.end - speed.start)
    if both <= MIN_OVERLAP * max(durations):
        return False
    return min(part.start, speed.start) > EPOCH_S or min(durations) > (1 - SAME_DURATION) * max(durations)
