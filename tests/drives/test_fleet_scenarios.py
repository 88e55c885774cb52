"""Events of a fleet to a scenario file, and a dataset that drives as the fleet does."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import COMPACT, ORDINARY, stopped

from acc_decel import drives
from acc_decel.dataset import CAUSES, Driving, fleet_driving, load_dataset, scenarios

SPEED = next(f for f in CAUSES if f.name == "speed")


def events(count: int = 400, seed: int = 1) -> pd.DataFrame:
    """Events of two drives: speeds of a gamma, peaks of an exponential beyond 2 m/s^2, gaps of a lognormal."""
    rng = np.random.default_rng(seed)
    duration, gap = rng.weibull(3, count) * 4, rng.lognormal(3, 0.5, count)
    end = np.cumsum(duration + gap)
    return pd.DataFrame(
        {
            "file": np.where(np.arange(count) < count // 2, "a", "b"),
            "start_s": end - duration,
            "end_s": end,
            "initial_speed": rng.gamma(9, 2, count),
            "peak_deceleration": 2 + rng.exponential(1.0, count),
        }
    )


def test_the_distributions_that_made_the_events_are_found():
    fits = {f.quantity: f for f in drives.fit_scenarios(events())}
    u = np.array([0.1, 0.5, 0.9])
    assert fits["speed"].quantiles(u) == pytest.approx(
        np.array([10.86, 17.34, 25.99]), rel=0.05
    )  # chi-square of 18 degrees
    assert fits["deceleration"].quantiles(u) == pytest.approx(2 - np.log1p(-u), abs=0.25)
    assert fits["gap"].distribution == "lognorm"
    assert fits["gap"].events == 398  # none between the two drives
    assert all(f.p_value > 0.05 for f in fits.values())


def test_the_p_value_shows_a_distribution_that_fits_badly():
    table = events()
    table["initial_speed"] = np.where(np.arange(len(table)) % 2, 10.0, 40.0) + table["initial_speed"] / 10
    fit = next(f for f in drives.fit_scenarios(table) if f.quantity == "speed")
    assert fit.p_value < 1e-6


def test_a_scenario_file_is_read_as_it_was_written(tmp_path):
    fits = drives.fit_scenarios(events())
    drives.write_scenarios(fits, tmp_path / "fleet.toml")
    u = np.linspace(0, 1, 11)
    for one, other in zip(fits, drives.read_scenarios(tmp_path / "fleet.toml"), strict=True):
        assert other.quantiles(u) == pytest.approx(one.quantiles(u), rel=1e-6)


def test_the_dataset_drives_as_the_fleet_does_and_still_meets_every_corner():
    fits = {f.quantity: f.quantiles(np.linspace(0, 1, 201)) for f in drives.fit_scenarios(events())}
    driving = fleet_driving(COMPACT, speed=fits["speed"], deceleration=fits["deceleration"])
    drawn, unknown = scenarios(COMPACT.factors, seed=1, first=0, events=4096, driving=driving)
    plain, same = scenarios(COMPACT.factors, seed=1, first=0, events=4096)
    fleet, prior = (((x["speed"] > 8) & (x["speed"] < 32)).mean() for x in (drawn, plain))
    assert fleet > prior + 0.1
    assert drawn["speed"].max() > 0.95 * SPEED.high
    for name in set(drawn) - {"speed", "brake_pressure_bar"}:
        assert (drawn[name] == plain[name]).all()
    assert all((unknown[name] == same[name]).all() for name in unknown)


def test_the_pressure_is_that_which_slows_the_car_as_demanded():
    wanted = np.array([3.0, 5.0])
    driving = fleet_driving(COMPACT, speed=np.array([10.0, 20.0]), deceleration=wanted)
    mass = 0.5 * (COMPACT.body.kerb_mass + COMPACT.body.gross_mass)
    pressures = dict(driving.quantiles)["brake_pressure_bar"]
    cases = [ORDINARY | {"speed": 10.0, "mass": mass, "brake_pressure_bar": pressure} for pressure in pressures]
    reached = stopped(*cases)["deceleration"]
    assert reached == pytest.approx(wanted, abs=0.35)


def test_scenarios_are_part_of_what_a_dataset_is(run, refused, answered, tmp_path):
    events().to_csv(tmp_path / "events.csv", index=False)
    answer = answered("drives", "scenarios", tmp_path / "events.csv", "-o", tmp_path / "fleet.toml")
    assert [f["quantity"] for f in answer["fits"]] == ["speed", "deceleration", "duration", "gap"]
    small = ("--events", 64, "--output", tmp_path / "data")
    manifest = answered("generate", *small, "--scenarios", tmp_path / "fleet.toml")
    assert "driving_sha256" in manifest
    assert json.loads((tmp_path / "data" / "manifest.json").read_text())["driving_sha256"] == manifest["driving_sha256"]
    data = load_dataset(tmp_path / "data")
    assert dict(data.driving.quantiles)["speed"] == tuple(manifest["driving"]["quantiles"][0][1])
    with pytest.raises(ValueError, match="must hold how the fleet drives"):
        _ = replace(data, manifest={k: v for k, v in manifest.items() if k != "driving"}).driving
    assert "must be empty or hold the same dataset" in refused("generate", *small)
    plain = answered("generate", "--events", 64, "--output", tmp_path / "plain")
    assert "driving_sha256" not in plain
    assert load_dataset(tmp_path / "plain").driving is None
    assert plain["parts"][0]["sha256"] != manifest["parts"][0]["sha256"]


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda t: t.head(10), "at least 20 events"),
        (lambda t: t.drop(columns="end_s"), "column end_s"),
        (lambda t: t.assign(peak_deceleration=1.0), "above the threshold"),
        (lambda t: t.assign(initial_speed=10.0), "values that differ"),
        (lambda t: t.assign(initial_speed=-t["initial_speed"]), "initial_speed in line 2 must be a number of 0 to 110"),
        (lambda t: t.assign(initial_speed=10 * t["initial_speed"]), "must be a number of 0 to 110"),
        (
            lambda t: t.assign(initial_speed=t["initial_speed"].astype(object).where(t.index != 4, "fast")),
            "in line 6 must be a number of 0 to 110. Got fast",
        ),
        (lambda t: t.assign(peak_deceleration=1e3 * t["peak_deceleration"]), "must be a number of 0 to 20"),
        (lambda t: t.assign(start_s=t["start_s"].where(t.index != 4)), "start_s in line 6 must be a number"),
        (lambda t: t.assign(end_s=t["start_s"] - 1), "line 2"),
        (lambda t: pd.concat([t, t]), "again: are the tables of two runs joined"),
    ],
)
def test_events_that_cannot_be_fitted_are_refused_in_a_sentence(refused, tmp_path, change, wanted):
    change(events()).to_csv(tmp_path / "events.csv", index=False)
    assert wanted in refused("drives", "scenarios", tmp_path / "events.csv", "-o", tmp_path / "fleet.toml")
    assert not (tmp_path / "fleet.toml").exists()


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [("[gap]", "[hole]", "sections"), ('"', "'x", "TOML"), ("parameters", "numbers", "fitted distribution")],
)
def test_a_scenario_file_of_another_kind_is_refused(refused, tmp_path, old, new, wanted):
    file = tmp_path / "fleet.toml"
    drives.write_scenarios(drives.fit_scenarios(events()), file)
    file.write_text(file.read_text().replace(old, new))
    assert wanted in refused("generate", "--events", 64, "--output", tmp_path / "data", "--scenarios", file)


def test_only_a_factor_that_is_drawn_freely_can_follow_a_fleet():
    with pytest.raises(ValueError, match="quantiles must rise"):
        Driving((("surface", (0.0, 1.0)),))
    with pytest.raises(ValueError, match="quantiles must rise"):
        Driving(((SPEED.name, (2.0, 1.0)),))


def test_flagged_events_are_counted_where_scenarios_are_fitted_to_them(run, tmp_path):
    events().assign(quality="contradicted").to_csv(tmp_path / "events.csv", index=False)
    code, _, err = run("drives", "scenarios", tmp_path / "events.csv", "-o", tmp_path / "fleet.toml")
    assert code == 0
    assert f"flagged: {len(events())} of {len(events())} events" in err
    assert "contradicted (speed and acceleration differ in size" in err
