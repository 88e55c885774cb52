"""Where the rows of a text table begin and how they are written: header, units, sources, delimiter and decimal mark."""

import csv
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from acc_decel.drives.formats.compression import first_bytes
from acc_decel.drives.formats.unread import AS_TABLE
from acc_decel.drives.units import ISO, UNITS, known_unit

HEAD_BYTES = 65_536  # that are enough to find the header
CYRILLIC = re.compile(rb"[\xc0-\xff]{4}")  # a word in Windows-1251; in other encodings such letters stand alone
MIN_UTF16_ZEROS = 0.7  # share of zeros at every second place in a text of UTF-16 without a mark
WHITESPACE = r"\s+"
DELIMITERS = (",", ";", "\t", "|")
NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?|nan|inf|null|n/?a", re.IGNORECASE)
COMMA_NUMBER, POINT_NUMBER = re.compile(r"-?\d+,\d+"), re.compile(r"-?\d*\.\d+")
THOUSANDS = re.compile(r"-?[1-9]\d{0,2},\d{3}")
CLOCK = re.compile(r"[\d/.-]*[ T]?\d{1,3}:\d{2}(:\d{2}([.,:]\d+)?|[.,]\d+)?(Z|[+-]\d{2}:?\d{2}| ?[AaPp][Mm])?")
GPS_WEEK = re.compile(r"\d{3,4}:\d{5,6}([.,]\d+)?")
DATE_ONLY = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{1,2}[./-]\d{1,2}")
CLOCK_ONLY = re.compile(r"\d{1,2}:\d{2}:\d{2}([.,:]\d+)?( ?[AaPp][Mm])?")
SOURCE = re.compile(r"(\d+: )?[a-z][a-z0-9 _.]*")  # of RaceChrono, under the units: `100: gps`, `calc`
MIN_HEADLESS_SHARE = 0.9  # of the rows of a table without a header that have its width
MIN_HEADLESS_ROWS = 3  # rows of numbers that make a table without a header
MAX_UNIT_LETTERS = 10  # of a unit that is not known
HEADLESS = {  # the first columns of tables that are published without a header: UAH-DriveSet, as its authors describe
    "RAW_GPS": ("time [s]", "speed [km/h]", "latitude", "longitude", "altitude [m]"),
    "RAW_ACCELEROMETERS": ("time [s]", "active", "accel x [g]", "accel y [g]", "accel z [g]"),
}
Rank = tuple[bool, int, int]  # of a layout: whether it has a header, cells that are numbers, and fewer columns
QUANTITIES = tuple(dict.fromkeys(unit.quantity for unit in UNITS))


@dataclass(frozen=True)
class Layout:
    """Where the rows of a CSV file begin and how they are written; `joined` are a date and its time of day."""

    encoding: str
    delimiter: str
    decimal: str
    first_row: int
    names: tuple[str, ...]
    units: tuple[str, ...]
    joined: tuple[str, str] | None = None

    @property
    def joined_name(self) -> str:
        """What a date and its time of day are called as one channel; "" if the table has no such pair."""
        return " + ".join(self.joined) if self.joined else ""


def find_layout(path: Path) -> Layout:
    """The layout of the table in a file, found from its first lines. Raises ValueError if they hold none."""
    head = first_bytes(path, HEAD_BYTES)
    encoding = find_encoding(head)
    lines = head.decode(encoding, errors="replace").splitlines()
    lines = lines[:-1] if len(head) == HEAD_BYTES else lines
    best: tuple[Rank, Layout] | None = None
    for delimiter in DELIMITERS:
        found = _layout(list(csv.reader(lines, delimiter=delimiter)), delimiter, encoding)
        if found is not None and (best is None or found[0] > best[0]):
            best = found
    if best is None:
        best = _layout([line.split() for line in lines], WHITESPACE, encoding)
    if best is None:
        is_text = b"\0" not in head
        got = "no such table in its first lines: check the file" if is_text else f"an unknown binary file: {AS_TABLE}"
        raise ValueError(
            f"{path} must hold a header line with the names of its columns and rows of numbers under it. Got {got}."
        )
    layout = best[1]
    named = HEADLESS.get(path.stem.upper(), ())
    if layout.names[:1] != ("column 1",) or len(named) > len(layout.names):
        return layout
    return replace(layout, names=(*named, *layout.names[len(named) :]))


def find_encoding(head: bytes) -> str:
    """The encoding of a text, from its first bytes."""
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
        return "cp1251" if CYRILLIC.search(head) else "latin-1"
    return "utf-8-sig"


def _layout(lines: list[list[str]], delimiter: str, encoding: str) -> tuple[Rank, Layout] | None:
    """The layout if `delimiter` separates the fields, and how good it is; None where it does not."""
    rows = [(i, [cell.strip() for cell in cells]) for i, cells in enumerate(lines) if any(c.strip() for c in cells)]
    widths = Counter(len(cells) for _, cells in rows if _is_data(cells))
    if not widths:
        return None
    width = max(widths, key=lambda count: count * widths[count])
    data = next((k for k, (_, cells) in enumerate(rows) if _is_data(cells) and len(cells) >= width), len(rows))
    head = [cells for _, cells in rows[:data]]
    if delimiter == WHITESPACE and widths[width] < MIN_HEADLESS_ROWS:
        return None
    titles = _titles(head, width, delimiter)
    is_headless = (not head or len(head[-1]) <= 1) and widths[width] >= MIN_HEADLESS_ROWS
    if titles is None and (not is_headless or widths[width] < MIN_HEADLESS_SHARE * (len(rows) - data)):
        return None
    column_names, unit_texts = titles or ([""] * width, [""] * width)
    names = _unique(column_names)
    body = [cells for _, cells in rows[data:]]
    decimal = _decimal([cell for cells in body for cell in cells], delimiter)
    units = (*(u.strip("[]()") for u in unit_texts), *[""] * len(names))[: len(names)]
    joined = _joined(names, body[0])
    rank = (titles is not None, _number_count([cells for cells in body if len(cells) == width]), -width)
    return rank, Layout(encoding, delimiter, decimal, rows[data][0], names, units, joined)


