"""Two models in one program: linked by every compiler in every format, both give the bits of their single builds."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray

from acc_decel.compiled import SAME_BITS, WARNINGS, compiled, firmware_sources
from acc_decel.ecu import HostEcu, qemu
from acc_decel.export import firmware_files, golden_events, write_firmware
from acc_decel.export.firmware_files import FORMATS
from acc_decel.export.prefix import LONGEST, with_prefix
from acc_decel.model_folder import folder_of, read_model
from acc_decel.outputs import OUTPUTS
from tests.helpers.random_net import random_events, spoiled

MODELS = {"": "compact", "trailer": "suv"}  # by their prefix
COMPILERS = {
    "gcc": ("gcc", "-O0"),
    "clang": ("clang", "-O0"),
    qemu.GCC: (*qemu.compile_command(qemu.BOARDS["cortex-m4f"]), "-O0"),
}
DRIVER = Path(__file__).parent / "two_models.c"
ANSWER = np.dtype([("outputs", "<f4", (2, len(OUTPUTS))), ("status", "<i8", 2)], align=True)


@pytest.fixture(scope="module")
def events() -> ndarray:
    rng = np.random.default_rng(21)
    accepted = random_events(rng, 1_000, read_model(folder_of("compact"))[0].factors)
    return np.concatenate([accepted[:800], spoiled(rng, accepted[800:])])


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """Folders of both models in a format, without a prefix and with one."""

    @cache
    def files(number_format: str, model: str) -> dict[str, str | bytes]:
        net, _ = read_model(folder_of(model))
        return firmware_files(net, model=model, golden=golden_events(net.factors), number_format=number_format)

    @cache
    def exported(number_format: str, model: str, prefix: str) -> Path:
        folder = tmp_path_factory.mktemp(f"{model}_{number_format}")
        plain = files(number_format, model)
        write_firmware(folder, with_prefix(plain, prefix) if prefix else plain)
        return folder

    return exported


@pytest.fixture(scope="module")
def alone(exports, events):
    """What a model answers in a program of its own."""

    @cache
    def answers(number_format: str, model: str) -> tuple[ndarray, ndarray]:
        folder = exports(number_format, model, "")
        nothing = np.zeros((len(events), len(OUTPUTS)), np.float32)
        return HostEcu(folder, compiler=("gcc",), options=("-O0",)).predict_array(events, into=nothing)

    return answers


@pytest.mark.parametrize("number_format", FORMATS)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_two_models_in_one_program_give_the_bits_of_their_single_builds(
    compiler, number_format, exports, alone, events, tmp_path
):
    if shutil.which(compiler) is None or (compiler == qemu.GCC and qemu.missing_programs()):
        pytest.skip(f"no {compiler}: apt-get install {compiler}, or {qemu.INSTALL}")
    first, second = (exports(number_format, model, prefix) for prefix, model in MODELS.items())
    renamed = [second / f"trailer_{path.name}" for path in firmware_sources(exports(number_format, "suv", ""))]
    sources = [*firmware_sources(first), *renamed, DRIVER]
    command = (*COMPILERS[compiler], *SAME_BITS, *WARNINGS, f"-I{first}", f"-I{second}")
    startup = [first / qemu.STARTUP] if compiler == qemu.GCC else []
    program = compiled(command, [*sources, *startup], tmp_path / "two_models")
    (tmp_path / "events.bin").write_bytes(events.tobytes())
    if startup:
        qemu.emulated(qemu.BOARDS["cortex-m4f"], program)
    else:
        assert subprocess.run([program], cwd=tmp_path, check=False).returncode == 0, "a self-test failed"
        check_names(program)
    got = np.fromfile(tmp_path / "answers.bin", ANSWER)
    assert len(got) == len(events)
    for i, model in enumerate(MODELS.values()):
        outputs, status = alone(number_format, model)
        np.testing.assert_array_equal(got["status"][:, i], status)
        np.testing.assert_array_equal(got["outputs"][:, i].view("i4"), outputs.view("i4"))
    assert (got["outputs"][:, 0] != got["outputs"][:, 1]).any(), "they are two models"


def check_names(program: Path) -> None:
    """Names of functions and tables stay apart in their first 31 characters, also with the longest prefix."""
    listed = subprocess.run(["nm", "-g", "--defined-only", program], check=True, capture_output=True, text=True).stdout
    names = {line.split()[-1] for line in listed.splitlines() if "acc_decel" in line}
    renamed_too = {name for name in names if name.startswith("trailer_acc_decel")}
    assert len(renamed_too) > 12
    assert {name.removeprefix("trailer_") for name in renamed_too} == names - renamed_too
    assert len({name.replace("trailer", "t" * LONGEST)[:31] for name in renamed_too}) == len(renamed_too)
