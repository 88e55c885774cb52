"""The folder of a model: its files, where the released models are, and the check that its files belong together."""

import hashlib
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

from acc_decel.files import parse_json, read_bounded, reason, replace_files
from acc_decel.network import (
    FINGERPRINT,
    GRAPH_DIGEST,
    DenseNet,
    StoredOnnx,
    factors_of,
    fingerprint,
    load_net,
    read_onnx,
)
from acc_decel.released import RELEASED

ARRAYS, ONNX, METRICS, MANIFEST = "network.npz", "model.onnx", "metrics.json", "manifest.json"
ATTRIBUTION, PROOF, CARD = "attribution.onnx", "proof.json", "card.md"
VOUCHED = (ARRAYS, ONNX, METRICS)  # files that every manifest must name
DEFAULT_MODEL = "compact"
AGAIN = "train it again with `acc-decel train`, or fetch it again"
CARD_MARK = "Written by `acc-decel card`"
_PICTURE = re.compile(r"^!\[[^]]*\]\(([a-z_]+\.png)\)$", re.MULTILINE)  # as the card names them
_DIGEST = re.compile("[0-9a-f]{64}")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def models_folder() -> Path:
    """Folder of the released models: inside an installed package, next to it in a checkout."""
    package = Path(str(resources.files("acc_decel")))
    inside = package / "models"
    return inside if inside.is_dir() else package.parent / "models"


def released_models() -> dict[str, Path]:
    """The released models: name to folder."""
    return {path.parent.name: path.parent for path in sorted(models_folder().glob(f"*/{ONNX}"))}


def find_model(model: str | Path) -> Path:
    """The ONNX file of a released model's name, a model folder or a file, not checked. Raises ValueError if none."""
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


def model_path(model: str | Path) -> Path:
    """The ONNX file of a released model's name, a model folder or a file, checked with the files beside it.

    Raises ValueError if there is none, and as `check_model` does; also if a released model's name leads to another.
    """
    path = find_model(model)
    check_model(path)
    if str(model) in released_models() and (name := changed_since_release(path.parent)):
        raise ValueError(
            f"{path.parent / name} must be the file of the released model {model}. Got another: install the package "
            f"again, or give the folder {path.parent} to use it as a model of your own."
        )
    return path


def check_model(path: Path) -> StoredOnnx:
    """Check the ONNX file `path` and, where its manifest lies beside it, that all files of the folder belong together.

    The hashes of the manifest; the fingerprint of the arrays in network.npz, the metadata of the ONNX file and the
    metrics; the SHA-256 of the graph in the metadata. Raises ValueError, naming file, entry and remedy.
    """
    stored = _checked_onnx(path)
    if path.name == ONNX and (path.parent / MANIFEST).is_file():
        _check_folder(path.parent, stored)
    elif path.name == ONNX and (path.parent / ARRAYS).is_file():
        _check_arrays(path.parent, stored)
    return stored


def folder_of(model: str | Path) -> Path:
    """The folder of a released model's name, a model folder or its model.onnx, checked as by `model_path`.

    Raises ValueError for an ONNX file of another name: what lies beside it is of another network.
    """
    path = model_path(model)
    if path.name != ONNX:
        raise ValueError(
            f"The model must be a released model or a model folder, with its {ARRAYS}. Got the file {path}: give the "
            f"folder, with the file as its {ONNX}."
        )
    return path.parent


