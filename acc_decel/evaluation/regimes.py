"""Braking tests by regime, where a model is right and how sure it may be: dry, wet, snow, ice and hot brakes."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.factors import CERTAIN, column_names
from acc_decel.predictor import columns_of

BOUND = "measured_bound"  # kind of a test that only gives a lower bound of the distance
HOT_C = 300.0  # discs above it: pads of road cars begin to fade there
WORN_MM = 4.0  # a tread stated as at most this counts as worn
BOUND_SCORE = 1.645  # standard score of the 5 % and of the 95 % quantile of a normal distribution
PAVED = ("surface_asphalt", "surface_concrete", "surface_cobbles")
HALVES = ("first", "second")
HALF_BYTE = 3  # of a digest: with it the published sources, tests and regimes are spread evenly


@dataclass(frozen=True)
class RegimeScore:
    """How close the predictions are to the measured tests of one regime, and how honest their intervals.

    `rms_z` is the root mean square of the standard scores of the measured distances, 1 for an honest interval: above
    it the interval is too narrow, below too wide. NaN if no interval has an end. Tests count by their weight.
    """

    regime: str
    tests: int
    mean_abs_error_pct: float  # of the distance
    bias_pct: float  # mean error, positive where the predicted distance is too long
    inside_interval_pct: float  # measured distance inside the predicted 90 % interval
    mean_interval_pct: float  # width of the interval over the measured distance, where it is finite
    rms_z: float


_Condition = Callable[[Callable[[str], ndarray]], ndarray]
REGIMES: dict[str, _Condition] = {  # the first that holds; a condition on a factor that is missing does not
    "hot": lambda f: f("brake_temperature_c") > HOT_C,
    "ice": lambda f: f("surface_ice") > CERTAIN,
    "snow": lambda f: f("surface_packed_snow") > CERTAIN,
    "wet worn": lambda f: _paved(f) & (f("water_film_mm") > 0) & (f("tread_depth_mm") <= WORN_MM),
    "wet new": lambda f: _paved(f) & (f("water_film_mm") > 0),
    "dry": lambda f: _paved(f) & (f("water_film_mm") == 0),
}
OTHER = "other"  # gravel, or a road of which too little is stated
REGIME_NAMES = ("dry", "wet new", "wet worn", "snow", "ice", "hot", OTHER)


def _paved(value: Callable[[str], ndarray]) -> ndarray:
    return np.sum([value(column) for column in PAVED], axis=0) > CERTAIN


def regimes_of(factors: pd.DataFrame) -> list[str]:
    """The regime of each test, from its factors: those that it states and those that its protocol implies."""
    columns, names = columns_of(factors), column_names()
    holds = [condition(lambda name: columns[:, names.index(name)]) for condition in REGIMES.values()]
    return [str(name) for name in np.select(holds, list(REGIMES), OTHER)]


def counted(rows: pd.DataFrame) -> tuple[pd.DataFrame, ndarray]:
    """The measured tests among `rows` whose weight is above 0, and their weights; bounds do not count."""
    weight = pd.Series(rows.get("weight", 1.0), rows.index).astype(float)
    counts = (rows["kind"] != BOUND) & (weight > 0)
    return rows[counts], weight[counts].to_numpy()


def standard_scores(rows: pd.DataFrame) -> ndarray:
    """How far each measured distance is from the predicted median: 1.645 at the end of the 90 % interval.

    In logarithms of the distance, because what scatters, like friction, multiplies it. Each side has its own scale,
    because the interval is longer upwards. NaN where the interval has no end on that side.
    """
    measured, median = rows["measured_m"].to_numpy(float), rows["predicted_m"].to_numpy(float)
    end = np.where(measured > median, rows["upper_m"], rows["lower_m"]).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = BOUND_SCORE * np.log(measured / median) / np.abs(np.log(end / median))
    return np.where(np.isfinite(end) & np.isfinite(median), scores, np.nan)


def score(rows: pd.DataFrame, regime: str) -> RegimeScore:
    """The score of compared tests, of which at least one must be measured and count."""
    measured, weight = counted(rows)
    error = measured["error_pct"].to_numpy(float)
    width = (100 * (measured["upper_m"] - measured["lower_m"]) / measured["measured_m"]).to_numpy(float)
    return RegimeScore(
        regime=regime,
        tests=len(measured),
        mean_abs_error_pct=_mean(np.abs(error), weight),
        bias_pct=_mean(error, weight),
        inside_interval_pct=100 * _mean(measured["inside"].to_numpy(float), weight),
        mean_interval_pct=_mean(width, weight),
        rms_z=float(np.sqrt(_mean(standard_scores(measured) ** 2, weight))),
    )


def _mean(values: ndarray, weight: ndarray) -> float:
    """Weighted mean of the finite values; NaN if there is none."""
    finite = np.isfinite(values)
    return float(np.average(values[finite], weights=weight[finite])) if finite.any() else np.nan


def score_regimes(rows: pd.DataFrame) -> list[RegimeScore]:
    """The score of each regime that has a measured test, for tests that `evaluate_tests` has compared."""
    measured = set(counted(rows)[0]["regime"])
    return [score(rows[rows["regime"] == name], name) for name in REGIME_NAMES if name in measured]


def source_halves(tests: pd.DataFrame) -> "pd.Series[str]":
    """The half of the sources that each test belongs to: "first" may be used while fitting, "second" not.

    A source keeps its half when others are added, because the half is a bit of the SHA-256 of its text. Raises
    ValueError if a test names no source.
    """
    sources = tests.get("source", pd.Series(None, tests.index, dtype=object))
    if sources.isna().any():
        raise ValueError(
            f"source of {tests.loc[sources.isna(), 'name'].iloc[0]} must say where the test is from, to split by "
            "source. Got none: add it."
        )
    return sources.map(lambda source: HALVES[sha256(str(source).encode()).digest()[HALF_BYTE] % 2])


def score_halves(tests: pd.DataFrame, rows: pd.DataFrame) -> dict[str, list[RegimeScore]]:
    """The scores by regime of the `tests` that have been compared as `rows`, for each half of their sources."""
    halves = source_halves(tests)
    return {half: score_regimes(rows[halves == half]) for half in HALVES}
