"""The generated C tables of the network in fixed point."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64, UInt32
from numpy import ndarray

from acc_decel.export.c_features import feature_tables, head_tables, value_names
from acc_decel.export.c_tables import Table, checksum, checksum_ranges, defines, header, rows_of
from acc_decel.export.fixed_point.arithmetic import MIN_VALUE, WORD, FixedLayer, FixedNet
from acc_decel.network import wiring
from acc_decel.outputs import ORDERED, OUTPUTS

LAYERS = ("acc_decel_fixed_layers.c", "acc_decel_fixed_layers.h", "acc_decel_thumb2.h")
SOURCES = ("acc_decel_fixed.c", "acc_decel_fixed_domain.c", "acc_decel_fixed_domain.h", *LAYERS)
BLOCK_OUTPUTS = 4  # as in acc_decel_fixed_layers.c
PLACES = 149  # as in acc_decel_fixed.c
PADDING_SHIFT = 16  # first and second shift of an output that nothing reads


@dataclass(frozen=True)
class Packing:
    """How layers become tables."""

    blocks: Callable[[FixedLayer], ndarray]  # a layer -> its words
    includes: tuple[str, ...] = ()
    shared: tuple[Table, ...] = ()  # tables of another file


def network_header(net: FixedNet, packing: Packing, *, stamp: str) -> str:
    """acc_decel_network_tables.h: wiring and weights, only for acc_decel_fixed.c; `stamp` is its first comment."""
    wires, tables = wiring(net.net.factors), network_tables(net, packing)
    shared = BLOCK_OUTPUTS * _blocks(net.embedding[-1])
    widths = [wires.embedding_inputs + len(wires.forced), shared + len(wires.forced)]
    widths += [BLOCK_OUTPUTS * _blocks(layer) for layer in net.embedding]
    widths += [shared + BLOCK_OUTPUTS * _blocks(layer) for layer in net.trunk[:-1]]
    counts = {
        "WIDEST_PAIRS": -(-max(widths) // BLOCK_OUTPUTS) * BLOCK_OUTPUTS // 2,
        "EMBEDDING_LAYERS": len(net.embedding),
        "TRUNK_LAYERS": len(net.trunk),
        "EMBEDDED_PAIRS": shared // 2,
        "EMBEDDING_INPUTS": wires.embedding_inputs,
        "FORCED_COUNT": len(wires.forced),
        "ENTRY_COUNT": len(net.entries.columns),
        "ENTRY_PAIRS": -(-(len(net.entries.columns) - len(wires.forced)) // 2),
        "GATED_COUNT": len(wires.gated),
        "MASKED_COUNT": len(wires.masked),
        "SUM_ROOM": BLOCK_OUTPUTS * _blocks(net.trunk[-1]),
    }
    parts = (
        defines({name: f"{count}U" for name, count in counts.items()}),
        _TYPES,
        *(table.text for table in tables),
        checksum_ranges([*tables, *packing.shared], name="network_ranges", count="ACC_DECEL_NETWORK_RANGE_COUNT"),
    )
    includes = ['"acc_decel_fixed_layers.h"', '"acc_decel_network.h"', *packing.includes, "<stdint.h>"]
    return header("ACC_DECEL_NETWORK_TABLES_H", includes, parts, stamp=stamp)


_TYPES = """/* How a column or a feature is scaled for the network, plus 2^15: (number * multiplier + offset) >> shift.
 * The number is the value as an integer with PLACES - places fraction bits; for a saturated column it is
 * half_saturation / (value + half_saturation) in 2^-16. The export proves that the result fits 16 bits for every
 * value in range. */
