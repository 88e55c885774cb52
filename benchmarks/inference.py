"""How long a prediction takes on this machine: one row and 100,000 rows, ours and the peers' in one process.

    python benchmarks/inference.py [--json]

Needs the extras [train], [ecu] and [bench].

Method: the released compact model. Ours is all of it, from the factors as they come: checks, scaling, masks, layers,
limits and order of the outputs, status. The peers have less to do: the same network from the same factors, without
checks, limits, order and status; and, where they say so, the layers alone, inputs scaled and masked beforehand. The
Keras model is `keras_model` of acc_decel.network.keras_net with the arrays of the model: called as it is, by `predict`,
and compiled (`tf.function` with XLA); LiteRT runs what its converter makes of that, with its default kernels (XNNPACK);
ONNX Runtime and NumPy run the layers as matrix products. All in float32. Before anything is timed, each must answer as
the reference does. LiteRT, ONNX Runtime and ours run on one thread, Keras and NumPy as they do by default.

Many rows at once leave the processor's cache, so each peer gets them in the batches of BATCHES that suit it best: all
sizes are timed first, and the quickest is reported as `batch`. Ours gets all rows in one call, as users call it.

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
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

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
BATCHES = (1_000, 10_000, MANY)  # rows of one call of a peer, where there are as many
Inputs = tuple[ndarray, ...]
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
    batch: int = 0  # rows that it takes at a time


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
    """The peers for these rows, each in the batches that suit it best, and checked against the reference."""
    inputs = entering(net.factors, net.center, net.inverse_spread, columns)
    layers = keras_layers(net)
    whole = keras_whole(net, layers)
    compiled = keras_compiled(whole)
    makers: dict[tuple[str, str], Callable[[int], Callable[..., ndarray]]] = {
        ("LiteRT", WHOLE): lambda rows: litert_call(whole, rows),
        ("Keras call", WHOLE): lambda _: lambda x: whole(x).numpy(),
        ("Keras predict", WHOLE): lambda rows: lambda x: whole.predict(x, verbose=0, batch_size=rows),
        ("Keras compiled", WHOLE): lambda _: lambda x: compiled(x).numpy(),
        ("LiteRT", LAYERS): lambda rows: litert_call(layers, rows),
        ("ONNX Runtime", LAYERS): lambda _: onnx_call(net),
        ("NumPy", LAYERS): lambda _: lambda *x: numpy_layers(net, *x),
    }
    expected, found = net(columns), []
    for (name, work), make in makers.items():
        batch, call = best_batch(make, (columns,) if work == WHOLE else inputs)
        answers = np.clip(np.asarray(call(), np.float32), net.low, net.high)
        difference = float(np.abs(in_order(answers) - expected).max())
        if not difference <= MOST_DIFFERENCE:
            raise RuntimeError(f"{name} ({work}) must answer as the reference. Got a difference of {difference:g}.")
        found.append(Contestant(name, work, call, batch=batch))
    return found


def best_batch(make: Callable[[int], Callable[..., ndarray]], inputs: Inputs) -> tuple[int, Callable[[], ndarray]]:
    """How many rows at a time suit a peer best, and the call that answers all so; `make` gets the rows of a call."""
    rows = len(inputs[0])
    sizes = [size for size in BATCHES if rows % size == 0] or [rows]
    calls = {size: batched(make(size), inputs, size) for size in sizes}
    for call in calls.values():
        call()
    batch = min(calls, key=lambda size: timed(calls[size], 2)[0]) if len(calls) > 1 else sizes[0]
    return batch, calls[batch]


def batched(call: Callable[..., ndarray], inputs: Inputs, size: int) -> Callable[[], ndarray]:
    """A call that answers all rows of `inputs`, `size` at a time."""
    rows = len(inputs[0])
    if size == rows:
        return lambda: call(*inputs)
    parts = [tuple(values[start : start + size] for values in inputs) for start in range(0, rows, size)]
    answers = np.empty((rows, call(*parts[0]).shape[1]), np.float32)

    def every() -> ndarray:
        for i, part in enumerate(parts):
            answers[i * size : (i + 1) * size] = call(*part)
        return answers

    return every


def keras_layers(net: DenseNet):
    """The layers in Keras, without the limits of the outputs."""
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


def keras_compiled(model):
    """The Keras model as one compiled function, by XLA; each number of rows is compiled once."""
    import tensorflow

    return tensorflow.function(lambda x: model(x, training=False), jit_compile=True, reduce_retracing=False)


def litert_call(keras, rows: int) -> Callable[..., ndarray]:
    """The Keras model, converted and run by LiteRT on one thread, for so many rows."""
    import tensorflow
    from ai_edge_litert.interpreter import Interpreter

    with contextlib.redirect_stdout(io.StringIO()):  # the converter prints what it saves
        content = tensorflow.lite.TFLiteConverter.from_keras_model(keras).convert()
    interpreter = Interpreter(model_content=content, num_threads=1)
    of_width = {int(one["shape"][1]): one["index"] for one in interpreter.get_input_details()}
    for width, index in of_width.items():
        interpreter.resize_tensor_input(index, (rows, width))
    interpreter.allocate_tensors()
    output = interpreter.get_output_details()[0]["index"]

    def call(*inputs: ndarray) -> ndarray:
        for values in inputs:
            interpreter.set_tensor(of_width[values.shape[1]], values)
        interpreter.invoke()
        return interpreter.get_tensor(output)

    return call


def onnx_call(net: DenseNet) -> Callable[..., ndarray]:
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
        for name, width in (("free", None), ("forced", None), (x, None))
    ]
    graph = helper.make_graph(nodes, "layers", values[:2], values[2:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda free, forced: session.run(None, {"free": free, "forced": forced})[0]


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
            "batch": one.batch or len(columns),
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
    heads = (
        "rows",
        "contestant",
        "work",
        "batch",
        "microseconds",
        "of CPU",
        "ratio to best peer",
        "to best layers alone",
    )
    for name in heads:
        table.add_column(name, justify="left" if name in {"contestant", "work"} else "right")
    for row in rows:
        times = (f"{row[name]:,.2f}" for name in ("microseconds", "cpu_microseconds"))
        ratios = (f"{row[name]:,.2f}" for name in ("ratio_to_best_peer", "ratio_to_best_layers_alone"))
        who = (str(row["contestant"]), str(row["work"]), f"{row['batch']:,}")
        table.add_row(f"{row['rows']:,}", *who, *times, *ratios)
    console = Console(width=120)
    console.print(table)
    console.print(f"the named path adds {adds:.1f} us to one row")
    for one in told["crossing"]["microseconds"]:
        console.print(f"{one['rows']:>7,} rows: c {one['c']:,.1f} us, onnxruntime {one['onnxruntime']:,.1f} us")
    console.print(f"onnxruntime is quicker from rows: {told['crossing']['onnxruntime_quicker_from_rows']}")


if __name__ == "__main__":
    main()
