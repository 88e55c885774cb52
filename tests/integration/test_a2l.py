"""The A2L template: a2ltool finds every name in the linked program, and what a tool sets by name changes the answer."""

import os
import re
import shutil
import struct
import subprocess
import sys
from dataclasses import fields
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray

from acc_decel.compiled import firmware_sources
from acc_decel.correction import Correction
from acc_decel.ecu import CortexM, cortex_m, qemu
from acc_decel.ecu.compiler import TARGET_SOURCES, Compiler
from acc_decel.ecu.image import Program, image
from acc_decel.export import firmware_files, golden_events, write_firmware
from acc_decel.factors import FACTORS, column_names
from acc_decel.integration.a2l import CALIBRATION, MEASURED, a2l_files
from acc_decel.integration.answer_fields import CORRECTION
from acc_decel.integration.writing import write_generated
from acc_decel.model_folder import folder_of, read_model
from acc_decel.outputs import DELAY, MEDIAN, OUTPUTS
from acc_decel.status import BELOW_COMFORT, FLAGS, REFUSED
from tests.conftest import event_of

EVENT = event_of({"speed": 33.3, "brake_pressure_bar": 160.0, "abs": 1.0, "water_film_mm": 1.0, "surface": "asphalt"})


def described(net, **options: str) -> str:
    return a2l_files(net, model="random", name="template.a2l", **options)["template.a2l"]


def names(text: str, kind: str) -> set[str]:
    return set(re.findall(rf"/begin {kind} (\S+)", text))


@pytest.fixture(scope="module")
def compact():
    return read_model(folder_of("compact"))[0]


def test_every_factor_output_flag_and_correction_has_a_name(compact):
    text = described(compact)
    expected = {f"{MEASURED}.factors.{column}" for column in column_names(compact.factors)}
    expected |= {f"{MEASURED}.{struct}.{output}" for struct in ("model", "prediction") for output in OUTPUTS}
    expected |= {f"{MEASURED}.{flag.lower()}" for flag in FLAGS}
    expected |= {f"{MEASURED}.{mask}" for mask in ("status", "out_of_range", "not_available")}
    expected |= {f"{MEASURED}.{mask}.{f.name}" for mask in ("out_of_range", "not_available") for f in compact.factors}
    assert names(text, "MEASUREMENT") == expected
    assert names(text, "CHARACTERISTIC") == {f"{CALIBRATION}.{field.name}" for field in fields(Correction)}


def test_the_correction_is_that_of_python():
    assert [field.name for field in CORRECTION] == [field.name for field in fields(Correction)]
    for field in CORRECTION:
        for value in (field.low, field.high):
            Correction(**{field.name: value})


def test_ranges_and_units_are_those_of_the_model(compact):
    text = described(compact)
    mass = next(f for f in compact.factors if f.name == "mass")
    entry = text.partition(f"MEASUREMENT {MEASURED}.factors.mass ")[2].partition("/end")[0]
    assert f"FLOAT32_IEEE acc_decel_unit_kg 0 0 {mass.low:g} {mass.high:g}" in entry
    assert mass.high < next(f for f in FACTORS if f.name == "mass").high


def test_the_same_model_gives_the_same_text(compact):
    assert described(compact) == described(compact)


def test_with_a_prefix_every_name_has_it(compact):
    files = a2l_files(compact, model="compact", name="template.a2l", prefix="trailer")
    assert {*files} == {"template.a2l", "trailer_acc_decel_measured.c", "trailer_acc_decel_measured.h"}
    text = files["template.a2l"].partition("\n")[2]  # the first line is about the product
    assert set(re.findall(r"\w*acc_decel", text)) == {"trailer_acc_decel"}


A_WRONG_PLACE = {
    "no ending": (("--output", "acc_decel"), "must end in .a2l"),
    "a prefix that is none": (("--output", "x.a2l", "--prefix", "int"), "--prefix must be no keyword"),
    "a folder": (("--output", "folder"), "--output must be a file"),
    "nowhere": (("--output", "folder/mine.txt/x.a2l"), "--output must be in a folder"),
    "no model": (("nothing", "--output", "x.a2l"), "nothing"),
}


@pytest.mark.parametrize("case", A_WRONG_PLACE)
def test_bad_input_is_refused_and_writes_nothing(refused, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine.txt").write_text("mine")
    arguments, sentence = A_WRONG_PLACE[case]
    assert sentence in refused("a2l", *arguments)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "mine.txt"]


def test_a_file_of_something_else_is_never_replaced(refused, tmp_path):
    (tmp_path / "acc_decel_measured.c").write_text("mine")
    assert "must be a generated file" in refused("a2l", "--output", tmp_path / "x.a2l")
    assert [path.name for path in tmp_path.iterdir()] == ["acc_decel_measured.c"]


def test_the_command_writes_three_files_and_again(run, tmp_path):
    for _ in range(2):
        code, out, _ = run("a2l", "suv", "--output", tmp_path / "x.a2l")
        assert code == 0
        assert "suv: x.a2l, acc_decel_measured.c, acc_decel_measured.h" in out


