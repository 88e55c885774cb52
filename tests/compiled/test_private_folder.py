"""Code is loaded from where nobody else can write, and from nowhere else."""

import os
from pathlib import Path

import pytest

from acc_decel import Predictor
from acc_decel.compiled import cache
from acc_decel.compiled.private_folder import intruders
from acc_decel.model_folder import models_folder

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners and modes are those of POSIX")
AS_ROOT = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives a file to another user"
)
OWN_GROUP = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != os.getgid(), reason="this user's group has another number"
)
STRANGER = 65534


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A file in a folder in a folder, all of this user alone."""
    path = tmp_path / "cache" / "acc_decel" / "a.so"
    path.parent.mkdir(parents=True, mode=0o700)
    path.write_bytes(b"code")
    for place in (path, path.parent, path.parent.parent):
        place.chmod(0o700)
    return path


@pytest.mark.parametrize(
    ("level", "mode"),
    [(0, 0o600), (0, 0o755), (1, 0o755), (1, 0o1777), (1, 0o770), (2, 0o1777)],
    ids=[
        "of the owner",
        "readable",
        "in a readable folder",
        "in a sticky folder",
        "own group's folder",
        "sticky above",
    ],
)
def test_what_only_the_owner_writes_is_accepted(library: Path, level: int, mode: int) -> None:
    [library, *library.parents][level].chmod(mode)
    assert intruders(library) is None


@pytest.mark.parametrize(
    ("level", "mode"),
    [(0, 0o666), (0, 0o660), (0, 0o1777), (1, 0o777), (2, 0o777)],
    ids=["of all", "of the group", "sticky", "in a folder of all", "folder of all above"],
)
def test_what_others_may_write_is_named_with_its_mode(library: Path, level: int, mode: int) -> None:
    place = [library, *library.parents][level]
    place.chmod(mode)
    assert intruders(library) == f"{place.resolve()} with mode {mode:o}"


@AS_ROOT
@pytest.mark.parametrize("level", range(3), ids=["file", "folder", "folder above"])
def test_what_belongs_to_another_user_is_named_with_its_owner(library: Path, level: int) -> None:
    place = [library, *library.parents][level]
    os.chown(place, STRANGER, STRANGER)
    assert intruders(library) == f"{place.resolve()} of user {STRANGER}"


def test_a_link_is_judged_by_what_it_leads_to(library: Path, tmp_path: Path) -> None:
    library.parent.chmod(0o777)
    link = tmp_path / "link.so"
    link.symlink_to(library)
    assert intruders(link) == f"{library.parent.resolve()} with mode 777"


def kept_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with the name of the compact car's library in a cache below `folder`; it is no library."""
    monkeypatch.setattr(cache, "cache_folder", lambda: folder / "acc_decel")
    path = folder / "acc_decel" / f"{cache.name_of(models_folder() / 'compact')}_{cache._hash(b'code')}.so"
    path.parent.mkdir(mode=0o700)
    path.write_bytes(b"code")
    return path


@pytest.mark.parametrize("mode", [0o777, 0o1777], ids=oct)
def test_a_library_that_others_could_have_put_there_is_never_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    path = kept_in(tmp_path, monkeypatch)
    with pytest.warns(UserWarning, match="must be a library that this machine loads"):
        Predictor()  # it would be loaded
    path.parent.chmod(mode)
    with pytest.warns(UserWarning, match=rf"is not loaded: others could have put it there \(.* with mode {mode:o}\)"):
        assert Predictor().backend == "onnxruntime"


@AS_ROOT
def test_a_library_in_the_folder_of_another_user_is_never_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kept_in(tmp_path, monkeypatch)
    os.chown(path.parent, STRANGER, STRANGER)
    with pytest.warns(UserWarning, match=f"of user {STRANGER}"):
        assert Predictor().backend == "onnxruntime"


@pytest.mark.parametrize("folder", ["shared", "nowhere"])
def test_nothing_is_stored_where_it_would_not_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    place = {"shared": shared, "nowhere": Path(os.devnull) / "cache"}[folder]
    monkeypatch.setattr(cache, "cache_folder", lambda: place)
    product = tmp_path / "new.so"
    product.write_bytes(b"code")
    with pytest.raises(ValueError, match=r"must be one that you, and you alone, can write to\. Got: .*XDG_CACHE_HOME"):
        cache.store(models_folder() / "compact", product)
    assert not list(shared.iterdir())


def test_a_relative_cache_folder_is_not_taken_from_the_working_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    assert cache.cache_folder() == Path.home() / ".cache" / "acc_decel"


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), RuntimeError("no home")], ids=repr)
def test_whoever_may_not_enter_the_cache_predicts_without_it(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fails() -> Path:
        raise error

    monkeypatch.setattr(cache, "cache_folder", fails)
    assert Predictor().backend == "onnxruntime"


def test_a_library_that_this_machine_does_not_load_is_left_out_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kept_in(tmp_path, monkeypatch)
    digest = cache._hash(b"no library")
    path.rename(broken := path.with_name(f"{path.stem.partition('_')[0]}_{digest}.so"))
    broken.write_bytes(b"no library")
    os.mkfifo(path)  # nor is anything but a file read
    with pytest.warns(UserWarning, match="must be a library that this machine loads.*onnxruntime predicts"):
        assert Predictor().backend == "onnxruntime"
