"""A model of three roads that is written by hand: what it answers is known, so beliefs and policy can be tested."""

from collections.abc import Mapping

import numpy as np
from numpy import ndarray

from acc_decel import status as bits
from acc_decel.factors import FACTORS, column_names, slices
from acc_decel.outputs import DELAY, OUTPUTS, QUANTILES
from acc_decel.predictor import Predictor
from tests.helpers.full_braking import with_full_braking

Quantiles = tuple[float, float, float, float]  # in ascending order [m/s^2]
ROADS: dict[str, Quantiles] = {
    "": (0.4, 1.0, 6.0, 11.0),  # any other, or missing
    "asphalt": (6.5, 7.0, 9.0, 11.0),
    "ice": (0.5, 0.7, 1.0, 1.5),
}
WELL_KNOWN = 1.2  # times as hard a lower quantile if the mass is known as well
HOT_ICE_C = 3.0  # ice on a road above this is outside the domain


class OfThreeRoads(Predictor):
    """Answers by surface, by mass and by nothing else; ice on a warm road is outside the domain."""

    def __init__(self, roads: Mapping[str, Quantiles] = ROADS, *, harder: float = 1.0) -> None:
        """`harder` multiplies all decelerations, as of another car."""
        self.factors = with_full_braking(FACTORS)
        self.metadata = {"vehicle": "by_hand"}
        self._speed = column_names(self.factors).index("speed")
        self.roads, self.harder = roads, harder

    def predict_array(self, columns: ndarray) -> tuple[ndarray, ndarray]:
        """Outputs and status, as of a real model."""
        values = dict(zip(column_names(self.factors), columns.T, strict=True))
        outputs = np.full((len(columns), len(OUTPUTS)), 0.1, np.float32)
        status = np.zeros(len(columns), np.int64)
        for i, (factor, own) in enumerate(zip(self.factors, slices(self.factors), strict=True)):
            missing = np.isnan(columns[:, own]).any(axis=1)
            good = ((columns[:, own] >= factor.low) & (columns[:, own] <= factor.high)).all(axis=1)
            status |= np.where(missing, 1 << (bits.NOT_AVAILABLE_SHIFT + i), 0)
            status |= np.where(~missing & ~good, bits.REFUSED | 1 << i, 0)
            status |= np.where(missing & (not factor.optional), bits.REFUSED, 0)
        for road, quantiles in self.roads.items():
            on_it = values[f"surface_{road}"] == 1 if road else np.full(len(columns), True)
            for name, value in zip(QUANTILES, quantiles, strict=True):
                outputs[on_it, list(OUTPUTS).index(name)] = self.harder * value
        known = ~np.isnan(values["mass"])
        for name in ("deceleration_lower", "deceleration_lower_99"):
            outputs[known, list(OUTPUTS).index(name)] *= WELL_KNOWN
        strange = (values["surface_ice"] == 1) & (values["road_temperature_c"] > HOT_ICE_C)
        outputs[:, DELAY] = 0.1
        return outputs, status | np.where(strange, bits.OUTSIDE_DOMAIN, 0)
