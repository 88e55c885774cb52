"""The C Caller block: flat structs and a mask give the bits of the firmware, whatever the compiler's options."""

import ctypes
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray

from acc_decel.compiled import compiled
from acc_decel.export import reference_outputs, status_of, write_firmware
from acc_decel.factors import FACTORS, Factor, column_names, slices
from acc_decel.integration.answer_fields import output_fields, status_fields
from acc_decel.integration.simulink import simulink_files
from acc_decel.integration.simulink.simulink_files import DISTANCES, HEADER, SCRIPT, SOURCE
from acc_decel.model_folder import folder_of, read_model
from acc_decel.outputs import DELAY, LOWER, MEDIAN, OUTPUTS, stopping_distance
from acc_decel.status import FLAGS, REFUSED
from tests.helpers.random_net import random_events, random_net, spoiled

ADDED = Factor("rain_rate", 0.0, 50.0, 0.5, "mm/h", "rain on the windscreen")
EVENTS = 10_000
DRIVER = """
#include "acc_decel_simulink.h"
#include <stddef.h>
void answer_all(size_t rows, const acc_decel_simulink_factors_t *factors, const uint32_t *known,
                acc_decel_simulink_answer_t *answers)
{
    for (size_t i = 0U; i < rows; i++) {
        acc_decel_simulink(&factors[i], known[i], &answers[i]);
    }
}
"""
NUMPY = {"float": "f4", "uint32_t": "u4", "uint8_t": "u1"}


def answer_type(factors: tuple[Factor, ...]) -> np.dtype:
    fields = (*output_fields(), *DISTANCES, *status_fields(factors))
    return np.dtype([(field.name, NUMPY[field.kind]) for field in fields], align=True)


def answered(library: Path, events: ndarray, factors: tuple[Factor, ...]) -> ndarray:
    """What the wrapper answers; what is not known has a value that must not be read."""
    missing = np.isnan(events)
    known = sum((~missing[:, part].any(axis=1)).astype("u4") << i for i, part in enumerate(slices(factors)))
    rows = np.ascontiguousarray(np.where(missing, np.float32(1e9), events))
    answers = np.full(len(rows) * answer_type(factors).itemsize, 0xAA, "u1").view(answer_type(factors))
    known = np.ascontiguousarray(known, "u4")
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (rows, known, answers)]
    ctypes.CDLL(str(library)).answer_all(ctypes.c_size_t(len(rows)), *pointers)
    return answers


