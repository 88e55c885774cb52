"""What is proven of the ranges holds for every accepted event, in float32, and for the worst rounding."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from acc_decel.assurance.accepted_box import add_box, scaled_spans
from acc_decel.assurance.linear_program import Program, constant
from acc_decel.assurance.output_ranges import extreme, proven_ends
from acc_decel.assurance.proofs import Range, prove_output_range
from acc_decel.assurance.ranges import sums, unclamped
from acc_decel.assurance.rounding import in_real_arithmetic, reversal, rounding_errors
from acc_decel.assurance.witness import accepted_events
from acc_decel.export.reference import status_of
from acc_decel.factors import FACTORS, column_names
from acc_decel.network import DenseNet, Layer, rectified, wiring
from acc_decel.outputs import ORDERED, OUTPUTS
from acc_decel.status import REFUSED
from tests.helpers.random_net import familiar, random_net

TINY = random_net(np.random.default_rng(2), embedding=(4,), trunk=(4, 3))
EVENTS = accepted_events(FACTORS, 5000, np.random.default_rng(2))
BESIDE = len(TINY.embedding[-1].bias)


@pytest.fixture(scope="module")
def bounds():
    """Of the sums of TINY."""
    return sums(TINY)


def sums_of(net: DenseNet, events: np.ndarray) -> list[np.ndarray]:
    """The sums of every layer, embedding first."""
    entered = net.entered(events)
    embedded, found = entered.embedding, []
    for layer in net.embedding:
        found.append(layer(embedded))
        embedded = rectified(found[-1])
    x = entered.forced
    for layer in net.trunk:
        found.append(layer(np.concatenate([embedded, x], axis=1)))
        x = rectified(found[-1])
    return found


def test_every_event_of_the_witness_is_accepted():
    assert (status_of(familiar(TINY), EVENTS) & REFUSED == 0).all()


def test_bounds_hold_the_sums_of_every_layer(bounds):
    for proven, seen in zip(bounds, sums_of(TINY, EVENTS), strict=True):
        assert (proven.low <= seen.min(axis=0) + 1e-4).all()
        assert (seen.max(axis=0) <= proven.high + 1e-4).all()
        assert np.isfinite([proven.low, proven.high]).all()


def test_bounds_of_the_first_layer_are_near(bounds):
    seen = sums_of(TINY, EVENTS)[0]
    assert (np.ptp(seen, axis=0) > 0.3 * (bounds[0].high - bounds[0].low)).all()


def test_proven_ends_hold_every_answer(bounds):
    low, high = proven_ends(TINY, bounds[-1])
    allowed = rounding_errors(TINY, bounds)
    answers = unclamped(TINY)(EVENTS)
    assert (low - allowed <= answers.min(axis=0)).all()
    assert (answers.max(axis=0) <= high + allowed).all()


def test_no_network_promises_more_than_the_head_allows(bounds):
    strong = replace(
        TINY, trunk=(*TINY.trunk[:-1], Layer(TINY.trunk[-1].weights, TINY.trunk[-1].bias + np.float32(1e3)))
    )
    _, high = proven_ends(strong, sums(strong)[-1])
    assert high[[*ORDERED]].max() < 60


@pytest.mark.slow
def test_a_range_passes_and_says_what_is_attained(bounds, monkeypatch):
    monkeypatch.setattr("acc_decel.assurance.witness.STARTS", 500)
    monkeypatch.setattr("acc_decel.assurance.witness.STEPS", 3)
    net = replace(TINY, low=np.full(len(OUTPUTS), -4, np.float32), high=np.full(len(OUTPUTS), 18, np.float32))
    ranges: list[Range] = []
    for output in range(len(OUTPUTS)):
        found = prove_output_range(net, bounds, output, ranges)
        assert found.passed
        assert -4 <= found.figures["answers"][0] <= found.figures["answers"][1] <= 18
    witness = ranges[0].maximum
    assert unclamped(net)(witness.witness[None])[0, 0] == np.float32(witness.attained)
    too_low = extreme(net, -1e3, 0, 1)
    assert too_low.attained > too_low.bound, "a bound that does not hold is refuted"


@pytest.mark.parametrize("net", [TINY, random_net(np.random.default_rng(3))], ids=["tiny", "full size"])
@pytest.mark.slow
def test_float32_stays_within_the_rounding_allowance(net):
    found = sums(net)
    allowed = rounding_errors(net, found)
    apart = np.abs(in_real_arithmetic(net, EVENTS) - unclamped(net)(EVENTS)).max(axis=0)
    assert (apart > 0).all()
    assert (apart <= allowed).all()
    assert allowed.max() < 0.2
    assert 0 < reversal(net, found) < 0.01


def test_the_rounding_allowance_covers_the_worst_sum():
    # 2^24 + 1 + 1 + ...: float32 loses every 1, since 2^24 + 1 lies half way and is rounded to even.
    layer, last = TINY.trunk[-2:]
    certain = Layer(np.zeros_like(layer.weights), np.full_like(layer.bias, 1.5))  # rectified: 1
    ones = np.concatenate([np.zeros_like(last.weights[:, :BESIDE]), np.ones_like(last.weights[:, BESIDE:])], axis=1)
    net = replace(TINY, trunk=(*TINY.trunk[:-2], certain, Layer(ones, np.full_like(last.bias, 2.0**24))))
    delay = next(i for i in range(len(OUTPUTS)) if i not in ORDERED)
    apart = np.abs(in_real_arithmetic(net, EVENTS[:1]) - unclamped(net)(EVENTS[:1]))[0, delay]
    assert apart == len(layer.bias)
    assert apart <= rounding_errors(net, sums(net))[delay] < 1.1 * (apart + 1)


@pytest.mark.parametrize("x", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("gate", [0.0, 0.4, 1.0])
def test_the_hull_of_a_gated_input_holds_the_product_and_nothing_else_at_its_corners(x, gate):
    wires = wiring(FACTORS)
    column, place = next((c, len(wires.free) + i) for i, c in enumerate(wires.gated) if c >= len(column_names()))
    low, high = (ends[column] for ends in scaled_spans(TINY))
    value = low + x * (high - low)
    program = Program()
    box = add_box(program, TINY)
    switch = wires.free.index(wires.gates[0])
    scaled = (gate - float(TINY.center[wires.gates[0]])) * float(TINY.inverse_spread[wires.gates[0]])
    for entry, pinned in ((box.forced[wires.forced.index(column)], value), (box.embedding[switch], scaled)):
        program.at_least(entry, constant(float(pinned)))
        program.at_least(constant(float(pinned)), entry)
    (least,), (most,) = program.bounds([box.embedding[place]])
    assert least - 1e-5 <= value * (1 - gate) <= most + 1e-5
    assert (most - least < 1e-4) == (x in (0, 1) or gate in (0, 1))


def test_a_linear_program_gives_what_another_solver_call_gives():
    program = Program()
    x, y = program.variable(0.0, 4.0), program.variable(-1.0, 3.0)
    program.at_least(constant(5.0), x + y * 2.0)
    low, high = program.bounds([x + y, y - x])
    other = linprog([-1, -1], A_ub=[[1, 2]], b_ub=[5], bounds=[(0, 4), (-1, 3)])
    np.testing.assert_allclose(high[0], -other.fun, atol=1e-5)
    np.testing.assert_allclose([low[0], low[1], high[1]], [-1, -5, 2.5], atol=1e-4)
    assert high[0] >= -other.fun
