"""The Python prediction API: one event or a DataFrame of events in, what the car can do out.

Runs on the compiled firmware where it was built for this machine, else on ONNX Runtime.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, overload

import numpy as np
import onnxruntime
import pandas as pd
from numpy import ndarray

from acc_decel import status as bits
from acc_decel.compiled import Library, kept_library
from acc_decel.correction import Correction, read_correction
from acc_decel.factors import FACTORS, Factor, column_names, schema, with_range
from acc_decel.model_folder import ARRAYS, DEFAULT_MODEL, ONNX, model_path
from acc_decel.network import FORMAT
from acc_decel.outputs import DELAY, LOWER, MEDIAN, OUTPUTS, stopping_distance
from acc_decel.predictor.explainer import Explainer
from acc_decel.predictor.inputs import Given, _frame_of_one, columns_of, columns_of_one, refusal, where

BACKENDS = (AUTO, C, ONNX_RUNTIME) = ("auto", "c", "onnxruntime")
FLOAT32 = np.dtype(np.float32)


@dataclass(frozen=True)
class Prediction:
    """What the car can do in one event; quantities are SI.

    `deceleration_lower` is reached at least 95 times in 100, `deceleration_lower_99` 99 times in 100,
    `deceleration_upper` exceeded 5 times in 100 [m/s^2].
    `delay` [s] is dead time and build-up of the brakes: stopping_distance = speed * delay + speed^2 / (2 deceleration).
    `stopping_distance_upper` [m] goes with `deceleration_lower`. A car that cannot stop has an infinite distance.
    `attribution`, if asked for, says what each factor adds to `baseline` [m/s^2], the deceleration with nothing known;
    together they are `deceleration`.
    """

    deceleration_lower: float
    deceleration: float
    deceleration_upper: float
    delay: float
    deceleration_lower_99: float
    stopping_distance: float
    stopping_distance_upper: float
    status: int
    attribution: dict[str, float] | None = field(default=None, hash=False)
    baseline: float | None = None

    @property
    def not_available(self) -> tuple[str, ...]:
        """Names of the factors that were not given; the interval accounts for them."""
        return bits.not_available(self.status)

    @property
    def outside_domain(self) -> bool:
        """Whether the combination of factors was never trained: do not rely on the prediction."""
        return bool(self.status & bits.OUTSIDE_DOMAIN)

    @property
    def below_comfort(self) -> bool:
        """Whether the car may not even reach the 3.5 m/s^2 that an ACC may ask for."""
        return bool(self.status & bits.BELOW_COMFORT)

    def __repr__(self) -> str:
        """The answer at a glance, with units."""
        return (
            f"Prediction(deceleration {self.deceleration:.2f} m/s^2 "
            f"[{self.deceleration_lower:.2f}, {self.deceleration_upper:.2f}], delay {self.delay:.2f} s, "
            f"stopping distance {self.stopping_distance:.1f} m [up to {self.stopping_distance_upper:.1f}], "
            f"{bits.describe(self.status)})"
        )


class Predictor:
    """A trained model, ready to predict. `factors` are its braking factors with the ranges it was trained for.

    `backend` says what computes: "c" is the firmware compiled for this machine, quicker and to the bit what an ECU
    answers; "onnxruntime" differs from it in the last digits. "auto" never compiles: it takes the library that
    `acc-decel compile` or an earlier `backend="c"` has built for this model, and ONNX Runtime where there is none.
    """

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        *,
        correction: Correction | str | Path | None = None,
        backend: str = AUTO,
    ) -> None:
        """Load a released model by name, a model folder, or an ONNX file; `correction` adapts its answers to one car.

        A correction is a file of `drives correct`, or its numbers. `backend="c"` compiles once, about a second, unless
        the library is there. Raises ValueError if the model cannot be used, or if the file belongs to another model.
        """
        if backend not in BACKENDS:
            raise ValueError(f"backend must be one of {', '.join(BACKENDS)}. Got {backend!r}.")
        self.path = model_path(model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # the network is too small to share
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(self.path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises classes of its own, without a common one
            raise ValueError(f"{self.path} must be an ONNX model of acc_decel. Got: {error}".splitlines()[0]) from error
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self.factors = _factors(self.path, self.metadata)
        if isinstance(correction, str | Path):
            correction = read_correction(Path(correction), model=self.path).correction
        self.correction = correction
        names = column_names(self.factors)
        self._row_shape, self._speed = (len(names),), names.index("speed")
        self._library = _library(self.path, backend)

    @property
    def backend(self) -> str:
        """What computes the predictions: c or onnxruntime."""
        return ONNX_RUNTIME if self._library is None else C

    @property
    def library(self) -> Path | None:
        """The compiled firmware that computes the predictions, if it is that."""
        return None if self._library is None else self._library.path

    def __repr__(self) -> str:
        """The model and what computes it."""
        how = f"library {self.library}" if self.library else "`acc-decel compile` builds the quicker c"
        return f"Predictor({str(self.path)!r}, vehicle {self.vehicle}, backend {self.backend}: {how})"

    @property
    def vehicle(self) -> str:
        """Name of the vehicle platform that the model was trained for."""
        return self.metadata.get("vehicle", "")

    @cached_property
    def explainer(self) -> Explainer:
        """What says which factor adds how much. Raises ValueError if the model has none."""
        return Explainer(self.path)

    @overload
    def predict(self, events: pd.DataFrame, /, *, explain: bool = ...) -> pd.DataFrame: ...
    @overload
    def predict(self, *, explain: bool = ..., **factors: Given) -> Prediction: ...
    def predict(self, *events: pd.DataFrame, explain: bool = False, **factors: Given) -> pd.DataFrame | Prediction:
        """Predict one event from keyword factors, or many from a DataFrame of factor columns.

        One event: `predict(speed=33.3, brake_pressure_bar=160, surface="asphalt", water_film_mm=1.0)`. A factor not
        given, None or NaN is not available; equipment left out, like `abs`, is the standard one. `surface` and
        `tyre_kind` take a level or a dict of probabilities. Many events: NaN or a missing column means not available;
        `surface` may be one column of level names, or one column of probability for each level. The result has the
        same index and the columns of `Prediction`. With `explain`, `attribution` and `baseline` are filled; a table has
        columns `attribution_<factor>` and `baseline`. Raises ValueError naming factor, row and limit for an unknown
        factor or a value out of range, and if a model that has no student shall explain.
        """
        if len(events) == 1 and isinstance(events[0], pd.DataFrame):
            if factors:
                raise ValueError(f"predict takes a DataFrame or factors, not both. Got also {', '.join(factors)}.")
            return self.predict_frame(events[0], explain=explain)
        if events:
            raise ValueError(
                f"predict takes a DataFrame or factors by name. Got {type(events[0]).__name__}: name the factor."
            )
        columns = None if explain else columns_of_one(factors, self.factors)
        if columns is not None:
            outputs, status = self.predict_array(columns)
            if not status[0] & bits.REFUSED:
                (row,) = outputs
                return _prediction(row, int(status[0]), columns[0, self._speed])
        return self._predict_by_frame(factors, explain=explain)

    def _predict_by_frame(self, factors: Mapping[str, Given], *, explain: bool) -> Prediction:
        """The long way of `predict`, for what is refused, given in an unusual type or to be explained."""
        row = _frame_of_one(factors, self.factors)
        answer = self.predict_frame(row, explain=explain).iloc[0]
        fields = {name: float(answer[name]) for name in (*OUTPUTS, "stopping_distance", "stopping_distance_upper")}
        status = int(answer["status"])
        if not explain:
            return Prediction(**fields, status=status, attribution=None, baseline=None)
        found = {f.name: float(answer[attribution_column(f)]) for f in self.factors}
        return Prediction(**fields, status=status, attribution=found, baseline=float(answer["baseline"]))

    def predict_frame(
        self, events: pd.DataFrame, *, on_refusal: Literal["raise", "flag"] = "raise", explain: bool = False
    ) -> pd.DataFrame:
        """Predictions of many events, see `predict`. With `on_refusal="flag"` a refused row is NaN with its status."""
        columns = columns_of(events, self.factors)
        outputs, status = self.predict_array(columns)
        if on_refusal == "raise":
            self._raise_refused(events, columns, status)
        table = predictions(outputs, status, columns[:, self._speed], events.index)
        if explain:
            scale, bias = (1.0, 0.0) if self.correction is None else (self.correction.scale, self.correction.bias)
            table[[attribution_column(f) for f in self.factors]] = self.explainer.attributions(columns) * scale
            table["baseline"] = self.explainer.baseline * scale + bias
        return table

    def predict_array(self, columns: ndarray) -> tuple[ndarray, ndarray]:
        """The raw path: float32 [n, columns] in the order of `column_names()`, NaN for not available.

        Returns outputs float32 [n, outputs] in the order of OUTPUTS, NaN where refused, and status int64 [n].
        """
        if columns.dtype != FLOAT32 or columns.shape[1:] != self._row_shape:
            raise ValueError(
                f"columns must be float32 [n, {self._row_shape[0]}]. Got {columns.dtype} {list(columns.shape)}: "
                "the columns of a table are `columns_of(table)`."
            )
        told, status = self._told(columns)
        if self.correction is None:
            return told, status
        here = self.correction.outputs(told)
        return here, self.correction.status(here, status.astype(np.int64))  # its int64 is long long in C

    def _told(self, columns: ndarray) -> tuple[ndarray, ndarray]:
        """What the model itself says."""
        if self._library is not None:
            return self._library.predict_array(columns)
        *outputs, status = self._session.run(None, {"factors": columns})
        return np.stack(outputs, axis=1), status

    def _raise_refused(self, events: pd.DataFrame, columns: ndarray, status: ndarray) -> None:
        refused = np.flatnonzero(status & bits.REFUSED)
        if not len(refused):
            return
        row = int(refused[0])
        raise ValueError(refusal(self.factors, columns[row], int(status[row]), where(events.index, row)))


def _library(path: Path, backend: str) -> Library | None:
    """The compiled firmware of the model in `path`, if `backend` asks for it or it was built before."""
    of_folder = path.name == ONNX and (path.parent / ARRAYS).is_file()
    if backend == C:
        if not of_folder:
            raise ValueError(
                f"The backend c must have the {ARRAYS} beside the {ONNX}. Got {path}: give a model folder."
            )
        from acc_decel.compiled.building import built_library  # noqa: PLC0415 - takes onnx, which is slow to import

        return built_library(path.parent)
    return kept_library(path.parent) if backend == AUTO and of_folder else None


def attribution_column(factor: Factor) -> str:
    """The column of a table that says what a factor adds to the deceleration [m/s^2]."""
    return f"attribution_{factor.name}"


def predictions(outputs: ndarray, status: ndarray, speed: ndarray, index: pd.Index) -> pd.DataFrame:
    """Outputs float32 [n, outputs], status [n] and speed [m/s] as the table that `Predictor` returns."""
    table = pd.DataFrame({name: outputs[:, i] for i, name in enumerate(OUTPUTS)}, index=index)
    table["stopping_distance"] = stopping_distance(speed, outputs[:, MEDIAN], outputs[:, DELAY])
    table["stopping_distance_upper"] = stopping_distance(speed, outputs[:, LOWER], outputs[:, DELAY])
    table["status"] = status
    texts = {code: bits.describe(int(code)) for code in np.unique(status)}
    table["status_text"] = [texts[code] for code in status]
    return table


def _prediction(outputs: ndarray, status: int, speed: np.float32) -> Prediction:
    """One answer; the same bits as a row of `predictions`."""
    lower, median, delay = outputs[LOWER], outputs[MEDIAN], outputs[DELAY]
    fields = dict(zip(OUTPUTS, outputs.tolist(), strict=True))
    return Prediction(
        **fields,
        stopping_distance=float(stopping_distance(speed, median, delay)),
        stopping_distance_upper=float(stopping_distance(speed, lower, delay)),
        status=status,
    )


def _factors(path: Path, metadata: dict[str, str]) -> tuple[Factor, ...]:
    found = metadata.get("schema")
    if found != schema():
        raise ValueError(
            f"{path} must be exported for factor schema {schema()}. Got {found or 'no schema: not a model of ours'}. "
            "Train it again with this version: `acc-decel generate`, `acc-decel train`."
        )
    if (number := metadata.get("format", "1")) != str(FORMAT):
        raise ValueError(
            f"{path} must be of format {FORMAT}, which has the score of the trained domain. Got format {number}: "
            "train it again with this version: `acc-decel train`."
        )
    factors = FACTORS
    for told in json.loads(metadata["factors"]):
        factors = with_range(factors, told["name"], told["low"], told["high"])
    return factors
