"""golden_vectors.h: the events, distances and corrections that the self-test replays, with their expected bits.

Answers are stored as the bits of floats, and so are the events, because NaN has other bits with every compiler: the
checksum covers all of them.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64, UInt32
from numpy import ndarray

from acc_decel.correction import Correction
from acc_decel.export.c_tables import Table, c_float, c_list, checksum, checksum_ranges, defines, header, rows_of
from acc_decel.export.reference import status_of
from acc_decel.network import DenseNet
from acc_decel.outputs import OUTPUTS, stopping_distance
from acc_decel.status import REFUSED

GOLDEN_TOLERANCE = 1e-4  # [m/s^2], [s], [m]: enough for a compiler that fuses multiply and add; others give equal bits
DISTANCES = ((33.3, 7.5, 0.21), (11.7, 0.45, 0.0), (69.9, 12.3, 0.37), (25.0, 0.0, 0.3), (25.0, -1.0, 0.3))
"""Speed [m/s], deceleration [m/s^2] and delay [s] of the golden distances; the last two never stop."""

CORRECTIONS = (
    (1.0, 0.0, 0.0),
    (0.86, 0.12, 0.25),
    (1.15, -0.3, -0.4),
    (10.0, 20.0, -20.0),  # more than a car can do
    (0.1, -20.0, 20.0),  # the same, the other way
    (0.09, 0.0, 0.0),  # this one and the next ones are not accepted
    (11.0, 0.0, 0.0),
    (0.99, 21.0, 0.0),
    (1.01, -21.0, 0.0),
    (1.02, 0.0, 21.0),
    (1.03, 0.0, -21.0),
    (0.98, 0.1, 0.0),  # of an event that is refused
)
"""Scale, bias and offset of the golden corrections; no scale twice."""


def golden_header(
    net: DenseNet,
    golden: Float32[ndarray, "events columns"],
    outputs: Float32[ndarray, "events outputs"],
    status: Int64[ndarray, " events"],
    checksums: dict[str, int],
    *,
    stamp: str,
) -> str:
    """The text of golden_vectors.h; `checksums` are those of the other tables, `stamp` is its first comment."""
    outputs = np.nan_to_num(outputs)
    corrections, corrected, corrected_status = _corrected(outputs, status)
    tables = [
        Bits("acc_decel_golden_factors", bits(golden), "events x columns", "acc_decel_golden_factors_t"),
        Bits("acc_decel_golden_outputs", bits(outputs), "events x outputs; zeros if refused", _OUTPUTS),
        _Status("acc_decel_golden_status", status.astype(np.uint64), "events", "acc_decel_status_t"),
        Table("acc_decel_golden_distances", _distances(), "distances", "acc_decel_golden_distance_t"),
        Table("acc_decel_golden_corrections", corrections, "corrections", "acc_decel_golden_correction_t"),
        Bits("acc_decel_golden_corrected", bits(corrected), "corrections x outputs; zeros if refused", _OUTPUTS),
        _Status("acc_decel_golden_corrected_status", corrected_status, "corrections", "acc_decel_status_t"),
        Bits("acc_decel_golden_none", bits(np.zeros((1, len(OUTPUTS)), np.float32)), "what is refused", _OUTPUTS),
    ]
    sums = {f"{part}_CHECKSUM": f"{crc}U /* CRC-32 of tables */" for part, crc in checksums.items()}
    no_factors = int(status_of(net, np.full((1, golden.shape[1]), np.nan, np.float32))[0])
    parts = (
        defines(
            {
                "GOLDEN_COUNT": f"{len(golden)}U",
                "GOLDEN_DISTANCE_COUNT": f"{len(DISTANCES)}U",
                "GOLDEN_CORRECTION_COUNT": f"{len(corrections)}U",
                "GOLDEN_NO_FACTORS": f"UINT64_C({no_factors}) /* status if no factor is available */",
                "GOLDEN_TOLERANCE": f"{c_float(GOLDEN_TOLERANCE)} /* [m/s^2], [s], [m] for the expected answers */",
                **sums,
                "GOLDEN_CHECKSUM": f"{checksum(tables)}U /* CRC-32 of the tables below */",
            }
        ),
        _TYPES,
        *(table.text for table in tables),
        checksum_ranges(tables, name="golden_ranges", count="ACC_DECEL_GOLDEN_RANGE_COUNT"),
    )
    includes = ['"acc_decel.h"', '"acc_decel_network.h"', "<stdint.h>"]
    return header("ACC_DECEL_GOLDEN_VECTORS_H", includes, parts, stamp=stamp)


_OUTPUTS = "acc_decel_golden_outputs_t"
_TYPES = """/* An event, as the bits of its floats; golden_vectors.csv has the numbers. */
typedef union {
    uint32_t words[ACC_DECEL_COLUMN_COUNT];
    acc_decel_factors_t factors;
} acc_decel_golden_factors_t;

