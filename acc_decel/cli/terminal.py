"""Tables in and out of the command line: CSV, Parquet, JSON, and the terminal."""

import json
import math
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from acc_decel import tables
from acc_decel.files import atomic_write

console = Console(markup=False, highlight=False)  # units in brackets are text, not markup
WIDTH = 120  # of a table that is not printed to a terminal
MIN_WIDTH = 12  # of a column that is made narrower, so that numbers are not
NUMBER_BEGINS = "0123456789+-<>"  # what the text of a number begins with; an empty cell counts, too
STEERING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)  # control, direction of text
progress_console = Console(stderr=True)  # progress stays out of what a program reads


def read_table(path: Path) -> pd.DataFrame:
    """The table in a CSV or Parquet file, as `tables.read_table` reads it; rows of CSV are labelled by their line."""
    return tables.read_table(path)


def check_table_name(path: Path) -> None:
    """Raise ValueError if `write_table` cannot write a file of this name."""
    if path.suffix not in (".csv", ".parquet"):
        raise ValueError(f"{path} must end in .csv or .parquet. Got {path.suffix or 'no ending'!r}: choose one.")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write `table` to a CSV or Parquet file, whole or not at all."""
    check_table_name(path)
    with atomic_write(path) as temporary:
        if path.suffix == ".csv":
            table.to_csv(temporary, index=False)
        else:
            table.to_parquet(temporary, index=False)


def print_json(values: object) -> None:
    """Print values for a program: dataclasses and tables as objects, what is not finite as null."""
    print(json.dumps(_plain(values), indent=1))


def printable(text: str) -> str:
    """Text as a terminal may show it: what steers a terminal, like an escape sequence in a file, is written out."""
    plain = text.encode(errors="backslashreplace").decode()  # a file's name need not be UTF-8
    return STEERING.sub(lambda match: match[0].encode("unicode_escape").decode(), plain)


def say(sentence: str) -> None:
    """Print a sentence for people; a long one is left whole, for the terminal to wrap."""
    console.print(printable(sentence), soft_wrap=True)


def say_written(path: Path | None, what: str = "picture") -> None:
    """Say that a file was written, if one was."""
    if path is not None:
        say(f"{what} in {path}")


def counted(number: int, thing: str) -> str:
    """A number of things: "1 tick", "2 ticks"."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def note(sentence: str) -> None:
    """Say something about the input on stderr, so that it stays out of what a program reads."""
    progress_console.print(f"note: {printable(sentence)}", soft_wrap=True, markup=False, highlight=False)


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a table for people; columns of numbers are aligned right, the first column never wraps."""
    head = [printable(column) for column in columns]
    cells = [[printable(cell) for cell in row] for row in rows]
    table = Table(title=printable(title), title_justify="left", header_style="bold", expand=False)
    widths = _column_widths(head, cells, _width())
    for i, column in enumerate(head):
        numbers = bool(i) and all(row[i][:1] in NUMBER_BEGINS for row in cells)
        justify: Literal["left", "right"] = "right" if numbers else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=not i, width=widths[i] if widths else None)
    for row in cells:
        table.add_row(*row)
    print_wide(table)


def print_wide(table: Table) -> None:
    """Print a table at the width of the terminal, or at least at WIDTH where there is none."""
    Console(width=_width(), markup=False, highlight=False).print(table)


def _width() -> int:
    return console.width if console.is_terminal else max(console.width, WIDTH)


def _column_widths(head: list[str], rows: list[list[str]], width: int) -> list[int] | None:
    """Widths of the columns of a table that is too wide; None where it fits, or where nothing helps.

    No word is broken, or else none below the headings, or else only the longest, so that numbers stay whole. Cells get
    their whole width before headings do; first those of a column in which most of them would wrap.
    """
    columns, room = list(zip(head, *rows, strict=True)), width - 3 * len(head) - 1
    whole = [max(map(cell_len, column)) for column in columns]
    below = [max((cell_len(cell) for cell in column[1:]), default=0) for column in columns]
    words = [_longest_word(column) for column in columns]
    words_below = [max(1, _longest_word(column[1:])) for column in columns]
    words[0] = words_below[0] = whole[0]  # it never wraps
    widths = words if sum(words) <= room else words_below
    spare = room - sum(widths)
    if sum(whole) <= room:
        return None
    if spare < 0:
        widths = _narrowed(widths, room)
        spare = room - sum(widths)
        if spare < 0:
            return None
    wrapped = [sum(cell_len(cell) > widths[i] for cell in column[1:]) for i, column in enumerate(columns)]
    for wanted in (below, words, whole):
        for i in sorted(range(len(columns)), key=lambda i: (-wrapped[i], wanted[i] - widths[i])):
            more = max(0, min(wanted[i] - widths[i], spare))
            widths[i], spare = widths[i] + more, spare - more
    return widths


def _narrowed(widths: list[int], room: int) -> list[int]:
    """The widths with the widest columns but the first made narrower, as far as the table needs and MIN_WIDTH lets."""
    narrowed = list(widths)
    while sum(narrowed) > room and max(narrowed[1:], default=0) > MIN_WIDTH:
        narrowed[1 + narrowed[1:].index(max(narrowed[1:]))] -= 1
    return narrowed


def _longest_word(cells: Sequence[str]) -> int:
    return max((cell_len(word) for cell in cells for word in cell.split()), default=0)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, pd.DataFrame):
        return [_plain(row) for row in value.to_dict("records")]
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is pd.NA or value is pd.NaT or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if value is None or isinstance(value, str | int | float) else str(value)  # a date, for example


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what TensorFlow's C++ says about this machine while it loads off the screen."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    screen = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(screen, 2)
        os.close(screen)


def progress_bar() -> Progress:
    """A progress bar on stderr, so that it stays out of what a program reads."""
    return Progress(
        DescriptionColumn(),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeLeftColumn(),
        console=progress_console,
    )


class DescriptionColumn(ProgressColumn):
    """What a stage does, letter by letter: a name of a file is neither markup nor an order to the terminal."""

    def render(self, task: Task) -> Text:
        """The description as text."""
        return Text(printable(task.description))


class TimeLeftColumn(ProgressColumn):
    """The time that a stage still takes at its pace so far, from its first step on.

    Rich's own column says nothing before the second step, which may come after a minute.
    """

    def __init__(self) -> None:
        """No stage has taken a step yet."""
        super().__init__()
        self.last_step: dict[int, tuple[float, float]] = {}  # steps done and seconds until then

    def render(self, task: Task) -> Text:
        """The time left as text."""
        if task.finished or not task.total:
            return Text()
        if not task.completed or task.elapsed is None:
            return Text("waits for its turn" if task.elapsed is None else "")
        done, seconds = self.last_step.get(task.id, (0.0, 0.0))
        if done != task.completed:
            done, seconds = self.last_step[task.id] = task.completed, task.elapsed
        left = seconds * (task.total - done) / done - (task.elapsed - seconds)
        return Text(f"{duration(max(left, 0.0))} left", style="progress.remaining", no_wrap=True)


def duration(seconds: float) -> str:
    """A time for people: "45 s", "3 min", "1.5 h"."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 99.5 * 60 else f"{seconds / 3600:.1f} h"


def warn(sentence: str) -> None:
    """Print a sentence for people that a program must not read."""
    progress_console.print(f"Note: {printable(sentence)}", soft_wrap=True, markup=False, highlight=False)
