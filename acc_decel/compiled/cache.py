"""Compiled libraries on disk: a folder of the user, one file for each model, code, compiler and processor.

A library's name ends in the hash of its content, so that a truncated or altered file is never loaded.
"""

import os
import platform
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path

from acc_decel.compiled.compiler import find_compiler
from acc_decel.compiled.library import Library
from acc_decel.files import atomic_write
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
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "acc_decel"


def kept_library(model: Path) -> Library | None:
    """The library that was built for the model folder `model`; None if there is none, or if it is damaged.

    It must have been built from the present files, by the present code, with the present compiler and processor.
    """
    if not all((model / name).is_file() for name in MODEL_FILES):
        return None
    try:
        folder = cache_folder()
    except RuntimeError:  # a user without a home folder has no cache
        return None
    if not folder.is_dir():
        return None
    candidates = sorted(folder.glob(f"{name_of(model)}_*.so"))
    intact = (path for path in candidates if path.stem.endswith(f"_{_hash(path.read_bytes())}"))
    return next((Library(path) for path in intact), None)


def store(model: Path, library: Path) -> Path:
    """Copy the compiled file `library` of the folder `model` into the cache; returns the path there."""
    content = library.read_bytes()
    path = cache_folder() / f"{name_of(model)}_{_hash(content)}.so"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    return path


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
