"""The split into training, validation, calibration and test, by event number, so that no event ever changes its part.

The number is scrambled first: in a Sobol sequence, every 20th event would only cover some corners of the space.
"""

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray

CYCLE = 20
PARTS = {"validation": (0,), "calibration": (1, 2), "test": (3,), "training": tuple(range(4, CYCLE))}


def in_split(event: Int64[ndarray, " events"], name: str) -> Bool[ndarray, " events"]:
    """Mask of the events that belong to the part `name`: training, validation, calibration or test."""
    if name not in PARTS:
        raise ValueError(f"part must be one of {', '.join(PARTS)}. Got {name!r}.")
    return np.isin(_scrambled(event) % np.uint64(CYCLE), PARTS[name])


def _scrambled(event: Int64[ndarray, " events"]) -> ndarray:
    """The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014)."""
    z = event.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
