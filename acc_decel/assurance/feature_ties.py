"""Rows that tie the features of the accepted box to its columns, as far as that narrows what is proven.

Each row holds for every accepted event in real arithmetic; a feature without a row is free within its range. Where a
factor is missing, its column in the box is 0.
"""

from functools import partial, reduce
from typing import Any

import numpy as np

from acc_decel.assurance.accepted_box import Box
from acc_decel.assurance.feature_values import SUM_ERROR, TEMPERATURE, feature_ranges, ranges_without
from acc_decel.assurance.linear_program import Affine, Program, constant
from acc_decel.assurance.piecewise import chords, require_above_tangents, require_equal
from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import Factor
from acc_decel.network.features import (
    COLDEST_C,
    DOUBT_SLACK,
    FROZEN_C,
    GRAVITY,
    HOTTEST_C,
    LARGEST_ROAD_LIMIT,
    MILD_C,
    SNOW,
    SURFACE_COLUMNS,
    THAWED_C,
    named,
)

SPEEDS = (12.0, 25.0, 45.0)  # [m/s] between them speed squared is a chord
FRICTIONS = (0.1, 0.3, 0.6, 0.9, 1.2)  # at which the square of the mean friction has a tangent
TOTALS = CHOICE_SUM[0] - SUM_ERROR, CHOICE_SUM[1] + SUM_ERROR  # of the probabilities of a choice


def add_ties(program: Program, box: Box) -> None:
    """Add all rows."""
    _tie_speed(program, box)
    _tie_temperature(program, box)
    _tie_surface(program, box)
    _tie_doubt(program, box)
    _tie_film(program, box)
    _tie_limits(program, box)


def _factor(box: Box, name: str) -> Factor:
    return next(f for f in box.net.factors if f.name == name)


def _tie_speed(program: Program, box: Box) -> None:
    """Speed squared is convex in the saturated speed s = v / (v + h), because v = h s / (1 - s)."""
    speed, half = _factor(box, "speed"), _factor(box, "speed").half_saturation
    scale = float(np.float32(1 / 1600))
    s, squared = box.column("speed"), box.features["speed_squared"]
    points = [v / (v + half) for v in (speed.low, *SPEEDS, speed.high)]

    def curve(at: float) -> float:
        return scale * (half * at / (1 - at)) ** 2

    def slope(at: float) -> float:
        return float(scale * 2 * half**2 * at / (1 - at) ** 3)

    require_above_tangents(program, s, squared, curve, slope, points)
    (chord,) = chords(program, s, [curve], points)
    program.at_least(chord, squared)


def _tie_temperature(program: Program, box: Box) -> None:
    """The ramps at which snow and ice melt are exact: their kinks are ends of chords."""
    c, road, flag = named(box.net.constants), _factor(box, TEMPERATURE), box.known(TEMPERATURE)
    ends = {name: float(c[f"{short}_ends_c"]) for name, short in (("snowy", "snow"), ("icy", "ice"))}
    rate = float(c["melting_rate"])

    def ramp(end: float, at: float) -> float:
        return float(np.clip((end - at) * rate, 0, 1))

    kinks = sorted({k for end in ends.values() for k in (end - 1 / rate, end) if road.low < k < road.high})
    low = road.low  # what stands for a missing temperature
    at = box.column(TEMPERATURE) + (constant(1.0) - flag) * low
    ramps = chords(program, at, [partial(ramp, end) for end in ends.values()], [road.low, *kinks, road.high])
    for (name, end), value in zip(ends.items(), ramps, strict=True):
        unknown = float(c[f"{name}_unknown"])
        require_equal(program, box.features[name], value + (constant(1.0) - flag) * (unknown - ramp(end, low)))


def _surfaces(box: Box) -> list[Affine]:
    return [box.column(name) for name in SURFACE_COLUMNS]


def _weighted(columns: list[Affine], weights: list[float]) -> Affine:
    total = constant(0.0)
    for column, weight in zip(columns, weights, strict=False):
        total += column * weight
    return total


