"""The firmware on an emulated Cortex-M4F: cross-compiled, run instruction by instruction, counted and measured."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray
from unicorn import UC_ARCH_ARM, UC_HOOK_CODE, UC_MODE_MCLASS, UC_MODE_THUMB
from unicorn.arm_const import UC_ARM_REG_LR, UC_ARM_REG_SP, UC_CPU_ARM_CORTEX_M4
from unicorn.unicorn import Uc

from acc_decel.ecu.image import Image, image
from acc_decel.factors import OUTPUTS
from acc_decel.status import REFUSED

TARGET = "cortex-m4f"
Core: TypeAlias = Any  # a unicorn.Uc, whose methods have no types
_FLASH, _FLASH_BYTES = 0x00000000, 256 * 1024  # as in target/script.ld
_RAM, _RAM_BYTES = 0x20000000, 64 * 1024
_SYSTEM_CONTROL = 0xE000E000  # CPACR, which switches the FPU on, lies in this page
_STACK_BYTES = 16 * 1024  # top of RAM, painted to see how deep the stack reaches
_PAINT = 0xA5
_NOP_BYTES = 2  # batch_done() begins with a nop, where the core stops
_NOWHERE = 0xFFFFFFFC  # the core never gets there


@dataclass(frozen=True)
class EcuReport:
    """What the firmware costs on the core.

    Instructions are those executed from the entry of `acc_decel_predict` to its return, over the `counted` events (the
    answered ones, if any: a refusal is shorter). Flash is code and constant tables that come from acc_decel.c, RAM its
    static data; vector table, mailboxes and task of the virtual ECU are not included. Stack is the depth below the
    stack pointer of the caller at the call of `acc_decel_predict`: the lower of the lowest byte written (painted stack)
    and the lowest stack pointer.
    """

    target: str
    instructions_per_prediction: int  # the most
    instructions_least: int
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    predictions: int  # events given
    counted: int  # events over which instructions and stack were measured


class CortexM4F:
    """The firmware of a folder on an emulated Cortex-M4F (level 3 of a virtual ECU).

    `build` is where the image is kept and found again while the sources are the same; without it, it is compiled into
    a temporary folder.
    """

    def __init__(self, folder: Path, *, build: Path | None = None) -> None:
        """Cross-compile the firmware of `folder`. Raises RuntimeError with what the compiler said."""
        if build is None:
            with tempfile.TemporaryDirectory() as temporary:
                self._image = image(folder, Path(temporary))
        else:
            self._image = image(folder, build)
        self._mailbox = np.dtype(
            [("factors", "<f4", self._image.columns), ("outputs", "<f4", len(OUTPUTS)), ("status", "<i8")], align=True
        )
        self._core = _powered(self._image)

    def predict_array(
        self, columns: Float32[ndarray, "rows columns"]
    ) -> tuple[Float32[ndarray, "rows 4"], Int64[ndarray, " rows"]]:
        """Outputs, as `OUTPUTS` lists them (NaN where refused), and status of every row; NaN in means not available.

        Raises ValueError for a wrong number of columns.
        """
        return self._answers(self._core, columns)

    def report(self, columns: Float32[ndarray, "rows columns"], *, sample: int = 64) -> EcuReport:
        """What a prediction costs, measured on the first `sample` events. Raises ValueError without any."""
        if not len(columns):
            raise ValueError("The virtual ECU must be given at least one event to measure. Got none.")
        core = _powered(self._image)
        meter = _Meter(self._image.symbols["acc_decel_predict"])
        core.hook_add(UC_HOOK_CODE, meter.step)
        _, status = self._answers(core, columns[:sample])
        counts = np.array(meter.counts)
        answered = counts[status & REFUSED == 0] if (status & REFUSED == 0).any() else counts
        return EcuReport(
            target=TARGET,
            instructions_per_prediction=int(answered.max()),
            instructions_least=int(answered.min()),
            flash_bytes=self._image.flash_bytes,
            ram_bytes=self._image.ram_bytes,
            stack_bytes=meter.stack_bytes(core),
            predictions=len(columns),
            counted=len(answered),
        )

    def _answers(
        self, core: Core, columns: Float32[ndarray, "rows columns"]
    ) -> tuple[Float32[ndarray, "rows 4"], Int64[ndarray, " rows"]]:
        if columns.shape[1] != self._image.columns:
            raise ValueError(
                f"The firmware takes {self._image.columns} columns. Got {columns.shape[1]}: export it again."
            )
        mail = np.zeros(len(columns), self._mailbox)
        mail["factors"], mail["outputs"] = columns, np.nan
        for start in range(0, len(mail), self._image.mailboxes):
            batch = mail[start : start + self._image.mailboxes]
            batch[:] = np.frombuffer(_exchanged(core, self._image, batch.tobytes(), len(batch)), self._mailbox)
        return mail["outputs"].copy(), mail["status"].copy()


class _Meter:
    """Counts instructions and stack from each entry of a function to its return, as a code hook."""

    def __init__(self, entry: int) -> None:
        self.counts: list[int] = []
        self._entry = entry
        self._return = -1  # address after the running call
        self._count = 0
        self._lowest = self._highest = 0  # stack pointers

    def step(self, core: Core, address: int, *_: object) -> None:
        """Called before each instruction."""
        if self._return < 0:
            if address == self._entry:
                self._enter(core)
        elif address == self._return:
            self.counts.append(self._count)
            self._return = -1
        else:
            self._count += 1
            self._lowest = min(self._lowest, core.reg_read(UC_ARM_REG_SP))

    def _enter(self, core: Core) -> None:
        self._return = core.reg_read(UC_ARM_REG_LR) & ~1
        self._count = 1
        if not self._highest:
            self._highest = self._lowest = core.reg_read(UC_ARM_REG_SP)
            core.mem_write(_RAM + _RAM_BYTES - _STACK_BYTES, bytes([_PAINT]) * (self._painted_bytes()))

    def _painted_bytes(self) -> int:
        return self._highest - (_RAM + _RAM_BYTES - _STACK_BYTES)

    def stack_bytes(self, core: Core) -> int:
        """The deepest stack of the calls so far."""
        stack = core.mem_read(_RAM + _RAM_BYTES - _STACK_BYTES, self._painted_bytes())
        untouched = len(stack) - len(stack.lstrip(bytes([_PAINT])))
        return max(len(stack) - untouched, self._highest - self._lowest)


def _powered(program: Image) -> Core:
    """A core that has run from reset to the end of its first, empty batch."""
    core: Core = cast(Core, Uc)(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
    core.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M4)
    for start, size in ((_FLASH, _FLASH_BYTES), (_RAM, _RAM_BYTES), (_SYSTEM_CONTROL, 0x1000)):
        core.mem_map(start, size)
    for address, data in program.segments:
        core.mem_write(address, data)
    core.reg_write(UC_ARM_REG_SP, int.from_bytes(core.mem_read(_FLASH, 4), "little"))  # as the core does at reset
    done = program.symbols["batch_done"]
    core.hook_add(UC_HOOK_CODE, _stop, begin=done, end=done)
    _run(core, program.symbols["reset"])
    return core


def _stop(core: Core, *_: object) -> None:
    core.emu_stop()


def _exchanged(core: Core, program: Image, mail: bytes, count: int) -> bytes:
    """The mailboxes `mail` after the core has answered `count` of them."""
    core.mem_write(program.symbols["mailboxes"], mail)
    core.mem_write(program.symbols["mailboxes_filled"], count.to_bytes(4, "little"))
    _run(core, program.symbols["batch_done"] + _NOP_BYTES)
    return bytes(core.mem_read(program.symbols["mailboxes"], len(mail)))


def _run(core: Core, start: int) -> None:
    """Runs from the address `start` to the next call of batch_done()."""
    thumb = 1
    core.emu_start(start | thumb, _NOWHERE)
