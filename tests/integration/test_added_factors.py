"""Factors that are added to the list appear in every form of the firmware, with no other edit, and with its bits.

A number, a choice and a switch of their own, in no list of any room, in a network of random weights.
"""

import subprocess
from dataclasses import replace
from pathlib import Path

import cantools
import numpy as np
import pytest
from autosar_data import AutosarModel
from numpy import ndarray

from acc_decel.cli.page_setting import setting
from acc_decel.compiled import compiled
from acc_decel.correction import Correction
from acc_decel.export import firmware_files, golden_events, write_firmware
from acc_decel.factors import FACTORS, Factor, Prior, schema
from acc_decel.integration.a2l import MEASURED, a2l_files
from acc_decel.integration.autosar import autosar_files
from acc_decel.integration.autosar.ports import camel
from acc_decel.integration.can import bus_of, dbc_text, task_files
from acc_decel.integration.can.senders import Reader, Senders
from acc_decel.integration.can.task import HostTask
from acc_decel.integration.fmu import FMI_2, FMI_3, fmu_bytes
from acc_decel.integration.page import Car, Vehicle, compiled_module, page_html
from acc_decel.integration.page.description import page_data
from acc_decel.integration.safety_case import judge, page, read_documents
from acc_decel.integration.simulink import simulink_files
from acc_decel.integration.simulink.simulink_files import HEADER, SOURCE
from acc_decel.network import DenseNet
from tests.helpers.fmu_car import Fmu
from tests.helpers.fmu_events import compile_probe, drive, found, probe, write_plan
from tests.helpers.random_net import random_events, random_net, spoiled
from tests.helpers.simulink_block import DRIVER, answered, whole_choices
from tests.helpers.simulink_block import check as check_block
from tests.helpers.stand_in_rte import built, rte_of, sent_to, through_the_rte, usual
from tests.helpers.stand_in_rte import check as check_sent
from tests.helpers.wasm_firmware import Wasm, differing, many_events

pytestmark = pytest.mark.slow

RAIN = Factor("rain_rate", 0.0, 50.0, 0.5, "mm/h", "rain on the windscreen", prior=Prior(0.3, 4.0, 3.0))
LOAD = Factor("load", 0.0, 1.0, 1.0, "", "load on the roof, one probability for each kind", levels=("none", "box"))
TRAILER = Factor("trailer", 0.0, 1.0, 1.0, "", "trailer: 0 none, 1 fitted", of_the_road=True)
ADDED = (RAIN, LOAD, TRAILER)
EXPORT = Path(__file__).parents[2] / "firmware_export"
EVENTS = 500


@pytest.fixture(scope="module")
def net() -> DenseNet:
    return random_net(np.random.default_rng(3), (*FACTORS, *ADDED))


@pytest.fixture(scope="module")
def firmware(net: DenseNet) -> dict[str, str | bytes]:
    return firmware_files(net, model="new", golden=golden_events(net.factors))


def events_of(net: DenseNet) -> ndarray:
    """Events as a bus and ports can carry them, a fifth of them spoiled."""
    rng = np.random.default_rng(6)
    drawn = random_events(rng, EVENTS, net.factors)
    return usual(np.concatenate([spoiled(rng, drawn[:100]), drawn[100:]]), net.factors)


