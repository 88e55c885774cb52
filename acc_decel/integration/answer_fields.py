"""An answer in pieces that every tool can read: outputs, the status as masks of 32 bits and bytes, the correction."""

from collections.abc import Sequence
from dataclasses import dataclass

from acc_decel.correction import MAX_BIAS, MAX_SCALE, MIN_SCALE
from acc_decel.factors import Factor
from acc_decel.outputs import OUTPUT_LIMITS, OUTPUTS
from acc_decel.status import FLAGS

FLOAT, MASK, FLAG = "float", "uint32_t", "uint8_t"  # the types in C


@dataclass(frozen=True)
class AnswerField:
    """One value of an answer. `expression` is it in C, computed from the struct `prediction` or the number `status`."""

    name: str
    kind: str  # its type in C
    unit: str
    low: float
    high: float
    meaning: str
    expression: str


CORRECTION: tuple[AnswerField, ...] = tuple(  # what a user sets, in the order of acc_decel_correction_t
    AnswerField(name, FLOAT, unit, low, high, meaning, f"correction.{name}")
    for name, unit, low, high, meaning in (
        ("scale", "", MIN_SCALE, MAX_SCALE, "deceleration of this car = scale * deceleration of the model + bias"),
        ("bias", "m/s^2", -MAX_BIAS, MAX_BIAS, "added to every deceleration after the scale"),
        ("lower_offset", "m/s^2", -MAX_BIAS, MAX_BIAS, "subtracted from the lower bounds"),
    )
)


def output_fields() -> tuple[AnswerField, ...]:
    """The outputs of the model, as the prediction has them."""
    texts = {name: meaning.removesuffix("]").rsplit(" [", 1) for name, meaning in OUTPUTS.items()}
    return tuple(
        AnswerField(name, FLOAT, unit, *OUTPUT_LIMITS[name], meaning, f"prediction.{name}")
        for name, (meaning, unit) in texts.items()
    )


def status_fields(factors: Sequence[Factor]) -> tuple[AnswerField, ...]:
    """The status: a mask of the factors out of range, one of those not available, and its flags, 1 for yes."""
    masks = {"out_of_range": "is outside its range", "not_available": "is not available"}
    every = 2 ** len(factors) - 1
    return (
        *(
            AnswerField(
                name,
                MASK,
                "",
                0.0,
                float(every),
                f"bit i: factor i {meaning}",
                f"(uint32_t)(status >> ACC_DECEL_{name.upper()}_SHIFT) & 0x{every:X}U",
            )
            for name, meaning in masks.items()
        ),
        *(
            AnswerField(name.lower(), FLAG, "", 0.0, 1.0, meaning, f"((status & ACC_DECEL_{name}) != 0U) ? 1U : 0U")
            for name, (_, meaning) in FLAGS.items()
        ),
    )


def struct_lines(fields: Sequence[AnswerField]) -> str:
    """The members of a struct in C, each with its unit and meaning."""
    return "\n".join(
        f"    {field.kind} {field.name}; /* {f'[{field.unit}] ' if field.unit else ''}{field.meaning} */"
        for field in fields
    )


def column_meaning(factor: Factor, column: str) -> str:
    """What one column of a factor means: of a choice, the probability of its level."""
    if not factor.levels:
        return factor.meaning
    level = column.removeprefix(f"{factor.name}_").replace("_", " ")
    return f"{factor.named_meaning}: probability of {level}"
