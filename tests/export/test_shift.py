"""The network without multiplications: few terms a weight, proven, monotone, near float, the same bits everywhere."""

import re
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy import ndarray

from acc_decel.ecu import CortexM, HostEcu
from acc_decel.ecu.cores import CORES, Core
from acc_decel.ecu.image import compile_command
from acc_decel.export.c_shift import SQUARES, check_narrow, codes, terms
from acc_decel.export.firmware_files import SHIFT_EVENTS, firmware_files, write_firmware
from acc_decel.export.fixed_point import fixed_answers, shift_net
from acc_decel.export.fixed_point.arithmetic import MAX_VALUE, MIN_VALUE, FixedNet
from acc_decel.export.fixed_point.observed import _at_the_ends
from acc_decel.export.fixed_point.quantisation import fits, quantise, with_terms
from acc_decel.export.fixed_point.shift_add import MAX_TERMS, TOLERANCE, distance, with_few_terms
from acc_decel.export.golden import even_events
from acc_decel.factors import FREE, column_names
from acc_decel.network import domain_score
from acc_decel.outputs import ORDERED, OUTPUTS
from acc_decel.status import OUTSIDE_DOMAIN, REFUSED
from tests.helpers.random_net import TRUNK, random_events, random_net, spoiled

pytestmark = pytest.mark.slow

NET = random_net(np.random.default_rng(7))
EVENTS = random_events(np.random.default_rng(1), 5000)
LAYERS = len(NET.embedding) + len(NET.trunk)
FORCED = [f for f in NET.factors if f.direction != FREE]


