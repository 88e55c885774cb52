"""The dataset on disk: Parquet partitions with a JSON manifest. Same seed, same bytes; interrupted, it resumes."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float32, Int64
from numpy import ndarray

from acc_decel.dataset.scenarios import scenarios
from acc_decel.dataset.sensors import sensed
from acc_decel.factors import column_names, described, schema
from acc_decel.files import replaced
from acc_decel.physics import Vehicle, stops

LABELS = ("deceleration", "delay")
MANIFEST = "manifest.json"
PARTITION = 65_536  # events in one file


@dataclass(frozen=True)
class Dataset:
    """Sensed factors and labels of many events, and what they were generated from."""

    columns: Float32[ndarray, "events columns"]
    deceleration: Float32[ndarray, " events"]
    delay: Float32[ndarray, " events"]
    event: Int64[ndarray, " events"]
    manifest: dict[str, Any]


def generate(
    vehicle: Vehicle,
    folder: Path,
    *,
    events: int,
    seed: int = 1,
    partition: int = PARTITION,
    on_events: Callable[[int], None] = lambda _: None,
) -> dict[str, object]:
    """Write `events` simulated and sensed braking events of `vehicle` to `folder`; returns the manifest.

    Partitions that are already there and whole are kept, so an interrupted run resumes. `on_events` is told how many
    events have just been finished. Raises ValueError if the folder holds another dataset.
    """
    if events < 1 or partition < 1:
        raise ValueError(f"events and partition must be at least 1. Got {events} and {partition}.")
    identity = _identity(vehicle, seed, partition)
    _refuse_other(folder, identity)
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for number, first in enumerate(range(0, events, partition)):
        rows = min(partition, events - first)
        path = folder / f"part-{number:05}.parquet"
        if not _whole(path, identity, rows):
            table = events_table(vehicle, seed=seed, first=first, events=rows).replace_schema_metadata(identity)
            with replaced(path) as temporary:
                pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)
        parts.append({"file": path.name, "events": rows, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
        on_events(rows)
    manifest = {**identity, "events": events, "vehicle_file": asdict(vehicle), "parts": parts}
    manifest |= {"factors": described(vehicle.factors), "labels": LABELS}
    with replaced(folder / MANIFEST) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    return manifest


def events_table(vehicle: Vehicle, *, seed: int, first: int, events: int) -> pa.Table:
    """Events `first` to `first + events - 1` as a table: event number, sensed columns, labels."""
    true, latents = scenarios(vehicle.factors, seed=seed, first=first, events=events)
    answer = stops(vehicle, **true, latents=latents)
    seen = sensed(vehicle.factors, true, answer["friction"], seed=seed, first=first)
    table = {"event": np.arange(first, first + events)}
    table |= {name: seen[:, i] for i, name in enumerate(column_names(vehicle.factors))}
    return pa.table(table | {label: answer[label].astype(np.float32) for label in LABELS})


def dataset(folder: Path) -> Dataset:
    """The dataset in `folder`, whole. Raises ValueError naming the file if something is missing, cut or changed."""
    path = folder / MANIFEST
    if not path.is_file():
        raise ValueError(f"{folder} must hold a dataset with a {MANIFEST}. Got none: run `acc-decel generate`.")
    manifest = json.loads(path.read_text())
    if manifest["schema"] != schema():
        raise ValueError(
            f"{folder} was generated for factor schema {manifest['schema']}, this code has {schema()}. "
            "Run `acc-decel generate` into a new folder."
        )
    tables = [_part(folder / part["file"], part) for part in manifest["parts"]]
    table = pa.concat_tables(tables)
    seen = np.stack([table[name].to_numpy() for name in column_names()], axis=1)
    deceleration, delay = (table[label].to_numpy() for label in LABELS)
    if not (np.isfinite(deceleration).all() and np.isfinite(delay).all()):
        raise ValueError(f"{folder}: every label must be a number. Got NaN or infinity: generate the dataset again.")
    return Dataset(seen, deceleration, delay, table["event"].to_numpy(), manifest)


def _part(path: Path, part: dict[str, object]) -> pa.Table:
    if not path.is_file():
        raise ValueError(f"{path} must be there: the manifest names it. Got none: run `acc-decel generate` again.")
    if hashlib.sha256(path.read_bytes()).hexdigest() != part["sha256"]:
        raise ValueError(f"{path} must be as generated. Its bytes have changed: delete it and generate again.")
    return pq.read_table(path)


def _identity(vehicle: Vehicle, seed: int, partition: int) -> dict[str, str]:
    digest = hashlib.sha256(json.dumps(asdict(vehicle), sort_keys=True).encode()).hexdigest()[:16]
    told = {"vehicle": vehicle.name, "vehicle_sha256": digest, "seed": str(seed), "schema": schema()}
    return told | {"partition": str(partition)}


def _refuse_other(folder: Path, identity: dict[str, str]) -> None:
    found = next(iter(sorted(folder.glob("part-*.parquet"))), None)
    if found is None:
        return
    other = _metadata(found)
    for key, value in identity.items():
        if other and other.get(key) != value:
            raise ValueError(
                f"{folder} must be empty or hold the same dataset ({key} {value}). Got {key} {other.get(key)}: "
                "choose another folder or delete it."
            )


def _whole(path: Path, identity: dict[str, str], rows: int) -> bool:
    if not path.is_file() or _metadata(path) != identity:
        return False
    try:
        return pq.read_table(path, page_checksum_verification=True).num_rows == rows
    except (OSError, pa.ArrowInvalid):
        return False


def _metadata(path: Path) -> dict[str, str]:
    try:
        told = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return {}
    return {key.decode(): value.decode() for key, value in told.items()}