def read_files(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file that the manifest of `folder` names. Raises ValueError if one is missing or changed."""
    path = folder / MANIFEST
    if not path.is_file():
        raise ValueError(f"{folder} must be a model folder with a {MANIFEST}. Got none: run `acc-decel train`.")
    hashes = _hashes(path, read_json(path))
    for name, digest in hashes.items():
        if not (file := folder / name).is_file():
            raise ValueError(f"{file} must be as {MANIFEST} says. Got no such file: {AGAIN}.")
        if (got := sha256_of(file)) != digest:
            raise ValueError(
                f"{file} must be as {MANIFEST} says, SHA-256 {digest[:8]}. Got another file, {got[:8]}: {AGAIN}."
            )
    return hashes


def read_model(folder: Path) -> tuple[DenseNet, dict[str, Any]]:
    """The network in a model's folder and its metrics. Raises ValueError naming a file that is missing or changed."""
    if not (folder / MANIFEST).is_file():
        read_files(folder)
    return _check_folder(folder, _checked_onnx(folder / ONNX))


def read_metrics(folder: Path) -> dict[str, Any]:
    """The metrics in a model's folder. Raises ValueError if an entry that every model has is missing or wrong."""
    path = folder / METRICS
    metrics = read_json(path)
    for name, kind in (("vehicle", str), ("schema", str), ("dataset", dict), ("training", dict), (FINGERPRINT, str)):
        _check_entry(path, metrics, name, kind)
    for name, high in (("events", 2**53), ("rmse", 100), ("coverage", 1)):
        value = metrics.get(name, 0)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= high:
            raise ValueError(f"{path} must have a number as {name}, 0 to {high}. Got {_shown(value)}: {AGAIN}.")
    return metrics


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file of the folder. Raises ValueError if the file holds anything else."""
    try:
        values = parse_json(read_bounded(path))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} must hold JSON. Got: {reason(error)}. To repair it, {AGAIN}.") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold a JSON object. Got {_shown(values)}: {AGAIN}.")
    return values


def sha256_of(path: Path) -> str:
    """SHA-256 of a file of a model, in hexadecimal digits. Raises ValueError if it is too large to be one."""
    try:
        return hashlib.sha256(read_bounded(path)).hexdigest()
    except ValueError as error:
        raise ValueError(f"{path} must be a file of a model. Got {error}: {AGAIN}.") from error


def changed_since_release(folder: Path, name: str | None = None) -> str | None:
    """The first file in `folder` that is not as released; None if every file is.

    `name` is that of the released model; if it is not given, that of the folder.
    """
    files = RELEASED.get(name or folder.name, {MANIFEST: ""})
    return next(
        (f for f, digest in files.items() if not (folder / f).is_file() or sha256_of(folder / f) != digest), None
    )


def released_as(folder: Path) -> str | None:
    """The name of the released model whose files `folder` holds, unaltered; None if it holds another model."""
    return next((name for name in RELEASED if changed_since_release(folder, name) is None), None)


def is_released_folder(folder: Path) -> bool:
    """Whether `folder` is that of a released model, altered or not."""
    return folder.resolve() in {path.resolve() for path in released_models().values()}


def made_for(folder: Path) -> dict[str, str]:
    """SHA-256 of the files of a folder's network: an attribution student belongs to exactly these files."""
    return {name: sha256_of(folder / name) for name in (ARRAYS, ONNX)}


def add_attribution(folder: Path, content: bytes, metrics: dict[str, object]) -> None:
    """Put a student and its metrics into a model's folder, with their hashes in the manifest.

    All three files are replaced or none.
    """
    files = {ATTRIBUTION: content, METRICS: json_bytes(read_metrics(folder) | {"attribution": metrics})}
    manifest = read_json(folder / MANIFEST)
    hashes = manifest["sha256"] | {name: hashlib.sha256(new).hexdigest() for name, new in files.items()}
    replace_files(folder, files | {MANIFEST: json_bytes(manifest | {"sha256": hashes})})


def check_replaceable(folder: Path) -> None:
    """Raise ValueError unless `folder` can become the folder of another network.

    It must be new, hold nothing under the names of a model's files, or hold a model that is not released.
    """
    if not folder.is_dir():
        return
    if released_as(folder) or is_released_folder(folder):
        raise ValueError(
            f"{folder} must not be the folder of a released model. Got the model {released_as(folder) or folder.name}: "
            "choose another folder."
        )
    if not (folder / MANIFEST).exists():
        if there := [name for name in (*VOUCHED, ATTRIBUTION, PROOF, CARD) if (folder / name).exists()]:
            raise ValueError(
                f"{folder} must be a new folder, or hold a model with its {MANIFEST}. Got {there[0]} without one: "
                "choose another folder, or move the file away."
            )
        return
    if ONNX not in _vouched_by(folder):
        kind = _json_or_nothing(folder / MANIFEST).get("kind")
        got = f"a {kind} model" if isinstance(kind, str) else f"a {MANIFEST} of something else, or a damaged one"
        raise ValueError(
            f"{folder} must be a new folder, or hold a network of acc_decel. Got {got}: choose another folder."
        )


def stale_files(folder: Path) -> list[str]:
    """The files in a model's folder that are not true of another network: student, proof, card, pictures.

    A file of one of these names that acc_decel did not write is not among them.
    """
    stale = [ATTRIBUTION] if ATTRIBUTION in _vouched_by(folder) else []
    if "proofs" in _json_or_nothing(folder / PROOF):
        stale.append(PROOF)
    if (card := folder / CARD).is_file() and CARD_MARK in (text := card.read_text(errors="replace")):
        stale += [CARD, *_PICTURE.findall(text)]
    return [name for name in stale if (folder / name).is_file()]


def _vouched_by(folder: Path) -> dict[str, Any]:
    hashes = _json_or_nothing(folder / MANIFEST).get("sha256")
    return hashes if isinstance(hashes, dict) else {}


def _json_or_nothing(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except ValueError:
        return {}


def json_bytes(values: dict[str, object]) -> bytes:
    """The JSON text of a file of the folder."""
    return (json.dumps(values, indent=1) + "\n").encode()


def _checked_onnx(path: Path) -> StoredOnnx:
    """What the ONNX file says of itself, if it is one of ours and its graph is the one that was exported."""
    try:
        stored = read_onnx(read_bounded(path))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} must be an ONNX model of acc_decel. Got: {reason(error).rstrip('.')}. To repair it, {AGAIN}."
        ) from error
    factors_of(stored.metadata, path)
    for name, got in ((FINGERPRINT, None), (GRAPH_DIGEST, stored.graph_digest)):
        if not (digest := stored.metadata.get(name)):
            raise ValueError(f"{path} must have {name} in its metadata. Got none, as of an earlier version: {AGAIN}.")
        if got is not None and got != digest:
            raise ValueError(
                f"{path} must hold the graph that was exported, of {name} {digest[:8]}. Got {got[:8]}: {AGAIN}."
            )
    return stored


