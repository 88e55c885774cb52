"""CAN signals: the raw codes of a factor, of an answer and of a state, computed from their descriptions.

A signal counts in steps, which are one unit or a whole share of it: value = (raw + offset) * numerator / denominator.
The receiver computes that in integers with one division, so that it gets the float nearest to the decimal.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from math import ceil, floor

from acc_decel.factors import FACTORS, Factor
from acc_decel.outputs import OUTPUT_LIMITS, OUTPUTS, QUANTILES
from acc_decel.status import FLAGS

ROOM = Fraction(1, 8)  # of the accepted range, at least, that can be sent beyond each of its ends
RESERVED = 2  # codes: the last is "not available", the one before an error of the sender
ANSWER_BITS = 12  # at most, of a signal of the answer
ANSWER_STEPS = tuple(Fraction(1, share) for share in (1000, 500, 200, 100, 50, 20, 10, 5, 2, 1))
MAX_NAME = 32  # characters, more than which a DBC needs an extension for
NO_YES = ("no", "yes")
FACTOR_STATES = ("ok", "not_available", "out_of_range")
INPUT_STATES = ("ok", "never_received", "too_old", "wrong_length", "wrong_crc", "wrong_counter")
DISTANCES: dict[str, tuple[str, str]] = {  # as `Predictor` calls them: the deceleration of each, and what it is
    "stopping_distance": ("deceleration", "distance from the demand to standstill, with the median"),
    "stopping_distance_upper": ("deceleration_lower", "the same, exceeded only 5 times in 100"),
}
DISTANCE_STEP = Fraction(1, 2)  # [m]
DOWN, NEAREST, UP = ROUNDINGS = ("down", "nearest", "up")


@dataclass(frozen=True)
class Signal:
    """Some bits of a frame and what they mean; `offset` is in steps, `last` is the last raw code that is a value."""

    name: str
    bits: int
    step: Fraction
    offset: int
    last: int
    unit: str
    meaning: str
    reserved: dict[int, str] = field(default_factory=dict)  # raw codes that are no value
    levels: Sequence[str] = ()  # names of the first raw codes
    rounding: str = NEAREST  # of a float that becomes a raw code

    @property
    def low(self) -> Fraction:
        """The least value that can be sent."""
        return self.offset * self.step

    @property
    def high(self) -> Fraction:
        """The greatest value that can be sent."""
        return (self.last + self.offset) * self.step

    @property
    def not_available(self) -> int:
        """The raw code "not available": all ones."""
        return 2**self.bits - 1

    @property
    def texts(self) -> dict[int, str]:
        """The value table: raw codes with a name."""
        return dict(enumerate(self.levels)) | self.reserved


@cache
def factor_signals(factor: Factor) -> tuple[Signal, ...]:
    """The signals of one factor: one for each column, or a single one for a choice that is sent by name.

    A choice is sent by name if its step leaves no probability between 0 and 1.
    """
    accepted = f"accepted: {factor.span}" + ("" if factor.optional else "; must be available")
    if factor.levels and factor.step >= factor.high - factor.low:
        meaning = f"{factor.meaning}, by name; the codes between the last kind and the error are refused"
        return (_named(factor.name, factor.levels, meaning),)
    if factor.is_switch:
        return (_named(factor.name, ("off", "on"), factor.meaning + ("" if factor.optional else "; required")),)
    texts = [
        f"{factor.meaning}: {column.removeprefix(factor.name).lstrip('_')}" if factor.levels else factor.meaning
        for column in factor.columns
    ]
    return tuple(
        _measured(column, factor, f"{text}; {accepted}") for column, text in zip(factor.columns, texts, strict=True)
    )


def quantity_signals() -> tuple[Signal, ...]:
    """The signals of the answer's numbers: the quantiles in ascending order, other outputs, stopping distances.

    A quantile below the median is rounded down, everything else that a car plans with is rounded up.
    """
    others = [name for name in OUTPUTS if name not in QUANTILES]
    return (*map(_answer, (*QUANTILES, *others)), *map(_distance, DISTANCES))


def flag_signals() -> tuple[Signal, ...]:
    """One bit for each flag of the status."""
    return tuple(_state(name.lower(), NO_YES, meaning) for name, (_, meaning) in FLAGS.items())


def factor_state_signals(factors: Sequence[Factor]) -> tuple[Signal, ...]:
    """What the status says of each factor."""
    return tuple(_state(f"{f.name}_state", FACTOR_STATES, f"what the answer knows of {f.name}") for f in factors)


def input_state_signals(messages: Sequence[str]) -> tuple[Signal, ...]:
    """What was found of each received message since the last frame that told it."""
    return tuple(
        _state(f"{name.removeprefix('decel_')}_input", INPUT_STATES, f"the worst that was found of {name} lately")
        for name in messages
    )


def self_test_signal() -> Signal:
    """Whether the self-test failed at start-up: then every answer is refused."""
    return _state("self_test_failed", NO_YES, "the self-test of the firmware failed: every answer is refused")


def schema_signal() -> Signal:
    """The factor schema as a number."""
    meaning = "factor schema of the firmware: it must be that of this file"
    return Signal("schema", 32, Fraction(1), 0, 2**32 - 1, "", meaning)


def bits_for(codes: int) -> int:
    """Bits that hold so many raw codes."""
    return max(1, (codes - 1).bit_length())


def _measured(name: str, factor: Factor, meaning: str) -> Signal:
    """A number from a sensor: its range is wider than the accepted one, so that what is out of range is sent as well.

    What is never below 0 by its nature is sent from 0 on, if that is not in the accepted range.
    """
    step, (least, greatest) = _exact(factor.step), _sent_range(factor)
    room = (greatest - least) * ROOM
    low = least if factor.levels else least - room  # no probability is below 0
    if least > 0:
        low = min(low, Fraction(0))
    first, last = floor(low / step), ceil((greatest + room) / step)
    bits = bits_for(last - first + 1 + RESERVED)
    return Signal(
        name=name,
        bits=bits,
        step=step,
        offset=first,
        last=2**bits - 1 - RESERVED,
        unit=factor.unit,
        meaning=meaning,
        reserved=_reserved(bits),
    )


def _sent_range(factor: Factor) -> tuple[Fraction, Fraction]:
    """The accepted range of all platforms: every car has the same layout, although its range of mass is narrower."""
    same = [f for f in FACTORS if f.name == factor.name] + [factor]
    return min(_exact(f.low) for f in same), max(_exact(f.high) for f in same)


def _exact(number: float) -> Fraction:
    """The decimal number that was written, as a fraction."""
    return Fraction(str(number))


def _named(name: str, levels: Sequence[str], meaning: str) -> Signal:
    bits = bits_for(len(levels) + RESERVED)
    return Signal(name, bits, Fraction(1), 0, 2**bits - 1 - RESERVED, "", meaning, _reserved(bits), levels)


def _state(name: str, levels: Sequence[str], meaning: str) -> Signal:
    return Signal(name, bits_for(len(levels)), Fraction(1), 0, len(levels) - 1, "", meaning, {}, levels)


def _answer(name: str) -> Signal:
    """A number of the answer, with the finest step that its limits have room for."""
    low, high = map(_exact, OUTPUT_LIMITS[name])
    meaning, _, unit = OUTPUTS[name].removesuffix("]").rpartition(" [")
    step = next(s for s in ANSWER_STEPS if (high - low) / s + 1 + RESERVED <= 2**ANSWER_BITS)
    rounding = UP
    if name in QUANTILES:
        rounding = DOWN if QUANTILES[name] < 0.5 else NEAREST if QUANTILES[name] == 0.5 else UP
    return _counted(name, step, low, high, unit, meaning, "error", rounding)


def _distance(name: str) -> Signal:
    """A stopping distance in the bits of an answer; the code before the last says that it is longer, or infinite."""
    last = 2**ANSWER_BITS - 1 - RESERVED
    return _counted(name, DISTANCE_STEP, Fraction(0), last * DISTANCE_STEP, "m", DISTANCES[name][1], "longer", UP)


def _counted(
    name: str, step: Fraction, low: Fraction, high: Fraction, unit: str, meaning: str, beyond: str, rounding: str
) -> Signal:
    first, last = floor(low / step), ceil(high / step)
    bits = bits_for(last - first + 1 + RESERVED)
    return Signal(name, bits, step, first, last - first, unit, meaning, _reserved(bits, beyond), (), rounding)


def _reserved(bits: int, before_last: str = "error") -> dict[int, str]:
    return {2**bits - 2: before_last, 2**bits - 1: "SNA"}
