"""The rules of the cycle estimate that real boards taught and no manual has, each on a few instructions."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from acc_decel.ecu import CortexM, EcuReport
from acc_decel.ecu.compiler import GCC, ZIG
from acc_decel.ecu.cores import CORES, CORTEX_M4F
from acc_decel.ecu.cycles import RunCosts, Timing, cortex_m0, cortex_m3, cortex_m4, refill_cycles, unaligned_cycles
from benchmarks import firmware as bench
from benchmarks.cycle_model import PUBLISHED, row


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory):
    """The machine code of some instructions for the Cortex-M4F."""

    def machine_code(*instructions: str) -> bytes:
        folder = tmp_path_factory.mktemp("program")
        (folder / "program.s").write_text("\n".join([".syntax unified", ".thumb", *instructions, ""]))
        command = [*ZIG, *CORES[CORTEX_M4F].target, "-c", str(folder / "program.s"), "-o", str(folder / "program.o")]
        subprocess.run(command, check=True)
        with (folder / "program.o").open("rb") as stream:
            return ELFFile(stream).get_section_by_name(".text").data()

    return machine_code


SUM = "vfma.f32 s0, s1, s2"
SEQUENCES = {
    "integers run in the shadow of a sum of a product": ((SUM, "adds r0, r0, r1", "adds r1, r1, r2"), 3),
    "but for two cycles only": ((SUM, "adds r0, r0, r1", "adds r1, r1, r2", "adds r2, r2, r3"), 4),
    "a store of another register does so, too": ((SUM, "vstr s8, [r0]"), 3),
    "the store of the sum waits for it": ((SUM, "vstr s0, [r0]"), 3 + 2 + 1),
    "a load does not": ((SUM, "ldr r1, [r0]"), 3 + 2),
    "nor a division": ((SUM, "udiv r0, r1, r2"), 3 + 12),
    "a sum is at once what the next one adds to": ((SUM, "vfma.f32 s0, s3, s4"), 3 + 3),
    "but late as a factor": ((SUM, "vfma.f32 s5, s0, s4"), 3 + 3 + 1),
    "even if it is added to as well": ((SUM, "vfma.f32 s0, s0, s4"), 3 + 3 + 1),
    "a product is late for a sum": (("vmul.f32 s0, s1, s2", "vfma.f32 s0, s3, s4"), 1 + 3 + 1),
    "a load of the FPU hides no late product": (("vmul.f32 s0, s1, s2", "vldr s3, [r0]", "vadd.f32 s4, s4, s0"), 5),
    "of two loads neither": (
        ("vmul.f32 s0, s1, s2", "vldr s3, [r0]", "vldr s5, [r0]", "vadd.f32 s4, s4, s0"),
        1 + 2 + 2 + 2,
    ),
    "another product is not late": (("vmul.f32 s0, s1, s2", "vldr s3, [r0]", "vadd.f32 s4, s4, s6"), 4),
    "an instruction of the FPU hides it": (("vmul.f32 s0, s1, s2", "vabs.f32 s3, s3", "vadd.f32 s4, s4, s0"), 3),
    "one word to the FPU": (("vmov s0, r0",), 1),
    "two words to the FPU": (("vmov s0, s1, r0, r1",), 2),
}


@pytest.mark.parametrize(("instructions", "cycles"), SEQUENCES.values(), ids=SEQUENCES.keys())
def test_a_sequence_takes_its_cycles(assembled, instructions: tuple[str, ...], cycles: int) -> None:
    assert RunCosts(cortex_m4).run(0, assembled(*instructions)).cycles == cycles


@pytest.mark.parametrize(
    ("timing", "address", "target", "refill"),
    [
        (cortex_m4, 0x100, "add.w r8, r8, r9", 1),
        (cortex_m3, 0x100, "add.w r8, r8, r9", 1),
        (cortex_m4, 0x102, "add.w r8, r8, r9", 2),
        (cortex_m4, 0x100, "adds r0, r0, r1", 2),
        (cortex_m0, 0x100, "bl .", 2),
    ],
)
def test_a_taken_branch_refills_at_once_from_an_aligned_wide_instruction(
    assembled, timing: Timing, address: int, target: str, refill: int
) -> None:
    costs = RunCosts(timing)
    branch, end = costs.run(0, assembled("bne .")), costs.run(0, assembled("bx lr"))
    run = costs.run(address, assembled(target))
    assert refill_cycles(branch, run) == refill
    assert refill_cycles(end, run) == 3


def test_a_word_across_words_is_read_in_two_or_three_parts() -> None:
    assert [unaligned_cycles(0x2000 + i, 4) for i in range(4)] == [0, 2, 1, 2]
    assert unaligned_cycles(0x2001, 2) == unaligned_cycles(0x2003, 1) == 0


PREDICT = """#include "acc_decel.h"
static const uint32_t table[WORDS] = {1U};
acc_decel_status_t acc_decel_network(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    const uintptr_t table_address = (uintptr_t)table;
    const uintptr_t factors_address = (uintptr_t)factors + OFFSET;
    uint32_t word;
    uint32_t sum = 0U;
    for (uint32_t i = 0U; i < WORDS; i++) {
        __asm__ volatile("ldr %0, [%1]" : "=r"(word) : "r"(table_address + (4U * i)));
        sum += word;
    }
    __asm__ volatile("ldr %0, [%1]" : "=r"(word) : "r"(factors_address));
    prediction->words[0] = (float)(sum + word);
    return 0U;
}
"""


@pytest.mark.slow
def test_words_read_from_flash_and_across_words_are_counted(tmp_path: Path) -> None:
    """The plain network's folder with another function: reads a table in flash, and one word in RAM."""

    def report(words: int, offset: int, core: str = CORTEX_M4F) -> EcuReport:
        folder = tmp_path / f"{words}_{offset}_{core}"
        bench.written(folder, [], own="plain_loop")
        code = PREDICT.replace("WORDS", f"{words}U").replace("OFFSET", f"{offset}U")
        (folder / "acc_decel_plain_loop.c").write_text(code)
        return CortexM(folder, core=core).report(np.zeros((2, 12), "f4"))

    few, many = report(8, 4), report(40, 4)
    assert many.flash_words_read - few.flash_words_read == 40 - 8
    across = [report(8, 4 + i) for i in range(1, 4)]
    assert [each.cycles - few.cycles for each in across] == [2, 1, 2]
    assert {each.flash_words_read for each in across} == {few.flash_words_read}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which(GCC) is None, reason=f"{GCC} is missing: apt-get install gcc-arm-none-eabi")
def test_the_estimate_is_near_what_real_boards_took() -> None:
    """The kernels of our own, of which the published figures are in the benchmark."""
    quick = [each for each in PUBLISHED if each.build in {"biquad_df2t.c", "biquad_df1.c", "ntt.c"}]
    assert len(quick) == 4
    for each in quick:
        told = row(each)
        assert told["ratio"] == told["estimate"] / each.measured == pytest.approx(1, abs=0.02), each.kernel
