"""Recordings of a raw CAN bus: frames out of candump, ASC, BLF or MF4, decoded many at once with a DBC."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.source import Block

if TYPE_CHECKING:
    from cantools.database.can import Database, Message
    from cantools.database.can.signal import Signal as BusSignal

LOGS = (".log", ".candump", ".asc", ".blf", ".trc")
FRAMES = 200_000  # of one block
TEXT_BYTES = 8_000_000
LOOKED_AT = 1_000_000  # frames that tell which messages a log holds
CANDUMP_FRAME = re.compile(rb"\((\d+\.\d+)\)\s+\S+\s+([0-9A-Fa-f]+)#(?:#[0-9A-Fa-f])?([0-9A-Fa-f]*)")
PGN = 0x3FFFF00  # the part of a J1939 identifier that names the message


@dataclass(frozen=True)
class Frames:
    """CAN frames: time [s], identifier, extended or not, data padded to the longest."""

    time: ndarray
    identifier: ndarray
    extended: ndarray
    data: ndarray  # frames x bytes
    length: ndarray


@dataclass(frozen=True)
class BusLog:
    """A log of a raw bus with the database that decodes it."""

    path: Path
    dbc: Path
    database: "Database"
    frames: Iterable[Frames]  # can be gone through again and again
    timed = True

    def channels(self) -> dict[str, str]:
        """Signals of the messages that the log holds, with their unit; named `Message.Signal` where ambiguous."""
        seen = self._messages_seen()
        if not seen:
            raise ValueError(
                f"{self.dbc} must describe frames of {self.path}. Got none: its {len(self.database.messages)} "
                "messages have identifiers that the log does not hold. Give the DBC of this bus with --dbc."
            )
        named = self._named()
        return {name: s.unit or "" for name, (message, s) in named.items() if message.name in seen}

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:  # noqa: ARG002 - timed
        """The signals `names`, message by message."""
        wanted: dict[str, list[tuple[str, BusSignal]]] = defaultdict(list)
        for name, (message, bus_signal) in self._named().items():
            if name in names:
                wanted[message.name].append((name, bus_signal))
        messages = {name: self.database.get_message_by_name(name) for name in wanted}
        for frames in self.frames:
            for name, message in messages.items():
                rows = _of_message(frames, message)
                if rows.any():
                    data, length = frames.data[rows], frames.length[rows]
                    values = {n: decoded(s, message, data, length) for n, s in wanted[name]}
                    yield Block(name, frames.time[rows], values)

    def _messages_seen(self) -> set[str]:
        seen: set[str] = set()
        looked_at = 0
        for frames in self.frames:
            looked_at += len(frames.time)
            present = {(int(i), bool(e)) for i, e in set(zip(frames.identifier, frames.extended, strict=True))}
            for message in self.database.messages:
                if message.name not in seen and any(_is_message(message, i, e) for i, e in present):
                    seen.add(message.name)
            if len(seen) == len(self.database.messages) or (seen and looked_at >= LOOKED_AT):
                break
        return seen

    def _named(self) -> "dict[str, tuple[Message, BusSignal]]":
        pairs = [(message, s) for message in self.database.messages for s in message.signals]
        often: dict[str, int] = defaultdict(int)
        for _, s in pairs:
            often[s.name] += 1
        return {s.name if often[s.name] == 1 else f"{message.name}.{s.name}": (message, s) for message, s in pairs}


@dataclass(frozen=True)
class CandumpFrames:
    """The frames of a candump log, some megabytes at once: python-can goes frame by frame, a tenth as fast."""

    path: Path

    def __iter__(self) -> Iterator[Frames]:
        """Blocks of frames."""
        with self.path.open("rb") as file:
            rest = b""
            while text := file.read(TEXT_BYTES):
                whole, _, rest = (rest + text).rpartition(b"\n")
                if told := CANDUMP_FRAME.findall(whole):
                    yield _candump(told)
            if told := CANDUMP_FRAME.findall(rest):
                yield _candump(told)


@dataclass(frozen=True)
class LogFrames:
    """The frames of an ASC, BLF or TRC log, read by python-can."""

    path: Path

    def __iter__(self) -> Iterator[Frames]:
        """Blocks of frames."""
        import can  # noqa: PLC0415 - the extra [drives] is asked for only here

        with can.LogReader(self.path) as log:
            rows: list[tuple[float, int, bool, bytes]] = []
            for m in log:
                if not (m.is_error_frame or m.is_remote_frame):
                    rows.append((m.timestamp, m.arbitration_id, m.is_extended_id, bytes(m.data)))
                if len(rows) == FRAMES:
                    yield _frames(rows)
                    rows = []
            if rows:
                yield _frames(rows)


def database(dbc: Path) -> Any:
    """The CAN database in a DBC file (or ARXML, KCD, SYM). Raises ValueError if it is none."""
    import cantools  # noqa: PLC0415

    try:
        found = cantools.database.load_file(dbc, strict=False)
    except OSError:
        raise
    except Exception as error:  # its parsers raise many kinds
        sentence = str(error).splitlines()[0][:200]
        raise ValueError(f"{dbc} must be a CAN database (DBC). Got: {sentence}. Check the file.") from error
    if not getattr(found, "messages", None):
        raise ValueError(f"{dbc} must hold messages with signals. Got none: give the DBC of this bus.")
    return found


def decoded(signal: "BusSignal", message: "Message", data: ndarray, length: ndarray) -> ndarray:
    """Physical values of one signal in many frames of its message; NaN where a frame does not hold the signal."""
    bits = np.unpackbits(data, axis=1, bitorder="little")
    places = _places(signal)
    whole = length * 8 > places.max()
    values = np.full(len(data), np.nan)
    inside = bits[:, places[places < bits.shape[1]]]
    if inside.shape[1] == len(places):
        values = _number(signal, inside)
    if signal.multiplexer_ids and signal.multiplexer_signal:
        selector = message.get_signal_by_name(signal.multiplexer_signal)
        whole &= np.isin(_number(selector, bits[:, _places(selector)], raw=True), signal.multiplexer_ids)
    return np.where(whole, values, np.nan)


def _places(signal: "BusSignal") -> ndarray:
    """Positions of the signal's bits in the frame, least significant first."""
    if signal.byte_order == "little_endian":
        return np.arange(signal.start, signal.start + signal.length)
    linear = 8 * (signal.start // 8) + 7 - signal.start % 8  # counted from the most significant bit of byte 0
    run = np.arange(linear, linear + signal.length)[::-1]
    return 8 * (run // 8) + 7 - run % 8


def _number(signal: "BusSignal", bits: ndarray, *, raw: bool = False) -> ndarray:
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
    mask = PGN if message.protocol == "j1939" else -1
    return (message.frame_id & mask) == (identifier & mask)


def _of_message(frames: Frames, message: "Message") -> ndarray:
    mask = PGN if message.protocol == "j1939" else 0x1FFFFFFF
    same = (frames.identifier & mask) == (message.frame_id & mask)
    return same & (frames.extended == message.is_extended_frame)


def _candump(told: list[tuple[bytes, bytes, bytes]]) -> Frames:
    times, identifiers, data = zip(*told, strict=True)
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
