"""Tables of several vehicles: one of them is a recording, and their records are never mixed."""

import math
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.source import ALL_VEHICLES, Block
from acc_decel.drives.formats.text_cells import TextCells

MAX_NAMED = 8  # vehicles in a sentence
BLOCK_ROWS = 50_000  # of one vehicle that are handed on together
VEHICLE_COLUMNS = {
    "vehicleid", "vehid", "vehicleno", "vehiclenumber", "vehiclenr", "carid", "agentid", "fahrzeugid", "vehicle", "veh",
    "car", "carno", "carnumber", "vin", "imei", "deviceid", "trackerid", "assetid", "taxiid", "truckid",
    "plate", "licenseplate", "licenceplate", "numberplate", "registration", "kennzeichen", "fahrzeug", "fahrzeugnr",
    "vehiculo", "vehicule", "matricula", "immatriculation",
}  # fmt: skip
OBJECT_COLUMNS = {"id", "trackid", "objectid"}  # the same in a table of the frames of a camera, ...
FRAME_COLUMNS = {"frame", "frameid"}  # ... which has one of these
RADAR_COLUMNS = {"range", "rangerate", "distance", "dist"}  # ... and none of these: else the objects are targets
EAST, NORTH = ("xvelocity", "vx", "velocityx"), ("yvelocity", "vy", "velocityy")  # of a vehicle over ground
EAST_CHANGE, NORTH_CHANGE = ("xacceleration", "ax", "accelerationx"), ("yacceleration", "ay", "accelerationy")
FCD_TIME = "timestep_time"  # of SUMO's floating car data as a table
FCD_UNITS = {FCD_TIME: "s", "vehicle_speed": "m/s", "vehicle_acceleration": "m/s^2", "vehicle_angle": "deg"}
FRAME_RATE_HZ = 25.0  # of highD and its like, where no file beside the tracks says another
META_FILE = ("tracks", "recordingMeta")  # of highD: the table and what describes it


