"""The safe gap is the closing that a simulation finds, for constant decelerations and for curves."""

import numpy as np
import pytest

from acc_decel import acc

PAIRS, STEP, COMPACTED = 10_000, 0.001, 500  # pairs; [s]; steps after which pairs at rest are taken out
RANGES = {"v": (0.0, 50.0), "b": (1.5, 11.0), "vl": (0.0, 50.0), "bl": (1.5, 13.0), "r": (0.0, 2.0)}


def simulated_closing(p: dict[str, np.ndarray]) -> np.ndarray:
    """The most [m] that the own cars come nearer, both slowing by a constant deceleration, in steps of 1 ms."""
    most, rows, steps = np.zeros(len(p["v"])), np.arange(len(p["v"])), 0
    v, vl, own, lead, wait = p["v"].copy(), p["vl"].copy(), STEP * p["b"], STEP * p["bl"], p["r"] / STEP
    closing = np.zeros(len(v))
    while len(rows):
        for _ in range(COMPACTED):
            braked = own * np.clip(steps + 1 - wait, 0, 1)  # the step in which the brakes begin counts in part
            after, lead_after = np.maximum(v - braked, 0), np.maximum(vl - lead, 0)
            closing += 0.5 * STEP * (v + after - vl - lead_after)
            most[rows] = np.maximum(most[rows], closing)
            v, vl, steps = after, lead_after, steps + 1
        moving = v > 0
        rows, v, vl, own, lead, wait, closing = (a[moving] for a in (rows, v, vl, own, lead, wait, closing))
    return most


