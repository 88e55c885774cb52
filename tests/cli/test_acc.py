"""`acc-decel acc`: gaps, speeds and RSS parameters, with the flags of both cars, and what is refused."""

import re

import numpy as np
import pytest

from acc_decel import acc, released_models
from acc_decel.cli.acc import options
from tests.helpers.believed_roads import ROADS, OfThreeRoads
from tests.helpers.full_braking import write_full_braking

DRY, ICE = ("--surface", "asphalt"), ("--surface", "ice", "--road-temperature-c", -5)
LOWER, UPPER = 1, 3  # places of the quantiles of ROADS


@pytest.fixture
def by_hand(monkeypatch):
    """Every model is the one that is written by hand; the default lead is a car that brakes 1.2 times as hard."""
    cars = {"compact": OfThreeRoads(), "harder": OfThreeRoads(harder=1.2)}
    monkeypatch.setattr(options, "Predictor", cars.__getitem__)
    monkeypatch.setattr(options, "released_models", lambda: ["compact", "harder"])


def test_the_gap_is_that_of_the_formulas(by_hand, answered):
    gap = answered("acc", "gap", "--speed", 30, *DRY)
    own, lead = acc.Curve.constant(ROADS["asphalt"][LOWER], 0.1), 1.2 * ROADS["asphalt"][UPPER]
    assert gap["safe_gap_m"] == pytest.approx(float(acc.safe_gap(own, lead, 30, 30)), rel=1e-4)
    assert gap["time_gap_s"] == pytest.approx(gap["safe_gap_m"] / 30)
    assert gap["latest_braking_distance_m"] == pytest.approx(float(acc.latest_braking_distance(own, 30)), rel=1e-4)
    assert gap["warning_distance_m"] == pytest.approx(gap["latest_braking_distance_m"] + 30 * 1.2)
    assert gap["lead_vehicles"] == ["by_hand", "by_hand"] and gap["flags"] == gap["lead_flags"] == []
    slower = answered("acc", "gap", "--speed", 30, "--lead-speed", 10, "--reaction", 1, *DRY)
    assert slower["safe_gap_m"] == pytest.approx(float(acc.safe_gap(own, lead, 30, 10, 1.0)), rel=1e-4)
    same_car = answered("acc", "gap", "--speed", 30, "--lead-model", "compact", *DRY)
    assert same_car["safe_gap_m"] < gap["safe_gap_m"]


def test_a_present_gap_says_what_it_requires(by_hand, answered):
    now = ("acc", "gap", "--speed", 30, "--lead-speed", 20, "--gap", 50, *DRY)
    assert "required_deceleration" not in answered(*now[:-4], *DRY)
    steady, braking = answered(*now), answered(*now, "--lead-deceleration", 4)
    expected = float(acc.required_deceleration(30, 50, 20, 4, delay=0.1))
    assert steady["required_deceleration"] < braking["required_deceleration"] == pytest.approx(expected, rel=1e-4)
    assert steady["warning_time_s"] >= 0


def test_the_speed_comes_with_what_the_driver_reads(by_hand, answered, run):
    speed = answered("acc", "speed", "--set-speed", 30)
    assert 0 < speed["speed"] < 30 and speed["time_gap_s"] == pytest.approx(3, abs=1e-3)
    assert list(speed["missing"]) == ["surface", "mass"]
    assert "Not known: road surface" in speed["message"]
    assert answered("acc", "speed", "--set-speed", 30, *DRY)["speed"] == 30
    assert answered("acc", "speed", "--set-speed", 30, *DRY, "--sight", 40)["speed"] < 25
    _, out, _ = run("acc", "speed", "--set-speed", 30)
    assert f"driver: {speed['message']}" in out and "at best with surface" in out


def test_rss_has_the_names_and_signs_of_each_stack(by_hand, answered, run):
    rss = answered("acc", "rss", "--speed", 30, *DRY)
    least, most = ROADS["asphalt"][LOWER], 1.2 * ROADS["asphalt"][UPPER]
    assert (rss["alpha_brake_min"], rss["alpha_brake_max"]) == pytest.approx((least, most), rel=1e-4)
    assert rss["response_time"] == pytest.approx(0.55)
    ad_rss_lib = {"alphaLon.brakeMin": -least, "alphaLon.brakeMax": -most, "responseTime": 0.55}
    assert rss["ad_rss_lib"] == pytest.approx(ad_rss_lib, rel=1e-4)
    assert rss["autoware_cruise"]["min_object_accel_for_rss"] == pytest.approx(-most, rel=1e-4)
    assert rss["autoware_aeb"]["a_ego_min"] == pytest.approx(-least, rel=1e-4)
    _, out, _ = run("acc", "rss", "--speed", 30, *DRY)
    assert re.search(r"alphaLon.brakeMin +│ +-7.000", out)


COMMANDS = {"gap": ("--speed", 20), "speed": ("--set-speed", 20), "rss": ("--speed", 20)}


