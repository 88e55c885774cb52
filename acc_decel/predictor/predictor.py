"""The Python prediction API: one event or a DataFrame of events in, what the car can do out.

Runs on the compiled firmware where it was built for this machine, else on ONNX Runtime.
"""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from html import escape
from os import PathLike
from pathlib import Path
from typing import Literal, get_args, overload

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel import status as bits
from acc_decel.compiled import Library, kept_library
from acc_decel.correction import Correction, model_digest, read_correction
from acc_decel.factors import FACTORS, Factor, column_names
from acc_decel.model_folder import ARRAYS, DEFAULT_MODEL, ONNX, model_path
from acc_decel.network import factors_of
from acc_decel.outputs import DELAY, LOWER, MEDIAN, OUTPUTS, stopping_distance
from acc_decel.predictor.explainer import Explainer
from acc_decel.predictor.inputs import Given, RefusedError, columns_of, other_columns, refusal, where
from acc_decel.predictor.session import check_interface, open_session
from acc_decel.predictor.text_cells import without_text

BACKENDS = (AUTO, C, ONNX_RUNTIME) = ("auto", "c", "onnxruntime")
FLOAT32 = np.dtype(np.float32)
OnRefusal = Literal["auto", "raise", "flag"]
ON_REFUSAL = get_args(OnRefusal)
ANSWERS = (*OUTPUTS, "stopping_distance", "stopping_distance_upper", "status", "status_text")  # columns of an answer
_ONE_ROW = pd.RangeIndex(1)


