"""Tables that this package wrote: a report of a fleet and tables of events, which are no recordings."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

REPORT, EVENTS, PARTS = "report.csv", "events.parquet", "parts"  # in the output of a fleet
OWN_COLUMNS = ({"file", "status", "reason"}, {"start_s", "initial_speed", "mean_deceleration", "peak_deceleration"})


def is_own_table(path: Path) -> bool:
    """Whether a file is a report or a table of events that this package wrote, by the names of its columns."""
    columns: set[str] = set()
    if path.suffix == ".csv":
        with path.open("rb") as file:
            columns = set(file.readline(4_000).decode(errors="replace").strip().split(","))
    elif path.suffix == ".parquet":
        try:
            columns = set(pq.read_schema(path).names)
        except (pa.ArrowException, OSError, ValueError):
            return False  # the error is that of whoever reads it
    return any(columns >= own for own in OWN_COLUMNS)
