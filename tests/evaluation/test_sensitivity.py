"""What the deceleration depends on: the indices add up, repeat, and rank as physics says."""

import numpy as np
import pytest
from conftest import COMPACT

from acc_decel.evaluation.sensitivity import REGIMES, influences, needed_factors

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def indices():
    return influences(COMPACT, samples=512)


def test_every_kind_of_road_has_every_influence_once(indices):
    counts = indices.groupby("regime")["influence"].agg(["count", "nunique"])
    assert list(counts.index.sort_values()) == sorted(regime.name for regime in REGIMES)
    assert (counts["count"] == counts["nunique"]).all()


def test_first_order_indices_never_add_up_to_more_than_the_whole(indices):
    assert (indices.groupby("regime")["first"].sum() < 1.1).all()
    beyond = indices["first"] - indices["total"]
    assert (beyond <= 1.5 * (indices["first_conf"] + indices["total_conf"]) + 1e-6).all()


def test_the_pedal_rules_on_dry_roads_and_the_surface_on_snow_and_ice(indices):
    strongest = indices.loc[indices.groupby("regime")["total"].idxmax()].set_index("regime")["influence"]
    assert strongest["dry"] == "brake_pressure_bar"
    assert strongest["snow and ice"] == "surface"


def test_water_matters_only_where_there_is_some(indices):
    water = indices[indices["influence"] == "water_film_mm"].set_index("regime")["total"]
    assert water["dry"] == pytest.approx(0, abs=1e-12)
    assert water["wet"] > 0.02


def test_the_ranking_holds_between_two_seeds(indices):
    again = influences(COMPACT, samples=512, seed=2)
    for regime in REGIMES:
        first, second = (t[t["regime"] == regime.name].set_index("influence")["total"] for t in (indices, again))
        assert np.corrcoef(first, second[first.index])[0, 1] > 0.98


def test_what_the_network_may_not_lack_are_factors(indices):
    names = {factor.name for factor in COMPACT.factors}
    assert set(needed_factors(indices)) <= names
    assert {"brake_pressure_bar", "surface"} <= set(needed_factors(indices))
