"""The icon: speed over the distance to standstill, with the band between the quantiles; drawn from formulas as PNG."""

import struct
import zlib

import numpy as np
from numpy import ndarray

SIZE = 256  # pixels
FINER = 4  # samples of a pixel, in each direction
TEAL, BAND, WHITE = (0, 105, 92), (128, 203, 196), (255, 255, 255)
CORNER = 0.18  # radius; lengths are parts of the picture
LEFT, RIGHT, TOP, BOTTOM = 0.14, 0.90, 0.20, 0.80
SHORTEST, MEDIAN, LONGEST = 0.45, 0.68, 1.0  # stopping distances


def icon_png() -> bytes:
    """The icon as a PNG file with transparent corners; the same bytes each time."""
    places = (np.arange(SIZE * FINER) + 0.5) / (SIZE * FINER)
    x, y = np.meshgrid(places, places)
    along, height = (x - LEFT) / (RIGHT - LEFT), (BOTTOM - y) / (BOTTOM - TOP)
    is_band = (height <= _speed(along, LONGEST)) & (height >= _speed(along, SHORTEST))
    is_line = np.abs(height - _speed(along, MEDIAN)) < 0.035 * np.hypot(1.0, _slope(along, MEDIAN))
    inside = (along >= 0) & (height >= 0)
    is_axis = ((np.abs(y - BOTTOM) < 0.012) & (x > LEFT) & (x < RIGHT)) | (
        (np.abs(x - LEFT) < 0.012) & (y > TOP - 0.04) & (y < BOTTOM)
    )
    picture = np.empty((*x.shape, 4))
    picture[:] = (*TEAL, 255)
    picture[is_band & inside] = (*BAND, 255)
    picture[(is_line & inside & (along <= MEDIAN)) | is_axis] = (*WHITE, 255)
    picture[~_rounded(x, y)] = (*TEAL, 0)
    finer = picture.reshape(SIZE, FINER, SIZE, FINER, 4).mean(axis=(1, 3))
    return _png(np.rint(finer).astype(np.uint8))


def _speed(along: ndarray, distance: float) -> ndarray:
    """The speed of a constant braking that stops after the distance, from 1 at the start."""
    return np.sqrt(np.clip(1 - along / distance, 0, None))


def _slope(along: ndarray, distance: float) -> ndarray:
    return 0.5 / distance / np.maximum(_speed(along, distance), 0.2)


def _rounded(x: ndarray, y: ndarray) -> ndarray:
    """Where the square with rounded corners is."""
    beyond = [np.maximum(np.abs(v - 0.5) - (0.5 - CORNER), 0) for v in (x, y)]
    return np.hypot(*beyond) <= CORNER


def _png(pixels: ndarray) -> bytes:
    """A PNG file of rows x columns x (red, green, blue, alpha)."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
