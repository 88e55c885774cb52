"""What an ONNX file says of itself, read without the package onnx and before a runtime sees it.

The file is a message of Protocol Buffers: fields with a number and a value. Two fields of the model count here, the
graph and the metadata (`onnx.proto3`: ModelProto, StringStringEntryProto).
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from acc_decel.factors import FACTORS, Factor, schema
from acc_decel.network.dense_net import FORMAT

GRAPH, METADATA = 7, 14  # fields of a ModelProto
KEY, VALUE = 1, 2  # fields of an entry of the metadata
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # kinds of a field
FINGERPRINT = "fingerprint"  # metadata: of the arrays of the network, as `fingerprint()` makes it
LARGEST = 1e6  # end of a range of any factor
GRAPH_DIGEST = "graph_sha256"  # metadata: SHA-256 of the bytes of the graph


@dataclass(frozen=True)
class StoredOnnx:
    """The metadata of an ONNX file and the SHA-256 of its graph."""

    metadata: dict[str, str]
    graph_digest: str


def read_onnx(content: bytes) -> StoredOnnx:
    """What the bytes of an ONNX file say. Raises ValueError if they are none."""
    graphs, metadata = [], {}
    for number, value in _fields(content):
        if number == GRAPH:
            graphs.append(value)
        elif number == METADATA:
            entry = dict(_fields(value))
            if (key := entry.get(KEY, b"").decode()) in metadata:  # readers differ in which one they take
                raise ValueError(f"an ONNX file must have each name once in its metadata. Got {key} twice.")
            metadata[key] = entry.get(VALUE, b"").decode()
    if len(graphs) != 1:
        raise ValueError(f"an ONNX file must hold one graph. Got {len(graphs)}.")
    return StoredOnnx(metadata, hashlib.sha256(graphs[0]).hexdigest())


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of each field of bytes; fields of numbers are passed over."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            _, at = _varint(message, at)
            continue
        if kind == BYTES:
            length, at = _varint(message, at)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise ValueError(f"an ONNX file must hold fields of the kinds 0, 1, 2, 5. Got {kind}.")
        if at + length > len(message):
            raise ValueError(f"an ONNX file must hold whole fields. Got {len(message) - at} bytes of {length}.")
        if kind == BYTES:
            yield number, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, seven bits in a byte, and where it ends."""
    number = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
    raise ValueError("an ONNX file must hold whole numbers of at most 64 bits. Got one that does not end.")


def factors_of(metadata: dict[str, str], path: Path) -> tuple[Factor, ...]:
    """The factors with the ranges and standards that a model was trained for, by the metadata of its ONNX file `path`.

    Raises ValueError if the file is of another factor schema or format, or if an entry is missing or damaged.
    """
    exported_for = metadata.get("schema")
    if exported_for != schema():
        raise ValueError(
            f"{path} must be exported for factor schema {schema()}. "
            f"Got {exported_for or 'no schema: not a model of ours'}. "
            "Train it again with this version: `acc-decel generate`, `acc-decel train`."
        )
    if (number := metadata.get("format", "1")) != str(FORMAT):
        raise ValueError(
            f"{path} must be of format {FORMAT}, which has physics features. Got format {number}: "
            "train it again with this version: `acc-decel train`."
        )
    again = "train it again with `acc-decel train`, or fetch it again"
    try:
        described = json.loads(metadata["factors"])
        values = {str(e["name"]): (e["low"], e["high"], e.get("standard")) for e in described}
        named = [entry["name"] for entry in described] == [factor.name for factor in FACTORS]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        found = f"no {error.args[0]}" if isinstance(error, KeyError) else "something else"
        raise ValueError(
            f"{path} must have name, low and high of every factor in its metadata factors. Got {found}: {again}."
        ) from error
    if not named:
        raise ValueError(f"{path} must have every factor in its metadata factors, in order. Got others: {again}.")
    return tuple(_ranged(factor, *values[factor.name], path, again) for factor in FACTORS)


def _ranged(factor: Factor, low: object, high: object, standard: object, path: Path, again: str) -> Factor:
    """The factor with this range and standard, if it can have them; without a standard it has that of FACTORS."""
    if (
        not (isinstance(low, int | float) and isinstance(high, int | float))
        or bool in (type(low), type(high))
        or not -LARGEST <= low < high <= LARGEST
    ):
        raise ValueError(
            f"{path} must have a range low < high of {factor.name}. Got {_short(low)} to {_short(high)}: {again}."
        )
    ranged = replace(factor, low=low, high=high)
    if standard is None:
        return ranged
    is_number = isinstance(standard, int | float) and not isinstance(standard, bool)
    if not is_number or factor.levels or not low <= float(str(standard)) <= high:
        raise ValueError(
            f"{path} must have a standard of {factor.name} of {ranged.span}, or none. Got {_short(standard)}: {again}."
        )
    return replace(ranged, standard=float(str(standard)))


def _short(value: object) -> str:
    text = str(value) if isinstance(value, str | float) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
