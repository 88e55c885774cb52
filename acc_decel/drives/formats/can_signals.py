"""What the frames of a CAN message mean: its signals, decoded in many frames at a time with a database."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from acc_decel.drives.formats.can_frames import Frames

if TYPE_CHECKING:
    from cantools.database.can import Message
    from cantools.database.can.signal import Signal as CanSignal

MIN_CODED_BITS, CODED_FROM = (
    8,
    254 / 256,
)  # of signals whose last values are codes, and from which share of the values on
PGN_MASK = 0x3FFFF00  # the part of a J1939 identifier that names the message, ...
SOURCE_MASK = 0xFF  # ... and the part that names who sends it


def load_database(dbc: Path) -> Any:
    """The CAN database in a DBC file (or ARXML, KCD, SYM). Raises ValueError if the file is not one."""
    import cantools  # noqa: PLC0415 - needs the extra [drives]

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


def frame_bits(data: ndarray) -> ndarray:
    """The bits of many frames, those of a byte from the least significant on."""
    return np.unpackbits(data, axis=1, bitorder="little")


def decoded_values(signal: "CanSignal", message: "Message", bits: ndarray, length: ndarray) -> ndarray:
    """Physical values of one signal in many frames of its message; NaN where a frame does not hold the signal.

    A frame holds it if it is long enough, and if each multiplexer above it has a value that chooses it.
    """
    is_held = _is_long_enough(signal, length)
    for chosen, selector in _multiplexers(signal, message):
        is_held &= _is_long_enough(selector, length)
        is_held &= np.isin(_values(selector, bits, raw=True), chosen.multiplexer_ids or ())
    return np.where(is_held, _values(signal, bits), np.nan)


def is_code(signal: "CanSignal", value: ndarray) -> ndarray:
    """Which values mean an error or no value, as 0xFFFF and 0xFE00 do: above the stated maximum, and the last of all.

    A signal with a sign, or without a stated maximum, has no such values.
    """
    low, high = signal.minimum, signal.maximum
    has_codes = not signal.is_float and not signal.is_signed and signal.length >= MIN_CODED_BITS and signal.scale > 0
    if not has_codes or high is None or (low is not None and high <= low):
        return np.zeros(len(value), bool)
    first = CODED_FROM * 2.0**signal.length * float(signal.scale) + float(signal.offset)
    return (value >= first) & (value > float(high))


def is_message(message: "Message", identifier: int, extended: bool) -> bool:
    """Whether a frame with this identifier is the message."""
    if message.is_extended_frame != extended:
        return False
    mask = PGN_MASK if has_sources(message) else -1
    return (message.frame_id & mask) == (identifier & mask)


def message_rows(frames: Frames, message: "Message", source: int | None = None) -> ndarray:
    """Which of the frames are the message, as a mask; with `source`, those that this address sent."""
    mask = PGN_MASK if has_sources(message) else 0x1FFFFFFF
    same_identifier = (frames.identifier & mask) == (message.frame_id & mask)
    chosen = same_identifier & (frames.extended == message.is_extended_frame)
    return chosen if source is None else chosen & ((frames.identifier & SOURCE_MASK) == source)


def has_sources(message: "Message") -> bool:
    """Whether several control units may send the message, each with its address in the identifier."""
    return bool(message.protocol == "j1939")


def _multiplexers(signal: "CanSignal", message: "Message") -> "Iterator[tuple[CanSignal, CanSignal]]":
    """The signal with its multiplexer, this with its own, and so on; an endless circle is followed once."""
    followed: set[str] = set()
    while signal.multiplexer_signal and signal.name not in followed:
        followed.add(signal.name)
        selector = message.get_signal_by_name(signal.multiplexer_signal)
        yield signal, selector
        signal = selector


def _is_long_enough(signal: "CanSignal", length: ndarray) -> ndarray:
    return length * 8 > _bit_positions(signal).max()


def _bit_positions(signal: "CanSignal") -> ndarray:
    """Positions of the signal's bits in the frame, least significant first."""
    if signal.byte_order == "little_endian":
        return np.arange(signal.start, signal.start + signal.length)
    linear = 8 * (signal.start // 8) + 7 - signal.start % 8  # counted from the most significant bit of byte 0
    run = np.arange(linear, linear + signal.length)[::-1]
    return 8 * (run // 8) + 7 - run % 8


def _values(signal: "CanSignal", bits: ndarray, *, raw: bool = False) -> ndarray:
    """Values of the signal, physical or raw; NaN where no frame is long enough for it."""
    positions = _bit_positions(signal)
    if positions.max() >= bits.shape[1]:
        return np.full(len(bits), np.nan)
    signal_bits = bits[:, positions]
    if signal.is_float:
        packed = np.packbits(signal_bits, axis=1, bitorder="little")
        values = np.ascontiguousarray(packed).view(f"<f{signal.length // 8}")[:, 0].astype(float)
    else:
        weights = 2.0 ** np.arange(signal.length)
        if signal.is_signed:
            weights[-1] = -weights[-1]
        values = signal_bits @ weights
    return values if raw else values * float(signal.scale) + float(signal.offset)
