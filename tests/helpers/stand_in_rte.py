"""A stand-in for the RTE of a project: the C that a component compiles with, generated from its ARXML.

Every access is a place in an array: a test fills values and results of reads, and finds what the component sent. The
ARXML is read as plain XML, so that the program that wrote it has no part in it.
"""

import ctypes
import shutil
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy import ndarray

from acc_decel.compiled import SAME_BITS, WARNINGS, compiled
from acc_decel.correction import Correction
from acc_decel.export import reference_outputs, status_of
from acc_decel.factors import Factor, slices
from acc_decel.integration.answer_fields import CORRECTION
from acc_decel.integration.autosar.ports import camel, one_of
from acc_decel.network import DenseNet
from acc_decel.outputs import OUTPUTS
from acc_decel.status import FLAGS, REFUSED

XML = "{http://autosar.org/schema/r4.0}"
OK = 0
FAILURES = {"RTE_E_INVALID": 1, "RTE_E_MAX_AGE_EXCEEDED": 64, "RTE_E_NEVER_RECEIVED": 133, "RTE_E_UNCONNECTED": 134}
PLATFORM = {"Float32": "float", "UInt8": "unsigned char", "UInt32": "unsigned int"}


@dataclass(frozen=True)
class Access:
    """A value that the runnable reads, sends or takes as a parameter."""

    port: str
    element: str
    kind: str  # its implementation type

    @property
    def place(self) -> str:
        return f"{self.port}_{self.element}"


@dataclass(frozen=True)
class Rte:
    """What a component asks of the RTE; accesses in the order of the runnable."""

    component: str
    period: float
    runnables: tuple[str, ...]
    reads: tuple[Access, ...]
    sends: tuple[Access, ...]
    parameters: tuple[Access, ...]


def rte_of(arxml: Path) -> Rte:
    """The contract of the component in `arxml`."""
    root = ElementTree.parse(arxml).getroot()
    paths = dict(_paths(root, ""))
    maps = {
        _text(entry, "APPLICATION-DATA-TYPE-REF"): _text(entry, "IMPLEMENTATION-DATA-TYPE-REF").split("/")[-1]
        for entry in root.iter(f"{XML}DATA-TYPE-MAP")
    }

    def accesses(kind: str, *, of: str) -> tuple[Access, ...]:
        found = []
        for entry in (entry for group in root.iter(f"{XML}{kind}") for entry in group.iter(f"{XML}{of}")):
            port = _text(entry, "PORT-PROTOTYPE-REF").split("/")[-1]
            target = _text(entry, "TARGET-DATA-PROTOTYPE-REF")
            found.append(Access(port, target.split("/")[-1], maps[_text(paths[target], "TYPE-TREF")]))
        return tuple(found)

    return Rte(
        _text(next(root.iter(f"{XML}APPLICATION-SW-COMPONENT-TYPE")), "SHORT-NAME"),
        float(_text(next(root.iter(f"{XML}TIMING-EVENT")), "PERIOD")),
        tuple(_text(runnable, "SYMBOL") for runnable in root.iter(f"{XML}RUNNABLE-ENTITY")),
        accesses("DATA-RECEIVE-POINT-BY-ARGUMENTS", of="VARIABLE-ACCESS"),
        accesses("DATA-SEND-POINTS", of="VARIABLE-ACCESS"),
        accesses("PARAMETER-ACCESSS", of="PARAMETER-ACCESS"),
    )


def write_rte(folder: Path, rte: Rte) -> Path:
    """Write the headers that the component includes, and a source with `run(rows, ...)`; the path of the source."""
    name = rte.component
    types = "\n".join(f"typedef {native} {name}_{kind};" for kind, native in PLATFORM.items())
    results = "\n".join(
        f"#define {result} ((Std_ReturnType){code}U)" for result, code in {"RTE_E_OK": OK, **FAILURES}.items()
    )
    declared = [
        *(f"Std_ReturnType Rte_Read_{a.place}({a.kind} *data);" for a in rte.reads),
        *(f"Std_ReturnType Rte_Write_{a.place}({a.kind} data);" for a in rte.sends),
        *(f"{a.kind} Rte_Prm_{a.place}(void);" for a in rte.parameters),
        *(f"void {runnable}(void);" for runnable in rte.runnables),
    ]
    (folder / f"Rte_{name}.h").write_text(_HEADER.format(types=types, results=results, declared="\n".join(declared)))
    (folder / f"{name}_MemMap.h").write_text("")
    init, main = rte.runnables
    source = folder / "stand_in_rte.c"
    source.write_text(
        _SOURCE.format(
            name=name, init=init, main=main, reads=len(rte.reads), sends=len(rte.sends), functions=_functions(rte)
        )
    )
    return source


def _functions(rte: Rte) -> str:
    return "\n".join(
        [
            *(
                f"Std_ReturnType Rte_Read_{a.place}({a.kind} *data)\n"
                f"{{\n    if (results[{i}] == 0U) {{\n        *data = ({a.kind})values[{i}];\n    }}\n"
                f"    return results[{i}];\n}}"
                for i, a in enumerate(rte.reads)
            ),
            *(
                f"Std_ReturnType Rte_Write_{a.place}({a.kind} data)\n"
                f"{{\n    sent[{i}] = data;\n    return RTE_E_OK;\n}}"
                for i, a in enumerate(rte.sends)
            ),
            *(
                f"{a.kind} Rte_Prm_{a.place}(void)\n{{\n    return ({a.kind})parameters[{i}];\n}}"
                for i, a in enumerate(rte.parameters)
            ),
        ]
    )


