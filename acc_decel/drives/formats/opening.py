"""From a file or folder to its source: the kind is known by what it begins with, or else by its ending."""

import re
from collections.abc import Iterable
from pathlib import Path

from acc_decel.drives.formats import csv_parquet, mdf
from acc_decel.drives.formats.can_frames import CandumpFrames, Frames, LogFrames
from acc_decel.drives.formats.can_log import CanLog
from acc_decel.drives.formats.can_signals import load_database
from acc_decel.drives.formats.can_table import CanTable, find_can_table
from acc_decel.drives.formats.compression import first_bytes, inner_ending, refuse_archive
from acc_decel.drives.formats.source import Choices, NamedSource, Source, damage_named

HEAD_BYTES = 4_000  # of a text, in which the first line of a log of a raw bus is looked for
PYTHON_CAN_ENDINGS = (".blf", ".asc", ".trc")
CAN_TEXT = re.compile(  # at the start of the first line with text: the header of an ASC, or a frame of candump
    rb"\A(?:\xef\xbb\xbf)?\s*(?:#[^\n]*\n\s*)*(?:(?P<asc>date [A-Z][a-z]{2} |base +(?:hex|dec)|// version)"
    rb"|\(\d+\.\d+\)\s+\S+\s+[0-9A-Fa-f]+#)"
)


def open_source(path: Path, choices: Choices | None = None) -> NamedSource:
    """The recording in a file or folder, whatever its kind.

    A raw bus needs a database; without one in `choices`, the only DBC file in the folder of the log is used. Raises
    ValueError naming the file, what was expected and what came, here and wherever the source is read.
    """
    choices = choices or Choices()
    if path.is_dir():
        return NamedSource(_open_folder(path, choices))
    if not path.is_file():
        got = "a device or pipe: write it to a file" if path.exists() else "no such file: check the path"
        raise ValueError(f"{path} must be a recording. Got {got}.")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} must hold records. Got an empty file: record or copy it again.")
    refuse_archive(path)
    with damage_named(path):
        frames = _frames(path, choices)
    if frames is not None:
        return NamedSource(_can_log(path, choices, frames))
    choices.check_used(path)
    with damage_named(path):
        return NamedSource(_open_file(path))


def _open_folder(path: Path, choices: Choices) -> Source:
    with damage_named(path):
        has_pairs = bool(csv_parquet.ArrayFolder(path).groups())
    if not has_pairs:
        raise ValueError(f"{path} must hold pairs of arrays X__t.npy and X__value.npy. Got none: give a file.")
    choices.check_used(path)
    return csv_parquet.ArrayFolder(path)


def _frames(path: Path, choices: Choices) -> Iterable[Frames] | None:
    """The frames of a log of a raw bus; None for any other file."""
    ending = inner_ending(path)
    if ending in mdf.ENDINGS:
        return mdf.MdfFrames(path) if mdf.is_raw_bus(path, with_signals=choices.dbc is not None) else None
    if ending in PYTHON_CAN_ENDINGS:
        return LogFrames(path)
    pattern = None if ending == ".parquet" else CAN_TEXT.search(first_bytes(path, HEAD_BYTES))
    if pattern is not None:
        return LogFrames(path) if pattern["asc"] else CandumpFrames(path)
    return None if ending == ".parquet" else find_can_table(path)


def _can_log(path: Path, choices: Choices, frames: Iterable[Frames]) -> CanLog:
    dbc = choices.dbc
    if dbc is None:
        databases = sorted(path.parent.glob("*.dbc"))
        if len(databases) != 1:
            raise ValueError(
                f"{path} holds a raw CAN bus and must come with a DBC that decodes it. "
                f"Got none, and {len(databases)} in its folder: give one with --dbc FILE."
            )
        dbc = databases[0]
    if not dbc.is_file():
        raise ValueError(f"{dbc} must be the DBC of {path}. Got no such file: check the path.")
    choices.check_used(path, is_bus=True)
    database = load_database(dbc)
    frames = frames.with_base(database) if isinstance(frames, CanTable) else frames
    return CanLog(path, dbc, database, frames, choices.bus)


def _open_file(path: Path) -> Source:
    ending = inner_ending(path)
    if ending == ".parquet":
        return csv_parquet.ParquetFile(path)
    return mdf.MdfFile(path) if ending in mdf.ENDINGS else csv_parquet.open_csv(path)
