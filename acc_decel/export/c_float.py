"""The generated C tables of the network in float32.

The rectifier of the firmware is that of `dense_net.py` on other scales, which saves it operations: it takes a quarter
of a sum and gives half of the value. `in_quarters` puts these powers of two into the weights; a product with a power of
two is not rounded, so that the outputs keep their bits. (What would lie below 2^-100 in between may lose some, which no
output shows.)
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.export.c_tables import LARGEST, Table, checksum, defines, header, rows_of, stretches
from acc_decel.factors import bends, column_names
from acc_decel.network import DenseNet, Layer, domain_inputs, wiring
from acc_decel.outputs import OUTPUTS

LAYERS = ("acc_decel_layers.c", "acc_decel_layers.h", "acc_decel_cortex_m4f.h")
SOURCES = ("acc_decel_float.c", "acc_decel_domain.c", "acc_decel_domain.h", *LAYERS)
HEIGHTS = (8, 4, 2, 1)  # outputs of a block, as in acc_decel_layers.c
COPIED = 4  # values at a time, the last time up to three too many: as in acc_decel_float.c and acc_decel_domain.c


def network_header(net: DenseNet, *, stamp: str) -> str:
    """acc_decel_network_tables.h: wiring and weights, for acc_decel_float.c alone; `stamp` is its first comment."""
    wires = wiring(net.factors)
    before, beside = len(wires.forced), len(net.embedding[-1].bias)
    widths = [before + wires.embedding_inputs + 1, before + beside + max(before, COPIED - 1)]
    widths += [before + len(layer.bias) for layer in net.embedding]
    widths += [before + beside + len(layer.bias) for layer in net.trunk]
    tables = network_tables(net)
    counts = {
        "WIDEST": max(widths),
        "EMBEDDING_LAYERS": len(net.embedding),
        "TRUNK_LAYERS": len(net.trunk),
        "EMBEDDED_COUNT": beside,
        "FORCED_COUNT": before,
        "ENTRY_COUNT": before + len(wires.free) + len(wires.gated),
        "GATED_COUNT": len(wires.gated),
        "MASKED_COUNT": len(wires.masked),
        "BENT_COUNT": sum(table.name == "bent" and len(table.values) for table in tables),
    }
    parts = (
        defines({name: f"{count}U" for name, count in counts.items()}),
        _TYPES,
        *(table.text for table in tables),
        stretches(tables, name="network_stretches", count="ACC_DECEL_NETWORK_STRETCHES"),
    )
    includes = ['"acc_decel_layers.h"', '"acc_decel_network.h"', "<float.h>", "<stdint.h>"]
    return header("ACC_DECEL_NETWORK_TABLES_H", includes, parts, stamp=stamp)


_TYPES = """/* What enters the network of one column: (value - center) * inverse spread. */
typedef struct {
    uint32_t column;
    float center;
    float inverse_spread;
} acc_decel_entry_t;

/* A factor that matters most near 0: the network sees value / (value + bend). */
typedef struct {
    uint32_t column;
    float bend;
} acc_decel_bent_t;

