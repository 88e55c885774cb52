"""The compilers and options that firmware.py tries for every tool on every core, and the best of them."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from unicorn import UcError

from acc_decel.ecu import CortexM, EcuReport
from acc_decel.ecu.compiler import GCC, PRODUCT, Compiler
from acc_decel.ecu.cores import CORES

UNROLLED = ("-O3", "-funroll-loops")
EXACT = (
    PRODUCT,
    Compiler(("-O2",)),
    Compiler(("-O3",)),
    Compiler(("-O2",), gcc=True),
    Compiler(("-O3",), gcc=True),
    Compiler(UNROLLED, gcc=True),
)
FUSED = (Compiler(("-O3", "-ffp-contract=fast")), Compiler((*UNROLLED, "-ffp-contract=fast"), gcc=True))
REORDERED = (Compiler(("-O3", "-ffast-math")), Compiler((*UNROLLED, "-ffast-math"), gcc=True))
"""EXACT gives the same bits everywhere, as ours must; others need not. -ffast-math knows no NaN."""
TRIED_EVENTS = 8  # on which the options are compared; the best is measured again, on more


@dataclass(frozen=True)
class Trial:
    """What a network costs on a core, compiled in one way."""

    compiler: Compiler
    ecu: CortexM
    report: EcuReport

    @property
    def cost(self) -> tuple[int, int]:
        """Cycles, instructions for a core without timings; and flash, which decides between equals."""
        return self.report.cycles or self.report.instructions_per_prediction, self.report.flash_bytes


def gcc_is_here() -> bool:
    """Whether Arm's GCC is installed; says on stderr what to do if not."""
    if shutil.which(GCC) is None:
        remedy = "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"
        print(f"{GCC} is not installed, its options are left out: {remedy}", file=sys.stderr)
        return False
    return True


def usable(compilers: Sequence[Compiler], core: str, *, gcc: bool) -> list[Compiler]:
    """Those of `compilers` that know the core; without `gcc` only zig."""
    return [each for each in compilers if not each.gcc or (gcc and CORES[core].gcc_target)]


def trial(folder: Path, core: str, compiler: Compiler, words: np.ndarray) -> Trial:
    """The cost of the firmware in `folder` for the events `words`; the image is compiled once."""
    ecu = CortexM(folder, core=core, compiler=compiler, build=folder / "build")
    return Trial(compiler, ecu, ecu.report(words))


def best(trials: dict[Compiler, Trial]) -> Compiler:
    """The compiler of the least cost; the first of equals."""
    return min(trials, key=lambda each: trials[each].cost)


def tried(folder: Path, core: str, compilers: Sequence[Compiler], words: np.ndarray) -> dict[Compiler, Trial]:
    """Every one of `compilers` on the first events; one whose program leaves the memory is named and left out.

    Raises RuntimeError if no program ends.
    """
    trials = {}
    for each in compilers:
        try:
            trials[each] = trial(folder, core, each, words[:TRIED_EVENTS])
        except UcError as error:
            print(f"{folder.name} by {each} does not end on {core}, it is left out: {error}", file=sys.stderr)
    if not trials:
        raise RuntimeError(f"{folder.name} must end on {core} by one compiler at least. Got none.")
    return trials
