"""The constants of the physics features, computed from a vehicle, the tyre model and the scenarios."""

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.constants import AIR_DENSITY
from acc_decel.dataset import CAUSES, COLD_C, SURFACE_SHARE, TYRE_SHARE_COLD, TYRE_SHARE_WARM, from_prior, limit_of
from acc_decel.network.features import (
    COLDEST_C,
    GRAVITY,
    HOTTEST_C,
    LAYOUT,
    MILD_C,
    NEW_MM,
    TYPICAL,
    WORN_MM,
)
from acc_decel.physics import SNOW_SPREAD, SURFACES, TYRE_SPREAD, Vehicle, tyre

GRADE_SHARE = 0.985  # sine of the slope over its tangent, between 0.98 at 20 % and 1
RAMP_DEVIATIONS = 1.5  # a ramp reaches so many standard deviations of the thermometer to both sides of a limit
BUILD_UP_SHARE = 0.35  # of the heat of a stop: how hot the discs are in its mean, cooling included
ABS_SLIP = 0.07  # share of the speed at which a tyre slides under ABS, in the mean of a stop
LOCKED_SLIP = 0.55  # the same of a locked wheel, for a mean over the stop
MEAN_SPEED_SHARE = 0.6  # of the initial speed, at which the friction is that of the mean of a stop
BEST_DEVIATIONS = 2.0  # of roads and tyres: the best ones
TYPICAL_FILM_MM, TYPICAL_ESTIMATE = 0.15, 0.6


def feature_constants(vehicle: Vehicle) -> Float32[ndarray, " constants"]:
    """The constants in the order of LAYOUT."""
    parts = _typical(vehicle) | _body(vehicle) | _roads() | _compounds() | _water()
    assert parts.keys() == LAYOUT.keys(), parts.keys() ^ LAYOUT.keys()
    return np.concatenate([np.ravel(np.asarray(parts[name], np.float32)) for name in LAYOUT])


def _typical(vehicle: Vehicle) -> dict[str, float]:
    """A value for each factor that may be missing: the mean of its prior."""
    u = (np.arange(1000) + 0.5) / 1000
    means = {f.name: float(from_prior(u, f).mean()) for f in vehicle.factors if f in CAUSES or f.name == "mass"}
    own = {"water_film_mm": TYPICAL_FILM_MM, "friction_estimate": TYPICAL_ESTIMATE}
    return {f"typical_{name}": own.get(name, means.get(name, 0.0)) for name in TYPICAL}


def _body(vehicle: Vehicle) -> dict[str, float]:
    body, brakes, trailer = vehicle.body, vehicle.brakes, vehicle.trailer
    drag_area = body.drag_area + (trailer.drag_area if trailer else 0.0)
    torque = brakes.front_torque_per_bar + brakes.rear_torque_per_bar
    front = brakes.front_torque_per_bar / torque
    return {
        "least_mass": body.kerb_mass,
        "towed_mass": (1 - trailer.braked_share) * trailer.mass if trailer else 0.0,
        "force_per_bar": torque / vehicle.tyres.radius,
        "drag": 0.5 * AIR_DENSITY * drag_area,
        "rolling": float(GRAVITY) * body.rolling_resistance,
        "climbing": GRADE_SHARE * float(GRAVITY),
        "heating": 0.5 * front * BUILD_UP_SHARE / brakes.front_heat_capacity,
        "fade_onset_c": brakes.fade_onset_c,
        "fade_rate": 1 / (brakes.fade_full_c - brakes.fade_onset_c),
        "fade_loss": brakes.fade_loss,
    }


