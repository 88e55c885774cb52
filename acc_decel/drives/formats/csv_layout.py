"""How a CSV file is written: its encoding, delimiter, decimal sign, and where names, units and rows are."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

MIN_UTF16_ZEROS = 0.7  # share of zeros at every second place in a text of UTF-16 without a mark
DELIMITERS = (",", ";", "\t", "|")
SPACES = r"\s+"  # the delimiter of a table of columns under each other
MAX_BEGINS = 20  # places at which a table may begin that are tried
MIN_HEADERLESS_ROWS = 3
NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?|nan|inf|null|n/?a", re.IGNORECASE)
CLOCK = re.compile(r"[\d/.-]*[ T]?\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?")
UNIT = re.compile(r"/|^\[|^s$|^ms$|^sec$|^kph$|^mph$|^kmh$")
SOURCE = re.compile(r"(\d+: )?[a-z][a-z0-9 _.]*")  # of RaceChrono, under the units: `100: gps`, `calc`


@dataclass(frozen=True)
class Layout:
    """Where the rows of a CSV file begin and how they are written."""

    encoding: str
    delimiter: str
    decimal: str
    first_row: int
    names: tuple[str, ...]
    units: tuple[str, ...]


def find_layout(head: bytes, *, is_whole: bool) -> Layout | None:
    """The layout of the table that the first bytes of a file show best; None if they show none."""
    encoding = encoding_of(head)
    lines = head.decode(encoding, errors="replace").splitlines()
    lines = lines if is_whole else lines[:-1]
    tables = [(delimiter, list(csv.reader(lines, delimiter=delimiter))) for delimiter in DELIMITERS]
    spaced = (SPACES, [next(csv.reader([" ".join(line.split())], delimiter=" "), []) for line in lines])
    for find in (_layouts, _headerless):
        for group in (tables, [spaced]):
            found = [entry for delimiter, rows in group for entry in find(rows, delimiter, encoding)]
            if found:
                return max(found, key=lambda entry: entry[0])[1]
    return None


def encoding_of(head: bytes) -> str:
    """The encoding of a text, by its first bytes."""
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "utf-32"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    zeros = [head[i::2].count(0) / max(len(head) / 2, 1) for i in (0, 1)]  # at even and at odd places
    if max(zeros) > MIN_UTF16_ZEROS and min(zeros) < 1 - MIN_UTF16_ZEROS:
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    try:
        head[: len(head) - 4].decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def _layouts(rows: list[list[str]], delimiter: str, encoding: str) -> Iterator[tuple[int, Layout]]:
    """The layout of each table with a header that may begin, and the number of fields in its rows of right width."""
    filled = [i for i, row in enumerate(rows) if any(cell.strip() for cell in row)]
    is_data = {i: _is_data(rows[i]) for i in filled}
    begins = [k for k in range(1, len(filled)) if is_data[filled[k]] and not is_data[filled[k - 1]]]
    for k in begins[:MAX_BEGINS]:
        data = filled[k]
        width = len(rows[data])
        names, units = _names_and_units([rows[i] for i in filled[max(k - 3, 0) : k]], width)
        if len(names) >= max(width, 2) and not _is_data(names):
            yield _layout(rows[data:], delimiter, encoding, data, names, units)


def _headerless(rows: list[list[str]], delimiter: str, encoding: str) -> Iterator[tuple[int, Layout]]:
    """The layout of a table without names, whose columns are called by their number."""
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    if len(filled) >= MIN_HEADERLESS_ROWS and all(map(_is_data, filled)) and len(set(map(len, filled))) == 1:
        yield _layout(filled, delimiter, encoding, 0, [""] * len(filled[0]), [])


def _layout(
    rows: list[list[str]], delimiter: str, encoding: str, first_row: int, names: list[str], units: list[str]
) -> tuple[int, Layout]:
    """The number of fields in rows of the right width, and the layout."""
    width = len(rows[0])
    cells = [cell for row in rows for cell in row]
    decimal = "," if delimiter != "," and any(re.fullmatch(r"-?\d+,\d+", cell.strip()) for cell in cells) else "."
    unique = _unique([name.strip() for name in names])
    padded = (*(unit.strip().strip("[]()") for unit in units), *[""] * len(names))[: len(names)]
    return width * sum(len(row) == width for row in rows), Layout(
        encoding, delimiter, decimal, first_row, unique, padded
    )


def _names_and_units(before: list[list[str]], width: int) -> tuple[list[str], list[str]]:
    """Names and units in the lines before the first row: names alone, over units, or over units and sources."""
    if len(before) > 2 and _are_sources(before[-1]) and min(map(len, before)) >= width:
        return _with_sources(before[-3], before[-1]), before[-2]
    if len(before) > 1 and _are_units(before[-1]) and len(before[-2]) >= width:
        return before[-2], before[-1]
    return before[-1], []


def _with_sources(names: list[str], sources: list[str]) -> list[str]:
    """The names, with the source of each that is repeated."""
    count = Counter(names)
    plain = [re.sub(r"^\d+: ", "", source) for source in sources]
    return [f"{name} {source}" if count[name] > 1 else name for name, source in zip(names, plain, strict=False)]


def _is_data(cells: list[str]) -> bool:
    """Whether at least half of the cells with text are numbers or times of day."""
    texts = [cell.strip() for cell in cells if cell.strip()]
    count = sum(bool(NUMBER.fullmatch(text)) for text in texts) + sum(bool(CLOCK.fullmatch(text)) for text in texts)
    return len(cells) > 1 and count > 0 and 2 * count >= len(texts)


def _are_units(cells: list[str]) -> bool:
    texts = [cell.strip() for cell in cells if cell.strip()]
    return bool(texts) and all(len(t) <= 10 for t in texts) and any(UNIT.search(t) for t in texts)


def _are_sources(cells: list[str]) -> bool:
    texts = [cell.strip() for cell in cells if cell.strip()]
    return any(re.match(r"\d+: ", text) for text in texts) and all(SOURCE.fullmatch(text) for text in texts)


def _unique(names: list[str]) -> tuple[str, ...]:
    """The names, numbered where one is empty or repeated."""
    count: Counter[str] = Counter()
    unique = []
    for i, name in enumerate(names):
        full_name = name or f"column {i + 1}"
        count[full_name] += 1
        unique.append(full_name if count[full_name] == 1 else f"{full_name}.{count[full_name]}")
    return tuple(unique)
