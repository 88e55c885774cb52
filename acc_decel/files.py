"""Files that are written whole or not at all, what killed processes leave of them, and the reason of an OSError."""

import errno
import hashlib
import json
import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from shutil import copy2, rmtree
from typing import Any
from uuid import uuid4

MAX_BYTES = 64 * 2**20  # of a file that is read as a whole: a model has 0.1 MB, a manifest of 100,000 files 15 MB
PIECE_BYTES = 2**17  # that are read at a time
NAME_BYTES = 120  # of a file's name that are part of a temporary name: file systems allow 255 in all
_OURS = re.compile(r"\.(?P<of>.*)\.(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-(?P<started>\d+)-[0-9a-f]{8}\.acc_decel\.partial")


@contextmanager
def atomic_write(path: Path, *, tidy: bool = True) -> Iterator[Path]:
    """A temporary path to write to; it replaces `path` if the block succeeds, and is deleted if it raises.

    The name is unique: processes that write the same file at the same time do not disturb each other. A symbolic link
    stays one, and its target is replaced. With `tidy`, what killed processes left of the same file is deleted first;
    that reads the folder. Raises IsADirectoryError if `path` is a folder.
    """
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a folder of this name is there", str(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    if tidy:
        sweep(target.parent, target.name)
    temporary = temporary_path(target)
    try:
        yield temporary
        temporary.replace(target)
    except OSError as error:
        if error.filename in (None, str(temporary)):  # the user knows only the file that was asked for
            _name(error, path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def replace_files(folder: Path, files: Mapping[str, bytes], remove: Iterable[str] = ()) -> None:
    """Write `files` (name to content) into `folder` and delete those that are named in `remove`, all or nothing.

    Everything is written beside the old files first. If a step fails or is interrupted, the old files are put back.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    new, old = (temporary_path(folder / name) for name in ("new", "old"))
    try:
        for draft in (new, old):
            draft.mkdir()
        for name, content in files.items():
            (new / name).write_bytes(content)
        before = [name for name in (*files, *remove) if (folder / name).is_file()]
        for name in before:
            copy2(folder / name, old / name)
        try:
            for name in files:
                (new / name).replace(folder / name)
            for name in remove:
                (folder / name).unlink(missing_ok=True)
        except BaseException:
            for name in files:
                (folder / name).unlink(missing_ok=True)
            for name in before:
                (old / name).replace(folder / name)
            raise
    except OSError as error:
        if error.filename is None or str(error.filename).startswith((str(new), str(old))):  # not what the user knows
            _name(error, folder)
        raise
    finally:
        for draft in (new, old):
            rmtree(draft, ignore_errors=True)


def temporary_path(path: Path) -> Path:
    """A unique path beside `path` that says which process of which machine writes it, so that `sweep` knows it."""
    owner = f"{_machine()}-{os.getpid()}-{_started(os.getpid()) or 0}-{uuid4().hex[:8]}"
    return path.with_name(f".{_shortened(path.name)}.{owner}.acc_decel.partial")


def sweep(folder: Path, name: str | None = None) -> None:
    """Delete the temporary files in `folder` (those for the file `name`, if given) of dead processes of this machine.

    No other file is touched: not those of living processes, of other machines or of other programs.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _OURS.fullmatch(entry.name)
            if match and (name is None or match["of"] == _shortened(name)) and _is_dead(match):
                path = Path(entry.path)
                with suppress(OSError):
                    rmtree(path) if entry.is_dir(follow_symlinks=False) else path.unlink(missing_ok=True)


def living_owner(folder: Path, name: str) -> int | None:
    """The number of another process of this machine that holds a temporary file for `name` in `folder`; else None."""
    for path in folder.iterdir():
        match = _OURS.fullmatch(path.name)
        if not match or match["of"] != name or match["host"] != _machine():
            continue
        if (process := int(match["pid"])) != os.getpid() and not _is_dead(match):
            return process
    return None


def read_bounded(path: Path) -> bytes:
    """The bytes of a file. Raises ValueError for more than MAX_BYTES, before memory is taken for them."""
    pieces, size = [], 0
    with path.open("rb") as file:
        if (size_on_disk := os.fstat(file.fileno()).st_size) > MAX_BYTES:
            raise ValueError(f"{size_on_disk} bytes, more than {MAX_BYTES}")
        while piece := file.read(PIECE_BYTES):  # a pipe or a device has no size
            pieces.append(piece)
            if (size := size + len(piece)) > MAX_BYTES:
                raise ValueError(f"more and more bytes, more than {MAX_BYTES}")
    return b"".join(pieces)


def parse_json(content: bytes) -> Any:
    """The values of a JSON text in UTF-8. Raises ValueError if it is none, or has a name twice in an object."""
    return json.loads(content, object_pairs_hook=_once_each)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise ValueError(f"{twice!r} twice")
    return values


def _name(error: OSError, path: Path) -> None:
    """Say in an error of the system which file or folder it is about; what libraries add to its text is left out."""
    if error.errno:
        if "errno" in str(error.strerror):
            error.strerror = os.strerror(error.errno)
        error.filename, error.filename2 = str(path), None


def reason(error: Exception) -> str:
    """What went wrong as a sentence says it: of the system's errors without number and path."""
    return error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error)


def _is_dead(owner: re.Match[str]) -> bool:
    """Whether the process that a temporary name tells of was on this machine and has ended."""
    if owner["host"] != _machine():
        return False
    started = _started(int(owner["pid"]))
    then = int(owner["started"])
    return started is None or (0 not in (started, then) and started != then)


@cache
def _machine() -> str:
    """Eight digits for this machine, and on Linux for the set of processes that this one sees: those of a container."""
    seen = ""
    with suppress(OSError, AttributeError):
        seen = str(Path("/proc/self/ns/pid").readlink())
    return hashlib.sha256(f"{socket.gethostname()} {seen}".encode()).hexdigest()[:8]


def _started(pid: int) -> int | None:
    """When a process of this machine started, in ticks; 0 if that is not known, None if there is no such process."""
    if os.name != "posix":  # where os.kill would end the process
        return 0
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except (PermissionError, OverflowError):
        pass
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


def _shortened(name: str) -> str:
    content = os.fsencode(name)  # a name need not be UTF-8
    while len(content) > NAME_BYTES:
        name = name[:-1]
        content = os.fsencode(name)
    return name
