"""The dataset on disk: Parquet partitions with a JSON manifest. Same seed, same bytes; interrupted, it resumes."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float32, Int64
from numpy import ndarray

from acc_decel.dataset.partition import LABELS, Plan, WrittenPartition, metadata, write_partition
from acc_decel.dataset.scenarios import Driving
from acc_decel.factors import column_names, described, schema
from acc_decel.files import atomic_write
from acc_decel.physics import Vehicle

MANIFEST = "manifest.json"
PARTITION = 65_536  # events in a file
MAX_EVENTS = 2**30  # where SciPy's Sobol sequence ends
MAX_FILES = 100_000  # file names have five digits, and manifest and folder stay small


@dataclass(frozen=True)
class Dataset:
    """Sensed columns and labels of many events, and what they were generated from."""

    columns: Float32[ndarray, "events columns"]
    deceleration: Float32[ndarray, " events"]
    delay: Float32[ndarray, " events"]
    event: Int64[ndarray, " events"]
    manifest: dict[str, Any]

    @property
    def driving(self) -> Driving | None:
        """How the fleet drives, if the events follow that; None if they follow the priors."""
        if "driving_sha256" in self.manifest and "driving" not in self.manifest:
            raise ValueError(
                f"{MANIFEST} must hold how the fleet drives. Got only its hash, from an older version: run the same "
                "`acc-decel generate` again, it keeps the events."
            )
        driving = self.manifest.get("driving")
        if driving is None:
            return None
        return Driving(tuple((name, tuple(values)) for name, values in driving["quantiles"]), driving["uniform"])


def generate(
    vehicle: Vehicle,
    folder: Path,
    *,
    events: int,
    seed: int = 1,
    partition: int = PARTITION,
    scheduler: str | None = None,
    driving: Driving | None = None,
    on_events: Callable[[int], None] = lambda _: None,
) -> dict[str, object]:
    """Write `events` simulated and sensed braking events of `vehicle` to `folder`; returns the manifest.

    Partitions that are already there and intact are kept, so an interrupted run resumes. With the address of a Dask
    `scheduler`, its workers write them; they must see `folder` under the same path, and write the same bytes. `driving`
    replaces the priors of some factors. `on_events` is called with the number of events just finished. Raises
    ValueError if the folder holds another dataset, OSError if a file cannot be written or the cluster fails.
    """
    _check_size(events, partition)
    plan = Plan(vehicle, folder.resolve(), seed, events, partition, driving)
    _refuse_other(plan)
    _delete_partial_files(folder)
    parts: dict[int, WrittenPartition] = {}
    with _open_writers(plan, scheduler) as finished:
        for part in finished:
            parts[part.number] = part
            on_events(part.events)
    _delete_partial_files(folder)
    manifest = _manifest(plan, [parts[number] for number in range(plan.files)])
    with atomic_write(folder / MANIFEST) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    return manifest


def load_dataset(folder: Path) -> Dataset:
    """The complete dataset in `folder`. Raises ValueError naming the file that is missing, truncated or changed."""
    manifest = _read_manifest(folder)
    names, rows = column_names(), sum(part["events"] for part in manifest["parts"])
    columns, labels = np.empty((rows, len(names)), np.float32), np.empty((len(LABELS), rows), np.float32)
    event, stop = np.empty(rows, np.int64), 0
    for part in manifest["parts"]:
        table = _read_part(folder / part["file"], part)
        part_rows = slice(stop, stop := stop + table.num_rows)
        for i, name in enumerate(names):
            columns[part_rows, i] = table[name].to_numpy()
        for label, name in zip(labels, LABELS, strict=True):
            label[part_rows] = table[name].to_numpy()
        event[part_rows] = table["event"].to_numpy()
    if not np.isfinite(labels).all():
        raise ValueError(f"{folder}: every label must be a number. Got NaN or infinity: generate the dataset again.")
    deceleration, delay = labels
    return Dataset(columns, deceleration, delay, event, manifest)


def _check_size(events: int, partition: int) -> None:
    if events < 1 or partition < 1:
        raise ValueError(f"events and partition must be at least 1. Got {events} and {partition}.")
    if events > MAX_EVENTS:
        raise ValueError(f"events must be at most {MAX_EVENTS}: the Sobol sequence ends there. Got {events}.")
    if events > partition * MAX_FILES:
        raise ValueError(
            f"{events} events must fit in {MAX_FILES} files. Got {partition} events in a file: give a partition of at "
            f"least {-(-events // MAX_FILES)}."
        )


def _open_writers(plan: Plan, scheduler: str | None) -> AbstractContextManager[Iterator[WrittenPartition]]:
    """The partitions as they are finished: by this process one by one, its physics on all cores, or by Dask."""
    if scheduler is None:
        return nullcontext(map(partial(write_partition, plan), range(plan.files)))
    from acc_decel.dataset import cluster  # noqa: PLC0415 - only this needs the extra [scale]

    return cluster.open_writers(plan, scheduler)


def _manifest(plan: Plan, parts: list[WrittenPartition]) -> dict[str, object]:
    files = [{"file": part.file, "events": part.events, "sha256": part.sha256} for part in parts]
    manifest = {**plan.identity, "events": plan.events, "vehicle_file": asdict(plan.vehicle), "parts": files}
    if plan.driving:
        manifest["driving"] = asdict(plan.driving)
    return manifest | {"factors": described(plan.vehicle.factors), "labels": LABELS}


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise ValueError(f"{folder} must hold a dataset with a {MANIFEST}. Got none: run `acc-decel generate`.")
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} must be as generated. Got: {error}. Run `acc-decel generate` again.") from error
    if manifest["schema"] != schema():
        raise ValueError(
            f"{folder} was generated for factor schema {manifest['schema']}, this code has {schema()}. "
            "Run `acc-decel generate` into a new folder."
        )
    return manifest


def _read_part(path: Path, part: dict[str, Any]) -> pa.Table:
    if not path.is_file():
        raise ValueError(f"{path} must exist: the manifest lists it. Got none: run `acc-decel generate` again.")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != part["sha256"]:
        raise ValueError(
            f"{path} must be as generated. Its bytes have changed: run `acc-decel generate` again, it replaces this "
            "file and keeps the others."
        )
    return pq.read_table(pa.BufferReader(content))


def _refuse_other(plan: Plan) -> None:
    identities = (metadata(path) for path in sorted(plan.folder.glob("part-*.parquet")))
    other = next((identity for identity in identities if identity), plan.identity)
    for key in {**plan.identity, **other}:
        if other.get(key) != (value := plan.identity.get(key)):
            raise ValueError(
                f"{plan.folder} must be empty or hold the same dataset ({key} {value}). Got {key} {other.get(key)}: "
                "choose another folder or delete it."
            )


def _delete_partial_files(folder: Path) -> None:
    """Delete incomplete files that a killed process has left."""
    for path in folder.glob(".*.partial"):
        path.unlink(missing_ok=True)
