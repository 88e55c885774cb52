"""Readings can be wrong: how often a camera takes ice for asphalt, and what the best possible answer makes of it."""

import numpy as np
import pytest
from conftest import COMPACT, event_of

from acc_decel.dataset import conditional_quantiles, sense
from acc_decel.dataset.scenarios import scenarios, typical_factors
from acc_decel.dataset.sensors import MISSED_FILM_SHARE, TAKEN_FOR_ASPHALT
from acc_decel.factors import FACTORS, column_names

SURFACE = next(f for f in FACTORS if f.name == "surface")
EVENTS = 60_000
FULL_BRAKING = {"speed": 20.0, "brake_pressure_bar": 150.0, "abs": 1.0, "tyre_kind": "winter"}


def read_as(seen: np.ndarray, level: str) -> np.ndarray:
    """The events in which the camera is certain of this surface."""
    return seen[:, column_names().index(f"surface_{level}")] == 1


@pytest.fixture(scope="module")
def drawn() -> dict[str, np.ndarray]:
    return scenarios(COMPACT.factors, seed=21, first=0, events=EVENTS)[0]


def sensed(true: dict[str, np.ndarray]) -> np.ndarray:
    return sense(COMPACT.factors, true, np.full(len(true["speed"]), 0.5), seed=21, first=0)


@pytest.mark.parametrize("level", SURFACE.levels)
def test_a_certain_camera_takes_some_ice_and_snow_for_asphalt_and_nothing_else(drawn, level):
    everywhere = drawn | {"surface": np.full(EVENTS, float(SURFACE.levels.index(level)))}
    everywhere["road_temperature_c"] = np.full(EVENTS, -4.0)
    seen = sensed(everywhere)
    certain = sum(read_as(seen, other).sum() for other in SURFACE.levels)
    share = TAKEN_FOR_ASPHALT.get(level, 0.0)
    mistaken = read_as(seen, "asphalt").sum() if level != "asphalt" else 0
    assert mistaken / certain == pytest.approx(share, abs=4 * np.sqrt(max(share, 1e-9) / certain))
    assert read_as(seen, level).sum() + mistaken == certain


def test_a_rain_sensor_misses_some_wet_roads_and_is_right_about_every_dry_one(drawn):
    film = sensed(drawn)[:, column_names().index("water_film_mm")]
    wet = (drawn["water_film_mm"] > 0.5) & ~np.isnan(film)
    deviation = np.sqrt(MISSED_FILM_SHARE / wet.sum())
    assert (film[wet] == 0).mean() == pytest.approx(MISSED_FILM_SHARE, abs=4 * deviation)
    assert (film[(drawn["water_film_mm"] == 0) & ~np.isnan(film)] == 0).all()


def best(known: dict[str, object], quantiles: tuple[float, ...]) -> np.ndarray:
    event = event_of(FULL_BRAKING | known, COMPACT.factors)
    return conditional_quantiles(COMPACT, event, quantiles, rng=np.random.default_rng(3), draws=20_000)[0]


def test_asphalt_that_a_camera_names_on_a_freezing_road_may_be_ice():
    frost, mild = ({"surface": "asphalt", "road_temperature_c": at, "water_film_mm": 0.0} for at in (-4.0, 12.0))
    lower_99, median = best(frost, (0.01, 0.5))
    assert lower_99 < 2.0  # m/s^2, as on ice
    assert median > 6.0
    assert best(mild, (0.01,))[0] > 4.5


def test_an_estimate_of_the_friction_tells_that_such_asphalt_is_none():
    frost = {"surface": "asphalt", "road_temperature_c": -4.0, "water_film_mm": 0.0}
    assert best(frost | {"friction_estimate": 0.95}, (0.01,))[0] > 5.0
    assert best(frost | {"friction_estimate": 0.12}, (0.95,))[0] < 2.5


def test_what_a_camera_reads_of_the_truth_is_what_the_best_answer_believes(drawn):
    """Bayes' rule both ways: of the roads that are read as asphalt at -4 degC, as many are ice."""
    rows = np.full(EVENTS, 0.0)
    cold = drawn | {"road_temperature_c": rows - 4.0}
    typical = typical_factors(COMPACT)
    shares = {"asphalt": 0.50, "concrete": 0.14, "cobbles": 0.10, "gravel": 0.10, "packed_snow": 0.50, "ice": 0.45}
    rng = np.random.default_rng(1)
    total = sum(shares.values())
    cold["surface"] = rng.choice(len(shares), EVENTS, p=[share / total for share in shares.values()]).astype(float)
    seen = sensed(cold | {"speed": rows + typical["speed"]})
    as_asphalt = read_as(seen, "asphalt")
    is_ice = (cold["surface"][as_asphalt] == SURFACE.levels.index("ice")).mean()
    assert is_ice == pytest.approx(0.45 * 0.04 / (0.50 + 0.45 * 0.04 + 0.50 * 0.01), rel=0.2)
