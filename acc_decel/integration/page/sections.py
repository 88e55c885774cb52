"""WebAssembly modules by their sections, so that those of several cars compress well together."""

from collections.abc import Sequence

HEAD_BYTES = 8  # magic number and version
MAGIC = b"\0asm\1\0\0\0"


def sections(module: bytes) -> list[bytes]:
    """The head of a module and each of its sections, as they lie in it: joined, they are the module again.

    The format: WebAssembly Core Specification, 5.5.2. Raises ValueError if it is no module.
    """
    if module[:HEAD_BYTES] != MAGIC:
        raise ValueError(
            f"A WebAssembly module must begin with {MAGIC!r}. Got {module[:HEAD_BYTES]!r}: compile it again."
        )
    parts, place = [module[:HEAD_BYTES]], HEAD_BYTES
    while place < len(module):
        size, begin = _number(module, place + 1)
        parts.append(module[place : begin + size])
        place = begin + size
    if place != len(module):
        raise ValueError(f"A WebAssembly module must end with its last section. Got {place - len(module)} bytes less.")
    return parts


def side_by_side(modules: Sequence[bytes]) -> list[list[bytes]]:
    """For each section the bytes of every module. Raises ValueError if they have not the same sections."""
    split = [sections(module) for module in modules]
    if len({len(parts) for parts in split}) > 1:
        raise ValueError("The modules of a page must have the same sections. Got different numbers: compile all again.")
    return [list(row) for row in zip(*split, strict=True)]


def _number(module: bytes, place: int) -> tuple[int, int]:
    """An unsigned LEB128 number, and where it ends."""
    value = shift = 0
    while place < len(module):
        value |= (module[place] & 0x7F) << shift
        shift, place = shift + 7, place + 1
        if module[place - 1] < 0x80:
            return value, place
    raise ValueError(f"A WebAssembly module must be whole. Got {len(module)} bytes, cut off: compile it again.")
