"""Cores that differ where it could matter: an FPU that flushes subnormals to zero, and the wrong byte order."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray
from unicorn.arm_const import UC_ARM_REG_FPSCR

from acc_decel.ecu import CortexM
from acc_decel.ecu.compiler import ZIG
from acc_decel.ecu.cores import CORTEX_M4F
from acc_decel.export import even_events, golden_events, reference_outputs, status_of
from acc_decel.export.firmware_files import FORMATS, firmware_files, write_firmware
from acc_decel.model_folder import model_path, read_model
from benchmarks import firmware as bench
from tests.helpers.random_net import random_net

FLUSHING = "cortex-m4f-ftz"
FLUSH, DEFAULT_NAN, UNDERFLOW = 1 << 24, 1 << 25, 1 << 3  # bits of the FPSCR
SMALLEST = np.float32(2.0**-126)  # normal number
PRODUCT = """#include "acc_decel.h"
acc_decel_status_t acc_decel_network(const acc_decel_factors_t *factors, acc_decel_prediction_t *prediction)
{
    prediction->words[0] = factors->words[0] * factors->words[1];
    return 0U;
}
"""


@pytest.mark.slow
def test_the_flushing_core_takes_subnormals_for_zero_and_the_other_does_not(tmp_path: Path) -> None:
    bench.written(tmp_path / "firmware", [], own="plain_loop")
    (tmp_path / "firmware" / "acc_decel_plain_loop.c").write_text(PRODUCT)
    asked = np.zeros((3, 12), "f4")
    asked[:, 0], asked[:, 1] = SMALLEST, [0.5, 1, 2]

    def products(core: str) -> ndarray:
        outputs, _ = CortexM(tmp_path / "firmware", core=core).predict_array(asked)
        return outputs[:, 0]

    np.testing.assert_array_equal(products(CORTEX_M4F), SMALLEST * np.float32([0.5, 1, 2]))
    np.testing.assert_array_equal(products(FLUSHING), SMALLEST * np.float32([0, 1, 2]))


@pytest.mark.slow
def test_an_fpu_that_flushes_to_zero_gives_the_same_bits_though_subnormals_occur(tmp_path: Path) -> None:
    """Of 100,000 events none differs: `acc-decel evidence --only differences --answerer cortex-m4f-ftz`."""
    net, _ = read_model(model_path("compact").parent)
    write_firmware(tmp_path, firmware_files(net, model="compact", golden=golden_events(net.factors)))
    events = even_events(net.factors, 2_000)  # the underflow is that of one of them
    core = CortexM(tmp_path, core=FLUSHING)
    outputs, status = core.predict_array(events)
    np.testing.assert_array_equal(outputs.view("i4"), reference_outputs(net, events).view("i4"))
    np.testing.assert_array_equal(status, status_of(net, events))
    flags = core._core.reg_read(UC_ARM_REG_FPSCR)
    assert flags & (FLUSH | DEFAULT_NAN | UNDERFLOW) == FLUSH | DEFAULT_NAN | UNDERFLOW
    assert core.self_test() == 0


@pytest.mark.slow
@pytest.mark.parametrize("number_format", FORMATS)
def test_a_big_endian_core_is_refused_at_compile_time(tmp_path: Path, number_format: str) -> None:
    net = random_net(np.random.default_rng(7))
    golden = golden_events(net.factors)
    write_firmware(tmp_path, firmware_files(net, model="random", golden=golden, number_format=number_format))

    def said(target: str) -> str:
        command = [
            *ZIG,
            "-target",
            target,
            "-c",
            f"-I{tmp_path}",
            str(tmp_path / "acc_decel.c"),
            "-o",
            f"{tmp_path}/unit.o",
        ]
        return subprocess.run(command, check=False, capture_output=True, text=True).stderr

    for target in ("powerpc-freestanding-eabi", "armeb-freestanding-eabihf"):
        assert 'error: "The tables of acc_decel are exported for little-endian cores.' in said(target)
    assert "error" not in said("arm-freestanding-eabihf")
