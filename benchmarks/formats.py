"""What each number format costs in accuracy and on small cores, and what those that are no format would cost.

    python benchmarks/formats.py [--model FOLDER] [--events 100000] [--json]

Features and head are in float32 in every format. Differences are those of the network, without the caution outside the
trained domain: an event at its edge would compare two different questions.

The first table measures the exported formats: the difference to float32 in NumPy (whose integers are the bits of the
firmware), flash with the compiler's routines on a Cortex-M0, executed instructions, cycles and multiplications on four
emulated cores. The Cortex-M0 multiplies in 1 cycle or in 32, as its maker chose; both estimates are given, the second
as if every multiplication took 31 more. The rv32ic has no multiplier: routines of the compiler multiply.

The second table measures in NumPy what is not exported. int8 weights with 16-bit values: 8 bits and a power of two
for each unit, in all layers, in one of them, and in all those that keep the error within that of the format shift,
the greatest first; in all layers also scaled, a 16-bit scale for each unit instead. Nothing is trained again. int8
values: the same, and what goes from layer to layer in 8 bits. Sines (Cai et al. 2021, Appl. Sci. 11(15):6704): each
weight and value is the sine of an angle of so many bits a quarter turn, and a product is half the difference of two
cosines from a table; sums, biases, the rectifier and the head are left exact, and it is measured over the first 10,000
events. "compensated" rounds as the exported formats do: the rest of a unit makes up for what rounding did to a weight;
the layers named were, too. The bytes are those of weights and biases alone.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table as Screen

from acc_decel.ecu import CortexM
from acc_decel.ecu.cores import CORTEX_M4F
from acc_decel.export import even_events, firmware_files, golden_events, write_firmware
from acc_decel.export.firmware_files import FIXED, FIXED_EVENTS, FLOAT, FORMATS, SHIFT, SHIFT_EVENTS
from acc_decel.export.fixed_point import fixed_net, shift_net
from acc_decel.export.fixed_point.shift_add import TOLERANCE
from acc_decel.export.fixed_point.weight_rounding import Rounding, rounded_net
from acc_decel.model_folder import model_path, read_model
from acc_decel.network import DenseNet, Layer, rectified
from acc_decel.outputs import DELAY

MODEL = "compact"
MEASURED = 20  # events on the emulated cores
CORTEX_M3, CORTEX_M0, WITHOUT_MULTIPLIER = "cortex-m3", "cortex-m0", "rv32ic"
SLOW_MULTIPLIER = 31  # cycles more of the Cortex-M0's small multiplier
VALUES = 255  # steps of an 8-bit value
SINE_EVENTS = 10_000
ANGLES = (10, 12, 14)  # bits of a quarter turn
Products = Callable[[Layer, np.ndarray], np.ndarray]
"""The sums of a layer for some values, approximately."""


def errors(is_: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    """Difference of the decelerations [m/s^2]: root mean square, and the greatest."""
    apart = np.delete(is_ - expected, DELAY, axis=1)
    return {"rms": float(np.sqrt(np.mean(apart**2))), "greatest": float(np.abs(apart).max())}


def exported(net: DenseNet, events: np.ndarray) -> list[dict[str, object]]:
    """The exported formats on the cores."""
    answers = {
        FLOAT: net,
        FIXED: fixed_net(net, even_events(net.factors, FIXED_EVENTS)),
        SHIFT: shift_net(net, even_events(net.factors, SHIFT_EVENTS)),
    }
    rows = []
    for number_format in FORMATS:
        told: dict[str, object] = {"format": number_format, **errors(answers[number_format](events), net(events))}
        with tempfile.TemporaryDirectory() as work:
            files = firmware_files(net, model=MODEL, golden=golden_events(net.factors), number_format=number_format)
            write_firmware(Path(work), files)
            for core in (CORTEX_M4F, CORTEX_M3):
                report = CortexM(Path(work), core=core).report(events[:MEASURED], sample=MEASURED)
                told[f"{core} cycles"] = report.cycles
            for core in (CORTEX_M0, WITHOUT_MULTIPLIER):
                report = CortexM(Path(work), core=core).report(events[:MEASURED], sample=MEASURED)
                told[f"{core} instructions"] = report.instructions_per_prediction
                if report.cycles is not None:
                    told["multiplications"] = report.multiplications
                    told["cycles, multiplying in 1"] = report.cycles
                    told["in 32"] = report.cycles + SLOW_MULTIPLIER * report.multiplications
                    told["flash"] = report.flash_bytes + report.library_bytes
        rows.append(told)
    return rows


def layers_of(net: DenseNet) -> tuple[Layer, ...]:
    """All layers, those of the embedding first."""
    return (*net.embedding, *net.trunk)


def eight_bits(exact: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The rounding to 8 bits times a power of two for each unit, or each output."""
    step = np.exp2(np.ceil(np.log2(np.maximum(np.abs(exact).max(axis=1), 1e-30) / 127)))
    return lambda some: np.clip(np.rint(some / step), -127, 127) * step


