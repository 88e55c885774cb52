"""Recordings of a raw CAN bus: the signals of its frames, which are those of one bus and never of two."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy import ndarray

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.can_frames import Frames
from acc_decel.drives.formats.can_signals import (
    SOURCE_MASK,
    decoded_values,
    frame_bits,
    has_sources,
    is_code,
    is_message,
    message_rows,
)
from acc_decel.drives.formats.source import Block

if TYPE_CHECKING:
    from cantools.database.can import Database, Message
    from cantools.database.can.signal import Signal as CanSignal

SAMPLED_FRAMES = 1_000_000  # enough to know which messages a log holds, ...
SAMPLED_FRAMES_COMPLETE = 200_000  # ... and on which buses, where each message of the database is found
EXTENDED = 1 << 31  # marks an extended identifier in a DBC
MAX_NAMED = 8  # messages and buses in a sentence
BUS_WORD = re.compile(r"^(can|channel|bus)[\s_-]*(?=\d+$)")


@dataclass(frozen=True)
class Recorded:
    """What a log holds: its buses, and for each message of the database those that have it, and who sends it."""

    buses: tuple[str, ...]
    messages: dict[str, tuple[str, ...]]
    sources: dict[str, frozenset[int]]


@dataclass(frozen=True)
class CanLog:
    """A log of a raw bus with the database that decodes it. `bus` is the one that is read; None: the only one."""

    path: Path
    dbc: Path
    database: "Database"
    frames: Iterable[Frames]  # can be iterated more than once
    bus: str | None = None
    timed = True

    def channels(self) -> dict[str, str]:
        """Signals of the messages that the log holds, with their unit; named `Message.Signal` where ambiguous."""
        self._check_bus()
        if not self.recorded.messages:
            where = f" on bus {self.bus}" if self.bus is not None else ""
            raise ValueError(
                f"{self.dbc} must describe frames of {self.path}{where}. Got none: its {len(self.database.messages)} "
                "messages have identifiers that the log does not hold. Give the DBC of this bus with --dbc."
            )
        signals = self._signals().items()
        return {n: signal.unit or "" for n, (message, signal) in signals if message.name in self.recorded.messages}

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:  # noqa: ARG002 - timed
        """The signals `names`, message by message. Raises ValueError if one of them comes from several buses."""
        self._check_bus()
        wanted: dict[str, list[tuple[str, CanSignal]]] = defaultdict(list)
        for name, (message, signal) in self._signals().items():
            if name in names:
                wanted[message.name].append((name, signal))
        buses = {name: dict.fromkeys(self.recorded.messages.get(name, ())) for name in wanted}
        self._check_one_bus(buses)
        messages = {name: self.database.get_message_by_name(name) for name in wanted}
        sources = {name: self._source(message) for name, message in messages.items()}
        for frames in map(self._chosen, self.frames):
            for name, signals in wanted.items():
                message = messages[name]
                of_message = frames.rows(message_rows(frames, message, sources[name]))
                if len(of_message.time):
                    buses[name] |= dict.fromkeys(_buses(of_message))
                    self._check_one_bus(buses)
                    bits, length = frame_bits(of_message.data), of_message.length
                    values = {n: decoded_values(s, message, bits, length) for n, s in signals}
                    known = {n: np.where(is_code(s, values[n]), np.nan, values[n]) for n, s in signals}
                    yield Block(name, of_message.time, known)

    def _source(self, message: "Message") -> int | None:
        """The address whose frames of a message are read, that in the database before others; None: any.

        Raises ValueError if several others send it.
        """
        sources = self.recorded.sources.get(message.name, frozenset())
        own = message.frame_id & SOURCE_MASK
        if not has_sources(message) or not sources or own in sources:
            return own if has_sources(message) and own in sources else None
        if len(sources) > 1:
            named = ", ".join(f"0x{source:02X}" for source in sorted(sources)[:MAX_NAMED])
            one = (message.frame_id & ~SOURCE_MASK) | min(sources)
            raise ValueError(
                f"{self.path} must have each message from one source, or the database must say which is meant. Got "
                f"{message.name} from the addresses {named}: their frames are not mixed. Write the identifier of one, "
                f"like {one | EXTENDED}, in place of {message.frame_id | EXTENDED} into a copy of {self.dbc}."
            )
        return next(iter(sources))

    @cached_property
    def recorded(self) -> Recorded:
        """What the log holds, by its first frames."""
        buses: dict[str, None] = {}
        messages: dict[str, dict[str, None]] = defaultdict(dict)
        sources: dict[str, set[int]] = defaultdict(set)
        count = 0
        known: set[tuple[int, bool, str]] = set()
        for every in self.frames:
            buses |= dict.fromkeys(every.buses)
            frames = self._chosen(every)
            count += len(every.time)
            for key in set(_keys(frames)) - known:
                known.add(key)
                identifier, extended, bus = key
                for message in self.database.messages:
                    if is_message(message, identifier, extended):
                        messages[message.name][bus] = None
                        sources[message.name].add(identifier & SOURCE_MASK)
            is_complete = len(messages) == len(self.database.messages)
            if messages and count >= (SAMPLED_FRAMES_COMPLETE if is_complete else SAMPLED_FRAMES):
                break
        found_sources = {name: frozenset(found) for name, found in sources.items()}
        found_buses = {name: tuple(sorted(found)) for name, found in messages.items()}
        return Recorded(tuple(sorted(buses)), found_buses, found_sources)

    def _chosen(self, frames: Frames) -> Frames:
        """The frames of the bus that is read."""
        if self.bus is None:
            return frames
        places = [i for i, name in enumerate(frames.buses) if is_bus(self.bus, name)]
        return frames.rows(np.isin(frames.bus, places))

    def _check_bus(self) -> None:
        """Raise ValueError if the log does not hold the bus that is to be read."""
        buses = self.recorded.buses
        if self.bus is not None and buses and not any(is_bus(self.bus, name) for name in buses):
            raise ValueError(
                f"{self.path} must hold the bus {self.bus!r} that --bus or the description names. "
                f"Got {_listed(buses)}: choose one of them."
            )

    def _check_one_bus(self, buses: dict[str, dict[str, None]]) -> None:
        """Raise ValueError if a message is on several buses, which are those of each message in `buses`."""
        mixed = {name: sorted(found) for name, found in buses.items() if len(found) > 1}
        if mixed:
            holds = "; ".join(f"{name} on {', '.join(found)}" for name, found in list(mixed.items())[:MAX_NAMED])
            first = next(iter(mixed.values()))[0]
            raise ValueError(
                f"{self.path} must hold each message on one bus, or say which bus is meant. Got {holds}: their frames "
                f'are not mixed. Choose one with --bus {first}, or with bus = "{first}" at the top of the description.'
            )

    def _signals(self) -> "dict[str, tuple[Message, CanSignal]]":
        """Every signal of the database with its message, by a name that is unique."""
        pairs = [(message, s) for message in self.database.messages for s in message.signals]
        count = Counter(s.name for _, s in pairs)
        return {s.name if count[s.name] == 1 else f"{message.name}.{s.name}": (message, s) for message, s in pairs}


def is_bus(asked: str, name: str) -> bool:
    """Whether a person who asks for `asked` means the bus `name`: CAN 1, can1 and 1 are the same."""
    first, second = (BUS_WORD.sub("", text.strip().casefold()) for text in (asked, name))
    return first == second


def _buses(frames: Frames) -> list[str]:
    """Names of the buses on which the frames are."""
    return [frames.buses[i] for i in np.unique(frames.bus).tolist()]


def _keys(frames: Frames) -> list[tuple[int, bool, str]]:
    """The different identifiers, extended or not, with their bus."""
    keys = (frames.bus << 33) | (frames.extended.astype(np.int64) << 32) | (frames.identifier & 0xFFFFFFFF)
    unique: ndarray = np.unique(keys)
    return [(key & 0xFFFFFFFF, bool(key >> 32 & 1), frames.buses[key >> 33]) for key in unique.tolist()]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:MAX_NAMED]) + (", ..." if len(names) > MAX_NAMED else "")
