"""Rounding weights so that the sums of a network change as little as possible.

The error of a rounded weight is compensated by the weights of the same unit that are not rounded yet, and by its bias:
optimal brain surgeon quantisation (Frantar and Alistarh 2022, arXiv:2208.11580), over some events. A weight never
changes its sign, so a monotone network stays monotone.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from acc_decel.export.fixed_point.arithmetic import STEPS
from acc_decel.export.fixed_point.observed import observed_maxima
from acc_decel.export.fixed_point.quantisation import cut_limits, entering_scale, output_bits
from acc_decel.export.fixed_point.sensitivity import sensitivities
from acc_decel.network import DenseNet, Layer, domain_inputs, rectified, side_by_side, walk, wiring

MIN_SLOPE = 0.05  # weight of an event in which a sum does not matter, over the root mean square of all
TINY = 1e-30  # of a unit that never matters
RIDGE = 1e-3  # relative to the mean curvature: how strongly a weight is kept where events say little
Rounding = Callable[[ndarray], Callable[[ndarray], ndarray]]
"""From all weights of a layer, outputs x inputs, a function that rounds the weights of one input, one per output."""


@dataclass(frozen=True)
class _Inputs:
    """The inputs of a layer: of the rounded network, of the network itself, and their steps."""

    rounded: Float32[ndarray, "rows inputs"]
    target: Float32[ndarray, "rows inputs"]
    scale: Float64[ndarray, " inputs"]

    def joined(self, other: "_Inputs") -> "_Inputs":
        """These inputs followed by the `other` ones."""
        return _Inputs(
            side_by_side(self.rounded, other.rounded),
            side_by_side(self.target, other.target),
            side_by_side(self.scale, other.scale),
        )


def rounded_net(net: DenseNet, roundings: Sequence[Rounding], events: Float32[ndarray, "rows columns"]) -> DenseNet:
    """`net` with the weights of each layer rounded, each unit close to its sums on `events`; not in integers yet."""
    wires = wiring(net.factors)
    steps = entering_scale(net, (*wires.forced, *wires.free, *wires.gated)).scale
    first = len(wires.forced)
    output_scales = [np.exp2(output_bits(limits)) for limits in cut_limits(net, observed_maxima(net, events))]
    entered, matters = net.entered(events), sensitivities(net, events)
    embedded, forced = entered.embedding, entered.forced
    embedded_scale = np.concatenate([steps[first:], np.full(len(wires.masked), float(STEPS))])
    rounded: list[Layer] = []

    def step(i: int, layer: Layer, inputs: _Inputs) -> _Inputs:
        sums = layer(inputs.target)
        rounded.append(_rounded(layer, roundings[i], inputs.rounded, sums, inputs.scale, matters[i]))
        if i == len(net.layers) - 1:
            return inputs  # nothing follows
        return _Inputs(rectified(rounded[-1](inputs.rounded)), rectified(sums), output_scales[i])

    first_inputs = _Inputs(embedded, embedded, embedded_scale), _Inputs(forced, forced, steps[:first])
    deque(walk(net, *first_inputs, step, _Inputs.joined), maxlen=0)
    deep = len(net.embedding)
    return replace(net, embedding=tuple(rounded[:deep]), trunk=tuple(rounded[deep:]))


def with_rounded_score(net: DenseNet, rounding: Rounding, events: Float32[ndarray, "rows columns"]) -> DenseNet:
    """`net` with the weights of the score of its trained domain rounded."""
    wires, places = wiring(net.factors), [*domain_inputs(net.factors)]
    steps = entering_scale(net, (*wires.forced, *wires.free, *wires.gated)).scale
    scale = np.concatenate([steps, np.full(len(wires.masked), float(STEPS))])[places]
    entered = net.entered(events)
    x = np.concatenate([entered.forced, entered.embedding], axis=1)[:, places]
    hidden, score = net.domain
    sums = hidden(x)
    slopes = np.clip(sums, 0, 1).astype(np.float64)
    rounded = _rounded(hidden, rounding, x, sums, scale, slopes)
    target, ones = score(rectified(sums)), np.ones(len(hidden.bias))
    last = _rounded(score, rounding, rectified(rounded(x)), target, ones, np.ones((len(x), 1)))
    return replace(net, domain=(rounded, last))


def _rounded(
    layer: Layer,
    rounding: Rounding,
    x: Float32[ndarray, "rows inputs"],
    target: Float32[ndarray, "rows outputs"],
    scale: Float64[ndarray, " inputs"],
    matters: Float64[ndarray, "rows outputs"],
) -> Layer:
    """A layer of rounded weights whose sums for `x` are close to `target`, mainly in events in which that `matters`.

    `scale` are the steps of the inputs: the rounded number is the weight of one step. The bias compensates the mean
    error; then the error of each rounded weight is distributed to those not rounded yet, by the curvature of the error.
    """
    largest = np.maximum(np.sqrt((matters**2).mean(axis=0)), TINY)
    slope = np.maximum(matters / largest, MIN_SLOPE)
    with_bias = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    inverse = np.stack([_inverse(with_bias * unit[:, None]) for unit in slope.T])
    weights = np.concatenate([layer.weights, layer.bias[:, None]], axis=1).astype(np.float64)
    weights[:, -1] += ((target - layer(x)) * slope**2).sum(axis=0) / (slope**2).sum(axis=0)
    signs, rounded = np.sign(layer.weights), rounding(layer.weights / scale)
    reach = np.abs(layer.weights).max(axis=0) * np.sqrt((x.astype(np.float64) ** 2).mean(axis=0))
    for i in np.argsort(-reach):
        same_sign = np.maximum(weights[:, i] * signs[:, i], 0) * signs[:, i]
        nearest = rounded(same_sign / scale[i]) * scale[i]
        weights -= ((weights[:, i] - nearest) / inverse[:, i, i])[:, None] * inverse[:, i]
        weights[:, i] = nearest
        inverse = inverse - inverse[:, :, i, None] * (inverse[:, i] / inverse[:, i, i, None])[:, None]
    return Layer(weights[:, :-1].astype(np.float32), weights[:, -1].astype(np.float32))


def _inverse(x: Float64[ndarray, "rows inputs"]) -> Float64[ndarray, "inputs inputs"]:
    """The inverse of the curvature of a sum's mean square error."""
    curvature = x.T @ x / len(x)
    return np.linalg.inv(curvature + RIDGE * np.trace(curvature) / len(curvature) * np.eye(len(curvature)))
