"""How long a prediction takes on this machine: one row and 100,000 rows, ours and the peers' in one process.

    python benchmarks/inference.py [--json]

Needs the extras [train], [ecu] and [bench].

Method: the released compact model. Ours is all of it, from the factors as they come: checks, scaling, masks, layers,
order of the quantiles and status. The peers have less to do: the same network from the same factors, without checks,
order and status; and, where they say so, the layers alone, with inputs that were scaled and masked beforehand. The
Keras model is `keras_model` of acc_decel.network.keras_net with the arrays of the model; LiteRT runs what its converter
makes of that; ONNX Runtime and NumPy run the layers as matrix products. Before anything is timed, each must answer as
the reference does. LiteRT, ONNX Runtime and ours run on one thread, Keras and NumPy as they do by default.

In every round each contestant has its turn, in an order drawn anew, after a pause in which the threads of the one
before fall asleep; a turn is as many calls as take some milliseconds. Told is the median of the rounds and, as ratios,
that median over the median of the best peer that runs the whole network, and of the best with the layers alone. On a
machine that is shared the processor's time says more than the clock. The cross-over is where ONNX Runtime, on all of
our graph, overtakes the compiled C. Calls of the library through cffi and through ctypes were compared, too: 0.63 us
and 0.58 us of one row, so ctypes it is.
"""

import argparse
import contextlib
import io
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import onnx
import onnxruntime
import pandas as pd
from numpy import ndarray
from onnx import TensorProto, helper, numpy_helper
from rich.console import Console
from rich.table import Table as Screen

from acc_decel import Predictor
from acc_decel.export import even_events
from acc_decel.factors import column_names, half_saturations
from acc_decel.model_folder import model_path, read_model
from acc_decel.network import DenseNet, Layer, entering, in_order, rectified, wiring

MODEL = "compact"
MANY = 100_000
ROUNDS = {1: 25, MANY: 9}
WHOLE, LAYERS = "network", "layers alone"  # what a peer does
ALL, BY_NAME = "all", "all, by name"  # what ours does
TURN_SECONDS, PAUSE_SECONDS = 0.005, 0.02
MOST_DIFFERENCE = 1e-4  # [m/s^2], between a peer and the reference
CROSSING = (1, 4, 16, 64, 256, 1024, 4096, 16_384, MANY)
STOP = {"speed": 33.3, "brake_pressure_bar": 160, "surface": "asphalt", "water_film_mm": 1.0}  # as in the README


@dataclass(frozen=True)
class Contestant:
    """One way to predict: a call that answers all rows, and whether it is ours."""

    name: str
    work: str  # what it does
    call: Callable[[], object]
    ours: bool = False


def ours(columns: ndarray) -> list[Contestant]:
    """Our paths for these rows."""
    compiled, graph = (Predictor(MODEL, backend=backend) for backend in ("c", "onnxruntime"))
    paths = [
        Contestant("predict_array, c", ALL, lambda: compiled.predict_array(columns), ours=True),
        Contestant("predict_array, onnxruntime", ALL, lambda: graph.predict_array(columns), ours=True),
    ]
    if len(columns) == 1:
        return [*paths, Contestant("predict(speed=...), c", BY_NAME, lambda: compiled.predict(**STOP), ours=True)]
    table = pd.DataFrame(columns, columns=column_names(compiled.factors))
    return [*paths, Contestant("predict(table), c", BY_NAME, lambda: compiled.predict(table), ours=True)]


def peers(net: DenseNet, columns: ndarray) -> list[Contestant]:
    """The peers for these rows, each checked against the reference."""
    inputs = entering(net.factors, net.center, net.inverse_spread, columns)
    layers = keras_layers(net)
    whole = keras_whole(net, layers)
    rows = len(columns)
    calls = {
        ("LiteRT", WHOLE): litert_call(whole, columns),
        ("Keras call", WHOLE): lambda: whole(columns).numpy(),
        ("Keras predict", WHOLE): lambda: whole.predict(columns, verbose=0, batch_size=rows),
        ("LiteRT", LAYERS): litert_call(layers, *inputs),
        ("ONNX Runtime", LAYERS): onnx_call(net, *inputs),
        ("NumPy", LAYERS): lambda: numpy_layers(net, *inputs),
    }
    expected = net(columns)
    for (name, work), call in calls.items():
        difference = float(np.abs(in_order(np.asarray(call(), np.float32)) - expected).max())
        if not difference <= MOST_DIFFERENCE:
            raise RuntimeError(f"{name} ({work}) must answer as the reference. Got a difference of {difference:g}.")
    return [Contestant(name, work, call) for (name, work), call in calls.items()]


