"""What models say of both cars: the stopping curves of the own car, and the hardest braking of an unknown lead."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray

from acc_decel import status as bits
from acc_decel.acc.curve import Curve
from acc_decel.acc.quantities import Value, checked
from acc_decel.factors import FACTORS, Factor, column_names, slices
from acc_decel.following import SPEED
from acc_decel.outputs import DELAY, LOWER, LOWER_99, MEDIAN, UPPER
from acc_decel.predictor import Predictor, RefusedError, refusal

GRID = np.array([1, 2, 4, *np.arange(6, 47, 1.25), 50, 55, 60, 65, 70])  # [m/s] asked for: dense where cars drive


@dataclass(frozen=True)
class StoppingCurves:
    """What a model says of cars over the speed: a curve for each quantile, and its status at the speeds of GRID."""

    lower_99: Curve
    lower: Curve
    median: Curve
    upper: Curve
    status: Int64[ndarray, "cars speeds"]


def status_to(status: Int64[ndarray, "cars speeds"], speed: Value) -> Int64[ndarray, " cars"]:
    """Every bit that is set in an answer which a stop from `speed` [m/s] uses: those at that speed and below."""
    v = np.broadcast_to(checked(SPEED, speed), status.shape[:1])
    so_far = np.bitwise_or.accumulate(status, axis=1)
    return so_far[np.arange(len(v)), np.minimum(np.searchsorted(GRID, v), len(GRID) - 1)]


def stopping_curves(predictor: Predictor, columns: Float32[ndarray, "cars columns"]) -> StoppingCurves:
    """The stopping curves of cars of which `columns` are known, a row each; their speed does not matter.

    `predictor.predict_array` takes the same columns; `columns_of(table, predictor.factors)` makes them. Raises
    RefusedError for a factor that is out of range or required.
    """
    table, status = _answers(predictor, columns)
    lower_99, lower, median, upper = (
        Curve.of_decelerations(GRID, table[..., place], table[..., DELAY]) for place in (LOWER_99, LOWER, MEDIAN, UPPER)
    )
    return StoppingCurves(lower_99, lower, median, upper, status)


def _answers(
    predictor: Predictor, columns: Float32[ndarray, "cars columns"]
) -> tuple[Float64[ndarray, "cars speeds outputs"], Int64[ndarray, "cars speeds"]]:
    """What the model answers at every speed of GRID."""
    rows = np.repeat(columns, len(GRID), axis=0)
    rows[:, column_names(predictor.factors).index("speed")] = np.tile(GRID, len(columns))
    outputs, status = predictor.predict_array(rows)
    if (wrong := np.flatnonzero(status & bits.REFUSED)).size:
        row = int(wrong[0])
        where = f" in row {row // len(GRID)} (counted from 0)" if len(columns) > 1 else ""
        raise RefusedError(refusal(predictor.factors, rows[row], int(status[row]), where))
    shape = len(columns), len(GRID)
    return outputs.astype(np.float64).reshape(*shape, -1), status.astype(np.int64).reshape(shape)


def lead_columns(
    columns: Float32[ndarray, "cars columns"], factors: tuple[Factor, ...] = FACTORS
) -> Float32[ndarray, "cars columns"]:
    """What is known of a lead on the same road: the road, and nothing of the car, which brakes fully with ABS.

    A friction estimate is of the own tyres, and those of the lead may be better, so it is not taken. `factors` are
    those of the lead's model, which know its full braking.
    """
    known = columns.copy()
    for factor, own in zip(factors, slices(factors), strict=True):
        if not factor.of_the_road:
            known[:, own] = np.nan if factor.standard is None else factor.standard
    return known


def hardest_lead(
    predictors: Sequence[Predictor], columns: Float32[ndarray, "cars columns"]
) -> tuple[Curve, Int64[ndarray, "cars speeds"]]:
    """How hard a lead on the same road brakes at most, if it may be any of the cars of `predictors`, and their status.

    At each speed the hardest of the upper quantiles. So fewer than 5 of 100 leads brake harder, whichever car it is.
    Raises RefusedError as `stopping_curves` does: a model must know the full braking of its car.
    """
    uppers, delays, codes = zip(*(_hardest(predictor, columns) for predictor in predictors), strict=True)
    status = np.bitwise_or.reduce(codes) & ~bits.BELOW_COMFORT  # which is about a lower bound
    return Curve.of_decelerations(GRID, np.max(uppers, axis=0), np.max(delays, axis=0)), status


def _hardest(predictor: Predictor, columns: ndarray) -> tuple[ndarray, ndarray, ndarray]:
    """Upper deceleration, delay and status of one model for a lead on this road.

    Where the readings contradict each other, the model answers with less deceleration. That is cautious for the own
    car; for a lead it is the opposite. There the answer is at least that of a road of which nothing is known.
    """
    known = lead_columns(columns, predictor.factors)
    table, status = _answers(predictor, known)
    strange = (status & bits.OUTSIDE_DOMAIN) != 0
    upper = table[..., UPPER]
    if strange.any():
        unknown = lead_columns(np.full_like(columns, np.nan), predictor.factors)
        anywhere, _ = _answers(predictor, unknown)
        upper = np.where(strange, np.maximum(upper, anywhere[..., UPPER]), upper)
    return upper, table[..., DELAY], status


@dataclass(frozen=True)
class Beliefs:
    """What is believed of both cars: `own` reaches at least, `lead` at most, and the status of both at GRID."""

    own: Curve
    lead: Curve
    own_status: Int64[ndarray, "cars speeds"]
    lead_status: Int64[ndarray, "cars speeds"]


def believe(predictor: Predictor, leads: Sequence[Predictor], columns: Float32[ndarray, "cars columns"]) -> Beliefs:
    """The lower quantile of the own car, of which `columns` are known, and the hardest lead of `leads` on its road."""
    own = stopping_curves(predictor, columns)
    lead, status = hardest_lead(leads, columns)
    return Beliefs(own.lower, lead, own.status, status)
