"""Recordings in ASAM MDF (MF4, MDF, DAT): decoded channels, or the frames of a raw bus; read slice by slice."""

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy import ndarray

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.can_frames import Frames
from acc_decel.drives.formats.source import Block

if TYPE_CHECKING:
    from asammdf import MDF

ENDINGS = (".mf4", ".mdf", ".dat")
SLICE_RECORDS = 200_000
MAX_PACKED_RATIO = 1_100  # of the size of the records to that of their file: no more can be packed with deflate
VLSD_GROUP = 1  # flag of a group whose sizes mean something else: it holds values of varying length
COMPUTED = (3, 6)  # types of channels of MDF 4 that are in no record: virtual master, virtual data
MIN_BYTES = 168  # identification and header of MDF 3 and 4
HEADER = 64  # [byte] where the header begins
MAX_ADDRESS = 2**62  # no file is longer
CAN_FRAME = "CAN_DataFrame"


@dataclass(frozen=True)
class Links:
    """Where an MDF file keeps addresses, in bytes: each block names the next of its list, and its first part."""

    first: int  # of the first data group in the file
    next: int  # of the next block in a block
    part: int  # of its first part: a group of channels in a data group, a channel in that
    size: int


LINKS = {b"##HD": Links(88, 24, 32, 8), b"HD": Links(68, 4, 8, 4)}  # by how the header of MDF 4 and of MDF 3 begins
LEVELS = 3  # data groups, groups of channels, channels


@dataclass(frozen=True)
class MdfFile:
    """An MDF file with decoded channels."""

    path: Path
    timed = True

    def channels(self) -> dict[str, str]:
        """Channels of numbers with their unit; `name [group]` where a name is not unique."""
        with open_mdf(self.path) as mdf:
            return {name: unit for name, (_, _, unit) in _decoded_channels(mdf).items()}

    def blocks(self, names: Sequence[str], time: Channel | None) -> Iterator[Block]:  # noqa: ARG002 - timed
        """The channels `names`, group by group, slice by slice."""
        with open_mdf(self.path) as mdf:
            channels = _decoded_channels(mdf)
            wanted = {name: channels[name] for name in names if name in channels}
            for group in sorted({g for g, _, _ in wanted.values()}):
                columns = {name: index for name, (g, index, _) in wanted.items() if g == group}
                for first in range(0, _record_count(mdf, group), SLICE_RECORDS):
                    signals = {n: _read_slice(mdf, self.path, group, i, first) for n, i in columns.items()}
                    values = {n: np.where(_is_valid(s), _floats(s.samples), np.nan) for n, s in signals.items()}
                    stamps = next(iter(signals.values())).timestamps
                    if not len(stamps):
                        break  # the group claims more records than the file holds
                    yield Block(str(group), np.asarray(stamps, float), values)


@dataclass(frozen=True)
class MdfFrames:
    """The CAN frames in an MDF file."""

    path: Path

    def __iter__(self) -> Iterator[Frames]:
        """Blocks of frames."""
        with open_mdf(self.path) as mdf:
            for group in can_groups(mdf):
                names = [c.name for c in _groups(mdf)[group].channels]
                own_bus = _bus_of_group(mdf, group)
                for first in range(0, _record_count(mdf, group), SLICE_RECORDS):
                    columns = {
                        part: _read_slice(mdf, self.path, group, names.index(f"{CAN_FRAME}.{part}"), first, raw=True)
                        for part in ("ID", "IDE", "DataBytes", "DataLength", "BusChannel")
                        if f"{CAN_FRAME}.{part}" in names
                    }
                    yield _frames(columns, own_bus)


@contextmanager
def open_mdf(path: Path) -> "Iterator[MDF]":
    """The MDF file, closed at the end. Raises ValueError naming the file if it is incomplete or not an MDF file."""
    from asammdf import MDF  # noqa: PLC0415 - needs the extra [drives]

    if path.stat().st_size < MIN_BYTES:
        raise ValueError(f"{path} must be a whole MDF file. Got {path.stat().st_size} bytes: record or copy it again.")
    with path.open("rb") as file, _quiet_deletion():
        _check_lists(path, file)
        reader: Any = MDF  # the option is missing in its annotation
        mdf, message = None, ""
        try:
            mdf = reader(file, process_bus_logging=False)  # else it reads every frame at once
        except Exception as error:  # asammdf raises many kinds on a broken file
            message = str(error)
        if mdf is None:
            gc.collect()  # deletes the unfinished object now, while its errors are silenced
            raise ValueError(_refusal(path, message))
        try:
            _check_sizes(path, mdf)
            yield mdf
        finally:
            mdf.close()