def pairs(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Pairs of cars; half of the leads drive about as fast as the own car."""
    drawn = {name: rng.uniform(*span, n) for name, span in RANGES.items()}
    drawn["vl"] = np.where(rng.random(n) < 0.5, drawn["v"] * rng.uniform(0.4, 1.1, n), drawn["vl"])
    return drawn


@pytest.fixture(scope="module")
def simulated() -> tuple[dict[str, np.ndarray], np.ndarray]:
    p = pairs(np.random.default_rng(4), PAIRS)
    return p, simulated_closing(p)


def test_the_safe_gap_of_ten_thousand_pairs_is_that_of_a_simulation(simulated):
    p, exact = simulated
    gap = acc.safe_gap(p["b"], p["bl"], p["v"], p["vl"], p["r"], standstill=0.0)
    assert (gap >= exact - 1e-3).all()  # as exact as the last step of each car in the simulation is
    assert (gap <= exact + 0.05).all()
    three_moments = acc.greatest_closing(p["v"], p["b"], p["r"], p["vl"], p["bl"])
    np.testing.assert_allclose(three_moments, gap, atol=1e-9)


def test_the_formula_at_standstill_only_is_short_by_metres(simulated):
    p, exact = simulated
    rss = np.maximum(p["v"] * p["r"] + p["v"] ** 2 / 2 / p["b"] - p["vl"] ** 2 / 2 / p["bl"], 0)
    short = exact - rss
    assert short.max() > 10
    slower_lead = (p["vl"] <= p["v"]) & (p["bl"] >= p["b"])
    assert slower_lead.sum() > 1000 and short[slower_lead].max() < 0.05  # right where the lead brakes harder


def test_curves_come_nearest_where_a_simulation_says():
    """A hundred pairs: half of them are those of many in which the mean decelerations miss the most."""
    rng, n = np.random.default_rng(5), 5000
    own, lead = (curves(rng, n, delay) for delay in (0.3, 0.0))
    v, r = rng.uniform(0, 30, n), rng.uniform(0, 1, n)
    vl = np.minimum(v * rng.uniform(0.5, 1.1, n), 30)
    gap, wait = acc.safe_gap(own, lead, v, vl, r, standstill=0.0), r + own.delay_from(v)
    missed = gap - acc.greatest_closing(v, own.deceleration_from(v), wait, vl, lead.deceleration_from(vl))
    pick = np.concatenate([np.argsort(missed)[-50:], np.arange(50)])
    assert missed[pick].max() > 0.2  # the means alone miss where cars come nearest on the way
    own, lead, v, vl, wait = rows_of(own, pick), rows_of(lead, pick), v[pick], vl[pick], wait[pick]
    closing, most, now, now_lead, k = np.zeros(len(pick)), np.zeros(len(pick)), v.copy(), vl.copy(), 0
    while now.any():
        after = np.where((k + 0.5) * STEP < wait, now, np.maximum(now - STEP * local(own, now), 0))
        lead_after = np.maximum(now_lead - STEP * local(lead, now_lead), 0)
        closing += 0.5 * STEP * (now + after - now_lead - lead_after)
        most, now, now_lead, k = np.maximum(most, closing), after, lead_after, k + 1
    np.testing.assert_allclose(gap[pick], most, atol=0.05)


def rows_of(cars: acc.Curve, rows: np.ndarray) -> acc.Curve:
    return acc.Curve(cars.speed, cars.distance[rows], cars.delay[rows])


def curves(rng: np.random.Generator, n: int, delay: float) -> acc.Curve:
    """Cars that brake softly at one speed and harder at another."""
    grid = np.arange(5.0, 36, 5)
    rough = rng.uniform(4, 8, (n, 1)) * rng.uniform(0.93, 1.08, (n, len(grid)))
    return acc.Curve.of_decelerations(grid, rough, np.full((n, len(grid)), delay))


def local(curve: acc.Curve, v: np.ndarray) -> np.ndarray:
    """The deceleration at each speed, from the ways at the two speeds of the grid around it."""
    part = np.clip(np.searchsorted(curve.speed, v, side="left") - 1, 0, len(curve.speed) - 2)
    rows = np.arange(len(v))
    way = curve.distance[rows, part + 1] - curve.distance[rows, part]
    return (curve.speed[part + 1] ** 2 - curve.speed[part] ** 2) / 2 / way


def test_more_of_what_is_bad_never_makes_the_gap_shorter():
    p = pairs(np.random.default_rng(6), 2000)
    p["v"] *= 0.9
    names = ("b", "bl", "v", "vl", "r")
    gap = acc.safe_gap(*(p[name] for name in names))
    for name, worse in (("b", 0.9), ("bl", 1.1), ("v", 1.05), ("vl", 0.9), ("r", 1.2)):
        other = acc.safe_gap(*(p[n] * (worse if n == name else 1.0) for n in names))
        assert (other >= gap - 1e-9).all(), name


def test_a_lead_that_does_not_brake_costs_only_the_closing():
    assert acc.safe_gap(6.0, 0.0, 20, 20, 0.5, standstill=0.0) == 0
    assert acc.safe_gap(6.0, 0.0, 30, 20, 0.5, standstill=0.0) == pytest.approx(10 * 0.5 + 100 / 12)
    assert acc.greatest_closing(30, 6.0, 0.5, 20, -1.0) == pytest.approx(10 * 0.5 + 100 / 12)
    assert acc.safe_gap(6.0, 9.0, 30, 0, 0.5, standstill=0.0) == pytest.approx(15 + 75)


def test_a_car_that_may_not_stop_has_no_safe_gap():
    assert np.isinf(acc.safe_gap(0.0, 9.0, 30, 30)) and np.isinf(acc.greatest_closing(30, 0, 0.5, 30, 9))
    assert np.isinf(acc.time_gap(-0.2, 9.0, 30))
    assert acc.safe_gap(0.0, 9.0, 0, 30) == 2


def test_the_time_gap_is_never_below_that_of_the_standard():
    assert acc.time_gap(9.0, 3.0, 30) == acc.MIN_TIME_GAP == 0.8
    assert acc.time_gap(3.0, 9.0, 30) == pytest.approx(acc.safe_gap(3.0, 9.0, 30, 30) / 30)
    assert np.isinf(acc.time_gap(3.0, 9.0, 0))


REFUSED = {
    "a lead faster than light": ({"lead_speed": 3.1e8}, "lead_speed must be 0 to 70 m/s .* Got 3.1e\\+08"),
    "a lead in km/h": ({"lead_speed": 120}, "If that was km/h, give 33.33"),
    "NaN": ({"lead_speed": float("nan")}, "lead_speed is required"),
    "milliseconds": ({"reaction": 450}, "reaction must be 0 to 5 s .* If that was ms, give 0.45"),
    "back in time": ({"reaction": -1}, "reaction must be 0 to 5 s .* Got -1"),
    "a gap below 0 at rest": ({"standstill": -2}, "standstill must be 0 to 20 m .* Got -2"),
    "a lead like a rocket": ({"lead": 40.0}, "deceleration must be -4 to 18 m/s"),
}


@pytest.mark.parametrize(("wrong", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_no_road_has_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        acc.safe_gap(**({"own": 6.0, "lead": 9.0, "speed": 20, "lead_speed": 20, "reaction": 0.4} | wrong))
