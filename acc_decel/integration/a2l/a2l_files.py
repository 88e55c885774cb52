"""The A2L template of a model, and the C behind its names: texts from factors, outputs, status and correction."""

from collections.abc import Sequence
from importlib.resources import files as resources
from string import Template

from acc_decel.export.prefix import check_prefix, renamed
from acc_decel.factors import Factor, schema
from acc_decel.integration.a2l.a2l_text import NO_YES, OFF_ON, Entry, characteristic, group, measurement, method
from acc_decel.integration.answer_fields import (
    CORRECTION,
    FLAG,
    FLOAT,
    AnswerField,
    column_meaning,
    output_fields,
    status_fields,
    struct_lines,
)
from acc_decel.integration.writing import stamp_of
from acc_decel.network import DenseNet
from acc_decel.status import FLAGS

MEASURED, CALIBRATION = "acc_decel_measured", "acc_decel_calibration"  # variables in C
SOURCE, HEADER = f"{MEASURED}.c", f"{MEASURED}.h"
STEP = 0.01  # of a number to set, in its unit


def a2l_files(net: DenseNet, *, model: str, name: str, prefix: str | None = None) -> dict[str, str]:
    """The A2L file called `name`, and the C source and header that it describes, as file name -> text.

    The addresses are 0: a2ltool takes them from the linked program. With a `prefix`, for the export with that prefix.
    Raises ValueError for a prefix that cannot be one.
    """
    if prefix is not None:
        check_prefix(prefix)
    before = prefix or ""
    stamp = stamp_of(net, command="a2l", model=model)
    texts = {SOURCE: f"/* {stamp} */\n{_hand_written(SOURCE)}", HEADER: _header(net.factors, stamp)}
    return {
        name: renamed(_a2l(net.factors, stamp=stamp, model=model), before),
        **{renamed(file, before): renamed(text, before) for file, text in texts.items()},
    }


def _a2l(factors: Sequence[Factor], *, stamp: str, model: str) -> str:
    groups = _measurements(factors)
    corrections = [_answer(field, CALIBRATION) for field in CORRECTION]
    entries = [entry for members in groups.values() for entry in members]
    units = dict.fromkeys(entry.unit for entry in (*entries, *corrections) if not entry.table)
    trees = [
        group(f"acc_decel_group.{of}", of.replace("_", " "), [e.name for e in members])
        for of, members in groups.items()
    ]
    set_by_hand = [entry.name for entry in corrections]
    trees.append(group("acc_decel_group.correction", "correction of this car", set_by_hand, of="CHARACTERISTIC"))
    return Template(_hand_written("template.a2l")).substitute(
        stamp=stamp,
        model=model,
        schema=schema(factors),
        methods="\n".join(map(method, units)),
        measurements="\n".join(map(measurement, entries)),
        characteristics="\n".join(characteristic(entry, step=STEP) for entry in corrections),
        groups="\n".join(trees),
    )


def _measurements(factors: Sequence[Factor]) -> dict[str, list[Entry]]:
    """What to watch, by group."""
    whole = 2 * max(bit for bit, _ in FLAGS.values()) - 1
    return {
        "factors": [_column(factor, column) for factor in factors for column in factor.columns],
        "model": [_answer(field, f"{MEASURED}.model", "before the correction: ") for field in output_fields()],
        "prediction": [_answer(field, f"{MEASURED}.prediction") for field in output_fields()],
        "status": [
            Entry(f"{MEASURED}.status", "uint64_t", "the whole status, as returned", 0.0, float(whole)),
            *(_answer(field, MEASURED) for field in status_fields(factors)),
        ],
        "out_of_range": _one_bit_each(factors, "out_of_range", "is outside its range"),
        "not_available": _one_bit_each(factors, "not_available", "is not available"),
    }


def _column(factor: Factor, column: str) -> Entry:
    return Entry(
        f"{MEASURED}.factors.{column}",
        FLOAT,
        f"{column_meaning(factor, column)}; NaN: not available",
        factor.low,
        factor.high,
        factor.unit,
        table=OFF_ON if factor.is_switch else "",
    )


def _answer(field: AnswerField, struct: str, before: str = "") -> Entry:
    table = NO_YES if field.kind == FLAG else ""
    return Entry(f"{struct}.{field.name}", field.kind, before + field.meaning, field.low, field.high, field.unit, table)


def _one_bit_each(factors: Sequence[Factor], mask: str, meaning: str) -> list[Entry]:
    return [
        Entry(f"{MEASURED}.{mask}", "uint32_t", f"{f.name} {meaning}", 0.0, 1.0, table=NO_YES, part=f.name, mask=1 << i)
        for i, f in enumerate(factors)
    ]


def _header(factors: Sequence[Factor], stamp: str) -> str:
    fields = status_fields(factors)
    assignments = "\n".join(f"    measured->{field.name} = {field.expression};" for field in fields)
    template = Template(_hand_written("acc_decel_measured.template.h"))
    return template.substitute(stamp=stamp, members=struct_lines(fields), assignments=assignments)


def _hand_written(name: str) -> str:
    return (resources("acc_decel.integration.a2l") / name).read_text("ascii")
