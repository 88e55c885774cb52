"""Running a C compiler: finding one on this machine, and reporting its message when it fails."""

import shutil
import subprocess
from collections.abc import Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

SAME_BITS = ("-std=c99", "-ffp-contract=off")  # options that decide the results
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wdouble-promotion", "-Wshadow", "-pedantic", "-Werror")
SYSTEM_COMPILERS = ("cc", "gcc", "clang")  # if the wheel ziglang is not installed


def find_compiler() -> tuple[str, ...] | None:
    """The command of a C compiler on this machine: zig of the wheel ziglang, else the system's, else None."""
    wheel = find_spec("ziglang")
    if wheel is not None and wheel.origin is not None:
        for program in (Path(wheel.origin).with_name(name) for name in ("zig", "zig.exe")):
            if program.is_file():
                return (str(program), "cc")
    system = next(filter(None, map(shutil.which, SYSTEM_COMPILERS)), None)
    return (system,) if system else None


def compiled(command: Sequence[str], inputs: Sequence[Path], product: Path) -> Path:
    """The file `product`, made by `command` from `inputs`. Raises RuntimeError with the compiler's message."""
    try:
        arguments = [*command, *map(str, inputs), "-o", str(product)]
        done = subprocess.run(arguments, check=False, capture_output=True, text=True)
    except OSError as error:
        raise RuntimeError(f"The compiler must run: {command[0]}. Got: {error}. Run `pip install ziglang`.") from error
    if done.returncode:
        raise RuntimeError(f"{product.name} must compile with {' '.join(command)}. Got:\n{done.stderr}")
    return product


def fingerprint(command: Sequence[str], folders: Sequence[Path]) -> str:
    """Sixteen hexadecimal digits that change with the command or any C source in `folders`."""
    digest = sha256(repr(tuple(command)).encode())
    for path in sorted(path for folder in folders for path in folder.iterdir() if path.suffix in {".c", ".h", ".ld"}):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def firmware_sources(folder: Path) -> list[Path]:
    """The C files of the firmware in `folder`."""
    return sorted(folder.glob("acc_decel*.c"))