@dataclass(frozen=True)
class Prediction:
    """What the car can do in one event; quantities are SI.

    `deceleration_lower` is reached at least 95 times in 100, `deceleration_lower_99` 99 times in 100,
    `deceleration_upper` exceeded 5 times in 100 [m/s^2].
    `delay` [s] is dead time and build-up of the brakes: stopping_distance = speed * delay + speed^2 / (2 deceleration).
    `stopping_distance_upper` [m] goes with `deceleration_lower`. A car that cannot stop has an infinite distance.
    `attribution`, if asked for, says what each factor adds to `baseline` [m/s^2], the deceleration with nothing known;
    together they are `deceleration`, before it is cut where `status` says CORRECTION_LIMITED.
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

    @property
    def refused(self) -> bool:
        """Whether there is no prediction, because a factor is out of range or a required one is missing."""
        return bool(self.status & bits.REFUSED)

    def to_dict(self) -> dict[str, float | int | str]:
        """The answer as plain values, with the names and the order of the columns of a table of predictions."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("attribution", "baseline")}
        values["status_text"] = bits.describe(self.status)
        if self.attribution is not None:
            values |= {attribution_column(name): value for name, value in self.attribution.items()}
            values["baseline"] = self.baseline
        return values

    def to_frame(self) -> pd.DataFrame:
        """The answer as a table of one row, like `Predictor.predict` of a table gives it."""
        return pd.DataFrame([self.to_dict()])

    def _repr_html_(self) -> str:
        """The answer as a short table with units, for a notebook."""
        rows = (
            ("deceleration", f"{self.deceleration:.2f} m/s^2"),
            ("90 % interval", f"{self.deceleration_lower:.2f} to {self.deceleration_upper:.2f} m/s^2"),
            ("delay", f"{self.delay:.2f} s"),
            ("stopping distance", f"{self.stopping_distance:.1f} m, up to {self.stopping_distance_upper:.1f} m"),
            ("status", bits.describe(self.status)),
        )
        return f"<table>{''.join(f'<tr><th>{name}</th><td>{escape(value)}</td></tr>' for name, value in rows)}</table>"

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

    The `standard` of a factor is what a call that leaves it out asks about: ABS, and full braking of the vehicle.

    `backend` says what computes: "c" is the firmware compiled for this machine, quicker and to the bit what an ECU
    answers; "onnxruntime" differs from it in the last digits. "auto" never compiles: it takes the library that
    `acc-decel compile` or an earlier `backend="c"` has built for this model, and ONNX Runtime where there is none.

    `predict` takes one event or a table. `predict_array` is the raw path for arrays: the order of its columns is
    `acc_decel.factors.column_names()`, and `acc_decel.predictor.columns_of(table, predictor.factors)` makes them from
    a table.
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
        _check_kind("model", model, "a released model's name, a model folder or an ONNX file", str, PathLike)
        if model == "":
            raise ValueError("model must be a released model, a model folder or an ONNX file. Got an empty name.")
        if correction is not None:
            _check_kind(
                "correction", correction, "a file of `drives correct` or a Correction", str, PathLike, Correction
            )
        self.path = model_path(model)
        self._digest = model_digest(self.path)
        self._session = open_session(self.path, expected="an ONNX model of acc_decel")
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self.factors = factors_of(self.metadata, self.path)
        if isinstance(correction, str | PathLike):
            correction = read_correction(Path(correction), model=self.path).correction
        self.correction = correction
        names = column_names(self.factors)
        check_interface(self._session, self.path, len(names))
        self._row_shape, self._speed = (len(names),), names.index("speed")
        self._library = _library(self.path, backend)
        self._asked = backend

    def __reduce__(self) -> tuple[object, ...]:
        """A copy, here or in another process, loads the same file; raises ValueError there if it has changed."""
        return _reloaded, (type(self), self.path.absolute(), self._digest, self.correction, self._asked)

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
        """What says which factor adds how much. Raises ValueError if the model has none, or that of another network."""
        explainer = Explainer(self.path)
        background = explainer.background(self.factors)
        outputs, _ = self._model_outputs(background)
        explainer.check_adds_up(background, outputs[:, MEDIAN])
        return explainer

    @overload
    def predict(self, events: pd.DataFrame, /, *, explain: bool = ..., on_refusal: OnRefusal = ...) -> pd.DataFrame: ...
    @overload
    def predict(
        self, events: None = None, /, *, explain: bool = ..., on_refusal: OnRefusal = ..., **factors: Given
    ) -> Prediction: ...
    def predict(
        self,
        events: pd.DataFrame | None = None,
        /,
        *,
        explain: bool = False,
        on_refusal: OnRefusal = "auto",
        **factors: Given,
    ) -> pd.DataFrame | Prediction:
        """Predict one event from factors by name, or many events from a table of factors.

        One event: `predict(speed=33.3, surface="asphalt", water_film_mm=1.0)`. A factor that is left out, None or NaN
        is missing. Without `brake_pressure_bar` the question is about full braking, and equipment that is left out,
        like `abs`, is the standard one; None or NaN for these is refused, and so is no pressure where the model does
        not know that of its vehicle. `surface` and `tyre_kind` take a level or a dict of probabilities. Returns a
        `Prediction`.

        Many events: a DataFrame with a column for each factor, where NaN or no column means missing; `surface` may be
        one column of level names, or one column of probability for each level. Returns a table with the same index
        and the fields of `Prediction` as columns.

        `explain` fills `attribution` and `baseline`; a table has columns `attribution_<factor>` and `baseline`.
        A row that is out of range, like a car at standstill, is NaN with its status and `status_text`; one event, and a
        table without the column of a required factor, is an error. `on_refusal="raise"` makes such a row an error, too,
        and "flag" answers one event with NaN. Columns that are no factor are ignored with a warning. Text in
        a few cells of a column of numbers, like "n/a", is missing, with a warning; an unknown name refuses its row.

        Raises ValueError, naming factor, row and limit, for a name that is nearly that of a factor and for a value that
        is no number or refused (then a RefusedError), for another `on_refusal`, and if `explain` is asked of a model
        without a student. Raises TypeError for another positional argument.
        """
        if on_refusal not in ON_REFUSAL:
            raise ValueError(f"on_refusal must be one of {', '.join(ON_REFUSAL)}. Got {on_refusal!r}.")
        _check_kind("explain", explain, "True or False", bool, np.bool_)
        if events is not None:
            _check_table(events, factors)
            events = _factors_only(events, self.factors)
            events = events if on_refusal == "raise" else _numbers_only(events, self.factors)
        columns = columns_of(factors if events is None else events, self.factors)
        outputs, status = self.predict_array(columns)
        if on_refusal == "auto" and events is not None:
            _check_required(events, self.factors)
        elif on_refusal in ("raise", "auto"):
            self._raise_refused(columns, status, factors if events is None else events)
        speed = columns[:, self._speed]
        if events is None:
            return _prediction(outputs, status, speed, *(self._explanation(columns) if explain else ()))
        table = predictions(outputs, status, speed, events.index)
        if explain:
            attributions, baseline = self._explanation(columns)
            table[[attribution_column(f.name) for f in self.factors]] = attributions
            table["baseline"] = baseline
        return table

    def _explanation(self, columns: ndarray) -> tuple[ndarray, float]:
        """Attributions [n, factors] and baseline [m/s^2] of the corrected model."""
        scale, bias = (1.0, 0.0) if self.correction is None else (self.correction.scale, self.correction.bias)
        return self.explainer.attributions(columns) * scale, self.explainer.baseline * scale + bias

    def predict_array(self, columns: ndarray) -> tuple[ndarray, ndarray]:
        """The raw path: float32 [n, columns] in the order of `column_names()`, NaN for not available.

        Returns outputs float32 [n, outputs] in the order of OUTPUTS, NaN where refused, and status int64 [n].
        Raises ValueError for another type or shape, and for an array with masked values.
        """
        if not isinstance(columns, ndarray):  # asked here: each call costs time
            _check_kind("columns", columns, f"a float32 array [n, {self._row_shape[0]}]", ndarray)
        if isinstance(columns, np.ma.MaskedArray) and columns.mask.any():
            raise ValueError(
                "columns must have NaN where a value is missing. Got a masked array, whose values below the mask would "
                "be used: give columns.filled(numpy.nan)."
            )
        if columns.dtype != FLOAT32 or columns.shape[1:] != self._row_shape:
            raise ValueError(
                f"columns must be float32 [n, {self._row_shape[0]}]. Got {columns.dtype} {list(columns.shape)}: "
                "the columns of a table are `columns_of(table, predictor.factors)`."
            )
        outputs, status = self._model_outputs(columns)
        if self.correction is None:
            return outputs, status
        return self.correction.answers(outputs, status.astype(np.int64))  # its int64 is long long in C

    def _model_outputs(self, columns: ndarray) -> tuple[ndarray, ndarray]:
        """Outputs and status of the model itself, without the correction."""
        if self._library is not None:
            return self._library.predict_array(columns)
        *outputs, status = self._session.run(None, {"factors": columns})
        return np.stack(outputs, axis=1), status

    def _raise_refused(self, columns: ndarray, status: ndarray, events: pd.DataFrame | Mapping[str, Given]) -> None:
        refused = status & bits.REFUSED
        if refused.any():
            row = int(refused.argmax())
            index = events.index if isinstance(events, pd.DataFrame) else _ONE_ROW
            given = dict(events.iloc[row]) if isinstance(events, pd.DataFrame) else events
            raise RefusedError(refusal(self.factors, columns[row], int(status[row]), where(index, row), given))


