"""Combinations of values that no training event has, by the rules of `scenarios.py` and the physics.

The trained domain is tested on them; nothing is trained on them. Each overwrites some columns of real events and leaves
the others. Each is so far beyond a rule (four standard deviations) that sensor noise does not reach it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.factors import Factor, column_names


@dataclass(frozen=True)
class NeverTrained:
    """One kind of combination: some columns, each with its minimum and maximum, and why no training event has it.

    If a combination sets some levels of a choice, the other levels become 0.
    """

    name: str
    reason: str
    spans: tuple[tuple[str, float, float], ...]


_MELTS = "snow and ice have melted there (`surface_shares`), and a camera calibrated by construction excludes them"
_FREEZES = "below THAW_C snow and ice carry no liquid water, and a rain sensor is sure of a dry road"
_SALTED = "below SALTED_C all water on the road is frozen, and a rain sensor is sure of a dry road"
_EXCLUDED = "an exclusion of factors.py"
_SLIPPERY = "no tyre of the physics has so much grip there, scatter included"
_GRIPPY = "no tyre of the physics has so little grip there, scatter included, where no ice can be taken for it"

# fmt: off
NEVER_TRAINED: tuple[NeverTrained, ...] = (
    NeverTrained("ice on a warm road", _EXCLUDED,
                 (("surface_ice", 1.0, 1.0), ("road_temperature_c", 7.0, 65.0))),
    NeverTrained("packed snow on a warm road", _EXCLUDED,
                 (("surface_packed_snow", 1.0, 1.0), ("road_temperature_c", 9.0, 65.0))),
    NeverTrained("deep water on ice", _EXCLUDED,
                 (("surface_ice", 1.0, 1.0), ("water_film_mm", 1.7, 8.0))),
    NeverTrained("deep water on packed snow", _EXCLUDED,
                 (("surface_packed_snow", 1.0, 1.0), ("water_film_mm", 0.9, 8.0))),
    NeverTrained("perhaps ice on a warm road", _MELTS,
                 (("surface_ice", 0.5, 0.5), ("surface_asphalt", 0.5, 0.5), ("road_temperature_c", 7.0, 65.0))),
    NeverTrained("perhaps packed snow on a warm road", _MELTS,
                 (("surface_packed_snow", 0.4, 0.4), ("surface_asphalt", 0.6, 0.6), ("road_temperature_c", 9.0, 65.0))),
    NeverTrained("water on deep-frozen ice", _FREEZES,
                 (("surface_ice", 1.0, 1.0), ("water_film_mm", 0.2, 1.0), ("road_temperature_c", -30.0, -7.0))),
    NeverTrained("water on deep-frozen snow", _FREEZES,
                 (("surface_packed_snow", 1.0, 1.0), ("water_film_mm", 0.2, 0.5), ("road_temperature_c", -30.0, -7.0))),
    NeverTrained("water on a deep-frozen road", _SALTED,
                 (("surface_asphalt", 1.0, 1.0), ("water_film_mm", 0.2, 8.0), ("road_temperature_c", -30.0, -14.0))),
    NeverTrained("grip on ice", _EXCLUDED,
                 (("surface_ice", 1.0, 1.0), ("friction_estimate", 0.41, 1.3))),
    NeverTrained("grip on packed snow", _EXCLUDED,
                 (("surface_packed_snow", 1.0, 1.0), ("friction_estimate", 0.71, 1.3))),
    NeverTrained("grip on gravel", _SLIPPERY,
                 (("surface_gravel", 1.0, 1.0), ("friction_estimate", 1.2, 1.3))),
    NeverTrained("no grip on dry asphalt", _GRIPPY,
                 (("surface_asphalt", 1.0, 1.0), ("water_film_mm", 0.0, 0.0), ("friction_estimate", 0.05, 0.25),
                  ("road_temperature_c", 9.0, 65.0))),
    NeverTrained("no grip on dry concrete", _GRIPPY,
                 (("surface_concrete", 1.0, 1.0), ("water_film_mm", 0.0, 0.0), ("friction_estimate", 0.05, 0.25))),
    NeverTrained("half a winter tyre", "a car has one kind of tyre, known for certain",
                 (("tyre_kind_summer", 0.5, 0.5), ("tyre_kind_winter", 0.5, 0.5))),
    NeverTrained("half an ABS", "a car either has ABS or not",
                 (("abs", 0.3, 0.7),)),
)
# fmt: on


def never_trained(
    kind: NeverTrained,
    factors: tuple[Factor, ...],
    columns: Float32[ndarray, "events columns"],
    rng: np.random.Generator,
) -> Float32[ndarray, "events columns"]:
    """The events `columns`, each with this combination in it: values drawn evenly over its spans."""
    changed, index = columns.copy(), column_names(factors).index
    overwritten = {name for name, _, _ in kind.spans}
    for factor in factors:
        if factor.levels and overwritten & {*factor.columns}:
            changed[:, [index(c) for c in factor.columns]] = 0
    for name, low, high in kind.spans:
        changed[:, index(name)] = rng.uniform(low, high, len(columns))
    return changed
