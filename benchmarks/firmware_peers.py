"""Networks in the C of others, for firmware.py: a loop as one writes it by hand, emlearn's and emx-onnx-cgen's."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from acc_decel.export.c_tables import Table
from acc_decel.network import Layer

EMX = "emx-onnx-cgen"
INSTALL_EMLEARN = "pip install '.[bench]'"
INSTALL_EMX = f"pip install {EMX} in an environment of its own, its command on PATH"
STUBS = Path(__file__).parent / "plain_network" / "freestanding"  # headers of a C library that peers ask for
SYSTEM_HEADER = "#pragma GCC system_header\n"  # whose warnings the compiler keeps to itself: it draws some
LOOP_LAYER = """typedef struct {
    uint32_t inputs;
    uint32_t outputs;
    uint32_t rectified;
    const float *weights; /* outputs x inputs */
    const float *bias;
} loop_layer_t;"""


def emlearn_is_here() -> bool:
    """Whether emlearn is installed; says on stderr what to do if not."""
    if find_spec("emlearn") is None:
        print(f"emlearn is not installed, its rows are left out: {INSTALL_EMLEARN}", file=sys.stderr)
        return False
    return True


def emx_is_here() -> bool:
    """Whether the command of emx-onnx-cgen is on the path; says on stderr what to do if not."""
    if shutil.which(EMX) is None:
        print(f"{EMX} is not installed, its rows are left out: {INSTALL_EMX}", file=sys.stderr)
        return False
    return True


def loop_parts(layers: Sequence[Layer]) -> list[str]:
    """The tables of the loop, as C."""
    parts, rows = [LOOP_LAYER], []
    for i, layer in enumerate(layers):
        outputs, inputs = layer.weights.shape
        parts += [
            Table(f"weights_{i}", layer.weights, "outputs x inputs").text,
            Table(f"bias_{i}", layer.bias, "outputs").text,
        ]
        rows.append(f"    {{{inputs}U, {outputs}U, {int(i < len(layers) - 1)}U, weights_{i}, bias_{i}}}")
    body = ",\n".join(rows)
    return [*parts, f"static const loop_layer_t loop_layers[LAYERS] = {{\n{body}\n}};"]


def write_emlearn(folder: Path, layers: Sequence[Layer]) -> None:
    """What emlearn generates for the layers, the headers that it needs, and those of a C library that it asks for."""
    with np.errstate():  # its import makes every underflow of NumPy an error, and nobody asked
        import emlearn
        from emlearn.net import c_generate_net_loadable

    activations = ["relu"] * (len(layers) - 1) + ["identity"]
    weights = [np.ascontiguousarray(layer.weights.T) for layer in layers]  # inputs x outputs
    code = c_generate_net_loadable(activations, weights, [layer.bias for layer in layers], prefix="network")
    code = code.replace("static EmlNet network", "static const EmlNet network")  # nothing copies .data into RAM here
    (folder / "emlearn_network.h").write_text(SYSTEM_HEADER + code)
    for header in (*Path(emlearn.__file__).parent.glob("eml_*.h"), *STUBS.glob("*.h")):
        shutil.copy(header, folder / header.name)


def write_emx(folder: Path, model: Path) -> None:
    """What emx-onnx-cgen generates for one row of the ONNX file, nothing of it on a heap, and the headers it asks for.

    Raises CalledProcessError if the tool does not take the model.
    """
    code = folder / "emx_network.h"
    options = ("--input-dim", "batch=1", "--model-name", "network")
    options += ("--large-temp-threshold", "0", "--large-weight-threshold", "0")
    subprocess.run([EMX, "compile", *options, str(model), str(code)], check=True, stdout=sys.stderr)
    code.write_text(SYSTEM_HEADER + code.read_text())
    for stub in STUBS.glob("*.h"):
        shutil.copy(stub, folder / stub.name)


def write_onnx(layers: Sequence[Layer], path: Path) -> Path:
    """The plain network as ONNX."""
    nodes, constants, x = [], [], "input"
    for i, layer in enumerate(layers):
        named = {f"weights_{i}": layer.weights, f"bias_{i}": layer.bias}
        constants += [numpy_helper.from_array(values, name) for name, values in named.items()]
        nodes.append(helper.make_node("Gemm", [x, *named], [f"sums_{i}"], transB=1))
        x = f"sums_{i}"
        if i < len(layers) - 1:
            nodes.append(helper.make_node("Relu", [x], [f"units_{i}"]))
            x = f"units_{i}"
    sizes = {"input": layers[0].weights.shape[1], x: len(layers[-1].bias)}
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size]) for name, size in sizes.items()]
    graph = helper.make_graph(nodes, "plain", ends[:1], ends[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path