def _check_kind(name: str, value: object, expected: str, *kinds: type) -> None:
    """Raise ValueError if the argument `name` is of none of the `kinds`."""
    if not isinstance(value, kinds):
        raise ValueError(f"{name} must be {expected}. Got {type(value).__name__} {str(value)[:60]}.")


def _reloaded(kind: type[Predictor], path: Path, digest: str, correction: Correction | None, backend: str) -> Predictor:
    """The predictor of the ONNX file `path`, which must have this SHA-256."""
    predictor = kind(path, correction=correction, backend=backend)
    if predictor._digest != digest:
        raise ValueError(
            f"{path} must be the model that was copied, with SHA-256 {digest[:12]}. Got {predictor._digest[:12]}: "
            "it has changed since, or is another one on this machine. Copy the predictor again."
        )
    return predictor


def _check_table(events: object, factors: Mapping[str, Given]) -> None:
    """Raise TypeError if `events` is not a table, and ValueError if there are factors as well."""
    if not isinstance(events, pd.DataFrame):
        raise TypeError(
            f"predict takes factors by name, like speed=30, or one DataFrame. Got {type(events).__name__} without a "
            "name: name the factor."
        )
    if factors:
        raise ValueError(f"predict takes a DataFrame or factors, not both. Got also {', '.join(factors)}.")


