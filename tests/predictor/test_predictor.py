"""The Python prediction API: one event or a table of them, what is optional, and what is refused with a sentence."""

import dataclasses
import json
import math
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from conftest import COMPACT, sensed_events

from acc_decel import FACTORS, Prediction, Predictor, released_models
from acc_decel.cli.card import card_text
from acc_decel.export import onnx_bytes, reference_outputs
from acc_decel.factors import Factor, column_names, schema
from acc_decel.model_folder import made_for, read_model
from acc_decel.outputs import LOWER, OUTPUTS, UPPER
from acc_decel.status import OUTSIDE_DOMAIN, REFUSED
from tests.helpers.random_net import random_net

STOP = {"speed": 33.3, "brake_pressure_bar": 160.0, "surface": "asphalt", "water_film_mm": 1.0}
REQUIRED = [f for f in FACTORS if not f.optional and f.standard is None]


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor()


def refused(predictor: Predictor, **factors: object) -> str:
    with pytest.raises(ValueError) as refusal:
        predictor.predict(**(STOP | factors))
    sentence = str(refusal.value)
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))
    return sentence


def test_one_event_gives_what_the_car_can_do(predictor):
    answer = predictor.predict(**STOP)
    assert 0 < answer.deceleration_lower < answer.deceleration < answer.deceleration_upper < 15
    assert 0 < answer.delay < 0.5
    formula = 33.3 * answer.delay + 33.3**2 / (2 * answer.deceleration)
    assert answer.stopping_distance == pytest.approx(formula, rel=1e-5)
    formula = 33.3 * answer.delay + 33.3**2 / (2 * answer.deceleration_lower)
    assert answer.stopping_distance_upper == pytest.approx(formula, rel=1e-5)


def test_a_prediction_is_frozen(predictor):
    answer = predictor.predict(**STOP)
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.deceleration = 9.0


def test_a_prediction_reads_well(predictor):
    answer = predictor.predict(**STOP)
    text = repr(answer)
    for part in (f"{answer.deceleration:.2f} m/s^2", f"{answer.delay:.2f} s", f"{answer.stopping_distance:.1f} m"):
        assert part in text
    assert f"[{answer.deceleration_lower:.2f}, {answer.deceleration_upper:.2f}]" in text
    assert "not available: mass" in text


def test_a_prediction_names_what_it_had_to_do_without(predictor):
    answer = predictor.predict(**STOP)
    given = {*STOP, *(f.name for f in FACTORS if f.standard is not None)}
    assert answer.not_available == tuple(f.name for f in FACTORS if f.name not in given)


@pytest.mark.parametrize("nothing", [None, math.nan], ids=str)
def test_a_factor_given_as_nothing_is_one_left_out(predictor, nothing):
    assert predictor.predict(**STOP, mass=nothing, tyre_kind=nothing) == predictor.predict(**STOP)


def test_a_level_is_its_probability_of_one(predictor):
    assert predictor.predict(**(STOP | {"surface": {"asphalt": 1.0}})) == predictor.predict(**STOP)


def test_a_hesitant_camera_lies_between_its_two_surfaces(predictor):
    asphalt, gravel = (predictor.predict(**(STOP | {"surface": s})).deceleration for s in ("asphalt", "gravel"))
    both = predictor.predict(**(STOP | {"surface": {"asphalt": 0.5, "gravel": 0.5}})).deceleration
    assert gravel < both < asphalt


def test_ice_is_slippery_and_asphalt_is_not(predictor):
    ice = predictor.predict(speed=20, brake_pressure_bar=100, surface="ice", road_temperature_c=-5)
    asphalt = predictor.predict(speed=20, brake_pressure_bar=100, surface="asphalt", water_film_mm=0)
    assert ice.deceleration_upper < 3
    assert asphalt.deceleration_lower > 5
    assert ice.below_comfort
    assert not asphalt.below_comfort


def test_equipment_left_out_is_the_standard_one(predictor):
    for f in FACTORS:
        if f.standard is not None:
            assert predictor.predict(**STOP) == predictor.predict(**STOP, **{f.name: f.standard})
            assert predictor.predict(**STOP) != predictor.predict(**STOP, **{f.name: 0.0})


