"""From a file or folder to its source: the kind is known by what it begins with, or else by its ending."""

import re
from collections.abc import Iterable
from pathlib import Path

from acc_decel.drives.drive_folder import open_folder
from acc_decel.drives.formats import csv_parquet, mdf
from acc_decel.drives.formats.can_frames import CandumpFrames, Frames, LogFrames
from acc_decel.drives.formats.can_log import CanLog
from acc_decel.drives.formats.can_signals import load_database
from acc_decel.drives.formats.can_table import CanTable, find_can_table
from acc_decel.drives.formats.compression import first_bytes, inner_ending, refuse_archive
from acc_decel.drives.formats.damage import damage_named
from acc_decel.drives.formats.json_lines import open_json
from acc_decel.drives.formats.long_table import LongTable
from acc_decel.drives.formats.source import ALL_VEHICLES, Choices, NamedSource, Source
from acc_decel.drives.formats.unread import refuse_unread, refuse_xml
from acc_decel.drives.formats.vbo import open_vbo
from acc_decel.drives.formats.vehicles import OneVehicle, as_trajectories, vehicle_column
from acc_decel.drives.formats.xml_tracks import FcdFile, GpxFile, root_of

HEAD_BYTES = 4_000  # of a text, in which the first line of a log of a raw bus is looked for
PYTHON_CAN_ENDINGS = (".blf", ".asc", ".trc")
PARQUET, BLF, MDF = b"PAR1", b"LOGG", (b"MDF ", b"UnFinMF")  # as these files begin, whatever they are called
RELATIVE = re.compile(rb"^ *base +(?:hex|dec) +timestamps +relative", re.MULTILINE | re.IGNORECASE)
CAN_TEXT = re.compile(  # at the start of the first line with text: the header of an ASC, or a frame of candump
    rb"\A(?:\xef\xbb\xbf)?\s*(?:#[^\n]*\n\s*)*(?:(?P<asc>date [A-Z][a-z]{2} |base +(?:hex|dec)|// version)"
    rb"|\(\d+\.\d+\)\s+\S+\s+[0-9A-Fa-f]+(?:#|\s+\[\d+\]\s))"
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
    with damage_named(path):
        refuse_unread(path)
        refuse_archive(path)
        kind = _kind(path)
        frames = _frames(path, kind, choices)
    if frames is not None:
        return NamedSource(_can_log(path, choices, frames))
    with damage_named(path):
        source = _open_file(path, kind, choices)
    choices.check_used(path, has_vehicles=isinstance(source, OneVehicle))
    return NamedSource(source)


def is_of_vehicles(path: Path, dbc: Path | None = None) -> bool:
    """Whether a recording is a table of vehicles, each with an identifier."""
    return isinstance(open_source(path, Choices(dbc, vehicle_id=ALL_VEHICLES)).source, OneVehicle)


def check_one_vehicle(path: Path, choices: Choices) -> None:
    """Raise ValueError if all vehicles of a table are asked for where one drive is read."""
    if choices.vehicle_id == ALL_VEHICLES and is_of_vehicles(path, choices.dbc):
        raise ValueError(
            f"{path} must be read vehicle by vehicle here. Got vehicle_id {ALL_VEHICLES}: choose one, or give the "
            "table to `drives fleet`, which takes each vehicle as a drive."
        )


def _kind(path: Path) -> str:
    """The ending that the file should have, by its first bytes, or else the one that it has."""
    head, ending = first_bytes(path, HEAD_BYTES), inner_ending(path)
    by_begin = ".parquet" if head.startswith(PARQUET) else ".mf4" if head.startswith(MDF) else ""
    if ending == ".dat" and b"\0" not in head:
        return ".txt"
    return by_begin or (".blf" if head.startswith(BLF) else ending)


def _open_folder(path: Path, choices: Choices) -> Source:
    choices.check_used(path)
    return open_folder(path)


def _frames(path: Path, kind: str, choices: Choices) -> Iterable[Frames] | None:
    """The frames of a log of a raw bus; None for any other file."""
    if kind in mdf.ENDINGS:
        return mdf.MdfFrames(path) if mdf.is_raw_bus(path, with_signals=choices.dbc is not None) else None
    if kind in PYTHON_CAN_ENDINGS:
        _check_absolute(path, kind)
        return LogFrames(path, kind)
    if kind == ".parquet":
        return None
    pattern = CAN_TEXT.search(first_bytes(path, HEAD_BYTES))
    if pattern is not None:
        _check_absolute(path, ".asc" if pattern["asc"] else ".log")
        return LogFrames(path, ".asc") if pattern["asc"] else CandumpFrames(path)
    return find_can_table(path)


def _check_absolute(path: Path, kind: str) -> None:
    """Raise ValueError for an ASC log whose times count from the event before: not every event is a frame."""
    if kind == ".asc" and RELATIVE.search(first_bytes(path, HEAD_BYTES)):
        raise ValueError(f"{path} must have absolute timestamps. Got relative ones: export it with absolute ones.")


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


def _open_file(path: Path, kind: str, choices: Choices) -> Source:
    """The source of a file of signals."""
    if kind == ".parquet":
        return _one_vehicle(csv_parquet.ParquetFile(path), choices)
    if kind in mdf.ENDINGS:
        return mdf.MdfFile(path)
    source: Source | None = open_vbo(path) or _open_xml(path, choices) or open_json(path)
    if source is not None:
        return source
    table = csv_parquet.open_csv(path)
    return table if isinstance(table, LongTable) else _one_vehicle(table, choices)


def _open_xml(path: Path, choices: Choices) -> Source | None:
    root = root_of(path)
    if root == "gpx":
        return GpxFile(path)
    if root == "fcd-export":
        return OneVehicle(FcdFile(path), choices.vehicle_id)
    if root:
        refuse_xml(path, root)
    return None


def _one_vehicle(table: csv_parquet.CsvFile | csv_parquet.ParquetFile, choices: Choices) -> Source:
    """The table, or one vehicle of it if a column names the vehicle of each row."""
    column = vehicle_column(list(table.channels()))
    return table if column is None else OneVehicle(as_trajectories(table), choices.vehicle_id)
