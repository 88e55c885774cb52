"""Compiled libraries on disk: a folder of the user, one file for each model, code, compiler and processor.

A library's name ends in the hash of its content, so that a truncated or altered file is never loaded. The hash does
not say who made it: a library is only loaded from a folder in which nobody else could have put it.
"""

import os
import platform
import sys
import warnings
from functools import cache
from hashlib import sha256
from pathlib import Path

from acc_decel.compiled.compiler import find_compiler
from acc_decel.compiled.library import Library
from acc_decel.compiled.private_folder import intruders
from acc_decel.files import atomic_write, reason
from acc_decel.model_folder import ARRAYS, ONNX

MODEL_FILES = (ARRAYS, ONNX)  # the source of a library, and the answers that it must give
CODE = ("outputs.py", "factors.py", "status.py", "model_folder.py", "network", "export", "compiled")
DIGITS = 16


def cache_folder() -> Path:
    """The folder of this user's libraries, by the system's convention. Raises RuntimeError without a home folder."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "acc_decel" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "acc_decel"
    own = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (own if own.is_absolute() else Path.home() / ".cache") / "acc_decel"  # XDG forbids a relative one


def kept_library(model: Path) -> Library | None:
    """The library that was built for the model folder `model`; None if there is none, or if it is damaged.

    It must have been built from the present files, by the present code, with the present compiler and processor. One
    that somebody else could have put there is not loaded either: a warning says so.
    """
    try:
        if not all((model / name).is_file() for name in MODEL_FILES):
            return None
        candidates = sorted(cache_folder().glob(f"{name_of(model)}_*.so"))
        own = [path for path in candidates if path.is_file() and _is_own(path)]
        intact = [path for path in own if path.stem.endswith(f"_{_hash(path.read_bytes())}")]
    except (OSError, RuntimeError):  # a user without a home folder, or who may not enter it, has no cache
        return None
    for path in intact:
        try:
            return Library(path)
        except OSError as error:
            warnings.warn(f"{error} Until then onnxruntime predicts.", stacklevel=2)
    return None


def store(model: Path, library: Path) -> Path:
    """Copy the compiled file `library` of the folder `model` into the cache; returns the path there.

    Raises ValueError if it cannot be written there, or if others may write there: then it would not be loaded.
    """
    content, folder = library.read_bytes(), cache_folder()
    path = folder / f"{name_of(model)}_{_hash(content)}.so"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = intruders(folder)
        if found is None:
            with atomic_write(path) as temporary:
                temporary.write_bytes(content)
                temporary.chmod(0o600)
    except OSError as error:
        found = reason(error)
    if found:
        raise ValueError(
            f"The cache folder {folder} must be one that you, and you alone, can write to. Got: {found}. Correct owner "
            "and mode (chmod 700) after deleting what is in it, or set XDG_CACHE_HOME to a folder of your own."
        )
    return path


def _is_own(path: Path) -> bool:
    """Whether nobody else could have written the file; warns if somebody could."""
    if found := intruders(path.parent) or intruders(path):
        warnings.warn(
            f"The library {path} is not loaded: others could have put it there ({found}). Correct owner and mode of "
            "the folder (chmod 700), delete what is in it, and compile again.",
            stacklevel=2,
        )
    return not found


def name_of(model: Path) -> str:
    """The start of the name of a model's library; it changes with everything that could change the library."""
    parts = [sha256((model / name).read_bytes()).hexdigest() for name in MODEL_FILES]
    return f"{_hash(repr((parts, _code(), _compiler(), _processor())).encode())}"


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()[:DIGITS]


@cache
def _code() -> str:
    """Hash of the code that generates the library."""
    package, digest = Path(__file__).parents[1], sha256()
    for part in (package / name for name in CODE):
        for path in sorted(part.rglob("*.[pch]*")) if part.is_dir() else [part]:
            if path.suffix in {".py", ".c", ".h"}:
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _compiler() -> tuple[object, ...]:
    """The compiler: its path, size and time."""
    command = find_compiler()
    if command is None:
        return ()
    program = Path(command[0]).resolve()
    return (*command, str(program), program.stat().st_size, program.stat().st_mtime_ns)


@cache
def _processor() -> tuple[str, ...]:
    """The processor with its instructions: a library is compiled for it and may not run on another."""
    description = Path("/proc/cpuinfo")
    lines = set(description.read_text().splitlines()) if description.is_file() else {platform.processor()}
    named = sorted(line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part")))
    return (sys.platform, platform.machine(), *(named or sorted(lines)))
