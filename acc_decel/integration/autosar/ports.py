"""The ports of the AUTOSAR component, from factors and outputs: what each carries, its range, its texts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from acc_decel.export.c_tables import c_float
from acc_decel.factors import Factor
from acc_decel.integration.answer_fields import (
    CORRECTION,
    FLAG,
    FLOAT,
    MASK,
    AnswerField,
    column_meaning,
    output_fields,
    status_fields,
)

ANSWER, PARAMETERS = "Prediction", "Correction"  # the ports that are no factor
OFF_ON, NO_YES = ("off", "on"), ("no", "yes")
PROBABILITY = "Probability"
MAX_PREFIX = 32  # characters; a name in AUTOSAR has at most 128
_PREFIX = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*_?", re.ASCII)


@dataclass(frozen=True)
class Element:
    """One value of a port: a number in its unit, or a code with a text for each value.

    `kind` is its type in C, and of a factor `columns` are the fields of acc_decel_factors_t that it is for.
    """

    name: str
    data_type: str  # its name; elements of one type share it
    kind: str
    unit: str
    low: float
    high: float
    meaning: str
    texts: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    expression: str = ""  # in C, of what is sent


@dataclass(frozen=True)
class Port:
    """A port, and what it carries."""

    name: str
    meaning: str
    elements: tuple[Element, ...]


@dataclass(frozen=True)
class Ports:
    """All ports of the component: one for each factor, the answer, the parameters."""

    factors: tuple[tuple[Factor, Port], ...]
    answer: Port
    parameters: Port


def ports_of(factors: Sequence[Factor], *, prefix: str = "") -> Ports:
    """The ports for these factors; the name of each begins with `prefix`. Raises ValueError for an invalid one."""
    if prefix and (not _PREFIX.fullmatch(prefix) or len(prefix) > MAX_PREFIX):
        raise ValueError(
            f"--port-prefix must be letters, digits and single _, a letter first, at most {MAX_PREFIX} characters. "
            f"Got {prefix!r}: choose another, like Dec_."
        )
    answer = tuple(_element(field) for field in (*output_fields(), *status_fields(factors)))
    parameters = tuple(_element(field, of=PARAMETERS) for field in CORRECTION)
    return Ports(
        tuple((f, Port(f"{prefix}{camel(f.name)}", f.named_meaning, _elements(f))) for f in factors),
        Port(f"{prefix}{ANSWER}", "the answer and its status", answer),
        Port(f"{prefix}{PARAMETERS}", "the correction of this car", parameters),
    )


def camel(name: str) -> str:
    """A name as AUTOSAR writes it: road_friction becomes RoadFriction."""
    return "".join(part[:1].upper() + part[1:] for part in name.lower().split("_"))


def one_of(factor: Factor) -> bool:
    """Whether a choice is known for certain: its probabilities are 0 or 1, so a code says it."""
    return bool(factor.levels) and factor.step == factor.high - factor.low


def from_code(factor: Factor) -> list[tuple[str, str]]:
    """The columns of a factor that comes as a code, each with its value in C, computed from `code`."""
    if factor.levels:
        return [(column, f"(code == {i}U) ? 1.0F : 0.0F") for i, column in enumerate(factor.columns)]
    return [(factor.name, f"{c_float(factor.low)} + ({c_float(factor.step)} * (float)code)")]


def _elements(factor: Factor) -> tuple[Element, ...]:
    name = camel(factor.name)
    if factor.is_switch or one_of(factor):
        texts = factor.levels or OFF_ON
        last = float(len(texts) - 1)
        code = Element("Value", name, FLAG, "", 0.0, last, factor.named_meaning, texts, factor.columns)
        return (code,)
    return tuple(
        Element(
            camel(column.removeprefix(f"{factor.name}_")) if factor.levels else "Value",
            PROBABILITY if factor.levels else name,
            FLOAT,
            factor.unit,
            factor.low,
            factor.high,
            column_meaning(factor, column),
            columns=(column,),
        )
        for column in factor.columns
    )


def _element(field: AnswerField, *, of: str = ANSWER) -> Element:
    """What is sent: flags share a type, and so do masks."""
    types = {FLOAT: f"{of}{camel(field.name)}", FLAG: "NoYes", MASK: "FactorBits"}
    texts = NO_YES if field.kind == FLAG else ()
    return Element(
        camel(field.name),
        types[field.kind],
        field.kind,
        field.unit,
        field.low,
        field.high,
        field.meaning,
        texts,
        expression=field.expression,
    )
