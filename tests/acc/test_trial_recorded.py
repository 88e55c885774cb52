"""Behind recorded leads: what is read from a recording, and that the lead of a run drives as it did."""

import numpy as np
import pandas as pd
import pytest

from acc_decel.acc import trial
from acc_decel.acc.curve import Curve
from acc_decel.acc.trial import loop
from acc_decel.acc.trial.lead_recordings import read_lead, read_leads
from acc_decel.acc.trial.recorded_leads import RecordedLead, drawn_speeds, leads_digest, limited_by

TIME = np.arange(0, 80, 0.1)
LEAD = 20 + 6 * np.sin(2 * np.pi * TIME / 40) - np.interp(TIME, [40, 44, 50, 58], [0, 18, 18, 0])
OWN = np.interp(TIME - 0.8, TIME, LEAD)
GAP = 30 + np.cumsum(LEAD - OWN) * 0.1


def written(folder, **columns):
    path = folder / "drive.csv"
    pd.DataFrame({"time": TIME} | columns).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ({"lead_speed": LEAD}, 0.05),
        ({"lead_speed [km/h]": 3.6 * LEAD}, 0.05),
        ({"speed": OWN, "relative_speed": LEAD - OWN}, 0.05),
        ({"speed": OWN, "gap": GAP}, 0.3),
    ],
    ids=lambda c: "+".join(c) if isinstance(c, dict) else "",
)
def test_the_speed_of_the_lead_follows_from_each_kind_of_columns(tmp_path, columns, error):
    (lead,) = read_leads([written(tmp_path, **columns)])
    expected = np.interp(loop.RECORDED_STEP * np.arange(len(lead.speed)), TIME, LEAD)
    assert lead.duration > 79 and np.sqrt(np.mean((lead.speed - expected) ** 2)) < error


def test_a_recording_is_cut_where_the_lead_is_lost(tmp_path):
    gap = np.where((TIME > 30) & (TIME < 35), 0.0, GAP)
    leads = read_lead(written(tmp_path, speed=OWN, gap=gap))
    assert [lead.duration for lead in leads] == pytest.approx([30, 45], abs=0.5)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"speed": OWN}, "must show a lead"),
        ({"speed": OWN, "gap": GAP - 40}, "gap must be 0 m or more"),
        ({"speed": OWN, "gap": np.where(TIME < 6, GAP, 0)}, "tracked for 10 s without a gap"),
    ],
)
def test_a_file_without_a_lead_to_follow_is_refused(tmp_path, columns, reason):
    with pytest.raises(ValueError, match=reason):
        read_lead(written(tmp_path, **columns))


def test_a_lead_brakes_as_recorded_or_as_hard_as_it_can():
    recorded = np.stack([np.maximum(20 - 0.1 * 6 * np.arange(40), 0), np.maximum(20 - 0.1 * 2 * np.arange(40), 0)])
    driven, limited = limited_by(recorded, Curve.constant(np.full(2, 3.0)))
    assert limited.tolist() == [True, False]
    np.testing.assert_allclose(driven[0], 20 - 0.3 * np.arange(40), atol=1e-6)
    np.testing.assert_array_equal(driven[1], recorded[1])


def test_stretches_are_drawn_by_the_seed_and_begin_where_the_lead_drives():
    lead = RecordedLead("drive.csv", np.concatenate([np.zeros(100), np.full(200, 15.0)]))
    speeds = drawn_speeds([lead], np.full(50, 12.0), np.random.default_rng(1))
    assert (speeds[:, 0] == 12).all() and np.isnan(speeds).any()
    assert (np.isfinite(speeds).sum(axis=1) >= 101).all()
    again = drawn_speeds([lead], np.full(50, 12.0), np.random.default_rng(1))
    np.testing.assert_array_equal(speeds, again)
    assert leads_digest([lead]) != leads_digest([RecordedLead("drive.csv", lead.speed + 1)])


def test_the_recorded_scenario_needs_leads():
    names = list(trial.SCENARIOS)
    assert all(part.scenario != "recorded" for part in trial.trial_parts(["all"], ["dry"], names))
    assert "recorded" in {part.scenario for part in trial.trial_parts(["all"], ["dry"], names, recorded=True)}
    with pytest.raises(ValueError, match="needs recorded leads"):
        trial.trial_parts(["all"], ["dry"], ["recorded"])


@pytest.mark.slow
def test_the_own_car_follows_the_recorded_lead_to_rest_and_on_again():
    rig = trial.open_rig(settings=trial.Settings(runs=4), recorded=[RecordedLead("drive.csv", LEAD)])
    trace = np.full((4, 700, len(loop.TRACE)), np.nan)
    runs = rig.run("oracle", "dry", "recorded", trace=trace)
    belief, plan = rig.belief("oracle", "dry")
    recorded = rig.start("recorded", "dry", belief, plan).recorded
    for padded, rows in zip(recorded, trace, strict=True):
        time, _, speed, lead_speed, _ = rows[~np.isnan(rows[:, 0])].T
        points = padded[~np.isnan(padded)]
        expected = np.interp(time, loop.RECORDED_STEP * np.arange(len(points)), points)
        np.testing.assert_allclose(lead_speed, expected, atol=1e-9)
        assert time[-1] == pytest.approx(loop.RECORDED_STEP * (len(points) - 1), abs=0.06)
        assert abs(speed - lead_speed).max() < 8
    assert runs["collided"].sum() == 0 and not runs["lead_limited"].all()
