"""The generated C headers: what depends on factors and weights, as text. The arithmetic is in firmware/acc_decel.c."""

from collections.abc import Iterable, Sequence
from textwrap import wrap

import numpy as np
from numpy import ndarray

from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import CERTAIN, COMFORT_DECELERATION, EXCLUSIONS, Factor, bends, column_names, schema
from acc_decel.network import DenseNet, Layer, wiring
from acc_decel.status import FLAGS, NOT_AVAILABLE_SHIFT, OUT_OF_RANGE_SHIFT


def c_float(value: float | np.floating) -> str:
    """A float32 as a C constant that reads back to the same bits; infinity becomes FLT_MAX, NaN not available."""
    single = np.float32(value)
    if np.isnan(single):
        return "ACC_DECEL_NOT_AVAILABLE"
    if np.isinf(single):
        return "FLT_MAX" if single > 0 else "-FLT_MAX"
    text = f"{float(single):.9g}"
    return (text if "." in text or "e" in text else f"{text}.0") + "F"


def c_list(values: Iterable[str]) -> str:
    """Values as the indented lines of a C initialiser."""
    lines = wrap(", ".join(values), 110, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"    {line}" for line in lines)


def factors_header(factors: tuple[Factor, ...], *, stamp: str) -> str:
    """acc_decel_factors.h: the factor struct, counts, indexes and status bits; `stamp` is its first comment."""
    fields = "\n".join(f"    float {c}; /* {_told(f, c)} */" for f in factors for c in f.columns)
    indexes = "\n".join(f"#define ACC_DECEL_FACTOR_{f.name.upper()} {i}U" for i, f in enumerate(factors))
    flags = "\n".join(
        f"#define ACC_DECEL_{name} (UINT64_C(1) << {bit.bit_length() - 1}U) /* {meaning} */"
        for name, (bit, meaning) in FLAGS.items()
    )
    return f"""/* {stamp} */
#ifndef ACC_DECEL_FACTORS_H
#define ACC_DECEL_FACTORS_H

#include <stdint.h>

#define ACC_DECEL_SCHEMA "{schema(factors)}" /* changes with the factors; compare it with the sender's */
#define ACC_DECEL_FACTOR_COUNT {len(factors)}U
#define ACC_DECEL_COLUMN_COUNT {len(column_names(factors))}U

/* The braking factors. A value that is not available is ACC_DECEL_NOT_AVAILABLE. */
typedef struct {{
{fields}
}} acc_decel_factors_t;

/* Indexes of the factors, for acc_decel_out_of_range() and acc_decel_not_available(). */
{indexes}

/* Bits of the status: bit shift + index tells about one factor, the flags about the answer. */
#define ACC_DECEL_OUT_OF_RANGE_SHIFT {OUT_OF_RANGE_SHIFT}U
#define ACC_DECEL_NOT_AVAILABLE_SHIFT {NOT_AVAILABLE_SHIFT}U
{flags}

/* [m/s^2] what an ACC may ask for at higher speed, ISO 15622 */
#define ACC_DECEL_COMFORT_DECELERATION {c_float(COMFORT_DECELERATION)}

#endif
"""


def _told(factor: Factor, column: str) -> str:
    level = column.removeprefix(factor.name).lstrip("_").replace("_", " ")
    what = f"{factor.meaning}: {level}" if factor.levels else factor.meaning
    need = "" if factor.may_lack else "; must be available"
    return f"[{factor.unit or '-'}] {factor.low:g} to {factor.high:g}, {what}{need}"


def tables_header(net: DenseNet, *, stamp: str) -> str:
    """acc_decel_tables.h: rules, wiring and weights, for acc_decel.c alone; `stamp` is its first comment."""
    parts = (_TYPES, _sizes(net), _rules(net.factors), _wiring(net), *_layers(net), _assignments(net.factors))
    body = "\n\n".join(parts)
    return f"""/* {stamp} */
#ifndef ACC_DECEL_TABLES_H
#define ACC_DECEL_TABLES_H

#include "acc_decel_factors.h"

#include <float.h>
#include <stdbool.h>
#include <stdint.h>

{body}

#endif
"""


_TYPES = """/* One factor: where its columns are and what is accepted. */
typedef struct {
    float low;
    float high;
    uint32_t first;   /* index of its first column */
    uint32_t columns; /* number of its columns */
    bool is_choice;   /* columns are probabilities and add up to 1 */
    bool may_lack;
} factor_rule_t;

/* A level that is certain excludes values of a column above the limit. */
typedef struct {
    uint32_t level;
    uint32_t column;
    float limit;
} exclusion_t;

/* y = clamp(weights * x + bias, low, high) */
typedef struct {
    uint32_t inputs;
    uint32_t outputs;
    const float *weights; /* outputs x inputs, row by row */
    const float *bias;    /* outputs */
    const float *low;     /* outputs; -FLT_MAX where there is no limit: no sum gets there */
    const float *high;    /* outputs; FLT_MAX where there is no limit */
} layer_t;"""