def _check_required(events: pd.DataFrame, factors: tuple[Factor, ...]) -> None:
    """Raise RefusedError if a required factor has no column: then no row of the table has an answer."""
    for factor in factors:
        if not factor.optional and factor.standard is None and not {factor.name, *factor.columns} & {*events.columns}:
            raise RefusedError(f"{factor.refusal(math.nan)} The table has no such column: add it.")


def _factors_only(events: pd.DataFrame, factors: tuple[Factor, ...]) -> pd.DataFrame:
    """The table without columns that are no factor, of which a warning tells; a name that is nearly one stays."""
    others = other_columns(list(events.columns), factors)
    if not others or len(others) == len(events.columns):
        return events
    warnings.warn(f"ignored, being no braking factor: {', '.join(map(str, others))}", UserWarning, stacklevel=3)
    return events.drop(columns=others)


def _numbers_only(events: pd.DataFrame, factors: tuple[Factor, ...]) -> pd.DataFrame:
    """The table without the text in a few cells of a column of numbers, of which a warning tells."""
    events, sentences = without_text(events, factors)
    for sentence in sentences:
        warnings.warn(sentence, UserWarning, stacklevel=3)
    return events


def _library(path: Path, backend: str) -> Library | None:
    """The compiled firmware of the model in `path`, if `backend` asks for it or it was built before."""
    of_folder = path.name == ONNX and (path.parent / ARRAYS).is_file()
    if backend == C:
        if not of_folder:
            raise ValueError(
                f"The backend c needs a model folder with {ARRAYS} and {ONNX}. Got {path}: give the folder."
            )
        from acc_decel.compiled.building import built_library  # noqa: PLC0415 - takes onnx, which is slow to import

        return built_library(path.parent)
    return kept_library(path.parent) if backend == AUTO and of_folder else None


def attribution_column(name: str) -> str:
    """The column of a table with what the factor `name` adds to the deceleration [m/s^2]."""
    return f"attribution_{name}"


def predictions(outputs: ndarray, status: ndarray, speed: ndarray, index: pd.Index) -> pd.DataFrame:
    """Outputs float32 [n, outputs], status [n] and speed [m/s] as the table that `Predictor` returns."""
    table = pd.DataFrame({name: outputs[:, i] for i, name in enumerate(OUTPUTS)}, index=index)
    table["stopping_distance"] = stopping_distance(speed, outputs[:, MEDIAN], outputs[:, DELAY])
    table["stopping_distance_upper"] = stopping_distance(speed, outputs[:, LOWER], outputs[:, DELAY])
    table["status"] = status
    texts = {code: bits.describe(int(code)) for code in np.unique(status)}
    table["status_text"] = [texts[code] for code in status]
    return table


def _prediction(
    outputs: ndarray,
    status: ndarray,
    speed: ndarray,
    attributions: ndarray | None = None,
    baseline: float | None = None,
) -> Prediction:
    """The answer to one event, from arrays of one row: the same bits as a row of `predictions`."""
    (row,), (code,), (initial_speed,) = outputs, status.tolist(), speed
    attribution = None
    if attributions is not None:
        (added,) = attributions.tolist()
        attribution = {factor.name: value for factor, value in zip(FACTORS, added, strict=True)}
    return Prediction(
        **dict(zip(OUTPUTS, row.tolist(), strict=True)),
        stopping_distance=float(stopping_distance(initial_speed, row[MEDIAN], row[DELAY])),
        stopping_distance_upper=float(stopping_distance(initial_speed, row[LOWER], row[DELAY])),
        status=code,
        attribution=attribution,
        baseline=baseline,
    )
