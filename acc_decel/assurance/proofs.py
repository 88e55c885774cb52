"""The proofs of a model, each a function of its files, and the report of all of them: proof.json.

A proof passes, fails, or is not made because something is missing; the report says which. No proof relies on tested
inputs; where events are drawn, the text says so. Methods and sources: `monotone_arrays.py`, `monotone_graph.py`,
`ranges.py`.
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
from numpy import ndarray

from acc_decel.assurance import envelope, monotone_arrays, monotone_graph, moving_values
from acc_decel.assurance.monotone_features import unsigned_outside
from acc_decel.assurance.onnx_arrays import differences
from acc_decel.assurance.output_ranges import Extreme, extreme, proven_ends
from acc_decel.assurance.ranges import Sums, sums, unclamped
from acc_decel.assurance.rounding import in_real_arithmetic, reversal, rounding_errors
from acc_decel.assurance.witness import accepted_events
from acc_decel.export.exportable import check_exportable
from acc_decel.factors import Factor, column_names
from acc_decel.files import atomic_write
from acc_decel.model_folder import ARRAYS, MANIFEST, ONNX, PROOF, read_model
from acc_decel.network import DenseNet
from acc_decel.outputs import ORDERED, QUANTILES, RESERVE
from acc_decel.physics import Vehicle

MAX_SHOWN = 3  # violations that are listed one by one
SIGNIFICANT_DIGITS = 6  # of the figures in proof.json
CHECKED_EVENTS = 2000  # on which the bound of the rounding errors is checked


@dataclass(frozen=True)
class Proof:
    """One statement about a model: whether it is proven (None: not made), why, and the figures behind it."""

    name: str
    passed: bool | None
    detail: str
    figures: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class ProvenModel:
    """The files of a model as read for the proofs; `vehicle` is None if it is not known."""

    folder: Path
    net: DenseNet
    graph: onnx.ModelProto
    vehicle: Vehicle | None


@dataclass(frozen=True)
class Range:
    """Proven minimum and maximum of one output over the accepted box, before the last clamp and behind it.

    `low` and `high` hold for float32: the bounds of real arithmetic, widened by `rounding`. `limits` are the clamp.
    """

    minimum: Extreme
    maximum: Extreme
    rounding: float
    limits: tuple[float, float]

    @property
    def low(self) -> float:
        """No accepted event gives less, before the clamp."""
        return self.minimum.bound - self.rounding

    @property
    def high(self) -> float:
        """No accepted event gives more, before the clamp."""
        return self.maximum.bound + self.rounding

    @property
    def answers(self) -> tuple[float, float]:
        """No answer is beyond these."""
        low, high = np.clip([self.low, self.high], *self.limits)
        return float(low), float(high)

    @property
    def times_attained(self) -> float:
        """How many times as wide as the attained answers the proven ones are."""
        low, high = np.clip([self.minimum.attained, self.maximum.attained], *self.limits)
        return float(np.diff(self.answers)[0] / (high - low)) if high > low else float("inf")


def open_model(folder: Path, vehicle: Vehicle | None) -> ProvenModel:
    """The model in `folder`. Raises ValueError naming a file that is missing or does not match the manifest.

    `vehicle` is used only if it is exactly the one that the model was trained for.
    """
    net, metrics = read_model(folder)
    dataset = metrics.get("dataset")
    digest = str(dataset.get("vehicle_sha256", "")) if isinstance(dataset, dict) else ""
    same = vehicle is not None and envelope.same_vehicle(vehicle, digest)
    return ProvenModel(folder, net, onnx.load(folder / ONNX), vehicle if same else None)


def prove(model: ProvenModel, *, on_proof: Callable[[str], None] = lambda _: None) -> Iterator[Proof]:
    """Every proof of a model, each as soon as it is made; `on_proof` is called with the name of the next."""
    net = model.net
    bounds: list[Sums] = []
    for name, make_proof in (
        ("files", lambda: prove_files(model)),
        ("finite arithmetic", lambda: prove_finite(net)),
        ("ONNX holds the arrays", lambda: prove_same_arrays(net, model.graph)),
    ):
        yield _make_timed(name, make_proof, on_proof)
    if not prove_finite(net).passed:  # the others need finite bounds
        return
    for name, make_proof in (
        ("rounding", lambda: prove_rounding(net, bounds)),
        ("monotone arrays", lambda: prove_monotone(net, bounds)),
        ("monotone ONNX", lambda: prove_monotone_onnx(net, model.graph)),
    ):
        yield _make_timed(name, make_proof, on_proof)
    ranges: list[Range] = []
    for i, name in enumerate(net.outputs):
        yield _make_timed(f"range of {name}", partial(prove_output_range, net, bounds, i, ranges), on_proof)
    yield _make_timed("clamp", lambda: prove_clamp(model, ranges), on_proof)
    yield _make_timed("physical envelope", lambda: prove_envelope(model, ranges), on_proof)


def _make_timed(name: str, make_proof: Callable[[], Proof], on_proof: Callable[[str], None]) -> Proof:
    on_proof(name)
    start = perf_counter()
    proof = make_proof()
    return replace(proof, name=name, seconds=perf_counter() - start)


def prove_files(model: ProvenModel) -> Proof:
    """Every file of the manifest has its hash: `open_model` has refused anything else."""
    hashes = json.loads((model.folder / MANIFEST).read_text())["sha256"]
    return Proof("files", True, f"{', '.join(hashes)} have the hashes of {MANIFEST}")


def prove_finite(net: DenseNet) -> Proof:
    """No accepted input overflows or gives NaN: the magnitudes are bounded layer by layer."""
    try:
        check_exportable(net)
    except ValueError as error:
        return Proof("finite arithmetic", False, str(error))
    return Proof("finite arithmetic", True, "no sum leaves float32 and none is NaN, for any accepted input")


def prove_monotone(net: DenseNet, bounds: Sequence[Sums]) -> Proof:
    """The formulas of the features and the signs of the arrays make every quantile monotone in every forced factor."""
    violations = monotone_arrays.violations(net)
    forced = [
        f.name + (f" while {f.forced_while} is at least 1" if f.forced_while else "")
        for f in net.factors
        if f.direction
    ]
    figures: dict[str, Any] = {"forced": forced, "violations": violations}
    if violations:
        return Proof("monotone arrays", False, _first_sentences(violations), figures)
    figures |= {"reversal": reversal(net, bounds), "unsigned outside the domain": unsigned_outside(net)}
    text = f"every quantile is monotone in {', '.join(forced)}: all signs hold, but for at most "
    text += f"{figures['reversal']:.1g} m/s^2 of rounding, between two events both inside or both outside the trained "
    text += "domain; an event outside it gets at most the answer of the network"
    if unsigned := figures["unsigned outside the domain"]:
        text += f"; outside it not proven for {', '.join(unsigned)}"
    return Proof("monotone arrays", True, text, figures)


def prove_monotone_onnx(net: DenseNet, graph: onnx.ModelProto) -> Proof:
    """The same for the ONNX graph, operator by operator, inside and outside the trained domain."""
    unsigned = unsigned_outside(net)
    try:
        violations = monotone_graph.raised_outside(graph)
        for factor in (f for f in net.factors if f.direction):
            violations += _wrong_moves(net, graph, factor, monotone_graph.INSIDE)
            if factor.name not in unsigned:
                violations += _wrong_moves(net, graph, factor, monotone_graph.OUTSIDE)
    except monotone_graph.NotUnderstood as error:
        violations = [str(error)]
    text = (
        "the graph carries every forced factor to every quantile the right way, inside and outside the trained domain"
    )
    text += f", but {', '.join(unsigned)} only inside" if unsigned else ""
    if violations:
        text = _first_sentences(violations)
    return Proof("monotone ONNX", not violations, text, {"violations": violations})


def _wrong_moves(net: DenseNet, graph: onnx.ModelProto, factor: Factor, branch: str) -> list[str]:
    ways = moving_values.RISES, moving_values.FALLS
    with_deceleration, against = ways if factor.direction > 0 else ways[::-1]
    allowed = dict.fromkeys(ORDERED, with_deceleration) | ({RESERVE: against} if net.reserve else {})
    found = monotone_graph.moves(graph, net.factors, factor, tuple(allowed), branch)
    return [
        f"output {i} must move one way with {factor.name}: {moving_values.WORDS[way]}. "
        f"Got: {moving_values.WORDS[move]}."
        for (i, way), move in zip(allowed.items(), found, strict=True)
        if move & ~way
    ]


def prove_same_arrays(net: DenseNet, graph: onnx.ModelProto) -> Proof:
    """The ONNX file holds the arrays, bit for bit, in the graph that they are exported to."""
    violations = differences(graph, net)
    text = f"{net.weights} weights and every other constant are the same to the bit"
    if violations:
        text = _first_sentences(violations)
    return Proof("ONNX holds the arrays", not violations, text, {"violations": violations})


def prove_rounding(net: DenseNet, bounds: list[Sums]) -> Proof:
    """How far float32 may be from real arithmetic. Also fills `bounds`, those of all sums.

    Checked on random events: there the real network must be as close to real arithmetic as proven.
    """
    bounds += sums(net)
    allowed = rounding_errors(net, bounds)
    events = accepted_events(net.factors, CHECKED_EVENTS, np.random.default_rng(1))
    differs = np.abs(in_real_arithmetic(net, events) - unclamped(net)(events)).max(axis=0)
    figures = {
        "allowed": _by_output(net, allowed),
        "seen": _by_output(net, differs),
        "events": CHECKED_EVENTS,
    }
    text = f"float32 is within {allowed.max():.2g} of real arithmetic in every output; {differs.max():.1g} seen"
    return Proof("rounding", bool((differs <= allowed).all()), text, figures)


def prove_output_range(net: DenseNet, bounds: Sequence[Sums], output: int, ranges: list[Range]) -> Proof:
    """Minimum and maximum of one output over the accepted box, appended to `ranges`.

    Passes if the bounds are finite and no answer of the real network exceeds them.
    """
    low, high = (
        extreme(net, float(end[output]), output, sign)
        for sign, end in zip((-1, 1), proven_ends(net, bounds[-1]), strict=True)
    )
    limits = float(net.low[output]), float(net.high[output])
    proven = Range(low, high, float(rounding_errors(net, bounds)[output]), limits)
    ranges.append(proven)
    sound = proven.low <= low.attained and high.attained <= proven.high
    text = "answers {:.2f} to {:.2f} proven, ".format(*proven.answers)
    text += "{:.2f} to {:.2f} attained; ".format(*np.clip([low.attained, high.attained], *limits))
    text += f"before the clamp {proven.low:.2f} to {proven.high:.2f} proven"
    figures = {
        "rounding": proven.rounding,
        "answers": list(proven.answers),
        "times attained": proven.times_attained,
        "least": _extreme_record(net, low),
        "greatest": _extreme_record(net, high),
    }
    return Proof("range", bool(sound and np.isfinite([proven.low, proven.high]).all()), text, figures)


def prove_clamp(model: ProvenModel, ranges: list[Range]) -> Proof:
    """Whether the last clamp is ever needed, by proof, or else how often on events of the trained domain, by output.

    Passes if the clamp of every quantile is proven idle on the whole accepted box, or is idle on all events of the
    trained domain. That of the delay is meant to act where a simulated car slows faster at first than on the whole.
    """
    idle = [r.limits[0] <= r.low and r.high <= r.limits[1] for r in ranges]
    needed = [name for name, is_idle in zip(model.net.outputs, idle, strict=True) if not is_idle]
    figures: dict[str, Any] = {"idle on the whole box": not needed, "outputs that may reach it": needed}
    if not needed:
        return Proof(
            "clamp", True, "the outputs stay within the clamp by themselves, for every accepted input", figures
        )
    text = f"not proven idle on the whole accepted box for {', '.join(needed)}"
    if model.vehicle is None:
        passes = None if set(needed) & set(QUANTILES) else True
        return Proof("clamp", passes, f"{text}; {UNKNOWN_VEHICLE}", figures)
    events = envelope.domain_events(model.vehicle, envelope.EVENTS)
    shares = envelope.clamped_shares(model.net, events)
    figures |= {"events": len(events), "clamped": shares}
    quantiles = max(shares[name] for name in QUANTILES)
    text += f"; of {len(events)} events as trained it acts on {quantiles:.3%} in the quantiles, and on "
    text += "; ".join(
        f"{share:.3%} in {name}, where it is meant to" for name, share in shares.items() if name not in QUANTILES
    )
    return Proof("clamp", quantiles == 0, text, figures)


def prove_envelope(model: ProvenModel, ranges: list[Range]) -> Proof:
    """No clamped answer is above the maximum from friction, grade, drag and load sensitivity of the vehicle."""
    if model.vehicle is None:
        return Proof("physical envelope", None, f"not checked: {UNKNOWN_VEHICLE}")
    limit, top = envelope.max_deceleration(model.vehicle), ranges[ORDERED[-1]]
    proven = top.answers[1]
    text = (
        f"answers stay below {proven:.2f} m/s^2, the physics allows {limit['total']:.2f}; "
        f"before the clamp {top.high:.2f} is proven and {top.maximum.attained:.2f} attained"
    )
    figures = {"limit": limit, "proven": proven, "before the clamp": top.high, "attained": top.maximum.attained}
    return Proof("physical envelope", proven <= limit["total"], text, figures)


def write_report(model: ProvenModel, proofs: list[Proof]) -> Path:
    """Write proof.json into the model's folder: every proof without its time, and the hashes of the proven files.

    The same model gives the same bytes.
    """
    hashes = {name: hashlib.sha256((model.folder / name).read_bytes()).hexdigest() for name in (ARRAYS, ONNX)}
    report = {"passed": passed(proofs), "sha256": hashes, "proofs": [_report(proof) for proof in proofs]}
    path = model.folder / PROOF
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(report, indent=1) + "\n")
    return path


def passed(proofs: list[Proof]) -> bool:
    """Whether no proof failed; a proof that was not made does not count."""
    return all(proof.passed is not False for proof in proofs)


def _report(proof: Proof) -> dict[str, Any]:
    return {"name": proof.name, "passed": proof.passed, "detail": proof.detail, **_rounded(proof.figures)}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_rounded(entry) for entry in value]
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if isinstance(value, float) else value


def _by_output(net: DenseNet, values: ndarray) -> dict[str, float]:
    return dict(zip(net.outputs, values.tolist(), strict=True))


def _extreme_record(net: DenseNet, e: Extreme) -> dict[str, Any]:
    """An extreme for the report, without the missing factors of the witness."""
    names = column_names(net.factors)
    witness = {n: float(v) for n, v in zip(names, e.witness, strict=True) if not np.isnan(v)}
    return {"bound": e.bound, "attained": e.attained, "gap": e.gap, "witness": witness}


def _first_sentences(sentences: list[str]) -> str:
    more = f" And {len(sentences) - MAX_SHOWN} more." if len(sentences) > MAX_SHOWN else ""
    return " ".join(sentences[:MAX_SHOWN]) + more


UNKNOWN_VEHICLE = "the vehicle that it was trained for is not shipped: give its file with --vehicle"
