"""The planner in short drives of a point mass: no contact where it can be avoided, no fright where it need not be."""

import numpy as np
import pytest

from acc_decel import acc

TICK, LATE, END = 0.1, 2, 450  # [s]; ticks until the brakes act; ticks of a drive
CARS = {  # speed, set speed, gap, lead's speed, obstacle's gap, belief of own car and lead, what the car reaches
    "dry, lead brakes": (30.0, 30.0, "steady", 30.0, np.inf, 8.0, 11.0, 9.0),
    "ice, lead brakes": (12.0, 12.0, "steady", 12.0, np.inf, 0.8, 1.6, 1.0),
    "dry, obstacle": (30.0, 30.0, np.inf, 0.0, 160.0, 8.0, 11.0, 9.0),
    "ice, obstacle": (12.0, 12.0, np.inf, 0.0, 160.0, 0.8, 1.6, 1.0),
    "dry, slow obstacle": (12.0, 12.0, np.inf, 0.0, 160.0, 8.0, 11.0, 9.0),
    "dry, late obstacle": (8.0, 8.0, np.inf, 0.0, 11.0, 8.0, 11.0, 9.0),
    "slow-down": (30.0, 30.0, "steady", 30.0, np.inf, 8.0, 11.0, 9.0),
    "speed up": (20.0, 25.0, np.inf, 0.0, np.inf, 8.0, 11.0, 9.0),
    "slow down": (25.0, 20.0, np.inf, 0.0, np.inf, 8.0, 11.0, 9.0),
}
NAMES = list(CARS)


def lead_slows(t: float) -> np.ndarray:
    """How hard each lead brakes [m/s^2] at the time `t`."""
    hard = {"dry, lead brakes": 11.0, "ice, lead brakes": 1.6} if t > 1 else {}
    soft = {"slow-down": 1.5} if 1 < t < 7 else {}
    return np.array([(hard | soft).get(name, 0.0) for name in NAMES])


@pytest.fixture(scope="module")
def drives() -> dict[str, dict[str, float]]:
    """Point masses that brake as they are asked, 0.2 s late and as hard as they can at most, all at once."""
    v, set_speed, _, vl, obstacle, own, lead, real = (np.array(column) for column in zip(*CARS.values(), strict=True))
    v, set_speed, vl, obstacle, own, lead, real = (
        a.astype(float) for a in (v, set_speed, vl, obstacle, own, lead, real)
    )
    curves = acc.Curve.constant(own), acc.Curve.constant(lead)
    steady = np.maximum(acc.safe_gap(*curves, v, v), 0.8 * v + 2)
    gap = np.where([car[2] == "steady" for car in CARS.values()], steady, np.inf)
    waiting, command, log = [np.zeros(len(v))] * LATE, None, []
    for k in range(END):
        slowing = np.where(vl > 0, lead_slows(k * TICK), 0.0)
        scene = acc.Scene(v, set_speed, np.maximum(gap, 0), vl, slowing, np.maximum(obstacle, 0))
        command = acc.command(*curves, scene, command, tick=TICK)
        waiting.append(np.where(command.emergency, -real, np.maximum(command.acceleration, -real)))
        after, lead_after = np.maximum(v + waiting.pop(0) * TICK, 0), np.maximum(vl - slowing * TICK, 0)
        way, lead_way = 0.5 * TICK * (v + after), 0.5 * TICK * (vl + lead_after)
        gap, obstacle = gap + lead_way - way, obstacle - way
        log.append((np.minimum(gap, obstacle), (v - after) / TICK, command.emergency, command.braking, after))
        v, vl = after, lead_after
    left, slowed, emergency, braking, speed = (np.array(column) for column in zip(*log, strict=True))
    mean = np.array([np.convolve(a, np.ones(3) / 3, "valid") for a in slowed.T])
    return {
        name: {
            "left": left[:, i].min(),
            "peak": slowed[:, i].max(),
            "jerk": (mean[i, 10:] - mean[i, :-10]).max(),  # over a second
            "emergency": emergency[:, i].any(),
            "changes": np.abs(np.diff(emergency[:, i].astype(int))).sum(),
            "onset": TICK * braking[:, i].argmax(),
            "speed": speed[-1, i],
        }
        for i, name in enumerate(NAMES)
    }


def test_a_lead_that_brakes_all_it_can_is_not_hit(drives):
    for name in ("dry, lead brakes", "ice, lead brakes"):
        assert drives[name]["left"] > 0 and drives[name]["speed"] < 0.2, name
    assert drives["dry, lead brakes"]["emergency"]
    assert not drives["ice, lead brakes"]["emergency"]  # what ISO 15622 allows is more than ice has


