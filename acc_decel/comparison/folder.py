"""A model that is trained for comparison as a folder: arrays, metrics, and a manifest with the hash of each file."""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from acc_decel.factors import schema
from acc_decel.files import replaced

METRICS, MANIFEST = "metrics.json", "manifest.json"


def check_free(folder: Path, kind: str) -> None:
    """Raise ValueError if `folder` holds a model of another kind, whose manifest would no longer fit."""
    if (folder / MANIFEST).is_file() and json.loads((folder / MANIFEST).read_text()).get("kind") != kind:
        raise ValueError(f"{folder} must be a new folder or hold a {kind} model. Got another model: choose another.")


def write(
    folder: Path,
    arrays: tuple[str, bytes],
    *,
    kind: str,
    vehicle: str,
    dataset: dict[str, object],
    training: dict[str, object],
    metrics: dict[str, object],
) -> None:
    """Write the folder; `arrays` is a file's name and content, `dataset` and `training` say what made the model."""
    check_free(folder, kind)
    told = {"vehicle": vehicle, "code_version": version("acc-decel"), "dataset": dataset, "training": training}
    files = dict([arrays]) | {METRICS: _json(told | {"kind": kind, "schema": schema(), **metrics})}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    files[MANIFEST] = _json({"vehicle": vehicle, "kind": kind, "schema": schema(), "sha256": hashes})
    for name, content in files.items():
        with replaced(folder / name) as temporary:
            temporary.write_bytes(content)


def check_whole(folder: Path, kind: str) -> None:
    """Raise ValueError if `folder` holds no model of this kind, naming a file that lacks or has changed."""
    manifest = folder / MANIFEST
    told = json.loads(manifest.read_text()) if manifest.is_file() else {}
    if told.get("kind") != kind:
        raise ValueError(f"{folder} must hold a {kind} model. Got none: run `acc-decel train --model {kind}`.")
    for name, digest in told["sha256"].items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise ValueError(f"{path} must be as {MANIFEST} says. Got another or none: train or fetch it again.")


def _json(told: dict[str, object]) -> bytes:
    return (json.dumps(told, indent=1) + "\n").encode()
