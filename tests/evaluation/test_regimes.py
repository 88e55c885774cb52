"""Tests by regime: which one a test belongs to, what the figures of a regime are, and halves of the sources."""

import numpy as np
import pandas as pd
import pytest

from acc_decel import evaluation
from acc_decel.evaluation.implied import implied_text, implied_values
from acc_decel.evaluation.regimes import HALVES, REGIMES, regimes_of, standard_scores
from acc_decel.factors import FACTORS

WET = {"surface": "asphalt", "water_film_mm": 1.0}
ROADS = [
    ({"surface": "concrete", "water_film_mm": 0.0}, "dry"),
    ({"surface": "asphalt", "water_film_mm": 0.0, "tread_depth_mm": 2.0}, "dry"),
    (WET, "wet new"),
    (WET | {"tread_depth_mm": 8.0}, "wet new"),
    (WET | {"tread_depth_mm": 4.0}, "wet worn"),
    ({"surface": "packed_snow", "tread_depth_mm": 2.0}, "snow"),
    ({"surface": "ice"}, "ice"),
    ({"surface": "asphalt", "water_film_mm": 0.0, "brake_temperature_c": 550.0}, "hot"),
    (WET | {"brake_temperature_c": 300.0}, "wet new"),
    ({"surface": "gravel", "water_film_mm": 0.0}, "other"),
    ({"surface": "asphalt"}, "other"),
    ({"water_film_mm": 1.0}, "other"),
]


@pytest.mark.parametrize(("factors", "regime"), ROADS, ids=[f"{i} {regime}" for i, (_, regime) in enumerate(ROADS)])
def test_a_test_is_in_the_regime_of_its_factors(factors, regime):
    assert regimes_of(pd.DataFrame([factors])) == [regime]


def test_a_probability_of_each_surface_serves_as_well_as_its_name():
    names = next(f for f in FACTORS if f.name == "surface").columns
    shares = pd.DataFrame([dict.fromkeys(names, 0.0) | {"surface_asphalt": 0.3, "surface_concrete": 0.7}])
    assert regimes_of(shares.assign(water_film_mm=0.5)) == ["wet new"]


def test_every_regime_has_its_place_in_the_order():
    assert sorted(evaluation.REGIME_NAMES) == sorted([*REGIMES, "other"])


def compared(**columns: object) -> pd.DataFrame:
    rows = {"kind": "measured", "regime": "dry", "measured_m": [40.0, 50.0], "predicted_m": [50.0, 40.0]}
    rows |= {"lower_m": [40.0, 35.0], "upper_m": [60.0, 45.0], "inside": [True, False], "error_pct": [25.0, -20.0]}
    return pd.DataFrame(rows | columns)


def test_a_distance_at_the_end_of_its_interval_has_a_standard_score_of_1_645():
    rows = compared(measured_m=[40.0, 45.0])
    np.testing.assert_allclose(standard_scores(rows), [-1.645, 1.645])
    half = compared(measured_m=[50 * np.sqrt(40 / 50), 40.0])
    np.testing.assert_allclose(standard_scores(half), [-1.645 / 2, 0], atol=1e-12)


def test_an_interval_without_an_end_gives_no_score_on_that_side():
    rows = compared(upper_m=[np.inf, np.inf])
    assert np.isnan(standard_scores(rows)).tolist() == [False, True]
    (found,) = evaluation.score_regimes(rows)
    assert found.rms_z == pytest.approx(1.645)
    assert np.isnan(found.mean_interval_pct)


def test_drawn_distances_have_an_honest_score_of_1():
    rng = np.random.default_rng(1)
    spread = np.where(rng.random(20_000) < 0.5, 0.1, 0.2)
    z = rng.standard_normal(len(spread))
    rows = pd.DataFrame(
        {
            "kind": "measured",
            "regime": "ice",
            "predicted_m": 50.0,
            "measured_m": 50 * np.exp(z * spread),
            "lower_m": 50 * np.exp(-1.645 * spread),
            "upper_m": 50 * np.exp(1.645 * spread),
        }
    )
    rows["error_pct"] = 100 * (rows["predicted_m"] / rows["measured_m"] - 1)
    rows["inside"] = rows["measured_m"].between(rows["lower_m"], rows["upper_m"])
    (found,) = evaluation.score_regimes(rows)
    assert found.rms_z == pytest.approx(1, abs=0.02)
    assert found.inside_interval_pct == pytest.approx(90, abs=1)


