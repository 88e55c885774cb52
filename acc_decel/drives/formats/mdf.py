"""Recordings in ASAM MDF (MF4, MDF, DAT): decoded channels, or the frames of a raw bus; read slice by slice."""

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.can_log import Frames
from acc_decel.drives.formats.source import Block

if TYPE_CHECKING:
    from asammdf import MDF

ENDINGS = (".mf4", ".mdf", ".dat")
RECORDS = 200_000  # of one slice
SMALLEST = 168  # bytes: identification and header of MDF 3 and 4
BUS_FRAME = "CAN_DataFrame"


@dataclass(frozen=True)
class Measurement:
    """An MDF file with decoded channels."""

    path: Path
    timed = True

    def channels(self) -> dict[str, str]:
        """Channels of numbers with their unit; `name [group]` where a name is not unique."""
        with opened(self.path) as mdf:
            return {name: told[2] for name, told in _places(mdf).items()}

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:  # noqa: ARG002 - timed
        """The channels `names`, group by group, slice by slice."""
        with opened(self.path) as mdf:
            places = _places(mdf)
            wanted = {name: places[name] for name in names if name in places}
            for group in sorted({place[0] for place in wanted.values()}):
                columns = {name: index for name, (g, index, _) in wanted.items() if g == group}
                for first in range(0, _cycles(mdf, group), RECORDS):
                    signals = {n: _slice(mdf, self.path, group, i, first) for n, i in columns.items()}
                    values = {n: _floats(s.samples) for n, s in signals.items()}
                    stamps = next(iter(signals.values())).timestamps
                    yield Block(str(group), np.asarray(stamps, float), values)


@dataclass(frozen=True)
class MeasurementFrames:
    """The CAN frames in an MDF file."""

    path: Path

    def __iter__(self) -> Iterator[Frames]:
        """Blocks of frames."""
        with opened(self.path) as mdf:
            for group in bus_groups(mdf):
                names = [c.name for c in _groups(mdf)[group].channels]
                for first in range(0, _cycles(mdf, group), RECORDS):
                    columns = {
                        part: _slice(mdf, self.path, group, names.index(f"{BUS_FRAME}.{part}"), first, raw=True)
                        for part in ("ID", "IDE", "DataBytes", "DataLength")
                        if f"{BUS_FRAME}.{part}" in names
                    }
                    yield _frames(columns)


@contextmanager
def opened(path: Path) -> "Iterator[MDF]":
    """The MDF file, closed at the end. Raises ValueError naming the file if it is cut short or no MDF."""
    from asammdf import MDF  # noqa: PLC0415 - the extra [drives] is asked for only here

    if path.stat().st_size < SMALLEST:
        raise ValueError(f"{path} must be a whole MDF file. Got {path.stat().st_size} bytes: record or copy it again.")
    with path.open("rb") as file, _quiet_deletion():
        reader: Any = MDF  # its annotation lacks the option
        mdf, told = None, ""
        try:
            mdf = reader(file, process_bus_logging=False)  # else it reads every frame at once
        except Exception as error:  # asammdf raises many kinds on a broken file
            told = str(error)
        if mdf is None:
            gc.collect()  # what asammdf left half-made goes now, and quietly
            raise ValueError(_broken(path, told))
        try:
            yield mdf
        finally:
            mdf.close()


def bus_groups(mdf: "MDF") -> list[int]:
    """Numbers of the groups that hold CAN frames."""
    found = []
    for i, group in enumerate(_groups(mdf)):
        names = {c.name for c in group.channels}
        if {f"{BUS_FRAME}.ID", f"{BUS_FRAME}.DataBytes"} <= names and _cycles(mdf, i):
            found.append(i)
    return found


def is_raw_bus(path: Path) -> bool:
    """Whether the file holds CAN frames and no decoded channel."""
    with opened(path) as mdf:
        return bool(bus_groups(mdf)) and not _places(mdf)


def _places(mdf: "MDF") -> dict[str, tuple[int, int, str]]:
    """Group, index and unit of each decoded channel of numbers, by a name that is unique."""
    found: list[tuple[str, int, int, str]] = []
    for i, group in enumerate(_groups(mdf)):
        if not _cycles(mdf, i) or any(c.name.startswith(("CAN_", "LIN_")) for c in group.channels):
            continue
        master = mdf.masters_db.get(i)
        found += [(c.name, i, j, _unit(c)) for j, c in enumerate(group.channels) if j != master]
    names = [name for name, *_ in found]
    return {name if names.count(name) == 1 else f"{name} [{i}]": (i, j, unit) for name, i, j, unit in found}


def _unit(channel: Any) -> str:
    conversion = getattr(channel, "conversion", None)
    return str(getattr(channel, "unit", "") or getattr(conversion, "unit", "") or "").strip()


def _groups(mdf: Any) -> list[Any]:
    found: list[Any] = mdf.groups
    return found


def _cycles(mdf: "MDF", group: int) -> int:
    return int(_groups(mdf)[group].channel_group.cycles_nr)


def _slice(mdf: "MDF", path: Path, group: int, index: int, first: int, *, raw: bool = False) -> Any:
    try:
        return mdf.get(group=group, index=index, raw=raw, record_offset=first, record_count=RECORDS)
    except Exception as error:  # asammdf raises many kinds on a broken file
        raise ValueError(_broken(path, str(error))) from error


def _broken(path: Path, told: str) -> str:
    sentence = " ".join(told.split())[:200] or "nothing that can be read"
    return (
        f"{path} must be a whole MDF file. Got: {sentence.rstrip('.')}. It may be cut short: record or copy it again."
    )


def _floats(samples: ndarray) -> ndarray:
    if samples.dtype.kind in "biuf" and samples.ndim == 1:
        return samples.astype(float)
    return np.full(len(samples), np.nan)


def _frames(columns: dict[str, Any]) -> Frames:
    data = np.atleast_2d(np.asarray(columns["DataBytes"].samples, np.uint8))
    identifier = columns["ID"].samples.astype(np.int64)
    extended = columns["IDE"].samples.astype(bool) if "IDE" in columns else identifier > 0x7FF
    length = columns["DataLength"].samples if "DataLength" in columns else np.full(len(data), data.shape[1])
    return Frames(columns["ID"].timestamps, identifier & 0x1FFFFFFF, extended, data, np.asarray(length, int))


@contextmanager
def _quiet_deletion() -> Iterator[None]:
    """Keep quiet what asammdf's destructor says of an object that it could not finish."""
    before = sys.unraisablehook
    sys.unraisablehook = lambda _: None
    try:
        yield
    finally:
        sys.unraisablehook = before