@pytest.fixture(scope="module")
def net() -> FixedNet:
    return shift_net(NET, even_events(NET.factors, SHIFT_EVENTS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shift")
    write_firmware(path, firmware_files(NET, model="random", golden=EVENTS[:32], number_format="shift"))
    return path


@pytest.fixture(scope="module")
def mixed() -> ndarray:
    rng = np.random.default_rng(2)
    events, extreme = random_events(rng, 7000), _at_the_ends(NET, random_events(rng, 1000))
    return np.concatenate([events, extreme, spoiled(rng, random_events(rng, 2000))])


@given(weight=st.integers(-(2**40), 2**40), most=st.integers(1, 4))
def test_terms_keep_the_sign_and_leave_at_most_a_third_each(weight: int, most: int) -> None:
    few = int(with_terms(np.array([weight]), most)[0])
    assert len(terms(np.array([few]))) <= most
    assert few * weight >= 0
    assert abs(few - weight) * 3**most <= abs(weight)


@given(weights=st.lists(st.integers(-32767, 32767), min_size=1, max_size=40), seed=st.integers(0, 99))
def test_codes_add_up_to_the_weights_times_the_inputs(weights: list[int], seed: int) -> None:
    x = np.random.default_rng(seed).integers(MIN_VALUE, MAX_VALUE + 1, len(weights))
    values = [0, 0, *np.stack([x, -1 - x], axis=1).ravel().tolist()]
    listed = iter(codes(np.array(weights)))
    total = 0
    for _ in range(next(listed)):
        total = 2 * total + sum(values[next(listed)] for _ in range(next(listed)))
    assert next(listed, None) is None
    lacking = sum(2**power for power, _, negative in terms(np.array(weights)) if negative)
    assert total + lacking == np.array(weights) @ x


@given(root=st.integers(0, 2**15))
def test_quarter_squares_give_the_square(root: int) -> None:
    quarter, high, low = SQUARES.values.astype(int), root // 256, root % 256
    product = quarter[high + low] - quarter[abs(high - low)]
    assert quarter[2 * high] * 2**16 + product * 2**9 + quarter[2 * low] == root**2


def test_no_layer_has_more_terms_than_asked() -> None:
    asked = [3, 2, 1, 3, 2]
    net = with_few_terms(NET, asked, EVENTS)
    for layer, most in zip([*net.embedding, *net.trunk], asked, strict=True):
        assert max(len(terms(np.array([w]))) for w in layer.weights.ravel()) == most


def test_it_is_proven_not_to_overflow(net: FixedNet) -> None:
    for layer in (*net.embedding, *net.trunk):
        assert all(fits(weights, int(bias)) for weights, bias in zip(layer.weights, layer.bias, strict=True))


def test_it_is_near_float_with_the_fewest_terms_that_do(net: FixedNet) -> None:
    events = even_events(NET.factors, SHIFT_EVENTS)
    most = with_few_terms(NET, [MAX_TERMS] * LAYERS, events)
    loose = shift_net(NET, events, tolerance=0.5)
    assert terms_of(loose) < terms_of(net) <= terms_of(most)
    assert distance(net, events, NET(events)) <= max(TOLERANCE, distance(most, events, NET(events)))
    assert distance(loose, events, NET(events)) <= 0.5


def terms_of(net: FixedNet) -> int:
    return sum(len(terms(row)) for layer in (*net.embedding, *net.trunk) for row in layer.weights)


def test_the_trained_domain_is_told_as_in_float_but_near_its_limit(net: FixedNet) -> None:
    score = domain_score(NET, EVENTS)
    differs = net.unfamiliar(EVENTS) != (score > 0)
    assert differs.mean() < 0.01
    assert np.abs(score[differs]).max(initial=0) < 0.1 * np.abs(score).mean()


def test_weights_still_to_be_rounded_make_up_for_the_rounded_ones() -> None:
    few = [2] * LAYERS
    plain = distance(quantise(NET, terms=[*few, 3, 3]), EVENTS, NET(EVENTS))
    assert distance(with_few_terms(NET, few, even_events(NET.factors, 4000)), EVENTS, NET(EVENTS)) < 0.8 * plain


def test_rounding_keeps_the_sign_of_every_weight(net: FixedNet) -> None:
    for few, layer in zip(net.embedding + net.trunk, NET.embedding + NET.trunk, strict=True):
        assert (few.weights * np.sign(layer.weights) >= 0).all()


@pytest.mark.parametrize("factor", FORCED, ids=lambda f: f.name)
def test_it_is_as_monotone_as_float(net: FixedNet, factor) -> None:
    column = column_names().index(factor.name)
    steps = np.linspace(factor.low, factor.high, 2000).astype("f4")
    for event in random_events(np.random.default_rng(4), 20):
        events = np.repeat(event[None], len(steps), axis=0)
        events[:, column] = steps
        if factor.forced_while:
            events[:, column_names().index(factor.forced_while)] = 1.0
        assert (np.diff(net(events)[:, ORDERED], axis=0) * factor.direction >= 0).all()


def test_host_c_gives_the_bits_of_the_numpy_reference(folder: Path, net: FixedNet, mixed: ndarray) -> None:
    traps = ("-fsanitize=undefined", "-fsanitize-trap=all")
    check_bits(HostEcu(folder, options=traps).predict_array(mixed), net, mixed)


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4f", "rv32ic"])
def test_every_core_gives_the_same_bits(folder: Path, net: FixedNet, mixed: ndarray, core: str) -> None:
    ecu = CortexM(folder, core=core)
    check_bits(ecu.predict_array(mixed[::40]), net, mixed[::40])
    assert ecu.self_test() == 0


def test_the_onnx_graph_gives_the_same_bits(folder: Path, net: FixedNet, mixed: ndarray) -> None:
    session = onnxruntime.InferenceSession(folder / "model_shift.onnx", providers=["CPUExecutionProvider"])
    *outputs, status = session.run([*OUTPUTS, "status"], {"factors": mixed})
    check_bits((np.stack(outputs, axis=1), status), net, mixed)


def check_bits(got: tuple[ndarray, ndarray], net: FixedNet, events: ndarray) -> None:
    expected, status = fixed_answers(net, events)
    np.testing.assert_array_equal(got[1], status)
    np.testing.assert_array_equal(got[0].view("i4"), expected.view("i4"))
    assert 0 < (status & REFUSED != 0).sum() < len(events)
    assert (status & OUTSIDE_DOMAIN != 0).any()


def test_no_layer_executes_a_multiplication(folder: Path, tmp_path: Path) -> None:
    """Two layers more multiply as often: what multiplies stands before the layers, where the factors enter."""
    deeper = random_net(np.random.default_rng(3), embedding=(16, 16, 12), trunk=(*TRUNK, 8))
    write_firmware(tmp_path, firmware_files(deeper, model="deeper", golden=EVENTS[:8], number_format="shift"))
    here, there = (CortexM(path).report(EVENTS[:4]) for path in (folder, tmp_path))
    assert here.multiplications == there.multiplications < 50
    assert here.instructions_per_prediction < there.instructions_per_prediction


@pytest.mark.parametrize("core", CORES.values(), ids=CORES)
def test_the_layers_contain_no_multiplication_and_call_no_routine_for_one(
    folder: Path, tmp_path: Path, core: Core
) -> None:
    unit = tmp_path / "layers.s"
    command = [*compile_command(core), "-S", "-Wno-unused-command-line-argument", f"-I{folder}"]
    subprocess.run([*command, folder / "acc_decel_shift_layers.c", "-o", unit], check=True)
    assert re.search(r"^\s+adds?\s", unit.read_text(), re.M)
    multiplies = r"^\s+(?:v?mul|ml[as]|sml|[us]mull|[su]?div|rem).*|^.*\b__\w*(?:mul|div).*"
    assert not re.findall(multiplies, unit.read_text(), re.M)


def test_another_format_leaves_nothing_behind(folder: Path, tmp_path: Path) -> None:
    write_firmware(tmp_path, firmware_files(NET, model="m", golden=EVENTS[:8], number_format="fixed"))
    only_fixed = {p.name for p in tmp_path.iterdir()}
    write_firmware(tmp_path, firmware_files(NET, model="m", golden=EVENTS[:8], number_format="shift"))
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in folder.iterdir()}
    write_firmware(tmp_path, firmware_files(NET, model="m", golden=EVENTS[:8], number_format="fixed"))
    assert {p.name for p in tmp_path.iterdir()} == only_fixed


def test_a_layer_too_wide_for_the_codes_is_refused_by_name() -> None:
    wide = random_net(np.random.default_rng(7), trunk=(60, 16))
    with pytest.raises(ValueError, match=r"trunk\[1\] must have at most 64 inputs.* Got 72: export the format fixed"):
        check_narrow(quantise(wide))
