"""The firmware under another compiler and emulator: Arm's GCC and QEMU, a second opinion to zig and Unicorn.

Both are Debian packages. QEMU's boards carry a Cortex-M3, M4F and M7; and cores that Unicorn does not emulate: a
Cortex-M33, an M55 with and without its vector unit, and the Cortex-R5F of many control units, in both instruction sets.
"""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import numpy as np
from elftools.elf.elffile import ELFFile
from jaxtyping import Float32, Int64
from numpy import ndarray

from acc_decel.compiled import SAME_BITS, WARNINGS, compiled, fingerprint, firmware_sources
from acc_decel.ecu.compiler import GCC, TARGET_SOURCES
from acc_decel.ecu.cores import BOARDS, Board
from acc_decel.ecu.image import constant
from acc_decel.ecu.mailbox import mailbox
from acc_decel.ecu.self_test import CAUSES, SelfTest, check_passed

EMULATOR = "qemu-system-arm"
PROGRAMS = (GCC, EMULATOR)
LIBRARY = "rdimon.specs"  # newlib's files of the host through semihosting
INSTALL = "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"
TIMEOUT_S = 600
PROGRAM = "program.elf"
STARTUP = "example_startup.c"  # of the exported folder, as in the example of its README
Answers: TypeAlias = tuple[Float32[ndarray, "rows outputs"], Int64[ndarray, " rows"]]
_OPTIONS = ("-O2", f"--specs={LIBRARY}")
_SILENT = {"QEMU_AUDIO_DRV": "none"}  # a board with a sound chip looks for a sound card


def compile_command(board: Board) -> tuple[str, ...]:
    """The command that compiles and links C files for `board`."""
    return (GCC, *SAME_BITS, *WARNINGS, *_OPTIONS, *board.target)


def emulate_command(board: Board, program: Path) -> tuple[str, ...]:
    """The command that runs `program` on `board`; it prints on the host and reads and writes files of the host."""
    screen = ("-display", "none", "-monitor", "none", "-serial", "none")
    return (EMULATOR, "-M", board.machine, *board.cpu, *screen, "-semihosting-config", "enable=on,target=native",
            "-kernel", str(program))  # fmt: skip


@dataclass(frozen=True)
class QemuReport:
    """The tools, and how often their answers differ from those of the other emulator."""

    target: str
    machine: str  # QEMU's board
    compiler: str
    emulator: str
    predictions: int  # number of events
    unlike_unicorn: int  # events whose outputs or status differ in any bit from those of `CortexM`


class QemuEcu:
    """The firmware of a folder, compiled by Arm's GCC and run on a board of QEMU.

    `core` is one of `BOARDS`. `build` is a folder where the program is cached as long as the sources are the same;
    without it, the program is compiled into a temporary folder.
    """

    def __init__(self, folder: Path, *, core: str, build: Path | None = None) -> None:
        """Compile the firmware of `folder`.

        Raises ValueError for a core that QEMU does not have, FileNotFoundError naming a program that is not installed,
        RuntimeError with the compiler's message.
        """
        if core not in BOARDS:
            raise ValueError(
                f"On QEMU the core must be one of {', '.join(BOARDS)}. Got {core!r}: use the other emulator."
            )
        check_programs()
        self._core, self._board = core, BOARDS[core]
        self.twin = self._board.twin  # the core of `CortexM` whose answers to compare with
        if build is None:
            with tempfile.TemporaryDirectory() as temporary:
                self._program = _program(folder, Path(temporary), self._board)
        else:
            self._program = _program(folder, build, self._board)
        self._columns = constant(ELFFile(BytesIO(self._program)), "acc_decel_target_columns")

    def predict_array(self, columns: Float32[ndarray, "rows columns"]) -> Answers:
        """Outputs, as `OUTPUTS` lists them (NaN where refused), and status of every row; NaN in means not available.

        The self-test of the firmware runs first. Raises ValueError for a wrong number of columns, RuntimeError if the
        program fails.
        """
        if columns.shape[1] != self._columns:
            raise ValueError(f"The firmware takes {self._columns} columns. Got {columns.shape[1]}: export it again.")
        mail = np.zeros(len(columns), mailbox(self._columns))
        mail["factors"], mail["outputs"] = columns, np.nan
        done, answered = self._run(mail.tobytes())
        check_ended(done, self._board, PROGRAM, began=answered is not None)
        answers: ndarray = np.frombuffer(answered or b"", mail.dtype)
        if len(answers) != len(mail):
            raise RuntimeError(f"{EMULATOR} must answer {len(mail)} mailboxes. Got {len(answers)} answers.")
        return answers["outputs"].copy(), answers["status"].copy()

    def self_test(self) -> SelfTest:
        """The result of `acc_decel_self_test` after power-up. Raises RuntimeError if the program fails otherwise."""
        done, answered = self._run(b"")
        if done.returncode not in [*SelfTest] or answered is None:
            check_ended(done, self._board, PROGRAM, began=answered is not None)
        return SelfTest(done.returncode)

    def _run(self, mail: bytes) -> tuple[subprocess.CompletedProcess[str], bytes | None]:
        """How the program ended with the mailboxes `mail`, and what it wrote; None if QEMU did not begin it."""
        with tempfile.TemporaryDirectory() as temporary:
            work = Path(temporary)
            (work / PROGRAM).write_bytes(self._program)
            (work / "mailboxes.bin").write_bytes(mail)
            done = _ended(self._board, work / PROGRAM)
            answers = work / "answers.bin"
            return done, answers.read_bytes() if answers.is_file() else None

    def report(self, answers: Answers, unicorn: Answers) -> QemuReport:
        """The tools of these `answers`, and how many differ from the answers of `unicorn` to the same events."""
        differs = (answers[0].view("i4") != unicorn[0].view("i4")).any(axis=1) | (answers[1] != unicorn[1])
        return QemuReport(
            target=self._core,
            machine=self._board.machine,
            compiler=version(GCC),
            emulator=version(EMULATOR),
            predictions=len(differs),
            unlike_unicorn=int(differs.sum()),
        )


