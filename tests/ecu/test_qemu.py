"""A second opinion: the exported C compiled by Arm's GCC and run on QEMU gives the bits of NumPy and of Unicorn."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray

from acc_decel.compiled import compiled, firmware_sources
from acc_decel.ecu import CortexM, HostEcu, QemuEcu, SelfTest, qemu
from acc_decel.ecu.cores import CORES, QEMU_ONLY
from acc_decel.export import golden_events, reference_outputs, status_of
from acc_decel.export.firmware_files import FIXED_EVENTS, FORMATS, SHIFT_EVENTS, firmware_files, write_firmware
from acc_decel.export.fixed_point import fixed_answers, fixed_net, shift_net
from acc_decel.export.golden import even_events
from acc_decel.factors import column_names
from acc_decel.model_folder import model_path, read_model
from acc_decel.network import DenseNet
from acc_decel.outputs import OUTPUTS
from acc_decel.status import REFUSED
from tests.helpers.random_net import random_events, random_net, spoiled

pytestmark = pytest.mark.slow

EXPORT = Path(__file__).parents[2] / "firmware_export"
COMMAND = re.compile(r"^(?:arm-none-eabi-gcc .* -o example\.elf|qemu-system-arm .*)$", re.M)
STOP = ("--speed", "33.3", "--brake-pressure-bar", "160")


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    """These tests are skipped where a program is missing; where CI=true, that is an error."""
    if missing := qemu.missing_programs():
        pytest.skip(f"{', '.join(missing)} missing: {qemu.INSTALL}")


@pytest.fixture(scope="module")
def net() -> DenseNet:
    return random_net(np.random.default_rng(7))


@pytest.fixture(scope="module")
def events() -> ndarray:
    rng = np.random.default_rng(11)
    events = random_events(rng, 1_000)
    return np.concatenate([events[:800], spoiled(rng, events[800:])])


@pytest.fixture(scope="module")
def folders(net: DenseNet, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The firmware of a random network in each format."""
    written = {}
    for number_format in FORMATS:
        written[number_format] = tmp_path_factory.mktemp(number_format)
        files = firmware_files(net, model="random", golden=golden_events(net.factors), number_format=number_format)
        write_firmware(written[number_format], files)
    return written


def reference(net: DenseNet, events: ndarray, number_format: str) -> tuple[ndarray, ndarray]:
    if number_format == "fixed":
        return fixed_answers(fixed_net(net, even_events(net.factors, FIXED_EVENTS)), events)
    if number_format == "shift":
        return fixed_answers(shift_net(net, even_events(net.factors, SHIFT_EVENTS)), events)
    return reference_outputs(net, events), status_of(net, events)


def printed_answers(text: str) -> tuple[ndarray, ndarray]:
    """Outputs and status of every line that the example prints; NaN where it is refused."""
    lines = [line.split(",") for line in text.splitlines()]
    outputs = [line[:-1] or ["nan"] * len(OUTPUTS) for line in lines]
    return np.array(outputs, "f4"), np.array([line[-1] for line in lines], np.int64)


def same_bits(got: tuple[ndarray, ndarray], expected: tuple[ndarray, ndarray]) -> None:
    np.testing.assert_array_equal(got[0].view("i4"), expected[0].view("i4"))
    np.testing.assert_array_equal(got[1], expected[1])


def own_event() -> ndarray:
    """The event that example_main.c makes up itself."""
    event = np.full((1, len(column_names())), np.nan, "f4")
    for name, value in re.findall(r"factors\.(\w+) = ([\d.]+)F;", (EXPORT / "example_main.c").read_text()):
        event[0, column_names().index(name)] = value
    return event


