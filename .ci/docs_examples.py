"""Runs the examples of the documentation: what a reader would type, in a folder of its own, with few events."""

import ast
import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from docs_pages import HOME, Block, blocks, commands
from typer.main import get_command

from acc_decel import cli

FEW = 3000  # events, in place of what a page asks for

# Commands that are not run, but only checked: that they exist, with these options.
ONLY_CHECKED = {
    "train": "trains for minutes",
    "attribute": "trains for minutes",
    "card": "simulates for minutes",
    "verify": "solves for minutes",
    "evidence": "fuzzes and emulates for an hour",
    "influences": "simulates for a minute",
    "sensors": "simulates for minutes",
    "trial": "drives for minutes",
    "compile": "writes to the cache of the user",
    "ecu --tests": "compiles and emulates seven models",
    "ecu --emulator": "needs Debian packages",
    "ecu --core": "compiles again for each core; one core is run",
    "can --bus": "talks to other programs in real time",
    "--format": "rounds weights for a minute",
    "evaluate --physics": "simulates for a minute",
    "--scheduler": "needs a cluster",
    "page --open": "opens a browser",
    "page --vehicle": "simulates and compiles",
}


def prepare(folder: Path, text: str) -> None:
    """What the examples of a page find in their folder: what a reader has, or has made on another page."""
    shutil.copytree(HOME / "models" / "compact", folder / "models" / "my_car")
    shutil.copy(HOME / "acc_decel" / "physics" / "vehicles" / "compact.toml", folder / "my_car.toml")
    if "acc-decel case" in text:
        shutil.copytree(HOME / "firmware_export", folder / "firmware_export")
    (folder / "my_tests.csv").write_text("name,speed,braking_distance_m,surface\ndry,27.8,36.9,asphalt\n")
    if "drives events drive.csv" in text and "python" not in {block.language for block in blocks(text)}:
        tutorial = (HOME / "docs" / "tutorials" / "adas-engineer.md").read_text()
        code = next(b.text for b in blocks(tutorial) if b.language == "python")
        (folder / "recordings").mkdir()
        for seed in (3, 2, 1):
            run_python(code.replace("default_rng(1)", f"default_rng({seed})"), {"__name__": "page"})
            shutil.copy(folder / "drive.csv", folder / "recordings" / f"drive_{seed}.csv")


def not_run(line: str) -> str:
    """Why a command is only checked; nothing for one that is run."""
    words = line.split()[1:]
    for key, reason in ONLY_CHECKED.items():
        wanted = key.split()
        if (wanted[0] in words[:2] if not key.startswith("--") else True) and set(wanted) <= set(words):
            return reason
    return ""


def check_command(line: str) -> None:
    """Raise ValueError unless the command exists with these options and so many arguments."""
    words, command = line.split()[1:], get_command(cli.app)
    known = {option for p in command.params for option in p.opts}
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            raise ValueError(f"{line}: no command {words[0]}.")
        command = command.commands[words.pop(0)]
        known = {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
    if unknown := {word for word in words if word.startswith("-") and not re.match(r"-\d", word)} - known - {"--help"}:
        raise ValueError(f"{line}: no option {', '.join(sorted(unknown))}.")


def run_command(line: str) -> str:
    """What a command prints, run in this process with few events. Raises RuntimeError with its error."""
    words = re.sub(r"--events \d+", f"--events {FEW}", line).split()
    words[1:] = [word.strip("'\"") for word in words[1:]]
    before, out, err = sys.argv, io.StringIO(), io.StringIO()
    sys.argv = words
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main()
    except SystemExit as ended:
        if ended.code:
            raise RuntimeError(f"{line}: {err.getvalue()}") from ended
    finally:
        sys.argv = before
    return out.getvalue()


def run_python(text: str, names: dict[str, object]) -> str:
    """What a block of Python prints; `names` are those of the page so far."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    out, tree = io.StringIO(), ast.parse(text)
    if text.startswith("# Not run"):  # only what it imports
        tree.body = [line for line in tree.body if isinstance(line, ast.Import | ast.ImportFrom)]
    with contextlib.redirect_stdout(out):
        exec(compile(tree, "<page>", "exec"), names)
    return out.getvalue()


def run_page(text: str) -> dict[int, str]:
    """What each block of a page prints, by where the block begins; run in order, in a folder of their own."""
    names: dict[str, object] = {"__name__": "page"}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        prepare(Path(folder), text)
        return {block.start: run_block(block, names) for block in blocks(text)}


def run_block(block: Block, names: dict[str, object]) -> str:
    """What a block prints: its Python, or those of its commands that are `acc-decel` and cheap enough to run."""
    if block.language == "python":
        return run_python(block.text, names)
    if block.language != "sh":
        return ""
    printed = []
    for line in commands(block):
        if line.startswith("acc-decel "):
            check_command(line)
            if not not_run(line):
                printed.append(run_command(line))
        elif line.split()[0] in ("mkdir", "cp"):
            subprocess.run(line.split(), check=True)
    return "".join(printed)
