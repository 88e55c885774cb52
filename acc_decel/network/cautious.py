"""The answer outside the trained domain: at most what the event gives without a factor that may contradict others."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float32
from numpy import ndarray

from acc_decel.factors import EXCLUSIONS, Factor, slices
from acc_decel.network.dense_net import DenseNet
from acc_decel.network.domain import outside_domain
from acc_decel.outputs import ORDERED, RESERVE


def contradicting(factors: tuple[Factor, ...]) -> tuple[int, ...]:
    """Places of the factors that may contradict each other: those of the EXCLUSIONS."""
    columns = {name for e in EXCLUSIONS for name in (e.column, e.factor)}
    return tuple(i for i, f in enumerate(factors) if columns & {*f.columns})


def predict(net: DenseNet, columns: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows outputs"]:
    """The outputs of `net`; outside its trained domain they are cautious. NaN in `columns` means not available.

    Each quantile is then the least of those of the event and of the same event without one of the `contradicting`
    factors, and a reserve the greatest.
    """
    return cautious(net, net.factors, columns, outside_domain(net, columns))


def cautious(
    net: Callable[[ndarray], ndarray],
    factors: tuple[Factor, ...],
    columns: Float32[ndarray, "rows columns"],
    outside: Bool[ndarray, " rows"],
) -> Float32[ndarray, "rows outputs"]:
    """What `net` answers, cautious in the rows that are `outside` its trained domain."""
    answer: ndarray = net(columns)
    places = np.ix_(outside, np.array(ORDERED))
    for own in (slices(factors)[i] for i in contradicting(factors)):
        without = columns[outside].copy()
        without[:, own] = np.nan
        others = net(without)
        answer[places] = np.minimum(answer[places], others[:, ORDERED])
        answer[outside, RESERVE:] = np.maximum(answer[outside, RESERVE:], others[:, RESERVE:])
    return answer
