"""The reference for every exported form: status and outputs in NumPy, with the same checks in float32."""

import numpy as np
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray

from acc_decel.factors import Factor, slices
from acc_decel.network import DenseNet, outside_domain, predict
from acc_decel.outputs import COMFORT_DECELERATION, LOWER
from acc_decel.status import BELOW_COMFORT, NOT_AVAILABLE_SHIFT, OUT_OF_RANGE_SHIFT, OUTSIDE_DOMAIN, REFUSED

CHOICE_SUM = (0.99, 1.01)  # the accepted sum of the probabilities of a choice, ends included, in float32


def reference_outputs(net: DenseNet, columns: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows outputs"]:
    """The outputs of `net`, as `OUTPUTS` lists them, NaN in the rows that are refused; NaN in means not available."""
    outputs = np.full((len(columns), len(net.outputs)), np.nan, np.float32)
    answered = _acceptance(net, columns) & REFUSED == 0
    outputs[answered] = predict(net, columns[answered])
    return outputs


def status_of(net: DenseNet, columns: Float32[ndarray, "rows columns"]) -> Int64[ndarray, " rows"]:
    """The status (see `acc_decel.status`) that ONNX and firmware must give for `columns`, NaN meaning not available."""
    status = _acceptance(net, columns)
    answered = status & REFUSED == 0
    lower = reference_outputs(net, columns)[:, LOWER]
    status[answered] |= np.where(outside_domain(net, columns[answered]), OUTSIDE_DOMAIN, 0)
    status[answered & ~(lower >= np.float32(COMFORT_DECELERATION))] |= BELOW_COMFORT
    return status


def _acceptance(net: DenseNet, columns: Float32[ndarray, "rows columns"]) -> Int64[ndarray, " rows"]:
    """The bits of every factor, and REFUSED where one of them rules out a prediction."""
    status = np.zeros(len(columns), np.int64)
    for i, (factor, own) in enumerate(zip(net.factors, slices(net.factors), strict=True)):
        values = columns[:, own]
        missing = np.isnan(values).all(axis=1)
        outside = ~missing & ~_inside(factor, values)
        status[missing] |= (1 << (NOT_AVAILABLE_SHIFT + i)) | (0 if factor.optional else REFUSED)
        status[outside] |= (1 << (OUT_OF_RANGE_SHIFT + i)) | REFUSED
    return status


def _inside(factor: Factor, values: Float32[ndarray, "rows levels"]) -> Bool[ndarray, " rows"]:
    """Whether all columns of a factor are in range; false for NaN."""
    inside = np.all((values >= np.float32(factor.low)) & (values <= np.float32(factor.high)), axis=1)
    if factor.levels:
        total = np.zeros(len(values), np.float32)
        with np.errstate(invalid="ignore", over="ignore"):
            for column in values.T:
                total += column
        inside &= (total >= np.float32(CHOICE_SUM[0])) & (total <= np.float32(CHOICE_SUM[1]))
    return inside
