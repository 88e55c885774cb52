"""Running a C compiler: finding one on this machine, and reporting its message when it fails."""

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from acc_decel.files import atomic_write
from acc_decel.following import ACC_UNIT

SAME_BITS = ("-std=c99", "-ffp-contract=off")  # options that decide the results
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wdouble-promotion", "-Wshadow", "-pedantic", "-Werror")
SYSTEM_COMPILERS = ("cc", "gcc", "clang")  # if the wheel ziglang is not installed
LIMIT_S = 600  # a compiler that takes longer does not get on: the longest of ours takes seconds, zig's first a minute


def find_compiler() -> tuple[str, ...] | None:
    """The command of a C compiler on this machine: zig of the wheel ziglang, else the system's, else None."""
    if (zig := find_zig()) is not None:
        return zig
    system = next(filter(None, map(shutil.which, SYSTEM_COMPILERS)), None)
    return (system,) if system else None


def find_zig() -> tuple[str, ...] | None:
    """The command of the C compiler of the wheel ziglang, which compiles for every platform; None if it is missing."""
    wheel = find_spec("ziglang")
    if wheel is not None and wheel.origin is not None:
        for program in (Path(wheel.origin).with_name(name) for name in ("zig", "zig.exe")):
            if program.is_file():
                return (str(program), "cc")
    return None


def compiled(command: Sequence[str], inputs: Sequence[Path], product: Path) -> Path:
    """The file `product`, made by `command` from `inputs`, whole or not at all.

    Raises RuntimeError with the compiler's message, or if it does not end in LIMIT_S.
    """
    with atomic_write(product) as temporary:
        run_compiler(command, inputs, temporary, product=product)
    return product


def run_compiler(command: Sequence[str], inputs: Sequence[Path], output: Path, *, product: Path) -> None:
    """Let `command` make the file `output` from `inputs`; an error calls it by the name of the `product`.

    For a folder that no one else reads: what a failing compiler has written stays. Raises RuntimeError as `compiled`.
    """
    environment = os.environ | _zig_cache()
    if not os.path.isabs(environment.get("XDG_CACHE_HOME", "/")):  # noqa: PTH117 - zig would write to the working folder
        del environment["XDG_CACHE_HOME"]
    arguments = [*command, *map(str, inputs), "-o", str(output)]
    try:
        done = subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=LIMIT_S, env=environment)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(
            f"{product.name} must compile within {LIMIT_S} s. Got no end of {command[0]}: see what else runs here, "
            "and whether the disk has room."
        ) from error
    except OSError as error:
        raise RuntimeError(f"The compiler must run: {command[0]}. Got: {error}. Run `pip install ziglang`.") from error
    if done.returncode:
        message = done.stderr.replace(str(output), str(product))
        raise RuntimeError(f"{product.name} must compile with {' '.join(command)}. Got:\n{message}")


def _zig_cache() -> dict[str, str]:
    """The variable that gives zig a temporary cache folder, where it could not write to its own; else none.

    Without a folder to write to, zig would wait for one for ever.
    """
    if os.name == "nt":
        return {}
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = named if named.is_absolute() else Path(os.environ.get("HOME") or os.devnull) / ".cache"
    own = os.environ.get("ZIG_GLOBAL_CACHE_DIR") or Path(base) / "zig"
    return {} if _is_writable(Path(own)) else {"ZIG_GLOBAL_CACHE_DIR": _temporary_folder()}


@cache
def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@cache
def _temporary_folder() -> str:
    """One folder of this process, deleted at its end."""
    folder = tempfile.mkdtemp(prefix="acc_decel_zig_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def fingerprint(command: Sequence[str], folders: Sequence[Path]) -> str:
    """Sixteen hexadecimal digits that change with the command or any C source in `folders`."""
    digest = sha256(repr(tuple(command)).encode())
    for path in sorted(path for folder in folders for path in folder.iterdir() if path.suffix in {".c", ".h", ".ld"}):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def firmware_sources(folder: Path) -> list[Path]:
    """The C files of the firmware in `folder`: what predicts and corrects. `acc_sources` is the unit beside them."""
    return sorted(path for path in folder.glob("acc_decel*.c") if not is_of_acc(path))


def acc_sources(folder: Path) -> list[Path]:
    """The C files of the ACC unit in `folder`, which needs headers of the firmware, but none of its C files."""
    return sorted(folder.glob(f"{ACC_UNIT}*.c"))


def is_of_acc(path: Path) -> bool:
    """Whether a file of an exported folder belongs to the ACC unit."""
    return path.name.startswith(ACC_UNIT)
