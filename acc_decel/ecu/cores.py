"""The cores of the virtual ECU: compiler options, emulator, the cycles of instructions; and the boards of QEMU."""

from dataclasses import dataclass

import capstone
import unicorn
from unicorn.arm_const import (
    UC_ARM_REG_LR,
    UC_ARM_REG_SP,
    UC_CPU_ARM_CORTEX_M0,
    UC_CPU_ARM_CORTEX_M3,
    UC_CPU_ARM_CORTEX_M4,
    UC_CPU_ARM_CORTEX_M7,
)
from unicorn.riscv_const import UC_RISCV_REG_RA, UC_RISCV_REG_SP

from acc_decel.ecu.cycles import THUMB, Timing, cortex_m0, cortex_m3, cortex_m4


@dataclass(frozen=True)
class Architecture:
    """A family of cores, in the numbers of Unicorn and Capstone."""

    emulator: tuple[int, int]
    disassembler: tuple[int, int]
    link: int  # the register with the address to return to
    stack: int  # the stack pointer
    code_bit: int  # set in addresses of functions
    stack_from_vectors: bool  # whether the core takes its stack pointer from the first word of flash at reset


ARM = Architecture(
    (unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS), THUMB, UC_ARM_REG_LR, UC_ARM_REG_SP, 1, True
)
RISCV = Architecture(
    (unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32),
    (capstone.CS_ARCH_RISCV, capstone.CS_MODE_RISCV32 | capstone.CS_MODE_RISCVC),
    UC_RISCV_REG_RA,
    UC_RISCV_REG_SP,
    0,
    False,
)


@dataclass(frozen=True)
class Core:
    """One kind of core. Without an FPU, floating point is done by routines of the compiler."""

    name: str
    target: tuple[str, ...]  # options of zig
    gcc_target: tuple[str, ...]  # options of arm-none-eabi-gcc, none if the core is no Arm core
    model: int | None  # Unicorn's number of the core; None is the default of the architecture
    timing: Timing | None  # None if no manual gives the cycles of an instruction
    fpu: bool
    architecture: Architecture = ARM

    @property
    def flushes_subnormals(self) -> bool:
        """Whether its FPU takes subnormal numbers for 0."""
        return _FLUSH in self.target


def _core(name: str, cpu: str, zig_fpu: str, gcc_fpu: str, model: int, timing: Timing | None, *defined: str) -> Core:
    zig = ("-target", f"thumb-freestanding-eabi{'hf' if zig_fpu else ''}", f"-mcpu={cpu}{zig_fpu}", *defined)
    gcc = ("-mthumb", f"-mcpu={cpu.replace('_', '-')}", *gcc_fpu.split(), *defined)
    return Core(name, zig, gcc, model, timing, fpu=bool(zig_fpu))


_FPV4, _FPV5 = (f"-mfloat-abi=hard -mfpu={fpu}-sp-d16" for fpu in ("fpv4", "fpv5"))
_FLUSH = "-DFLUSH_TO_ZERO"  # the FPU takes subnormals for 0 and NaN for the default NaN, as FPUs of other makers do
_RV32 = ("-target", "riscv32-freestanding", "-mcpu=generic_rv32+m+f+c", "-mabi=ilp32f", "-msmall-data-limit=0")
_RV32_BARE = ("-target", "riscv32-freestanding", "-mcpu=generic_rv32+c", "-mabi=ilp32", "-msmall-data-limit=0")
# fmt: off
CORES = {
    core.name: core
    for core in (
        _core("cortex-m4f", "cortex_m4", "+vfp4d16sp", _FPV4, UC_CPU_ARM_CORTEX_M4, cortex_m4),
        _core("cortex-m4f-ftz", "cortex_m4", "+vfp4d16sp", _FPV4, UC_CPU_ARM_CORTEX_M4, cortex_m4, _FLUSH),
        _core("cortex-m7", "cortex_m7", "+fp_armv8d16sp", _FPV5, UC_CPU_ARM_CORTEX_M7, None),
        _core("cortex-m3", "cortex_m3", "", "", UC_CPU_ARM_CORTEX_M3, cortex_m3),
        _core("cortex-m0", "cortex_m0", "", "", UC_CPU_ARM_CORTEX_M0, cortex_m0),
        Core("rv32imfc", _RV32, (), None, None, fpu=True, architecture=RISCV),
        Core("rv32ic", _RV32_BARE, (), None, None, fpu=False, architecture=RISCV),  # the compiler's routines multiply
    )
}
# fmt: on
CORTEX_M4F = "cortex-m4f"


