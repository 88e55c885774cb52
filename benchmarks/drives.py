"""How well braking events are found in drives whose truth is known, how fast, and in how much memory.

    python benchmarks/drives.py [--drives 20] [--logs 20] [--megabytes 200] [--json]

Method: drives are stops of the physics joined by acceleration, recorded by imperfect sensors
(tests/synthetic_drives.py) and read back from CSV by the same call as any recording; radar logs hold cars ahead that
brake, seen through gaps, changing identifiers and 5 % ghosts (tests/synthetic_radar.py). The program was tuned on
seeds below 200; other seeds are scored. An own event counts as found if it overlaps by more than half of the common
span, one of a car ahead by a third; a true event must be found if its peak is 10 % above 2 m/s^2, and may be if 10 %
below. `lost` is the share of genuine instants (of radar: frames) above 4 m/s^2 that no found event (no kept track)
holds. The MF4 is a synthetic log of a raw bus of 2,100 frames a second, read in a process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.helpers import synthetic_drives as own
from tests.helpers import synthetic_radar as radar

HOME = Path(__file__).parents[1]

SCORED = 300  # first seed; all below 200 were seen while tuning
IDLE_FRAMES = 40  # frames of no interest beside each of interest in the great MF4
KINDS = {
    "clean, 50 Hz": own.Sensors(50, 0.02, 0, 0, 50, noise=0.1, bias=0, grade=0, spikes=0, drop_outs=0, frozen=0),
    "CAN 50 Hz, accelerometer": own.Sensors(50, 0.03, 0.0155, 0.05, 50),
    "CAN 20 Hz late by 0.3 s, sign inverted": own.Sensors(20, 0.05, 0, 0.3, 20, noise=0.3, sign=-1),
    "GPS 1 Hz late by 1.35 s, phone": own.Sensors(1, 0.2, 0.0278, 1.35, 20, noise=0.4, bias=-0.3),
    "50 Hz noisy, speed only": own.Sensors(50, 0.1, 0.01, 0, 50, accelerometer=False),
    "integer km/h at 13 Hz, speed only": own.Sensors(13, 0.0, 1 / 3.6, 0, 13, accelerometer=False),
    "GPS 1 Hz, speed only": own.Sensors(1, 0.1, 0, 0, 1, accelerometer=False),
}


def situation(car: Any) -> dict[str, float]:
    """Ordinary factors of a dry road."""
    factors = {f.name: f for f in car.factors if not f.estimate}
    middle = {n: f.prior.mean if f.prior.uniform < 1 else (f.low + f.high) / 2 for n, f in factors.items()}
    surface, tyre = factors["surface"].levels.index("asphalt"), factors["tyre_kind"].levels.index("summer")
    return middle | {"surface": float(surface), "tyre_kind": float(tyre), "water_film_mm": 0.0, "abs": 1.0}


def own_rows(count: int) -> list[dict[str, Any]]:
    """Scores of every kind of recording, each over `count` drives."""
    from acc_decel import drives
    from acc_decel.physics import vehicle

    car = vehicle("compact")
    truths = [own.driven(np.random.default_rng(SCORED + i), car, situation(car)) for i in range(count)]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, sensors in track(list(KINDS.items()), description="own car", transient=True):
            total, hours, spent = own.Score(), 0.0, 0.0
            for i, truth in enumerate(truths):
                path = Path(folder) / "drive.csv"
                own.recorded(np.random.default_rng(9000 + i), truth, sensors).to_csv(path, index=False)
                start = time.perf_counter()
                found = drives.find_events(path)
                spent += time.perf_counter() - start
                hours += found.hours
                total += own.score(truth, found.events)
            rows.append(_own_row(kind, total) | {"hours_per_second": hours / spent})
    return rows


def _own_row(kind: str, total: own.Score) -> dict[str, Any]:
    errors = {
        f"{what}_p90": float(np.quantile(np.abs(getattr(total, f"{what}_errors")), 0.9))
        for what in ("start", "peak", "mean")
    }
    scores = {"true": total.true, "recall": total.recall, "precision": total.precision, "lost": total.lost}
    return {"kind": kind} | scores | errors


def radar_row(count: int) -> dict[str, Any]:
    """Scores over `count` radar logs, of events and of frames."""
    told = np.zeros(9)
    for i in track(range(count), description="radar", transient=True):
        log = radar.seen(np.random.default_rng(SCORED + i), radar.Radar())
        told += radar.counts(log, radar.targets_in(log))
    must, must_found, found, right, genuine, genuine_kept, kept, hard, hard_lost = told
    return {
        "logs": count,
        "true": int(must),
        "recall": must_found / must,
        "precision": right / found,
        "frames": int(genuine),
        "frame_recall": genuine_kept / genuine,
        "frame_precision": genuine_kept / kept,
        "lost": hard_lost / hard,
    }


def great_mf4(path: Path, megabytes: int) -> float:
    """Write a raw-bus MF4 of about this size; returns its hours."""
    import recorded_files as files

    from acc_decel.physics import vehicle

    truth = own.driven(np.random.default_rng(SCORED), vehicle("compact"), situation(vehicle("compact")), stops=40)
    table = own.recorded(np.random.default_rng(1), truth, own.Sensors(50, 0.03, 0.01, 0.2, 50))
    stamps, frames = files.frames(table)
    many = np.repeat(frames, IDLE_FRAMES // 2 + 1)
    times = np.repeat(stamps, IDLE_FRAMES // 2 + 1) + np.tile(np.arange(IDLE_FRAMES // 2 + 1) * 4e-4, len(stamps))
    idle = np.arange(len(many)) % (IDLE_FRAMES // 2 + 1) > 0
    many["CAN_DataFrame.ID"][idle], many["CAN_DataFrame.IDE"][idle] = 0x700, 0
    order = np.argsort(times, kind="stable")
    times, many = times[order], many[order]
    repeats = max(round(megabytes * 1e6 / (len(many) * (many.dtype.itemsize + 8))), 1)
    files.write_bus_mf4(path, ((times + i * (times[-1] + 1), many) for i in range(repeats)))
    files.dbc(path.parent)
    return repeats * (float(times[-1]) + 1) / 3600


def memory_row(megabytes: int) -> dict[str, Any]:
    """Time and memory of `found` on a great MF4, beside those of the imports alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "great.mf4"
        hours = great_mf4(path, megabytes)
        alone, told = (json.loads(_child(part)) for part in (None, path))
        size = path.stat().st_size / 1e6
    return {
        "megabytes": size,
        "hours": hours,
        "seconds": told["seconds"],
        "hours_per_second": hours / told["seconds"],
        "peak_mb": told["peak_mb"],
        "imports_mb": alone["peak_mb"],
        "events": told["events"],
    }


