"""The folder of the AUTOSAR component: its description, its runnables, and the firmware that they call."""

from acc_decel.export import firmware_files, golden_events, prediction_files
from acc_decel.export.firmware_files import FLOAT
from acc_decel.export.prefix import check_prefix, renamed, with_prefix
from acc_decel.integration.autosar.arxml import arxml
from acc_decel.integration.autosar.component import component_source
from acc_decel.integration.autosar.ports import camel, ports_of
from acc_decel.integration.writing import stamp_of
from acc_decel.network import DenseNet

COMPONENT = "AccDecel"


def autosar_files(
    net: DenseNet, *, model: str, number_format: str = FLOAT, port_prefix: str = "", prefix: str | None = None
) -> dict[str, str | bytes]:
    """Description, runnables and firmware as file name -> content.

    The names of the ports begin with `port_prefix`. With a `prefix`, the firmware has it, and the component is named
    after it: two models make two components. Raises ValueError if `net` cannot become firmware, or for a prefix that
    cannot be one.
    """
    if prefix is not None:
        check_prefix(prefix)
    ports = ports_of(net.factors, prefix=port_prefix)
    component = camel(prefix or "") + COMPONENT
    stamp = stamp_of(net, command="autosar", model=model)
    source = component_source(ports, component=component, stamp=stamp)
    firmware = firmware_files(net, model=model, golden=golden_events(net.factors), number_format=number_format)
    code = prediction_files(firmware)
    return {
        f"{component}.arxml": arxml(ports, component=component, stamp=stamp),
        f"{component}.c": renamed(source, prefix or ""),
        **(with_prefix(code, prefix) if prefix else code),
    }
