"""The folder of a model: its files, where the released models are, and the check that its files belong together."""

import hashlib
import json
from importlib import resources
from pathlib import Path

from acc_decel.files import atomic_write
from acc_decel.network import DenseNet, load_net

ARRAYS, ONNX, METRICS, MANIFEST = "network.npz", "model.onnx", "metrics.json", "manifest.json"
ATTRIBUTION, PROOF, CARD = "attribution.onnx", "proof.json", "card.md"
DEFAULT_MODEL = "compact"


def models_folder() -> Path:
    """Folder of the released models: inside an installed package, next to it in a checkout."""
    package = Path(str(resources.files("acc_decel")))
    inside = package / "models"
    return inside if inside.is_dir() else package.parent / "models"


def released_models() -> dict[str, Path]:
    """The released models: name to folder."""
    return {path.parent.name: path.parent for path in sorted(models_folder().glob(f"*/{ONNX}"))}


def model_path(model: str | Path) -> Path:
    """The ONNX file of a released model's name, a model folder or a file. Raises ValueError if there is none."""
    released = released_models()
    if str(model) in released:
        return released[str(model)] / ONNX
    path = Path(model)
    path = path / ONNX if path.is_dir() else path
    if not path.is_file():
        _refuse_other_kind(path.parent)
        raise ValueError(
            f"model must be a released model ({', '.join(released) or 'none here'}), a model folder or an ONNX file. "
            f"Got {str(model)!r}: there is no {path}."
        )
    return path


def read_model(folder: Path) -> tuple[DenseNet, dict[str, object]]:
    """The network in a model's folder and its metrics. Raises ValueError naming a file that is missing or changed."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise ValueError(f"{folder} must be a model folder with a {MANIFEST}. Got none: run `acc-decel train`.")
    for name, digest in json.loads(manifest.read_text())["sha256"].items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise ValueError(f"{path} must be as {MANIFEST} says. Got another or none: train or fetch it again.")
    return load_net(folder / ARRAYS), json.loads((folder / METRICS).read_text())


def made_for(folder: Path) -> dict[str, str]:
    """SHA-256 of the files of a folder's network: an attribution student belongs to exactly these files."""
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (ARRAYS, ONNX)}


def add_attribution(folder: Path, content: bytes, metrics: dict[str, object]) -> None:
    """Put a student and its metrics into a model's folder, with their hashes in the manifest.

    The old entries leave the manifest first, so that the folder can still be read if the writing is interrupted.
    """
    every_metric = json.loads((folder / METRICS).read_text()) | {"attribution": metrics}
    files = {ATTRIBUTION: content, METRICS: json_bytes(every_metric)}
    manifest = json.loads((folder / MANIFEST).read_text())
    unchanged = {name: digest for name, digest in manifest["sha256"].items() if name not in files}
    hashes = {name: hashlib.sha256(new).hexdigest() for name, new in files.items()}
    steps = {MANIFEST: json_bytes(manifest | {"sha256": unchanged})} | files
    for name, new in (*steps.items(), (MANIFEST, json_bytes(manifest | {"sha256": unchanged | hashes}))):
        with atomic_write(folder / name) as temporary:
            temporary.write_bytes(new)


def json_bytes(values: dict[str, object]) -> bytes:
    """The JSON text of a file of the folder."""
    return (json.dumps(values, indent=1) + "\n").encode()


def _refuse_other_kind(folder: Path) -> None:
    """Raise ValueError if `folder` holds a trained model that is no network; its manifest names the kind."""
    manifest = folder / MANIFEST
    kind = json.loads(manifest.read_text()).get("kind") if manifest.is_file() else None
    if kind:
        raise ValueError(
            f"{folder} must hold a network with its {ONNX}. Got a {kind} model, which has no ONNX or C form: "
            "train a network with `acc-decel train`."
        )
