"""From a file to its braking events in one call: channel mapping, reading, cleaning, smoothing, events."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from acc_decel.drives.accelerometer_alone import NO_ACCELERATION_PIECE, motion_without_speed
from acc_decel.drives.accelerometer_axis import NO_SPEED_NOTE
from acc_decel.drives.braking_end import sign_doubt
from acc_decel.drives.channel_mapping import accept, propose_mapping
from acc_decel.drives.cleaning import CleanDrive, clean_drive
from acc_decel.drives.description import Description, read_description
from acc_decel.drives.events import THRESHOLD, check_threshold, events_of, rate_notes
from acc_decel.drives.formats.opening import check_one_vehicle, open_source
from acc_decel.drives.formats.source import ALL_VEHICLES, Choices
from acc_decel.drives.formats.vehicles import OneVehicle
from acc_decel.drives.radar_tracks import TargetEvents, target_events
from acc_decel.drives.reading import Drive, read_drive, read_vehicles
from acc_decel.drives.smoothing import NO_PIECE, Motion, estimate_motion
from acc_decel.drives.speed_doubt import speed_doubt

MAX_TRIED = 8  # vehicles of a table of which one must show how to read it
MIN_TOLD_LAG_S = 0.005  # a smaller one reads as 0.00 s
OnRecords = Callable[[int], None]  # gets the number of records that have just been read


@dataclass(frozen=True)
class DriveEvents:
    """Braking events of one recording, and the data in which they were found.

    `assumed` says how channels were understood, `notes` that and everything else that was odd about the recording.
    """

    file: str
    events: pd.DataFrame
    clean: CleanDrive
    pieces: tuple[Motion, ...]
    description: Description
    assumed: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed, what is wrong with the clock, and what was dropped and aligned, a sentence each."""
        notes = [*dict.fromkeys((*self.assumed, *(() if self.clean.has_speed else (NO_SPEED_NOTE,))))]
        notes += [*self.clean.notes, *((self.clean.sign_doubt,) if self.clean.sign_doubt else ())]
        if self.dropped:
            parts = ", ".join(f"{count} {reason}" for reason, count in self.dropped.items())
            notes.append(f"dropped {self.dropped_frames} of {self.clean.frames} frames: {parts}")
        if abs(self.clean.lag) >= MIN_TOLD_LAG_S:
            order = "behind" if self.clean.lag > 0 else "ahead of"
            notes.append(f"speed is {abs(self.clean.lag):.2f} s {order} acceleration and was aligned")
        doubt = speed_doubt(self.pieces)
        return (*notes, *rate_notes(self.clean), *((doubt,) if doubt else ()))

    @property
    def dropped(self) -> dict[str, int]:
        """Number of records dropped, by reason."""
        outliers = sum(piece.outliers for piece in self.pieces)
        return self.clean.dropped | ({"off the trend": outliers} if outliers else {})

    @property
    def dropped_frames(self) -> int:
        """Number of records of which at least one value was dropped."""
        return min(self.clean.dropped_frames + sum(piece.outliers for piece in self.pieces), self.clean.frames)

    @property
    def hours(self) -> float:
        """Duration of the recording without gaps."""
        return self.clean.recorded / 3600

    @property
    def hardest_deceleration(self) -> float:
        """The hardest deceleration of the whole recording, in an event or not [m/s^2]."""
        return max(float(-piece.acceleration.min()) for piece in self.pieces)


def find_events(
    path: Path,
    *,
    description_file: Path | None = None,
    dbc: Path | None = None,
    bus: str | None = None,
    vehicle_id: str | None = None,
    threshold: float = THRESHOLD,
    on_records: OnRecords = lambda _: None,
) -> DriveEvents:
    """The braking events in a recording.

    Channels are mapped by `description_file`, or by FILE.toml next to FILE, or else as `inspect` proposes. `dbc` and
    `bus` say how to read a raw log, `vehicle_id` which vehicle of a table of several. Raises ValueError naming the
    file, what was expected, what came and what to do.
    """
    check_threshold(threshold)
    description, notes = choose_description(path, description_file, Choices(dbc, bus, vehicle_id))
    return _drive_events(read_drive(path, description, on_records), notes, threshold)