def written(folder: Path, files: dict[str, str | bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    write_firmware(folder, files)
    return folder


def test_page(net: DenseNet, firmware: dict[str, str | bytes]) -> None:
    module = compiled_module(firmware)
    assert differing(Wasm(module).predict_array(events := many_events(net.factors, EVENTS)), net, events) == 0
    cars = [Car("new", "new", net.factors, Vehicle(), module)]
    shown = {f["name"]: f for f in page_data(cars, setting())["factors"]}
    assert [*shown] == [f.name for f in net.factors]
    assert shown["rain_rate"] | {"label": "rain rate", "start": 4.0, "unit": "mm/h", "high": 50.0} == shown["rain_rate"]
    assert (shown["load"]["levels"], shown["trailer"]["isSwitch"]) == (["none", "box"], True)
    assert schema(net.factors).encode() in page_html(cars, setting())


@pytest.mark.parametrize("fmi", [FMI_2, FMI_3])
def test_fmu(net: DenseNet, firmware: dict[str, str | bytes], tmp_path: Path, fmi: int) -> None:
    """Its source, compiled here, in an importer of our own."""
    (tmp_path / "own.fmu").write_bytes(fmu_bytes(net, model="new", fmi=fmi, firmware=firmware, platforms=()))
    own = Fmu(tmp_path / "own.fmu", tmp_path / "unpacked")
    assert {"rain_rate", "rain_rate_available", "load", "load_box", "trailer", "trailer_available"} < {*own.variables}
    assert own.variables["rain_rate"].unit == "mm/h"
    assert [item.name for item in own.variables["load"].declaredType.items] == ["unknown", "none", "box"]
    assert "rain_rate" in (own.folder / "documentation" / "index.html").read_text()
    assert "trailer_available" in (own.folder / "extra" / "acc_decel" / "example.csv").read_text()
    library, plan = tmp_path / "own.so", write_plan(tmp_path / "plan.bin", net.factors, drive(net, EVENTS))
    subprocess.run(
        [found("gcc"), "-O0", "-shared", "-fPIC", own.folder / "sources" / "all.c", "-o", library], check=True
    )
    compile_probe([found("gcc")], own, tmp_path / "probe")
    assert probe([tmp_path / "probe"], library, own.token, plan) == f"{EVENTS} events, 0 differ, status 0\n"


def test_can(net: DenseNet, tmp_path: Path) -> None:
    bus = bus_of(net.factors)
    text = dbc_text(bus, model="new")
    database = cantools.database.load_string(text, "dbc")
    signal = database.get_message_by_frame_id(bus.place("rain_rate")[0].identifier).get_signal_by_name("rain_rate")
    assert (signal.unit, signal.maximum > 50) == ("mm/h", True)
    assert "rain on the windscreen; accepted: 0 to 50 mm/h" in text
    task = HostTask(written(tmp_path / "task", task_files(net, model="new")), bus, compiler=("gcc",), options=("-O0",))
    senders, reader = Senders(bus, text), Reader(bus, text)
    event = random_events(np.random.default_rng(2), 1, net.factors)[0]
    event[-4:] = (12.5, 0, 1, 1)  # the columns of what was added
    sent = {k: v for f in task.tick(senders.frames(event, tick=0)) for k, v in (reader.read(f) or {}).items()}
    np.testing.assert_array_equal(task.factors()[-4:], event[-4:])
    assert (sent["refused"], *(sent[f"{f.name}_state"] for f in ADDED)) == ("no", "ok", "ok", "ok")
    event[-4] = 50.5
    task.tick(senders.frames(event, tick=0))
    assert task.factors()[-4] == np.float32(50.5), "out of range, and not clipped"


def test_a2l(net: DenseNet) -> None:
    files = a2l_files(net, model="new", name="t.a2l")
    entry = files["t.a2l"].partition(f"MEASUREMENT {MEASURED}.factors.rain_rate ")[2].partition("/end")[0]
    assert "acc_decel_unit_mm_h 0 0 0 50" in entry
    bit = files["t.a2l"].partition(f"MEASUREMENT {MEASURED}.not_available.rain_rate ")[2].partition("/end")[0]
    assert f"BIT_MASK 0x{1 << len(FACTORS):X}" in bit
    assert f"& 0x{2 ** len(net.factors) - 1:X}U" in files["acc_decel_measured.h"]


def test_autosar(net: DenseNet, tmp_path: Path) -> None:
    """With prefixes, which two components on one ECU need."""
    folder = written(tmp_path / "swc", autosar_files(net, model="new", port_prefix="Dec_", prefix="trailer"))
    description = folder / "TrailerAccDecel.arxml"
    model = AutosarModel()
    assert (model.load_file(str(description), True)[1], model.check_references()) == ([], [])
    rte = rte_of(description)
    assert {(f"Dec_{camel(name)}", "Value") for name in ("rain_rate", "trailer")} <= {
        (a.port, a.element) for a in rte.reads
    }
    assert next(a for a in rte.reads if a.port == "Dec_Trailer").kind == "TrailerAccDecel_UInt8"
    assert all(a.port.startswith("Dec_") for a in (*rte.reads, *rte.sends, *rte.parameters))
    library, events = built(folder, tmp_path, rte, "-O0"), events_of(net)
    plain = replace(rte, reads=tuple(replace(a, port=a.port.removeprefix("Dec_")) for a in rte.reads))
    sent = through_the_rte(library, rte, *sent_to(plain, events, net.factors, np.random.default_rng(6)), Correction())
    check_sent(sent, net, events, Correction())


def test_simulink(net: DenseNet, tmp_path: Path) -> None:
    folder = written(tmp_path / "block", simulink_files(net, model="new"))
    header = (folder / HEADER).read_text()
    assert "float rain_rate; /* [mm/h] 0 to 50, rain on the windscreen */" in header
    assert f"ACC_DECEL_SIMULINK_KNOWN_RAIN_RATE 0x{1 << len(FACTORS):X}U" in header
    (tmp_path / "driver.c").write_text(DRIVER)
    command = ("gcc", "-O0", "-shared", "-fPIC", f"-I{folder}")
    library = compiled(command, [folder / SOURCE, tmp_path / "driver.c"], tmp_path / "block.so")
    events = whole_choices(events_of(net), net.factors)
    check_block(answered(library, events, net.factors), net, events)


def test_safety_case(net: DenseNet) -> None:
    """The interface that its assumptions of use list; the evidence stays that of the released car."""
    documents = read_documents("compact", EXPORT)
    text = page(judge(replace(documents, firmware=replace(documents.firmware, net=net))))
    [row] = [line for line in text.splitlines() if line.startswith("| `rain_rate` |")]
    assert "mm/h" in row and "0 to 50" in row and "rain on the windscreen" in row
    assert all(f"| `{f.name}` |" in text for f in ADDED)
