"""Recordings of a raw CAN bus: frames of candump, ASC, BLF or MF4, decoded many at a time with a DBC."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.compression import inner_ending, open_bytes
from acc_decel.drives.formats.source import Block

if TYPE_CHECKING:
    from cantools.database.can import Database, Message
    from cantools.database.can.signal import Signal as CanSignal

ENDINGS = (".log", ".candump", ".asc", ".blf", ".trc")
BLOCK_FRAMES = 200_000
BLOCK_BYTES = 8_000_000  # of a text log
SAMPLED_FRAMES = 1_000_000  # enough to know which messages a log holds
CANDUMP_FRAME = re.compile(rb"\((\d+\.\d+)\)\s+\S+\s+([0-9A-Fa-f]{1,8})#(?:#[0-9A-Fa-f])?([0-9A-Fa-f]{0,128})")
PGN_MASK = 0x3FFFF00  # the part of a J1939 identifier that names the message


@dataclass(frozen=True)
class Frames:
    """CAN frames: time [s], identifier, extended or not, data padded to the longest."""

    time: ndarray
    identifier: ndarray
    extended: ndarray
    data: ndarray  # frames x bytes
    length: ndarray  # of the data [bytes]


@dataclass(frozen=True)
class CanLog:
    """A log of a raw bus with the database that decodes it."""

    path: Path
    dbc: Path
    database: "Database"
    frames: Iterable[Frames]  # can be iterated more than once
    timed = True

    def channels(self) -> dict[str, str]:
        """Signals of the messages that the log holds, with their unit; named `Message.Signal` where ambiguous."""
        recorded = self._recorded_messages()
        if not recorded:
            raise ValueError(
                f"{self.dbc} must describe frames of {self.path}. Got none: its {len(self.database.messages)} "
                "messages have identifiers that the log does not hold. Give the DBC of this bus with --dbc."
            )
        signals = self._signals().items()
        return {name: signal.unit or "" for name, (message, signal) in signals if message.name in recorded}

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:  # noqa: ARG002 - timed
        """The signals `names`, message by message."""
        wanted: dict[str, list[tuple[str, CanSignal]]] = defaultdict(list)
        for name, (message, signal) in self._signals().items():
            if name in names:
                wanted[message.name].append((name, signal))
        messages = {name: self.database.get_message_by_name(name) for name in wanted}
        for frames in self.frames:
            for name, message in messages.items():
                rows = _message_rows(frames, message)
                if rows.any():
                    data, length = frames.data[rows], frames.length[rows]
                    values = {n: decoded_values(s, message, data, length) for n, s in wanted[name]}
                    yield Block(name, frames.time[rows], values)

    def _recorded_messages(self) -> set[str]:
        """Names of the messages of the database that the log holds."""
        recorded: set[str] = set()
        count = 0
        for frames in self.frames:
            count += len(frames.time)
            identifiers = {(int(i), bool(e)) for i, e in set(zip(frames.identifier, frames.extended, strict=True))}
            for message in self.database.messages:
                if message.name not in recorded and any(_is_message(message, i, e) for i, e in identifiers):
                    recorded.add(message.name)
            if len(recorded) == len(self.database.messages) or (recorded and count >= SAMPLED_FRAMES):
                break
        return recorded

    def _signals(self) -> "dict[str, tuple[Message, CanSignal]]":
        """Every signal of the database with its message, by a name that is unique."""
        pairs = [(message, s) for message in self.database.messages for s in message.signals]
        count = Counter(s.name for _, s in pairs)
        return {s.name if count[s.name] == 1 else f"{message.name}.{s.name}": (message, s) for message, s in pairs}


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
                if matches := CANDUMP_FRAME.findall(lines):
                    yield _candump_frames(matches)
            if matches := CANDUMP_FRAME.findall(rest):
                yield _candump_frames(matches)


@dataclass(frozen=True)
class LogFrames:
    """The frames of an ASC, BLF or TRC log, read by python-can."""

    path: Path

    def __iter__(self) -> Iterator[Frames]:
        """Blocks of frames."""
        import can  # noqa: PLC0415 - needs the extra [drives]

        readers: dict[str, Any] = {".blf": can.BLFReader, ".trc": can.TRCReader}  # they share no class
        ending = inner_ending(self.path)
        with open_bytes(self.path) as file:  # a reader that fails while it is made does not close what it opens
            binary: Any = file
            text = binary if ending == ".blf" else TextIOWrapper(binary, "utf-8", "replace")
            log = readers.get(ending, can.ASCReader)(text)
            rows: list[tuple[float, int, bool, bytes]] = []
            for m in log:
                if not (m.is_error_frame or m.is_remote_frame):
                    rows.append((m.timestamp, m.arbitration_id, m.is_extended_id, bytes(m.data)))
                if len(rows) == BLOCK_FRAMES:
                    yield _frames(rows)
                    rows = []
            if rows:
                yield _frames(rows)


def load_database(dbc: Path) -> Any:
    """The CAN database in a DBC file (or ARXML, KCD, SYM). Raises ValueError if the file is not one."""
    import cantools  # noqa: PLC0415

    try:
        database = cantools.database.load_file(dbc, strict=False)
    except OSError:
        raise
    except Exception as error:  # its parsers raise many kinds
        sentence = next(iter(str(error).splitlines()), type(error).__name__)[:200]
        raise ValueError(f"{dbc} must be a CAN database (DBC). Got: {sentence}. Check the file.") from error
    if not getattr(database, "messages", None):
        raise ValueError(f"{dbc} must hold messages with signals. Got none: give the DBC of this bus.")
    return database


def decoded_values(signal: "CanSignal", message: "Message", data: ndarray, length: ndarray) -> ndarray:
    """Physical values of one signal in many frames of its message; NaN where a frame does not hold the signal."""
    bits = np.unpackbits(data, axis=1, bitorder="little")
    positions = _bit_positions(signal)
    complete = length * 8 > positions.max()
    values = np.full(len(data), np.nan)
    signal_bits = bits[:, positions[positions < bits.shape[1]]]
    if signal_bits.shape[1] == len(positions):
        values = _values(signal, signal_bits)
    if signal.multiplexer_ids and signal.multiplexer_signal:
        selector = message.get_signal_by_name(signal.multiplexer_signal)
        complete &= np.isin(_values(selector, bits[:, _bit_positions(selector)], raw=True), signal.multiplexer_ids)
    return np.where(complete, values, np.nan)


def _bit_positions(signal: "CanSignal") -> ndarray:
    """Positions of the signal's bits in the frame, least significant first."""
    if signal.byte_order == "little_endian":
        return np.arange(signal.start, signal.start + signal.length)
    linear = 8 * (signal.start // 8) + 7 - signal.start % 8  # counted from the most significant bit of byte 0
    run = np.arange(linear, linear + signal.length)[::-1]
    return 8 * (run // 8) + 7 - run % 8


def _values(signal: "CanSignal", bits: ndarray, *, raw: bool = False) -> ndarray:
    if signal.is_float:
        packed = np.packbits(bits, axis=1, bitorder="little")
        values = np.ascontiguousarray(packed).view(f"<f{signal.length // 8}")[:, 0].astype(float)
    else:
        weights = 2.0 ** np.arange(signal.length)
        if signal.is_signed:
            weights[-1] = -weights[-1]
        values = bits @ weights
    return values if raw else values * float(signal.scale) + float(signal.offset)


def _is_message(message: "Message", identifier: int, extended: bool) -> bool:
    if message.is_extended_frame != extended:
        return False
    mask = PGN_MASK if message.protocol == "j1939" else -1
    return (message.frame_id & mask) == (identifier & mask)


def _message_rows(frames: Frames, message: "Message") -> ndarray:
    mask = PGN_MASK if message.protocol == "j1939" else 0x1FFFFFFF
    same_identifier = (frames.identifier & mask) == (message.frame_id & mask)
    return same_identifier & (frames.extended == message.is_extended_frame)


def _candump_frames(matches: list[tuple[bytes, bytes, bytes]]) -> Frames:
    times, identifiers, data = zip(*matches, strict=True)
    length = np.array([len(d) for d in data]) // 2
    width = max(int(length.max()), 1)
    padded = bytes.fromhex(b"".join(d[: 2 * (len(d) // 2)].ljust(2 * width, b"0") for d in data).decode())
    return Frames(
        np.array(times, "S").astype(float),
        np.array([int(i, 16) for i in identifiers], np.int64),
        np.array([len(i) > 3 for i in identifiers]),
        np.frombuffer(padded, np.uint8).reshape(len(data), width),
        length,
    )


def _frames(rows: list[tuple[float, int, bool, bytes]]) -> Frames:
    times, identifiers, extended, data = zip(*rows, strict=True)
    length = np.array([len(d) for d in data])
    width = max(int(length.max()), 1)
    padded = np.frombuffer(b"".join(d.ljust(width, b"\0") for d in data), np.uint8).reshape(len(data), width)
    return Frames(np.array(times), np.array(identifiers, np.int64), np.array(extended, bool), padded, length)
