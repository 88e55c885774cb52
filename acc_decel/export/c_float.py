"""The generated C tables of the network in float32.

The rectifier of the firmware is the one of `dense_net.py` on other scales, which saves operations: its input is a
quarter of a sum, and its output is half of the value. `in_quarters` moves these powers of two into the weights. A
product with a power of two is not rounded, so the outputs keep their bits. (Intermediate values below 2^-100 may lose
bits, which no output shows.)
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.export.c_features import feature_tables, head_tables
from acc_decel.export.c_tables import Table, checksum, checksum_ranges, defines, header, rows_of
from acc_decel.factors import half_saturations
from acc_decel.network import DenseNet, Layer, domain_inputs, input_names, wiring

LAYERS = ("acc_decel_layers.c", "acc_decel_layers.h", "acc_decel_cortex_m4f.h")
SOURCES = ("acc_decel_float.c", "acc_decel_domain.c", "acc_decel_domain.h", *LAYERS)
HEIGHTS = (8, 4, 2, 1)  # outputs of a block, as in acc_decel_layers.c
COPIED = 4  # values copied at a time, at the end up to three too many: as in acc_decel_float.c and acc_decel_domain.c


def network_header(net: DenseNet, *, stamp: str) -> str:
    """acc_decel_network_tables.h: wiring and weights, only for acc_decel_float.c; `stamp` is its first comment."""
    wires = wiring(net.factors)
    forced, shared = len(wires.forced), len(net.embedding[-1].bias)
    widths = [forced + wires.embedding_inputs + 1, forced + shared + max(forced, COPIED - 1)]
    widths += [forced + len(layer.bias) for layer in net.embedding]
    widths += [forced + shared + len(layer.bias) for layer in net.trunk]
    tables = network_tables(net)
    columns, features, saturated, *_ = tables
    counts = {
        "WIDEST": max(widths),
        "EMBEDDING_LAYERS": len(net.embedding),
        "TRUNK_LAYERS": len(net.trunk),
        "EMBEDDED_COUNT": shared,
        "FORCED_COUNT": forced,
        "COLUMN_ENTRY_COUNT": len(columns.values),
        "FEATURE_ENTRY_COUNT": len(features.values),
        "SATURATED_COUNT": len(saturated.values),
        "GATED_COUNT": len(wires.gated),
        "FIRST_GATED": forced + len(wires.free),
        "MASKED_COUNT": len(wires.masked),
    }
    parts = (
        defines({name: f"{count}U" for name, count in counts.items()}),
        _TYPES,
        *(table.text for table in tables),
        checksum_ranges(tables, name="network_ranges", count="ACC_DECEL_NETWORK_RANGE_COUNT"),
    )
    includes = ['"acc_decel_layers.h"', '"acc_decel_network.h"', "<stdint.h>"]
    return header("ACC_DECEL_NETWORK_TABLES_H", includes, parts, stamp=stamp)


_TYPES = """/* How a column or a feature is scaled for the network: (value - center) * inverse spread. */
typedef struct {
    uint32_t value; /* its place among the values */
    uint32_t input; /* its place among the inputs of the network */
    float center;
    float inverse_spread;
} acc_decel_entry_t;

