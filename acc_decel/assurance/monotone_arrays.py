"""Monotonicity read from the arrays: the signs that make every quantile monotone, whatever the inputs.

A quantile is monotone in a forced factor if every path between them has its direction. There are two kinds of paths.

Through the network: the factor moves forced inputs, columns and features, one way (`monotone_features.py`); the product
of the signs of the weights is the same on all paths from an input to the quantiles, that of its direction: constrained
monotonic layers, Runje and Shankaranarayana, ICML 2023. Each unit of the trunk must act on the quantiles with only one
sign, either one: a convex unit rises with the deceleration, a concave one falls. Whether a factor is missing enters the
embedding, not these paths.

Through the head: with slopes and shares of at least 0, every line of `head.py` rises in all that can move. The slope of
F - rectified(F - B) is 1 - r in F and r in B, where r, the slope of the rectifier, is between 0 and 1. The smaller of
rising values rises, offsets do not move, limits and ordering are monotone.

The reserve against a lead moves the other way. Its sum does, by the signs of its weights; so does what is made of it,
as the rectifier, a sum and a maximum with constants rise; and it is divided by a maximum of the median, which
is positive and rises. What falls and is not negative, over what is positive and rises, falls.

This proves it for all inputs at once, without a search. In float32 every operation is monotone, too, so the statement
holds to the bit, with two exceptions in which a value meets itself: x / (x + half_saturation) of a forced column, and
F - rectified(F - B) in F. There the answer may move the wrong way by no more than the rounding of these steps:
`rounding.reversal`.

Outside the trained domain the answer is the least of several (`cautious.py`). The signs hold between two events of
which both are inside, or both outside; and an event outside is never answered with more than the same network gives
without that caution. A factor that moves an event across the border may do both at once.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from acc_decel.assurance.monotone_features import feature_violations
from acc_decel.network import DenseNet, input_names, wiring
from acc_decel.outputs import DELAY, RESERVE


def violations(net: DenseNet) -> list[str]:
    """One sentence for each entry of the arrays that breaks monotonicity; none if it is proven.

    Only paths to quantiles and to the reserve count: the delay may use the same units with any sign.
    """
    sentences = _scaling_violations(net) + _head_violations(net) + feature_violations(net)
    embedded = len(net.embedding[-1].bias)
    directions = np.where(np.arange(len(net.trunk[-1].bias)) == DELAY, 0, 1)
    if net.reserve:
        directions[RESERVE] = -1
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
        for i, (name, spread) in enumerate(zip(input_names(net.factors), net.inverse_spread, strict=True))
        if not spread > 0
    ]
    return sentences + [
        f"half_saturation of {name} must be 0, or positive with all values above its negative. "
        f"Got {f.half_saturation:g} with values from {f.low:g}."
        for f, name in columns
        if not (f.half_saturation >= 0 and (f.half_saturation == 0 or f.low + f.half_saturation > 0))
    ]


def _head_violations(net: DenseNet) -> list[str]:
    return [
        f"head.{name}[{i}] must be at least 0. Got {value:.9g}."
        for name in ("slopes", "brake_shares", "road_shares")
        for i, value in enumerate(getattr(net.head, name))
        if not value >= 0
    ]


def _forced_violations(net: DenseNet, embedded: int, directions: Int[ndarray, " units"]) -> list[str]:
    """Weights of the forced inputs in the first trunk layer, after the `embedded` ones, with a wrong sign."""
    wires, names = wiring(net.factors), input_names(net.factors)
    sentences = []
    for j, (place, direction) in enumerate(zip(wires.forced, wires.directions, strict=True)):
        for i, weight in enumerate(net.trunk[0].weights[:, embedded + j]):
            if not weight * direction * directions[i] >= 0:
                expected = "at least 0" if direction * directions[i] > 0 else "at most 0"
                sentences.append(
                    f"trunk[0].weights[{i}, {embedded + j}] ({names[place]}) must be {expected}. Got {weight:.9g}."
                )
    return sentences
