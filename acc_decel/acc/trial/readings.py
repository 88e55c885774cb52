"""What the sensors of the own car read on a road, by what it knows; every arm of a run gets the same readings."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.acc.trial.pairs import Pairs
from acc_decel.dataset import sense
from acc_decel.factors import FACTORS, Factor, column_names, slices
from acc_decel.physics import SURFACES

ALL = frozenset(f.name for f in FACTORS if f.optional and not f.estimate)
FEW_BY = {
    "road_temperature_c": "thermometer",
    "water_film_mm": "rain sensor",
    "grade": "inertial sensor",
    "tyre_pressure_bar": "pressure sensors in the wheels",
    "brake_temperature_c": "a model of the discs",
}
FEW = frozenset(FEW_BY)
CAMERA, FRICTION = frozenset({"surface"}), frozenset({"friction_estimate"})
SURFACE_COLUMNS = next(f for f in FACTORS if f.name == "surface").columns


def complete_readings(pairs: Pairs, factors: tuple[Factor, ...], *, seed: int) -> Float32[ndarray, "pairs columns"]:
    """What sensors read of every factor of the own cars: the sensor model of the training, with nothing missing.

    `factors` are those of the model that the car carries. Noise and quantisation are as in training, the camera is
    certain in 6 of 10 runs, and the friction estimate is that of the road under the car: on a patch ahead it is stale.
    """
    available = tuple(replace(f, optional=False) for f in factors)
    return sense(available, pairs.own.factors, pairs.own.friction, seed=seed, first=0)


def known_only(
    readings: Float32[ndarray, "pairs columns"], factors: tuple[Factor, ...], known: frozenset[str]
) -> Float32[ndarray, "pairs columns"]:
    """The same readings with NaN for each optional factor that is not `known`."""
    columns = readings.copy()
    for factor, own in zip(factors, slices(factors), strict=True):
        if factor.optional and factor.name not in known:
            columns[:, own] = np.nan
    return columns


def blinded(readings: Float32[ndarray, "pairs columns"], pairs: Pairs) -> Float32[ndarray, "pairs columns"]:
    """The readings of a camera that takes ice and snow for asphalt, and is certain of it."""
    columns = readings.copy()
    frozen = np.array([s.frozen for s in SURFACES.values()])[pairs.own.factors["surface"].astype(int)]
    names = column_names()
    for column in SURFACE_COLUMNS:
        columns[frozen, names.index(column)] = float(column == "surface_asphalt")
    return columns


def most_probable_surface(readings: Float32[ndarray, "pairs columns"]) -> ndarray:
    """The index of the surface that the camera holds most probable."""
    names = column_names()
    return np.argmax(readings[:, [names.index(column) for column in SURFACE_COLUMNS]], axis=1)
