"""A correction as a file: fitted by command, applied to everything that follows from it, and to its own model only."""

import ctypes
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import COMPACT, sensed_events
from hypothesis import given
from hypothesis import strategies as st

from acc_decel.adaptation import check_stream, fit_and_validate, fit_correction, labelled_stops, scale_note
from acc_decel.compiled import SAME_BITS, WARNINGS, compiled
from acc_decel.correction import MAX_BIAS, MAX_SCALE, MIN_SCALE, Correction, number
from acc_decel.drives import COLUMNS as EVENT_COLUMNS
from acc_decel.ecu.compiler import ZIG
from acc_decel.factors import FACTORS
from acc_decel.outputs import LOWER, ORDERED, OUTPUT_LIMITS, OUTPUTS
from acc_decel.predictor import Predictor
from acc_decel.status import BELOW_COMFORT, CORRECTION_LIMITED, REFUSED, describe, flags
from tests.helpers import shifted_cars as cars

FIRMWARE = Path(__file__).parents[2] / "firmware_export"
PREDICTOR = Predictor()
COLUMNS = sensed_events(500)
OUT, _status = PREDICTOR.predict_array(COLUMNS)
STATUS = _status.astype(np.int64)  # its int64 may be long long in C
EVENT = {"speed": 25.0, "brake_pressure_bar": 60.0, "surface": "asphalt", "water_film_mm": 0.0, "mass": 1500.0}
corrections = st.builds(Correction, st.floats(MIN_SCALE, MAX_SCALE), st.floats(-5, 5), st.floats(-2, MAX_BIAS))


def stops_of(shift: cars.Shift, seed: int, count: int) -> pd.DataFrame:
    """Labelled stops of a shifted car, as a table for people."""
    seen = cars.stopped(COMPACT, shift, np.random.default_rng(seed), count)
    levels = {f.name: f.levels for f in COMPACT.factors if f.levels}
    told = {n: [levels[n][int(i)] for i in c] if n in levels else c for n, c in seen.told.items()}
    return pd.DataFrame(told | {"deceleration": seen.deceleration})


@pytest.fixture
def fitted(answered, tmp_path):
    """A correction file of a car with load and weak brakes, and what the command told."""
    stops_of(cars.Shift(load=250, brakes=-0.10), 1, 20).to_csv(tmp_path / "stops.csv", index=False)
    file = tmp_path / "correction.json"
    return file, answered("drives", "correct", tmp_path / "stops.csv", "-o", file)


def test_the_command_tells_what_twenty_stops_gain_and_the_predictor_applies_it(fitted, answered):
    file, told = fitted
    assert (told["stops"], told["left_out"], told["vehicle"]) == (20, 0, "compact")
    assert told["error_after"] < 0.5 * told["error_before"]
    assert told["scale_interval"][0] < told["scale"] < told["scale_interval"][1] < 1
    plain, here = (p.predict(**EVENT) for p in (PREDICTOR, Predictor(correction=file)))
    assert here.deceleration == pytest.approx(told["scale"] * plain.deceleration + told["bias"], abs=1e-5)
    assert here.stopping_distance == pytest.approx(25 * here.delay + 625 / (2 * here.deceleration), rel=1e-6)
    assert here.delay == plain.delay
    options = [word for name, value in EVENT.items() for word in (f"--{name.replace('_', '-')}", value)]
    assert answered("predict", "--correction", file, *options)["stopping_distance"] == here.stopping_distance


