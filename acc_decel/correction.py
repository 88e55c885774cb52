"""A correction adapts the answers of a model to one car: a positive scale, a bias and an offset, in float32."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from acc_decel.factors import schema as current_schema
from acc_decel.files import atomic_write, parse_json, read_bounded, reason
from acc_decel.outputs import COMFORT_DECELERATION, LOWER, LOWER_99, MEDIAN, ORDERED, OUTPUT_LIMITS, UPPER
from acc_decel.status import BELOW_COMFORT, CORRECTION_LIMITED, REFUSED

MIN_SCALE, MAX_SCALE = 0.1, 10.0
MIN_EVIDENCE_STOPS = 59  # without a miss, that refute that 5 % are below the bound: 0.95 ** 59 < 0.05
MAX_BIAS = 20.0  # [m/s^2], of the bias and of the offset


@dataclass(frozen=True)
class Correction:
    """Deceleration of this car = scale * deceleration of the model + bias [m/s^2]; a monotone model stays monotone.

    Scale and bias never raise a lower bound. Only a negative `lower_offset` does, and `adaptation.LowerBound` needs
    evidence for it; a positive one is subtracted from the lower bounds.
    """

    scale: float = 1.0
    bias: float = 0.0  # [m/s^2]
    lower_offset: float = 0.0  # [m/s^2]

    def __post_init__(self) -> None:
        """Raise ValueError for what is no number, NaN and values beyond the limits, compared in float32 as in the C."""
        for name, value in asdict(self).items():
            number(name, value)
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
            scale, bias, offset = np.array((self.scale, self.bias, self.lower_offset)).astype(np.float32)
        if not np.float32(MIN_SCALE) <= scale <= np.float32(MAX_SCALE):
            raise ValueError(f"scale must be {MIN_SCALE} to {MAX_SCALE}. Got {self.scale:g}: check the stops.")
        for name, value in (("bias", bias), ("lower_offset", offset)):
            if not abs(value) <= np.float32(MAX_BIAS):
                limits = f"{-MAX_BIAS:g} to {MAX_BIAS:g} m/s^2"
                raise ValueError(f"{name} must be {limits}. Got {value:g}: check the stops.")

    def answers(
        self, outputs: Float32[ndarray, "rows outputs"], status: Int64[ndarray, " rows"]
    ) -> tuple[Float32[ndarray, "rows outputs"], Int64[ndarray, " rows"]]:
        """The model's outputs, in the order of OUTPUTS, and status for this car, as acc_decel_corrected() gives them.

        Quantiles stay in order, NaN stays NaN. No deceleration is beyond `OUTPUT_LIMITS`; where one would be, the
        status says CORRECTION_LIMITED. BELOW_COMFORT is about the corrected lower deceleration.
        """
        unlimited = self._unlimited(outputs)
        corrected = _limited(unlimited)
        answered = status & REFUSED == 0
        below = ~(corrected[:, LOWER] >= np.float32(COMFORT_DECELERATION))
        limited = ((corrected < unlimited) | (corrected > unlimited)).any(axis=1)
        status = (status & ~BELOW_COMFORT) | np.where(answered & below, BELOW_COMFORT, 0)
        return corrected, status | np.where(answered & limited, CORRECTION_LIMITED, 0)

    def outputs(self, outputs: Float32[ndarray, "rows outputs"]) -> Float32[ndarray, "rows outputs"]:
        """The model's outputs for this car, without their status: see `answers`."""
        return _limited(self._unlimited(outputs))

    def _unlimited(self, outputs: Float32[ndarray, "rows outputs"]) -> Float32[ndarray, "rows outputs"]:
        """The corrected outputs, which may be beyond what a car can do."""
        scale, bias, offset = np.array((self.scale, self.bias, self.lower_offset), np.float32)
        scaled = scale * outputs + bias
        corrected = outputs.copy()
        for i in (MEDIAN, UPPER):
            corrected[:, i] = scaled[:, i]
        not_raised = _lesser(outputs, scaled)
        corrected[:, LOWER] = _lesser(not_raised[:, LOWER] - offset, scaled[:, MEDIAN])
        corrected[:, LOWER_99] = not_raised[:, LOWER_99] - np.maximum(offset, np.float32(0))
        return corrected


