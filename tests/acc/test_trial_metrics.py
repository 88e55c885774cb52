"""Metrics of the trial: intervals, weights, and what counts as preventable, late and needless."""

from math import sqrt

import numpy as np
import pandas as pd
import pytest

from acc_decel.acc import trial
from acc_decel.acc.trial.metrics import judged, mean, median, proportion, summary, weighted
from acc_decel.acc.trial.roads import even_weights, year_weights

HIT = {"collided": 1.0, "impact_mps": 5.0}


def some_runs(arm: str = "all", road: str = "dry", scenario: str = "lead_brakes", **columns) -> pd.DataFrame:
    rest = {
        "collided": 0.0,
        "impact_mps": 0.0,
        "least_gap_m": 3.0,
        "jerk": 2.0,
        "peak_deceleration": 5.0,
        "emergency": 0.0,
    }
    rest |= {"speed": 20.0, "time_gap_s": 1.5, "capacity_veh_h": 2000.0, "warning_m": 50.0, "right_warning_m": 50.0}
    table = pd.DataFrame({"run": np.arange(4)} | {name: columns.get(name, value) for name, value in rest.items()})
    return table.assign(arm=arm, road=road, scenario=scenario)


def test_a_share_has_the_interval_of_wilson():
    events, runs, z = 3, 80, 1.959964
    share = events / runs
    centre = (share + z**2 / 2 / runs) / (1 + z**2 / runs)
    half = z / (1 + z**2 / runs) * sqrt(share * (1 - share) / runs + z**2 / 4 / runs**2)
    assert proportion(events, runs) == pytest.approx((share, centre - half, centre + half), abs=1e-6)
    none, low, high = proportion(0, 300)
    assert (none, low) == (0, 0) and 0.012 < high < 0.013


def test_means_and_medians_leave_out_what_is_not_known():
    values = np.array([1.0, 2.0, np.nan, 3.0, 6.0])
    assert mean(values)[0] == 3 and mean(values)[1] < 3 < mean(values)[2]
    assert median(values)[0] == 2.5 and median(values)[1] >= 1
    assert np.isnan(mean(np.array([np.nan]))).all()


def test_roads_add_up_with_their_weights_and_their_intervals_as_squares():
    parts = {"dry": (0.0, 0.0, 0.3), "ice": (0.5, 0.1, 0.9)}
    value, low, high = weighted(parts, {"dry": 0.5, "ice": 0.5})
    assert (value, low, high) == pytest.approx((0.25, 0.25 - 0.2, 0.25 + sqrt(0.15**2 + 0.2**2)))
    unknown = weighted(parts | {"ice": (np.nan,) * 3}, {"dry": 0.5, "ice": 0.5})
    assert unknown == pytest.approx(parts["dry"])


def test_weights_are_those_of_the_roads_that_were_tried():
    assert even_weights(["dry", "ice"]) == {"dry": 0.5, "ice": 0.5}
    assert year_weights(["dry", "wet"]) == pytest.approx({"dry": 0.55 / 0.8, "wet": 0.25 / 0.8})
    assert year_weights(["frost"]) == {"frost": 1.0}
    assert sum(road.year for road in trial.ROADS.values()) == pytest.approx(1)


def test_a_collision_is_preventable_if_the_oracle_has_none_in_that_run():
    hits = np.array([1.0, 1.0, 0.0, 0.0])
    both = pd.concat([some_runs("oracle", collided=np.array([1.0, 0, 0, 0])), some_runs(collided=hits)])
    rows = judged(both)
    assert rows.loc[rows["arm"] == "all", "preventable"].tolist() == [False, True, False, False]
    share = summary(both)["all"]["scenarios"]["lead_brakes"]["even"]
    assert (share["collisions_pct"]["value"], share["preventable_pct"]["value"]) == (50, 25)
    alone = summary(some_runs(collided=hits))["all"]["scenarios"]["lead_brakes"]["even"]
    assert np.isnan(alone["preventable_pct"]["value"])


def test_warnings_are_late_or_needless_by_the_distance_that_would_be_right():
    rows = judged(some_runs(warning_m=np.array([49.0, 50.0, 60.0, 70.0])))
    assert rows["late"].tolist() == [True, False, False, False]
    assert rows["needless"].tolist() == [False, False, False, True]
    assert rows["early_pct"].tolist() == pytest.approx([-2, 0, 20, 40])


def test_an_acc_that_is_never_active_has_no_gap_and_says_so():
    off = some_runs(road="ice", speed=0.0, time_gap_s=np.nan, capacity_veh_h=np.nan)
    both = summary(pd.concat([off, some_runs()]))["all"]["scenarios"]["lead_brakes"]
    assert both["roads"]["ice"]["active_pct"]["value"] == 0 and both["even"]["active_pct"]["value"] == 50
    assert np.isnan(both["roads"]["ice"]["gap_s"]["value"]) and both["even"]["gap_s"]["value"] == 1.5


def test_the_figures_of_an_arm_are_those_of_the_lead_that_brakes():
    table = pd.concat([
        some_runs(**HIT), some_runs(road="ice", time_gap_s=4.5), some_runs(scenario="cut_in", time_gap_s=0.5, **HIT),
    ])  # fmt: skip
    arm = summary(table)["all"]
    assert (arm["gap_even_s"], arm["collisions_even_pct"], arm["impact_mps"]) == (3, 50, 5)
    assert arm["gap_year_s"] == pytest.approx((0.55 * 1.5 + 0.01 * 4.5) / 0.56)
    assert arm["collisions_year_pct"] == pytest.approx(100 * 0.55 / 0.56)
    low, high = arm["collisions_even_pct_interval"]
    assert 0 < low < 50 < high < 100
    assert np.isnan(summary(some_runs(scenario="cut_in"))["all"]["gap_even_s"])
