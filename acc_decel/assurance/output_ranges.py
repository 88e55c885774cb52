"""Minimum and maximum of each output before the last clamp: what is proven, and the most extreme answer attained.

Quantiles are bounded one by one (`head_goals.py`), then sorted like their values: sorting is monotone. The most extreme
answers are those of the real network in float32 that a random search finds (`witness.py`).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.assurance.head_goals import least_limit, lower_goals, sum_goal, upper_goal
from acc_decel.assurance.linear_program import OPTIMAL
from acc_decel.assurance.ranges import Bound, Goal, Sums, bound, unclamped
from acc_decel.assurance.witness import extreme_events
from acc_decel.network import DenseNet
from acc_decel.outputs import ORDERED, OUTPUTS

EXACT_GAP = 1e-4  # absolute and relative: a bound this close to an attained value counts as exact


@dataclass(frozen=True)
class Extreme:
    """Maximum (`sign` 1) or minimum (-1) of one output over the accepted box, before the last clamp.

    No accepted event exceeds `bound` in real arithmetic. `attained` is the answer of the real network to `witness`, one
    row of columns. `status` is that of the solver: if it is optimal, the bound is the best of its program.
    """

    output: int
    sign: int
    bound: float
    attained: float
    witness: Float32[ndarray, " columns"]
    status: str
    nodes: int

    @property
    def gap(self) -> float:
        """Distance of the bound from an attained value."""
        return max(0.0, self.sign * (self.bound - self.attained))

    @property
    def is_exact(self) -> bool:
        """Whether bound and attained value are the same, up to EXACT_GAP."""
        return self.gap <= EXACT_GAP * (1 + abs(self.attained))


RawBounds = dict[int, tuple[Bound, ...]]  # for each sign: of `sign` times each output, before quantiles are sorted


def raw_bounds(net: DenseNet, bounds: tuple[Sums, ...], *, seconds: float) -> RawBounds:
    """Bounds of all outputs before sorting; the solver gets `seconds` for each end of each."""
    return {
        sign: tuple(_raw_bound(net, bounds, output, sign, seconds) for output in range(len(OUTPUTS)))
        for sign in (-1, 1)
    }


def _raw_bound(net: DenseNet, bounds: tuple[Sums, ...], output: int, sign: int, seconds: float) -> Bound:
    if output not in ORDERED:
        return bound(net, bounds, sum_goal(bounds, output, sign), seconds=seconds)
    quantile = ORDERED.index(output)
    if sign > 0:
        return bound(net, bounds, upper_goal(net, bounds, quantile), seconds=seconds)
    goals: list[Goal] = lower_goals(net, bounds, quantile)
    limit = Bound(-least_limit(net, quantile), OPTIMAL, 0)
    return max(
        (limit, *(bound(net, bounds, goal, seconds=seconds / len(goals)) for goal in goals)), key=lambda b: b.value
    )


def extreme(net: DenseNet, raw: RawBounds, output: int, sign: int, *, seed: int = 1) -> Extreme:
    """The proven extreme of one output, with the most extreme event that is found."""
    proven = raw[sign][output]
    if output in ORDERED:
        ascending = sorted((raw[sign][i] for i in ORDERED), key=lambda b: sign * b.value)
        proven = ascending[ORDERED.index(output)]
    events, answers = extreme_events(unclamped(net), output, sign, np.random.default_rng(seed))
    best = int(np.argmax(sign * answers))
    return Extreme(output, sign, sign * proven.value, float(answers[best]), events[best], proven.status, proven.nodes)
