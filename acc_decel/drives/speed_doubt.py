"""What of a drive no road car can do, however its speed was recorded: a speed, or a gain of it, in a wrong unit."""

from collections.abc import Sequence

import numpy as np

from acc_decel.drives.smoothing import Motion

MAX_SPEED_MPS = 90.0  # of all road cars but a few, 324 km/h
MAX_POWER_W_PER_KG = 280.0  # that accelerates; a sports car has 200 at its engine, and hardly any road car 300
HELD_S = 2.0  # for so long in all both are exceeded


def speed_doubt(pieces: Sequence[Motion]) -> str:
    """Why the unit of speed must be wrong, in words; "" if the drive is one of a road car."""
    moving = [piece for piece in pieces if piece.has_speed]
    if not moving:
        return ""
    count = round(HELD_S / float(moving[0].time[1] - moving[0].time[0]))
    speed = np.sort(np.concatenate([piece.speed for piece in moving]))
    power = np.sort(np.concatenate([piece.speed * piece.acceleration for piece in moving]))
    if len(speed) <= count:
        return ""
    if speed[-1 - count] > MAX_SPEED_MPS:
        return f"speed reaches {speed[-1 - count]:.0f} m/s, which no road car does: check its unit"
    if power[-1 - count] > MAX_POWER_W_PER_KG:
        gained = f"the car gains speed with {power[-1 - count]:.0f} W/kg"
        return f"{gained}, which hardly any road car has: check the unit of speed"
    return ""
