"""A damaged dataset ends in one sentence that names the file and the entry, before memory is taken for its events."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import COMPACT

from acc_decel import released_models
from acc_decel.dataset import generate, load_dataset

Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "dataset"
    generate(COMPACT, folder, events=300, seed=5, partition=200)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "dataset"))


def text(content: str | bytes) -> Damage:
    return lambda folder: (
        (folder / "manifest.json").write_bytes(content if isinstance(content, bytes) else content.encode()) and None
    )


def entry(**values: object) -> Damage:
    return changed(lambda manifest: manifest.update(values))


def part(**values: object) -> Damage:
    return changed(lambda manifest: manifest["parts"][0].update(values))


def changed(change: Callable[[dict], object]) -> Damage:
    def damage(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        change(manifest)
        (folder / "manifest.json").write_text(json.dumps(manifest))

    return damage


def table(change: Callable[[pa.Table], pa.Table]) -> Damage:
    """Change a part and renew its hash in the manifest."""

    def damage(folder: Path) -> None:
        path = folder / "part-00000.parquet"
        pq.write_table(change(pq.read_table(path)), path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        part(sha256=digest)(folder)

    return damage


def with_column(events: pa.Table, name: str, value: float) -> pa.Table:
    """The events with one value in a column."""
    at = events.schema.get_field_index(name)
    return events.set_column(at, name, pa.array(np.full(len(events), value, np.float32)))


MANIFESTS: dict[str, tuple[Damage, str]] = {
    "empty": (text(""), "must be as generated"),
    "binary": (text(b"\xff\x00"), "must be as generated"),
    "nested": (text("[" * 100_000), "must be as generated"),
    "[]": (text("[]"), "must have an object. Got []"),
    "null": (text("null"), "must have an object. Got none"),
    "no schema": (changed(lambda m: m.pop("schema")), "factor schema null"),
    "schema a number": (entry(schema=5), "factor schema 5"),
    "no vehicle": (changed(lambda m: m.pop("vehicle")), "must have vehicle, a text. Got none"),
    "seed a number": (entry(seed=1), "must have seed, a text. Got 1"),
    "no parts": (changed(lambda m: m.pop("parts")), "must have parts, the files of the dataset. Got none"),
    "parts []": (entry(parts=[]), "must have parts, the files of the dataset. Got []"),
    "parts {}": (entry(parts={}), "must have parts, the files of the dataset. Got {}"),
    "parts of numbers": (entry(parts=[1]), "file, events and sha256 of each part. Got 1"),
    "no file": (changed(lambda m: m["parts"][0].pop("file")), "the name of each part as file. Got none"),
    "a file elsewhere": (part(file="../part-00000.parquet"), "the name of each part as file. Got ../part"),
    "no hash": (changed(lambda m: m["parts"][0].pop("sha256")), "as sha256 of part-00000.parquet. Got none"),
    "hash a number": (part(sha256=5), "as sha256 of part-00000.parquet. Got 5"),
    "events 1e12": (part(events=10**12), "the number of events of part-00000.parquet, 1 to"),
    "events a text": (part(events="200"), "the number of events of part-00000.parquet"),
    "events NaN": (part(events=float("nan")), "Got NaN"),
    "events of a part": (changed(lambda m: (m["parts"][0].update(events=250), m.update(events=350))), "Got 200"),
    "sum of events": (entry(events=100), "must have events, the sum over its parts, 300"),
    "no vehicle's numbers": (entry(vehicle_file=None), "must have vehicle_file, the vehicle's numbers. Got none"),
    "a vehicle's number": (changed(lambda m: m["vehicle_file"]["body"].update(kerb_mass=-1)), "body.kerb_mass must be"),
    "another vehicle": (
        changed(lambda m: m["vehicle_file"]["body"].update(kerb_mass=1200.0)),
        "must have vehicle_sha256",
    ),
    "driving a number": (entry(driving=5), "must have driving, with quantiles and uniform. Got 5"),
    "driving empty": (entry(driving={}), "must have driving, with quantiles and uniform. Got {}"),
    "no speed": (table(lambda t: t.drop_columns("speed")), "must have a column speed. Got none"),
    "no label": (table(lambda t: t.drop_columns("delay")), "must have a column delay. Got none"),
    "speed a text": (
        table(lambda t: t.set_column(1, "speed", pa.array(["fast"] * len(t)))),
        "speed of the type string",
    ),
    "fewer events": (table(lambda t: t.slice(0, 100)), "must hold 200 events, as manifest.json says. Got 100"),
    "no Parquet": (lambda f: (f / "part-00000.parquet").write_text("x") and None, "must be as generated"),
    "a manifest of a terabyte": (lambda f: os.truncate(f / "manifest.json", 2**40), "bytes, more than"),
    "a name twice": (text('{"parts": [], "parts": []}'), "'parts' twice"),
    "a part twice": (
        changed(lambda m: m.update(parts=2 * m["parts"][:1], events=400)),
        "must hold the events 200 to 399 in order, after those of the parts before. Got others, from 0 on",
    ),
    "braking beyond any car": (table(lambda t: with_column(t, "deceleration", -1e9)), "deceleration must be -20 to 20"),
    "a delay of years": (table(lambda t: with_column(t, "delay", 1e9)), "delay must be -10 to 10. Got 1e+09"),
    "a factor out of range": (table(lambda t: with_column(t, "speed", 1e30)), "speed must be 1 to 70. Got 1e+30"),
    "a missing value of a required factor": (
        table(lambda t: with_column(t, "speed", np.nan)),
        "speed is required. Got NaN",
    ),
    "no probability": (table(lambda t: with_column(t, "surface_ice", 7)), "surface must be 0 to 1. Got 7"),
    "mass of another car": (table(lambda t: with_column(t, "mass", 4000)), "mass must be 1000 to 2300. Got 4000"),
    "a missing part": (lambda f: (f / "part-00001.parquet").unlink(), "must exist: the manifest lists it"),
}


@pytest.mark.parametrize("what", MANIFESTS)
def test_a_damaged_dataset_is_refused_in_one_sentence(what, folder):
    damage, says = MANIFESTS[what]
    damage(folder)
    with pytest.raises(ValueError, match=r"(?i)generate") as refused:
        load_dataset(folder)
    sentence = str(refused.value)
    assert sentence.startswith(str(folder))
    assert says in sentence
    assert "\n" not in sentence


@pytest.mark.slow
def test_the_command_says_the_same(refused, folder):
    entry(parts=[])(folder)
    assert "must have parts" in refused("train", folder, "--output", folder.parent / "model")


@pytest.mark.parametrize(
    ("fill", "says"),
    [
        (lambda folder: shutil.copy(released_models()["compact"] / "manifest.json", folder), "of something else"),
        (text('{"name": "a web app"}'), "of something else"),
        (text("no JSON"), "of something else"),
        (text(json.dumps({"parts": [], "seed": "7", "vehicle": "compact"})), "the same dataset"),
    ],
    ids=["model", "web app", "damaged", "other dataset"],
)
def test_a_manifest_of_something_else_is_not_overwritten(tmp_path, fill, says):
    fill(tmp_path)
    before = (tmp_path / "manifest.json").read_bytes()
    with pytest.raises(ValueError, match=says):
        generate(COMPACT, tmp_path, events=10, seed=5)
    assert (tmp_path / "manifest.json").read_bytes() == before


def test_a_part_that_is_a_link_does_not_replace_the_file_of_somebody_else(tmp_path):
    mine = tmp_path / "notes.txt"
    mine.write_text("mine")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "part-00000.parquet").symlink_to(mine)
    with pytest.raises(ValueError, match=r"part-00000\.parquet must be a file of the dataset. Got a link to .*notes"):
        generate(COMPACT, tmp_path / "data", events=10, seed=5)
    assert mine.read_text() == "mine"


def test_files_of_others_stay_in_the_folder_of_a_dataset(tmp_path):
    for name in (".download.partial", ".x.0123456789ab.partial", "notes.txt"):
        (tmp_path / name).write_text("theirs")
    generate(COMPACT, tmp_path, events=10, seed=5)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {".download.partial", ".x.0123456789ab.partial", "notes.txt", "manifest.json", "part-00000.parquet"}


def test_a_negative_seed_is_refused(tmp_path, run):
    with pytest.raises(ValueError, match=r"seed must be at least 0\. Got -1"):
        generate(COMPACT, tmp_path, events=10, seed=-1)
    for command in (("generate",), ("train", tmp_path)):
        code, _, err = run(*command, "--output", tmp_path / "x", "--seed", -1)
        assert code == 2
        assert "'--seed'" in err
        assert "Traceback" not in err