def test_warm_ice_lies_outside_the_domain(predictor):
    warm = predictor.predict(speed=20, brake_pressure_bar=100, surface="ice", road_temperature_c=20)
    assert warm.outside_domain
    assert warm.status & OUTSIDE_DOMAIN
    assert not predictor.predict(**STOP).outside_domain


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "water_film_mm": [1.0, 0.0, np.nan],
            "speed": [33.3, 20.0, 10.0],
            "surface": ["asphalt", "ice", None],
            "brake_pressure_bar": [160.0, 80.0, 40.0],
        },
        index=["wet", "icy", "unknown"],
    )


def test_many_events_answer_as_one_by_one_under_their_index(predictor):
    answers = predictor.predict(frame())
    assert answers.index.tolist() == ["wet", "icy", "unknown"]
    fields = [f.name for f in dataclasses.fields(Prediction) if f.default is dataclasses.MISSING]  # said unasked
    assert [c for c in answers.columns if c in fields] == fields
    for name, row in frame().iterrows():
        one = predictor.predict(**{k: v for k, v in row.items() if not pd.isna(v)})
        told = [getattr(one, field) for field in fields]
        np.testing.assert_allclose(answers.loc[name, fields].astype(float), told, rtol=1e-4)


def test_a_missing_column_is_a_column_of_nothing(predictor):
    with_nothing = frame().assign(mass=np.nan, tyre_kind=None)
    pd.testing.assert_frame_equal(predictor.predict(frame()), predictor.predict(with_nothing))


def test_levels_may_be_columns_of_probability(predictor):
    surface = next(f for f in FACTORS if f.name == "surface")
    split = frame().drop(columns="surface")
    for level, column in zip(surface.levels, surface.columns, strict=True):
        split[column] = [float(level == "asphalt"), float(level == "ice"), np.nan]
    pd.testing.assert_frame_equal(predictor.predict(frame()), predictor.predict(split))


@pytest.mark.parametrize("kind", ["float32", "Float64", "object"])
def test_any_kind_of_number_column_will_do(predictor, kind):
    numbers = [c for c in frame() if c != "surface"]
    events = frame().astype(dict.fromkeys(numbers, kind))
    np.testing.assert_allclose(
        predictor.predict(events)["deceleration"], predictor.predict(frame())["deceleration"], rtol=1e-5
    )


def test_the_table_given_is_left_as_it_was(predictor):
    events = frame()
    predictor.predict(events)
    pd.testing.assert_frame_equal(events, frame())


def test_the_raw_path_gives_the_network_itself(small_model, small_net):
    columns = sensed_events(500)
    outputs, status = Predictor(small_model).predict_array(columns)
    np.testing.assert_allclose(outputs, reference_outputs(small_net, columns), rtol=0, atol=1e-4)
    assert not (status & REFUSED).any()


def test_other_columns_of_a_table_are_ignored_with_a_warning(predictor):
    with pytest.warns(UserWarning, match="ignored, being no braking factor: timestamp, driver"):
        answers = predictor.predict(frame().assign(timestamp=1.0, driver="A"))
    pd.testing.assert_frame_equal(answers, predictor.predict(frame()))
    assert not answers.columns.duplicated().any()


@pytest.mark.parametrize("speed", [0.0, 0.99, 200.0, np.nan, -1.0])
def test_one_bad_row_does_not_refuse_the_others(predictor, speed):
    events = frame()
    events.loc["icy", "speed"] = speed
    answers = predictor.predict(events)
    assert answers["deceleration"].isna().tolist() == [False, True, False]
    assert "no prediction" in answers.loc["icy", "status_text"]
    good = events.drop(index="icy")
    pd.testing.assert_frame_equal(answers.drop(index="icy"), predictor.predict(good))
    with pytest.raises(ValueError, match="speed in row 'icy'"):
        predictor.predict(events, on_refusal="raise")


def test_refused_rows_are_flagged(predictor):
    events = frame()
    events.loc["icy", "speed"] = 200.0
    answers = predictor.predict(events, on_refusal="flag")
    assert answers["deceleration"].isna().tolist() == [False, True, False]
    assert answers["stopping_distance"].isna().tolist() == [False, True, False]
    assert "speed is outside its range" in answers.loc["icy", "status_text"]


