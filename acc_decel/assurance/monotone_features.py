"""Monotonicity of the physics features, proven from their formulas: the first part of the way from factor to answer.

`feature_values.py` follows every formula for all accepted events at once. While a forced factor grows and its gate is
at least 1, a forced feature may only move as it is wired, a free one and the values of the head not at all or as the
answer. The statement is about float32 as computed, to the bit: each operation is monotone, also rounded.
"""

import numpy as np

from acc_decel.assurance.feature_values import Cells, features
from acc_decel.assurance.moving_values import CONSTANT, FALLS, RISES, WORDS
from acc_decel.factors import Factor
from acc_decel.network import DenseNet, contradicting
from acc_decel.network.features import FEATURES, HEAD, Feature


def feature_violations(net: DenseNet, missing: tuple[str, ...] = ()) -> list[str]:
    """One sentence for each feature that moves the wrong way with a forced factor, in events without `missing`."""
    return [
        sentence
        for factor in net.factors
        if factor.direction and factor.name not in missing
        for sentence in _violations_of(net, factor, missing)
    ]


def _violations_of(net: DenseNet, factor: Factor, missing: tuple[str, ...]) -> list[str]:
    cells = Cells(net.factors, factor.name, missing)
    moves = {
        name: int(np.bitwise_or.reduce(quantity.moves))
        for name, quantity in features(net, cells.columns(), cells.known()).items()
    }
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


def unsigned_if_flagged(net: DenseNet) -> dict[str, list[str]]:
    """Forced factors without a proven sign in events outside the trained domain, with the reasons.

    There the answer is the least of several (`cautious.py`), each without one factor, so each must have the sign.
    """
    reasons: dict[str, list[str]] = {}
    for removed in (net.factors[i].name for i in contradicting(net.factors)):
        for factor in net.factors:
            if factor.direction and factor.name != removed and (found := _violations_of(net, factor, (removed,))):
                reasons.setdefault(factor.name, []).append(f"without {removed}, {found[0]}")
    return reasons