def _check_lists(path: Path, file: BinaryIO) -> None:
    """Raise ValueError if a list of blocks comes back to one of its own: asammdf follows it without an end."""
    file.seek(HEADER)
    start = file.read(4)
    links = LINKS.get(start) or LINKS.get(start[:2])
    if links is not None:
        heads = [_address(file, links.first, links.size)]
        for _ in range(LEVELS):
            blocks = [block for head in heads for block in _listed(path, file, head, links)]
            heads = [_address(file, block + links.part, links.size) for block in blocks]
    file.seek(0)


def _listed(path: Path, file: BinaryIO, head: int, links: Links) -> list[int]:
    """The addresses of the blocks of a list, from its head."""
    blocks: dict[int, None] = {}
    while head:
        if head in blocks:
            raise ValueError(_refusal(path, f"a list of blocks that comes back to byte {head}"))
        blocks[head] = None
        head = _address(file, head + links.next, links.size)
    return [*blocks]


def _address(file: BinaryIO, place: int, size: int) -> int:
    """The address that the file has there; 0, which means none, beyond its end."""
    file.seek(min(place, MAX_ADDRESS))
    content = file.read(size)
    return int.from_bytes(content, "little") if len(content) == size else 0


def _check_sizes(path: Path, mdf: "MDF") -> None:
    """Raise ValueError if a group claims more than its file can hold, or a channel lies outside of its record.

    Reading the one would take all memory, or no end; the other ends the program inside of asammdf.
    """
    most = MAX_PACKED_RATIO * path.stat().st_size
    for every in _groups(mdf):
        group = every.channel_group
        record_bytes = max(group.samples_byte_nr + getattr(group, "invalidation_bytes_nr", 0), 1)
        outside = [c.name for c in every.channels if _last_bit(c) > 8 * record_bytes]
        if outside and group.cycles_nr:
            raise ValueError(_refusal(path, f"channel {outside[0]!r} outside of its record of {record_bytes} bytes"))
        if not getattr(group, "flags", 0) & VLSD_GROUP and group.cycles_nr * record_bytes > most:
            message = f"{group.cycles_nr} records of {record_bytes} bytes in a file of {path.stat().st_size}"
            raise ValueError(_refusal(path, message))


def _last_bit(channel: Any) -> int:
    """The number of bits of a record up to the end of a channel; 0 for one that is computed."""
    if getattr(channel, "channel_type", 0) in COMPUTED and hasattr(channel, "byte_offset"):
        return 0
    if hasattr(channel, "byte_offset"):
        return int(8 * channel.byte_offset + channel.bit_offset + channel.bit_count)
    return int(8 * getattr(channel, "additional_byte_offset", 0) + channel.start_offset + channel.bit_count)


def can_groups(mdf: "MDF") -> list[int]:
    """Numbers of the groups that hold CAN frames."""
    numbers = []
    for i, group in enumerate(_groups(mdf)):
        names = {c.name for c in group.channels}
        if {f"{CAN_FRAME}.ID", f"{CAN_FRAME}.DataBytes"} <= names and _record_count(mdf, i):
            numbers.append(i)
    return numbers


def is_raw_bus(path: Path, *, with_signals: bool = False) -> bool:
    """Whether the file holds CAN frames and no decoded channel; `with_signals`: CAN frames, whatever else."""
    with open_mdf(path) as mdf:
        return bool(can_groups(mdf)) and (with_signals or not _decoded_channels(mdf))