def test_an_obstacle_ahead_needs_no_emergency(drives):
    for name in ("dry, obstacle", "ice, obstacle", "dry, slow obstacle"):
        done = drives[name]
        assert 0 < done["left"] < 5 and done["speed"] < 0.2 and not done["emergency"], name
        assert done["peak"] < 3.7


def test_a_late_obstacle_is_one_emergency_and_the_last_metre_none(drives):
    done = drives["dry, late obstacle"]
    assert done["emergency"] and done["left"] > 0.5 and done["speed"] < 0.01
    assert all(drive["changes"] <= 2 for drive in drives.values())


def test_a_car_at_rest_stays_before_an_obstacle_and_drives_on_without_one():
    rest = acc.Scene(0.0, 20.0, obstacle_gap=np.array([0.2, 1.5, np.inf]))
    command = acc.command(8.0, 11.0, rest, tick=0.1)
    assert not command.emergency.any() and (command.acceleration[:2] <= 0).all() and command.acceleration[2] > 0


def test_on_ice_braking_begins_earlier(drives):
    assert drives["ice, obstacle"]["onset"] < drives["dry, slow obstacle"]["onset"] - 3


def test_a_normal_slow_down_frightens_nobody(drives):
    done = drives["slow-down"]
    assert not done["emergency"] and done["left"] > 10
    assert done["peak"] < 2.5 and done["jerk"] < 2.6


def test_without_anybody_ahead_the_set_speed_is_reached_softly(drives):
    assert drives["speed up"]["speed"] == pytest.approx(25, abs=0.1)
    assert drives["slow down"]["speed"] == pytest.approx(20, abs=0.1)
    assert drives["slow down"]["peak"] <= 1.0 + 1e-9 and not drives["slow down"]["emergency"]


def test_a_low_belief_alone_never_slams_the_brakes():
    scene = acc.Scene(speed=20.0, set_speed=20.0, lead_gap=25.0, lead_speed=19.5)
    for belief in (8.0, 2.0, 0.5, 0.1):
        command = acc.command(belief, 11.0, scene)
        assert not command.emergency and command.acceleration > -3.5


def test_beyond_the_standard_it_is_an_emergency_until_the_lead_is_as_fast():
    now = acc.command(8.0, 11.0, acc.Scene(20.0, 20.0, lead_gap=12.0, lead_speed=5.0))
    assert now.emergency and now.acceleration <= -8 and now.required > 3.5
    nearer = acc.Scene(8.0, 20.0, lead_gap=3.8, lead_speed=5.0)
    assert acc.command(8.0, 11.0, nearer, now).emergency and not acc.command(8.0, 11.0, nearer).emergency
    assert not acc.command(8.0, 11.0, acc.Scene(5.0, 20.0, lead_gap=9.0, lead_speed=5.0), now).emergency


def test_many_cars_are_planned_at_once():
    v = np.array([30.0, 12.0, 20.0])
    own, lead = acc.Curve.constant(np.array([8.0, 0.8, 5.0])), acc.Curve.constant(np.array([11.0, 1.6, 9.0]))
    many = acc.command(own, lead, acc.Scene(v, v, np.array([50.0, 20.0, np.inf]), np.array([25.0, 12.0, 0.0])))
    for i in range(3):
        one = acc.command(
            acc.Curve.constant([8.0, 0.8, 5.0][i]),
            acc.Curve.constant([11.0, 1.6, 9.0][i]),
            acc.Scene(v[i], v[i], [50.0, 20.0, np.inf][i], [25.0, 12.0, 0.0][i]),
        )
        assert many.acceleration[i] == pytest.approx(float(one.acceleration))
        assert many.required[i] == pytest.approx(float(one.required))


REFUSED = {
    "a gap below 0": (acc.Scene(20, 20, lead_gap=-1.0), "gap must be 0 to 1000 m .* Got -1"),
    "a lead in km/h": (acc.Scene(20, 20, lead_gap=30.0, lead_speed=90), "lead_speed must be .* give 25"),
    "no speed": (acc.Scene(float("nan"), 20), "speed is required"),
}


@pytest.mark.parametrize(("scene", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_no_sensor_gives_is_refused(scene, said):
    with pytest.raises(ValueError, match=said):
        acc.command(8.0, 11.0, scene)
