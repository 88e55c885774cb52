"""A task of another kind than the predictions of `CortexM` on an emulated core, tick after tick through its mailbox."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from unicorn import UC_HOOK_BLOCK

from acc_decel.compiled import compiled, firmware_sources
from acc_decel.ecu.compiler import PRODUCT
from acc_decel.ecu.cores import CORTEX_M4F, Core, core_named
from acc_decel.ecu.emulator import Emulator, exchanged, powered
from acc_decel.ecu.image import STARTUP, Image, Program, compile_command, image
from acc_decel.ecu.meter import Meter
from acc_decel.ecu.self_test import check_passed


@dataclass(frozen=True)
class TaskCosts:
    """What one function of the task has cost, over all its calls, from entry to return."""

    calls: int
    instructions: int  # maximum
    instructions_mean: float
    cycles: int | None  # maximum, an estimate; None for a core without published timings
    stack_bytes: int  # below the stack pointer of the caller


class EmulatedTask:
    """The firmware of `folder` with a task of its own on an emulated core, after power-up and self-test.

    `task` are C files with the symbols of target/main.c; their one mailbox may be any struct. With `metered`, the name
    of a function, each of its calls is measured, which takes ten times as long. Raises RuntimeError with the message of
    the compiler, or if the self-test of the firmware did not pass.
    """

    def __init__(
        self,
        folder: Path,
        task: Sequence[Path],
        *,
        core: str = CORTEX_M4F,
        build: Path | None = None,
        metered: str | None = None,
    ) -> None:
        """Cross-compile and power up."""
        self._kind = core_named(core)
        program = Program(firmware_sources, (STARTUP, *task))
        if build is None:
            with tempfile.TemporaryDirectory() as temporary:
                self._image = image(folder, Path(temporary), self._kind, program=program)
        else:
            self._image = image(folder, build, self._kind, program=program)
        self._core = powered(self._image, self._kind)
        check_passed(self.word("self_test_result"), core)
        self._meter = None if metered is None else _attached(self._core, self._image, self._kind, metered)

    def exchange(self, mail: bytes) -> bytes:
        """The mailbox after the task has run once with `mail` in it."""
        return exchanged(self._core, self._image, self._kind, mail, 1)

    def word(self, symbol: str) -> int:
        """The uint32_t at a symbol of the task."""
        return int.from_bytes(self._core.mem_read(self._image.symbols[symbol], 4), "little")

    @property
    def costs(self) -> TaskCosts:
        """What the metered function has cost so far. Raises ValueError if none is metered, or it was not called."""
        if self._meter is None or not self._meter.calls:
            raise ValueError("The costs of a task need a metered function that was called. Got none: run a tick.")
        calls = [call.whole for call in self._meter.calls]
        return TaskCosts(
            calls=len(calls),
            instructions=max(call[0] for call in calls),
            instructions_mean=sum(call[0] for call in calls) / len(calls),
            cycles=max(call[1] for call in calls) if self._kind.timing is not None else None,
            stack_bytes=self._meter.stack_bytes(self._core),
        )


def _attached(core: Emulator, program: Image, kind: Core, function: str) -> Meter:
    """A meter of each further call of `function`."""
    meter = Meter(program.symbols[function], program.symbols["acc_decel_network"], kind)
    core.hook_add(UC_HOOK_BLOCK, meter.step)
    core.ctl_flush_tb()  # code that is already translated has no hook
    return meter


def object_bytes(source: Path, folder: Path, *, core: str = CORTEX_M4F) -> tuple[int, int]:
    """Flash [bytes] and static RAM [bytes] of one C file that is compiled with the headers of `folder`."""
    command = (*compile_command(core_named(core), PRODUCT), f"-I{folder}")
    with tempfile.TemporaryDirectory() as temporary:
        content = compiled(command, [source], Path(temporary) / "unit.o").read_bytes()
    flash = ram = 0
    for section in ELFFile(BytesIO(content)).iter_sections():
        in_memory, written = (bool(section["sh_flags"] & flag) for flag in (SH_FLAGS.SHF_ALLOC, SH_FLAGS.SHF_WRITE))
        if in_memory and not section.name.startswith(".ARM."):  # tables for unwinding, which the linker leaves out
            flash += 0 if written else section["sh_size"]
            ram += section["sh_size"] if written else 0
    return flash, ram
