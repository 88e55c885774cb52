"""The firmware on an emulated Cortex-M (or RISC-V): cross-compiled, emulated, and its instructions counted."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray
from unicorn import UC_HOOK_BLOCK, UC_HOOK_CODE
from unicorn.unicorn import Uc

from acc_decel.ecu.compiler import PRODUCT, Compiler
from acc_decel.ecu.cores import CORTEX_M4F, Core, core_named
from acc_decel.ecu.cycles import Run, RunCosts
from acc_decel.ecu.image import Image, image
from acc_decel.ecu.mailbox import mailbox
from acc_decel.ecu.self_test import SelfTest
from acc_decel.outputs import OUTPUTS
from acc_decel.status import OUTSIDE_DOMAIN, REFUSED

Emulator: TypeAlias = Any  # a unicorn.Uc, whose methods have no types
_FLASH, _FLASH_BYTES = 0x00000000, 256 * 1024  # as in target/script.ld
_RAM, _RAM_BYTES = 0x20000000, 64 * 1024
_SYSTEM_CONTROL = 0xE000E000  # CPACR, which switches the FPU on, lies in this page
_STACK_BYTES = 16 * 1024  # top of RAM, filled with a pattern to measure the depth of the stack
_PAINT = 0xA5
_NOP_BYTES = 2  # batch_done() begins with a nop, where the core stops
_NOWHERE = 0xFFFFFFFC  # the core never reaches this address


@dataclass(frozen=True)
class EcuReport:
    """The cost of the firmware on the core.

    Instructions are those executed from the entry of `acc_decel_predict` to its return, over the `counted` events: the
    answered ones inside the trained domain, if any. A refusal is shorter. Outside the domain the network is computed
    several times, which has its own numbers, None if no event is there. Cycles are the estimate of
    `acc_decel.ecu.cycles`, None for a core without published timings. Guards are all instructions outside the network's
    own function: checks of the factors, domain, status. Flash is code and constant tables of the firmware, RAM its
    static data, library the compiler's routines that it calls; vector table, mailboxes and task of the virtual ECU are
    not included. Stack is the depth below the caller's stack pointer at the call of `acc_decel_predict`: by the lowest
    byte written or the lowest stack pointer, whichever is lower.
    """

    target: str
    instructions_per_prediction: int  # maximum
    instructions_least: int
    instructions_per_mac: float  # maximum, for each multiply-add of the network's layers
    cycles: int | None  # maximum
    cycles_per_mac: float | None
    instructions_outside: int | None  # maximum outside the trained domain
    cycles_outside: int | None
    guard_share: float  # instructions of the guards, relative to those of the network
    multiplications: int  # maximum number of executed integer multiplications
    code_bytes: int
    table_bytes: int
    flash_bytes: int  # code and tables
    library_bytes: int
    ram_bytes: int
    stack_bytes: int
    predictions: int  # number of events
    counted: int  # events over which instructions, cycles and stack were measured


@dataclass(frozen=True)
class SelfTestCosts:
    """What one call of `acc_decel_self_test` costs; cycles are an estimate, None for a core without timings."""

    instructions: int
    cycles: int | None
    stack_bytes: int  # below the stack pointer of the caller


@dataclass(frozen=True)
class TaskRun:
    """The answers of the task at each tick, and its cost from entry to return."""

    outputs: Float32[ndarray, "ticks outputs"]  # as `OUTPUTS` lists them, NaN where refused
    status: Int64[ndarray, " ticks"]
    instructions: Int64[ndarray, " ticks"]
    cycles: Int64[ndarray, " ticks"] | None  # None for a core without published timings


class CortexM:
    """The firmware of a folder on an emulated Cortex-M (level 3 of a virtual ECU).

    `core` is one of `acc_decel.ecu.cores.CORES`. `build` is a folder where the image is cached as long as the
    sources are the same; without it, the image is compiled into a temporary folder. `compiler` is another compiler
    or other options than the product's, to compare them.
    """

    def __init__(
        self, folder: Path, *, core: str = CORTEX_M4F, build: Path | None = None, compiler: Compiler = PRODUCT
    ) -> None:
        """Cross-compile the firmware of `folder`. Raises RuntimeError with the compiler's message."""
        self._kind = core_named(core)
        if build is None:
            with tempfile.TemporaryDirectory() as temporary:
                self._image = image(folder, Path(temporary), self._kind, compiler)
        else:
            self._image = image(folder, build, self._kind, compiler)
        self._mailbox = mailbox(self._image.columns)
        self._core = _powered(self._image, self._kind)

    def predict_array(
        self, columns: Float32[ndarray, "rows columns"]
    ) -> tuple[Float32[ndarray, "rows outputs"], Int64[ndarray, " rows"]]:
        """Outputs, as `OUTPUTS` lists them (NaN where refused), and status of every row; NaN in means not available.

        Raises ValueError for a wrong number of columns.
        """
        return self._answers(self._core, columns)

    def self_test(self, *, altered: int | None = None) -> SelfTest:
        """The result of `acc_decel_self_test` after power-up.

        `altered` is an address in flash where one bit is changed first.
        """
        core = self._core if altered is None else _powered(self._image, self._kind, altered)
        return SelfTest(int.from_bytes(core.mem_read(self._image.symbols["self_test_result"], 4), "little"))

    def self_test_costs(self) -> SelfTestCosts:
        """What the self-test costs, measured on a core just powered up."""
        symbols = self._image.symbols
        meter = _Meter(symbols["acc_decel_self_test"], symbols["acc_decel_network"], self._kind)
        core = _powered(self._image, self._kind, meter=meter)
        instructions, cycles, _ = meter.calls[0].whole
        timed = self._kind.timing is not None
        return SelfTestCosts(instructions, cycles if timed else None, meter.stack_bytes(core))

    def task(self, columns: Float32[ndarray, "ticks columns"], *, ticked: Callable[[], None] = lambda: None) -> TaskRun:
        """The task of an ECU on one core: at each tick its mailbox contains the next row of `columns`.

        `ticked` is called after each tick. Raises ValueError for a wrong number of columns.
        """
        core, meter = self._metered("task")
        outputs = np.empty((len(columns), len(OUTPUTS)), np.float32)
        status = np.empty(len(columns), np.int64)
        for i in range(len(columns)):
            outputs[i : i + 1], status[i : i + 1] = self._answers(core, columns[i : i + 1])
            ticked()
        costs = np.array([call.whole for call in meter.calls], np.int64).reshape(-1, 3)
        return TaskRun(outputs, status, costs[:, 0], costs[:, 1] if self._kind.timing is not None else None)

    def report(self, columns: Float32[ndarray, "rows columns"], *, sample: int = 64) -> EcuReport:
        """The cost of a prediction, measured on the first `sample` events. Raises ValueError without events."""
        if not len(columns):
            raise ValueError("The virtual ECU needs at least one event to measure. Got none.")
        program = self._image
        core, meter = self._metered("acc_decel_predict")
        _, status = self._answers(core, columns[:sample])
        measured, outside = _measured(status)
        every = np.array([call.whole for call in meter.calls])
        whole, network = every[measured], np.array([call.network for call in meter.calls])[measured]
        instructions, cycles, multiplications = (int(maximum) for maximum in whole.max(axis=0))
        instructions_outside, cycles_outside, _ = every[outside].max(axis=0).tolist() if outside.any() else 3 * [None]
        timed = self._kind.timing is not None
        return EcuReport(
            target=self._kind.name,
            instructions_per_prediction=instructions,
            instructions_least=int(whole[:, 0].min()),
            instructions_per_mac=instructions / program.multiply_adds,
            cycles=cycles if timed else None,
            cycles_per_mac=cycles / program.multiply_adds if timed else None,
            instructions_outside=instructions_outside,
            cycles_outside=cycles_outside if timed else None,
            guard_share=float((whole - network)[:, 0].max() / max(network[:, 0].min(), 1)),
            multiplications=multiplications,
            code_bytes=program.code_bytes,
            table_bytes=program.table_bytes,
            flash_bytes=program.code_bytes + program.table_bytes,
            library_bytes=program.library_bytes,
            ram_bytes=program.ram_bytes,
            stack_bytes=meter.stack_bytes(core),
            predictions=len(columns),
            counted=len(whole),
        )

    def _metered(self, function: str) -> "tuple[Emulator, _Meter]":
        """A core after power-up, and a meter of each call of `function` on it."""
        core, symbols = _powered(self._image, self._kind), self._image.symbols
        meter = _Meter(symbols[function], symbols["acc_decel_network"], self._kind)
        core.hook_add(UC_HOOK_BLOCK, meter.step)
        core.ctl_flush_tb()  # code that is already translated has no hook
        return core, meter

    def _answers(
        self, core: Emulator, columns: Float32[ndarray, "rows columns"]
    ) -> tuple[Float32[ndarray, "rows outputs"], Int64[ndarray, " rows"]]:
        if columns.shape[1] != self._image.columns:
            raise ValueError(
                f"The firmware takes {self._image.columns} columns. Got {columns.shape[1]}: export it again."
            )
        mail = np.zeros(len(columns), self._mailbox)
        mail["factors"], mail["outputs"] = columns, np.nan
        for start in range(0, len(mail), self._image.mailboxes):
            batch = mail[start : start + self._image.mailboxes]
            batch[:] = np.frombuffer(
                _exchanged(core, self._image, self._kind, batch.tobytes(), len(batch)), self._mailbox
            )
        return mail["outputs"].copy(), mail["status"].copy()


