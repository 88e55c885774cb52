"""The variables of an FMU: one description each, computed from the factors, the outputs, the status, the correction."""

import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields

from acc_decel.correction import MAX_BIAS, MAX_SCALE, MIN_SCALE, Correction
from acc_decel.factors import Factor
from acc_decel.outputs import LOWER, MEDIAN, OUTPUT_LIMITS, OUTPUTS
from acc_decel.status import FLAGS

REAL, BOOLEAN, INTEGER, STATUS, ENUMERATION = "Real", "Boolean", "Integer", "UInt64", "Enumeration"  # FMI 2.0 names
INPUT, OUTPUT, PARAMETER = "input", "output", "parameter"
AVAILABLE = "_available"
UNKNOWN = "unknown"  # level 0 of an enumeration

# Value references: a base for each kind, plus the place of the column, factor, output or flag.
TIME = 0
COLUMN_BASE, CHOICE_BASE, AVAILABLE_BASE = 100, 200, 300
CORRECTION_BASE, OUTPUT_BASE, DISTANCE_BASE = 400, 500, 600
FLAG_BASE, OUT_OF_RANGE, NOT_AVAILABLE, STATUS_WORD = 700, 800, 801, 900

DISTANCES: dict[str, tuple[int, str]] = {  # as the answers of `Predictor` name them: the deceleration they go with
    "stopping_distance": (MEDIAN, "from the demand of the brakes to standstill, half of all stops need more"),
    "stopping_distance_upper": (LOWER, "from the demand of the brakes to standstill, exceeded only 5 times in 100"),
}
CORRECTION_LIMITS: dict[str, tuple[float, float, str]] = {  # by field of Correction: low, high, unit
    f.name: (MIN_SCALE, MAX_SCALE, "") if f.name == "scale" else (-MAX_BIAS, MAX_BIAS, "m/s^2")
    for f in fields(Correction)
}
_UNIT = re.compile(r"^(.*) \[([^]]*)\]$")


@dataclass(frozen=True)
class Variable:
    """One variable. Only a Real has limits and a unit (as `Factor.unit` writes it), only an enumeration `levels`.

    `start` is the text of the start value, empty for an output.
    """

    kind: str
    reference: int
    name: str
    causality: str
    meaning: str
    start: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    levels: tuple[str, ...] = ()

    @property
    def variability(self) -> str:
        """The variability, as FMI names it."""
        if self.causality == PARAMETER:
            return "tunable"
        return "continuous" if self.kind == REAL else "discrete"

    @property
    def type_name(self) -> str:
        """The name of the type of an enumeration."""
        return f"{self.name}_t"


def variables(factors: tuple[Factor, ...], correction: Correction | None = None) -> tuple[Variable, ...]:
    """All variables but status word and time, which only FMI 3.0 has; the parameters start with `correction`."""
    return (*_inputs(factors), *_parameters(correction or Correction()), *_outputs(factors))


STATUS_VARIABLE = Variable(
    STATUS, STATUS_WORD, "status", OUTPUT, "the whole status of acc_decel_predict(), as acc_decel.h describes it"
)


def start_value(factor: Factor) -> float:
    """What a column of the factor starts with: its standard, the mean of its prior, or the middle of its range.

    Rounded to the step of the factor. The probabilities of a choice start with 0, which is unknown.
    """
    if factor.levels:
        return 0.0
    middle = factor.prior.mean if factor.prior.uniform < 1 else (factor.low + factor.high) / 2
    value = middle if factor.standard is None else factor.standard
    rounded = float(f"{round(value / factor.step) * factor.step:.9g}")
    return min(max(rounded, factor.low), factor.high)


def starts_available(factor: Factor) -> bool:
    """Whether the factor counts as available until it is set otherwise.

    A choice does: its enumeration starts as unknown, and whoever sets it should not have to set a second variable.
    """
    return not factor.optional or bool(factor.levels)


def _inputs(factors: tuple[Factor, ...]) -> Iterable[Variable]:
    column = COLUMN_BASE
    for place, factor in enumerate(factors):
        if factor.levels:
            yield _choice(place, factor)
            yield from _probabilities(column, factor)
        elif factor.is_switch:
            on = "true" if start_value(factor) == factor.high else "false"
            yield Variable(BOOLEAN, column, factor.name, INPUT, factor.meaning, on)
        else:
            yield _number(column, factor)
        if factor.optional:
            yield _availability(place, factor)
        column += len(factor.columns)


def _choice(place: int, factor: Factor) -> Variable:
    meaning = f"{factor.named_meaning}; while {UNKNOWN}, its probabilities count"
    return Variable(
        ENUMERATION, CHOICE_BASE + place, factor.name, INPUT, meaning, "0", levels=(UNKNOWN, *factor.levels)
    )


def _probabilities(column: int, factor: Factor) -> Iterable[Variable]:
    for i, (name, level) in enumerate(zip(factor.columns, factor.levels, strict=True)):
        meaning = f"probability of {level.replace('_', ' ')}, used while {factor.name} is {UNKNOWN}; all 0: not known"
        yield Variable(REAL, column + i, name, INPUT, meaning, "0", factor.unit, factor.low, factor.high)


def _number(column: int, factor: Factor) -> Variable:
    start = f"{start_value(factor):.9g}"
    return Variable(REAL, column, factor.name, INPUT, factor.meaning, start, factor.unit, factor.low, factor.high)


def _availability(place: int, factor: Factor) -> Variable:
    meaning = f"whether {factor.name} is known now; the answer is about all values that it may have while it is not"
    start = "true" if starts_available(factor) else "false"
    return Variable(BOOLEAN, AVAILABLE_BASE + place, f"{factor.name}{AVAILABLE}", INPUT, meaning, start)


def _parameters(correction: Correction) -> Iterable[Variable]:
    for i, (field, value) in enumerate(zip(fields(correction), astuple(correction), strict=True)):
        low, high, unit = CORRECTION_LIMITS[field.name]
        meaning = f"{field.name.replace('_', ' ')} of the correction to one car, from `acc-decel drives correct`"
        name = f"correction_{field.name}"
        yield Variable(REAL, CORRECTION_BASE + i, name, PARAMETER, meaning, f"{value:.9g}", unit, low, high)


def _outputs(factors: tuple[Factor, ...]) -> Iterable[Variable]:
    for i, (name, text) in enumerate(OUTPUTS.items()):
        match = _UNIT.match(text)
        meaning, unit = match.groups() if match else (text, "")
        low, high = OUTPUT_LIMITS[name]
        yield Variable(REAL, OUTPUT_BASE + i, name, OUTPUT, meaning, "", unit, low, high)
    for i, (name, (_, meaning)) in enumerate(DISTANCES.items()):
        text = f"{meaning}; infinite if the car does not stop"
        yield Variable(REAL, DISTANCE_BASE + i, name, OUTPUT, text, "", "m", 0.0)
    for i, (name, (_, meaning)) in enumerate(FLAGS.items()):
        hold = "; the other outputs are those of the last answer" if name == "REFUSED" else ""
        yield Variable(BOOLEAN, FLAG_BASE + i, name.lower(), OUTPUT, f"{meaning}{hold}")
    bits = ", ".join(f"{i} {factor.name}" for i, factor in enumerate(factors))
    for reference, name in ((OUT_OF_RANGE, "out_of_range"), (NOT_AVAILABLE, "not_available")):
        yield Variable(
            INTEGER, reference, name, OUTPUT, f"one bit for each factor that is {name.replace('_', ' ')}: {bits}"
        )