@pytest.mark.parametrize("command", COMMANDS)
def test_an_answer_that_may_be_wrong_says_so(by_hand, answered, run, command):
    words = ("acc", command, *COMMANDS[command], "--surface", "ice", "--road-temperature-c", 20)
    answer = answered(*words)
    assert answer["flags"] == answer["lead_flags"] == ["OUTSIDE_DOMAIN"]
    assert "water_film_mm" in answer["not_available"] and "surface" not in answer["not_available"]
    _, out, _ = run(*words)
    assert "status: not available: " in out and "status of the lead: a combination of factors that is rare" in out
    assert out.rstrip().splitlines()[-1].startswith("flagged: 2 of 2 cars: 2 outside domain (")
    _, out, _ = run("acc", command, *COMMANDS[command], *DRY)
    assert out.rstrip().splitlines()[-1] == "flagged: 0 of 2 cars"


def test_what_has_no_end_is_null_for_a_program_and_words_for_people(monkeypatch, answered, run, refused):
    slides = OfThreeRoads(ROADS | {"ice": (-0.5, -0.1, 0.4, 1.5)})
    monkeypatch.setattr(options, "Predictor", lambda _: slides)
    words = ("acc", "gap", "--speed", 10, "--lead-model", "compact", *ICE)
    assert answered(*words)["safe_gap_m"] is None
    assert re.search(r"safe_gap_m +│ +no end", run(*words)[1])
    assert answered("acc", "speed", "--set-speed", 10, "--lead-model", "compact", *ICE)["speed"] == 0
    assert "may not stop on this road" in refused("acc", "rss", "--speed", 10, "--lead-model", "compact", *ICE)


REFUSED = {
    "a gap below 0": (("gap", "--speed", 20, "--gap", -3), "gap must be 0 to 1000 m .* Got -3"),
    "a gap in cm": (("gap", "--speed", 20, "--gap", 3500), "If that was cm, give 35"),
    "a lead faster than light": (("gap", "--speed", 20, "--lead-speed", 4e8), r"lead_speed must be .* Got 4e\+08"),
    "a lead in km/h": (("gap", "--speed", 20, "--lead-speed", 90), "If that was km/h, give 25"),
    "a lead of no speed": (("rss", "--speed", 20, "--lead-speed", "nan"), "lead_speed is required"),
    "an own speed in km/h": (("gap", "--speed", 120), "speed must be 1 to 70 m/s .* km/h, give 33.33"),
    "no own speed": (("rss",), "speed is required"),
    "a set speed in km/h": (("speed", "--set-speed", 120), "set_speed must be 1 to 70 m/s .* give 33.33"),
    "no set speed": (("speed", "--set-speed", "nan"), "set_speed is required"),
    "a sight below 0": (("speed", "--set-speed", 20, "--sight", -1), "sight must be 0 to 2000 m"),
    "a cap in ms": (("speed", "--set-speed", 20, "--gap-cap", 3000), "gap_cap must be .* If that was ms, give 3"),
    "a reaction in ms": (("gap", "--speed", 20, "--reaction", 450), "reaction must be .* ms, give 0.45"),
    "a lead that brakes nowhere": (("gap", "--speed", 20, "--lead-deceleration", 3), "--lead-deceleration needs --gap"),
    "a surface of no name": (("gap", "--speed", 20, "--surface", "mud"), "surface must be one of asphalt"),
    "a mass in t": (("rss", "--speed", 20, "--mass", 1.5), "If that was t, give 1500"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_it_cannot_answer_is_one_sentence(by_hand, refused, words, said):
    sentence = refused("acc", *words)
    assert re.search(said, sentence), sentence


def test_a_model_file_answers(answered, refused, tmp_path):
    model = write_full_braking(tmp_path / "compact")
    answer = answered("acc", "gap", "--speed", 20, "--model", model, "--lead-model", model, *DRY)
    assert answer["vehicle"] == "compact" and answer["time_gap_s"] >= acc.MIN_TIME_GAP
    old = write_full_braking(tmp_path / "old", bar=None)
    words = ("acc", "gap", "--speed", 20, "--model", model, "--lead-model", old)
    assert "--lead-model must know the full braking of its car. Got " in refused(*words)
    assert "model must be a released model" in refused(*words[:-1], "hovercraft")


def test_the_released_cars_keep_more_distance_on_a_worse_road(answered):
    roads = [DRY, ("--surface", "asphalt", "--water-film-mm", 1.5, "--tread-depth-mm", 2), ICE]
    gaps = [answered("acc", "gap", "--speed", 20, *road) for road in roads]
    assert all(answer["lead_vehicles"] == list(released_models()) for answer in gaps)
    safe = [np.inf if answer["safe_gap_m"] is None else answer["safe_gap_m"] for answer in gaps]
    assert safe[0] < safe[1] < safe[2]
    assert gaps[0]["time_gap_s"] < 2.5  # s, with a lead that may be any of the cars
