"""Monotonicity is proven of networks that have it, and of no other: in formulas, arrays and ONNX graph."""

from dataclasses import replace

import numpy as np
import onnx
import pytest

from acc_decel.assurance import feature_values
from acc_decel.assurance.feature_values import Cells, features
from acc_decel.assurance.monotone_arrays import violations
from acc_decel.assurance.monotone_features import feature_violations, unsigned_outside
from acc_decel.assurance.monotone_graph import INSIDE, OUTSIDE, moves, raised_outside
from acc_decel.assurance.moving_values import CONSTANT, FALLS, RISES
from acc_decel.assurance.proofs import prove_monotone_onnx, prove_same_arrays
from acc_decel.assurance.witness import accepted_events
from acc_decel.export import onnx_bytes
from acc_decel.factors import FACTORS, column_names
from acc_decel.network import FEATURES, HEAD, LAYOUT, DenseNet, Layer, compute, input_names, wiring
from acc_decel.network import feature_values as values_of
from acc_decel.network import features as network_features
from acc_decel.outputs import DELAY, ORDERED, OUTPUTS
from tests.helpers.random_net import random_net

RANDOM = random_net(np.random.default_rng(3))
WIRES = wiring(FACTORS)
FORCED = [f for f in FACTORS if f.direction]
BESIDE = len(RANDOM.embedding[-1].bias)  # inputs of every trunk layer whose weights are free
INPUTS = [input_names(FACTORS)[place] for place in WIRES.forced]


def graph_of(net: DenseNet) -> onnx.ModelProto:
    return onnx.load_from_string(onnx_bytes(net, {}))


@pytest.fixture(scope="module")
def graph() -> onnx.ModelProto:
    return graph_of(RANDOM)


def strongest(layer: Layer, units: list[int]) -> tuple[int, int]:
    """Row and column of the greatest weight whose sign must hold, of some units."""
    weights = np.abs(layer.weights[units])[:, BESIDE:]
    row, column = np.unravel_index(weights.argmax(), weights.shape)
    return units[row], BESIDE + int(column)


MOVER = {  # a factor that moves each forced feature
    "braking_share": "brake_pressure_bar",
    "film_share": "water_film_mm",
    "wetness": "water_film_mm",
    "expected_limit": "water_film_mm",
    "estimated_limit": "friction_estimate",
    "worn_grip": "water_film_mm",
}


def proven_in(graph: onnx.ModelProto, name: str) -> bool:
    """Whether the graph carries a forced factor the right way, or the factor that moves a forced feature."""
    factor = next(f for f in FORCED if f.name == MOVER.get(name, name))
    wanted = RISES if factor.direction > 0 else FALLS
    return not any(move & ~wanted for move in moves(graph, FACTORS, factor, ORDERED))


def sabotaged(net: DenseNet, part: int, row: int, column: int) -> DenseNet:
    trunk = list(net.trunk)
    weights = trunk[part].weights.copy()
    weights[row, column] *= -1
    trunk[part] = replace(trunk[part], weights=weights)
    return replace(net, trunk=tuple(trunk))


def with_constant(net: DenseNet, name: str, value: float) -> DenseNet:
    """The network with a constant of the features, or all of them under this name, replaced."""
    constants, names = net.constants.copy(), list(LAYOUT)
    start = sum(LAYOUT[n] for n in names[: names.index(name)])
    constants[start : start + LAYOUT[name]] = value
    return replace(net, constants=constants)


def spots() -> list[tuple[int, int, int]]:
    """Of each trunk layer, a weight whose sign must hold; in the last, one of a quantile and one of a correction."""
    last = len(RANDOM.trunk) - 1
    first = [(0, 5, BESIDE + j) for j in range(len(INPUTS))]
    later = [(i, *strongest(RANDOM.trunk[i], [*range(len(RANDOM.trunk[i].bias))])) for i in range(1, last)]
    quantile, correction = ([*ORDERED], [len(OUTPUTS)])
    return [*first, *later, *((last, *strongest(RANDOM.trunk[last], units)) for units in (quantile, correction))]


def test_a_network_monotone_by_construction_is_proven_so_in_arrays_and_onnx(graph):
    assert violations(RANDOM) == []
    for proof in (prove_monotone_onnx(RANDOM, graph), prove_same_arrays(RANDOM, graph)):
        assert proof.passed, proof.detail


@pytest.mark.parametrize("spot", spots(), ids=str)
def test_one_weight_of_the_wrong_sign_fails_the_proof_which_names_it(spot):
    part, row, column = spot
    net = sabotaged(RANDOM, *spot)
    assert any(f"trunk[{part}].weights[{row}, {column}]" in sentence for sentence in violations(net))
    changed = graph_of(net)
    assert not proven_in(changed, INPUTS[column - BESIDE] if part == 0 else "friction_estimate")
    found = prove_same_arrays(RANDOM, changed)
    assert not found.passed
    assert f"trunk[{part}].weights[{row}, {column}]" in found.detail


