"""What the firmware costs on emulated cores: instructions, estimated cycles, flash, RAM, stack and error.

    python benchmarks/firmware.py [--events 2000] [--core cortex-m4f cortex-m7] [--wait-states 2] [--json]

Method: the released compact model, as exported, with all its guards; and a plain 12-32-32-1 ReLU network of random
weights, which is the firmware's layers alone. Each in float32 and in fixed point (the released one in shift, too), run
by Unicorn on a Cortex-M4F, M7, M3, M0 and two RISC-V cores. Beside them in the same run, on the same cores:

- the same weights in a loop as one writes it by hand;
- emlearn (extra [bench]; its code of the kind "loadable", as for regression, the struct made constant; it prints
  weights with six decimals);
- emx-onnx-cgen, if its command is on the path: both networks; no other tool tried takes the released model;
- bakenn, if it can be imported: int8, calibrated on the events. On cores with the DSP extension it calls CMSIS-NN (one
  scale for each layer, as that asks), on all its portable C (one scale for each unit). The cycles include the way from
  floats to int8 and back, as ours in fixed point do in the released network.

A tool that is not installed has a row that says how to install it, in an environment of its own where its packages
would change this one: `uv venv DIR`, `uv pip install --python DIR/bin/python emx-onnx-cgen`, then DIR/bin on PATH;
`uv pip install --no-deps --target DIR bakenn`, then DIR on PYTHONPATH. TensorFlow Lite Micro is no row: what the wheel
tflite-micro brings is its interpreter for Python on a host, without sources for a core; LiteRT is for hosts, too, and
is timed by benchmarks/inference.py. onnx2c is on no package registry.

Options: everything is compiled in every way of EXACT in firmware_compilers.py (zig cc -O2 with and without unrolled
loops, -O3; arm-none-eabi-gcc -O2, -O3, -O3 -funroll-loops), the plain network of others also with fused multiply-adds
and with -ffast-math, which ours may not have because its bits are promised (emx-onnx-cgen's released model, which
needs NaN, with the former only). The row shows the way of the fewest cycles on that core, or instructions where no
cycles are known; --json lists all that was tried. Ours has a row with the product's options besides. The linker
script is the same. The libraries are compiler_rt of zig, libgcc and newlib of GCC: without an FPU the float network
and the checks call their routines, whose size is another column.

Instructions and stack are counted on the core, cycles estimated from Arm's tables (acc_decel/ecu/cycles.py; none are
published for the M7), for flash without wait states, the most over the events. `flash_words_read` are words read from
flash as data: weights, tables, literals. On a part whose cache serves instructions only each waits: an nRF52840 needs
2 cycles more for each (see cycle_model.py). `--wait-states N` adds `cycles_waiting`, which are cycles + N for each
word. The difference is the greatest to the float32 network in NumPy, over all events; fixed point is compared over
more of them in NumPy, which has its bits.

Found on the Cortex-M4F (zig 0.17.1, GCC 12.2.1, emlearn 0.23.2, emx-onnx-cgen 1.4.0), the best options of each,
cycles for a multiply-add of the plain network: ours 4.06 in float and 2.63 in fixed point (with the product's options
4.33 and 2.92), the loop 6.64, emx-onnx-cgen 6.95, emlearn 9.88. So in float ours takes 1.6 times less than the loop;
by GCC alone 2.1 times less (4.20 and 8.82). Without an FPU the routines of the compiler are nearly all of it, and
those of GCC are quicker: on the Cortex-M3 ours 144,864 cycles in float, the loop 150,489. The released model before
the physics features: ours 13,886 cycles, 19,400 bytes of flash and 808 of stack (product: 14,361; 18,084; 792),
emx-onnx-cgen 35,518, 42,028 and 4,328.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table as Screen

from acc_decel.ecu import CortexM
from acc_decel.ecu.compiler import PRODUCT, Compiler
from acc_decel.ecu.cores import CORES
from acc_decel.export import c_fixed, c_float, even_events, firmware_files, golden_events, write_firmware
from acc_decel.export.c_headers import multiply_adds
from acc_decel.export.c_tables import Table, defines, header
from acc_decel.export.firmware_files import FIXED, FIXED_EVENTS, FLOAT, FORMATS
from acc_decel.export.fixed_point import fixed_answers, fixed_net
from acc_decel.export.fixed_point.arithmetic import MAX_VALUE, MIN_VALUE, Scale
from acc_decel.export.fixed_point.intervals import Interval
from acc_decel.export.fixed_point.quantisation import _last_layer, _layer, scale_of
from acc_decel.export.reference import reference_outputs, status_of
from acc_decel.model_folder import model_path, read_model
from acc_decel.network import DenseNet, Layer
from acc_decel.outputs import OUTPUTS
from benchmarks.firmware_bakenn import BAKENN, CMSIS_NN, PORTABLE, bakenn_is_here, write_bakenn
from benchmarks.firmware_bakenn import INSTALL as INSTALL_BAKENN
from benchmarks.firmware_compilers import EXACT, FUSED, REORDERED, Trial, best, gcc_is_here, trial, tried, usable
from benchmarks.firmware_peers import (
    EMX,
    INSTALL_EMLEARN,
    INSTALL_EMX,
    emlearn_is_here,
    emx_is_here,
    loop_parts,
    write_emlearn,
    write_emx,
    write_onnx,
)

MODEL = "compact"
WIDTHS = (12, 32, 32, 1)
PLAIN = "-".join(map(str, WIDTHS))
EVENTS = 2_000  # on the emulated cores
FIXED_DIFFERENCE_EVENTS = 1_000_000  # in NumPy
HERE = Path(__file__).parent
LEFT = {"network", "tool", "format", "core", "compiler", "options", "chosen"}  # columns of words
FIRMWARE = Path(c_float.__file__).parent / "firmware"
OURS = "acc_decel"
PEERS = {"loop": "plain C loop", "emlearn": "emlearn", "emx": EMX}  # folder -> tool
PEERS |= {kernels: f"{BAKENN}, {kernels}" for kernels in (CMSIS_NN, PORTABLE)}
INT8 = "int8"
DSP = ("cortex-m4f", "cortex-m4f-ftz", "cortex-m7")  # cores with the instructions that CMSIS-NN multiplies with
DISTINCT = tuple(name for name in CORES if name != "cortex-m4f-ftz")  # flushing to zero costs and saves nothing
STATUS_MAY_DIFFER = 1e-3  # share of the events: near the edge of the trained domain the last bit decides
Written = tuple[str, Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]
"""Folder of a network that was written, how it takes events, and how its answers are read."""
TOLD = (
    "instructions",
    "instructions_per_mac",
    "cycles",
    "cycles_per_mac",
    "flash_words_read",
    "flash_bytes",
    "library_bytes",
    "ram_bytes",
)


@dataclass(frozen=True)
class Subject:
    """A network as one tool writes it, to be measured."""

    network: str
    tool: str
    number_format: str
    folder: Path
    words: np.ndarray  # events, as it takes them
    difference: Callable[[CortexM], float]  # the greatest to float32 in NumPy
    compilers: Sequence[Compiler]
    cores: tuple[str, ...] = tuple(CORES)  # that it can be compiled for


def rows_of(subject: Subject, cores: Sequence[str], *, gcc: bool) -> list[dict[str, Any]]:
    """On each core a row with the options that cost least; before it, of ours, one with the product's options."""
    rows = []
    for core in (name for name in cores if name in subject.cores):
        trials = tried(subject.folder, core, usable(subject.compilers, core, gcc=gcc), subject.words)
        costs = {str(each): one.cost[0] for each, one in trials.items()}
        shown = {f"best of {len(trials)}": best(trials)}
        if subject.tool == OURS:
            shown = {"the product's": PRODUCT} | shown
        for name, each in shown.items():
            rows.append(row(subject, trial(subject.folder, core, each, subject.words), name) | {"tried": costs})
            Console(stderr=True).print(json.dumps(rows[-1]), soft_wrap=True)  # what is known if a run is cut short
    return rows


