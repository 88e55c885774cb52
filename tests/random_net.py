"""Networks of random weights with the wiring of the real one, and random events, for tests that need no training."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.factors import FACTORS, OUTPUTS, Factor
from acc_decel.network import DenseNet, Layer, domain_inputs, wiring

EMBEDDING = (16, 12)
TRUNK = (24, 16, len(OUTPUTS))
SCORED = 11  # units of the score of the trained domain
RARE = 1.9  # what it must overcome
CLAMPS = ((0.0, np.inf), (-np.inf, 0.0), (-1.0, 1.0))  # rectifier, its concave mirror image, saturated unit

TYPICAL = {  # the quantiles cross now and then
    "deceleration_lower": 3.0,
    "deceleration": 5.0,
    "deceleration_upper": 4.5,
    "delay": 0.3,
    "deceleration_lower_99": 2.5,
}


def random_net(rng: np.random.Generator, factors: tuple[Factor, ...] = FACTORS) -> DenseNet:
    """A network whose outputs look like decelerations [m/s^2] and delays [s]."""
    wires = wiring(factors)
    ranges = np.array([(f.low, f.high) for f in factors for _ in f.columns])
    embedding = _layers(rng, (wires.embedding_inputs, *EMBEDDING))
    trunk = _layers(rng, (len(wires.forced) + EMBEDDING[-1], *TRUNK))
    trunk[0].weights[:, : len(wires.forced)] = np.abs(trunk[0].weights[:, : len(wires.forced)]) * wires.directions
    for layer in trunk[1:]:
        layer.weights[:] = np.abs(layer.weights)
    last, unlimited = trunk[-1], np.full(len(OUTPUTS), np.inf, "f4")
    bias = np.array([TYPICAL[name] for name in OUTPUTS], "f4")
    trunk[-1] = Layer(last.weights, bias, -unlimited, unlimited)
    domain = _layers(rng, (len(domain_inputs(factors)), SCORED, 1))
    domain[0] = replace(domain[0], low=np.zeros(SCORED, "f4"), high=np.full(SCORED, np.inf, "f4"))
    domain[1] = Layer(np.abs(domain[1].weights), np.full(1, -RARE, "f4"), -unlimited[:1], unlimited[:1])
    return DenseNet(
        factors,
        center=ranges.mean(axis=1).astype("f4"),
        inverse_spread=(2 / np.diff(ranges)[:, 0]).astype("f4"),
        embedding=tuple(embedding),
        trunk=tuple(trunk),
        domain=tuple(domain),
    )


def familiar(net: DenseNet) -> DenseNet:
    """The network with a score that flags nothing, so that exclusions stand alone."""
    *first, last = net.domain
    return replace(net, domain=(*first, replace(last, bias=last.bias - np.float32(1e3))))


def _layers(rng: np.random.Generator, widths: tuple[int, ...]) -> list[Layer]:
    return [_layer(rng, inputs, outputs) for inputs, outputs in pairwise(widths)]


def _layer(rng: np.random.Generator, inputs: int, outputs: int) -> Layer:
    clamps = np.array([CLAMPS[i % len(CLAMPS)] for i in range(outputs)], "f4")
    weights = rng.normal(0, 1.2 / np.sqrt(inputs), (outputs, inputs)).astype("f4")
    return Layer(weights, rng.normal(0, 0.3, outputs).astype("f4"), clamps[:, 0].copy(), clamps[:, 1].copy())


def random_events(
    rng: np.random.Generator, rows: int, factors: tuple[Factor, ...] = FACTORS
) -> Float32[ndarray, "rows columns"]:
    """Events that are accepted: every factor within its range, a third of those that may lack not available."""
    return np.concatenate([_drawn(rng, rows, f) for f in factors], axis=1)


def _drawn(rng: np.random.Generator, rows: int, factor: Factor) -> Float32[ndarray, "rows levels"]:
    if factor.levels:
        values = rng.dirichlet(np.full(len(factor.levels), 0.2), rows).astype("f4")
    else:
        low, high = np.float32(factor.low), np.float32(factor.high)
        values = np.clip(rng.uniform(low, high, (rows, 1)).astype("f4"), low, high)
    if factor.may_lack:
        values[rng.random(rows) < 1 / 3] = np.nan
    return values


def spoiled(rng: np.random.Generator, events: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows columns"]:
    """The events with one to three columns each overwritten by something that a sensor should not send."""
    spoiled_events = events.copy()
    bad = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 3e38, 0.0, -0.0, 1e-42, 0.5, 1.0, 2.0, 1000.0], "f4")
    for event in spoiled_events:
        event[rng.integers(0, len(event), rng.integers(1, 4))] = rng.choice(bad)
    return spoiled_events
