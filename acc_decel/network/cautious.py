"""The answer outside the trained domain: at most what the event gives without a factor that may contradict others."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float32
from numpy import ndarray

from acc_decel.factors import EXCLUSIONS, Factor, slices
from acc_decel.network.dense_net import DenseNet
from acc_decel.network.domain import outside_domain
from acc_decel.outputs import ORDERED


def contradicting(factors: tuple[Factor, ...]) -> tuple[int, ...]:
    """Places of the factors that may contradict each other: those of the EXCLUSIONS."""
    columns = {name for e in EXCLUSIONS for name in (e.column, e.factor)}
    return tuple(i for i, f in enumerate(factors) if columns & {*f.columns})


def left_out(factors: tuple[Factor, ...]) -> tuple[tuple[int, ...], ...]:
    """For each of the `contradicting` factors, the places of what is left out with it.

    These are the factor itself and those that are forced while it has a value: without it their sign would not hold.
    """
    names = [factors[i].name for i in contradicting(factors)]
    return tuple(tuple(i for i, f in enumerate(factors) if name in (f.name, f.forced_while)) for name in names)


def predict(net: DenseNet, columns: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows outputs"]:
    """The outputs of `net`; outside its trained domain they are cautious. NaN in `columns` means not available.

    Each quantile is then the least of those of the event and of the same event without one of the `contradicting`
    factors (`left_out`).
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
    for places_out in left_out(factors):
        without = columns[outside].copy()
        for place in places_out:
            without[:, slices(factors)[place]] = np.nan
        answer[places] = np.minimum(answer[places], net(without)[:, ORDERED])
    return answer
