"""Monotonicity read from the arrays: the signs that make every quantile monotone, whatever the inputs.

If every weight on the way from a forced column to a quantile has the right sign, and every clamp and the ordering are
monotone, so is the quantile: constrained monotonic layers, Runje and Shankaranarayana, ICML 2023. This is a proof for
all inputs at once, with no search; a factor that lacks enters elsewhere and stays as it is.
"""

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from acc_decel.factors import ORDERED
from acc_decel.network import DenseNet, Layer, wiring


def violations(net: DenseNet) -> list[str]:
    """One sentence for each entry of the arrays that breaks monotonicity; none if it is proven.

    Of the trunk, only what reaches a quantile counts: the delay may use the same units with any sign.
    """
    found = _scaling_violations(net)
    for i, (layer, units) in enumerate(zip(net.trunk, reaching(net.trunk), strict=True)):
        if i == 0:
            found += _forced_violations(net, units)
        else:
            found += _negative(f"trunk[{i}].weights", layer.weights, units)
        found += _clamp_violations(f"trunk[{i}]", layer)
    return found


def reaching(layers: tuple[Layer, ...]) -> list[Bool[ndarray, " units"]]:
    """Of each layer: which units reach a quantile by weights that are not 0."""
    units = np.isin(np.arange(len(layers[-1].bias)), ORDERED)
    found = [units]
    for layer in reversed(layers[1:]):
        units = (layer.weights[units] != 0).any(axis=0)
        found.insert(0, units)
    return found


def _scaling_violations(net: DenseNet) -> list[str]:
    columns = [(f, name) for f in net.factors for name in f.columns]
    found = [
        f"inverse_spread[{i}] ({name}) must be greater than 0. Got {spread:g}."
        for i, ((_, name), spread) in enumerate(zip(columns, net.inverse_spread, strict=True))
        if not spread > 0
    ]
    return found + [
        f"bend of {name} must be 0, or greater with values above -bend. Got {f.bend:g} from {f.low:g} on."
        for f, name in columns
        if not (f.bend >= 0 and (f.bend == 0 or f.low + f.bend > 0))
    ]


def _forced_violations(net: DenseNet, units: Bool[ndarray, " units"]) -> list[str]:
    """The first trunk layer sees the forced columns first, each with the sign of its direction."""
    names = [f.name for f in net.factors if f.direction]
    found = []
    for j, (name, direction) in enumerate(zip(names, wiring(net.factors).directions, strict=True)):
        wanted = "at least 0" if direction > 0 else "at most 0"
        found += [
            f"trunk[0].weights[{i}, {j}] ({name}) must be {wanted}. Got {weight:.9g}."
            for i, weight in enumerate(net.trunk[0].weights[:, j])
            if units[i] and not weight * direction >= 0
        ]
    return found


def _negative(where: str, weights: ndarray, units: Bool[ndarray, " units"]) -> list[str]:
    return [
        f"{where}[{i}, {j}] must be at least 0. Got {weights[i, j]:.9g}."
        for i, j in np.argwhere(~(weights >= 0) & units[:, None])
    ]


def _clamp_violations(where: str, layer: Layer) -> list[str]:
    return [
        f"{where} must have low <= high in unit {i}. Got {layer.low[i]:g}, {layer.high[i]:g}."
        for i in np.flatnonzero(~(layer.low <= layer.high))
    ]
