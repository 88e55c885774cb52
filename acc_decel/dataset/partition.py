"""One file of a dataset: every process on every machine writes the same bytes, all of them or none."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from acc_decel.dataset.events import sensed_events
from acc_decel.dataset.scenarios import Driving
from acc_decel.factors import column_names, schema
from acc_decel.files import atomic_write
from acc_decel.physics import Vehicle

LABELS = ("deceleration", "delay", "lead_deceleration")


@dataclass(frozen=True)
class Plan:
    """A dataset to write to `folder`: `events` events of `vehicle`, in files of `partition` events."""

    vehicle: Vehicle
    folder: Path
    seed: int
    events: int
    partition: int
    driving: Driving | None = None

    @cached_property
    def identity(self) -> dict[str, str]:
        """What a file was generated from, as stored in its Parquet metadata."""
        identity = {
            "vehicle": self.vehicle.name,
            "vehicle_sha256": self.vehicle.digest,
            "seed": str(self.seed),
            "schema": schema(),
            "partition": str(self.partition),
        }
        if self.driving:
            identity["driving_sha256"] = hashlib.sha256(json.dumps(asdict(self.driving)).encode()).hexdigest()[:16]
        return identity

    @property
    def files(self) -> int:
        """Number of files."""
        return -(-self.events // self.partition)

    def file(self, number: int) -> Path:
        """The file of partition `number`."""
        return self.folder / f"part-{number:05}.parquet"

    def rows(self, number: int) -> int:
        """Number of events in partition `number`; the last may have fewer than the others."""
        return min(self.partition, self.events - number * self.partition)


@dataclass(frozen=True)
class WrittenPartition:
    """A partition that is complete in its file."""

    number: int
    file: str
    events: int
    sha256: str


def write_partition(plan: Plan, number: int) -> WrittenPartition:
    """Write partition `number` to its file, unless the file is already there and intact.

    Raises OSError naming the file if it cannot be written; an incomplete file is never left under its name.
    """
    path, rows = plan.file(number), plan.rows(number)
    content = _intact_bytes(path, plan.identity, rows)
    if content is None:
        first = number * plan.partition
        table = events_table(plan.vehicle, seed=plan.seed, first=first, events=rows, driving=plan.driving)
        content = parquet_bytes(table.replace_schema_metadata(plan.identity))
        _write(path, content)
    return WrittenPartition(number, path.name, rows, hashlib.sha256(content).hexdigest())


def events_table(vehicle: Vehicle, *, seed: int, first: int, events: int, driving: Driving | None = None) -> pa.Table:
    """Events `first` to `first + events - 1` as a table: event number, sensed columns, labels."""
    sensed = sensed_events(vehicle, seed=seed, first=first, events=events, driving=driving)
    table = {"event": np.arange(first, first + events)}
    table |= {name: sensed.columns[:, i] for i, name in enumerate(column_names(vehicle.factors))}
    return pa.table(table | {label: sensed.stops[label].astype(np.float32) for label in LABELS})


def parquet_bytes(table: pa.Table) -> bytes:
    """The bytes of a Parquet file, the same for the same table."""
    sink = pa.BufferOutputStream()
    pq.write_table(table.combine_chunks(), sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue().to_pybytes()


def metadata(path: Path) -> dict[str, str]:
    """What a file was generated from, by its own metadata; empty if it cannot be read."""
    try:
        return _metadata_of(pq.read_schema(path))
    except (OSError, ValueError, pa.ArrowException):
        return {}


def _intact_bytes(path: Path, identity: dict[str, str], rows: int) -> bytes | None:
    """The bytes in the file if no bit of them has changed since they were written; else None.

    Page checksums find a changed bit in the data; writing the table again and comparing finds one anywhere else.
    """
    try:
        content = path.read_bytes()
        table = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read()
        intact = _metadata_of(table.schema) == identity and table.num_rows == rows and parquet_bytes(table) == content
    except (OSError, ValueError, pa.ArrowException):
        return None
    return content if intact else None


def _metadata_of(columns: pa.Schema) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in (columns.metadata or {}).items()}


def _write(path: Path, content: bytes) -> None:
    try:
        with atomic_write(path, tidy=False) as temporary:  # `generate` sweeps the folder once
            temporary.write_bytes(content)
    except OSError as error:
        raise OSError(
            f"{path} must be written, {len(content)} bytes. Got: {error.strerror or error}. Free some space or allow "
            "writing there, then run the same command again: finished partitions are kept."
        ) from error
