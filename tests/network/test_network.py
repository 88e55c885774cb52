"""The trained network: it learns, is monotone with ordered quantiles by construction, and its interval is honest."""

from dataclasses import replace
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from shutil import copytree
from typing import Any

import keras
import numpy as np
import pytest
from conftest import BUDGET, COMPACT, QUICK_FITTING, sensed_events
from hypothesis import given
from hypothesis import strategies as st
from numpy import ndarray

from acc_decel.dataset import Dataset
from acc_decel.factors import FACTORS, Factor, column_names, with_range
from acc_decel.model_folder import model_path, read_model
from acc_decel.network import LAST, DenseNet, calibration, entering, load_net, to_bytes, wiring
from acc_decel.network.calibration import calibrate
from acc_decel.network.feature_constants import feature_constants
from acc_decel.network.keras_net import OFFSET, SCALE, keras_model, plain
from acc_decel.network.split import PARTS, in_split
from acc_decel.network.training import (
    COMPLETE_WEIGHT,
    FROZEN_WEIGHT,
    MIN_EVENTS,
    Training,
    default_training,
    event_weights,
    scaling,
    train,
)
from acc_decel.outputs import LOWER, MEDIAN, ORDERED, OUTPUTS, QUANTILES, UPPER
from tests.helpers.random_net import random_events, random_net

FORCED = [f for f in FACTORS if f.direction]
RANDOM = [random_net(np.random.default_rng(seed)) for seed in range(5)]
QUICK = Training(epochs=2, batch=512, embedding=(8,), trunk=(6,), teacher_epochs=0, domain=QUICK_FITTING)
TAUGHT = replace(QUICK, teacher_epochs=2, teacher_hidden=(16,))


def metrics(net: DenseNet, data: Dataset) -> dict[str, Any]:
    """The metrics, with few events compared with the best possible answer."""
    return calibration.metrics(net, data, oracle_events=10)


def shortened(data: Dataset, events: int) -> Dataset:
    rows = slice(0, events)
    arrays = (data.columns, data.deceleration, data.delay, data.lead_deceleration, data.event)
    return Dataset(*(array[rows] for array in arrays), data.manifest)


def same(one: DenseNet, other: DenseNet) -> bool:
    return to_bytes(one) == to_bytes(other)


def test_training_learns_what_a_car_can_do(small_net, small_data):
    test = in_split(small_data.event, "test")
    constant = small_data.deceleration[test].std()
    found = metrics(small_net, small_data)
    assert found["events"] == test.sum()
    assert found["rmse"] < 0.65 * constant
    assert found["mean_abs_error_delay"] < 1


@pytest.mark.slow
def test_the_same_seed_trains_the_same_network_and_another_seed_another(small_data):
    few = shortened(small_data, 2500)
    first, again = (train(few, COMPACT.factors, TAUGHT) for _ in range(2))
    assert same(first, again)
    assert not same(first, train(few, COMPACT.factors, replace(TAUGHT, seed=2)))


@pytest.mark.slow
def test_training_tells_its_progress_that_of_the_teacher_first(small_data):
    told: list[tuple[int, float, float]] = []
    train(shortened(small_data, 2500), COMPACT.factors, TAUGHT, on_epoch=lambda *epoch: told.append(epoch))
    assert [epoch for epoch, _, _ in told] == [1, 2, 3, 4]
    assert all(best <= loss for _, loss, best in told)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("training", "interrupted_at", "left"),
    [(QUICK, 2, [3, 4]), (TAUGHT, 3, [4, 5, 6])],
    ids=["alone", "taught"],
)
def test_an_interrupted_training_goes_on_where_it_was(small_data, tmp_path, training, interrupted_at, left):
    few, told = shortened(small_data, 2500), []

    def stop(epoch: int, *_: float) -> None:
        told.append(epoch)
        if len(told) == interrupted_at:
            raise KeyboardInterrupt

    longer = replace(training, epochs=4)
    with pytest.raises(KeyboardInterrupt):
        train(few, COMPACT.factors, longer, on_epoch=stop, checkpoint=tmp_path / "training")
    resumed = train(few, COMPACT.factors, longer, on_epoch=stop, checkpoint=tmp_path / "training")
    assert told[interrupted_at:] == left
    assert not (tmp_path / "training").exists()
    assert same(resumed, train(few, COMPACT.factors, longer)), "as if nothing had interrupted it"