@dataclass(frozen=True)
class Board:
    """A core on a board of QEMU, its options of arm-none-eabi-gcc, and the code that starts it.

    `start` is a file of `acc_decel/ecu/target`; None is the example's of the exported folder. `twin` is the core of
    `CORES` whose answers are compared with those of the board.
    """

    machine: str
    target: tuple[str, ...]
    twin: str
    start: str | None = None
    cpu: tuple[str, ...] = ()  # options of QEMU for a board that can carry other cores


def _carried(machine: str, name: str) -> Board:
    """A board with a core that Unicorn has, too; its memory begins at address 0."""
    return Board(machine, (*CORES[name].gcc_target, "-Wl,--section-start=.vectors=0"), name)


_V8M, _R5 = ("-mthumb", "-mfloat-abi=hard"), ("-mcpu=cortex-r5", "-mfloat-abi=hard", "-mfpu=vfpv3-d16", "-Wl,-e,reset")
_AN505 = ("-Wl,--section-start=.vectors=0x10000000", "-Wl,-Ttext-segment=0x10008000", "-DSTACK_TOP=0x10400000U")
_AN547 = ("-Wl,--section-start=.vectors=0", "-DSTACK_TOP=0x80000U")
_HELIUM = ("-O3", "-DACC_DECEL_PLAIN_C")  # the compiler makes vector instructions of the C at -O3
# fmt: off
BOARDS = {
    "cortex-m4f": _carried("mps2-an386", "cortex-m4f"),
    "cortex-m7": _carried("mps2-an500", "cortex-m7"),
    "cortex-m3": _carried("mps2-an385", "cortex-m3"),
    "cortex-m33": Board("mps2-an505", (*_V8M, "-mcpu=cortex-m33", "-mfpu=fpv5-sp-d16", *_AN505), CORTEX_M4F,
                        "qemu_start_v8m.c"),
    "cortex-m55": Board("mps3-an547", (*_V8M, "-mcpu=cortex-m55+nomve", *_AN547), CORTEX_M4F, "qemu_start_v8m.c"),
    "cortex-m55-helium": Board("mps3-an547", (*_V8M, "-mcpu=cortex-m55", *_AN547, *_HELIUM), CORTEX_M4F,
                               "qemu_start_v8m.c"),
    "cortex-r5f": Board("versatilepb", ("-mthumb", *_R5), CORTEX_M4F, "qemu_start_r5.c", ("-cpu", "cortex-r5f")),
    "cortex-r5f-arm": Board("versatilepb", ("-marm", *_R5), CORTEX_M4F, "qemu_start_r5.c", ("-cpu", "cortex-r5f")),
}
# fmt: on
QEMU_ONLY = tuple(name for name in BOARDS if name not in CORES)


def core_named(name: str) -> Core:
    """The core of this name. Raises ValueError if there is none, or if only QEMU has it."""
    if name in QEMU_ONLY:
        raise ValueError(f"The core must be one of {', '.join(CORES)}. Got {name!r}, which only QEMU emulates: add "
                         "--emulator qemu to `acc-decel ecu`.")  # fmt: skip
    if name not in CORES:
        raise ValueError(f"The core must be one of {', '.join(CORES)}. Got {name!r}.")
    return CORES[name]