@pytest.mark.parametrize(("name", "index"), [("slopes", 1), ("brake_shares", 3), ("road_shares", 0)])
def test_a_head_of_the_wrong_sign_fails_both_proofs(name, index):
    numbers = getattr(RANDOM.head, name).copy()
    numbers[index] *= -1
    net = replace(RANDOM, head=replace(RANDOM.head, **{name: numbers}))
    assert any(f"head.{name}[{index}]" in sentence for sentence in violations(net))
    assert name == "road_shares" or not proven_in(graph_of(net), "brake_pressure_bar")  # the road does not move


@pytest.mark.parametrize("place", WIRES.forced, ids=INPUTS)
def test_a_spread_of_the_wrong_sign_fails_both_proofs(place):
    spread = RANDOM.inverse_spread.copy()
    spread[place] *= -1
    net = replace(RANDOM, inverse_spread=spread)
    assert any(f"inverse_spread[{place}] ({input_names(FACTORS)[place]})" in s for s in violations(net))
    assert not proven_in(graph_of(net), input_names(FACTORS)[place])


WRONG_CONSTANTS = {
    "fade_loss": (-0.25, "brake_temperature_c"),
    "force_per_bar": (-10.0, "brake_pressure_bar"),
    "climbing": (-9.0, "grade"),
    "drag": (-0.4, "headwind"),
    "wet_loss": (-0.3, "water_film_mm"),
    "worn_snow": (-0.05, "tread_depth_mm"),
    "sliding": (-0.001, "water_film_mm"),
}


@pytest.mark.parametrize("name", WRONG_CONSTANTS)
def test_a_formula_of_the_wrong_direction_fails_both_proofs(name):
    value, factor = WRONG_CONSTANTS[name]
    net = with_constant(RANDOM, name, value)
    assert any(f"with {factor}" in sentence for sentence in feature_violations(net))
    assert violations(net) != []
    assert not proven_in(graph_of(net), factor)


def test_a_free_feature_that_moves_with_a_forced_factor_fails_the_proof(monkeypatch):
    def tampered(c, x, known, a):
        found = compute(c, x, known, a)
        return found | {"grip": found["grip"] + x["grade"]}

    monkeypatch.setattr(feature_values, "compute", tampered)
    assert feature_violations(RANDOM) == ["grip must move one way with grade: is constant. Got: rises."]


def test_a_gated_feature_must_have_the_gate_of_what_moves_it(monkeypatch):
    def tampered(c, x, known, a):
        found = compute(c, x, known, a)
        return found | {"braking_share": found["braking_share"] + x["grade"]}

    monkeypatch.setattr(feature_values, "compute", tampered)
    assert any("braking_share must move one way with grade: is constant" in s for s in feature_violations(RANDOM))


def test_spans_of_the_features_hold_every_value_and_are_near():
    spans = feature_values.feature_spans(RANDOM)
    seen = values_of(FACTORS, RANDOM.constants, accepted_events(FACTORS, 20_000, np.random.default_rng(4)))
    assert spans.keys() == {f.name for f in FEATURES} | {*HEAD}
    for name, (low, high) in spans.items():
        assert low <= seen[name].min()
        assert seen[name].max() <= high
    assert spans["grip"][1] < 1.1 * seen["grip"].max(), "what all surfaces share is counted once"
    assert spans["road_limit"][0] > 0


@pytest.mark.parametrize("f", FORCED, ids=lambda f: f.name)
def test_features_move_in_the_events_as_the_cells_say(f):
    rng = np.random.default_rng(6)
    events = accepted_events(FACTORS, 4000, rng)
    names = column_names(FACTORS)
    if f.forced_while:
        events[:, names.index(f.forced_while)] = np.float32(1)
    low, high = np.sort(rng.uniform(f.low, f.high, (2, len(events))).astype(np.float32), axis=0)
    before, after = events.copy(), events.copy()
    before[:, names.index(f.name)], after[:, names.index(f.name)] = low, high
    cells = Cells(FACTORS, f.name)
    found = features(RANDOM.constants, cells.columns(), cells.known())
    one, other = (values_of(FACTORS, RANDOM.constants, columns) for columns in (before, after))
    for name, quantity in found.items():
        rose, fell = (one[name] < other[name]).any(), (one[name] > other[name]).any()
        move = int(np.bitwise_or.reduce(quantity.moves))
        assert not rose or move & RISES, name
        assert not fell or move & FALLS, name


def test_outside_the_domain_every_forced_factor_has_its_sign(monkeypatch):
    assert unsigned_outside(RANDOM) == {}
    monkeypatch.setattr(
        network_features,
        "_drained",
        lambda s, known, a: a.maximum(
            1 - a.where(known["water_film_mm"], s["water_film_mm"], 0.0),
            0.0,  # a worn tyre gains where the film is missing
        ),
    )
    assert [*unsigned_outside(RANDOM)] == ["tread_depth_mm"]
    (reason,) = unsigned_outside(RANDOM)["tread_depth_mm"]
    assert "without water_film_mm, worn_grip" in reason


def test_the_delay_may_move_any_way_and_any_weight_of_the_embedding_too():
    net = sabotaged(RANDOM, len(RANDOM.trunk) - 1, DELAY, BESIDE)
    assert violations(net) == []
    assert proven_in(graph_of(net), "friction_estimate")


