"""Networks in int8, as bakenn writes them from PyPI: with CMSIS-NN, or its own kernels; for two benchmarks."""

import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from acc_decel.network import Layer
from benchmarks.firmware_peers import STUBS, SYSTEM_HEADER

BAKENN = "bakenn"
INSTALL = f"pip install --no-deps --target FOLDER {BAKENN}, then PYTHONPATH=.:FOLDER"
CMSIS_NN, PORTABLE, SMLAD = "CMSIS-NN", "portable", "SMLAD"
NAME = "network"  # in the names of the generated files


def bakenn_is_here() -> bool:
    """Whether bakenn is installed; says on stderr what to do if not."""
    if find_spec(BAKENN) is None:
        print(f"{BAKENN} is not installed, its rows are left out: {INSTALL}", file=sys.stderr)
        return False
    return True


def write_bakenn(folder: Path, layers: Sequence[Layer], events: np.ndarray, kernels: str) -> None:
    """Writes the network in int8, calibrated on `events`, all its files side by side in `folder`.

    `kernels` is CMSIS_NN, which multiplies by one scale for each layer, PORTABLE or SMLAD, by one for each unit.
    """
    import bakenn

    graph = bakenn.quantize_float_graph(_float_graph(layers), events, name=NAME, options=_quantisation(kernels))
    bakenn.compile(graph, folder / BAKENN, model_name=NAME, backend_options=_backend(kernels))
    for path in sorted((folder / BAKENN).rglob("*.[ch]")):  # one file includes all: acc_decel_plain_bakenn.c
        own = path.name.replace(".c", "_c.h")
        (folder / own).write_text(SYSTEM_HEADER + path.read_text())
    shutil.rmtree(folder / BAKENN)
    shutil.copy(STUBS / "math.h", folder / "math.h")
    includes = [f'#include "{path.name}"\n' for path in sorted(folder.glob("*_c.h"))]
    (folder / "bakenn_network.h").write_text("".join(includes))


def _quantisation(kernels: str) -> Any:
    from bakenn import LinearWeightGranularity, PTQOptions

    each = LinearWeightGranularity.PER_TENSOR if kernels == CMSIS_NN else LinearWeightGranularity.PER_CHANNEL
    return PTQOptions(linear_weight_granularity=each)


def _backend(kernels: str) -> Any:
    from bakenn import CORTEX_M4, CBackendOptions, KernelPolicy

    if kernels == PORTABLE:
        return CBackendOptions()
    policy = KernelPolicy.STATIC_PRIORITY
    return CBackendOptions(kernel_policy=policy, target=CORTEX_M4, enable_cmsis_nn=kernels == CMSIS_NN)


def _float_graph(layers: Sequence[Layer]) -> Any:
    """The layers with rectifiers between them, as bakenn's frontend of PyTorch would give them."""
    from bakenn.frontends.torch_export.model import (
        FloatDType,
        FloatGraph,
        FloatLayout,
        FloatLinearOp,
        FloatReLUOp,
        FloatValue,
        FloatValueKind,
    )

    values, constants, operations = {}, {}, []

    def value(name: str, shape: tuple[int, ...], layout: str, kind: str) -> str:
        values[name] = FloatValue(name, shape, FloatDType.FLOAT32, FloatLayout[layout], FloatValueKind[kind])
        return name

    x = value("input", (1, layers[0].weights.shape[1]), "NC", "INPUT")
    for i, layer in enumerate(layers):
        shape = (1, len(layer.bias))
        weight = value(f"weight_{i}", layer.weights.shape, "OI", "PARAMETER")
        bias = value(f"bias_{i}", layer.bias.shape, "C", "PARAMETER")
        constants |= {weight: layer.weights, bias: layer.bias}
        sums = value(f"sums_{i}", shape, "NC", "ACTIVATION")
        operations.append(FloatLinearOp(f"linear_{i}", x, weight, bias, sums))
        x = sums
        if i < len(layers) - 1:
            x = value(f"units_{i}", shape, "NC", "ACTIVATION")
            operations.append(FloatReLUOp(f"relu_{i}", sums, x))
    return FloatGraph(NAME, values, constants, tuple(operations), ("input",), (x,))


def random_layers(widths: Sequence[int], rng: np.random.Generator) -> list[Layer]:
    """Layers of random weights that keep the size of the values."""
    layers = []
    for inputs, outputs in pairwise(widths):
        weights = rng.normal(0, np.sqrt(2 / inputs), (outputs, inputs)).astype("f4")
        layers.append(Layer(weights, rng.normal(0, 0.1, outputs).astype("f4")))
    return layers
