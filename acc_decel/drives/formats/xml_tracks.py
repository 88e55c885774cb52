"""Recordings in XML: tracks of GPX, and SUMO's floating car data of several vehicles; read element by element."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, iterparse

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.columns import seconds
from acc_decel.drives.formats.compression import first_bytes, open_bytes
from acc_decel.drives.formats.source import Block
from acc_decel.drives.units import ISO, unit_named

BLOCK_RECORDS = 50_000
FIRST_RECORDS = 1_000  # that show which channels there are
EARTH_RADIUS_M = 6_371_009.0  # mean radius (WGS 84, IUGG)
MAX_SPEED_NOISE_MPS = 0.5  # of a speed that follows from positions: with more, noise looks like braking
FROM_POSITIONS = "speed from positions"
GPX_UNITS = {"latitude": "deg", "longitude": "deg", "elevation": "m", "speed": "m/s", FROM_POSITIONS: "m/s"}
FCD_UNITS = {"speed": "m/s", "acceleration": "m/s^2", "x": "m", "y": "m", "angle": "deg", "pos": "m", "slope": "deg"}


@dataclass(frozen=True)
class GpxFile:
    """The points of all tracks of a GPX file; without speeds in it, speed follows from the positions."""

    path: Path
    timed: bool = field(default=True, init=False)

    @property
    def notes(self) -> tuple[str, ...]:
        """How speed comes about where the file has none."""
        if "speed" in self.channels():
            return ()
        return ("the file holds no speed: it follows from the positions, whose noise blurs each braking",)

    def channels(self) -> dict[str, str]:
        """Position, and elevation and speed if the first points have them."""
        names = {name for point in islice(self._points(), FIRST_RECORDS) for name in point if name != "time"}
        names |= set() if "speed" in names else {FROM_POSITIONS}
        return {name: unit for name, unit in GPX_UNITS.items() if name in names}

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:  # noqa: ARG002 - timed
        """The channels `names`; a speed from positions is that half way between two points."""
        points = self._points()
        while records := list(islice(points, BLOCK_RECORDS)):
            table = pd.DataFrame(records, columns=["time", *GPX_UNITS])
            stamps = seconds(table["time"].astype(str), Channel("time", unit_named(ISO, "time", "")))
            values = {name: table[name].to_numpy(float, na_value=np.nan) for name in names if name != FROM_POSITIONS}
            if values or not names:
                yield Block("points", stamps, values)
            if FROM_POSITIONS in names:
                between, speed = _speed_from_positions(self.path, stamps, table)
                yield Block("positions", between, {FROM_POSITIONS: speed})

    def _points(self) -> Iterator[dict[str, float | str]]:
        for element in _elements(self.path, "trkpt"):
            point: dict[str, float | str] = {
                "latitude": _number(element.get("lat")),
                "longitude": _number(element.get("lon")),
            }
            for part in element.iter():
                match _tag(part):
                    case "time":
                        point["time"] = (part.text or "").strip()
                    case "ele":
                        point["elevation"] = _number(part.text)
                    case "speed":
                        point["speed"] = _number(part.text)
            yield point


@dataclass(frozen=True)
class FcdFile:
    """SUMO's floating car data in XML."""

    path: Path
    timed: bool = field(default=True, init=False)

    def channels(self) -> dict[str, str]:
        """The attributes of the vehicles that are numbers."""
        first = islice(self._records(), FIRST_RECORDS)
        names = {name for _, vehicle in first for name in vehicle.keys()}  # noqa: SIM118 - an element is no dict
        return {name: unit for name, unit in FCD_UNITS.items() if name in names}

    def vehicle_blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[tuple[Block, ndarray]]:  # noqa: ARG002 - timed
        """The values of the channels `names`, with the identifier of the vehicle of each record."""
        records = ((t, v.get("id", ""), [_number(v.get(name)) for name in names]) for t, v in self._records())
        while rows := list(islice(records, BLOCK_RECORDS)):
            times, vehicles, values = zip(*rows, strict=True)
            columns = np.array(values, float).reshape(len(rows), len(names))
            block = Block("", np.array(times, float), {name: columns[:, i] for i, name in enumerate(names)})
            yield block, np.array(vehicles, object)

    def _records(self) -> Iterator[tuple[float, Element]]:
        for step in _elements(self.path, "timestep"):
            stamp = _number(step.get("time"))
            for vehicle in step:
                if _tag(vehicle) == "vehicle":
                    yield stamp, vehicle


def root_of(path: Path) -> str:
    """The tag of the first element of an XML file, "" for a file that is none."""
    head = first_bytes(path, 4_000).lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head.startswith(b"<"):
        return ""
    with open_bytes(path) as file:
        try:
            return next((_tag(element) for _, element in iterparse(file, ("start",))), "")
        except ParseError:
            return "XML that is damaged"


def _elements(path: Path, tag: str) -> Iterator[Element]:
    """The elements of this tag, whole, one at a time: what was read is forgotten."""
    with open_bytes(path) as file:
        parents: list[Element] = []
        try:
            for event, element in iterparse(file, ("start", "end")):
                if event == "start":
                    parents.append(element)
                    continue
                parents.pop()
                if _tag(element) == tag:
                    yield element
                if parents and (_tag(element) == tag or not any(_tag(parent) == tag for parent in parents)):
                    parents[-1].remove(element)
        except ParseError as error:
            raise ValueError(f"{path} must be whole XML. Got: {error}. Record or copy it again.") from error


def _tag(element: Element) -> str:
    return element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return np.nan


def _speed_from_positions(path: Path, stamps: ndarray, table: pd.DataFrame) -> tuple[ndarray, ndarray]:
    """Times half way between the points [s] and speeds [m/s]. Raises ValueError if noise hides the speed."""
    latitude, longitude = (np.radians(table[name].to_numpy(float)) for name in ("latitude", "longitude"))
    north = np.diff(latitude)
    east = (np.diff(longitude) + np.pi) % (2 * np.pi) - np.pi
    distance = EARTH_RADIUS_M * np.hypot(north, east * np.cos((latitude[1:] + latitude[:-1]) / 2))
    steps = np.diff(stamps)
    with np.errstate(invalid="ignore", divide="ignore"):
        speed = np.where(steps > 0, distance / steps, np.nan)
    bends = np.abs(np.diff(speed, 2))
    noise = float(np.nanmedian(bends)) / (0.6745 * np.sqrt(6)) if np.isfinite(bends).any() else 0.0
    if noise > MAX_SPEED_NOISE_MPS:
        raise ValueError(
            f"{path} must hold speeds, or positions that show them within {MAX_SPEED_NOISE_MPS:g} m/s. Got none, and "
            f"positions with {noise:.2f} m/s of noise: record with speed, as GPX 1.0 or the extension of Garmin has it."
        )
    return (stamps[1:] + stamps[:-1]) / 2, speed
