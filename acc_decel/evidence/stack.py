"""The stack that a prediction needs on the Cortex-M4F, or the ACC unit: frame sizes, added along the calls."""

import re
import subprocess
import tempfile
from pathlib import Path

import capstone

from acc_decel.ecu.acc_unit import ACC, FUNCTIONS
from acc_decel.ecu.cores import CORES, CORTEX_M4F
from acc_decel.ecu.image import PREDICTION, Program, compile_command, image


def stack_bound(folder: Path) -> dict[str, int]:
    """The number of functions, and the bytes of the deepest chain of calls from acc_decel_predict."""
    frames, calls = _frames_and_calls(folder, PREDICTION)
    return {"functions": len(frames), "bound_bytes": deepest_chain("acc_decel_predict", frames, calls)}


def acc_stack_bound(folder: Path) -> dict[str, int]:
    """The same for the deepest of the functions of the ACC unit."""
    frames, calls = _frames_and_calls(folder, ACC)
    return {"functions": len(frames), "bound_bytes": max(deepest_chain(name, frames, calls) for name in FUNCTIONS)}


def _frames_and_calls(folder: Path, program: Program) -> tuple[dict[str, int], dict[str, set[str]]]:
    """Bytes of the frame of each function of a program's firmware, and the functions that it calls."""
    core = CORES[CORTEX_M4F]
    with tempfile.TemporaryDirectory() as work:
        linked = image(folder, Path(work), core, program=program)
        frames: dict[str, int] = {}
        for source in program.sources(folder):
            usage = Path(work) / f"{source.stem}.su"
            options = ("-Xclang", "-stack-usage-file", "-Xclang", str(usage))
            command = [*compile_command(core), *options, f"-I{folder}", str(source), "-o", str(usage.with_suffix(".o"))]
            subprocess.run(command, check=True, cwd=work)
            for line in usage.read_text().splitlines() if usage.exists() else ():  # no file: no function, only a table
                place, size, kind = line.split("\t")
                if kind != "static":
                    raise RuntimeError(f"Every frame must be of fixed size. Got {line!r}.")
                frames[place.split(":")[-1]] = int(size)
        return frames, calls_of(linked.segments, linked.symbols, frames)


def calls_of(
    segments: tuple[tuple[int, bytes], ...], symbols: dict[str, int], frames: dict[str, int]
) -> dict[str, set[str]]:
    """The firmware's functions that each of them calls, from the machine code."""
    disassembler = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    disassembler.skipdata = True  # there are constants between functions
    starts = sorted(address for name, address in symbols.items() if not name.startswith("$"))
    at = {symbols[name]: name for name in frames if name in symbols}
    calls: dict[str, set[str]] = {}
    for address, name in at.items():
        start, code = next((start, code) for start, code in segments if start <= address < start + len(code))
        end = next((s for s in starts if s > address), start + len(code))
        instructions = disassembler.disasm(code[address - start : end - start], address)
        text = "\n".join(f"{i.mnemonic} {i.op_str}" for i in instructions)
        targets = [int(t, 16) for t in re.findall(r"^(?:bl|b|b\.w) #(0x[0-9a-f]+)", text, re.M)]
        calls[name] = {at[t] for t in targets if t in at and t != address}
    return calls


def deepest_chain(name: str, frames: dict[str, int], calls: dict[str, set[str]]) -> int:
    """Bytes of stack of a function and the deepest chain of its calls."""
    return frames[name] + max((deepest_chain(other, frames, calls) for other in calls.get(name, ())), default=0)