def test_a_car_that_cannot_stop_has_an_infinite_distance(predictor):
    events = pd.DataFrame({"speed": [20.0], "brake_pressure_bar": [100.0], "surface": ["ice"], "grade": [-0.2]})
    answer = predictor.predict(events).iloc[0]
    assert answer["deceleration_lower"] <= 0
    assert np.isinf(answer["stopping_distance_upper"])


def available(columns: np.ndarray, f: Factor) -> np.ndarray:
    return ~np.isnan(columns[:, column_names().index(f.columns[0])])


@pytest.mark.parametrize("f", [f for f in FACTORS if f.name in {"surface", "water_film_mm"}], ids=lambda f: f.name)
def test_the_interval_widens_when_a_factor_that_matters_is_lost(predictor, f):
    columns = sensed_events(4000)
    columns = columns[available(columns, f)]
    columns = columns[np.isnan(columns[:, column_names().index("friction_estimate")])]
    lost = columns.copy()
    lost[:, [column_names().index(c) for c in f.columns]] = np.nan
    widths = [outputs[:, UPPER] - outputs[:, LOWER] for outputs, _ in map(predictor.predict_array, (columns, lost))]
    assert np.median(widths[1] - widths[0]) > 0.1


def test_the_interval_never_widens_in_the_median_when_any_factor_is_told(predictor):
    columns = sensed_events(6000)
    for f in FACTORS:
        if not f.optional:
            continue
        told = columns[available(columns, f)]
        lost = told.copy()
        lost[:, [column_names().index(c) for c in f.columns]] = np.nan
        widths = [outputs[:, UPPER] - outputs[:, LOWER] for outputs, _ in map(predictor.predict_array, (told, lost))]
        assert np.median(widths[1] - widths[0]) > -0.02, f.name


def test_an_unknown_factor_is_refused_with_the_nearest_one(predictor):
    assert refused(predictor, break_pressure_bar=3).endswith("Did you mean brake_pressure_bar?")
    for f in FACTORS:
        assert f.name in refused(predictor, nonsense=3)


@pytest.mark.parametrize("f", [f for f in FACTORS if not f.levels], ids=lambda f: f.name)
@pytest.mark.parametrize("end", ["below", "above"])
def test_a_value_out_of_range_is_refused_by_name_range_and_value(predictor, f, end):
    f = next(own for own in predictor.factors if own.name == f.name)
    value = f.low - 1.0 if end == "below" else f.high + 1.0
    sentence = refused(predictor, **{f.name: value})
    assert f"{f.name} must be {f.span} ({f.meaning}). Got {value:g}." in sentence


def test_a_speed_in_km_h_is_recognised(predictor):
    assert "Got 130. If that was km/h, give 36.11." in refused(predictor, speed=130)


@pytest.mark.parametrize("f", REQUIRED, ids=lambda f: f.name)
@pytest.mark.parametrize("nothing", [None, math.nan], ids=str)
def test_a_required_factor_is_asked_for(predictor, f, nothing):
    assert f"{f.name} is required: {f.span}" in refused(predictor, **{f.name: nothing})


def test_equipment_that_is_there_may_not_be_nothing(predictor):
    for f in FACTORS:
        if f.standard is not None:
            assert f"{f.name} is required" in refused(predictor, **{f.name: None})


WRONG_SURFACES = {
    "unknown level": ("tarmac", "Got 'tarmac'."),
    "number": (3, "Got '3'."),
    "unknown level in a dict": ({"tarmac": 1.0}, "Got 'tarmac'."),
    "too little probability": ({"asphalt": 0.5}, "adding up to 1"),
    "too much probability": ({"asphalt": 0.8, "ice": 0.8}, "adding up to 1"),
    "negative probability": ({"asphalt": 1.5, "ice": -0.5}, "adding up to 1"),
    "nothing at all": ({}, "adding up to 1"),
}


@pytest.mark.parametrize(("surface", "said"), WRONG_SURFACES.values(), ids=WRONG_SURFACES.keys())
def test_a_surface_that_is_none_is_refused_with_the_ones_there_are(predictor, surface, said):
    sentence = refused(predictor, surface=surface)
    assert sentence.startswith("surface must be one of asphalt, concrete, cobbles, gravel, packed_snow, ice")
    assert said in sentence


def test_text_for_a_number_is_refused(predictor):
    assert "Got 'fast'." in refused(predictor, speed="fast")


