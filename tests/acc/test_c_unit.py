"""The ACC unit's float32 formulas are those of the package: the same gaps, decelerations and warnings."""

import numpy as np
import pytest
from numpy import ndarray

from acc_decel import Predictor, acc
from acc_decel.export.acc_reference import ANSWERS, COLUMNS, USED, acc_answers, lead_upper
from acc_decel.following import MIN_TIME_GAP, REST_GAP, STANDSTILL_SPEED
from acc_decel.outputs import stopping_distance
from acc_decel.predictor import columns_of

ROWS = 5_000
RANGES = {  # of ordinary driving, in the units of the struct
    "speed": (0.1, 60.0), "deceleration": (0.5, 12.0), "delay": (0.0, 0.5), "deceleration_at_lead_speed": (0.5, 12.0),
    "lead_speed": (0.0, 60.0), "lead_deceleration": (-1.0, 14.0), "lead_braking": (-2.0, 10.0), "gap": (0.0, 200.0),
    "reaction": (0.0, 1.0), "standstill": (0.0, 5.0), "driver": (0.0, 2.0), "wait": (0.0, 0.5), "reserve": (-0.3, 0.3),
}  # fmt: skip


def drawn(**changes: float | ndarray) -> dict[str, ndarray]:
    """States of ordinary driving, as float32 columns."""
    rng = np.random.default_rng(3)
    state = {name: rng.uniform(*RANGES[name], ROWS).astype("f4") for name in COLUMNS}
    return state | {name: np.broadcast_to(np.float32(value), ROWS).copy() for name, value in changes.items()}


def answered(state: dict[str, ndarray]) -> dict[str, ndarray]:
    """The answers by name, none of them refused."""
    answers, status = acc_answers(np.stack([state[name] for name in COLUMNS], axis=1))
    assert not status.any()
    return {name: answers[:, i].astype("f8") for i, name in enumerate(ANSWERS)}


def assert_close(got: ndarray, expected: ndarray) -> None:
    """Equal but for the rounding of float32, and infinite alike."""
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-4)


def test_gaps_are_those_of_the_package():
    state = drawn()
    got, own = answered(state), acc.Curve.constant(state["deceleration"], state["delay"])
    asked = own, acc.Curve.constant(state["lead_deceleration"])
    rest = {"reaction": state["reaction"], "standstill": state["standstill"]}
    assert_close(got["safe_gap"], acc.safe_gap(*asked, state["speed"], state["lead_speed"], **rest))
    assert_close(got["time_gap"], acc.time_gap(*asked, state["speed"], **rest))
    assert (got["safe_gap"] > state["standstill"] + 1).mean() > 0.5 and (got["time_gap"] > MIN_TIME_GAP).mean() > 0.5


def test_a_required_deceleration_is_that_of_the_package():
    state = drawn()
    expected = acc.required_deceleration(
        state["speed"], state["gap"], state["lead_speed"], state["lead_braking"], delay=state["wait"]
    )
    got = answered(state)["required_deceleration"]
    edge = expected > 500  # next to no room: whether there is any is a matter of rounding
    assert_close(got[~edge], expected[~edge])
    assert edge.mean() < 0.1 and (expected == 0).mean() > 0.05 and ((expected > 0.1) & (expected < 10)).mean() > 0.2


def test_braking_distances_and_warnings_are_those_of_the_package_for_cars_that_slow_evenly():
    state = drawn()
    state["deceleration_at_lead_speed"] = state["deceleration"]
    got, own = answered(state), acc.Curve.constant(state["deceleration"], state["delay"])
    asked = {"reaction": state["reaction"], "lead_speed": state["lead_speed"]}
    assert_close(got["latest_braking_distance"], acc.latest_braking_distance(own, state["speed"], **asked))
    warned = acc.warning_distance(own, state["speed"], driver=state["driver"], **asked)
    assert_close(got["warning_distance"], warned)
    left = acc.warning_time(own, state["speed"], state["gap"], driver=state["driver"], **asked)
    clear = np.abs(state["gap"] - warned) > 1e-2
    np.testing.assert_array_equal(got["is_due"][clear] == 1, (left == 0)[clear])
    assert 0.1 < got["is_due"].mean() < 0.9


