"""The head of the network: the smaller of what friction and brakes allow, plus what slows the car without them.

The last layer gives for each quantile a friction limit F and a correction of the brake limit. In m/s^2:

    B = correction + slope * braking          braking: what the brakes can give, `features.py`
    q = min(F, B), rounded off: F - rectified(F - B)
    q = q + offset of the surface             from the calibration, weighted by the probability of each surface
    q = max(min(q, share * road_limit, share * brake_limit), LEAST_BRAKING) + resistance

The last line holds by physics, for any weights: no tyre exceeds the best one on the surfaces that the camera names, no
tyre force exceeds that of the brakes, and brakes do not push.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from acc_decel.network.features import HEAD, SURFACE_COLUMNS
from acc_decel.outputs import QUANTILES

# [m/s^2] The least that friction or brakes give. Below 0: a grade or a wind may be missing, which the resistance then
# does not have.
LEAST_BRAKING = -2.5
BRAKING, RESISTANCE, ROAD_LIMIT, BRAKE_LIMIT = range(len(HEAD))
# Shares of the rated brake force that bound each quantile: pads differ by 6 %, pressure and mass are not read exactly.
# Shares of what the best tyre on the best road reaches: less for the lower quantiles, so that the answer keeps an
# interval where a friction estimate promises more than the surface allows.
SHARES = {  # brakes, road
    "deceleration_lower_99": (1.0, 0.8),
    "deceleration_lower": (1.0, 0.85),
    "deceleration": (1.05, 0.93),
    "deceleration_upper": (1.2, 1.0),
}


@dataclass(frozen=True)
class Head:
    """Trained numbers of the head, for the quantiles in the order of QUANTILES."""

    slopes: Float32[ndarray, " quantiles"]  # at least 0
    offset: Float32[ndarray, " quantiles"]  # [m/s^2] for a surface that is not known
    surface_offsets: Float32[ndarray, "surfaces quantiles"]  # [m/s^2] what each surface adds to it
    brake_shares: Float32[ndarray, " quantiles"]  # of the brake limit
    road_shares: Float32[ndarray, " quantiles"]  # of the road limit

    def __call__(
        self,
        friction: Float32[ndarray, "rows quantiles"],
        correction: Float32[ndarray, "rows quantiles"],
        values: Float32[ndarray, "rows head"],
        surface: Float32[ndarray, "rows surfaces"],
    ) -> Float32[ndarray, "rows quantiles"]:
        """The quantiles [m/s^2], neither cut nor sorted."""
        braking, resistance, road, brake = values.T
        brakes = correction + self.slopes * braking[:, None]
        offset = np.repeat(self.offset[None], len(surface), axis=0)
        for probability, of_surface in zip(surface.T, self.surface_offsets, strict=True):
            offset += probability[:, None] * of_surface
        smaller = friction - rectified(friction - brakes) + offset
        bounded = np.minimum(np.minimum(smaller, self.road_shares * road[:, None]), self.brake_shares * brake[:, None])
        return np.maximum(bounded, np.float32(LEAST_BRAKING)) + resistance[:, None]


def rectified(z: Float[ndarray, "*any"]) -> Float[ndarray, "*any"]:
    """The smooth rectifier: 0 below 0, z^2 / 2 up to 1, z - 1/2 above."""
    ramp = np.clip(z, 0, 1)
    return np.maximum(z - 1, 0) + ramp * z.dtype.type(0.5) * ramp


def untrained_head() -> Head:
    """The head before training and calibration."""
    count, surfaces = len(QUANTILES), len(SURFACE_COLUMNS)
    brake, road = np.array([SHARES[name] for name in QUANTILES], np.float32).T.copy()
    zeros = np.zeros(count, np.float32)
    return Head(zeros + 1, zeros, np.zeros((surfaces, count), np.float32), brake, road)
