"""The exported ACC unit as a virtual ECU: on the host, and on an emulated core, many states a call."""

import ctypes
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float32, UInt32
from numpy import ndarray
from unicorn import UC_HOOK_BLOCK

from acc_decel.compiled import SAME_BITS, WARNINGS, acc_sources, compiled
from acc_decel.ecu.compiler import PRODUCT, TARGET_SOURCES, ZIG, Compiler
from acc_decel.ecu.cores import CORTEX_M4F, core_named
from acc_decel.ecu.emulator import Emulator, exchanged, powered
from acc_decel.ecu.image import Program, image
from acc_decel.ecu.meter import Meter
from acc_decel.ecu.self_test import SelfTest
from acc_decel.export.acc_reference import ANSWERS, COLUMNS, UNCHANGED, USED

ACC = Program(acc_sources, tuple(TARGET_SOURCES / name for name in ("startup.c", "acc_task.c", "acc_main.c")))
FUNCTIONS = (
    "acc_decel_acc_safe_gap", "acc_decel_acc_time_gap", "acc_decel_acc_required_deceleration",
    "acc_decel_acc_latest_braking_distance", "acc_decel_acc_warning", "acc_decel_acc_lead_upper",
)  # fmt: skip
_NOWHERE = -1  # an address that no core reaches: the unit has no network
_HOST_OPTIONS = (*SAME_BITS, *WARNINGS, "-O2", "-shared", "-fPIC")
_MAILBOX: "np.dtype[Any]" = np.dtype(
    [("state", "<f4", len(COLUMNS)), ("answers", "<f4", len(ANSWERS)), ("status", "<u4", len(USED))]
)
AccAnswers: TypeAlias = tuple[Float32[ndarray, "states answers"], UInt32[ndarray, "states used"]]


@dataclass(frozen=True)
class FunctionCosts:
    """What calls of one function cost on a core, from entry to return; cycles are None without published timings."""

    instructions_least: int
    instructions: int  # maximum
    cycles: int | None  # maximum


class AccHost:
    """The ACC unit of an exported folder on this machine; `compiler` and `options` as for `HostEcu`."""

    def __init__(self, folder: Path, *, compiler: Sequence[str] = ZIG, options: Sequence[str] = ()) -> None:
        """Compile and load the unit of `folder`. Raises RuntimeError with the compiler's message."""
        sources = [*acc_sources(folder), TARGET_SOURCES / "acc_task.c", TARGET_SOURCES / "acc_host.c"]
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
            command = (*compiler, *_HOST_OPTIONS, *options, f"-I{folder}")
            self._library = ctypes.CDLL(str(compiled(command, sources, Path(work) / "acc_decel_acc.so")))
        self._library.acc_decel_acc_host_batch.argtypes = (ctypes.c_size_t, ctypes.c_void_p)
        self._library.acc_decel_acc_host_batch.restype = None

    def answers(self, states: Float32[ndarray, "states columns"]) -> AccAnswers:
        """Answers and status of every state, as `acc_answers` of the export gives them."""
        mail = _mail(states)
        self._library.acc_decel_acc_host_batch(len(mail), mail.ctypes.data)
        return _answers(mail)

    def self_test(self) -> SelfTest:
        """The result of `acc_decel_acc_self_test` on this machine."""
        return SelfTest(self._library.acc_decel_acc_self_test())


class AccCore:
    """The ACC unit of an exported folder on an emulated core; `core` and `compiler` as for `CortexM`."""

    def __init__(self, folder: Path, *, core: str = CORTEX_M4F, compiler: Compiler = PRODUCT) -> None:
        """Cross-compile the unit of `folder`. Raises RuntimeError with the compiler's message."""
        self._kind = core_named(core)
        with tempfile.TemporaryDirectory() as build:
            self.image = image(folder, Path(build), self._kind, compiler, ACC)
        self._core = powered(self.image, self._kind)

    def answers(self, states: Float32[ndarray, "states columns"]) -> AccAnswers:
        """Answers and status of every state, as `acc_answers` of the export gives them."""
        return self._exchanged(self._core, states)

    def self_test(self) -> SelfTest:
        """The result of `acc_decel_acc_self_test` after power-up."""
        return SelfTest(int.from_bytes(self._core.mem_read(self.image.symbols["self_test_result"], 4), "little"))

    def costs(self, states: Float32[ndarray, "states columns"], function: str) -> tuple[FunctionCosts, int]:
        """What one function of `FUNCTIONS` costs over these states, or `task`, which calls all of them.

        And the bytes of stack of the task below the stack pointer of the function's caller.
        """
        core = powered(self.image, self._kind)
        meter = Meter(self.image.symbols[function], _NOWHERE, self._kind)
        core.hook_add(UC_HOOK_BLOCK, meter.step)
        core.ctl_flush_tb()  # code that is already translated has no hook
        self._exchanged(core, states)
        calls = np.array([call.whole for call in meter.calls])
        cycles = int(calls[:, 1].max()) if self._kind.timing is not None else None
        return FunctionCosts(int(calls[:, 0].min()), int(calls[:, 0].max()), cycles), meter.stack_bytes(core)

    def _exchanged(self, core: Emulator, states: ndarray) -> AccAnswers:
        mail, most = _mail(states), self.image.mailboxes
        for start in range(0, len(mail), most):
            batch = mail[start : start + most]
            batch[:] = np.frombuffer(exchanged(core, self.image, self._kind, batch.tobytes(), len(batch)), _MAILBOX)
        return _answers(mail)


def _mail(states: ndarray) -> ndarray:
    if states.shape[1] != len(COLUMNS):
        raise ValueError(f"A state has the {len(COLUMNS)} columns {', '.join(COLUMNS)}. Got {states.shape[1]}.")
    mail = np.zeros(len(states), _MAILBOX)
    mail["state"], mail["answers"] = states, UNCHANGED
    return mail


def _answers(mail: ndarray) -> AccAnswers:
    return mail["answers"].copy(), mail["status"].copy()