WRONG_TABLES: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "out of range": (lambda t: t.assign(speed=[33.3, 200.0, 300.0]), "speed in row 'icy' must be.*Got 200"),
    "not available": (
        lambda t: t.assign(speed=[33.3, 20.0, np.nan]),
        "speed in row 'unknown' is required: 1 to 70",
    ),
    "text": (lambda t: t.assign(mass=["1400", "1500", "heavy"]), "mass in row 'unknown' must be a number.*'heavy'"),
    "unknown level": (lambda t: t.assign(surface=["asphalt", "mud", "ice"]), "surface in row 'icy'.*Got 'mud'"),
    "unknown column": (lambda t: t.assign(waterfilm_mm=1.0), "waterfilm_mm must be a braking factor.*water_film_mm"),
    "given twice": (lambda t: t.assign(surface_ice=1.0), "surface must be given once.*surface_ice"),
    "partly given": (lambda t: t.drop(columns="surface").assign(surface_ice=1.0), "surface in row 'wet' must be"),
    "no rows": (lambda t: t[:0], "at least one row"),
}


@pytest.mark.parametrize(("spoiled", "said"), WRONG_TABLES.values(), ids=WRONG_TABLES.keys())
def test_a_table_with_a_mistake_is_refused_by_column_and_row(predictor, spoiled, said):
    with pytest.raises(ValueError, match=said):
        predictor.predict(spoiled(frame()), on_refusal="raise")


def test_a_table_and_factors_at_once_are_refused(predictor):
    with pytest.raises(ValueError, match=r"not both\. Got also speed"):
        predictor.predict(frame(), speed=3)


def test_a_model_of_another_schema_is_refused(tmp_path):
    model = onnx.load_from_string(onnx_bytes(random_net(np.random.default_rng(1)), {"vehicle": "x"}))
    next(p for p in model.metadata_props if p.key == "schema").value = "00000000"
    onnx.save(model, tmp_path / "old.onnx")
    with pytest.raises(ValueError, match=rf"old\.onnx must be exported for factor schema {schema()}. Got 00000000"):
        Predictor(tmp_path / "old.onnx")


def test_an_onnx_file_of_somebody_else_is_refused(tmp_path):
    model = onnx.load_from_string(onnx_bytes(random_net(np.random.default_rng(1)), {}))
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "theirs.onnx")
    with pytest.raises(ValueError, match=r"theirs\.onnx must be exported.*not a model of ours"):
        Predictor(tmp_path / "theirs.onnx")


@pytest.mark.parametrize("content", [b"", b"no model", b"\x00" * 100], ids=["empty", "text", "zeros"])
def test_an_unreadable_model_is_refused(tmp_path, content):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.onnx must be an ONNX model of acc_decel"):
        Predictor(path)


def test_a_model_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(ValueError, match=r"released model \(.*compact.*\), a model folder or an ONNX file.*spaceship"):
        Predictor("spaceship")
    with pytest.raises(ValueError, match=r"there is no .*model\.onnx"):
        Predictor(tmp_path)


def test_a_model_is_loaded_by_name_folder_or_file(small_model):
    assert Predictor().path == released_models()["compact"] / "model.onnx"
    assert Predictor(small_model).path == Predictor(str(small_model / "model.onnx")).path == small_model / "model.onnx"
    assert Predictor(small_model).vehicle == "compact"


def test_a_model_keeps_the_mass_of_its_platform(small_model):
    model = Predictor(small_model)
    assert model.factors == COMPACT.factors
    heavy = next(f.high for f in COMPACT.factors if f.name == "mass") + 10
    with pytest.raises(ValueError, match="mass must be"):
        model.predict(**STOP, mass=heavy)


def test_the_released_models_lie_beside_the_package():
    assert "compact" in released_models()
    assert all((folder / "model.onnx").is_file() for folder in released_models().values())
    assert released_models()["compact"] == Path(__file__).parents[2] / "models" / "compact"


def test_a_better_friction_estimate_never_costs_deceleration(predictor):
    estimates = (0.1, 0.3, 0.6, 0.9, 1.2)
    lower = [predictor.predict(**STOP, friction_estimate=mu).deceleration_lower for mu in estimates]
    assert all(low <= high for low, high in pairwise(lower))


def test_every_output_has_its_field():
    assert set(OUTPUTS) < {f.name for f in dataclasses.fields(Prediction)}


