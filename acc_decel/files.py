"""Atomic file writes, to a temporary file in the same folder which is then renamed; and the reason of an OSError."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A temporary path to write to; it replaces `path` if the block succeeds, and is deleted if it raises.

    The name is unique: processes that write the same file at the same time do not disturb each other.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:12]}.partial")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def reason(error: Exception) -> str:
    """What went wrong as a sentence says it: of the system's errors without number and path."""
    return error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error)
