"""A student explains only the model that it was made for: what it says must add up to what the model answers."""

import json
import shutil
from pathlib import Path

import onnx
import pytest

from acc_decel import Predictor, released_models

STUDENT, MANIFEST = "attribution.onnx", "manifest.json"
METADATA = {
    "baseline NaN": ({"baseline": "nan"}, "add up to the model's answers"),
    "baseline of nothing": ({"baseline": "1e9"}, "add up to the model's answers"),
    "no events": ({"background": '{"speed": []}'}, "Got damaged ones"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a released model whose manifest does not name the student."""
    shutil.copytree(released_models()["compact"], tmp_path / "mine", ignore=shutil.ignore_patterns("*.png"))
    manifest = json.loads((tmp_path / "mine" / MANIFEST).read_text())
    del manifest["sha256"][STUDENT]
    (tmp_path / "mine" / MANIFEST).write_text(json.dumps(manifest))
    return tmp_path / "mine"


def metadata(path: Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def with_metadata(path: Path, **values: str) -> None:
    model = onnx.load(path)
    onnx.helper.set_model_props(model, metadata(path) | values)
    onnx.save(model, path)


@pytest.mark.parametrize(("values", "says"), METADATA.values(), ids=METADATA.keys())
def test_a_student_with_another_baseline_is_refused(folder, values, says):
    with_metadata(folder / STUDENT, **values)
    _check_refused(folder, says)


def test_the_student_of_another_car_is_refused_whatever_it_says_of_itself(folder):
    own = metadata(folder / STUDENT)["made_for"]
    shutil.copy(released_models()["van"] / STUDENT, folder)
    with_metadata(folder / STUDENT, made_for=own)
    _check_refused(folder, "add up to the model's answers")


def test_a_graph_that_explains_nothing_is_refused(folder):
    said = {name: value for name, value in metadata(folder / STUDENT).items() if name != "graph_sha256"}
    shutil.copy(folder / "model.onnx", folder / STUDENT)
    with_metadata(folder / STUDENT, **said)
    _check_refused(folder, "must give an attribution of each factor")


def test_the_students_of_the_released_models_add_up():
    for name in released_models():
        assert Predictor(name).explainer.baseline > 0


def _check_refused(folder: Path, says: str) -> None:
    with pytest.raises(ValueError) as refused:
        Predictor(folder).predict(speed=30, brake_pressure_bar=160, explain=True)
    assert str(refused.value).startswith(str(folder / STUDENT))
    assert says in str(refused.value)
    assert "acc-decel attribute" in str(refused.value)
