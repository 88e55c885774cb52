"""Files that are whole or not there: written to a temporary name beside the target, then renamed; and their errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and is deleted when it does not.

    No other process writes to it, not even one that writes the same file.
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
