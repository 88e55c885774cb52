"""Write the ONNX files of the released models again from their arrays, and renew what depends on their bytes.

    python .ci/renew_models.py             # all of it
    python .ci/renew_models.py --hashes    # only the hashes in the package, after a training

For a change of the metadata, of the graph's texts, or of the limits of an output in OUTPUT_LIMITS, which is written
into the arrays: no weight changes, and no answer but those beyond the limits. Hashes, student, card and proof.json
follow, and the hashes in `acc_decel/released.py`. Raises RuntimeError if a file is not of these arrays.
"""

import argparse
import json
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx

import acc_decel
from acc_decel.assurance import Proof, ProvenModel, open_model, passed, prove, write_report
from acc_decel.assurance.onnx_arrays import differences
from acc_decel.cli.card import PICTURES, card_text
from acc_decel.export import onnx_bytes
from acc_decel.export.onnx_file import set_metadata
from acc_decel.factors import described
from acc_decel.files import atomic_write
from acc_decel.model_folder import (
    ARRAYS,
    ATTRIBUTION,
    CARD,
    MANIFEST,
    METRICS,
    ONNX,
    json_bytes,
    made_for,
    read_files,
    read_model,
    released_models,
)
from acc_decel.network import FINGERPRINT, DenseNet, fingerprint, load_net, to_bytes
from acc_decel.outputs import OUTPUT_LIMITS
from acc_decel.physics import vehicle
from acc_decel.predictor import Predictor

HASHES = Path(acc_decel.__file__).parent / "released.py"
OF_THE_TRAINING = ("vehicle", "code_version", "dataset", "training")  # metadata that the network does not hold


def metadata(model: onnx.ModelProto) -> dict[str, str]:
    """The metadata of an ONNX file."""
    return {entry.key: entry.value for entry in model.metadata_props}


def renew(folder: Path) -> None:
    """Write arrays, ONNX, student, card and manifest of the model in `folder` again."""
    read_files(folder)
    net, old = load_net(folder / ARRAYS), onnx.load(folder / ONNX)
    net = with_limits(net)
    before = metadata(old)
    content = onnx_bytes(net, {key: before[key] for key in OF_THE_TRAINING})
    new = onnx.load_from_string(content)
    if found := differences(new, net):
        raise RuntimeError(f"{folder / ONNX} must hold the arrays of the network. Got: {found[0]}")
    student = onnx.load(folder / ATTRIBUTION)
    replace_constants(student, old, new)
    write(folder, ARRAYS, to_bytes(net))
    write(folder, ONNX, content)
    texts = metadata(student) | {
        "factors": json.dumps(described(net.factors)),
        "made_for": json.dumps(made_for(folder)),
        FINGERPRINT: fingerprint(net),
    }
    set_metadata(student, texts)
    write(folder, ATTRIBUTION, student.SerializeToString(deterministic=True))
    metrics = json.loads((folder / METRICS).read_text())
    write(folder, METRICS, json_bytes(metrics | {FINGERPRINT: fingerprint(net)}))
    manifest = json.loads((folder / MANIFEST).read_text())
    hashes = {name: sha256((folder / name).read_bytes()).hexdigest() for name in manifest["sha256"]}
    write(folder, MANIFEST, json_bytes(manifest | {"sha256": hashes}))
    pictures = [name for name in PICTURES if (folder / f"{name}.png").is_file()]
    write(folder, CARD, card_text(Predictor(folder), read_model(folder)[1], pictures).encode())


def with_limits(net: DenseNet) -> DenseNet:
    """`net` with its limits of the outputs cut to OUTPUT_LIMITS."""
    low, high = np.array(tuple(OUTPUT_LIMITS.values()), np.float32).T
    low, high = np.maximum(low, net.low), np.minimum(high, net.high)
    if (low > high).any():
        raise RuntimeError(
            f"OUTPUT_LIMITS must overlap the limits of the arrays, {net.low.tolist()} to {net.high.tolist()}. "
            f"Got {tuple(OUTPUT_LIMITS.values())}: train again."
        )
    return replace(net, low=low.copy(), high=high.copy())


def replace_constants(student: onnx.ModelProto, old: onnx.ModelProto, new: onnx.ModelProto) -> None:
    """Put the constants of the network `new` into its student, which holds those of `old`; the graph is the same."""
    was, becomes = ({c.name: c for c in model.graph.initializer} for model in (old, new))
    if [node.SerializeToString() for node in old.graph.node] != [node.SerializeToString() for node in new.graph.node]:
        raise RuntimeError("The graph must have the same operators as before. Got others: make the student again.")
    for constant in student.graph.initializer:
        if constant.name in was:
            if constant != was[constant.name]:
                raise RuntimeError(f"The student must hold the network's constant {constant.name}. Got another.")
            constant.CopyFrom(becomes[constant.name])


def write(folder: Path, name: str, content: bytes) -> None:
    """Write a file of a model's folder."""
    with atomic_write(folder / name) as temporary:
        temporary.write_bytes(content)


def prove_again(folder: Path) -> list[Proof]:
    """Every proof of the model in `folder`."""
    name = str(read_model(folder)[1]["vehicle"])
    return list(prove(open_model(folder, vehicle(name))))


def write_hashes() -> None:
    """Write the hashes of the released models into the package."""
    hashes = {name: read_files(folder) for name, folder in released_models().items()}
    with atomic_write(HASHES) as temporary:
        temporary.write_text(hashes_module(hashes))


def hashes_module(hashes: dict[str, dict[str, str]]) -> str:
    """The text of `acc_decel/released.py`."""
    lines = ['"""SHA-256 of the files of every released model. Written by `.ci/renew_models.py`, do not edit."""', ""]
    lines.append("RELEASED: dict[str, dict[str, str]] = {")
    for name, files in hashes.items():
        lines += [f'    "{name}": {{', *(f'        "{file}": "{digest}",' for file, digest in files.items()), "    },"]
    return "\n".join([*lines, "}", ""])


def main() -> None:
    """Renew all released models. Exits with 1 if a proof fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hashes", action="store_true", help="write only the hashes in the package")
    failed = False
    for name, folder in () if parser.parse_args().hashes else released_models().items():
        renew(folder)
        proofs = prove_again(folder)
        write_report(ProvenModel(folder, *open_parts(folder)), proofs)
        failed |= not passed(proofs)
        print(f"{name}: " + ", ".join(f"{p.name} {'passed' if p.passed else p.passed}" for p in proofs), flush=True)
    write_hashes()
    sys.exit(failed)


def open_parts(folder: Path) -> tuple[Any, onnx.ModelProto, None]:
    """Network and graph of the model in `folder`."""
    return read_model(folder)[0], onnx.load(folder / ONNX), None


if __name__ == "__main__":
    main()