def test_the_readmes_commands_run_the_example_and_give_the_bits_of_numpy_and_unicorn(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(EXPORT, tmp_path / "project"))
    commands = COMMAND.findall((folder / "README.md").read_text())
    assert len(commands) == 2
    for command in commands:
        words = [
            str(p) for word in shlex.split(command) for p in (sorted(folder.glob(word)) if "*" in word else [word])
        ]
        done = subprocess.run(words, cwd=folder, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert (done.returncode, done.stderr) == (0, "")
    net, _ = read_model(model_path("compact").parent)
    asked = np.concatenate([own_event(), golden_events(net.factors)])
    assert np.isfinite(asked[0]).sum() == 3
    got = printed_answers(done.stdout)
    same_bits(got, reference(net, asked, "float"))
    same_bits(got, CortexM(EXPORT, core="cortex-m3").predict_array(asked))


@pytest.mark.parametrize(
    ("core", "number_format"),
    [("cortex-m3", "float"), ("cortex-m4f", "float"), ("cortex-m7", "float"), ("cortex-m3", "fixed")],
)
def test_the_example_answers_the_golden_vectors_to_the_last_bit(
    net: DenseNet, folders: dict[str, Path], tmp_path: Path, core: str, number_format: str
) -> None:
    folder, board = folders[number_format], qemu.BOARDS[core]
    sources = (*firmware_sources(folder), *sorted(folder.glob("example_*.c")))
    program = compiled((*qemu.compile_command(board), f"-I{folder}"), sources, tmp_path / "example.elf")
    got = printed_answers(qemu.emulated(board, program))
    asked = np.concatenate([own_event(), golden_events(net.factors)])
    same_bits(got, reference(net, asked, number_format))
    assert 1 < (got[1] & REFUSED != 0).sum() < 5


CARRIED = [(core, number_format) for core in qemu.BOARDS if core in CORES for number_format in ("float", "fixed")]
ONLY_HERE = [
    ("cortex-m33", "fixed"),
    ("cortex-m55", "float"),
    ("cortex-m55-helium", "float"),
    ("cortex-r5f", "shift"),
    ("cortex-r5f-arm", "fixed"),
]  # the evidence has every core in every format


def test_every_core_that_only_qemu_has_is_tried() -> None:
    assert [core for core, _ in ONLY_HERE] == [*QEMU_ONLY]


@pytest.mark.parametrize(("core", "number_format"), [*CARRIED, *ONLY_HERE])
def test_any_events_get_the_bits_of_numpy_and_of_the_host(
    net: DenseNet, folders: dict[str, Path], events: ndarray, core: str, number_format: str
) -> None:
    got = QemuEcu(folders[number_format], core=core).predict_array(events)
    same_bits(got, reference(net, events, number_format))
    same_bits(got, HostEcu(folders[number_format]).predict_array(events))
    assert 0 < (got[1] & REFUSED != 0).sum() < len(events)


def test_a_board_tests_itself_and_says_what_is_altered(folders: dict[str, Path], tmp_path: Path) -> None:
    assert QemuEcu(folders["fixed"], core="cortex-r5f").self_test() is SelfTest.PASSED
    altered = with_another_weight(folders["fixed"], tmp_path)
    assert QemuEcu(altered, core="cortex-r5f").self_test() is SelfTest.TABLES_ALTERED


def test_helium_computes_with_vectors_and_the_scalar_core_without(folders: dict[str, Path], tmp_path: Path) -> None:
    def vectors(core: str) -> int:
        build = tmp_path / core
        QemuEcu(folders["float"], core=core, build=build)
        (program,) = build.iterdir()
        command = ("arm-none-eabi-objdump", "-d", str(program))
        code = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return len(re.findall(r"\tv[a-z0-9.]+\t.*\bq[0-7]\b", code))

    assert vectors("cortex-m55-helium") > 30
    assert vectors("cortex-m55") == 0


def test_a_core_of_qemu_is_refused_by_the_other_emulator(refused) -> None:
    sentence = refused("ecu", *STOP, "--core", "cortex-r5f")
    assert "Got 'cortex-r5f', which only QEMU emulates: add --emulator qemu to `acc-decel ecu`." in sentence


def with_another_weight(folder: Path, to: Path) -> Path:
    """A copy of the firmware whose first weight has another last digit."""
    altered = Path(shutil.copytree(folder, to / "altered"))
    tables = altered / "acc_decel_network_tables.h"
    before, weights, after = tables.read_text().partition(" weights[")
    weights += re.sub(r"\d(?=U\})", lambda digit: str(9 - int(digit[0])), after, count=1)
    tables.write_text(before + weights)
    return altered


def test_a_kept_program_is_found_again(folders: dict[str, Path], tmp_path: Path, events: ndarray) -> None:
    first = QemuEcu(folders["float"], core="cortex-m3", build=tmp_path).predict_array(events[:3])
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    same_bits(QemuEcu(folders["float"], core="cortex-m3", build=tmp_path).predict_array(events[:3]), first)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == kept != {}


def test_a_firmware_whose_tables_were_altered_does_not_answer(
    folders: dict[str, Path], tmp_path: Path, events: ndarray
) -> None:
    altered = with_another_weight(folders["fixed"], tmp_path)
    with pytest.raises(RuntimeError, match=r"self-test must pass on mps2-an385. Got TABLES_ALTERED"):
        QemuEcu(altered, core="cortex-m3").predict_array(events[:1])


def test_bad_input_is_refused(folders: dict[str, Path], events: ndarray, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must be one of cortex-m4f, .* Got 'cortex-m0'"):
        QemuEcu(folders["float"], core="cortex-m0")
    with pytest.raises(ValueError, match=f"takes {len(column_names())} columns"):
        QemuEcu(folders["float"], core="cortex-m3").predict_array(np.ascontiguousarray(events[:, 1:]))
    with pytest.raises(ValueError, match=r"must hold example_startup.c. Got none: export it again"):
        QemuEcu(tmp_path, core="cortex-m3")


@pytest.mark.parametrize("program", [*qemu.PROGRAMS])
def test_a_program_that_lacks_is_named_with_its_packages(refused, monkeypatch, program: str) -> None:
    found = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == program else found(name))
    sentence = refused("ecu", *STOP, "--emulator", "qemu")
    assert f"{program} must be installed to run on QEMU. Got none: {qemu.INSTALL}." in sentence


def test_the_command_says_who_answered_and_that_unicorn_agrees(answered, refused) -> None:
    told = answered("ecu", *STOP, "--emulator", "qemu", "--core", "cortex-m7")
    assert (told["target"], told["machine"], told["unlike_unicorn"]) == ("cortex-m7", "mps2-an500", 0)
    assert told["predictions"] == len(told["answers"]) == 1
    assert told["max_abs_difference"] < 1e-4
    assert "arm-none-eabi-gcc" in told["compiler"]
    assert "QEMU" in told["emulator"]
    assert "must be one of cortex-m4f, cortex-m7, cortex-m3" in refused(
        "ecu", *STOP, "--emulator", "qemu", "--core", "cortex-m0"
    )
    assert "must be one of unicorn, qemu. Got 'bochs'" in refused("ecu", *STOP, "--emulator", "bochs")


def test_a_differing_answer_is_counted(folders: dict[str, Path], events: ndarray) -> None:
    ecu = QemuEcu(folders["float"], core="cortex-m3")
    outputs, status = ecu.predict_array(events[:4])
    other = outputs.copy()
    other[1, 0] = np.nextafter(other[1, 0], np.float32(np.inf))
    assert ecu.report((outputs, status), (outputs, status)).unlike_unicorn == 0
    assert ecu.report((outputs, status), (other, status + np.array([0, 0, 1, 0]))).unlike_unicorn == 2
