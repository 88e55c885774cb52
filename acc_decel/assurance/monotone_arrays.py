"""Monotonicity read from the arrays: the signs that make every quantile monotone, whatever the inputs.

Rectifier, limits and ordering are monotone. So a quantile is monotone in a forced column if the product of the signs of
the weights is the same on all paths between them, that of the direction: constrained monotonic layers, Runje and
Shankaranarayana, ICML 2023. Each unit of the trunk must act on the quantiles with only one sign, either one: a convex
unit rises with the deceleration, a concave one falls. This proves it for all inputs at once, without a search. Whether
a factor is missing enters the embedding, not these paths.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from acc_decel.network import DenseNet, wiring
from acc_decel.outputs import ORDERED


def violations(net: DenseNet) -> list[str]:
    """One sentence for each entry of the arrays that breaks monotonicity; none if it is proven.

    Only paths to quantiles count: the delay may use the same units with any sign.
    """
    sentences = _scaling_violations(net)
    embedded = len(net.embedding[-1].bias)
    directions = np.isin(np.arange(len(net.trunk[-1].bias)), ORDERED).astype(int)
    for i in range(len(net.trunk) - 1, 0, -1):
        signs = np.sign(net.trunk[i].weights[:, embedded:]) * directions[:, None]
        directions = _directions(signs)
        sentences += [
            f"trunk[{i}].weights[{row}, {embedded + unit}] must have the sign of the other paths from its unit to the "
            f"quantiles. Got {net.trunk[i].weights[row, embedded + unit]:.9g}."
            for row, unit in np.argwhere(~(signs * directions >= 0))
        ]
    return sentences + _forced_violations(net, embedded, directions)


def _directions(signs: Float[ndarray, "above units"]) -> Int[ndarray, " units"]:
    """The direction in which each unit moves the quantiles, by most of its weights; 0 without a path to them."""
    return np.where((signs > 0).sum(axis=0) >= (signs < 0).sum(axis=0), 1, -1) * (signs != 0).any(axis=0)


def _scaling_violations(net: DenseNet) -> list[str]:
    columns = [(f, name) for f in net.factors for name in f.columns]
    sentences = [
        f"inverse_spread[{i}] ({name}) must be greater than 0. Got {spread:g}."
        for i, ((_, name), spread) in enumerate(zip(columns, net.inverse_spread, strict=True))
        if not spread > 0
    ]
    return sentences + [
        f"half_saturation of {name} must be 0, or positive with all values above its negative. "
        f"Got {f.half_saturation:g} with values from {f.low:g}."
        for f, name in columns
        if not (f.half_saturation >= 0 and (f.half_saturation == 0 or f.low + f.half_saturation > 0))
    ]


def _forced_violations(net: DenseNet, embedded: int, directions: Int[ndarray, " units"]) -> list[str]:
    """Weights of the forced columns in the first trunk layer, after the `embedded` ones, with a wrong sign."""
    names = [f.name for f in net.factors if f.direction]
    sentences = []
    for j, (name, direction) in enumerate(zip(names, wiring(net.factors).directions, strict=True)):
        for i, weight in enumerate(net.trunk[0].weights[:, embedded + j]):
            if not weight * direction * directions[i] >= 0:
                expected = "at least 0" if direction * directions[i] > 0 else "at most 0"
                sentences.append(
                    f"trunk[0].weights[{i}, {embedded + j}] ({name}) must be {expected}. Got {weight:.9g}."
                )
    return sentences
