"""Runs the examples of the documentation: what a reader would type, in a folder of its own, with few events."""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

from docs_pages import HOME, Block, commands
from typer.main import get_command

from acc_decel import cli
from acc_decel.physics import vehicle

FEW = 3000  # events, in place of what a page asks for

# Commands that are not run, but only checked: that they exist, with these options.
ONLY_CHECKED = {
    "train": "trains for minutes",
    "attribute": "trains for minutes",
    "card": "simulates for minutes",
    "verify": "solves for minutes",
    "evidence": "fuzzes and emulates for an hour",
    "influences": "simulates for a minute",
    "compile": "writes to the cache of the user",
    "ecu --tests": "compiles and emulates seven models",
    "ecu --emulator": "needs Debian packages",
    "ecu --core": "compiles again for each core; one core is run",
    "evaluate --physics": "simulates for a minute",
    "--scheduler": "needs a cluster",
}


def prepare(folder: Path) -> None:
    """What the examples find in their folder: a vehicle file and a model of the reader's own."""
    shutil.copytree(HOME / "models" / "compact", folder / "models" / "my_car")
    source = HOME / "acc_decel" / "physics" / "vehicles" / f"{vehicle('compact').name}.toml"
    shutil.copy(source, folder / "my_car.toml")


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
    out = io.StringIO()
    with contextlib.redirect_stdout(out), warnings.catch_warnings():
        exec(compile(text, "<page>", "exec"), names)
    return out.getvalue()


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
