"""The folder of an export: what it replaces, what it deletes, and what it refuses to touch."""

import json
from pathlib import Path

import numpy as np
import pytest

from acc_decel.export import firmware_files, golden_events, write_firmware
from tests.helpers.random_net import random_net

FILES = {
    model: firmware_files(net, model=model, golden=golden_events(net.factors)[:4])
    for model, net in ((name, random_net(np.random.default_rng(seed))) for seed, name in enumerate(("one", "two")))
}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def write_evidence(folder: Path, model: str) -> None:
    (folder / "evidence.json").write_text(json.dumps({"model": model, "sources_sha256": "0" * 64}))
    (folder / "EVIDENCE.md").write_text(f"# Evidence for the firmware of {model}\n")


def test_evidence_of_another_model_does_not_stay_beside_a_firmware(tmp_path):
    write_firmware(tmp_path, FILES["one"])
    write_evidence(tmp_path, "one")
    write_firmware(tmp_path, FILES["one"])
    assert set(contents(tmp_path)) == {*FILES["one"], "EVIDENCE.md", "evidence.json"}, "it is of this model"
    write_firmware(tmp_path, FILES["two"])
    assert set(contents(tmp_path)) == {*FILES["two"]}


def test_a_file_of_that_name_that_is_no_evidence_stays(tmp_path):
    (tmp_path / "evidence.json").write_text("[]")
    write_firmware(tmp_path, FILES["one"])
    assert contents(tmp_path)["evidence.json"] == b"[]"


@pytest.mark.parametrize("name", ["README.md", "example_main.c", "golden_vectors.csv", "acc_decel.h"])
def test_a_file_of_something_else_is_never_replaced(tmp_path, name):
    (tmp_path / name).write_text("mine\n")
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=f"{name} must be of an earlier export.*export to another folder, or move"):
        write_firmware(tmp_path, FILES["one"])
    assert contents(tmp_path) == before


def test_a_readme_of_the_users_own_in_an_export_is_never_replaced(tmp_path):
    write_firmware(tmp_path, FILES["one"])
    (tmp_path / "README.md").write_text("# How we use acc_decel\n")
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=r"README\.md must be of an earlier export"):
        write_firmware(tmp_path, FILES["two"])
    assert contents(tmp_path) == before


def test_the_command_refuses_a_folder_with_a_readme_of_its_own(refused, tmp_path):
    (tmp_path / "README.md").write_text("mine")
    assert "README.md must be of an earlier export" in refused("export", "--output", tmp_path)
    assert contents(tmp_path) == {"README.md": b"mine"}


def test_the_command_says_that_evidence_is_stale(run, tmp_path):
    run("export", "suv", "--output", tmp_path)
    write_evidence(tmp_path, "suv")
    assert "EVIDENCE" not in run("export", "suv", "--output", tmp_path)[2], "nothing has changed"
    (tmp_path / "acc_decel.c").write_text("/* of an earlier version of acc_decel */")
    assert "tells of the firmware before: run `acc-decel evidence" in run("export", "suv", "--output", tmp_path)[2]
    assert "were of another model: deleted" in run("export", "van", "--output", tmp_path)[2]
