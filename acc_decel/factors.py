"""The vocabulary: all braking factors, listed once. All other stages compute columns, ranges and texts from it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from itertools import accumulate, pairwise
from math import isnan
from numbers import Real

from acc_decel.outputs import OUTPUTS

RISES, FALLS, FREE = 1, -1, 0  # how the deceleration changes when a factor grows


@dataclass(frozen=True)
class Prior:
    """How a factor is spread over the training scenarios, within its range.

    A share `uniform` of the events is spread evenly over the whole range, so that the network meets every corner;
    the rest follows a normal distribution of `mean` and `deviation`, cut off at the range.
    """

    uniform: float = 1.0
    mean: float = 0.0
    deviation: float = 1.0


@dataclass(frozen=True)
class Factor:
    """One braking factor: what it means, where it is valid, and how a sensor measures it.

    `noise` is the standard deviation of the sensor in the factor's unit, `noise_share` the same relative to the value.
    `low` and `high` are the limits of every column of the factor. A factor with `levels` is a choice: it has one column
    for each level, the probability of that level. An `optional` factor may be missing: its value is then NaN.
    `direction` holds only while the factor named by `forced_while` is at least 1. `standard` is the value of equipment
    that every car has: a table or a call that does not name the factor gets it; NaN still means missing. `mistaken_for`
    lists units that people give by mistake, with the size and the offset that convert them to `unit`. A factor whose
    effect depends on ratios, like a mass or a friction, or is strongest near 0, like a water film, has a
    `half_saturation`: the network sees value / (value + half_saturation), which is 1/2 there and almost a logarithm
    around it. One that is `of_the_road` is the same for every car at that place.
    """

    name: str
    low: float
    high: float
    step: float
    unit: str
    meaning: str
    optional: bool = True
    direction: int = FREE
    forced_while: str = ""
    prior: Prior = Prior()
    noise: float = 0.0
    noise_share: float = 0.0
    levels: tuple[str, ...] = ()
    standard: float | None = None
    half_saturation: float = 0.0
    estimate: bool = False  # a measurement of the result of the physics, not one of its causes
    of_the_road: bool = field(default=False, repr=False)  # no training depends on it, and a cached one goes by the repr
    mistaken_for: tuple[tuple[str, float, float], ...] = ()  # unit, size, offset: value * size + offset is in `unit`

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names of this factor, in the network's order."""
        return tuple(f"{self.name}_{level}" for level in self.levels) or (self.name,)

    @property
    def span(self) -> str:
        """The valid range with its unit, as text."""
        return f"{self.low:g} to {self.high:g} {self.unit}".strip()

    @property
    def is_switch(self) -> bool:
        """Whether there are two values only, off and on, which may be given as booleans."""
        return not self.levels and self.step == self.high - self.low

    @property
    def choices(self) -> str:
        """The levels, as text."""
        return ", ".join(self.levels)

    @property
    def named_meaning(self) -> str:
        """The meaning for one who gives a level by its name, not a probability for each."""
        return self.meaning.removesuffix(", one probability for each kind")

    def refusal(self, value: object, where: str = "") -> str:
        """One sentence that refuses `value`: the factor, what is expected, what was given, and the remedy if known."""
        if self.levels and isinstance(value, str):
            return f"{self.name}{where} must be one of {self.choices} ({self.named_meaning}). Got {value!r}."
        if self.levels:
            return (
                f"{self.name}{where} must be one of {self.choices}, or a probability of 0 to 1 for each, "
                f"adding up to 1. Got {value}."
            )
        if not isinstance(value, Real) or isinstance(value, bool):
            return f"{self.name}{where} must be a number of {self.span} ({self.meaning}). Got {value!r}."
        if isinstance(value, float) and isnan(value):
            return f"{self.name}{where} is required: {self.span} ({self.meaning}). Got no value."
        return f"{self.name}{where} must be {self.span} ({self.meaning}). Got {self._shown(value)}.{self._hint(value)}"

    def _shown(self, value: Real) -> str:
        """The number, with as many digits as tell it from the limits."""
        if isinstance(value, int) and abs(value) > 1e15:
            return f"{Decimal(value):.6g}"  # a float may not hold it
        texts = (f"{float(value):.{digits}g}" for digits in range(6, 18))
        return next((text for text in texts if not self.low <= float(text) <= self.high), f"{float(value):.17g}")

    def _hint(self, number: Real) -> str:
        try:
            value = float(number)
        except OverflowError:
            return ""
        for unit, size, offset in self.mistaken_for:
            if self.low <= value * size + offset <= self.high:
                return f" If that was {unit}, give {value * size + offset:.4g}."
        return ""


