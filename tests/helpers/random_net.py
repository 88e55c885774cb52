"""Networks of random weights with the wiring of the real one, and random events, for tests that need no training."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.factors import FACTORS, Factor, column_factors, ranges
from acc_decel.network import FEATURES, LAST, DenseNet, Head, Layer, domain_inputs, untrained_head, wiring
from acc_decel.network.feature_constants import feature_constants
from acc_decel.network.reserve import Reserve, untrained_reserve
from acc_decel.outputs import ORDERED, OUTPUTS, RESERVE
from acc_decel.physics import vehicle

EMBEDDING = (16, 12)
TRUNK = (24, 16)
SCORED = 11  # units of the score of the trained domain
RARE = 1.9  # what it must overcome

TYPICAL = {  # the quantiles cross now and then
    "deceleration_lower": 3.0,
    "deceleration": 5.0,
    "deceleration_upper": 4.5,
    "delay": 0.3,
    "deceleration_lower_99": 2.5,
}


def random_net(
    rng: np.random.Generator,
    factors: tuple[Factor, ...] = FACTORS,
    *,
    embedding: tuple[int, ...] = EMBEDDING,
    trunk: tuple[int, ...] = TRUNK,
    scaled_choices: bool = True,
    lead: bool = False,
) -> DenseNet:
    """A network whose outputs look like decelerations [m/s^2] and delays [s], monotone where physics forces it.

    With `lead` it also knows the reserve against a lead.
    """
    wires, count = wiring(factors), LAST + lead
    layers, carried = [], np.array(wires.directions)
    for i, units in enumerate((*trunk, count)):
        directions = _last_directions(units) if i == len(trunk) else np.where(np.arange(units) % 2, 1, -1)
        drawn = layer(rng, embedding[-1] + len(carried), units)
        forced = drawn.weights[:, embedding[-1] :]
        forced[:] = np.abs(forced) * np.outer(directions, carried)
        layers.append(drawn)
        carried = directions
    typical = [TYPICAL[name] for name in OUTPUTS] + [0.4] * lead
    layers[-1] = Layer(layers[-1].weights, np.array(typical + [0.5] * len(ORDERED), "f4"))
    limits = np.array([*ranges(factors), *[(-1.0, 3.0)] * len(FEATURES)])
    plain = np.array([bool(f.levels) and not scaled_choices for f in column_factors(factors)] + [False] * len(FEATURES))
    scored, total = layer(rng, len(domain_inputs(factors)), SCORED), layer(rng, SCORED, 1)
    return DenseNet(
        factors,
        feature_constants(vehicle("compact")),
        center=np.where(plain, 0, limits.mean(axis=1)).astype("f4"),
        inverse_spread=np.where(plain, 1, 2 / np.diff(limits)[:, 0]).astype("f4"),
        embedding=tuple(layer(rng, i, o) for i, o in pairwise((wires.embedding_inputs, *embedding))),
        trunk=tuple(layers),
        head=_head(rng),
        low=np.full(len(OUTPUTS) + lead, -np.inf, "f4"),
        high=np.full(len(OUTPUTS) + lead, np.inf, "f4"),
        domain=(scored, Layer(np.abs(total.weights), np.full(1, -RARE, "f4"))),
        reserve=_reserve(rng) if lead else None,
    )


def _last_directions(sums: int) -> ndarray:
    """Every sum of the last layer rises with the deceleration, but that of a reserve."""
    directions = np.ones(sums)
    if sums > LAST:
        directions[RESERVE] = -1
    return directions


def _reserve(rng: np.random.Generator) -> Reserve:
    """A reserve of random offsets."""
    plain = untrained_reserve()
    parts = (plain.offset, plain.surface_offsets)
    return Reserve(*(rng.normal(0, 0.1, part.shape).astype("f4") for part in parts))


def _head(rng: np.random.Generator) -> Head:
    """A head of random slopes and offsets."""
    plain = untrained_head()
    slopes, *offsets = (
        rng.normal(mean, 0.1, part.shape).astype("f4")
        for mean, part in ((0.9, plain.slopes), (0, plain.offset), (0, plain.surface_offsets))
    )
    return replace(plain, slopes=slopes, offset=offsets[0], surface_offsets=offsets[1])


def familiar(net: DenseNet) -> DenseNet:
    """The network with a score that flags nothing, so that exclusions stand alone."""
    *first, last = net.domain
    return replace(net, domain=(*first, replace(last, bias=last.bias - np.float32(1e3))))


def layer(rng: np.random.Generator, inputs: int, outputs: int, *, wild: float = 2.0) -> Layer:
    """A layer of random weights, whose outputs are about `wild` times as great as its inputs."""
    weights = rng.normal(0, wild / np.sqrt(inputs), (outputs, inputs)).astype("f4")
    return Layer(weights, rng.normal(0, 0.3, outputs).astype("f4"))


def random_events(
    rng: np.random.Generator, rows: int, factors: tuple[Factor, ...] = FACTORS
) -> Float32[ndarray, "rows columns"]:
    """Events that are accepted: every factor within its range, a third of the optional ones not available."""
    return np.concatenate([_drawn(rng, rows, f) for f in factors], axis=1)


def _drawn(rng: np.random.Generator, rows: int, factor: Factor) -> Float32[ndarray, "rows levels"]:
    if factor.levels:
        values = rng.dirichlet(np.full(len(factor.levels), 0.2), rows).astype("f4")
    else:
        low, high = np.float32(factor.low), np.float32(factor.high)
        values = np.clip(rng.uniform(low, high, (rows, 1)).astype("f4"), low, high)
    if factor.optional:
        values[rng.random(rows) < 1 / 3] = np.nan
    return values


def spoiled(rng: np.random.Generator, events: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows columns"]:
    """The events with one to three columns each overwritten by something that a sensor should not send."""
    spoiled_events = events.copy()
    bad = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 3e38, 0.0, -0.0, 1e-42, 0.5, 1.0, 2.0, 1000.0], "f4")
    for event in spoiled_events:
        event[rng.integers(0, len(event), rng.integers(1, 4))] = rng.choice(bad)
    return spoiled_events
