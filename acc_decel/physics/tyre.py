"""Friction between tyre and road: one published model or measured table, one function.

All functions take and return columns (one value for each event) or scalars.
"""

import numpy as np
from numpy import ndarray

from acc_decel.physics.road import SURFACES

Column = ndarray

# Grip against road temperature [degC], relative to a good summer tyre at 20 degC, from stops of one car on both kinds.
# Dry: from 100 km/h 37.9 m on summer and 43.7 m on winter tyres at 5.5 degC (What Car?), about 16 % longer on winter
# tyres at 20 degC (ADAC), 22 % in a Norwegian summer (bilnorge.no 2017) and 38 % on a warm day (Charger, Automobile
# Magazine 2012), no crossover down to -4 degC. Wet: summer and winter tyres meet near 5 to 8 degC (What Car?, Auto
# Express, ADAC 2018); fields of winter tyres take 36 to 48 m from 80 km/h, of summer tyres 32 to 39 m (TCS 2025,
# AutoBild 2012 and 2024, evo 2022).
# fmt: off
TEMPERATURES_C = (-25.0,  0.0,  8.0, 20.0, 40.0, 65.0)
DRY_COMPOUND = {
    "summer":     ( 0.82, 0.91, 0.95, 1.00, 1.00, 0.95),
    "all_season": ( 0.82, 0.86, 0.89, 0.93, 0.89, 0.82),
    "winter":     ( 0.78, 0.79, 0.82, 0.83, 0.74, 0.66),
}
WET_COMPOUND = {
    "summer":     ( 0.62, 0.76, 0.89, 1.00, 1.00, 0.96),
    "all_season": ( 0.76, 0.84, 0.87, 0.90, 0.88, 0.82),
    "winter":     ( 0.82, 0.87, 0.88, 0.85, 0.78, 0.70),
}
# fmt: on

# The wet road. Fitted together: to the wet/dry ratios of the Bosch Automotive Handbook, 4th ed., p. 335, read as locked
# wheels (mean absolute difference 0.096), and to the worn over the new distance of ABS stops. Measured; fitted: BMW
# 325i, 113 km/h, 1.4 mm of water, tread 3.2 and 1.6 mm: 1.49, 1.94; 1.48, 2.14 (TireRack). Golf, 120 km/h, 1.6 mm, film
# not stated: 2.63; 1.85 at 1 mm, 2.37 at 1.4 mm (AutoBild). Camry, 97 km/h, 3.2 mm: 1.41; 1.27 (AAA 2018). Winter tyre,
# 100 km/h, 2 mm: 1.23; 1.42 (GTUE/ACE). MIRA/BRMA, 80 km/h, 1.6 over 3 mm: 1.26; 1.14. New tyres lose 3 % of
# deceleration from 80 to 120 km/h: published tests at higher speed show no loss against those from 80 km/h.
NEW_TREAD_MM, WORN_TREAD_MM = 8.0, 1.6
THIN_FILM_MM = 0.05  # at this depth 63 % of the thin-film loss is reached; Bosch shows 0.2 mm near saturation
WORN_WET_LOSS, THIN_WEAR_POWER = 0.08, 3.0  # further share lost on a thin film at 1.6 mm; power of the wear
WET_SPEED_FALL, WET_FILM_POWER, WET_WEAR = 0.0202, 0.74, 0.97  # [s/m] at 1 mm, new; power of the film; log, 1.6 mm
CRITICAL_SPEED, CRITICAL_FILM, CRITICAL_WEAR = 61.0, 0.444, 0.765  # [m/s] at 1 mm, new; power of the film; log, 1.6 mm
RATED_PRESSURE_BAR = 2.4
RATED_TEXTURE_MM = 0.8  # mean profile depth of a common asphalt, as defined in ISO 13473-1; estimated


def compound_grip(kind: str, road_temperature_c: Column, wetness: Column | float) -> Column:
    """Grip of the compound at this temperature [degC] relative to a summer tyre at 20 degC, dry to wet (0 to 1)."""
    dry = np.interp(road_temperature_c, TEMPERATURES_C, DRY_COMPOUND[kind])
    wet = np.interp(road_temperature_c, TEMPERATURES_C, WET_COMPOUND[kind])
    return dry + (wet - dry) * wetness


def frozen_grip(road_temperature_c: Column, cold_gain: float) -> Column:
    """Grip on snow or ice relative to -5 degC: rough in the cold, slick near the melting point.

    `cold_gain` [1/K] is the relative gain for each kelvin colder, estimated: SAE 940724 reports that temperature
    changes the friction of ice by a factor of 2, which 0.03 gives; no published law was found.
    """
    return np.clip(1 - cold_gain * (np.clip(road_temperature_c, -25, 2) + 5), 0.5, 1.8)


def wear_dry(tread_depth_mm: Column, water_film_mm: Column | float = 0.0) -> Column:
    """Dry grip relative to 8 mm tread: a worn tyre grips a little better, 0.6 % per millimetre lost (estimated).

    The gain vanishes under a film of 1 mm: there, less tread never helps.
    """
    dry = np.clip(1 - water_film_mm, 0, 1)
    return 1 + 0.006 * np.maximum(NEW_TREAD_MM - tread_depth_mm, 0) * dry