@pytest.fixture(scope="module")
def calibrated(compact, tmp_path_factory):
    """An emulated ECU whose task calls acc_decel_predict_measured(), its program, and the A2L template."""
    if missing := qemu.missing_programs():
        pytest.skip(f"{', '.join(missing)} missing: {qemu.INSTALL}")
    folder, build, target = (tmp_path_factory.mktemp(name) for name in ("firmware", "build", "target"))
    write_firmware(folder, firmware_files(compact, model="compact", golden=golden_events(compact.factors)))
    write_generated(folder, a2l_files(compact, model="compact", name="template.a2l"))
    shutil.copytree(TARGET_SOURCES, target, dirs_exist_ok=True)
    main = (target / "main.c").read_text()
    changed = main.replace('"mailbox.h"', '"mailbox.h"\n#include "acc_decel_measured.h"')
    changed = changed.replace("= acc_decel_predict(", "= acc_decel_predict_measured(")
    assert changed.count("measured") == 2
    (target / "main.c").write_text(changed)
    with pytest.MonkeyPatch.context() as patch:
        program = Program(firmware_sources, (target / "startup.c", target / "main.c"))
        patch.setattr(cortex_m, "image", partial(image, program=program))
        ecu = CortexM(folder, build=build, compiler=Compiler(("-O2", "-g"), gcc=True))
    return ecu, next(build.glob("*.elf")), folder / "template.a2l"


def updated(template: Path, elf: Path, output: Path) -> subprocess.CompletedProcess[str]:
    """What the integrator runs."""
    folders = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    if (program := shutil.which("a2ltool", path=folders)) is None:
        pytest.skip("a2ltool is missing: pip install a2ltool")
    options = ["--update", "ADDRESSES", "--update-mode", "STRICT", "--check", "-o", str(output)]
    command = [program, str(template), "-e", str(elf), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def addresses(text: str) -> dict[str, int]:
    watched = re.findall(r"/begin MEASUREMENT (\S+) .*?ECU_ADDRESS (0x\w+)", text, re.DOTALL)
    set_by_hand = re.findall(r"/begin CHARACTERISTIC (\S+) \"[^\"]*\"\s+VALUE (0x\w+)", text)
    return {name: int(address, 16) for name, address in (*watched, *set_by_hand)}


@pytest.mark.slow
def test_a_tool_sets_the_correction_and_reads_the_answer_by_name(calibrated, compact, tmp_path):
    ecu, elf, template = calibrated
    done = updated(template, elf, tmp_path / "acc_decel.a2l")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "No problems found" in done.stdout
    places = addresses((tmp_path / "acc_decel.a2l").read_text("utf-8-sig"))
    assert {*places} == names(template.read_text(), "MEASUREMENT") | names(template.read_text(), "CHARACTERISTIC")
    assert all(places.values()), "each has an address"

    def read(name: str) -> float:
        return struct.unpack("<f", ecu._core.mem_read(places[f"{MEASURED}.{name}"], 4))[0]

    def answer(**correction: float) -> tuple[ndarray, int]:
        for name, value in correction.items():
            ecu._core.mem_write(places[f"{CALIBRATION}.{name}"], struct.pack("<f", value))
        outputs, status = ecu.predict_array(EVENT)
        return outputs[0], int(status[0])

    plain, status = answer()
    np.testing.assert_array_equal([read(f"prediction.{name}") for name in OUTPUTS], plain)
    np.testing.assert_array_equal([read(f"factors.{name}") for name in column_names(compact.factors)], EVENT[0])
    half, halved_status = answer(scale=0.5)
    decelerations = [i for i in range(len(OUTPUTS)) if i != DELAY]
    np.testing.assert_array_equal(half[decelerations], plain[decelerations] / 2)
    assert half[DELAY] == plain[DELAY]
    np.testing.assert_array_equal([read(f"model.{name}") for name in OUTPUTS], plain)
    expected, expected_status = Correction(scale=0.5).answers(plain[None], np.array([status]))
    np.testing.assert_array_equal(half, expected[0])
    assert halved_status == expected_status[0]
    assert halved_status & BELOW_COMFORT or half[MEDIAN] > 3.5
    kept, refusal = answer(scale=50.0)
    assert refusal & REFUSED
    assert np.isnan(kept).all()
    assert ecu._core.mem_read(places[f"{MEASURED}.refused"], 1)[0] == 1
    assert read("prediction.deceleration") == half[MEDIAN], "the one before stays"
    again, _ = answer(scale=1.0)
    np.testing.assert_array_equal(again, plain)
    assert ecu._core.mem_read(places[f"{MEASURED}.refused"], 1)[0] == 0


@pytest.mark.slow
def test_status_masks_and_bytes_are_read_by_name(calibrated, compact, tmp_path):
    ecu, elf, template = calibrated
    updated(template, elf, tmp_path / "acc_decel.a2l")
    places = addresses((tmp_path / "acc_decel.a2l").read_text("utf-8-sig"))
    event = EVENT.copy()
    event[0, column_names().index("mass")] = 9e4
    _, status = ecu.predict_array(event)
    for mask, shift in (("out_of_range", 0), ("not_available", 24)):
        whole = int.from_bytes(ecu._core.mem_read(places[f"{MEASURED}.{mask}"], 4), "little")
        assert whole == int(status[0]) >> shift & 2 ** len(compact.factors) - 1
        assert whole, "the event has one"
    for name, (bit, _) in FLAGS.items():
        assert ecu._core.mem_read(places[f"{MEASURED}.{name.lower()}"], 1)[0] == bool(status[0] & bit)
    assert int.from_bytes(ecu._core.mem_read(places[f"{MEASURED}.status"], 8), "little") == status[0]


@pytest.mark.slow
def test_a_name_that_the_program_lacks_stops_the_update(calibrated, tmp_path):
    _, elf, template = calibrated
    wrong = tmp_path / "template.a2l"
    link = f'SYMBOL_LINK "{MEASURED}.factors.'
    wrong.write_text(template.read_text().replace(f"{link}speed", f"{link}sped"))
    done = updated(wrong, elf, tmp_path / "acc_decel.a2l")
    assert done.returncode
    assert "sped" in done.stdout + done.stderr
