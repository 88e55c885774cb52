"""A released model as a folder: arrays, ONNX, metrics, and a manifest with the hash of each."""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from acc_decel.export.fitness import check_exportable
from acc_decel.export.onnx_file import onnx_bytes
from acc_decel.factors import schema
from acc_decel.files import replaced
from acc_decel.network import DenseNet, loaded, stored

ARRAYS, ONNX, METRICS, MANIFEST = "network.npz", "model.onnx", "metrics.json", "manifest.json"
ATTRIBUTION = "attribution.onnx"


def write_model(
    folder: Path,
    net: DenseNet,
    *,
    vehicle: str,
    dataset: dict[str, object],
    training: dict[str, object],
    metrics: dict[str, object],
) -> None:
    """Write the model's folder. Raises ValueError, before anything is written, if the network cannot be exported.

    `dataset` and `training` say what the network was trained on and how; they go into the ONNX metadata too.
    """
    check_exportable(net)
    told = {"vehicle": vehicle, "code_version": version("acc-decel"), "dataset": dataset, "training": training}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in told.items()}
    files = {
        ARRAYS: stored(net),
        ONNX: onnx_bytes(net, texts),
        METRICS: _json(told | {"schema": schema(), **metrics}),
    }
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    files[MANIFEST] = _json({"vehicle": vehicle, "schema": schema(), "sha256": hashes})
    for name, content in files.items():
        with replaced(folder / name) as temporary:
            temporary.write_bytes(content)


def add_attribution(folder: Path, content: bytes, metrics: dict[str, object]) -> None:
    """Put a student and its metrics into a model's folder, with their hashes in the manifest.

    The manifest first forgets what changes, so that a folder that is left half-way can still be read.
    """
    told = json.loads((folder / METRICS).read_text()) | {"attribution": metrics}
    files = {ATTRIBUTION: content, METRICS: _json(told)}
    manifest = json.loads((folder / MANIFEST).read_text())
    kept = {name: digest for name, digest in manifest["sha256"].items() if name not in files}
    hashes = {name: hashlib.sha256(written).hexdigest() for name, written in files.items()}
    steps = {MANIFEST: _json(manifest | {"sha256": kept})} | files
    for name, written in (*steps.items(), (MANIFEST, _json(manifest | {"sha256": kept | hashes}))):
        with replaced(folder / name) as temporary:
            temporary.write_bytes(written)


def made_for(folder: Path) -> dict[str, str]:
    """The hashes of the network that a folder holds: a student belongs to these files."""
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (ARRAYS, ONNX)}


def read_model(folder: Path) -> tuple[DenseNet, dict[str, object]]:
    """The network in a model's folder and its metrics. Raises ValueError naming a file that lacks or has changed."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise ValueError(f"{folder} must be a model folder with a {MANIFEST}. Got none: run `acc-decel train`.")
    for name, digest in json.loads(manifest.read_text())["sha256"].items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise ValueError(f"{path} must be as {MANIFEST} says. Got another or none: train or fetch it again.")
    return loaded(folder / ARRAYS), json.loads((folder / METRICS).read_text())


def _json(told: dict[str, object]) -> bytes:
    return (json.dumps(told, indent=1) + "\n").encode()