def test_a_correction_of_another_model_is_refused(fitted, refused, tmp_path):
    file, _ = fitted
    with pytest.raises(ValueError, match=r"must belong to .*suv.* Got a correction of compact"):
        Predictor("suv", correction=file)
    assert "must belong to" in refused("drives", "bound", file.parent / "stops.csv", "--model", "suv",
                                       "--correction", file, "-o", tmp_path / "bound.json")  # fmt: skip


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"scale": 0.0}, "scale must be 0.1 to 10"),
        ({"scale": "much"}, "scale must be a number"),
        ({"scale": "0.9"}, "scale must be a number"),
        ({"scale": True}, "scale must be a number"),
        ({"scale": 10**400}, "scale must be a number"),
        ({"bias": float("nan")}, "bias must be"),
        ({"bias": None}, "bias must be a number"),
        ({"bias": [0.1]}, "bias must be a number"),
        ({"lower_offset": 1e300}, "lower_offset must be"),
        ({"lower_offset": float("inf")}, "lower_offset must be"),
        ({"stops": None}, "stops must be a whole number"),
        ({"stops": float("inf")}, "stops must be a whole number from 0. Got inf"),
        ({"stops": -3}, "stops must be a whole number"),
        ({"stops": 2.5}, "stops must be a whole number"),
        ({"bound_stops": "many"}, "bound_stops must be a whole number"),
        ({"vehicle": 5}, "vehicle must be a text"),
        ({"model_sha256": "0"}, "must belong to"),
        ({"schema": "old"}, "must be of factor schema .* Got old"),
    ],
)
def test_a_spoilt_correction_file_is_refused_in_a_sentence(fitted, change, wanted):
    file, _ = fitted
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(ValueError, match=wanted):
        Predictor(correction=file)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{}", "must hold schema"),
        ("[1, 2]", "must be a correction as JSON. Got: a list"),
        ("null", "must be a correction as JSON. Got: a NoneType"),
        ("[" * 100_000, "too many brackets"),
        ("", "must be a correction as JSON"),
        ('{"scale": 1, "scale": 0.5}', "must be a correction as JSON. Got: 'scale' twice. Run"),
        (
            '{"schema": "", "model_sha256": "", "vehicle": "", "scale": "1"}',
            r"Got 1: run `acc-decel drives correct`\. Run",
        ),
    ],
)
def test_a_file_that_is_no_correction_is_refused_in_a_sentence(tmp_path, text, wanted):
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(ValueError, match=wanted):
        Predictor(correction=tmp_path / "c.json")


def test_infinite_stops_in_a_file_as_it_is_written_are_refused(fitted):
    file, _ = fitted
    file.write_text(re.sub(r'"stops": \d+', '"stops": 1e400', file.read_text()))
    with pytest.raises(ValueError, match="stops must be a whole number"):
        Predictor(correction=file)


@pytest.mark.parametrize("value", [None, "0", 1j, True, 10**400, [1.0], np.array([1.0, 2.0])], ids=str)
def test_what_is_no_number_is_refused_by_name(value):
    with pytest.raises(ValueError, match="scale must be a number"):
        number("scale", value)


def test_numbers_of_any_kind_are_taken():
    assert [number("scale", n) for n in (1, 0.5, np.float32(0.5), np.int64(2))] == [1.0, 0.5, 0.5, 2.0]


WRONG_UNITS = {
    "km/h/s": (3.6, "are they in km/h/s. Divide by 3.6"),
    "gentle stops in km/h/s": (3.6 / 3, "Got .* times .*are they in km/h/s"),
    "ten times": (10, "ten times too large"),
    "g": (1 / 9.80665, "are they in g. Multiply by 9.807"),
    "per cent of g": (10.197, "per cent of g"),
    "cm/s^2": (100, "in cm/s"),
    "mm/s^2": (1000, "in mm/s"),
    "a turned sign": (-1, "positive when slowing. Got -.*turn the sign of all"),
}


@pytest.mark.parametrize(("factor", "wanted"), WRONG_UNITS.values(), ids=WRONG_UNITS)
def test_stops_that_no_car_can_make_are_refused_with_their_likely_unit(factor, wanted):
    predicted = np.linspace(5.5, 8.5, 12) / (3 if "Got" in wanted and factor == 1.2 else 1)
    measured = predicted * (3.6 if factor == 1.2 else factor)
    for fit in (fit_correction, fit_and_validate):
        with pytest.raises(ValueError, match=wanted):
            fit(predicted, measured)


