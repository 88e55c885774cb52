"""Published braking tests of real cars, or a user's own: measured distances compared with predicted ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd

from acc_decel.evaluation.implied import IMPLIED, chosen_values, implied_text, implied_values
from acc_decel.evaluation.regimes import BOUND, counted, regimes_of, score
from acc_decel.factors import FACTORS, Factor, column_names
from acc_decel.model_folder import DEFAULT_MODEL, ONNX, released_models
from acc_decel.predictor import Predictor, unknown_factor
from acc_decel.tables import read_csv

TEXT_COLUMNS = (
    "name",
    "kind",
    "braking_distance_m",
    "vehicle",
    IMPLIED,
    "weight",
    "trust",
    "conditions",
    "source",
    "note",
)
KINDS = ("measured", BOUND)


@dataclass(frozen=True)
class Summary:
    """How close the predictions are to the measured tests (without bounds), each counted by its weight."""

    tests: int
    mean_abs_error_pct: float  # of the distance
    inside_interval_pct: float  # measured distance inside the predicted 90 % interval
    mean_interval_pct: float  # width of the interval over the measured distance, where it is finite
    unbounded_intervals: int  # tests in which, given the stated factors, the car may not stop at all
    worst_error_pct: float
    worst: str
    bias_pct: float  # mean error, positive where the predicted distance is too long
    rms_z: float  # of the measured distances, see `RegimeScore`


def published_tests() -> pd.DataFrame:
    """The published tests that come with the package; a factor that a test does not state is NaN.

    `implied` holds what the protocol implies, `trust` how far the source can be relied on (A to C, as the collection
    states it), `weight` how much a test counts: little if it contradicts its own source, nothing if no model can
    represent it.
    """
    with (resources.files("acc_decel.evaluation") / "braking_tests.csv").open() as file:
        return pd.read_csv(file)


def read_tests(path: Path) -> pd.DataFrame:
    """A user's own tests from CSV: `name`, `braking_distance_m` [m], any factor columns.

    Optional: `vehicle`, `kind`, `implied` (factor=value; factor=value), `weight` (0 to 1), and texts about the test.

    Raises ValueError naming the file, the column and the row; see `tables.read_csv`.
    """
    tests = read_csv(path)
    for required in ("name", "braking_distance_m", "speed"):
        if required not in tests:
            raise ValueError(f"{path} must have a column {required}. Got {', '.join(map(str, tests.columns))}: add it.")
    known = {*TEXT_COLUMNS, *(f.name for f in FACTORS), *column_names()}
    for name in tests.columns:
        if name not in known:
            raise ValueError(f"{path}: {unknown_factor(str(name))}")
    distance = pd.to_numeric(tests["braking_distance_m"], errors="coerce")
    _check_rows(path, tests, tests["name"].notna(), "name", "be the name of the test")
    _check_rows(path, tests, (distance > 0) & np.isfinite(distance), "braking_distance_m", "be above 0 m and finite")
    if "kind" in tests:
        known_kind = tests["kind"].isna() | tests["kind"].isin(KINDS)
        _check_rows(path, tests, known_kind, "kind", f"be {' or '.join(KINDS)}, or empty for {KINDS[0]}")
    if "weight" in tests:
        weight = pd.to_numeric(tests["weight"].fillna(1), errors="coerce")
        _check_rows(path, tests, weight.between(0, 1), "weight", "be 0 to 1, or empty for 1")
        tests = tests.assign(weight=weight)
    for line, text in tests.get(IMPLIED, pd.Series(dtype=object)).items():
        try:
            implied_values(text)
        except ValueError as error:
            raise ValueError(f"{path}: {IMPLIED} in line {line}: {error}") from error
    return tests.assign(braking_distance_m=distance).reset_index(drop=True)


def _check_rows(path: Path, tests: pd.DataFrame, right: "pd.Series[bool]", column: str, must: str) -> None:
    """Raise ValueError for the first row that is not `right`, naming its line and its test."""
    if right.all():
        return
    line = tests.index[int(np.flatnonzero(~right)[0])]
    test, value = tests.loc[line, ["name", column]]
    if tests.loc[line].isna().all():
        raise ValueError(f"{path}: line {line} must hold a test. Got only empty fields: delete that line.")
    got = "no value" if pd.isna(value) else str(value)
    of_test = "" if pd.isna(test) or column == "name" else f" of {test}"
    raise ValueError(f"{path}: {column}{of_test} must {must}. Got {got} in line {line}: correct it.")


def factors_of(tests: pd.DataFrame, vehicles: Mapping[str, tuple[Factor, ...]] | None = None) -> pd.DataFrame:
    """The factor columns of the tests: what each states, else what it implies, else the standard of its vehicle.

    `vehicles` are the factors of each vehicle. A test is a stop at full braking with ABS unless it says otherwise.
    """
    known = {f.name for f in FACTORS} | set(column_names())
    table = tests[[c for c in tests.columns if c in known]].copy()
    choices = choices_of(tests, vehicles)
    for name in dict.fromkeys(name for row in choices for name in row):
        chosen = pd.Series([row.get(name, np.nan) for row in choices], table.index)
        table[name] = table[name].where(table[name].notna(), chosen) if name in table else chosen
    return table


def choices_of(
    tests: pd.DataFrame, vehicles: Mapping[str, tuple[Factor, ...]] | None = None
) -> list[dict[str, float | str]]:
    """For each test the values of `factors_of` that it does not state itself."""
    names = list(vehicles_of(tests))
    standards = {
        name: {f.name: f.standard for f in factors if f.standard is not None}
        for name, factors in ({None: FACTORS} | dict(vehicles or {})).items()
    }
    return chosen_values(tests, lambda i: standards.get(names[i], standards[None]))


def vehicles_of(tests: pd.DataFrame) -> "pd.Series[str]":
    """The vehicle of each test; that of the default model if the test does not name one."""
    named = tests.get("vehicle", pd.Series(None, tests.index)).astype(object)
    return named.where(named.notna(), DEFAULT_MODEL)


def with_vehicles(tests: pd.DataFrame, models: tuple[str, ...] = ()) -> pd.DataFrame:
    """The tests, each with a `vehicle`: where a test names none, that of the one model of `models`, or the default one.

    Raises ValueError for a model that answers no test, for two models of one vehicle, and for several models if a
    test names no vehicle.
    """
    if not models:
        return tests.assign(vehicle=vehicles_of(tests))
    owners: dict[str, str] = {}
    for model in models:
        vehicle = Predictor(model).vehicle
        if vehicle in owners:
            raise ValueError(f"--model must name one model for {vehicle}. Got {owners[vehicle]} and {model}: drop one.")
        owners[vehicle] = model
    named = tests.get("vehicle", pd.Series(None, tests.index)).astype(object)
    if named.isna().any() and len(models) > 1:
        first = tests.loc[named.isna(), "name"].iloc[0]
        raise ValueError(
            f"vehicle of {first} must be one of {', '.join(owners)}, because several models are given. Got none: add a "
            "column vehicle, or give one --model."
        )
    vehicles = named.where(named.notna(), next(iter(owners)))
    for vehicle, model in owners.items():
        if vehicle not in set(vehicles):
            raise ValueError(
                f"--model {model} must answer a test, and it is of the vehicle {vehicle}. Got tests of "
                f"{', '.join(sorted(map(str, set(vehicles))))}: correct the column vehicle, or leave the model out."
            )
    return tests.assign(vehicle=vehicles)


def load_predictors(tests: pd.DataFrame, models: tuple[str, ...] = ()) -> dict[str, Predictor]:
    """One predictor for each vehicle of the tests: from `models`, otherwise the released model of the vehicle."""
    predictors = {predictor.vehicle: predictor for predictor in map(Predictor, models)}
    missing = set(vehicles_of(tests)) - set(predictors)
    released = {name: folder for name, folder in released_models().items() if name in missing}
    return predictors | {name: Predictor(folder / ONNX) for name, folder in released.items()}


def evaluate_tests(tests: pd.DataFrame, predictors: dict[str, Predictor]) -> pd.DataFrame:
    """The tests with predicted distance and its 90 % interval [m], error [%], model and status; same index.

    Each test is predicted by the model of its vehicle. Raises ValueError naming the test for a vehicle without a model
    or a factor that the model refuses.
    """
    parts = []
    for vehicle, rows in tests.groupby(vehicles_of(tests), sort=False):
        if vehicle not in predictors:
            known = ", ".join({**released_models(), **predictors})
            raise ValueError(
                f"vehicle of {rows['name'].iloc[0]} must be one with a model: {known}. "
                f"Got {vehicle!r}: train one (`acc-decel train`) and name it with --model."
            )
        parts.append(_predict(rows, predictors[str(vehicle)]))
    return pd.concat(parts).loc[tests.index]


def _predict(tests: pd.DataFrame, predictor: Predictor) -> pd.DataFrame:
    vehicles = dict.fromkeys(vehicles_of(tests), predictor.factors)
    factors = factors_of(tests, vehicles).set_axis(pd.Index(tests["name"], name="test"))
    answer = predictor.predict(factors, on_refusal="raise").set_axis(tests.index)
    speed = factors["speed"].to_numpy()
    shortest = speed * answer["delay"] + speed**2 / (2 * answer["deceleration_upper"].clip(lower=1e-3))
    rows = [
        against_measured(
            tests.loc[i],
            predictor.vehicle,
            float(answer.loc[i, "stopping_distance"]),
            float(shortest[i]),
            float(answer.loc[i, "stopping_distance_upper"]),
        )
        for i in tests.index
    ]
    compared = with_descriptions(pd.DataFrame(rows, index=tests.index), tests, factors, vehicles)
    return compared.assign(status=answer["status"], status_text=answer["status_text"])


def with_descriptions(
    compared: pd.DataFrame, tests: pd.DataFrame, factors: pd.DataFrame, vehicles: Mapping[str, tuple[Factor, ...]]
) -> pd.DataFrame:
    """The comparison with columns that say what a test is: its regime, what was chosen for it, and its weight."""
    weights = pd.Series(tests.get("weight", 1.0), tests.index)
    chosen = [implied_text(values) for values in choices_of(tests, vehicles)]
    return compared.assign(regime=regimes_of(factors), implied=chosen, weight=weights.astype(float))


def against_measured(
    test: "pd.Series[float]", vehicle: str, predicted: float, lower: float, upper: float
) -> dict[str, object]:
    """One row of the comparison: measured and predicted distance with its 90 % interval [m], error [%]."""
    measured = float(test["braking_distance_m"])
    kind = test.get("kind")
    return {
        "name": test["name"],
        "kind": kind if isinstance(kind, str) else "measured",
        "vehicle": vehicle,
        "measured_m": measured,
        "predicted_m": predicted,
        "lower_m": lower,
        "upper_m": upper,
        "error_pct": 100 * (predicted / measured - 1),
        "inside": bool(lower <= measured <= upper),
    }


def summarise(rows: pd.DataFrame) -> Summary:
    """The summary of tests that `evaluate_tests` has compared."""
    measured, _ = counted(rows)
    if not len(measured):
        raise ValueError("a summary needs at least one measured test. Got only bounds: add measured ones.")
    error, every = measured["error_pct"].abs(), score(rows, "all")
    return Summary(
        tests=every.tests,
        mean_abs_error_pct=every.mean_abs_error_pct,
        inside_interval_pct=every.inside_interval_pct,
        mean_interval_pct=every.mean_interval_pct,
        unbounded_intervals=int(np.isinf(measured["upper_m"]).sum()),
        worst_error_pct=float(error.max()),
        worst=str(measured["name"].iloc[int(error.to_numpy().argmax())]),
        bias_pct=every.bias_pct,
        rms_z=every.rms_z,
    )
