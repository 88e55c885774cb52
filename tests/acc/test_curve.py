"""A stopping curve is how a car brakes: ways, times and speeds on the way, and those of the physics."""

import numpy as np
import pytest
from conftest import COMPACT, ORDINARY, level
from hypothesis import given
from hypothesis import strategies as st

from acc_decel import acc
from acc_decel.physics import history, stops

SPEEDS = np.array([5.0, 10, 20, 40])


def worn() -> acc.Curve:
    """A car that slows by 3 m/s^2 above 20 m/s and by 6 m/s^2 below."""
    way = np.where(SPEEDS > 20, 400 / 12 + (SPEEDS**2 - 400) / 6, SPEEDS**2 / 12)
    return acc.Curve.of_decelerations(SPEEDS, SPEEDS**2 / 2 / way, np.full(4, 0.1))


@given(b=st.floats(0.1, 12), v=st.floats(0.0, 70), share=st.floats(0, 1), delay=st.floats(0, 1))
def test_a_constant_deceleration_has_the_ways_of_the_textbook(b, v, share, delay):
    curve, slow = acc.Curve.constant(b, delay), share * v
    assert curve.braking_distance(v) == pytest.approx(v**2 / 2 / b)
    assert curve.stopping_distance(v) == pytest.approx(v * delay + v**2 / 2 / b)
    assert curve.between(v, slow) == pytest.approx((v**2 - slow**2) / 2 / b)
    assert curve.time_between(v, slow) == pytest.approx((v - slow) / b)
    assert curve.speed_after(v, curve.between(v, slow)) == pytest.approx(slow, abs=1e-5)
    assert curve.deceleration_from(v) == pytest.approx(b)


def test_a_car_that_brakes_unevenly_does_not_slow_by_its_mean():
    curve = worn()
    assert curve.between(40, 20) == pytest.approx((1600 - 400) / 6)
    assert curve.between(20, 0) == pytest.approx(400 / 12)
    assert curve.between(40, 20) > 1.1 * (1600 - 400) / 2 / curve.deceleration_from(40)
    assert curve.time_between(40, 0) == pytest.approx(20 / 3 + 20 / 6)
    assert curve.speed_after(40, 200) == pytest.approx(20)
    assert curve.speed_after(40, 1000) == 0
    assert curve.between(20, 40) == 0


def test_ways_of_many_cars_are_broadcast():
    cars = acc.Curve.of_decelerations(SPEEDS, np.array([[8.0, 8, 8, 8], [2, 2, 2, 2]]), np.zeros((2, 4)))
    assert cars.braking_distance(10).tolist() == pytest.approx([6.25, 25])
    assert cars.between(np.array([20.0, 10]), 0).tolist() == pytest.approx([25, 25])
    assert cars.speed_after(np.array([20.0, 10]), np.array([25.0, 0])).tolist() == pytest.approx([0, 10])


def test_a_car_that_may_not_stop_from_some_speed_has_no_way_from_there():
    curve = acc.Curve.of_decelerations(SPEEDS, np.array([1.0, 0.5, -0.1, 1.0]), np.zeros(4))
    assert np.isfinite(curve.braking_distance(10)) and np.isinf(curve.braking_distance(np.array([11.0, 20, 40]))).all()
    assert np.isinf(curve.between(40, 5)) and np.isinf(curve.time_between(40, 5))
    assert curve.speed_after(40, 100) == 40
    assert curve.deceleration_from(40) == 0


def test_a_longer_way_from_a_lower_speed_counts_at_the_higher_one_too():
    curve = acc.Curve.of_decelerations(SPEEDS, np.array([0.5, 8.0, 8, 8]), np.zeros(4))
    ways = curve.braking_distance(np.linspace(0, 40, 400))
    assert (np.diff(ways) > 0).all()
    assert curve.braking_distance(10) >= curve.braking_distance(5) == pytest.approx(25)


WORN_WET = {"tread_depth_mm": 2.0, "water_film_mm": 1.5}
WINTER = {"tyre_kind": level("tyre_kind", "winter"), "road_temperature_c": -6.0}
ROADS = {
    "dry": {},
    "wet": {"water_film_mm": 1.0},
    "worn in the wet": WORN_WET,
    "worn in deep water": WORN_WET | {"water_film_mm": 2.5},
    "snow": WINTER | {"surface": level("surface", "packed_snow")},
    "ice": WINTER | {"surface": level("surface", "ice")},
}


@pytest.mark.parametrize("road", ROADS.values(), ids=ROADS.keys())
def test_the_difference_of_two_ways_is_how_the_physics_brakes(road):
    """From 20 and 36 m/s, between speeds after the build-up: what `history` drives and S(v1) - S(v2) says."""
    car = ORDINARY | {"mass": 1400.0} | road
    columns = {name: np.full(len(acc.GRID), value) for name, value in car.items()} | {"speed": acc.GRID}
    answer = stops(COMPACT, **columns)
    curve = acc.Curve.of_decelerations(acc.GRID, answer["deceleration"], answer["delay"])
    for first in (20.0, 36.0):
        drive = history(COMPACT, **(car | {"speed": first}))
        built = drive["pressure_bar"] > 0.99 * car["brake_pressure_bar"]
        v, way = drive["speed"][built][::-1], drive["distance"][built][::-1]
        for high, low in ((1.0, 0.0), (1.0, 0.6), (0.8, 0.3), (0.5, 0.2)):
            fast, slow = high * v[-1], low * v[-1]
            driven = np.interp(slow, v, way) - np.interp(fast, v, way)
            assert curve.between(fast, slow) == pytest.approx(driven, rel=0.015), (first, high, low)


REFUSED = {
    "km/h": (lambda c: c.braking_distance(130), "speed must be 0 to 40 m/s .* If that was km/h, give 36.11"),
    "NaN": (lambda c: c.between(float("nan"), 0), "speed is required"),
    "below 0": (lambda c: c.between(10, -1), "slower_speed must be 0 to 40 m/s .* Got -1"),
    "one of many": (lambda c: c.delay_from(np.array([1, 2, 99])), r"speed in place 2 \(counted from 0\) must be"),
    "no speeds": (lambda _: acc.Curve(SPEEDS, SPEEDS, SPEEDS), "must begin with 0 and rise"),
    "beyond any car": (lambda _: acc.Curve.constant(90), "deceleration must be -4 to 18 m/s"),
}


@pytest.mark.parametrize(("call", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_speed_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call(worn())
