"""The exported C on the emulated Cortex-M4F: the same bits as on the host, and what it costs on the core."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from numpy import ndarray
from random_net import random_events, random_net, spoiled

from acc_decel.ecu import CortexM4F, EcuReport, HostEcu
from acc_decel.ecu.image import COMPILE, image
from acc_decel.export.firmware_files import firmware_files, write_firmware
from acc_decel.export.reference import status_of
from acc_decel.factors import column_names
from acc_decel.network import DenseNet
from acc_decel.status import REFUSED


@pytest.fixture(scope="module")
def net() -> DenseNet:
    return random_net(np.random.default_rng(7))


@pytest.fixture(scope="module")
def events() -> ndarray:
    rng = np.random.default_rng(11)
    events = random_events(rng, 10_000)
    return np.concatenate([events[:8000], spoiled(rng, events[8000:])])


@pytest.fixture(scope="module")
def folder(net: DenseNet, events: ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("firmware_export")
    write_firmware(path, firmware_files(net, model="random", golden=events[:32]))
    return path


@pytest.fixture(scope="module")
def core(folder: Path) -> CortexM4F:
    return CortexM4F(folder)


@pytest.fixture(scope="module")
def report(core: CortexM4F, events: ndarray) -> EcuReport:
    return core.report(events)


def test_the_core_gives_the_bits_of_the_host_for_ten_thousand_events(
    core: CortexM4F, folder: Path, net: DenseNet, events: ndarray
) -> None:
    outputs, status = core.predict_array(events)
    host_outputs, host_status = HostEcu(folder).predict_array(events)
    np.testing.assert_array_equal(outputs.view("i4"), host_outputs.view("i4"))
    np.testing.assert_array_equal(status, host_status)
    np.testing.assert_array_equal(status, status_of(net, events))
    assert 0 < (status & REFUSED != 0).sum() < len(events)


@pytest.mark.parametrize("rows", [0, 1, 127, 128, 129])
def test_every_row_is_answered_whatever_the_number_of_mailboxes(core: CortexM4F, events: ndarray, rows: int) -> None:
    outputs, status = core.predict_array(events[:rows])
    all_outputs, all_status = core.predict_array(events[:256])
    np.testing.assert_array_equal(outputs, all_outputs[:rows])
    np.testing.assert_array_equal(status, all_status[:rows])


def test_the_core_refuses_an_array_of_the_wrong_width(core: CortexM4F, events: ndarray) -> None:
    with pytest.raises(ValueError, match=f"takes {len(column_names())} columns"):
        core.predict_array(np.ascontiguousarray(events[:, 1:]))
    with pytest.raises(ValueError, match="at least one event"):
        core.report(events[:0])


def test_instructions_cover_every_weight_and_little_else(report: EcuReport, net: DenseNet) -> None:
    multiplications = sum(layer.weights.size for layer in net.embedding + net.trunk)
    assert 2 * multiplications < report.instructions_least <= report.instructions_per_prediction < 9 * multiplications


def test_answered_events_take_nearly_the_same_time(report: EcuReport) -> None:
    assert report.instructions_per_prediction <= 1.05 * report.instructions_least


def test_a_refused_event_is_measured_where_no_other_is_given(core: CortexM4F, report: EcuReport) -> None:
    nothing = np.full((3, len(column_names())), np.nan, "f4")
    refused = core.report(nothing)
    assert (refused.predictions, refused.counted) == (3, 3)
    assert 0 < refused.instructions_per_prediction < report.instructions_least


def test_a_repeated_report_says_the_same(core: CortexM4F, events: ndarray, report: EcuReport) -> None:
    assert core.report(events) == report
    assert (report.target, report.predictions) == ("cortex-m4f", len(events))


def test_flash_is_the_tables_and_a_few_kilobytes_of_code(report: EcuReport, net: DenseNet) -> None:
    assert 4 * net.weights < report.flash_bytes < 4 * net.weights + 8192


def test_the_firmware_keeps_no_static_ram(report: EcuReport) -> None:
    assert report.ram_bytes == 0


def test_static_ram_would_be_seen(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    code = (tmp_path / "acc_decel.c").read_text()
    (tmp_path / "acc_decel.c").write_text(f"{code}\nextern float kept[3];\nfloat kept[3] = {{0.0F, 0.0F, 0.0F}};\n")
    assert image(tmp_path, tmp_path / "build").ram_bytes == 12


def test_the_stack_holds_the_buffers_and_little_else(report: EcuReport) -> None:
    widest = 26
    buffers = 4 * (2 * len(column_names()) + 2 * widest)
    assert buffers <= report.stack_bytes < buffers + 256


def test_the_firmware_needs_no_library(folder: Path, tmp_path: Path) -> None:
    unit = tmp_path / "acc_decel.o"
    subprocess.run([*COMPILE, f"-I{folder}", str(folder / "acc_decel.c"), "-o", str(unit)], check=True)
    with unit.open("rb") as stream:
        symbols = ELFFile(stream).get_section_by_name(".symtab")
        assert isinstance(symbols, SymbolTableSection)
        assert [s.name for s in symbols.iter_symbols() if s.name and s["st_shndx"] == "SHN_UNDEF"] == []


def test_a_kept_image_is_found_again(folder: Path, tmp_path: Path, events: ndarray) -> None:
    first, _ = CortexM4F(folder, build=tmp_path).predict_array(events[:10])
    kept = sorted(tmp_path.iterdir())
    second, _ = CortexM4F(folder, build=tmp_path).predict_array(events[:10])
    assert sorted(tmp_path.iterdir()) == kept
    np.testing.assert_array_equal(first, second)