def find_vehicle_events(
    path: Path, *, description_file: Path | None = None, threshold: float = THRESHOLD
) -> Iterator[tuple[str, DriveEvents | str]]:
    """The braking events of each vehicle of a table, or why it has none; the table is read once.

    Channels are mapped as in `find_events`, for the first vehicle of which that is possible. Raises ValueError as
    `find_events` where it is possible for none of the first, and where the table cannot be read.
    """
    check_threshold(threshold)
    description, notes = _description_of_vehicles(path, description_file)
    for vehicle, drive in read_vehicles(path, description).items():
        try:
            yield vehicle, _drive_events(drive, notes, threshold)
        except ValueError as error:  # one vehicle of many may stand still, or be seen for a moment
            yield vehicle, str(error)


def _drive_events(drive: Drive, notes: tuple[str, ...], threshold: float) -> DriveEvents:
    clean = clean_drive(drive)
    pieces = estimate_motion(clean) if clean.has_speed else motion_without_speed(clean)
    if not pieces:
        raise ValueError(f"{drive.path} {NO_PIECE if clean.has_speed else NO_ACCELERATION_PIECE}")
    if not clean.has_speed:
        clean = replace(clean, sign_doubt=sign_doubt(pieces, drive.description.channels["acceleration"]))
    events = events_of(pieces, clean, threshold=threshold)
    return DriveEvents(str(drive.path), events, clean, tuple(pieces), drive.description, notes)


def _description_of_vehicles(path: Path, description_file: Path | None) -> tuple[Description, tuple[str, ...]]:
    """How to read a table of vehicles: as described, or else as proposed for the first one that drives."""
    source = open_source(path, Choices(vehicle_id=ALL_VEHICLES)).source
    vehicles = source.first_vehicles(MAX_TRIED) if isinstance(source, OneVehicle) else []
    errors = []
    for vehicle in vehicles:
        try:
            return choose_description(path, description_file, Choices(vehicle_id=vehicle))
        except ValueError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    raise ValueError(f"{path} must be a table of vehicles. Got no identifier of one: leave --vehicle-id out.")


def find_target_events(
    path: Path,
    *,
    description_file: Path | None = None,
    dbc: Path | None = None,
    bus: str | None = None,
    vehicle_id: str | None = None,
    threshold: float = THRESHOLD,
    on_records: OnRecords = lambda _: None,
) -> TargetEvents:
    """The braking events of the cars ahead, from the radar of a recording; arguments and errors as `find_events`."""
    check_threshold(threshold)
    description, _ = choose_description(path, description_file, Choices(dbc, bus, vehicle_id))
    return target_events(read_drive(path, description, on_records), threshold=threshold)


def choose_description(
    path: Path, description_file: Path | None, choices: Choices
) -> tuple[Description, tuple[str, ...]]:
    """How to read a recording, and notes on what was assumed; `choices` go before those of the description."""
    notes = []
    check_one_vehicle(path, choices)
    if description_file is None and path.is_file() and path.with_suffix(".toml").is_file():
        description_file = path.with_suffix(".toml")
        notes.append(f"channels as described in {description_file}")
    if description_file is not None:
        description = with_choices(read_description(description_file), choices)
        check_one_vehicle(path, Choices(description.dbc, vehicle_id=description.vehicle_id))
        return description, tuple(notes)
    source = open_source(path, choices)
    proposal = propose_mapping(source)
    if source.dbc is not None and choices.dbc is None:
        notes.append(f"decoded with {source.dbc}, the only DBC in its folder")
    return with_choices(accept(proposal, source), choices), (*notes, *proposal.notes)


def with_choices(description: Description, choices: Choices) -> Description:
    """The description with what was chosen in place of its own."""
    chosen = {name: value for name, value in vars(choices).items() if value is not None}
    return replace(description, **chosen)
