"""Which files of a folder are recordings: each file is one, but for what this package wrote and what never is one."""

from collections.abc import Iterable
from pathlib import Path

from acc_decel.drives.drive_folder import drive_parts, parts_of
from acc_decel.drives.own_tables import PARTS, REPORT, is_own_table

# fmt: off
NO_RECORDINGS = {  # endings of files that are no recordings, and what they are
    "a recording description":  ".toml",
    "a database of a bus":      ".dbc .arxml .kcd .sym .a2l",
    "a text for people":        ".md .rst .pdf .doc .docx .html .htm .odt .rtf .tex",
    "a picture":                ".png .jpg .jpeg .gif .svg .bmp .webp .ico .heic",
    "a video or a sound":       ".mp4 .avi .mov .mkv .hevc .wav .mp3",
    "a program":                ".py .ipynb .m .sh .bat .c .cc .cpp .h .hpp .r .js .ts .java .exe .dll .so .o .jar",
    "settings":                 ".yml .yaml .ini .cfg .conf .lock",
}
# fmt: on
IN_DRIVE = "in the folder of one drive, of which it is no part"
KINDS = {ending: kind for kind, endings in NO_RECORDINGS.items() for ending in endings.split()}
ARRAYS = "__t.npy"  # the end of the name of a file that makes its folder a recording
PROCESSED = "processed_log"  # in a drive of comma2k19, above the folders of its arrays


def list_recordings(paths: Iterable[Path]) -> list[Path]:
    """The recordings among files and in folders, each once, sorted; a folder that holds one drive is one recording.

    Every file is taken for a recording, also of a format that is not read, but for what `list_left_out` lists. A
    symbolic link is what it leads to. Raises ValueError for a folder without a recording.
    """
    files: dict[Path, Path] = {}  # by what symbolic links lead to
    for path in paths:
        inside = set(_sorted_out(path)[0]) if path.is_dir() else {path}
        if not inside:
            raise ValueError(f"{path} must hold recordings. Got no file that may be one: give files.")
        files |= {file.resolve(): file for file in sorted(inside, reverse=True) if file.resolve() not in files}
    return sorted(files.values())


def list_left_out(paths: Iterable[Path]) -> dict[Path, str]:
    """The files in folders that are no recordings, and why; what this package wrote is not among them."""
    left_out: dict[Path, str] = {}
    for path in paths:
        left_out |= _sorted_out(path)[1] if path.is_dir() else {}
    return dict(sorted(left_out.items()))


def _sorted_out(folder: Path) -> tuple[list[Path], dict[Path, str]]:
    """The recordings in a folder, and the files that are none, with the reason."""
    drives = _drive_folders(folder)
    parts = {path for drive in drives for path in parts_of(drive)}
    outputs = {path.parent for path in folder.rglob(REPORT) if (path.parent / PARTS).is_dir() and is_own_table(path)}
    recordings, left_out = list(drives), dict[Path, str]()
    for path in sorted(folder.rglob("*")):
        is_written = any(path.is_relative_to(output / PARTS) for output in outputs)
        if not path.is_file() or path in parts or is_written or path.name.startswith(".") or is_own_table(path):
            continue
        if any(path.is_relative_to(drive) for drive in drives):
            left_out[path] = IN_DRIVE
        elif kind := KINDS.get(path.suffix.lower()):
            left_out[path] = f"{kind}, no recording"
        else:
            recordings.append(path)
    return recordings, left_out


def _drive_folders(folder: Path) -> list[Path]:
    """The folders, this one or below it, that hold one drive each; none inside of another."""
    pairs = {path.parent for path in folder.rglob(f"*{ARRAYS}")}
    nested = {path.parent.parent for path in folder.rglob("value*") if path.stem == "value"}  # X/t, X/value
    logs = {log for path in nested for log in path.parents if log.name == PROCESSED and log.is_relative_to(folder)}
    roots = pairs | {log.parent for log in logs} | {path for path in nested if not logs & set(path.parents)}
    found: list[Path] = []
    for path in [folder, *sorted(p for p in folder.rglob("*") if p.is_dir())]:
        if any(path.is_relative_to(drive) for drive in found):
            continue
        if path in roots or drive_parts(path):
            found.append(path)
    return found
