"""Constant tables of the generated C: their text, and their bytes on the target for the checksum."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import wrap

import numpy as np
from numpy import ndarray

LARGEST = np.finfo(np.float32).max  # represents infinity, because C has no constant for it


@dataclass(frozen=True)
class Table:
    """A constant array in C. With `remarks`, each row is a struct of type `kind` with its remark as a comment."""

    name: str
    values: ndarray
    shape: str  # what the dimensions are
    kind: str = ""  # type in C; if empty, the type of the values
    remarks: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The definition."""
        kind = self.kind or _KINDS[self.values.dtype]
        dimensions = f"{' x '.join(map(str, self.values.shape))}: {self.shape}"
        return f"/* {dimensions} */\nstatic const {kind} {self.name}[{self._count}] = {{\n{self._rows}\n}};"

    @property
    def content(self) -> bytes:
        """The bytes in the memory of a little-endian core."""
        return self.values.astype(self.values.dtype.newbyteorder("<")).tobytes()  # rows of a struct have no padding

    @property
    def _count(self) -> int:
        return len(self.values) if self.kind else self.values.size

    @property
    def _rows(self) -> str:
        if not self.kind:
            return c_list(c_number(x) for x in self.values.ravel())
        rows = ["{" + ", ".join(map(c_number, row)) + "}" for row in self.values]
        if not self.remarks:
            return c_list(rows)
        return ",\n".join(f"    {row} /* {remark} */" for row, remark in zip(rows, self.remarks, strict=True))


_KINDS = {
    np.dtype(np.float32): "float",
    np.dtype(np.uint32): "uint32_t",
    np.dtype(np.int32): "int32_t",
    np.dtype(np.int16): "int16_t",
    np.dtype(np.uint8): "uint8_t",
}


def rows_of(kinds: str, rows: Sequence[tuple[object, ...]]) -> ndarray:
    """Rows of a struct whose fields have these types."""
    return np.array(list(rows), np.dtype(kinds))


def checksum(tables: Sequence[Table]) -> int:
    """CRC-32 (as in zlib) of the bytes of the tables in the memory of a little-endian core."""
    return zlib.crc32(b"".join(table.content for table in tables))


def checksum_ranges(tables: Sequence[Table], *, name: str, count: str) -> str:
    """The C array `name` of the memory ranges that a checksum covers: one for each table; `count` is its macro."""
    rows = ",\n".join(f"    {{{table.name}, (uint32_t)sizeof({table.name})}}" for table in tables)
    return (
        f"#define {count} {len(tables)}U\n\n"
        f"/* what the checksum covers */\nstatic const acc_decel_memory_range_t {name}[{count}] = {{\n{rows}\n}};"
    )


def c_number(value: float | np.generic | ndarray) -> str:
    """A number as a C constant of its type; several as the initialiser of an array."""
    if isinstance(value, ndarray):
        return "{" + ", ".join(map(c_number, value)) + "}"
    if isinstance(value, np.floating | float):
        return c_float(value)
    return f"{value}U" if isinstance(value, np.unsignedinteger) else str(value)


def c_float(value: float | np.floating) -> str:
    """A float32 as a C constant with the same bits; infinity becomes FLT_MAX, NaN becomes ACC_DECEL_NOT_AVAILABLE."""
    single = np.float32(value)
    if np.isnan(single):
        return "ACC_DECEL_NOT_AVAILABLE"
    if np.isinf(single) or abs(single) == LARGEST:
        return "FLT_MAX" if single > 0 else "-FLT_MAX"
    text = f"{float(single):.9g}"
    return (text if "." in text or "e" in text else f"{text}.0") + "F"


def c_list(values: Iterable[str]) -> str:
    """Values as the indented lines of a C initialiser."""
    lines = wrap(", ".join(values), 110, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"    {line}" for line in lines)


def header(guard: str, includes: Sequence[str], parts: Sequence[str], *, stamp: str) -> str:
    """A header file: `stamp` as its first comment, the guard, the includes, the parts."""
    included = "\n".join(f"#include {name}" for name in includes)
    body = "\n\n".join(parts)
    return f"/* {stamp} */\n#ifndef {guard}\n#define {guard}\n\n{included}\n\n{body}\n\n#endif\n"


def defines(values: dict[str, str]) -> str:
    """Macros of the firmware, one in each line. `values` maps a name without the prefix ACC_DECEL_ to its value."""
    return "\n".join(f"#define ACC_DECEL_{name} {value}" for name, value in values.items())
