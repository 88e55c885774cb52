"""What each factor adds to a prediction: the student of a model, run on ONNX Runtime."""

import json
from pathlib import Path

import numpy as np
from numpy import ndarray

from acc_decel.factors import FACTORS, Factor, column_names
from acc_decel.files import read_bounded
from acc_decel.model_folder import ATTRIBUTION, sha256_of
from acc_decel.network import GRAPH_DIGEST, read_onnx
from acc_decel.predictor.session import open_session

ADDS_UP = 1e-3  # [m/s^2], rounding of float32 included


class Explainer:
    """The student in the folder of a model. `baseline` [m/s^2] is what its attributions are relative to."""

    def __init__(self, model: Path) -> None:
        """Load the student of the ONNX file `model`. Raises ValueError if it is missing or is of another network."""
        self.path = model.parent / ATTRIBUTION
        self._again = _remedy(model)
        if not self.path.is_file():
            raise ValueError(f"{self.path} must exist to explain a prediction. Got none: {_remedy(model)}")
        self._session = open_session(
            self.path, expected="the student of a model", remedy=f" To make it, {_remedy(model)}"
        )
        metadata = self._session.get_modelmeta().custom_metadata_map
        if missing := [name for name in ("baseline", "background", "made_for") if name not in metadata]:
            raise ValueError(f"{self.path} must be the student of a model. Got no {missing[0]} in it: {_remedy(model)}")
        if metadata.get(GRAPH_DIGEST) != read_onnx(read_bounded(self.path)).graph_digest:
            raise ValueError(f"{self.path} must hold the graph that was made. Got another: {_remedy(model)}")
        try:
            self.baseline = float(metadata["baseline"])
            self._background: dict[str, list[float]] = json.loads(metadata["background"])
            hashes = dict(json.loads(metadata["made_for"]))
            if not self.background(FACTORS).size:
                raise ValueError("no events")
        except (ValueError, TypeError, AttributeError, StopIteration, RecursionError) as error:
            raise ValueError(
                f"{self.path} must have baseline, background and made_for in its metadata. Got damaged ones: "
                f"{_remedy(model)}"
            ) from error
        _check_belongs(self.path, model, hashes)

    def background(self, factors: tuple[Factor, ...]) -> ndarray:
        """The events [events, columns] whose mean prediction is the baseline; NaN means missing."""
        events = len(next(iter(self._background.values())))
        missing = [np.nan] * events
        return np.array([self._background.get(name, missing) for name in column_names(factors)], np.float32).T.copy()

    def check_adds_up(self, columns: ndarray, medians: ndarray) -> None:
        """Raise ValueError unless baseline and attributions of the background `columns` give their `medians` [m/s^2].

        They add up by construction: where they do not, the student or its baseline is of another network.
        """
        added = self.attributions(columns)
        expected = (len(columns), len(FACTORS))
        if added.shape != expected:
            raise ValueError(
                f"{self.path} must give an attribution of each factor, {list(expected)}. Got {list(added.shape)}: "
                f"{self._again}"
            )
        errors = np.abs([np.mean(medians) - self.baseline, *(self.baseline + added.sum(axis=1) - medians)])
        if not (worst := errors.max()) <= ADDS_UP:  # NaN is no number to compare
            raise ValueError(
                f"{self.path} must have attributions and a baseline that add up to the model's answers within "
                f"{ADDS_UP} m/s^2. Got a difference of {worst:.3g}: {self._again}"
            )

    def attributions(self, columns: ndarray) -> ndarray:
        """What each factor adds [m/s^2]: float32 [n, factors] for float32 [n, columns]; NaN where refused."""
        attributions: ndarray = self._session.run(None, {"factors": columns})[0]
        return attributions


def _check_belongs(student: Path, model: Path, hashes: dict[str, str]) -> None:
    """Raise ValueError if a file of the network, where it is there, is not the one that the student was made for."""
    for name in (model.name, *hashes):
        path = model.parent / name
        if path.is_file() and sha256_of(path) != hashes.get(name):
            raise ValueError(
                f"{student} must have been made for {path}. Got the student of another network: {_remedy(model)}"
            )


def _remedy(model: Path) -> str:
    return f"run `acc-decel attribute {model.parent} --dataset DATASET`."
