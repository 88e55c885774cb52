"""What a sensor is worth: which factors a set knows, which events a road has, and what is averaged over them."""

import numpy as np
import pytest
from conftest import COMPACT

from acc_decel import Predictor
from acc_decel.evaluation import sensor_sets
from acc_decel.evaluation.sensor_sets import EVERYTHING, ROADS, SensorWorth
from acc_decel.factors import FACTORS, column_names, slices
from acc_decel.outputs import DELAY, LOWER, UPPER
from tests.helpers.full_braking import FULL_BAR, write_full_braking

QUESTION = {"speed": 25.0, "brake_pressure_bar": FULL_BAR, "abs": 1.0}
AT = column_names().index


@pytest.fixture(scope="module")
def predictor(tmp_path_factory) -> Predictor:
    return Predictor(write_full_braking(tmp_path_factory.mktemp("worth") / "compact"))


def events_on(road: str, events: int = 60, seed: int = 1) -> np.ndarray:
    return sensor_sets.road_events(COMPACT, ROADS[road], QUESTION, events=events, seed=seed)


def test_each_sensor_adds_to_what_every_car_has():
    sets = sensor_sets.sensor_sets()
    base = set(sets[sensor_sets.EVERY_CAR])
    assert base >= {f.name for f in FACTORS if not f.optional}
    assert set(sets[EVERYTHING]) == {f.name for f in FACTORS}
    for name, known in sets.items():
        assert set(known) >= base
        assert name in (sensor_sets.EVERY_CAR,) or len(known) > len(base)
    assert set(sets["with camera"]) - base == {"surface"}
    given = {name for known in sets.values() for name in known if known != sets[EVERYTHING]}
    assert {f.name for f in FACTORS} - given == {"headwind"}
    assert set(sensor_sets.GIVEN_BY) <= {f.name for f in FACTORS if f.optional}


def test_a_set_of_ones_own_knows_what_is_always_known_too():
    sets = sensor_sets.with_own_sets(["mine = surface, mass"])
    assert set(sets["mine"]) == {f.name for f in FACTORS if not f.optional} | {"mass", "surface"}
    assert list(sets)[-1] == EVERYTHING


