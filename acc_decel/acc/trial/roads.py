"""The roads of the trial, and how often a car meets each of them in a year."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

COLD_C = 3.0  # [degC] roads colder than this are driven on winter tyres, and stay frozen


@dataclass(frozen=True)
class Road:
    """One road: surface, water film [mm], temperature [degC], grade, speed [m/s], and what is wrong with the own car.

    `handicap` gives factors of the own car; a mass is relative to its gross mass. `year` is the share of the driving
    of a Central European year: a guess, no count of traffic was read.
    """

    surface: str
    water_film_mm: float
    road_temperature_c: float
    grade: float
    speed: float
    year: float
    handicap: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def cold(self) -> bool:
        """Whether snow and ice last on it."""
        return self.road_temperature_c < COLD_C

    @property
    def top_speed(self) -> float:
        """No run is faster [m/s]."""
        return SPEED_SPREAD[1] * self.speed


SPEED_SPREAD = (0.85, 1.1)  # of the speed of the road, evenly
# fmt: off
ROADS: dict[str, Road] = {
    #                        surface       film   degC   grade  m/s   year
    "dry":        Road("asphalt",     0.0, 20.0,  0.00, 36.1, 0.55),
    "wet":        Road("asphalt",     1.0, 12.0,  0.00, 30.6, 0.25),
    "worn_wet":   Road("asphalt",     1.5, 12.0,  0.00, 27.8, 0.05, {"tread_depth_mm": 2.0}),
    "snow":       Road("packed_snow", 0.0, -6.0,  0.00, 18.0, 0.04),
    "ice":        Road("ice",         0.0, -4.0,  0.00, 12.5, 0.01),
    "downhill":   Road("asphalt",     0.0, 15.0, -0.10, 25.0, 0.04),
    "hot_brakes": Road("asphalt",     0.0, 20.0, -0.04, 27.8, 0.02, {"brake_temperature_c": 620.0}),
    "overloaded": Road("asphalt",     0.3, 15.0,  0.00, 30.6, 0.04, {"mass": 1.0}),
}
# A road just above freezing, with a patch of black ice ahead that no sensor sees: for that scenario only.
FROST = "frost"
PATCHED: dict[str, Road] = {FROST: Road("asphalt", 0.0, 1.0, 0.0, 22.0, 0.0)}
# fmt: on
PATCH_C = -1.0  # [degC] temperature of the patch, as of a bridge
ALL_ROADS: dict[str, Road] = ROADS | PATCHED


def even_weights(roads: Sequence[str]) -> dict[str, float]:
    """Every road counts alike."""
    return {road: 1 / len(roads) for road in roads}


def year_weights(roads: Sequence[str]) -> dict[str, float]:
    """Each road counts as often as a year has it; evenly where the year has none of them."""
    total = sum(ALL_ROADS[road].year for road in roads)
    if total == 0:
        return even_weights(roads)
    return {road: ALL_ROADS[road].year / total for road in roads}
