"""How fast a dataset is written, what memory that takes, and that the memory does not grow with the events.

    python benchmarks/dataset.py [--events 500000 1000000] [--json]

Method: `acc_decel.dataset.generate` for the compact car, as the command line runs it, in a fresh process for each size,
on local disk. Speed is wall time on all cores, loading and compiling left out; memory is the peak resident set of that
process (getrusage). Then the same call once more: it reads, decodes and encodes every partition to see that it is
whole, which is the price of resuming. Below about 500,000 events the allocator has not yet seen its peak. Ten million
events take some minutes.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table

EVENTS = (500_000, 1_000_000)
MEGABYTE = 2**20


def measured(events: int) -> dict[str, float]:
    """Figures of one dataset; runs in a process of its own."""
    from acc_decel.dataset import events_table, generate
    from acc_decel.physics import vehicle

    car = vehicle("compact")
    events_table(car, seed=1, first=0, events=64)  # compiles
    idle = peak_mb()
    with tempfile.TemporaryDirectory() as folder:
        seconds = [_seconds(lambda: generate(car, Path(folder), events=events)) for _ in range(2)]
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
    return {
        "events": events,
        "events_per_second": events / seconds[0],
        "resumed_per_second": events / seconds[1],
        "idle_memory_mb": idle,
        "peak_memory_mb": peak_mb(),
        "bytes_per_event": size / events,
    }


def peak_mb() -> float:
    """Peak resident set of this process so far [MB]; Linux counts in kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE


def growth(rows: list[dict[str, float]]) -> float:
    """Memory [bytes] that one more event takes, between the fewest and the most events."""
    few, many = rows[0], rows[-1]
    return MEGABYTE * (many["peak_memory_mb"] - few["peak_memory_mb"]) / max(many["events"] - few["events"], 1)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=EVENTS, help="sizes of the datasets")
    parser.add_argument("--json", action="store_true", help="print for a program")
    asked = parser.parse_args()
    fresh = {"mp_context": multiprocessing.get_context("spawn"), "max_tasks_per_child": 1}
    with ProcessPoolExecutor(1, **fresh) as processes:
        rows = list(processes.map(measured, sorted(asked.events)))
    if asked.json:
        print(json.dumps({"datasets": rows, "growth_bytes_per_event": growth(rows)}, indent=1))
        return
    table = Table(title="datasets of the compact car", title_justify="left")
    for column in ("events", "events a second", "resumed a second", "memory before", "peak memory", "bytes an event"):
        table.add_column(column, justify="right")
    for row in rows:
        speeds = (f"{row['events_per_second']:,.0f}", f"{row['resumed_per_second']:,.0f}")
        memory = (f"{row['idle_memory_mb']:.0f} MB", f"{row['peak_memory_mb']:.0f} MB")
        table.add_row(f"{row['events']:,.0f}", *speeds, *memory, f"{row['bytes_per_event']:.1f}")
    Console().print(table)
    print(f"one more event takes {growth(rows):.1f} bytes of memory")


if __name__ == "__main__":
    main()
