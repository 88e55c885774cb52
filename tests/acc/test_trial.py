"""The closed-loop trial: its rig can be believed, its results repeat, and a finished part is kept."""

import numpy as np
import pandas as pd
import pytest

from acc_decel import acc
from acc_decel.acc import trial
from acc_decel.acc.curve import Curve
from acc_decel.acc.trial.arms import Belief
from acc_decel.acc.trial.runs import Rig
from acc_decel.acc.trial.scenes import capped_speed, planning

SMALL = trial.Settings(runs=12, seed=3)


def runs_of(settings: trial.Settings, arms, roads, scenarios, **options) -> pd.DataFrame:
    parts = trial.trial_parts(arms, roads, scenarios)
    return trial.run_trial(trial.open_rig(settings=settings), parts, **options)


@pytest.mark.slow
def test_the_oracle_hardly_collides_on_any_road_so_the_rig_can_be_believed():
    runs = runs_of(trial.Settings(runs=100), ["oracle"], list(trial.ROADS), ["lead_brakes", "bend", "slow_down"])
    assert 100 * runs["collided"].mean() <= 0.4
    assert runs.loc[runs["scenario"] == "slow_down", "emergency"].sum() == 0


@pytest.mark.slow
def test_equal_beliefs_collide_on_ice_and_less_knowledge_keeps_a_longer_gap():
    runs = runs_of(trial.Settings(runs=60), ["fixed_7.5", "all_blind", "all", "few"], ["ice", "dry"], ["lead_brakes"])
    of = runs.groupby(["arm", "road"])
    collisions, gaps = 100 * of["collided"].mean(), of["time_gap_s"].mean()
    assert collisions["fixed_7.5", "ice"] >= 80 and collisions["all_blind", "ice"] >= 80
    assert collisions["all", "ice"] <= 10 and collisions["few", "ice"] <= 10
    assert gaps["fixed_7.5", "dry"] < gaps["all", "dry"] < gaps["few", "dry"]
    assert gaps["all_blind", "dry"] == gaps["all", "dry"] and gaps["all_blind", "ice"] < 0.3 * gaps["all", "ice"]


@pytest.mark.slow
def test_half_the_step_changes_hardly_any_collision():
    arms, roads = ["fixed_7.5", "gap_1.45", "oracle"], ["wet", "worn_wet", "snow", "ice"]
    coarse, fine = (
        runs_of(trial.Settings(runs=60, step=step), arms, roads, ["lead_brakes"])["collided"]
        for step in (0.005, 0.0025)
    )
    assert 0 < coarse.sum() < len(coarse)
    assert (coarse != fine).mean() <= 0.01


@pytest.mark.slow
def test_a_stale_friction_estimate_saves_nobody_on_a_patch_of_ice():
    runs = runs_of(trial.Settings(runs=60), ["oracle", "all_friction", "gap_4"], ["frost"], ["ice_patch"])
    collisions = 100 * runs.groupby("arm")["collided"].mean()
    assert collisions["oracle"] == 0 and collisions["all_friction"] > 15


@pytest.mark.slow
def test_the_same_seed_gives_the_same_runs_whatever_else_is_tried():
    chosen = ["table_camera", "all_wrong_model"], ["snow"], ["cut_in", "bend"]
    first = runs_of(SMALL, *chosen)
    again = runs_of(SMALL, ["oracle", *chosen[0]], ["wet", "snow"], list(trial.SCENARIOS))
    mask = np.logical_and.reduce([again[c].isin(n) for c, n in zip(("arm", "road", "scenario"), chosen, strict=True)])
    pd.testing.assert_frame_equal(first, again[mask].reset_index(drop=True))
    other = runs_of(trial.Settings(runs=12, seed=4), *chosen)
    assert (other["speed"] != first["speed"]).all()


def interrupted_after(parts: int):
    """A callback that raises at the part of this number."""
    done: list[trial.Part] = []

    def on_part(part: trial.Part) -> None:
        done.append(part)
        if len(done) == parts:
            raise KeyboardInterrupt

    return on_part


@pytest.mark.slow
def test_a_resumed_trial_is_the_whole_one_and_keeps_what_was_finished(tmp_path, monkeypatch):
    chosen = ["oracle", "rss"], ["wet", "ice"], ["lead_brakes", "obstacle"]
    whole = runs_of(SMALL, *chosen)
    with pytest.raises(KeyboardInterrupt):
        runs_of(SMALL, *chosen, folder=tmp_path, on_part=interrupted_after(5))
    assert len(list(tmp_path.glob("*.parquet"))) == 5
    torn = tmp_path / "rss-wet-obstacle.parquet"
    torn.write_bytes(torn.read_bytes()[:-40])
    made: list[tuple[str, ...]] = []
    run = Rig.run

    def counted(rig, *part, **options):
        made.append(part)
        return run(rig, *part, **options)

    monkeypatch.setattr(Rig, "run", counted)
    resumed = runs_of(SMALL, *chosen, folder=tmp_path)
    pd.testing.assert_frame_equal(resumed, whole)
    assert len(made) == 4 and ("rss", "wet", "obstacle") in made
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".parquet"] * 8
    with pytest.raises(ValueError, match=r"must be empty or hold the same trial \(seed 4\)\. Got .* of seed 3: choose"):
        runs_of(trial.Settings(runs=12, seed=4), *chosen, folder=tmp_path)


def test_a_scenario_that_happens_on_none_of_the_roads_is_refused():
    with pytest.raises(ValueError, match=r"must happen on the roads \(dry: lead_brakes, .*\)\. Got ice_patch\."):
        trial.trial_parts(["all"], ["dry"], ["ice_patch"])
    assert len(trial.trial_parts(["all", "rss"], list(trial.ALL_ROADS), list(trial.SCENARIOS))) == 2 * (6 * 8 + 1)


def test_the_gap_of_the_planner_is_the_safe_gap_and_the_cap_lowers_the_speed():
    top = np.array([20.0, 35.0])
    belief = Belief(Curve.constant(np.array([2.0, 8.0]), np.full(2, 0.1)), Curve.constant(8.0))
    plan = planning(belief, top)
    expected = np.maximum(acc.safe_gap(belief.own, 8.0, top, top), 0.8 * top + 2)
    np.testing.assert_allclose(plan.gap_at(top[:, None])[:, 0], expected)
    np.testing.assert_allclose(plan.deceleration[:, 1:], [[2.0] * 16, [8.0] * 16])
    slow = capped_speed(plan)
    expected = acc.speed_for_gap_cap(belief.own, 8.0, top)
    assert slow[1] == top[1] and slow[0] == pytest.approx(expected[0], abs=0.15)
