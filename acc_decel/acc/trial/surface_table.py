"""The table of four rows that ours must beat: dry, wet, snow and ice, tuned in hindsight to the population itself."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from acc_decel.acc.trial.pairs import LEVELS, draw_pairs
from acc_decel.acc.trial.roads import ROADS
from acc_decel.outputs import QUANTILES
from acc_decel.physics import Vehicle

DRY, WET, SNOW, ICE = range(4)
ROWS = ("dry", "wet", "snow", "ice")
LOWER, UPPER = QUANTILES["deceleration_lower"], QUANTILES["deceleration_upper"]


@dataclass(frozen=True)
class SurfaceTable:
    """Decelerations [m/s^2] by row: what 95 of 100 own cars reach at least, and 95 of 100 leads at most."""

    own: Float[ndarray, " 4"]
    lead: Float[ndarray, " 4"]

    def rows_of(
        self, surface: Int[ndarray, " pairs"], wet: Bool[ndarray, " pairs"]
    ) -> tuple[Float[ndarray, " pairs"], Float[ndarray, " pairs"]]:
        """The decelerations of both cars, by the index of the surface and whether the road is wet."""
        row = row_of(surface, wet)
        return self.own[row], self.lead[row]


def row_of(surface: Int[ndarray, " pairs"], wet: Bool[ndarray, " pairs"]) -> Int[ndarray, " pairs"]:
    """The row of the table: snow and ice by surface, every other one by wetness."""
    snow, ice = (surface == LEVELS["surface"].index(name) for name in ("packed_snow", "ice"))
    return np.where(ice, ICE, np.where(snow, SNOW, np.where(wet, WET, DRY)))


def tuned_table(own: Vehicle, *, pairs: int, seed: int) -> SurfaceTable:
    """The table tuned on `pairs` of each road of the trial, each road weighted as in a year.

    They are other pairs than those that are tried, of the same population: what no maker of a car has.
    """
    true: dict[str, list[ndarray]] = {"row": [], "own": [], "lead": [], "weight": []}
    for i, (name, road) in enumerate(ROADS.items()):
        drawn = draw_pairs(name, pairs, own=own, rng=np.random.default_rng([seed, len(ROADS), i]))
        factors = drawn.own.factors
        true["row"].append(row_of(factors["surface"].astype(int), factors["water_film_mm"] > 0))
        true["own"].append(drawn.own.curve.deceleration_from(drawn.speed))
        true["lead"].append(drawn.lead.curve.deceleration_from(drawn.speed))
        true["weight"].append(np.full(pairs, road.year))
    columns = {key: np.concatenate(parts) for key, parts in true.items()}
    of_rows = [columns["row"] == row for row in range(len(ROWS))]
    return SurfaceTable(
        np.array([_quantile(columns["own"][m], columns["weight"][m], LOWER) for m in of_rows]),
        np.array([_quantile(columns["lead"][m], columns["weight"][m], UPPER) for m in of_rows]),
    )


def _quantile(values: ndarray, weights: ndarray, share: float) -> float:
    return float(np.quantile(values, share, weights=weights, method="inverted_cdf"))