def keras_layers(net: DenseNet):
    """The layers in Keras; the last one without the clamp that the outputs never reach in these events."""
    from acc_decel.network.keras_net import SignedDense, keras_model

    hidden = [tuple(len(layer.bias) for layer in part) for part in (net.embedding, net.trunk[:-1])]
    model = keras_model(net.factors, *hidden, monotone=False)  # the weights have their signs
    dense = [layer for layer in model.layers if isinstance(layer, SignedDense)]
    for layer, trained in zip(dense, net.embedding + net.trunk, strict=True):
        layer.set_weights([trained.weights.T, trained.bias])
    return model


def keras_whole(net: DenseNet, layers):
    """The network in Keras, from factors of which some are NaN: scaling and masks as in `entering`, then the layers."""
    import keras

    wires, half = wiring(net.factors), np.array(half_saturations(net.factors), np.float32)
    columns = keras.Input((len(net.center),))
    lacking = keras.ops.not_equal(columns, columns)
    known = keras.ops.where(lacking, net.center * 0.0, columns)
    seen = known / (known * (half > 0).astype("f4") + np.where(half > 0, half, 1).astype("f4"))
    scaled = keras.ops.where(lacking, net.center * 0.0, (seen - net.center) * net.inverse_spread)
    available = 1 - keras.ops.cast(keras.ops.take(lacking, wires.masked, axis=1), "float32")
    gated = keras.ops.take(scaled, wires.gated, axis=1) * (1 - keras.ops.take(known, wires.gates, axis=1))
    free = keras.ops.concatenate([keras.ops.take(scaled, wires.free, axis=1), gated, available], axis=1)
    return keras.Model(columns, layers([free, keras.ops.take(scaled, wires.forced, axis=1)]))


def litert_call(keras, *inputs: ndarray) -> Callable[[], ndarray]:
    """The Keras model, converted and run by LiteRT on one thread."""
    import tensorflow
    from ai_edge_litert.interpreter import Interpreter

    with contextlib.redirect_stdout(io.StringIO()):  # the converter prints what it saves
        content = tensorflow.lite.TFLiteConverter.from_keras_model(keras).convert()
    interpreter = Interpreter(model_content=content, num_threads=1)
    of_width = {int(one["shape"][1]): one["index"] for one in interpreter.get_input_details()}
    fed = [(of_width[values.shape[1]], values) for values in inputs]
    for index, values in fed:
        interpreter.resize_tensor_input(index, values.shape)
    interpreter.allocate_tensors()
    output = interpreter.get_output_details()[0]["index"]

    def call() -> ndarray:
        for index, values in fed:
            interpreter.set_tensor(index, values)
        interpreter.invoke()
        return interpreter.get_tensor(output)

    return call


