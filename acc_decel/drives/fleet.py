"""Many recordings: one row for each in the report, a bad one with its reason, resumable, on one machine or on Dask."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from acc_decel.drives.drive_folder import files_of
from acc_decel.drives.events import COLUMNS, GOOD, THRESHOLD, check_threshold
from acc_decel.drives.formats.opening import is_of_vehicles
from acc_decel.drives.formats.source import ALL_VEHICLES
from acc_decel.drives.own_tables import EVENTS, PARTS, REPORT, is_own_table
from acc_decel.drives.pipeline import DriveEvents, find_events, find_vehicle_events
from acc_decel.files import atomic_write

OK, FAILED, LEFT_OUT = "ok", "failed", "left out"  # the status of a file
# fmt: off
REPORT_COLUMNS = (
    "file", "status", "reason", "events", "flagged", "hardest", "hours", "frames", "dropped_frames", "lag_s", "notes",
    "vehicle_id",
)
# fmt: on


@dataclass(frozen=True)
class Task:
    """One recording of the fleet and how to read it."""

    file: str
    description_file: str | None
    dbc: str | None
    threshold: float
    bus: str | None = None
    vehicle_id: str | None = None

    @property
    def key(self) -> str:
        """Changes when the recording, what describes or decodes it, the settings or this package change."""
        file = Path(self.file)
        parts: list[object] = [self.file, self.threshold, self.description_file, self.dbc, version("acc_decel")]
        parts += [self.bus, self.vehicle_id]
        sources = list(map(Path, filter(None, (self.description_file, self.dbc))))
        if file.is_dir():
            sources += files_of(file)
        else:
            sources += [file, file.with_suffix(".toml")]
            sources += sorted(file.parent.glob("*.dbc")) if self.dbc is None else []
        for path in sources:
            status = path.stat() if path.exists() else None
            parts.append((str(path), status.st_size, status.st_mtime_ns) if status else None)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


RunTask = Callable[[Task, str], dict[str, Any]]


def find_fleet_events(
    files: list[Path],
    output: Path,
    *,
    description_file: Path | None = None,
    dbc: Path | None = None,
    bus: str | None = None,
    vehicle_id: str | None = None,
    threshold: float = THRESHOLD,
    workers: int | None = None,
    scheduler: str | None = None,
    left_out: Mapping[Path, str] | None = None,
    on_file: Callable[[dict[str, Any]], None] = lambda _: None,
) -> pd.DataFrame:
    """Find the events of many recordings; returns the report, one row for each file.

    `output` gets report.csv and events.parquet (with the column `file`), and under parts/ the result of each file, so
    that an interrupted run continues where it stopped. A file that cannot be read is a row with the reason. `scheduler`
    is the address of a Dask scheduler whose workers see the files; without it `workers` processes do the work.
    With `vehicle_id` "all" each vehicle of a table of several is a drive with a row of its own.
    `left_out` are files that are no recordings, with the reason, which get a row, too. `on_file` gets each row.
    """
    check_threshold(threshold)
    tasks = [Task(str(f), _name(description_file), _name(dbc), threshold, bus, vehicle_id) for f in files]
    for name in (REPORT, EVENTS):
        if (output / name).exists() and not is_own_table(output / name):
            raise ValueError(f"{output / name} must be free, or of an earlier run. Got another file: choose a folder.")
    parts = output / PARTS
    parts.mkdir(parents=True, exist_ok=True)
    done = {task: rows for task in tasks if (rows := _read_rows(parts, task)) is not None}
    for earlier in done.values():
        on_file(earlier[0])
    remaining = [task for task in tasks if task not in done]
    for row in _run_all(remaining, parts, min(workers or os.cpu_count() or 1, max(len(remaining), 1)), scheduler):
        on_file(row)
    rows = [row for task in tasks for row in _read_rows(parts, task) or [_changed_row(task)]]
    rows += [_empty_row(str(file)) | {"status": LEFT_OUT, "reason": why} for file, why in (left_out or {}).items()]
    report = pd.DataFrame(rows, columns=list(REPORT_COLUMNS))
    with atomic_write(output / EVENTS) as temporary:
        _read_events(parts, tasks).to_parquet(temporary, index=False)
    with atomic_write(output / REPORT) as temporary:
        report.to_csv(temporary, index=False)
    return report


def run_task(task: Task, parts: str) -> dict[str, Any]:
    """Find the events of one recording; write them and its rows. Where that fails, the row has the reason.

    Returns the first row: there are several where each vehicle of a table has one.
    """
    key = task.key
    rows, tables = [_empty_row(task.file)], [pd.DataFrame(columns=list(COLUMNS))]
    try:
        drives = dict(_drives(task))
        rows = [_row(task.file, vehicle, drive) for vehicle, drive in drives.items()] or rows
        tables += [d.events.assign(vehicle_id=v) for v, d in drives.items() if isinstance(d, DriveEvents)]
    except ModuleNotFoundError:
        raise  # an extra that is not installed is not a fault of the file
    except Exception as error:  # one bad file may not end the run
        kind = "" if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: "
        rows[0] |= {"reason": kind + " ".join(str(error).split())}
    _write_part(Path(parts) / f"{key}.json", tables, rows)
    return rows[0]


def _drives(task: Task) -> Iterator[tuple[str, DriveEvents | str]]:
    """The drives of a recording, or why one has none: one without a name, or each vehicle of a table of several."""
    file = Path(task.file)
    description_file, dbc = (Path(name) if name else None for name in (task.description_file, task.dbc))
    if task.vehicle_id == ALL_VEHICLES and is_of_vehicles(file, dbc):
        yield from find_vehicle_events(file, description_file=description_file, threshold=task.threshold)
        return
    vehicle = None if task.vehicle_id == ALL_VEHICLES else task.vehicle_id
    drive = find_events(
        file,
        description_file=description_file,
        dbc=dbc,
        bus=task.bus,
        vehicle_id=vehicle,
        threshold=task.threshold,
    )
    yield vehicle or "", drive


def _row(file: str, vehicle: str, drive: DriveEvents | str) -> dict[str, Any]:
    row = _empty_row(file) | {"vehicle_id": vehicle}
    if isinstance(drive, str):
        return row | {"reason": " ".join(drive.split())}
    return row | {
        "status": OK,
        "events": len(drive.events),
        "flagged": int((drive.events["quality"] != GOOD).sum()),
        "hardest": float(drive.events["peak_deceleration"].max()) if len(drive.events) else None,
        "hours": drive.hours,
        "frames": drive.clean.frames,
        "dropped_frames": drive.dropped_frames,
        "lag_s": drive.clean.lag if drive.clean.has_speed else None,
        "notes": "; ".join(drive.notes),
    }


def _empty_row(file: str) -> dict[str, Any]:
    """The row of a recording of which nothing is known."""
    return dict.fromkeys(REPORT_COLUMNS) | {"file": file, "status": FAILED, "reason": "", "notes": "", "vehicle_id": ""}


def _write_part(path: Path, tables: list[pd.DataFrame], rows: list[dict[str, Any]]) -> None:
    filled = [table for table in tables if len(table)] or tables[:1]
    with atomic_write(path.with_suffix(".parquet")) as temporary:
        pd.concat(filled, ignore_index=True).to_parquet(temporary, index=False)
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(rows if len(rows) > 1 else rows[0], indent=1))


def _run_all(
    tasks: list[Task], parts: Path, workers: int, scheduler: str | None, run: RunTask = run_task
) -> Iterator[dict[str, Any]]:
    """The rows of all tasks. Where a recording ends the process that reads it, each of the rest gets its own."""
    done: set[Task] = set()
    try:
        with _executor(workers, scheduler) as pool:
            for task, row in _run_tasks(pool, tasks, parts, run):
                done.add(task)
                yield row
    except BrokenExecutor:
        for task in [task for task in tasks if task not in done]:
            yield _run_apart(task, parts, run)


def _run_apart(task: Task, parts: Path, run: RunTask) -> dict[str, Any]:
    """The row of one recording read in a process of its own, which may end: then the row says so."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(run, task, str(parts)).result()
        except BrokenExecutor:
            row = _empty_row(task.file) | {"reason": "the process that read it was ended, perhaps for want of memory"}
            _write_part(parts / f"{task.key}.json", [pd.DataFrame(columns=list(COLUMNS))], [row])
            return row


