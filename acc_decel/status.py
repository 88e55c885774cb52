"""The status of an answer: the meaning of its bits, the same in Python, in ONNX and in C."""

from collections.abc import Iterable

from acc_decel.factors import FACTORS, Factor
from acc_decel.outputs import COMFORT_DECELERATION, OUTPUT_LIMITS

OUT_OF_RANGE_SHIFT = 0  # bit i: factor i is outside its range
NOT_AVAILABLE_SHIFT = 24  # bit 24 + i: factor i is not available
OUTSIDE_DOMAIN = 1 << 48  # a combination of factors that is rare in the training data
BELOW_COMFORT = 1 << 49  # the deceleration may stay below what an ACC is allowed to ask for
REFUSED = 1 << 50  # no prediction: a factor is out of range, or a required one is missing
CORRECTION_LIMITED = 1 << 51  # a correction asked for more than a car can do

FLAGS: dict[str, tuple[int, str]] = {
    "OUTSIDE_DOMAIN": (OUTSIDE_DOMAIN, "a combination of factors that is rare in the training data"),
    "BELOW_COMFORT": (BELOW_COMFORT, f"the lower deceleration is below the ACC limit of {COMFORT_DECELERATION} m/s^2"),
    "REFUSED": (REFUSED, "no prediction: a factor is out of range, or a required one is missing"),
    "CORRECTION_LIMITED": (
        CORRECTION_LIMITED,
        f"the correction asks for more than a car can do, so the answer is cut to "
        f"{OUTPUT_LIMITS['deceleration'][0]:g} to {OUTPUT_LIMITS['deceleration'][1]:g} m/s^2: the correction is wrong",
    ),
}


def out_of_range(status: int, factors: Iterable[Factor] = FACTORS) -> tuple[str, ...]:
    """Names of the factors that `status` reports outside their range."""
    return tuple(f.name for i, f in enumerate(factors) if status >> (OUT_OF_RANGE_SHIFT + i) & 1)


def not_available(status: int, factors: Iterable[Factor] = FACTORS) -> tuple[str, ...]:
    """Names of the factors that `status` reports as not available."""
    return tuple(f.name for i, f in enumerate(factors) if status >> (NOT_AVAILABLE_SHIFT + i) & 1)


def flags(status: int) -> tuple[str, ...]:
    """Names of the general flags set in `status`."""
    return tuple(name for name, (bit, _) in FLAGS.items() if status & bit)


def describe(status: int, factors: Iterable[Factor] = FACTORS) -> str:
    """The whole status in words."""
    factors = tuple(factors)
    lines = [f"{name} is outside its range" for name in out_of_range(status, factors)]
    if missing := not_available(status, factors):
        lines.append("not available: " + ", ".join(missing))
    lines += [meaning for bit, meaning in FLAGS.values() if status & bit]
    return "; ".join(lines) or "ok"
