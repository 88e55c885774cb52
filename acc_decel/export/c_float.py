"""The generated C tables of the network in float32."""

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.export.c_tables import LARGEST, Table, checksum, defines, header, rows_of, stretches
from acc_decel.factors import OUTPUTS, bends, column_names
from acc_decel.network import DenseNet, Layer, domain_inputs, wiring

LAYERS = ("acc_decel_layers.c", "acc_decel_layers.h", "acc_decel_cortex_m4f.h")
SOURCES = ("acc_decel_float.c", "acc_decel_domain.c", "acc_decel_domain.h", *LAYERS)
WIDE, NARROW = 8, 4  # outputs of a block, as in acc_decel_layers.c


def network_header(net: DenseNet, *, stamp: str) -> str:
    """acc_decel_network_tables.h: wiring and weights, for acc_decel_float.c alone; `stamp` is its first comment."""
    wires = wiring(net.factors)
    before, beside = len(wires.forced), len(net.embedding[-1].bias)
    widths = [before + wires.embedding_inputs, beside + before]
    widths += [before + _room(layer) for layer in net.embedding]
    widths += [beside + _room(layer) for layer in net.trunk[:-1]]
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
        "OUTPUT_ROOM": _room(net.trunk[-1]),
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
    uint32_t entry;
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
    widths = [len(domain_inputs(net.factors)), *(_room(layer) for layer in net.domain[:-1])]
    counts = {
        "WIDEST": max(widths),
        "LAYERS": len(net.domain),
        "INPUTS": widths[0],
        "SCORE_ROOM": _room(net.domain[-1]),
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
    return [
        Table("domain_inputs", inputs, "which of the values that enter the network the score sees"),
        _sizes("domain_layers", net.domain),
        Table("domain_weights", np.concatenate([blocks(layer) for layer in net.domain]), "blocks of all layers"),
    ]


def network_tables(net: DenseNet) -> list[Table]:
    """The tables of acc_decel_float.c."""
    wires, bend = wiring(net.factors), bends(net.factors)
    layers = net.embedding + net.trunk
    columns = [*wires.forced, *wires.free, *wires.gated]
    entries = rows_of("u4,f4,f4", [(c, net.center[c], net.inverse_spread[c]) for c in columns])
    bent = rows_of("u4,f4", [(i, bend[c]) for i, c in enumerate(columns) if bend[c]])
    limits = rows_of("f4,f4", list(zip(*np.clip([net.low, net.high], -LARGEST, LARGEST), strict=True)))
    names = column_names(net.factors)
    return [
        Table("entries", entries, "forced, free, gated", "acc_decel_entry_t", tuple(names[c] for c in columns)),
        Table("bent", bent, "", "acc_decel_bent_t"),
        Table("gate_columns", np.array(wires.gates, np.uint32), "of each gated column"),
        Table("masked_columns", np.array(wires.masked, np.uint32), "columns whose availability the embedding sees"),
        _sizes("embedding", net.embedding),
        _sizes("trunk", net.trunk),
        Table("output_limits", limits, "outputs", "acc_decel_cut_t", tuple(OUTPUTS)),
        Table("weights", np.concatenate([blocks(layer) for layer in layers]), "blocks of all layers, one by one"),
    ]


def _sizes(part: str, layers: tuple[Layer, ...]) -> Table:
    heights = [_heights(len(layer.bias)) for layer in layers]
    rows = [
        (layer.weights.shape[1], high.count(WIDE), high.count(NARROW))
        for layer, high in zip(layers, heights, strict=True)
    ]
    return Table(part, np.array(rows, np.uint32), "inputs, wide, narrow blocks", "acc_decel_layer_t")


def _room(layer: Layer) -> int:
    """Outputs of a layer in whole blocks."""
    return sum(_heights(len(layer.bias)))


def _heights(outputs: int) -> list[int]:
    """Heights of the blocks that hold so many outputs."""
    fours = -(-outputs // NARROW)
    return [WIDE] * (fours // 2) + [NARROW] * (fours % 2)


def blocks(layer: Layer) -> Float32[ndarray, " numbers"]:
    """A layer as acc_decel_sums() takes it: block by block bias, then weights input by input."""
    numbers, start = [], 0
    for height in _heights(len(layer.bias)):
        some = slice(start, start + height)
        rows = [layer.bias[some], *layer.weights[some].T]
        block = np.zeros((len(rows), height), np.float32)
        block[:, : len(rows[0])] = rows
        numbers.append(block.ravel())
        start += height
    return np.concatenate(numbers)
