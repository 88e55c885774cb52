"""Friction of each road surface: one row for each surface, in the order of the factor's levels."""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from acc_decel.factors import FACTORS

SURFACE_LEVELS = next(f for f in FACTORS if f.name == "surface").levels
TYRE_LEVELS = next(f for f in FACTORS if f.name == "tyre_kind").levels


@dataclass(frozen=True)
class Surface:
    """Friction of one surface, dry (or frozen), for a good tyre of each kind at its reference temperature.

    `friction` is the peak at low speed for summer, all-season and winter tyres with 8 mm tread. The slip curve is
    Burckhardt's, f(s) = 1 - exp(-rise s) - fall s, scaled to that peak; `fall` below 0 means that a locked wheel
    digs into loose ground and brakes best. `speed_fall` [s/m] is Burckhardt's c4, a low value of it: locked wheels on
    dry asphalt reach about 0.75 (Wong, Theory of Ground Vehicles, 1993). `scatter` is the standard
    deviation of the logarithm of the friction among roads of this kind. `wet_loss` is the share of the friction that a
    thin water film takes.
    """

    friction: tuple[float, float, float]
    rise: float
    fall: float
    speed_fall: float
    scatter: float
    wet_loss: float
    paved: bool
    frozen: bool
    rolling: float  # rolling resistance relative to asphalt
    cold_gain: float  # [1/K] relative gain of friction for each kelvin colder, see `tyre.frozen_grip`; 0 if not frozen
    speed_loss: float  # [s/m] at speed v the friction is 1 / (1 + speed_loss v) of that at walking speed


# Asphalt, concrete and cobbles: slip curves of Burckhardt, Fahrwerktechnik: Radschlupf-Regelsysteme (1993), c1 to c3;
# level raised to the published dry tests of today's tyres (ADAC 2016 and 2021: 35.6 m from 100 km/h on average).
# Gravel: 0.55 to 0.60 (Wong, Theory of Ground Vehicles, 1993); ABS lengthens the stop by 27 % (SAE 1999-01-1287).
# The scatter of asphalt is that between test tracks: Consumer Reports' dry stops are 12 % longer than ADAC's.
# Packed snow: 0.09 to 0.21 summer, 0.22 to 0.33 all-season, 0.29 to 0.41 winter tyres (mean deceleration over g:
# AutoBild 2012, JAF 2017, Edmunds 2009, Automobile Magazine 2012, ADAC 2018, TCS 2025, What Car?, GTUE). Water on snow
# is soaked up and shows in the temperature only.
# Ice: 0.060 to 0.077, 0.062 to 0.090, 0.080 to 0.134 (JAF, What Car?, Consumer Reports, GTUE), and stops from 40 km/h
# 12 to 32 % longer (JAF) than low-speed tests imply. The law of `speed_loss` is chosen: where sliding melts the ice,
# theory has the friction fall more steeply, with the root of the speed (Evans, Nye and Cheeseman, Proc. R. Soc. A 347,
# 1976; Oksanen and Keinonen, Wear 78, 1982).
# fmt: off
SURFACES: dict[str, Surface] = {
    #                      summer all-season winter rise  fall   c4   scatter wet_loss paved frozen rolling cold (speed)
    "asphalt":     Surface((1.270, 1.270, 1.270),   24.0, 0.406, 0.006, 0.060, 0.275, True,  False, 1.0,   0.00, 0.000),
    "concrete":    Surface((1.190, 1.190, 1.190),   21.0, 0.449, 0.006, 0.070, 0.275, True,  False, 1.0,   0.00, 0.000),
    "cobbles":     Surface((1.000, 1.000, 1.000),    9.0, 0.489, 0.006, 0.100, 0.480, True,  False, 1.6,   0.00, 0.000),
    "gravel":      Surface((0.620, 0.620, 0.620),   20.0, -0.18, 0.000, 0.100, 0.080, False, False, 2.0,   0.00, 0.000),
    "packed_snow": Surface((0.132, 0.272, 0.360),   35.0, 0.150, 0.000, 0.090, 0.000, False, True,  2.0,   0.01, 0.000),
    "ice":         Surface((0.075, 0.087, 0.117),   60.0, 0.100, 0.000, 0.210, 0.350, False, True,  1.2,   0.03, 0.067),
}
# fmt: on


def of_surface(name: str, surface: ndarray) -> ndarray:
    """The property `name` of each event's surface, given by the index of its level."""
    return np.array([getattr(s, name) for s in SURFACES.values()], float)[surface.astype(int)]
