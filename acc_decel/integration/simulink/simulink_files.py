"""The files of a C Caller block in Simulink: firmware, a flat header, one source that compiles everything, a script."""

from collections.abc import Sequence
from importlib.resources import files as resources
from string import Template

from acc_decel.export import firmware_files, golden_events, prediction_files
from acc_decel.export.prefix import check_prefix, with_prefix
from acc_decel.factors import Factor, schema
from acc_decel.integration.answer_fields import (
    FLOAT,
    AnswerField,
    column_meaning,
    output_fields,
    status_fields,
    struct_lines,
)
from acc_decel.integration.writing import stamp_of
from acc_decel.network import DenseNet

HEADER, SOURCE, SCRIPT = "acc_decel_simulink.h", "acc_decel_simulink.c", "acc_decel_add_block.m"
DISTANCES = tuple(
    AnswerField(
        name,
        FLOAT,
        "m",
        0.0,
        float("inf"),
        f"{meaning}; infinite if the car does not stop",
        f"acc_decel_stopping_distance(given.speed, prediction.{deceleration}, prediction.delay)",
    )
    for name, deceleration, meaning in (
        ("stopping_distance", "deceleration", "distance from the demand to standstill, median"),
        ("stopping_distance_upper", "deceleration_lower", "the same, exceeded only 5 times in 100"),
    )
)


def simulink_files(net: DenseNet, *, model: str, prefix: str | None = None) -> dict[str, str | bytes]:
    """Firmware in float32, wrapper and script as file name -> content: all that a folder for Simulink holds.

    With a `prefix`, every name and file begins with it, so that a model of Simulink may have several such blocks.
    Raises ValueError if `net` cannot become firmware, or for a prefix that cannot be one.
    """
    if prefix is not None:
        check_prefix(prefix)
    firmware = firmware_files(net, model=model, golden=golden_events(net.factors))
    code = prediction_files(firmware)
    stamp = stamp_of(net, command="simulink", model=model)
    sources = [name for name in code if name.endswith(".c")]
    files = code | {
        HEADER: _filled("acc_decel_simulink.template.h", _header(net.factors), stamp),
        SOURCE: _filled("acc_decel_simulink.template.c", _source(net.factors, sources), stamp),
        SCRIPT: _filled("acc_decel_add_block.template.m", {}, stamp),
    }
    return with_prefix(files, prefix) if prefix else files


def _header(factors: Sequence[Factor]) -> dict[str, str]:
    bits = [f"#define ACC_DECEL_SIMULINK_KNOWN_{f.name.upper()} 0x{1 << i:X}U" for i, f in enumerate(factors)]
    columns = [
        f"    float {column}; /* [{f.unit or '-'}] {f.low:g} to {f.high:g}, {column_meaning(f, column)} */"
        for f in factors
        for column in f.columns
    ]
    answer = struct_lines((*output_fields(), *DISTANCES, *status_fields(factors)))
    return {"schema": schema(factors), "known": "\n".join(bits), "factors": "\n".join(columns), "answer": answer}


def _source(factors: Sequence[Factor], sources: Sequence[str]) -> dict[str, str]:
    known = [
        f"    if ((known & ACC_DECEL_SIMULINK_KNOWN_{f.name.upper()}) != 0U) {{\n"
        + "".join(f"        factors.{column} = given->{column};\n" for column in f.columns)
        + "    }"
        for f in factors
    ]
    status = [f"    answer->{field.name} = {field.expression};" for field in status_fields(factors)]
    outputs = [f"        answer->{field.name} = {field.expression};" for field in (*output_fields(), *DISTANCES)]
    return {
        "includes": "\n".join(f'#include "{name}"' for name in sources),
        "known": "\n".join(known),
        "status": "\n".join(status),
        "outputs": "\n".join(outputs),
    }


def _filled(template: str, parts: dict[str, str], stamp: str) -> str:
    text = (resources("acc_decel.integration.simulink") / template).read_text("ascii")
    return Template(text).substitute(parts, stamp=stamp)