def emulated(board: Board, program: Path) -> str:
    """What `program` prints on `board`. Raises RuntimeError if it fails."""
    done = _ended(board, program)
    check_ended(done, board, program.name, began=not done.stderr)
    return done.stdout


def _ended(board: Board, program: Path) -> subprocess.CompletedProcess[str]:
    command = emulate_command(board, program.resolve())
    return subprocess.run(
        command, cwd=program.parent, check=False, capture_output=True, text=True, timeout=TIMEOUT_S,
        stdin=subprocess.DEVNULL, env=os.environ | _SILENT,
    )  # fmt: skip


def check_ended(done: subprocess.CompletedProcess[str], board: Board, name: str, *, began: bool) -> None:
    """Raise RuntimeError unless the program `name` has ended without a failure on `board`.

    The exit code is the result of its self-test if it began and printed nothing; QEMU has the same codes.
    """
    if began and done.returncode in CAUSES and not done.stdout:
        check_passed(done.returncode, board.machine)
    if done.returncode:
        raise RuntimeError(
            f"{name} must end with exit code 0 on {board.machine}. Got {done.returncode}: {done.stdout}{done.stderr}"
        )


def check_programs() -> None:
    """Raise FileNotFoundError naming the first program that is not installed, and how to install it."""
    if missing := missing_programs():
        raise FileNotFoundError(f"{missing[0]} must be installed to run on QEMU. Got none: {INSTALL}.")


def missing_programs() -> list[str]:
    """The programs that QEMU needs and that are not installed, or the library of the compiler."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if GCC not in missing:
        query = (GCC, f"-print-file-name={LIBRARY}")  # answers with the bare name if there is no such file
        path = subprocess.run(query, check=True, capture_output=True, text=True).stdout.strip()
        missing += [f"newlib ({LIBRARY})"] if path == LIBRARY else []
    return missing


def version(program: str) -> str:
    """The first line of a program's version."""
    return subprocess.run((program, "--version"), check=True, capture_output=True, text=True).stdout.splitlines()[0]


def _program(folder: Path, build: Path, board: Board) -> bytes:
    command = (*compile_command(board), f"-I{folder}")
    elf = build / f"acc_decel_{fingerprint(command, (folder, TARGET_SOURCES))}.elf"
    if not elf.exists():
        start = folder / STARTUP if board.start is None else TARGET_SOURCES / board.start
        if not start.is_file():
            raise ValueError(f"{folder} must hold {STARTUP}. Got none: export it again with `acc-decel export`.")
        build.mkdir(parents=True, exist_ok=True)
        compiled(command, (*firmware_sources(folder), start, TARGET_SOURCES / "qemu_main.c"), elf)
    return elf.read_bytes()
