"""Monotonicity read from the arrays: the signs that make every quantile monotone, whatever the inputs.

Rectifier, limits and ordering are monotone. So a quantile is monotone in a forced column if all ways from one to the
other multiply to the sign of its direction: constrained monotonic layers, Runje and Shankaranarayana, ICML 2023. Every
unit of the trunk must reach the quantiles with one sign alone, whichever: a convex unit rises with the deceleration, a
concave one falls. This is a proof for all inputs at once, with no search; a factor that lacks enters elsewhere and
stays as it is.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from acc_decel.network import DenseNet, wiring
from acc_decel.outputs import ORDERED


def violations(net: DenseNet) -> list[str]:
    """One sentence for each entry of the arrays that breaks monotonicity; none if it is proven.

    Of the trunk, only what reaches a quantile counts: the delay may use the same units with any sign.
    """
    found = _scaling_violations(net)
    beside = len(net.embedding[-1].bias)
    directions = np.isin(np.arange(len(net.trunk[-1].bias)), ORDERED).astype(int)
    for i in range(len(net.trunk) - 1, 0, -1):
        ways = np.sign(net.trunk[i].weights[:, beside:]) * directions[:, None]
        directions = _directions(ways)
        found += [
            f"trunk[{i}].weights[{row}, {beside + unit}] must not turn what its unit does to the quantiles elsewhere. "
            f"Got {net.trunk[i].weights[row, beside + unit]:.9g}."
            for row, unit in np.argwhere(~(ways * directions >= 0))
        ]
    return found + _forced_violations(net, beside, directions)


def _directions(ways: Float[ndarray, "above units"]) -> Int[ndarray, " units"]:
    """Which way each unit moves the quantiles, told by most of its weights; 0 for one that does not reach them."""
    return np.where((ways > 0).sum(axis=0) >= (ways < 0).sum(axis=0), 1, -1) * (ways != 0).any(axis=0)


def _scaling_violations(net: DenseNet) -> list[str]:
    columns = [(f, name) for f in net.factors for name in f.columns]
    found = [
        f"inverse_spread[{i}] ({name}) must be greater than 0. Got {spread:g}."
        for i, ((_, name), spread) in enumerate(zip(columns, net.inverse_spread, strict=True))
        if not spread > 0
    ]
    return found + [
        f"half_saturation of {name} must be 0, or positive with all values above its negative. "
        f"Got {f.half_saturation:g} with values from {f.low:g}."
        for f, name in columns
        if not (f.half_saturation >= 0 and (f.half_saturation == 0 or f.low + f.half_saturation > 0))
    ]


def _forced_violations(net: DenseNet, beside: int, directions: Int[ndarray, " units"]) -> list[str]:
    """The first trunk layer sees the forced columns behind the embedding, each with the sign of its direction."""
    names = [f.name for f in net.factors if f.direction]
    found = []
    for j, (name, direction) in enumerate(zip(names, wiring(net.factors).directions, strict=True)):
        for i, weight in enumerate(net.trunk[0].weights[:, beside + j]):
            if not weight * direction * directions[i] >= 0:
                wanted = "at least 0" if direction * directions[i] > 0 else "at most 0"
                found.append(f"trunk[0].weights[{i}, {beside + j}] ({name}) must be {wanted}. Got {weight:.9g}.")
    return found
