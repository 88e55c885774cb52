"""The network in the hands of others, for inference.py: Keras, LiteRT, ONNX Runtime and NumPy.

Keras and ONNX get the same operations: `KerasGraph` has the interface of the `Graph` that writes ONNX. Features and
head are those of our ONNX file, where what belongs together is one operation on several columns.
"""

import contextlib
import io
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy import ndarray
from onnx import TensorProto, helper

from acc_decel.export.onnx_features import feature_nodes
from acc_decel.export.onnx_file import head_outputs
from acc_decel.export.onnx_graph import Graph
from acc_decel.factors import column_names, half_saturations
from acc_decel.network import HEAD, DenseNet, Entered, Layer, rectified, wiring
from acc_decel.network.features import SURFACE_COLUMNS

COLUMNS = "columns"
OPSET, IR_VERSION = 17, 8
Call = Callable[..., ndarray]


class KerasGraph(Graph):
    """A graph whose nodes are computed in Keras as they are added: `values` has tensors and constants by name."""

    def __init__(self, inputs: dict[str, int]) -> None:
        """A graph with inputs of these names, each with so many columns."""
        import keras

        super().__init__()
        self.inputs = {name: keras.Input((width,), name=name) for name, width in inputs.items()}
        self.values: dict[str, Any] = dict(self.inputs)

    def model(self, output: str) -> Any:
        """The Keras model from all inputs to this value."""
        import keras

        inputs = [*self.inputs.values()]
        return keras.Model(inputs if len(inputs) > 1 else inputs[0], self.values[output])

    def _name(self, array: ndarray) -> str:
        name = super()._name(array)
        self.values[name] = array
        return name

    def _add(self, operator: str, inputs: Sequence[str], outputs: list[str], attributes: dict[str, Any]) -> None:
        operands = [self.values[name] for name in inputs]
        if operator == "Split":
            results = _split(*operands, outputs=len(outputs))
        else:
            results = [_keras(operator, operands, attributes)]
        self.values |= zip(outputs, results, strict=True)


