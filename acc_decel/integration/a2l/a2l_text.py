"""Entries of an A2L file (ASAP2 1.7.1) as text: each takes what it describes, and has no address yet."""

from collections.abc import Sequence
from dataclasses import dataclass

NO_YES, OFF_ON = "acc_decel_no_yes", "acc_decel_off_on"  # the value tables of template.a2l
_TYPES = {"float": "FLOAT32_IEEE", "uint8_t": "UBYTE", "uint32_t": "ULONG", "uint64_t": "A_UINT64"}


@dataclass(frozen=True)
class Entry:
    """A value in the memory of the ECU: where it lies, its unit or value table, and its limits.

    The link is the name in C that a2ltool looks up; with a `mask`, the value is one bit of it.
    """

    link: str
    kind: str  # its type in C
    meaning: str
    low: float
    high: float
    unit: str = ""
    table: str = ""  # instead of the unit
    part: str = ""  # of the link, if it is no member of a struct
    mask: int = 0

    @property
    def name(self) -> str:
        """The name in the tool."""
        return f"{self.link}.{self.part}" if self.part else self.link

    @property
    def method(self) -> str:
        """The name of its conversion."""
        return self.table or method_name(self.unit)


def method_name(unit: str) -> str:
    """The name of the conversion that shows a number with this unit."""
    return "acc_decel_unit_" + ("".join(c if c.isalnum() else "_" for c in unit) or "none")


def method(unit: str) -> str:
    """The conversion that shows a number with this unit."""
    return f"""    /begin COMPU_METHOD {method_name(unit)} ""
      IDENTICAL "%10.4" "{unit}"
    /end COMPU_METHOD"""


def measurement(entry: Entry) -> str:
    """A value to watch."""
    mask = f"\n      BIT_MASK 0x{entry.mask:X}" if entry.mask else ""
    return f"""    /begin MEASUREMENT {entry.name} "{_quoted(entry.meaning)}"
      {_TYPES[entry.kind]} {entry.method} 0 0 {entry.low:.16g} {entry.high:.16g}{mask}
      ECU_ADDRESS 0x0
      SYMBOL_LINK "{entry.link}" 0
    /end MEASUREMENT"""


def characteristic(entry: Entry, *, step: float) -> str:
    """A number to set, which the tool changes by `step`."""
    return f"""    /begin CHARACTERISTIC {entry.name} "{_quoted(entry.meaning)}"
      VALUE 0x0 acc_decel_float32 0 {entry.method} {entry.low:.16g} {entry.high:.16g}
      STEP_SIZE {step:g}
      SYMBOL_LINK "{entry.link}" 0
    /end CHARACTERISTIC"""


def group(name: str, meaning: str, members: Sequence[str], *, of: str = "MEASUREMENT") -> str:
    """A folder of the tool's tree."""
    return f"""    /begin GROUP {name} "{_quoted(meaning)}"
      ROOT
      /begin REF_{of}
        {" ".join(members)}
      /end REF_{of}
    /end GROUP"""


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
