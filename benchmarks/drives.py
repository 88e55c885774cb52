"""How well braking events are found in drives whose truth is known, how fast, and in how much memory.

    python benchmarks/drives.py [--drives 20] [--logs 20] [--megabytes 200] [--json]

Method: drives are stops of the physics joined by acceleration, recorded by imperfect sensors
(tests/helpers/synthetic_drives.py) and read back from CSV by the same call as any recording; radar logs hold cars
ahead that brake, with gaps, changing identifiers and 5 % ghosts (tests/helpers/synthetic_radar.py). The program was
tuned on seeds below 200; other seeds are scored. An own event counts as detected if it overlaps by more than half of
the common span, one of a car ahead by a third. A true event must be detected if its peak is 10 % above 2 m/s^2, and
may be if 10 % below. `lost` is the share of genuine instants (of radar: frames) above 4 m/s^2 in no detected event (in
no track). The MF4 is a synthetic log of a raw bus of 2,100 frames a second, read in a process of its own.
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

from tests.helpers import recorded_files as files
from tests.helpers import synthetic_drives as own
from tests.helpers import synthetic_radar as radar

HOME = Path(__file__).parents[1]

FIRST_SEED = 300  # seeds below 200 were used for tuning
IDLE_FRAMES = 40  # frames of other messages for each pair with a signal, in the large MF4
KINDS = {
    "clean, 50 Hz": own.Sensors(50, 0.02, 0, 0, 50, noise=0.1, bias=0, grade=0, spikes=0, drop_outs=0, frozen=0),
    "CAN 50 Hz, accelerometer": own.Sensors(50, 0.03, 0.0155, 0.05, 50),
    "CAN 20 Hz late by 0.3 s, sign inverted": own.Sensors(20, 0.05, 0, 0.3, 20, noise=0.3, sign=-1),
    "GPS 1 Hz late by 1.35 s, phone": own.Sensors(1, 0.2, 0.0278, 1.35, 20, noise=0.4, bias=-0.3),
    "50 Hz noisy, speed only": own.Sensors(50, 0.1, 0.01, 0, 50, accelerometer=False),
    "integer km/h at 13 Hz, speed only": own.Sensors(13, 0.0, 1 / 3.6, 0, 13, accelerometer=False),
    "GPS 1 Hz, speed only": own.Sensors(1, 0.1, 0, 0, 1, accelerometer=False),
}


def typical_factors(car: Any) -> dict[str, float]:
    """Typical factors on a dry road."""
    factors = {f.name: f for f in car.factors if not f.estimate}
    middle = {n: f.prior.mean if f.prior.uniform < 1 else (f.low + f.high) / 2 for n, f in factors.items()}
    surface, tyre = factors["surface"].levels.index("asphalt"), factors["tyre_kind"].levels.index("summer")
    return middle | {"surface": float(surface), "tyre_kind": float(tyre), "water_film_mm": 0.0, "abs": 1.0}


def own_rows(count: int) -> list[dict[str, Any]]:
    """Scores of every kind of recording, each over `count` drives."""
    from acc_decel import drives
    from acc_decel.physics import vehicle

    car = vehicle("compact")
    truths = [own.sample_drive(np.random.default_rng(FIRST_SEED + i), car, typical_factors(car)) for i in range(count)]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, sensors in track(list(KINDS.items()), description="own car", transient=True):
            total, hours, seconds = own.Score(), 0.0, 0.0
            for i, truth in enumerate(truths):
                path = Path(folder) / "drive.csv"
                own.record_drive(np.random.default_rng(9000 + i), truth, sensors).to_csv(path, index=False)
                start = time.perf_counter()
                drive = drives.find_events(path)
                seconds += time.perf_counter() - start
                hours += drive.hours
                total += own.score(truth, drive.events)
            rows.append(_own_row(kind, total) | {"hours_per_second": hours / seconds})
    return rows


def _own_row(kind: str, total: own.Score) -> dict[str, Any]:
    errors = {
        f"{what}_p90": float(np.quantile(np.abs(getattr(total, f"{what}_errors")), 0.9))
        for what in ("start", "peak", "mean")
    }
    scores = {"true": total.required, "recall": total.recall, "precision": total.precision, "lost": total.lost}
    return {"kind": kind} | scores | errors


def radar_row(count: int) -> dict[str, Any]:
    """Scores over `count` radar logs, of events and of frames."""
    total = radar.RadarScore()
    for i in track(range(count), description="radar", transient=True):
        log = radar.sample_log(np.random.default_rng(FIRST_SEED + i), radar.Radar())
        total += radar.score_log(log, radar.find_targets(log))
    return {
        "logs": count,
        "true": total.required,
        "recall": total.recall,
        "precision": total.precision,
        "frames": total.genuine,
        "frame_recall": total.frame_recall,
        "frame_precision": total.frame_precision,
        "lost": total.lost,
    }


def write_large_mf4(path: Path, megabytes: int) -> float:
    """Write a raw-bus MF4 of about this size; returns its hours."""
    from acc_decel.physics import vehicle

    truth = own.sample_drive(
        np.random.default_rng(FIRST_SEED), vehicle("compact"), typical_factors(vehicle("compact")), stops=40
    )
    table = own.record_drive(np.random.default_rng(1), truth, own.Sensors(50, 0.03, 0.01, 0.2, 50))
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
    """Time and memory of `find_events` on a large MF4, and the memory of the imports alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.mf4"
        hours = write_large_mf4(path, megabytes)
        imports, result = (json.loads(_child(part)) for part in (None, path))
        size = path.stat().st_size / 1e6
    return {
        "megabytes": size,
        "hours": hours,
        "seconds": result["seconds"],
        "hours_per_second": hours / result["seconds"],
        "peak_mb": result["peak_mb"],
        "imports_mb": imports["peak_mb"],
        "events": result["events"],
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
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak_mb": peak_memory_mb(), "events": events}


def peak_memory_mb() -> float:
    """Maximum memory [MB] of this process so far; on Linux since it was started, not since its parent forked."""
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
    parser.add_argument("--megabytes", type=int, default=200, help="size of the large MF4; 0 leaves it out")
    parser.add_argument("--json", action="store_true", help="print for a program")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure is not None:
        print(json.dumps(measure(arguments.measure)))
        return
    results = {"own": own_rows(arguments.drives), "radar": radar_row(arguments.logs)}
    if arguments.megabytes:
        results["great_mf4"] = memory_row(arguments.megabytes)
    if arguments.json:
        print(json.dumps(results, indent=1))
        return
    console = Console(width=150)
    _print(console, "own car", results["own"])
    for name in ("radar", "great_mf4"):
        if name in results:
            _print(console, name, [results[name]])


def _print(console: Console, title: str, rows: list[dict[str, Any]]) -> None:
    table = Table(*rows[0], title=title, title_justify="left")
    for row in rows:
        table.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()))
    console.print(table)


if __name__ == "__main__":
    main()
