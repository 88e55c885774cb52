"""One self-contained ONNX file: checks, scaling, masks, layers, order of the quantiles and status, all in the graph."""

import hashlib
import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from numpy import ndarray
from onnx import TensorProto, helper, numpy_helper

from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import CERTAIN, EXCLUSIONS, column_names, described, half_saturations, owners, ranges, schema
from acc_decel.network import (
    FINGERPRINT,
    FORMAT,
    GRAPH_DIGEST,
    DenseNet,
    Layer,
    domain_inputs,
    fingerprint,
    wiring,
)
from acc_decel.outputs import COMFORT_DECELERATION, LOWER, ORDERED, OUTPUTS
from acc_decel.status import BELOW_COMFORT, NOT_AVAILABLE_SHIFT, OUT_OF_RANGE_SHIFT, OUTSIDE_DOMAIN, REFUSED

OPSET, IR_VERSION = 17, 8  # understood by ONNX Runtime 1.12 and later
INPUT = "factors"
STATUS = "status"


class Graph:
    """Nodes and constants in the order of the calls; names are numbers, so the same calls give the same bytes."""

    def __init__(self) -> None:
        """An empty graph."""
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: ndarray | np.float32 | float | Sequence[float]) -> str:
        """The name of a constant: float32 unless it is an integer array."""
        array = np.asarray(value)
        array = array if array.dtype.kind == "i" else array.astype(np.float32)
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array.copy(order="C"), name))
        return name

    def exact(self, values: ndarray | float | int) -> str:
        """The name of a constant of float64, which holds integers up to 2^53."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(values, np.float64), name))
        return name

    def __call__(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """The name of the output of a new node."""
        output = name or f"n{len(self.nodes)}"
        node = helper.make_node(operator, list(inputs), [output], name=f"{operator}_{output}", **attributes)
        self.nodes.append(node)
        return output

    def number(self, condition: str) -> str:
        """1 where `condition` holds, else 0, as float32."""
        return self("Cast", condition, to=TensorProto.FLOAT)

    def any_of(self, condition: str, members: ndarray) -> str:
        """Whether `condition` holds for any member: `members` is inputs x outputs, 0 or 1."""
        count = self("MatMul", self.number(condition), self.constant(members))
        return self("Greater", count, self.constant([0.5]))

    def within(self, x: str, low: ndarray | float, high: ndarray | float) -> str:
        """Whether low <= x <= high; false for NaN."""
        above = self("GreaterOrEqual", x, self.constant(np.atleast_1d(low)))
        return self("And", above, self("LessOrEqual", x, self.constant(np.atleast_1d(high))))


def onnx_bytes(net: DenseNet, metadata: dict[str, str]) -> bytes:
    """The network as the bytes of an ONNX file: the same network and metadata give the same bytes.

    Input `factors` float32 [batch, columns], NaN for not available, in the order of the metadata entry `columns`.
    Outputs float32 [batch] as OUTPUTS names them, NaN where the event is refused, and `status` int64 [batch].
    """
    return checked_bytes(
        net,
        metadata,
        network=lambda g, unavailable: _network(g, net, unavailable),
        unfamiliar=lambda g, entered: _unfamiliar(g, net, entered),
    )


def checked_bytes(
    net: DenseNet,
    metadata: dict[str, str],
    *,
    network: Callable[[Graph, str], tuple[str, str]],
    unfamiliar: Callable[[Graph, str], str],
) -> bytes:
    """The bytes of an ONNX file with the checks and the status of `net` around a network.

    `network` adds its nodes to a graph and returns two names: of its outputs, float32 [batch, outputs], cut to their
    limits, whose quantiles may cross; and of its inputs. Its argument is the condition [batch, columns] that a column
    is not available. `unfamiliar` returns the name of the condition [batch] that training never showed such inputs.
    """
    g = Graph()
    bad, missing, unavailable = _acceptance(g, net)
    refused = _refused(g, net, bad, missing)
    crossing, entered = network(g, unavailable)
    outputs = _in_order(g, crossing)
    for i, name in enumerate(OUTPUTS):
        g("Where", refused, g.constant(np.float32(np.nan)), outputs[i], name=name)
    outside = g("Or", _excluded(g, net), unfamiliar(g, entered))
    _status(g, net, bad, missing, refused, outside, outputs[LOWER])
    batch = ["batch"]
    graph = helper.make_graph(
        g.nodes,
        "acc_decel",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [*batch, len(net.center)])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, batch) for name in OUTPUTS]
        + [helper.make_tensor_value_info(STATUS, TensorProto.INT64, batch)],
        g.constants,
        doc_string="Achievable deceleration of a car. Metadata: columns, factors, outputs, status, schema.",
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="acc_decel"
    )
    set_metadata(model, _metadata(net) | metadata)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def set_metadata(model: onnx.ModelProto, texts: dict[str, str]) -> None:
    """Replace the metadata of an ONNX file by `texts` and the SHA-256 of its graph."""
    digest = hashlib.sha256(model.graph.SerializeToString(deterministic=True)).hexdigest()
    helper.set_model_props(model, texts | {GRAPH_DIGEST: digest})


def _metadata(net: DenseNet) -> dict[str, str]:
    return {
        "format": str(FORMAT),
        "schema": schema(net.factors),
        "columns": json.dumps(column_names(net.factors)),
        "factors": json.dumps(described(net.factors)),
        "outputs": json.dumps(OUTPUTS),
        "status": (
            f"bit {OUT_OF_RANGE_SHIFT} + i: factor i out of range; bit {NOT_AVAILABLE_SHIFT} + i: factor i not "
            f"available; {OUTSIDE_DOMAIN}: outside the trained domain; {BELOW_COMFORT}: below the ACC comfort limit; "
            f"{REFUSED}: no prediction"
        ),
        "weights": str(net.weights),
        FINGERPRINT: fingerprint(net),
    }


def _membership(net: DenseNet) -> ndarray:
    """Columns x factors, 1 where the column belongs to the factor."""
    return np.eye(len(net.factors))[owners(net.factors)]


def _acceptance(g: Graph, net: DenseNet) -> tuple[str, str, str]:
    """Three conditions: factor out of range, factor not available, column not available."""
    members = _membership(net)
    low, high = np.array(ranges(net.factors)).T
    nan = g("IsNaN", INPUT)
    inside = g.within(INPUT, low, high)
    nan_count = g("MatMul", g.number(nan), g.constant(members))
    missing = g("GreaterOrEqual", nan_count, g.constant(members.sum(axis=0)))
    outside = g.any_of(g("Not", inside), members)  # NaN is not inside either
    clean = g("Where", inside, INPUT, g.constant(0.0))
    total = g("MatMul", clean, g.constant(members))
    adds_up = g.within(total, *CHOICE_SUM)
    choice = g.constant([float(bool(f.levels)) for f in net.factors])
    off = g("And", g("Not", adds_up), g("Cast", choice, to=TensorProto.BOOL))
    bad = g("And", g("Or", outside, off), g("Not", missing))
    return bad, missing, g.any_of(g("Greater", nan_count, g.constant([0.5])), members.T)


def _refused(g: Graph, net: DenseNet, bad: str, missing: str) -> str:
    required = g("Cast", g.constant([float(not f.optional) for f in net.factors]), to=TensorProto.BOOL)
    reason = g("Or", bad, g("And", missing, required))
    ones = np.ones((len(net.factors), 1))
    return g("Squeeze", g.any_of(reason, ones), g.constant(np.array([1])))


def _network(g: Graph, net: DenseNet, unavailable: str) -> tuple[str, str]:
    """The outputs, which may cross, as in `dense_net.py`; and the inputs: the forced columns, then the embedding's."""
    wires = wiring(net.factors)
    zero, one = g.constant(0.0), g.constant(1.0)
    half_saturation = np.array(half_saturations(net.factors))
    linear = g("Cast", g.constant((half_saturation == 0).astype(np.float32)), to=TensorProto.BOOL)
    saturated = g("Where", linear, INPUT, g("Div", INPUT, g("Add", INPUT, g.constant(half_saturation))))
    centred = g("Mul", g("Sub", saturated, g.constant(net.center)), g.constant(net.inverse_spread))
    scaled = g("Where", unavailable, zero, centred)
    known = g("Where", unavailable, zero, INPUT)
    closed = g("Sub", one, columns_of(g, known, wires.gates))
    available = g("Sub", one, g.number(columns_of(g, unavailable, wires.masked)))
    gated = g("Mul", columns_of(g, scaled, wires.gated), closed)
    embedded = g("Concat", columns_of(g, scaled, wires.free), gated, available, axis=1)
    x = columns_of(g, scaled, wires.forced)
    entered = g("Concat", x, embedded, axis=1)
    for layer in net.embedding:
        embedded = _rectified(g, _sums(g, layer, embedded))
    for layer in net.trunk[:-1]:
        x = _rectified(g, _sums(g, layer, g("Concat", embedded, x, axis=1)))
    x = _sums(g, net.trunk[-1], g("Concat", embedded, x, axis=1))
    return g("Min", g("Max", x, g.constant(net.low)), g.constant(net.high)), entered


