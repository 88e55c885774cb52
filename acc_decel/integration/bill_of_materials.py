"""What an exported firmware is made of, as a CycloneDX ML-BOM, and the SHA-256 of each of its files."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from importlib.metadata import metadata
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from acc_decel.export.firmware_files import BILL, SUMS, stamp_of
from acc_decel.factors import column_names, schema
from acc_decel.files import read_bounded, reason
from acc_decel.model_folder import MANIFEST, ONNX
from acc_decel.network import DenseNet
from acc_decel.outputs import OUTPUTS, QUANTILES

Values = Mapping[str, Any]
_LINE = re.compile(r"([0-9a-f]{64}) [ *](\S.*)")
LIMITATIONS = (
    "trained on simulated events only",
    "not for other cars, cornering, or combinations that the status calls outside the trained domain",
)


def with_bill(
    files: Mapping[str, str | bytes], net: DenseNet, metrics: Values, hashes: Mapping[str, str]
) -> dict[str, str | bytes]:
    """The files of an export, with its bill of materials and with the sums of all of them.

    `hashes` are those of the model's files, by name. The bill states the SHA-256 of each file but itself and the sums;
    the sums are of each file but themselves. The same arguments give the same bytes: there is no date.
    """
    bill = json.dumps(bill_of_materials(files, net, metrics, hashes), indent=1) + "\n"
    billed: dict[str, str | bytes] = {**files, BILL: bill}
    return {**billed, SUMS: _sums(billed, stamp_of(str(metrics["vehicle"]), net.factors))}


def bill_of_materials(
    files: Mapping[str, str | bytes], net: DenseNet, metrics: Values, hashes: Mapping[str, str]
) -> dict[str, Any]:
    """The bill of materials: the firmware, the model with its card, its dataset, and each file."""
    firmware = _firmware(net, str(metrics["vehicle"]))
    model = _model(net, metrics, hashes) | {"licenses": firmware["licenses"]}
    components = [
        model,
        *_model_files(hashes),
        _dataset(metrics),
        *(_file(name, files[name]) for name in sorted(files)),
    ]
    content = json.dumps([firmware, components])
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_OID, content)}",
        "version": 1,
        "metadata": {"tools": {"components": [_tool(firmware["version"])]}, "component": firmware},
        "components": components,
        "dependencies": [
            {"ref": "firmware", "dependsOn": ["model", *(f"file:{name}" for name in sorted(files))]},
            {"ref": "model", "dependsOn": ["dataset", *(f"model:{name}" for name in hashes)]},
        ],
    }


def _firmware(net: DenseNet, vehicle: str) -> dict[str, Any]:
    """What the bill is of."""
    package = metadata("acc-decel")
    return {
        "type": "firmware",
        "bom-ref": "firmware",
        "name": f"acc_decel firmware: {vehicle}",
        "version": package["Version"],
        "description": stamp_of(vehicle, net.factors),
        "licenses": [{"license": {"id": package["License-Expression"]}}],
    }


def _tool(version: str) -> dict[str, Any]:
    return {"type": "application", "name": "acc-decel", "version": version}


def _hashed(digest: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest}]


def _file(name: str, content: str | bytes) -> dict[str, Any]:
    digest = sha256(_bytes(content)).hexdigest()
    return {"type": "file", "bom-ref": f"file:{name}", "name": name, "hashes": _hashed(digest)}


def _model_files(hashes: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"type": "file", "bom-ref": f"model:{name}", "name": name, "hashes": _hashed(digest)}
        for name, digest in hashes.items()
    ]


def _model(net: DenseNet, metrics: Values, hashes: Mapping[str, str]) -> dict[str, Any]:
    """The model, with its card: what goes in and comes out, how good it is, and what it is not for."""
    return {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": str(metrics["vehicle"]),
        "version": schema(net.factors),
        "description": f"achievable deceleration of one kind of car; its files are named by {MANIFEST}",
        "hashes": _hashed(hashes[ONNX]),
        "modelCard": {
            "modelParameters": {
                "approach": {"type": "supervised"},
                "task": "quantile regression",
                "architectureFamily": "feed-forward network, monotone where physics is",
                "modelArchitecture": f"{net.weights} weights between physics features and a head with physical limits",
                "datasets": [{"ref": "dataset"}],
                "inputs": [{"format": f"{name}: float32, NaN is missing"} for name in column_names(net.factors)],
                "outputs": [
                    *({"format": f"{name}: float32, {meaning}"} for name, meaning in OUTPUTS.items()),
                    {"format": "status: 64 bits"},
                ],
            },
            "quantitativeAnalysis": {"performanceMetrics": _performance(metrics)},
            "considerations": {
                "users": ["developers of adaptive cruise control and emergency braking"],
                "useCases": ["deceleration and stopping distance that a car can reach, straight ahead"],
                "technicalLimitations": list(LIMITATIONS),
            },
        },
    }


def _performance(metrics: Values) -> list[dict[str, str]]:
    """The figures of metrics.json that say how good a model is, as far as it has them: of all events, and by kind."""
    held_out = f"{metrics.get('events', 'an unknown number of')} simulated events held out"
    shares = {name: share for name, share in QUANTILES.items() if name in metrics.get("below", {})}
    coverage = {held_out: metrics, **metrics.get("regimes", {})}
    return [
        *(_figure("RMSE of the median [m/s^2]", metrics[name], held_out) for name in ("rmse",) if name in metrics),
        *(
            _figure(f"share of events below {name}, {share:g} meant", metrics["below"][name], held_out)
            for name, share in shares.items()
        ),
        *(
            _figure("coverage of the 90 % interval", figures["coverage"], kind)
            for kind, figures in coverage.items()
            if "coverage" in figures
        ),
    ]


def _figure(kind: str, value: float, events: str) -> dict[str, str]:
    return {"type": kind, "value": f"{value:.5f}", "slice": events}


def _dataset(metrics: Values) -> dict[str, Any]:
    """The events that the model was trained on: how to generate the same ones again."""
    values = {name: str(value) for name, value in metrics["dataset"].items()}
    return {
        "type": "data",
        "bom-ref": "dataset",
        "name": f"simulated braking events of {metrics['vehicle']}",
        "version": f"seed {values.get('seed', 'unknown')}",
        "data": [
            {
                "type": "dataset",
                "name": f"acc-decel generate, code version {metrics.get('code_version', 'unknown')}",
                "contents": {"properties": [{"name": name, "value": value} for name, value in values.items()]},
            }
        ],
    }


def _sums(files: Mapping[str, str | bytes], stamp: str) -> str:
    """The lines that `sha256sum -c` reads; one that begins with # is a comment to it."""
    lines = [f"{sha256(_bytes(files[name])).hexdigest()}  {name}" for name in sorted(files)]
    return "\n".join([f"# {stamp}", *lines, ""])


def _bytes(content: str | bytes) -> bytes:
    return content.encode("ascii") if isinstance(content, str) else content


def check_sums(folder: Path) -> int:
    """How many files of an exported folder SHA256SUMS names. Raises ValueError, naming the first that is another."""
    path = folder / SUMS
    try:
        lines = read_bounded(path).decode("ascii").splitlines()
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} must hold the sums of the export. Got: {reason(error)}: export it again.") from error
    found = [_LINE.fullmatch(line) for line in lines if not line.startswith("#")]
    if not found or None in found:
        raise ValueError(f"{path} must have a SHA-256 and a file on each line. Got another line: export it again.")
    for digest, name in (line.groups() for line in found if line):
        file = folder / name
        got = sha256(file.read_bytes()).hexdigest() if file.is_file() else None
        if got != digest:
            raise ValueError(
                f"{file} must be as {SUMS} says, SHA-256 {digest[:8]}. Got {got[:8] if got else 'no such file'}: "
                "export it again."
            )
    return len(found)
