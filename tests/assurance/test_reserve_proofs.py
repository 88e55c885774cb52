"""The proofs of a network that knows the lead: its reserve moves against the deceleration, and stays in its range."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from conftest import COMPACT

from acc_decel.assurance.monotone_arrays import violations
from acc_decel.assurance.monotone_graph import raised_outside
from acc_decel.assurance.output_ranges import proven_ends
from acc_decel.assurance.proofs import prove_monotone_onnx, prove_output_range, prove_rounding, prove_same_arrays
from acc_decel.assurance.ranges import Sums, sums, unclamped
from acc_decel.assurance.rounding import in_real_arithmetic, rounding_errors
from acc_decel.assurance.witness import accepted_events
from acc_decel.export import onnx_bytes
from acc_decel.network import DenseNet, Layer
from acc_decel.network.reserve import LEAST_MEDIAN
from acc_decel.outputs import LOWER, RESERVE
from tests.helpers.random_net import random_net

TINY = random_net(np.random.default_rng(2), COMPACT.factors, embedding=(4,), trunk=(4, 3), lead=True)
BESIDE = len(TINY.embedding[-1].bias)


@pytest.fixture(scope="module")
def bounds() -> tuple[Sums, ...]:
    """Of the sums of TINY."""
    return sums(TINY)


def graph_of(net: DenseNet) -> onnx.ModelProto:
    return onnx.load_from_string(onnx_bytes(net, {}))


def with_last_weight(net: DenseNet, unit: int, factor: float) -> DenseNet:
    """The network with one weight of the sum of the reserve multiplied."""
    last = net.trunk[-1]
    weights = last.weights.copy()
    weights[RESERVE, BESIDE + unit] *= factor
    return replace(net, trunk=(*net.trunk[:-1], Layer(weights, last.bias)))


def test_the_reserve_is_proven_to_move_against_the_deceleration():
    graph = graph_of(TINY)
    assert violations(TINY) == []
    assert raised_outside(graph) == []
    for proof in (prove_monotone_onnx(TINY, graph), prove_same_arrays(TINY, graph)):
        assert proof.passed, proof.detail


def test_a_weight_of_the_reserve_with_the_wrong_sign_fails_both_proofs():
    unit = int(np.argmax(np.abs(TINY.trunk[-1].weights[RESERVE, BESIDE:])))
    wrong = with_last_weight(TINY, unit, -1.0)
    assert any(f"weights[{RESERVE}, {BESIDE + unit}]" in sentence for sentence in violations(wrong))
    proof = prove_monotone_onnx(wrong, graph_of(wrong))
    assert not proof.passed
    assert f"output {RESERVE} must move one way" in proof.detail


def test_another_offset_in_the_graph_is_found():
    other = replace(TINY, reserve=replace(TINY.reserve, offset=TINY.reserve.offset + np.float32(0.25)))
    proof = prove_same_arrays(TINY, graph_of(other))
    assert not proof.passed
    assert "reserve.offset[0]" in proof.detail


def test_a_reserve_that_is_less_outside_the_domain_is_found():
    graph = graph_of(TINY)
    branch = next(a.g for node in graph.graph.node if node.op_type == "If" for a in node.attribute if len(a.g.node) > 9)
    made_by = {name: node for node in branch.node for name in node.output}
    worst = made_by[made_by[branch.output[-1].name].input[2]]
    assert worst.op_type == "Max"
    worst.op_type = "Min"
    assert any("must be at least" in sentence for sentence in raised_outside(graph))


def test_the_range_of_the_reserve_holds_every_answer(bounds):
    events = accepted_events(TINY.factors, 3_000, np.random.default_rng(5))
    low, high = (end[RESERVE] for end in proven_ends(TINY, bounds[-1]))
    answers, allowed = unclamped(TINY)(events)[:, RESERVE], rounding_errors(TINY, bounds)[RESERVE]
    assert 0 <= low <= answers.min() + allowed
    assert answers.max() - allowed <= high < np.inf
    assert prove_output_range(TINY, bounds, RESERVE, []).passed


def test_float32_keeps_the_reserve_within_its_rounding_allowance(bounds):
    net = unclamped(TINY)
    events = accepted_events(TINY.factors, 3_000, np.random.default_rng(6))
    error = np.abs(in_real_arithmetic(TINY, events) - net(events))[:, RESERVE]
    assert 0 < error.max() <= rounding_errors(TINY, bounds)[RESERVE]
    proof = prove_rounding(TINY, [])
    assert proof.passed, proof.detail
    assert set(proof.figures["seen"]) == set(TINY.outputs)


def test_where_the_own_car_hardly_brakes_the_least_median_counts():
    weak = replace(TINY, head=replace(TINY.head, offset=TINY.head.offset - np.float32(50)))
    events = accepted_events(TINY.factors, 500, np.random.default_rng(7))
    held = weak(events)[:, LOWER] < LEAST_MEDIAN
    assert held.any()
    entered = weak.entered(events)
    expected = weak.reserve(weak.sums(entered)[:, RESERVE], np.full(500, LEAST_MEDIAN, "f4"), entered.surface)
    np.testing.assert_array_equal(weak(events)[held, RESERVE], expected[held])
