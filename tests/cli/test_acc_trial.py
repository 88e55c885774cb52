"""`acc-decel acc trial`: what it prints for people and for programs, its files and pictures, and what it refuses."""

import re

import pandas as pd
import pytest

from acc_decel.acc import trial

FEW = ("acc", "trial", "--runs", 5, "--roads", "worn_wet,ice", "--arms", "oracle,gap_1.45", "--arms", "all")
MAIN = {"gap_even_s", "gap_year_s", "collisions_even_pct", "collisions_year_pct", "impact_mps"}


@pytest.mark.slow
def test_a_program_gets_the_figures_of_each_arm_and_beneath_them_scenarios_and_roads(answered):
    answer = answered(*FEW, "--scenarios", "lead_brakes, obstacle")
    assert (answer["vehicle"], answer["runs"], answer["seed"]) == ("compact", 5, 1)
    assert list(answer["arms"]) == ["oracle", "gap_1.45", "all"]
    for arm in answer["arms"].values():
        assert set(arm) >= MAIN and list(arm["scenarios"]) == ["lead_brakes", "obstacle"]
        for scenario in arm["scenarios"].values():
            assert list(scenario["roads"]) == ["worn_wet", "ice"]
            for part in (scenario["even"], scenario["year"], *scenario["roads"].values()):
                assert set(part["collisions_pct"]) == {"value", "low", "high"}
                assert {"gap_s", "capacity_veh_h", "least_gap_m", "jerk", "late_warnings_pct"} <= set(part)
    fixed = answer["arms"]["gap_1.45"]
    assert 1.45 < fixed["gap_even_s"] < 1.7 and fixed["collisions_even_pct"] > 0 and fixed["impact_mps"] > 0
    oracle = answer["arms"]["oracle"]
    assert oracle["impact_mps"] is None and oracle["collisions_even_pct"] == 0


@pytest.mark.slow
def test_people_read_tables_and_the_runs_lie_in_the_folder(run, tmp_path):
    words = (*FEW, "--scenarios", "lead_brakes", "--output", tmp_path / "runs")
    code, out, err = run(*words)
    assert code == 0, err
    assert re.search(r"│ gap_1\.45 │ +1\.\d+ │", out) and "lead brakes fully: hits [%]" in out
    assert "6/6" in err
    table = pd.read_parquet(tmp_path / "runs" / "all-ice-lead_brakes.parquet")
    assert len(table) == 5 and set(table["arm"]) == {"all"}
    assert run(*words)[1] == out  # all parts were there
    code, _, err = run(*words, "--seed", 2)
    assert code == 2 and "must be empty or hold the same trial (seed 2)" in " ".join(err.split())


@pytest.mark.slow
def test_the_pictures_name_the_arms_and_show_one_stop(run, tmp_path):
    pareto, stop = tmp_path / "pareto.svg", tmp_path / "stop.png"
    code, out, err = run(*FEW, "--scenarios", "lead_brakes", "--runs", 12, "--plot", pareto, "--stop", stop)
    assert code == 0, err
    drawn = pareto.read_text()
    assert all(f"<!-- {name} -->" in drawn for name in ("oracle", "gap_1.45", "all", "fixed gaps"))
    assert stop.read_bytes()[:4] == b"\x89PNG" and f"picture in {stop}" in out.replace("\n", "")


@pytest.mark.slow
def test_one_stop_is_the_same_run_for_both_arms():
    rig = trial.open_rig(settings=trial.Settings(runs=12))
    fixed, ours = trial.traced_stop(rig, ("gap_1.45", "all")).values()
    assert fixed["speed"].iloc[0] == ours["speed"].iloc[0] and fixed["gap"].iloc[0] < ours["gap"].iloc[0]
    assert fixed["gap"].iloc[-1] < 1 < fixed["speed"].iloc[-1]
    assert ours["gap"].min() > 0 and ours["speed"].iloc[-1] < 1
    rows = min(len(fixed), len(ours))
    pd.testing.assert_series_equal(fixed["lead_speed"][:rows], ours["lead_speed"][:rows])


REFUSED = {
    "an unknown road": (("--roads", "dry,moon"), r"roads must be one of dry, wet, .* Got 'moon'\."),
    "an unknown arm": (("--arms", "mine"), r"arms must be one of oracle, .* Got 'mine'\."),
    "an unknown scenario": (("--scenarios", "rain"), r"scenarios must be one of lead_brakes, .* Got 'rain'\."),
    "no runs": (("--runs", 0), r"runs must be 1 to 10000 .* Got 0\."),
    "a negative seed": (("--seed", -1), r"seed must be at least 0\. Got -1"),
    "a picture of another kind": (("--plot", "a.pdf"), r"a\.pdf must end in \.png or \.svg\. Got '\.pdf'"),
    "the same picture twice": (("--plot", "a.png", "--stop", "a.png"), "--plot must not be a file that the command"),
    "a picture without its scenario": (("--scenarios", "cut_in", "--plot", "a.png"), "--plot needs the scenario lead_"),
    "a scenario on no road": (("--roads", "dry", "--scenarios", "ice_patch"), "scenarios must happen on the roads"),
    "no such model": (("--model", "tractor"), "model must be a released model"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_one_sentence(case, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options, sentence = REFUSED[case]
    said = " ".join(refused("acc", "trial", *options).split())
    assert re.search(sentence, said), said
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_stop_without_a_collision_is_refused_with_the_way_out(refused, tmp_path):
    options = ("--arms", "oracle", "--roads", "dry", "--scenarios", "slow_down", "--seed", 1, "--runs", 1)
    sentence = refused("acc", "trial", *options, "--stop", tmp_path / "stop.png")
    assert "needs a collision of the arm gap_1.45" in sentence and "try more runs" in sentence
    assert not (tmp_path / "stop.png").exists()
