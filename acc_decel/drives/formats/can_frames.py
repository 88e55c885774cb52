"""Frames of a CAN bus as arrays: those of candump, ASC, BLF and TRC, many at a time."""

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy import ndarray

from acc_decel.drives.formats.compression import open_bytes

BLOCK_FRAMES = 200_000
BLOCK_BYTES = 8_000_000  # of a text log
MAX_BYTES = 64  # of the data of a frame
Name = TypeVar("Name", str, bytes)
CANDUMP_FRAME = re.compile(rb"\((\d+\.\d+)\)\s+(\S+)\s+([0-9A-Fa-f]{1,8})#(?:#[0-9A-Fa-f])?([0-9A-Fa-f]{0,128})")
# as candump prints on a terminal: (1.5)  can0  123   [8]  01 02 03 04 05 06 07 08
PRINTED_FRAME = re.compile(
    rb"\((\d+\.\d+)\)\s+(\S+)\s+(?:[TR]X[ BE-]+)?([0-9A-Fa-f]{1,8})\s+\[\d{1,2}\] +((?:[0-9A-Fa-f]{2} ?){0,64})"
)
CANDUMP_LINE = re.compile(rb"#|\(\d+\.\d+\)\s+\S+\s+[0-9A-Fa-f]{1,8}#(R|#?[0-9A-Fa-f]*(\s+[TR])?\s*$)")  # remote, too


@dataclass(frozen=True)
class Frames:
    """CAN frames: time [s], identifier, extended or not, data padded to the longest, and the bus of each."""

    time: ndarray
    identifier: ndarray
    extended: ndarray
    data: ndarray  # frames x bytes
    length: ndarray  # of the data [bytes]
    buses: tuple[str, ...]
    bus: ndarray  # the place of each frame's bus in `buses`

    def rows(self, chosen: ndarray) -> "Frames":
        """The frames that a mask chooses."""
        return Frames(
            self.time[chosen],
            self.identifier[chosen],
            self.extended[chosen],
            self.data[chosen],
            self.length[chosen],
            self.buses,
            self.bus[chosen],
        )


@dataclass(frozen=True)
class CandumpFrames:
    """The frames of a candump log, some megabytes at a time: python-can reads frame by frame, ten times slower."""

    path: Path

    def __iter__(self) -> Iterator[Frames]:
        """Blocks of frames."""
        with open_bytes(self.path) as file:
            rest = b""
            while text := file.read(BLOCK_BYTES):
                lines, _, rest = (rest + text).rpartition(b"\n")
                rest = rest if len(rest) < BLOCK_BYTES else b""  # no line of a log is that long
                yield from _frames_of_lines(lines)
            yield from _frames_of_lines(rest)


@dataclass(frozen=True)
class LogFrames:
    """The frames of an ASC, BLF or TRC log, read by python-can; `kind` is its ending."""

    path: Path
    kind: str

    def __iter__(self) -> Iterator[Frames]:
        """Blocks of frames."""
        import can  # noqa: PLC0415 - needs the extra [drives]

        readers: dict[str, Any] = {".blf": can.BLFReader, ".trc": can.TRCReader}  # they share no class
        first_bus = 0 if self.kind == ".trc" else 1  # python-can counts buses of ASC and BLF from 0, the file from 1
        with open_bytes(self.path) as file:  # a reader that fails while it is made does not close what it opens
            binary: Any = file
            text = binary if self.kind == ".blf" else TextIOWrapper(binary, "utf-8", "replace")
            log = readers.get(self.kind, can.ASCReader)(text)
            rows: list[tuple[float, int, bool, bytes, str]] = []
            for m in log:
                if not (m.is_error_frame or m.is_remote_frame):
                    bus = str(m.channel + first_bus) if isinstance(m.channel, int) else str(m.channel)
                    rows.append((m.timestamp, m.arbitration_id, m.is_extended_id, bytes(m.data), bus))
                if len(rows) == BLOCK_FRAMES:
                    yield _message_frames(rows)
                    rows = []
            if rows:
                yield _message_frames(rows)


def numbered(names: Sequence[Name]) -> tuple[tuple[Name, ...], ndarray]:
    """The different names in the order of their first use, and the place of each entry's name among them."""
    places = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return tuple(places), np.array([places[name] for name in names], np.int64)


def padded_bytes(data: Sequence[bytes]) -> tuple[ndarray, ndarray]:
    """Data of frames as an array, padded to the longest, with the length of each [bytes]."""
    length = np.array([len(d) for d in data], np.int64)
    width = max(int(length.max(initial=0)), 1)
    return np.frombuffer(b"".join(d.ljust(width, b"\0") for d in data), np.uint8).reshape(len(data), width), length


def padded_hex(data: Sequence[bytes]) -> tuple[ndarray, ndarray]:
    """The same of data written as hexadecimal digits; a last odd digit is no byte."""
    length = np.array([len(d) for d in data], np.int64) // 2
    width = max(int(length.max(initial=0)), 1)
    padded = bytes.fromhex(b"".join(d[: 2 * (len(d) // 2)].ljust(2 * width, b"0") for d in data).decode())
    return np.frombuffer(padded, np.uint8).reshape(len(data), width), length


def _frames_of_lines(lines: bytes) -> Iterator[Frames]:
    """The frames of some lines of a candump log; a warning tells of lines that are none."""
    matches = CANDUMP_FRAME.findall(lines) or [
        (time, bus, identifier, data.replace(b" ", b"")) for time, bus, identifier, data in PRINTED_FRAME.findall(lines)
    ]
    if len(matches) != lines.count(b"\n") + bool(lines):
        others = [line for line in map(bytes.strip, lines.split(b"\n")) if line and not CANDUMP_LINE.match(line)]
        if others:
            first = others[0].decode("utf-8", "replace")
            warnings.warn(f"{len(others)} lines are no frame of candump, like {first!r}", UserWarning, stacklevel=2)
    if matches:
        yield _candump_frames(matches)


def _candump_frames(matches: list[tuple[bytes, bytes, bytes, bytes]]) -> Frames:
    times, buses, identifiers, data = zip(*matches, strict=True)
    names, bus = numbered(buses)
    return Frames(
        np.array(times, "S").astype(float),
        np.array([int(i, 16) for i in identifiers], np.int64),
        np.array([len(i) > 3 for i in identifiers]),
        *padded_hex(data),
        tuple(name.decode("utf-8", "replace") for name in names),
        bus,
    )


def _message_frames(rows: list[tuple[float, int, bool, bytes, str]]) -> Frames:
    times, identifiers, extended, data, buses = zip(*rows, strict=True)
    return Frames(
        np.array(times),
        np.array(identifiers, np.int64),
        np.array(extended, bool),
        *padded_bytes(data),
        *numbered(buses),
    )
