"""Compiled libraries on disk: a folder of the user, one file for each model, code, compiler and processor.

A library's name ends in the hash of its content, so that a truncated or altered file is never loaded.
"""

import os
import platform
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path

from acc_decel.compiled.compiler import compiler_here
from acc_decel.compiled.library import Library
from acc_decel.files import replaced
from acc_decel.model_folder import ARRAYS, ONNX

MODEL_FILES = (ARRAYS, ONNX)  # what a library is built from, and what it must answer like
CODE = ("outputs.py", "factors.py", "status.py", "model_folder.py", "network", "export", "compiled")
DIGITS = 16


def cache_folder() -> Path:
    """Where this user's libraries are kept, by the convention of the system. RuntimeError without a home."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "acc_decel" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "acc_decel"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "acc_decel"


def kept_library(model: Path) -> Library | None:
    """The library that was built for the model folder `model`; None if there is none, or not a whole one.

    It must have been built from these very files, by this code, with the compiler and for the processor of today.
    """
    if not all((model / name).is_file() for name in MODEL_FILES):
        return None
    try:
        folder = cache_folder()
    except RuntimeError:  # a user without a home has kept nothing
        return None
    if not folder.is_dir():
        return None
    found = sorted(folder.glob(f"{name_of(model)}_*.so"))
    whole = (path for path in found if path.stem.endswith(f"_{_hash(path.read_bytes())}"))
    return next((Library(path) for path in whole), None)


def keep(model: Path, library: Path) -> Path:
    """Take the compiled file `library` of the folder `model` into the cache; the path under which it is kept."""
    content = library.read_bytes()
    kept = cache_folder() / f"{name_of(model)}_{_hash(content)}.so"
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with replaced(kept) as temporary:
        temporary.write_bytes(content)
    return kept


def name_of(model: Path) -> str:
    """What the name of a model's library begins with: it changes with anything that could change the library."""
    parts = [sha256((model / name).read_bytes()).hexdigest() for name in MODEL_FILES]
    return f"{_hash(repr((parts, _code(), _compiler(), _processor())).encode())}"


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()[:DIGITS]


@cache
def _code() -> str:
    """Hash of the code that the library is generated from."""
    package, digest = Path(__file__).parents[1], sha256()
    for part in (package / name for name in CODE):
        for path in sorted(part.rglob("*.[pch]*")) if part.is_dir() else [part]:
            if path.suffix in {".py", ".c", ".h"}:
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _compiler() -> tuple[object, ...]:
    """The compiler, as far as a look at its file tells."""
    command = compiler_here()
    if command is None:
        return ()
    program = Path(command[0]).resolve()
    return (*command, str(program), program.stat().st_size, program.stat().st_mtime_ns)


@cache
def _processor() -> tuple[str, ...]:
    """The processor with its instructions: a library is compiled for it and may not run on another."""
    told = Path("/proc/cpuinfo")
    lines = set(told.read_text().splitlines()) if told.is_file() else {platform.processor()}
    named = sorted(line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part")))
    return (sys.platform, platform.machine(), *(named or sorted(lines)))
