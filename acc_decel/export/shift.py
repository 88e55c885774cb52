"""The network without a multiplication in its layers: fixed point whose weights are sums of few signed powers of two.

A weight of at most `MOST_TERMS` signed powers of two times a value is as many shifts and additions. How many a layer
has is chosen: the fewest that keep the network within a tolerance of float32. Rounding a weight so coarsely is made up
for by the weights of the same unit that are still to be rounded, and by its bias: as in optimal brain surgeon
quantisation (Frantar and Alistarh 2022, arXiv:2208.11580), so that the sums change least over given events. A weight
never changes its sign, so that what is monotone stays so. The result is a `FixedNet`: its proof, its reference in NumPy
and its ONNX graph are those of fixed point.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from acc_decel.export.bounds import entering_intervals
from acc_decel.export.fitness import check_fits
from acc_decel.export.fixed import (
    STEPS,
    FixedNet,
    greatest_cut,
    output_bits,
    quantised,
    scale_of,
    values_reached,
    with_terms,
)
from acc_decel.network import DenseNet, Layer, domain_inputs, entering, rectified, wiring

MOST_TERMS = 3
TOLERANCE = 0.05  # [m/s^2], [s] root mean square over events and outputs, away from float
FRACTION = 2.0**40  # of a weight, when its terms are sought
LEAST_SLOPE = 0.05  # weight of an event that a unit's rectifier cuts off, beside 1
RIDGE = 1e-3  # of the mean curvature: how much a weight is held where events say little
Rounding = Callable[[ndarray], Callable[[ndarray], ndarray]]
"""Told all weights of a layer, outputs x inputs, how to round those of one input, one for each output."""


def shift_net(net: DenseNet, events: Float32[ndarray, "rows columns"], *, tolerance: float = TOLERANCE) -> FixedNet:
    """`net` without multiplications, within `tolerance` [m/s^2] of it on accepted `events` where the terms can do that.

    Layer by layer, the one with the most weights first, terms are taken away while the error allows it. Raises
    ValueError, naming layer and reason, if the integers cannot be proven to fit.
    """
    check_fits(net)
    expected = net(events)
    layers = (*net.embedding, *net.trunk)
    terms = [MOST_TERMS] * len(layers)
    best = with_few_terms(net, terms, events)
    for i in sorted(range(len(layers)), key=lambda i: -layers[i].weights.size):
        while terms[i] > 1:
            fewer = [*terms[:i], terms[i] - 1, *terms[i + 1 :]]
            trial = with_few_terms(net, fewer, events)
            if distance(trial, events, expected) > tolerance:
                break
            terms, best = fewer, trial
    return best


def distance(net: FixedNet, events: Float32[ndarray, "rows columns"], expected: ndarray) -> float:
    """Root mean square over events and outputs."""
    return float(np.sqrt(np.mean((net(events) - expected) ** 2)))


def with_few_terms(net: DenseNet, terms: Sequence[int], events: Float32[ndarray, "rows columns"]) -> FixedNet:
    """`net` in fixed point with at most so many terms a weight, one number a layer; near `net` on `events`."""
    few = rounded_net(net, [few_terms(most) for most in terms], events)
    few = _with_rounded_score(few, few_terms(MOST_TERMS), events)
    score = [MOST_TERMS] * len(net.domain)
    return replace(quantised(few, (), values_reached(few, events), terms=[*terms, *score]), net=net)


def few_terms(terms: int) -> Rounding:
    """The rounding to sums of at most so many signed powers of two."""
    return lambda _: lambda some: with_terms(np.rint(some * FRACTION).astype(np.int64), terms) / FRACTION


def rounded_net(net: DenseNet, roundings: Sequence[Rounding], events: Float32[ndarray, "rows columns"]) -> DenseNet:
    """`net` with the weights of each layer rounded, each unit near its sums on `events`; not yet in integers."""
    wires = wiring(net.factors)
    steps = scale_of(entering_intervals(net, (*wires.forced, *wires.free, *wires.gated))).scale
    first = len(wires.forced)
    given = [np.exp2(output_bits(most)) for most in greatest_cut(net, values_reached(net, events))]
    embedded, x = entering(net.factors, net.center, net.inverse_spread, events)
    aimed_embedded, aimed = embedded, x
    scale = np.concatenate([steps[first:], np.full(len(wires.masked), float(STEPS))])
    done: list[Layer] = []
    for layer in net.embedding:
        sums = layer(aimed_embedded)
        done.append(_rounded(layer, roundings[len(done)], embedded, sums, scale))
        embedded, aimed_embedded = rectified(done[-1](embedded)), rectified(sums)
        scale = given[len(done) - 1]
    deep, beside, scale = len(done), scale, np.concatenate([scale, steps[:first]])
    for layer in net.trunk:
        seen, last = np.concatenate([embedded, x], axis=1), layer is net.trunk[-1]
        sums = layer(np.concatenate([aimed_embedded, aimed], axis=1))
        done.append(_rounded(layer, roundings[len(done)], seen, sums, scale, last=last))
        if not last:
            x, aimed = rectified(done[-1](seen)), rectified(sums)
            scale = np.concatenate([beside, given[len(done) - 1]])
    return replace(net, embedding=tuple(done[:deep]), trunk=tuple(done[deep:]))


def _with_rounded_score(net: DenseNet, rounding: Rounding, events: Float32[ndarray, "rows columns"]) -> DenseNet:
    """`net` with the weights of the score of its trained domain rounded."""
    wires, places = wiring(net.factors), [*domain_inputs(net.factors)]
    steps = scale_of(entering_intervals(net, (*wires.forced, *wires.free, *wires.gated))).scale
    scale = np.concatenate([steps, np.full(len(wires.masked), float(STEPS))])[places]
    embedded, forced = entering(net.factors, net.center, net.inverse_spread, events)
    x = np.concatenate([forced, embedded], axis=1)[:, places]
    hidden, score = net.domain
    sums = hidden(x)
    few = _rounded(hidden, rounding, x, sums, scale)
    aim, ones = score(rectified(sums)), np.ones(len(hidden.bias))
    return replace(net, domain=(few, _rounded(score, rounding, rectified(few(x)), aim, ones, last=True)))


def _rounded(
    layer: Layer,
    rounding: Rounding,
    x: Float32[ndarray, "rows inputs"],
    aim: Float32[ndarray, "rows outputs"],
    scale: Float64[ndarray, " inputs"],
    *,
    last: bool = False,
) -> Layer:
    """A layer of rounded weights whose sums for `x` are near `aim`, most so where they pass on much.

    `scale` are the steps of the inputs: what is rounded is a weight for one step. The bias makes up for what is missed
    on average; then each rounded weight's error goes to those not yet rounded, as the curvature of the error says.
    """
    slope = np.ones(aim.shape) if last else np.maximum(np.clip(aim, 0, 1), LEAST_SLOPE).astype(np.float64)
    seen = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    inverse = np.stack([_inverse(seen * some[:, None]) for some in slope.T])
    weights = np.concatenate([layer.weights, layer.bias[:, None]], axis=1).astype(np.float64)
    weights[:, -1] += ((aim - layer(x)) * slope**2).sum(axis=0) / (slope**2).sum(axis=0)
    signs, rounded = np.sign(layer.weights), rounding(layer.weights / scale)
    reach = np.abs(layer.weights).max(axis=0) * np.sqrt((x.astype(np.float64) ** 2).mean(axis=0))
    for i in np.argsort(-reach):
        kept = np.maximum(weights[:, i] * signs[:, i], 0) * signs[:, i]
        nearest = rounded(kept / scale[i]) * scale[i]
        weights -= ((weights[:, i] - nearest) / inverse[:, i, i])[:, None] * inverse[:, i]
        weights[:, i] = nearest
        inverse = inverse - inverse[:, :, i, None] * (inverse[:, i] / inverse[:, i, i, None])[:, None]
    return Layer(weights[:, :-1].astype(np.float32), weights[:, -1].astype(np.float32))


def _inverse(x: Float64[ndarray, "rows inputs"]) -> Float64[ndarray, "inputs inputs"]:
    """The inverse of the curvature of a sum's mean square error."""
    curvature = x.T @ x / len(x)
    return np.linalg.inv(curvature + RIDGE * np.trace(curvature) / len(curvature) * np.eye(len(curvature)))
