"""Which records of a signal are wrong by themselves: spikes, drop-outs and values frozen before a jump."""

from collections.abc import Callable

import numpy as np
from numpy import ndarray
from scipy.ndimage import median_filter

from acc_decel.drives.series import constant_runs

BRAKING_LIMIT, GAINING_LIMIT = 14.0, 9.0  # [m/s^2] what no road car exceeds
USUAL_LIMIT = 10.0  # [m/s^2] that hardly any does
EXCURSION = 6.0  # [s]
DOUBTFUL = 5.0  # [s] around a jump that no car makes, where every record is judged by itself
JUMP = 1.0  # [m/s] sensors of wheel speed cut off below; no jump at all beneath this
SPIKE_SCORE = 6.0  # robust standard deviations from the running median
SPIKE_WINDOW = 7  # records
SPIKE_ACCELERATION = 3.0  # [m/s^2] least residual of an accelerometer's spike
SLOW_ACCELEROMETER = 0.2  # [s] between records; then a spike cannot be told from a short pulse
FROZEN_RECORDS, FROZEN_TIME = 4, 0.3  # exactly the same value so often and so long [s]


def spiky(value: ndarray, *, least: float) -> ndarray:
    """Records far from the running median of their neighbours, which a steady change passes through."""
    if len(value) < SPIKE_WINDOW:
        return np.zeros(len(value), bool)
    off = np.abs(value - median_filter(value, SPIKE_WINDOW, mode="nearest"))
    scale = 1.4826 * np.median(off[off > 0]) if (off > 0).any() else 0.0
    return off > max(SPIKE_SCORE * scale, least)


def _spiky_speed(_: ndarray, speed: ndarray, period: float) -> ndarray:
    return spiky(speed, least=BRAKING_LIMIT * period + JUMP / 2)


def _spiky_acceleration(_: ndarray, acceleration: ndarray, period: float) -> ndarray:
    if period > SLOW_ACCELEROMETER:
        return np.zeros(len(acceleration), bool)
    return spiky(acceleration, least=SPIKE_ACCELERATION)


def excursion(time: ndarray, speed: ndarray, period: float) -> ndarray:
    """Records between a jump that no car makes and another one back: the sensor told something else for a while."""
    breaks = _breaks(time, speed, period).tolist()
    away, k = np.zeros(len(time), bool), 0
    while k + 1 < len(breaks):
        first, after = breaks[k], breaks[k + 1]
        gap, back = time[after] - time[first - 1], speed[after] - speed[first - 1]
        returns = (speed[first] - speed[first - 1]) * (speed[after] - speed[after - 1]) < 0
        if returns and gap <= EXCURSION and abs(back) <= USUAL_LIMIT * gap + JUMP:
            away[first:after] = True
            k += 1
        k += 1
    return away


def implausible(time: ndarray, speed: ndarray, period: float) -> ndarray:
    """Records off the longest chain that a car can drive: drop-outs, foreign values, and what leads to them."""
    breaks = _breaks(time, speed, period) - 1
    if not len(breaks):
        return np.zeros(len(time), bool)
    reach = int(np.clip(DOUBTFUL / period, 3, 60))
    first, last = _links(len(time), breaks, reach)
    total, before = (last - first + 1).astype(float), np.full(len(first), -1)
    for j in range(1, len(first)):
        i = np.arange(max(0, j - 4 * reach), j)
        gap = np.maximum(time[first[j]] - time[last[i]], period)
        fits = _drivable(speed[first[j]] - speed[last[i]], gap)
        if fits.any():
            before[j] = i[fits][::-1][np.argmax(total[i[fits]][::-1])]
            total[j] += total[before[j]]
    off, j = np.ones(len(time), bool), int(np.argmax(total))
    while j >= 0:
        off[first[j] : last[j] + 1] = False
        j = int(before[j])
    return off


def _breaks(time: ndarray, speed: ndarray, period: float) -> ndarray:
    """First records after a jump that no car makes."""
    steps = np.maximum(np.diff(time), period)  # a late record comes close to the next
    return np.flatnonzero(~_drivable(np.diff(speed), steps)) + 1


def _drivable(jump: ndarray, gap: ndarray) -> ndarray:
    return (jump <= GAINING_LIMIT * gap + JUMP) & (jump >= -BRAKING_LIMIT * gap - JUMP)


def _links(records: int, breaks: ndarray, reach: int) -> tuple[ndarray, ndarray]:
    """First and last rows of the links of a chain: every record near a break by itself, the rest as one."""
    edges = np.zeros(records + 2 * reach + 2, int)
    np.add.at(edges, breaks + 1, 1)
    np.add.at(edges, breaks + 2 * reach + 1, -1)
    single = (np.cumsum(edges) > 0)[reach : reach + records]
    first = np.flatnonzero(single | np.concatenate([[True], single[:-1]]))
    return first, np.concatenate([first[1:], [records]]) - 1


def _frozen_before_jump(time: ndarray, speed: ndarray, period: float) -> ndarray:
    """Records of runs that end in a jump no car can make: the value was frozen while the car went on."""
    first, last = constant_runs(speed)
    after = np.minimum(last + 1, len(time) - 1)
    step, jump = np.maximum(time[after] - time[last], period), np.abs(speed[after] - speed[last])
    frozen = (last - first >= FROZEN_RECORDS - 1) & (time[last] - time[first] >= FROZEN_TIME)
    before = np.maximum(first - 1, 0)
    led_to = (
        np.abs(speed[first] - speed[before]) <= BRAKING_LIMIT * np.maximum(time[first] - time[before], period) + JUMP
    )
    frozen &= led_to  # else the value is foreign, not frozen
    span = time[after] - time[first]
    frozen &= (jump > BRAKING_LIMIT * step + JUMP) & (jump <= BRAKING_LIMIT * span + JUMP)
    stuck = np.zeros(len(time), bool)
    for a, b in zip(first[frozen], last[frozen], strict=True):
        stuck[a + 1 : b + 1] = True
    return stuck


TESTS: dict[str, dict[str, Callable[[ndarray, ndarray, float], ndarray]]] = {
    "speed": {
        "spike": _spiky_speed,
        "frozen value": _frozen_before_jump,
        "drop-out": excursion,
        "off course": implausible,
    },
    "acceleration": {"spike": _spiky_acceleration},
}
