"""The firmware as a WebAssembly module: the one that comes with a released model, else compiled now by zig."""

import hashlib
import json
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from acc_decel.compiled import SAME_BITS, WARNINGS, compiled, firmware_sources

HOME = Path(__file__).parent
RELEASED = HOME / "released"  # written by .ci/page_modules.py
RECORD = RELEASED / "cars.json"
GLUE = HOME / "page.c"
OPTIONS = (
    *("-target", "wasm32-freestanding", "-Oz", "-nostdlib"),
    *(f"-Wl,{option}" for option in ("--no-entry", "--strip-all", "-z,stack-size=8192")),
)
Files = Mapping[str, str | bytes]


def module_of(files: Files) -> bytes:
    """The module of firmware files: without a compiler where it is that of a released model.

    Raises ModuleNotFoundError if zig is needed and not there, RuntimeError with the compiler's message.
    """
    digest = source_digest(files)
    for name, car in record()["cars"].items():
        if car["sources_sha256"] == digest:
            return (RELEASED / f"{name}.wasm").read_bytes()
    return compiled_module(files)


def compiled_module(files: Files) -> bytes:
    """The module of firmware files, compiled now; the same files and the same zig give the same bytes."""
    import ziglang  # noqa: PLC0415 - of the extra [ecu], which released models do not need

    zig = str(Path(ziglang.__file__).with_name("zig"))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        work = Path(folder)
        for name, content in _sources(files).items():
            (work / name).write_bytes(content)
        command = (zig, "cc", *SAME_BITS, *WARNINGS, *OPTIONS, f"-I{work}")
        return compiled(command, [GLUE, *firmware_sources(work)], work / "page.wasm").read_bytes()


def source_digest(files: Files) -> str:
    """SHA-256 of everything that a module is compiled from."""
    digest = hashlib.sha256(repr((SAME_BITS, OPTIONS)).encode())
    for name, content in sorted({**_sources(files), GLUE.name: GLUE.read_bytes()}.items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()


@cache
def record() -> dict[str, Any]:
    """What comes with the released models: the setting of their page, and each car with the digest of its sources."""
    return json.loads(RECORD.read_bytes())


def _sources(files: Files) -> dict[str, bytes]:
    """The headers, and the C of the firmware without its example."""
    contents = {name: text.encode("ascii") if isinstance(text, str) else text for name, text in files.items()}
    return {
        name: content
        for name, content in contents.items()
        if name.endswith(".h") or (name.endswith(".c") and name.startswith("acc_decel"))
    }
