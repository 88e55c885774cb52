"""The generated C tables of the network in fixed point."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64, UInt32
from numpy import ndarray

from acc_decel.export.c_tables import Table, checksum, defines, header, rows_of, stretches
from acc_decel.export.fixed_point.arithmetic import LEAST, WORD, FixedLayer, FixedNet
from acc_decel.factors import column_names
from acc_decel.network import wiring
from acc_decel.outputs import OUTPUTS

LAYERS = ("acc_decel_fixed_layers.c", "acc_decel_fixed_layers.h", "acc_decel_thumb2.h")
SOURCES = ("acc_decel_fixed.c", "acc_decel_fixed_domain.c", "acc_decel_fixed_domain.h", *LAYERS)
TOGETHER = 4  # outputs of a block, as in acc_decel_fixed_layers.c
PLACES = 149  # as in acc_decel_fixed.c
FILLING_SHIFT = 16  # both, of an output that nothing reads


@dataclass(frozen=True)
class Packing:
    """How the layers lie in the tables."""

    blocks: Callable[[FixedLayer], ndarray]  # a layer's words
    includes: tuple[str, ...] = ()
    shared: tuple[Table, ...] = ()  # tables of another file


def network_header(net: FixedNet, packing: Packing, *, stamp: str) -> str:
    """acc_decel_network_tables.h: wiring and weights, for acc_decel_fixed.c alone; `stamp` is its first comment."""
    wires, tables = wiring(net.net.factors), network_tables(net, packing)
    beside = TOGETHER * _blocks(net.embedding[-1])
    widths = [wires.embedding_inputs + len(wires.forced), beside + len(wires.forced)]
    widths += [TOGETHER * _blocks(layer) for layer in net.embedding]
    widths += [beside + TOGETHER * _blocks(layer) for layer in net.trunk[:-1]]
    counts = {
        "WIDEST_PAIRS": -(-max(widths) // TOGETHER) * TOGETHER // 2,
        "EMBEDDING_LAYERS": len(net.embedding),
        "TRUNK_LAYERS": len(net.trunk),
        "EMBEDDED_PAIRS": beside // 2,
        "EMBEDDING_INPUTS": wires.embedding_inputs,
        "FORCED_COUNT": len(wires.forced),
        "ENTRY_COUNT": len(net.entries.columns),
        "ENTRY_PAIRS": -(-(len(net.entries.columns) - len(wires.forced)) // 2),
        "GATED_COUNT": len(wires.gated),
        "MASKED_COUNT": len(wires.masked),
        "OUTPUT_ROOM": TOGETHER * _blocks(net.trunk[-1]),
    }
    parts = (
        defines({name: f"{count}U" for name, count in counts.items()}),
        _TYPES,
        *(table.text for table in tables),
        stretches([*tables, *packing.shared], name="network_stretches", count="ACC_DECEL_NETWORK_STRETCHES"),
    )
    includes = ['"acc_decel_fixed_layers.h"', '"acc_decel_network.h"', *packing.includes, "<stdint.h>"]
    return header("ACC_DECEL_NETWORK_TABLES_H", includes, parts, stamp=stamp)


_TYPES = """/* What enters of one column, plus 2^15: (value * multiplier + offset) >> shift, where the value is an
 * integer of so many bits behind the point. With a bend, bend / (value + bend) takes its place, in 2^-16. The export
 * proves that the result has 16 bits for every value in range. */
typedef struct {
    uint32_t multiplier; /* modulo 2^32 */
    uint32_t offset;     /* modulo 2^32 */
    uint32_t bend;       /* 0 without */
    int16_t zero;        /* what enters where the factor is not available */
    uint8_t column;
    uint8_t places;      /* PLACES less the bits behind the point */
    uint32_t shift;
} acc_decel_entry_t;