def test_a_test_counts_by_its_weight_and_a_bound_not_at_all():
    (found,) = evaluation.score_regimes(compared(weight=[1.0, 0.25]))
    assert found.tests == 2
    assert found.mean_abs_error_pct == pytest.approx((25 + 0.25 * 20) / 1.25)
    assert found.bias_pct == pytest.approx((25 - 0.25 * 20) / 1.25)
    assert found.inside_interval_pct == pytest.approx(80)
    assert found.mean_interval_pct == pytest.approx((50 + 0.25 * 20) / 1.25)
    for rows in (compared(weight=[1.0, 0.0]), compared(kind=["measured", evaluation.BOUND])):
        (found,) = evaluation.score_regimes(rows)
        assert (found.tests, found.mean_abs_error_pct) == (1, 25.0)
    assert evaluation.score_regimes(compared(kind=evaluation.BOUND)) == []


def test_half_of_the_sources_is_fixed_and_whole():
    tests = evaluation.published_tests()
    halves = evaluation.source_halves(tests)
    assert (halves.groupby(tests["source"]).nunique() == 1).all()
    assert halves.value_counts().between(45, 69).all()
    sources = tests["source"].groupby(halves).nunique()
    assert sources.between(10, 18).all()
    alone = tests[tests["source"].str.contains("JAF")]
    assert evaluation.source_halves(alone).tolist() == halves[alone.index].tolist()  # whatever else there is
    with pytest.raises(ValueError, match="source of a must say where the test is from"):
        evaluation.source_halves(pd.DataFrame({"name": ["a"]}))


def test_the_halves_are_scored_apart():
    tests = pd.DataFrame({"name": ["a", "b"], "source": ["one", "two"]})
    tests = tests.assign(source=[_source_in(half) for half in HALVES])
    found = evaluation.score_halves(tests, compared())
    assert {half: scores[0].bias_pct for half, scores in found.items()} == {"first": 25.0, "second": -20.0}


def _source_in(half: str) -> str:
    names = pd.DataFrame({"name": "x", "source": [f"magazine {i}" for i in range(20)]})
    return names.loc[evaluation.source_halves(names) == half, "source"].iloc[0]


def test_what_is_implied_reads_as_it_was_written():
    text = "grade=0; tyre_kind=winter; water_film_mm=0.5"
    assert implied_values(text) == {"grade": 0.0, "tyre_kind": "winter", "water_film_mm": 0.5}
    assert implied_text(implied_values(text)) == text
    assert implied_values("") == implied_values(np.nan) == {}


def test_what_a_test_states_wins_over_what_it_implies():
    tests = pd.DataFrame({"name": ["a", "b"], "mass": [1500.0, np.nan], "tyre_kind": ["summer", None]})
    tests["implied"] = "mass=1800; tyre_kind=winter"
    factors = evaluation.factors_of(tests)
    assert factors["mass"].tolist() == [1500.0, 1800.0]
    assert factors["tyre_kind"].tolist() == ["summer", "winter"]


def test_only_what_every_test_has_is_said_once_for_all():
    tests = pd.DataFrame({"name": list("abc"), "mass": [1500.0, np.nan, np.nan]})
    texts = pd.Series(["grade=0; headwind=0", "grade=0; mass=1800", "grade=0.1; mass=1800; headwind=0"])
    common, others = evaluation.common_choices(tests, texts)
    assert common == {"grade": 0.0, "mass": 1800.0}  # b has no headwind: it is missing there
    assert others == [{"headwind": 0.0}, {}, {"grade": 0.1, "headwind": 0.0}]
