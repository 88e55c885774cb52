"""The plain network in the C of others, for firmware.py: a loop as one writes it by hand, and emlearn's."""

import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from acc_decel.export.c_tables import Table
from acc_decel.network import Layer

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
        print("emlearn is not installed, its rows are left out: pip install '.[bench]'", file=sys.stderr)
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


def write_emlearn(folder: Path, layers: Sequence[Layer], stubs: Path) -> None:
    """What emlearn generates for the layers, the headers that it needs, and those of a C library that it asks for."""
    with np.errstate():  # its import makes every underflow of NumPy an error, and nobody asked
        import emlearn
        from emlearn.net import c_generate_net_loadable

    activations = ["relu"] * (len(layers) - 1) + ["identity"]
    weights = [np.ascontiguousarray(layer.weights.T) for layer in layers]  # inputs x outputs
    code = c_generate_net_loadable(activations, weights, [layer.bias for layer in layers], prefix="network")
    code = code.replace("static EmlNet network", "static const EmlNet network")  # nothing copies .data into RAM here
    (folder / "emlearn_network.h").write_text(SYSTEM_HEADER + code)
    for header in (*Path(emlearn.__file__).parent.glob("eml_*.h"), *stubs.glob("*.h")):
        shutil.copy(header, folder / header.name)
