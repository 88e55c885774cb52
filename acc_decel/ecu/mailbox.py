"""The mailbox of a virtual ECU, with the layout of target/mailbox.h."""

from typing import Any

import numpy as np

from acc_decel.outputs import OUTPUTS


def mailbox(columns: int) -> "np.dtype[Any]":
    """One mailbox of a firmware that takes so many columns: factors in, outputs and status out."""
    return np.dtype([("factors", "<f4", columns), ("outputs", "<f4", len(OUTPUTS)), ("status", "<i8")], align=True)
