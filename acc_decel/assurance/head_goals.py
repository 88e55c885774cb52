"""What is bounded of the head: the least and the greatest value of each quantile, before they are sorted.

With F and B, the limits of friction and brakes, a quantile is q = min(s, road, share * brake) + resistance, where s is
F - rectified(F - B) plus an offset. From above, s is below each of its tangents (1 - t) F + t B + t^2 / 2, because it is
concave; one program has them all. From below, s is at least the smaller of F and B, so that four programs, one for each
of F, B, road and brake, bound q; the last two are ranges of features.
"""

from functools import partial

from acc_decel.assurance.accepted_box import Box
from acc_decel.assurance.feature_values import feature_ranges
from acc_decel.assurance.linear_program import Affine, Program, constant
from acc_decel.assurance.ranges import Goal, Sums
from acc_decel.network import DenseNet
from acc_decel.network.features import SURFACE_COLUMNS
from acc_decel.outputs import ORDERED, OUTPUTS

TANGENTS = (0.0, 0.25, 0.5, 0.75, 1.0)  # slopes of those of the rounded minimum


def upper_goal(net: DenseNet, bounds: tuple[Sums, ...], quantile: int) -> Goal:
    """The greatest value of a quantile, by its place in ORDERED."""
    spans = feature_ranges(net)
    friction, correction = _units(quantile)
    largest = min(spans["road_limit"][1], float(net.head.shares[quantile]) * spans["brake_limit"][1])
    largest = min(largest, bounds[-1].high[friction] + max(0.0, _offsets(net, quantile)[1]))
    return Goal(1, (friction, correction), partial(_smallest, net, quantile), float(largest) + spans["resistance"][1])


def lower_goals(net: DenseNet, bounds: tuple[Sums, ...], quantile: int) -> list[Goal]:
    """The least values of friction and brake limit of a quantile, each with its offset and the resistance."""
    spans, least = feature_ranges(net), _offsets(net, quantile)[0]
    friction, correction = _units(quantile)
    low = bounds[-1].low
    braking = float(net.head.slopes[quantile]) * spans["braking"][0]
    return [
        Goal(-1, (unit,), partial(_least, net, quantile, add), -(float(value) + least + spans["resistance"][0]))
        for unit, add, value in (
            (friction, _friction, low[friction]),
            (correction, _brakes, low[correction] + braking),
        )
    ]


def least_limit(net: DenseNet, quantile: int) -> float:
    """No value of a quantile is limited below this by road or brakes."""
    spans = feature_ranges(net)
    limits = spans["road_limit"][0], float(net.head.shares[quantile]) * spans["brake_limit"][0]
    return min(limits) + spans["resistance"][0]


def sum_goal(bounds: tuple[Sums, ...], unit: int, sign: int) -> Goal:
    """An output that is a sum of the last layer, like the delay."""
    limit = bounds[-1].high[unit] if sign > 0 else -bounds[-1].low[unit]
    return Goal(sign, (unit,), lambda program, box, u: u[unit] * sign, float(limit))  # noqa: ARG005


def _units(quantile: int) -> tuple[int, int]:
    """The sums of the last layer that are friction and correction of a quantile."""
    return ORDERED[quantile], len(OUTPUTS) + quantile


def _offset(net: DenseNet, quantile: int, box: Box) -> Affine:
    total = constant(float(net.head.offset[quantile]))
    for name, offset in zip(SURFACE_COLUMNS, net.head.surface_offsets[:, quantile], strict=True):
        total += box.column(name) * float(offset)
    return total


def _offsets(net: DenseNet, quantile: int) -> tuple[float, float]:
    """Bounds of the offset: probabilities add up to 1.01 at most."""
    most = 1.02 * max(0.0, *net.head.surface_offsets[:, quantile].tolist())
    least = 1.02 * min(0.0, *net.head.surface_offsets[:, quantile].tolist())
    return float(net.head.offset[quantile]) + least, float(net.head.offset[quantile]) + most


def _friction(net: DenseNet, quantile: int, box: Box, u: list[Affine]) -> Affine:  # noqa: ARG001
    return u[_units(quantile)[0]]


def _brakes(net: DenseNet, quantile: int, box: Box, u: list[Affine]) -> Affine:
    return u[_units(quantile)[1]] + box.features["braking"] * float(net.head.slopes[quantile])


def _least(net: DenseNet, quantile: int, limit: object, program: Program, box: Box, u: list[Affine]) -> Affine:  # noqa: ARG001
    value = limit(net, quantile, box, u)  # type: ignore[operator]
    return (value + _offset(net, quantile, box) + box.features["resistance"]) * -1.0


def _smallest(net: DenseNet, quantile: int, program: Program, box: Box, u: list[Affine]) -> Affine:
    friction, brakes = _friction(net, quantile, box, u), _brakes(net, quantile, box, u)
    offset, limits = _offset(net, quantile, box), feature_ranges(net)
    y = program.variable(-1e6, limits["road_limit"][1])
    for t in TANGENTS:
        program.at_least(friction * (1 - t) + brakes * t + constant(t * t / 2) + offset, y)
    program.at_least(box.features["road_limit"], y)
    program.at_least(box.features["brake_limit"] * float(net.head.shares[quantile]), y)
    return y + box.features["resistance"]