def _run_tasks(
    pool: Executor | None, tasks: list[Task], parts: Path, run: RunTask
) -> Iterator[tuple[Task, dict[str, Any]]]:
    if pool is None:
        yield from ((task, run(task, str(parts))) for task in tasks)
        return
    futures = {pool.submit(run, task, str(parts)): task for task in tasks}
    for future in as_completed(futures):
        yield futures[future], future.result()


@contextmanager
def _executor(workers: int, scheduler: str | None) -> Iterator[Executor | None]:
    """What runs the tasks: Dask's workers, local processes, or this process."""
    if scheduler is not None:
        from acc_decel.dask_client import connected  # noqa: PLC0415 - needs the extra [scale]

        with connected(scheduler) as client, client.get_executor() as pool:
            yield pool
    elif workers > 1:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield pool
    else:
        yield None


def _read_rows(parts: Path, task: Task) -> list[dict[str, Any]] | None:
    """The rows that an earlier run wrote of the same recording; None if they or its events are missing or damaged."""
    path = parts / f"{task.key}.json"
    try:
        written = json.loads(path.read_text())
        pq.read_metadata(path.with_suffix(".parquet"))
    except (OSError, ValueError, pa.ArrowException):
        return None
    rows = written if isinstance(written, list) else [written]
    is_whole = all(isinstance(r, dict) and {*r} == {*REPORT_COLUMNS} for r in rows)
    return rows if is_whole and rows else None


def _changed_row(task: Task) -> dict[str, Any]:
    return _empty_row(task.file) | {"reason": "changed while it was read: run again"}


def _read_events(parts: Path, tasks: list[Task]) -> pd.DataFrame:
    tables = []
    for task in tasks:
        path = parts / f"{task.key}.parquet"
        if path.is_file():
            table = pd.read_parquet(path)
            table.insert(0, "file", task.file)
            tables.append(table)
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=["file", *COLUMNS, "vehicle_id"])


def _name(path: Path | None) -> str | None:
    return None if path is None else str(path)