_HEADER = """#ifndef STAND_IN_RTE_H
#define STAND_IN_RTE_H
typedef unsigned char boolean;
typedef unsigned char uint8;
typedef unsigned char Std_ReturnType;
{types}
#define TRUE ((boolean)1)
#define FALSE ((boolean)0)
#define FUNC(type, memory) type
{results}
{declared}
#endif
"""
_SOURCE = """#include "Rte_{name}.h"
#include <stddef.h>
static const double *values;
static const Std_ReturnType *results;
static const double *parameters;
static double *sent;
void run(size_t rows, const double *all_values, const Std_ReturnType *all_results, const double *all_parameters,
         double *all_sent);
{functions}
void run(size_t rows, const double *all_values, const Std_ReturnType *all_results, const double *all_parameters,
         double *all_sent)
{{
    parameters = all_parameters;
    {init}();
    for (size_t row = 0U; row < rows; row++) {{
        values = &all_values[row * {reads}U];
        results = &all_results[row * {reads}U];
        sent = &all_sent[row * {sends}U];
        {main}();
    }}
}}
"""


def _text(element: ElementTree.Element, tag: str) -> str:
    return next(element.iter(f"{XML}{tag}")).text or ""


def _paths(element: ElementTree.Element, path: str):
    """Every element with a name, by its path."""
    name = element.find(f"{XML}SHORT-NAME")
    if name is not None:
        path = f"{path}/{name.text}"
        yield path, element
    for child in element:
        yield from _paths(child, path)


def sent_to(rte: Rte, events: ndarray, factors: tuple[Factor, ...], rng) -> tuple[ndarray, ndarray]:
    """Values and results of the reads of each event: what is not available has any result but RTE_E_OK."""
    at = {access.place: i for i, access in enumerate(rte.reads)}
    values = np.full((len(events), len(rte.reads)), 1e9)
    missing = np.zeros(values.shape, bool)
    for factor, part in zip(factors, slices(factors), strict=True):
        if one_of(factor):
            place = at[f"{camel(factor.name)}_Value"]
            values[:, place] = np.nan_to_num(events[:, part]).argmax(axis=1)
            missing[:, place] = np.isnan(events[:, part]).any(axis=1)
            continue
        for column, i in zip(factor.columns, range(part.start, part.stop), strict=True):
            element = camel(column.removeprefix(f"{factor.name}_")) if factor.levels else "Value"
            place = at[f"{camel(factor.name)}_{element}"]
            values[:, place], missing[:, place] = events[:, i], np.isnan(events[:, i])
    values[missing] = 1e9
    results = np.where(missing, rng.choice(list(FAILURES.values()), values.shape), 0)
    return np.clip(values, -3e38, 3e38), results.astype("u1")


def through_the_rte(library: Path, rte: Rte, values: ndarray, results: ndarray, correction: Correction) -> ndarray:
    """What the component sends, one row an event; NaN where it sends nothing."""
    parameters = np.array([getattr(correction, field.name) for field in CORRECTION])
    sent = np.full((len(values), len(rte.sends)), np.nan)
    arrays = (np.ascontiguousarray(values), np.ascontiguousarray(results), parameters, sent)
    ctypes.CDLL(str(library)).run(ctypes.c_size_t(len(values)), *(ctypes.c_void_p(a.ctypes.data) for a in arrays))
    return sent


def built(folder: Path, work: Path, rte: Rte, *options: str) -> Path:
    """The component with its firmware and the stand-in RTE."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is missing: apt-get install gcc")
    sources = [*folder.glob("*acc_decel*.c"), folder / f"{rte.component}.c", write_rte(work, rte)]
    command = ("gcc", "-O1", *SAME_BITS, *WARNINGS, *options, "-shared", "-fPIC", f"-I{folder}", f"-I{work}")
    return compiled(command, sources, work / "component.so")


def usual(events: ndarray, factors: tuple[Factor, ...]) -> ndarray:
    """The events as ports can carry them: choices whole, one of its kinds certain, switches off or on."""
    events = np.clip(events, -3e38, 3e38)  # NumPy keeps NaN
    for factor, part in zip(factors, slices(factors), strict=True):
        columns = events[:, part]
        gone = np.isnan(columns).any(axis=1)
        if one_of(factor):
            columns = np.eye(len(factor.levels), dtype="f4")[np.nan_to_num(columns).argmax(axis=1)]
        if factor.is_switch:
            columns = np.where((columns >= 0.5), np.float32(1), np.float32(0))
        columns[gone] = np.nan
        events[:, part] = columns
    return events


def check(sent: ndarray, net: DenseNet, events: ndarray, correction: Correction) -> None:
    outputs, status = correction.answers(reference_outputs(net, events), status_of(net, events))
    answered = status & REFUSED == 0
    assert answered.any()
    assert not answered.all()
    got = sent[:, : len(OUTPUTS)].astype("f4")
    np.testing.assert_array_equal(got[answered].view("u4"), outputs[answered].view("u4"))
    assert np.isnan(got[~answered]).all(), "a refused answer sends no output"
    every = 2 ** len(net.factors) - 1
    expected = [status & every, status >> 24 & every, *(status & bit != 0 for bit, _ in FLAGS.values())]
    np.testing.assert_array_equal(sent[:, len(OUTPUTS) :], np.stack(expected, axis=1))
