"""The firmware on an emulated Cortex-M (or RISC-V): cross-compiled, emulated, and its instructions counted."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray
from unicorn import UC_HOOK_BLOCK

from acc_decel.ecu.compiler import PRODUCT, Compiler
from acc_decel.ecu.cores import CORTEX_M4F, core_named
from acc_decel.ecu.emulator import Emulator, exchanged, powered
from acc_decel.ecu.image import image
from acc_decel.ecu.mailbox import mailbox
from acc_decel.ecu.meter import Meter
from acc_decel.ecu.running_core import RunningCore
from acc_decel.ecu.self_test import SelfTest, check_passed
from acc_decel.outputs import OUTPUTS
from acc_decel.status import OUTSIDE_DOMAIN, REFUSED

_WATCHED = 4  # events whose reads are watched, which takes ten times as long as counting


@dataclass(frozen=True)
class EcuReport:
    """The cost of the firmware on the core.

    Instructions are those executed from the entry of `acc_decel_predict` to its return, over the `counted` events: the
    answered ones inside the trained domain, if any. A refusal is shorter. Outside the domain the network is computed
    several times, which has its own numbers, None if no event is there. Cycles are the estimate of
    `acc_decel.ecu.cycles` for memory without wait states, None for a core without published timings; a wait state of
    flash adds a cycle to each of the words that are read from it as data, unless a cache has them. Guards are all
    instructions outside the network's own function: checks of the factors, domain, status. Flash is code and constant
    tables of the firmware, RAM its static data, library the compiler's routines that it calls; vector table, mailboxes
    and task of the virtual ECU are not included. Stack is the depth below the caller's stack pointer at the call of
    `acc_decel_predict`: by the lowest byte written or the lowest stack pointer, whichever is lower.
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
    flash_words_read: int  # maximum number of words that are read from flash as data, weights and constants
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
        self._core = powered(self._image, self._kind)

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
        core = self._core if altered is None else powered(self._image, self._kind, altered)
        return SelfTest(int.from_bytes(core.mem_read(self._image.symbols["self_test_result"], 4), "little"))

    def self_test_costs(self) -> SelfTestCosts:
        """What the self-test costs, measured on a core just powered up."""
        symbols = self._image.symbols
        meter = Meter(symbols["acc_decel_self_test"], symbols["acc_decel_network"], self._kind)
        core = powered(self._image, self._kind, on_block=meter.step)
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

    def start(self) -> RunningCore:
        """A core of its own, powered up, for a closed loop that brings one tick after the other.

        Raises RuntimeError, with the likely cause, if its self-test did not pass.
        """
        check_passed(self.self_test(), self._kind.name)
        plain = powered(self._image, self._kind)
        return RunningCore(self._image, self._kind, plain, *self._metered("task"))

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
        flash_words, unaligned = self._reads(columns[:sample][measured])
        cycles += unaligned
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
            flash_words_read=flash_words,
            code_bytes=program.code_bytes,
            table_bytes=program.table_bytes,
            flash_bytes=program.code_bytes + program.table_bytes,
            library_bytes=program.library_bytes,
            ram_bytes=program.ram_bytes,
            stack_bytes=meter.stack_bytes(core),
            predictions=len(columns),
            counted=len(whole),
        )

    def _reads(self, events: Float32[ndarray, "rows columns"]) -> tuple[int, int]:
        """The most words that one of the first events reads from flash, and cycles that it reads across words."""
        core, meter = self._metered("acc_decel_predict")
        meter.watch_reads(core)
        self._answers(core, events[:_WATCHED])
        return max(call.flash_words for call in meter.calls), max(call.unaligned for call in meter.calls)

    def _metered(self, function: str) -> tuple[Emulator, Meter]:
        """A core after power-up, and a meter of each call of `function` on it."""
        core, symbols = powered(self._image, self._kind), self._image.symbols
        meter = Meter(symbols[function], symbols["acc_decel_network"], self._kind)
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
                exchanged(core, self._image, self._kind, batch.tobytes(), len(batch)), self._mailbox
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
