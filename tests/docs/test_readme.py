"""The README cannot lie: its code runs, its commands exist, its tables are what the code computes."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from acc_decel.cli import app

HOME = Path(__file__).parents[2]
README = (HOME / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_two_commands_stand_on_the_first_screen():
    first = README.splitlines()[:15]
    assert {"make demo", "make test"} <= set(first)
    for target in ("demo", "test"):
        assert re.search(rf"^{target}:", (HOME / "Makefile").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("code", blocks("python"))
def test_python_examples_run(code, tmp_path):
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "deceleration" in done.stdout


@pytest.mark.parametrize("code", blocks("c"))
def test_c_examples_compile_without_warning_and_run(code, tmp_path):
    (tmp_path / "main.c").write_text(code)
    firmware = HOME / "firmware_export"
    strict = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror", "-ffp-contract=off"]
    sources = [str(tmp_path / "main.c"), *map(str, firmware.glob("acc_decel*.c"))]
    built = [sys.executable, "-m", "ziglang", "cc", *strict, f"-I{firmware}", *sources, "-o", str(tmp_path / "main")]
    done = subprocess.run(built, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert subprocess.run([str(tmp_path / "main")], check=False).returncode == 0


@pytest.mark.parametrize("line", re.findall(r"^acc-decel .*$", README, flags=re.MULTILINE))
def test_commands_and_options_exist(line):
    words, command = line.split()[1:], get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    known = {option for p in command.params for option in p.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_generated_tables_are_up_to_date():
    tables = runpy.run_path(str(HOME / ".ci" / "readme_tables.py"))
    assert tables["rewritten"](README) == README
