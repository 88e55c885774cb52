"""modelDescription.xml of FMI 2.0 and of FMI 3.0, from the same variables."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from acc_decel.integration.fmu import variables as v
from acc_decel.integration.fmu.units import add_units, unit_name
from acc_decel.integration.fmu.variables import Variable

STEP_S = 0.01  # that an ECU asks in
FMI3_KINDS = {v.REAL: "Float64", v.INTEGER: "Int32"}  # the others have the name of FMI 2.0
LOG_CATEGORY = "logStatusError"


@dataclass(frozen=True)
class Model:
    """What a description says of the model as a whole. `identifier` names the binaries; `stop_time` is in seconds."""

    name: str
    identifier: str
    token: str
    version: str
    stop_time: float

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes that both versions have, but for the token."""
        return {
            "modelName": f"acc_decel {self.name}",
            "description": f"Achievable deceleration and stopping distance of a braking car: {self.name}",
            "version": self.version,
            "license": "MIT",
            "generationTool": f"acc_decel {self.version}",
            "variableNamingConvention": "flat",
        }


CAPABILITIES = {
    "needsExecutionTool": "false",
    "canHandleVariableCommunicationStepSize": "true",
    "canBeInstantiatedOnlyOncePerProcess": "false",
}


def fmi2_description(model: Model, variables: tuple[Variable, ...], *, sources: tuple[str, ...]) -> bytes:
    """The description of FMI 2.0; `sources` are the files to compile."""
    root = Element("fmiModelDescription", {"fmiVersion": "2.0", "guid": model.token} | model.attributes)
    own_memory = {
        "canNotUseMemoryManagementFunctions": "true",
        "canGetAndSetFMUstate": "true",
        "canSerializeFMUstate": "true",
    }
    co_simulation = SubElement(root, "CoSimulation", {"modelIdentifier": model.identifier} | CAPABILITIES | own_memory)
    files = SubElement(co_simulation, "SourceFiles")
    for name in sources:
        SubElement(files, "File", name=name)
    add_units(root, {variable.unit for variable in variables if variable.kind == v.REAL})
    types = SubElement(root, "TypeDefinitions")
    for variable in _enumerations(variables):
        _items(SubElement(SubElement(types, "SimpleType", name=variable.type_name), "Enumeration"), variable)
    _log_and_experiment(root, model)
    listed = SubElement(root, "ModelVariables")
    for variable in variables:
        scalar = SubElement(listed, "ScalarVariable", _common(variable))
        SubElement(scalar, variable.kind, _typed(variable))
    structure = SubElement(root, "ModelStructure")
    for group in ("Outputs", "InitialUnknowns"):
        unknowns = SubElement(structure, group)
        for index, variable in enumerate(variables, start=1):
            if variable.causality == v.OUTPUT:
                SubElement(unknowns, "Unknown", index=str(index))
    return xml_bytes(root)


def fmi3_description(model: Model, variables: tuple[Variable, ...]) -> bytes:
    """The description of FMI 3.0."""
    root = Element("fmiModelDescription", {"fmiVersion": "3.0", "instantiationToken": model.token} | model.attributes)
    states = {"canGetAndSetFMUState": "true", "canSerializeFMUState": "true"}
    SubElement(root, "CoSimulation", {"modelIdentifier": model.identifier} | CAPABILITIES | states)
    add_units(root, {variable.unit for variable in variables if variable.kind == v.REAL} | {"s"})
    types = SubElement(root, "TypeDefinitions")
    for variable in _enumerations(variables):
        _items(SubElement(types, "EnumerationType", name=variable.type_name), variable)
    _log_and_experiment(root, model)
    listed = SubElement(root, "ModelVariables")
    time = {"name": "time", "valueReference": str(v.TIME), "causality": "independent", "variability": "continuous"}
    SubElement(listed, "Float64", time | {"description": "simulation time", "unit": "s"})
    for variable in variables:
        SubElement(listed, FMI3_KINDS.get(variable.kind, variable.kind), _common(variable) | _typed(variable))
    structure = SubElement(root, "ModelStructure")
    for group in ("Output", "InitialUnknown"):
        for variable in variables:
            if variable.causality == v.OUTPUT:
                SubElement(structure, group, valueReference=str(variable.reference))
    return xml_bytes(root)


def xml_bytes(root: Element) -> bytes:
    """The text of an XML file."""
    indent(root)
    return tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"


def _enumerations(variables: tuple[Variable, ...]) -> tuple[Variable, ...]:
    return tuple(variable for variable in variables if variable.levels)


def _items(parent: Element, variable: Variable) -> None:
    for value, level in enumerate(variable.levels):
        SubElement(parent, "Item", name=level, value=str(value))


def _log_and_experiment(root: Element, model: Model) -> None:
    SubElement(SubElement(root, "LogCategories"), "Category", name=LOG_CATEGORY)
    SubElement(root, "DefaultExperiment", startTime="0", stopTime=f"{model.stop_time:g}", stepSize=f"{STEP_S:g}")


def _common(variable: Variable) -> dict[str, str]:
    """The attributes that a variable of any kind has."""
    initial = {v.OUTPUT: "calculated", v.PARAMETER: "exact"}.get(variable.causality)
    return {
        "name": variable.name,
        "valueReference": str(variable.reference),
        "description": variable.meaning,
        "causality": variable.causality,
        "variability": variable.variability,
    } | ({"initial": initial} if initial else {})


def _typed(variable: Variable) -> dict[str, str]:
    """The attributes of its type: unit, limits, start."""
    limits = {"min": variable.low, "max": variable.high}
    own = {key: f"{limit:.9g}" for key, limit in limits.items() if limit is not None}
    if variable.kind == v.REAL:
        own = {"unit": unit_name(variable.unit)} | own
    if variable.levels:
        own = {"declaredType": variable.type_name}
    return own | ({"start": variable.start} if variable.start else {})