@pytest.mark.parametrize("command", ["correct", "bound"])
@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda d: d * 3.6 * 2, "deceleration in line 2 must be above 0 and at most 18 m/s"),
        (lambda d: d / 9.80665, "are they in g? Multiply by 9.807"),
        (lambda d: -d, "turn the sign of all"),
        (lambda d: d.where(d.index != 3, 28.8), "in line 5 must be .* Got 28.8: leave this stop out"),
        (lambda d: d.where(d.index != 3, -2.0), "in line 5 must be .* Got -2: leave this stop out"),
        (lambda d: d.where(d.index != 3, 0.0), "in line 5 must be .* Got 0: a car that does not slow"),
        (lambda d: d.where(d.index != 3, np.inf), "in line 5 must be .* Got inf"),
    ],
    ids=["km/h/s", "g", "sign", "one above", "one negative", "one of 0", "one infinite"],
)
def test_the_commands_refuse_stops_that_no_car_can_make(refused, tmp_path, command, change, wanted):
    stops = stops_of(cars.Shift(), 4, 12)
    stops.assign(deceleration=change(stops["deceleration"])).to_csv(tmp_path / "stops.csv", index=False)
    answer = refused("drives", command, tmp_path / "stops.csv", "-o", tmp_path / "correction.json")
    assert re.search(wanted.replace("?", "."), answer), answer
    assert not (tmp_path / "correction.json").exists()


def test_an_unusual_scale_is_said_and_a_usual_one_is_not():
    assert scale_note(0.41).startswith("scale 0.41 is unusual for a car")
    assert scale_note(1.7)
    assert not scale_note(0.8)


def test_a_few_bad_stops_in_a_row_are_no_wrong_unit():
    predicted = np.full(4, 8.0)
    check_stream(predicted, 0.1 * predicted)
    check_stream(np.full(9, 8.0), np.full(9, 2.0))
    with pytest.raises(ValueError, match=r"must be 0\.2 to 2 times .* in g"):
        check_stream(np.full(9, 8.0), np.full(9, 0.82))


def test_a_corrected_answer_stays_within_what_a_car_can_do_and_says_so():
    answered = STATUS & REFUSED == 0
    for correction, limit in ((Correction(10.0, 20.0, -20.0), 18.0), (Correction(0.1, -20.0, 20.0), -4.0)):
        outputs, status = Predictor(correction=correction).predict_array(COLUMNS)
        assert (outputs[answered][:, ORDERED] >= -4).all()
        assert (outputs[answered][:, ORDERED] <= 18).all()
        assert (outputs[answered][:, LOWER] == limit).any()
        scaled = correction.scale * OUT[:, ORDERED] + correction.bias  # not all: downhill on ice a car may speed up
        beyond = answered & ((scaled < -4) | (scaled > 18)).any(axis=1)
        assert ((status & CORRECTION_LIMITED != 0) == beyond).all()
        assert beyond.sum() > 0.9 * answered.sum()
        answer = Predictor(correction=correction).predict(**EVENT)
        assert "CORRECTION_LIMITED" in flags(answer.status)
        assert "the correction is wrong" in describe(answer.status)
    usual = Predictor(correction=Correction(0.9, 0.1)).predict_array(COLUMNS)[1]
    assert not (usual & CORRECTION_LIMITED).any()


@given(corrections)
def test_status_and_order_follow_the_corrected_answer(correction):
    outputs, status = correction.answers(OUT, STATUS)
    answered = status & REFUSED == 0
    assert ((status & BELOW_COMFORT != 0) == (answered & ~(outputs[:, LOWER] >= np.float32(3.5)))).all()
    kept = ~(BELOW_COMFORT | CORRECTION_LIMITED)
    assert ((status & kept) == (STATUS & kept)).all()
    low, high = OUTPUT_LIMITS["deceleration"]
    quantiles = outputs[:, ORDERED]
    assert ((quantiles >= low) & (quantiles <= high))[answered].all()
    at_limit = ((quantiles == low) | (quantiles == high)).any(axis=1)
    assert (at_limit | (status & CORRECTION_LIMITED == 0)).all()
    assert (np.diff(outputs[answered][:, ORDERED], axis=1) >= 0).all()
    assert np.isnan(outputs[~answered]).all()


@given(corrections, st.integers(0, 2**32 - 1))
def test_a_correction_never_turns_the_order_of_two_answers_around(correction, seed):
    rng = np.random.default_rng(seed)
    lesser = np.sort(rng.uniform(-4, 12, (1, len(OUTPUTS))).astype("f4"), axis=1)
    greater = lesser + rng.uniform(0, 3, lesser.shape).astype("f4")
    assert (correction.outputs(greater) >= correction.outputs(lesser)).all()


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """acc_decel_corrected() for this machine, undefined behaviour being a trap; it needs no network."""
    built = tmp_path_factory.mktemp("library") / "correction.so"
    traps = ("-fsanitize=undefined", "-fsanitize-trap=all", "-shared", "-fPIC", f"-I{FIRMWARE}")
    compiled((*ZIG, *SAME_BITS, *WARNINGS, *traps), [FIRMWARE / "acc_decel_correction.c"], built)
    library = ctypes.CDLL(str(built))
    library.acc_decel_corrected.restype = ctypes.c_uint64
    library.acc_decel_corrected.argtypes = (ctypes.c_uint64, *[ctypes.c_void_p] * 3)
    return library


