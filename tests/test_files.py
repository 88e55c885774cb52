"""Files are written whole or not at all; of what others left, only what dead processes of ours left is deleted."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from acc_decel import files
from acc_decel.files import (
    MAX_BYTES,
    atomic_write,
    parse_json,
    read_bounded,
    reason,
    replace_files,
    sweep,
    temporary_path,
)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def left_over(tmp_path: Path) -> Path:
    """A temporary file that a process left which has ended."""
    code = "import sys; from pathlib import Path; from acc_decel.files import temporary_path\n"
    code += "path = temporary_path(Path(sys.argv[1])); path.write_text('half'); print(path, end='')"
    asked = [sys.executable, "-c", code, str(tmp_path / "table.csv")]
    return Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_write(tmp_path / "a") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == {"a"}


def test_a_symbolic_link_stays_one_and_its_target_is_written(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "target").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "far" / "target")
    (tmp_path / "dangling").symlink_to(tmp_path / "far" / "new")
    for name in ("link", "dangling"):
        with atomic_write(tmp_path / name) as temporary:
            temporary.write_text(name)
        assert (tmp_path / name).is_symlink()
    assert (tmp_path / "far" / "target").read_text() == "link"
    assert (tmp_path / "far" / "new").read_text() == "dangling"
    assert names(tmp_path / "far") == {"target", "new"}


@pytest.mark.parametrize("linked", [False, True])
def test_a_folder_of_the_same_name_is_refused_by_its_own_name(tmp_path, linked):
    path = tmp_path / "answers.csv"
    (tmp_path / "folder").mkdir()
    path.symlink_to(tmp_path / "folder") if linked else path.mkdir()
    with pytest.raises(IsADirectoryError) as refused, atomic_write(path):
        pass
    assert refused.value.filename == str(path)
    assert names(tmp_path) == {"answers.csv", "folder"}


def test_an_error_names_the_file_that_was_asked_for(tmp_path):
    with pytest.raises(OSError, match="No such file") as refused, atomic_write(tmp_path / "a" / "b") as temporary:
        (tmp_path / "a").rmdir()
        temporary.write_text("x")
    assert refused.value.filename == str(tmp_path / "a" / "b")


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_has_the_mode_that_the_umask_says(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        with atomic_write(tmp_path / "a") as temporary:
            temporary.write_text("x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


@pytest.mark.parametrize("name", ["x" * 255, "ä" * 127, "a\udcff" * 60 + "b" * 80], ids=["x", "letters", "no UTF-8"])
def test_the_longest_names_can_be_written(tmp_path, name):
    with atomic_write(tmp_path / name) as temporary:
        temporary.write_text("x")
    assert names(tmp_path) == {name}


def test_what_a_killed_process_left_of_a_file_is_deleted_when_the_file_is_written_again(left_over, tmp_path):
    assert left_over.is_file()
    with atomic_write(tmp_path / "other.csv") as temporary:
        temporary.write_text("x")
    assert left_over.is_file(), "it is of another file"
    with atomic_write(tmp_path / "table.csv") as temporary:
        temporary.write_text("x")
    assert names(tmp_path) == {"table.csv", "other.csv"}


def test_a_folder_that_a_killed_process_left_is_deleted(left_over, tmp_path):
    left_over.unlink()
    left_over.mkdir()
    (left_over / "part").write_text("x")
    sweep(tmp_path)
    assert not names(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        ".download.partial",
        ".part-00001.parquet.0123456789ab.partial",
        ".table.csv.acc_decel.partial",
        ".a.0000ffff-1-1-00000000.acc_decel.partial",  # of another machine
        "table.csv.partial",
    ],
)
def test_files_of_others_are_never_deleted(tmp_path, name):
    (tmp_path / name).write_text("theirs")
    sweep(tmp_path)
    assert names(tmp_path) == {name}


def test_files_of_living_processes_are_never_deleted(tmp_path):
    (own := temporary_path(tmp_path / "a")).write_text("being written")
    parent = own.name.replace(f"-{os.getpid()}-{files._started(os.getpid())}-", f"-{os.getppid()}-0-")
    (tmp_path / parent).write_text("of a process whose start is not known")
    sweep(tmp_path)
    assert names(tmp_path) == {own.name, parent}


def test_a_living_owner_is_another_process_that_has_not_ended(left_over, tmp_path):
    own = temporary_path(tmp_path / "table.csv")
    own.touch()
    assert files.living_owner(tmp_path, "table.csv") is None, "one has ended, the other is this process"
    parent = own.name.replace(f"-{os.getpid()}-{files._started(os.getpid())}-", f"-{os.getppid()}-0-")
    (tmp_path / parent).touch()
    assert files.living_owner(tmp_path, "table.csv") == os.getppid()
    assert files.living_owner(tmp_path, "other.csv") is None


def test_a_number_that_another_process_has_now_does_not_keep_a_file(tmp_path):
    own = temporary_path(tmp_path / "a")
    earlier = own.with_name(own.name.replace(f"-{files._started(os.getpid())}-", "-1-"))
    earlier.write_text("of a process before this one")
    sweep(tmp_path)
    assert not names(tmp_path)


def test_a_set_of_files_is_replaced_and_the_stale_ones_go(tmp_path):
    for name in ("a", "b", "stale", "mine"):
        (tmp_path / name).write_text("old")
    replace_files(tmp_path, {"a": b"new", "c": b"new"}, ["stale", "not there"])
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a": "new",
        "b": "old",
        "c": "new",
        "mine": "old",
    }


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_set_of_files_that_is_interrupted_stays_as_it_was(tmp_path, monkeypatch, at):
    before = {name: f"old {name}" for name in ("a", "b", "stale")}
    for name, text in before.items():
        (tmp_path / name).write_text(text)
    steps = [Path.replace, Path.unlink]
    count = 0

    def interrupted(step):
        def run(path: Path, *arguments, **options):
            nonlocal count
            if path.parent == tmp_path or (arguments and Path(arguments[0]).parent == tmp_path):
                count += 1
                if count == at:
                    raise KeyboardInterrupt
            return step(path, *arguments, **options)

        return run

    monkeypatch.setattr(Path, "replace", interrupted(steps[0]))
    monkeypatch.setattr(Path, "unlink", interrupted(steps[1]))
    with pytest.raises(KeyboardInterrupt):
        replace_files(tmp_path, {"a": b"new", "b": b"new"}, ["stale"])
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path):
    with pytest.raises(OSError) as failed, atomic_write(tmp_path / "a.csv"):
        raise OSError(errno.ENOSPC, "Error writing bytes to file. Detail: [errno 28] No space left on device")
    assert failed.value.filename == str(tmp_path / "a.csv")
    assert reason(failed.value) == "no space left on device"
    assert not [*tmp_path.iterdir()]


def test_a_set_of_files_on_a_full_disk_is_told_with_its_folder(tmp_path, monkeypatch):
    def write(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(OSError) as failed:
        replace_files(tmp_path, {"a": b"1"})
    assert failed.value.filename == str(tmp_path)


def test_a_folder_that_takes_no_file_is_named_by_its_own_name(tmp_path, monkeypatch):
    def refuse(path: Path, *_, **__) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", str(path))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(PermissionError) as refused:
        replace_files(tmp_path, {"a": b"new"})
    assert refused.value.filename == str(tmp_path)
    assert names(tmp_path) == set()


@pytest.mark.parametrize("kind", ["sparse", "device"])
def test_a_file_that_would_fill_the_memory_is_not_read(tmp_path, kind):
    path = Path("/dev/zero") if kind == "device" else tmp_path / "large"
    if kind == "sparse":
        path.touch()
        os.truncate(path, 2**40)
    with pytest.raises(ValueError, match=f"bytes, more than {MAX_BYTES}"):
        read_bounded(path)


def test_a_name_that_is_there_twice_is_refused():
    assert parse_json(b'{"a": 1, "b": {"a": 2}}') == {"a": 1, "b": {"a": 2}}
    with pytest.raises(ValueError, match="'a' twice"):
        parse_json(b'{"b": {"a": 1, "c": 0, "a": 2}}')
