"""The C compiler of the virtual ECUs: `zig cc` of the ziglang wheel, so that pip alone brings host and target."""

from pathlib import Path

import ziglang

ZIG = (str(Path(ziglang.__file__).parent / "zig"), "cc")
TARGET_SOURCES = Path(__file__).parent / "target"
