"""The closed loop of the trial: its planner is that of `acc.command`, its cars are those of the physics."""

import numpy as np
import pytest
from numba import njit

from acc_decel import acc
from acc_decel.acc.trial import loop, many_runs
from acc_decel.acc.trial.controller import Asked, planned, required
from acc_decel.acc.trial.pairs import draw_pairs
from acc_decel.acc.trial.roads import ALL_ROADS, ROADS
from acc_decel.factors import FACTORS
from acc_decel.physics import LATENTS, driving, vehicle

CARS = 40
STEP = 0.005


def random_scenes(rows: int) -> tuple[np.ndarray, ...]:
    """Speed, set speed, gap, speed and slowing of a lead, gap of an obstacle; every third one at a walk."""
    rng = np.random.default_rng(3)
    walk = np.arange(rows) % 3 == 0
    nothing = np.full(rows, np.inf)
    speed, lead_speed = rng.uniform(0, 40, rows), rng.uniform(0, 40, rows) * (rng.random(rows) < 0.8)
    lead_gap = np.where(rng.random(rows) < 0.2, nothing, rng.uniform(0, 120, rows) * np.where(walk, 0.04, 1))
    obstacle_gap = np.where(rng.random(rows) < 0.6, nothing, rng.uniform(0, 150, rows) * np.where(walk, 0.03, 1))
    speed, lead_speed = speed * np.where(walk, 0.07, 1), lead_speed * np.where(walk, 0.02, 1)
    return speed, rng.uniform(5, 45, rows), lead_gap, lead_speed, rng.uniform(-3, 9, rows), obstacle_gap


def test_the_compiled_planner_asks_for_what_acc_command_asks():
    rows, rng = 3000, np.random.default_rng(4)
    speed, wish, lead_gap, lead_speed, slowing, obstacle = random_scenes(rows)
    own = acc.Curve.constant(rng.uniform(0.5, 9, rows), 0.1)
    before = acc.Command(-rng.uniform(-1, 5, rows), rng.random(rows) < 0.3, rng.random(rows) < 0.5)
    scene = acc.Scene(speed, wish, lead_gap, lead_speed, slowing, obstacle)
    expected = acc.command(own, 9.0, scene, before)
    wanted = np.maximum(acc.safe_gap(own, 9.0, speed, speed), 0.8 * speed + 2)
    belief = own.deceleration_from(speed)
    for i in range(rows):
        memory = Asked(before.acceleration[i], before.emergency[i], before.braking[i])
        seen = speed[i], wish[i], lead_gap[i], lead_speed[i], slowing[i], obstacle[i]
        asked = planned(memory, *seen, belief[i], wanted[i], 0.02)
        assert asked.acceleration == pytest.approx(expected.acceleration[i], abs=1e-9), seen
        assert (asked.emergency, asked.braking) == (expected.emergency[i], expected.braking[i]), seen
    assert 0.1 < expected.emergency.mean() < 0.9 and 0.1 < expected.braking.mean() < 0.95


def test_the_compiled_requirement_is_that_of_the_package():
    speed, _, gap, lead_speed, slowing, _ = random_scenes(2000)
    expected = acc.required_deceleration(speed, gap, lead_speed, slowing, delay=0.15)
    got = [required(*row, 0.15) for row in zip(speed, gap, lead_speed, slowing, strict=True)]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@njit(error_model="numpy")
def full_stop(events, car, step):
    e = driving.event_of(events, car)
    s, pressures, dead = driving.rolling(e, e.speed), driving.Brakes(0.0, 0.0), int(e.dead_time / step)
    way, k = 0.0, 0
    while s.speed > 0.0 and k * step < 300.0:
        pressures = driving.pressed(e, pressures, e.demand if k >= dead else 0.0, step)
        before = s.speed
        s = driving.driven(e, s, pressures.caliper, 0.0, step)
        way += 0.5 * (before + s.speed) * step
        k += 1
    for _ in range(2000):  # it stays where it is
        s = driving.driven(e, s, pressures.caliper, 0.0, step)
        way += s.speed * step
    return way


@pytest.mark.parametrize("road", ROADS)
def test_a_car_of_the_plant_stops_where_the_physics_says_and_stays_there(road):
    own = draw_pairs(road, CARS, own=vehicle("compact"), rng=np.random.default_rng(5)).own
    ways = np.array([full_stop(own.events, i, STEP) for i in range(CARS)])
    expected = own.curve.stopping_distance(own.factors["speed"])
    np.testing.assert_allclose(ways, expected, rtol=0.015)