@runtime_checkable
class VehicleSource(Protocol):
    """A source whose blocks say the vehicle of each record."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def timed(self) -> bool:
        """Whether the format has the time of each record."""

    def channels(self) -> dict[str, str]:
        """Names of the channels with the unit that the file states, "" if none."""

    def vehicle_blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[tuple[Block, ndarray]]:
        """The values of the channels `names`, with the identifier of the vehicle of each record."""


@dataclass(frozen=True)
class OneVehicle:
    """One vehicle of a table. `vehicle_id` None: the only one, and a second one is refused.

    With ALL_VEHICLES each vehicle is a group of its own.
    """

    table: VehicleSource
    vehicle_id: str | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self.table.path

    @property
    def timed(self) -> bool:
        """Whether the format has the time of each record."""
        return self.table.timed

    @property
    def notes(self) -> tuple[str, ...]:
        """What the format makes of its channels, a sentence each."""
        return getattr(self.table, "notes", ())

    def channels(self) -> dict[str, str]:
        """Names of the channels with the unit that the file states, "" if none."""
        return self.table.channels()

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:
        """The values of the channels `names` of the vehicle. Raises ValueError if the table holds none or several."""
        if self.vehicle_id == ALL_VEHICLES:
            for block, vehicle in self.table.vehicle_blocks(names, time):
                yield from _by_vehicle(block, vehicle)
            return
        vehicles: dict[str, None] = {}
        waiting: list[Block] = []
        is_found = False
        for block, vehicle in self.table.vehicle_blocks(names, time):
            codes, texts = pd.factorize(vehicle)
            identifiers = [identifier_text(text) for text in texts]
            vehicles |= dict.fromkeys(text for text in identifiers if text)
            if self.vehicle_id is None and len(vehicles) > 1:
                raise ValueError(self._several(list(vehicles)))
            # where there is but one, rows that do not name it are its own
            wanted = {self.vehicle_id} if self.vehicle_id is not None else {"", *vehicles}
            rows = np.isin(codes, [i for i, text in enumerate(identifiers) if text in wanted])
            rows |= (codes < 0) & ("" in wanted)
            if rows.any() or block.left_out:
                waiting.append(_rows(block, rows))
                is_found |= bool(rows.any())
            if sum(len(part.time) for part in waiting) >= BLOCK_ROWS:
                yield _joined(waiting)
                waiting = []
        if self.vehicle_id is not None and not is_found:
            raise ValueError(
                f"{self.path} must hold the vehicle {self.vehicle_id!r} that --vehicle-id or the description names. "
                f"Got {_listed(list(vehicles))}: choose one of them."
            )
        if waiting:
            yield _joined(waiting)

    def first_vehicles(self, count: int) -> list[str]:
        """The first vehicles of the table, no more than `count`."""
        names = (name for _, vehicle in self.table.vehicle_blocks([], None) for name in pd.unique(vehicle))
        identifiers = (text for text in map(identifier_text, names) if text)
        return list(dict.fromkeys(islice(identifiers, count)))

    def _several(self, vehicles: list[str]) -> str:
        first = vehicles[0]
        return (
            f"{self.path} must hold one vehicle, or say which is meant. Got several in one table: {_listed(vehicles)}. "
            f'Choose one with --vehicle-id {shlex.quote(first)}, or with vehicle_id = "{first}" at the top of the '
            f"description; `drives fleet --vehicle-id {ALL_VEHICLES}` takes each as a drive."
        )


def vehicle_column(names: Sequence[str]) -> str | None:
    """The column that names the vehicle of each row, if there is one."""
    texts = {name: re.sub(r"[^a-z0-9]", "", name.lower()) for name in names}
    own = next((name for name, text in texts.items() if text in VEHICLE_COLUMNS), None)
    is_camera = bool(FRAME_COLUMNS & set(texts.values())) and not RADAR_COLUMNS & set(texts.values())
    if own is None and is_camera:
        return next((name for name, text in texts.items() if text in OBJECT_COLUMNS), None)
    return own


def frame_rate(path: Path) -> float:
    """Frames a second [Hz] of a table of tracks, from the file beside it that describes the recording."""
    meta = path.with_name(path.name.replace(*META_FILE))
    if meta == path or not meta.is_file():
        return FRAME_RATE_HZ
    try:
        rate = float(pd.read_csv(meta)["frameRate"].iloc[0])
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"{meta} must have a column frameRate. Got none that can be read: correct it.") from error
    if not 1 <= rate <= 1000:
        raise ValueError(f"{meta}: frameRate must be 1 to 1000 Hz. Got {rate:g}: correct it.")
    return rate


@dataclass(frozen=True)
class Trajectories:
    """A table of tracks over ground: speed and acceleration along the path from their components, time from frames."""

    table: Any  # a VehicleSource with the components as channels
    components: tuple[str, ...]  # east and north of speed, and of acceleration if there
    frames: str = ""  # the column of the frame, where there is no time
    rate: float = FRAME_RATE_HZ

    @property
    def path(self) -> Path:
        """The file."""
        return self.table.path

    @property
    def timed(self) -> bool:
        """Whether the time follows from the frames."""
        return bool(self.frames)

    @property
    def notes(self) -> tuple[str, ...]:
        """How speed and time come about."""
        notes = [f"speed is that of the components {self.components[0]!r} and {self.components[1]!r}, taken in m/s"]
        return (*notes, f"time is {self.frames!r} at {self.rate:g} Hz") if self.frames else tuple(notes)

    def channels(self) -> dict[str, str]:
        """The channels of the table but the components, with what follows from these."""
        own = {name: unit for name, unit in self.table.channels().items() if name not in self.components}
        derived = {"speed along the path": "m/s"}
        derived |= {"acceleration along the path": "m/s^2"} if len(self.components) > 2 else {}
        return derived | own

    def vehicle_blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[tuple[Block, ndarray]]:
        """The values of the channels `names`, with the identifier of the vehicle of each record."""
        own = [name for name in names if name in self.table.channels()]
        wanted = list(dict.fromkeys([*own, *self.components, *([self.frames] if self.frames else [])]))
        for block, vehicle in self.table.vehicle_blocks(wanted, None if self.frames else time):
            derived = _along_path(*(block.values[name] for name in self.components))
            values = {name: block.values[name] for name in own} | {n: v for n, v in derived.items() if n in names}
            stamps = block.values[self.frames] / self.rate if self.frames else block.time
            yield replace(block, time=stamps, values=values), vehicle


def as_trajectories(table: Any) -> Any:
    """The table, with speed along the path if it has the components of speed over ground."""
    texts = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in table.channels()}
    pairs = [[next((texts[n] for n in names if n in texts), None) for names in pair] for pair in COMPONENTS]
    speeds, changes = pairs
    if None in speeds or any(text in texts for text in ("speed", "lonvelocity", "vel", "velocity")):
        return table
    components = tuple(name for name in [*speeds, *(changes if None not in changes else [])] if name)
    has_time = any("time" in text for text in texts)
    frames = "" if has_time else next((texts[n] for n in ("frame", "frameid") if n in texts), "")
    return Trajectories(table, components, frames, frame_rate(table.path))


COMPONENTS = ((EAST, NORTH), (EAST_CHANGE, NORTH_CHANGE))


def _along_path(*components: ndarray) -> dict[str, ndarray]:
    """Speed [m/s], and acceleration [m/s^2] along the path where its components are there."""
    east, north, *changes = components
    speed = np.hypot(east, north)
    values = {"speed along the path": speed}
    if changes:
        with np.errstate(invalid="ignore", divide="ignore"):
            along = (east * changes[0] + north * changes[1]) / speed
        values["acceleration along the path"] = np.where(speed > 0, along, np.hypot(*changes))
    return values


def identifier_text(value: object) -> str:
    """An identifier as text: a whole number without a point; "" for none."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{int(value)}" if value.is_integer() else f"{value:g}"
    return "" if value is None else str(value).strip()


def _by_vehicle(block: Block, vehicle: ndarray) -> Iterator[Block]:
    """The records of each vehicle as a block of its own, in a group that is called after it."""
    codes, names = pd.factorize(vehicle)
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(len(names) + 1))
    left_out = block.left_out
    for i, name in enumerate(map(identifier_text, names)):
        if name:
            yield replace(_rows(block, order[ends[i] : ends[i + 1]]), group=name, left_out=left_out)
            left_out = 0


def _rows(block: Block, rows: ndarray) -> Block:
    values = {name: column[rows] for name, column in block.values.items()}
    texts = {name: cells.chosen(rows) for name, cells in block.texts.items()}
    return Block(block.group, block.time[rows], values, block.left_out, texts)


def _joined(blocks: list[Block]) -> Block:
    values = {name: np.concatenate([b.values[name] for b in blocks]) for name in blocks[0].values}
    ends = np.cumsum([len(b.time) for b in blocks])
    texts: dict[str, TextCells] = {}
    for name in dict.fromkeys(name for b in blocks for name in b.texts):
        parts = [(b.texts[name], end - len(b.time)) for b, end in zip(blocks, ends, strict=True) if name in b.texts]
        rows, cells = [part.rows + first for part, first in parts], [part.cells for part, _ in parts]
        texts[name] = TextCells(np.concatenate(rows), np.concatenate(cells))
    time = np.concatenate([b.time for b in blocks])
    return Block(blocks[0].group, time, values, sum(b.left_out for b in blocks), texts)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:MAX_NAMED]) + (", ..." if len(names) > MAX_NAMED else "")
