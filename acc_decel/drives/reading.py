"""A recording of any kind as signals in SI units; read block by block, so that memory follows hours, not bytes."""

import difflib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy import ndarray

from acc_decel.drives.description import RADAR_SIGNALS, SIGNALS_BY_NAME, Channel, Description
from acc_decel.drives.formats import csv_parquet, mdf
from acc_decel.drives.formats.can_log import BusLog, CandumpFrames, Frames, LogFrames, database
from acc_decel.drives.formats.source import Block, Source

FASTEST = 100.0  # [Hz]; faster channels are thinned to about this by medians of neighbours
MANY, FAST_ENOUGH = 1_500_000, 20.0  # records of one group beyond which it is thinned further, and to what rate [Hz]
CANDUMP = re.compile(rb"\s*\(\d+\.\d+\)\s+\S+\s+[0-9A-Fa-f]+#")
ASC = re.compile(rb"\s*(date [A-Z][a-z]{2} |base +(hex|dec)|// version)")


@dataclass(frozen=True)
class Records:
    """Records with one clock: time [s] and signals in SI units, in the order recorded; NaN where nothing came."""

    time: ndarray
    values: dict[str, ndarray]


@dataclass(frozen=True)
class Drive:
    """A recorded drive: its records by signal, how many frames were read, how many were lost before cleaning."""

    path: Path
    records: tuple[Records, ...]
    frames: int
    description: Description


def source(path: Path, dbc: Path | None = None) -> Source:
    """The recording in a file or folder, whatever its kind.

    A raw bus needs `dbc`; the only DBC file beside the log is taken if none is given. Raises ValueError naming the
    file, what was expected and what came.
    """
    if path.is_dir():
        folder = csv_parquet.ArrayFolder(path)
        if not folder.groups():
            raise ValueError(f"{path} must hold pairs of arrays X__t.npy and X__value.npy. Got none: give a file.")
        return folder
    if not path.is_file():
        raise ValueError(f"{path} must be a recording. Got no such file: check the path.")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} must hold records. Got an empty file: record or copy it again.")
    ending = path.suffix.lower()
    if ending == ".parquet":
        return csv_parquet.ParquetFile(path)
    if ending in mdf.ENDINGS:
        return _measurement(path, dbc)
    if ending in (".blf", ".asc", ".trc") or _is_bus_text(path):
        candump = ending not in (".blf", ".asc", ".trc") and not _matches(path, ASC)
        return _bus(path, dbc, CandumpFrames(path) if candump else LogFrames(path))
    return csv_parquet.csv_file(path)


def read(path: Path, told: Description, on_records: Callable[[int], None] = lambda _: None) -> Drive:
    """The signals that `told` describes, in SI units. `on_records` is told how many records have just been read."""
    found = source(path, told.dbc)
    wanted = {channel.name for channel in told.channels.values()}
    _refuse_unknown(path, found, told)
    if not found.timed and told.time is None:
        raise ValueError(f"{path} must have a time: its format has none. Got a description without [time]: add it.")
    radar = {told.channels[name].name for name in RADAR_SIGNALS if name in told.channels}  # many records at one time
    parts: dict[str, Kept] = defaultdict(Kept)
    frames = 0
    for block in blocks(found, sorted(wanted), told.time):
        frames += len(block.time)
        on_records(len(block.time))
        parts[block.group].add(block, whole=bool(radar & set(block.values)))
    if not frames:
        raise ValueError(f"{path} must hold records. Got none of {', '.join(sorted(wanted))}: check the file.")
    records = tuple(_records(part.blocks, told.channels) for _, part in sorted(parts.items()))
    return Drive(path, records, frames, told)


def blocks(found: Source, names: Sequence[str], time: Channel | None) -> Iterator[Block]:
    """The blocks of a source, with whatever its library says against the file told in one sentence."""
    try:
        yield from found.blocks(names, time)
    except (*csv_parquet.READ_ERRORS, EOFError, IndexError, KeyError) as error:
        sentence = " ".join(str(error).split())[:200]
        raise ValueError(f"{found.path} must be readable to its end. Got: {sentence}. Copy it again.") from error


