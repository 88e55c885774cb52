"""What can be proven of a model, each proof a function of its files, and the report of them all: proof.json.

A proof passes, fails, or, where what it needs is not there, says that it was not made. None is made by trying inputs;
where events are drawn, the text says so. Methods and sources: `monotone_arrays.py`, `monotone_graph.py`, `ranges.py`.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import onnx
from jaxtyping import Float
from numpy import ndarray

from acc_decel.assurance import envelope, monotone_arrays, monotone_graph
from acc_decel.assurance.linear_program import OPTIMAL
from acc_decel.assurance.onnx_arrays import differences
from acc_decel.assurance.ranges import Extreme, Sums, extreme, ranks, sums, unclamped
from acc_decel.assurance.rounding import in_real_arithmetic, rounding_errors
from acc_decel.assurance.witness import accepted_events
from acc_decel.export.exportable import check_exportable
from acc_decel.factors import column_names
from acc_decel.files import atomic_write
from acc_decel.model_folder import ARRAYS, MANIFEST, ONNX, PROOF, read_model
from acc_decel.network import DenseNet
from acc_decel.outputs import ORDERED, OUTPUTS
from acc_decel.physics import Vehicle

SHOWN = 3  # violations that are told one by one
NARROWING = 1 / 20  # of the time for one extreme, for each end of each hidden unit's sum
DIGITS = 6  # of the figures in proof.json
CHECKED = 2000  # events on which the rounding allowance is tried


@dataclass(frozen=True)
class Proof:
    """One statement about a model: proven, refuted, or not made (None); why; and the figures behind it."""

    name: str
    passed: bool | None
    detail: str
    figures: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class ProvenModel:
    """The files of a model as the proofs see them; `vehicle` is None where it is not known here."""

    folder: Path
    net: DenseNet
    graph: onnx.ModelProto
    vehicle: Vehicle | None


@dataclass(frozen=True)
class Range:
    """Proven least and greatest value of one output over the accepted box, before the last clamp.

    `low` and `high` hold for float32: the bounds of real arithmetic, each further out by `rounding`.
    """

    least: Extreme
    greatest: Extreme
    rounding: float

    @property
    def low(self) -> float:
        """No accepted event gives less."""
        return self.least.bound - self.rounding

    @property
    def high(self) -> float:
        """No accepted event gives more."""
        return self.greatest.bound + self.rounding


def open_model(folder: Path, vehicle: Vehicle | None) -> ProvenModel:
    """The model in `folder`. Raises ValueError naming a file that lacks or is not as the manifest says.

    `vehicle` counts only if it is the one that the model was trained for, to the digit.
    """
    net, told = read_model(folder)
    noted = told.get("dataset")
    digest = str(noted.get("vehicle_sha256", "")) if isinstance(noted, dict) else ""
    same = vehicle is not None and envelope.same_vehicle(vehicle, digest)
    return ProvenModel(folder, net, onnx.load(folder / ONNX), vehicle if same else None)


def prove(model: ProvenModel, *, seconds: float, on_proof: Callable[[str], None] = lambda _: None) -> Iterator[Proof]:
    """Every proof of a model, each as soon as it is made; `on_proof` is told the name of the next.

    `seconds` is what the solver may take for each extreme of each output.
    """
    net = model.net
    for name, one_proof in (
        ("files", lambda: prove_files(model)),
        ("finite arithmetic", lambda: prove_finite(net)),
        ("monotone arrays", lambda: prove_monotone(net)),
        ("monotone ONNX", lambda: prove_monotone_onnx(net, model.graph)),
        ("ONNX holds the arrays", lambda: prove_same_arrays(net, model.graph)),
    ):
        yield _prove_timed(name, one_proof, on_proof)
    if not prove_finite(net).passed:  # without bounds there are no ranges
        return
    bounds: list[Sums] = []
    yield _prove_timed("rounding", lambda: prove_rounding(net, bounds, seconds), on_proof)
    ranges: list[Range] = []
    for i, name in enumerate(OUTPUTS):
        yield _prove_timed(
            f"range of {name}", partial(prove_output_range, net, tuple(bounds), i, seconds, ranges), on_proof
        )
    yield _prove_timed("clamp", lambda: prove_clamp(model, ranges), on_proof)
    yield _prove_timed("physical envelope", lambda: prove_envelope(model, ranges), on_proof)


def _prove_timed(name: str, one_proof: Callable[[], Proof], on_proof: Callable[[str], None]) -> Proof:
    on_proof(name)
    start = perf_counter()
    found = one_proof()
    return replace(found, name=name, seconds=perf_counter() - start)


def prove_files(model: ProvenModel) -> Proof:
    """Every file of the manifest has its hash: `opened` has refused all else."""
    hashes = json.loads((model.folder / MANIFEST).read_text())["sha256"]
    return Proof("files", True, f"{', '.join(hashes)} have the hashes of {MANIFEST}")


def prove_finite(net: DenseNet) -> Proof:
    """No accepted input overflows or gives NaN: bounds of the magnitudes, layer by layer."""
    try:
        check_exportable(net)
    except ValueError as error:
        return Proof("finite arithmetic", False, str(error))
    return Proof("finite arithmetic", True, "no sum leaves float32 and none is NaN, for any accepted input")


def prove_monotone(net: DenseNet) -> Proof:
    """The signs of the arrays make every quantile monotone in every forced factor."""
    found = monotone_arrays.violations(net)
    forced = [f.name for f in net.factors if f.direction]
    figures = {"forced": forced, "violations": found}
    if found:
        return Proof("monotone arrays", False, _first_sentences(found), figures)
    return Proof("monotone arrays", True, f"every quantile is monotone in {', '.join(forced)}: all signs hold", figures)


def prove_monotone_onnx(net: DenseNet, graph: onnx.ModelProto) -> Proof:
    """The same, followed through the ONNX graph, operator by operator."""
    wrong: list[str] = []
    for factor in net.factors:
        if not factor.direction:
            continue
        allowed = monotone_graph.RISES if factor.direction > 0 else monotone_graph.FALLS
        try:
            moves = monotone_graph.moves(graph, net.factors, factor, ORDERED)
        except monotone_graph.NotUnderstood as error:
            return Proof("monotone ONNX", False, str(error), {"violations": [str(error)]})
        wrong += [
            f"output {i} must move one way with {factor.name}: {monotone_graph.WORDS[allowed]}. "
            f"Got: {monotone_graph.WORDS[move]}."
            for i, move in zip(ORDERED, moves, strict=True)
            if move & ~allowed
        ]
    text = _first_sentences(wrong) if wrong else "the graph carries every forced factor to every quantile the right way"
    return Proof("monotone ONNX", not wrong, text, {"violations": wrong})


def prove_same_arrays(net: DenseNet, graph: onnx.ModelProto) -> Proof:
    """The ONNX file holds the arrays, bit for bit, in the graph that they are exported to."""
    found = differences(graph, net)
    text = (
        _first_sentences(found) if found else f"{net.weights} weights and every other constant are the same to the bit"
    )
    return Proof("ONNX holds the arrays", not found, text, {"violations": found})


def prove_rounding(net: DenseNet, bounds: list[Sums], seconds: float) -> Proof:
    """How far float32 may be from real arithmetic; fills `bounds`, those of all sums, on the way.

    Tried on random events: there the real network must be as near to real arithmetic as proven.
    """
    bounds += sums(net, seconds=seconds * NARROWING)
    allowed = _rounding(net, bounds)
    events = accepted_events(net.factors, CHECKED, np.random.default_rng(1))
    apart = np.abs(_ordered(net, in_real_arithmetic(net, events)) - unclamped(net)(events)).max(axis=0)
    figures = {"allowed": _by_output(allowed), "seen": _by_output(apart), "events": CHECKED}
    text = f"float32 is within {allowed.max():.2g} of real arithmetic in every output; {apart.max():.1g} seen"
    return Proof("rounding", bool((apart <= allowed).all()), text, figures)


def prove_output_range(
    net: DenseNet, bounds: tuple[Sums, ...], output: int, seconds: float, ranges: list[Range]
) -> Proof:
    """Least and greatest value of one output over the accepted box, appended to `ranges`.

    Passes if the bounds are finite and not passed by what the real network gives; exact only if both solvers say so.
    """
    least, greatest = (extreme(net, bounds, output, sign, seconds=seconds) for sign in (-1, 1))
    found = Range(least, greatest, float(_rounding(net, bounds)[output]))
    ranges.append(found)
    sound = found.low <= least.attained and greatest.attained <= found.high
    exact = all(e.status == OPTIMAL for e in (least, greatest))
    gap = max(least.gap, greatest.gap)
    text = f"before the clamp {found.low:.2f} to {found.high:.2f} proven, "
    text += f"{least.attained:.2f} to {greatest.attained:.2f} attained; "
    text += "exact up to rounding" if exact else f"not exact in the time given, gap {gap:.2g}"
    figures = {
        "rounding": found.rounding,
        "least": _extreme_record(net, least),
        "greatest": _extreme_record(net, greatest),
    }
    return Proof("range", bool(sound and np.isfinite([found.low, found.high]).all()), text, figures)


def prove_clamp(model: ProvenModel, ranges: list[Range]) -> Proof:
    """Whether the last clamp is ever needed: proven not to be, or how often it is within the trained domain.

    Passes if it is proven to be idle on the whole accepted box, or idle on all events of the trained domain.
    """
    limits = _limits(model.net)
    idle = [low <= r.low and r.high <= high for r, (low, high) in zip(ranges, limits, strict=True)]
    needed = [name for name, unneeded in zip(OUTPUTS, idle, strict=True) if not unneeded]
    figures: dict[str, Any] = {"idle on the whole box": not needed, "outputs that may reach it": needed}
    if not needed:
        return Proof(
            "clamp", True, "the outputs stay within the clamp by themselves, for every accepted input", figures
        )
    text = f"not proven idle on the whole accepted box for {', '.join(needed)}"
    if model.vehicle is None:
        return Proof("clamp", None, f"{text}; {UNKNOWN_VEHICLE}", figures)
    events = envelope.domain_events(model.vehicle, envelope.EVENTS)
    share = envelope.clamped_share(model.net, events)
    figures |= {"events": len(events), "clamped": share}
    return Proof("clamp", share == 0, f"{text}; it acts on {share:.3%} of {len(events)} events as trained", figures)


def prove_envelope(model: ProvenModel, ranges: list[Range]) -> Proof:
    """No answer, clamped, above what friction, grade, drag and load sensitivity of the vehicle allow at most."""
    if model.vehicle is None:
        return Proof("physical envelope", None, f"not checked: {UNKNOWN_VEHICLE}")
    order = [-1 if rank is None else rank for rank in ranks(model.net)]
    top = order.index(max(order))
    limit = envelope.greatest_deceleration(model.vehicle)
    highest = max(float(high) for high, rank in zip(model.net.high, order, strict=True) if rank >= 0)
    clamped = min(ranges[top].high, highest)
    attained = ranges[top].greatest.attained
    text = (
        f"answers stay below {clamped:.2f} m/s^2, the physics allows {limit['total']:.2f}; "
        f"before the clamp {ranges[top].high:.2f} is proven and {attained:.2f} attained"
    )
    figures = {"limit": limit, "proven": clamped, "before the clamp": ranges[top].high, "attained": attained}
    return Proof("physical envelope", clamped <= limit["total"], text, figures)


def write_report(model: ProvenModel, found: list[Proof]) -> Path:
    """Write proof.json into the model's folder: every proof without its time, and the hashes of what it is about.

    The same model gives the same bytes, unless a solver ran out of time, which its status then says.
    """
    hashes = {name: hashlib.sha256((model.folder / name).read_bytes()).hexdigest() for name in (ARRAYS, ONNX)}
    told = {"passed": passed(found), "sha256": hashes, "proofs": [_report(proof) for proof in found]}
    path = model.folder / PROOF
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(told, indent=1) + "\n")
    return path


def passed(found: list[Proof]) -> bool:
    """Whether no proof failed; one that was not made does not count."""
    return all(proof.passed is not False for proof in found)


def _report(proof: Proof) -> dict[str, Any]:
    return {"name": proof.name, "passed": proof.passed, "detail": proof.detail, **_rounded(proof.figures)}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_rounded(entry) for entry in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _rounding(net: DenseNet, bounds: Sequence[Sums]) -> Float[ndarray, " outputs"]:
    """The allowance of each output: ordered outputs get the greatest of theirs."""
    each = rounding_errors(net, [b.low for b in bounds], [b.high for b in bounds])
    ordered = np.array([rank is not None for rank in ranks(net)])
    return np.where(ordered, each[ordered].max(initial=0), each)


def _limits(net: DenseNet) -> list[tuple[float, float]]:
    """Where the last clamp leaves each output alone: of ordered ones, within the limits of all of them."""
    ordered = [rank is not None for rank in ranks(net)]
    least, most = net.low[ordered].max(initial=-np.inf), net.high[ordered].min(initial=np.inf)
    own = zip(ordered, net.low, net.high, strict=True)
    return [(float(least), float(most)) if in_order else (float(low), float(high)) for in_order, low, high in own]


def _ordered(net: DenseNet, raw: Float[ndarray, "rows outputs"]) -> Float[ndarray, "rows outputs"]:
    order = ranks(net)
    group = [i for i, rank in enumerate(order) if rank is not None]
    by_rank = np.sort(raw[:, group], axis=1)
    return np.stack([raw[:, i] if rank is None else by_rank[:, rank] for i, rank in enumerate(order)], axis=1)


def _by_output(values: ndarray) -> dict[str, float]:
    return dict(zip(OUTPUTS, values.tolist(), strict=True))


def _extreme_record(net: DenseNet, e: Extreme) -> dict[str, Any]:
    """An extreme for the report; what lacks in the witness is left out."""
    names = column_names(net.factors)
    witness = {n: float(v) for n, v in zip(names, e.witness, strict=True) if not np.isnan(v)}
    figures = {"bound": e.bound, "attained": e.attained, "gap": e.gap}
    return figures | {"solver": e.status, "nodes": e.nodes, "witness": witness}


def _first_sentences(sentences: list[str]) -> str:
    more = f" And {len(sentences) - SHOWN} more." if len(sentences) > SHOWN else ""
    return " ".join(sentences[:SHOWN]) + more


UNKNOWN_VEHICLE = "the vehicle that it was trained for is not shipped: give its file with --vehicle"
