"""The network without a multiplication in its layers: fixed point whose weights are sums of few signed powers of two.

A weight of n signed powers of two, at most `MAX_TERMS`, needs n shifts and additions. Each layer gets the minimum n
with which the network stays within a tolerance of float32. The result is a `FixedNet`: proof, NumPy reference and ONNX
graph are those of fixed point.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.export.exportable import check_exportable
from acc_decel.export.fixed_point.arithmetic import FixedNet
from acc_decel.export.fixed_point.observed import observed_maxima
from acc_decel.export.fixed_point.quantisation import quantise, with_terms
from acc_decel.export.fixed_point.weight_rounding import Rounding, rounded_net, with_rounded_score
from acc_decel.network import DenseNet

MAX_TERMS = 3
TOLERANCE = 0.03  # [m/s^2], [s] root mean square difference to float, over events and outputs
FRACTION = 2.0**40  # steps in 1, when the terms of a weight are computed


def shift_net(net: DenseNet, events: Float32[ndarray, "rows columns"], *, tolerance: float = TOLERANCE) -> FixedNet:
    """`net` without multiplications, within `tolerance` [m/s^2] of it on accepted `events` if `MAX_TERMS` suffice.

    Layer by layer, from the largest to the smallest, terms are removed as long as the error allows it. Raises
    ValueError, naming layer and reason, if the integers cannot be proven to fit.
    """
    check_exportable(net)
    expected = net(events)
    layers = (*net.embedding, *net.trunk)
    terms = [MAX_TERMS] * len(layers)
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
    """Root mean square difference over events and outputs."""
    return float(np.sqrt(np.mean((net(events) - expected) ** 2)))


def with_few_terms(net: DenseNet, terms: Sequence[int], events: Float32[ndarray, "rows columns"]) -> FixedNet:
    """`net` in fixed point with at most so many terms in each weight, one number for each layer."""
    rounded = rounded_net(net, [few_terms(maximum) for maximum in terms], events)
    rounded = with_rounded_score(rounded, few_terms(MAX_TERMS), events)
    score = [MAX_TERMS] * len(net.domain)
    return replace(quantise(rounded, observed_maxima(rounded, events), terms=[*terms, *score]), net=net)


def few_terms(terms: int) -> Rounding:
    """The rounding to sums of at most so many signed powers of two."""
    return lambda _: lambda weights: with_terms(np.rint(weights * FRACTION).astype(np.int64), terms) / FRACTION