def row(subject: Subject, measured: Trial, chosen: str) -> dict[str, Any]:
    """One line of the result."""
    report = measured.report
    told = asdict(report) | {"instructions": report.instructions_per_prediction}
    return {
        "network": subject.network,
        "tool": subject.tool,
        "format": subject.number_format,
        "core": report.target,
        "compiler": measured.compiler.name,
        "options": " ".join(measured.compiler.options),
        "chosen": chosen,
        **{name: told[name] for name in (*TOLD, "stack_bytes", "guard_share")},
        "max_abs_difference": subject.difference(measured.ecu),
    }


def missing_rows() -> list[dict[str, str]]:
    """For each peer that is not installed a row that says so, with the command that installs it."""
    peers = {
        PEERS["emlearn"]: (emlearn_is_here(), INSTALL_EMLEARN),
        EMX: (emx_is_here(), INSTALL_EMX),
        BAKENN: (bakenn_is_here(), INSTALL_BAKENN),
    }
    return [
        {"network": "-", "tool": tool, "options": f"not installed: {how}"}
        for tool, (here, how) in peers.items()
        if not here
    ]


def waiting(rows: Sequence[dict[str, Any]], wait_states: int | None) -> None:
    """Adds cycles with so many wait states for each word of data in flash; None adds nothing."""
    for each in rows if wait_states is not None else ():
        known = each["cycles"] is not None
        each["wait_states"] = wait_states
        each["cycles_waiting"] = each["cycles"] + wait_states * each["flash_words_read"] if known else None


