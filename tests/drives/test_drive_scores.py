"""The capability check: recorded braking against a model, and how a drive's known factors reach it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import SHARED_DRIVES

from acc_decel import drives
from acc_decel.drives.description import description_toml
from acc_decel.evaluation import drive_score, score_events
from acc_decel.factors import FACTORS
from acc_decel.model_folder import read_model, released_models
from acc_decel.predictor import Predictor
from tests.helpers.full_braking import FULL_BAR, write_full_braking

PREDICTOR = Predictor()


@pytest.fixture(scope="module")
def predictor(tmp_path_factory) -> Predictor:
    """The released network of the compact car, which knows what full braking is."""
    net, _ = read_model(released_models()["compact"])
    return Predictor(write_full_braking(tmp_path_factory.mktemp("full") / "compact", net))


def write_drive(path: Path, *decelerations: float) -> Path:
    """A recording of a car that brakes from 30 m/s once for each deceleration [m/s^2]."""
    slowing = [[0.0] * 400 + [-a] * int(20 / a / 0.05) + [1.0] * int(20 / 0.05) for a in decelerations]
    acceleration = np.concatenate([*slowing, [0.0] * 400])
    speed = 30 + 0.05 * np.cumsum(acceleration)
    time = 0.05 * np.arange(len(speed))
    pd.DataFrame({"time": time, "speed_mps": speed, "accel_long": acceleration}).to_csv(path, index=False)
    return path


def events(*decelerations: float, speed: float = 30.0) -> pd.DataFrame:
    rows = [(0.0, speed, d, d, "good") for d in decelerations]
    return pd.DataFrame(rows, columns=["start_s", "initial_speed", "mean_deceleration", "peak_deceleration", "quality"])


def test_an_event_is_above_only_if_it_exceeds_the_bound_for_full_braking(predictor):
    known = {"surface": "packed_snow", "tyre_kind": "summer", "road_temperature_c": -5.0}
    bound = predictor.predict(speed=30.0, brake_pressure_bar=FULL_BAR, **known).deceleration_upper
    rows = score_events(events(bound - 0.01, bound + 0.01), predictor, known)
    assert rows["above_upper"].tolist() == [False, True]
    assert drive_score(rows).above_upper == 0.5
    assert rows["predicted_dry_deceleration"].iloc[0] > 2 * rows["predicted_deceleration"].iloc[0]


def test_an_event_at_a_speed_that_no_model_knows_is_left_out_and_others_keep_their_row(predictor):
    table = pd.concat([events(3.0, speed=90.0), events(4.0)], ignore_index=True)
    rows = score_events(table, predictor, {})
    assert rows.index.tolist() == [1]
    assert not len(score_events(table.iloc[:1], predictor, {}))


def test_no_event_gives_no_share_and_no_envelope():
    total = drive_score(score_events(events(), PREDICTOR, {}), refused=2)
    assert (total.events, total.refused, total.above_upper) == (0, 2, 0.0)
    assert np.isnan(total.hardest_peak)


def test_a_model_that_knows_no_full_braking_asks_for_the_pressure(tmp_path):
    unknowing = Predictor(write_full_braking(tmp_path / "compact", bar=None))
    with pytest.raises(ValueError, match="brake_pressure_bar is required: 5 to 180 bar"):
        score_events(events(3.0), unknowing, {})
    assert len(score_events(events(3.0), unknowing, {"brake_pressure_bar": 160.0})) == 1


def test_the_measured_speed_is_not_given_twice():
    with pytest.raises(ValueError, match="speed must not be given"):
        score_events(events(3.0), PREDICTOR, {"speed": 20.0})


def test_a_drive_on_snow_cannot_be_that_hard(answered, tmp_path):
    file = write_drive(tmp_path / "drive.csv", 3.0, 7.0)
    dry = answered("drives", "score", file)
    assert (dry["events"], dry["above_upper"]) == (2, 0.0)
    snow = answered("drives", "score", file, "--surface", "packed_snow", "--tyre-kind", "summer")
    assert (snow["events"], snow["above_upper"]) == (2, 1.0)
    assert snow["dry_capability"] > 8


def test_known_factors_of_the_description_are_used_and_options_come_first(answered, tmp_path):
    file = write_drive(tmp_path / "drive.csv", 7.0)
    drives.write_description(drives.inspect_recording(file).proposal.description, file.with_suffix(".toml"))
    with file.with_suffix(".toml").open("a") as toml:
        toml.write('\n[known]\nmodel = "suv"\nsurface = "ice"\ntread_depth_mm = 6\n')
    ice = answered("drives", "score", file)
    assert (ice["above_upper"], ice["files"][0]["model"]) == (1.0, "suv")
    dry = answered("drives", "score", file, "--surface", "asphalt", "--model", "compact")
    assert (dry["above_upper"], dry["files"][0]["model"]) == (0.0, "compact")


def test_known_factors_survive_being_written(tmp_path):
    file = write_drive(tmp_path / "drive.csv", 3.0)
    drives.write_description(drives.inspect_recording(file).proposal.description, tmp_path / "a.toml")
    with (tmp_path / "a.toml").open("a") as toml:
        toml.write('\n[known]\nmodel = "suv"\nsurface = "ice"\nwater_film_mm = 0.5\n')
    once = drives.read_description(tmp_path / "a.toml")
    (tmp_path / "b.toml").write_text(description_toml(once))
    assert drives.read_description(tmp_path / "b.toml") == once
    assert once.known == {"surface": "ice", "water_film_mm": 0.5}


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("speed = 3", "can have model"),
        ("colour = 3", "'colour'"),
        ('surface = "mud"', "must be one of"),
        ("surface = 1", "must be one of"),
        ("abs = true", "must be a number"),
        ('mass = "heavy"', "must be a number"),
        ("model = 3", "model must be a name"),
    ],
)
def test_what_no_drive_can_know_is_refused_in_a_sentence(refused, tmp_path, line, wanted):
    file = write_drive(tmp_path / "drive.csv", 3.0)
    toml = tmp_path / "description.toml"
    drives.write_description(drives.inspect_recording(file).proposal.description, toml)
    toml.write_text(toml.read_text() + f"\n[known]\n{line}\n")
    assert wanted in refused("drives", "score", file, "--recording", toml)


@pytest.mark.slow
def test_a_bad_file_is_an_error_alone_and_a_row_among_others(refused, run, tmp_path):
    file = write_drive(tmp_path / "drive.csv", 3.0)
    bad = tmp_path / "empty.csv"
    bad.write_text("")
    assert "empty" in refused("drives", "score", bad)
    code, out, _ = run("drives", "score", file, bad, "-o", tmp_path / "rows.csv", "--json")
    report = json.loads(out)
    assert code == 1
    assert (report["events"], len(report["files"])) == (1, 2)
    assert "empty" in next(row["reason"] for row in report["files"] if row["file"] == str(bad))
    assert len(pd.read_csv(tmp_path / "rows.csv")) == 1
    assert "not scored" in run("drives", "score", file, bad)[1]


def test_a_factor_out_of_range_is_named(refused, tmp_path):
    file = write_drive(tmp_path / "drive.csv", 3.0)
    mass = next(f for f in FACTORS if f.name == "mass")
    assert "mass" in refused("drives", "score", file, "--mass", mass.high + 1)
    assert "surface must be one of asphalt" in refused("drives", "score", file, "--surface", "dry")


@pytest.mark.skipif(not SHARED_DRIVES.is_dir(), reason="recordings of others are not part of the project")
def test_a_car_driven_to_the_limit_stays_below_the_capability_on_dry_asphalt(run):
    code, out, _ = run("drives", "score", SHARED_DRIVES / "trackaddict_stc" / "STC_log.csv", "--json")
    total = json.loads(out)
    assert code == 0
    assert total["events"] > 60
    assert total["above_upper"] == 0
    assert 0.6 * total["dry_capability"] < total["peak_envelope"] < total["dry_upper"]


@pytest.mark.slow
def test_each_event_stands_beside_its_prediction_and_the_check_says_what_it_cannot_show(run, answered, tmp_path):
    file = write_drive(tmp_path / "drive.csv", 3.0, 7.0)
    known = ("--surface", "packed_snow", "--tyre-kind", "winter")
    rows = answered("drives", "score", file, *known)["rows"]
    _, out, _ = run("drives", "score", file, *known)
    assert [round(row["mean_deceleration"]) for row in rows] == [3, 7]
    lines = [line for line in out.splitlines() if f"{rows[0]['initial_speed']:.2f}" in line]
    for line, row, harder in zip(lines, rows, ("no", "yes"), strict=True):
        for name in ("mean_deceleration", "predicted_deceleration", "predicted_deceleration_upper"):
            assert f" {row[name]:.2f} " in line
        assert f" {harder} " in line
    assert "compact" in out
    assert "Limit of this check: most braking is partial" in out
    for heading in ("harder:", "peaks harder:", "95 % of peaks:", "dry asphalt:"):
        assert heading in out


def test_the_speed_is_no_option_of_a_command_that_measures_it(run):
    _, out, _ = run("drives", "score", "--help")
    assert "--speed" not in out
    assert "Required" not in out.split("Braking factors")[1]
    assert "Full braking of the vehicle if not given" in " ".join(out.replace("\u2502", " ").split())
    assert run("drives", "score", "drive.csv", "--speed", "20")[0] == 2


def test_a_drive_without_events_says_what_was_nearest(run, answered, tmp_path):
    file = write_drive(tmp_path / "drive.csv", 1.4)
    code, out, err = run("drives", "events", file, "--threshold", "2.5")
    assert code == 0, err
    hardest = answered("drives", "events", file)["hardest_deceleration"]
    assert hardest == pytest.approx(1.4, abs=0.1)
    assert f"the hardest deceleration is {hardest:.2f} m/s^2, the threshold 2.5 m/s^2" in out


def test_every_prediction_of_a_score_shows_its_flags(run, answered, tmp_path):
    file = write_drive(tmp_path / "drive.csv", 3.0)
    drives.write_description(drives.inspect_recording(file).proposal.description, file.with_suffix(".toml"))
    with file.with_suffix(".toml").open("a") as toml:
        toml.write('\n[known]\nsurface = "ice"\nroad_temperature_c = 40\n')
    (row,) = answered("drives", "score", file, "--output", tmp_path / "scored.csv")["rows"]
    assert "outside domain" in row["flags"]
    assert "outside domain" in pd.read_csv(tmp_path / "scored.csv")["flags"][0]
    _, out, _ = run("drives", "score", file, "--output", tmp_path / "scored.csv")
    assert f"1 events written to {tmp_path / 'scored.csv'}" in out
    assert "1 outside domain (a combination of factors that is rare" in out.splitlines()[-1]
    plain = run("drives", "score", file, "--surface", "asphalt", "--road-temperature-c", 20)[1]
    assert "outside domain" not in plain


def test_what_is_predicted_cannot_be_taken_for_a_measurement(answered, refused, tmp_path):
    file = write_drive(tmp_path / "drive.csv", *[3.0] * 2)
    answered("drives", "score", file, "--output", tmp_path / "scored.csv")
    stops = tmp_path / "stops.csv"
    pd.DataFrame({"speed": [20.0, 25.0], "brake_pressure_bar": 60.0}).to_csv(tmp_path / "events.csv", index=False)
    answered("predict", "--input", tmp_path / "events.csv", "--output", tmp_path / "answers.csv", "--keep", "all")
    answers = pd.read_csv(tmp_path / "answers.csv")
    both = answers.assign(speed=[20.0, 25.0], brake_pressure_bar=60.0)
    for table in (pd.read_csv(tmp_path / "scored.csv"), answers, both):
        table.to_csv(stops, index=False)
        for command in (("correct",), ("bound",), ("adapt", "--vehicle", "compact")):
            sentence = refused("drives", command[0], stops, *command[1:], "--output", tmp_path / "out.json")
            assert "stops.csv must hold measured stops. Got" in sentence
            assert "which are predictions" in sentence
    assert not (tmp_path / "out.json").exists()


def test_a_factor_out_of_range_is_not_blamed_on_a_row(refused, run, tmp_path):
    file = write_drive(tmp_path / "drive.csv", 3.0, 4.0)
    sentence = refused("drives", "score", file, "--grade", 3)
    assert "grade must be -0.2 to 0.2" in sentence
    assert "row" not in sentence.replace("rise/run", "")
    other = write_drive(tmp_path / "other.csv", 3.0, 4.0)
    mass = next(f for f in PREDICTOR.factors if f.name == "mass")
    known = next(f for f in FACTORS if f.name == "mass").high
    assert known > mass.high  # the car's own range is narrower
    code, out, _ = run("drives", "score", file, other, "--mass", known, "--json")
    reasons = [row["reason"] for row in json.loads(out)["files"]]
    assert code == 1
    assert all(f"{path}: mass must be" in reason for path, reason in zip((file, other), reasons, strict=True))


def test_a_model_that_is_not_there_is_refused_before_a_file_is_read(refused, tmp_path):
    assert "nowhere" in refused("drives", "score", tmp_path / "a.csv", tmp_path / "b.csv", "--model", "nowhere")


def test_any_error_of_a_file_is_its_row(run, monkeypatch, tmp_path):
    files = [write_drive(tmp_path / name, 3.0) for name in ("a.csv", "b.csv")]
    find = drives.find_events

    def broken(path: Path, **options: object) -> drives.DriveEvents:
        if path == files[0]:
            raise ZeroDivisionError("odd")
        return find(path, **options)

    monkeypatch.setattr(drives, "find_events", broken)
    code, out, _ = run("drives", "score", *files, "--json")
    report = json.loads(out)
    assert (code, report["events"]) == (1, 1)
    assert report["files"][0]["reason"] == f"{files[0]}: ZeroDivisionError: odd"