def eight_bits_scaled(exact: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The rounding to 8 bits times the scale that suits each unit best, for which it must multiply once more."""
    step = np.maximum(np.abs(exact).max(axis=1), 1e-30) / 127
    return lambda some: np.clip(np.rint(some / step), -127, 127) * step


def unrounded(_: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Weights of 16 bits are near enough to be taken as they are."""
    return lambda some: some


def int8_weights(net: DenseNet, layers: Sequence[int], events: np.ndarray, rounding: Rounding = eight_bits) -> DenseNet:
    """`net` with 8-bit weights in some layers, compensated."""
    roundings: list[Rounding] = [rounding if i in layers else unrounded for i in range(len(layers_of(net)))]
    return rounded_net(net, roundings, events)


def plain_int8(net: DenseNet, rounding: Rounding = eight_bits) -> DenseNet:
    """`net` with each weight rounded to 8 bits on its own."""

    def rounded(layer: Layer) -> Layer:
        some = rounding(layer.weights)
        return Layer(np.stack([some(column) for column in layer.weights.T], axis=1).astype("f4"), layer.bias)

    return replace(net, embedding=tuple(map(rounded, net.embedding)), trunk=tuple(map(rounded, net.trunk)))


def answered(net: DenseNet, events: np.ndarray, products: Products) -> np.ndarray:
    """The outputs of `net` with another way to sum up."""
    entered = net.entered(events)
    embedded, x = entered.embedding, entered.forced
    for layer in net.embedding:
        embedded = rectified(products(layer, embedded))
    for layer in net.trunk[:-1]:
        x = rectified(products(layer, np.concatenate([embedded, x], axis=1)))
    return net.answer(products(net.trunk[-1], np.concatenate([embedded, x], axis=1)), entered)


def with_int8_values(layer: Layer, x: np.ndarray) -> np.ndarray:
    """The sums for values in 8 bits between the least and the greatest of the events, kinder than proven bounds."""
    low = x.min(axis=0)
    step = np.maximum(x.max(axis=0) - low, 1e-6) / VALUES
    return layer((low + np.rint((x - low) / step) * step).astype("f4"))


def with_sines(bits: int) -> Products:
    """The sums of products taken from a table of cosines: sin a sin b = (cos(a - b) - cos(a + b)) / 2."""
    quarter = 2**bits
    cosines = np.cos(np.arange(2 * quarter + 1) * (np.pi / 2 / quarter))

    def angles(v: np.ndarray) -> np.ndarray:
        return np.rint(np.arcsin(np.clip(v, -1, 1)) / (np.pi / 2) * quarter).astype(np.int64)

    def sums(layer: Layer, x: np.ndarray) -> np.ndarray:
        reach = np.maximum(np.abs(x).max(axis=0), 1e-6)  # of a value, taken into its weights
        weights = layer.weights * reach
        most = np.exp2(np.ceil(np.log2(np.abs(weights).max(axis=1))))
        total = np.repeat(layer.bias[None].astype(float), len(x), axis=0)
        for i in range(x.shape[1]):
            a, b = angles(x[:, i, None] / reach[i]), angles(weights[:, i] / most)[None]
            total += (cosines[np.abs(a - b)] - cosines[np.abs(a + b)]) / 2 * most
        return total.astype("f4")

    return sums


def weight_bytes(net: DenseNet, int8: Sequence[int] = ()) -> int:
    """Bytes of weights, 8 bits in some layers and 16 in the others, and of biases of 32 bits."""
    each = [1 if i in int8 else 2 for i in range(len(layers_of(net)))]
    return sum(
        layer.weights.size * size + 4 * len(layer.bias) for layer, size in zip(layers_of(net), each, strict=True)
    )


def mixture(net: DenseNet, events: np.ndarray) -> list[int]:
    """The layers that may have 8-bit weights, the greatest first, within the tolerance of format shift."""
    chosen: list[int] = []
    for i in sorted(range(len(layers_of(net))), key=lambda i: -layers_of(net)[i].weights.size):
        trial = int8_weights(net, [*chosen, i], events)
        if float(np.sqrt(np.mean((trial(events) - net(events)) ** 2))) <= TOLERANCE:
            chosen.append(i)
    return chosen


def trials(net: DenseNet, events: np.ndarray) -> list[dict[str, object]]:
    """What is no format, in NumPy."""
    expected, some = net(events), even_events(net.factors, SHIFT_EVENTS)
    every = range(len(layers_of(net)))
    int8, mixed = int8_weights(net, every, some), mixture(net, some)
    scaled_bytes = weight_bytes(net, every) + 2 * sum(len(layer.bias) for layer in layers_of(net))
    rows = [
        ("int8 weights, each on its own", plain_int8(net)(events), weight_bytes(net, every)),
        ("int8 weights, compensated", int8(events), weight_bytes(net, every)),
        ("int8 weights, scaled, each on its own", plain_int8(net, eight_bits_scaled)(events), scaled_bytes),
        ("int8 weights, scaled, compensated", int8_weights(net, every, some, eight_bits_scaled)(events), scaled_bytes),
        (f"int8 weights in layers {mixed}", int8_weights(net, mixed, some)(events), weight_bytes(net, mixed)),
        ("int8 weights and values", answered(int8, events, with_int8_values), weight_bytes(net, every)),
    ]
    rows += [
        (f"int8 weights in layer {i}", int8_weights(net, [i], some)(events), weight_bytes(net, [i])) for i in every
    ]
    told = [{"trial": name, **errors(outputs, expected), "bytes": size} for name, outputs, size in rows]
    few = events[:SINE_EVENTS]
    for bits in ANGLES:
        apart = errors(answered(net, few, with_sines(bits)), expected[: len(few)])
        told.append({"trial": f"sines, angles of {bits} bits", **apart, "bytes": weight_bytes(net)})
    return told


def shown(rows: list[dict[str, object]]) -> Screen:
    """The rows as a table."""
    screen = Screen()
    for name in rows[0]:
        screen.add_column(name, justify="left" if name in {"format", "trial"} else "right")
    for row in rows:
        screen.add_row(*(f"{v:.4f}" if isinstance(v, float) else str(v) for v in row.values()))
    return screen


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="model folder; without it, the released compact car")
    parser.add_argument("--events", type=int, default=100_000, help="over which the differences are taken")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if asked.events < MEASURED:
        raise SystemExit(f"Error: --events must be at least {MEASURED}. Got {asked.events}.")
    net, _ = read_model(asked.model or model_path(MODEL).parent)
    events = even_events(net.factors, asked.events)
    told = {"formats": exported(net, events), "trials": trials(net, events)}
    if asked.json:
        print(json.dumps(told, indent=1))
    else:
        for rows in told.values():
            Console().print(shown(rows))


if __name__ == "__main__":
    main()
