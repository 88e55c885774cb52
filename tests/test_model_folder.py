"""A model is one thing: whatever loads its folder checks that all files are as written and belong together."""

import hashlib
import json
import os
import shutil
import warnings
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from acc_decel import Predictor, released_models
from acc_decel.export.onnx_file import set_metadata
from acc_decel.model_folder import changed_since_release, model_path, read_model, released_as

ARRAYS, ONNX, METRICS, MANIFEST = "network.npz", "model.onnx", "metrics.json", "manifest.json"
Damage = Callable[[Path], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a released model, under another name."""
    shutil.copytree(released_models()["compact"], tmp_path / "mine", ignore=shutil.ignore_patterns("*.png"))
    return tmp_path / "mine"


def renew_hashes(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    small = [n for n in manifest["sha256"] if (folder / n).stat().st_size < 2**30]
    manifest["sha256"] |= {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in small}
    (folder / MANIFEST).write_text(json.dumps(manifest))


def text(name: str, content: str | bytes) -> Damage:
    return lambda folder: (
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode()) and None
    )


def entry(name: str, **values: object) -> Damage:
    def damage(folder: Path) -> None:
        table = json.loads((folder / name).read_text()) | values
        (folder / name).write_text(json.dumps({key: value for key, value in table.items() if value is not ...}))

    return damage


def ranges(**ends: object) -> Damage:
    """Change the ends of the ranges of all factors in the metadata of the ONNX file."""

    def damage(folder: Path) -> None:
        model = onnx.load(folder / ONNX)
        named = next(property for property in model.metadata_props if property.key == "factors")
        named.value = json.dumps([factor | ends for factor in json.loads(named.value)])
        onnx.save(model, folder / ONNX)

    return damage


def hashes(**values: object) -> Damage:
    """Change the hashes in the manifest; names with an underscore for the dot."""

    def damage(folder: Path) -> None:
        manifest = json.loads((folder / MANIFEST).read_text())
        changed = manifest["sha256"] | {name.replace("_", "."): value for name, value in values.items()}
        manifest["sha256"] = {name: value for name, value in changed.items() if value is not ...}
        (folder / MANIFEST).write_text(json.dumps(manifest))

    return damage


def arrays(**change: object) -> Damage:
    """Change arrays: a function of the array, a new one, or ... to leave it out."""

    def damage(folder: Path) -> None:
        with np.load(folder / ARRAYS) as file:
            of_file = dict(file)
        for name, new in change.items():
            of_file[name] = new(of_file[name].copy()) if callable(new) else new
        np.savez(folder / ARRAYS, **{name: array for name, array in of_file.items() if array is not ...})

    return damage


def put(value: float, *at: int) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array[at] = value
        return array

    return change


def bomb(folder: Path) -> None:
    """An archive of 20 kB that unpacks to 200 MB."""
    with zipfile.ZipFile(folder / ARRAYS, "w", zipfile.ZIP_DEFLATED) as file, file.open("center.npy", "w") as array:
        np.lib.format.write_array_header_1_0(array, {"descr": "<f4", "fortran_order": False, "shape": (50 * 2**20,)})
        for _ in range(200):
            array.write(bytes(2**20))


def header(shape: tuple[int, ...], *, twice: bool = False) -> Damage:
    """An array that tells of more than it holds."""

    def damage(folder: Path) -> None:
        content = BytesIO()
        np.lib.format.write_array_header_1_0(content, {"descr": "<f4", "fortran_order": False, "shape": shape})
        with zipfile.ZipFile(folder / ARRAYS, "a") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the same name twice
            for _ in range(1 + twice):
                file.writestr("more.npy", content.getvalue())

    return damage


def graph(change: Callable[[onnx.ModelProto], object], *, digest: bool = False) -> Damage:
    """Change the ONNX file; with `digest`, the SHA-256 of its graph follows."""

    def damage(folder: Path) -> None:
        model = onnx.load(folder / ONNX)
        change(model)
        if digest:
            set_metadata(model, {e.key: e.value for e in model.metadata_props})
        (folder / ONNX).write_bytes(model.SerializeToString(deterministic=True))

    return damage


def metadata(**values: str | None) -> Damage:
    def change(model: onnx.ModelProto) -> None:
        texts = {e.key: e.value for e in model.metadata_props} | values
        onnx.helper.set_model_props(model, {key: value for key, value in texts.items() if value is not None})

    return graph(change)


def described(change: Callable[[list[dict]], object]) -> Damage:
    """Change what the metadata say of the factors."""

    def in_model(model: onnx.ModelProto) -> None:
        entry_of_factors = next(e for e in model.metadata_props if e.key == "factors")
        factors = json.loads(entry_of_factors.value)
        change(factors)
        entry_of_factors.value = json.dumps(factors)

    return graph(in_model)


def halve_last_layer(model: onnx.ModelProto) -> None:
    last = [node for node in model.graph.node if node.op_type == "Gemm"][-3]  # two are of the domain's score
    tensor = next(t for t in model.graph.initializer if t.name == last.input[1])
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) / 2, tensor.name))


DAMAGED: dict[str, tuple[str, Damage, str]] = {
    # what is wrong: (file that the sentence names, what does it, what the sentence says besides)
    "manifest empty": (MANIFEST, text(MANIFEST, ""), "must hold JSON"),
    "manifest no text": (MANIFEST, text(MANIFEST, b"\xff\xfe\x00"), "must hold JSON"),
    "manifest nested": (MANIFEST, text(MANIFEST, "[" * 100_000), "must hold JSON"),
    "manifest {}": (MANIFEST, text(MANIFEST, "{}"), "entry sha256, an object. Got none"),
    "manifest []": (MANIFEST, text(MANIFEST, "[]"), "must hold a JSON object. Got []"),
    "manifest null": (MANIFEST, text(MANIFEST, "null"), "must hold a JSON object. Got null"),
    "manifest 5": (MANIFEST, text(MANIFEST, "5"), "must hold a JSON object. Got 5"),
    "hashes []": (MANIFEST, entry(MANIFEST, sha256=[]), "entry sha256, an object. Got []"),
    "hashes {}": (MANIFEST, entry(MANIFEST, sha256={}), "SHA-256 of network.npz. Got none"),
    "no hash of the ONNX": (MANIFEST, hashes(model_onnx=...), "SHA-256 of model.onnx. Got none"),
    "no hash of the metrics": (MANIFEST, hashes(metrics_json=...), "SHA-256 of metrics.json. Got none"),
    "hash a number": (MANIFEST, hashes(model_onnx=5), "64 hexadecimal digits as SHA-256 of model.onnx. Got 5"),
    "hash short": (MANIFEST, hashes(model_onnx="ab"), '64 hexadecimal digits as SHA-256 of model.onnx. Got "ab"'),
    "hash of a file elsewhere": (MANIFEST, entry(MANIFEST, sha256={"network.npz": "0", "../x": "0"}), "Got"),
    "hash of no file": ("more.npz", hashes(more_npz="0" * 64), "must be as manifest.json says. Got no such file"),
    "other vehicle in the manifest": (MANIFEST, entry(MANIFEST, vehicle="suv"), "vehicle compact as model.onnx has"),
    "ONNX of another car": (
        ONNX,
        lambda folder: shutil.copy(released_models()["suv"] / ONNX, folder) and None,
        "must be as manifest.json says",
    ),
    "ONNX changed": (ONNX, graph(halve_last_layer), "must hold the graph that was exported"),
    "arrays gone": (ARRAYS, lambda folder: (folder / ARRAYS).unlink(), "Got no such file"),
}
RENEWED: dict[str, tuple[str, Damage, str]] = {  # the same where the hashes in the manifest were renewed
    "arrays of another car": (
        ARRAYS,
        lambda folder: shutil.copy(released_models()["suv"] / ARRAYS, folder) and None,
        "must hold the network of model.onnx, of fingerprint",
    ),
    "ONNX of another car": (
        ARRAYS,
        lambda folder: shutil.copy(released_models()["suv"] / ONNX, folder) and None,
        "must hold the network of model.onnx, of fingerprint",
    ),
    "metrics of another car": (
        METRICS,
        lambda folder: shutil.copy(released_models()["suv"] / METRICS, folder) and None,
        "must have fingerprint",
    ),
    "last layer halved": (ONNX, graph(halve_last_layer), "must hold the graph that was exported"),
    "an array changed": (ARRAYS, arrays(center=lambda a: a + np.float32(1)), "of fingerprint"),
    "metrics {}": (METRICS, text(METRICS, "{}"), "entry vehicle, a text. Got none"),
    "metrics []": (METRICS, text(METRICS, "[]"), "must hold a JSON object"),
    "metrics null": (METRICS, text(METRICS, "null"), "must hold a JSON object"),
    "metrics cut": (METRICS, text(METRICS, '{"vehicle": "comp'), "must hold JSON"),
    "vehicle a number": (METRICS, entry(METRICS, vehicle=5), "entry vehicle, a text. Got 5"),
    "dataset a list": (METRICS, entry(METRICS, dataset=[]), "entry dataset, an object. Got []"),
    "error a text": (METRICS, entry(METRICS, rmse="low"), 'a number as rmse, 0 to 100. Got "low"'),
    "error beyond any number": (METRICS, entry(METRICS, rmse=10**400), "a number as rmse, 0 to 100. Got 1000"),
    "error NaN": (METRICS, entry(METRICS, rmse=float("nan")), "a number as rmse, 0 to 100. Got NaN"),
    "events below none": (METRICS, entry(METRICS, events=-5), "a number as events"),
    "coverage in percent": (METRICS, entry(METRICS, coverage=90.0), "a number as coverage, 0 to 1. Got 90.0"),
    "vehicle twice": (METRICS, text(METRICS, '{"vehicle": "suv", "vehicle": "compact"}'), "'vehicle' twice"),
    "a file of a terabyte": (METRICS, lambda folder: os.truncate(folder / METRICS, 2**40), "bytes, more than"),
    "an ONNX file of a terabyte": (ONNX, lambda folder: os.truncate(folder / ONNX, 2**40), "bytes, more than"),
    "metadata twice": (
        ONNX,
        lambda folder: (
            (folder / ONNX).write_bytes((folder / ONNX).read_bytes() + b"\x72\x10\x0a\x07vehicle\x12\x05other") and None
        ),
        "each name once in its metadata. Got vehicle twice",
    ),
    "a range beyond any number": (
        ONNX,
        ranges(high=10**400),
        "range low < high of speed. Got 1",
    ),
    "a range of truth values": (ONNX, ranges(low=False, high=True), "range low < high of speed. Got"),
    "no fingerprint in the metrics": (METRICS, entry(METRICS, fingerprint=...), "entry fingerprint, a text. Got none"),
    "float64": (
        ARRAYS,
        arrays(trunk_1_weights=lambda a: a.astype(float)),
        "trunk_1_weights, float32 (12, 32). Got float64",
    ),
    "big-endian": (ARRAYS, arrays(center=lambda a: a.astype(">f4")), "array center, float32"),
    "a missing array": (ARRAYS, arrays(domain_0_bias=...), "no arrays but those of a network"),
    "weights lack": (ARRAYS, arrays(domain_0_weights=...), "array domain_0_weights"),
    "no center": (ARRAYS, arrays(center=...), "array center, float32 (34,). Got none"),
    "no trunk": (ARRAYS, arrays(**{f"trunk_{i}_bias": ... for i in range(4)}), "array trunk_0_bias"),
    "one array too many": (ARRAYS, arrays(more=np.zeros(3)), "Got also more"),
    "wrong shape": (ARRAYS, arrays(trunk_0_bias=lambda a: a[:-1]), "array trunk_0_weights, float32 (17, "),
    "a number for an array": (ARRAYS, arrays(low=np.float32(0)), "array low, float32 (5,). Got float32 ()"),
    "range reversed": (ARRAYS, arrays(ranges=lambda a: a[:, ::-1]), "ranges low < high. Got 70 to 1 of speed"),
    "range NaN": (ARRAYS, arrays(ranges=put(np.nan, 0, 0)), "finite numbers in ranges. Got nan"),
    "weight NaN": (ARRAYS, arrays(embedding_0_weights=put(np.nan, 0, 0)), "finite numbers in embedding_0_weights"),
    "weight infinite": (ARRAYS, arrays(domain_1_weights=put(np.inf, 0, 0)), "finite numbers in domain_1_weights"),
    "limit NaN": (ARRAYS, arrays(low=put(np.nan, 0)), "limits low <= high"),
    "limits reversed": (ARRAYS, arrays(low=put(99, 3)), "limits low <= high"),
    "format an array": (ARRAYS, arrays(format=np.array([2, 2])), "must be of format 3"),
    "format a text": (ARRAYS, arrays(format=np.array("two")), "must be of format 3"),
    "no arrays": (ARRAYS, text(ARRAYS, "no arrays"), "must be the stored arrays of a network"),
    "an object": (ARRAYS, arrays(more=np.array({"a": 1})), "more of the type object"),
    "unpacks to 200 MB": (ARRAYS, bomb, "arrays of 209715"),
    "header of 4 TB": (ARRAYS, header((10**12,)), "more of the shape (1000000000000,)"),
    "header below 0": (ARRAYS, header((-1, 5)), "more of the shape (-1, 5)"),
    "an array twice": (ARRAYS, header((0,), twice=True), "more twice"),
    "ONNX empty": (ONNX, text(ONNX, ""), "must be an ONNX model of acc_decel"),
    "ONNX zeros": (ONNX, text(ONNX, bytes(100)), "must be an ONNX model of acc_decel"),
    "no factors": (
        ONNX,
        metadata(factors=None),
        "low and high of every factor in its metadata factors. Got no factors",
    ),
    "factors no JSON": (ONNX, metadata(factors="[{"), "every factor in its metadata factors. Got something else"),
    "factors a number": (ONNX, metadata(factors="5"), "every factor in its metadata factors"),
    "a factor without low": (ONNX, described(lambda f: f[0].pop("low")), "Got no low"),
    "a missing factor": (ONNX, described(lambda f: f.pop()), "every factor in its metadata factors, in order"),
    "a factor twice": (ONNX, described(lambda f: f.append(f[0])), "every factor in its metadata factors, in order"),
    "low a text": (ONNX, described(lambda f: f[0].update(low="slow")), "range low < high of speed. Got slow"),
    "another range": (ONNX, described(lambda f: f[0].update(high=60.0)), "ranges of the factors in network.npz"),
    "another vehicle": (METRICS, metadata(vehicle="suv"), "must have vehicle suv"),
    "no fingerprint": (ONNX, metadata(fingerprint=None), "must have fingerprint in its metadata"),
    "no hash of the graph": (ONNX, metadata(graph_sha256=None), "must have graph_sha256 in its metadata"),
    "another schema": (ONNX, metadata(schema="00000000"), "exported for factor schema"),
    "no status": (
        ONNX,
        graph(lambda m: m.graph.output.pop(), digest=True),
        "must have status, tensor(int64), as its output 5",
    ),
    "no delay": (
        ONNX,
        graph(lambda m: m.graph.output.pop(3), digest=True),
        "must have delay, tensor(float), as its output 3",
    ),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_folder_is_refused_in_one_sentence(what, folder):
    file, damage, says = DAMAGED[what]
    damage(folder)
    _check_refused(folder, file, says)


@pytest.mark.parametrize("what", RENEWED)
def test_a_damaged_folder_is_refused_when_its_hashes_were_renewed(what, folder):
    file, damage, says = RENEWED[what]
    damage(folder)
    renew_hashes(folder)
    _check_refused(folder, file, says)


def _check_refused(folder: Path, file: str, says: str) -> None:
    with pytest.raises(ValueError) as refused:
        Predictor(folder, backend="onnxruntime")
    sentence = str(refused.value)
    assert sentence.startswith(str(folder / file)), sentence
    assert says in sentence
    assert "Got" in sentence
    assert "train" in sentence[sentence.index("Got") :].lower(), "the remedy"


@pytest.mark.parametrize(
    "command",
    [
        ("predict", "--speed", 30, "--brake-pressure-bar", 100, "--model"),
        ("evaluate", "--model"),
        ("export", "--output", "fw"),
        ("verify",),
        ("card",),
        ("attribute", "--dataset", "data"),
        ("ecu", "--speed", 30, "--brake-pressure-bar", 100, "--model"),
    ],
    ids=lambda command: " ".join(map(str, command[:2])),
)
def test_every_command_checks_the_folder_that_it_loads(command, folder, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(released_models()["suv"] / ONNX, folder)
    assert "model.onnx must be as manifest.json says" in refused(*command, folder)


def test_compile_checks_the_folder_too(folder, run):
    shutil.copy(released_models()["suv"] / ONNX, folder)
    code, out, err = run("compile", folder)
    assert code
    assert "model.onnx must be as manifest.json says" in out + err


def test_a_folder_as_it_was_written_is_read(folder):
    net, metrics = read_model(folder)
    assert net.weights == metrics["weights"]
    assert model_path(folder) == folder / ONNX


def test_an_onnx_file_alone_still_predicts(folder, tmp_path):
    shutil.copy(folder / ONNX, tmp_path / "alone.onnx")
    alone = Predictor(tmp_path / "alone.onnx").predict(speed=30, brake_pressure_bar=100)
    assert alone == Predictor(folder, backend="onnxruntime").predict(speed=30, brake_pressure_bar=100)


def test_an_onnx_file_alone_whose_weights_were_changed_is_refused(folder):
    graph(halve_last_layer)(folder)
    (folder / ONNX).rename(folder / "alone.onnx")
    with pytest.raises(ValueError, match=r"alone\.onnx must hold the graph that was exported"):
        Predictor(folder / "alone.onnx")


@pytest.mark.parametrize(
    "command",
    [
        ("export", "--output", "fw"),
        ("verify",),
        ("card",),
        ("ecu", "--speed", 30, "--brake-pressure-bar", 100, "--model"),
        ("attribute", "--dataset", "data"),
    ],
    ids=lambda command: command[0],
)
def test_a_file_beside_another_model_is_not_taken_for_that_model(command, folder, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(released_models()["suv"] / ONNX, folder / "suv.onnx")
    assert "must be a released model or a model folder" in refused(*command, folder / "suv.onnx")
    assert Predictor(folder / "suv.onnx").vehicle == "suv"


def test_arrays_and_onnx_of_two_cars_without_a_manifest_are_refused_too(folder):
    (folder / MANIFEST).unlink()
    shutil.copy(released_models()["suv"] / ONNX, folder)
    with pytest.raises(ValueError, match=r"must hold the network of model\.onnx"):
        Predictor(folder)


def test_info_says_that_a_proof_is_of_other_files(answered, folder):
    (folder / "proof.json").write_text("{}")
    assert "its proof.json is of other files" in answered("info", folder)["files"]["text"]


def test_info_says_whether_the_files_are_as_released(answered, run, folder):
    assert answered("info")["files"] == {
        "state": "checked",
        "released": "compact",
        "text": "checked: the released model compact, unaltered",
    }
    assert "files: checked: the released model compact" in " ".join(run("info", folder)[1].split())  # a copy of it
    entry(METRICS, rmse=1.0)(folder)
    renew_hashes(folder)
    changed = answered("info", folder)["files"]
    assert (changed["state"], changed["released"]) == ("checked", None)
    assert changed["text"] == "checked; not a released model"


@pytest.mark.parametrize("file", [ONNX, ARRAYS, METRICS, MANIFEST])
def test_info_works_on_an_altered_folder_to_say_so(file, run, folder):
    content = bytearray((folder / file).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / file).write_bytes(bytes(content))
    code, out, err = run("info", folder)
    assert code == 1
    assert "altered: " in out
    assert file in out
    assert not err
    code, out, _ = run("info", folder, "--json")
    assert code == 1
    assert json.loads(out)["files"]["state"] == "altered"


def test_a_model_of_another_vehicle_file_is_not_described_as_the_shipped_vehicle(answered, folder):
    dataset = json.loads((folder / METRICS).read_text())["dataset"] | {"vehicle_sha256": "0" * 16}
    entry(METRICS, dataset=dataset)(folder)
    metadata(dataset=json.dumps(dataset))(folder)
    renew_hashes(folder)
    described_model = answered("info", folder)
    assert described_model["car"] == "compact, a vehicle file of your own with the name of a shipped vehicle"
    assert described_model["files"]["released"] is None


def test_a_released_name_leads_only_to_the_released_model(folder, monkeypatch):
    entry(METRICS, rmse=1.0)(folder)
    renew_hashes(folder)
    monkeypatch.setattr("acc_decel.model_folder.models_folder", lambda: folder.parent)
    folder.rename(folder.with_name("compact"))
    with pytest.raises(ValueError, match=r"metrics\.json must be the file of the released model compact"):
        model_path("compact")
    assert model_path(folder.with_name("compact"))


def test_released_models_are_known_by_their_files(folder):
    assert released_as(folder) == "compact"
    assert changed_since_release(folder, "suv") == ARRAYS
    (folder / METRICS).unlink()
    assert released_as(folder) is None


@pytest.mark.parametrize("command", [("card",), ("verify",)], ids=lambda words: words[0])
def test_a_vehicle_that_is_not_the_models_is_refused(refused, folder, command):
    name, *options = command
    before = (folder / "card.md").read_bytes()
    assert "--vehicle must be the vehicle that the model was trained for" in refused(
        name, folder, "--vehicle", "van", *options
    )
    assert (folder / "card.md").read_bytes() == before


def test_firmware_is_not_written_into_the_folder_of_its_model(refused, folder):
    before = sorted(folder.iterdir())
    assert "--output must not be the folder of the model" in refused("export", folder, "--output", folder)
    assert sorted(folder.iterdir()) == before
