"""`trial.scenes.gap_to_keep` for a stopping curve and a lead that slows evenly, compiled; a test compares the two.

In lockstep it is asked for few cars at a time and very often, where the arrays of `acc.safe_gap` are slow.
"""

import numpy as np
from numba import njit
from numpy import ndarray

from acc_decel.following import BRAKING, GAP, HARDEST, MIN_TIME_GAP, REST_GAP

LONGEST = GAP.high  # [m]


@njit(error_model="numpy")
def gaps_to_keep(
    grid: ndarray, lower: ndarray, delay: ndarray, lead: ndarray, speed: ndarray, reaction: float
) -> ndarray:
    """The gap [m] that each planner keeps to a lead of the same `speed` [m/s], which is as fast as `grid` at most.

    `lower` [cars, grid] is the mean deceleration [m/s^2] to standstill from each speed of `grid` [m/s], `delay` [cars,
    grid] that of the brakes [s]. The lead slows by `lead` [m/s^2]; first the own car holds its speed for `reaction`
    [s].
    """
    gaps = np.empty(len(speed))
    for car in range(len(speed)):
        ways = ways_from(grid, lower[car])
        closing = greatest_closing(grid, ways, delay[car], lead[car], speed[car], reaction)
        gaps[car] = min(max(closing + REST_GAP, MIN_TIME_GAP * speed[car] + REST_GAP), LONGEST)
    return gaps


@njit(error_model="numpy")
def ways_from(grid: ndarray, lower: ndarray) -> ndarray:
    """S [m] at each speed of the grid, as `Curve.of_decelerations` has it; infinite from where the car may not stop."""
    ways, most = np.empty(len(grid)), 0.0
    for i in range(len(grid)):
        least = grid[i] ** 2 / (2.0 * HARDEST)
        way = grid[i] ** 2 / (2.0 * lower[i]) if lower[i] > 0.0 else np.inf
        most = max(most, way - least)
        ways[i] = most + least
    return ways


@njit(error_model="numpy")
def greatest_closing(grid: ndarray, ways: ndarray, delay: ndarray, lead: float, speed: float, reaction: float) -> float:
    """The most [m] by which the own car comes nearer, both cars at `speed` first; see `acc.safe_gap`.

    The own car holds its speed, then slows evenly from one speed of the grid to the next. In each of these stretches,
    cut where the lead comes to rest, the rate of closing is a straight line: it is closest at its end or where it is 0.
    """
    if speed <= 0.0:
        return 0.0
    node = min(int(np.searchsorted(grid, speed)), len(grid) - 1)  # the first that is at least as fast
    if np.isinf(ways[node]):
        return np.inf
    rests = speed / lead if lead > BRAKING else np.inf
    time = closing = most = 0.0
    hold = reaction + between(grid, delay, node, speed)
    fast, slow, duration = speed, speed, hold
    while True:
        deceleration = (fast - slow) / duration if duration > 0.0 else 0.0
        left = duration
        while left > 0.0:
            step = min(left, rests - time) if time < rests else left
            rate = fast - lead_speed(speed, lead, time, rests)
            later = fast - deceleration * step
            end = later - lead_speed(speed, lead, time + step, rests)
            if rate > 0.0 and end < 0.0:
                most = max(most, closing + 0.5 * rate**2 * step / (rate - end))
            closing += 0.5 * (rate + end) * step
            most = max(most, closing)
            time, fast, left = time + step, later, left - step
        if slow <= 0.0:
            return most
        fast = slow
        below = grid[node - 1] if node > 0 else 0.0
        slow, high, low = below, ways[node], ways[node - 1] if node > 0 else 0.0
        duration = 2.0 * (high - low) / (grid[node] ** 2 - below**2) * (fast - slow)  # way = straight line over v^2
        node -= 1


@njit(error_model="numpy")
def lead_speed(speed: float, lead: float, time: float, rests: float) -> float:
    """Speed of the lead [m/s] at this time [s]; it comes to rest at `rests`."""
    return speed - lead * time if time < rests < np.inf else (speed if rests == np.inf else 0.0)


@njit(error_model="numpy")
def between(grid: ndarray, delay: ndarray, node: int, speed: float) -> float:
    """The delay of the brakes [s] at this speed, a straight line between those of the grid; below it the first one."""
    if node == 0:
        return delay[0]
    share = (speed - grid[node - 1]) / (grid[node] - grid[node - 1])
    return delay[node - 1] + share * (delay[node] - delay[node - 1])
