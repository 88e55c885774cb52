"""What the firmware costs on emulated cores: instructions, estimated cycles, flash, RAM, stack and error.

    python benchmarks/firmware.py [--json]

Method: the released compact model, as exported, with all its guards; and a plain 12-32-32-1 ReLU network of random
weights, which is the firmware's layers alone. Each in float32 and in fixed point, compiled by `zig cc -O2` and run by
Unicorn on a Cortex-M4F, M7, M3 and M0. Beside the plain network, the same weights in the C of others, compiled with the
same options and counted on the same cores in the same run: a loop as one writes it by hand, and emlearn (extra [bench];
its code of the kind "loadable", as for regression, the struct made constant; it prints weights with six decimals).
TensorFlow Lite Micro is no row: what the wheel tflite-micro brings is its interpreter for Python on a host, without
sources for a core; LiteRT is for hosts, too, and is timed by benchmarks/inference.py. onnx2c is on no package registry.

Instructions and stack are counted on the core, cycles estimated from Arm's tables (acc_decel/ecu/cycles.py; none are
published for the M7), the most over the events. Without an FPU the float network and the checks call routines of the
compiler, whose size is told beside. The difference is the greatest to the float32 network in NumPy, over all events;
fixed point is compared over more of them in NumPy, which has its bits.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table as Screen

from acc_decel.ecu import CortexM, EcuReport
from acc_decel.ecu.cores import CORES
from acc_decel.export import c_fixed, c_float, even_events, firmware_files, golden_events, write_firmware
from acc_decel.export.c_tables import Table, defines, header
from acc_decel.export.firmware_files import FIXED_EVENTS, FORMATS
from acc_decel.export.fixed_point import fixed_answers, fixed_net
from acc_decel.export.fixed_point.arithmetic import MAX_VALUE, MIN_VALUE, Scale
from acc_decel.export.fixed_point.intervals import Interval
from acc_decel.export.fixed_point.quantisation import _last_layer, _layer, scale_of
from acc_decel.export.reference import reference_outputs
from acc_decel.model_folder import model_path, read_model
from acc_decel.network import Layer
from acc_decel.outputs import OUTPUTS
from benchmarks.firmware_peers import emlearn_is_here, loop_parts, write_emlearn

MODEL = "compact"
WIDTHS = (12, 32, 32, 1)
EVENTS = 2_000  # on the emulated cores
FIXED_DIFFERENCE_EVENTS = 1_000_000  # in NumPy
HERE = Path(__file__).parent
LEFT = {"network", "tool", "format", "core"}  # columns of words
FIRMWARE = Path(c_float.__file__).parent / "firmware"
PEERS = {"loop": "plain C loop", "emlearn": "emlearn"}  # folder -> tool
Written = tuple[str, Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]
"""Folder of a network that was written, how it takes events, and how its answers are read."""
TOLD = ("instructions", "instructions_per_mac", "cycles", "cycles_per_mac", "flash_bytes", "library_bytes", "ram_bytes")


def row(
    network: str, number_format: str, report: EcuReport, difference: float, tool: str = "acc_decel"
) -> dict[str, object]:
    """One line of the result."""
    told = asdict(report) | {"instructions": report.instructions_per_prediction}
    return {
        "network": network,
        "tool": tool,
        "format": number_format,
        "core": report.target,
        **{name: told[name] for name in (*TOLD, "stack_bytes", "guard_share")},
        "max_abs_difference": difference,
    }


def released(folder: Path) -> list[dict[str, object]]:
    """The released model, in both formats, on all cores."""
    net, _ = read_model(model_path(MODEL).parent)
    events = even_events(net.factors, EVENTS)
    expected, rows = reference_outputs(net, events), []
    for number_format in FORMATS:
        there = folder / number_format
        golden = golden_events(net.factors)
        write_firmware(there, firmware_files(net, model=MODEL, golden=golden, number_format=number_format))
        for core in CORES:
            ecu = CortexM(there, core=core)
            outputs, _ = ecu.predict_array(events)
            rows.append(row(MODEL, number_format, ecu.report(events), float(np.abs(outputs - expected).max())))
    fixed = fixed_net(net, even_events(net.factors, FIXED_EVENTS))
    more = even_events(net.factors, FIXED_DIFFERENCE_EVENTS)
    difference = max(
        float(np.abs(fixed_answers(fixed, some)[0] - reference_outputs(net, some)).max())
        for some in np.array_split(more, 20)
    )
    return [r | ({"max_abs_difference": difference} if r["format"] == "fixed" else {}) for r in rows]


def plain_layers(rng: np.random.Generator) -> list[Layer]:
    """A ReLU network of random weights, its output in about -3 to 3."""
    layers = []
    for inputs, outputs in pairwise(WIDTHS):
        weights = rng.normal(0, np.sqrt(2 / inputs), (outputs, inputs)).astype("f4")
        bias = rng.normal(0, 0.1, outputs).astype("f4")
        layers.append(Layer(weights, bias))
    return layers


def plain(folder: Path) -> list[dict[str, object]]:
    """The plain network, in both formats and in the C of others, on all cores."""
    rng = np.random.default_rng(1)
    layers, events = plain_layers(rng), rng.uniform(-1, 1, (EVENTS, WIDTHS[0])).astype("f4")
    expected = events
    for layer in layers[:-1]:
        expected = np.maximum(layer(expected), 0)
    expected = layers[-1](expected)
    rows = []
    for own, words_of, values_of in written_networks(folder, layers):
        for core in CORES:
            ecu = CortexM(folder / own, core=core)
            words = words_of(events)
            outputs, _ = ecu.predict_array(words)
            difference = np.abs(values_of(outputs[:, 0]) - expected[:, 0]).max()
            number_format, tool = (own, "acc_decel") if own in FORMATS else ("float", PEERS[own])
            rows.append(row("-".join(map(str, WIDTHS)), number_format, ecu.report(words), float(difference), tool))
    return rows


def written_networks(folder: Path, layers: list[Layer]) -> list[Written]:
    """The plain network in every form, each in a folder of its own."""
    forms = [plain_float(folder, layers), plain_fixed(folder, layers)]
    written(folder / "loop", loop_parts(layers), columns=WIDTHS[0], word="float", sources=(), own="loop")
    forms.append(("loop", unchanged, unchanged))
    if emlearn_is_here():
        written(folder / "emlearn", [], columns=WIDTHS[0], word="float", sources=(), own="emlearn")
        write_emlearn(folder / "emlearn", layers, HERE / "plain_network" / "freestanding")
        forms.append(("emlearn", unchanged, unchanged))
    return forms


def unchanged(words: np.ndarray) -> np.ndarray:
    """Floats are their own words."""
    return words


def plain_float(folder: Path, layers: list[Layer]) -> Written:
    """Writes the plain network in float32."""
    tables = [
        c_float._sizes("layers", tuple(layers), rectified=0),
        Table("weights", np.concatenate([c_float.blocks(layer) for layer in layers]), "blocks"),
    ]
    parts = [table.text for table in tables]
    written(
        folder / "float",
        parts,
        columns=WIDTHS[0],
        word="float",
        sources=(*c_float.LAYERS, "acc_decel_word.h"),
        own="float",
    )
    return "float", unchanged, unchanged


def plain_fixed(folder: Path, layers: list[Layer]) -> Written:
    """The same in fixed point: inputs are pairs of 16-bit integers."""
    values = Interval(np.full(WIDTHS[0], -1.0), np.full(WIDTHS[0], 1.0))
    entering: Scale = scale_of(values)
    seen, done = entering, []
    for i, layer in enumerate(layers[:-1]):
        weights = layer.weights.astype(float)
        ends = np.stack([weights * values.low, weights * values.high])
        sums = Interval(layer.bias + ends.min(axis=0).sum(axis=1), layer.bias + ends.max(axis=0).sum(axis=1))
        rounded, seen = _layer(f"plain[{i}]", layer, seen, np.maximum(sums.high, 0))
        done.append(rounded)
        values = Interval(np.maximum(sums.low, 0), np.maximum(sums.high, 0))
    last, bits = _last_layer("plain", layers[-1], seen)
    tables = [
        c_fixed._sizes("layers", (*done, last)),
        Table(
            "weights",
            np.concatenate([c_fixed.blocks(layer) for layer in (*done, last)])[:, None],
            "blocks",
            "acc_decel_pair_t",
        ),
        Table("shifts", np.concatenate([layer.shift for layer in done]).astype(np.uint8), "of every hidden unit"),
    ]
    parts = [table.text for table in tables]
    word = "acc_decel_pair_t"
    written(folder / "fixed", parts, columns=WIDTHS[0] // 2, word=word, sources=c_fixed.LAYERS, own="fixed")

    def words_of(events: np.ndarray) -> np.ndarray:
        q = np.clip(np.rint((events - entering.low) * entering.scale) + MIN_VALUE, MIN_VALUE, MAX_VALUE)
        return q.astype("<i2").view("<f4")

    return "fixed", words_of, lambda words: (words.view("<u4").astype(float) - 2**31) * 2.0 ** -float(bits[0])


def written(folder: Path, tables: list[str], *, columns: int, word: str, sources: tuple[str, ...], own: str) -> None:
    """A folder that the virtual ECU takes for a firmware."""
    folder.mkdir(parents=True)
    for name in sources:
        shutil.copy(FIRMWARE / name, folder / name)
    for name in ("acc_decel.h", "acc_decel.c", f"acc_decel_plain_{own}.c"):
        shutil.copy(HERE / "plain_network" / name, folder / name)
    counts = {
        "COLUMN_COUNT": columns,
        "OUTPUT_COUNT": len(OUTPUTS),
        "MULTIPLY_ADDS": sum(a * b for a, b in pairwise(WIDTHS)),
    }
    parts = (
        defines({name: f"{value}U" for name, value in counts.items()}),
        f"#define WORD {word}\n#define WIDEST {max(WIDTHS)}U\n#define LAYERS {len(WIDTHS) - 1}U",
        "#if defined(PLAIN_NETWORK_TABLES)",
        *tables,
        "#endif",
    )
    includes = [*(f'"{name}"' for name in sources if name.endswith("layers.h")), "<float.h>", "<stdint.h>"]
    text = header("PLAIN_NETWORK_TABLES_H", includes, parts, stamp="Generated by benchmarks/firmware.py.")
    (folder / "plain_network_tables.h").write_text(text)
    code = folder / f"acc_decel_plain_{own}.c"
    code.write_text("#define PLAIN_NETWORK_TABLES\n" + code.read_text())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print for a program")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [*plain(Path(folder) / "plain"), *released(Path(folder) / "released")]
    if asked.json:
        print(json.dumps(rows, indent=1))
        return
    table = Screen(title="one prediction", title_justify="left")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), justify="left" if name in LEFT else "right")
    for each in rows:
        table.add_row(*("-" if v is None else f"{v:.3g}" if isinstance(v, float) else str(v) for v in each.values()))
    Console(width=190).print(table)


if __name__ == "__main__":
    main()
