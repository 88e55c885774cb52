"""Speeds at the ends of what a channel can hold: a counter that starts again, a greatest value, a mark for missing."""

import numpy as np
from numpy import ndarray

from acc_decel.drives.outliers import is_drivable
from acc_decel.drives.series import constant_runs

MIN_BITS, MAX_BITS = 6, 16  # of a counter that starts again
EDGE_SHARE = 0.08  # of the range of a counter, within which the values before and after it starts again lie
MAX_PERIOD_ERROR = 0.5  # steps of the value, by which the range differs from a power of two of them
MIN_AT_TOP, MIN_TOP_S = 10, 2.0  # records, and time, with the greatest value, that a sensor with noise does not send
FULL_RANGES = (256, 1024, 4096, 65_536)  # steps of the value
EDGE_S, MIN_STEEP_MPS2 = 0.6, 0.5  # before and after such a run, and how fast the speed changes there
MIN_STEP_SHARE = 1e-6  # of the range of the speed
MIN_NOISY = 50  # records that show noise
MAX_REPEATED_SHARE = 0.05  # of the other records; a coarse value repeats by itself
MAX_MARK_MPS = -0.2  # a mark for missing values, as -1, is below this, and the only negative value
MIN_MARKS = 3


def within_channel(time: ndarray, speed: ndarray) -> tuple[ndarray, ndarray, dict[str, int], tuple[str, ...]]:
    """Which records hold a speed, these speeds [m/s], why how many others do not, and a note on what was changed."""
    marked, resolution = is_marked(speed), smallest_step(speed)
    at_end = np.zeros(len(speed), bool)
    at_end[~marked] = is_saturated(time[~marked], speed[~marked], resolution) if not marked.all() else False
    kept = ~marked & ~at_end
    if kept.sum() < MIN_MARKS:
        return np.ones(len(speed), bool), speed, {}, ()
    whole, span = unwrapped(time[kept], speed[kept], resolution)
    again = f"speed starts again at 0 every {span:.4g} m/s, as a counter of some bits does"
    said = f"{again}: that is added, as few times as can be"
    counts = {"marked as missing": int(marked.sum()), "at the channel's greatest value": int(at_end.sum())}
    return kept, whole, counts, (said,) * bool(span)


def smallest_step(speed: ndarray) -> float:
    """The smallest difference [m/s] of two values; 0 where there is but one."""
    steps = np.diff(np.unique(speed))
    steps = steps[steps > MIN_STEP_SHARE * np.ptp(speed)]  # two roundings of one value differ by less
    return float(steps.min()) if len(steps) else 0.0


def unwrapped(time: ndarray, speed: ndarray, resolution: float) -> tuple[ndarray, float]:
    """The speed [m/s] of a counter that starts again at 0, made whole, and its range [m/s]; 0 if it is no counter.

    It is one if each jump that no car makes leads from one end of a range of 2^n steps to the other.
    """
    jumps = np.flatnonzero(~is_drivable(np.diff(speed), np.maximum(np.diff(time), 1e-3)))
    big = jumps[np.abs(np.diff(speed)[jumps]) > 2 * EDGE_SHARE * np.ptp(speed)]
    if not len(big) or resolution <= 0:
        return speed, 0.0
    low, high = np.minimum(speed[big], speed[big + 1]), np.maximum(speed[big], speed[big + 1])
    steps = (speed.max() - speed.min()) / resolution + 1
    bits = round(float(np.log2(max(steps, 1.0))))
    span = resolution * 2.0**bits
    is_whole = MIN_BITS <= bits <= MAX_BITS and abs(steps - 2.0**bits) <= max(MAX_PERIOD_ERROR, EDGE_SHARE * 2.0**bits)
    at_ends = (low - speed.min() <= EDGE_SHARE * span) & (speed.max() - high <= EDGE_SHARE * span)
    if not is_whole or not at_ends.all() or speed.max() >= span:
        return speed, 0.0
    turns = np.zeros(len(speed))
    turns[big + 1] = np.where(np.diff(speed)[big] < 0, 1.0, -1.0)
    whole = speed + span * np.cumsum(turns)
    whole += span * max(np.ceil(-float(whole.min()) / span - EDGE_SHARE), 0.0)
    rest = ~is_drivable(np.diff(whole), np.maximum(np.diff(time), 1e-3))
    return (speed, 0.0) if rest[big].any() else (whole, span)


def is_marked(speed: ndarray) -> ndarray:
    """Records with a mark for a missing value: one negative number, the only one of the recording."""
    marked = speed < 0
    numbers = np.unique(speed[marked])
    return marked if len(numbers) == 1 and numbers[0] < MAX_MARK_MPS and marked.sum() >= MIN_MARKS else marked & False


def is_saturated(time: ndarray, speed: ndarray, resolution: float) -> ndarray:
    """Records that hold the greatest value that the channel can hold, while the car may have been faster.

    Either no noise is in them that all others have, or that value is the last of a whole number of bytes or of 10 or 12
    bits, and the speed reaches and leaves it as steeply as a car gains and brakes.
    """
    none = np.zeros(len(speed), bool)
    first, last = constant_runs(speed)
    is_top = (speed[first] == speed.max()) & (time[last] - time[first] >= MIN_TOP_S) & (last - first + 1 >= MIN_AT_TOP)
    if not is_top.any():
        return none
    rows = np.repeat(is_top, last - first + 1)
    ends = np.isin(round(float(speed.max()) / resolution) + 1, FULL_RANGES) if resolution > 0 else False
    is_steep = any(
        _is_steep(time, speed, a, b) for a, b in zip(first[is_top].tolist(), last[is_top].tolist(), strict=True)
    )
    return rows if (bool(ends) and is_steep) or _has_noise(speed[~rows], resolution) else none


def _is_steep(time: ndarray, speed: ndarray, first: int, last: int) -> bool:
    """Whether the speed comes to a run of one value, and goes from it, at a rate of a car that gains and brakes."""
    if first == 0 or last == len(speed) - 1:
        return False
    before = min(int(np.searchsorted(time, time[first] - EDGE_S)), first - 1)
    after = min(max(int(np.searchsorted(time, time[last] + EDGE_S)), last + 1), len(speed) - 1)
    gained = (speed[first] - speed[before]) / (time[first] - time[before])
    lost = (speed[last] - speed[after]) / (time[after] - time[last])
    return bool(min(gained, lost) >= MIN_STEEP_MPS2)


def _has_noise(speed: ndarray, resolution: float) -> bool:
    """Whether no value comes twice in a row and all of them scatter, as those of a sensor and of no simulation."""
    if len(speed) < MIN_NOISY:
        return False
    bends = np.abs(np.diff(speed, 2))
    return float((np.diff(speed) == 0).mean()) <= MAX_REPEATED_SHARE and float(np.median(bends)) > 2 * resolution