def released(folder: Path, events: int, *, emx: bool, more: int = FIXED_DIFFERENCE_EVENTS) -> list[Subject]:
    """The released model in all formats, and in the C of the one peer that takes it; `more` events for fixed point."""
    net, _ = read_model(model_path(MODEL).parent)
    asked = even_events(net.factors, events)
    expected, status = reference_outputs(net, asked), status_of(net, asked)

    def difference(ecu: CortexM) -> float:
        return float(np.abs(ecu.predict_array(asked)[0] - expected).max())

    def checked(ecu: CortexM) -> float:
        differ = int((ecu.predict_array(asked)[1] != status).sum())
        if differ > STATUS_MAY_DIFFER * len(asked):
            raise RuntimeError(f"The status must be the reference's, which float32 gives. Got another {differ} times.")
        return difference(ecu)

    subjects, differences = [], {FLOAT: checked, FIXED: differences_in_numpy(net, more)}
    for number_format in FORMATS:
        there = folder / number_format
        golden = golden_events(net.factors)
        write_firmware(there, firmware_files(net, model=MODEL, golden=golden, number_format=number_format))
        away = differences.get(number_format, difference)
        subjects.append(Subject(MODEL, OURS, number_format, there, asked, away, EXACT))
    if emx:
        there = folder / "emx"
        written(there, [], columns=asked.shape[1], own="released_emx", multiply_adds=multiply_adds(net))
        write_emx(there, model_path(MODEL))
        subjects.append(Subject(MODEL, EMX, FLOAT, there, asked, checked, (*EXACT, *FUSED)))
    return subjects


def differences_in_numpy(net: DenseNet, events: int) -> Callable[[CortexM], float]:
    """The difference of the format fixed over more events, in NumPy, which has the bits of every core."""
    fixed = fixed_net(net, even_events(net.factors, FIXED_EVENTS))
    more = np.array_split(even_events(net.factors, events), 20)
    most = max(float(np.abs(fixed_answers(fixed, some)[0] - reference_outputs(net, some)).max()) for some in more)
    return lambda _: most


def plain_layers(rng: np.random.Generator) -> list[Layer]:
    """A ReLU network of random weights, its output in about -3 to 3."""
    layers = []
    for inputs, outputs in pairwise(WIDTHS):
        weights = rng.normal(0, np.sqrt(2 / inputs), (outputs, inputs)).astype("f4")
        bias = rng.normal(0, 0.1, outputs).astype("f4")
        layers.append(Layer(weights, bias))
    return layers


def plain(folder: Path, events: int, *, emx: bool) -> list[Subject]:
    """The plain network, in both formats and in the C of others."""
    rng = np.random.default_rng(1)
    layers, asked = plain_layers(rng), rng.uniform(-1, 1, (events, WIDTHS[0])).astype("f4")
    expected = plain_answers(layers, asked)

    def subject(own: str, words: np.ndarray, values_of: Callable[[np.ndarray], np.ndarray]) -> Subject:
        def difference(ecu: CortexM) -> float:
            outputs, _ = ecu.predict_array(words)
            return float(np.abs(values_of(outputs[:, 0]) - expected).max())

        ours = own in FORMATS
        tool, number_format = (OURS, own) if ours else (PEERS[own], INT8 if BAKENN in PEERS[own] else FLOAT)
        compilers = EXACT if ours else (*EXACT, *FUSED, *REORDERED)
        cores = DSP if own == CMSIS_NN else tuple(CORES)
        return Subject(PLAIN, tool, number_format, folder / own, words, difference, compilers, cores)

    forms = written_networks(folder, layers, asked, emx=emx)
    return [subject(own, words_of(asked), values_of) for own, words_of, values_of in forms]


def plain_answers(layers: list[Layer], events: np.ndarray) -> np.ndarray:
    """The plain network in NumPy."""
    x = events
    for layer in layers[:-1]:
        x = np.maximum(layer(x), 0)
    return layers[-1](x)[:, 0]