def test_to_an_obstacle_that_stands_it_is_the_stopping_distance_of_the_firmware():
    state = drawn(lead_speed=0.0, reaction=0.0)
    expected = stopping_distance(state["speed"], state["deceleration"], state["delay"])
    np.testing.assert_array_equal(answered(state)["latest_braking_distance"], expected)


ROADS = {
    "dry": {"surface": "asphalt", "water_film_mm": 0.0, "tread_depth_mm": 6.0},
    "wet": {"surface": "asphalt", "water_film_mm": 1.0, "tread_depth_mm": 5.0},
    "worn_wet": {"surface": "asphalt", "water_film_mm": 1.5, "tread_depth_mm": 2.0},
    "snow": {"surface": "packed_snow", "road_temperature_c": -5.0},
}


@pytest.mark.parametrize("road", ROADS)
def test_to_a_moving_lead_it_is_never_shorter_than_by_the_stopping_curve_of_a_model(road):
    predictor = Predictor()
    known = {"speed": 20.0, "brake_pressure_bar": 160.0, "mass": 1400.0} | ROADS[road]
    own = acc.stopping_curves(predictor, columns_of(known, predictor.factors)).lower
    state = drawn(reaction=0.45)
    state["lead_speed"] = np.minimum(state["lead_speed"], np.float32(0.95) * state["speed"])
    v, vl = state["speed"], state["lead_speed"]
    state["deceleration"], state["delay"] = (f(v).ravel().astype("f4") for f in (own.deceleration_from, own.delay_from))
    state["deceleration_at_lead_speed"] = own.deceleration_from(vl).ravel().astype("f4")
    exact = acc.latest_braking_distance(own, v, 0.45, lead_speed=vl).ravel()
    with_third = answered(state)["latest_braking_distance"]
    state["deceleration_at_lead_speed"][:] = np.nan
    without = answered(state)["latest_braking_distance"]
    assert (with_third >= exact - 1e-3).all() and (without >= exact - 1e-3).all()
    assert np.median(with_third / exact) < 1.15  # and not much longer
    if road == "worn_wet":
        evenly = (v - vl) * (0.45 + state["delay"]) + (v - vl) ** 2 / 2 / state["deceleration"]
        assert (exact - evenly).max() > 10  # what the third prediction is for


def test_the_reserve_of_a_pair_gives_back_the_lead():
    own, lead = np.float32([9.0, 5.0, 2.0, 0.5]), np.float32([10.0, 9.0, 1.5, 3.0])
    np.testing.assert_allclose(lead_upper(own, 1 / own - 1 / lead), lead, rtol=1e-5)
    assert np.isinf(lead_upper(np.float32([5.0, 5.0, 0.0, -1.0]), np.float32([0.2, 0.5, -0.1, 0.0]))).all()
    assert np.isnan(lead_upper(np.float32([np.nan, 5.0, 19.0, 5.0]), np.float32([0.0, np.nan, 0.0, -11.0]))).all()


def test_what_is_not_available_or_impossible_is_refused_by_what_needs_it_alone():
    state = {name: column[:1] for name, column in drawn(gap=-1.0, lead_deceleration=np.nan, wait=9.0).items()}
    answers, status = acc_answers(np.stack([state[name] for name in COLUMNS], axis=1))
    at = {name: 1 << i for i, name in enumerate(COLUMNS)}
    said = dict(zip(USED, status[0].tolist(), strict=True))
    assert said == {
        "safe_gap": at["lead_deceleration"], "time_gap": at["lead_deceleration"],
        "required_deceleration": at["gap"] | at["wait"], "latest_braking_distance": 0, "warning_distance": at["gap"],
    }  # fmt: skip
    assert (answers[0, [0, 1, 2, 4, 5]] == -1).all() and answers[0, 3] >= 0


def test_a_car_that_may_not_stop_gets_infinite_answers_and_one_that_stands_none():
    state = drawn(deceleration=0.0, lead_speed=0.0)
    got = answered(state)
    assert np.isinf(got["safe_gap"]).all() and np.isinf(got["time_gap"]).all()
    assert np.isinf(got["latest_braking_distance"]).all() and (got["is_due"] == 1).all()
    stands = answered(drawn(speed=STANDSTILL_SPEED, deceleration=0.0, wait=0.0, standstill=REST_GAP))
    assert (stands["safe_gap"] == REST_GAP).all() and (stands["required_deceleration"] == 0).all()
    assert (stands["latest_braking_distance"] == 0).all()
