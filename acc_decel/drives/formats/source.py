"""What each file format provides: the channels of a recording, and their values block by block."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol, runtime_checkable

from numpy import ndarray

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.damage import Complaints, damage_named
from acc_decel.drives.formats.text_cells import TextCells

ALL_VEHICLES = "all"  # in place of the identifier of one vehicle: each is a drive of its own
BLOCK_ROWS = 200_000  # of a table that are read at once


@dataclass(frozen=True)
class Block:
    """Some records of one group of channels: time [s] and values as recorded, one entry for each record."""

    group: str
    time: ndarray
    values: dict[str, ndarray]
    left_out: int = 0  # rows with more fields than the header, whose values may be in wrong columns
    texts: dict[str, TextCells] = field(default_factory=dict)  # in place of numbers, by channel


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
    """A source whose damage is named: an error of the library that reads it becomes a sentence with its file.

    `said` is what that library logs and warns while the blocks are read, each time from the first on.
    """

    source: Source
    said: Complaints = field(default_factory=Complaints, compare=False, repr=False)

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
        """What the format makes of its channels, and what its reader said of the blocks read last, a sentence each."""
        with damage_named(self.path):
            return (*getattr(self.source, "notes", ()), *self.said.notes)

    def line_of(self, record: int) -> str:
        """Where a record, counted from 0, stands in the file, in words."""
        line_of: Callable[[int], str] | None = getattr(self.source, "line_of", None)
        return f"record {record + 1}" if line_of is None else line_of(record)

    def channels(self) -> dict[str, str]:
        """Names of the channels with the unit that the file states, "" if none."""
        return dict(self._channels)

    @cached_property
    def _channels(self) -> dict[str, str]:
        with damage_named(self.path):
            return self.source.channels()

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:
        """The values of the channels `names`."""
        blocks = self.source.blocks(names, time)
        self.said.count, self.said.first = 0, ""
        while True:
            with damage_named(self.path, self.said):  # not around the yield, where the errors are those of the reader
                block = next(blocks, None)
            if block is None:
                return
            yield block
