"""What each file format provides: the channels of a recording, and their values block by block."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from numpy import ndarray

from acc_decel.drives.description import Channel


@dataclass(frozen=True)
class Block:
    """Some records of one group of channels: time [s] and values as recorded, one entry for each record."""

    group: str
    time: ndarray
    values: dict[str, ndarray]


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