def _decoded_channels(mdf: "MDF") -> dict[str, tuple[int, int, str]]:
    """Group, index and unit of each decoded channel of numbers, by a name that is unique."""
    channels: list[tuple[str, int, int, str]] = []
    for i, group in enumerate(_groups(mdf)):
        if not _record_count(mdf, i) or any(c.name.startswith(("CAN_", "LIN_")) for c in group.channels):
            continue
        master = mdf.masters_db.get(i)
        channels += [(c.name, i, j, _unit(c)) for j, c in enumerate(group.channels) if j != master]
    names = [name for name, *_ in channels]
    return {name if names.count(name) == 1 else f"{name} [{i}]": (i, j, unit) for name, i, j, unit in channels}


def _unit(channel: Any) -> str:
    conversion = getattr(channel, "conversion", None)
    return str(getattr(channel, "unit", "") or getattr(conversion, "unit", "") or "").strip()


def _groups(mdf: Any) -> list[Any]:
    groups: list[Any] = mdf.groups
    return groups


def _record_count(mdf: "MDF", group: int) -> int:
    return int(_groups(mdf)[group].channel_group.cycles_nr)


def _read_slice(mdf: "MDF", path: Path, group: int, index: int, first: int, *, raw: bool = False) -> Any:
    try:
        return mdf.get(  # with what is invalid: else each channel would have records of its own
            group=group,
            index=index,
            raw=raw,
            record_offset=first,
            record_count=SLICE_RECORDS,
            ignore_invalidation_bits=True,
        )
    except Exception as error:  # asammdf raises many kinds on a broken file
        raise ValueError(_refusal(path, str(error))) from error


def _refusal(path: Path, message: str) -> str:
    sentence = " ".join(message.split())[:200] or "nothing that can be read"
    return (
        f"{path} must be a whole MDF file. Got: {sentence.rstrip('.')}. It may be cut short: record or copy it again."
    )


def _floats(samples: ndarray) -> ndarray:
    if samples.dtype.kind in "biuf" and samples.ndim == 1:
        return samples.astype(float)
    return np.full(len(samples), np.nan)


def _is_valid(signal: Any) -> ndarray:
    """Which samples the file does not mark as invalid."""
    count = len(signal.samples)
    return np.ones(count, bool) if signal.invalidation_bits is None else ~np.asarray(signal.invalidation_bits, bool)


def _bus_of_group(mdf: "MDF", group: int) -> str:
    """What the file calls the bus of a group whose frames do not say it; two groups of one name count as two buses."""
    names = {i: _source_name(_groups(mdf)[i].channel_group) for i in can_groups(mdf)}
    is_shared = list(names.values()).count(names[group]) > 1
    return f"{names[group]} (group {group})".strip() if is_shared or not names[group] else names[group]


def _source_name(channel_group: Any) -> str:
    source = getattr(channel_group, "acq_source", None)
    texts = (getattr(source, "path", ""), getattr(channel_group, "acq_name", ""), getattr(source, "name", ""))
    return next((str(text) for text in texts if text), "")


def _frames(columns: dict[str, Any], own_bus: str) -> Frames:
    data = np.atleast_2d(np.asarray(columns["DataBytes"].samples, np.uint8))
    identifier = columns["ID"].samples.astype(np.int64)
    extended = columns["IDE"].samples.astype(bool) if "IDE" in columns else identifier > 0x7FF
    length = columns["DataLength"].samples if "DataLength" in columns else np.full(len(data), data.shape[1])
    buses: tuple[str, ...] = (own_bus,)
    bus = np.zeros(len(data), np.int64)
    if "BusChannel" in columns:
        numbers, bus = np.unique(columns["BusChannel"].samples, return_inverse=True)
        buses = tuple(str(number) for number in numbers.tolist())
    stamps = columns["ID"].timestamps
    frames = Frames(stamps, identifier & 0x1FFFFFFF, extended, data, np.asarray(length, int), buses, bus)
    valid = np.all([_is_valid(column) for column in columns.values()], axis=0)
    return frames if valid.all() else frames.rows(valid)


@contextmanager
def _quiet_deletion() -> Iterator[None]:
    """Silence what asammdf's destructor prints about an object that it could not finish."""
    before = sys.unraisablehook
    sys.unraisablehook = lambda _: None
    try:
        yield
    finally:
        sys.unraisablehook = before
