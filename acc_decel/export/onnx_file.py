"""One self-contained ONNX file: checks, scaling, masks, layers, order of the quantiles and status, all in the graph."""

import hashlib
import json
from collections.abc import Callable
from importlib.metadata import metadata as package_metadata
from importlib.metadata import version
from itertools import pairwise

import numpy as np
import onnx
from numpy import ndarray
from onnx import TensorProto, helper

from acc_decel.export.onnx_features import feature_nodes
from acc_decel.export.onnx_graph import Graph
from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import EXCLUSIONS, column_names, described, half_saturations, owners, ranges, schema
from acc_decel.network import (
    FINGERPRINT,
    FORMAT,
    GRAPH_DIGEST,
    HEAD,
    LEAST_BRAKING,
    DenseNet,
    Layer,
    contradicting,
    domain_inputs,
    fingerprint,
    wiring,
)
from acc_decel.network.features import SURFACE_COLUMNS
from acc_decel.network.reserve import LEAST_MEDIAN, Reserve
from acc_decel.outputs import COMFORT_DECELERATION, DELAY, LOWER, MEDIAN, ORDERED, OUTPUTS, PAIR_OUTPUTS, RESERVE
from acc_decel.status import BELOW_COMFORT, NOT_AVAILABLE_SHIFT, OUT_OF_RANGE_SHIFT, OUTSIDE_DOMAIN, REFUSED

OPSET, IR_VERSION = 17, 8  # understood by ONNX Runtime 1.12 and later
LIMITS_OF_USE = "Trained on simulated events, for one kind of car, straight ahead; read the status before an answer."
INPUT = "factors"
STATUS = "status"


def onnx_bytes(net: DenseNet, metadata: dict[str, str]) -> bytes:
    """The network as the bytes of an ONNX file: the same network and metadata give the same bytes.

    Input `factors` float32 [batch, columns], NaN for not available, in the order of the metadata entry `columns`.
    Outputs float32 [batch] as `net.outputs` names them, NaN where the event is refused, and `status` int64 [batch].
    """
    return checked_bytes(
        net,
        metadata,
        network=lambda g, columns, unavailable: _network(g, net, columns, unavailable),
        unfamiliar=lambda g, entered: _unfamiliar(g, net, entered),
    )


Network = Callable[[Graph, str, str], tuple[str, str]]


def checked_bytes(
    net: DenseNet, metadata: dict[str, str], *, network: Network, unfamiliar: Callable[[Graph, str], str]
) -> bytes:
    """The bytes of an ONNX file with the checks, the status and the caution of `net` around a network.

    `network` adds its nodes to a graph and returns two names: of its outputs, float32 [batch, outputs], cut to their
    limits, whose quantiles may cross; and of its inputs. Its arguments are the names of the columns [batch, columns]
    and of the condition that a column is not available. `unfamiliar` returns the name of the condition [batch] that
    training never showed such inputs.
    """
    g = Graph()
    bad, missing, unavailable = _acceptance(g, net)
    refused = _refused(g, net, bad, missing)
    crossing, entered = network(g, INPUT, unavailable)
    outside = g("And", g("Not", refused), g("Or", _excluded(g, net), unfamiliar(g, entered)))
    outputs = cautious_outputs(g, net, in_order(g, crossing, len(net.outputs)), outside, unavailable, network)
    for i, name in enumerate(net.outputs):
        g("Where", refused, g.constant(np.float32(np.nan)), outputs[i], name=name)
    _status(g, net, bad, missing, refused, outside, outputs[LOWER])
    batch = ["batch"]
    graph = helper.make_graph(
        g.nodes,
        "acc_decel",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [*batch, len(column_names(net.factors))])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, batch) for name in net.outputs]
        + [helper.make_tensor_value_info(STATUS, TensorProto.INT64, batch)],
        g.constants,
        doc_string="Achievable deceleration of a car. Metadata: columns, factors, outputs, status, schema.",
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="acc_decel",
        producer_version=version("acc-decel"),
        doc_string=f"{graph.doc_string} {LIMITS_OF_USE}",
    )
    set_metadata(model, _metadata(net) | metadata)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def cautious_outputs(
    g: Graph, net: DenseNet, outputs: list[str], outside: str, unavailable: str, network: Network
) -> list[str]:
    """The outputs, which are cautious where the condition `outside` holds; as `cautious.predict`.

    The branch `then` evaluates the network again, only for events outside the domain, once without each factor that may
    contradict others. Ordinary events take the branch `else`, which changes nothing.
    """
    places = [*ORDERED, *range(RESERVE, len(outputs))]
    own = [outputs[i] for i in places]
    number = g("ReduceSum", g.number(outside), keepdims=0)
    then, otherwise = g.inner(), g.inner()
    worst = _worst(then, net, dict(zip(places, own, strict=True)), outside, unavailable, network)
    unchanged = [otherwise("Identity", output) for output in own]
    chosen = g.many(
        "If",
        g("Greater", number, g.constant(0.5)),
        outputs=len(own),
        then_branch=then.branch("outside", worst),
        else_branch=otherwise.branch("inside", unchanged),
    )
    for i, output in zip(places, chosen, strict=True):
        outputs[i] = output
    return outputs


