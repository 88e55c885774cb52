"""The cycle estimate of acc_decel/ecu/cycles.py beside what real boards took, as others have published it.

    python benchmarks/cycle_model.py [--json]

Method: each kernel is built again, executed on the emulated core, and its cycles are estimated as those of the firmware
are; the ratio is estimate to measurement. The measurements are not ours. The published binaries and assembly of the
first two sources are not kept here: benchmarks/cycle_kernels/ has kernels of our own with the same mix of instructions,
after the published equations, in C for Arm's GCC 12 (theirs was GCC 5.4) or in assembly. So a ratio has the difference
between the compilers in it, some percent. Sources:

- E. Hughes, Embedded Systems Conference 2016 (repository ehughes/ESC-M4): CMSIS-DSP 4.5 on an LPC4370 (Cortex-M4F),
  code and data in RAM without wait states, 1,024 samples. The second-order filter in form II is -O1 by its own pragma.
- A. Abdulrahman et al., Multi-moduli NTTs for Saber on Cortex-M3 and Cortex-M4 (repository
  multi-moduli-ntt-saber/multi-moduli-ntt-saber, f_benchmarks.txt of October 2021): STM32F407 at 24 MHz, no wait
  states; 35 cycles of its timer are subtracted, which its shortest kernels show.
- scienthoon/bakeNN, FIT IoT-LAB experiments 447626 and 447609: int8, 32-16-4, on an nRF52840 at 64 MHz. Its cache
  serves instructions only, so each word of data from flash waits 2 cycles: the estimate includes 2 for each. The code
  is what bakenn from PyPI generates (1.0.0; theirs was earlier), without it these rows are left out.

Found (GCC 12.2.1, bakenn 1.0.0): 0.98 to 1.01 for all floating point and the transform, so also for the mix of VMUL,
VADD, VLDR and VSTR that the float firmware executes; 0.88 to 1.00 for int8 from flash, where what the compilers made
differs most. What the estimate gets wrong: a block that Unicorn splits at a page of 1 kB forgets its neighbour (at most
1 cycle each); word loads that are not at a multiple of four bytes may fail to overlap on silicon, which is not counted
(jnk0le/random says so of 32-bit instructions; nothing measured here needs it); VLDM is 1 + N by Arm's manual alone,
because no published kernel executes many; branches are 2 or 1, never what a prefetch buffer makes of them. The table
of the Cortex-M0 is unvalidated, and there is none for the M7.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from acc_decel.ecu import CortexM
from acc_decel.ecu.compiler import Compiler
from acc_decel.ecu.cores import CORTEX_M4F
from acc_decel.outputs import OUTPUTS
from benchmarks import firmware
from benchmarks.firmware_bakenn import CMSIS_NN, PORTABLE, SMLAD, bakenn_is_here, random_layers, write_bakenn
from benchmarks.firmware_compilers import gcc_is_here

KERNELS = Path(__file__).parent / "cycle_kernels"
LPC4370, STM32F407, NRF52840 = "LPC4370, RAM", "STM32F407, 24 MHz", "nRF52840, flash"
HUGHES, SABER, BAKENN = "E. Hughes 2016", "Abdulrahman et al. 2021", "bakeNN 2026"
WAITS = {LPC4370: 0, STM32F407: 0, NRF52840: 2}  # cycles that a word of data in flash waits
FUSED = "-ffp-contract=fast"
BAKENN_WIDTHS = (32, 16, 4)


@dataclass(frozen=True)
class Published:
    """What a kernel took on a board, and how it is built again: a file of cycle_kernels, or bakenn's kernels."""

    board: str
    kernel: str
    source: str
    measured: int  # cycles
    build: str
    options: tuple[str, ...] = ("-O2",)  # of arm-none-eabi-gcc


PUBLISHED = (
    Published(LPC4370, "second-order filter II, f32 (VMUL, VADD)", HUGHES, 19_021, "biquad_df2t.c", ("-O1",)),
    Published(LPC4370, "second-order filter I, f32 (VMUL, VADD)", HUGHES, 20_059, "biquad_df1.c", ("-O1",)),
    Published(LPC4370, "second-order filter I, f32 (VFMA)", HUGHES, 19_036, "biquad_df1.c", ("-O2", FUSED)),
    Published(LPC4370, "filter of 32 taps, f32 (VMUL, VADD)", HUGHES, 129_461, "fir.c", ("-O1", "-DTAPS=32U")),
    Published(LPC4370, "filter of 32 taps, f32 (VFMA)", HUGHES, 131_168, "fir.c", ("-O2", FUSED, "-DTAPS=32U")),
    Published(LPC4370, "filter of 32 taps, f32 (VFMA, -Os)", HUGHES, 134_093, "fir.c", ("-Os", FUSED, "-DTAPS=32U")),
    Published(LPC4370, "filter of 8 taps, f32 (VFMA)", HUGHES, 41_547, "fir.c", ("-O2", FUSED, "-DTAPS=8U")),
    Published(STM32F407, "transform of 256, 32-bit (SMULL, SMLAL)", SABER, 5_854 - 35, "ntt.c"),
    Published(NRF52840, "int8 32-16-4, CMSIS-NN (SMLAD)", BAKENN, 3_786, CMSIS_NN),
    Published(NRF52840, "int8 32-16-4, SMLAD", BAKENN, 8_872, SMLAD),
    Published(NRF52840, "int8 32-16-4, portable C", BAKENN, 8_706, PORTABLE),
)


