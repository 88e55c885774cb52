"""The folder of a model that is trained for comparison: arrays, metrics, and a manifest with the hash of each file.

Such a model has no ONNX and no C form.
"""

import hashlib
import json
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy import ndarray

from acc_decel.factors import schema
from acc_decel.files import reason, replace_files
from acc_decel.network import stored_arrays

METRICS, MANIFEST = "metrics.json", "manifest.json"


def arrays_file(kind: str) -> str:
    """Name of the file with the arrays of a model of this kind."""
    return f"{kind.replace('-', '_')}.npz"


def check_free(folder: Path, kind: str) -> None:
    """Raise ValueError if `folder` holds a model of another kind, so that it is not overwritten."""
    if (folder / MANIFEST).is_file() and _read_manifest(folder).get("kind") != kind:
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
    manifest = _read_manifest(folder) if (folder / MANIFEST).is_file() else {}
    if manifest.get("kind") != kind:
        raise ValueError(f"{folder} must hold a {kind} model. Got none: run `acc-decel train --model {kind}`.")
    hashes, names = manifest.get("sha256"), {arrays_file(kind), METRICS}
    if not isinstance(hashes, dict) or hashes.keys() != names:
        raise ValueError(f"{folder / MANIFEST} must hold the hashes of {', '.join(sorted(names))}. Train it again.")
    for name, digest in hashes.items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise ValueError(f"{path} must have its hash in {MANIFEST}. Got another file or none: train it again.")
    return read_arrays(folder / arrays_file(kind), kind)


def arrays_bytes(arrays: dict[str, ndarray]) -> bytes:
    """The bytes of an .npz file of `arrays`: the same arrays give the same bytes."""
    buffer = BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # as in dense_net.to_bytes
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


def _read_manifest(folder: Path) -> dict[str, object]:
    """What the manifest says. Raises ValueError naming the file if it is none."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} must be readable JSON. Got: {reason(error)}. Train the model again.") from error
    if not isinstance(manifest, dict):
        raise ValueError(f"{path} must be a JSON object. Got {type(manifest).__name__}: train the model again.")
    return manifest


def _json_bytes(values: dict[str, object]) -> bytes:
    return (json.dumps(values, indent=1) + "\n").encode()