/* A prediction, and the bits of its floats in the order of the struct. */
typedef union {
    uint32_t words[ACC_DECEL_OUTPUT_COUNT];
    float values[ACC_DECEL_OUTPUT_COUNT];
    acc_decel_prediction_t prediction;
} acc_decel_golden_outputs_t;

typedef struct {
    float speed;
    float deceleration;
    float delay;
    uint32_t distance_bits; /* expected, as the bits of a float */
} acc_decel_golden_distance_t;

typedef struct {
    uint32_t event; /* whose expected outputs are corrected */
    float scale;
    float bias;
    float lower_offset;
} acc_decel_golden_correction_t;"""


@dataclass(frozen=True)
class Bits(Table):
    """Rows of words, each the first member of a union."""

    @property
    def _rows(self) -> str:
        return ",\n".join("    {{\n" + c_list(f"0x{word:08X}U" for word in row) + "\n    }}" for row in self.values)


@dataclass(frozen=True)
class _Status(Table):
    """64-bit numbers."""

    @property
    def _rows(self) -> str:
        return c_list(f"UINT64_C({status})" for status in self.values)


def bits(values: Float32[ndarray, "rows values"]) -> UInt32[ndarray, "rows values"]:
    """The bits of floats; every NaN has the same."""
    return np.where(np.isnan(values), np.float32(np.nan), values).astype(np.float32).view(np.uint32)


def _distances() -> ndarray:
    columns = np.array(DISTANCES, np.float32).T
    return rows_of("f4,f4,f4,u4", list(zip(*columns, stopping_distance(*columns).view(np.uint32), strict=True)))


def _corrected(
    outputs: Float32[ndarray, "events outputs"], status: Int64[ndarray, " events"]
) -> tuple[ndarray, Float32[ndarray, "corrections outputs"], ndarray]:
    """Corrections, each with the place of the event that it corrects, the corrected outputs, and the status."""
    corrected = np.zeros((len(CORRECTIONS), outputs.shape[1]), np.float32)
    corrected_status = np.zeros(len(CORRECTIONS), np.int64)
    places = _corrected_events(status)
    for row, ((scale, bias, offset), event) in enumerate(zip(CORRECTIONS, places, strict=True)):
        own = slice(event, event + 1)
        correction = _accepted(scale, bias, offset)
        if correction is None or status[event] & REFUSED:
            corrected_status[row] = status[event] | REFUSED
        else:
            there = slice(row, row + 1)
            corrected[there], corrected_status[there] = correction.answers(outputs[own], status[own])
    numbers = np.array(CORRECTIONS, np.float32)
    rows = rows_of("u4,f4,f4,f4", list(zip(np.array(places, np.uint32), *numbers.T, strict=True)))
    return rows, corrected, corrected_status.astype(np.uint64)


def _accepted(scale: float, bias: float, offset: float) -> Correction | None:
    """The correction; None if it is beyond its limits."""
    try:
        return Correction(scale, bias, offset)
    except ValueError:
        return None


def _corrected_events(status: Int64[ndarray, " events"]) -> list[int]:
    """The event for each correction: answered ones in turn, and for the last correction one that is refused."""
    refused = status & REFUSED != 0
    answered = np.flatnonzero(~refused) if not refused.all() else np.arange(len(status))
    places = [int(answered[i % len(answered)]) for i in range(len(CORRECTIONS))]
    return [*places[:-1], int(np.flatnonzero(refused)[-1])] if refused.any() else places
