"""The case on disk: page and picture, both or none."""

from pathlib import Path

from acc_decel.files import replace_files
from acc_decel.integration.safety_case.drawing import drawing
from acc_decel.integration.safety_case.judging import Case
from acc_decel.integration.safety_case.page import MARK, PICTURE, page

PAGE = "case.md"


def check_replaceable(folder: Path) -> None:
    """Raise ValueError if `folder` holds a page or a picture of these names that is something else."""
    before = folder / PAGE
    ours = before.is_file() and MARK in before.read_text(errors="replace")
    if (other := next((folder / name for name in (PAGE, PICTURE) if (folder / name).exists()), None)) and not ours:
        raise ValueError(f"{other} must be of an earlier case. Got a file of something else: choose another folder.")


def write_case(folder: Path, case: Case) -> None:
    """Write page and picture into `folder`: both, or none where that fails."""
    check_replaceable(folder)
    replace_files(folder, {PAGE: page(case).encode(), PICTURE: drawing(case).encode()})
