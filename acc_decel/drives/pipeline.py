"""From a file to its braking events in one call: proposed or given mapping, cleaning, smoothing, events."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from acc_decel.drives.channel_mapping import proposed, used
from acc_decel.drives.cleaning import Clean, clean
from acc_decel.drives.description import Description, read_description
from acc_decel.drives.events import THRESHOLD, events_of
from acc_decel.drives.radar_tracks import Targets, targets
from acc_decel.drives.reading import read, source
from acc_decel.drives.smoothing import Motion, motion

Told = Callable[[int], None]


@dataclass(frozen=True)
class Found:
    """Braking events of one recording, and what they were found from. `notes` says what was assumed."""

    file: str
    events: pd.DataFrame
    clean: Clean
    pieces: tuple[Motion, ...]
    description: Description
    notes: tuple[str, ...]

    @property
    def dropped(self) -> dict[str, int]:
        """Records dropped, by reason."""
        off = sum(piece.outliers for piece in self.pieces)
        return self.clean.dropped | ({"off the trend": off} if off else {})

    @property
    def dropped_frames(self) -> int:
        """Records of which something was dropped."""
        return min(self.clean.dropped_frames + sum(piece.outliers for piece in self.pieces), self.clean.frames)

    @property
    def hours(self) -> float:
        """Duration of the recording."""
        return (self.clean.end - self.clean.start) / 3600


def found(
    path: Path,
    *,
    description: Path | None = None,
    dbc: Path | None = None,
    threshold: float = THRESHOLD,
    on_records: Told = lambda _: None,
) -> Found:
    """The braking events in a recording.

    Channels are mapped by the `description`, or by FILE.toml beside FILE, or else as `inspect` proposes. Raises
    ValueError naming the file, what was expected, what came and what to do.
    """
    told, notes = mapping(path, description, dbc)
    drive = read(path, told, on_records)
    cleaned = clean(drive)
    pieces = motion(cleaned)
    if not pieces:
        raise ValueError(f"{path} must hold a second of speed without a gap. Got only single records: record longer.")
    return Found(str(path), events_of(pieces, cleaned, threshold=threshold), cleaned, tuple(pieces), told, notes)


def found_targets(
    path: Path,
    *,
    description: Path | None = None,
    dbc: Path | None = None,
    threshold: float = THRESHOLD,
    on_records: Told = lambda _: None,
) -> Targets:
    """The braking events of the cars ahead that the radar of a recording saw; see `found`."""
    told, _ = mapping(path, description, dbc)
    return targets(read(path, told, on_records), threshold=threshold)


def mapping(path: Path, description: Path | None, dbc: Path | None) -> tuple[Description, tuple[str, ...]]:
    """How to read a recording, and what is to be said about it."""
    notes = []
    beside = path.with_suffix(".toml")
    if description is None and path.is_file() and beside.is_file():
        description = beside
        notes.append(f"channels as {beside} describes them")
    if description is not None:
        told = read_description(description)
        return (replace(told, dbc=dbc) if dbc else told), tuple(notes)
    opened = source(path, dbc)
    proposal = proposed(opened)
    taken = getattr(opened, "dbc", None)
    if taken is not None and dbc is None:
        notes.append(f"decoded with {taken}, the only DBC beside it")
    return used(proposal, opened), (*notes, *proposal.notes)
