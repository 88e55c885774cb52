"""The manifest of a dataset: what it was generated from and the hash of each file. Checked before anything is read."""

import json
import re
from pathlib import Path
from typing import Any

from acc_decel.dataset.scenarios import Driving
from acc_decel.factors import schema
from acc_decel.files import parse_json, read_bounded, reason
from acc_decel.physics import vehicle_from

MANIFEST = "manifest.json"
MAX_EVENTS = 2**30  # where SciPy's Sobol sequence ends
AGAIN = "run `acc-decel generate` again"
_TEXTS = ("vehicle", "vehicle_sha256", "seed", "partition")
_PART = re.compile(r"part-\d{5}\.parquet")
_DIGEST = re.compile("[0-9a-f]{64}")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of the dataset in `folder`. Raises ValueError naming the entry that is missing or damaged."""
    path = folder / MANIFEST
    if not path.is_file():
        raise ValueError(f"{folder} must hold a dataset with a {MANIFEST}. Got none: {AGAIN}.")
    try:
        manifest = parse_json(read_bounded(path))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} must be as generated. Got: {reason(error)}. To repair it, {AGAIN}.") from error
    if not isinstance(manifest, dict):
        raise _damaged(path, "an object", manifest)
    trained_for = manifest.get("schema")
    if trained_for != schema():
        raise ValueError(
            f"{folder} was generated for factor schema {_shown(trained_for)}, this code has {schema()}. "
            "Run `acc-decel generate` into a new folder."
        )
    for name in _TEXTS:
        if not isinstance(value := manifest.get(name), str):
            raise _damaged(path, f"{name}, a text", value)
    _check_parts(path, manifest)
    _check_vehicle(path, manifest)
    driving_of(manifest, path)
    return manifest


def driving_of(manifest: dict[str, Any], path: Path = Path(MANIFEST)) -> Driving | None:
    """How the fleet drives, if the events follow that; None if they follow the priors."""
    if "driving_sha256" in manifest and "driving" not in manifest:
        raise ValueError(
            f"{path} must hold how the fleet drives. Got only its hash, from an older version: run the same "
            "`acc-decel generate` again, it keeps the events."
        )
    driving = manifest.get("driving")
    if driving is None:
        return None
    try:
        quantiles = tuple((str(name), tuple(map(float, values))) for name, values in driving["quantiles"])
        return Driving(quantiles, float(driving["uniform"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, "driving, with quantiles and uniform", driving) from error


def _check_parts(path: Path, manifest: dict[str, Any]) -> None:
    """Raise ValueError unless the files and their numbers of events are ones that `generate` writes."""
    parts = manifest.get("parts")
    if not isinstance(parts, list) or not parts:
        raise _damaged(path, "parts, the files of the dataset", parts)
    for part in parts:
        if not isinstance(part, dict):
            raise _damaged(path, "file, events and sha256 of each part", part)
        file, events, digest = (part.get(name) for name in ("file", "events", "sha256"))
        if not isinstance(file, str) or not _PART.fullmatch(file):
            raise _damaged(path, "the name of each part as file", file)
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise _damaged(path, f"64 hexadecimal digits as sha256 of {file}", digest)
        if not _is_count(events):
            raise _damaged(path, f"the number of events of {file}, 1 to {MAX_EVENTS}", events)
    total = sum(part["events"] for part in parts)
    if not _is_count(manifest.get("events")) or manifest["events"] != total or total > MAX_EVENTS:
        raise _damaged(
            path, f"events, the sum over its parts, {total}, and at most {MAX_EVENTS}", manifest.get("events")
        )


def _check_vehicle(path: Path, manifest: dict[str, Any]) -> None:
    """Raise ValueError unless the vehicle in the manifest is one, and the one of its hash."""
    if not isinstance(values := manifest.get("vehicle_file"), dict):
        raise _damaged(path, "vehicle_file, the vehicle's numbers", values)
    try:
        digest = vehicle_from(values, source=f"{path}: vehicle_file").digest
    except ValueError as error:
        raise ValueError(f"{error} To repair it, {AGAIN}.") from error
    if digest != manifest["vehicle_sha256"]:
        raise _damaged(path, f"vehicle_sha256 {digest}, the hash of vehicle_file", manifest["vehicle_sha256"])


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_EVENTS


def _damaged(path: Path, expected: str, got: object) -> ValueError:
    return ValueError(f"{path} must have {expected}. Got {'none' if got is None else _shown(got)}: {AGAIN}.")


def _shown(value: object) -> str:
    """A value of the manifest as an error shows it: short, and without control characters."""
    text = value if isinstance(value, str) and value.isprintable() else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
