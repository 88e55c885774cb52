"""The generated headers of acc_decel_acc.c: limits and settings, what a lead shares with the own car, golden states."""

from jaxtyping import Float32
from numpy import ndarray

from acc_decel.export.acc_golden import golden_states
from acc_decel.export.acc_reference import (
    ACC_VALUES,
    ANSWERS,
    COLUMNS,
    PARAMETERS,
    UNCHANGED,
    USED,
    AccValue,
    acc_answers,
)
from acc_decel.export.c_golden import Bits, bits
from acc_decel.export.c_tables import c_float, defines, header
from acc_decel.factors import Factor, column_names
from acc_decel.following import BRAKING, DRIVER_TIME, MIN_TIME_GAP, REACTION_TIME, REST_GAP, STANDSTILL_SPEED, TOP_SPEED

SOURCES = (
    "acc_decel_acc.c",
    "acc_decel_acc.h",
    "acc_decel_acc_formulas.c",
    "acc_decel_acc_formulas.h",
    "acc_decel_acc_self_test.c",
    "acc_decel_acc_values.c",
    "acc_decel_acc_values.h",
)
LIMITS_FILE, TABLES_FILE, GOLDEN_FILE = "acc_decel_acc_limits.h", "acc_decel_acc_tables.h", "acc_decel_acc_golden.h"
TOLERANCE = 1e-3  # [m], [s], [m/s^2]: enough for a compiler that fuses multiply and add; others give equal bits


WAIT, RESERVED = PARAMETERS
_LIMITED = (*ACC_VALUES, RESERVED)  # the rows of the table of limits
_PLACES = {  # in it; a wait has the limits of the delay
    "deceleration": [value.name for value in ACC_VALUES].index("deceleration"),
    "wait": next(i for i, value in enumerate(ACC_VALUES) if value.quantity is WAIT.quantity),
    "reserve": len(ACC_VALUES),
}


def acc_headers(factors: tuple[Factor, ...], *, stamp: str) -> dict[str, str]:
    """The generated headers of the unit, file name -> text; `stamp` is their first comment."""
    return {
        LIMITS_FILE: _limits_header(factors, stamp=stamp),
        TABLES_FILE: _tables_header(factors, stamp=stamp),
        GOLDEN_FILE: _golden_header(golden_states(), stamp=stamp),
    }


def _limits_header(factors: tuple[Factor, ...], *, stamp: str) -> str:
    lowest = next(f.low for f in factors if f.name == "speed")
    ranges = "\n".join(f" * {_range(value)}" for value in (*ACC_VALUES, *PARAMETERS))
    places = {f"ACC_AT_{name.upper()}": f"{place}U" for name, place in _PLACES.items()}
    numbers = {
        "ACC_INFINITE": "(1.0F / 0.0F) /* of a gap: nothing is ahead; of a lead: it may stop at once */",
        "ACC_GREATEST_SPEED": f"{c_float(TOP_SPEED)} /* [m/s] */",
        "ACC_LEAST_MODEL_SPEED": f"{c_float(lowest)} /* [m/s] of a prediction */",
        "ACC_STANDSTILL_SPEED": f"{c_float(STANDSTILL_SPEED)} /* [m/s] a car that is not faster stands */",
        "ACC_LEAST_TIME_GAP": f"{c_float(MIN_TIME_GAP)} /* [s] no ACC may keep less, ISO 15622 */",
        "ACC_BRAKING": f"{c_float(BRAKING)} /* [m/s^2] a car that slows by no more does not brake */",
        "ACC_REACTION_TIME": f"{c_float(REACTION_TIME)} /* [s] usual: radar, filter, decision and a tick */",
        "ACC_REST_GAP": f"{c_float(REST_GAP)} /* [m] usual: as drivers leave in a queue */",
        "ACC_DRIVER_TIME": f"{c_float(DRIVER_TIME)} /* [s] usual: until a warned driver brakes */",
    }
    return header(
        "ACC_DECEL_ACC_LIMITS_H",
        [],
        [
            f"/* Ranges, with their ends:\n{ranges}\n */",
            defines(numbers),
            f"/* Places of their limits in the table. */\n{defines(places)}",
        ],
        stamp=stamp,
    )


def _range(value: AccValue) -> str:
    f = value.quantity
    also = ", or infinity" if value.unlimited else ", or not available" if value.optional else ""
    return f"{value.name}: {f.low:g} to {f.high:g} {f.unit}{also}"


