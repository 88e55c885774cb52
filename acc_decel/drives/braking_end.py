"""Which end of an accelerometer is braking, where no speed shows it: brakes are stronger than engines."""

from collections.abc import Sequence

import numpy as np

from acc_decel.drives.description import Channel
from acc_decel.drives.smoothing import Motion

HELD_S = 1.0  # for so long in all an end exceeds its hardest
MIN_BRAKING_MPS2, MIN_BRAKING_RATIO = 6.0, 1.5  # no engine accelerates so hard while its car brakes so much less


def braking_sign(pieces: Sequence[Motion]) -> float:
    """1 where deceleration is certainly the negative end, -1 where it is the positive one, 0 where it is not shown."""
    slowing, gaining = hardest_of_both_ends(pieces)
    if max(slowing, gaining) < MIN_BRAKING_MPS2 or max(slowing, gaining) < MIN_BRAKING_RATIO * min(slowing, gaining):
        return 0.0
    return 1.0 if slowing > gaining else -1.0


def hardest_of_both_ends(pieces: Sequence[Motion]) -> tuple[float, float]:
    """What the negative and the positive end exceed [m/s^2] for HELD_S in all."""
    if not pieces:
        return 0.0, 0.0
    acceleration = np.sort(np.concatenate([piece.acceleration for piece in pieces]))
    count = round(HELD_S / float(pieces[0].time[1] - pieces[0].time[0]))
    if len(acceleration) <= count:
        return 0.0, 0.0
    return max(-float(acceleration[count]), 0.0), max(float(acceleration[-1 - count]), 0.0)


def sign_doubt(pieces: Sequence[Motion], channel: Channel) -> str:
    """Why it is not certain which end of the accelerometer is braking, in words; "" where it is."""
    slowing, gaining = hardest_of_both_ends(pieces)
    shown = f"the car would slow by up to {slowing:.1f} and gain by up to {gaining:.1f} m/s^2"
    if braking_sign(pieces) < 0:
        return f"{channel.name!r} shows harder accelerations than brakings: {shown}. Check its sign"
    if channel.is_sign_assumed and braking_sign(pieces) == 0:
        return f"the sign of {channel.name!r} is assumed, {shown}: state it in [acceleration] of a description"
    return ""
