"""Monotonicity of the physics features, proven from their formulas: the first part of the way from factor to answer.

`feature_values.py` follows every formula for all accepted events at once. While a forced factor grows and its gate is
at least 1, a forced feature may only move as it is wired, a free one and the values of the head not at all or as the
answer. The statement is about float32 as computed, to the bit: each operation is monotone, also rounded.
"""

from collections.abc import Sequence

import numpy as np

from acc_decel.assurance.feature_values import Cells, features, stacked
from acc_decel.assurance.moving_values import CONSTANT, FALLS, RISES, WORDS
from acc_decel.factors import Factor
from acc_decel.network import DenseNet, contradicting
from acc_decel.network.features import FEATURES, HEAD, Feature

Case = tuple[Factor, tuple[str, ...]]  # the factor that moves, and factors that are missing


def feature_violations(net: DenseNet) -> list[str]:
    """One sentence for each feature that moves the wrong way with a forced factor."""
    cases: list[Case] = [(f, ()) for f in net.factors if f.direction]
    return [sentence for found in _violations(net, cases) for sentence in found]


def unsigned_outside(net: DenseNet) -> dict[str, list[str]]:
    """Forced factors without a proven sign in events outside the trained domain, with the reasons.

    There the answer is the least of several (`cautious.py`), each without one factor, so each must have the sign.
    """
    removed = [net.factors[i].name for i in contradicting(net.factors)]
    cases: list[Case] = [(f, (name,)) for name in removed for f in net.factors if f.direction and f.name != name]
    reasons: dict[str, list[str]] = {}
    for (factor, (name,)), found in zip(cases, _violations(net, cases), strict=True):
        if found:
            reasons.setdefault(factor.name, []).append(f"without {name}, {found[0]}")
    return reasons


def _violations(net: DenseNet, cases: Sequence[Case]) -> list[list[str]]:
    """The sentences of each case."""
    boxes = [Cells(net.factors, factor.name, missing) for factor, missing in cases]
    count = boxes[0].count
    columns, known = (
        {name: stacked([part[name] for part in parts], count) for name in parts[0]}
        for parts in ([box.columns() for box in boxes], [box.known() for box in boxes])
    )
    shape = len(cases), count
    moves = {
        name: np.bitwise_or.reduce(np.broadcast_to(quantity.moves, count * len(cases)).reshape(shape), axis=1)
        for name, quantity in features(net.constants, columns, known).items()
    }
    return [
        _sentences(factor, {name: int(each[i]) for name, each in moves.items()}) for i, (factor, _) in enumerate(cases)
    ]


def _sentences(factor: Factor, moves: dict[str, int]) -> list[str]:
    allowed = {feature.name: _allowed(feature, factor) for feature in FEATURES}
    allowed |= dict.fromkeys(HEAD, RISES if factor.direction > 0 else FALLS)
    return [
        f"{name} must move one way with {factor.name}: {WORDS[allowed[name]]}. Got: {WORDS[move]}."
        for name, move in moves.items()
        if move & ~allowed[name]
    ]


def _allowed(feature: Feature, factor: Factor) -> int:
    """How a feature may move with a factor: the embedding sees a gated one, so their gates must be the same."""
    if not feature.direction or (feature.forced_while and feature.forced_while != factor.forced_while):
        return CONSTANT
    return RISES if feature.direction * factor.direction > 0 else FALLS