def _tables_header(factors: tuple[Factor, ...], *, stamp: str) -> str:
    rows = ",\n".join(f"    {_limits(value)} /* {value.name} */" for value in _LIMITED)
    parts = (
        f"#define ACC_DECEL_ACC_VALUE_COUNT {len(ACC_VALUES)}U",
        _TYPES,
        f"/* {len(_LIMITED)}: values, in the order of acc_decel_acc_t, and reserve */\n"
        f"static const acc_decel_acc_limits_t acc_limits[{len(_LIMITED)}] = {{\n{rows}\n}};",
        _assignments(factors),
    )
    return header("ACC_DECEL_ACC_TABLES_H", ['"acc_decel_acc.h"'], parts, stamp=stamp)


_TYPES = """/* What is accepted. */
typedef struct {
    float low;
    float high;
} acc_decel_acc_limits_t;

/* The values in their order. */
typedef union {
    acc_decel_acc_t acc;
    float values[ACC_DECEL_ACC_VALUE_COUNT];
} acc_decel_acc_values_t;"""


def _limits(value: AccValue) -> str:
    """The limits as the initialiser of a struct."""
    low, high = value.limits
    return f"{{{c_float(low)}, {c_float(high)}}}"


def _assignments(factors: tuple[Factor, ...]) -> str:
    filled = "\n".join(f"    factors->{column} = value;" for column in column_names(factors))
    road = "\n".join(f"    lead->{column} = own->{column};" for f in factors if f.of_the_road for column in f.columns)
    equipment = "\n".join(
        f"    lead->{column} = {c_float(f.standard)};"
        for f in factors
        if not f.of_the_road and f.standard is not None
        for column in f.columns
    )
    return f"""/* Sets every factor to one value. */
static void fill(acc_decel_factors_t *factors, float value)
{{
{filled}
}}

/* What is the same for every car at that place. */
static void copy_road(const acc_decel_factors_t *own, acc_decel_factors_t *lead)
{{
{road}
}}

/* Full braking, with what every car has. */
static void set_equipment(acc_decel_factors_t *lead)
{{
{equipment}
}}"""


def _golden_header(states: Float32[ndarray, "states columns"], *, stamp: str) -> str:
    answers, status = acc_answers(states)
    tables = (
        Bits("acc_golden_states", bits(states), "states x values", "acc_decel_acc_golden_state_t"),
        Bits("acc_golden_answers", bits(answers), "states x answers", "acc_decel_acc_golden_answer_t"),
        Bits("acc_golden_status", status, "states x answers with a status", "acc_decel_acc_golden_status_t"),
    )
    numbers = {
        "ACC_GOLDEN_COUNT": f"{len(states)}U",
        "ACC_GOLDEN_ANSWERS": f"{len(ANSWERS)}U /* {', '.join(ANSWERS)} */",
        "ACC_GOLDEN_STATUS": f"{len(USED)}U /* {', '.join(USED)} */",
        "ACC_GOLDEN_UNCHANGED": f"{c_float(UNCHANGED)} /* before the call, and after a refusal */",
        "ACC_GOLDEN_TOLERANCE": f"{c_float(TOLERANCE)} /* [m], [s], [m/s^2] for the expected answers */",
    }
    parts = (defines(numbers), _GOLDEN_TYPES, *(table.text for table in tables))
    return header("ACC_DECEL_ACC_GOLDEN_H", ['"acc_decel_acc.h"', "<stdint.h>"], parts, stamp=stamp)


_GOLDEN_TYPES = f"""/* A state, as the bits of its floats: {", ".join(COLUMNS)}. */
typedef union {{
    uint32_t words[{len(COLUMNS)}];
    struct {{
        acc_decel_acc_t acc;
        float wait;
        float reserve;
    }} state;
}} acc_decel_acc_golden_state_t;

/* Its answers, and the bits of their floats. */
typedef union {{
    uint32_t words[ACC_DECEL_ACC_GOLDEN_ANSWERS];
    float values[ACC_DECEL_ACC_GOLDEN_ANSWERS];
}} acc_decel_acc_golden_answer_t;

/* The status of those that have one. */
typedef struct {{
    uint32_t words[ACC_DECEL_ACC_GOLDEN_STATUS];
}} acc_decel_acc_golden_status_t;"""
