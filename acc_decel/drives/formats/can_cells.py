"""The cells of a table of CAN frames: times, identifiers, flags and bytes, in the ways that loggers write them."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.drives.description import Channel
from acc_decel.drives.formats.columns import seconds
from acc_decel.drives.units import ISO, Unit, unit_named

ByteText = Callable[[str], bytes | None]
IDENTIFIER = re.compile(r"(0x)?([0-9a-f]{1,8})[xh]?", re.IGNORECASE)
HEX_BYTES = re.compile(r"(?:[0-9A-Fa-f]{2}){0,64}")
SEPARATORS = re.compile(r"[\s:_-]+")
NUMPY_NUMBER = re.compile(r"np\.\w+\((.*)\)")  # as NumPy 2 shows a number, and python-can writes it
TRUE = {"1", "true", "t", "yes", "y", "x", "ext", "extended", "xtd", "e"}
EXTENDED_FLAG = 1 << 31  # of an identifier, as SocketCAN writes it


def seconds_of(cells: "pd.Series[str]", unit: Unit) -> ndarray:
    """Times [s] of numbers in `unit`, or of dates and times of day."""
    texts = cells.str.strip().str.replace(",", ".")
    if len(texts) and NUMPY_NUMBER.fullmatch(str(texts.iloc[0])):
        texts = texts.str.replace(NUMPY_NUMBER, r"\1", regex=True)
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(float, na_value=np.nan)
    if not np.isfinite(numbers).any() and texts.str.contains(":", regex=False).any():
        return seconds(texts, Channel("", unit_named(ISO, "time", "")))
    return numbers * unit.size


def identifiers(cells: "pd.Series[str]", base: int) -> tuple[ndarray, ndarray]:
    """The identifier in each cell, -1 where there is none, and whether it can only be an extended one."""
    codes, texts = pd.factorize(cells.str.strip())
    numbers = np.array([_identifier(str(text), base) for text in texts], np.int64)[codes]
    extended = (numbers > 0x7FF) & (numbers >= 0)
    return np.where(numbers >= 0, numbers & ~EXTENDED_FLAG, -1), extended


def possible_bases(cells: Sequence[str], least: float) -> tuple[int, ...]:
    """The bases in which the cells are identifiers, but for a few; a cell with 0x, a letter or a leading 0 is hex."""
    matches = [match for cell in cells if (match := IDENTIFIER.fullmatch(cell))]
    if not matches or len(matches) < least * len(cells):
        return ()
    is_hex = any(m[1] or re.search("[a-fA-F]", m[2]) or (m[2].startswith("0") and len(m[2]) > 1) for m in matches)
    return (16,) if is_hex else (16, 10)


def base_of_bytes(cells: Sequence[str]) -> int | None:
    """The base of cells that hold a byte each; None if they hold other things."""
    texts = {cell for cell in cells if cell}
    if not all(re.fullmatch(r"(0x)?[0-9A-Fa-f]{1,3}", text) for text in texts):
        return None
    return 10 if any(len(t) == 3 and not t.lower().startswith("0x") for t in texts) else 16


def byte_text(cells: Sequence[str], lengths: Sequence[str] | None, least: float) -> ByteText | None:
    """How the data of frames is written: as hexadecimal digits or in base 64; None if it is neither."""
    counts = lengths or [""] * len(cells)
    for text in (hex_text, base64_text):
        parsed = [text(cell) for cell in cells]
        fitting = sum(_is_whole(data, count) for data, count in zip(parsed, counts, strict=True))
        if any(parsed) and fitting >= least * len(cells):
            return text
    return None


def hex_text(cell: str) -> bytes | None:
    """The bytes of hexadecimal digits, with 0x, spaces or dashes or without."""
    digits = SEPARATORS.sub("", cell).removeprefix("0x").removeprefix("0X")
    return bytes.fromhex(digits) if HEX_BYTES.fullmatch(digits) else None


def base64_text(cell: str) -> bytes | None:
    """The bytes of a text in base 64."""
    try:
        return base64.b64decode(cell.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None


def is_true(cells: "pd.Series[str]") -> ndarray:
    """Which cells say yes."""
    return cells.str.strip().str.lower().isin(TRUE).to_numpy(bool)


def _is_whole(data: bytes | None, count: str) -> bool:
    """Whether the data has the bytes that a row counts; a code above 8 is no number of bytes."""
    return data is not None and (not count.isdigit() or int(count) > 8 or len(data) >= int(count))


def _identifier(text: str, base: int) -> int:
    match = IDENTIFIER.fullmatch(text)
    try:
        return int(match[2], 16 if match[1] else base) if match else -1
    except ValueError:
        return -1