def in_c(library, numbers: tuple[float, ...], outputs: np.ndarray, status: int) -> tuple[np.ndarray, int]:
    """What the firmware makes of one prediction in place, and its status."""
    correction, answer = np.array(numbers, "f4"), outputs.copy()
    place = answer.ctypes.data
    return answer, library.acc_decel_corrected(status, place, correction.ctypes.data, place)


@given(correction=corrections)
def test_the_firmware_corrects_to_the_same_bits(library, correction):
    answered = np.flatnonzero(STATUS & REFUSED == 0)[:40]
    expected, status = correction.answers(OUT[answered], STATUS[answered])
    numbers = (correction.scale, correction.bias, correction.lower_offset)
    for row, told, said in zip(answered, expected, status, strict=True):
        answer, is_ = in_c(library, numbers, OUT[row], int(STATUS[row]))
        assert answer.tobytes() == told.tobytes()
        assert is_ == said


@given(st.tuples(*[st.floats(width=32) | st.floats(-25, 25, width=32)] * 3))
def test_firmware_and_python_accept_the_same_corrections(library, numbers):
    before = OUT[np.flatnonzero(STATUS & REFUSED == 0)[0]]
    answer, status = in_c(library, numbers, before, 0)
    try:
        expected = Correction(*numbers).outputs(before[None])[0]
    except ValueError:
        assert (status, answer.tobytes()) == (REFUSED, before.tobytes())
    else:
        assert answer.tobytes() == expected.tobytes()


@pytest.mark.slow
def test_the_stated_intervals_hold_for_cars_drawn_as_believed():
    rng, inside = np.random.default_rng(2), []
    for _ in range(60):
        scale, bias = float(np.clip(rng.normal(1, 0.3), 0.7, 1.6)), rng.normal(0, 0.5)
        predicted = rng.uniform(3, 9, 6)
        fit = fit_and_validate(predicted, scale * predicted + bias + rng.normal(0, 0.5, 6))
        inside += [low <= x <= high for x, (low, high) in ((scale, fit.scale_interval), (bias, fit.bias_interval))]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.04)  # of 120


def test_the_error_of_stops_left_out_is_not_that_of_the_stops_fitted():
    rng = np.random.default_rng(3)
    predicted, noise = rng.uniform(4, 8, 6), rng.normal(0, 0.5, 6)
    fit = fit_and_validate(predicted, predicted + noise)
    seen = fit.correction.scale * predicted + fit.correction.bias - predicted - noise
    assert fit.error_after > np.sqrt(np.mean(seen**2))
    assert fit.error_before == pytest.approx(np.sqrt(np.mean(noise**2)))


def test_the_bound_goes_on_where_it_was_and_counts_no_stop_twice(fitted, answered, refused, tmp_path):
    file, _ = fitted
    stops = stops_of(cars.Shift(load=250, brakes=-0.10), 2, 120)
    once, twice = tmp_path / "once.json", tmp_path / "twice.json"
    for name, rows in (("all", stops), ("first", stops[:50]), ("second", stops[50:])):
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
    answered("drives", "bound", tmp_path / "all.csv", "--correction", file, "-o", once)
    answered("drives", "bound", tmp_path / "first.csv", "--correction", file, "-o", twice)
    told = answered("drives", "bound", tmp_path / "second.csv", "--correction", twice, "-o", twice)
    assert told["bound_stops"] == 120
    assert json.loads(once.read_text()) == json.loads(twice.read_text())
    again = refused("drives", "bound", tmp_path / "second.csv", "--correction", twice, "-o", twice)
    assert "in line 2 one that was counted" in again
    plain, here = (Predictor(correction=c).predict(**EVENT) for c in (file, twice))
    assert plain.deceleration_lower - here.deceleration_lower == pytest.approx(told["offset"], abs=1e-5)