def written_networks(folder: Path, layers: list[Layer], events: np.ndarray, *, emx: bool) -> list[Written]:
    """The plain network in every form, each in a folder of its own; `events` calibrate the int8 of bakenn."""
    forms = [plain_float(folder, layers), plain_fixed(folder, layers)]
    written(folder / "loop", loop_parts(layers), own="plain_loop")
    forms.append(("loop", unchanged, unchanged))
    if emlearn_is_here():
        written(folder / "emlearn", [], own="plain_emlearn")
        write_emlearn(folder / "emlearn", layers)
        forms.append(("emlearn", unchanged, unchanged))
    if emx:
        written(folder / "emx", [], own="plain_emx")
        write_emx(folder / "emx", write_onnx(layers, folder / "plain.onnx"))
        forms.append(("emx", unchanged, unchanged))
    for kernels in (CMSIS_NN, PORTABLE) if bakenn_is_here() else ():
        written(folder / kernels, [], own="plain_bakenn")
        write_bakenn(folder / kernels, layers, events, kernels)
        forms.append((kernels, unchanged, unchanged))
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
    written(folder / "float", parts, sources=(*c_float.LAYERS, "acc_decel_word.h"), own="plain_float")
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
    written(folder / "fixed", parts, columns=WIDTHS[0] // 2, word=word, sources=c_fixed.LAYERS, own="plain_fixed")

    def words_of(events: np.ndarray) -> np.ndarray:
        q = np.clip(np.rint((events - entering.low) * entering.scale) + MIN_VALUE, MIN_VALUE, MAX_VALUE)
        return q.astype("<i2").view("<f4")

    return "fixed", words_of, lambda words: (words.view("<u4").astype(float) - 2**31) * 2.0 ** -float(bits[0])


def written(
    folder: Path,
    tables: list[str],
    *,
    own: str,
    columns: int = WIDTHS[0],
    word: str = "float",
    sources: tuple[str, ...] = (),
    multiply_adds: int = sum(a * b for a, b in pairwise(WIDTHS)),
) -> None:
    """A folder that the virtual ECU takes for a firmware."""
    folder.mkdir(parents=True)
    for name in sources:
        shutil.copy(FIRMWARE / name, folder / name)
    for name in ("acc_decel.h", "acc_decel.c", f"acc_decel_{own}.c"):
        shutil.copy(HERE / "plain_network" / name, folder / name)
    counts = {
        "COLUMN_COUNT": columns,
        "OUTPUT_COUNT": len(OUTPUTS),
        "MULTIPLY_ADDS": multiply_adds,
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
    code = folder / f"acc_decel_{own}.c"
    code.write_text("#define PLAIN_NETWORK_TABLES\n" + code.read_text())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=EVENTS, help="on the cores, over which the difference is taken")
    parser.add_argument("--core", nargs="+", default=[*DISTINCT], choices=[*CORES], help="cores; without it, all")
    parser.add_argument("--wait-states", type=wait_states, help="of flash, for each word that is read from it as data")
    parser.add_argument("--fixed-events", type=int, default=FIXED_DIFFERENCE_EVENTS, help="in NumPy, for fixed point")
    parser.add_argument("--json", action="store_true", help="print for a program")
    asked = parser.parse_args()
    gcc, emx = gcc_is_here(), emx_is_here()
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder)
        subjects = plain(there / "plain", asked.events, emx=emx)
        subjects += released(there / "released", asked.events, emx=emx, more=asked.fixed_events)
        rows = [each for subject in subjects for each in rows_of(subject, asked.core, gcc=gcc)]
    waiting(rows, asked.wait_states)
    if asked.json:
        print(json.dumps(rows, indent=1))
    else:
        show(rows, missing_rows())


def wait_states(text: str) -> int:
    """A number of wait states of flash, from 0 to 15."""
    if not (text.isdecimal() and int(text) <= 15):
        raise argparse.ArgumentTypeError(f"must be 0 to 15. Got {text}.")
    return int(text)


def show(rows: Sequence[dict[str, Any]], missing: Sequence[dict[str, str]]) -> None:
    """The table, with a row for each tool that is missing."""
    table = Screen(title="one prediction", title_justify="left")
    names = [name for name in rows[0] if name != "tried"]
    for name in names:
        table.add_column(name.replace("_", " "), justify="left" if name in LEFT else "right")
    for each in (*rows, *missing):
        values = [each.get(name) for name in names]
        table.add_row(*("-" if v is None else f"{v:.3g}" if isinstance(v, float) else str(v) for v in values))
    Console(width=230).print(table)


if __name__ == "__main__":
    main()
