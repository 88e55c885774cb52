"""The best possible answer: honest, the plain population where nothing is known, and narrower the more is known."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import COMPACT, event_of
from hypothesis import given
from hypothesis import strategies as st

from acc_decel.dataset import Driving, conditional_quantiles, scenarios
from acc_decel.dataset.oracle import _log_likelihood, _log_prior
from acc_decel.dataset.partition import events_table
from acc_decel.factors import FACTORS, column_names
from acc_decel.physics import stops
from benchmarks.monotone import READINGS, Reading, depending_on, swept

pytestmark = pytest.mark.slow

QUANTILES = (0.05, 0.5, 0.95)
SENSED = [f for f in COMPACT.factors if (f.noise or f.noise_share) and not f.levels]
NUMBERS = [f for f in COMPACT.factors if not f.levels and not f.estimate and f.name not in ("water_film_mm", "abs")]


def test_the_best_interval_covers_90_of_100_stops_that_it_has_not_seen():
    table = events_table(COMPACT, seed=77, first=0, events=600)
    columns = np.stack([table[name].to_numpy() for name in column_names()], axis=1)
    best = conditional_quantiles(COMPACT, columns, QUANTILES, rng=np.random.default_rng(1), draws=400)
    true = table["deceleration"].to_numpy()
    assert np.mean((best[:, 0] <= true) & (true <= best[:, 2])) == pytest.approx(0.9, abs=0.04)
    assert np.mean(true < best[:, 1]) == pytest.approx(0.5, abs=0.07)


def test_where_nothing_is_known_the_best_answer_is_the_population():
    known = {"speed": 25.0, "brake_pressure_bar": 150.0, "abs": 1.0}
    event = event_of(known, COMPACT.factors)
    best = conditional_quantiles(COMPACT, event, QUANTILES, rng=np.random.default_rng(1), draws=20_000)
    true, latents = scenarios(COMPACT.factors, seed=5, first=0, events=20_000)
    population = stops(COMPACT, **true | {name: np.full(20_000, v) for name, v in known.items()}, latents=latents)
    np.testing.assert_allclose(best[0], np.quantile(population["deceleration"], QUANTILES), atol=0.15)


@pytest.mark.parametrize("surface", ["asphalt", "ice"])
def test_an_estimate_of_the_friction_narrows_the_best_interval(surface):
    known = {"speed": 25.0, "brake_pressure_bar": 150.0, "abs": 1.0, "surface": surface, "road_temperature_c": -4.0}
    told = known | {"friction_estimate": {"asphalt": 1.0, "ice": 0.1}[surface]}
    events = np.concatenate([event_of(case, COMPACT.factors) for case in (known, told)])
    best = conditional_quantiles(COMPACT, events, QUANTILES, rng=np.random.default_rng(1), draws=8_000)
    width = best[:, 2] - best[:, 0]
    assert width[1] < width[0]


def test_a_film_that_the_sensor_reads_on_a_road_of_unknown_kind_rules_snow_and_ice_out():
    cold = {"speed": 20.0, "brake_pressure_bar": 150.0, "abs": 1.0, "road_temperature_c": 1.0}
    events = np.concatenate([event_of(cold | {"water_film_mm": film}, COMPACT.factors) for film in (0.2, 4.0)])
    best = conditional_quantiles(COMPACT, events, QUANTILES, rng=np.random.default_rng(1), draws=8_000)
    assert best[0, 0] < 1.5  # m/s^2: it may be ice
    assert best[1, 0] > 2.0


@pytest.mark.parametrize("factor", SENSED, ids=lambda f: f.name)
@given(share=st.floats(0, 1))
def test_the_readings_of_a_sensor_have_a_probability_of_1_together(factor, share):
    value = factor.low + share * (factor.high - factor.low)
    steps = np.arange(np.floor(factor.low / factor.step), np.ceil(factor.high / factor.step) + 1) * factor.step
    readings = np.unique(np.clip(steps, factor.low, factor.high))
    log_probability = _log_likelihood(factor, np.full(len(readings), value), readings)
    assert np.exp(log_probability).sum() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("factor", NUMBERS, ids=lambda f: f.name)
def test_the_prior_of_a_factor_is_a_density_over_its_range(factor):
    grid = np.linspace(factor.low, factor.high, 20_001)
    assert np.trapezoid(np.exp(_log_prior(factor, grid)), grid) == pytest.approx(1, abs=1e-3)


def test_the_best_answer_follows_how_the_fleet_drives():
    known = {"speed": 25.0, "brake_pressure_bar": 40.0, "abs": 1.0}
    heavy = next(f for f in COMPACT.factors if f.name == "mass").high
    fleet = Driving((("mass", (heavy - 30, heavy)),), uniform=0.0)
    event = event_of(known, COMPACT.factors)
    plain, driven = (
        conditional_quantiles(COMPACT, event, QUANTILES, rng=np.random.default_rng(1), draws=8_000, driving=d)
        for d in (None, fleet)
    )
    true, latents = scenarios(COMPACT.factors, seed=5, first=0, events=8_000, driving=fleet)
    population = stops(COMPACT, **true | {name: np.full(8_000, v) for name, v in known.items()}, latents=latents)
    np.testing.assert_allclose(driven[0], np.quantile(population["deceleration"], QUANTILES), atol=0.15)
    assert driven[0, 1] < plain[0, 1] - 0.2


@pytest.mark.parametrize("values", [(8.0, 20.0, 25.0), (20.0, 20.0, 90.0), (0.0, 1.0, 30.0)], ids=str)
def test_what_a_fleet_drives_is_a_density_over_the_range_of_the_factor(values):
    factor = next(f for f in COMPACT.factors if f.name == "speed")
    width, points = factor.high - factor.low, 100 * round((factor.high - factor.low) / factor.step)
    grid = factor.low + (np.arange(points) + 0.5) * width / points
    driving = Driving(((factor.name, values),))
    assert width * np.exp(driving.log_density(grid, factor)).mean() == pytest.approx(1)


def test_every_factor_that_may_lack_has_a_place_in_the_best_answer():
    event = event_of({"speed": 20.0, "brake_pressure_bar": 60.0, "abs": 0.0}, COMPACT.factors)
    assert np.isnan(event).sum() == sum(len(f.columns) for f in FACTORS if f.optional)
    best = conditional_quantiles(COMPACT, event, QUANTILES, rng=np.random.default_rng(1), draws=2_000)
    assert (np.diff(best) > 0).all()


@pytest.mark.parametrize(("reading", "values"), [(READINGS[0], (0.60, 0.65)), (READINGS[1], (0.06, 0.10))])
def test_a_reading_that_tells_of_another_surface_turns_the_best_median_against_its_direction(
    reading: Reading, values: tuple[float, float]
) -> None:
    """What a network with forced signs cannot follow: README.md tells what that costs."""
    direction = next(f.direction for f in FACTORS if f.name == reading.factor)
    medians = swept(COMPACT, replace(reading, values=values))
    assert (direction * np.diff(medians, axis=0) < -0.5).all()


def test_the_benchmark_takes_signs_off_whatever_water_and_the_estimate_have_a_part_in():
    inputs = depending_on(("water_film_mm",))
    assert {"water_film_mm", "film_share", "wetness", "expected_limit", "worn_grip"} <= inputs
    assert not inputs & {"braking_share", "grade", "speed_squared", "friction_estimate"}
    assert depending_on(("friction_estimate",)) == {"friction_estimate", "estimated_limit"}
