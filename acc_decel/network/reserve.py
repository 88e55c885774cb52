"""The reserve against a lead: one more sum of the last layer, over the median deceleration.

    reserve = max(rectified(sum) + offset of the surface, 0) / max(median, LEAST_MEDIAN)

Two cars on one road share what is unknown of the road, so the sum varies much less than the reserve. It falls with
everything that raises the deceleration, as 1 / median does: the reserve is monotone for any weights.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.network.features import SURFACE_COLUMNS
from acc_decel.network.head import rectified

LEAST_MEDIAN = 0.3  # [m/s^2] a median below counts as this much


@dataclass(frozen=True)
class Reserve:
    """What the calibration adds to the sum: for a surface that is not known, and what each surface adds to that."""

    offset: Float32[ndarray, "1"]
    surface_offsets: Float32[ndarray, " surfaces"]

    def __call__(
        self,
        sums: Float32[ndarray, " rows"],
        median: Float32[ndarray, " rows"],
        surface: Float32[ndarray, "rows surfaces"],
    ) -> Float32[ndarray, " rows"]:
        """The reserve [s^2/m] for the sums and the medians [m/s^2], at least 0, not cut at its limit."""
        offset = np.repeat(self.offset, len(surface))
        for probability, of_surface in zip(surface.T, self.surface_offsets, strict=True):
            offset += probability * of_surface
        return np.maximum(rectified(sums) + offset, np.float32(0)) / counted(median)


def counted(median: Float32[ndarray, " rows"]) -> Float32[ndarray, " rows"]:
    """The median [m/s^2] as the reserve counts it."""
    return np.maximum(median, np.float32(LEAST_MEDIAN))


def untrained_reserve() -> Reserve:
    """The reserve before calibration."""
    return Reserve(np.zeros(1, np.float32), np.zeros(len(SURFACE_COLUMNS), np.float32))
