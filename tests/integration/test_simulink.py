"""The C Caller block: flat structs and a mask give the bits of the firmware, whatever the compiler's options."""

import ctypes
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from acc_decel.compiled import compiled
from acc_decel.export import write_firmware
from acc_decel.integration.simulink import simulink_files
from acc_decel.integration.simulink.simulink_files import HEADER, SCRIPT, SOURCE
from acc_decel.model_folder import folder_of, read_model
from tests.helpers.random_net import random_events, random_net, spoiled
from tests.helpers.simulink_block import DRIVER, NUMPY, answered, check, whole_choices

EVENTS, FEW = 10_000, 1_000  # few for the other compilers


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
    events = random_events(rng, EVENTS if case == next(iter(OPTIONS)) else FEW, net.factors)
    some = len(events) // 5
    events = whole_choices(np.concatenate([spoiled(rng, events[:some]), events[some:]]), net.factors)
    check(answered(library, events, net.factors), net, events)
    assert ctypes.CDLL(str(library)).acc_decel_simulink_self_test() == 0


def test_no_64_bit_integer_and_no_other_header_is_seen_by_simulink(folder):
    header = (folder / HEADER).read_text()
    assert re.findall(r"#include (.+)", header) == ["<stdint.h>"]
    assert "64" not in header.replace("64-bit", "")
    assert set(re.findall(r"^    (\w+) \w+;", header, re.MULTILINE)) == {*NUMPY}


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
