"""What the system refuses, like memory, room or a folder, is one sentence, and what was written stays whole."""

import errno
import os
import re
import signal
import subprocess
import sys
import tempfile

import pandas as pd
import pytest

STOP = ("--speed", 20, "--brake-pressure-bar", 80)
EVENTS = pd.DataFrame({"speed": [30.0, 20.0], "brake_pressure_bar": [100.0, 80]})


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    EVENTS.to_csv("t.csv", index=False)
    return tmp_path


def failing(error: BaseException):
    def fails(*_: object, **__: object) -> None:
        raise error

    return fails


ERRORS = {
    "no memory": (MemoryError(), "this needs more memory than there is"),
    "no memory for a library": (
        ImportError("x.so: failed to map segment from shared object", name="x"),
        "a library of the system must load",
    ),
    "a full disk": (
        OSError(errno.ENOSPC, "No space left on device"),
        "answers.csv must be a file .* Got: no space left",
    ),
    "a full disk, as Arrow says it": (
        OSError(errno.ENOSPC, "Error writing bytes to file. Detail: [errno 28] No space left on device"),
        "answers.csv must be a file .* Got: no space left on device",
    ),
}


@pytest.mark.parametrize(("error", "says"), ERRORS.values(), ids=ERRORS.keys())
def test_what_the_system_lacks_is_told_in_a_sentence(refused, monkeypatch, folder, error, says):
    monkeypatch.setattr(pd.DataFrame, "to_csv", failing(error))
    sentence = refused("predict", "--input", "t.csv", "--output", "answers.csv")
    assert re.search(says, sentence), sentence
    assert "Errno" not in sentence
    assert {path.name for path in folder.iterdir()} == {"t.csv"}


def test_an_import_error_of_ours_is_no_lack_of_memory(monkeypatch, run):
    monkeypatch.setattr(pd.DataFrame, "to_csv", failing(ImportError("cannot import name 'x'")))
    with pytest.raises(ImportError):
        run("predict", "--input", "t.csv", "--output", "answers.csv")


def test_a_working_folder_that_is_gone_is_told(refused, monkeypatch, tmp_path):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    sentence = refused("predict", "--input", tmp_path / "t.csv", "--output", "answers.csv")
    assert "the working folder must be there" in sentence


def test_no_temporary_folder_is_told(refused, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc/nope"])
    assert "TMPDIR must be a folder that can be written. Got none of ['/proc/nope']" in refused("ecu", *STOP)


def test_a_name_that_is_not_utf_8_is_written_and_told(run, folder):
    code, out, err = run("predict", "--input", "t.csv", "--output", "a\udcff.csv")
    assert (code, err) == (0, "")
    assert "2 predictions in a\\udcff.csv" in out
    assert b"a\xff.csv" in os.listdir(os.fsencode(folder))  # noqa: PTH208 - as bytes


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110 - a device
def test_an_output_that_takes_nothing_is_told():
    command = [sys.executable, "-m", "acc_decel", "--version"]
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert "Got: no space left on device" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_that_ends_the_program_lets_it_tidy_up(run, monkeypatch, folder, name):
    number = getattr(signal, name)
    before = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGHUP)}
    monkeypatch.setattr(pd.DataFrame, "to_csv", lambda *_, **__: signal.raise_signal(number))
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        assert run("predict", "--input", "t.csv", "--output", "answers.csv")[0] == 128 + number
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert {path.name for path in folder.iterdir()} == {"t.csv"}