def onnx_call(net: DenseNet, free: ndarray, forced: ndarray) -> Callable[[], ndarray]:
    """The layers alone as an ONNX graph, on one thread."""
    nodes, constants = [], []

    def constant(value: ndarray) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value), f"c{len(constants)}"))
        return constants[-1].name

    def node(operator: str, *inputs: str, **attributes: object) -> str:
        nodes.append(helper.make_node(operator, inputs, [f"n{len(nodes)}"], **attributes))
        return nodes[-1].output[0]

    def sums(x: str, of: Layer) -> str:
        return node("Gemm", x, constant(of.weights), constant(of.bias), transB=1)

    zero, half, one = (constant(np.array(value, np.float32)) for value in (0.0, 0.5, 1.0))

    def smooth(z: str) -> str:
        ramp = node("Clip", z, zero, one)
        return node("Add", node("Relu", node("Sub", z, one)), node("Mul", node("Mul", ramp, half), ramp))

    embedded, x = "free", "forced"
    for of in net.embedding:
        embedded = smooth(sums(embedded, of))
    for of in net.trunk[:-1]:
        x = smooth(sums(node("Concat", embedded, x, axis=1), of))
    x = sums(node("Concat", embedded, x, axis=1), net.trunk[-1])
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width])
        for name, width in (("free", free.shape[1]), ("forced", forced.shape[1]), (x, None))
    ]
    graph = helper.make_graph(nodes, "layers", values[:2], values[2:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    fed = {"free": free, "forced": forced}
    return lambda: session.run(None, fed)[0]


def numpy_layers(net: DenseNet, free: ndarray, forced: ndarray) -> ndarray:
    """The layers alone as matrix products."""
    embedded, x = free, forced
    for layer in net.embedding:
        embedded = rectified(embedded @ layer.weights.T + layer.bias)
    for layer in net.trunk[:-1]:
        x = rectified(np.concatenate([embedded, x], axis=1) @ layer.weights.T + layer.bias)
    return np.concatenate([embedded, x], axis=1) @ net.trunk[-1].weights.T + net.trunk[-1].bias


def seconds(calls: list[Callable[[], object]], rounds: int) -> ndarray:
    """Median time of one call of each, by the clock and of the processor, taken in turn: calls x 2."""
    rng = np.random.default_rng(1)
    counts = [max(1, int(TURN_SECONDS / timed(call, 2)[0])) for call in calls]
    taken = np.empty((rounds, len(calls), 2))
    for i in range(rounds):
        for j in rng.permutation(len(calls)):
            time.sleep(PAUSE_SECONDS)
            timed(calls[j], max(1, counts[j] // 10))  # wakes processor and caches
            taken[i, j] = timed(calls[j], counts[j])
    return np.median(taken, axis=0)


def timed(call: Callable[[], object], count: int) -> tuple[float, float]:
    """Time of one call, over `count`: by the clock, and of all threads on the processor."""
    start, start_cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count, (time.process_time() - start_cpu) / count


def latencies(net: DenseNet, columns: ndarray) -> list[dict[str, object]]:
    """Latency of every contestant for these rows."""
    contestants = [*ours(columns), *peers(net, columns)]
    times = seconds([one.call for one in contestants], ROUNDS[len(columns)])
    best = {
        work: min(t for (t, _), one in zip(times, contestants, strict=True) if one.work == work)
        for work in (WHOLE, LAYERS)
    }
    return [
        {
            "rows": len(columns),
            "contestant": one.name,
            "ours": one.ours,
            "work": one.work,
            "microseconds": 1e6 * t,
            "cpu_microseconds": 1e6 * cpu,
            "ratio_to_best_peer": t / best[WHOLE],
            "ratio_to_best_layers_alone": t / best[LAYERS],
        }
        for (t, cpu), one in zip(times, contestants, strict=True)
    ]


def crossing(columns: ndarray) -> dict[str, object]:
    """Both of our backends for more and more rows, and from how many rows on ONNX Runtime is the quicker one."""
    told = []
    for rows in CROSSING:
        some = columns[:rows]
        compiled, graph = (one.call for one in ours(some)[:2])
        times = seconds([compiled, graph], 7)[:, 0]
        told.append({"rows": rows, "c": 1e6 * times[0], "onnxruntime": 1e6 * times[1]})
    quicker = [one["rows"] for one in told if one["onnxruntime"] < one["c"]]
    return {"microseconds": told, "onnxruntime_quicker_from_rows": min(quicker) if quicker else None}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print for a program")
    asked = parser.parse_args()
    net, _ = read_model(model_path(MODEL).parent)
    columns = even_events(net.factors, MANY)
    rows = [row for count in (1, MANY) for row in latencies(net, columns[:count])]
    named = {row["contestant"]: row["microseconds"] for row in rows if row["rows"] == 1}
    adds = named["predict(speed=...), c"] - named["predict_array, c"]
    told = {"latencies": rows, "named_path_adds_microseconds": adds, "crossing": crossing(columns)}
    if asked.json:
        print(json.dumps(told, indent=1))
        return
    table = Screen(title=f"latency on this machine, model {MODEL}", title_justify="left")
    heads = ("rows", "contestant", "work", "microseconds", "of CPU", "ratio to best peer", "to best layers alone")
    for name in heads:
        table.add_column(name, justify="left" if name in {"contestant", "work"} else "right")
    for row in rows:
        times = (f"{row[name]:,.2f}" for name in ("microseconds", "cpu_microseconds"))
        ratios = (f"{row[name]:,.2f}" for name in ("ratio_to_best_peer", "ratio_to_best_layers_alone"))
        table.add_row(f"{row['rows']:,}", str(row["contestant"]), str(row["work"]), *times, *ratios)
    console = Console(width=120)
    console.print(table)
    console.print(f"the named path adds {adds:.1f} us to one row")
    for one in told["crossing"]["microseconds"]:
        console.print(f"{one['rows']:>7,} rows: c {one['c']:,.1f} us, onnxruntime {one['onnxruntime']:,.1f} us")
    console.print(f"onnxruntime is quicker from rows: {told['crossing']['onnxruntime_quicker_from_rows']}")


if __name__ == "__main__":
    main()
