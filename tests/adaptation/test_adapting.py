"""Adapting to one car: the light way keeps order and an honest lower bound; parameters of the physics are found."""

import numpy as np
import pandas as pd
import pytest
from conftest import COMPACT, sensed_events
from hypothesis import given
from hypothesis import strategies as st

from acc_decel.adaptation import PARAMETERS, LowerBound, fit_correction, fit_parameters, known_stops, with_parameters
from acc_decel.adaptation.lower_bound import MISS_SHARE
from acc_decel.correction import Correction
from acc_decel.outputs import DELAY, LOWER, LOWER_99, MEDIAN, UPPER
from acc_decel.physics import stops, vehicle
from acc_decel.predictor import Predictor
from tests.helpers import shifted_cars as cars

PREDICTOR = Predictor()


def rms(error: np.ndarray) -> float:
    return float(np.sqrt(np.mean(error**2)))


@pytest.mark.parametrize(
    ("shift", "bar"),
    [
        (cars.Shift(load=250, brakes=-0.10), cars.SERVICE_BAR),
        (cars.Shift(tyres=-0.20), cars.FULL_BAR),
        (cars.Shift(load=250, brakes=-0.10, downhill=0.06), cars.SERVICE_BAR),
    ],
    ids=["load and brakes", "tyres", "load, brakes and grade sensor"],
)
def test_twenty_stops_halve_the_error_on_held_out_stops(shift, bar):
    before, after = [], []
    for seed in range(3):
        seen = cars.stopped(COMPACT, shift, np.random.default_rng(seed), 320, bar)
        outputs, _ = PREDICTOR.predict_array(cars.columns(COMPACT, seen.told))
        fitted = fit_correction(outputs[:20, MEDIAN].astype(float), seen.deceleration[:20])
        before.append(rms(outputs[20:, MEDIAN] - seen.deceleration[20:]))
        after.append(rms(fitted.outputs(outputs)[20:, MEDIAN] - seen.deceleration[20:]))
    assert np.mean(after) <= 0.5 * np.mean(before)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shift", "bar"),
    [
        (cars.Shift(load=250, brakes=-0.10), cars.SERVICE_BAR),
        (cars.Shift(tyres=-0.20), cars.FULL_BAR),
        (cars.Shift(downhill=0.06), cars.SERVICE_BAR),
    ],
    ids=["load and brakes", "tyres", "grade sensor"],
)
def test_twenty_stops_halve_the_error_of_the_physics_on_held_out_stops(shift, bar):
    seen = cars.stopped(COMPACT, shift, np.random.default_rng(0), 320, bar)
    known = {name: column[:20] for name, column in seen.told.items()}
    fit = fit_parameters(COMPACT, known, seen.deceleration[:20], seen.delay[:20])
    extra = next(e.adopted for e in fit.estimates if e.name == "extra_mass")
    told = {name: column[20:] for name, column in seen.told.items()}
    before, after = (
        rms(stops(car, **(told | {"mass": told["mass"] + more}))["deceleration"] - seen.deceleration[20:])
        for car, more in ((COMPACT, 0.0), (fit.vehicle, extra))
    )
    assert after <= 0.5 * before


def test_the_exact_correction_is_found_from_many_stops_in_spite_of_outliers():
    predicted = np.linspace(2, 11, 400)
    measured = 0.8 * predicted - 0.5
    measured[::20] = 0.3
    fitted = fit_correction(predicted, measured)
    assert fitted.scale == pytest.approx(0.8, abs=0.03)
    assert fitted.bias == pytest.approx(-0.5, abs=0.15)


def test_few_stops_do_little():
    predicted = np.array([7.0, 8.0, 9.0])
    few = fit_correction(predicted, predicted - 1)
    many = fit_correction(np.tile(predicted, 50), np.tile(predicted, 50) - 1)
    assert 0 < 8 - (few.scale * 8 + few.bias) < 8 - (many.scale * 8 + many.bias) < 1


@given(st.floats(0.1, 10), st.floats(-5, 5))
def test_corrected_outputs_keep_their_order_and_no_lower_bound_is_raised(scale, bias):
    outputs, _ = PREDICTOR.predict_array(sensed_events(40))
    outputs = outputs[np.isfinite(outputs).all(axis=1)]
    after = Correction(scale, bias).outputs(outputs)
    assert (np.diff(after[:, (LOWER, MEDIAN, UPPER)], axis=1) >= -1e-5).all()
    assert (after[:, (LOWER, LOWER_99)] <= outputs[:, (LOWER, LOWER_99)]).all()
    assert (after[:, DELAY] == outputs[:, DELAY]).all()


