"""Braking tests predicted by the physics, without a network. Needs the extra [train]."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy import ndarray

from acc_decel.dataset import CAUSES, scenarios
from acc_decel.evaluation.braking_tests import against_measured, factors_of, vehicles_of, with_descriptions
from acc_decel.physics import stops, vehicle

DRAWN_SCENARIOS = 65_536  # from which those with the surface and tyre kind of the test are taken
MAX_STOPS = 2_000  # simulated for each test
QUANTILES = (0.05, 0.50, 0.95)


def simulate_tests(tests: pd.DataFrame, *, seed: int = 1, on_test: Callable[[], None] = lambda: None) -> pd.DataFrame:
    """The tests with median and 90 % interval of the simulated distance [m]; columns and index as `evaluate_tests`.

    Stated and implied factors are set; all others, and the latents, are drawn as for the training data.
    """
    names = vehicles_of(tests)
    cars = {str(name): vehicle(str(name)).factors for name in names.unique()}
    factors, rows = factors_of(tests, cars), []
    for i in tests.index:
        distance = _distances(str(names[i]), factors.loc[i], seed)
        upper, median, lower = np.quantile(distance, [1 - q for q in QUANTILES], method="nearest")
        rows.append(against_measured(tests.loc[i], str(names[i]), float(median), float(lower), float(upper)))
        on_test()
    return with_descriptions(pd.DataFrame(rows, index=tests.index), tests, factors, cars)


def _distances(car_name: str, stated: "pd.Series[float]", seed: int) -> Float[ndarray, " events"]:
    car = vehicle(car_name)
    drawn, latents = scenarios(car.factors, seed=seed, first=0, events=DRAWN_SCENARIOS)
    matches = np.ones(DRAWN_SCENARIOS, bool)
    for factor in CAUSES:
        value = stated.get(factor.name)
        if factor.levels and isinstance(value, str):
            if value not in factor.levels:
                raise ValueError(factor.refusal(value))
            matches &= drawn[factor.name] == factor.levels.index(value)
    rows = np.flatnonzero(matches)[:MAX_STOPS]
    true = {name: column[rows].copy() for name, column in drawn.items()}
    for factor in CAUSES:
        value = stated.get(factor.name)
        if not factor.levels and value is not None and not pd.isna(value):
            true[factor.name][:] = float(value)
    return stops(car, **true, latents={name: column[rows] for name, column in latents.items()})["stopping_distance"]
