"""The cost of instructions on a core: a cycle estimate for each straight run of code, from the published timings.

The estimate counts for every executed instruction the cycles of Arm's manual for memory without wait states, and adds
the cycles that depend on the instruction before it. Sources:

- Cortex-M4 Technical Reference Manual (Arm 100166): table 3-1 (integer instructions), section 3.3.2 (a load or store
  that follows a single load takes one cycle less; none after a store, none of two or more words; one more if its
  address is computed by the instruction before it), table 7-1 (floating point) and its note that an arithmetic result
  takes one cycle more if the very next instruction uses it.
- Cortex-M3 Technical Reference Manual (Arm DDI 0337), table 3-1 and load and store timings: as the M4, but
  multiplications take longer, and a load that moves its base register is not overlapped.
- Cortex-M0 Technical Reference Manual (Arm DDI 0432), table 3-1, with the single-cycle multiplier.

If the manual gives a range, the table says which value it uses. A taken branch refills the pipeline in 1 to 3 cycles:
the estimate is 3 for an address in a register, else 2, but 1 on an M3 or M4 if a 32-bit instruction at a multiple of
four bytes follows. A division takes 2 to 12 cycles: the estimate is 12. An instruction in an IT block counts as
executed even if its condition is false.

Not in the manuals, but in what real boards took (`benchmarks/cycle_model.py`): on an M4 integer instructions and stores
run in the last two of the three cycles of a fused multiply-add before them, and its sum is not late for the next one; a
VLDR between a result and its use does not hide that the result is late; a word that is read across a word boundary
costs one cycle more, at an odd address two. That last rule needs addresses: `Meter` applies it where it watches reads.
"""

from collections.abc import Callable
from dataclasses import dataclass

import capstone
from capstone import arm

