"""The network in fixed point as an ONNX graph whose nodes hold its integers exactly: the bits of the firmware.

The integers are float64 numbers, which are exact below 2^53; those of an accepted event stay below 2^33. A product with
a power of two, rounded down, is then a shift to the right, and the order of a sum does not matter. Features and head
are float32; their sums are in the order of the firmware.
"""

import numpy as np
from onnx import TensorProto

from acc_decel.export.fixed_point.arithmetic import (
    GATE_BITS,
    MAX_RAMP,
    MAX_VALUE,
    MIN_VALUE,
    RATIO_BITS,
    ROOT_BITS,
    STEPS,
    Entries,
    FixedLayer,
    FixedNet,
)
from acc_decel.export.onnx_features import feature_nodes
from acc_decel.export.onnx_file import above_zero, checked_bytes, head_outputs
from acc_decel.export.onnx_graph import Graph
from acc_decel.factors import column_names
from acc_decel.network import wiring
from acc_decel.network.features import SURFACE_COLUMNS


def fixed_onnx_bytes(net: FixedNet, metadata: dict[str, str]) -> bytes:
    """The network in fixed point as the bytes of an ONNX file, with the interface of `onnx_bytes`.

    Outputs and status are those of `fixed_answers`, the same bits, on every runtime whose float64 is IEEE 754.
    """
    return checked_bytes(
        net.net,
        metadata,
        network=lambda g, columns, missing: _network(g, net, columns, missing),
        unfamiliar=lambda g, entered: _unfamiliar(g, net, entered),
    )


def _unfamiliar(g: Graph, net: FixedNet, entered: str) -> str:
    """The condition that the score of the trained domain, in integers, is above 0."""
    x = g.columns(entered, net.domain_inputs)
    for layer in net.domain[:-1]:
        x = _rectified(g, layer, _sums(g, layer, x))
    return above_zero(g, _sums(g, net.domain[-1], x), g.exact(0))


def _network(g: Graph, net: FixedNet, columns: str, missing: str) -> tuple[str, str]:
    """The outputs, which may still cross, and the inputs: the embedding's values, then the forced ones."""
    wires, names = wiring(net.net.factors), column_names(net.net.factors)
    features, limits = feature_nodes(g, net.net.factors, net.net.constants, columns, missing, in_turn=True)
    available_columns = g("Where", missing, g.constant(0.0), columns)
    known = g("Cast", g("Concat", available_columns, features, axis=1), to=TensorProto.DOUBLE)
    entered = _entered(g, net.entries, known, missing)
    first, end = len(wires.forced), len(net.entries.places) - len(wires.gated)
    forced, free = (g.columns(entered, (*range(*ends),)) for ends in ((0, first), (first, end)))
    zero = g.exact(net.entries.zero[end:])
    gate = g("Sub", g.exact(2**GATE_BITS), _whole(g, g.columns(known, wires.gates), np.array(GATE_BITS)))
    difference = g("Sub", g.columns(entered, (*range(end, len(net.entries.places)),)), zero)
    rounded = g("Add", g("Mul", difference, gate), g.exact(2 ** (GATE_BITS - 1)))
    gated = g("Add", zero, _shifted(g, rounded, np.array(GATE_BITS)))
    available = g("Where", g.columns(missing, wires.masked), g.exact(MIN_VALUE), g.exact(MAX_VALUE))
    embedded, x = g("Concat", free, gated, available, axis=1), forced
    inputs = g("Concat", embedded, forced, axis=1)
    for layer in net.embedding:
        embedded = _rectified(g, layer, _sums(g, layer, embedded))
    for layer in net.trunk[:-1]:
        x = _rectified(g, layer, _sums(g, layer, g("Concat", embedded, x, axis=1)))
    sums = _sums(g, net.trunk[-1], g("Concat", embedded, x, axis=1))
    last = g("Mul", g("Cast", sums, to=TensorProto.FLOAT), g.constant(net.steps))
    surface = g.columns(available_columns, [names.index(name) for name in SURFACE_COLUMNS])
    return head_outputs(g, net.net, last, limits, surface, in_turn=True), inputs


def _entered(g: Graph, entries: Entries, known: str, missing: str) -> str:
    """The inputs as integers, as in `Entries`."""
    t = _whole(g, g.columns(known, (*entries.places.tolist(),)), entries.bits)
    raised = g("Max", g("Add", t, g.exact(entries.half_saturations)), g.exact(1))
    ratio = g("Floor", g("Div", g.exact(entries.half_saturations << RATIO_BITS), raised))
    is_saturated = g("Cast", g.constant((entries.half_saturations > 0).astype(np.int64)), to=TensorProto.BOOL)
    number = g("Where", is_saturated, ratio, t)
    product = g("Add", g("Mul", number, g.exact(entries.multipliers)), g.exact(entries.offsets))
    q = _shifted(g, product, entries.shifts)
    return g("Where", g.columns(missing, (*entries.columns.tolist(),)), g.exact(entries.zero), q)


def _whole(g: Graph, x: str, bits: np.ndarray) -> str:
    """Reals as integers with a fraction of `bits` bits, rounded to the nearest, halves away from 0."""
    scaled = g("Mul", x, g.exact(np.exp2(bits)))
    return g("Mul", g("Sign", scaled), g("Floor", g("Add", g("Abs", scaled), g.exact(0.5))))


def _shifted(g: Graph, x: str, bits: np.ndarray) -> str:
    """Integers shifted to the right."""
    return g("Floor", g("Mul", x, g.exact(np.exp2(-bits))))


def _sums(g: Graph, layer: FixedLayer, x: str) -> str:
    return g("Add", g("MatMul", x, g.exact(layer.weights.T)), g.exact(layer.bias))


def _rectified(g: Graph, layer: FixedLayer, sums: str) -> str:
    """A layer's outputs, as in `FixedLayer`."""
    above = _shifted(g, g("Max", sums, g.exact(0)), layer.first_shift)
    ramp = g("Min", above, g.exact(MAX_RAMP))
    curve = _shifted(g, g("Mul", ramp, ramp), np.array(ROOT_BITS + 1))
    moved = _shifted(g, g("Add", g("Sub", above, ramp), curve), layer.second_shift)
    return g("Add", g("Min", moved, g.exact(STEPS)), g.exact(MIN_VALUE))