def _worst(g: Graph, net: DenseNet, own: dict[int, str], outside: str, unavailable: str, network: Network) -> list[str]:
    """The outputs at these places [batch], in the rows `outside` the worst of the event and of it without a factor.

    Each factor that may contradict others is left out in turn. The worst quantile is the least, the worst reserve the
    greatest.
    """
    without = [np.isin(owners(net.factors), i) for i in contradicting(net.factors)]
    columns = len(column_names(net.factors))
    rows = g("Squeeze", g("NonZero", outside), g.constant(np.array([0])))
    copies = g("Tile", g("Gather", INPUT, rows, axis=0), g.constant(np.array([len(without), 1])))
    lost = g("Or", g("Gather", unavailable, rows, axis=0), g.constant(np.array(without)[:, None]))
    crossing, _ = network(g, copies, g("Reshape", lost, g.constant(np.array([-1, columns]))))
    outputs = in_order(g, crossing, len(net.outputs))
    results = []
    for i, output in own.items():
        by_factor = g("Reshape", outputs[i], g.constant(np.array([len(without), -1])))
        worst = "Min" if i in ORDERED else "Max"
        of_others = g(f"Reduce{worst}", by_factor, axes=[0], keepdims=0)
        both = g(worst, of_others, g("Gather", output, rows, axis=0))
        results.append(g("ScatterElements", output, rows, both, axis=0))
    return results


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
        "outputs": json.dumps(OUTPUTS | (PAIR_OUTPUTS if net.reserve else {})),
        "status": (
            f"bit {OUT_OF_RANGE_SHIFT} + i: factor i out of range; bit {NOT_AVAILABLE_SHIFT} + i: factor i not "
            f"available; {OUTSIDE_DOMAIN}: outside the trained domain; {BELOW_COMFORT}: below the ACC comfort limit; "
            f"{REFUSED}: no prediction"
        ),
        "weights": str(net.weights),
        FINGERPRINT: fingerprint(net),
        "model_license": package_metadata("acc-decel")["License-Expression"],  # the names that ONNX proposes
        "model_author": "the acc_decel authors",
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


def _network(g: Graph, net: DenseNet, columns: str, unavailable: str) -> tuple[str, str]:
    """The outputs, which may cross, as in `dense_net.py`; and the inputs: the forced ones, then the embedding's."""
    wires = wiring(net.factors)
    half_saturation = np.array(half_saturations(net.factors))
    zero, one, count = g.constant(0.0), g.constant(1.0), len(half_saturation)
    features, limits = feature_nodes(g, net.factors, net.constants, columns, unavailable)
    known = g("Where", unavailable, zero, columns)
    saturated = g(
        "Where", g.constant(half_saturation == 0), known, g("Div", known, g("Add", known, g.constant(half_saturation)))
    )
    replaced = g("Where", unavailable, g.constant(net.center[:count]), saturated)
    values = g("Concat", replaced, features, axis=1)
    scaled = g("Mul", g("Sub", values, g.constant(net.center)), g.constant(net.inverse_spread))
    closed = g("Sub", one, g.columns(known, wires.gates))
    available = g("Sub", one, g.number(g.columns(unavailable, wires.masked)))
    gated = g("Mul", g.columns(scaled, wires.gated), closed)
    embedded = g("Concat", g.columns(scaled, wires.free), gated, available, axis=1)
    x = g.columns(scaled, wires.forced)
    entered = g("Concat", x, embedded, axis=1)
    for layer in net.embedding:
        embedded = _rectified(g, _sums(g, layer, embedded))
    for layer in net.trunk[:-1]:
        x = _rectified(g, _sums(g, layer, g("Concat", embedded, x, axis=1)))
    sums = _sums(g, net.trunk[-1], g("Concat", embedded, x, axis=1))
    surface = g.columns(known, [column_names(net.factors).index(name) for name in SURFACE_COLUMNS])
    return head_outputs(g, net, sums, limits, surface), entered


