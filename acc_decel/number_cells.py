"""Cells of tables that should hold numbers: the words for a missing one, and decimal commas beside text."""

import re

import pandas as pd

MAX_TEXT_SHARE = 0.1  # of the filled cells of a column; with more that is no word for "missing", it holds no numbers
# as loggers and spreadsheets write a value that is missing: ---, n/a, null, #N/A, #DIV/0!, Err
MISSING = re.compile(
    r"[\W_]*|n\.?/?a\.?n?\.?|-?(nan|inf|infinity)|null|none|nil|void|missing|empty|invalid|unavailable|unknown"
    r"|no ?(data|value|fix|gps|signal|connection)|err(or)?|#\w[\w/]*[!?]?",
    re.IGNORECASE,
)
_COMMA_NUMBER = re.compile(r"^(\s*[-+]?\d*),(\d+(?:[eE][-+]?\d+)?\s*)$")


def is_missing(cell: str) -> bool:
    """Whether a cell holds a word for a value that is missing."""
    return MISSING.fullmatch(cell.strip()) is not None


def with_points(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a point for the decimal comma of numbers in columns with text, which pandas leaves as text."""
    texts = {str(name): table[name] for name in table if pd.api.types.infer_dtype(table[name], skipna=True) == "string"}
    return table.assign(**{n: c.str.replace(_COMMA_NUMBER, r"\1.\2", regex=True) for n, c in texts.items()})