@pytest.fixture(scope="module")
def interrupted(small_data, tmp_path_factory) -> Path:
    """The checkpoint of a training that was interrupted after its teacher, and a file that is no part of it."""
    folder = tmp_path_factory.mktemp("interrupted") / "training"

    def stop(epoch: int, *_: float) -> None:
        if epoch == 3:  # the teacher is trained
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(shortened(small_data, 2500), COMPACT.factors, TAUGHT, on_epoch=stop, checkpoint=folder)
    assert (folder / "teacher.weights.h5").is_file()
    (folder / "mine.txt").write_text("no part of it")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "other",
    [
        {"training": replace(TAUGHT, seed=2)},
        {"training": replace(TAUGHT, epochs=3)},
        {"data": 2400},
        {"factors": with_range(COMPACT.factors, "mass", 900.0, 2400.0)},
    ],
    ids=["seed", "settings", "data", "factors"],
)
def test_a_checkpoint_of_another_training_is_not_used_and_that_is_told(small_data, interrupted, tmp_path, other):
    folder, calls_made = Path(copytree(interrupted, tmp_path / "training")), []
    data, factors = shortened(small_data, other.get("data", 2500)), other.get("factors", COMPACT.factors)
    training = other.get("training", TAUGHT)

    def stop(epoch: int, *_: float) -> None:
        calls_made.append(epoch)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data, factors, training, checkpoint=folder, on_epoch=stop, on_other=lambda: calls_made.append("other"))
    assert calls_made == ["other", 1], "it starts from the beginning, and says so first"
    assert (folder / "mine.txt").is_file()


@pytest.mark.slow
def test_nothing_of_another_checkpoint_enters_a_training(small_data, interrupted, tmp_path):
    folder, few = Path(copytree(interrupted, tmp_path / "training")), shortened(small_data, 2500)
    training = replace(TAUGHT, seed=2)
    assert same(train(few, COMPACT.factors, training, checkpoint=folder), train(few, COMPACT.factors, training))
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


@pytest.mark.slow
def test_two_trainings_do_not_share_a_checkpoint(small_data, tmp_path, monkeypatch):
    monkeypatch.setattr("acc_decel.network.training.living_owner", lambda *_: 4711)
    with pytest.raises(ValueError, match=r"one process at a time\. Got another, process 4711"):
        train(shortened(small_data, 2500), COMPACT.factors, QUICK, checkpoint=tmp_path / "training")


def test_too_few_events_are_refused(small_data):
    with pytest.raises(ValueError, match=f"at least {MIN_EVENTS} events. Got {MIN_EVENTS - 1}"):
        train(shortened(small_data, MIN_EVENTS - 1), COMPACT.factors, QUICK)