def test_a_bound_without_correction_is_of_the_model_itself(answered, refused, tmp_path):
    stops_of(cars.Shift(brakes=-0.3), 3, 10).to_csv(tmp_path / "stops.csv", index=False)
    file = tmp_path / "bound.json"
    told = answered("drives", "bound", tmp_path / "stops.csv", "-o", file)
    assert told["missed"] > 0
    assert told["offset"] > 0
    here = Predictor(correction=file).correction
    assert here == replace(Correction(), lower_offset=told["offset"])
    file.write_text(json.dumps(json.loads(file.read_text()) | {"bound": {"level": 0.05, "scores": ["x"]}}))
    sentence = refused("drives", "bound", tmp_path / "stops.csv", "--correction", file, "-o", file)
    assert "bound must hold a level and a list of scores" in sentence


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda t: t.drop(columns="deceleration"), r"deceleration \(of the built-up brakes, m/s\^2\) or mfdd"),
        (lambda t: t.rename(columns={"water_film_mm": "waterfilm_mm"}), "did you mean water_film_mm"),
        (lambda t: t.assign(speed=120.0), "speed in line 2 must be 1 to 70"),
        (lambda t: t.drop(columns="brake_pressure_bar"), r"a column brake_pressure_bar \(brake pressure"),
        (lambda t: t.assign(deceleration=np.nan), "stop with a measured deceleration"),
        (lambda t: t.head(3), "at least 3 stops. Got 2"),
    ],
)
def test_stops_that_cannot_correct_are_refused_in_a_sentence(refused, tmp_path, change, wanted):
    change(stops_of(cars.Shift(), 4, 8)).to_csv(tmp_path / "stops.csv", index=False)
    sentence = refused("drives", "correct", tmp_path / "stops.csv", "-o", tmp_path / "correction.json")
    assert re.search(wanted, sentence), sentence
    assert not (tmp_path / "correction.json").exists()


def drive_events(count: int, *, stopped: bool) -> pd.DataFrame:
    """The table of `drives events` for a drive whose events end at standstill or do not."""
    table = pd.DataFrame(0.0, index=range(count), columns=list(EVENT_COLUMNS)).astype({"quality": object})
    table["initial_speed"] = np.linspace(12.0, 25.0, count)
    table["mfdd"] = np.linspace(5.0, 6.0, count) if stopped else np.nan
    return table.assign(stopped=stopped, quality="good", file="drive.csv")


