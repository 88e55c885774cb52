"""The small XML files of FMI 3.0 beside its description: how to build the sources, and its two terminals."""

from xml.etree.ElementTree import Element, SubElement

from acc_decel.integration.fmu import variables as v
from acc_decel.integration.fmu.description import xml_bytes
from acc_decel.integration.fmu.variables import Variable

TERMINALS = {  # name: causality, description
    "factors": (v.INPUT, "what is known of the braking factors"),
    "prediction": (v.OUTPUT, "the answer with its status"),
}


def build_description(identifier: str, *, sources: tuple[str, ...]) -> bytes:
    """sources/buildDescription.xml. It asks for no compiler option: the source says itself what it needs."""
    root = Element("fmiBuildDescription", fmiVersion="3.0")
    configuration = SubElement(root, "BuildConfiguration", modelIdentifier=identifier)
    files = SubElement(configuration, "SourceFileSet", language="C99")
    for name in sources:
        SubElement(files, "SourceFile", name=name)
    return xml_bytes(root)


def terminals(variables: tuple[Variable, ...]) -> bytes:
    """terminalsAndIcons/terminalsAndIcons.xml: all inputs as one bus, all outputs as another."""
    root = Element("fmiTerminalsAndIcons", fmiVersion="3.0")
    listed = SubElement(root, "Terminals")
    for name, (causality, description) in TERMINALS.items():
        terminal = SubElement(listed, "Terminal", name=name, matchingRule="bus", description=description)
        for variable in variables:
            if variable.causality == causality:
                member = {"variableName": variable.name, "memberName": variable.name, "variableKind": "signal"}
                SubElement(terminal, "TerminalMemberVariable", member)
    return xml_bytes(root)
