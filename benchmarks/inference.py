"""How long a prediction takes on this machine: one row and 100,000 rows, ours and the peers' in one process.

    python benchmarks/inference.py [--json]

Needs the extras [train], [ecu] and [bench].

Method: the released compact model. Ours is all of it, from the factors as they come: checks, features, scaling, masks,
layers, head, order of the outputs, status and caution. The peers have less to do: the same network from the same
factors, without checks, order, status and caution; and, where they say so, layers and head alone, all inputs computed
beforehand. The events are in the trained domain, where the caution changes nothing; the rows that say `outside` are
those of ours for events outside, which are answered several times. Keras (inference_peers.py) is called as it is, by
`predict`, and compiled (`tf.function` with XLA); LiteRT runs what its converter makes of that, with its default kernels
(XNNPACK); ONNX Runtime and NumPy have the layers as matrix products. Features and head have, in Keras and ONNX, the
operations of our ONNX file, which are few and wide, for each costs a peer its time. All in float32. Before anything is
timed, each must answer as the reference does. LiteRT, ONNX Runtime and ours run on one thread, Keras and NumPy as they
do by default.

Many rows at once leave the processor's cache, so each peer gets them in the batches of BATCHES that suit it best: all
sizes are timed first, and the quickest is reported as `batch`. Ours gets all rows in one call, as users call it.

In every round each contestant has its turn, in an order drawn anew, after a pause in which the threads of the one
before fall asleep; a turn is as many calls as take some milliseconds. The result is the median of the rounds and, as
ratios, that median over the median of the best peer that runs the whole network, and of the best with layers and head
alone. On a machine that is shared the processor's time says more than the clock. The cross-over is where ONNX Runtime,
on all of our graph, overtakes the compiled C. Calls of the library through cffi and through ctypes were compared, too:
0.63 us and 0.58 us of one row, so ctypes it is.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import pandas as pd
from numpy import ndarray
from rich.console import Console
from rich.table import Table as Screen

from acc_decel import Predictor
from acc_decel.export import even_events
from acc_decel.factors import column_names
from acc_decel.model_folder import model_path, read_model
from acc_decel.network import DenseNet, in_order, outside_domain
from benchmarks.inference_peers import (
    keras_compiled,
    keras_layers,
    keras_whole,
    litert_call,
    numpy_layers,
    numpy_whole,
    onnx_layers,
    onnx_whole,
)

MODEL = "compact"
MANY = 100_000
DRAWN = 4  # events for each that is used: those in the trained domain, and those outside
ROUNDS = {1: 25, MANY: 9}
BATCHES = (1_000, 10_000, MANY)  # rows of one call of a peer, where there are as many
Inputs = tuple[ndarray, ...]
WHOLE, LAYERS = "network", "layers and head"  # what a peer does
ALL, BY_NAME, OUTSIDE = "all", "all, by name", "all, outside"  # what ours does
NAMED = ("predict_array, c", "predict(speed=...), c")
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


def split_events(net: DenseNet, events: int) -> tuple[ndarray, ndarray]:
    """As many events in the trained domain as asked for, and as many outside it."""
    drawn = even_events(net.factors, DRAWN * events)
    outside = outside_domain(net, drawn)
    parts = drawn[~outside][:events], drawn[outside][:events]
    if (fewest := min(map(len, parts))) < events:
        raise RuntimeError(f"{events} events must be in the trained domain, and outside. Got {fewest}: raise DRAWN.")
    return parts


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
    inputs = tuple(net.entered(columns))
    layers, whole = keras_layers(net), keras_whole(net)
    compiled = keras_compiled(whole)
    makers: dict[tuple[str, str], Callable[[int], Callable[..., ndarray]]] = {
        ("LiteRT", WHOLE): lambda rows: litert_call(whole, rows),
        ("ONNX Runtime", WHOLE): lambda _: onnx_whole(net),
        ("NumPy", WHOLE): lambda _: lambda x: numpy_whole(net, x),
        ("Keras call", WHOLE): lambda _: lambda x: whole(x).numpy(),
        ("Keras predict", WHOLE): lambda rows: lambda x: whole.predict(x, verbose=0, batch_size=rows),
        ("Keras compiled", WHOLE): lambda _: lambda x: compiled(x).numpy(),
        ("LiteRT", LAYERS): lambda rows: litert_call(layers, rows),
        ("ONNX Runtime", LAYERS): lambda _: onnx_layers(net),
        ("NumPy", LAYERS): lambda _: lambda *x: numpy_layers(net, *x),
    }
    expected, found = net(columns), []
    for (name, work), make in makers.items():
        batch, call = best_batch(make, (columns,) if work == WHOLE else inputs)
        difference = float(np.abs(in_order(np.asarray(call(), np.float32)) - expected).max())
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


def latencies(net: DenseNet, columns: ndarray, outside: ndarray) -> list[dict[str, object]]:
    """Latency of every contestant for these rows, and of ours for rows outside the trained domain."""
    contestants = [*ours(columns), *(replace(one, work=OUTSIDE) for one in ours(outside)[:2]), *peers(net, columns)]
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
            "ratio_to_best_layers_and_head": t / best[LAYERS],
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
    columns, outside = split_events(net, MANY)
    rows = [row for count in (1, MANY) for row in latencies(net, columns[:count], outside[:count])]
    named = {row["work"]: row["microseconds"] for row in rows if row["rows"] == 1 and row["contestant"] in NAMED}
    adds = named[BY_NAME] - named[ALL]
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
        "to best layers and head",
    )
    for name in heads:
        table.add_column(name, justify="left" if name in {"contestant", "work"} else "right")
    for row in rows:
        times = (f"{row[name]:,.2f}" for name in ("microseconds", "cpu_microseconds"))
        ratios = (f"{row[name]:,.2f}" for name in ("ratio_to_best_peer", "ratio_to_best_layers_and_head"))
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
