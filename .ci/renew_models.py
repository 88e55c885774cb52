"""Write the ONNX files of the released models again from their arrays, and renew what depends on their bytes.

    python .ci/renew_models.py

For a change of the metadata or of the graph's texts: no network changes, and neither does an answer. Hashes, student
and proof.json follow. Proofs of the ranges and of rounding are of the arrays alone and are kept; all others are made
again. Raises RuntimeError if the arrays in an ONNX file are not those of the network.
"""

import json
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

from acc_decel.assurance import Proof, open_model, passed, write_report
from acc_decel.assurance.onnx_arrays import differences
from acc_decel.assurance.proofs import (
    ProvenModel,
    Range,
    prove_clamp,
    prove_envelope,
    prove_files,
    prove_finite,
    prove_monotone,
    prove_monotone_onnx,
    prove_same_arrays,
)
from acc_decel.assurance.ranges import Extreme
from acc_decel.export import onnx_bytes
from acc_decel.factors import described
from acc_decel.files import atomic_write
from acc_decel.model_folder import (
    ARRAYS,
    ATTRIBUTION,
    MANIFEST,
    ONNX,
    PROOF,
    json_bytes,
    made_for,
    read_model,
    released_models,
)
from acc_decel.physics import vehicle

OF_THE_TRAINING = ("vehicle", "code_version", "dataset", "training")  # metadata that the network does not hold


def metadata(model: onnx.ModelProto) -> dict[str, str]:
    """The metadata of an ONNX file."""
    return {entry.key: entry.value for entry in model.metadata_props}


def renew(folder: Path) -> None:
    """Write ONNX file, student and manifest of the model in `folder` again."""
    net, _ = read_model(folder)
    before = metadata(onnx.load(folder / ONNX))
    content = onnx_bytes(net, {key: before[key] for key in OF_THE_TRAINING})
    if found := differences(onnx.load_from_string(content), net):
        raise RuntimeError(f"{folder / ONNX} must hold the arrays of the network. Got: {found[0]}")
    student = onnx.load(folder / ATTRIBUTION)
    write(folder, ONNX, content)
    texts = metadata(student) | {
        "factors": json.dumps(described(net.factors)),
        "made_for": json.dumps(made_for(folder)),
    }
    del student.metadata_props[:]
    helper.set_model_props(student, texts)
    write(folder, ATTRIBUTION, student.SerializeToString(deterministic=True))
    manifest = json.loads((folder / MANIFEST).read_text())
    hashes = {name: sha256((folder / name).read_bytes()).hexdigest() for name in manifest["sha256"]}
    write(folder, MANIFEST, json_bytes(manifest | {"sha256": hashes}))


def write(folder: Path, name: str, content: bytes) -> None:
    """Write a file of a model's folder."""
    with atomic_write(folder / name) as temporary:
        temporary.write_bytes(content)


def prove_again(folder: Path, report: dict[str, Any]) -> list[Proof]:
    """Every proof of the model in `folder`; the ranges are those of the earlier `report`, which is of these arrays."""
    if report["sha256"][ARRAYS] != made_for(folder)[ARRAYS]:
        raise RuntimeError(
            f"{folder / PROOF} must be of these arrays. Got one of others: run `acc-decel verify --write`."
        )
    name = str(read_model(folder)[1]["vehicle"])
    model = open_model(folder, vehicle(name))
    entries = {entry["name"]: entry for entry in report["proofs"]}
    of_arrays = [entry for name, entry in entries.items() if name == "rounding" or name.startswith("range of ")]
    ranges = [range_of(entry, i) for i, entry in enumerate(of_arrays[1:])]
    first = [prove_files(model), prove_finite(model.net), prove_monotone(model.net)]
    first += [prove_monotone_onnx(model.net, model.graph), prove_same_arrays(model.net, model.graph)]
    last = [prove_clamp(model, ranges), prove_envelope(model, ranges)]
    proofs = [*first, *map(earlier, of_arrays), *last]
    return [replace(proof, name=name) for name, proof in zip(entries, proofs, strict=True)]


def earlier(entry: dict[str, Any]) -> Proof:
    """The proof of an entry of proof.json."""
    figures = {key: value for key, value in entry.items() if key not in ("name", "passed", "detail")}
    return Proof(entry["name"], entry["passed"], entry["detail"], figures)


def range_of(entry: dict[str, Any], output: int) -> Range:
    """The range of an entry of proof.json."""
    ends = [
        Extreme(output, sign, e["bound"], e["attained"], np.empty(0, np.float32), e["solver"], e["nodes"])
        for sign, e in ((-1, entry["least"]), (1, entry["greatest"]))
    ]
    return Range(*ends, entry["rounding"])


def main() -> None:
    """Renew all released models. Exits with 1 if a proof fails."""
    failed = False
    for name, folder in released_models().items():
        report = json.loads((folder / PROOF).read_text())
        renew(folder)
        proofs = prove_again(folder, report)
        write_report(ProvenModel(folder, *open_parts(folder)), proofs)
        failed |= not passed(proofs)
        print(f"{name}: " + ", ".join(f"{p.name} {'passed' if p.passed else p.passed}" for p in proofs), flush=True)
    sys.exit(failed)


def open_parts(folder: Path) -> tuple[Any, onnx.ModelProto, None]:
    """Network and graph of the model in `folder`."""
    return read_model(folder)[0], onnx.load(folder / ONNX), None


if __name__ == "__main__":
    main()