def _measured(status: Int64[ndarray, " rows"]) -> tuple[Bool[ndarray, " rows"], Bool[ndarray, " rows"]]:
    """Which events count: the answered ones inside the trained domain, else the answered ones, else all.

    And which are answered outside of it.
    """
    answered = status & REFUSED == 0
    outside = answered & (status & OUTSIDE_DOMAIN != 0)
    for events in (answered & ~outside, answered):
        if events.any():
            return events, outside
    return np.ones(len(status), bool), outside


class _Call:
    """Instructions, cycles and integer multiplications of one call: in total, and inside the network."""

    def __init__(self) -> None:
        self.whole = [0, 0, 0]
        self.network = [0, 0, 0]

    def add(self, instructions: int, cycles: int, multiplications: int, *, inside: bool) -> None:
        """Add executed instructions, `inside` the network or not."""
        for total in (self.whole, self.network) if inside else (self.whole,):
            total[0] += instructions
            total[1] += cycles
            total[2] += multiplications


class _Meter:
    """Counts instructions, cycles and stack from each entry of a function to its return, as a hook of blocks."""

    def __init__(self, entry: int, network: int, kind: Core) -> None:
        self.calls: list[_Call] = []
        self._entry, self._network = entry, network
        self._costs = RunCosts(kind.timing, kind.architecture.disassembler)
        self._link, self._stack = kind.architecture.link, kind.architecture.stack
        self._runs: dict[tuple[int, int], Run] = {}
        self._return = self._network_return = -1  # addresses after the running calls
        self._last: Run | None = None
        self._lowest = self._highest = 0  # stack pointers

    def step(self, core: Emulator, address: int, size: int, _: object) -> None:
        """Called before each block: code up to a branch."""
        if self._return < 0:
            if address != self._entry:
                return
            self._enter(core)
        if (last := self._last) is not None:
            if address != last.end:
                self.calls[-1].add(0, last.refill, 0, inside=self._network_return >= 0)
            if last.moves_stack:
                self._lowest = min(self._lowest, core.reg_read(self._stack))
        if address == self._return:
            self._return, self._last = -1, None
            return
        if address == self._network:
            self._network_return = core.reg_read(self._link) & ~1
        elif address == self._network_return:
            self._network_return = -1
        self._last = run = self._run(core, address, size)
        self.calls[-1].add(run.instructions, run.cycles, run.multiplications, inside=self._network_return >= 0)

    def _run(self, core: Emulator, address: int, size: int) -> Run:
        run = self._runs.get((address, size))
        if run is None:
            run = self._runs[address, size] = self._costs.run(address, bytes(core.mem_read(address, size)))
        return run

    def _enter(self, core: Emulator) -> None:
        self._return = core.reg_read(self._link) & ~1
        self.calls.append(_Call())
        if not self._highest:
            self._highest = self._lowest = core.reg_read(self._stack)
            core.mem_write(_RAM + _RAM_BYTES - _STACK_BYTES, bytes([_PAINT]) * (self._painted_bytes()))

    def _painted_bytes(self) -> int:
        return self._highest - (_RAM + _RAM_BYTES - _STACK_BYTES)

    def stack_bytes(self, core: Emulator) -> int:
        """The deepest stack of the calls so far."""
        stack = core.mem_read(_RAM + _RAM_BYTES - _STACK_BYTES, self._painted_bytes())
        untouched = len(stack) - len(stack.lstrip(bytes([_PAINT])))
        return max(len(stack) - untouched, self._highest - self._lowest)