@pytest.mark.parametrize("name", released_models())
def test_what_lies_in_a_released_folder_belongs_to_its_network(name: str) -> None:
    """Student, proof and card are made after the network, and none of them by itself tells that it is stale."""
    folder = released_models()[name]
    _, metrics = read_model(folder)
    assert json.loads((folder / "proof.json").read_text())["sha256"] == made_for(folder)
    pictures = [line.rpartition("(")[2][: -len(".png)")] for line in card_of(folder) if line.startswith("![")]
    assert card_of(folder) == card_text(Predictor(name), metrics, pictures).splitlines()
    answer = Predictor(name).predict(speed=20.0, brake_pressure_bar=60.0, explain=True)
    assert answer.attribution


def card_of(folder: Path) -> list[str]:
    return (folder / "card.md").read_text().splitlines()


def test_a_value_without_a_name_is_refused(predictor):
    with pytest.raises(TypeError):
        predictor.predict(30)
    with pytest.raises(TypeError):
        predictor.predict(30, 160)


def test_an_explained_answer_is_the_answer_with_an_attribution(predictor):
    plain, explained = predictor.predict(**STOP), predictor.predict(**STOP, explain=True)
    assert dataclasses.replace(explained, attribution=None, baseline=None) == plain
    assert list(explained.attribution) == [f.name for f in FACTORS]
    assert explained.baseline + sum(explained.attribution.values()) == pytest.approx(plain.deceleration, abs=1e-3)


@pytest.mark.parametrize("explain", [False, True])
def test_one_answer_as_a_frame_is_the_answer_to_a_table_of_one_row(predictor, explain):
    one = predictor.predict(**STOP, explain=explain)
    table = predictor.predict(pd.DataFrame([STOP]), explain=explain)
    assert one.to_frame().columns.tolist() == table.columns.tolist() == list(one.to_dict())
    pd.testing.assert_frame_equal(one.to_frame(), table, check_dtype=False, rtol=1e-6)


def test_a_standstill_is_flagged_by_name_and_in_a_table(predictor):
    standing = STOP | {"speed": 0.0}
    one = predictor.predict(**standing, on_refusal="flag")
    many = predictor.predict(pd.DataFrame([STOP, standing]), on_refusal="flag")
    assert one.refused and not predictor.predict(**STOP).refused
    assert math.isnan(one.deceleration) and math.isnan(one.stopping_distance)
    assert many["deceleration"].isna().tolist() == many["stopping_distance"].isna().tolist() == [False, True]
    assert many["status"].tolist()[1] == one.status


def test_a_notebook_shows_a_short_table_with_units_and_status(predictor):
    answer = predictor.predict(**STOP)
    html = answer._repr_html_()
    assert html.count("<tr>") == 5
    for part in (f"{answer.deceleration:.2f} m/s^2", f"{answer.delay:.2f} s", "not available: mass"):
        assert part in html


def test_a_value_of_another_type_gives_the_same_answer(predictor):
    assert predictor.predict(**(STOP | {"speed": "33.3"})) == predictor.predict(**STOP)


QUICK = """
import sys
import pandas as pd
from acc_decel import Predictor
stop = {stop!r}
predictor = Predictor({model!r})
columns = __import__("acc_decel.predictor", fromlist=["x"]).columns_of(stop)
def calls(run):
    run()
    files = []
    sys.setprofile(lambda frame, event, _: files.append(frame.f_code.co_filename) if event == "call" else None)
    run()
    sys.setprofile(None)
    assert not [file for file in files if "/pandas/" in file], files
    return sum("/acc_decel/" in file for file in files)
print(calls(lambda: predictor.predict(**stop)), calls(lambda: predictor.predict_array(columns)))
try:
    predictor.predict(30)
except TypeError as error:
    print(error)
"""


def test_one_event_by_name_takes_few_calls_and_never_a_table():
    """Its speed in calls of Python functions, which no other load of the machine changes; without the shape checks."""
    script = QUICK.format(stop=STOP, model="compact")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    counts, sentence = done.stdout.splitlines()
    by_name, raw = map(int, counts.split())
    assert by_name <= 2 * len(FACTORS) + 8
    assert raw <= 3
    assert sentence == (
        "predict takes factors by name, like speed=30, or one DataFrame. Got int without a name: name the factor."
    )