def test_both_cars_share_the_road_and_nothing_else():
    pairs = draw_pairs("wet", 200, own=vehicle("compact"), rng=np.random.default_rng(6), patch=True)
    shared = {name for name, column in pairs.own.latents.items() if (column == pairs.lead.latents[name]).all()}
    assert shared == {latent.name for latent in LATENTS if latent.of_the_road}
    for name in ("speed", *(f.name for f in FACTORS if f.of_the_road)):
        assert (pairs.own.factors[name] == pairs.lead.factors[name]).all()
    assert (pairs.own.factors["mass"] != pairs.lead.factors["mass"]).all()
    assert set(pairs.platform) == set(range(7))
    on_ice = pairs.own.curve_on_ice.deceleration_from(pairs.speed)
    assert (on_ice < 0.5 * pairs.own.curve.deceleration_from(pairs.speed)).all()


def test_a_trace_follows_the_radar_and_ends_with_the_gap_of_the_run():
    pairs = draw_pairs("dry", 3, own=vehicle("compact"), rng=np.random.default_rng(7))
    own, lead = pairs.own, pairs.lead
    flat = np.ones((3, 17))
    start = np.stack([pairs.speed, pairs.speed, np.full(3, 60.0), pairs.speed, np.zeros(3)], axis=1)
    trace = np.full((3, 900, len(loop.TRACE)), np.nan)
    cars = own.events, own.on_ice, lead.events, lead.on_ice
    patch = np.full((3, 2), np.inf)
    results = many_runs.all_runs(
        loop.LEAD_BRAKES,
        cars,
        patch,
        9 * flat,
        30 * flat,
        pairs.speed,
        start,
        np.zeros((3, 0)),
        (120.0, 213.0),
        60.0,
        STEP,
        trace,
    )
    for run, rows in zip(results, trace, strict=True):
        time, gap, speed, lead_speed, deceleration = rows[~np.isnan(rows[:, 0])].T
        assert np.diff(time) == pytest.approx(0.05)
        assert (lead_speed[time <= 1] == lead_speed[0]).all() and lead_speed[-1] == 0
        assert deceleration[time < 1.1] == pytest.approx(0, abs=1.0)  # the radar is late
        assert gap[-1] == pytest.approx(run[loop.REST], abs=0.1)
        assert gap.min() >= run[loop.LEAST] - 1e-9 and speed[-1] < 1
    assert ALL_ROADS["dry"].top_speed > pairs.speed.max()


@njit(error_model="numpy")
def held(events, car, pressure, speed, seconds, step):
    """Speed [m/s] after some seconds under a pressure that stays."""
    e = driving.event_of(events, car)
    s = driving.rolling(e, speed)
    for _ in range(int(seconds / step)):
        s = driving.driven(e, s, pressure, 0.0, step)
    return s.speed


@pytest.mark.parametrize("road", ["dry", "ice", "downhill"])
def test_a_car_that_brakes_softly_at_a_walk_comes_to_rest_and_does_not_creep(road):
    pairs = draw_pairs(road, CARS, own=vehicle("compact"), rng=np.random.default_rng(8))
    speeds = [held(pairs.own.events, i, 12.0, 1.4, 20.0, STEP) for i in range(CARS)]
    assert speeds == [0.0] * CARS


def test_the_radar_is_a_tenth_of_a_second_late_and_filters_the_deceleration():
    gaps, speeds = np.full(loop.RADAR_TICKS, 50.0), np.full(loop.RADAR_TICKS, 20.0)
    radar, seen = loop.Radar(50.0, 20.0, 0.0), []
    for tick in range(100):
        radar = loop.measured(gaps, speeds, tick, 50.0 - tick, 20.0 - 6 * loop.TICK * tick, radar)
        seen.append(radar)
    late = round(0.1 / loop.TICK)
    assert [r.gap for r in seen[late:]] == [50.0 - tick for tick in range(100 - late)]
    assert seen[50].speed == pytest.approx(20 - 6 * loop.TICK * (50 - late))
    after = seen[late + round(loop.LEAD_FILTER / loop.TICK)].deceleration  # one time constant: 1 - 1/e, in steps
    assert after == pytest.approx(6 * (1 - np.exp(-1)), rel=0.08)
    assert seen[-1].deceleration == pytest.approx(6, rel=1e-3)