def test_the_weights_carry_the_directions_of_physics(small_net):
    beside, carried = len(small_net.embedding[-1].bias), np.array(wiring(FACTORS).directions)
    first = small_net.trunk[0].weights[:, beside:]
    assert (np.abs(first).max(axis=0) > 1e-3).mean() > 0.7, "nearly every forced input matters"
    for layer in small_net.trunk[:-1]:
        units = np.arange(len(layer.bias))
        directions = np.where(units < len(units) // 2, 1, -1)
        assert (layer.weights[:, beside:] * np.outer(directions, carried) >= 0).all()
        carried = directions
    to_quantiles = [*ORDERED, *range(len(OUTPUTS), LAST)]
    assert (small_net.trunk[-1].weights[to_quantiles, beside:] * carried >= 0).all()
    assert (small_net.head.slopes >= 0).all()


def moved(event: ndarray, factor: Factor, points: int = 33) -> ndarray:
    """The event over and over, the factor from its low to its high end."""
    grid = np.repeat(event[None], points, axis=0)
    grid[:, column_names().index(factor.name)] = np.linspace(factor.low, factor.high, points, dtype=np.float32)
    if factor.forced_while:
        grid[:, column_names().index(factor.forced_while)] = 1
    return grid


@pytest.mark.parametrize("f", FORCED, ids=lambda f: f.name)
@given(seed=st.integers(0, 2**32 - 1), which=st.integers(0, len(RANDOM)))
def test_a_prediction_never_moves_against_physics(small_net, f, seed, which):
    net = (*RANDOM, small_net)[which]
    own = next(g for g in net.factors if g.name == f.name)
    event = random_events(np.random.default_rng(seed), 1, net.factors)[0]
    quantiles = net(moved(event, own))[:, ORDERED]
    assert (np.diff(quantiles, axis=0) * f.direction >= 0).all()


def test_pressure_may_lengthen_the_stop_of_locked_wheels_but_not_with_abs():
    # What the gate is for. Here the pressure acts by the embedding alone, whose weights may have any sign.
    pressure = next(f for f in FACTORS if f.name == "brake_pressure_bar")
    gate = column_names().index(pressure.forced_while)
    first, beside = RANDOM[0].trunk[0], len(RANDOM[0].embedding[-1].bias)
    weights = first.weights.copy()
    weights[:, beside:] = 0
    net = replace(RANDOM[0], trunk=(replace(first, weights=weights), *RANDOM[0].trunk[1:]))
    falls = 0
    for event in random_events(np.random.default_rng(1), 50):
        grid = moved(event, pressure)
        embedded = net.entered(grid).embedding
        assert (embedded == embedded[0]).all(), "with ABS the embedding does not see the pressure"
        grid[:, gate] = 0
        falls += bool((np.diff(net(grid)[:, ORDERED], axis=0) < 0).any())
    assert falls > 0


@pytest.mark.parametrize("f", FORCED, ids=lambda f: f.name)
def test_a_forced_factor_moves_the_prediction(small_net, f):
    own = next(g for g in small_net.factors if g.name == f.name)
    event = np.nanmedian(sensed_events(200), axis=0).astype(np.float32)
    median = small_net(moved(event, own))[:, MEDIAN]
    assert (median[-1] - median[0]) * f.direction > 0


@given(seed=st.integers(0, 2**32 - 1), which=st.integers(0, len(RANDOM)))
def test_quantiles_never_cross(small_net, seed, which):
    net = (*RANDOM, small_net)[which]
    quantiles = net(random_events(np.random.default_rng(seed), 50, net.factors))[:, ORDERED]
    assert (np.diff(quantiles, axis=1) >= 0).all()


@pytest.mark.parametrize("f", [f for f in FACTORS if f.optional], ids=lambda f: f.name)
def test_a_choice_that_lacks_in_part_lacks_as_a_whole(f):
    events = random_events(np.random.default_rng(4), 200)
    columns = [column_names().index(c) for c in f.columns]
    some, whole = events.copy(), events.copy()
    some[:, columns[-1]], whole[:, columns] = np.nan, np.nan
    np.testing.assert_array_equal(RANDOM[0](some), RANDOM[0](whole))


@pytest.mark.parametrize("net", RANDOM[:2], ids=["one", "another"])
def test_a_water_film_changes_nothing_on_packed_snow_known_or_not(net):
    events = random_events(np.random.default_rng(6), 500)
    events[:, [column_names().index(c) for f in FACTORS if f.name == "surface" for c in f.columns]] = 0
    events[:, column_names().index("surface_packed_snow")] = 1
    answers = []
    for film in (0.0, 0.3, np.nan):
        events[:, column_names().index("water_film_mm")] = film
        answers.append(net(events))
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])


def test_keras_and_numpy_give_the_same_answers():
    training = Training()
    keras.utils.set_random_seed(3)
    model = keras_model(COMPACT.factors, training.embedding, training.trunk)
    for weights in model.weights:
        weights.assign(np.random.default_rng(weights.shape[0]).normal(0, 0.2, weights.shape))
    columns = sensed_events(3000)
    constants = feature_constants(COMPACT)
    scales = constants, *scaling(COMPACT.factors, constants, columns)
    net = plain(model, COMPACT.factors, *scales, embedded=len(training.embedding))
    entered = entering(COMPACT.factors, *scales, columns)
    raw = np.array(model.predict_on_batch([entered.embedding, entered.forced, entered.head]))
    expected = np.clip(raw * SCALE + OFFSET, net.low, net.high)
    expected[:, ORDERED] = np.sort(expected[:, ORDERED], axis=1)
    answers = net(columns)
    assert len(np.unique(answers[:, MEDIAN])) > 1000
    np.testing.assert_allclose(answers, expected, rtol=0, atol=BUDGET.keras_to_numpy)


def test_the_interval_covers_about_90_of_100_unseen_stops(small_net, small_data):
    found = metrics(small_net, small_data)
    assert found["coverage"] == pytest.approx(0.90, abs=0.06)
    for name, share in QUANTILES.items():
        if name != "deceleration":
            assert found["below"][name] == pytest.approx(share, abs=0.04), name


def test_calibration_repairs_an_interval_that_is_too_narrow(small_net, small_data):
    inwards = {"deceleration_lower_99": 1.0, "deceleration_lower": 1.0, "deceleration_upper": -1.0}
    offset = small_net.head.offset + np.array([inwards.get(name, 0) for name in QUANTILES], np.float32)
    spoiled = replace(small_net, head=replace(small_net.head, offset=offset))
    assert metrics(spoiled, small_data)["coverage"] < 0.8
    # More than 90 of 100: each surface has few events here, and the offset of few events is a cautious one.
    assert 0.84 <= metrics(calibrate(spoiled, small_data), small_data)["coverage"] <= 0.985


