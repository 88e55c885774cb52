"""The C compilers of the virtual ECUs: `zig cc` of a wheel, so that pip alone brings host and target; and Arm's GCC."""

from dataclasses import dataclass
from pathlib import Path

import ziglang

ZIG = (str(Path(ziglang.__file__).parent / "zig"), "cc")
GCC = "arm-none-eabi-gcc"  # a Debian package
TARGET_SOURCES = Path(__file__).parent / "target"


@dataclass(frozen=True)
class Compiler:
    """A compiler for the cores, and its options that trade cycles for flash. The default is that of the product."""

    options: tuple[str, ...] = ("-O2", "-fno-unroll-loops")  # unrolled loops would need more flash
    gcc: bool = False  # arm-none-eabi-gcc instead of zig

    @property
    def name(self) -> str:
        """The compiler, as a table calls it."""
        return "gcc" if self.gcc else "zig"

    def __str__(self) -> str:
        """The compiler and its options, as typed."""
        return " ".join((self.name, *self.options))


PRODUCT = Compiler()