THUMB = (capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
REFILL = 2  # additional cycles of a taken branch to a fixed address
REFILL_REGISTER = 3  # the same to an address in a register or from the stack
DIVISION = 12

_MULTIPLIED = {  # mnemonic -> (M4, M3)
    "mul": (1, 1),
    "muls": (1, 1),
    "mla": (1, 2),
    "mls": (1, 2),
    "smull": (1, 5),
    "umull": (1, 5),
    "smlal": (1, 7),
    "umlal": (1, 7),
    "sdiv": (DIVISION, DIVISION),
    "udiv": (DIVISION, DIVISION),
}
_SUMMED = ("vmla", "vmls", "vfma", "vfms", "vnmla", "vnmls", "vfnma", "vfnms")  # add a product to a register
_FLOATING = {"vdiv": 14, "vsqrt": 14, **dict.fromkeys(_SUMMED, 3)}
_SHADOW = 2  # cycles of a sum of a product in which the integer core goes on
_ARITHMETIC = ("vadd", "vsub", "vmul", "vnmul", "vdiv", "vsqrt", "vcvt", *_FLOATING)
_BLOCK = ("ldm", "stm", "push", "pop", "vldm", "vstm", "vpush", "vpop")
_PAIR = ("ldrd", "strd")
_MEMORY = ("ldr", "str", "vldr", "vstr", *_BLOCK)
_JUMPS = (capstone.CS_GRP_JUMP, capstone.CS_GRP_CALL, capstone.CS_GRP_RET)


@dataclass(frozen=True)
class Run:
    """A straight run of code: executed from its first instruction to its last, which may branch."""

    instructions: int
    cycles: int  # if the last instruction does not branch
    refill: int  # additional cycles if it does; 0 if it cannot
    end: int  # address after the last instruction
    multiplications: int
    moves_stack: bool  # it may leave another stack pointer
    aligned: bool  # begins with a 32-bit instruction at a multiple of four bytes, which a branch fetches at once


@dataclass(frozen=True)
class _Neighbour:
    """Properties of an instruction that affect the cycles of the next one."""

    pipelined: bool = False  # a load that the next load or store can overlap
    loaded: frozenset[int] = frozenset()  # registers that it loads
    computed: frozenset[int] = frozenset()  # floating-point results, available one cycle later
    processed: frozenset[int] = frozenset()  # results that are available one cycle later for an address
    summed: frozenset[int] = frozenset()  # of `computed`, what the next sum of a product can add to at once
    shadow: int = 0  # cycles in which integer instructions and stores cost nothing


Timing = Callable[[capstone.CsInsn, _Neighbour], int]


class RunCosts:
    """The cost of each run of code on one core; with `timing` None, no cycles are counted.

    `disassembler` is the architecture and mode of Capstone.
    """

    def __init__(self, timing: Timing | None, disassembler: tuple[int, int] = THUMB) -> None:
        self._timing = timing
        self._disassembler = capstone.Cs(*disassembler)
        self._multiplies = _multiplies_thumb if disassembler == THUMB else _multiplies_riscv
        self._disassembler.detail = True

    def run(self, address: int, code: bytes) -> Run:
        """The cost of the instructions `code` at `address`. Raises ValueError if the bytes are not instructions."""
        instructions = list(self._disassembler.disasm(code, address))
        if (read := sum(i.size for i in instructions)) != len(code):
            raise ValueError(f"The code at {address + read:#x} must be instructions. Got {code[read:].hex()}.")
        cycles = refill = 0
        if self._timing:
            before = _Neighbour()
            for instruction in instructions:
                cycles += self._timing(instruction, before)
                before = _neighbour(instruction, before)
            refill = _refill(instructions[-1])
        return Run(
            instructions=len(instructions),
            cycles=cycles,
            refill=refill,
            end=address + len(code),
            multiplications=sum(map(self._multiplies, instructions)),
            moves_stack=any(map(_moves_stack, instructions)),
            aligned=splits_words(self._timing) and instructions[0].size == 4 and address % 4 == 0,
        )


def cortex_m4(instruction: capstone.CsInsn, before: _Neighbour) -> int:
    """Cycles of an instruction on a Cortex-M4 with its FPU."""
    return _mainline(instruction, before, 0)


def cortex_m3(instruction: capstone.CsInsn, before: _Neighbour) -> int:
    """Cycles of an instruction on a Cortex-M3."""
    return _mainline(instruction, before, 1)


def cortex_m0(instruction: capstone.CsInsn, _: _Neighbour) -> int:
    """Cycles of an instruction on a Cortex-M0 with the single-cycle multiplier."""
    name = _name(instruction)
    if name.startswith(_BLOCK):
        return 1 + _listed(instruction)
    if name.startswith(("ldr", "str")):
        return 2
    return 2 if name == "bl" else 1  # with the refill: 4 for a call, 3 for a branch


def refill_cycles(last: Run, target: Run) -> int:
    """Additional cycles of the branch at the end of `last` if it is taken, to `target`."""
    return 1 if last.refill == REFILL and target.aligned else last.refill


def splits_words(timing: Timing | None) -> bool:
    """Whether the core reads a word that is not at a multiple of four bytes in parts, as an M3 or M4 does."""
    return timing in (cortex_m3, cortex_m4)


def unaligned_cycles(address: int, size: int) -> int:
    """Additional cycles of an M3 or M4 to read `size` bytes at `address`: it reads a word in two or three parts."""
    return 0 if size != 4 or address % 4 == 0 else 1 + address % 2


def _mainline(instruction: capstone.CsInsn, before: _Neighbour, column: int) -> int:
    return max(_alone(instruction, before, column) - _shadow(instruction, before), 0)


def _shadow(instruction: capstone.CsInsn, before: _Neighbour) -> int:
    """Cycles of a sum of a product before it in which the instruction can run: none if it needs that sum."""
    name, (read, _) = _name(instruction), instruction.regs_access()
    stores = name.startswith(("str", "vstr"))
    if not before.shadow or before.computed & {*read} or (name.startswith(("v", *_MEMORY)) and not stores):
        return 0
    return 0 if any(instruction.group(group) for group in _JUMPS) or name in {"sdiv", "udiv"} else before.shadow


def _alone(instruction: capstone.CsInsn, before: _Neighbour, column: int) -> int:
    """Cycles of the instruction if nothing hides them."""
    name = _name(instruction)
    read, _ = instruction.regs_access()
    late = bool(before.computed & {*read})
    if name in {"tbb", "tbh"}:
        return 2
    if name.startswith(_SUMMED) and not before.computed & {o.reg for o in instruction.operands[1:]}:
        late = bool((before.computed - before.summed) & {*read})
    if name == "vmov" and len(instruction.operands) > 2:
        return 2 + late  # two words from or to the FPU
    if not name.startswith(_MEMORY):
        return _MULTIPLIED.get(name, (_FLOATING.get(name, 1),) * 2)[column] + late
    address = _address_registers(instruction)
    late = late or bool(before.processed & address)
    if name.startswith(_BLOCK):
        return 1 + _listed(instruction) + late
    if name.startswith(_PAIR):
        return 3 + late
    moves_base = column and instruction.writeback  # which the M3 does not overlap
    overlaps = before.pipelined and not name.startswith("v") and not before.loaded & address and not moves_base
    alone = 1 if name.startswith("str") and not _indexed(instruction) else 2
    return (1 if overlaps else alone) + late


def _neighbour(instruction: capstone.CsInsn, before: _Neighbour) -> _Neighbour:
    name = _name(instruction)
    _, written = instruction.regs_access()
    registers = frozenset(written)
    left = max(before.shadow - _alone(instruction, before, 0), 0) if _shadow(instruction, before) else 0
    if name == "vldr":
        return _Neighbour(loaded=registers, computed=before.computed - registers)
    if name.startswith(_MEMORY):
        pipelined = name.startswith("ldr") and not name.startswith(_PAIR)
        return _Neighbour(pipelined=pipelined, loaded=registers, shadow=left)
    if name.startswith("v"):
        if not name.startswith(_ARITHMETIC):
            return _Neighbour()
        fused = name.startswith(_SUMMED)
        return _Neighbour(
            computed=registers, summed=registers if fused else frozenset(), shadow=_SHADOW if fused else 0
        )
    return _Neighbour(processed=registers, shadow=left)


def _multiplies_thumb(instruction: capstone.CsInsn) -> bool:
    name = _name(instruction)
    return name in _MULTIPLIED or name.startswith("smla")


def _multiplies_riscv(instruction: capstone.CsInsn) -> bool:
    return instruction.mnemonic.startswith(("mul", "div", "rem"))


def _moves_stack(instruction: capstone.CsInsn) -> bool:
    """Whether it writes the stack pointer, which Arm and RISC-V name first, or with ! for a base that moves."""
    return (
        "push" in instruction.mnemonic
        or "pop" in instruction.mnemonic
        or instruction.op_str.startswith("sp")
        or "sp!" in instruction.op_str
    )


def _name(instruction: capstone.CsInsn) -> str:
    """The mnemonic without condition, width and type."""
    name = instruction.mnemonic.split(".")[0]
    condition = instruction.cc
    if condition not in {arm.ARM_CC_AL, arm.ARM_CC_INVALID}:
        name = name.removesuffix(_CONDITIONS[condition])
    return name


_CONDITIONS = {
    getattr(arm, f"ARM_CC_{name.upper()}"): name
    for name in ("eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")
}


def _refill(instruction: capstone.CsInsn) -> int:
    jumps = any(instruction.group(group) for group in _JUMPS) or arm.ARM_REG_PC in instruction.regs_access()[1]
    if not jumps:
        return 0
    fixed = any(operand.type == arm.ARM_OP_IMM for operand in instruction.operands)
    return REFILL if fixed else REFILL_REGISTER


def _listed(instruction: capstone.CsInsn) -> int:
    """Registers in the list of a load or store of many; a double register counts twice."""
    name = _name(instruction)
    registers = [o.reg for o in instruction.operands if o.type == arm.ARM_OP_REG]
    listed = registers if name.endswith(("push", "pop")) else registers[1:]
    return sum(2 if arm.ARM_REG_D0 <= r <= arm.ARM_REG_D31 else 1 for r in listed)


def _address_registers(instruction: capstone.CsInsn) -> frozenset[int]:
    if _name(instruction).startswith(("ldm", "stm", "vldm", "vstm")):
        return frozenset([instruction.operands[0].reg])
    memory = [o.mem for o in instruction.operands if o.type == arm.ARM_OP_MEM]
    return frozenset(register for m in memory for register in (m.base, m.index) if register)


def _indexed(instruction: capstone.CsInsn) -> bool:
    return any(o.type == arm.ARM_OP_MEM and o.mem.index for o in instruction.operands)