/* One output: a sum plus 2^31 between least and most, in steps. */
typedef struct {
    uint32_t least;
    uint32_t most;
    float step;
} acc_decel_output_t;"""


def network_checksum(net: FixedNet, packing: Packing) -> int:
    """CRC-32 of the tables of acc_decel_fixed.c and acc_decel_fixed_domain.c."""
    return checksum([*network_tables(net, packing), *packing.shared, *domain_tables(net, packing)])


def domain_header(net: FixedNet, packing: Packing, *, stamp: str) -> str:
    """acc_decel_domain_tables.h: weights of the score, for acc_decel_fixed_domain.c alone; `stamp` as above."""
    tables = domain_tables(net, packing)
    inputs = len(tables[0].values)
    widths = [inputs, *(TOGETHER * _blocks(layer) for layer in net.domain[:-1])]
    counts = {
        "WIDEST_PAIRS": max(widths) // 2,
        "LAYERS": len(net.domain),
        "INPUTS": inputs,
        "SCORE_ROOM": TOGETHER * _blocks(net.domain[-1]),
    }
    parts = (
        defines({f"DOMAIN_{name}": f"{count}U" for name, count in counts.items()}),
        *(table.text for table in tables),
        stretches(tables, name="domain_stretches", count="ACC_DECEL_DOMAIN_STRETCHES"),
    )
    includes = ['"acc_decel_fixed_layers.h"', '"acc_decel_network.h"', "<stdint.h>"]
    return header("ACC_DECEL_DOMAIN_TABLES_H", includes, parts, stamp=stamp)


def domain_tables(net: FixedNet, packing: Packing) -> list[Table]:
    """The tables of acc_decel_fixed_domain.c; what fills the inputs up to whole blocks meets weights of 0."""
    inputs = np.array(net.domain_inputs, np.uint8)
    return [
        Table(
            "domain_inputs",
            np.pad(inputs, (0, -len(inputs) % TOGETHER)),
            "which of the values that enter the network the score sees",
        ),
        _sizes("domain_layers", net.domain),
        Table(
            "domain_weights",
            np.concatenate([packing.blocks(layer) for layer in net.domain])[:, None],
            "blocks of all layers, one by one",
            "acc_decel_pair_t",
        ),
    ]


def network_tables(net: FixedNet, packing: Packing) -> list[Table]:
    """The tables of acc_decel_fixed.c."""
    wires, names, e = wiring(net.net.factors), column_names(net.net.factors), net.entries
    entries = list(
        zip(
            e.multipliers % (2 * WORD),
            (e.offsets - (LEAST << e.shifts)) % (2 * WORD),
            e.bends,
            e.zero,
            e.columns,
            PLACES - e.bits,
            e.shifts,
            strict=True,
        )
    )
    described = [names[c] for c in e.columns]
    if (len(entries) - len(wires.forced)) % 2:
        entries.append((0, -LEAST << 15, 0, 0, 0, PLACES, 15))  # gives 0
        described.append("nothing")
    trunk = tuple(_apart(layer, len(net.embedding[-1].bias)) for layer in net.trunk)
    outputs = zip(net.least + WORD, net.most + WORD, np.exp2(-net.bits), strict=True)
    return [
        Table(
            "entries",
            rows_of("u4,u4,u4,i2,u1,u1,u4", entries),
            "forced, free, gated",
            "acc_decel_entry_t",
            tuple(described),
        ),
        Table("output_steps", rows_of("u4,u4,f4", list(outputs)), "outputs", "acc_decel_output_t", tuple(OUTPUTS)),
        Table("gate_columns", np.array(wires.gates, np.uint8), "of each gated column"),
        Table("masked_columns", np.array(wires.masked, np.uint8), "columns whose availability the embedding sees"),
        _sizes("embedding", net.embedding),
        _sizes("trunk", trunk),
        Table(
            "weights",
            np.concatenate([packing.blocks(layer) for layer in net.embedding + trunk])[:, None],
            "blocks of all layers, one by one",
            "acc_decel_pair_t",
        ),
    ]


def _sizes(part: str, layers: tuple[FixedLayer, ...]) -> Table:
    rows = [(-(-layer.weights.shape[1] // 4) * 2, _blocks(layer)) for layer in layers]
    return Table(part, np.array(rows, np.uint32), "pairs of inputs, blocks", "acc_decel_fixed_layer_t")


def _apart(layer: FixedLayer, beside: int) -> FixedLayer:
    """A layer of the trunk whose first inputs, the embedding's values, are filled up to whole blocks."""
    filled = np.zeros((len(layer.bias), -beside % TOGETHER), np.int64)
    return replace(
        layer, weights=np.concatenate([layer.weights[:, :beside], filled, layer.weights[:, beside:]], axis=1)
    )


def _blocks(layer: FixedLayer) -> int:
    return -(-len(layer.bias) // TOGETHER)


def blocks(layer: FixedLayer) -> UInt32[ndarray, " words"]:
    """A layer as acc_decel_fixed_layers() takes it: block by block as its header says."""
    words = []
    for start in range(0, len(layer.bias), TOGETHER):
        some = layer.weights[start : start + TOGETHER]
        even = np.pad(some, ((0, TOGETHER - len(some)), (0, -some.shape[1] % 4))).astype(np.int16)
        pairs = even.reshape(TOGETHER, -1, 2).transpose(1, 0, 2).copy().view(np.uint32).ravel()
        words += [biases(layer.bias, start), pairs, shifts(layer, start)]
    return np.concatenate(words).astype(np.uint32)


def biases(bias: Int64[ndarray, " outputs"], start: int) -> UInt32[ndarray, " words"]:
    """The biases of the block that begins with the output `start`."""
    return (_filled(bias, start, 0) % (2 * WORD)).astype(np.uint32)


def shifts(layer: FixedLayer, start: int) -> UInt32[ndarray, " words"]:
    """The first shifts of the block that begins with the output `start`, and the second ones, a byte each."""
    both = [_filled(shift, start, FILLING_SHIFT) for shift in (layer.first_shift, layer.second_shift)]
    return np.concatenate(both).astype(np.uint8).view(np.uint32)


def _filled(values: Int64[ndarray, " outputs"], start: int, filling: int) -> Int64[ndarray, " together"]:
    some = values[start : start + TOGETHER]
    return np.append(some, np.full(TOGETHER - len(some), filling, np.int64))


PACKING = Packing(blocks)
