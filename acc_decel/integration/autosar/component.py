"""AccDecel.c, the runnables of the AUTOSAR component, as text from its ports."""

from importlib.resources import files as resources
from string import Template

from acc_decel.factors import Factor
from acc_decel.integration.answer_fields import FLOAT
from acc_decel.integration.autosar.ports import Element, Port, Ports, from_code


def component_source(ports: Ports, *, component: str, stamp: str) -> str:
    """The C of the component with this name; `stamp` is its first comment."""
    text = (resources("acc_decel.integration.autosar") / "AccDecel.template.c").read_text("ascii")
    sent = ports.answer.elements
    return Template(text).substitute(
        stamp=stamp,
        component=component,
        readers="\n\n".join(_reader(factor, port, component) for factor, port in ports.factors),
        reads="\n".join(f"    read_{factor.name}(&factors);" for factor, _ in ports.factors),
        parameters=", ".join(f"Rte_Prm_{ports.parameters.name}_{e.name}()" for e in ports.parameters.elements),
        outputs="\n".join(_write(ports.answer, e, "        ") for e in sent if e.kind == FLOAT),
        flags="\n".join(_write(ports.answer, e, "    ") for e in sent if e.kind != FLOAT),
    )


def _write(port: Port, element: Element, indent: str) -> str:
    return f"{indent}(void)Rte_Write_{port.name}_{element.name}({element.expression});"


def _reader(factor: Factor, port: Port, component: str) -> str:
    """The function that reads one factor, whose columns are known together or not at all."""
    name = f"static void read_{factor.name}(acc_decel_factors_t *factors)"
    if port.elements[0].texts:
        values = "\n".join(f"        factors->{column} = {value};" for column, value in from_code(factor))
        return f"""{name}
{{
    {component}_UInt8 code = 0U;

    if (delivered(Rte_Read_{port.name}_{port.elements[0].name}(&code)) != 0U) {{
{values}
    }}
}}"""
    reads = [f"delivered(Rte_Read_{port.name}_{e.name}(&values[{i}]))" for i, e in enumerate(port.elements)]
    known = "\n".join(f"    known &= {read};" for read in reads[1:])
    values = "\n".join(f"        factors->{e.columns[0]} = values[{i}];" for i, e in enumerate(port.elements))
    return f"""{name}
{{
    {component}_Float32 values[{len(reads)}] = {{0.0F}};
    uint8 known = {reads[0]};

{known + chr(10) if known else ""}    if (known != 0U) {{
{values}
    }}
}}"""