@pytest.mark.parametrize("branch", [INSIDE, OUTSIDE])
@pytest.mark.parametrize("f", FORCED, ids=lambda f: f.name)
def test_the_graph_says_how_each_quantile_moves(f, branch, graph):
    wanted = RISES if f.direction > 0 else FALLS
    unproven = branch == OUTSIDE and f.name in unsigned_outside(RANDOM)
    found = moves(graph, FACTORS, f, ORDERED, branch)
    assert found == [RISES | FALLS if unproven else wanted] * len(ORDERED)


def test_a_factor_that_trunk_and_head_ignore_is_constant_in_the_graph():
    weights = RANDOM.trunk[0].weights.copy()
    weights[:, BESIDE:] = 0
    net = replace(RANDOM, trunk=(replace(RANDOM.trunk[0], weights=weights), *RANDOM.trunk[1:]))
    ignored = next(f for f in FORCED if f.estimate)  # all others move a value of the head or a free feature
    assert moves(graph_of(net), FACTORS, ignored, ORDERED) == [CONSTANT] * len(ORDERED)


def test_a_factor_that_enters_the_embedding_with_abs_is_not_proven_monotone():
    graph = graph_of(RANDOM)
    closing = next(n for n in graph.graph.node if n.op_type == "Sub" and n.output[0] in gated_inputs(graph))
    closing.op_type = "Add"  # pressure * (1 + abs) instead of pressure * (1 - abs)
    assert not proven_in(graph, "brake_temperature_c")


def gated_inputs(graph: onnx.ModelProto) -> set[str]:
    """Inputs of the product that is one of three parts of the embedding's inputs."""
    joined = [n for n in graph.graph.node if n.op_type == "Concat" and len(n.input) == 3]
    parts = {i for n in joined for i in n.input}
    return {i for n in graph.graph.node if n.op_type == "Mul" and n.output[0] in parts for i in n.input}


def test_an_operator_that_the_proof_does_not_know_ends_it():
    graph = graph_of(RANDOM)
    next(n for n in graph.graph.node if n.op_type == "Gemm").op_type = "Conv"
    found = prove_monotone_onnx(RANDOM, graph)
    assert not found.passed
    assert "operator Conv" in found.detail
    assert "not known" in found.detail


def branch_of(graph: onnx.ModelProto, name: str) -> onnx.GraphProto:
    choice = next(n for n in graph.graph.node if n.op_type == "If")
    return next(a.g for a in choice.attribute if a.name == name)


def test_an_answer_outside_the_domain_that_is_not_the_least_fails_the_proof():
    graph = graph_of(RANDOM)
    assert raised_outside(graph) == []
    branch = branch_of(graph, OUTSIDE)
    updates = {n.input[2] for n in branch.node if n.op_type == "ScatterElements"}
    next(n for n in branch.node if n.output[0] in updates).op_type = "Max"
    assert "must be at most" in raised_outside(graph)[0]
    assert not prove_monotone_onnx(RANDOM, graph).passed


def test_a_branch_for_other_events_than_those_outside_is_not_understood():
    graph = graph_of(RANDOM)
    rows = next(n for n in branch_of(graph, OUTSIDE).node if n.op_type == "NonZero")
    rows.input[0] = next(n.output[0] for n in graph.graph.node if n.op_type == "Not")
    found = prove_monotone_onnx(RANDOM, graph)
    assert not found.passed
    assert "must list the events" in found.detail


def test_a_difference_that_is_not_the_rounded_minimum_is_not_proven():
    graph = graph_of(RANDOM)
    zero = next(t for t in graph.graph.initializer if onnx.numpy_helper.to_array(t).tolist() == [0.5])
    zero.CopyFrom(onnx.numpy_helper.from_array(np.array([3.0], np.float32), zero.name))  # slope 3 of the rectifier
    assert not proven_in(graph, "friction_estimate")


def test_names_in_the_graph_mean_nothing():
    graph = graph_of(RANDOM)
    renamed = {t.name: f"x{i}" for i, t in enumerate(graph.graph.initializer)}
    for tensor in graph.graph.initializer:
        tensor.name = renamed[tensor.name]
    for node in (*graph.graph.node, *branch_of(graph, OUTSIDE).node):
        node.input[:] = [renamed.get(name, name) for name in node.input]
    assert proven_in(graph, "friction_estimate")


def test_a_constant_changed_beside_the_layers_is_found(graph):
    for net in (replace(RANDOM, center=RANDOM.center + np.float32(1)), with_constant(RANDOM, "rolling", 0.5)):
        found = prove_same_arrays(RANDOM, graph_of(net))
        assert not found.passed
        assert "initializer" in found.detail


@pytest.mark.parametrize("key", ["fingerprint", "graph_sha256"])
def test_metadata_of_another_network_fail_the_proof_that_the_onnx_file_holds_the_arrays(key):
    graph = graph_of(RANDOM)
    next(entry for entry in graph.metadata_props if entry.key == key).value = "0" * 64
    found = prove_same_arrays(RANDOM, graph)
    assert not found.passed
    assert f"the metadata {key} must be" in found.detail
