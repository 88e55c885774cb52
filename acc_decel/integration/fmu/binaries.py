"""The binaries of an FMU: the same source, compiled by zig for every platform, the same bytes each time."""

import os
import struct
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from acc_decel.compiled import SAME_BITS, find_zig, run_compiler
from acc_decel.integration.fmu.c_tables import ONE_FILE

HERE = Path(__file__).parent / "c"
OPTIONS = (*SAME_BITS, "-O2", "-fvisibility=hidden", "-Wall", "-Wextra")
WINDOWS_RUNTIME = "fmu_windows.c"


@dataclass(frozen=True)
class Platform:
    """A platform: the target of zig, the folder of its binary in either version of FMI, the suffix, how to link.

    macOS 11 is the first for both of its processors; glibc 2.17 is in every Linux since 2014. zig would otherwise take
    those of the machine that it runs on.
    """

    target: str
    fmi2: str
    fmi3: str
    suffix: str
    link: tuple[str, ...] = ()

    @property
    def is_windows(self) -> bool:
        """Whether the library is a DLL."""
        return self.suffix == ".dll"

    def folder(self, fmi: int) -> str:
        """The folder of the binary."""
        return self.fmi2 if fmi == 2 else self.fmi3


PLATFORMS = (
    Platform("x86_64-linux-gnu.2.17", "linux64", "x86_64-linux", ".so", ("-fPIC", "-Wl,-z,defs")),
    Platform("aarch64-linux-gnu.2.17", "aarch64-linux", "aarch64-linux", ".so", ("-fPIC", "-Wl,-z,defs")),
    Platform("x86_64-windows-gnu", "win64", "x86_64-windows", ".dll"),
    Platform("x86_64-macos.11.0", "darwin64", "x86_64-darwin", ".dylib", ("-fPIC",)),
    Platform("aarch64-macos.11.0", "darwin64", "aarch64-darwin", ".dylib", ("-fPIC",)),
)


def binaries(
    sources: Path,
    *,
    identifier: str,
    fmi: int,
    platforms: Sequence[Platform] = PLATFORMS,
    done: Callable[[], None] = lambda: None,
) -> dict[str, bytes]:
    """The binaries, by their path in the FMU, from the folder `sources`, which also gets them; `done` after each.

    In FMI 2.0 both processors of macOS share a folder: their libraries become one file. Raises ValueError without zig,
    RuntimeError with its message.
    """
    zig = find_zig()
    if zig is None:
        raise ValueError('an FMU needs a compiler for every platform. Got no zig: pip install "acc-decel[fmu]".')

    def build(platform: Platform) -> tuple[str, bytes]:
        library = sources / platform.target / f"{identifier}{platform.suffix}"
        library.parent.mkdir()
        _link(zig, platform, sources, library)
        done()
        return f"binaries/{platform.folder(fmi)}/{library.name}", library.read_bytes()

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        built = list(pool.map(build, platforms))
    slices = {path: [content for other, content in built if other == path] for path, _ in built}
    return {path: contents[0] if len(contents) == 1 else fat_library(contents) for path, contents in slices.items()}


def _link(zig: Sequence[str], platform: Platform, sources: Path, library: Path) -> None:
    """Compile and link the library of a platform."""
    command = (*zig, "-target", platform.target, *OPTIONS, f"-I{sources}")
    if platform.is_windows:
        _link_without_runtime(command, sources, library)
        return
    is_mac = platform.suffix == ".dylib"  # whose linker keeps the path of the build, unless told otherwise
    own = ("-Wl,-x", f"-Wl,-install_name,@rpath/{library.name}") if is_mac else ()
    options = (*platform.link, *own, "-shared", "-s")
    run_compiler((*command, *options), [sources / ONE_FILE], library, product=library)


def _link_without_runtime(command: Sequence[str], sources: Path, library: Path) -> None:
    """A DLL that needs nothing but the kernel. zig would build a whole C runtime first, which takes it minutes."""
    objects: list[Path] = []
    runtime = (HERE / WINDOWS_RUNTIME, ("-ffreestanding", "-fno-builtin"))
    for source, options in ((sources / ONE_FILE, ()), runtime):
        objects.append(library.with_name(f"{source.stem}.obj"))
        run_compiler((*command, *options, "-c"), [source], objects[-1], product=objects[-1])
    linked = ("-shared", "-s", "-nostdlib", "-Wl,-e,DllMainCRTStartup", "-lkernel32")
    run_compiler((*command, *linked), objects, library, product=library)


_FAT_MAGIC, _ALIGNMENT = 0xCAFEBABE, 14  # of a fat Mach-O file; slices begin at multiples of 2 to this power


def fat_library(slices: Sequence[bytes]) -> bytes:
    """Mach-O libraries of several processors as one file, each with the signature that it has."""
    contents = b"".join(_filled(content) for content in slices)
    entry, offset = struct.Struct(">IIIII"), 1 << _ALIGNMENT
    head = struct.pack(">II", _FAT_MAGIC, len(slices))
    for content in slices:
        processor, variant = struct.unpack_from("<II", content, 4)
        head += entry.pack(processor, variant, offset, len(content), _ALIGNMENT)
        offset += len(_filled(content))
    return _filled(head) + contents


def _filled(content: bytes) -> bytes:
    """The content, up to the next place where a slice may begin."""
    return content + b"\0" * (-len(content) % (1 << _ALIGNMENT))
