"""The folder of a model that is trained for comparison: arrays, metrics, and a manifest with the hash of each file.

Such a model has no ONNX and no C form.
"""

import hashlib
import json
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from acc_decel.factors import schema
from acc_decel.files import replace_files
from acc_decel.network import stored_arrays

METRICS, MANIFEST = "metrics.json", "manifest.json"


def arrays_file(kind: str) -> str:
    """Name of the file with the arrays of a model of this kind."""
    return f"{kind.replace('-', '_')}.npz"


def check_free(folder: Path, kind: str) -> None:
    """Raise ValueError if `folder` holds a model of another kind, so that it is not overwritten."""
    if (folder / MANIFEST).exists() and _manifest(folder).get("kind") != kind:
        raise ValueError(f"{folder} must be a new folder or hold a {kind} model. Got another model: choose another.")


def write_folder(
    folder: Path,
    kind: str,
    arrays: dict[str, ndarray],
    *,
    vehicle: str,
    dataset: dict[str, object],
    training: dict[str, object],
    metrics: dict[str, object],
) -> None:
    """Write the folder of a model of this `kind` with these `arrays`.

    `dataset` and `training` are what the model was trained on and with which settings. Raises ValueError if the folder
    holds a model of another kind.
    """
    check_free(folder, kind)
    origin = {"vehicle": vehicle, "code_version": version("acc-decel"), "dataset": dataset, "training": training}
    identity: dict[str, object] = {"kind": kind, "schema": schema()}
    files = {arrays_file(kind): arrays_bytes(arrays), METRICS: _json_bytes(origin | identity | metrics)}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    files[MANIFEST] = _json_bytes({"vehicle": vehicle} | identity | {"sha256": hashes})
    replace_files(folder, files)


def read_folder(folder: Path, kind: str) -> dict[str, ndarray]:
    """The arrays of the model of this `kind` in a folder.

    Raises ValueError naming a file that is missing, has changed, or belongs to another factor schema.
    """
    manifest = _manifest(folder)
    if manifest.get("kind") != kind:
        raise ValueError(f"{folder} must hold a {kind} model. Got none: run `acc-decel train --model {kind}`.")
    hashes = manifest.get("sha256")
    if not isinstance(hashes, dict) or not {arrays_file(kind), METRICS} <= hashes.keys():
        raise ValueError(f"{folder / MANIFEST} must have the SHA-256 of each file. Got not all: train it again.")
    for name, digest in hashes.items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise ValueError(f"{path} must have its hash in {MANIFEST}. Got another file or none: train it again.")
    return read_arrays(folder / arrays_file(kind), kind)


def arrays_bytes(arrays: dict[str, ndarray]) -> bytes:
    """The bytes of an .npz file of `arrays`: the same arrays give the same bytes."""
    buffer = BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def read_arrays(path: Path, kind: str) -> dict[str, ndarray]:
    """The arrays in an .npz file of a model of this `kind`. Raises ValueError if it is none, or of other factors."""
    arrays = stored_arrays.read_arrays(path, f"a {kind} model")
    if (found := str(arrays.get("schema"))) != schema():
        raise ValueError(
            f"{path} was trained for factor schema {found}, this code has {schema()}. "
            f"Run `acc-decel generate` and `acc-decel train --model {kind}` again."
        )
    return arrays


def _manifest(folder: Path) -> dict[str, Any]:
    """The manifest in a folder; empty if there is none, or one that is damaged."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _json_bytes(values: dict[str, object]) -> bytes:
    return (json.dumps(values, indent=1) + "\n").encode()
