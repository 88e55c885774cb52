"""What is believed of both cars, and what an ACC does that knows little: slower, with the reason."""

import numpy as np
import pytest

from acc_decel import FACTORS, acc
from acc_decel.predictor import RefusedError, columns_of
from acc_decel.status import BELOW_COMFORT, OUTSIDE_DOMAIN
from tests.helpers.believed_roads import ROADS, WELL_KNOWN, OfThreeRoads

OWN, SPORTS = OfThreeRoads(), OfThreeRoads(harder=1.2)
LOWER, UPPER = 1, 3  # places of the quantiles of ROADS


def columns(**known) -> np.ndarray:
    return columns_of({"speed": 30.0} | known, OWN.factors)


def test_curves_hold_each_quantile_and_the_delay():
    curves = acc.stopping_curves(OWN, np.concatenate([columns(surface="asphalt"), columns(surface="ice")]))
    for name, curve in {"lower_99": curves.lower_99, "lower": curves.lower, "upper": curves.upper}.items():
        place = ("lower_99", "lower", "median", "upper").index(name)
        expected = [ROADS["asphalt"][place], ROADS["ice"][place]]
        assert curve.deceleration_from(20).tolist() == pytest.approx(expected, rel=1e-5)
        assert curve.delay_from(20).tolist() == pytest.approx([0.1, 0.1], rel=1e-5)


def test_nothing_of_the_own_car_is_believed_of_the_lead():
    known = {"mass": 1500.0, "friction_estimate": 0.3, "surface": "asphalt", "grade": 0.05, "abs": 0.0}
    row = acc.lead_columns(columns(**known), SPORTS.factors)
    expected = {name: known[name] for name in ("surface", "grade")}
    np.testing.assert_array_equal(row[:, 1:], columns_of({"speed": 1.0} | expected, SPORTS.factors)[:, 1:])
    assert {f for f in FACTORS if f.of_the_road} < {f for f in FACTORS if f.optional and not f.estimate}
    assert {f for f in FACTORS if "road" in f.meaning and not f.estimate} <= {f for f in FACTORS if f.of_the_road}


def test_the_lead_is_the_hardest_of_the_cars_that_it_may_be():
    lead, _ = acc.hardest_lead((OWN, SPORTS), columns(surface="asphalt"))
    assert lead.deceleration_from(30) == pytest.approx(1.2 * ROADS["asphalt"][UPPER], rel=1e-5)


def test_contradicting_readings_do_not_make_the_lead_brake_less():
    lead, status = acc.hardest_lead((OWN,), columns(surface="ice", road_temperature_c=20.0))
    assert (status & OUTSIDE_DOMAIN).all()
    assert lead.deceleration_from(30) == pytest.approx(ROADS[""][UPPER], rel=1e-5)
    cold, status = acc.hardest_lead((OWN,), columns(surface="ice", road_temperature_c=-5.0))
    assert not (status & OUTSIDE_DOMAIN).any()
    assert cold.deceleration_from(30) == pytest.approx(ROADS["ice"][UPPER], rel=1e-5)


def test_the_status_of_a_stop_is_that_of_every_speed_that_it_passes():
    status = np.zeros((2, len(acc.GRID)), np.int64)
    status[0, list(acc.GRID).index(4.0)] = OUTSIDE_DOMAIN
    status[1, list(acc.GRID).index(46.0)] = BELOW_COMFORT
    assert acc.status_to(status, 20).tolist() == [OUTSIDE_DOMAIN, 0]
    assert acc.status_to(status, np.array([1.0, 45.0])).tolist() == [0, BELOW_COMFORT]


def test_a_factor_out_of_range_is_refused():
    with pytest.raises(RefusedError, match=r"mass in row 1 \(counted from 0\) must be 600 to 5000 kg"):
        acc.stopping_curves(OWN, np.concatenate([columns(), columns(mass=9000)]))


def test_on_a_known_road_the_set_speed_is_kept():
    advice = acc.advise(OWN, (OWN,), columns(surface="asphalt"), 30)
    assert (advice.speed, advice.missing) == (30, {})
    assert advice.time_gap == advice.wanted_time_gap < 3
    assert advice.message == "Speed 108 km/h as set."


def test_on_an_unknown_road_the_speed_is_lowered_until_the_gap_fits_and_the_driver_reads_why():
    advice = acc.advise(OWN, (SPORTS,), columns(), 30)
    assert 0 < advice.speed < 30
    assert advice.time_gap == pytest.approx(3, abs=1e-3) and advice.wanted_time_gap > 5
    assert list(advice.missing) == ["surface", "mass"]
    assert advice.missing["surface"] < 3 < advice.missing["mass"] < advice.wanted_time_gap
    assert advice.message.startswith("Speed lowered from 108 km/h to ")
    assert advice.message.endswith("longer than 3 s. Not known: road surface and vehicle mass with its load.")


def test_what_is_known_is_not_named_as_missing():
    assert list(acc.advise(OWN, (SPORTS,), columns(mass=1500.0), 30).missing) == ["surface"]
    ice = acc.advise(OWN, (SPORTS,), columns(surface="ice", mass=1500.0), 30)
    assert ice.missing == {} and "No missing factor explains it" in ice.message


def test_the_driver_reads_that_readings_contradict_each_other():
    advice = acc.advise(OWN, (SPORTS,), columns(surface="ice", road_temperature_c=20.0), 30)
    assert advice.own_status & advice.lead_status & OUTSIDE_DOMAIN
    assert advice.message.endswith("The readings are a rare combination: do not rely on them.")


def test_where_no_speed_fits_the_acc_is_not_available():
    roads = ROADS | {"ice": (-0.2, -0.1, 0.3, 1.5)}
    advice = acc.advise(OfThreeRoads(roads), (SPORTS,), columns(surface="ice"), 30)
    assert advice.speed == 0 and np.isinf(advice.wanted_time_gap)
    assert advice.message.startswith("ACC not available: at no speed is it safe here; at 108 km/h the safe gap")


def test_a_short_sight_lowers_the_speed_with_its_own_reason():
    advice = acc.advise(OWN, (OWN,), columns(surface="asphalt"), 30, sight=40)
    assert advice.speed < 30 and advice.missing == {}
    assert "to stop within the distance that is seen" in advice.message and "Not known" not in advice.message
    both = acc.advise(OWN, (SPORTS,), columns(), 30, sight=5)
    assert both.speed < 8 and "distance that is seen" in both.message


def test_a_value_that_contradicts_the_rest_is_not_what_a_missing_factor_may_be():
    worth = acc.gaps_if_known(OWN, (OWN,), columns(road_temperature_c=20.0), 30)
    assert worth["surface"] < worth["mass"]
    only_ice = OfThreeRoads({name: (9.0, 9.5, 10.0, 10.5) if name == "ice" else ROADS[""] for name in ROADS})
    assert acc.gaps_if_known(only_ice, (only_ice,), columns(road_temperature_c=20.0), 30)["surface"] > 3
    assert acc.gaps_if_known(only_ice, (only_ice,), columns(road_temperature_c=-5.0), 30)["surface"] < 1


def test_everything_known_leaves_nothing_to_ask_for():
    every = {f.name: f.levels[0] if f.levels else 0.5 * (f.low + f.high) for f in FACTORS} | {"abs": 1.0}
    assert acc.gaps_if_known(OWN, (OWN,), columns(**every), 30) == {}
    assert WELL_KNOWN > 1