class Kept:
    """The blocks of one group so far, thinned the more the longer the drive, so that memory stays within bounds."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.rate = FASTEST
        self.records = 0

    def add(self, block: Block, *, whole: bool) -> None:
        """Take in a block; a `whole` one is kept as it is."""
        self.blocks.append(block if whole else thinned(block, self.rate))
        self.records += len(self.blocks[-1].time)
        if self.records > MANY and self.rate / 2 >= FAST_ENOUGH and not whole:
            self.rate /= 2
            self.blocks = [thinned(kept, self.rate) for kept in self.blocks]
            self.records = sum(len(kept.time) for kept in self.blocks)


def thinned(block: Block, fastest: float = FASTEST) -> Block:
    """The block at about `fastest` [Hz] at most: each record a median of neighbours, so that no spike is smeared."""
    steps = np.diff(block.time)
    steps = steps[steps > 0]
    every = int(1 / (fastest * np.median(steps)) + 0.1) if len(steps) else 1
    if every < 2:
        return block
    rows = len(block.time) // every * every
    time = block.time[:rows].reshape(-1, every)[:, every // 2]
    values = {name: _medians(column[:rows].reshape(-1, every)) for name, column in block.values.items()}
    return Block(block.group, time, values)


def _medians(rows: ndarray) -> ndarray:
    whole = np.isfinite(rows).all(axis=1)
    found = np.full(len(rows), np.nan)
    found[whole] = np.median(rows[whole], axis=1)
    some = ~whole & np.isfinite(rows).any(axis=1)
    found[some] = np.nanmedian(rows[some], axis=1)
    return found


def _records(parts: list[Block], channels: dict[str, Channel]) -> Records:
    time = np.concatenate([part.time for part in parts])
    values = {}
    for name, channel in channels.items():
        if channel.name in parts[0].values:
            column = np.concatenate([part.values[channel.name] for part in parts])
            values[name] = column * (channel.unit.size * channel.sign)
    return Records(time, values)


def _refuse_unknown(path: Path, found: Source, told: Description) -> None:
    there = found.channels()
    channels = told.channels | ({"time": told.time} if told.time and not found.timed else {})
    for section, channel in channels.items():
        if channel.name not in there:
            near = difflib.get_close_matches(channel.name, list(there), n=3, cutoff=0.4) or list(there)[:5]
            raise ValueError(
                f"{path} must have the channel {channel.name!r} that [{section}] names. Got none; near it: "
                f"{', '.join(map(repr, near))}. `acc-decel drives inspect` lists all."
            )


def _measurement(path: Path, dbc: Path | None) -> Source:
    if mdf.is_raw_bus(path):
        return _bus(path, dbc, mdf.MeasurementFrames(path))
    return mdf.Measurement(path)


def _bus(path: Path, dbc: Path | None, frames: Iterable[Frames]) -> BusLog:
    if dbc is None:
        beside = sorted(path.parent.glob("*.dbc"))
        if len(beside) != 1:
            raise ValueError(
                f"{path} holds a raw CAN bus and must come with a DBC that decodes it. "
                f"Got none, and {len(beside)} beside it: give one with --dbc FILE."
            )
        dbc = beside[0]
    if not dbc.is_file():
        raise ValueError(f"{dbc} must be the DBC of {path}. Got no such file: check the path.")
    return BusLog(path, dbc, database(dbc), frames)


def _is_bus_text(path: Path) -> bool:
    return _matches(path, CANDUMP) or _matches(path, ASC)


def _matches(path: Path, kind: "re.Pattern[bytes]") -> bool:
    with path.open("rb") as file:
        return bool(kind.match(file.readline(300)))


def signal_names(drive: Drive) -> list[str]:
    """Names of the signals that the drive has, in the order of SIGNALS."""
    return [name for name in SIGNALS_BY_NAME if any(name in records.values for records in drive.records)]