@pytest.mark.slow
@pytest.mark.parametrize("bar", [cars.SERVICE_BAR, cars.FULL_BAR], ids=["service", "full"])
def test_coverage_is_back_within_a_point_in_five_hundred_stops(bar):
    shift = cars.Shift(load=250, brakes=-0.10, tyres=-0.20)
    released, later = [], []
    for seed in range(8):
        seen = cars.stopped(COMPACT, shift, np.random.default_rng(seed), 1000, bar)
        outputs, _ = PREDICTOR.predict_array(cars.columns(COMPACT, seen.told))
        lower, measured = outputs[:, LOWER], seen.deceleration
        bound = LowerBound()
        for low, reached in zip(lower[:500].tolist(), measured[:500].tolist(), strict=True):
            bound = bound.after(low, reached)
        released.append(np.mean(measured >= lower))
        later.append(np.mean(measured[500:] >= lower[500:] - bound.offset))
    assert np.mean(released) < 0.85
    assert np.mean(later) == pytest.approx(1 - MISS_SHARE, abs=0.01)


@pytest.mark.slow
@given(st.lists(st.floats(-3, 3), min_size=1, max_size=80))
def test_a_miss_never_loosens_the_bound_and_nothing_does_without_evidence(scores):
    bound = LowerBound()
    for number, score in enumerate(scores):
        before, missed = bound.offset, 0.0 - score < bound.bound(0.0)
        bound = bound.after(0.0, -score)
        assert not missed or bound.offset >= before
        assert bound.offset >= 0 or number >= 58  # 0.95^59 < 0.05


def test_a_bound_that_held_for_long_is_raised_as_far_as_the_evidence_goes():
    bound = LowerBound()
    for score in np.random.default_rng(1).uniform(-2, -1, 400):
        bound = bound.after(0.0, -float(score))
    assert -1.2 < bound.offset < -1.0


def test_the_stream_follows_a_car_that_changes():
    rng, bound, missed = np.random.default_rng(5), LowerBound(), []
    for number in range(2000):
        measured = float(rng.normal(8.0 if number < 1000 else 6.5, 0.4))
        missed.append(measured < bound.bound(7.3))
        bound = bound.after(7.3, measured)
    assert np.mean(missed[1200:]) == pytest.approx(MISS_SHARE, abs=0.02)


def test_what_cannot_be_fitted_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="at least 3 stops"):
        fit_correction(np.ones(2), np.ones(2))
    with pytest.raises(ValueError, match="finite"):
        fit_correction(np.ones(3), np.array([1.0, np.nan, 1.0]))
    with pytest.raises(ValueError, match="finite"):
        LowerBound().after(1.0, np.nan)
    with pytest.raises(ValueError, match="scale must be"):
        Correction(-1.0, 0.0)


def events_of(seen: cars.Stops) -> pd.DataFrame:
    """The stops as a table for people: levels by name."""
    levels = {f.name: f.levels for f in COMPACT.factors if f.levels}
    table = {n: [levels[n][int(i)] for i in c] if n in levels else c for n, c in seen.told.items()}
    return pd.DataFrame(table | {"deceleration": seen.deceleration, "delay": seen.delay})


@pytest.mark.slow
def test_parameters_lie_within_their_stated_intervals():
    inside = []
    for seed in range(5):
        truth, seen = cars.fitted_truth(COMPACT, np.random.default_rng(seed), 40)
        found = fit_parameters(COMPACT, seen.told, seen.deceleration, seen.delay)
        true = [p.value(score) for p, score in zip(PARAMETERS, truth, strict=True)]
        inside += [e.low <= value <= e.high for e, value in zip(found.estimates, true, strict=True)]
        assert 0.5 < found.misfit < 1.5
    assert np.mean(inside) >= 0.8  # benchmarks/adapting.py counts 100 cars


@pytest.mark.slow
def test_what_the_stops_cannot_tell_is_said_and_kept_at_the_prior():
    _, seen = cars.fitted_truth(COMPACT, np.random.default_rng(3), 30)
    found = {e.name: e for e in fit_parameters(COMPACT, seen.told, seen.deceleration).estimates}
    for name, at_prior in (("response", 1.0), ("drag", 1.0)):
        assert not found[name].identifiable
        assert found[name].adopted == at_prior
        assert found[name].narrowed_to > 0.8
    assert found["friction_level"].identifiable
    assert found["friction_level"].narrowed_to < 0.3


@pytest.mark.slow
def test_service_braking_does_not_tell_the_friction_of_the_tyres():
    _, seen = cars.fitted_truth(COMPACT, np.random.default_rng(4), 30, bar=(10.0, 30.0))
    told = {e.name: e.identifiable for e in fit_parameters(COMPACT, seen.told, seen.deceleration, seen.delay).estimates}
    assert told["brake_gain"]
    assert not told["friction_level"]


