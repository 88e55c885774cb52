"""Minimum and maximum of each output: what is proven of the network, what the limits leave, and what is attained.

With F and B, the limits of friction and brakes, a quantile is q = max(min(s, road, brake), least) + resistance, where s
is F - rectified(F - B) plus an offset, road and brake are shares of two limits (`head.py`). It rises in F and B, so its
bounds follow from theirs, which are sums of the last layer, and from the spans of the values of the head. The quantiles
are then cut and sorted like their values: both are monotone. The most extreme answers are those that a random search
finds (`witness.py`).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from acc_decel.assurance.feature_values import feature_spans
from acc_decel.assurance.ranges import Sums, unclamped
from acc_decel.assurance.witness import extreme_events
from acc_decel.export.reference import CHOICE_SUM
from acc_decel.network import LEAST_BRAKING, DenseNet, rectified
from acc_decel.network.reserve import LEAST_MEDIAN, Reserve
from acc_decel.outputs import MEDIAN, ORDERED, RESERVE


@dataclass(frozen=True)
class Extreme:
    """Maximum (`sign` 1) or minimum (-1) of one output over the accepted box, before the last clamp.

    No accepted event exceeds `bound` in real arithmetic. `attained` is the answer of the real network to `witness`, one
    row of columns.
    """

    output: int
    sign: int
    bound: float
    attained: float
    witness: Float32[ndarray, " columns"]

    @property
    def gap(self) -> float:
        """Distance of the bound from an attained value."""
        return max(0.0, self.sign * (self.bound - self.attained))


@dataclass(frozen=True)
class Parts:
    """Bounds of what a quantile is made of, at one end: minima or maxima, for each quantile."""

    friction: Float[ndarray, " quantiles"]
    brakes: Float[ndarray, " quantiles"]
    offset: Float[ndarray, " quantiles"]
    road_limit: Float[ndarray, " quantiles"]
    brake_limit: Float[ndarray, " quantiles"]
    resistance: float

    @property
    def quantiles(self) -> Float[ndarray, " quantiles"]:
        """The quantiles of these parts: the lines of `head.py`."""
        smaller = self.friction - rectified(self.friction - self.brakes) + self.offset
        bounded = np.minimum(np.minimum(smaller, self.road_limit), self.brake_limit)
        return np.maximum(bounded, LEAST_BRAKING) + self.resistance


def parts(net: DenseNet, last: Sums) -> tuple[Parts, Parts]:
    """The parts at their minima and at their maxima; `last` bounds the sums of the last layer."""
    spans, head = feature_spans(net), net.head
    slopes = head.slopes.astype(np.float64)
    offsets = head.surface_offsets.astype(np.float64)
    ends = []
    for place, sums, extreme in ((0, last.low, np.minimum), (1, last.high, np.maximum)):
        brakes = sums[len(net.outputs) :] + np.maximum(slopes, 0) * spans["braking"][place]
        brakes = brakes + np.minimum(slopes, 0) * spans["braking"][1 - place]
        offset = head.offset + extreme(extreme.reduce(offsets, axis=0), 0) * CHOICE_SUM[1] * (1 + 1e-6)
        brake_limit = head.brake_shares.astype(np.float64) * spans["brake_limit"][place]
        road_limit = head.road_shares.astype(np.float64) * spans["road_limit"][place]
        friction = sums[[*ORDERED]]
        ends.append(Parts(friction, brakes, offset, road_limit, brake_limit, spans["resistance"][place]))
    return ends[0], ends[1]


def proven_ends(net: DenseNet, last: Sums) -> tuple[Float[ndarray, " outputs"], Float[ndarray, " outputs"]]:
    """Minimum and maximum of each output before the last clamp, in real arithmetic."""
    ends = []
    both = parts(net, last)
    for sums, part in zip((last.low, last.high), both, strict=True):
        end = sums[: len(net.outputs)].copy()
        end[[*ORDERED]] = np.sort(part.quantiles)
        ends.append(end)
    if net.reserve:
        ends[0][RESERVE], ends[1][RESERVE] = reserve_ends(net.reserve, last, *both)
    return ends[0], ends[1]


def reserve_ends(reserve: Reserve, last: Sums, least: Parts, most: Parts) -> tuple[float, float]:
    """Minimum and maximum of the reserve [s^2/m]: the sum at one end over the median at the other."""
    numerators = reserve_numerators(reserve, last)
    medians = [max(float(part.quantiles[ORDERED.index(MEDIAN)]), LEAST_MEDIAN) for part in (most, least)]
    return numerators[0] / medians[0], numerators[1] / medians[1]


def reserve_numerators(reserve: Reserve, last: Sums) -> tuple[float, float]:
    """Minimum and maximum of what the reserve divides by the median."""
    offsets, share = reserve.surface_offsets.astype(np.float64), CHOICE_SUM[1] * (1 + 1e-6)
    ends = []
    for sums, extreme in ((last.low, min), (last.high, max)):
        offset = float(reserve.offset[0]) + extreme(float(extreme(offsets)), 0.0) * share
        ends.append(max(float(rectified(sums[RESERVE : RESERVE + 1])[0]) + offset, 0.0))
    return ends[0], ends[1]


def extreme(net: DenseNet, bound: float, output: int, sign: int, *, seed: int = 1) -> Extreme:
    """The proven `bound` of one output, with the most extreme event that is found."""
    events, answers = extreme_events(unclamped(net), output, sign, np.random.default_rng(seed))
    best = int(np.argmax(sign * answers))
    return Extreme(output, sign, bound, float(answers[best]), events[best])