/* The outputs are cut to these. */
typedef struct {
    float low;
    float high;
} acc_decel_cut_t;"""


def network_checksum(net: DenseNet) -> int:
    """CRC-32 of the tables of acc_decel_float.c and acc_decel_domain.c."""
    return checksum([*network_tables(net), *domain_tables(net)])


def domain_header(net: DenseNet, *, stamp: str) -> str:
    """acc_decel_domain_tables.h: weights of the score, for acc_decel_domain.c alone; `stamp` is its first comment."""
    inputs = len(domain_inputs(net.factors))
    widths = [inputs + -inputs % COPIED, *(len(layer.bias) for layer in net.domain)]
    counts = {
        "WIDEST": max(widths),
        "LAYERS": len(net.domain),
        "INPUTS": inputs,
    }
    tables = domain_tables(net)
    parts = (
        defines({f"DOMAIN_{name}": f"{count}U" for name, count in counts.items()}),
        *(table.text for table in tables),
        stretches(tables, name="domain_stretches", count="ACC_DECEL_DOMAIN_STRETCHES"),
    )
    includes = ['"acc_decel_layers.h"', '"acc_decel_network.h"', "<stdint.h>"]
    return header("ACC_DECEL_DOMAIN_TABLES_H", includes, parts, stamp=stamp)


def domain_tables(net: DenseNet) -> list[Table]:
    """The tables of acc_decel_domain.c."""
    inputs = np.array(domain_inputs(net.factors), np.uint32)
    inputs = np.pad(inputs, (0, -len(inputs) % COPIED))
    layers = in_quarters(net).domain
    return [
        Table("domain_inputs", inputs, "which of the values that enter the network the score sees"),
        _sizes("domain_layers", layers, bent=len(layers) - 1),
        Table("domain_weights", np.concatenate([blocks(layer) for layer in layers]), "blocks of all layers"),
    ]


def network_tables(net: DenseNet) -> list[Table]:
    """The tables of acc_decel_float.c."""
    wires, bend = wiring(net.factors), bends(net.factors)
    scaled = in_quarters(net)
    layers = scaled.embedding + scaled.trunk
    columns = [*wires.forced, *wires.free, *wires.gated]
    filled = ["nothing"] * (len(columns) % 2)
    scales = [(c, net.center[c], net.inverse_spread[c]) for c in columns] + [(0, 0, 0) for _ in filled]
    entries = rows_of("u4,f4,f4", scales)
    bent = rows_of("u4,f4", [(c, bend[c]) for c in sorted({*columns}) if bend[c]])
    limits = rows_of("f4,f4", list(zip(*np.clip([net.low, net.high], -LARGEST, LARGEST), strict=True)))
    masked = np.pad(np.array(wires.masked, np.uint32), (0, len(wires.masked) % 2))
    names = column_names(net.factors)
    return [
        Table("entries", entries, "forced, free, gated", "acc_decel_entry_t", (*(names[c] for c in columns), *filled)),
        Table("bent", bent, "", "acc_decel_bent_t"),
        Table("gate_columns", np.array(wires.gates, np.uint32), "of each gated column"),
        Table("masked_columns", masked, "columns whose availability the embedding sees"),
        _sizes("embedding", net.embedding, bent=len(net.embedding)),
        _sizes("trunk", net.trunk, bent=len(net.trunk) - 1),
        Table("output_limits", limits, "outputs", "acc_decel_cut_t", tuple(OUTPUTS)),
        Table("weights", np.concatenate([blocks(layer) for layer in layers]), "blocks of all layers, one by one"),
    ]


def in_quarters(net: DenseNet) -> DenseNet:
    """`net` with the weights that the firmware takes: a quarter of every sum, half of every hidden value."""
    beside = len(net.embedding[-1].bias)
    embedding = tuple(_in_quarters(layer, hidden=slice(0, None if i else 0)) for i, layer in enumerate(net.embedding))
    trunk = [_in_quarters(layer, hidden=slice(0, None if i else beside)) for i, layer in enumerate(net.trunk)]
    domain = [_in_quarters(layer, hidden=slice(0, None if i else 0)) for i, layer in enumerate(net.domain)]
    for layers in (trunk, domain):  # a last sum is itself
        layers[-1] = Layer(layers[-1].weights * np.float32(4), layers[-1].bias * np.float32(4))
    return replace(net, embedding=embedding, trunk=tuple(trunk), domain=tuple(domain))


def _in_quarters(layer: Layer, *, hidden: slice) -> Layer:
    """A layer that gives a quarter of its sums, for inputs of which the `hidden` ones are half of their values."""
    weights = layer.weights * np.float32(0.25)
    weights[:, hidden] *= np.float32(2)
    return Layer(weights, layer.bias * np.float32(0.25))


def _sizes(part: str, layers: tuple[Layer, ...], *, bent: int) -> Table:
    rows = [(layer.weights.shape[1], len(layer.bias), i < bent) for i, layer in enumerate(layers)]
    return Table(part, np.array(rows, np.uint32), "inputs, outputs, bent", "acc_decel_layer_t")


def _heights(outputs: int) -> list[int]:
    """Heights of the blocks that hold so many outputs."""
    most, *fewer = HEIGHTS
    return [most] * (outputs // most) + [height for height in fewer if outputs & height]


def blocks(layer: Layer) -> Float32[ndarray, " numbers"]:
    """A layer as acc_decel_layers() takes it: block by block bias, then weights input by input."""
    numbers, start = [], 0
    for height in _heights(len(layer.bias)):
        some = slice(start, start + height)
        numbers += [layer.bias[some], layer.weights[some].T.ravel()]
        start += height
    return np.concatenate(numbers)
