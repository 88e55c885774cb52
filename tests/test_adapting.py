"""Adapting to one car: the light way keeps order and an honest lower bound; parameters of the physics are found."""

import numpy as np
import pytest
import shifted_cars as cars
from conftest import COMPACT, sensed_events
from hypothesis import given
from hypothesis import strategies as st

from acc_decel.adaptation import Correction, LowerBound, correction
from acc_decel.adaptation.lower_bound import MISS
from acc_decel.factors import OUTPUTS
from acc_decel.predictor import Predictor

MEDIAN, LOWER = (list(OUTPUTS).index(name) for name in ("deceleration", "deceleration_lower"))
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
        fitted = correction(outputs[:20, MEDIAN].astype(float), seen.deceleration[:20])
        before.append(rms(outputs[20:, MEDIAN] - seen.deceleration[20:]))
        after.append(rms(fitted.outputs(outputs)[20:, MEDIAN] - seen.deceleration[20:]))
    assert np.mean(after) <= 0.5 * np.mean(before)


def test_the_exact_correction_is_found_from_many_stops_in_spite_of_outliers():
    predicted = np.linspace(2, 11, 400)
    measured = 0.8 * predicted - 0.5
    measured[::20] = 0.3
    fitted = correction(predicted, measured)
    assert fitted.scale == pytest.approx(0.8, abs=0.03)
    assert fitted.bias == pytest.approx(-0.5, abs=0.15)


def test_few_stops_do_little():
    predicted = np.array([7.0, 8.0, 9.0])
    few = correction(predicted, predicted - 1)
    many = correction(np.tile(predicted, 50), np.tile(predicted, 50) - 1)
    assert 0 < 8 - (few.scale * 8 + few.bias) < 8 - (many.scale * 8 + many.bias) < 1


@given(st.floats(0.1, 10), st.floats(-5, 5))
def test_corrected_outputs_keep_their_order_and_no_lower_bound_is_raised(scale, bias):
    outputs, _ = PREDICTOR.predict_array(sensed_events(40))
    outputs = outputs[np.isfinite(outputs).all(axis=1)]
    after = Correction(scale, bias).outputs(outputs)
    names = list(OUTPUTS)
    order = [names.index(n) for n in ("deceleration_lower", "deceleration", "deceleration_upper")]
    assert (np.diff(after[:, order], axis=1) >= -1e-5).all()
    lower = [i for i, n in enumerate(names) if n.startswith("deceleration_lower")]
    assert (after[:, lower] <= outputs[:, lower]).all()
    kept = [i for i, n in enumerate(names) if not n.startswith("deceleration")]
    assert (after[:, kept] == outputs[:, kept]).all()


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
    assert np.mean(later) == pytest.approx(1 - MISS, abs=0.01)


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
    assert np.mean(missed[1200:]) == pytest.approx(MISS, abs=0.02)


def test_what_cannot_be_fitted_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="at least 3 stops"):
        correction(np.ones(2), np.ones(2))
    with pytest.raises(ValueError, match="finite"):
        correction(np.ones(3), np.array([1.0, np.nan, 1.0]))
    with pytest.raises(ValueError, match="finite"):
        LowerBound().after(1.0, np.nan)
    with pytest.raises(ValueError, match="scale must be"):
        Correction(-1.0, 0.0)