def _check_folder(folder: Path, stored: StoredOnnx) -> tuple[DenseNet, dict[str, Any]]:
    """Network and metrics of a folder whose ONNX file is `stored`, if all its files belong together."""
    read_files(folder)
    net = _check_arrays(folder, stored)
    metrics, manifest = read_metrics(folder), read_json(folder / MANIFEST)
    digest = stored.metadata[FINGERPRINT]
    for file, entry, value, expected in (
        (METRICS, FINGERPRINT, metrics[FINGERPRINT], digest),
        (METRICS, "vehicle", metrics["vehicle"], stored.metadata.get("vehicle")),
        (MANIFEST, "vehicle", manifest.get("vehicle"), stored.metadata.get("vehicle")),
    ):
        if value != expected:
            raise ValueError(
                f"{folder / file} must have {entry} {expected} as {ONNX} has. Got {_shown(value)}: {AGAIN}."
            )
    return net, metrics


def _check_arrays(folder: Path, stored: StoredOnnx) -> DenseNet:
    """The network in the arrays of a folder, if it is the one of its ONNX file."""
    net, digest = load_net(folder / ARRAYS), stored.metadata[FINGERPRINT]
    if (got := fingerprint(net)) != digest:
        raise ValueError(
            f"{folder / ARRAYS} must hold the network of {ONNX}, of {FINGERPRINT} {digest[:8]}. Got another network, "
            f"{got[:8]}: {AGAIN}."
        )
    if net.factors != factors_of(stored.metadata, folder / ONNX):
        raise ValueError(f"{folder / ONNX} must have the ranges of the factors in {ARRAYS}. Got others: {AGAIN}.")
    return net


def _hashes(path: Path, manifest: dict[str, Any]) -> dict[str, str]:
    """The hashes in a manifest, if it names every file that it must and no file elsewhere."""
    _check_entry(path, manifest, "sha256", dict)
    hashes: dict[str, str] = manifest["sha256"]
    if missing := [name for name in VOUCHED if name not in hashes]:
        raise ValueError(f"{path} must have the SHA-256 of {missing[0]}. Got none: {AGAIN}.")
    for name, digest in hashes.items():
        if not _FILE_NAME.fullmatch(name):
            raise ValueError(f"{path} must name files of its folder in sha256. Got {_shown(name)}: {AGAIN}.")
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise ValueError(
                f"{path} must have 64 hexadecimal digits as SHA-256 of {name}. Got {_shown(digest)}: {AGAIN}."
            )
    return hashes


def _check_entry(path: Path, values: dict[str, Any], name: str, kind: type) -> None:
    """Raise ValueError if an entry of the file `path` is missing or of another kind."""
    if not isinstance(value := values.get(name), kind):
        word = "a text" if kind is str else "an object"
        got = _shown(value) if name in values else "none"
        raise ValueError(f"{path} must have an entry {name}, {word}. Got {got}: {AGAIN}.")


def _shown(value: object) -> str:
    """A value of a file as an error shows it: short, and without control characters."""
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _refuse_other_kind(folder: Path) -> None:
    """Raise ValueError if `folder` holds a trained model that is no network; its manifest names the kind."""
    manifest = folder / MANIFEST
    kind = read_json(manifest).get("kind") if manifest.is_file() else None
    if kind:
        raise ValueError(
            f"{folder} must hold a network with its {ONNX}. Got a {kind} model, which has no ONNX or C form: "
            "train a network with `acc-decel train`."
        )
