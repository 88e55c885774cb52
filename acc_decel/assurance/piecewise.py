"""Curves in a linear program: tangents bound a convex one from below, chords from above."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from acc_decel.assurance.linear_program import Affine, Program, constant

Curve = Callable[[float], float]


def require_above_tangents(
    program: Program, u: Affine, y: Affine, curve: Curve, slope: Curve, points: Sequence[float]
) -> None:
    """Require `y` to be on or above the tangents of a convex `curve` of `u` at some points."""
    for p in points:
        program.at_least(y, u * slope(p) + constant(curve(p) - slope(p) * p))


def chords(program: Program, u: Affine, curves: Sequence[Curve], ends: Sequence[float]) -> list[Affine]:
    """The chords of some curves of `u` from end to end, exactly.

    `u` is a sum of parts, one for each chord, which are filled in order.
    """
    filled = constant(ends[0])
    values = [constant(curve(ends[0])) for curve in curves]
    before: Affine | None = None  # 1 if the part before is full
    for i, (left, right) in enumerate(pairwise(ends)):
        part = program.variable(0.0, right - left)
        if before is not None:
            program.at_least(before * (right - left), part)
        if i < len(ends) - 2:
            before = program.variable(0.0, 1.0, whole=True)
            program.at_least(part, before * (right - left))
        filled += part
        slopes = [(curve(right) - curve(left)) / (right - left) for curve in curves]
        values = [value + part * slope for value, slope in zip(values, slopes, strict=True)]
    require_equal(program, filled, u)
    return values


def require_equal(program: Program, x: Affine, y: Affine) -> None:
    """Require both to be the same."""
    program.at_least(x, y)
    program.at_least(y, x)
