"""The generated C headers of the interface and its guards: what depends on the factors, as text."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy import ndarray

from acc_decel.correction import MAX_BIAS, MAX_SCALE, MIN_SCALE
from acc_decel.export.c_tables import Table, c_float, checksum, checksum_ranges, defines, header
from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import EXCLUSIONS, Factor, column_names, owners, ranges, schema
from acc_decel.network import DenseNet, contradicting
from acc_decel.outputs import COMFORT_DECELERATION, ORDERED, OUTPUT_LIMITS, OUTPUTS, QUANTILES
from acc_decel.status import FLAGS, NOT_AVAILABLE_SHIFT, OUT_OF_RANGE_SHIFT


def factors_header(net: DenseNet, *, stamp: str) -> str:
    """acc_decel_factors.h: factors and prediction as structs, counts, indexes, status; `stamp` is its first comment."""
    names = [f.name for f in net.factors]
    least, greatest = OUTPUT_LIMITS["deceleration"]
    indexes = "\n".join(f"#define ACC_DECEL_FACTOR_{name.upper()} {i}U" for i, name in enumerate(names))
    flags = "\n".join(
        f"#define ACC_DECEL_{name} (UINT64_C(1) << {bit.bit_length() - 1}U) /* {meaning} */"
        for name, (bit, meaning) in FLAGS.items()
    )
    parts = (
        f"""#define ACC_DECEL_SCHEMA "{schema(net.factors)}" /* changes with the factors; compare the sender's */
#define ACC_DECEL_FACTOR_COUNT {len(names)}U
#define ACC_DECEL_COLUMN_COUNT {len(column_names(net.factors))}U
#define ACC_DECEL_OUTPUT_COUNT {len(OUTPUTS)}U
#define ACC_DECEL_MULTIPLY_ADDS {multiply_adds(net)}U /* of one prediction, to estimate its run time */""",
        _structs(net.factors),
        f"/* Indexes of the factors, for acc_decel_out_of_range() and acc_decel_not_available(). */\n{indexes}",
        f"""/* Bits of the status: bit shift + index is about one factor, the flags are about the answer. */
#define ACC_DECEL_OUT_OF_RANGE_SHIFT {OUT_OF_RANGE_SHIFT}U
#define ACC_DECEL_NOT_AVAILABLE_SHIFT {NOT_AVAILABLE_SHIFT}U
{flags}""",
        f"""/* [m/s^2] the maximum that an ACC may request at higher speed, ISO 15622 */
#define ACC_DECEL_COMFORT_DECELERATION {c_float(COMFORT_DECELERATION)}""",
        f"""/* [m/s^2] what a road car can do: no answer is beyond, and no corrected one */
#define ACC_DECEL_LEAST_DECELERATION {c_float(least)}
#define ACC_DECEL_GREATEST_DECELERATION {c_float(greatest)}""",
        f"""/* Limits of a correction, see acc_decel_correction.h. */
#define ACC_DECEL_LEAST_SCALE {c_float(MIN_SCALE)}
#define ACC_DECEL_GREATEST_SCALE {c_float(MAX_SCALE)}
#define ACC_DECEL_GREATEST_BIAS {c_float(MAX_BIAS)}""",
    )
    return header("ACC_DECEL_FACTORS_H", ["<stdint.h>"], parts, stamp=stamp)


def multiply_adds(net: DenseNet) -> int:
    """Multiply-adds of the layers in one prediction."""
    return sum(layer.weights.size for layer in net.embedding + net.trunk + net.domain)


def _structs(factors: tuple[Factor, ...]) -> str:
    fields = "\n".join(f"    float {c}; /* {_meaning(f, c)} */" for f in factors for c in f.columns)
    ascending = " <= ".join(QUANTILES)
    outputs = "\n".join(f"    float {name}; /* {meaning} */" for name, meaning in OUTPUTS.items())
    return f"""/* The braking factors. A value that is not available is ACC_DECEL_NOT_AVAILABLE. */
typedef struct {{
{fields}
}} acc_decel_factors_t;

/* The answer; always {ascending}; decelerations are positive when slowing. */
typedef struct {{
{outputs}
}} acc_decel_prediction_t;"""


def _meaning(factor: Factor, column: str) -> str:
    """Unit, range and meaning of a column, as a comment in C."""
    level = column.removeprefix(factor.name).lstrip("_").replace("_", " ")
    what = f"{factor.meaning}: {level}" if factor.levels else factor.meaning
    required = "" if factor.optional else "; must be available"
    return f"[{factor.unit or '-'}] {factor.low:g} to {factor.high:g}, {what}{required}"


def guards_header(factors: tuple[Factor, ...], *, stamp: str) -> str:
    """acc_decel_tables.h: the limits of the factors, only for acc_decel.c; `stamp` is its first comment."""
    tables = guard_tables(factors)
    parts = (
        _TYPES,
        defines(
            {
                "CHOICE_COUNT": f"{sum(bool(f.levels) for f in factors)}U",
                "EXCLUSION_COUNT": f"{len(EXCLUSIONS)}U",
                "CONTRADICTING_COUNT": f"{len(contradicting(factors))}U",
                "REQUIRED": f"{sum((not f.optional) << i for i, f in enumerate(factors))}U /* bits of factors */",
                **_limits("CHOICE_SUM", *CHOICE_SUM),
            }
        ),
        *(table.text for table in tables),
        checksum_ranges(tables, name="guard_ranges", count="ACC_DECEL_GUARD_RANGE_COUNT"),
        _assignments(factors),
    )
    includes = ['"acc_decel_network.h"', "<stdint.h>"]
    return header("ACC_DECEL_TABLES_H", includes, parts, stamp=stamp)


