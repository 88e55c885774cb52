"""What is printed: no word is broken where that can be avoided, and nothing steers the terminal."""

import io
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from acc_decel.cli import terminal
from acc_decel.cli.terminal import counted, print_json, print_table, printable, say

STEERING = {
    "a colour": ("\x1b[31mred", r"\x1b[31mred"),
    "a title": ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
    "a bell": ("\a", r"\x07"),
    "a line that is written over": ("1\r2", r"1\r2"),
    "eight bits": ("\x9b31m", r"\x9b31m"),
    "the other direction": ("\u202ecod.exe", r"\u202ecod.exe"),
    "deleted": ("\x7f", r"\x7f"),
    "zero": ("\0", r"\x00"),
}


@pytest.mark.parametrize(("text", "shown"), STEERING.values(), ids=STEERING.keys())
def test_what_steers_a_terminal_is_written_out(text, shown, capsys):
    assert printable(text) == shown
    print_table(text, ("a", text), [("b", text), (text, "c")])
    say(text)
    out = capsys.readouterr().out
    assert text not in out
    assert out.count(shown) >= 4


@pytest.mark.parametrize("text", ["Müller", "日本", "a\tb", "two\nlines", "[bold]x[/bold]", "1 °C, µm"])
def test_letters_are_left_as_they_are(text):
    assert printable(text) == text


def test_a_name_in_a_table_of_tests_does_not_reach_the_terminal(run, tmp_path):
    (tmp_path / "t.csv").write_text("name,braking_distance_m,speed\n\x1b[31mred\x1b[0m,40,27\n", newline="")
    for arguments in ((), ("--model", "suv")):
        code, out, err = run("evaluate", "--tests", tmp_path / "t.csv", *arguments)
        assert code == 0
        assert "\x1b" not in out + err
        assert r"\x1b[31mred" in out


@pytest.mark.parametrize(
    "content",
    ["\x1b[31mspeed,mass\n1,2\n", "speed,brake_pressure_bar,surface\n20,80,\x1b[31mice\n", "speed\n\x1b[31m5\n"],
    ids=["a name of a column", "a level", "a number"],
)
def test_an_error_does_not_repeat_it_to_the_terminal(run, tmp_path, content):
    (tmp_path / "t.csv").write_text(content)
    code, out, err = run("predict", "--input", tmp_path / "t.csv")
    assert code == 2
    assert "\x1b" not in out + err
    assert r"\x1b[31m" in err


def test_progress_of_a_file_shows_its_name_letter_by_letter(monkeypatch):
    screen = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=120)
    monkeypatch.setattr(terminal, "progress_console", screen)
    with terminal.progress_bar() as progress:
        progress.add_task("reading [red]\x1b[31m.csv", total=1)
    assert r"reading [red]\x1b[31m.csv" in screen.file.getvalue()


WORDS = ("row", "deceleration lower", "deceleration upper", "stopping distance upper", "status")


def printed(monkeypatch, capsys, width: int, rows: list[tuple[str, ...]], columns: int = 5) -> list[str]:
    """The lines of a table of the first so many columns."""
    monkeypatch.setattr(terminal, "_width", lambda: width)
    capsys.readouterr()
    print_table("", WORDS[:columns], [row[:columns] for row in rows])
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("width", [64, 68, 75, 90, 120])
def test_headings_and_texts_break_between_words(monkeypatch, capsys, width):
    rows = [("1", "3.71", "6.03", "123.08", "outside domain, below comfort"), ("2", "1", "2", "3", "ok")]
    lines = printed(monkeypatch, capsys, width, rows)
    words = {word.strip(",") for line in lines for word in line.replace("┃", " ").replace("│", " ").split()}
    assert {"deceleration", "lower", "stopping", "distance", "outside", "domain", "comfort", "123.08"} <= words
    assert max(map(len, lines)) <= width


def test_where_headings_must_break_numbers_do_not(monkeypatch, capsys):
    lines = printed(monkeypatch, capsys, 45, [("1", "-3.7105", "-6.0312", "1123.08", "ok")])
    assert {"-3.7105", "-6.0312", "1123.08"} <= {cell.strip() for line in lines for cell in line.split("│")}


def test_texts_of_every_row_are_whole_before_those_of_few(monkeypatch, capsys):
    rows = [(str(i), "28.3 to 49.6", "3", "4", "below comfort" if i == 0 else "ok") for i in range(9)]
    lines = printed(monkeypatch, capsys, 72, rows)
    assert sum("28.3 to 49.6" in line for line in lines) == 9


VALUES = {
    "what is not finite": ([np.inf, -np.inf, np.nan, None, pd.NA, pd.NaT], [None] * 6),
    "numbers of NumPy": ([np.float32(0.5), np.int64(3), np.bool_(True)], [0.5, 3, True]),
    "times": ([pd.Timestamp(2026, 1, 2), pd.Timedelta(1, "s")], ["2026-01-02 00:00:00", "0 days 00:00:01"]),
}


@pytest.mark.parametrize(("values", "expected"), VALUES.values(), ids=VALUES.keys())
def test_a_program_gets_plain_values(values, expected, capsys):
    import json  # noqa: PLC0415

    print_json(values)
    assert json.loads(capsys.readouterr().out) == expected


def test_one_thing_is_not_several():
    assert [counted(n, "tick") for n in (0, 1, 2)] == ["0 ticks", "1 tick", "2 ticks"]


PREDICT = '"$1" -m acc_decel predict --speed 20 --brake-pressure-bar 80'
STREAMS = {
    "output closed": (">&-", 2, "standard output must be open"),
    "errors closed": ("2>&-", 0, ""),
    "input closed": ("<&-", 0, ""),
    "a reader that goes": ("| true; exit ${PIPESTATUS[0]}", (0, 1), ""),
    "no room": (">/dev/full", 2, "no space left"),
}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="shells of other systems are not part of the project")
@pytest.mark.parametrize(("streams", "code", "said"), STREAMS.values(), ids=STREAMS.keys())
def test_streams_that_are_closed_or_full(streams, code, said):
    script = f"{PREDICT} {streams}"
    done = subprocess.run(["bash", "-c", script, "bash", sys.executable], capture_output=True, text=True, check=False)
    assert done.returncode in (code if isinstance(code, tuple) else (code,)), done.stderr
    assert said in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == bool(said)
