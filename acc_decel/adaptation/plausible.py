"""Are measured stops what a car can do? A wrong sign or unit is refused, with its likely cause, before a fit.

Two checks: each deceleration alone is above 0 and within the limits of every answer; and compared with what is
predicted, the car brakes between half and twice as hard. The range is wide for a car: with one of two brake circuits
it brakes half as hard. It is narrow for a unit: the closest wrong one, mph/s, is a factor of 2.24.
"""

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy import ndarray

from acc_decel.outputs import OUTPUT_LIMITS
from acc_decel.predictor import where

GREATEST = OUTPUT_LIMITS["deceleration"][1]  # [m/s^2]
LONGEST_DELAY = OUTPUT_LIMITS["delay"][1]  # [s]
USUAL_ODD_SHARE = 0.1  # of stops, on a road that the model did not know
DELAY_NOISE = 0.1  # [s] of a measurement, by which it may be below 0
RATIOS = (0.5, 2.0)  # measured over predicted deceleration, of a car as a whole
STREAM_RATIOS = (0.2, 2.0)  # of a few stops in a row, which may all be on a road that the model did not know
STREAM_STOPS = 5  # fewer say nothing about a unit
USUAL_SCALES = (0.5, 1.5)  # of a correction; beyond, it is said
SMALLEST_PREDICTED = 0.5  # [m/s^2] below, a ratio says little
USUAL = 11.0  # [m/s^2] what cars stay below, even at full braking
CLOSE = 1.15  # factor within which a ratio names a unit
UNITS = {  # what one m/s^2 is in other units: the remedy
    3.6: "in km/h/s? Divide by 3.6",
    3.281: "in ft/s^2? Divide by 3.281",
    2.237: "in mph/s? Divide by 2.237",
    10.0: "in per cent of g, or ten times too large? Divide by 10.2 or by 10",
    100.0: "in cm/s^2? Divide by 100",
    1000.0: "in mm/s^2? Divide by 1000",
    0.102: "in g? Multiply by 9.807",
}


def check_stops(deceleration: Float[ndarray, " stops"], index: pd.Index | None = None) -> None:
    """Raise ValueError, naming the first stop and the likely cause, for a deceleration that no stop of a car has.

    `deceleration` is positive when slowing [m/s^2]; NaN is let through. `index` names the stops.
    """
    if (negative := deceleration < 0).any():
        turned = int(negative.sum()) > len(deceleration) / 2
        remedy = "Turn the sign of all" if turned else "Leave this stop out"
        _refuse(deceleration, negative, index, remedy)
    _refuse(deceleration, deceleration == 0, index, "A car that does not slow makes no stop: leave it out")
    if (too_great := deceleration > GREATEST).any():
        _refuse(deceleration, too_great, index, _remedy(float(np.nanmedian(deceleration))))


def _remedy(typical: float) -> str:
    """What to do where single values are too great and this one is typical; without predictions, units are a guess."""
    if typical < USUAL:
        return "Leave this stop out, or check its unit"
    if typical < USUAL * 3.6:
        return f"Are they {UNITS[3.6]} (ft/s^2 by 3.281, mph/s by 2.237)"
    return next((f"Are they {UNITS[f]}" for f in (10.0, 100.0, 1000.0) if typical < USUAL * f), "Check the unit")


def check_delays(delay: Float[ndarray, " stops"], index: pd.Index) -> None:
    """Raise ValueError, naming the first stop, for a delay that no brakes have [s]; NaN is let through."""
    early = delay < -DELAY_NOISE
    if early.any():
        row = int(np.flatnonzero(early)[0])
        raise ValueError(
            f"delay{where(index, row)} must not be below 0 s: brakes do not slow before they are asked to. "
            f"Got {delay[row]:g}: check the time of the demand."
        )
    beyond = np.abs(delay) > LONGEST_DELAY
    if beyond.any():
        row = int(np.flatnonzero(beyond)[0])
        raise ValueError(
            f"delay{where(index, row)} must be at most {LONGEST_DELAY:g} s. Got {delay[row]:g}: is it in ms? "
            "Divide by 1000."
        )


def check_stream(predicted: Float[ndarray, " stops"], measured: Float[ndarray, " stops"]) -> None:
    """`check_ratio` for stops in a row, which may have been worse than predicted; none for fewer than STREAM_STOPS."""
    if len(measured) >= STREAM_STOPS:
        check_ratio(predicted, measured, ratios=STREAM_RATIOS)


def check_ratio(
    predicted: Float[ndarray, " stops"], measured: Float[ndarray, " stops"], ratios: tuple[float, float] = RATIOS
) -> None:
    """Raise ValueError, with the likely unit, unless a car could differ as much from what is predicted [m/s^2]."""
    telling = predicted > SMALLEST_PREDICTED
    if not telling.any():
        return
    ratio = float(np.median(measured[telling] / predicted[telling]))
    if not ratios[0] <= ratio <= ratios[1]:
        raise ValueError(
            f"measured decelerations must be {ratios[0]:g} to {ratios[1]:g} times what is predicted: cars do not "
            f"differ by more. Got {ratio:.2g} times ({np.median(measured[telling]):.3g} instead of "
            f"{np.median(predicted[telling]):.3g} m/s^2): {_cause(ratio)}."
        )


def odd_stops_note(predicted: Float[ndarray, " stops"], measured: Float[ndarray, " stops"]) -> str:
    """What to say where single stops differ from their prediction [m/s^2] by more than cars do; empty if few do."""
    telling = predicted > SMALLEST_PREDICTED
    ratio = measured[telling] / predicted[telling]
    odd = int(((ratio < RATIOS[0]) | (ratio > RATIOS[1])).sum())
    if odd <= USUAL_ODD_SHARE * len(measured):
        return ""
    return (
        f"{odd} of {len(measured)} stops are not {RATIOS[0]:g} to {RATIOS[1]:g} times as hard as predicted: check "
        "whether they have another unit, were braked less, or were on another road than the table says"
    )


def scale_note(scale: float) -> str:
    """What to say about the scale of a correction that is unusual for a car; empty if it is usual."""
    if USUAL_SCALES[0] <= scale <= USUAL_SCALES[1]:
        return ""
    low, high = USUAL_SCALES
    return (
        f"scale {scale:.2f} is unusual for a car (usual is {low:g} to {high:g}): check the stops, their brake pressure "
        "and unit before you use this correction"
    )


def _cause(ratio: float) -> str:
    """The unit that explains a ratio of measured to predicted decelerations, and what to do."""
    factor = min(UNITS, key=lambda f: abs(np.log(max(ratio, 1e-9) / f)))
    if 1 / CLOSE < ratio / factor < CLOSE:
        return f"are they {UNITS[factor]}"
    return "check the unit, the brake pressure and the model"


def _refuse(deceleration: Float[ndarray, " stops"], wrong: ndarray, index: pd.Index | None, remedy: str) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        place = where(pd.RangeIndex(len(deceleration)) if index is None else index, row)
        raise ValueError(
            f"deceleration{place} must be above 0 and at most {GREATEST:g} m/s^2, which is what a car can do, positive "
            f"when slowing. Got {deceleration[row]:g}: {remedy[0].lower()}{remedy[1:]}."
        )