def _powered(program: Image, kind: Core, altered: int | None = None, meter: "_Meter | None" = None) -> Emulator:
    """A core after its first, empty batch; with `altered`, one bit of flash at this address is changed before."""
    core: Emulator = cast(Emulator, Uc)(*kind.architecture.emulator)
    if kind.model is not None:
        core.ctl_set_cpu_model(kind.model)
    for start, size in ((_FLASH, _FLASH_BYTES), (_RAM, _RAM_BYTES), (_SYSTEM_CONTROL, 0x1000)):
        core.mem_map(start, size)
    for address, data in program.segments:
        core.mem_write(address, data)
    if altered is not None:
        core.mem_write(altered, bytes([core.mem_read(altered, 1)[0] ^ 1]))
    if kind.architecture.stack_from_vectors:  # as the core does at reset
        core.reg_write(kind.architecture.stack, int.from_bytes(core.mem_read(_FLASH, 4), "little"))
    done = program.symbols["batch_done"]
    core.hook_add(UC_HOOK_CODE, _stop, begin=done, end=done)
    if meter is not None:
        core.hook_add(UC_HOOK_BLOCK, meter.step)
    _run(core, program.symbols["reset"], kind)
    return core


def _stop(core: Emulator, *_: object) -> None:
    core.emu_stop()


def _exchanged(core: Emulator, program: Image, kind: Core, mail: bytes, count: int) -> bytes:
    """The mailboxes `mail` with the core's answers to the first `count`."""
    core.mem_write(program.symbols["mailboxes"], mail)
    core.mem_write(program.symbols["mailboxes_filled"], count.to_bytes(4, "little"))
    _run(core, program.symbols["batch_done"] + _NOP_BYTES, kind)
    return bytes(core.mem_read(program.symbols["mailboxes"], len(mail)))


def _run(core: Emulator, start: int, kind: Core) -> None:
    """Runs from the address `start` to the next call of batch_done()."""
    core.emu_start(start | kind.architecture.code_bit, _NOWHERE)