def wear_snow(tread_depth_mm: Column) -> Column:
    """Grip on snow relative to 8 mm tread: the same winter tyre loses 30 % down to 2 mm (GTUE/ACE snow test)."""
    return 1 - 0.05 * np.clip(NEW_TREAD_MM - tread_depth_mm, -1.0, 7.0)


def wear(tread_depth_mm: Column) -> Column:
    """Wear of the tread: 0 at 8 mm and more, 1 at the legal limit of 1.6 mm, at most 1.1."""
    return np.clip((NEW_TREAD_MM - tread_depth_mm) / (NEW_TREAD_MM - WORN_TREAD_MM), 0, 1.1)


def pressure_grip(tyre_pressure_bar: Column) -> Column:
    """Grip relative to the rated inflation: best near it, 3 % lost half a bar away; an estimate without a source."""
    return 1 - 0.12 * np.clip(tyre_pressure_bar - RATED_PRESSURE_BAR, -0.9, 0.9) ** 2


def wetness(water_film_mm: Column) -> Column:
    """How wet a film of this depth makes the contact patch: 0 dry, 1 wet."""
    return 1 - np.exp(-np.maximum(water_film_mm, 0) / THIN_FILM_MM)


def wet_ratio(
    water_film_mm: Column,
    tread_depth_mm: Column,
    wet_loss: Column,
    texture_mm: Column | float = RATED_TEXTURE_MM,
) -> Column:
    """Wet friction over dry friction at low speed: thin-film lubrication, which saturates with depth.

    Lower for a worn tyre, higher on a rough road. `wet_loss` is that of the surface.
    """
    worn_loss = (
        WORN_WET_LOSS * wear(tread_depth_mm) ** THIN_WEAR_POWER * np.minimum(wet_loss / SURFACES["asphalt"].wet_loss, 1)
    )
    loss = (wet_loss + worn_loss) * (RATED_TEXTURE_MM / texture_mm) ** 0.3
    return 1 - np.clip(loss, 0, 0.85) * wetness(water_film_mm)


def wet_speed_fall(
    water_film_mm: Column, tread_depth_mm: Column, texture_mm: Column | float = RATED_TEXTURE_MM
) -> Column:
    """Fall of the wet friction over slip speed, c in exp(-c s v) [s/m].

    The exponential and its dependence on texture, S_p = 14.2 + 89.7 MPD [km/h], are those of the International
    Friction Index (Wambold et al., PIARC, 1995; ASTM E1960): s v is the speed at which the tyre slides, v when locked
    and about a tenth of it under ABS. Film and wear are fitted, see above.
    """
    rough = (14.2 + 89.7 * RATED_TEXTURE_MM) / (14.2 + 89.7 * texture_mm)
    film = np.maximum(water_film_mm, 0) ** WET_FILM_POWER
    return WET_SPEED_FALL * film * np.exp(WET_WEAR * wear(tread_depth_mm)) * rough


def critical_speed(
    water_film_mm: Column,
    tread_depth_mm: Column,
    tyre_pressure_bar: Column | float = RATED_PRESSURE_BAR,
    texture_mm: Column | float = RATED_TEXTURE_MM,
) -> Column:
    """Speed [m/s] at which the water carries half of the tyre load, whether the wheel rolls or not.

    Grows with the square root of the inflation pressure (Horne and Dreher, NASA TN D-2056, 1963) and with the 0.14th
    power of the texture (Gallaway, FHWA-RD-79-31, 1979). 87 km/h at 8 mm of water for a new tyre, where AutoBild and
    ADAC measured 80 to 88 km/h at about 7 mm. Film and wear are fitted, see above: wear acts mostly through this speed.
    """
    draining = (texture_mm / RATED_TEXTURE_MM) ** 0.14 * np.sqrt(tyre_pressure_bar / RATED_PRESSURE_BAR)
    film = np.maximum(water_film_mm, 1e-4) ** -CRITICAL_FILM
    return CRITICAL_SPEED * film * np.exp(-CRITICAL_WEAR * wear(tread_depth_mm)) * draining


def speed_ratio(speed: Column, critical: Column, speed_loss: Column | float = 0.0) -> Column:
    """Friction at this speed over that at low speed on the same road: 1 / (1 + (v / v_c)^4 + speed_loss v)."""
    return 1 / (1 + (speed / critical) ** 4 + speed_loss * speed)


def best_slip(rise: Column, fall: Column, sliding_fall: Column) -> Column:
    """Slip of maximum friction while the friction also falls as exp(-sliding_fall s), at most a little too low.

    Of the derivative of (1 - exp(-rise s) - fall s) exp(-sliding_fall s), the small product of both falls is neglected.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        slip = np.log((rise + sliding_fall) / np.maximum(fall + sliding_fall, 1e-9)) / rise
    return np.minimum(slip, 1.0)


def curve_peak(rise: Column, fall: Column) -> tuple[Column, Column]:
    """Slip and height of the peak of Burckhardt's f(s) = 1 - exp(-rise s) - fall s on 0 <= s <= 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        slip = np.where(fall > 0, np.log(rise / np.maximum(fall, 1e-9)) / rise, 1.0)
    slip = np.minimum(slip, 1.0)
    return slip, 1 - np.exp(-rise * slip) - fall * slip