COMMANDS = {
    "adapt": ("adapt", "--vehicle", "compact"),
    "correct": ("correct",),
    "bound": ("bound",),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_table_of_drive_events_says_everything_that_it_needs_at_once(refused, tmp_path, command):
    drive_events(9, stopped=False).to_csv(tmp_path / "events.csv", index=False)
    sentence = refused("drives", *command, tmp_path / "events.csv", "-o", tmp_path / "answer")
    assert "Got 9 events of which no event ended at standstill, so no MFDD" in sentence
    assert "initial_speed" in sentence.split("Got ")[1]  # the columns as the file names them
    assert "mfdd" in sentence.split("Got ")[1]
    needed = [f for f in FACTORS if f.standard is None and not f.estimate and f.name != "speed"]
    for f in needed if "adapt" in command else [f for f in needed if f.name == "brake_pressure_bar"]:
        assert f"{f.name} ({f.meaning}: " in sentence
    assert not (tmp_path / "answer").exists()


@pytest.mark.parametrize("command", ["correct", "bound"])
def test_a_table_of_drive_events_serves_once_the_pressure_is_added(run, tmp_path, command):
    drive_events(9, stopped=True).assign(brake_pressure_bar=70.0).to_csv(tmp_path / "events.csv", index=False)
    code, out, err = run("drives", command, tmp_path / "events.csv", "-o", tmp_path / "answer.json")
    assert code == 0, err
    note = next(line for line in err.splitlines() if line.startswith("note: ignored"))
    assert {"start_s", "end_s", "quality", "file"} <= set(re.split(r"[:,] ", note))
    assert not {"initial_speed", "mfdd", "brake_pressure_bar"} & set(re.split(r"[:,] ", note))
    assert "9 stops" in out


def test_a_deceleration_and_a_speed_of_ones_own_win_over_those_of_the_drive(answered, tmp_path):
    table = drive_events(9, stopped=True).assign(brake_pressure_bar=70.0)
    table.to_csv(tmp_path / "plain.csv", index=False)
    own = table.assign(speed=table["initial_speed"], deceleration=table["mfdd"], initial_speed=69.0, mfdd=0.1)
    own.to_csv(tmp_path / "own.csv", index=False)
    answers = [
        answered("drives", "correct", tmp_path / f"{name}.csv", "-o", tmp_path / "c.json") for name in ("plain", "own")
    ]
    assert answers[0] == answers[1]


def test_events_that_are_never_slowed_to_a_tenth_say_so():
    table = drive_events(3, stopped=False).assign(stopped=[True, False, False], brake_pressure_bar=70.0)
    with pytest.raises(ValueError, match="none is slowed to a tenth of its initial speed, so no MFDD"):
        labelled_stops(table, PREDICTOR)


def some_in_g(table: pd.DataFrame) -> pd.DataFrame:
    """The stops, each fifth in g."""
    measured = table["deceleration"]
    return table.assign(deceleration=measured.where(np.arange(len(table)) % 5 > 0, measured / 9.80665))


NOTES = {
    "text": (lambda t: t.assign(deceleration=t["deceleration"].map("{:.2f} m/s^2".format)), None),
    "decimal comma": (
        lambda t: t.assign(deceleration=t["deceleration"].map(lambda d: f"{d:.2f}".replace(".", ","))),
        None,
    ),
    "some in g": (some_in_g, "4 of 20 stops are not 0.5 to 2 times as hard"),
    "twice": (lambda t: pd.concat([t, t[:3]]), "3 of 23 stops are in the table more than once"),
    "flagged": (lambda t: t.assign(quality=["good", "gap"] * 10), "flagged: 10 of 20 events: 10 gap (no record"),
    "strange": (lambda t: t.assign(surface="ice", road_temperature_c=40.0, grade=0.0), "20 outside domain"),
}


@pytest.mark.parametrize(("change", "wanted"), NOTES.values(), ids=NOTES)
def test_stops_that_deserve_doubt_are_refused_or_counted(run, tmp_path, change, wanted):
    stops = stops_of(cars.Shift(load=250, brakes=-0.10), 1, 20)
    if wanted == "20 outside domain":
        on_ice = change(stops).drop(columns="deceleration")
        stops = on_ice.assign(deceleration=PREDICTOR.predict(on_ice)["deceleration"])
    else:
        stops = change(stops)
    stops.to_csv(tmp_path / "stops.csv", index=False)
    code, _, err = run("drives", "correct", tmp_path / "stops.csv", "-o", tmp_path / "correction.json")
    assert code == (2 if wanted is None else 0)
    assert (wanted or "deceleration in line 2 must be a number") in err


def test_a_bound_counts_a_stop_once(refused, tmp_path):
    stops = stops_of(cars.Shift(load=250, brakes=-0.10), 1, 20)
    pd.concat([stops, stops[4:5]]).to_csv(tmp_path / "stops.csv", index=False)
    sentence = refused("drives", "bound", tmp_path / "stops.csv", "-o", tmp_path / "correction.json")
    assert "must hold each stop once. Got one again in line 22" in sentence


DOUBTFUL_FILES = {
    "raised without evidence": (
        lambda text: text.replace('"lower_offset": 0.0', '"lower_offset": -15.0'),
        "on 0 stops",
    ),
    "scale twice": (lambda text: text.replace("{", '{"scale": 3.0,', 1), "'scale' twice"),
}


@pytest.mark.parametrize(("change", "wanted"), DOUBTFUL_FILES.values(), ids=DOUBTFUL_FILES)
def test_a_correction_that_was_changed_by_hand_is_refused(fitted, change, wanted):
    file, _ = fitted
    file.write_text(change(file.read_text()))
    with pytest.raises(ValueError, match=wanted):
        Predictor(correction=file)


def test_a_correction_may_begin_with_a_byte_order_mark(fitted):
    file, _ = fitted
    plain = Predictor(correction=file).correction
    file.write_text(file.read_text(), "utf-8-sig")
    assert Predictor(correction=file).correction == plain