# fmt: off
FACTORS: tuple[Factor, ...] = (
    Factor("speed", 1.0, 70.0, 0.01, "m/s", "vehicle speed over ground",
           optional=False, prior=Prior(0.6, 18.0, 10.0), noise_share=0.003, half_saturation=20.0,
           mistaken_for=(("km/h", 1 / 3.6, 0.0),)),
    Factor("brake_pressure_bar", 5.0, 180.0, 0.1, "bar", "brake pressure demanded of the master cylinder",
           optional=False, direction=RISES, forced_while="abs", noise=0.8, half_saturation=40.0,
           mistaken_for=(("Pa", 1e-5, 0.0), ("MPa", 10.0, 0.0))),
    Factor("mass", 600.0, 5000.0, 1.0, "kg", "vehicle mass with its load",
           noise_share=0.03, half_saturation=1500.0, mistaken_for=(("t", 1000.0, 0.0),)),
    Factor("brake_temperature_c", -30.0, 700.0, 1.0, "degC", "temperature of the front brake discs",
           direction=FALLS, forced_while="abs", prior=Prior(0.15, 110.0, 70.0), noise=8.0, noise_share=0.03,
           mistaken_for=(("K", 1.0, -273.15),)),
    Factor("grade", -0.20, 0.20, 0.001, "rise/run", "slope of the road, positive uphill",
           direction=RISES, prior=Prior(0.1, 0.0, 0.02), noise=0.004, of_the_road=True,
           mistaken_for=(("%", 0.01, 0.0),)),
    Factor("headwind", -20.0, 20.0, 0.1, "m/s", "wind against the direction of travel, positive from ahead",
           direction=RISES, prior=Prior(0.1, 0.0, 3.0), noise=1.0, of_the_road=True,
           mistaken_for=(("km/h", 1 / 3.6, 0.0),)),
    Factor("surface", 0.0, 1.0, 0.01, "", "road surface, one probability for each kind",
           levels=("asphalt", "concrete", "cobbles", "gravel", "packed_snow", "ice"), of_the_road=True),
    Factor("water_film_mm", 0.0, 8.0, 0.01, "mm", "depth of the water on the road",
           direction=FALLS, noise=0.02, noise_share=0.15, half_saturation=0.3, of_the_road=True),
    Factor("road_temperature_c", -30.0, 65.0, 0.5, "degC", "temperature of the road surface",
           prior=Prior(0.4, 14.0, 12.0), noise=0.8, of_the_road=True, mistaken_for=(("K", 1.0, -273.15),)),
    Factor("tyre_kind", 0.0, 1.0, 1.0, "", "kind of tyre fitted",
           levels=("summer", "all_season", "winter")),
    Factor("tread_depth_mm", 1.0, 9.0, 0.1, "mm", "tread depth of the tyres",
           direction=RISES, forced_while="water_film_mm", prior=Prior(0.5, 6.5, 1.5), noise=0.25, half_saturation=3.0),
    Factor("tyre_pressure_bar", 1.5, 3.5, 0.01, "bar", "tyre inflation pressure, above ambient",
           prior=Prior(0.2, 2.4, 0.15), noise=0.04, mistaken_for=(("psi", 0.0689476, 0.0), ("kPa", 0.01, 0.0))),
    Factor("abs", 0.0, 1.0, 1.0, "", "anti-lock braking system: 0 off, 1 on",
           optional=False, standard=1.0),
    Factor("friction_estimate", 0.05, 1.3, 0.01, "", "estimate of the peak tyre-road friction at walking speed",
           direction=RISES, noise=0.03, noise_share=0.05, half_saturation=0.4, estimate=True),
)
# fmt: on