WRONG = {
    "no name": ("=surface", "must be NAME=factor,factor"),
    "no factors": ("mine=", "must be NAME=factor,factor"),
    "no sign": ("surface", "must be NAME=factor,factor"),
    "unknown": ("mine=sureface", "Did you mean surface"),
    "twice": ("mine=surface,surface", "Got surface twice"),
    "taken": ("everything=surface", "must have a name of its own. Got 'everything'"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_set_that_is_none_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        sensor_sets.with_own_sets([text])


def test_two_sets_of_one_name_are_refused():
    with pytest.raises(ValueError, match="Got 'mine' twice"):
        sensor_sets.with_own_sets(["mine=surface", "mine=mass"])


@pytest.mark.parametrize("road", ROADS)
def test_the_events_of_a_road_are_on_it_with_every_factor_available(road):
    columns = events_on(road)
    assert columns.shape == (60, len(column_names()))
    assert not np.isnan(columns).any()
    surface = columns[:, AT(f"surface_{ROADS[road].surface}")]
    assert (surface == 1).mean() > 0.4  # the camera is not always certain,
    assert (surface > 0).mean() > 0.9  # and a certain one not always right
    for name, (low, high) in ROADS[road].spans.items():
        assert low <= np.median(columns[:, AT(name)]) <= high
    assert np.abs(columns[:, AT("grade")]).max() < 0.03
    for name, value in QUESTION.items():
        np.testing.assert_allclose(columns[:, AT(name)], value, rtol=0.03)


def test_the_events_repeat_and_more_of_them_begin_alike():
    few = events_on("ice", 20)
    np.testing.assert_array_equal(few, events_on("ice", 20))
    np.testing.assert_array_equal(few, events_on("ice", 60)[:20])
    assert (few != events_on("ice", 20, seed=2)).any()


def test_a_road_that_is_nowhere_is_refused(monkeypatch):
    monkeypatch.setattr(sensor_sets, "MOST_BLOCKS", 1)
    with pytest.raises(ValueError, match="a road must have 100000 events among 16384 drawn"):
        events_on("ice", 100_000)


def test_a_masked_event_has_what_is_known_and_no_more():
    columns = events_on("gravel", 5)
    known = sensor_sets.sensor_sets()["with rain sensor"]
    hidden = sensor_sets.masked(columns, known)
    for factor, own in zip(FACTORS, slices(FACTORS), strict=True):
        if factor.name in known:
            np.testing.assert_array_equal(hidden[:, own], columns[:, own])
        else:
            assert np.isnan(hidden[:, own]).all()
    assert not np.isnan(columns).any()  # the events themselves are left as they were


def test_the_worth_is_the_mean_over_the_events(predictor):
    sets, counted = sensor_sets.with_own_sets(["mine=surface"]), []
    found = sensor_sets.sensor_worths(
        predictor,
        COMPACT,
        sets,
        ("gravel", "ice"),
        question=QUESTION,
        events=30,
        draws=None,
        on_set=lambda: counted.append(1),
    )
    assert [(worth.set, worth.road) for worth in found] == [(s, r) for r in ("gravel", "ice") for s in sets]
    assert len(counted) == 2 * len(sets)
    mine = next(worth for worth in found if (worth.set, worth.road) == ("mine", "ice"))
    columns = sensor_sets.masked(events_on("ice", 30), sets["mine"])
    outputs = predictor.predict_array(columns)[0].astype(float)
    assert mine.width == pytest.approx((outputs[:, UPPER] - outputs[:, LOWER]).mean())
    assert mine.deceleration_lower == pytest.approx(outputs[:, LOWER].mean())
    lower, speed = outputs[:, LOWER], columns[:, AT("speed")]
    distance = np.where(lower > 0, speed * outputs[:, DELAY] + speed**2 / (2 * np.maximum(lower, 1e-9)), np.inf)
    assert mine.stopping_distance_upper == pytest.approx(distance.mean())
    assert np.isnan(mine.oracle_width)
    assert all(w.stopping_distance_upper_more == 0 or np.isnan(w.stopping_distance_upper_more) for w in found[-1:])


def worth_of(distance: float, oracle: float) -> SensorWorth:
    return SensorWorth("a", "ice", 1, 0, 1.0, 1.0, distance, np.nan, 1.0, 1.0, oracle, np.nan)


def test_more_is_against_knowing_all_and_nothing_between_two_without_an_end():
    more = sensor_sets.against(worth_of(50.0, np.inf), worth_of(40.0, 60.0))
    assert (more.stopping_distance_upper_more, more.oracle_stopping_distance_upper_more) == (10.0, np.inf)
    endless = sensor_sets.against(worth_of(np.inf, 50.0), worth_of(np.inf, 60.0))
    assert np.isnan(endless.stopping_distance_upper_more)
    assert endless.oracle_stopping_distance_upper_more == -10.0


@pytest.mark.slow
def test_the_oracle_says_that_a_camera_narrows_the_interval_on_ice_and_all_factors_narrow_it_further(predictor):
    sets = {name: sensor_sets.sensor_sets()[name] for name in (sensor_sets.EVERY_CAR, "with camera", EVERYTHING)}
    asked = {"question": QUESTION, "events": 12, "draws": 256}
    found = sensor_sets.sensor_worths(predictor, COMPACT, sets, ("ice",), **asked)
    blind, camera, everything = (worth.oracle_width for worth in found)
    assert blind > 2 * camera > 2 * everything > 0
    again = sensor_sets.sensor_worths(predictor, COMPACT, sets, ("ice",), **asked)
    assert repr(again) == repr(found)  # NaN is unlike NaN
    assert found[-1].oracle_stopping_distance_upper_more == 0
