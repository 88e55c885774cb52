"""How far a float32 value may be from real arithmetic, carried from operation to operation.

The standard model of rounding: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, chapters 2
and 3. Two bounds are carried side by side, because each is narrow where the other is not: of the error itself, and of
the error relative to the value. Underflow is left out of the relative one: `FLOOR` covers it at the end.
"""

from dataclasses import dataclass

import numpy as np

from acc_decel.assurance.moving_values import Part, Values

UNIT = 2.0**-24  # relative error of one float32 operation
TINY = 2.0**-149  # absolute error of an operation that underflows
FLOOR = 1e-30  # far above TINY times every factor that a formula multiplies it by


@dataclass(frozen=True)
class Error:
    """Bounds of the distance from real arithmetic: absolute, and relative to the value."""

    absolute: Part
    relative: Part


NONE = Error(np.array(0.0), np.array(0.0))


def magnitude(values: Values) -> Part:
    """The maximum magnitude."""
    return np.maximum(np.abs(values.low), np.abs(values.high))


def least_magnitude(values: Values) -> Part:
    """The minimum magnitude."""
    return np.maximum(np.maximum(values.low, -values.high), 0)


def narrowed(values: Values, absolute: Part, relative: Part) -> Error:
    """Both bounds, each also from the other."""
    largest, least = magnitude(values), least_magnitude(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        from_absolute = np.where(absolute == 0, 0.0, absolute / least)
        from_relative = np.where(largest == 0, 0.0, relative * largest)
    return Error(np.fmin(absolute, from_relative), np.fmin(relative, from_absolute))


def rounded(values: Values, absolute: Part, relative: Part) -> Error:
    """The errors after an operation, whose result is rounded."""
    return narrowed(values, absolute + UNIT * (magnitude(values) + absolute), relative + UNIT * (1 + relative))


def of_sum(x: Values, x_error: Error, y: Values, y_error: Error, total: Values) -> Error:
    """The error of a sum: without cancellation, the relative one is no greater than that of its parts."""
    same_sign = ((x.low >= 0) & (y.low >= 0)) | ((x.high <= 0) & (y.high <= 0))
    relative = np.where(same_sign, np.maximum(x_error.relative, y_error.relative), np.inf)
    return rounded(total, x_error.absolute + y_error.absolute, relative)


def of_product(x: Values, x_error: Error, y: Values, y_error: Error, product: Values) -> Error:
    """The error of a product."""
    relative = x_error.relative + y_error.relative + x_error.relative * y_error.relative
    absolute = magnitude(x) * y_error.absolute + (magnitude(y) + y_error.absolute) * x_error.absolute
    return rounded(product, absolute + TINY, relative)


def of_quotient(x_error: Error, y: Values, y_error: Error, ratio: Values) -> Error:
    """The error of a quotient, infinite if it may divide by 0."""
    rest, least = 1 - y_error.relative, least_magnitude(y) - y_error.absolute
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(rest > 0, (x_error.relative + y_error.relative) / rest, np.inf)
        absolute = np.where(least > 0, (x_error.absolute + magnitude(ratio) * y_error.absolute) / least, np.inf)
    return rounded(ratio, absolute + TINY, relative)


def of_either(x: Values, x_error: Error, y: Values, y_error: Error) -> Error:
    """The error of one of both, or of the smaller or greater: the larger of theirs."""
    same_sign = ((x.low >= 0) & (y.low >= 0)) | ((x.high <= 0) & (y.high <= 0))
    relative = np.where(same_sign, np.maximum(x_error.relative, y_error.relative), np.inf)
    return Error(np.maximum(x_error.absolute, y_error.absolute), relative)
