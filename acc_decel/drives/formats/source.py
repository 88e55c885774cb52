"""What each file format provides: the channels of a recording, and their values block by block."""

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from numpy import ndarray

from acc_decel.drives.description import Channel

ALL_VEHICLES = "all"  # in place of the identifier of one vehicle: each is a drive of its own
BLOCK_ROWS = 200_000  # of a table that are read at once


@dataclass(frozen=True)
class Block:
    """Some records of one group of channels: time [s] and values as recorded, one entry for each record."""

    group: str
    time: ndarray
    values: dict[str, ndarray]
    left_out: int = 0  # rows with more fields than the header, whose values may be in wrong columns


@runtime_checkable
class Source(Protocol):
    """A recording that can be read block by block. `timed`: each record has a time; else a channel holds it."""

    @property
    def path(self) -> Path:
        """The file or folder."""

    @property
    def timed(self) -> bool:
        """Whether the format has the time of each record."""

    def channels(self) -> dict[str, str]:
        """Names of the channels with the unit that the file states, "" if none."""

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:
        """The values of the channels `names`."""


@dataclass(frozen=True)
class Choices:
    """What to take from a recording: the database and the bus of a raw log, the vehicle of a table of several."""

    dbc: Path | None = None
    bus: str | None = None
    vehicle_id: str | None = None

    def check_used(self, path: Path, *, is_bus: bool = False, has_vehicles: bool = False) -> None:
        """Raise ValueError for a choice that a recording of this kind cannot follow."""
        if self.dbc is not None and not is_bus:
            raise ValueError(
                f"--dbc decodes the frames of a raw bus. Got {path}, which holds signals: leave --dbc out."
            )
        if self.bus is not None and not is_bus:
            raise ValueError(f"--bus chooses a bus of a raw log. Got {path}, which holds signals: leave --bus out.")
        if self.vehicle_id not in (None, ALL_VEHICLES) and not has_vehicles:
            raise ValueError(
                f"--vehicle-id chooses a vehicle of a table of several. Got {path}, which names none: leave it out."
            )


@dataclass(frozen=True)
class NamedSource:
    """A source whose damage is named: an error of the library that reads it becomes a sentence with its file."""

    source: Source

    @property
    def path(self) -> Path:
        """The file or folder."""
        return self.source.path

    @property
    def timed(self) -> bool:
        """Whether the format has the time of each record."""
        return self.source.timed

    @property
    def dbc(self) -> Path | None:
        """The database that decodes a raw bus; None for any other source."""
        return getattr(self.source, "dbc", None)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the format makes of its channels, a sentence each."""
        with damage_named(self.path):
            return getattr(self.source, "notes", ())

    def channels(self) -> dict[str, str]:
        """Names of the channels with the unit that the file states, "" if none."""
        with damage_named(self.path):
            return self.source.channels()

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:
        """The values of the channels `names`."""
        blocks = self.source.blocks(names, time)
        while True:
            with damage_named(self.path):  # not around the yield, where the errors are those of the reader
                block = next(blocks, None)
            if block is None:
                return
            yield block


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn any error of a library that reads `path` into a ValueError that names it; a sentence that does stays.

    What asammdf prints and logs on the way, like tracebacks of damaged attachments, is left out: the sentence says it.
    """
    log = logging.getLogger("asammdf")
    was_disabled, log.disabled = log.disabled, True
    try:
        with redirect_stdout(io.StringIO()):
            yield
    except ModuleNotFoundError:
        raise  # an extra that is not installed is not a fault of the file
    except Exception as error:  # the libraries raise many kinds on a damaged file
        is_named = isinstance(error, ValueError) and str(path.name) in str(error)
        if is_named or (isinstance(error, OSError) and error.filename):
            raise
        sentence = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise ValueError(
            f"{path} must be a whole recording that can be read to its end. Got: {sentence}. It may be damaged or cut "
            "short: record or copy it again."
        ) from error
    finally:
        log.disabled = was_disabled