def head_outputs(g: Graph, net: DenseNet, sums: str, limits: str, surface: str, *, in_turn: bool = False) -> str:
    """The outputs [batch, outputs], cut to their limits, of the `sums` of the last layer, as `head.py`.

    `limits` are the values of the head, `surface` the probabilities, 0 if they are not known. For `in_turn` see
    `Graph.weighted`.
    """
    head = net.head
    friction = g.columns(sums, ORDERED)
    correction = g.columns(sums, range(len(net.outputs), len(net.outputs) + len(ORDERED)))
    braking, resistance, road, brake = g.many("Split", limits, outputs=len(HEAD), axis=1)
    brakes = g("Add", correction, g("Mul", braking, g.constant(head.slopes)))
    offset = g.weighted(surface, head.surface_offsets, head.offset, in_turn=in_turn)
    smaller = g("Sub", friction, _rectified(g, g("Sub", friction, brakes)))
    road, brake = g("Mul", road, g.constant(head.road_shares)), g("Mul", brake, g.constant(head.brake_shares))
    bounded = g("Min", g("Add", smaller, offset), road, brake)
    quantiles = g("Add", g("Max", bounded, g.constant(LEAST_BRAKING)), resistance)
    others = [g.columns(sums, [DELAY])]
    if net.reserve:
        median = g.columns(quantiles, [ORDERED.index(MEDIAN)])
        others.append(_reserve(g, net.reserve, g.columns(sums, [RESERVE]), median, surface, in_turn=in_turn))
    order = np.argsort([*ORDERED, *(i for i in range(len(net.outputs)) if i not in ORDERED)]).tolist()
    outputs = g.columns(g("Concat", quantiles, *others, axis=1), order)
    return g("Min", g("Max", outputs, g.constant(net.low)), g.constant(net.high))


def _reserve(g: Graph, reserve: Reserve, sums: str, median: str, surface: str, *, in_turn: bool) -> str:
    """The reserve [batch, 1], as `reserve.py`; its limits are among those of the outputs."""
    offset = g.weighted(surface, reserve.surface_offsets[:, None], reserve.offset, in_turn=in_turn)
    needed = g("Max", g("Add", _rectified(g, sums), offset), g.constant([0.0]))
    return g("Div", needed, g("Max", median, g.constant([LEAST_MEDIAN])))


def in_order(g: Graph, x: str, outputs: int) -> list[str]:
    """Each of the outputs, the quantiles in order."""
    columns = [g("Gather", x, g.constant(np.array(i)), axis=1) for i in range(outputs)]
    for end in range(len(ORDERED) - 1, 0, -1):  # sorts pairs of neighbours until all are in order, as acc_decel.c does
        for i, j in pairwise(ORDERED[: end + 1]):
            columns[i], columns[j] = g("Min", columns[i], columns[j]), g("Max", columns[i], columns[j])
    return columns


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
        (outside, OUTSIDE_DOMAIN),
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
    signs = np.array([-1.0 if e.below else 1.0 for e in EXCLUSIONS])
    present = g.columns(INPUT, [at(e.column) for e in EXCLUSIONS])
    value = g("Mul", g.columns(INPUT, [at(e.factor) for e in EXCLUSIONS]), g.constant(signs))
    beyond = g("Greater", value, g.constant(signs * [e.limit for e in EXCLUSIONS]))
    both = g("And", beyond, g("Greater", present, g.constant([e.threshold for e in EXCLUSIONS])))
    return g("Squeeze", g.any_of(both, np.ones((len(EXCLUSIONS), 1))), g.constant(np.array([1])))


def _unfamiliar(g: Graph, net: DenseNet, entered: str) -> str:
    """The condition that the score of the trained domain is above 0."""
    x = g.columns(entered, domain_inputs(net.factors))
    for layer in net.domain[:-1]:
        x = _rectified(g, _sums(g, layer, x))
    return above_zero(g, _sums(g, net.domain[-1], x), g.constant(0.0))


def above_zero(g: Graph, score: str, zero: str) -> str:
    """The condition [batch] that a score [batch, 1] is above 0."""
    return g("Squeeze", g("Greater", score, zero), g.constant(np.array([1])))
