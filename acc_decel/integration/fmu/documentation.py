"""documentation/index.html of an FMU: its variables, its status and how to use it, from the same descriptions."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, tostring

from acc_decel.factors import Factor
from acc_decel.integration.fmu import variables as v
from acc_decel.integration.fmu.description import Model
from acc_decel.integration.fmu.units import unit_name
from acc_decel.integration.fmu.variables import Variable
from acc_decel.status import FLAGS

INDEX, LIST = "documentation/index.html", "documentation/variables.html"
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; }
div { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; min-width: 64rem; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.8rem 0.3rem 0; border-bottom: 1px solid #8886; }
code { font: 0.9em ui-monospace, monospace; }
td:first-child { white-space: nowrap; }
"""


def documentation(
    factors: tuple[Factor, ...], model: Model, *, fmi: int, page: bytes | None = None
) -> dict[str, bytes]:
    """The documentation, by path. With a `page` of its own, that is what opens, and the list lies beside it."""
    listed = _page(factors, model, fmi=fmi)
    if page is None:
        return {INDEX: listed}
    return {INDEX: page, LIST: listed}


def _page(factors: tuple[Factor, ...], model: Model, *, fmi: int) -> bytes:
    root = Element("html", lang="en")
    head, body = SubElement(root, "head"), SubElement(root, "body")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    _text(head, "title", f"acc_decel {model.name}")
    _text(head, "style", STYLE)
    _text(body, "h1", f"acc_decel {model.name}, FMI {fmi}.0")
    for sentence in _USE:
        _text(body, "p", sentence)
    listed = v.variables(factors)
    for causality, title in ((v.INPUT, "Inputs"), (v.OUTPUT, "Outputs"), (v.PARAMETER, "Tunable parameters")):
        _text(body, "h2", title)
        own = [variable for variable in listed if variable.causality == causality]
        _table(body, ("variable", "type", "unit", "range", "start", "meaning"), map(_row, own))
    _text(body, "h2", "Bits of the factors")
    _text(
        body,
        "p",
        "In the outputs out_of_range and not_available, bit i stands for factor i. "
        + ("The output status is the 64-bit word of acc_decel.h." if fmi == 3 else ""),
    )
    _table(body, ("bit", "factor"), ((str(i), factor.name) for i, factor in enumerate(factors)))
    _text(body, "h2", "Flags")
    _table(body, ("output", "meaning"), ((name.lower(), meaning) for name, (_, meaning) in FLAGS.items()))
    _text(body, "p", f"Version {model.version}, token {model.token}, MIT licence.")
    return b"<!DOCTYPE html>\n" + tostring(root, encoding="utf-8", method="html") + b"\n"


_USE = (
    "The deceleration that a braking car can reach now, with its quantiles, and its stopping distances: the C of an "
    "ECU, as a co-simulation FMU. Every step answers once, about the inputs at that time; nothing is remembered "
    "but the last answer.",
    "An optional factor counts only while its Boolean ..._available is true. Leave it false for what no sensor knows: "
    "the answer is then about all values that the factor may have. NaN means the same. A default value in its place "
    "would make the interval wrong.",
    "A choice, like the surface, is an enumeration with 0 for unknown. While it is 0, its probabilities count, which "
    "add up to 1; if all of them are 0, it is not known.",
    "Look at refused first: while it is true, a factor is out of range or a required one is missing, and the other "
    "outputs are those of the last answer. Before the first answer the decelerations are 0 and the distances infinite.",
    "The parameters of the correction adapt the answer to one car and may be changed between two steps; as they start, "
    "they change nothing, unless the FMU was exported with a correction.",
    "extra/acc_decel/example.csv has all inputs over time. Instantiation runs the self-test of the firmware, so a "
    "damaged binary is never used.",
)


def _row(variable: Variable) -> tuple[str, ...]:
    limits = (
        "-inf" if variable.low is None else f"{variable.low:g}",
        "inf" if variable.high is None else f"{variable.high:g}",
    )
    span = (
        " to ".join(limits)
        if variable.kind == v.REAL
        else ", ".join(f"{i} {name}" for i, name in enumerate(variable.levels))
    )
    unit = unit_name(variable.unit) if variable.kind == v.REAL else ""
    return (variable.name, variable.kind, unit, span, variable.start, variable.meaning)


def _table(parent: Element, head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    table = SubElement(SubElement(parent, "div"), "table")
    top = SubElement(table, "tr")
    for name in head:
        _text(top, "th", name)
    for row in rows:
        line = SubElement(table, "tr")
        for i, cell in enumerate(row):
            if i == 0:
                _text(SubElement(line, "td"), "code", cell)
            else:
                _text(line, "td", cell)


def _text(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = text
