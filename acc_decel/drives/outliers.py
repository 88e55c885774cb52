"""Which records of a signal are wrong by themselves: spikes, drop-outs and values frozen before a jump."""

from collections.abc import Callable

import numpy as np
from numpy import ndarray
from scipy.ndimage import median_filter

from acc_decel.drives.series import Series, constant_runs, without

MAX_BRAKING_MPS2, MAX_GAIN_MPS2 = 14.0, 9.0  # beyond these no road car slows or gains speed
TYPICAL_MAX_MPS2 = 10.0  # hardly any car exceeds it
MIN_JUMP_MPS = 1.0  # wheel speed sensors cut off below this, so that a smaller step is not a jump
MAX_DROP_OUT_S = 6.0
MIN_MARK_JUMP_MPS = 5.0  # to a value that stays, however long, and back
JUMP_SURROUNDINGS_S = 5.0  # before and after an impossible jump every record is judged by itself
SPIKE_SCORE = 6.0  # robust standard deviations from the running median
SPIKE_WINDOW_RECORDS = 7
MIN_SPIKE_MPS2 = 3.0  # distance of an accelerometer's spike from the running median
MAX_ACCELEROMETER_PERIOD_S = 0.2  # beyond it a spike and a short pulse look alike
MIN_FROZEN_RECORDS, MIN_FROZEN_S = 4, 0.3  # records, and time, with exactly one value
MIN_FROZEN_JUMP_MPS2 = 0.5  # into or out of a run of one value of an accelerometer; a smaller one does no harm
MAX_FROZEN_SHARE = 0.2  # of the records of an accelerometer; with more, its values are coarse and not frozen


def is_spike(value: ndarray, *, min_distance: float) -> ndarray:
    """Records far from the running median of their neighbours; a steady change stays on that median."""
    if len(value) < SPIKE_WINDOW_RECORDS:
        return np.zeros(len(value), bool)
    distance = np.abs(value - median_filter(value, SPIKE_WINDOW_RECORDS, mode="nearest"))
    scale = 1.4826 * np.median(distance[distance > 0]) if (distance > 0).any() else 0.0
    return distance > max(SPIKE_SCORE * scale, min_distance)


def _is_speed_spike(_: ndarray, speed: ndarray, period: float) -> ndarray:
    return is_spike(speed, min_distance=MAX_BRAKING_MPS2 * period + MIN_JUMP_MPS / 2)


def _is_acceleration_spike(_: ndarray, acceleration: ndarray, period: float) -> ndarray:
    if period > MAX_ACCELEROMETER_PERIOD_S:
        return np.zeros(len(acceleration), bool)
    return is_spike(acceleration, min_distance=MIN_SPIKE_MPS2)


def is_drop_out(time: ndarray, speed: ndarray, period: float) -> ndarray:
    """Records between a jump that no car makes and another one back: for a while the sensor sent wrong values."""
    jumps = _jumps(time, speed, period).tolist()
    dropped, k = np.zeros(len(time), bool), 0
    while k + 1 < len(jumps):
        first, after = jumps[k], jumps[k + 1]
        duration, change = time[after] - time[first - 1], speed[after] - speed[first - 1]
        # a mark for missing values may stay for long; a sensor that stops at walking pace is none
        is_far = abs(speed[first] - speed[first - 1]) > MIN_MARK_JUMP_MPS
        is_constant = is_far and (speed[first:after] == speed[first]).all()
        opposite = (speed[first] - speed[first - 1]) * (speed[after] - speed[after - 1]) < 0
        if (
            opposite
            and (duration <= MAX_DROP_OUT_S or is_constant)
            and abs(change) <= TYPICAL_MAX_MPS2 * duration + MIN_JUMP_MPS
        ):
            dropped[first:after] = True
            k += 1
        k += 1
    return dropped


def is_off_course(time: ndarray, speed: ndarray, period: float) -> ndarray:
    """Records outside the longest chain that a car can drive: drop-outs, foreign values, and what leads to them.

    The links of a chain are single records near an impossible jump, and whole stretches between such places. Dynamic
    programming finds the chain with the most records in which each link can follow the one before.
    """
    jumps = _jumps(time, speed, period) - 1
    if not len(jumps):
        return np.zeros(len(time), bool)
    reach = int(np.clip(JUMP_SURROUNDINGS_S / period, 3, 60))
    first, last = _links(len(time), jumps, reach)
    total, before = (last - first + 1).astype(float), np.full(len(first), -1)
    for j in range(1, len(first)):
        i = np.arange(max(0, j - 4 * reach), j)
        gap = np.maximum(time[first[j]] - time[last[i]], period)
        fits = is_drivable(speed[first[j]] - speed[last[i]], gap)
        if fits.any():
            before[j] = i[fits][::-1][np.argmax(total[i[fits]][::-1])]
            total[j] += total[before[j]]
    off_course, j = np.ones(len(time), bool), int(np.argmax(total))
    while j >= 0:
        off_course[first[j] : last[j] + 1] = False
        j = int(before[j])
    return off_course


