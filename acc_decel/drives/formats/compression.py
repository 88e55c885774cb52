"""Compressed recordings: gzip is unpacked while it is read; other archives are refused with what to do."""

import gzip
from io import BufferedIOBase
from pathlib import Path

GZIP = b"\x1f\x8b"
# fmt: off
ARCHIVES = {  # first bytes of a file, and what it is
    b"PK\x03\x04":            "a ZIP archive or an Excel workbook: unpack it, or save the sheet as CSV",
    b"7z\xbc\xaf\x27\x1c":    "a 7z archive: unpack it",
    b"BZh":                  "a bzip2 archive: unpack it",
    b"\xfd7zXZ\x00":          "an xz archive: unpack it",
    b"\x28\xb5\x2f\xfd":      "a zstd archive: unpack it",
    b"Rar!":                 "a RAR archive: unpack it",
    b"\xd0\xcf\x11\xe0":      "an old Excel workbook: save its sheet as CSV",
    b"\x89HDF":              "an HDF5 file: write its channels as Parquet",
    b"MATLAB":               "a MATLAB file: write its channels as Parquet",
}
# fmt: on
PACKED_ENDINGS = (  # that are read from gzip
    ".csv",
    ".tsv",
    ".txt",
    ".log",
    ".candump",
    ".asc",
    ".trc",
    ".blf",
    ".vbo",
    ".gpx",
    ".xml",
    ".json",
    ".jsonl",
    ".ndjson",
)  # fmt: skip


def is_gzip(path: Path) -> bool:
    """Whether a file begins like gzip."""
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def open_bytes(path: Path) -> BufferedIOBase:
    """The bytes of a file, unpacked if it is gzip."""
    return gzip.GzipFile(path) if is_gzip(path) else path.open("rb")


def first_bytes(path: Path, count: int) -> bytes:
    """The first bytes of a file, unpacked."""
    with open_bytes(path) as file:
        return file.read(count)


def inner_ending(path: Path) -> str:
    """The ending in lower case, that of what is packed for NAME.csv.gz."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else (suffixes or [""])[-1]


def refuse_archive(path: Path) -> None:
    """Raise ValueError for an archive that is not read, with what it is and what to do."""
    with path.open("rb") as file:
        head = file.read(8)
    for begin, what in ARCHIVES.items():
        if head.startswith(begin):
            raise ValueError(f"{path} must be a recording. Got {what}.")
    if head.startswith(GZIP) and inner_ending(path) not in (*PACKED_ENDINGS, ".gz", ""):
        raise ValueError(
            f"{path} must be a recording. Got one packed with gzip, which is read of text and BLF only: unpack it."
        )