def _between(program: Program, box: Box, name: str, low: Affine, high: Affine) -> None:
    """Where the surface is known the feature is from `low` to `high`; else in its range over those events."""
    unknown, own = constant(1.0) - box.known("surface"), ranges_without(box.net, "surface")[name]
    program.at_least(box.features[name], low + unknown * own[0])
    program.at_least(high + unknown * own[1], box.features[name])


def _tie_surface(program: Program, box: Box) -> None:
    """Means over the surfaces: the friction of each is between that of its worst and of its best tyre."""
    c, surfaces = named(box.net.constants), _surfaces(box)
    locked = _weighted(surfaces, c["locked"].tolist())
    _between(program, box, "locked_grip", locked, locked)
    low, high = zip(*_frictions(box), strict=True)
    _between(program, box, "grip", _weighted(surfaces, list(low)), _weighted(surfaces, list(high)))


def _frictions(box: Box) -> list[tuple[float, float]]:
    """Least and greatest friction of each surface over all tyres and road temperatures: `features._dry_friction`.

    The compounds have their extremes at the ends of their straight lines, frozen surfaces at those of the temperature.
    """
    c = {name: np.asarray(value, np.float64) for name, value in named(box.net.constants).items()}
    compounds = [c["compound"], c["compound"] + (COLDEST_C - MILD_C) * c["compound_cold"]]
    compounds.append(c["compound"] + (HOTTEST_C - MILD_C) * c["compound_warm"])
    ends = [_extremes(friction, np.ravel(compounds), TOTALS) for friction in c["friction"]]
    for name, gain in (("snow", c["cold_gain"][0]), ("ice", c["cold_gain"][1])):
        cold = [1 - (t - FROZEN_C) * gain for t in (COLDEST_C, THAWED_C)]
        ends.append(_extremes(c[f"friction_{name}"], cold, TOTALS))
    return ends


def _extremes(*factors: Any) -> tuple[float, float]:
    """Minimum and maximum of the products of one number out of each list."""
    products = reduce(np.multiply.outer, [np.atleast_1d(x) for x in factors])
    return float(products.min()), float(products.max())


def _tie_doubt(program: Program, box: Box) -> None:
    """The mean square less the square of the mean, which is above its tangents; or 0."""
    means, surfaces = named(box.net.constants)["mean_friction"].tolist(), _surfaces(box)
    mean, square = _weighted(surfaces, means), _weighted(surfaces, [m * m for m in means])
    unknown, doubt = constant(1.0) - box.known("surface"), box.features["doubt"]
    largest = feature_ranges(box.net)["doubt"][1]
    slack = (TOTALS[1] - 1) * max(means) ** 2  # by which the square may be more, while the probabilities add up to more
    for f in FRICTIONS:
        program.at_least(square - mean * (2 * f) + constant(f * f + slack) + unknown * largest, doubt)


def _tie_film(program: Program, box: Box) -> None:
    """The film is known, or cannot matter as far as there is packed snow."""
    value, known = box.features["film_known"], box.known("water_film_mm")
    snow = _surfaces(box)[SNOW]
    largest = ranges_without(box.net, "surface")["film_known"][1]
    program.at_least(value, known)
    program.at_least(value, snow)
    program.at_least(known + snow + (constant(1.0) - box.known("surface")) * largest, value)


def _tie_limits(program: Program, box: Box) -> None:
    """What the road allows: the limit of the worst surface that is certain, or more by the doubt."""
    c, surfaces, known = named(box.net.constants), _surfaces(box), box.known("surface")
    best = [high for _, high in _frictions(box)][SNOW:]
    headroom = c["headroom"].astype(np.float64)
    limits = [*(c["friction"].astype(np.float64) * headroom[:SNOW]), *(best * headroom[SNOW:])]
    certain = constant(0.0)
    for surface, limit in reversed(list(zip(surfaces, limits, strict=True))):
        certain += surface
        bound = known * (float(limit * GRAVITY) + DOUBT_SLACK) - certain * DOUBT_SLACK
        program.at_least(bound + (constant(1.0) - known) * LARGEST_ROAD_LIMIT, box.features["road_limit"])
