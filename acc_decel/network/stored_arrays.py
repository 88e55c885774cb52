"""Arrays in an .npz file, read only after the file has said how large they are: 1 MB can unpack to gigabytes."""

from io import BytesIO
from math import prod
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo
from zlib import error as ZlibError  # noqa: N812 - an exception, named in lower case

import numpy as np
from numpy import ndarray
from numpy.lib import format as npy

MAX_FILE_BYTES = MAX_BYTES = 64 * 2**20  # of the file, and of all arrays in it: a network has 20 kB
MAX_ARRAYS = 1_000
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
KINDS = "iufbU"  # numbers and texts, nothing that would run code


def read_arrays(path: Path, of: str) -> dict[str, ndarray]:
    """The arrays in the .npz file `path`, by name. Raises ValueError, naming what they are `of`, if it is none.

    Sizes are checked before anything is unpacked: those in the zip, and those in the header of each array.
    """
    try:
        if (size := path.stat().st_size) > MAX_FILE_BYTES:
            raise ValueError(f"{size} bytes, more than {MAX_FILE_BYTES}")
        with ZipFile(BytesIO(path.read_bytes())) as file:
            return _unpacked(file)
    except (OSError, ValueError, EOFError, RuntimeError, BadZipFile, ZlibError) as error:
        text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ValueError(f"{path} must be the stored arrays of {of}. Got: {text}. Train it again.") from error


def _unpacked(file: ZipFile) -> dict[str, ndarray]:
    entries = file.infolist()
    names = [entry.filename.removesuffix(".npy") for entry in entries]
    if len(entries) > MAX_ARRAYS:
        raise ValueError(f"{len(entries)} arrays, more than {MAX_ARRAYS}")
    if twice := next((name for i, name in enumerate(names) if name in names[:i]), None):
        raise ValueError(f"{twice} twice")
    if (total := sum(entry.file_size for entry in entries)) > MAX_BYTES:
        raise ValueError(f"arrays of {total} bytes, more than {MAX_BYTES}")
    return {name: _array(file, name, entry) for name, entry in zip(names, entries, strict=True)}


def _array(file: ZipFile, name: str, entry: ZipInfo) -> ndarray:
    """One array, if its header tells of as many bytes as the zip has of it."""
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise ValueError(f"{name} compressed in a way that NumPy does not write")
    content = file.read(entry)
    stream = BytesIO(content)
    try:
        shape, by_column, dtype = HEADERS[npy.read_magic(stream)](stream)
    except (KeyError, ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError(f"{name} without a header of an array ({error})") from error
    if dtype.kind not in KINDS:
        raise ValueError(f"{name} of the type {dtype}")
    count, left = prod(shape), len(content) - stream.tell()
    if min(shape, default=0) < 0 or count * dtype.itemsize != left:
        raise ValueError(f"{name} of the shape {shape} and type {dtype} in {left} bytes")
    array = np.frombuffer(content[stream.tell() :], dtype) if left else np.empty(0, dtype)
    array = array.reshape(shape, order="F" if by_column else "C").copy()
    if dtype.kind == "U":
        array.tolist()  # raises ValueError for a number that is no character
    return array
