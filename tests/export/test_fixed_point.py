"""The network in fixed point: proven not to overflow, monotone, near float, and the same bits in NumPy, C and cores."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy import ndarray

from acc_decel.ecu import CortexM, HostEcu
from acc_decel.export.feature_ranges import feature_ranges
from acc_decel.export.firmware_files import FIXED_EVENTS, firmware_files, write_firmware
from acc_decel.export.fixed_point import fixed_answers
from acc_decel.export.fixed_point.arithmetic import MAX_VALUE, MIN_VALUE, RATIO_BITS, WORD, FixedLayer, FixedNet, fixed
from acc_decel.export.fixed_point.build import fixed_net
from acc_decel.export.fixed_point.intervals import Choice, Entering, Interval, _line_above, _line_below, sum_intervals
from acc_decel.export.fixed_point.observed import _at_the_ends, observed_maxima
from acc_decel.export.fixed_point.quantisation import entering_scale, fits, quantise
from acc_decel.export.fixed_point.sensitivity import sensitivities
from acc_decel.export.golden import even_events
from acc_decel.export.reference import reference_outputs, status_of
from acc_decel.factors import FREE, column_names
from acc_decel.model_folder import model_path, read_model
from acc_decel.network import (
    FEATURES,
    HEAD,
    Layer,
    domain_score,
    excluded,
    feature_values,
    rectified,
    saturated,
    wiring,
)
from acc_decel.network.head import BRAKE_LIMIT, RESISTANCE, ROAD_LIMIT
from acc_decel.outputs import ORDERED, OUTPUTS
from acc_decel.status import BELOW_COMFORT, OUTSIDE_DOMAIN, REFUSED
from tests.helpers.random_net import random_events, random_net, spoiled

pytestmark = pytest.mark.slow

SCORE_TOLERANCE = 0.01  # of the score of the trained domain, in fixed point
TOLERANCE = 0.02  # [m/s^2] away from float
RELEASED_TOLERANCE = 0.05  # the same, of networks with greater weights
NET = random_net(np.random.default_rng(7))
EVENTS = random_events(np.random.default_rng(1), 5000)


@pytest.fixture(scope="module")
def net() -> FixedNet:
    return fixed_net(NET, even_events(NET.factors, FIXED_EVENTS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fixed")
    write_firmware(path, firmware_files(NET, model="random", golden=EVENTS[:32], number_format="fixed"))
    return path


@pytest.fixture(scope="module")
def mixed() -> ndarray:
    return mixed_events()


def mixed_events() -> ndarray:
    """Events anywhere, at the ends of the ranges, where features are at theirs; outside the domain; refused ones."""
    rng = np.random.default_rng(2)
    events, extreme = random_events(rng, 6000), random_events(rng, 2000)
    extreme[:1000] = extreme[:1000].round()  # one kind of each choice is certain
    return np.concatenate([events, _at_the_ends(NET, extreme), spoiled(rng, random_events(rng, 2000))])


def with_features(events: ndarray) -> ndarray:
    """The columns, then the features."""
    values = feature_values(NET.factors, NET.constants, events)
    return np.concatenate([events, np.stack([values[f.name] for f in FEATURES], axis=1)], axis=1)


def layers_of(net: FixedNet) -> list[FixedLayer]:
    return [*net.embedding, *net.trunk, *net.domain]


def test_fixed_point_is_near_float(net: FixedNet) -> None:
    assert np.abs(net(EVENTS) - NET(EVENTS)).max() < TOLERANCE


def test_no_input_at_all_makes_a_sum_leave_32_bits(net: FixedNet) -> None:
    for layer in [*layers_of(net), *layers_of(quantise(NET))]:
        for weights, bias in zip(layer.weights, layer.bias, strict=True):
            for sign in (1, -1):  # the worst 16-bit integers for this unit
                worst = np.where(sign * weights > 0, MAX_VALUE, MIN_VALUE)
                assert -WORD <= int(weights @ worst) + int(bias) < WORD
        assert np.abs(layer.weights).max() <= MAX_VALUE


def test_the_proof_is_sharp() -> None:
    """One more in the bias and the greatest sum no longer fits."""
    weights, nothing = np.array([32767, -3]), np.array([0, 0])
    bias = WORD - 1 - (32767 * MAX_VALUE + 3 * -MIN_VALUE)
    assert fits(weights, bias)
    assert not fits(weights, bias + 1)
    assert not fits(np.array([32768, 0]), 0)
    assert not fits(nothing, WORD)


def test_weights_rounded_together_are_nearer_than_each_by_itself(net: FixedNet) -> None:
    alone = quantise(NET, observed_maxima(NET, even_events(NET.factors, FIXED_EVENTS)))
    together, each = (np.sqrt(((some(EVENTS) - NET(EVENTS)) ** 2).mean()) for some in (net, alone))
    assert together < 0.8 * each


@pytest.mark.slow
@pytest.mark.parametrize("model", ["compact", "saloon", "suv"])  # the last two of a narrow range of mass
def test_fixed_point_is_near_float_in_released_models(model: str) -> None:
    released, _ = read_model(model_path(model).parent)
    events = even_events(released.factors, 5_000)
    assert np.abs(fixed_net(released, events)(events) - released(events)).max() < RELEASED_TOLERANCE


def test_what_enters_fits_16_bits_and_is_near_the_factor_or_feature(net: FixedNet) -> None:
    """Saturation included: half_saturation / (value + half_saturation) in 16 bits, whose numerator is exact."""
    wires = wiring(NET.factors)
    places = [*wires.forced, *wires.free, *wires.gated]
    events = even_events(NET.factors, 20_000)
    inputs = with_features(events)
    scale = entering_scale(NET, places)
    values = np.concatenate([saturated(NET.factors, events), inputs[:, events.shape[1] :]], axis=1)
    real = ((values - NET.center) * NET.inverse_spread)[:, places]
    known = ~np.isnan(inputs[:, places])
    q = net.entries(inputs)
    assert q.min() >= MIN_VALUE and q.max() <= MAX_VALUE
    steps = np.abs((real - scale.low) * scale.scale - (q - MIN_VALUE))
    assert steps[known].max() < 4.0
    assert (net.entries.half_saturations < 2**RATIO_BITS).all()


@pytest.mark.parametrize("feature", FEATURES, ids=lambda f: f.name)
def test_a_feature_at_the_ends_of_its_range_enters_within_16_bits(net: FixedNet, feature) -> None:
    """The ends are those of all accepted events, which the integers must hold."""
    at, wires = len(column_names()) + FEATURES.index(feature), wiring(NET.factors)
    ends = feature_ranges(NET.factors, NET.constants)[feature.name]
    inputs = with_features(EVENTS[:2])
    inputs[:, at] = ends
    scale = entering_scale(NET, [at])
    for i in np.flatnonzero(net.entries.places == at):
        q = net.entries(inputs)[:, i]
        real = (np.array(ends) - NET.center[at]) * NET.inverse_spread[at]
        assert MIN_VALUE <= q[0] < q[1] <= MAX_VALUE
        assert (np.abs((real - scale.low) * scale.scale - (q - MIN_VALUE)) < 4.0).all()
    assert at in {*wires.forced, *wires.free, *wires.gated}


def test_no_answer_exceeds_what_road_and_brakes_allow(net: FixedNet) -> None:
    """The head is the float one, whatever the integers of the layers are."""
    entered = NET.entered(EVENTS)
    limits, road, brake = entered.head, NET.head.road_shares.max(), NET.head.brake_shares.max()
    allowed = np.minimum(road * limits[:, ROAD_LIMIT], brake * limits[:, BRAKE_LIMIT]) + limits[:, RESISTANCE]
    answers = net(EVENTS)[:, ORDERED]
    assert (answers <= allowed[:, None]).all()
    assert (answers == allowed[:, None]).any()
    assert len(HEAD) == limits.shape[1]


def test_an_answer_outside_the_domain_is_at_most_the_plain_one(net: FixedNet) -> None:
    accepted = random_events(np.random.default_rng(6), 20_000)
    outputs, status = fixed_answers(net, accepted)
    outside, plain = status & OUTSIDE_DOMAIN != 0, net(accepted)
    assert 50 < outside.sum() < len(accepted)
    assert (outside >= excluded(NET.factors, accepted)).all()
    np.testing.assert_array_equal(outputs[~outside], plain[~outside])
    assert (outputs[outside] <= plain[outside]).all()
    assert (outputs[outside][:, ORDERED] < plain[outside][:, ORDERED]).any()


def test_the_outputs_change_as_the_sensitivities_say() -> None:
    """A small step of the bias of one unit, against the derivatives; in most events nothing is cut in between."""
    step = 1e-2
    for part, i, unit in (("embedding", 0, 3), ("embedding", 1, 2), ("trunk", 0, 5), ("trunk", 2, 1), ("trunk", 2, 6)):
        layers = list(getattr(NET, part))
        bias = layers[i].bias.copy()
        bias[unit] += np.float32(step)
        layers[i] = Layer(layers[i].weights, bias)
        moved = replace(NET, **{part: tuple(layers)})
        change = np.sqrt((((moved(EVENTS) - NET(EVENTS)).astype(float) / step) ** 2).sum(axis=1))
        expected = sensitivities(NET, EVENTS)[i + len(NET.embedding) * (part == "trunk")][:, unit]
        assert expected.max() > 0.05
        assert np.median(np.abs(change - expected)) < 0.02 and np.abs(change - expected).mean() < 0.05


def test_every_unit_stays_within_its_proven_interval() -> None:
    corners = np.where(np.isnan(EVENTS), np.nan, ends(EVENTS))
    for events in (EVENTS, corners):
        proven = iter(sum_intervals(NET))
        entered = NET.entered(events)
        embedded, x = entered.embedding, entered.forced
        for layer in NET.embedding:
            embedded = rectified(held(layer(embedded), next(proven)))
        for layer in NET.trunk:
            x = rectified(held(layer(np.concatenate([embedded, x], axis=1)), next(proven)))


def held(sums: ndarray, interval: Interval) -> ndarray:
    assert (sums >= interval.low - 1e-4).all() and (sums <= interval.high + 1e-4).all()
    return sums


def ends(events: ndarray) -> ndarray:
    """Events of which every factor is at one end of its range; choices as they are."""
    columns = []
    for f in NET.factors:
        at = [column_names().index(c) for c in f.columns]
        middle = (f.low + f.high) / 2
        columns.append(events[:, at] if f.levels else np.where(events[:, at] > middle, f.high, f.low))
    return np.concatenate(columns, axis=1).astype("f4")


def test_the_kinds_of_a_choice_count_one_at_a_time() -> None:
    """1 x + 4 a - 3 b with x in [-1, 2] and scaled kinds a = 2 (p - 0.5), b = 2 (q - 0.5), p + q at most 1.01."""
    values = Interval(np.array([-1.0, -1.0, -1.0]), np.array([2.0, 1.0, 1.0]))
    choice = Choice((1, 2), np.array([0.5, 0.5]), np.array([2.0, 2.0]))
    assert Entering(values, (choice,)).maximum(np.array([[1.0, 4.0, -3.0]])) == pytest.approx(2 + 8 * 1.01 - (4 - 3))
    assert Entering(values, (choice,)).maximum(np.array([[1.0, -4.0, -3.0]])) == pytest.approx(2 - 6 * 0.99 + 4 + 3)
    assert Entering(values, ()).maximum(np.array([[1.0, 4.0, -3.0]])) == pytest.approx(2 + 4 + 3)


@given(ends=st.tuples(st.floats(-50, 50), st.floats(-50, 50)), at=st.floats(0, 1))
def test_lines_never_cut_the_rectifier(ends: tuple[float, float], at: float) -> None:
    low, high = sorted(ends)
    z = low + at * (high - low)
    value = rectified(np.array([z]))
    for line, sign in ((_line_above, 1), (_line_below, -1)):
        slope, constant = line(Interval(np.array([low]), np.array([high])))
        assert sign * (slope * z + constant - value) >= -1e-9


@pytest.mark.parametrize("factor", [f for f in NET.factors if f.direction != FREE], ids=lambda f: f.name)
def test_fixed_point_is_as_monotone_as_float(net: FixedNet, factor) -> None:
    column = column_names().index(factor.name)
    steps = np.linspace(factor.low, factor.high, 2000).astype("f4")
    for event in random_events(np.random.default_rng(4), 20):
        events = np.repeat(event[None], len(steps), axis=0)
        events[:, column] = steps
        if factor.forced_while:
            events[:, column_names().index(factor.forced_while)] = 1.0
        assert (np.diff(net(events)[:, ORDERED], axis=0) * factor.direction >= 0).all()


def test_rounding_keeps_the_sign_of_every_weight(net: FixedNet) -> None:
    for rounded, layer in zip(net.trunk, NET.trunk, strict=True):
        assert (rounded.weights * np.sign(layer.weights) >= 0).all()


def test_a_factor_becomes_the_nearest_integer() -> None:
    values = np.array([[0.0, -0.0, 0.4999, 0.5, -0.5, 1.25, -1.75, 1e-42]], "f4")
    assert fixed(values, np.zeros(8, np.int64)).tolist() == [[0, 0, 0, 1, -1, 1, -2, 0]]


def test_host_c_gives_the_bits_of_the_numpy_reference(folder: Path, net: FixedNet, mixed: ndarray) -> None:
    traps = ("-fsanitize=undefined", "-fsanitize-trap=all")
    outputs, status = HostEcu(folder, options=traps).predict_array(mixed)
    expected, expected_status = fixed_answers(net, mixed)
    np.testing.assert_array_equal(status, expected_status)
    np.testing.assert_array_equal(outputs.view("i4"), expected.view("i4"))
    assert 0 < (status & REFUSED != 0).sum() < len(mixed)
    assert (status & OUTSIDE_DOMAIN != 0).sum() > 30


def test_the_onnx_graph_gives_the_bits_of_the_numpy_reference(folder: Path, net: FixedNet, mixed: ndarray) -> None:
    check_graph((folder / "model_fixed.onnx").read_bytes(), net, mixed)


def check_graph(content: bytes, net: FixedNet, events: ndarray) -> None:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    *outputs, status = session.run([*OUTPUTS, "status"], {"factors": events})
    expected, expected_status = fixed_answers(net, events)
    np.testing.assert_array_equal(status, expected_status)
    np.testing.assert_array_equal(np.stack(outputs, axis=1).view("i4"), expected.view("i4"))
    assert 0 < (status & REFUSED != 0).sum() < len(events)


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m3", "cortex-m4f", "cortex-m7", "rv32imfc"])
def test_every_core_gives_the_same_bits(folder: Path, net: FixedNet, mixed: ndarray, core: str) -> None:
    some = mixed[::25]
    outputs, status = CortexM(folder, core=core).predict_array(some)
    expected, expected_status = fixed_answers(net, some)
    np.testing.assert_array_equal(status, expected_status)
    np.testing.assert_array_equal(outputs.view("i4"), expected.view("i4"))


def test_status_is_that_of_float_but_for_comfort_and_domain_at_their_limits(net: FixedNet, mixed: ndarray) -> None:
    _, status = fixed_answers(net, mixed)
    expected = status_of(NET, mixed)
    rest = ~(BELOW_COMFORT | OUTSIDE_DOMAIN)
    np.testing.assert_array_equal(status & rest, expected & rest)
    uncomfortable = (status ^ expected) & BELOW_COMFORT != 0
    assert (np.abs(reference_outputs(NET, mixed)[uncomfortable, 0] - 3.5) < TOLERANCE).all()
    unfamiliar = (status ^ expected) & OUTSIDE_DOMAIN != 0
    assert (np.abs(domain_score(NET, mixed[unfamiliar])) < SCORE_TOLERANCE).all()


def test_the_readme_says_how_far_fixed_point_is_from_float(folder: Path, net: FixedNet) -> None:
    events = even_events(NET.factors, FIXED_EVENTS)
    error = np.abs(net(events) - NET(events)).max()
    assert f"at most {error:.3f} m/s^2 in {FIXED_EVENTS} events" in " ".join((folder / "README.md").read_text().split())


@pytest.mark.slow
def test_the_other_format_leaves_nothing_behind(folder: Path, tmp_path: Path) -> None:
    write_firmware(tmp_path, firmware_files(NET, model="m", golden=EVENTS[:8]))
    write_firmware(tmp_path, firmware_files(NET, model="m", golden=EVENTS[:8], number_format="fixed"))
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in folder.iterdir()}


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be one of float, fixed, shift\. Got 'int8'"):
        firmware_files(NET, model="m", golden=EVENTS[:8], number_format="int8")


def test_a_layer_whose_sums_cannot_fit_is_refused_by_name(tmp_path: Path) -> None:
    layer = NET.trunk[1]
    weights = layer.weights.copy()
    weights[3] = 1e4
    bad = replace(NET, trunk=(NET.trunk[0], Layer(weights, layer.bias), NET.trunk[2]))
    with pytest.raises(ValueError, match=r"trunk\[1\], unit 3 must fit fixed point with \d+ fraction bits"):
        firmware_files(bad, model="m", golden=EVENTS[:8], number_format="fixed")
    assert not list(tmp_path.iterdir())