def _roads() -> dict[str, object]:
    """Priors and friction of the surfaces."""
    surfaces = list(SURFACES.values())
    thermometer = next(f for f in CAUSES if f.name == "road_temperature_c")
    reach = RAMP_DEVIATIONS * thermometer.noise
    snow_c, ice_c = (limit_of(f"surface_{name}", thermometer) for name in ("packed_snow", "ice"))
    road_c = from_prior((np.arange(10_000) + 0.5) / 10_000, thermometer)
    return {
        "melting_rate": 1 / (2 * reach),
        "snow_ends_c": snow_c + reach,
        "ice_ends_c": ice_c + reach,
        "winter_ends_c": COLD_C + reach,
        "snowy_unknown": float((road_c < snow_c).mean()),
        "icy_unknown": float((road_c < ice_c).mean()),
        "surface_shares": [SURFACE_SHARE[name] for name in SURFACES],
        "tyre_shares_warm": list(TYRE_SHARE_WARM.values()),
        "tyre_shares_cold": list(TYRE_SHARE_COLD.values()),
        "friction": [s.friction[0] for s in surfaces if not s.frozen],
        "friction_snow": SURFACES["packed_snow"].friction,
        "friction_ice": SURFACES["ice"].friction,
        "cold_gain": [s.cold_gain for s in surfaces if s.frozen],
        "speed_loss_ice": MEAN_SPEED_SHARE * SURFACES["ice"].speed_loss,
        "mean_friction": [float(np.mean(s.friction)) for s in surfaces],
        "locked": [_locked(s.rise, s.fall) for s in surfaces],
        "wet_loss": [s.wet_loss for s in surfaces if not s.frozen],
        "wet_loss_ice": SURFACES["ice"].wet_loss,
        "worn_snow": 1 - tyre.wear_snow(np.array([NEW_MM - 1])).item(),
        "dry_sliding": SURFACES["asphalt"].speed_fall,
        **_best(),
    }


def _best() -> dict[str, list[float]]:
    """Deceleration [m/s^2] of the best tyres on the best roads of each surface."""
    best: dict[str, list[float]] = {"best_firm": [], "best_snow": [], "best_ice": []}
    for name, surface in SURFACES.items():
        key = {"packed_snow": "best_snow", "ice": "best_ice"}.get(name, "best_firm")
        spreads = SNOW_SPREAD.values() if surface.frozen else [0.0]
        for friction, spread in zip(surface.friction, spreads, strict=False):
            deviation = np.sqrt(surface.scatter**2 + TYRE_SPREAD**2 + spread**2)
            best[key].append(float(GRAVITY * friction * np.exp(BEST_DEVIATIONS * deviation)))
    return best


def _compounds() -> dict[str, list[float]]:
    """Straight lines through the dry grip of each compound below and above MILD_C."""
    lines = {}
    for kind in tyre.DRY_COMPOUND:
        at = {c: tyre.compound_grip(kind, np.array([c]), np.zeros(1)).item() for c in (COLDEST_C, MILD_C, HOTTEST_C)}
        cold, warm = ((at[end] - at[MILD_C]) / (end - MILD_C) for end in (COLDEST_C, HOTTEST_C))
        lines[kind] = (at[MILD_C], cold, warm)
    base, cold_slopes, warm_slopes = (list(column) for column in zip(*lines.values(), strict=True))
    return {"compound": base, "compound_cold": cold_slopes, "compound_warm": warm_slopes}


def _water() -> dict[str, float]:
    """How a film of 1 mm acts on a new and on a worn tyre."""
    film, treads = np.ones(2), np.array([NEW_MM, WORN_MM])
    floating = tyre.critical_speed(film, treads) ** -2.0
    sliding = tyre.wet_speed_fall(film, treads)
    kept = tyre.wet_ratio(film, treads, np.full(2, SURFACES["asphalt"].wet_loss))
    return {
        "worn_loss": kept[0] - kept[1],
        "floating": floating[0],
        "floating_worn": floating[1] / floating[0] - 1,
        "draining_pressure": 1 / tyre.RATED_PRESSURE_BAR,
        "sliding": sliding[0],
        "sliding_worn": sliding[1] / sliding[0] - 1,
        "slip_abs": ABS_SLIP,
        "slip_locked": LOCKED_SLIP,
    }


def _locked(rise: float, fall: float) -> float:
    """Friction of a locked wheel over the maximum: Burckhardt's curve at slip 1 over its peak."""
    _, height = tyre.curve_peak(np.array([rise]), np.array([fall]))
    return float((1 - np.exp(-rise) - fall) / height[0])
