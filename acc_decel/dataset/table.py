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

from acc_decel.dataset.manifest import AGAIN, MANIFEST, MAX_EVENTS, driving_of, read_manifest
from acc_decel.dataset.partition import LABELS, Plan, WrittenPartition, metadata, write_partition
from acc_decel.dataset.scenarios import Driving
from acc_decel.factors import column_names, described, slices
from acc_decel.files import atomic_write, parse_json, read_bounded, sweep
from acc_decel.physics import Vehicle, vehicle_from

PARTITION = 65_536  # events in a file
LABEL_LIMITS = {  # [m/s^2], [s]: wider than any simulated stop
    "deceleration": (-20.0, 20.0),
    "delay": (-10.0, 10.0),
    "lead_deceleration": (-20.0, 20.0),
}
MAX_FILES = 100_000  # file names have five digits, and manifest and folder stay small


@dataclass(frozen=True)
class Dataset:
    """Sensed columns and labels of many events, and what they were generated from."""

    columns: Float32[ndarray, "events columns"]
    deceleration: Float32[ndarray, " events"]
    delay: Float32[ndarray, " events"]
    lead_deceleration: Float32[ndarray, " events"]
    event: Int64[ndarray, " events"]
    manifest: dict[str, Any]

    @property
    def driving(self) -> Driving | None:
        """How the fleet drives, if the events follow that; None if they follow the priors."""
        return driving_of(self.manifest)


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
    _check_size(events, partition, seed)
    plan = Plan(vehicle, folder.resolve(), seed, events, partition, driving)
    _refuse_other(plan)
    sweep(folder)
    parts: dict[int, WrittenPartition] = {}
    with _open_writers(plan, scheduler) as finished:
        for part in finished:
            parts[part.number] = part
            on_events(part.events)
    sweep(folder)
    manifest = _manifest(plan, [parts[number] for number in range(plan.files)])
    with atomic_write(folder / MANIFEST) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    return manifest


def load_dataset(folder: Path) -> Dataset:
    """The complete dataset in `folder`. Raises ValueError naming the file that is missing, truncated or changed."""
    manifest = read_manifest(folder)
    for part in manifest["parts"]:
        _check_rows(folder / part["file"], part)
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
        if (event[part_rows] != np.arange(part_rows.start, part_rows.stop)).any():
            first = part_rows.start
            raise ValueError(
                f"{folder / part['file']} must hold the events {first} to {stop - 1} in order, after those of the "
                f"parts before. Got others, from {event[first]} on: {AGAIN}."
            )
    _check_values(folder, manifest, columns, labels)
    deceleration, delay, lead_deceleration = labels
    return Dataset(columns, deceleration, delay, lead_deceleration, event, manifest)


def _check_values(folder: Path, manifest: dict[str, Any], columns: ndarray, labels: ndarray) -> None:
    """Raise ValueError for a value that `generate` never writes, although the hashes fit: it would be learnt."""
    if not np.isfinite(labels).all():
        raise ValueError(f"{folder}: every label must be a number. Got NaN or infinity: generate the dataset again.")
    for name, values in zip(LABELS, labels, strict=True):
        _check_range(folder, name, values, *LABEL_LIMITS[name])
    factors = vehicle_from(manifest["vehicle_file"]).factors
    for factor, own in zip(factors, slices(factors), strict=True):
        values = columns[:, own]
        if not factor.optional and np.isnan(values.min()):
            raise ValueError(f"{folder}: {factor.name} is required. Got NaN: {AGAIN}.")
        low, high = (0.0, 1.0) if factor.levels else (factor.low, factor.high)
        _check_range(folder, factor.name, values, low, high)


def _check_range(folder: Path, name: str, values: ndarray, low: float, high: float) -> None:
    """Raise ValueError if one of the values is out of range; NaN is passed over."""
    for got in (np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)):
        if got < np.float32(low) or got > np.float32(high):
            raise ValueError(f"{folder}: {name} must be {low:g} to {high:g}. Got {got:g}: {AGAIN}.")


def _check_size(events: int, partition: int, seed: int) -> None:
    if seed < 0:
        raise ValueError(f"seed must be at least 0. Got {seed}: choose another.")
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


def _check_rows(path: Path, part: dict[str, Any]) -> None:
    """Raise ValueError if the file of a part has other columns or another number of events than the manifest says.

    Read from the end of the file, before memory is taken for its events.
    """
    if not path.is_file():
        raise ValueError(f"{path} must exist: the manifest lists it. Got none: {AGAIN}.")
    try:
        described = pq.read_metadata(path)
        columns = set(described.schema.to_arrow_schema().names)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ValueError(
            f"{path} must be as generated. Got no Parquet file ({_first_line(error)}): {AGAIN}."
        ) from error
    if missing := [name for name in ("event", *column_names(), *LABELS) if name not in columns]:
        raise ValueError(f"{path} must have a column {missing[0]}. Got none: {AGAIN}.")
    if described.num_rows != part["events"]:
        raise ValueError(
            f"{path} must hold {part['events']} events, as {MANIFEST} says. Got {described.num_rows}: {AGAIN}."
        )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _read_part(path: Path, part: dict[str, Any]) -> pa.Table:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != part["sha256"]:
        raise ValueError(
            f"{path} must be as generated. Its bytes have changed: run `acc-decel generate` again, it replaces this "
            "file and keeps the others."
        )
    try:
        table = pq.read_table(pa.BufferReader(content))
        for name in (*column_names(), *LABELS, "event"):
            kind = table.schema.field(name).type
            if not (pa.types.is_integer(kind) if name == "event" else pa.types.is_floating(kind)):
                raise ValueError(f"{name} of the type {kind}")
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ValueError(f"{path} must be as generated. Got: {_first_line(error)}. To repair it, {AGAIN}.") from error
    return table


def _refuse_other(plan: Plan) -> None:
    """Raise ValueError if the folder holds another dataset, or a manifest of something else, like a model."""
    found = sorted(plan.folder.glob("part-*.parquet"))
    if led := next((path for path in found if path.is_symlink() and path.resolve().suffix != ".parquet"), None):
        raise ValueError(
            f"{led} must be a file of the dataset. Got a link to {led.resolve()}, which would be replaced: delete the "
            "link."
        )
    identities = [metadata(path) for path in found]
    if (manifest := _manifest_there(plan.folder, whole=not found)) is not None:
        identities.append({key: str(manifest[key]) for key in {*plan.identity, "driving_sha256"} if key in manifest})
    other = next((identity for identity in identities if identity), plan.identity)
    for key in {**plan.identity, **other}:
        if other.get(key) != (value := plan.identity.get(key)):
            raise ValueError(
                f"{plan.folder} must be empty or hold the same dataset ({key} {value}). Got {key} {other.get(key)}: "
                "choose another folder or delete it."
            )


def _manifest_there(folder: Path, *, whole: bool) -> dict[str, Any] | None:
    """The manifest in a folder that a dataset shall be written to; None if there is none, or a damaged one.

    A manifest of something else is refused, and so is a damaged one if it must be `whole`: it may be of anything.
    """
    path = folder / MANIFEST
    if not path.exists():
        return None
    try:
        manifest = parse_json(read_bounded(path))
    except (OSError, ValueError, RecursionError):
        manifest = None
    if isinstance(manifest, dict) and "parts" in manifest:
        return manifest
    if whole or manifest is not None:
        raise ValueError(
            f"{folder} must be empty or hold a dataset. Got a {MANIFEST} of something else: choose another folder."
        )
    return None
