"""The target image of the virtual ECU: firmware, startup code and task, linked for a Cortex-M4F, and read back."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Symbol, SymbolTableSection

from acc_decel.ecu.compiler import SAME_BITS, TARGET_SOURCES, WARNINGS, ZIG, compiled, fingerprint

CORE = ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp")
COMPILE = (*ZIG, *SAME_BITS, *WARNINGS, *CORE, "-O2", "-ffreestanding", "-fno-unwind-tables", "-c")
LINK = (*ZIG, *CORE, "-nostdlib", "-T", str(TARGET_SOURCES / "script.ld"))
TASK_SOURCES = ("startup.c", "main.c")


@dataclass(frozen=True)
class Image:
    """A linked program: what to load where, the address of each symbol, and what acc_decel.c takes of it."""

    segments: tuple[tuple[int, bytes], ...]
    symbols: dict[str, int]  # functions without the Thumb bit
    flash_bytes: int  # code and constants from acc_decel.c
    ram_bytes: int  # static data from acc_decel.c
    columns: int  # factor columns that the firmware takes
    mailboxes: int


def image(folder: Path, build: Path) -> Image:
    """The image for the firmware of `folder`, kept in `build`. Raises RuntimeError with what the compiler said."""
    elf = build / f"acc_decel_{fingerprint((*COMPILE, *LINK), (folder, TARGET_SOURCES))}.elf"
    if not elf.exists():
        build.mkdir(parents=True, exist_ok=True)
        _link(folder, elf)
    return _read(elf.read_bytes())


def _link(folder: Path, elf: Path) -> None:
    sources = [folder / "acc_decel.c", *(TARGET_SOURCES / name for name in TASK_SOURCES)]
    objects = [elf.parent / f"{elf.stem}_{source.stem}.o" for source in sources]
    for source, unit in zip(sources, objects, strict=True):
        compiled((*COMPILE, f"-I{folder}"), [source], unit)
    compiled(LINK, objects, elf)


def _read(elf: bytes) -> Image:
    file = ELFFile(BytesIO(elf))
    table = file.get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection), "the linker writes a symbol table"
    sizes = {section.name: section["sh_size"] for section in file.iter_sections()}
    return Image(
        segments=tuple((s["p_paddr"], s.data()) for s in file.iter_segments("PT_LOAD") if s["p_filesz"]),
        symbols={symbol.name: _address(symbol) for symbol in table.iter_symbols() if symbol.name},
        flash_bytes=sizes[".acc_decel_text"] + sizes[".acc_decel_rodata"],
        ram_bytes=sizes.get(".acc_decel_ram", 0),
        columns=_constant(file, table, "acc_decel_target_columns"),
        mailboxes=_constant(file, table, "acc_decel_target_mailboxes"),
    )


def _address(symbol: Symbol) -> int:
    address = int(symbol["st_value"])
    return address & ~1 if symbol["st_info"]["type"] == "STT_FUNC" else address


def _constant(file: ELFFile, table: SymbolTableSection, name: str) -> int:
    """The value of a uint32_t constant in flash."""
    symbol = next(symbol for symbol in table.iter_symbols() if symbol.name == name)
    offset = next(file.address_offsets(symbol["st_value"], 4))
    file.stream.seek(offset)
    return int.from_bytes(file.stream.read(4), "little")
