"""What is proven of a network holds, and what does not hold is not proven."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import COMPACT, ORDINARY, stopped

from acc_decel.assurance import ProvenModel
from acc_decel.assurance.envelope import domain_events, max_deceleration, same_vehicle
from acc_decel.assurance.output_ranges import Extreme
from acc_decel.assurance.proofs import Range, prove_clamp, prove_envelope
from acc_decel.cli import main
from acc_decel.dataset import events_table
from acc_decel.export import write_model
from acc_decel.factors import FACTORS, column_names
from acc_decel.model_folder import read_model
from acc_decel.network import DenseNet
from acc_decel.outputs import DELAY, OUTPUTS
from acc_decel.physics import LATENTS, Vehicle, vehicle_from
from tests.helpers.random_net import random_net

RANDOM = random_net(np.random.default_rng(3))
PRESSURE = next(f for f in FACTORS if f.name == "brake_pressure_bar")
COUNT = len(OUTPUTS)


@pytest.fixture
def quick(monkeypatch):
    """Little time for the random search: what is tested here is what becomes of the verdicts."""
    monkeypatch.setattr("acc_decel.assurance.witness.STARTS", 500)
    monkeypatch.setattr("acc_decel.assurance.witness.STEPS", 2)
    monkeypatch.setattr("acc_decel.assurance.envelope.EVENTS", 200)


def sabotaged(net: DenseNet) -> DenseNet:
    """The network with a weight of the wrong sign."""
    slopes = net.head.slopes.copy()
    slopes[0] *= -1
    return replace(net, head=replace(net.head, slopes=slopes))


def limited(net: DenseNet, low: float, high: float) -> DenseNet:
    return replace(net, low=np.full(COUNT, low, np.float32), high=np.full(COUNT, high, np.float32))


def ranges_of(net: DenseNet, bound: float, attained: float = 0.0) -> list[Range]:
    """A range of each output, from -bound to bound."""
    nothing = np.zeros(1, np.float32)
    limits = zip(net.low.tolist(), net.high.tolist(), strict=True)
    ends = [[Extreme(i, sign, sign * bound, sign * attained, nothing) for sign in (-1, 1)] for i in range(COUNT)]
    return [Range(*pair, 0.0, limit) for pair, limit in zip(ends, limits, strict=True)]


def proven(net: DenseNet, vehicle: Vehicle | None = COMPACT) -> ProvenModel:
    return ProvenModel(Path(), net, onnx.ModelProto(), vehicle)


@pytest.mark.parametrize(("limit", "idle"), [(1e3, True), (0.1, False)])
def test_a_clamp_out_of_reach_is_idle_and_one_in_reach_is_not(limit, idle):
    net = limited(RANDOM, -limit, limit)
    found = prove_clamp(proven(net, None), ranges_of(net, 50.0))
    assert found.passed is (True if idle else None)
    assert found.figures["idle on the whole box"] is idle


@pytest.mark.parametrize(("limit", "passed"), [(1e3, True), (0.1, False)])
def test_a_clamp_that_acts_on_events_of_the_trained_domain_fails(limit, passed, quick):
    net = limited(random_net(np.random.default_rng(3), COMPACT.factors), -limit, limit)
    found = prove_clamp(proven(net), ranges_of(net, 1e6))
    assert found.passed is passed
    assert (max(found.figures["clamped"].values()) == 0) is passed


def test_the_clamp_of_the_delay_is_meant_to_act(quick):
    net = limited(random_net(np.random.default_rng(3), COMPACT.factors), -1e3, 1e3)
    net.low[DELAY], net.high[DELAY] = 5.0, 6.0
    found = prove_clamp(proven(net), ranges_of(net, 1e6))
    assert found.passed
    assert found.figures["clamped"]["delay"] > 0.5
    assert "in delay, where it is meant to" in found.detail


@pytest.mark.parametrize(("bound", "limit", "passed"), [(1e6, 18.0, True), (1e6, 1e3, False), (15.0, 1e3, True)])
def test_the_envelope_holds_for_answers_by_the_clamp_or_before_it(bound, limit, passed):
    net = limited(RANDOM, -limit, limit)
    found = prove_envelope(proven(net), ranges_of(net, bound, 10.0))
    assert found.passed is passed
    assert found.figures["proven"] == min(bound, limit)


def test_a_range_says_how_wide_its_answers_are_beside_the_attained_ones():
    net = limited(RANDOM, -4.0, 16.0)
    (of_output, *_) = ranges_of(net, 100.0, 10.0)
    assert of_output.answers == (-4.0, 16.0)
    assert of_output.times_attained == 20 / 14


def test_the_clamp_is_watched_on_events_that_training_would_draw():
    table = events_table(COMPACT, seed=99, first=0, events=2000)
    for i, column in enumerate(domain_events(COMPACT, 2000, seed=99).T):
        np.testing.assert_array_equal(column, table[column_names()[i]].to_numpy(), err_msg=column_names()[i])


SAIL = vehicle_from(asdict(COMPACT) | {"trailer": {"mass": 50.0, "braked_share": 1.0, "drag_area": 10.0}})


@pytest.mark.parametrize("car", [COMPACT, SAIL], ids=["alone", "towing a sail"])
def test_no_stop_of_the_physics_beats_the_physical_envelope(car):
    factors = {f.name: f for f in car.factors}
    best = {"grade": factors["grade"].high, "headwind": factors["headwind"].high, "mass": factors["mass"].low}
    best |= {"tread_depth_mm": factors["tread_depth_mm"].low, "brake_pressure_bar": PRESSURE.high}
    cases = [ORDINARY | best | {"speed": v, "road_temperature_c": 20.0} for v in (5.0, 20.0, 40.0, 70.0)]
    limit = max_deceleration(car)["total"]
    typical = {latent.name: 0.0 for latent in LATENTS}
    for scores in (0.0, 2.0):
        lucky = {"surface_score": scores, "tyre_score": scores, "gust_score": scores, "pad_score": scores}
        assert (stopped(*cases, car=car, latents=typical | lucky)["deceleration"] < limit).all()


def test_the_physical_envelope_is_one_of_a_road_car():
    assert 15 < max_deceleration(COMPACT)["total"] < 25


def test_a_trailer_that_the_car_must_brake_makes_the_drag_count_less():
    drag = {share: max_deceleration(with_trailer(share))["drag"] for share in (0.0, 1.0)}
    assert drag[0.0] < max_deceleration(COMPACT)["drag"] == drag[1.0]


def with_trailer(braked_share: float) -> Vehicle:
    trailer = {"mass": 1000.0, "braked_share": braked_share, "drag_area": 0.0}
    return vehicle_from(asdict(COMPACT) | {"trailer": trailer})


def test_another_vehicle_is_not_the_same():
    assert same_vehicle(COMPACT, COMPACT.digest)
    assert not same_vehicle(COMPACT, "")


def written(net: DenseNet, folder: Path) -> Path:
    write_model(folder, net, vehicle="nobody's", dataset={}, training={}, metrics={})
    return folder


def verified(monkeypatch, capsys, *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["acc-decel", "verify", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


@pytest.mark.slow
def test_verify_prints_every_proof_and_writes_the_report(tmp_path, monkeypatch, capsys, quick):
    folder = written(limited(RANDOM, -1e6, 1e6), tmp_path)
    code, out, _ = verified(monkeypatch, capsys, str(folder), "--json", "--write")
    told = json.loads(out)
    assert code == 0
    assert told["passed"] is True
    assert {"name", "passed", "seconds"} <= set(told["proofs"][0])
    names = [proof["name"] for proof in told["proofs"]]
    assert [f"range of {name}" for name in OUTPUTS] == [name for name in names if name.startswith("range")]
    report = json.loads((folder / "proof.json").read_text())
    assert [proof["name"] for proof in report["proofs"]] == names
    assert "seconds" not in report["proofs"][0]
    assert {"bound", "attained", "gap", "witness"} <= set(report["proofs"][names.index("range of delay")]["least"])
    read_model(folder)  # the report is no part of the manifest


@pytest.mark.slow
def test_verify_fails_for_a_sabotaged_weight(tmp_path, monkeypatch, capsys, quick):
    folder = written(sabotaged(RANDOM), tmp_path)
    code, out, _ = verified(monkeypatch, capsys, str(folder))
    assert code == 1
    assert "FAILED" in out
    assert not (folder / "proof.json").exists()


@pytest.mark.parametrize("name", ["network.npz", "model.onnx", "metrics.json"])
def test_verify_refuses_a_folder_with_a_changed_file(name, tmp_path, monkeypatch, capsys):
    folder = written(RANDOM, tmp_path)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    code, out, err = verified(monkeypatch, capsys, str(folder))
    assert code == 2
    assert out == ""
    assert name in err
    assert "Error:" in err
