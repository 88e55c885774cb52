"""Physics features: what a network would otherwise have to learn, computed from the columns in a few operations.

Every formula is written once, on an `Arithmetic`: NumPy here, nodes in the ONNX file, and intervals with directions in
the proofs. The C has the same operations in the same order, so it gives the same bits. Only + - * /, minimum and
maximum are used, and a quotient of a rising value is written as 1 - c / (value + c): then every operation is monotone,
also rounded.

A missing factor is replaced by a typical value inside a feature; that it is missing is an input of its own. A feature
that is forced rises or falls with every forced factor in it, for any values of the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.constants import GRAVITY as STANDARD_GRAVITY
from acc_decel.factors import FACTORS, FALLS, FREE, RISES, Factor, column_names, slices


@dataclass(frozen=True)
class Feature:
    """A value computed from the columns: how the deceleration changes when it grows, and while which switch is 1."""

    name: str
    direction: int
    meaning: str
    forced_while: str = ""


# fmt: off
FEATURES: tuple[Feature, ...] = (
    Feature("braking_share", RISES, "deceleration that the brakes can give, b / (b + 9 m/s^2)", forced_while="abs"),
    Feature("film_share", FALLS, "water film, d / (d + 0.3 mm); 0 on packed snow"),
    Feature("wetness", FALLS, "water film, d / (d + 0.05 mm); 0 on packed snow"),
    Feature("expected_limit", RISES, "deceleration expected of surface, tyres and water [m/s^2]"),
    Feature("estimated_limit", RISES, "the same from the friction estimate [m/s^2]"),
    Feature("worn_grip", RISES, "dry grip of a worn tyre on a firm road, gone at a film of 1 mm or an unknown one"),
    Feature("speed_squared", FREE, "speed squared, 1 at 40 m/s"),
    Feature("grip", FREE, "friction expected of surface, tyre kind and road temperature, new and dry"),
    Feature("doubt", FREE, "variance of the friction over the surfaces that the camera names"),
    Feature("locked_grip", FREE, "friction of a locked wheel over the maximum friction"),
    Feature("snowy", FREE, "1 where packed snow may last, 0 where it has melted"),
    Feature("icy", FREE, "1 where ice may last, 0 where it has melted"),
    Feature("film_known", FREE, "1 if the water film is known or cannot matter"),
)
HEAD = ("braking", "resistance", "road_limit", "brake_limit")  # values that only the head uses [m/s^2]
REPLACED = ("brake_pressure_bar", "water_film_mm")  # the network sees these factors only through features
# fmt: on

GRAVITY = np.float32(STANDARD_GRAVITY)
SURFACE_COLUMNS, TYRE_COLUMNS = (
    next(f.columns for f in FACTORS if f.name == name) for name in ("surface", "tyre_kind")
)
SNOW = SURFACE_COLUMNS.index("surface_packed_snow")  # ice follows
HALF_BRAKING = 9.0  # [m/s^2]
HALF_FILM_MM, THIN_FILM_MM, FILM_KNEE_MM = 0.3, 0.05, 0.35
DEEP_FILM = 1 - FILM_KNEE_MM**2
MAX_WET_LOSS = 0.85
LARGEST_LIMIT = 13.0  # [m/s^2] higher limits of the friction count as this one
MAX_BRAKING = 40.0  # [m/s^2] the same of the brakes
DOUBT_SLACK = 36.0  # [m/s^2] by which the limit of a surface rises if better ones are certain
COLDEST_C, THAWED_C, FROZEN_C = -25.0, 2.0, -5.0  # as in `tyre.frozen_grip`
MILD_C, HOTTEST_C = 20.0, 65.0  # a compound has one slope below MILD_C and one above; no road is warmer
NEW_MM, WORN_MM, DEEPEST_MM = 8.0, 1.6, 9.0  # tread
DRAINED_MM = 1.0  # film from which a worn tyre has no advantage

TYPICAL = tuple(f.name for f in FACTORS if f.optional and not f.levels)
LAYOUT: dict[str, int] = {
    **{f"typical_{name}": 1 for name in TYPICAL},  # the constants of a vehicle, by name: how many numbers each has
    "least_mass": 1,  # [kg]
    "towed_mass": 1,  # [kg] of a trailer, as far as it does not brake itself
    "force_per_bar": 1,  # [N/bar] of all brakes
    "drag": 1,  # [kg/m] half of air density times drag area
    "rolling": 1,  # [m/s^2]
    "climbing": 1,  # [m/s^2] for a grade of 1
    "heating": 1,  # [K s^2/(kg m^2)] of the front discs in the mean of a stop
    "fade_onset_c": 1,
    "fade_rate": 1,  # [1/K]
    "fade_loss": 1,
    "melting_rate": 1,  # [1/K] of the ramps below
    "snow_ends_c": 1,
    "ice_ends_c": 1,
    "winter_ends_c": 1,
    "snowy_unknown": 1,
    "icy_unknown": 1,
    "surface_shares": 6,
    "tyre_shares_warm": 3,
    "tyre_shares_cold": 3,
    "compound": 3,  # grip of each tyre kind at MILD_C
    "compound_cold": 3,  # [1/K] slope below
    "compound_warm": 3,  # [1/K] slope above
    "friction": 4,  # of the surfaces that are not frozen
    "friction_snow": 3,  # of each tyre kind
    "friction_ice": 3,
    "cold_gain": 2,  # [1/K] of packed snow and ice
    "speed_loss_ice": 1,  # [s/m] in the mean of a stop
    "mean_friction": 6,
    "locked": 6,
    "wet_loss": 4,
    "wet_loss_ice": 1,
    "worn_loss": 1,
    "worn_snow": 1,  # [1/mm]
    "floating": 1,  # [s^2/m^2] of the water that carries the tyre
    "floating_worn": 1,
    "draining_pressure": 1,  # relative, for each bar more than typical
    "sliding": 1,  # [s/m] fall of the wet friction over speed
    "sliding_worn": 1,
    "slip_abs": 1,
    "slip_locked": 1,
    "dry_sliding": 1,  # [s/m]
    "best_firm": 4,  # [m/s^2] of the best roads and tyres on the surfaces that are not frozen
    "best_snow": 3,  # [m/s^2] for each tyre kind at FROZEN_C
    "best_ice": 3,
}


@runtime_checkable
class Arithmetic(Protocol):
    """What the formulas need beside + - * / of values. A block is several columns side by side."""

    def minimum(self, x: Any, y: Any) -> Any: ...  # noqa: D102
    def maximum(self, x: Any, y: Any) -> Any: ...  # noqa: D102
    def where(self, condition: Any, yes: Any, no: Any) -> Any: ...  # noqa: D102
    def block(self, columns: Sequence[Any]) -> Any: ...  # noqa: D102
    def scaled(self, block: Any, size: Any) -> Any: ...  # noqa: D102
    def column(self, block: Any, i: int) -> Any: ...  # noqa: D102
    def dot(self, block: Any, weights: ndarray) -> Any:
        """The sum of the first columns times these weights, in their order."""

    def number(self, condition: Any) -> Any:
        """1 where the condition holds, else 0."""


class Columns:
    """The arithmetic of NumPy on float32 columns."""

    minimum = staticmethod(np.minimum)
    maximum = staticmethod(np.maximum)

    @staticmethod
    def where(condition: ndarray, yes: Any, no: Any) -> ndarray:
        """`yes` where the condition [rows] holds; for blocks, too."""
        wide = condition[:, None] if isinstance(yes, ndarray) and yes.ndim > 1 else condition
        return np.where(wide, yes, no)

    @staticmethod
    def block(columns: Sequence[Any]) -> ndarray:
        """The columns side by side; numbers among them are repeated."""
        return np.stack(np.broadcast_arrays(*columns), axis=1)

    @staticmethod
    def scaled(block: ndarray, size: ndarray) -> ndarray:
        """Every column of the block times the column `size`."""
        return block * size[:, None]

    @staticmethod
    def column(block: ndarray, i: int) -> ndarray:
        """Column i of the block."""
        return block[:, i]

    @staticmethod
    def dot(block: ndarray, weights: ndarray) -> ndarray:
        """The weighted sum, column by column as the firmware does."""
        total = block[:, 0] * weights[0]
        for i, weight in enumerate(weights[1:], 1):
            total = total + block[:, i] * weight
        return total

    @staticmethod
    def number(condition: ndarray) -> ndarray:
        """1 or 0 as float32."""
        return condition.astype(np.float32)


def named(constants: Float32[ndarray, " constants"]) -> dict[str, Any]:
    """The constants by name: a number, or an array of several."""
    ends = np.cumsum(list(LAYOUT.values()))
    parts = zip(LAYOUT.items(), np.split(constants, ends[:-1]), strict=True)
    return {name: part if count > 1 else part[0] for (name, count), part in parts}


def feature_values(
    factors: tuple[Factor, ...], constants: Float32[ndarray, " constants"], columns: Float32[ndarray, "rows columns"]
) -> dict[str, Float32[ndarray, " rows"]]:
    """All features and the values of HEAD by name, for columns in which NaN means missing."""
    known = {f.name: ~np.isnan(columns[:, own]).any(axis=1) for f, own in zip(factors, slices(factors), strict=True)}
    by_name = dict(zip(column_names(factors), columns.T, strict=True))
    return compute(named(constants), by_name, known, Columns())


def compute(c: Mapping[str, Any], x: Mapping[str, Any], known: Mapping[str, Any], a: Arithmetic) -> dict[str, Any]:
    """The formulas: `x` has the columns by name, `known` whether each factor is known, `c` the constants."""
    s = _situation(c, x, known, a)
    expected, estimate = _expected_friction(c, s, a) * GRAVITY, s["friction_estimate"] * GRAVITY
    remaining = s["sliding"] * _water(c, s)  # of the friction, at this speed
    friction = a.dot(s["surface"], c["mean_friction"])
    return {
        "film_share": 1 - HALF_FILM_MM / (s["wet"] + HALF_FILM_MM),
        "wetness": s["thin"],
        "expected_limit": a.minimum(expected * remaining, LARGEST_LIMIT),
        "estimated_limit": a.minimum(estimate * remaining, LARGEST_LIMIT),
        "worn_grip": (DEEPEST_MM - s["tread_depth_mm"]) * _drained(s, known, a) * s["firm"],
        "speed_squared": s["squared"] * np.float32(1 / 1600),
        "grip": s["paved"] + s["snow"] + s["ice"],
        "doubt": a.maximum(a.dot(s["surface"], c["mean_friction"] * c["mean_friction"]) - friction * friction, 0.0),
        "locked_grip": s["locked"],
        "snowy": s["snowy"],
        "icy": s["icy"],
        "film_known": a.maximum(a.number(known["water_film_mm"]), a.column(s["surface"], SNOW)),
        "road_limit": _road_limit(c, s, known, a),
        **_brakes(c, s, known, a),
    }


def _drained(s: Mapping[str, Any], known: Mapping[str, Any], a: Arithmetic) -> Any:
    """How much of its dry advantage a worn tyre has: 1 without water, 0 from DRAINED_MM on and for an unknown film."""
    return a.maximum(DRAINED_MM - a.where(known["water_film_mm"], s["water_film_mm"], DRAINED_MM), 0.0)


def _situation(c: Mapping[str, Any], x: Mapping[str, Any], known: Mapping[str, Any], a: Arithmetic) -> dict[str, Any]:
    """What several formulas use: factors with typical values for missing ones, friction when new and dry."""
    s = {f.name: x[f.name] for f in FACTORS if not f.optional}
    for name in TYPICAL:
        s[name] = a.where(known[name], x[name], c[f"typical_{name}"])
    road = s["road_temperature_c"]
    for name, end in (("snowy", "snow_ends_c"), ("icy", "ice_ends_c")):
        s[name] = a.where(known["road_temperature_c"], _ramp(c, road, end, a), c[f"{name}_unknown"])
    s["surface"] = a.where(known["surface"], a.block([x[n] for n in SURFACE_COLUMNS]), _unknown_surface(c, s, a))
    s["tyre"] = a.where(known["tyre_kind"], a.block([x[n] for n in TYRE_COLUMNS]), _unknown_tyre(c, road, a))
    s["firm"] = a.dot(s["surface"], np.ones(3, np.float32))
    s["wet"] = s["water_film_mm"] * (1 - a.column(s["surface"], SNOW))
    s["thin"] = 1 - THIN_FILM_MM / (s["wet"] + THIN_FILM_MM)
    s["wear"] = a.maximum((NEW_MM - s["tread_depth_mm"]) * np.float32(1 / (NEW_MM - WORN_MM)), 0.0)
    s["squared"] = s["speed"] * s["speed"]
    s["locked"] = a.dot(s["surface"], c["locked"])
    s["sliding"] = s["abs"] + (1 - s["abs"]) * s["locked"]
    return s | _dry_friction(c, s, a)


def _clip(value: Any, low: float, high: float, a: Arithmetic) -> Any:
    return a.minimum(a.maximum(value, low), high)


def _ramp(c: Mapping[str, Any], road_c: Any, end: str, a: Arithmetic) -> Any:
    """1 on a cold road, 0 on a warm one, as the sensor reads it around the limit of the scenarios."""
    return _clip((c[end] - road_c) * c["melting_rate"], 0.0, 1.0, a)


def _unknown_surface(c: Mapping[str, Any], s: Mapping[str, Any], a: Arithmetic) -> Any:
    """The probability of each surface without a camera, from the road temperature."""
    firm, frozen = c["surface_shares"][:SNOW], c["surface_shares"][SNOW:]
    shares = a.block([*firm, *(s[name] * share for name, share in zip(("snowy", "icy"), frozen, strict=True))])
    return a.scaled(shares, 1 / a.dot(shares, np.ones(len(c["surface_shares"]), np.float32)))


def _unknown_tyre(c: Mapping[str, Any], road_c: Any, a: Arithmetic) -> Any:
    """The probability of each kind of tyre, from the season."""
    winter = _ramp(c, road_c, "winter_ends_c", a)
    pairs = zip(c["tyre_shares_warm"], c["tyre_shares_cold"], strict=True)
    return a.block([warm + winter * (cold - warm) for warm, cold in pairs])


def _dry_friction(c: Mapping[str, Any], s: Mapping[str, Any], a: Arithmetic) -> dict[str, Any]:
    """Friction of new, dry tyres times the probability of the surface: paved, packed snow, ice; and its factors."""
    road, tyre = s["road_temperature_c"], s["tyre"]
    cold = a.maximum(road, COLDEST_C)
    below = a.minimum(cold, MILD_C) - MILD_C
    above = a.maximum(road, MILD_C) - MILD_C
    compound = a.dot(tyre, c["compound"]) + below * a.dot(tyre, c["compound_cold"])
    compound = compound + above * a.dot(tyre, c["compound_warm"])
    frozen = a.minimum(cold, THAWED_C) - FROZEN_C
    friction = {"paved": a.dot(s["surface"], c["friction"]) * compound}
    for i, name in enumerate(("snow", "ice")):
        cold = friction[f"cold_{name}"] = 1 - frozen * c["cold_gain"][i]
        friction[name] = a.column(s["surface"], SNOW + i) * a.dot(tyre, c[f"friction_{name}"]) * cold
    slower = 1 / (1 + s["speed"] * c["speed_loss_ice"])
    return friction | {"slower_ice": slower}


def _expected_friction(c: Mapping[str, Any], s: Mapping[str, Any], a: Arithmetic) -> Any:
    """Friction at walking speed, with water and wear."""
    loss = a.dot(s["surface"], c["wet_loss"]) + s["wear"] * s["firm"] * c["worn_loss"]
    worn = 1 - (NEW_MM - s["tread_depth_mm"]) * c["worn_snow"]
    ice = s["ice"] * s["slower_ice"] * (1 - s["thin"] * c["wet_loss_ice"])
    return s["paved"] * (1 - a.minimum(loss * s["thin"], MAX_WET_LOSS)) + (s["snow"] + ice) * worn


def _water(c: Mapping[str, Any], s: Mapping[str, Any]) -> Any:
    """Friction over the friction at walking speed: the water carries the tyre, and a sliding tyre lubricates itself."""
    film, wear = s["wet"], s["wear"]
    deep = film * FILM_KNEE_MM + (1 - FILM_KNEE_MM / (film + FILM_KNEE_MM)) * DEEP_FILM  # about film^0.7
    pressure = 1 - (s["tyre_pressure_bar"] - c["typical_tyre_pressure_bar"]) * c["draining_pressure"]
    floating = s["squared"] * c["floating"] * deep * (1 + wear * c["floating_worn"]) * pressure
    slip = c["slip_locked"] + s["abs"] * (c["slip_abs"] - c["slip_locked"])
    sliding = deep * (1 + wear * c["sliding_worn"]) * c["sliding"] + s["firm"] * c["dry_sliding"]
    return 1 / ((1 + floating * floating * np.float32(1 / 3)) * (1 + slip * s["speed"] * sliding))


def _brakes(c: Mapping[str, Any], s: Mapping[str, Any], known: Mapping[str, Any], a: Arithmetic) -> dict[str, Any]:
    """Deceleration that the brakes can give, with fade, its upper limit, and what slows the car without brakes."""
    inverse_mass = 1 / (s["mass"] + c["towed_mass"])
    least = a.where(known["mass"], inverse_mass, 1 / (c["least_mass"] + c["towed_mass"]))
    force = s["brake_pressure_bar"] * c["force_per_bar"]
    heated = s["brake_temperature_c"] + s["mass"] * s["squared"] * c["heating"]
    hot = _clip((heated - c["fade_onset_c"]) * c["fade_rate"], 0.0, 1.0, a)
    braking = a.minimum(force * inverse_mass * (1 - hot * c["fade_loss"]), MAX_BRAKING)
    wind = s["speed"] * 0.5 + s["headwind"] * np.float32(4 / 3)
    drag = s["speed"] * wind * inverse_mass * c["drag"]  # mean over the distance of a stop
    return {
        "braking": braking,
        "braking_share": 1 - HALF_BRAKING / (braking + HALF_BRAKING),
        "brake_limit": a.minimum(force * least, MAX_BRAKING),
        "resistance": s["grade"] * c["climbing"] + drag + c["rolling"],
    }


def _road_limit(c: Mapping[str, Any], s: Mapping[str, Any], known: Mapping[str, Any], a: Arithmetic) -> Any:
    """The most that the best tyre can reach on the surfaces that the camera names [m/s^2].

    That of each surface holds, raised by DOUBT_SLACK times the probability of the better ones; the surfaces are sorted,
    the best one first. A missing factor is replaced by the one with the most grip.
    """
    limits = []
    for i, name in enumerate(("snow", "ice")):
        tyre = a.where(known["tyre_kind"], a.dot(s["tyre"], c[f"best_{name}"]), c[f"best_{name}"].max())
        coldest = 1 - (COLDEST_C - FROZEN_C) * c["cold_gain"][i]
        cold = a.where(known["road_temperature_c"], s[f"cold_{name}"], coldest)
        limits.append(tyre * cold)
    snow, ice = limits[0], limits[1] * s["slower_ice"]
    firm = c["best_firm"]
    lowest, better = firm[0], 0.0
    for i, limit in ((0, firm[1]), (1, firm[2]), (2, firm[3]), (3, snow), (4, ice)):
        better = better + a.column(s["surface"], i)
        lowest = a.minimum(limit + better * DOUBT_SLACK, lowest)
    return a.where(known["surface"], lowest, firm[0])