def test_metrics_tell_every_regime(small_net, small_data):
    found = metrics(small_net, small_data)
    regimes = found["regimes"]
    for f in FACTORS:
        assert not f.optional or f"{f.name} not available" in regimes
        assert all(column in regimes for column in f.columns if f.levels)
    assert (
        regimes["wet"]["events"] + regimes["dry"]["events"] + regimes["water_film_mm not available"]["events"]
        == found["events"]
    )


def test_every_event_has_one_part_and_keeps_it():
    event = np.arange(200_000)
    parts = {name: in_split(event, name) for name in PARTS}
    np.testing.assert_array_equal(sum(p.astype(int) for p in parts.values()), 1)
    np.testing.assert_array_equal(in_split(event[7:19], "test"), parts["test"][7:19])
    with pytest.raises(ValueError, match=r"part must be one of validation, calibration, test, training. Got 'train'"):
        in_split(event, "train")
    shares = {name: p.mean() for name, p in parts.items()}
    assert shares == pytest.approx({"validation": 0.05, "calibration": 0.1, "test": 0.05, "training": 0.8}, abs=0.005)


def test_a_network_stored_and_loaded_is_the_same(small_net, tmp_path):
    path = tmp_path / "network.npz"
    path.write_bytes(to_bytes(small_net))
    read = load_net(path)
    assert same(read, small_net)
    assert read.factors == small_net.factors
    events = sensed_events(500)
    np.testing.assert_array_equal(read(events), small_net(events))


def rewritten(net: DenseNet, path: Path, **changed: ndarray) -> None:
    with np.load(BytesIO(to_bytes(net))) as arrays:
        np.savez(path, **(dict(arrays) | changed))


def test_arrays_of_another_schema_are_refused(tmp_path):
    path = tmp_path / "network.npz"
    rewritten(RANDOM[0], path, schema=np.array("00000000"))
    with pytest.raises(ValueError, match=r"trained for factor schema 00000000.*acc-decel train"):
        load_net(path)


def test_a_file_without_arrays_is_refused(tmp_path):
    path = tmp_path / "network.npz"
    path.write_text("no arrays at all")
    with pytest.raises(ValueError, match=r"network\.npz must be the stored arrays"):
        load_net(path)


def test_a_missing_file_of_arrays_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"network\.npz must be the stored arrays"):
        load_net(tmp_path / "network.npz")


@pytest.fixture(scope="module")
def known() -> ndarray:
    """Events of which every factor is available."""
    events = sensed_events(8000)
    return events[~np.isnan(events).any(axis=1)]


@pytest.mark.parametrize("seed", range(5))
def test_the_released_interval_widens_with_each_factor_lost(known, seed):
    """In any order; one whose loss tells next to nothing may leave it as it is, within 2 %."""
    net, _ = read_model(model_path("compact").parent)
    events = known.copy()
    widths = [median_width(net, events)]
    for factor in np.random.default_rng(seed).permutation([f for f in FACTORS if f.optional]):
        events[:, [column_names().index(c) for c in factor.columns]] = np.nan
        widths.append(median_width(net, events))
    assert all(after > 0.98 * before for before, after in pairwise(widths))
    assert widths[-1] > 5 * widths[0]


def median_width(net: DenseNet, events: ndarray) -> float:
    answers = net(events)
    return float(np.median(answers[:, UPPER] - answers[:, LOWER]))


def test_events_on_ice_and_events_with_every_factor_count_more():
    columns = sensed_events(2000)
    ice, asphalt = (column_names().index(f"surface_{name}") for name in ("ice", "asphalt"))
    surface = [column_names().index(c) for f in FACTORS if f.name == "surface" for c in f.columns]
    road = columns[~np.isnan(columns).any(axis=1)][0]
    road[surface] = 0
    frozen, lacking, frozen_lacking = road.copy(), road.copy(), road.copy()
    road[asphalt] = lacking[asphalt] = frozen[ice] = frozen_lacking[ice] = 1
    lacking[column_names().index("mass")] = frozen_lacking[column_names().index("mass")] = np.nan
    weights = event_weights(FACTORS, np.stack([lacking, road, frozen_lacking, frozen]))
    np.testing.assert_array_equal(weights, [1, COMPLETE_WEIGHT, FROZEN_WEIGHT, COMPLETE_WEIGHT * FROZEN_WEIGHT])
    assert min(COMPLETE_WEIGHT, FROZEN_WEIGHT) > 1


@pytest.mark.parametrize(
    ("events", "epochs", "teacher_epochs"), [(10_000, 150, 30), (2_000_000, 45, 13), (8_000_000, 11, 3)]
)
def test_more_events_do_not_take_longer(events, epochs, teacher_epochs):
    settings = default_training(np.arange(events))
    assert (settings.epochs, settings.teacher_epochs) == (epochs, teacher_epochs)
