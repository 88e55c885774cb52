"""A predictor can be copied, also into another process, and a copy is the same model or an error."""

import copy
import pickle
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from acc_decel import Predictor
from acc_decel.correction import Correction
from acc_decel.model_folder import models_folder

STOP = {"speed": 33.3, "brake_pressure_bar": 160.0, "surface": "asphalt"}
WAYS: dict[str, Callable[[Predictor], Predictor]] = {
    "pickle": lambda p: pickle.loads(pickle.dumps(p)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("correction", [None, Correction(0.9, 0.1, 0.2)], ids=["plain", "corrected"])
def test_a_copy_answers_as_the_first(way: Callable[[Predictor], Predictor], correction: Correction | None) -> None:
    first = Predictor("suv", backend="onnxruntime", correction=correction)
    second = way(first)
    assert second is not first
    assert (second.path, second.backend, second.correction) == (first.path, first.backend, correction)
    assert second.predict(**STOP) == first.predict(**STOP)


class NamedPredictor(Predictor):
    """A predictor of one's own."""


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_copy_is_of_the_same_class(way: Callable[[Predictor], Predictor]) -> None:
    assert type(way(NamedPredictor(backend="onnxruntime"))) is NamedPredictor


@pytest.mark.slow
def test_another_process_predicts_with_it() -> None:
    first = Predictor("van", backend="onnxruntime")
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert pool.submit(first.predict, **STOP).result() == first.predict(**STOP)


def test_a_copy_of_a_file_that_has_changed_is_refused(tmp_path: Path) -> None:
    model = Path(shutil.copytree(models_folder() / "suv", tmp_path / "model"))
    stored = pickle.dumps(Predictor(model))
    shutil.rmtree(model)
    shutil.copytree(models_folder() / "van", model)
    with pytest.raises(ValueError, match=r"must be the model that was copied, with SHA-256 .*Got .*changed since"):
        pickle.loads(stored)
