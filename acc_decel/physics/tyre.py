"""Friction between tyre and road: one published model or measured table, one function.

All functions take and return columns (one value for each event) or scalars.
"""

import numpy as np
from numpy import ndarray

from acc_decel.physics.road import SURFACES

Column = ndarray

# Grip against road temperature [degC], relative to a good summer tyre at 20 degC. Dry: a Golf on summer tyres stops in
# 37.9 m from 99.8 km/h at 5.5 degC (What Car?) against about 35.5 m at 20 degC, and still beats winter tyres there.
# Wet: summer and winter tyres meet near 7 to 9 degC. Above 40 degC rubber softens.
# fmt: off
TEMPERATURES_C = (-25.0,  0.0,  8.0, 20.0, 40.0, 65.0)
DRY_COMPOUND = {
    "summer":     ( 0.82, 0.91, 0.95, 1.00, 1.00, 0.95),
    "all_season": ( 0.88, 0.92, 0.93, 0.94, 0.92, 0.86),
    "winter":     ( 0.90, 0.91, 0.91, 0.89, 0.85, 0.78),
}
WET_COMPOUND = {
    "summer":     ( 0.65, 0.80, 0.89, 1.00, 1.00, 0.96),
    "all_season": ( 0.78, 0.87, 0.90, 0.93, 0.91, 0.86),
    "winter":     ( 0.86, 0.90, 0.89, 0.84, 0.79, 0.73),
}
# fmt: on

NEW_TREAD_MM, WORN_TREAD_MM = 8.0, 1.6
THIN_FILM_MM = 0.05  # a film of this depth has done 63 % of its harm; Bosch shows 0.2 mm near saturation
WORN_WET_LOSS = 0.266  # further share lost to a thin film by a tyre worn to 1.6 mm
CRITICAL_SPEED = 31.8  # [m/s], speed at which 1 mm of water halves the friction of a tyre at 2.4 bar
CRITICAL_FILM = 0.9  # power with which the critical speed falls over the film depth [mm]
FLOATING_SPEED = 15.0  # [m/s], critical speed that no deeper film undercuts
RATED_PRESSURE_BAR = 2.4
RATED_TEXTURE_MM = 0.8  # mean profile depth of a common asphalt, ISO 13473-1


def compound_grip(kind: str, road_temperature_c: Column, wetness: Column) -> Column:
    """Grip of the compound at this road temperature [degC] relative to a summer tyre at 20 degC, dry to wet (0 to 1)."""
    dry = np.interp(road_temperature_c, TEMPERATURES_C, DRY_COMPOUND[kind])
    wet = np.interp(road_temperature_c, TEMPERATURES_C, WET_COMPOUND[kind])
    return dry + (wet - dry) * wetness


def frozen_grip(road_temperature_c: Column, slope: float) -> Column:
    """Grip on snow or ice relative to -5 degC: cold makes it rough, the melting point makes it slick.

    `slope` [1/K] is the relative gain per kelvin of cold; measured on ice about 4 %, on snow about 1 %
    (Navin, Macnabb, Nicolletti, SAE 960652).
    """
    return np.clip(1 - slope * (np.clip(road_temperature_c, -25, 2) + 5), 0.5, 1.8)


def wear_dry(tread_depth_mm: Column) -> Column:
    """Dry grip relative to 8 mm tread: a worn tyre moves less and grips 0.6 % better per millimetre lost."""
    return 1 + 0.006 * (NEW_TREAD_MM - tread_depth_mm)


def wear_snow(tread_depth_mm: Column) -> Column:
    """Grip on snow relative to 8 mm tread: the same winter tyre loses 30 % down to 2 mm (GTUE/ACE snow test)."""
    return 1 - 0.05 * np.clip(NEW_TREAD_MM - tread_depth_mm, -1.0, 7.0)


def wear(tread_depth_mm: Column) -> Column:
    """Wear of the tread: 0 at 8 mm, 1 at the legal limit of 1.6 mm; a little beyond on either side."""
    return np.clip((NEW_TREAD_MM - tread_depth_mm) / (NEW_TREAD_MM - WORN_TREAD_MM), -0.15, 1.1)


def pressure_grip(tyre_pressure_bar: Column) -> Column:
    """Dry grip relative to the rated inflation: best near it, 3 % lost half a bar away."""
    return 1 - 0.12 * np.clip(tyre_pressure_bar - RATED_PRESSURE_BAR, -0.9, 0.9) ** 2


def wetness(water_film_mm: Column) -> Column:
    """How far a film of this depth has wetted the contact patch: 0 dry, 1 wet."""
    return 1 - np.exp(-np.maximum(water_film_mm, 0) / THIN_FILM_MM)


def wet_ratio(
    water_film_mm: Column, tread_depth_mm: Column, wet_loss: Column, texture_mm: Column = RATED_TEXTURE_MM
) -> Column:
    """Wet friction over dry friction at low speed.

    Thin film lubrication, saturating; worse for a worn tyre, better on a rough road. Fitted together with
    `critical_speed` to the wet/dry ratios of the Bosch Automotive Handbook, 4th ed., p. 335 (mean absolute difference
    0.08) and to the wet tests of GTUE/ACE at 8 and 2 mm tread. `wet_loss` is the surface's.
    """
    worn_loss = WORN_WET_LOSS * wear(tread_depth_mm) * np.minimum(wet_loss / SURFACES["asphalt"].wet_loss, 1)
    loss = (wet_loss + worn_loss) * (RATED_TEXTURE_MM / texture_mm) ** 0.3
    return 1 - np.clip(loss, 0, 0.85) * wetness(water_film_mm)


def critical_speed(
    water_film_mm: Column, tyre_pressure_bar: Column = RATED_PRESSURE_BAR, texture_mm: Column = RATED_TEXTURE_MM
) -> Column:
    """Speed [m/s] at which the water halves the friction; above it the tyre floats.

    Grows with the square root of the inflation pressure (Horne, NASA TN D-2056, 1963) and with the 0.14th power of the
    texture (Gallaway, FHWA-RD-79-31, 1979); falls with the film (fitted to the Bosch table, see `wet_ratio`).
    """
    draining = (texture_mm / RATED_TEXTURE_MM) ** 0.14 * np.sqrt(tyre_pressure_bar / RATED_PRESSURE_BAR)
    film = np.maximum(water_film_mm, 1e-4)
    return draining * np.maximum(CRITICAL_SPEED * film**-CRITICAL_FILM, FLOATING_SPEED)


def speed_ratio(speed: Column, critical: Column) -> Column:
    """Friction at this speed over the friction at low speed on the same wet road: 1 / (1 + (v / v_c)^4)."""
    return 1 / (1 + (speed / critical) ** 4)


def curve_peak(rise: Column, fall: Column) -> tuple[Column, Column]:
    """Slip and height of the peak of Burckhardt's f(s) = 1 - exp(-rise s) - fall s on 0 <= s <= 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        slip = np.where(fall > 0, np.log(rise / np.maximum(fall, 1e-9)) / rise, 1.0)
    slip = np.minimum(slip, 1.0)
    return slip, 1 - np.exp(-rise * slip) - fall * slip