def _in_order(g: Graph, x: str) -> list[str]:
    """Each output, the quantiles in order."""
    outputs = [g("Gather", x, g.constant(np.array(i)), axis=1) for i in range(len(OUTPUTS))]
    for end in range(len(ORDERED) - 1, 0, -1):  # sorts pairs of neighbours until all are in order, as acc_decel.c does
        for i, j in pairwise(ORDERED[: end + 1]):
            outputs[i], outputs[j] = g("Min", outputs[i], outputs[j]), g("Max", outputs[i], outputs[j])
    return outputs


def columns_of(g: Graph, x: str, indices: tuple[int, ...]) -> str:
    """Some columns of `x`."""
    return g("Gather", x, g.constant(np.array(indices)), axis=1)


def _sums(g: Graph, layer: Layer, x: str) -> str:
    return g("Gemm", x, g.constant(layer.weights), g.constant(layer.bias), transB=1)


def _rectified(g: Graph, z: str) -> str:
    """The smooth rectifier."""
    zero, one, half = g.constant([0.0]), g.constant([1.0]), g.constant([0.5])
    ramp = g("Min", g("Max", z, zero), one)
    curve = g("Mul", g("Mul", ramp, half), ramp)
    return g("Add", g("Max", g("Sub", z, one), zero), curve)


