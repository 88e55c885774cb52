"""The student as an ONNX file that also holds the model, so that attributions always match the prediction."""

import json

import numpy as np
import onnx
from onnx import TensorProto, helper

from acc_decel.attribution.student import GAP_SCALE, Dense, Student, optional_factors
from acc_decel.export.onnx_file import INPUT, set_metadata
from acc_decel.export.onnx_graph import Graph, outer_names
from acc_decel.factors import half_saturations, owners

OUTPUT = "attribution"
MEDIAN = "deceleration"  # the output of the model that is explained


def attribution_bytes(model: bytes, student: Student, metadata: dict[str, str]) -> bytes:
    """The ONNX file of `student` on top of the ONNX file `model` of its network; same input, same bytes.

    Input `factors` as the model's. Output `attribution` float32 [batch, factors] in m/s^2, in the order of the metadata
    entry `factors`. Each row and the metadata entry `baseline` add up to the model's median deceleration; a row is NaN
    where the model refuses the event.
    """
    base = onnx.load_from_string(model)
    g = Graph(prefix="attribution_")
    g.nodes, g.constants = list(base.graph.node), list(base.graph.initializer)
    _attribution(g, student)
    nodes, constants = _needed(g)
    graph = helper.make_graph(
        nodes,
        "acc_decel_attribution",
        list(base.graph.input),
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", len(student.factors)])],
        constants,
        doc_string="What each factor adds to the baseline, up to the median deceleration of a car [m/s^2].",
    )
    made = helper.make_model(
        graph,
        opset_imports=list(base.opset_import),
        ir_version=base.ir_version,
        producer_name=base.producer_name,
        producer_version=base.producer_version,
        doc_string=graph.doc_string,
    )
    metadata_of_model = {
        entry.key: entry.value for entry in base.metadata_props if entry.key not in ("outputs", "status", "weights")
    }
    own = {OUTPUT: "factors", "baseline": json.dumps(student.baseline), "unit": "m/s^2"}
    set_metadata(made, metadata_of_model | own | metadata)
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString(deterministic=True)


def _attribution(g: Graph, student: Student) -> None:
    """The steps of `student.py`."""
    owner = owners(student.factors)
    members = np.eye(len(student.factors))[owner]  # columns x factors
    nan_count = g("MatMul", g.number(g("IsNaN", INPUT)), g.constant(members))
    known = g.number(g("Less", nan_count, g.constant([0.5])))
    column_known = g("Cast", g("MatMul", known, g.constant(members.T)), to=TensorProto.BOOL)
    half_saturation = np.array(half_saturations(student.factors))
    saturated = g(
        "Where", g.constant(half_saturation == 0), INPUT, g("Div", INPUT, g("Add", INPUT, g.constant(half_saturation)))
    )
    scaled = g("Mul", g("Sub", saturated, g.constant(student.center)), g.constant(student.inverse_spread))
    inputs = g("Where", column_known, scaled, g.constant(0.0))
    flags = g("Gather", known, g.constant(np.array(optional_factors(student.factors))), axis=1)
    gap = g("Unsqueeze", g("Sub", MEDIAN, g.constant(student.baseline)), g.constant(np.array([1])))
    x = g("Concat", inputs, flags, g("Div", gap, g.constant(GAP_SCALE)), axis=1)
    for layer in student.layers[:-1]:
        x = _dense(g, layer, x)
        x = g("Mul", x, g("Sigmoid", x))
    outputs = _dense(g, student.layers[-1], x)
    axis = g.constant(np.array([1]))
    short = g("Sub", gap, g("ReduceSum", g("Mul", outputs, known), axis))
    share = g("Div", short, g("ReduceSum", known, axis))
    g("Mul", g("Add", outputs, share), known, name=OUTPUT)  # NaN times 0 is NaN: a refused event has no attribution


def _dense(g: Graph, layer: Dense, x: str) -> str:
    return g("Gemm", x, g.constant(layer.weights), g.constant(layer.bias), transB=1)


def _needed(g: Graph) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """The nodes and constants that the attribution depends on."""
    wanted, nodes = {OUTPUT}, []
    for node in reversed(g.nodes):
        if wanted.intersection(node.output):
            wanted.update(outer_names(node))
            nodes.append(node)
    return nodes[::-1], [constant for constant in g.constants if constant.name in wanted]
