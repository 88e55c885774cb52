"""The emulated core with its memory: powered up, and exchanging mailboxes with its task."""

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from unicorn import UC_HOOK_BLOCK, UC_HOOK_CODE
from unicorn.unicorn import Uc

from acc_decel.ecu.cores import Core
from acc_decel.ecu.image import Image

Emulator: TypeAlias = Any  # a unicorn.Uc, whose methods have no types
OnBlock: TypeAlias = Callable[[Emulator, int, int, object], None]  # core, address and size of code up to a branch
FLASH, FLASH_BYTES = 0x00000000, 256 * 1024  # as in target/script.ld
RAM, RAM_BYTES = 0x20000000, 64 * 1024
_SYSTEM_CONTROL = 0xE000E000  # CPACR, which switches the FPU on, lies in this page
_TRANSLATED_BYTES = 1 << 20  # of code for the host; with Unicorn's own 1 GiB a core took 1.4 to 1.8 times as long
_NOP_BYTES = 2  # batch_done() begins with a nop, where the core stops
_NOWHERE = 0xFFFFFFFC  # the core never reaches this address


def powered(program: Image, kind: Core, altered: int | None = None, on_block: OnBlock | None = None) -> Emulator:
    """A core after its first, empty batch; with `altered`, one bit of flash at this address is changed before."""
    core: Emulator = cast(Emulator, Uc)(*kind.architecture.emulator)
    if kind.model is not None:
        core.ctl_set_cpu_model(kind.model)
    core.ctl_set_tcg_buffer_size(_TRANSLATED_BYTES)
    for start, size in ((FLASH, FLASH_BYTES), (RAM, RAM_BYTES), (_SYSTEM_CONTROL, 0x1000)):
        core.mem_map(start, size)
    for address, data in program.segments:
        core.mem_write(address, data)
    if altered is not None:
        core.mem_write(altered, bytes([core.mem_read(altered, 1)[0] ^ 1]))
    if kind.architecture.stack_from_vectors:  # as the core does at reset
        core.reg_write(kind.architecture.stack, int.from_bytes(core.mem_read(FLASH, 4), "little"))
    done = program.symbols["batch_done"]
    core.hook_add(UC_HOOK_CODE, _stop, begin=done, end=done)
    if on_block is not None:
        core.hook_add(UC_HOOK_BLOCK, on_block)
    _run(core, program.symbols["reset"], kind)
    return core


def _stop(core: Emulator, *_: object) -> None:
    core.emu_stop()


def exchanged(core: Emulator, program: Image, kind: Core, mail: bytes, count: int) -> bytes:
    """The mailboxes `mail` with the core's answers to the first `count`."""
    core.mem_write(program.symbols["mailboxes"], mail)
    core.mem_write(program.symbols["mailboxes_filled"], count.to_bytes(4, "little"))
    _run(core, program.symbols["batch_done"] + _NOP_BYTES, kind)
    return bytes(core.mem_read(program.symbols["mailboxes"], len(mail)))


def _run(core: Emulator, start: int, kind: Core) -> None:
    """Runs from the address `start` to the next call of batch_done()."""
    core.emu_start(start | kind.architecture.code_bit, _NOWHERE)