/* A saturated column: the network gets value / (value + half_saturation). */
typedef struct {
    uint32_t value;
    float half_saturation;
} acc_decel_saturated_t;"""


def network_checksum(net: DenseNet) -> int:
    """CRC-32 of the tables of the network: features, layers, head, score."""
    return checksum([*feature_tables(net), *network_tables(net), *head_tables(net), *domain_tables(net)])


def domain_header(net: DenseNet, *, stamp: str) -> str:
    """acc_decel_domain_tables.h: weights of the score, only for acc_decel_domain.c; `stamp` is its first comment."""
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
        checksum_ranges(tables, name="domain_ranges", count="ACC_DECEL_DOMAIN_RANGE_COUNT"),
    )
    includes = ['"acc_decel_layers.h"', '"acc_decel_network.h"', "<stdint.h>"]
    return header("ACC_DECEL_DOMAIN_TABLES_H", includes, parts, stamp=stamp)


def domain_tables(net: DenseNet) -> list[Table]:
    """The tables of acc_decel_domain.c."""
    inputs = np.array(domain_inputs(net.factors), np.uint32)
    inputs = np.pad(inputs, (0, -len(inputs) % COPIED))
    layers = in_quarters(net).domain
    return [
        Table("domain_inputs", inputs, "which inputs of the network are inputs of the score"),
        _sizes("domain_layers", layers, rectified=len(layers) - 1),
        Table("domain_weights", np.concatenate([blocks(layer) for layer in layers]), "blocks of all layers"),
    ]


def network_tables(net: DenseNet) -> list[Table]:
    """The tables of acc_decel_float.c."""
    wires, half = wiring(net.factors), half_saturations(net.factors)
    scaled = in_quarters(net)
    layers = scaled.embedding + scaled.trunk
    inputs = [*enumerate([*wires.forced, *wires.free, *wires.gated])]
    columns = [(value, at) for at, value in inputs if value < len(half)]
    features = [(value, at) for at, value in inputs if value >= len(half)]
    direct = {value for value, _ in columns}
    masked = np.pad(np.array(wires.masked, np.uint32), (0, len(wires.masked) % 2))
    return [
        _entries(net, "column_entries", columns, spare=len(inputs)),
        _entries(net, "feature_entries", features, spare=len(inputs)),
        Table(
            "saturated",
            rows_of("u4,f4", [(c, half[c]) for c in sorted(direct) if half[c]]),
            "columns",
            "acc_decel_saturated_t",
        ),
        Table("gate_columns", np.array(wires.gates, np.uint32), "the gate of each gated input"),
        Table("masked_columns", masked, "columns whose availability is an input of the embedding"),
        _sizes("embedding", net.embedding, rectified=len(net.embedding)),
        _sizes("trunk", net.trunk, rectified=len(net.trunk) - 1),
        Table(
            "weights", np.concatenate([blocks(layer) for layer in layers]), "blocks of all layers, one after the other"
        ),
    ]


def _entries(net: DenseNet, name: str, places: list[tuple[int, int]], *, spare: int) -> Table:
    """Scales of the inputs at these places; an even number of rows, of which a padding one writes to the input `spare`.

    Columns of the availability, which are written later, start there.
    """
    names = input_names(net.factors)
    rows = [(value, at, net.center[value], net.inverse_spread[value]) for value, at in places]
    remarks = [names[value] for value, _ in places]
    if len(rows) % 2:
        rows.append((0, spare, 0, 0))
        remarks.append("padding")
    return Table(name, rows_of("u4,u4,f4,f4", rows), "inputs", "acc_decel_entry_t", tuple(remarks))


def in_quarters(net: DenseNet) -> DenseNet:
    """`net` with the weights of the firmware, which give a quarter of every sum and half of every hidden value."""
    shared = len(net.embedding[-1].bias)
    embedding = tuple(_in_quarters(layer, hidden=slice(0, None if i else 0)) for i, layer in enumerate(net.embedding))
    trunk = [_in_quarters(layer, hidden=slice(0, None if i else shared)) for i, layer in enumerate(net.trunk)]
    domain = [_in_quarters(layer, hidden=slice(0, None if i else 0)) for i, layer in enumerate(net.domain)]
    for layers in (trunk, domain):  # the last sums stay as they are
        layers[-1] = Layer(layers[-1].weights * np.float32(4), layers[-1].bias * np.float32(4))
    return replace(net, embedding=embedding, trunk=tuple(trunk), domain=tuple(domain))


def _in_quarters(layer: Layer, *, hidden: slice) -> Layer:
    """A layer that gives a quarter of its sums, for inputs of which the `hidden` ones are half of their values."""
    weights = layer.weights * np.float32(0.25)
    weights[:, hidden] *= np.float32(2)
    return Layer(weights, layer.bias * np.float32(0.25))


def _sizes(part: str, layers: tuple[Layer, ...], *, rectified: int) -> Table:
    """Sizes of the layers, of which the rectifier follows the first `rectified`."""
    rows = [(layer.weights.shape[1], len(layer.bias), i < rectified) for i, layer in enumerate(layers)]
    return Table(part, np.array(rows, np.uint32), "inputs, outputs, rectified", "acc_decel_layer_t")


def _heights(outputs: int) -> list[int]:
    """Heights of the blocks for so many outputs."""
    highest, *lower = HEIGHTS
    return [highest] * (outputs // highest) + [height for height in lower if outputs & height]


def blocks(layer: Layer) -> Float32[ndarray, " numbers"]:
    """A layer in the format of acc_decel_layers(): block by block the bias, then the weights input by input."""
    numbers, start = [], 0
    for height in _heights(len(layer.bias)):
        block = slice(start, start + height)
        numbers += [layer.bias[block], layer.weights[block].T.ravel()]
        start += height
    return np.concatenate(numbers)
