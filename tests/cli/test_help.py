"""Help says what was written, letter by letter: extras, sections, units and defaults in square brackets too."""

import re
import subprocess
import sys

import pytest
from typer.main import get_command

from acc_decel import cli
from acc_decel.cli.main import EXTRAS

GROUP = get_command(cli.app)
COMMANDS = {(name,): c for name, c in GROUP.commands.items() if not hasattr(c, "commands")}
COMMANDS |= {
    (name, inner): c for name, group in GROUP.commands.items() for inner, c in getattr(group, "commands", {}).items()
}
BRACKETS = re.compile(r"\[[^]\n]*\]")


@pytest.fixture
def help_of(run, monkeypatch):
    """What a command prints as its help, in a terminal that is wide enough for each sentence."""
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 2000)

    def help_of(*words: str) -> str:
        code, out, err = run(*words, "--help")
        assert code == 0, err
        return out

    return help_of


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_shows_everything_in_square_brackets(help_of, words):
    command, shown = COMMANDS[words], help_of(*words)
    texts = [command.help, *(p.help for p in command.params if p.name != "help")]
    for text in texts:
        for part in BRACKETS.findall(text):
            assert part in shown, text
        assert " ".join(text.split("\n\n")[0].split()) in shown


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_names_every_extra_that_the_command_needs(help_of, words):
    module = sys.modules[COMMANDS[words].callback.__module__]
    shown = help_of(*words)
    for extra in {f"[{name}]" for name in EXTRAS.values()} & set(BRACKETS.findall(module.__doc__)):
        assert extra in shown


def test_help_names_the_section_the_defaults_and_the_units(help_of):
    score = help_of("drives", "score")
    assert "in the section [known] of the recording description" in score
    assert "[compact]" in score
    assert "makes an event [m/s^2]" in score
    assert "the extra [ecu], or cc" in help_of("compile")
    assert "the extra [scale]" in help_of("drives", "fleet")
    assert "Needs the extra [drives]" in help_of()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_examples_stand_indented_on_lines_of_their_own(help_of, words):
    examples = [line for line in COMMANDS[words].help.splitlines() if line.startswith("    acc-decel ")]
    shown = [line.rstrip() for line in help_of(*words).splitlines()]
    assert examples, "one example at least"
    for line in examples:
        assert f" {line}" in shown


def test_paragraphs_fill_a_narrow_terminal(run, monkeypatch):
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 80)
    _, out, _ = run("drives", "score", "--help")
    paragraph = COMMANDS["drives", "score"].help.split("\n\n")[1]
    lines = out.split("acc-decel drives score drive.csv")[0].splitlines()
    lines = [line for line in lines[lines.index(next(x for x in lines if "Each event" in x)) :] if line.strip()]
    assert len(lines) <= 1.1 * len(" ".join(paragraph.split())) / 78 + 1


def test_a_command_keeps_its_own_help_for_other_readers():
    assert "the extra [ecu], or cc" in GROUP.commands["compile"].help


@pytest.mark.slow
@pytest.mark.parametrize("program", [["-m", "acc_decel"], ["-c", "from acc_decel.cli import main; main()"]])
def test_the_version_is_printed(program):
    done = subprocess.run([sys.executable, *program, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"acc-decel \d+\.\d+\.\d+\S*\n", done.stdout)


def test_the_shell_gets_its_completion(run, monkeypatch):
    monkeypatch.setattr("shellingham.detect_shell", lambda *_, **__: ("bash", "/bin/bash"))  # here pytest is the parent
    code, out, err = run("--show-completion")
    assert code == 0, err
    assert "complete -o default -F _acc_decel_completion acc-decel" in out
    monkeypatch.setenv("_ACC_DECEL_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "acc-decel pre")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert run()[1].split() == ["predict"]
