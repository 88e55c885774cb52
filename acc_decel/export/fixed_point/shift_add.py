"""The network without a multiplication in its layers: fixed point whose weights are sums of few signed powers of two.

A weight of at most `MOST_TERMS` signed powers of two times a value is as many shifts and additions. How many a layer
has is chosen: the fewest that keep the network within a tolerance of float32. The result is a `FixedNet`: its proof,
its reference in NumPy and its ONNX graph are those of fixed point.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.export.exportable import check_fits
from acc_decel.export.fixed_point.arithmetic import FixedNet
from acc_decel.export.fixed_point.observed import values_reached
from acc_decel.export.fixed_point.quantisation import quantised, with_terms
from acc_decel.export.fixed_point.weight_rounding import Rounding, rounded_net, with_rounded_score
from acc_decel.network import DenseNet

MOST_TERMS = 3
TOLERANCE = 0.03  # [m/s^2], [s] root mean square over events and outputs, away from float
FRACTION = 2.0**40  # of a weight, when its terms are sought


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
    few = with_rounded_score(few, few_terms(MOST_TERMS), events)
    score = [MOST_TERMS] * len(net.domain)
    return replace(quantised(few, values_reached(few, events), terms=[*terms, *score]), net=net)


def few_terms(terms: int) -> Rounding:
    """The rounding to sums of at most so many signed powers of two."""
    return lambda _: lambda some: with_terms(np.rint(some * FRACTION).astype(np.int64), terms) / FRACTION
