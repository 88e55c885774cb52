"""The CAN task, running: on this machine, or on an emulated core; frames in, one tick, frames out. Needs [ecu]."""

import ctypes
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.compiled import SAME_BITS, WARNINGS, compiled, fingerprint, firmware_sources
from acc_decel.ecu import EmulatedTask, TaskCosts, check_passed
from acc_decel.ecu.compiler import ZIG
from acc_decel.factors import column_names
from acc_decel.integration.can.layout import LENGTH, Bus
from acc_decel.integration.can.task_files import TARGET_SOURCES

HOST = "host"  # in place of the name of a core
ROOM = 32  # received frames in one exchange: CAN_EXCHANGE_FRAMES
_OPTIONS = (*SAME_BITS, *WARNINGS, "-O2", "-shared", "-fPIC")
_TICK, _MAIN, _LIBRARY = (TARGET_SOURCES / name for name in ("can_tick.c", "can_main.c", "can_host.c"))
_FRAME = np.dtype([("id", "<u4"), ("length", "<u4"), ("data", "u1", LENGTH)])


class Frame(NamedTuple):
    """A frame as it is on the bus."""

    identifier: int
    data: bytes


@runtime_checkable
class Task(Protocol):
    """What runs the CAN task."""

    def tick(self, received: Sequence[Frame]) -> list[Frame]:
        """The frames that the task sends in its next tick of 10 ms, after it has received some."""


class HostTask:
    """The CAN task of a folder, compiled for this machine.

    `build` is a folder where the library is cached. Raises RuntimeError with the compiler's message, or if the
    self-test did not pass. `compiler` and `options` select another compiler or, for example, a sanitizer.
    """

    def __init__(
        self,
        folder: Path,
        bus: Bus,
        *,
        build: Path | None = None,
        compiler: Sequence[str] = ZIG,
        options: Sequence[str] = (),
    ) -> None:
        """Compile, load and start."""
        command = (*compiler, *_OPTIONS, *options)
        if build is None:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
                self._library = _loaded(folder, Path(temporary), command)
        else:
            self._library = _loaded(folder, build, command)
        self._mail: ndarray = np.zeros((), exchange(bus))
        self._columns = len(column_names(bus.factors))
        self._state = (ctypes.c_uint64 * (self._library.acc_decel_can_host_bytes() // 8 + 1))()  # aligned
        self.start()

    def start(self) -> None:
        """Forget every frame, as after power-up."""
        check_passed(self._library.acc_decel_can_host_start(self._state), "this machine")

    def tick(self, received: Sequence[Frame]) -> list[Frame]:
        """The frames that the task sends in its next tick, after it has received some."""
        for mail in filled(self._mail, received):
            self._library.acc_decel_can_host_tick(self._state, mail.ctypes.data)
        return sent_in(self._mail)

    def factors(self) -> Float32[ndarray, " columns"]:
        """The factors as received by now, as columns; NaN means not available."""
        columns = np.empty(self._columns, np.float32)
        self._library.acc_decel_can_host_factors(self._state, columns.ctypes.data)
        return columns


class CoreTask:
    """The CAN task of a folder on an emulated core; with `metered`, what each tick costs is counted.

    Raises RuntimeError with the compiler's message, or if the self-test did not pass.
    """

    def __init__(self, folder: Path, bus: Bus, *, core: str, build: Path | None = None, metered: bool = False) -> None:
        """Cross-compile, power up and start."""
        metered_function = "can_tick" if metered else None
        self._task = EmulatedTask(folder, (_TICK, _MAIN), core=core, build=build, metered=metered_function)
        self._mail: ndarray = np.zeros((), exchange(bus))

    def tick(self, received: Sequence[Frame]) -> list[Frame]:
        """The frames that the task sends in its next tick, after it has received some."""
        for mail in filled(self._mail, received):
            self._mail[...] = np.frombuffer(self._task.exchange(mail.tobytes()), mail.dtype)[0]
        return sent_in(self._mail)

    @property
    def costs(self) -> TaskCosts:
        """What the ticks have cost so far, if it is metered."""
        return self._task.costs

    @property
    def state_bytes(self) -> int:
        """RAM of the state that the caller keeps."""
        return self._task.word("acc_decel_can_state_bytes")


def running_task(folder: Path, bus: Bus, *, core: str, build: Path | None = None) -> Task:
    """The CAN task of a folder on `core`, which is the name of an emulated one, or `host`."""
    return HostTask(folder, bus, build=build) if core == HOST else CoreTask(folder, bus, core=core, build=build)


def exchange(bus: Bus) -> "np.dtype[Any]":
    """The struct of can_exchange.h."""
    counts = [(name, "<u4") for name in ("received_count", "run", "sent_count", "padding")]
    return np.dtype([*counts, ("received", _FRAME, ROOM), ("sent", _FRAME, len(bus.outputs))])


def filled(mail: ndarray, received: Sequence[Frame]) -> Iterator[ndarray]:
    """The mailbox, filled with some of the received frames after the other; the task runs with the last of them."""
    for start in range(0, max(len(received), 1), ROOM):
        some = received[start : start + ROOM]
        mail["received_count"], mail["run"] = len(some), start + ROOM >= len(received)
        for place, frame in zip(mail["received"], some, strict=False):
            place["id"], place["length"] = frame.identifier, len(frame.data)
            place["data"][: len(frame.data)] = np.frombuffer(frame.data[:LENGTH], np.uint8)
        yield mail


def sent_in(mail: ndarray) -> list[Frame]:
    """The sent frames in a mailbox."""
    return [Frame(int(f["id"]), f["data"].tobytes()) for f in mail["sent"][: int(mail["sent_count"])]]


def _loaded(folder: Path, build: Path, command: Sequence[str]) -> ctypes.CDLL:
    library_path = build / f"acc_decel_can_{fingerprint(command, (folder, TARGET_SOURCES))}.so"
    if not library_path.exists():
        build.mkdir(parents=True, exist_ok=True)
        include = (f"-I{folder}", f"-I{TARGET_SOURCES}")
        compiled((*command, *include), (*firmware_sources(folder), _TICK, _LIBRARY), library_path)
    library = ctypes.CDLL(str(library_path.resolve()))
    library.acc_decel_can_host_bytes.restype = ctypes.c_size_t
    library.acc_decel_can_host_tick.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    library.acc_decel_can_host_factors.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    library.acc_decel_can_host_tick.restype = library.acc_decel_can_host_factors.restype = None
    return library