typedef struct {
    uint32_t multiplier;      /* modulo 2^32 */
    uint32_t offset;          /* modulo 2^32 */
    uint32_t half_saturation; /* 0 if the column is not saturated */
    int16_t zero;             /* the result if the factor is not available */
    uint8_t value;            /* its place among the values */
    uint8_t column;           /* which says whether it is available: of a feature, one that always is */
    uint16_t places;
    uint16_t shift;
} acc_decel_entry_t;"""


def network_checksum(net: FixedNet, packing: Packing) -> int:
    """CRC-32 of the tables of the network: features, layers, head, score."""
    layers = [*network_tables(net, packing), *packing.shared]
    return checksum([*feature_tables(net.net), *layers, *head_tables(net.net), *domain_tables(net, packing)])


def domain_header(net: FixedNet, packing: Packing, *, stamp: str) -> str:
    """acc_decel_domain_tables.h: weights of the score, only for acc_decel_fixed_domain.c; `stamp` as above."""
    tables = domain_tables(net, packing)
    inputs = len(tables[0].values)
    widths = [inputs, *(BLOCK_OUTPUTS * _blocks(layer) for layer in net.domain[:-1])]
    counts = {
        "WIDEST_PAIRS": max(widths) // 2,
        "LAYERS": len(net.domain),
        "INPUTS": inputs,
        "SCORE_ROOM": BLOCK_OUTPUTS * _blocks(net.domain[-1]),
    }
    parts = (
        defines({f"DOMAIN_{name}": f"{count}U" for name, count in counts.items()}),
        *(table.text for table in tables),
        checksum_ranges(tables, name="domain_ranges", count="ACC_DECEL_DOMAIN_RANGE_COUNT"),
    )
    includes = ['"acc_decel_fixed_layers.h"', '"acc_decel_network.h"', "<stdint.h>"]
    return header("ACC_DECEL_DOMAIN_TABLES_H", includes, parts, stamp=stamp)


def domain_tables(net: FixedNet, packing: Packing) -> list[Table]:
    """The tables of acc_decel_fixed_domain.c; inputs that pad the last block have weights of 0."""
    inputs = np.array(net.domain_inputs, np.uint8)
    return [
        Table(
            "domain_inputs",
            np.pad(inputs, (0, -len(inputs) % BLOCK_OUTPUTS)),
            "which inputs of the network are inputs of the score",
        ),
        _sizes("domain_layers", net.domain),
        Table(
            "domain_weights",
            np.concatenate([packing.blocks(layer) for layer in net.domain])[:, None],
            "blocks of all layers, one after the other",
            "acc_decel_pair_t",
        ),
    ]


def network_tables(net: FixedNet, packing: Packing) -> list[Table]:
    """The tables of acc_decel_fixed.c."""
    wires, names, e = wiring(net.net.factors), value_names(net.net.factors), net.entries
    entries = list(
        zip(
            e.multipliers % (2 * WORD),
            (e.offsets - (MIN_VALUE << e.shifts)) % (2 * WORD),
            e.half_saturations,
            e.zero,
            e.places,
            e.columns,
            PLACES - e.bits,
            e.shifts,
            strict=True,
        )
    )
    remarks = [names[place] for place in e.places]
    if (len(entries) - len(wires.forced)) % 2:
        entries.append((0, -MIN_VALUE << 15, 0, 0, 0, 0, PLACES, 15))  # gives 0
        remarks.append("padding")
    trunk = tuple(_padded_embedding(layer, len(net.embedding[-1].bias)) for layer in net.trunk)
    sums = (*OUTPUTS, *(f"correction of {list(OUTPUTS)[place]}" for place in ORDERED))
    return [
        Table(
            "entries",
            rows_of("u4,u4,u4,i2,u1,u1,u2,u2", entries),
            "forced, free, gated",
            "acc_decel_entry_t",
            tuple(remarks),
        ),
        Table("sum_steps", net.steps, f"sums of the last layer: {', '.join(sums)}"),
        Table("gate_columns", np.array(wires.gates, np.uint8), "the gate of each gated input"),
        Table(
            "masked_columns",
            np.array(wires.masked, np.uint8),
            "columns whose availability is an input of the embedding",
        ),
        _sizes("embedding", net.embedding),
        _sizes("trunk", trunk),
        Table(
            "weights",
            np.concatenate([packing.blocks(layer) for layer in net.embedding + trunk])[:, None],
            "blocks of all layers, one after the other",
            "acc_decel_pair_t",
        ),
    ]


def _sizes(part: str, layers: tuple[FixedLayer, ...]) -> Table:
    rows = [(-(-layer.weights.shape[1] // 4) * 2, _blocks(layer)) for layer in layers]
    return Table(part, np.array(rows, np.uint32), "pairs of inputs, blocks", "acc_decel_fixed_layer_t")


def _padded_embedding(layer: FixedLayer, shared: int) -> FixedLayer:
    """A layer of the trunk whose first `shared` inputs, the embedding's values, are padded to whole blocks."""
    padding = np.zeros((len(layer.bias), -shared % BLOCK_OUTPUTS), np.int64)
    return replace(
        layer, weights=np.concatenate([layer.weights[:, :shared], padding, layer.weights[:, shared:]], axis=1)
    )


def _blocks(layer: FixedLayer) -> int:
    return -(-len(layer.bias) // BLOCK_OUTPUTS)


def blocks(layer: FixedLayer) -> UInt32[ndarray, " words"]:
    """A layer in the format of acc_decel_fixed_layers(): block by block, as its header says."""
    words = []
    for start in range(0, len(layer.bias), BLOCK_OUTPUTS):
        rows = layer.weights[start : start + BLOCK_OUTPUTS]
        padded = np.pad(rows, ((0, BLOCK_OUTPUTS - len(rows)), (0, -rows.shape[1] % 4))).astype(np.int16)
        pairs = padded.reshape(BLOCK_OUTPUTS, -1, 2).transpose(1, 0, 2).copy().view(np.uint32).ravel()
        words += [biases(layer.bias, start), pairs, shifts(layer, start)]
    return np.concatenate(words).astype(np.uint32)


def biases(bias: Int64[ndarray, " outputs"], start: int) -> UInt32[ndarray, " words"]:
    """The biases of the block that starts with the output `start`."""
    return (_padded(bias, start, 0) % (2 * WORD)).astype(np.uint32)


def shifts(layer: FixedLayer, start: int) -> UInt32[ndarray, " words"]:
    """The first shifts of the block that starts with the output `start`, then the second shifts, one byte each."""
    both = [_padded(shift, start, PADDING_SHIFT) for shift in (layer.first_shift, layer.second_shift)]
    return np.concatenate(both).astype(np.uint8).view(np.uint32)


def _padded(values: Int64[ndarray, " outputs"], start: int, padding: int) -> Int64[ndarray, " together"]:
    block = values[start : start + BLOCK_OUTPUTS]
    return np.append(block, np.full(BLOCK_OUTPUTS - len(block), padding, np.int64))


PACKING = Packing(blocks)
