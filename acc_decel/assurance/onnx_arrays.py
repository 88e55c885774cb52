"""The ONNX file against the arrays: every weight, limit and constant of the graph, bit for bit."""

import json

import numpy as np
import onnx
from numpy import ndarray
from onnx import numpy_helper

from acc_decel.export import onnx_bytes
from acc_decel.network import FINGERPRINT, GRAPH_DIGEST, DenseNet, fingerprint, fingerprint_of, read_onnx

MAX_NAMED = 5  # differences that are listed one by one


def differences(model: onnx.ModelProto, net: DenseNet) -> list[str]:
    """One sentence for each difference between the graph and the arrays of `net`; none if all bits are the same.

    The layers are compared first, entry by entry, so that the difference can be named; then the graph as a whole.
    """
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    dense = [node for node in model.graph.node if node.op_type == "Gemm"]
    layers = [("embedding", i, layer) for i, layer in enumerate(net.embedding)]
    layers += [("trunk", i, layer) for i, layer in enumerate(net.trunk)]
    layers += [("domain", i, layer) for i, layer in enumerate(net.domain)]
    if len(dense) != len(layers):
        return [f"the graph must have {len(layers)} layers. Got {len(dense)}."]
    sentences: list[str] = []
    for node, (part, i, layer) in zip(dense, layers, strict=True):
        for name, index in (("weights", 1), ("bias", 2)):
            sentences += _entries(f"{part}[{i}].{name}", getattr(layer, name), constants.get(node.input[index]))
    return sentences[:MAX_NAMED] or _graph_differences(model, net) or _fingerprint_differences(model, fingerprint(net))


def stored_arrays(model: onnx.ModelProto) -> dict[str, ndarray]:
    """The arrays that define the network of an exported ONNX file, by the names that they have in network.npz.

    From the file alone: those of its graph, and ranges, format and factor schema from its metadata. Raises ValueError
    if the file is not as this version exports it.
    """
    try:
        return _stored_arrays(model)
    except (KeyError, IndexError, StopIteration, TypeError, ValueError) as error:
        raise ValueError(
            f"the ONNX file must hold a network as this version exports it. Got no {error}: export it again."
        ) from error


def _stored_arrays(model: onnx.ModelProto) -> dict[str, ndarray]:
    graph, texts = model.graph, {entry.key: entry.value for entry in model.metadata_props}
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    made_by = {output: node for node in graph.node for output in node.output}
    arrays: dict[str, ndarray] = {
        "format": np.array(int(texts["format"]), np.int64),
        "schema": np.array(texts["schema"]),
        "ranges": np.array([(f["low"], f["high"]) for f in json.loads(texts["factors"])], np.float64),
    }
    part, place = "embedding", 0
    for node in (node for node in graph.node if node.op_type == "Gemm"):
        feeding = made_by[node.input[0]]
        # The embedding comes first; the trunk's layers join two values, and the score of the domain picks some inputs.
        of = {"Concat": "trunk" if len(feeding.input) == 2 else part, "Gather": "domain"}.get(feeding.op_type, part)
        part, place = of, place if of == part else 0
        arrays |= {f"{part}_{place}_{name}": constants[node.input[i]] for name, i in (("weights", 1), ("bias", 2))}
        place += 1
    scaling = next(n for n in graph.node if n.op_type == "Mul" and _feeds("Sub", n, made_by, constants))
    arrays |= {"center": constants[made_by[scaling.input[0]].input[1]], "inverse_spread": constants[scaling.input[1]]}
    outputs = arrays[f"trunk_{sum(name.startswith('trunk') for name in arrays) // 2 - 1}_bias"].shape
    clamps = [n for n in graph.node if n.op_type == "Min" and _feeds("Max", n, made_by, constants)]
    clamp = next(n for n in clamps if constants[n.input[1]].shape == outputs)  # the others are of rectifiers
    return arrays | {"low": constants[made_by[clamp.input[0]].input[1]], "high": constants[clamp.input[1]]}


def _feeds(
    operator: str, node: onnx.NodeProto, made_by: dict[str, onnx.NodeProto], constants: dict[str, ndarray]
) -> bool:
    """Whether the first input of `node` is the result of an operator with a constant, and its second a constant too."""
    feeding = made_by.get(node.input[0])
    if feeding is None or feeding.op_type != operator:
        return False
    return node.input[1] in constants and feeding.input[1] in constants


def _fingerprint_differences(model: onnx.ModelProto, expected: str) -> list[str]:
    """What the metadata say of the network and of the graph, and what they hold."""
    stored = read_onnx(model.SerializeToString(deterministic=True))
    named = {
        f"the metadata {FINGERPRINT}": (expected, stored.metadata.get(FINGERPRINT)),
        "the fingerprint of the arrays in the graph": (expected, fingerprint_of(stored_arrays(model))),
        f"the metadata {GRAPH_DIGEST}": (stored.graph_digest, stored.metadata.get(GRAPH_DIGEST)),
    }
    return [f"{name} must be {one}. Got {other}." for name, (one, other) in named.items() if one != other]


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
