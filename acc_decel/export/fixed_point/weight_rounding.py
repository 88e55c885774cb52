"""Rounding weights so that the sums of a network change least.

What a rounded weight misses is made up for by the weights of the same unit that are still to be rounded, and by its
bias: optimal brain surgeon quantisation (Frantar and Alistarh 2022, arXiv:2208.11580), over given events. A weight
never changes its sign, so that what is monotone stays so.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from acc_decel.export.fixed_point.arithmetic import STEPS
from acc_decel.export.fixed_point.observed import values_reached
from acc_decel.export.fixed_point.quantisation import entering_scale, greatest_cut, output_bits
from acc_decel.network import DenseNet, Layer, domain_inputs, entering, rectified, wiring

LEAST_SLOPE = 0.05  # weight of an event that a unit's rectifier cuts off, beside 1
RIDGE = 1e-3  # of the mean curvature: how much a weight is held where events say little
Rounding = Callable[[ndarray], Callable[[ndarray], ndarray]]
"""Told all weights of a layer, outputs x inputs, how to round those of one input, one for each output."""


def rounded_net(net: DenseNet, roundings: Sequence[Rounding], events: Float32[ndarray, "rows columns"]) -> DenseNet:
    """`net` with the weights of each layer rounded, each unit near its sums on `events`; not yet in integers."""
    wires = wiring(net.factors)
    steps = entering_scale(net, (*wires.forced, *wires.free, *wires.gated)).scale
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


def with_rounded_score(net: DenseNet, rounding: Rounding, events: Float32[ndarray, "rows columns"]) -> DenseNet:
    """`net` with the weights of the score of its trained domain rounded."""
    wires, places = wiring(net.factors), [*domain_inputs(net.factors)]
    steps = entering_scale(net, (*wires.forced, *wires.free, *wires.gated)).scale
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
