"""A call that leaves the brake pressure out asks about full braking, if the model knows that of its vehicle."""

import json
import math
import pickle
from pathlib import Path

import onnx
import pandas as pd
import pytest
from conftest import COMPACT

from acc_decel import Predictor
from acc_decel.adaptation import known_stops
from acc_decel.adaptation.labelled_stops import labelled_stops
from acc_decel.export.onnx_file import set_metadata
from acc_decel.factors import FACTORS, OF_THE_VEHICLE, column_names, described
from acc_decel.predictor import columns_of
from tests.helpers.full_braking import FULL_BAR, write_full_braking

ROAD = {"speed": 33.3, "surface": "asphalt", "water_film_mm": 1.0}
NAMES = ("deceleration", "deceleration_lower", "stopping_distance_upper")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_full_braking(tmp_path_factory.mktemp("full") / "compact")


@pytest.fixture(scope="module")
def predictor(folder) -> Predictor:
    return Predictor(folder)


@pytest.fixture
def unknowing(tmp_path) -> Path:
    return write_full_braking(tmp_path / "compact", bar=None)


def test_one_event_without_a_pressure_is_full_braking(predictor):
    assert predictor.predict(**ROAD) == predictor.predict(**ROAD, brake_pressure_bar=FULL_BAR)
    assert predictor.predict(**ROAD) != predictor.predict(**ROAD, brake_pressure_bar=FULL_BAR / 4)


def test_one_event_of_uncommon_types_is_full_braking_too(predictor):
    odd = {"speed": "33.3", "surface": {"asphalt": 1}, "water_film_mm": "1"}
    assert predictor.predict(**odd) == predictor.predict(**ROAD, brake_pressure_bar=FULL_BAR)


def test_a_table_without_a_column_of_pressure_is_full_braking(predictor):
    table = pd.DataFrame([ROAD, ROAD | {"surface": "ice", "water_film_mm": 0.0}], index=["a", "b"])
    pd.testing.assert_frame_equal(
        predictor.predict(table), predictor.predict(table.assign(brake_pressure_bar=FULL_BAR))
    )


def test_columns_made_by_name_are_full_braking_with_the_factors_of_the_model(predictor):
    at = column_names().index(OF_THE_VEHICLE)
    assert columns_of(ROAD, predictor.factors)[0, at] == FULL_BAR
    assert math.isnan(columns_of(ROAD)[0, at])  # no vehicle, no pressure that it reaches


@pytest.mark.parametrize("nothing", [None, math.nan], ids=str)
def test_a_pressure_that_is_nothing_is_refused(predictor, nothing):
    with pytest.raises(ValueError, match="brake_pressure_bar is required: 5 to 180 bar"):
        predictor.predict(**ROAD, brake_pressure_bar=nothing)
    table = pd.DataFrame([ROAD | {"brake_pressure_bar": 80.0}, ROAD | {"brake_pressure_bar": nothing}])
    with pytest.raises(ValueError, match=r"brake_pressure_bar in row 1 .*is required"):
        predictor.predict(table, on_refusal="raise")
    answers = predictor.predict(table)
    assert answers["deceleration"].isna().tolist() == [False, True]


def test_a_model_that_knows_no_full_braking_asks_for_the_pressure(unknowing, refused):
    with pytest.raises(ValueError, match="brake_pressure_bar is required: 5 to 180 bar"):
        Predictor(unknowing).predict(**ROAD)
    assert "brake_pressure_bar is required" in refused("predict", "--model", unknowing, "--speed", 33.3)


def test_a_copy_of_a_predictor_knows_it_too(predictor):
    assert pickle.loads(pickle.dumps(predictor)).predict(**ROAD) == predictor.predict(**ROAD)


WRONG = {"too high": 300.0, "too low": 1.0, "a text": "160", "a truth": True, "no number": math.nan}


@pytest.mark.parametrize("standard", WRONG.values(), ids=WRONG.keys())
def test_a_standard_that_no_brake_reaches_is_refused(unknowing, tmp_path, standard):
    model = onnx.load(unknowing / "model.onnx")
    texts = {entry.key: entry.value for entry in model.metadata_props}
    entries = json.loads(texts["factors"])
    next(e for e in entries if e["name"] == OF_THE_VEHICLE)["standard"] = standard
    set_metadata(model, texts | {"factors": json.dumps(entries)})
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(ValueError, match=r"model\.onnx must have a standard of brake_pressure_bar of 5 to 180 bar"):
        Predictor(tmp_path / "model.onnx")


def test_a_file_tells_the_standard_of_each_factor():
    assert [entry["standard"] for entry in described(FACTORS)] == [f.standard for f in FACTORS]


def test_the_command_line_asks_about_full_braking_too(answered, folder, tmp_path):
    words = ("--surface", "asphalt", "--water-film-mm", 1.0)
    answer = answered("predict", "--model", folder, "--speed", 33.3, *words)
    said = answered("predict", "--model", folder, "--speed", 33.3, *words, "--brake-pressure-bar", FULL_BAR)
    assert answer == said
    assert OF_THE_VEHICLE not in answer["not_available"]
    pd.DataFrame([ROAD]).to_csv(tmp_path / "events.csv", index=False)
    (row,) = answered("predict", "--model", folder, "--input", tmp_path / "events.csv")["predictions"]
    for name in NAMES:
        assert row[name] == pytest.approx(answer[name], rel=1e-6)


@pytest.mark.slow
def test_a_drive_without_a_pressure_is_replayed_as_full_braking(answered, folder, tmp_path):
    drive = pd.DataFrame({"time_s": [0.0, 0.02], "speed": [20.0, 19.9]})
    drive.to_csv(tmp_path / "drive.csv", index=False)
    drive.assign(brake_pressure_bar=FULL_BAR).to_csv(tmp_path / "same.csv", index=False)
    without, given = (answered("replay", tmp_path / name, "--model", folder) for name in ("drive.csv", "same.csv"))
    assert [row["deceleration"] for row in without["answers"]] == [row["deceleration"] for row in given["answers"]]


def test_measured_stops_must_say_their_pressure_for_most_are_no_full_braking(predictor):
    stops = pd.DataFrame({"speed": [20.0], "deceleration": [6.0]})
    assert next(f.standard for f in COMPACT.factors if f.name == OF_THE_VEHICLE)
    for asked in (lambda: known_stops(stops, COMPACT), lambda: labelled_stops(stops, predictor)):
        with pytest.raises(ValueError, match=r"brake_pressure_bar \(brake pressure demanded"):
            asked()
