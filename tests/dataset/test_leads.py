"""The lead of an event: on the same road, another car, and nobody knows which."""

import numpy as np
import pytest
from conftest import COMPACT

from acc_decel.dataset import scenarios, sensed_events
from acc_decel.dataset.leads import lead_deceleration
from acc_decel.factors import FACTORS
from acc_decel.outputs import LEAST_SLOWING, lead_reserve
from acc_decel.physics import LATENTS

EVENTS = 4_000
SURFACE = next(f for f in FACTORS if f.name == "surface")


@pytest.fixture(scope="module")
def drawn() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    return scenarios(COMPACT.factors, seed=8, first=0, events=EVENTS)


def leads(true: dict[str, np.ndarray], latents: dict[str, np.ndarray], seed: int = 8) -> np.ndarray:
    return lead_deceleration(true, latents, seed=seed, first=0)


def test_a_lead_does_not_depend_on_the_own_car(drawn):
    true, latents = drawn
    own = {f.name: f.low for f in COMPACT.factors if not f.of_the_road and f.name in true and f.name != "speed"}
    others = {x.name: latents[x.name] + (0 if x.of_the_road else 2) for x in LATENTS}
    changed = true | {name: np.full(EVENTS, value) for name, value in own.items()}
    np.testing.assert_array_equal(leads(changed, others), leads(true, latents))


@pytest.mark.parametrize("latent", [x.name for x in LATENTS if x.of_the_road])
def test_a_lead_is_on_the_same_road(drawn, latent):
    true, latents = drawn
    assert (leads(true, latents | {latent: latents[latent] + 1}) != leads(true, latents)).mean() > 0.2


def test_on_ice_a_lead_brakes_as_on_ice(drawn):
    true, latents = drawn
    icy = true | {
        "surface": np.full(EVENTS, float(SURFACE.levels.index("ice"))),
        "road_temperature_c": np.full(EVENTS, -5.0),
        "water_film_mm": np.zeros(EVENTS),
        "grade": np.zeros(EVENTS),
    }
    assert np.quantile(leads(icy, latents), 0.99) < 3.0


def test_an_event_has_its_lead_whatever_it_is_generated_with():
    whole = sensed_events(COMPACT, seed=4, first=0, events=300).stops["lead_deceleration"]
    part = sensed_events(COMPACT, seed=4, first=120, events=50).stops["lead_deceleration"]
    np.testing.assert_array_equal(part, whole[120:170])
    other = sensed_events(COMPACT, seed=5, first=0, events=300).stops["lead_deceleration"]
    assert (other != whole).all()


def test_two_cars_on_one_road_differ_less_than_cars_on_any_road(drawn):
    """What the reserve is for: the unknown road cancels."""
    sensed = sensed_events(COMPACT, seed=8, first=0, events=EVENTS)
    full = sensed.true["brake_pressure_bar"] > 100
    own, lead = (1 / sensed.stops[name][full] for name in ("deceleration", "lead_deceleration"))
    both = np.isfinite(own) & (own > 0) & (lead > 0) & (own < 5) & (lead < 5)
    shuffled = np.random.default_rng(1).permutation(lead[both])
    assert np.std(own[both] - lead[both]) < 0.6 * np.std(own[both] - shuffled)


def test_the_reserve_is_what_the_own_car_needs_more():
    own, lead = np.array([4.0, 8.0, 5.0, -1.0, 0.0]), np.array([8.0, 4.0, 5.0, 5.0, 0.0])
    least = 1 / LEAST_SLOWING
    np.testing.assert_allclose(lead_reserve(own, lead), [0.125, -0.125, 0.0, least - 0.2, 0.0])
