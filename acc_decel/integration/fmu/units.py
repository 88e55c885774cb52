"""Units of the variables as FMI defines them: a name, powers of SI base units, and how a tool may display them."""

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement


@dataclass(frozen=True)
class Unit:
    """A unit: `base` are powers of SI base units, with the factor and offset that convert to them.

    `display` is a unit that people prefer, with the factor that converts to it.
    """

    name: str
    base: dict[str, int | float] = field(default_factory=dict)
    display: tuple[str, float] | None = None


UNITS: dict[str, Unit] = {  # by the text of the factors and outputs
    "": Unit("1", {}),
    "rise/run": Unit("1", {}),
    "m/s": Unit("m/s", {"m": 1, "s": -1}, ("km/h", 3.6)),
    "m/s^2": Unit("m/s2", {"m": 1, "s": -2}),
    "m": Unit("m", {"m": 1}),
    "mm": Unit("mm", {"m": 1, "factor": 0.001}),
    "s": Unit("s", {"s": 1}),
    "kg": Unit("kg", {"kg": 1}),
    "bar": Unit("bar", {"kg": 1, "m": -1, "s": -2, "factor": 1e5}),
    "degC": Unit("degC", {"K": 1, "offset": 273.15}),
}


def unit_of(text: str) -> Unit | None:
    """The unit that a factor or an output names; None if it is none that FMI could convert, which has only a name."""
    return UNITS.get(text)


def unit_name(text: str) -> str:
    """The name of a unit in the files of FMI."""
    unit = unit_of(text)
    return unit.name if unit else text


def add_units(parent: Element, texts: set[str]) -> None:
    """Add the definitions of all units that are used, in the order of their names."""
    definitions = SubElement(parent, "UnitDefinitions")
    used = {unit_name(text): unit_of(text) for text in texts}
    for name in sorted(used):
        element, unit = SubElement(definitions, "Unit", name=name), used[name]
        if unit:
            SubElement(element, "BaseUnit", {key: f"{power:g}" for key, power in unit.base.items()})
        if unit and unit.display:
            display, factor = unit.display
            SubElement(element, "DisplayUnit", name=display, factor=f"{factor:g}")
