"""What an obstacle requires: decelerations that just avoid contact, and the distances to brake and to warn at."""

import numpy as np
import pytest

from acc_decel import acc

SPEEDS = np.array([0, 5, 12.5, 20, 60])


def test_the_required_deceleration_just_avoids_contact():
    rng, n = np.random.default_rng(1), 5000
    v, vl, al = rng.uniform(1, 50, n), rng.uniform(0, 50, n), rng.uniform(0, 9, n) * (rng.random(n) < 0.7)
    gap, delay = rng.uniform(1, 300, n), rng.uniform(0, 1, n)
    need = acc.required_deceleration(v, gap, vl, al, delay=delay)
    usual = (need > 1e-3) & (need < 18)
    assert usual.sum() > 2000
    closing = acc.greatest_closing(*(a[usual] for a in (v, need, delay, vl, al)))
    np.testing.assert_allclose(closing, gap[usual], rtol=1e-9)
    none = need == 0
    assert none.any() and (v <= vl)[none].all() and (al == 0)[none].all()
    never = np.isinf(need)  # there is contact before the brakes act
    assert never.any() and (acc.greatest_closing(v, np.full(n, 18.0), delay, vl, al) >= gap)[never].all()


def test_nothing_is_required_of_a_car_that_nobody_is_ahead_of():
    assert acc.required_deceleration(30, np.inf) == 0
    assert acc.required_deceleration(30, np.inf, 20, 3) == 0
    assert acc.required_deceleration(0, 0, 0) == 0
    assert acc.required_deceleration(20, 50, 25) == 0
    assert acc.required_deceleration(20, 50, 25, -2) == 0
    assert acc.required_deceleration(30, 90) == pytest.approx(5)
    assert np.isinf(acc.required_deceleration(30, 0))
    assert acc.required_deceleration(np.array([10.0, 20, 30]), 50).tolist() == pytest.approx([1, 4, 9])


def test_the_latest_braking_distance_is_the_stop_after_the_reaction():
    own = acc.Curve.constant(5.0, 0.2)
    assert acc.latest_braking_distance(own, 30, 0.5) == pytest.approx(30 * 0.7 + 90)
    assert acc.warning_distance(own, 30, 0.5) == pytest.approx(30 * (0.7 + 1.2) + 90)
    assert acc.warning_time(own, 30, 177, 0.5) == pytest.approx(1.0)
    assert acc.warning_time(own, 30, 20, 0.5) == 0
    assert np.isinf(acc.warning_time(own, 30, 20, 0.5, lead_speed=30))
    assert np.isinf(acc.latest_braking_distance(0.0, 30))


def test_for_a_moving_obstacle_it_is_the_gap_to_a_lead_that_does_not_brake():
    v, vl = np.random.default_rng(2).uniform(0, 50, (2, 1000))
    own = acc.Curve.of_decelerations(np.array([10.0, 20, 30, 60]), np.array([7.0, 6, 5, 3]), np.full(4, 0.1))
    gap = acc.safe_gap(own, 0.0, v, vl, 0.4, standstill=0.0)
    np.testing.assert_allclose(acc.latest_braking_distance(own, v, 0.4, lead_speed=vl), gap, atol=1e-6)


def test_iso_15622_allows_less_at_higher_speed():
    assert acc.iso_deceleration(SPEEDS).tolist() == pytest.approx([5, 5, 4.25, 3.5, 3.5])
    assert acc.iso_jerk(SPEEDS).tolist() == pytest.approx([5, 5, 3.75, 2.5, 2.5])


REFUSED = {
    "a gap below 0": (lambda: acc.required_deceleration(20, -3), "gap must be 0 to 1000 m .* Got -3"),
    "a gap that is no number": (lambda: acc.required_deceleration(20, float("nan")), "gap is required"),
    "a gap in mm": (lambda: acc.warning_time(6.0, 20, 40_000), "If that was cm, give 400"),
    "percent of g": (lambda: acc.required_deceleration(20, 9, 9, 40), "lead_deceleration must be .* was %, give 3.923"),
    "a lead in km/h": (lambda: acc.latest_braking_distance(6.0, 20, lead_speed=100), "km/h, give 27.78"),
    "a driver in ms": (lambda: acc.warning_distance(6.0, 20, driver=1200), "If that was ms, give 1.2"),
    "a speed beyond": (lambda: acc.iso_jerk(200), "speed must be 0 to 70 m/s .* km/h, give 55.56"),
}


@pytest.mark.parametrize(("call", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_no_road_has_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