@dataclass(frozen=True)
class Exclusion:
    """A combination that no road and no training event has: `column` above `threshold` with `factor` beyond `limit`.

    The column is a level of a choice, whose value is a probability, or a factor. Beyond the limit is above it; where
    `below` is true, it is below it.
    """

    column: str
    factor: str
    limit: float
    meaning: str
    threshold: float = 0.5
    below: bool = False


EXCLUSIONS: tuple[Exclusion, ...] = (
    Exclusion("surface_ice", "road_temperature_c", 3.0, "ice does not last on a road above 3 degC"),
    Exclusion("surface_packed_snow", "road_temperature_c", 5.0, "packed snow does not last on a road above 5 degC"),
    Exclusion("surface_ice", "water_film_mm", 1.0, "ice under deep water is a lake, not a road"),
    Exclusion("surface_packed_snow", "water_film_mm", 0.5, "packed snow soaks water up"),
    Exclusion("surface_ice", "friction_estimate", 0.4, "no tyre has so much friction on ice", threshold=0.9),
    Exclusion("surface_packed_snow", "friction_estimate", 0.7, "no tyre has so much friction on snow", threshold=0.9),
    Exclusion(
        "water_film_mm",
        "road_temperature_c",
        -12.0,
        "below -12 degC water is frozen, salted or not",
        threshold=0.1,
        below=True,
    ),
)
OF_THE_VEHICLE = "brake_pressure_bar"  # its standard is what the brakes of the vehicle reach: `Vehicle.factors`
CERTAIN = 0.5  # a level counts as present above this probability


def column_names(factors: Iterable[Factor] = FACTORS) -> tuple[str, ...]:
    """Names of all columns, in the network's order."""
    return tuple(column for factor in factors for column in factor.columns)


def owners(factors: Iterable[Factor] = FACTORS) -> list[int]:
    """The index of the factor that each column belongs to, in the network's order."""
    return [i for i, factor in enumerate(factors) for _ in factor.columns]


def column_factors(factors: Iterable[Factor] = FACTORS) -> tuple[Factor, ...]:
    """The factor that each column belongs to, in the network's order."""
    return tuple(factor for factor in factors for _ in factor.columns)


def ranges(factors: Iterable[Factor] = FACTORS) -> list[tuple[float, float]]:
    """The range (low, high) of each column, in the network's order."""
    return [(factor.low, factor.high) for factor in column_factors(factors)]


def slices(factors: Iterable[Factor] = FACTORS) -> tuple[slice, ...]:
    """For each factor, the slice of its columns."""
    stops = list(accumulate(len(factor.columns) for factor in factors))
    return tuple(slice(start, stop) for start, stop in pairwise((0, *stops)))


def schema(factors: Iterable[Factor] = FACTORS) -> str:
    """Eight hexadecimal digits that change when the columns, their order, range or meaning to the network change."""
    meaning = [
        (f.name, f.unit, f.levels, f.optional, f.direction, f.forced_while, f.estimate, f.half_saturation)
        for f in factors
    ]
    rules = [(e.column, e.factor, e.limit, e.threshold, e.below) for e in EXCLUSIONS]
    return hashlib.sha256(repr((meaning, rules, tuple(OUTPUTS))).encode()).hexdigest()[:8]


def half_saturations(factors: Iterable[Factor] = FACTORS) -> tuple[float, ...]:
    """The half-saturation of each column; 0 where the network sees the value itself."""
    return tuple(factor.half_saturation for factor in column_factors(factors))


def with_range(factors: Iterable[Factor], name: str, low: float, high: float) -> tuple[Factor, ...]:
    """The same factors with the range of `name` replaced: a vehicle platform has a narrower range of mass."""
    return tuple(replace(f, low=low, high=high) if f.name == name else f for f in factors)


def described(factors: Iterable[Factor]) -> list[dict[str, object]]:
    """The factors as plain values, for the metadata of a file."""
    return [{f.name: getattr(factor, f.name) for f in fields(Factor) if f.name in _DESCRIBED} for factor in factors]


# fmt: off
_DESCRIBED = (
    "name", "low", "high", "step", "unit", "meaning", "optional", "direction", "forced_while", "levels", "standard",
)
# fmt: on
