"""The target image of the virtual ECU: firmware, startup code and task, linked for one core, and read back."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Symbol, SymbolTableSection

from acc_decel.compiled import SAME_BITS, WARNINGS, compiled, fingerprint, firmware_sources
from acc_decel.ecu.compiler import GCC, PRODUCT, TARGET_SOURCES, ZIG, Compiler
from acc_decel.ecu.cores import Core

_OPTIONS = ("-ffreestanding", "-fno-unwind-tables")
STARTUP, MAIN = TARGET_SOURCES / "startup.c", TARGET_SOURCES / "main.c"


@dataclass(frozen=True)
class Program:
    """What runs on a core: C files of a firmware's folder, and those of a task that calls them.

    A task has the startup code and the symbols of target/main.c.
    """

    sources: Callable[[Path], list[Path]]  # folder -> its files
    task: tuple[Path, ...]


PREDICTION = Program(firmware_sources, (STARTUP, MAIN))


def compile_command(core: Core, compiler: Compiler = PRODUCT) -> tuple[str, ...]:
    """The command that compiles one C file for `core`. Raises ValueError if the compiler has no such target."""
    return (*_program(core, compiler, *SAME_BITS, *WARNINGS), *compiler.options, *_OPTIONS, "-c")


def link_command(core: Core, compiler: Compiler = PRODUCT) -> tuple[str, ...]:
    """The command that links the image for `core`. Without an FPU the compiler's own library computes."""
    if compiler.gcc:  # what is left is libgcc, and newlib, because GCC may call memset where the C does not
        library: tuple[str, ...] = ("-nostartfiles",)
    else:
        library = ("-nostdlib",) if core.fpu else ("-nostdlib", "-lcompiler_rt")
    return (*_program(core, compiler), "-O2", "-g", *library, "-T", str(TARGET_SOURCES / "script.ld"))


def _program(core: Core, compiler: Compiler, *options: str) -> tuple[str, ...]:
    if not compiler.gcc:
        return (*ZIG, *options, *core.target)
    if not core.gcc_target:
        raise ValueError(f"The core must be an Arm core for {GCC}. Got {core.name}: take zig.")
    return (GCC, *options, *core.gcc_target)


@dataclass(frozen=True)
class Image:
    """A linked program: segments to load, address of each symbol, and the memory that the firmware needs."""

    segments: tuple[tuple[int, bytes], ...]
    symbols: dict[str, int]  # functions without the Thumb bit
    code_bytes: int  # machine code of the firmware
    table_bytes: int  # its constants
    library_bytes: int  # routines of the compiler that it calls: floating point without an FPU
    ram_bytes: int  # its static data
    columns: int  # factor columns that the firmware takes
    mailboxes: int
    multiply_adds: int  # of one prediction


def image(folder: Path, build: Path, core: Core, compiler: Compiler = PRODUCT, program: Program = PREDICTION) -> Image:
    """The image for the firmware of `folder`, cached in `build`. Raises RuntimeError with the compiler's message."""
    names = (source.name for source in program.task)
    command = (*compile_command(core, compiler), *link_command(core, compiler), *names)
    folders = dict.fromkeys((folder, TARGET_SOURCES, *(source.parent for source in program.task)))
    elf = build / f"acc_decel_{fingerprint(command, [*folders])}.elf"
    if not elf.exists():
        build.mkdir(parents=True, exist_ok=True)
        _link(folder, elf, core, compiler, program)
    return _read(elf.read_bytes())


def _link(folder: Path, elf: Path, core: Core, compiler: Compiler, program: Program) -> None:
    sources = [*program.sources(folder), *program.task]
    objects = [elf.parent / f"{elf.stem}_{source.stem}.o" for source in sources]
    for source, unit in zip(sources, objects, strict=True):
        compiled((*compile_command(core, compiler), f"-I{folder}"), [source], unit)
    compiled(link_command(core, compiler), objects, elf)


def _read(elf: bytes) -> Image:
    file = ELFFile(BytesIO(elf))
    sizes = {section.name: section["sh_size"] for section in file.iter_sections()}
    return Image(
        segments=tuple((s["p_paddr"], s.data()) for s in file.iter_segments("PT_LOAD") if s["p_filesz"]),
        symbols={symbol.name: _address(symbol) for symbol in _symbols(file).iter_symbols() if symbol.name},
        code_bytes=sizes[".acc_decel_text"],
        table_bytes=sizes.get(".acc_decel_rodata", 0),
        library_bytes=sizes.get(".library", 0),
        ram_bytes=sizes.get(".acc_decel_ram", 0),
        columns=constant(file, "acc_decel_target_columns"),
        mailboxes=constant(file, "acc_decel_target_mailboxes"),
        multiply_adds=constant(file, "acc_decel_target_multiply_adds"),
    )


def _symbols(file: ELFFile) -> SymbolTableSection:
    table = file.get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection), "the linker writes a symbol table"
    return table


def _address(symbol: Symbol) -> int:
    address = int(symbol["st_value"])
    return address & ~1 if symbol["st_info"]["type"] == "STT_FUNC" else address


def constant(file: ELFFile, name: str) -> int:
    """The value of a uint32_t constant in flash."""
    symbol = next(symbol for symbol in _symbols(file).iter_symbols() if symbol.name == name)
    offset = next(file.address_offsets(symbol["st_value"], 4))
    file.stream.seek(offset)
    return int.from_bytes(file.stream.read(4), "little")
