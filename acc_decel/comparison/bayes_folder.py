"""A network with a posterior as a folder: arrays, metrics, and a manifest with the hash of each. No ONNX, no C."""

from io import BytesIO
from pathlib import Path

import numpy as np

from acc_decel.comparison import folder as comparison_folder
from acc_decel.comparison.bayes import BayesNet
from acc_decel.network import dense_net

KIND = "bayes"  # what the manifest calls such a model
ARRAYS = "bayes.npz"


def check_free(folder: Path) -> None:
    """Raise ValueError if `folder` holds a model of another kind, whose manifest would no longer fit."""
    comparison_folder.check_free(folder, KIND)


def write_folder(
    folder: Path,
    bayes: BayesNet,
    *,
    vehicle: str,
    dataset: dict[str, object],
    training: dict[str, object],
    metrics: dict[str, object],
) -> None:
    """Write the folder of `bayes`; `dataset` and `training` say what it was trained on and how."""
    comparison_folder.write(
        folder,
        (ARRAYS, stored(bayes)),
        kind=KIND,
        vehicle=vehicle,
        dataset=dataset,
        training=training,
        metrics=metrics,
    )


def read_folder(folder: Path) -> BayesNet:
    """The network in a folder. Raises ValueError naming a file that lacks, has changed, or is of another schema."""
    comparison_folder.check_whole(folder, KIND)
    return loaded(folder / ARRAYS)


def stored(bayes: BayesNet) -> bytes:
    """The arrays of `bayes` as the bytes of an .npz file: those of the network of its mean weights, and the scales."""
    with np.load(BytesIO(dense_net.to_bytes(bayes.net))) as file:
        arrays = {name: file[name] for name in file.files}
    buffer = BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays, scales=bayes.scales)
    return buffer.getvalue()


def loaded(path: Path) -> BayesNet:
    """The network stored in the file `path`. Raises ValueError if it cannot be read or is of other factors."""
    net = dense_net.load_net(path)
    layers = len(net.embedding + net.trunk)
    with np.load(BytesIO(path.read_bytes())) as file:
        scales = file["scales"] if "scales" in file.files else np.zeros(0, np.float32)
    if scales.shape != (layers,):
        raise ValueError(
            f"{path} must hold a scale for each of its {layers} layers. Got {scales.size}: train it again with "
            "`acc-decel train --model bayes`."
        )
    return BayesNet(net, scales)