@dataclass(frozen=True)
class Cost:
    """What one call of a kernel costs on the emulated core; cycles without wait states."""

    instructions: int
    cycles: int
    flash_words_read: int


def main() -> None:
    """Build, run, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print for a program")
    asked = parser.parse_args()
    if not gcc_is_here():
        sys.exit("Nothing can be built without it.")
    bakenn = bakenn_is_here()
    rows = [row(each) for each in PUBLISHED if bakenn or each.source != BAKENN]
    if asked.json:
        print(json.dumps(rows, indent=1))
    else:
        show(rows)


def row(published: Published) -> dict[str, object]:
    """One line of the result."""
    cost = bakenn_cost(published) if published.source == BAKENN else own_cost(published)
    waits = WAITS[published.board]
    estimate = cost.cycles + waits * cost.flash_words_read
    record = {name: value for name, value in asdict(published).items() if name != "build"}
    return {
        **record,
        "options": " ".join(published.options),
        "wait_states": waits,
        "estimate": estimate,
        "ratio": estimate / published.measured,
        **asdict(cost),
    }


def own_cost(published: Published) -> Cost:
    """A kernel of cycle_kernels, called once."""

    def write(folder: Path) -> None:
        folder.mkdir()
        for name in ("acc_decel.h", "acc_decel.c", published.build):
            own = name if name.startswith("acc_decel") else f"acc_decel_{name}"
            shutil.copy(KERNELS / name, folder / own)

    return cost_of("kernel", write, np.ones((1, 1), "f4"), (*published.options, f"-DOUTPUTS={len(OUTPUTS)}U"))


def bakenn_cost(published: Published) -> Cost:
    """The network of the board in bakenn's code, its inputs at the middle of their range as there."""
    rng = np.random.default_rng(1)
    layers = random_layers(BAKENN_WIDTHS, rng)
    calibration = rng.uniform(-1, 1, (500, BAKENN_WIDTHS[0])).astype("f4")

    def write(folder: Path) -> None:
        firmware.written(folder, [], own="plain_bakenn", columns=BAKENN_WIDTHS[0])
        write_bakenn(folder, layers, calibration, published.build)

    return cost_of("bknn_network_infer", write, 0 * calibration[:1], published.options)


def cost_of(function: str, write: Callable[[Path], None], words: np.ndarray, options: Sequence[str]) -> Cost:
    """What a call of `function` costs in the firmware that `write` writes, compiled by Arm's GCC."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "firmware"
        write(folder)
        compiler = Compiler(tuple(options), gcc=True)
        ecu = CortexM(folder, core=CORTEX_M4F, compiler=compiler, build=Path(work) / "build")
        core, meter = ecu._metered(function)
        meter.watch_reads(core)
        ecu._answers(core, words)
    call = meter.calls[0]
    instructions, cycles, _ = call.whole
    return Cost(instructions, cycles + call.unaligned, call.flash_words)


def show(rows: Sequence[dict[str, object]]) -> None:
    """The table, and the worst ratio."""
    table = Table(title="estimated and measured cycles", title_justify="left")
    for name in ("board", "kernel", "measured by", "measured", "estimate", "ratio", "wait states"):
        table.add_column(name, justify="left" if name in ("board", "kernel", "measured by") else "right")
    for each in rows:
        numbers = (f"{each['measured']:,}", f"{each['estimate']:,}", f"{each['ratio']:.3f}", str(each["wait_states"]))
        table.add_row(str(each["board"]), str(each["kernel"]), str(each["source"]), *numbers)
    Console(width=130).print(table)
    worst = max(rows, key=lambda each: abs(float(str(each["ratio"])) - 1))
    print(f"Worst ratio: {worst['ratio']:.3f} ({worst['kernel']}, {worst['board']}).")


if __name__ == "__main__":
    main()