def check(answers: ndarray, net, events: ndarray) -> None:
    outputs, status = reference_outputs(net, events), status_of(net, events)
    refused = status & REFUSED != 0
    for i, name in enumerate(OUTPUTS):
        expected = np.where(refused, np.float32(0), outputs[:, i])
        np.testing.assert_array_equal(answers[name].view("u4"), expected.view("u4"), err_msg=name)
    speed = np.where(refused, np.float32(1), events[:, column_names(net.factors).index("speed")])
    for name, i in (("stopping_distance", MEDIAN), ("stopping_distance_upper", LOWER)):
        expected = np.where(refused, np.float32(0), stopping_distance(speed, outputs[:, i], outputs[:, DELAY]))
        np.testing.assert_array_equal(answers[name].view("u4"), expected.astype("f4").view("u4"), err_msg=name)
    every = 2 ** len(net.factors) - 1
    np.testing.assert_array_equal(answers["out_of_range"], status & every)
    np.testing.assert_array_equal(answers["not_available"], status >> 24 & every)
    for name, (bit, _) in FLAGS.items():
        np.testing.assert_array_equal(answers[name.lower()], status & bit != 0, err_msg=name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("simulink")
    write_firmware(folder, simulink_files(read_model(folder_of("compact"))[0], model="compact"))
    return folder


OPTIONS = {
    "gcc without options": ("gcc", "-O2", "-mfma"),
    "clang without options": ("clang", "-O1", "-mfma"),
    "gcc with warnings": ("gcc", "-std=c99", "-O1", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", OPTIONS)
def test_the_block_gives_the_bits_of_the_firmware(folder, tmp_path, case):
    command = OPTIONS[case]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is missing: apt-get install {command[0]}")
    if "-mfma" in command and "fma" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("a processor without fused multiply-add, which is not part of the project")
    (tmp_path / "driver.c").write_text(DRIVER)
    inputs = [folder / SOURCE, tmp_path / "driver.c"]
    library = compiled((*command, "-shared", "-fPIC", f"-I{folder}"), inputs, tmp_path / "block.so")
    net = read_model(folder_of("compact"))[0]
    rng = np.random.default_rng(3)
    events = random_events(rng, EVENTS, net.factors)
    events = whole_choices(np.concatenate([spoiled(rng, events[:2_000]), events[2_000:]]), net.factors)
    check(answered(library, events, net.factors), net, events)
    assert ctypes.CDLL(str(library)).acc_decel_simulink_self_test() == 0


def whole_choices(events: ndarray, factors: tuple[Factor, ...]) -> ndarray:
    """The events with no choice of which only some columns are available, which the mask cannot say."""
    events = events.copy()
    for part in slices(factors):
        events[np.isnan(events[:, part]).any(axis=1), part] = np.nan
    return events


def test_no_64_bit_integer_and_no_other_header_is_seen_by_simulink(folder):
    header = (folder / HEADER).read_text()
    assert re.findall(r"#include (.+)", header) == ["<stdint.h>"]
    assert "64" not in header.replace("64-bit", "")
    assert set(re.findall(r"^    (\w+) \w+;", header, re.MULTILINE)) == {*NUMPY}


@pytest.mark.slow
def test_a_factor_added_to_the_list_appears_by_itself(tmp_path):
    net = random_net(np.random.default_rng(1), (*FACTORS, ADDED))
    write_firmware(tmp_path, simulink_files(net, model="random"))
    header = (tmp_path / HEADER).read_text()
    assert "float rain_rate; /* [mm/h] 0 to 50, rain on the windscreen */" in header
    assert f"ACC_DECEL_SIMULINK_KNOWN_RAIN_RATE 0x{1 << len(FACTORS):X}U" in header
    (tmp_path / "driver.c").write_text(DRIVER)
    command = ("gcc", "-O0", "-shared", "-fPIC", f"-I{tmp_path}")
    library = compiled(command, [tmp_path / SOURCE, tmp_path / "driver.c"], tmp_path / "block.so")
    events = whole_choices(random_events(np.random.default_rng(2), 500, net.factors), net.factors)
    check(answered(library, events, net.factors), net, events)


def test_the_script_names_what_the_folder_has(folder):
    script = (folder / SCRIPT).read_text()
    assert script.startswith(f"function block = {SCRIPT.removesuffix('.m')}(model)\n")
    named = set(re.findall(r"acc_decel\w*\.[ch]\b", script))
    assert named == {HEADER, SOURCE}
    assert named <= {path.name for path in folder.iterdir()}
    assert f"'FunctionName', '{re.search(r'void (acc_decel_simulink)', (folder / HEADER).read_text())[1]}'" in script
    lines = [re.sub(r"%.*|'(?:[^']|'')*'", "", line) for line in script.splitlines()]
    opened = sum(len(re.findall(r"\b(?:function|if)\b", line)) for line in lines)
    assert opened == sum(len(re.findall(r"\bend\b", line)) for line in lines)
    assert all(line.count("(") == line.count(")") and "'" not in line for line in lines)


def test_with_a_prefix_two_blocks_differ_in_every_name():
    net = random_net(np.random.default_rng(1))
    files = simulink_files(net, model="random", prefix="trailer")
    assert all(name.startswith("trailer_acc_decel") or name == "trailer_golden_vectors.h" for name in files)
    script = files[f"trailer_{SCRIPT}"]
    assert "function block = trailer_acc_decel_add_block(model)" in script
    assert "'/trailer_acc_decel_block'" in script


def test_bad_input_is_refused_and_writes_nothing(refused, tmp_path):
    assert "--prefix must be no keyword" in refused("simulink", "--prefix", "int", "--output", tmp_path / "new")
    (tmp_path / "file").write_text("mine")
    assert "--output must be a folder" in refused("simulink", "--output", tmp_path / "file")
    (tmp_path / SOURCE).write_text("mine")
    assert "must be of an earlier export" in refused("simulink", "--output", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [SOURCE, "file"]


def test_the_command_writes_the_folder_and_again(run, tmp_path):
    for _ in range(2):
        code, out, _ = run("simulink", "suv", "--output", tmp_path)
        assert code == 0
        assert out.startswith("suv: ")
    assert {SOURCE, HEADER, SCRIPT} <= {path.name for path in tmp_path.iterdir()}