def _sizes(net: DenseNet) -> str:
    wires = wiring(net.factors)
    embedded = len(net.embedding[-1].bias)
    widths = [wires.embedding_inputs, len(wires.forced) + embedded]
    widths += [len(layer.bias) for layer in net.embedding + net.trunk]
    sizes = {
        "WIDEST": f"{max(widths)}U",
        "EMBEDDING_LAYERS": f"{len(net.embedding)}U",
        "TRUNK_LAYERS": f"{len(net.trunk)}U",
        "EMBEDDED_COUNT": f"{embedded}U",
        "FREE_COUNT": f"{len(wires.free)}U",
        "GATED_COUNT": f"{len(wires.gated)}U",
        "MASKED_COUNT": f"{len(wires.masked)}U",
        "FORCED_COUNT": f"{len(wires.forced)}U",
        "EXCLUSION_COUNT": f"{len(EXCLUSIONS)}U",
        "CHOICE_SUM_LOW": c_float(CHOICE_SUM[0]),
        "CHOICE_SUM_HIGH": c_float(CHOICE_SUM[1]),
        "CERTAIN": c_float(CERTAIN),
    }
    return "\n".join(f"#define ACC_DECEL_{name} {value}" for name, value in sizes.items())


def _rules(factors: tuple[Factor, ...]) -> str:
    at = column_names(factors).index
    rules = ",\n".join(
        f"    {{{c_float(f.low)}, {c_float(f.high)}, {at(f.columns[0])}U, {len(f.columns)}U, "
        f"{_bool(bool(f.levels))}, {_bool(f.may_lack)}}} /* {f.name} */"
        for f in factors
    )
    excluded = ",\n".join(
        f"    {{{at(e.column)}U, {at(e.factor)}U, {c_float(e.limit)}}} /* {e.meaning} */" for e in EXCLUSIONS
    )
    return f"""/* factors */
static const factor_rule_t factor_rules[ACC_DECEL_FACTOR_COUNT] = {{
{rules}
}};

/* exclusions */
static const exclusion_t exclusions[ACC_DECEL_EXCLUSION_COUNT] = {{
{excluded}
}};"""


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _wiring(net: DenseNet) -> str:
    wires = wiring(net.factors)
    indexes = {
        ("free_columns", "FREE_COUNT"): wires.free,
        ("gated_columns", "GATED_COUNT"): wires.gated,
        ("gate_columns", "GATED_COUNT"): wires.gates,
        ("masked_columns", "MASKED_COUNT"): wires.masked,
        ("forced_columns", "FORCED_COUNT"): wires.forced,
    }
    tables = [
        f"/* {len(of)} indices of columns */\n"
        f"static const uint32_t {name}[ACC_DECEL_{count}] = {{\n{c_list(f'{i}U' for i in of)}\n}};"
        for (name, count), of in indexes.items()
    ]
    tables.append(_floats("bend", np.array(bends(net.factors), np.float32), "columns"))
    tables += [_floats(name, getattr(net, name), "columns") for name in ("center", "inverse_spread")]
    return "\n\n".join(tables)


def _floats(name: str, array: ndarray, shape: str) -> str:
    values = c_list(c_float(x) for x in array.ravel())
    said = f"{' x '.join(map(str, array.shape))}: {shape}"
    return f"/* {said} */\nstatic const float {name}[{array.size}] = {{\n{values}\n}};"


def _layers(net: DenseNet) -> list[str]:
    parts = {"embedding": net.embedding, "trunk": net.trunk}
    return [text for part, layers in parts.items() for text in _part(part, layers)]


def _part(part: str, layers: Sequence[Layer]) -> list[str]:
    texts = []
    for i, layer in enumerate(layers):
        texts.append(_floats(f"{part}_{i}_weights", layer.weights, "outputs x inputs, row by row"))
        texts += [_floats(f"{part}_{i}_{name}", getattr(layer, name), "outputs") for name in ("bias", "low", "high")]
    rows = ",\n".join(
        f"    {{{layer.weights.shape[1]}U, {layer.weights.shape[0]}U, "
        + ", ".join(f"{part}_{i}_{name}" for name in ("weights", "bias", "low", "high"))
        + "}"
        for i, layer in enumerate(layers)
    )
    count = f"ACC_DECEL_{part.upper()}_LAYERS"
    return [*texts, f"/* layers */\nstatic const layer_t {part}[{count}] = {{\n{rows}\n}};"]


def _assignments(factors: tuple[Factor, ...]) -> str:
    names = column_names(factors)
    read = "\n".join(f"    columns[{i}] = factors->{name};" for i, name in enumerate(names))
    written = "\n".join(f"    factors->{name} = value;" for name in names)
    return f"""/* The factors in the order of the network. */
static void columns_of(const acc_decel_factors_t *factors, float columns[ACC_DECEL_COLUMN_COUNT])
{{
{read}
}}

/* Sets every factor to one value. */
static void fill(acc_decel_factors_t *factors, float value)
{{
{written}
}}"""
