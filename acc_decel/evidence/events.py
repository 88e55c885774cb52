"""Events and the answers that the firmware must give: even, invalid and at limits; for coverage and mutants, too."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from acc_decel.export import even_events, reference_outputs, status_of
from acc_decel.export.firmware_files import FIXED, FIXED_EVENTS, SHIFT, SHIFT_EVENTS
from acc_decel.export.fixed_point import fixed_answers, fixed_net, shift_net
from acc_decel.factors import EXCLUSIONS, Factor, column_names, ranges
from acc_decel.network import FEATURES, LAST, DenseNet, Head, Layer, domain_inputs, untrained_head, wiring
from acc_decel.network.feature_constants import feature_constants
from acc_decel.outputs import COMFORT_DECELERATION, DELAY, LOWER, ORDERED, OUTPUTS, UPPER
from acc_decel.physics import vehicle

WEIGHT_SCALE = 4.5  # so large that values reach the ends of 16 bits
LAST_WEIGHT_SCALE = np.float32(0.5)  # so small that outputs stay between their limits
CUT = 2.0  # [m/s^2] so low that it acts on some answers
EMBEDDED = 10  # outputs of the embedding
Answers: TypeAlias = tuple[Float32[ndarray, "events outputs"], Int64[ndarray, " events"]]  # outputs and status
INVALID = (np.nan, np.inf, -np.inf, 3.4e38, -3.4e38, 0.0, -0.0, 1e-42, 0.5, 1.0)


def driver_events(factors: tuple[Factor, ...], count: int) -> Float32[ndarray, "events columns"]:
    """`count` even events, as many with one invalid column, and events at every limit."""
    even = even_events(factors, count)
    invalid = even.copy()
    for i, event in enumerate(invalid):
        event[i % len(event)] = INVALID[i // len(event) % len(INVALID)]
    return np.concatenate([even, invalid, *at_limits(factors, even[:1])]).astype("f4")


def at_limits(factors: tuple[Factor, ...], event: ndarray) -> list[ndarray]:
    """Events at, just inside and just outside each range, sum of a choice, and exclusion; each factor missing once."""
    at = column_names(factors).index
    events: list[ndarray] = []

    def add(**changes: float) -> None:
        events.append(event.copy())
        for name, value in changes.items():
            events[-1][:, at(name)] = value

    for f in factors:
        for end in (np.float32(f.low), np.float32(f.high)):
            others = dict.fromkeys(f.columns[1:], 0.0)
            for value in (end, np.nextafter(end, np.float32(np.inf)), np.nextafter(end, np.float32(-np.inf))):
                add(**{f.columns[0]: float(value)} | others)
        add(**dict.fromkeys(f.columns, np.nan))
        for column in f.columns[1:]:
            add(**dict.fromkeys(f.columns, np.nan) | {column: 0.5})
        if f.levels:
            for total in (0.99, 1.01):
                for step in (-1, 0, 1):
                    share = np.float32(total) + step * np.spacing(np.float32(total)) - np.float32(0.5)
                    add(**dict.fromkeys(f.columns, 0.0) | {f.columns[0]: float(share), f.columns[1]: 0.5})
    clear = {c: 0.0 for f in factors if f.levels for c in f.columns} | {"tyre_kind_summer": 1.0}
    for e in EXCLUSIONS:
        threshold, limit = np.float32(e.threshold), np.float32(e.limit)
        for present in (threshold, np.nextafter(threshold, np.float32(1))):
            asphalt = 1 - float(present) if e.column.startswith("surface") else 1.0
            for value in (limit, np.nextafter(limit, np.float32(-99 if e.below else 99))):
                add(**clear | {e.column: float(present), "surface_asphalt": asphalt, e.factor: float(value)})
    return events


def reference(net: DenseNet, number_format: str) -> Callable[[ndarray], Answers]:
    """The function that gives the outputs and status that the firmware of `net` must give for events."""
    if number_format == SHIFT:
        return partial(fixed_answers, shift_net(net, even_events(net.factors, SHIFT_EVENTS)))
    if number_format == FIXED:
        return partial(fixed_answers, fixed_net(net, even_events(net.factors, FIXED_EVENTS)))
    return lambda events: (reference_outputs(net, events), status_of(net, events))


def records(events: ndarray, outputs: ndarray, status: ndarray) -> bytes:
    """Events with their answers, in the format that driver.c reads."""
    kind = np.dtype([("f", "<f4", events.shape[1]), ("y", "<f4", outputs.shape[1]), ("s", "<i8")])
    table = np.zeros(len(events), kind)
    table["f"], table["y"], table["s"] = events, outputs, status
    return table.tobytes()


def unusual_net(factors: tuple[Factor, ...]) -> DenseNet:
    """A network for all parts of the C, also those that trained networks do not use.

    Odd numbers of layers and units, crossing quantiles, an output that is often exactly the comfort limit, a score of
    the trained domain that is often exactly 0.
    """
    rng, wires = np.random.default_rng(1), wiring(factors)
    limits = np.array([*ranges(factors), *((-1.0, 3 + i / 10) for i in range(len(FEATURES)))])
    embedding = [_layer(rng, wires.embedding_inputs, EMBEDDED)]
    units = (len(wires.forced), 36, 11, 8, LAST)
    trunk = [_layer(rng, EMBEDDED + before, outputs) for before, outputs in pairwise(units)]
    low, high = np.full(len(OUTPUTS), -30, "f4"), np.full(len(OUTPUTS), 30, "f4")
    bias = np.concatenate([np.linspace(9, 1, len(OUTPUTS)), np.zeros(len(ORDERED))]).astype("f4")
    bias[DELAY], bias[ORDERED[0]] = -5, 10
    high[LOWER], high[UPPER] = CUT, COMFORT_DECELERATION
    weights = LAST_WEIGHT_SCALE * trunk[-1].weights
    weights[DELAY] = -np.abs(weights[DELAY])
    trunk[-1] = Layer(weights, bias)
    center = (limits @ [0.7, 0.3]).astype("f4")
    spread = (2 / np.diff(limits)[:, 0]).astype("f4")
    hidden, score = _layer(rng, len(domain_inputs(factors)), 6), _layer(rng, 6, 1)
    hidden.weights[:, 0] *= 5  # so that a missing input changes the score
    domain = (Layer(hidden.weights, hidden.bias - 1), Layer(score.weights, np.zeros(1, "f4")))
    return DenseNet(
        factors, _constants(rng), center, spread, tuple(embedding), tuple(trunk), _head(rng), low,
        high, domain,
    )  # fmt: skip


def _constants(rng: np.random.Generator) -> ndarray:
    """Those of a car, each changed by its own share, so that no two are equal and none is 0."""
    usual = feature_constants(vehicle("compact"))
    return (np.where(usual == 0, 0.05, usual) * rng.uniform(0.9, 1.1, usual.shape)).astype("f4")


def _head(rng: np.random.Generator) -> Head:
    plain = untrained_head()
    slopes, offset, by_surface = (
        rng.normal(mean, 0.2, part.shape).astype("f4")
        for mean, part in ((0.9, plain.slopes), (0, plain.offset), (0, plain.surface_offsets))
    )
    return replace(plain, slopes=slopes, offset=offset, surface_offsets=by_surface)


def _layer(rng: np.random.Generator, inputs: int, outputs: int) -> Layer:
    weights = rng.normal(0, WEIGHT_SCALE / np.sqrt(inputs), (outputs, inputs)).astype("f4")
    return Layer(weights, rng.normal(0, 0.3, outputs).astype("f4"))
