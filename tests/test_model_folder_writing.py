"""A model's folder is replaced as a whole, by another network or not at all; nothing else in it is touched."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from acc_decel import files, released_models
from acc_decel.export import write_model
from acc_decel.model_folder import check_replaceable, read_model, stale_files
from tests.helpers.random_net import random_net

NET = random_net(np.random.default_rng(4))
NET = replace(NET, low=np.full_like(NET.low, -4), high=np.full_like(NET.high, 18))
WRITTEN = {"network.npz", "model.onnx", "metrics.json", "manifest.json"}


def write(folder: Path, seed: int = 4) -> None:
    net = replace(random_net(np.random.default_rng(seed)), low=NET.low, high=NET.high)
    write_model(folder, net, vehicle="mine", dataset={"seed": str(seed)}, training={}, metrics={})


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model with student, proof, card and pictures as a released one has them, and a file of the user's own."""
    folder = tmp_path / "model"
    write(folder)
    released = released_models()["compact"]
    for path in released.iterdir():
        if path.name not in WRITTEN:
            shutil.copy(path, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"]["attribution.onnx"] = json.loads((released / "manifest.json").read_text())["sha256"][
        "attribution.onnx"
    ]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "notes.txt").write_text("mine")
    (folder / "drawing.png").write_text("mine")
    return folder


def test_another_network_takes_the_folder_and_what_was_of_the_old_one_is_gone(model):
    assert len(stale_files(model)) > len(WRITTEN)
    write(model, seed=5)
    assert names(model) == WRITTEN | {"notes.txt", "drawing.png"}
    assert read_model(model)[1]["dataset"] == {"seed": "5"}


@pytest.mark.parametrize(
    ("name", "content"), [("card.md", "# My own notes\n"), ("proof.json", "[1, 2]"), ("attribution.onnx", "mine")]
)
def test_a_file_of_the_users_own_under_such_a_name_stays(tmp_path, name, content):
    write(tmp_path / "model")
    (tmp_path / "model" / name).write_text(content)
    write(tmp_path / "model", seed=5)
    assert (tmp_path / "model" / name).read_text() == content


def test_an_interrupted_write_leaves_the_old_model_whole(model, monkeypatch):
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    steps, write_bytes = [], Path.write_bytes

    def interrupted(path: Path, content: bytes) -> int:
        steps.append(path)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(model, seed=5)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before


def of_dataset(folder: Path) -> None:
    (folder / "manifest.json").write_text(json.dumps({"parts": [], "sha256": {}}))


def of_kind(folder: Path) -> None:
    (folder / "manifest.json").write_text(json.dumps({"kind": "bayes", "sha256": {}}))


def text(name: str, content: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(content) and None


@pytest.mark.parametrize(
    ("fill", "says"),
    [
        (of_dataset, "a manifest.json of something else"),
        (of_kind, "Got a bayes model"),
        (text("manifest.json", "{"), "or a damaged one"),
        (text("metrics.json", "{}"), "Got metrics.json without one"),
        (text("card.md", "mine"), "Got card.md without one"),
    ],
    ids=["dataset", "bayes", "damaged", "metrics", "card"],
)
def test_a_folder_that_holds_something_else_is_refused_and_stays_as_it_is(tmp_path, fill, says):
    fill(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=says):
        write(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_released_model_is_never_replaced(tmp_path):
    shutil.copytree(released_models()["compact"], tmp_path / "copy")
    for folder in (released_models()["van"], tmp_path / "copy"):
        with pytest.raises(ValueError, match="must not be the folder of a released model"):
            check_replaceable(folder)


def test_a_folder_of_other_files_can_become_one_of_a_model(tmp_path):
    (tmp_path / "README.md").write_text("mine")
    write(tmp_path)
    assert names(tmp_path) == WRITTEN | {"README.md"}


@pytest.mark.parametrize("output", ["released", "copy", "dataset"])
def test_train_refuses_such_folders_before_it_reads_the_dataset(refused, tmp_path, output):
    shutil.copytree(released_models()["compact"], tmp_path / "copy")
    (tmp_path / "dataset").mkdir()
    of_dataset(tmp_path / "dataset")
    folder = released_models()["suv"] if output == "released" else tmp_path / output
    says = "must be a new folder" if output == "dataset" else "must not be the folder of a released model"
    assert says in refused("train", tmp_path / "none", "--output", folder)


def test_a_temporary_file_of_a_killed_process_goes_with_the_next_model(tmp_path, monkeypatch):
    write(tmp_path)
    monkeypatch.setattr(files, "_started", lambda _: None)  # every process has ended
    files.temporary_path(tmp_path / "new").mkdir()
    files.temporary_path(tmp_path / "card.md").write_text("half")
    (tmp_path / ".download.partial").write_text("theirs")
    write(tmp_path, seed=5)
    assert names(tmp_path) == WRITTEN | {".download.partial"}
