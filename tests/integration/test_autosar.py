"""The AUTOSAR component: its description is valid, and through a stand-in RTE it gives the bits of the firmware."""

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from autosar_data import AutosarModel

from acc_decel.correction import Correction
from acc_decel.export import write_firmware
from acc_decel.factors import FACTORS, slices
from acc_decel.integration.answer_fields import CORRECTION, output_fields, status_fields
from acc_decel.integration.autosar import autosar_files
from acc_decel.integration.autosar.ports import camel
from acc_decel.model_folder import folder_of, read_model
from acc_decel.outputs import OUTPUTS
from acc_decel.status import FLAGS
from tests.helpers.random_net import random_events, spoiled
from tests.helpers.stand_in_rte import FAILURES, XML, built, check, rte_of, sent_to, through_the_rte, usual

EVENTS = 10_000


@pytest.fixture(scope="module")
def compact():
    return read_model(folder_of("compact"))[0]


@pytest.fixture(scope="module")
def folder(compact, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("swc")
    write_firmware(folder, autosar_files(compact, model="compact"))
    return folder


def test_the_description_is_valid_and_refers_to_nothing_that_is_not_there(folder):
    model = AutosarModel()
    assert model.load_file(str(folder / "AccDecel.arxml"), True)[1] == []
    assert model.check_references() == []


def test_every_factor_output_flag_and_correction_has_a_port(folder, compact):
    rte = rte_of(folder / "AccDecel.arxml")
    reads = {(access.port, access.element) for access in rte.reads}
    assert {port for port, _ in reads} == {camel(f.name) for f in compact.factors}
    assert len([port for port, _ in reads if port == "Surface"]) == len(
        next(f for f in FACTORS if f.name == "surface").levels
    )
    assert ("Surface", "PackedSnow") in reads
    fields = (*output_fields(), *status_fields(compact.factors))
    assert [access.element for access in rte.sends] == [camel(field.name) for field in fields]
    assert {camel(name) for name in (*OUTPUTS, *FLAGS)} <= {access.element for access in rte.sends}
    assert [access.element for access in rte.parameters] == [camel(field.name) for field in CORRECTION]
    assert rte.period == 0.01
    assert rte.runnables == ("AccDecel_Init", "AccDecel_Main")


def test_ranges_units_and_texts_are_those_of_the_factors(folder, compact):
    root = ElementTree.parse(folder / "AccDecel.arxml").getroot()
    named = {e.find(f"{XML}SHORT-NAME").text: e for e in root.iter() if e.find(f"{XML}SHORT-NAME") is not None}
    for factor in compact.factors:
        if factor.levels:
            continue
        limits = named[f"{camel(factor.name)}_Constr"]
        assert float(next(limits.iter(f"{XML}LOWER-LIMIT")).text) == factor.low, factor.name
        assert float(next(limits.iter(f"{XML}UPPER-LIMIT")).text) == factor.high, factor.name
    kinds = [text.text for text in named["TyreKind_Texts"].iter(f"{XML}VT")]
    assert kinds == list(next(f for f in compact.factors if f.name == "tyre_kind").levels)
    assert "m/s^2" in {unit.find(f"{XML}DISPLAY-NAME").text for unit in root.iter(f"{XML}UNIT")}


def test_the_rte_is_asked_to_tell_what_is_too_old_invalid_or_never_received(folder):
    root = ElementTree.parse(folder / "AccDecel.arxml").getroot()
    rte = rte_of(folder / "AccDecel.arxml")
    receivers = [*root.iter(f"{XML}NONQUEUED-RECEIVER-COM-SPEC")]
    assert len(receivers) == len(rte.reads)
    for spec in receivers:
        assert spec.find(f"{XML}ALIVE-TIMEOUT").text == "0.5"
        assert spec.find(f"{XML}HANDLE-NEVER-RECEIVED").text == "true"
    assert {policy.text for policy in root.iter(f"{XML}HANDLE-INVALID")} == {"KEEP"}
    first = {
        spec.find(f"{XML}DATA-ELEMENT-REF").text.split("/")[-1]: float(next(spec.iter(f"{XML}VALUE")).text)
        for spec in root.iter(f"{XML}NONQUEUED-SENDER-COM-SPEC")
    }
    assert {name for name, value in first.items() if value} == {"Refused"}


@pytest.mark.slow
def test_through_a_stand_in_rte_the_component_gives_the_bits_of_the_firmware(folder, compact, tmp_path):
    rte = rte_of(folder / "AccDecel.arxml")
    library = built(folder, tmp_path, rte)
    rng = np.random.default_rng(4)
    events = random_events(rng, EVENTS, compact.factors)
    events = usual(np.concatenate([spoiled(rng, events[:2_000]), events[2_000:]]), compact.factors)
    values, results = sent_to(rte, events, compact.factors, rng)
    surface = next(
        part for f, part in zip(compact.factors, slices(compact.factors), strict=True) if f.name == "surface"
    )
    lost = rng.random(EVENTS) < 0.1  # one of its probabilities: then all of them are not available
    results[lost, [access.place for access in rte.reads].index("Surface_Ice")] = FAILURES["RTE_E_INVALID"]
    assert (lost & ~np.isnan(events[:, surface.start])).any()
    events[lost, surface] = np.nan
    for correction in (Correction(), Correction(0.8, 0.1, 0.25)):
        sent = through_the_rte(library, rte, values, results, correction)
        check(sent, compact, events, correction)


@pytest.mark.slow
def test_an_altered_table_refuses_every_answer(folder, compact, tmp_path):
    shutil.copytree(folder, tmp_path / "swc")
    tables = tmp_path / "swc" / "acc_decel_network_tables.h"
    text = tables.read_text()
    number = re.search(r"static const float weights\[\d+\] = \{\s+(\S+F),", text)
    tables.write_text(text.replace(number[1], "0.125F", 1))
    rte = rte_of(folder / "AccDecel.arxml")
    library = built(tmp_path / "swc", tmp_path, rte)
    rng = np.random.default_rng(4)
    events = usual(random_events(rng, 50, compact.factors), compact.factors)
    sent = through_the_rte(library, rte, *sent_to(rte, events, compact.factors, rng), Correction())
    refused = [access.element for access in rte.sends].index("Refused")
    assert (sent[:, refused] == 1).all()
    assert np.isnan(sent[:, : len(OUTPUTS)]).all()


def test_the_same_model_gives_the_same_bytes(compact, folder):
    files = autosar_files(compact, model="compact")
    for name in ("AccDecel.arxml", "AccDecel.c"):
        assert files[name] == (folder / name).read_text()


REFUSALS = {"1st": "--port-prefix must be", "a b": "--port-prefix must be", "a__b": "--port-prefix must be"}


@pytest.mark.parametrize("prefix", REFUSALS)
def test_bad_prefixes_are_refused_and_write_nothing(refused, tmp_path, prefix):
    assert REFUSALS[prefix] in refused("autosar", "--port-prefix", prefix, "--output", tmp_path / "new")
    assert not [*tmp_path.iterdir()]


def test_a_file_of_something_else_is_never_replaced(refused, tmp_path):
    (tmp_path / "AccDecel.c").write_text("mine")
    assert "AccDecel.c must be of an earlier export" in refused("autosar", "--output", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["AccDecel.c"]


def test_the_command_writes_the_folder_and_again(run, tmp_path):
    for _ in range(2):
        code, out, _ = run("autosar", "suv", "--output", tmp_path)
        assert code == 0
        assert out.startswith("suv: ")
