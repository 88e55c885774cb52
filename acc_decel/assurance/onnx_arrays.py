"""The ONNX file against the arrays: every weight, limit and constant of the graph, bit for bit."""

import numpy as np
import onnx
from numpy import ndarray
from onnx import numpy_helper

from acc_decel.export import onnx_bytes
from acc_decel.network import FINGERPRINT, GRAPH_DIGEST, DenseNet, fingerprint, read_onnx

MAX_NAMED = 5  # differences that are listed one by one


def differences(model: onnx.ModelProto, net: DenseNet) -> list[str]:
    """One sentence for each difference between the graph and the arrays of `net`; none if all bits are the same.

    The layers are compared first, entry by entry, so that the difference can be named; then the graph as a whole.
    """
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    dense = [node for node in model.graph.node if node.op_type == "Gemm"]
    expected = _sums(net)
    if len(dense) != len(expected):
        return [f"the graph must have {len(expected)} weighted sums. Got {len(dense)}."]
    sentences: list[str] = []
    for node, arrays in zip(dense, expected, strict=True):
        for name, (where, array) in zip(node.input[1:], arrays.items(), strict=True):
            sentences += _entries(where, array, constants.get(name))
    return sentences[:MAX_NAMED] or _graph_differences(model, net) or _metadata_differences(model, net)


def _sums(net: DenseNet) -> list[dict[str, ndarray]]:
    """Weights and bias of the weighted sums in the order of the graph, by the names that a message gives them."""
    parts = [
        [{f"{part}[{i}].weights": layer.weights, f"{part}[{i}].bias": layer.bias} for i, layer in enumerate(layers)]
        for part, layers in (("embedding", net.embedding), ("trunk", net.trunk), ("domain", net.domain))
    ]
    head = {"head.surface_offsets": net.head.surface_offsets, "head.offset": net.head.offset}
    reserve = []
    if net.reserve:
        offsets = net.reserve.surface_offsets[:, None]
        reserve = [{"reserve.surface_offsets": offsets, "reserve.offset": net.reserve.offset}]
    return [*parts[0], *parts[1], head, *reserve, *parts[2]]


def _metadata_differences(model: onnx.ModelProto, net: DenseNet) -> list[str]:
    """What the metadata say of the network and of the graph, and what is true."""
    stored = read_onnx(model.SerializeToString(deterministic=True))
    named = {FINGERPRINT: fingerprint(net), GRAPH_DIGEST: stored.graph_digest}
    return [
        f"the metadata {name} must be {digest}. Got {stored.metadata.get(name)}."
        for name, digest in named.items()
        if digest != stored.metadata.get(name)
    ]


def _entries(where: str, expected: ndarray, got: ndarray | None) -> list[str]:
    """The entries of an array in which the graph and the arrays differ."""
    if got is None or got.shape != expected.shape or got.dtype != expected.dtype:
        shape = "none" if got is None else f"{got.dtype} {got.shape}"
        return [f"{where} must be a constant {expected.dtype} {expected.shape}. Got {shape}."]
    bits = np.uint32
    return [
        f"{where}{[int(i) for i in at]} must be {expected[tuple(at)]:.9g} as in the arrays. Got {got[tuple(at)]:.9g}."
        for at in np.argwhere(np.ascontiguousarray(expected).view(bits) != np.ascontiguousarray(got).view(bits))
    ]


def _graph_differences(model: onnx.ModelProto, net: DenseNet) -> list[str]:
    """The first difference between the graph and the one that the arrays are exported to."""
    expected = onnx.load_from_string(onnx_bytes(net, {})).graph
    if expected.SerializeToString(deterministic=True) == model.graph.SerializeToString(deterministic=True):
        return []
    for kind in ("initializer", "node", "input", "output"):
        for i, (one, other) in enumerate(zip(getattr(expected, kind), getattr(model.graph, kind), strict=False)):
            if one != other:
                return [f"{kind} {i} ({one.name}) must be as the arrays are exported. Got another ({other.name})."]
    return ["the graph must be the one that the arrays are exported to. Got another: export the model again."]