@pytest.mark.slow
def test_the_adapted_vehicle_is_a_file_that_brakes_as_the_car_does(answered, tmp_path):
    truth, seen = cars.fitted_truth(COMPACT, np.random.default_rng(8), 40)
    events_of(seen).to_csv(tmp_path / "stops.csv", index=False)
    file = tmp_path / "my_car.toml"
    told = answered("drives", "adapt", tmp_path / "stops.csv", "--vehicle", "compact", "-o", file)
    assert [p["name"] for p in told["parameters"]] == [p.name for p in PARAMETERS]
    assert (told["stops"], told["left_out"]) == (40, 0)
    car = vehicle(file)
    by_name = {p["name"]: p["adopted"] for p in told["parameters"]}
    assert car.tyres.dry_grip == pytest.approx(COMPACT.tyres.dry_grip * by_name["friction_level"], rel=1e-6)
    assert car.body.kerb_mass == pytest.approx(COMPACT.body.kerb_mass + by_name["extra_mass"], rel=1e-6)
    held = cars.believed(COMPACT, np.random.default_rng(9), 100, (15.0, 160.0))
    extra = next(p.value(s) for p, s in zip(PARAMETERS, truth, strict=True) if p.name == "extra_mass")
    true = stops(with_parameters(COMPACT, truth), **(held | {"mass": held["mass"] + extra}))["deceleration"]
    before, after = (
        rms(stops(c, **(held | {"mass": held["mass"] + m}))["deceleration"] - true)
        for c, m in ((COMPACT, 0.0), (car, by_name["extra_mass"]))
    )
    assert after < 0.5 * before


def test_events_of_a_drive_are_stops_where_they_have_a_deceleration():
    _, seen = cars.fitted_truth(COMPACT, np.random.default_rng(1), 6)
    events = events_of(seen).drop(columns=["delay", "abs"])
    events = events.rename(columns={"speed": "initial_speed", "deceleration": "mfdd"})
    events.loc[2, "mfdd"] = np.nan
    known = known_stops(events, COMPACT)
    assert (len(known.deceleration), known.left_out) == (5, 1)
    assert np.isnan(known.delay).all()
    assert (known.conditions["abs"] == 1).all()


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda t: t.drop(columns="mass"), "column mass (vehicle mass with its load"),
        (lambda t: t.drop(columns="deceleration"), "deceleration (of the built-up brakes, m/s^2) or mfdd"),
        (lambda t: t.assign(surface="mud"), "surface in line 2 must be one of"),
        (lambda t: t.assign(speed=120.0), "speed in line 2 must be 1 to 70"),
        (lambda t: t.assign(grade=np.nan), "grade in line 2"),
        (lambda t: t.head(3), "at least 5 stops"),
        (lambda t: t.assign(deceleration=-t["deceleration"]), "turn the sign of all"),
        (lambda t: t.assign(deceleration=50 * t["deceleration"]), "at most 18 m/s^2"),
        (lambda t: t.assign(deceleration=t["deceleration"] / 9.80665), "are they in g? Multiply by 9.807"),
        (lambda t: t.assign(delay=-1.0), "delay in line 2 must not be below 0 s"),
        (lambda t: t.assign(deceleration=t["deceleration"].map("{:.2f} m/s^2".format)), "deceleration in line 2 must"),
        (lambda t: t.assign(delay=180.0), "delay in line 2 must be at most 2 s. Got 180: is it in ms?"),
    ],
)
def test_stops_that_tell_nothing_are_refused_in_a_sentence(refused, tmp_path, change, wanted):
    _, seen = cars.fitted_truth(COMPACT, np.random.default_rng(1), 6)
    change(events_of(seen)).to_csv(tmp_path / "stops.csv", index=False)
    answer = refused("drives", "adapt", tmp_path / "stops.csv", "--vehicle", "compact", "-o", tmp_path / "car.toml")
    assert wanted in answer
    assert not (tmp_path / "car.toml").exists()


@pytest.mark.parametrize("error", ["inf", "1e300", "nan"])
def test_an_error_of_measurement_that_explains_everything_is_refused(run, tmp_path, error):
    _, seen = cars.fitted_truth(COMPACT, np.random.default_rng(1), 6)
    events_of(seen).to_csv(tmp_path / "stops.csv", index=False)
    options = ("--vehicle", "compact", "-o", tmp_path / "car.toml", "--deceleration-error", error)
    code, _, err = run("drives", "adapt", tmp_path / "stops.csv", *options)
    assert code == 2
    assert "--deceleration-error" in err


def test_stops_that_no_vehicle_explains_are_said_so(run, tmp_path):
    _, seen = cars.fitted_truth(COMPACT, np.random.default_rng(1), 9)
    stops = events_of(seen)
    in_g = stops["deceleration"].where(np.arange(9) % 3 > 0, stops["deceleration"] / 9.80665)
    stops.assign(deceleration=in_g, quality="contradicted").to_csv(tmp_path / "stops.csv", index=False)
    options = ("--vehicle", "compact", "-o", tmp_path / "car.toml")
    code, _, err = run("drives", "adapt", tmp_path / "stops.csv", *options)
    assert code == 0
    assert "times as much as their errors allow, so this vehicle does not explain them" in err
    assert "flagged: 9 of 9 events: 9 contradicted" in err