def number(name: str, value: object) -> float:
    """The number `value`. Raises ValueError, with `name`, for what is none: a text, a truth value, a huge integer."""
    if isinstance(value, float | np.floating):
        return float(value)
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and abs(int(value)) < 2**53:
        return float(value)
    raise ValueError(f"{name} must be a number. Got {str(value)[:20]}: run `acc-decel drives correct`.")


def _limited(outputs: Float32[ndarray, "rows outputs"]) -> Float32[ndarray, "rows outputs"]:
    """The decelerations cut to what a car can do; the delay is not corrected."""
    low, high = np.array(OUTPUT_LIMITS["deceleration"], np.float32)
    limited = outputs.copy()
    own = limited[:, ORDERED]
    limited[:, ORDERED] = np.where(own < low, low, np.where(own > high, high, own))
    return limited


def _lesser(value: ndarray, other: ndarray) -> ndarray:
    """As in the C: zeros of either sign are equal, and then the first is taken."""
    return np.where(other < value, other, value)


@dataclass(frozen=True)
class CorrectionFile:
    """A correction with the model that it belongs to and the data that it was fitted to, as stored in a file."""

    schema: str
    model_sha256: str
    vehicle: str
    correction: Correction
    stops: int  # number of stops that scale and bias were fitted to
    details: dict[str, Any]  # errors and intervals, state of the lower bound

    def as_dict(self) -> dict[str, Any]:
        """All values, in the order of the file."""
        head = {"schema": self.schema, "model_sha256": self.model_sha256, "vehicle": self.vehicle}
        return head | asdict(self.correction) | {"stops": self.stops} | self.details

    def save(self, path: Path) -> None:
        """Write the JSON file, completely or not at all."""
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(self.as_dict(), indent=1) + "\n")


def read_correction(path: Path, *, model: Path) -> CorrectionFile:
    """The correction in the file `path`. Raises ValueError if it is not valid or belongs to another ONNX file."""
    file = _read(path)
    if file.model_sha256 != (digest := model_digest(model)):
        raise ValueError(
            f"{path} must belong to {model} (SHA-256 {digest[:12]}). Got a correction of {file.vehicle}, "
            f"{file.model_sha256[:12]}: run `acc-decel drives correct` for this model."
        )
    if file.schema != current_schema():
        raise ValueError(
            f"{path} must be of factor schema {current_schema()}, as its model. Got {file.schema[:40]}: run "
            "`acc-decel drives correct` again."
        )
    return file


def _read(path: Path) -> CorrectionFile:
    try:
        values = parse_json(read_bounded(path))
        if not isinstance(values, dict):
            raise ValueError(f"a {type(values).__name__} and not an object")
        schema, digest, vehicle = (_text(name, values.pop(name)) for name in ("schema", "model_sha256", "vehicle"))
        correction = Correction(*(number(name, values.pop(name)) for name in ("scale", "bias", "lower_offset")))
        stops = _count("stops", values.pop("stops"))
        bound_stops = _count("bound_stops", values.get("bound_stops", 0))
        if correction.lower_offset < 0 and bound_stops < MIN_EVIDENCE_STOPS:
            raise ValueError(
                f"a lower bound that is raised by {-correction.lower_offset:g} m/s^2 on {bound_stops} stops, where at "
                f"least {MIN_EVIDENCE_STOPS} give evidence"
            )
        return CorrectionFile(schema, digest, vehicle, correction, stops, values)
    except KeyError as error:
        raise ValueError(f"{path} must hold {error.args[0]}. Got none: run `acc-decel drives correct`.") from error
    except RecursionError as error:
        raise ValueError(f"{path} must be a correction as JSON. Got too many brackets in each other.") from error
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} must be a correction as JSON. Got: {reason(error).rstrip('.')}. Run `acc-decel drives correct`."
        ) from error


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text. Got {value!r}")
    return value


def _count(name: str, value: object) -> int:
    if not (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        raise ValueError(f"{name} must be a whole number from 0. Got {value!r}")
    return value


def model_digest(model: Path) -> str:
    """SHA-256 of an ONNX file."""
    return hashlib.sha256(read_bounded(model)).hexdigest()