_TYPES = """/* The accepted keys: low to low + span; see key_of() in acc_decel.c. */
typedef struct {
    uint32_t low;
    uint32_t span;
} acc_decel_limits_t;

/* A factor with several columns: probabilities, whose sum is 1. */
typedef struct {
    uint32_t first; /* its first column */
    uint32_t end;   /* the column after its last one */
} acc_decel_choice_t;

/* A factor that may contradict others: one bit for each of its columns. */
typedef struct {
    uint32_t columns;
} acc_decel_contradicting_t;

/* If the value of the column present is from present_low to present_low + present_span, values of the column from low
 * to low + span are excluded. */
typedef struct {
    uint32_t present;
    uint32_t present_low;
    uint32_t present_span;
    uint32_t column;
    uint32_t low;
    uint32_t span;
} acc_decel_exclusion_t;"""


def guard_tables(factors: tuple[Factor, ...]) -> list[Table]:
    """The tables of acc_decel.c."""
    names = column_names(factors)
    at = names.index
    limits = [limits_of(low, high) for low, high in ranges(factors)]
    choices = [f for f in factors if f.levels]
    doubted = [factors[i] for i in contradicting(factors)]
    excluded = [
        (at(e.column), *_above(e.threshold), at(e.factor), *(_below(e.limit) if e.below else _above(e.limit)))
        for e in EXCLUSIONS
    ]
    return [
        Table("column_limits", _words(limits), "columns", "acc_decel_limits_t", names),
        Table("choices", _ends(choices, names), "", "acc_decel_choice_t", tuple(f.name for f in choices)),
        Table(
            "contradicting",
            _masks(factors),
            "factors",
            "acc_decel_contradicting_t",
            tuple(f.name for f in doubted),
        ),
        Table("exclusions", _words(excluded), "", "acc_decel_exclusion_t", tuple(e.meaning for e in EXCLUSIONS)),
    ]


def _masks(factors: tuple[Factor, ...]) -> ndarray:
    """For each of the `contradicting` factors one bit for each of its columns."""
    owner = owners(factors)
    return _words([(sum(1 << i for i, place in enumerate(owner) if place == own),) for own in contradicting(factors)])


def guard_checksum(factors: tuple[Factor, ...]) -> int:
    """CRC-32 of the tables of acc_decel.c."""
    return checksum(guard_tables(factors))


def key(value: np.float32) -> int:
    """The integer that acc_decel.c compares in place of a float: the same order, with NaN outside all numbers."""
    bits = int(np.float32(value).view(np.uint32))
    return bits ^ 0xFFFFFFFF if bits >> 31 else bits | 0x80000000


def limits_of(low: float | np.floating, high: float | np.floating) -> tuple[int, int]:
    """Key of the minimum accepted float, and the distance to the key of the maximum; a minimum of 0 includes -0.0."""
    first = key(np.float32(low) if low else np.float32(-0.0))
    return first, key(np.float32(high)) - first


def _limits(name: str, low: float | np.floating, high: float | np.floating) -> dict[str, str]:
    first, span = limits_of(low, high)
    return {f"{name}_LOW": f"{first}U /* {np.float32(low):.9g} */", f"{name}_SPAN": f"{span}U"}


def _above(value: float) -> tuple[int, int]:
    """The limits of all floats above `value`."""
    return limits_of(np.nextafter(np.float32(value), np.float32(np.inf)), np.inf)


def _below(value: float) -> tuple[int, int]:
    """The limits of all floats below `value`."""
    return limits_of(-np.inf, np.nextafter(np.float32(value), np.float32(-np.inf)))


def _ends(factors: Sequence[Factor], names: tuple[str, ...]) -> ndarray:
    """The first column of each factor, and the one after its last."""
    return _words([(names.index(f.columns[0]), names.index(f.columns[-1]) + 1) for f in factors])


def _words(rows: Sequence[object]) -> ndarray:
    return np.array(rows, np.uint32)


def _assignments(factors: tuple[Factor, ...]) -> str:
    names = column_names(factors)
    read = "\n".join(f"    columns[{i}] = factors->{name};" for i, name in enumerate(names))
    written = "\n".join(f"    factors->{name} = value;" for name in names)
    order = [(i, j) for end in range(len(ORDERED), 1, -1) for i, j in pairwise(ORDERED[:end])]
    ordered = "\n".join(f"    acc_decel_put_in_order(&outputs[{i}], &outputs[{j}]);" for i, j in order)
    lowered = "\n".join(f"    acc_decel_lower(&outputs[{i}], others[{i}]);" for i in ORDERED)
    answered = "\n".join(f"    prediction->{name} = outputs[{i}];" for i, name in enumerate(OUTPUTS))
    return f"""/* The factors in the order of the network. */
static void columns_of(const acc_decel_factors_t *factors, float columns[ACC_DECEL_COLUMN_COUNT])
{{
{read}
}}

/* Sets every factor to one value. */
static void fill(acc_decel_factors_t *factors, float value)
{{
{written}
}}

/* Sorts the quantiles, by pairs of neighbours, so that they never cross. */
static void put_in_order(float outputs[ACC_DECEL_OUTPUT_COUNT])
{{
{ordered}
}}

/* Lowers each quantile to that of another answer. */
static void lower_quantiles(float outputs[ACC_DECEL_OUTPUT_COUNT], const float others[ACC_DECEL_OUTPUT_COUNT])
{{
{lowered}
}}

static void write_outputs(const float outputs[ACC_DECEL_OUTPUT_COUNT], acc_decel_prediction_t *prediction)
{{
{answered}
}}"""