def _decimal(cells: list[str], delimiter: str) -> str:
    """The decimal mark of the cells; where commas separate them, quoted numbers like 1,234 may count thousands."""
    with_comma = [cell for cell in cells if COMMA_NUMBER.fullmatch(cell)]
    if delimiter == "," and (any(map(POINT_NUMBER.fullmatch, cells)) or all(map(THOUSANDS.fullmatch, with_comma))):
        return "."
    return "," if with_comma else "."


def _number_count(rows: list[list[str]]) -> int:
    """Cells that are a number, a time or empty: a wrong delimiter leaves others, or cuts numbers in two."""
    kinds = (NUMBER, CLOCK, GPS_WEEK)
    return sum(not text or any(kind.fullmatch(text) for kind in kinds) for cells in rows for text in cells)


def _titles(head: list[list[str]], width: int, delimiter: str) -> tuple[list[str], list[str]] | None:
    """Names and units of the columns, from the lines above the first row; None where none of them is a header."""
    if delimiter == WHITESPACE and head:
        head = [*head[:-1], _words_of_header(head[-1], width)]
    wide = [cells if len(cells) >= width else [] for cells in head[-3:]]
    if not wide or not wide[-1] or _is_data(wide[-1]):
        return None
    if len(wide) == 3 and wide[0] and _is_units(wide[1]) and _are_sources(wide[2]):
        return _with_sources(wide[0], wide[2]), wide[1]
    if len(wide) >= 2 and wide[-2] and _is_units(wide[-1]) and not _is_data(wide[-2]):
        return wide[-2], wide[-1]
    return wide[-1], [""] * len(wide[-1])


def _words_of_header(cells: list[str], width: int) -> list[str]:
    """The names of a header that spaces separate, without the mark of a comment before them."""
    cells = cells[1:] if len(cells) == width + 1 and cells[0] in ("#", "%", "//") else cells
    return [cells[0].lstrip("#%"), *cells[1:]] if cells else cells


def _with_sources(names: list[str], sources: list[str]) -> list[str]:
    """The names; where several are equal, each with its source in brackets."""
    count = Counter(names)
    plain = [re.sub(r"^\d+: *", "", source) for source in sources] + [""] * len(names)
    return [f"{n} ({s})" if count[n] > 1 and s else n for n, s in zip(names, plain, strict=False)]


def _joined(names: tuple[str, ...], cells: list[str]) -> tuple[str, str] | None:
    """The columns of a date alone and of a time of day alone, if there is one of each."""
    pairs = list(zip(names, cells, strict=False))
    dates = [name for name, cell in pairs if DATE_ONLY.fullmatch(cell)]
    clocks = [name for name, cell in pairs if CLOCK_ONLY.fullmatch(cell)]
    return (dates[0], clocks[0]) if dates and clocks else None


def _is_data(cells: list[str]) -> bool:
    """Whether at least half of the cells with text are numbers or times of day."""
    texts = [cell.strip() for cell in cells if cell.strip()]
    count = sum(any(kind.fullmatch(text) for kind in (NUMBER, CLOCK, GPS_WEEK)) for text in texts)
    return len(cells) > 1 and count > 0 and 2 * count >= len(texts)


def _is_units(cells: list[str]) -> bool:
    """Whether the cells are units: at least one is known or written like one, and none is a long text."""
    texts = [cell.strip() for cell in cells if cell.strip()]
    known = [_is_known_unit(text.strip("[]()")) for text in texts]
    short = [len(text) <= MAX_UNIT_LETTERS for text in texts]
    like_one = any(is_short and re.search(r"/|^\[|^s$|^ms$", t) for is_short, t in zip(short, texts, strict=True))
    return (like_one or any(known)) and all(a or b for a, b in zip(known, short, strict=True))


def _is_known_unit(text: str) -> bool:
    """Whether a text is a unit, and no word that names a column, too, like `date`."""
    units = [known_unit(text, quantity) for quantity in QUANTITIES]
    return any(unit is not None and unit.name not in (ISO, "1") for unit in units)


def _are_sources(cells: list[str]) -> bool:
    """Whether the cells name where each column comes from: numbered, or the same few words again and again."""
    texts = [cell for cell in cells if cell]
    is_numbered = any(re.match(r"\d+: ", text) for text in texts) and all(map(SOURCE.fullmatch, texts))
    return is_numbered or (bool(texts) and len(set(texts)) <= max(len(texts) // 2, 1) and not _is_units(cells))


def _unique(names: list[str]) -> tuple[str, ...]:
    """The names, numbered where one is empty or repeated."""
    count: Counter[str] = Counter()
    unique = []
    for i, name in enumerate(names):
        full_name = name or f"column {i + 1}"
        count[full_name] += 1
        unique.append(full_name if count[full_name] == 1 else f"{full_name}.{count[full_name]}")
    return tuple(unique)