def _split(x: Any, sizes: ndarray | None = None, *, outputs: int) -> list[Any]:
    """The columns of `x` in parts, of equal size if no sizes are given."""
    every = np.full(outputs, x.shape[1] // outputs) if sizes is None else sizes
    ends = np.cumsum(every).tolist()
    return [x[:, end - size : end] for size, end in zip(every.tolist(), ends, strict=True)]


def _keras(operator: str, operands: list[Any], attributes: dict[str, Any]) -> Any:
    """One ONNX operator in Keras."""
    from keras import ops

    plain = {
        "Add": ops.add,
        "Sub": ops.subtract,
        "Mul": ops.multiply,
        "Div": ops.divide,
        "MatMul": ops.matmul,
        "Where": ops.where,
        "Not": ops.logical_not,
        "Relu": ops.relu,
        "IsNaN": lambda x: ops.not_equal(x, x),  # LiteRT has no isnan
        "Max": lambda *some: reduce(ops.maximum, some),
        "Min": lambda *some: reduce(ops.minimum, some),
        "Clip": ops.clip,
        "Cast": lambda x, to: ops.cast(x, {TensorProto.FLOAT: "float32"}[to]),
        "Concat": lambda *some, axis: ops.concatenate(some, axis=axis),
        "Gather": _gather,
        "Gemm": _gemm,
    }
    return plain[operator](*operands, **attributes)


def _gather(x: Any, places: ndarray, axis: int) -> Any:
    """Columns of `x`: neighbours are a slice, which costs less."""
    from keras import ops

    first, last = int(places.min()), int(places.max())
    if np.array_equal(places, np.arange(first, last + 1)):
        return x[:, first : last + 1]
    return ops.take(x, places, axis=axis)


def _gemm(x: Any, weights: ndarray, bias: ndarray, *, transB: int = 0) -> Any:  # noqa: N803 - as ONNX names it
    """A dense layer."""
    import keras

    layer = keras.layers.Dense(len(bias))
    sums = layer(x)
    layer.set_weights([weights.T if transB else weights, bias])
    return sums


def entered_nodes(g: Graph, net: DenseNet, columns: str) -> list[str]:
    """What enters the network, by the names of its nodes, as `Entered`; NaN in `columns` means not available."""
    wires, names = wiring(net.factors), column_names(net.factors)
    half, count = np.array(half_saturations(net.factors), np.float32), len(names)
    lost = g("IsNaN", columns)
    features, head = feature_nodes(g, net.factors, net.constants, columns, lost)
    known = g("Where", lost, g.constant(0.0), columns)
    seen = known
    if half.any():
        curved = g("Mul", known, g.constant((half > 0).astype("f4")))
        seen = g("Div", known, g("Add", curved, g.constant(np.where(half > 0, half, 1))))
    values = g("Concat", g("Where", lost, g.constant(net.center[:count]), seen), features, axis=1)
    scaled = g("Mul", g("Sub", values, g.constant(net.center)), g.constant(net.inverse_spread))
    open_ = g("Sub", g.constant(1.0), g.columns(known, wires.gates))
    available = g.number(g("Not", g.columns(lost, wires.masked)))
    gated = g("Mul", g.columns(scaled, wires.gated), open_)
    embedding = g("Concat", g.columns(scaled, wires.free), gated, available, axis=1)
    surface = g.columns(known, [names.index(name) for name in SURFACE_COLUMNS])
    return [embedding, g.columns(scaled, wires.forced), head, surface]


def layer_nodes(g: Graph, net: DenseNet, embedded: str, x: str, head: str, surface: str) -> str:
    """The name of the outputs, whose quantiles may cross, for what enters the network."""
    zero, half, one = (g.constant(value) for value in (0.0, 0.5, 1.0))

    def sums(layer: Layer, x: str) -> str:
        return g("Gemm", x, g.constant(layer.weights), g.constant(layer.bias), transB=1)

    def smooth(z: str) -> str:
        ramp = g("Clip", z, zero, one)
        return g("Add", g("Relu", g("Sub", z, one)), g("Mul", g("Mul", ramp, half), ramp))

    for layer in net.embedding:
        embedded = smooth(sums(layer, embedded))
    for layer in net.trunk[:-1]:
        x = smooth(sums(layer, g("Concat", embedded, x, axis=1)))
    return head_outputs(g, net, sums(net.trunk[-1], g("Concat", embedded, x, axis=1)), head, surface)


def entered_widths(net: DenseNet) -> dict[str, int]:
    """How many columns each part of `Entered` has."""
    wires = wiring(net.factors)
    widths = (wires.embedding_inputs, len(wires.forced), len(HEAD), len(SURFACE_COLUMNS))
    return dict(zip(Entered._fields, widths, strict=True))


def keras_whole(net: DenseNet) -> Any:
    """The network in Keras from the factors, of which some are NaN."""
    g = KerasGraph({COLUMNS: len(column_names(net.factors))})
    return g.model(layer_nodes(g, net, *entered_nodes(g, net, COLUMNS)))


def keras_layers(net: DenseNet) -> Any:
    """Layers and head in Keras, from the parts of `Entered`."""
    g = KerasGraph(entered_widths(net))
    return g.model(layer_nodes(g, net, *g.inputs))


def keras_compiled(model: Any) -> Any:
    """The Keras model as one compiled function, by XLA; each number of rows is compiled once."""
    import tensorflow

    return tensorflow.function(lambda x: model(x, training=False), jit_compile=True, reduce_retracing=False)


def litert_call(model: Any, rows: int) -> Call:
    """The Keras model, converted and run by LiteRT on one thread, for so many rows."""
    import tensorflow
    from ai_edge_litert.interpreter import Interpreter

    with contextlib.redirect_stdout(io.StringIO()):  # the converter prints what it saves
        content = tensorflow.lite.TFLiteConverter.from_keras_model(model).convert()
    interpreter = Interpreter(model_content=content, num_threads=1)
    details = interpreter.get_input_details()
    names = [next(d["name"] for d in details if one.name in d["name"]) for one in model.inputs]
    indices = [next(d["index"] for d in details if d["name"] == name) for name in names]
    for index, one in zip(indices, model.inputs, strict=True):
        interpreter.resize_tensor_input(index, (rows, one.shape[1]))
    interpreter.allocate_tensors()
    output = interpreter.get_output_details()[0]["index"]

    def call(*inputs: ndarray) -> ndarray:
        for index, values in zip(indices, inputs, strict=True):
            interpreter.set_tensor(index, values)
        interpreter.invoke()
        return interpreter.get_tensor(output)

    return call


def onnx_whole(net: DenseNet) -> Call:
    """The network from the factors in ONNX Runtime."""
    g = Graph()
    return _onnx_call(
        g, {COLUMNS: len(column_names(net.factors))}, layer_nodes(g, net, *entered_nodes(g, net, COLUMNS))
    )


def onnx_layers(net: DenseNet) -> Call:
    """Layers and head in ONNX Runtime."""
    g, widths = Graph(), entered_widths(net)
    return _onnx_call(g, widths, layer_nodes(g, net, *widths))


def _onnx_call(g: Graph, inputs: dict[str, int], output: str) -> Call:
    """The graph, on one thread."""

    def described(name: str, width: int | None) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width])

    ends = [described(*one) for one in inputs.items()], [described(output, None)]
    graph = helper.make_graph(g.nodes, "network", *ends, g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [*inputs]
    return lambda *values: session.run(None, dict(zip(names, values, strict=True)))[0]


def numpy_whole(net: DenseNet, columns: ndarray) -> ndarray:
    """The network from the factors in NumPy, its layers as matrix products."""
    return numpy_layers(net, *net.entered(columns))


def numpy_layers(net: DenseNet, *inputs: ndarray) -> ndarray:
    """Layers, as matrix products, and head."""
    entered = Entered(*inputs)
    embedded, x = entered.embedding, entered.forced
    for layer in net.embedding:
        embedded = rectified(embedded @ layer.weights.T + layer.bias)
    for layer in net.trunk[:-1]:
        x = rectified(np.concatenate([embedded, x], axis=1) @ layer.weights.T + layer.bias)
    last = net.trunk[-1]
    return net.answer(np.concatenate([embedded, x], axis=1) @ last.weights.T + last.bias, entered)