def _status(g: Graph, net: DenseNet, bad: str, missing: str, refused: str, outside: str, lower: str) -> None:
    shifts = np.arange(len(net.factors))
    bits = [
        _bits(g, bad, np.int64(1) << (shifts + OUT_OF_RANGE_SHIFT)),
        _bits(g, missing, np.int64(1) << (shifts + NOT_AVAILABLE_SHIFT)),
    ]
    answered = g("Not", refused)
    uncomfortable = g("Not", g("GreaterOrEqual", lower, g.constant(COMFORT_DECELERATION)))
    for condition, bit in (
        (refused, REFUSED),
        (g("And", answered, outside), OUTSIDE_DOMAIN),
        (g("And", answered, uncomfortable), BELOW_COMFORT),
    ):
        bits.append(g("Mul", g("Cast", condition, to=TensorProto.INT64), g.constant(np.array(bit))))
    status = bits[0]
    for more in bits[1:-1]:
        status = g("Add", status, more)
    g("Add", status, bits[-1], name=STATUS)


def _bits(g: Graph, conditions: str, bits: ndarray) -> str:
    each = g("Mul", g("Cast", conditions, to=TensorProto.INT64), g.constant(bits))
    return g("ReduceSum", each, g.constant(np.array([1])), keepdims=0)


def _excluded(g: Graph, net: DenseNet) -> str:
    at = column_names(net.factors).index
    level = columns_of(g, INPUT, tuple(at(e.column) for e in EXCLUSIONS))
    value = columns_of(g, INPUT, tuple(at(e.factor) for e in EXCLUSIONS))
    above = g("Greater", value, g.constant([e.limit for e in EXCLUSIONS]))
    both = g("And", g("Greater", level, g.constant(CERTAIN)), above)
    return g("Squeeze", g.any_of(both, np.ones((len(EXCLUSIONS), 1))), g.constant(np.array([1])))


def _unfamiliar(g: Graph, net: DenseNet, entered: str) -> str:
    """The condition that the score of the trained domain is above 0."""
    x = columns_of(g, entered, domain_inputs(net.factors))
    for layer in net.domain[:-1]:
        x = _rectified(g, _sums(g, layer, x))
    return above_zero(g, _sums(g, net.domain[-1], x), g.constant(0.0))


def above_zero(g: Graph, score: str, zero: str) -> str:
    """The condition [batch] that a score [batch, 1] is above 0."""
    return g("Squeeze", g("Greater", score, zero), g.constant(np.array([1])))