def _child(path: Path | None) -> str:
    command = [sys.executable, str(Path(__file__)), "--measure", str(path or "")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def measure(path: str) -> dict[str, Any]:
    """Seconds, peak memory and events of one recording; of the imports alone for an empty path."""
    import asammdf  # noqa: F401
    import cantools  # noqa: F401

    from acc_decel import drives

    start = time.perf_counter()
    events = len(drives.find_events(Path(path)).events) if path else 0
    spent = time.perf_counter() - start
    return {"seconds": spent, "peak_mb": peak_memory_mb(), "events": events}


def peak_memory_mb() -> float:
    """The most memory [MB] that this process has held; on Linux since it was started, not since its parent forked."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drives", type=int, default=20, help="drives of each kind")
    parser.add_argument("--logs", type=int, default=20, help="radar logs of ten minutes")
    parser.add_argument("--megabytes", type=int, default=200, help="size of the great MF4; 0 leaves it out")
    parser.add_argument("--json", action="store_true", help="print for a program")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure is not None:
        print(json.dumps(measure(asked.measure)))
        return
    told = {"own": own_rows(asked.drives), "radar": radar_row(asked.logs)}
    if asked.megabytes:
        told["great_mf4"] = memory_row(asked.megabytes)
    if asked.json:
        print(json.dumps(told, indent=1))
        return
    console = Console(width=150)
    _print(console, "own car", told["own"])
    for name in ("radar", "great_mf4"):
        if name in told:
            _print(console, name, [told[name]])


def _print(console: Console, title: str, rows: list[dict[str, Any]]) -> None:
    table = Table(*rows[0], title=title, title_justify="left")
    for row in rows:
        table.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()))
    console.print(table)


if __name__ == "__main__":
    main()
