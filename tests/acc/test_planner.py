"""The planner in short drives of a point mass: no contact where it can be avoided, no fright where it need not be."""

from dataclasses import dataclass

import numpy as np
import pytest

from acc_decel import acc

TICK = 0.02


@dataclass
class Drive:
    """What happened: least gap [m], peak deceleration, most jerk over a second, emergencies, final speed."""

    gap: float
    peak: float
    jerk: float
    emergency: bool
    speed: float
    onset: float


def drive(own, lead, *, v, set_speed=None, gap=np.inf, vl=0.0, al=lambda _: 0.0, obstacle=np.inf, real=9.0, end=40.0):
    """A car that brakes as asked, 0.15 s late and at most by `real`, behind a lead that slows by `al(t)`."""
    set_speed = v if set_speed is None else set_speed
    waiting, command, speeds, least, emergency, onset = [0.0] * 7, None, [v], min(gap, obstacle), False, np.inf
    for k in range(int(end / TICK)):
        slowing = al(k * TICK) if vl > 0 else 0.0
        scene = acc.Scene(v, set_speed, max(gap, 0.0), vl, slowing, max(obstacle, 0.0))
        command = acc.command(own, lead, scene, command, tick=TICK)
        emergency |= bool(command.emergency)
        if command.braking and onset == np.inf:
            onset = k * TICK
        waiting.append(-real if command.emergency else max(float(command.acceleration), -real))
        after, lead_after = max(v + waiting.pop(0) * TICK, 0.0), max(vl - slowing * TICK, 0.0)
        way = 0.5 * (v + after) * TICK
        gap, obstacle = gap + 0.5 * (vl + lead_after) * TICK - way, obstacle - way
        v, vl, least = after, lead_after, min(least, gap, obstacle)
        speeds.append(v)
    a = -np.diff(speeds) / TICK
    smooth = np.convolve(a, np.ones(10) / 10, "valid")
    return Drive(least, a.max(), (smooth[50:] - smooth[:-50]).max(), emergency, v, onset)


DRY, ICE = (8.0, 11.0, 9.0), (0.8, 1.6, 1.0)  # believed of the own car, of the lead; what the car really reaches


def steady(own: float, lead: float, v: float) -> float:
    return float(max(acc.safe_gap(own, lead, v, v), 0.8 * v + 2))


@pytest.mark.parametrize(("own", "lead", "real"), [DRY, ICE], ids=["dry", "ice"])
def test_a_lead_that_brakes_all_it_can_is_not_hit(own, lead, real):
    v = 30.0 if own > 1 else 12.0
    done = drive(own, lead, v=v, gap=steady(own, lead, v), vl=v, al=lambda t: lead if t > 1 else 0.0, real=real)
    assert done.gap > 0 and done.speed < 0.2
    assert done.emergency == (own > 1)  # on ice as much as ISO 15622 allows is all that there is


def test_an_obstacle_ahead_needs_no_emergency():
    for own, lead, real, v in ((*DRY, 30.0), (*ICE, 12.0)):
        done = drive(own, lead, v=v, obstacle=160.0, real=real, end=60)
        assert 0 < done.gap < 5 and done.speed < 0.2 and not done.emergency
        assert done.peak < 3.7


def test_on_ice_braking_begins_earlier():
    dry, ice = (drive(own, lead, v=12.0, obstacle=160.0, real=real, end=30) for own, lead, real in (DRY, ICE))
    assert ice.onset < dry.onset - 3


def test_a_normal_slow_down_frightens_nobody():
    done = drive(8.0, 11.0, v=30.0, gap=steady(8.0, 11.0, 30.0), vl=30.0, al=lambda t: 1.5 if 1 < t < 7 else 0.0)
    assert not done.emergency and done.gap > 10
    assert done.peak < 2.5 and done.jerk < 2.6


def test_a_low_belief_alone_never_slams_the_brakes():
    scene = acc.Scene(speed=20.0, set_speed=20.0, lead_gap=25.0, lead_speed=19.5)
    for belief in (8.0, 2.0, 0.5, 0.1):
        command = acc.command(belief, 11.0, scene)
        assert not command.emergency and command.acceleration > -3.5


def test_beyond_the_standard_it_is_an_emergency_until_the_lead_is_as_fast():
    now = acc.command(8.0, 11.0, acc.Scene(20.0, 20.0, lead_gap=12.0, lead_speed=5.0))
    assert now.emergency and now.acceleration <= -8 and now.required > 3.5
    nearer = acc.Scene(8.0, 20.0, lead_gap=4.0, lead_speed=5.0)
    assert acc.command(8.0, 11.0, nearer, now).emergency and not acc.command(8.0, 11.0, nearer).emergency
    assert not acc.command(8.0, 11.0, acc.Scene(5.0, 20.0, lead_gap=9.0, lead_speed=5.0), now).emergency


def test_without_anybody_ahead_the_set_speed_is_reached_softly():
    done = drive(8.0, 11.0, v=20.0, set_speed=25.0)
    assert done.speed == pytest.approx(25, abs=0.1) and not done.emergency
    slower = drive(8.0, 11.0, v=25.0, set_speed=20.0)
    assert slower.speed == pytest.approx(20, abs=0.1) and slower.peak <= 1.0 + 1e-9


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
