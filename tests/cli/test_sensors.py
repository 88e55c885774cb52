"""`acc-decel sensors`: what it prints, draws and refuses."""

import inspect

import matplotlib.image
import pytest

from acc_decel.cli import sensors as command
from acc_decel.evaluation import sensor_sets
from tests.helpers.full_braking import FULL_BAR, write_full_braking

FIELDS = {"set", "road", "width", "deceleration_lower", "stopping_distance_upper"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_full_braking(tmp_path_factory.mktemp("sensors") / "compact")


def test_every_set_has_an_object_for_each_road(answered, model, tmp_path):
    words = ("--road", "ice", "--road", "dry asphalt", "--set", "mine=surface,mass", "--no-oracle", "--events", 10)
    found = answered("sensors", "--model", model, *words, "--plot", tmp_path / "worth.svg")
    names = [*list(sensor_sets.sensor_sets())[:-1], "mine", sensor_sets.EVERYTHING]
    assert [(row["set"], row["road"]) for row in found] == [(n, r) for r in ("ice", "dry asphalt") for n in names]
    for row in found:
        assert set(row) >= FIELDS and {f"oracle_{name}" for name in FIELDS - {"set", "road"}} <= set(row)
        assert row["width"] > 0 and row["oracle_width"] is None
        assert row["events"] == 10
    drawn = (tmp_path / "worth.svg").read_text()
    for said in (*names, "ice", "dry asphalt"):
        assert f"<!-- {said} -->" in drawn
    assert "best possible" not in drawn


@pytest.mark.slow
def test_the_oracle_stands_beside_the_model_for_people(run, model, tmp_path):
    words = ("--road", "packed snow", "--events", 4, "--draws", 64, "--plot", tmp_path / "worth.png")
    code, out, err = run("sensors", "--model", model, *words)
    assert code == 0, err
    assert "packed snow: decelerations" in out and "oracle" in out
    for name in sensor_sets.sensor_sets():
        assert f"│ {name} " in out
    assert f"compact, 4 events on each road, from 27.78 m/s at {FULL_BAR:g} bar" in out
    assert "sets of factors" in err  # progress
    assert matplotlib.image.imread(tmp_path / "worth.png").std() > 0.05


REFUSED = {
    "a road of no name": (("--road", "mud"), "road must be one of dry asphalt, wet asphalt"),
    "an unknown factor": (("--set", "mine=sureface"), "Did you mean surface"),
    "no set": (("--set", "surface"), "must be NAME=factor,factor"),
    "draws of nobody": (("--no-oracle", "--draws", 100), "--draws is for the oracle. Got 100 with --no-oracle"),
    "a speed in km/h": (("--speed", 100), "speed must be 1 to 70 m/s"),
    "a pressure beyond": (("--brake-pressure-bar", 500), "brake_pressure_bar must be 5 to 180 bar"),
    "a picture of no kind": (("--plot", "x.bmp"), "must end in .png or .svg"),
    "another vehicle": (("--vehicle", "tank"), "vehicle must be one of compact"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_it_cannot_answer_is_refused(refused, model, words, said):
    assert said in refused("sensors", "--model", model, *words)


def test_a_model_that_knows_no_full_braking_asks_for_the_pressure(refused, answered, tmp_path):
    model = write_full_braking(tmp_path / "compact", bar=None)
    words = ("sensors", "--model", model, "--no-oracle", "--road", "gravel", "--events", 2)
    assert "brake_pressure_bar is required: 5 to 180 bar" in refused(*words)
    assert len(answered(*words, "--brake-pressure-bar", 160)) == len(sensor_sets.sensor_sets())


def test_the_defaults_are_those_of_the_evaluation():
    defaults = {name: p.default for name, p in inspect.signature(command.sensors).parameters.items()}
    assert command.DRAWS == sensor_sets.DRAWS
    assert (defaults["events"], defaults["speed"]) == (sensor_sets.EVENTS, sensor_sets.SPEED)
