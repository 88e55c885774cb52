"""AccDecel.arxml, the description of the AUTOSAR component, by autosar-data, which checks every element."""

from typing import Any

from autosar_data import AutosarVersion
from autosar_data import abstraction as autosar
from autosar_data.abstraction import software_component as components

from acc_decel.integration.autosar.data_types import DataTypes
from acc_decel.integration.autosar.ports import Port, Ports

VERSION = AutosarVersion.AUTOSAR_4_3_0
PERIOD_S = 0.01
MAX_AGE_S = 0.5  # of a factor, as `acc-decel replay` takes; a project sets its own for slow signals
FIRST = {"Refused": 1.0}  # what a port of the answer carries before the first answer; else 0


def arxml(ports: Ports, *, component: str, stamp: str) -> str:
    """The text of the description of the component with this name; `stamp` is its first comment."""
    model = autosar.AutosarModelAbstraction.create(f"{component}.arxml", version=VERSION)
    model.root_element.comment = stamp
    data_types = DataTypes(model, component)
    package = model.get_or_create_package(f"/{component}/Components")
    swc = package.create_application_sw_component_type(component)
    behavior = swc.create_swc_internal_behavior(f"{component}_InternalBehavior")
    behavior.add_data_type_mapping_set(data_types.mapping)
    behavior.element.create_sub_element("SUPPORTS-MULTIPLE-INSTANTIATION").character_data = "false"
    main = _runnables(behavior, component)
    interfaces = model.get_or_create_package(f"/{component}/PortInterfaces")
    for _, port in ports.factors:
        _receive(swc, main, port, _sender_receiver(interfaces, port, data_types))
    _send(swc, main, ports.answer, _sender_receiver(interfaces, ports.answer, data_types))
    _calibrate(swc, main, ports.parameters, interfaces, data_types)
    _implement(model.get_or_create_package(f"/{component}/Implementations"), behavior, component)
    return next(iter(model.files())).serialize()


def _runnables(behavior: components.SwcInternalBehavior, component: str) -> components.RunnableEntity:
    """The two runnables with their events; the one that runs every PERIOD_S."""
    init, main = (behavior.create_runnable_entity(f"{component}_{name}") for name in ("Init", "Main"))
    behavior.create_init_event(f"{component}_InitEvent", init)
    behavior.create_timing_event(f"{component}_MainEvent", main, PERIOD_S)
    for runnable in (init, main):
        runnable.element.get_or_create_sub_element("SYMBOL").character_data = runnable.name
    return main


def _sender_receiver(
    interfaces: autosar.ArPackage, port: Port, data_types: DataTypes
) -> components.SenderReceiverInterface:
    interface = interfaces.create_sender_receiver_interface(f"{port.name}_If")
    _describe(interface.element, port.meaning)
    policies = None
    for element in port.elements:
        prototype = interface.create_data_element(element.name, data_types.of(element))
        _describe(prototype.element, element.meaning)
        policies = policies or interface.element.create_sub_element("INVALIDATION-POLICYS")
        policy = policies.create_sub_element("INVALIDATION-POLICY")
        policy.create_sub_element("DATA-ELEMENT-REF").reference_target = prototype.element
        policy.create_sub_element("HANDLE-INVALID").character_data = "KEEP"  # so that a read says RTE_E_INVALID
    return interface


def _receive(
    swc: components.ApplicationSwComponentType,
    main: components.RunnableEntity,
    port: Port,
    interface: components.SenderReceiverInterface,
) -> None:
    """A port of a factor: a value that was never received, or is older than MAX_AGE_S, is told apart."""
    prototype = swc.create_r_port(port.name, interface)
    specs = prototype.element.create_sub_element("REQUIRED-COM-SPECS")
    for element, data in zip(port.elements, interface.data_elements(), strict=True):
        main.create_data_receive_point_by_argument(f"Receive_{port.name}_{data.name}", data, prototype)
        spec = specs.create_sub_element("NONQUEUED-RECEIVER-COM-SPEC")
        spec.create_sub_element("DATA-ELEMENT-REF").reference_target = data.element
        spec.create_sub_element("ALIVE-TIMEOUT").character_data = MAX_AGE_S
        spec.create_sub_element("HANDLE-NEVER-RECEIVED").character_data = "true"
        _initial(spec, min(max(0.0, element.low), element.high))  # never used: the read does not say RTE_E_OK


def _send(
    swc: components.ApplicationSwComponentType,
    main: components.RunnableEntity,
    port: Port,
    interface: components.SenderReceiverInterface,
) -> None:
    prototype = swc.create_p_port(port.name, interface)
    specs = prototype.element.create_sub_element("PROVIDED-COM-SPECS")
    for data in interface.data_elements():
        main.create_data_send_point(f"Send_{port.name}_{data.name}", data, prototype)
        spec = specs.create_sub_element("NONQUEUED-SENDER-COM-SPEC")
        spec.create_sub_element("DATA-ELEMENT-REF").reference_target = data.element
        _initial(spec, FIRST.get(data.name, 0.0))


def _calibrate(
    swc: components.ApplicationSwComponentType,
    main: components.RunnableEntity,
    port: Port,
    interfaces: autosar.ArPackage,
    data_types: DataTypes,
) -> None:
    """The port of the parameters, which a calibration component provides.

    They have no description: a second reader, the package autosar 0.4, stops at one there.
    """
    interface = interfaces.create_parameter_interface(f"{port.name}_If")
    prototype = swc.create_r_port(port.name, interface)
    accesses = main.element.create_sub_element("PARAMETER-ACCESSS")
    for element in port.elements:
        parameter = interface.create_parameter(element.name, data_types.of(element))
        access = accesses.create_named_sub_element("PARAMETER-ACCESS", f"Access_{port.name}_{element.name}")
        reference = access.create_sub_element("ACCESSED-PARAMETER").create_sub_element("AUTOSAR-PARAMETER-IREF")
        reference.create_sub_element("PORT-PROTOTYPE-REF").reference_target = prototype.element
        reference.create_sub_element("TARGET-DATA-PROTOTYPE-REF").reference_target = parameter.element


def _implement(package: autosar.ArPackage, behavior: components.SwcInternalBehavior, component: str) -> None:
    elements = package.element.get_or_create_sub_element("ELEMENTS")
    implementation = elements.create_named_sub_element("SWC-IMPLEMENTATION", f"{component}_Implementation")
    implementation.create_sub_element("PROGRAMMING-LANGUAGE").character_data = "C"
    implementation.create_sub_element("BEHAVIOR-REF").reference_target = behavior.element


def _initial(spec: Any, value: float) -> None:
    number = spec.create_sub_element("INIT-VALUE").create_sub_element("NUMERICAL-VALUE-SPECIFICATION")
    number.create_sub_element("VALUE").character_data = value


def _describe(element: Any, text: str) -> None:
    """Add a description in English, on one line."""
    line = element.create_sub_element("DESC").create_sub_element("L-2")
    line.set_attribute("L", "EN")
    line.insert_character_content_item(text, 0)