def _links(records: int, jumps: ndarray, reach: int) -> tuple[ndarray, ndarray]:
    """First and last rows of the links of a chain: every record near a jump by itself, the rest as one."""
    edges = np.zeros(records + 2 * reach + 2, int)
    np.add.at(edges, jumps + 1, 1)
    np.add.at(edges, jumps + 2 * reach + 1, -1)
    single = (np.cumsum(edges) > 0)[reach : reach + records]
    first = np.flatnonzero(single | np.concatenate([[True], single[:-1]]))
    return first, np.concatenate([first[1:], [records]]) - 1


def _is_frozen(time: ndarray, speed: ndarray, period: float) -> ndarray:
    """Records of runs that end in a jump that no car makes: the value was frozen while the speed changed."""
    first, last = constant_runs(speed)
    before, after = np.maximum(first - 1, 0), np.minimum(last + 1, len(time) - 1)
    long = (last - first >= MIN_FROZEN_RECORDS - 1) & (time[last] - time[first] >= MIN_FROZEN_S)
    step_before, step_after = (np.maximum(time[b] - time[a], period) for a, b in ((before, first), (last, after)))
    # without a steady way into the run its value is foreign, not frozen
    steady_before = np.abs(speed[first] - speed[before]) <= MAX_BRAKING_MPS2 * step_before + MIN_JUMP_MPS
    jump, duration = np.abs(speed[after] - speed[last]), time[after] - time[first]
    jumps_after = jump > MAX_BRAKING_MPS2 * step_after + MIN_JUMP_MPS
    possible_meanwhile = jump <= MAX_BRAKING_MPS2 * duration + MIN_JUMP_MPS
    runs = long & steady_before & jumps_after & possible_meanwhile
    frozen = np.zeros(len(time), bool)
    for a, b in zip(first[runs], last[runs], strict=True):
        frozen[a + 1 : b + 1] = True
    return frozen


def without_frozen_runs(acceleration: Series) -> tuple[Series, int]:
    """An accelerometer without runs of exactly one value, frozen or dropped out, and the number of records dropped.

    A sensor that sends such runs often has coarse steps: then it is returned unchanged.
    """
    time, value = acceleration.time, acceleration.value
    first, last = constant_runs(value)
    before, after = np.maximum(first - 1, 0), np.minimum(last + 1, len(time) - 1)
    jump = np.maximum(np.abs(value[first] - value[before]), np.abs(value[after] - value[last]))
    long = (last - first >= MIN_FROZEN_RECORDS - 1) & (time[last] - time[first] >= MIN_FROZEN_S)
    long &= jump >= MIN_FROZEN_JUMP_MPS2
    edges = np.zeros(len(value) + 1, int)
    edges[first[long]] += 1
    edges[last[long] + 1] -= 1
    frozen = np.cumsum(edges)[:-1] > 0
    if frozen.mean() > MAX_FROZEN_SHARE:
        return acceleration, 0
    return without(acceleration, frozen), int(frozen.sum())


def _jumps(time: ndarray, speed: ndarray, period: float) -> ndarray:
    """First records after a jump that no car makes."""
    steps = np.maximum(np.diff(time), period)  # a late record is close to the next one
    return np.flatnonzero(~is_drivable(np.diff(speed), steps)) + 1


def is_drivable(change: ndarray, duration: ndarray) -> ndarray:
    """Whether a car can change its speed by `change` [m/s] in `duration` [s]."""
    can_gain = change <= MAX_GAIN_MPS2 * duration + MIN_JUMP_MPS
    return can_gain & (change >= -MAX_BRAKING_MPS2 * duration - MIN_JUMP_MPS)


OUTLIER_TESTS: dict[str, dict[str, Callable[[ndarray, ndarray, float], ndarray]]] = {
    "speed": {
        "spike": _is_speed_spike,
        "frozen value": _is_frozen,
        "drop-out": is_drop_out,
        "off course": is_off_course,
    },
    "acceleration": {"spike": _is_acceleration_spike},
}
