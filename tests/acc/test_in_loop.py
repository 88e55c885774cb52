"""The ECU in the closed loop: SIL is PIL to the bit, and what it believes is what the package believes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from acc_decel import acc
from acc_decel.acc import in_loop, trial
from acc_decel.acc.curve import Curve
from acc_decel.acc.in_loop.gaps import gaps_to_keep
from acc_decel.acc.in_loop.unit import unit_gaps
from acc_decel.acc.trial.course import Lockstep
from acc_decel.acc.trial.loop import RESULTS
from acc_decel.acc.trial.scenes import gap_to_keep
from acc_decel.predictor import RefusedError, columns_of
from acc_decel.status import OUTSIDE_DOMAIN
from tests.conftest import BUDGET


@pytest.fixture(scope="module")
def rig() -> trial.Rig:
    return trial.open_rig(settings=trial.Settings(runs=2, seed=2))


@pytest.fixture(scope="module")
def firmware(rig: trial.Rig) -> Iterator[Path]:
    with in_loop.exported(rig.predictor) as folder:
        yield folder


@pytest.fixture(scope="module")
def host(firmware: Path) -> in_loop.HostEcus:
    return in_loop.HostEcus(firmware)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["lead_brakes", "cut_in", "obstacle", "slow_down"])
def test_the_loop_in_lockstep_is_the_compiled_loop_if_the_beliefs_are_the_same(rig, scenario):
    road = "worn_wet"
    belief, plan = rig.belief("few", road)
    start = rig.start(scenario, road, belief, plan)
    runs = Lockstep(rig.course(scenario, road, start))
    ticks = 0
    while runs.running.any():
        runs.drive_on(plan, 2)
        ticks += 1
    whole = rig.run("few", road, scenario)
    np.testing.assert_array_equal(runs.results, whole[list(RESULTS)].to_numpy())
    np.testing.assert_array_equal(runs.column("gap"), whole["rest_gap_m"])
    assert ticks == np.ceil(whole["duration_s"].max() / 0.01 - 1e-6)


@pytest.mark.slow
def test_on_the_host_and_on_the_core_the_same_runs_have_the_same_bits(rig, firmware, host):
    core = in_loop.CoreEcus(firmware)
    for part in (trial.Part("all", "wet", "cut_in"), trial.Part("few", "snow", "cut_in")):
        sil, pil = (in_loop.run_part(rig, part, ecus) for ecus in (host, core))
        assert in_loop.first_difference(sil.record, pil.record) is None
        assert sil.runs.equals(pil.runs) and sil.ticks == pil.ticks > 100 * len(sil.runs)
    costs = core.costs
    assert (np.diff(costs.tick) == 100).all() and (costs.instructions > 3 * 5000).all()


@pytest.mark.slow
def test_a_single_other_bit_is_found_where_it_comes_from(rig, host):
    part = trial.Part("all", "dry", "cut_in")

    class Flipped:
        """The host, but for one bit of one answer of run 1."""

        calls = 0

        def tick(self, rows):
            outputs, status = host.tick(rows)
            self.calls += 1
            if self.calls == len(in_loop.GRID) + 41:
                outputs[1:2, 0, 0].view("i4")[:] ^= 1
            return outputs, status

    one, other = (in_loop.run_part(rig, part, ecus) for ecus in (host, Flipped()))
    found = in_loop.first_difference(one.record, other.record)
    assert found is not None and found.startswith("outputs of run 1 at tick 40: ")
    assert in_loop.first_difference(one.record, one.record) is None


KNOWN = {
    "wet": {"surface": "asphalt", "water_film_mm": 1.0, "tread_depth_mm": 4.0, "road_temperature_c": 12.0},
    "contradicting": {"surface": "ice", "road_temperature_c": 20.0, "water_film_mm": 0.0},
}


@pytest.mark.slow
@pytest.mark.parametrize("known", KNOWN)
def test_the_ecu_believes_of_both_cars_what_the_package_believes(rig, host, known):
    p = rig.predictor
    standard = next(f.standard for f in p.factors if f.name == "brake_pressure_bar")
    columns = columns_of({"speed": 20.0, "brake_pressure_bar": standard, "abs": 1.0} | KNOWN[known], p.factors)
    expected = acc.believe(p, [p], columns)
    beliefs = in_loop.EcuBeliefs(host, p.factors, columns, np.array([21.0]))
    belief = beliefs.belief
    assert ((expected.lead_status & OUTSIDE_DOMAIN) != 0).any() == (known == "contradicting")
    tolerance = {"abs": 5 * BUDGET.onnx_to_host}
    for speed in in_loop.GRID:
        assert belief.own.deceleration_from(speed)[0] == pytest.approx(
            expected.own.deceleration_from(speed)[0], **tolerance
        )
    assert belief.lead.deceleration_from(21.0)[0] == pytest.approx(
        expected.lead.deceleration_from(21.0)[0], **tolerance
    )
    beliefs.tick(np.array([0.0]), np.array([0.0]), np.array([True]))  # at rest: the answer of the lowest speed
    assert beliefs.deceleration[0] == pytest.approx(expected.own.deceleration_from(1.0)[0], **tolerance)


def test_the_compiled_gap_is_that_of_the_planner():
    rng, cars, grid = np.random.default_rng(1), 2000, in_loop.GRID
    lower = np.clip(rng.uniform(-0.1, 9, (cars, 1)) + rng.normal(0, 1, (cars, len(grid))), -1, 13)
    lower[: cars // 2] = np.clip(np.abs(lower[: cars // 2]), 0.3, 13)
    delay, lead = rng.uniform(0, 0.4, (cars, len(grid))), rng.uniform(-0.1, 12, cars)
    speed = np.concatenate(
        [np.zeros(9), rng.uniform(0, 2, 50), rng.choice(grid[:-2], 50), rng.uniform(0, 45, cars - 109)]
    )
    own = Curve.of_decelerations(grid, lower, delay)
    expected = gap_to_keep(own, Curve.constant(lead), speed, 0.45)
    np.testing.assert_allclose(gaps_to_keep(grid, lower, delay, lead, speed, 0.45), expected, rtol=0, atol=1e-9)
    endless = (expected == expected.max()).mean()
    assert 0.05 < endless < 0.5 and (expected > 0.8 * speed + 2.001).mean() > 0.3


@pytest.mark.slow
def test_what_an_ecu_cannot_answer_is_refused(rig, host):
    with pytest.raises(ValueError, match=r"arm must be one whose model an ECU can carry \(few, .*\)\. Got 'rss'\."):
        in_loop.run_part(rig, trial.Part("rss", "dry", "cut_in"), host)
    coarse = trial.open_rig(settings=trial.Settings(runs=1, step=0.02))
    with pytest.raises(ValueError, match=r"step must divide 0\.01 s, .* Got 0\.02\."):
        in_loop.run_part(coarse, trial.Part("all", "dry", "cut_in"), host)
    columns = columns_of({"speed": 20.0, "brake_pressure_bar": 120.0, "abs": 1.0}, rig.predictor.factors)
    columns[0, 1] = 1e6
    with pytest.raises(RefusedError, match="brake_pressure_bar must be"):
        in_loop.EcuBeliefs(host, rig.predictor.factors, columns, np.array([20.0]))


def test_the_gaps_of_the_exported_unit_are_those_of_cars_that_slow_evenly(firmware):
    unit, rng = in_loop.AccHost(firmware), np.random.default_rng(5)
    speed, lower, lead = (rng.uniform(*span, 500) for span in ((0.1, 45.0), (-0.5, 9.0), (0.5, 11.0)))
    delay = rng.uniform(0.0, 0.3, 500)
    gaps = unit_gaps(unit, speed, lower, delay, lead, 0.45)
    safe = acc.safe_gap(Curve.constant(lower, delay), lead, speed, speed, 0.45)
    expected = np.minimum(np.maximum(safe, 0.8 * speed + 2.0), 1000.0)
    np.testing.assert_allclose(gaps, expected, rtol=1e-5, atol=1e-4)
    assert (gaps == 1000).any() and (gaps > 0.8 * speed + 2.1).mean() > 0.2
    with pytest.raises(RuntimeError, match=r"acc_decel_acc_safe_gap must answer\. Got status"):
        unit_gaps(unit, speed, np.full(500, np.nan), delay, lead, 0.45)


@pytest.mark.slow
def test_with_the_exported_unit_the_host_and_the_core_have_the_same_bits(rig, firmware, host):
    part, core = trial.Part("all", "wet", "cut_in"), in_loop.CoreEcus(firmware)
    units = in_loop.AccHost(firmware), in_loop.AccCore(firmware)
    sil, pil = (in_loop.run_part(rig, part, ecus, unit=u) for ecus, u in zip((host, core), units, strict=True))
    assert in_loop.first_difference(sil.record, pil.record) is None
    assert in_loop.first_difference(sil.record, in_loop.run_part(rig, part, host).record) is not None  # the curve's gap
