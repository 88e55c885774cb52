"""What a claim is made of: where its value is read, the bar that it is held against, and what that comparison gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MET, LIMITED, MISSED = "met", "in part", "MISSED"
METRICS, PROOF, EVIDENCE = "metrics.json", "proof.json", "evidence.json"
EACH = "*"  # as a key: every entry of that object; "one|other" are these entries
FORMAT = "{format}"  # in a key: the number format of the firmware
DIFFERENCES = "{differences}"  # as a key: the entry with the compared bits of that format


Number = int | float  # or a truth value, which is an integer


@dataclass(frozen=True)
class Reading:
    """A value that was read, and of which of several entries it is."""

    value: Any
    of: str = ""


Pick = Callable[[Mapping[str, Any]], Reading]
"""The value among those that a path with EACH leads to, by the name of their entry."""


def only(values: Mapping[str, Any]) -> Reading:
    """The value of a path that leads to one."""
    (value,) = values.values()
    return Reading(value)


def greatest(values: Mapping[str, Any]) -> Reading:
    """The largest value, and of which entry it is."""
    name = max(values, key=lambda name: values[name])
    return Reading(values[name], name)


def least(values: Mapping[str, Any]) -> Reading:
    """The smallest value, and of which entry it is."""
    name = min(values, key=lambda name: values[name])
    return Reading(values[name], name)


def total(values: Mapping[str, Any]) -> Reading:
    """The sum of all values."""
    return Reading(sum(values.values()), f"sum of {len(values)}")


def number(values: Mapping[str, Any]) -> Reading:
    """How many entries a list or an object has."""
    (value,) = values.values()
    return Reading(len(value))


def not_passed(values: Mapping[str, Any]) -> Reading:
    """How many texts are not PASSED, and which."""
    others = [f"{name} {value}" for name, value in values.items() if value != "PASSED"]
    return Reading(len(others), ", ".join(others) or f"of {len(values)}")


@dataclass(frozen=True)
class Where:
    """Where a value is read: a file of the evidence, the keys that lead to it, and which of several counts.

    The entries of proof.json are found by their name.
    """

    file: str
    keys: tuple[str, ...]
    pick: Pick = only

    @property
    def path(self) -> str:
        """The keys as text."""
        return ".".join(f'"{key}"' if " " in key else key for key in self.keys)


def metrics(*keys: str, pick: Pick = only) -> Where:
    """A place in metrics.json."""
    return Where(METRICS, keys, pick)


def proof(*keys: str, pick: Pick = only) -> Where:
    """A place in proof.json: name of the proof, then its entry."""
    return Where(PROOF, ("proofs", *keys), pick)


def evidence(*keys: str, pick: Pick = only) -> Where:
    """A place in evidence.json, of the number format of the firmware."""
    return Where(EVIDENCE, (FORMAT, *keys), pick)


@dataclass(frozen=True)
class Bar:
    """What a value must reach: `low` to `high`, ends included; None is no limit.

    `high` may be read from the evidence, `times` as much of it. A value beyond the bar, but not beyond `low_in_part` or
    `high_in_part`, holds in part: it is a residual, not a miss.
    """

    low: Number | None = None
    high: Number | Where | None = None
    times: Number = 1
    low_in_part: Number | None = None
    high_in_part: Number | None = None


def at_least(low: Number, *, in_part: Number | None = None) -> Bar:
    """A bar from below."""
    return Bar(low=low, low_in_part=in_part)


def at_most(high: Number | Where, *, times: Number = 1, in_part: Number | None = None) -> Bar:
    """A bar from above."""
    return Bar(high=high, times=times, high_in_part=in_part)


def exactly(value: Number) -> Bar:
    """A bar that only one value reaches."""
    return Bar(low=value, high=value)


HOLDS = exactly(1)  # of a boolean
SHOULD_HOLD = Bar(low=1, high=1, low_in_part=0)  # of a boolean whose failure is a residual


def verdict(value: Number, bar: Bar, high: Number | None) -> str:
    """Whether a value reaches its bar, whose upper limit is `high`; NaN never does."""
    if _within(value, bar.low, high):
        return MET
    low_in_part = bar.low if bar.low_in_part is None else bar.low_in_part
    high_in_part = high if bar.high_in_part is None else bar.high_in_part
    in_part = (bar.low_in_part, bar.high_in_part) != (None, None)
    return LIMITED if in_part and _within(value, low_in_part, high_in_part) else MISSED


def _within(value: Number, low: Number | None, high: Number | None) -> bool:
    return value == value and (low is None or value >= low) and (high is None or value <= high)  # noqa: PLR0124 - NaN
