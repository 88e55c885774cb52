"""A stopping curve is how a car brakes: ways, times and speeds on the way, and those of the physics."""

import numpy as np
import pytest
from conftest import COMPACT, ORDINARY, level

from acc_decel import acc
from acc_decel.physics import history, stops

SPEEDS = np.array([5.0, 10, 20, 40])


def worn() -> acc.Curve:
    """A car that slows by 3 m/s^2 above 20 m/s and by 6 m/s^2 below."""
    way = np.where(SPEEDS > 20, 400 / 12 + (SPEEDS**2 - 400) / 6, SPEEDS**2 / 12)
    return acc.Curve.of_decelerations(SPEEDS, SPEEDS**2 / 2 / way, np.full(4, 0.1))


def test_a_constant_deceleration_has_the_ways_of_the_textbook():
    rng = np.random.default_rng(1)
    b, v, delay = rng.uniform(0.1, 12, 1000), rng.uniform(0, 70, 1000), rng.uniform(0, 1, 1000)
    curve, slow = acc.Curve.constant(b, delay), rng.uniform(0, 1, 1000) * v
    for got, expected in (
        (curve.braking_distance(v), v**2 / 2 / b),
        (curve.stopping_distance(v), v * delay + v**2 / 2 / b),
        (curve.between(v, slow), (v**2 - slow**2) / 2 / b),
        (curve.time_between(v, slow), (v - slow) / b),
        (curve.speed_after(v, curve.between(v, slow)), slow),
        (curve.deceleration_from(v), b),
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


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


WORN = {"tread_depth_mm": 2.0}
WINTER = {"tyre_kind": level("tyre_kind", "winter"), "road_temperature_c": -6.0}
ROADS = {
    "dry": {},
    "wet": {"water_film_mm": 1.0},
    "worn in the wet": WORN | {"water_film_mm": 1.5},
    "worn in deep water": WORN | {"water_film_mm": 2.5},
    "ice": WINTER | {"surface": level("surface", "ice")},
}


@pytest.mark.parametrize("road", ROADS.values(), ids=ROADS.keys())
def test_the_difference_of_two_ways_is_how_the_physics_brakes(road):
    """From built-up brakes to any lower speed: what `history` drives, and what S(v1) - S(v2) says of `stops`.

    The end of a stop alone is less exact: the ABS of the physics holds the slip that suits the speed at which the stop
    began, so that from 36 m/s on worn tyres in 2.5 mm of water the last 10 m are 5 % longer than a stop of their own.
    """
    car = ORDINARY | {"mass": 1400.0} | road
    columns = {name: np.full(len(acc.GRID), value) for name, value in car.items()} | {"speed": acc.GRID}
    answer = stops(COMPACT, **columns)
    curve = acc.Curve.of_decelerations(acc.GRID, answer["deceleration"], answer["delay"])
    for first in (20.0, 28.0, 36.0):
        drive = history(COMPACT, **(car | {"speed": first}))
        built = drive["pressure_bar"] > 0.99 * car["brake_pressure_bar"]
        v, way = drive["speed"][built][::-1], drive["distance"][built][::-1]
        slower = np.array([0.85, 0.7, 0.5, 0.3, 0.0]) * v[-1]
        np.testing.assert_allclose(curve.between(v[-1], slower), np.interp(slower, v, way) - way[-1], rtol=0.015)
        last = 0.3 * v[-1]
        assert curve.braking_distance(last) == pytest.approx(way[0] - np.interp(last, v, way), rel=0.055)


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
