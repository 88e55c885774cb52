"""A released model as a folder: arrays, ONNX, metrics, and a manifest with the hash of each."""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from acc_decel.export.exportable import check_exportable
from acc_decel.export.onnx_file import onnx_bytes
from acc_decel.factors import schema
from acc_decel.files import replace_files
from acc_decel.model_folder import ARRAYS, MANIFEST, METRICS, ONNX, check_replaceable, json_bytes, stale_files
from acc_decel.network import FINGERPRINT, DenseNet, fingerprint, to_bytes


def write_model(
    folder: Path,
    net: DenseNet,
    *,
    vehicle: str,
    dataset: dict[str, object],
    training: dict[str, object],
    metrics: dict[str, object],
) -> None:
    """Write the model's folder: all of it, or nothing where that fails.

    What lies there of another network is replaced or deleted: student, proof, card, pictures. Other files stay. Raises
    ValueError, before anything is written, if the network cannot be exported or `folder` holds something else, like a
    released model.

    `dataset` and `training` say what the network was trained on and how; they go into the ONNX metadata too.
    """
    check_exportable(net)
    check_replaceable(folder)
    source = {"vehicle": vehicle, "code_version": version("acc-decel"), "dataset": dataset, "training": training}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in source.items()}
    files = {
        ARRAYS: to_bytes(net),
        ONNX: onnx_bytes(net, texts),
        METRICS: json_bytes(source | {"schema": schema(), **metrics, FINGERPRINT: fingerprint(net)}),
    }
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    files[MANIFEST] = json_bytes({"vehicle": vehicle, "schema": schema(), "sha256": hashes})
    replace_files(folder, files, stale_files(folder))
