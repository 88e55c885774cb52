"""Data types of the AUTOSAR component: units, ranges and texts for the application, types in C for the software."""

import re
from typing import Any

from autosar_data import abstraction as autosar
from autosar_data.abstraction import datatype as types

from acc_decel.integration.autosar.ports import Element

NAMES = {"float": "Float32", "uint8_t": "UInt8", "uint32_t": "UInt32"}  # type in C -> of the implementation
_BASE = {  # of the implementation -> name, bits, encoding, in C
    "Float32": ("float32", 32, types.BaseTypeEncoding.Ieee754, "float"),
    "UInt8": ("uint8", 8, types.BaseTypeEncoding.NoEncoding, "unsigned char"),
    "UInt32": ("uint32", 32, types.BaseTypeEncoding.NoEncoding, "unsigned long"),
}


class DataTypes:
    """The data types of a component, each made when an element first needs it."""

    def __init__(self, model: autosar.AutosarModelAbstraction, component: str) -> None:
        """`model` is the description that they are made in."""
        self._component = component
        self._model = model
        self.mapping = self._package("Mappings").create_data_type_mapping_set(f"{component}_TypeMapping")
        self._units: dict[str, types.Unit] = {}
        self._implementations: dict[str, types.ImplementationDataType] = {}
        self._applications: dict[str, types.ApplicationPrimitiveDataType] = {}
        self._same = self._package("CompuMethods").create_compu_method(
            "Identical",
            types.CompuMethodContent_Linear(
                direction=types.CompuScaleDirection.IntToPhys, factor=1.0, offset=0.0, divisor=1.0
            ),
        )

    def _package(self, name: str) -> autosar.ArPackage:
        return self._model.get_or_create_package(f"/{self._component}/{name}")

    def of(self, element: Element) -> types.ApplicationPrimitiveDataType:
        """The type of an element: one for each `data_type`."""
        if element.data_type not in self._applications:
            self._applications[element.data_type] = self._made(element)
        return self._applications[element.data_type]

    def _made(self, element: Element) -> types.ApplicationPrimitiveDataType:
        name = element.data_type
        constraint = self._package("DataConstrs").create_data_constr(f"{name}_Constr")
        constraint.create_data_constr_rule(
            types.DataConstrType.Physical, lower_limit=element.low, upper_limit=element.high
        )
        made = self._package("DataTypes").create_application_primitive_data_type(
            f"{name}_T",
            types.ApplicationPrimitiveCategory.Value,
            compu_method=self._texts(name, element.texts) if element.texts else self._same,
            unit=self._unit(element.unit),
            data_constraint=constraint,
        )
        self.mapping.create_data_type_map(self._implementation(NAMES[element.kind]), made)
        return made

    def _texts(self, name: str, texts: tuple[str, ...]) -> types.CompuMethod:
        table = [types.TextTableEntry(text=text, value=float(code)) for code, text in enumerate(texts)]
        content = types.CompuMethodContent_TextTable(texts=table)
        return self._package("CompuMethods").create_compu_method(f"{name}_Texts", content)

    def _unit(self, unit: str) -> types.Unit:
        if unit not in self._units:
            name = "_".join(["Unit", *re.findall(r"[A-Za-z0-9]+", unit or "none")])
            self._units[unit] = self._package("Units").create_unit(name, display_name=unit or "1")
        return self._units[unit]

    def _implementation(self, name: str) -> types.ImplementationDataType:
        if name not in self._implementations:
            base, bits, encoding, native = _BASE[name]
            package = self._package("BaseTypes")
            in_c = package.create_sw_base_type(base, bits, encoding, native_declaration=native)
            value: Any = types.ImplementationDataTypeSettings_Value  # its stub does not know the constructor
            settings = value(f"{self._component}_{name}", base_type=in_c)
            self._implementations[name] = self._package("DataTypes").create_implementation_data_type(settings)
        return self._implementations[name]
