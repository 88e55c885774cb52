"""The speed that fits a distance that is seen, or a gap that is short enough; and the parameters of RSS."""

import numpy as np
import pytest

from acc_decel import acc

SLIPPERY = acc.Curve.of_decelerations(np.array([10.0, 30, 70]), np.array([6.0, 4, 2]), np.full(3, 0.2))


def test_from_the_safe_speed_the_car_stands_where_it_sees():
    rng = np.random.default_rng(1)
    sight, reaction = rng.uniform(8, 400, 300), rng.uniform(0, 2, 300)
    v = acc.safe_speed(SLIPPERY, sight, reaction)
    np.testing.assert_allclose(v * reaction + SLIPPERY.stopping_distance(v) + 2, sight, rtol=1e-6)


def test_a_set_speed_that_fits_is_kept():
    assert acc.safe_speed(6.0, 500, set_speed=20) == 20
    assert acc.safe_speed(6.0, 1.0) == 0
    assert acc.safe_speed(6.0, np.array([50, 100])).shape == (2,)
    assert acc.speed_for_gap_cap(6.0, 6.0, 36) == 36
    assert acc.speed_for_gap_cap(0.0, 6.0, 36) == 0


def test_at_the_speed_for_a_cap_the_gap_is_no_longer():
    rng, n = np.random.default_rng(2), 200
    top, cap, lead = rng.uniform(2, 60, n), rng.uniform(0.8, 5, n), rng.uniform(3, 12, n)
    v = acc.speed_for_gap_cap(SLIPPERY, lead, top, cap)
    assert (v >= 0).all() and (v <= top).all()
    kept, lowered = v == top, (v > 0) & (v < top)
    assert kept.sum() > 20 and lowered.sum() > 20
    gap = acc.time_gap(SLIPPERY, lead, np.maximum(v, 0.1))
    assert (gap <= cap)[v > 0].all()
    np.testing.assert_allclose(gap[lowered], cap[lowered], rtol=1e-5)  # no faster one would fit


def test_rss_gets_its_numbers_with_the_names_and_signs_of_each_stack():
    own, lead = acc.Curve.constant(np.array([4.0, 9.0]), 0.15), acc.Curve.constant(8.0)
    p = acc.rss_parameters(own, lead, 30, reaction=0.5)
    assert p.alpha_brake_min.tolist() == pytest.approx([4, 9])
    assert p.alpha_brake_max.tolist() == pytest.approx([8, 9])  # never below the own, or the formula of RSS is short
    assert p.response_time.tolist() == pytest.approx([0.65, 0.65])
    for stack in (p.ad_rss_lib(), p.autoware_cruise(), p.autoware_aeb()):
        least, most, time = stack.values()
        assert (least < 0).all() and (most <= least).all() and (time > 0).all()
    assert set(p.ad_rss_lib()) == {"alphaLon.brakeMin", "alphaLon.brakeMax", "responseTime"}


def test_with_these_parameters_the_formula_of_rss_keeps_the_safe_gap():
    rng = np.random.default_rng(1)
    b, bl, v = rng.uniform(1, 10, 3000), rng.uniform(1, 12, 3000), rng.uniform(1, 50, 3000)
    vl = v * rng.uniform(0.3, 1.0, 3000)
    p = acc.rss_parameters(b, bl, v, vl, 0.4)
    rss = v * p.response_time + v**2 / 2 / p.alpha_brake_min - vl**2 / 2 / p.alpha_brake_max
    assert (np.maximum(rss, 0) >= acc.safe_gap(b, bl, v, vl, 0.4, standstill=0.0) - 1e-6).all()


def test_rss_has_no_parameters_for_a_car_that_may_not_stop():
    with pytest.raises(ValueError, match="RSS needs a car that stops"):
        acc.rss_parameters(0.0, 9.0, 30)


REFUSED = {
    "a cap below the standard": (lambda: acc.speed_for_gap_cap(6.0, 9.0, 30, 0.3), "gap_cap must be 0.8 to 10 s"),
    "a cap in ms": (lambda: acc.speed_for_gap_cap(6.0, 9.0, 30, 3000), "If that was ms, give 3"),
    "a set speed in km/h": (
        lambda: acc.speed_for_gap_cap(6.0, 9.0, 130),
        "set_speed must be 1 to 70 m/s .* give 36.11",
    ),
    "a sight below 0": (lambda: acc.safe_speed(6.0, -5), "sight must be 0 to 2000 m .* Got -5"),
    "no sight": (lambda: acc.safe_speed(6.0, float("nan")), "sight is required"),
}


@pytest.mark.parametrize(("call", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_no_road_has_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
