"""Peak friction of a tyre on a road at walking speed: surface, tyre, wear, temperature, water and the unknowns."""

import numpy as np
from numpy import ndarray

from acc_decel.physics import tyre
from acc_decel.physics.road import SURFACE_LEVELS, SURFACES, TYRE_LEVELS, of_surface
from acc_decel.physics.vehicle import Vehicle

Columns = dict[str, ndarray]

# Effect of one standard score of a latent on the logarithm of the friction.
TYRE_SPREAD = 0.045  # tyres of one kind, dry: one Kona stopped in 36.1 and 40.3 m on two makes (ADAC 2021)
WET_SPREAD = 0.07  # further spread in the wet: new tyres on one car 28.7 to 39.4 m from 80 km/h (AutoBild 2019)
WET_ROAD_SPREAD = 0.11  # tracks: means of new summer tyres 28.0 to 39.2 m from 80 km/h (bilnorge 2017 to AutoBild 2012)
# Snow: 0.09 to 0.21 g on summer, 0.22 (M+S only) to 0.33 g (with snowflake) on all-season tyres, sources in road.py.
SNOW_SPREAD = {"summer": 0.28, "all_season": 0.12, "winter": 0.05}


def peak_friction(
    vehicle: Vehicle,
    surface: ndarray,
    film: ndarray,
    road_c: ndarray,
    kind: ndarray,
    tread: ndarray,
    inflation: ndarray,
    texture: ndarray,
    scores: Columns,
) -> ndarray:
    """Peak friction of the tyres on this road at walking speed, one value for each event.

    All arguments are columns of the same length: `surface` and `kind` indices of levels, `film` [mm], `road_c` [degC],
    `tread` [mm], `inflation` [bar], `texture` [mm], `scores` standard scores of the LATENTS. Sources are at the
    constants here, in `tyre.py` and in `road.py`.
    """
    level = _dry_level(surface, film, road_c, kind, tread) * tyre.pressure_grip(inflation) * vehicle.tyres.dry_grip
    level *= np.exp(of_surface("scatter", surface) * scores["surface_score"])
    level *= np.exp(TYRE_SPREAD * scores["tyre_score"] + _snow_spread(surface, kind) * scores["snow_score"])
    return level * _wet_share(vehicle, surface, film, road_c, kind, tread, texture, scores)


def _snow_spread(surface: ndarray, kind: ndarray) -> ndarray:
    """Effect of one `snow_score` on the logarithm of the friction; 0 on a road that is not frozen."""
    of_kind = np.array([SNOW_SPREAD[name] for name in TYRE_LEVELS])[kind.astype(int)]
    return of_kind * of_surface("frozen", surface)


def _wet_share(
    vehicle: Vehicle,
    surface: ndarray,
    film: ndarray,
    road_c: ndarray,
    kind: ndarray,
    tread: ndarray,
    texture: ndarray,
    scores: Columns,
) -> ndarray:
    """Friction at walking speed relative to the dry road, at most 1: from there to that of the wet road with the film.

    What a wet road changes (compound, quality of tyre and road, wear) only enters its share, which is at most 1. So
    deeper water never raises the friction.
    """
    soaked = tyre.wet_ratio(np.full(len(film), np.inf), tread, of_surface("wet_loss", surface), texture)
    paved = of_surface("paved", surface)
    by_tyre = np.full(len(surface), vehicle.tyres.wet_grip / vehicle.tyres.dry_grip)
    for j, compound in enumerate(TYRE_LEVELS):
        wet, dry = (tyre.compound_grip(compound, road_c[kind == j], wetness) for wetness in (1.0, 0.0))
        by_tyre[kind == j] *= wet / dry
    by_tyre *= np.exp(WET_SPREAD * scores["wet_score"] + WET_ROAD_SPREAD * scores["wet_road_score"])
    return 1 - tyre.wetness(film) * (1 - np.minimum(soaked * by_tyre**paved, 1.0))


def _dry_level(surface: ndarray, film: ndarray, road_c: ndarray, kind: ndarray, tread: ndarray) -> ndarray:
    """Peak friction without the effect of water: surface, tyre kind, compound at this temperature, wear."""
    level = np.zeros(len(surface))
    for i, name in enumerate(SURFACE_LEVELS):
        properties = SURFACES[name]
        for j, compound in enumerate(TYRE_LEVELS):
            rows = (surface == i) & (kind == j)
            temperature_c = road_c[rows]
            if properties.frozen:
                grip = tyre.frozen_grip(temperature_c, properties.cold_gain) * tyre.wear_snow(tread[rows])
            else:
                grip = tyre.compound_grip(compound, temperature_c, 0.0) * tyre.wear_dry(tread[rows], film[rows])
            level[rows] = properties.friction[j] * grip
    return level
