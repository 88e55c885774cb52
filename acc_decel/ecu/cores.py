"""The cores of the virtual ECU: how to compile for each, how to emulate it, what its instructions cost."""

from dataclasses import dataclass

from unicorn.arm_const import (
    UC_CPU_ARM_CORTEX_M0,
    UC_CPU_ARM_CORTEX_M3,
    UC_CPU_ARM_CORTEX_M4,
    UC_CPU_ARM_CORTEX_M7,
)

from acc_decel.ecu.cycles import Timing, cortex_m0, cortex_m3, cortex_m4


@dataclass(frozen=True)
class Core:
    """One kind of core. Without an FPU, floating point is done by routines of the compiler."""

    name: str
    target: tuple[str, ...]  # options of the compiler
    model: int  # Unicorn's number of it
    timing: Timing | None  # None where no manual gives the cycles of an instruction
    fpu: bool


def _core(name: str, abi: str, cpu: str, model: int, timing: Timing | None, *, fpu: bool) -> Core:
    return Core(name, ("-target", f"thumb-freestanding-{abi}", f"-mcpu={cpu}"), model, timing, fpu)


# fmt: off
CORES = {
    core.name: core
    for core in (
        _core("cortex-m4f", "eabihf", "cortex_m4+vfp4d16sp", UC_CPU_ARM_CORTEX_M4, cortex_m4, fpu=True),
        _core("cortex-m7", "eabihf", "cortex_m7+fp_armv8d16sp", UC_CPU_ARM_CORTEX_M7, None, fpu=True),
        _core("cortex-m3", "eabi", "cortex_m3", UC_CPU_ARM_CORTEX_M3, cortex_m3, fpu=False),
        _core("cortex-m0", "eabi", "cortex_m0", UC_CPU_ARM_CORTEX_M0, cortex_m0, fpu=False),
    )
}
# fmt: on
CORTEX_M4F = "cortex-m4f"


def core_named(name: str) -> Core:
    """The core of this name. Raises ValueError if there is none."""
    if name not in CORES:
        raise ValueError(f"The core must be one of {', '.join(CORES)}. Got {name!r}.")
    return CORES[name]
