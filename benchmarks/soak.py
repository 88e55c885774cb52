"""Whether memory stays flat, and whether processes that work on the same files at a time disturb each other.

    python benchmarks/soak.py [--predictions 1000000] [--rounds 5] [--json]

Memory: one process answers so many events by name and so many by table (in tables of 10,000 rows), with each backend,
the released compact model. After a tenth of them, which warms up, the resident memory of the process is read ten
times; the result is its rise from the first to the last of these, and the slope of a line through them.

Together: four processes, several times over, each predict into the same file, compile into the same empty cache and
export into the same folder, at the same time. Every file that is left must be whole: the table has all its rows with
the right bits, the cached library answers as ONNX Runtime does, the exported folder is what one process writes, and no
temporary file is left.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from acc_decel import Predictor
from acc_decel.export import even_events

ROWS = 10_000  # of a table
READINGS = 10
PROCESSES = 4
CLI = (sys.executable, "-m", "acc_decel")
STOP = {"speed": 33.3, "brake_pressure_bar": 160.0, "surface": "asphalt", "water_film_mm": 1.0}
FULL = {**STOP, "mass": 1500.0, "tread_depth_mm": 5.0, "road_temperature_c": 12.0, "tyre_kind": "summer"}


@dataclass(frozen=True)
class Memory:
    """Resident memory of a process while it predicts [MB]."""

    backend: str
    way: str  # by name or by table
    predictions: int
    first: float
    last: float
    slope: float  # per million predictions


def resident() -> float:
    """Resident memory of this process [MB]."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def memory(backend: str, way: str, count: int) -> Memory:
    """Answer `count` events and watch the memory."""
    predictor = Predictor(backend=backend)
    table = pd.DataFrame([STOP, FULL]).sample(ROWS, replace=True, random_state=1, ignore_index=True)

    def by_name(events: int) -> None:
        for _ in range(events // 2):
            predictor.predict(**STOP)
            predictor.predict(**FULL)

    def by_table(events: int) -> None:
        for _ in range(events // ROWS):
            predictor.predict(table)

    answer: Callable[[int], None] = {"name": by_name, "table": by_table}[way]
    part = max(count // READINGS, ROWS)
    answer(part)
    readings = [resident()]
    for _ in range(READINGS):
        answer(part)
        readings.append(resident())
    slope = np.polyfit(np.arange(READINGS + 1) * part / 1e6, readings, 1)[0]
    return Memory(backend, way, part * READINGS, readings[0], readings[-1], float(slope))


def together(rounds: int) -> list[str]:
    """What was torn when processes work on the same files; nothing if all is well."""
    found: list[str] = []
    model = Predictor(backend="onnxruntime")
    columns = even_events(model.factors, 20_000)
    events = pd.DataFrame([STOP, FULL] * 5_000)
    expected = model.predict(events)
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            events.to_parquet(work / "events.parquet")
            environment = os.environ | {"XDG_CACHE_HOME": str(work / "cache")}
            commands = (
                ("predict", "--input", "events.parquet", "--output", "answers.parquet"),
                ("compile", "compact"),
                ("export", "compact", "--output", "firmware"),
            )
            for command in commands:
                running = [
                    subprocess.Popen((*CLI, *command), cwd=work, env=environment, stdout=subprocess.DEVNULL)
                    for _ in range(PROCESSES)
                ]
                codes = [process.wait() for process in running]
                found += [f"round {number}: {command[0]} ended with {code}" for code in codes if code]
            answers = pd.read_parquet(work / "answers.parquet")
            if not np.allclose(answers["deceleration"], expected["deceleration"], atol=1e-4):
                found.append(f"round {number}: the answers in the file are others")
            found += _torn_library(work / "cache" / "acc_decel", columns, number)
            alone = subprocess.run(
                (*CLI, "export", "compact", "--output", "alone"), check=False, cwd=work, stdout=subprocess.DEVNULL
            )
            found += [f"round {number}: export alone ended with {alone.returncode}"] * (alone.returncode != 0)
            own, other = ({p.name: p.read_bytes() for p in (work / n).iterdir()} for n in ("firmware", "alone"))
            found += [f"round {number}: {name} was torn" for name in own | other if own.get(name) != other.get(name)]
            left = [str(p.relative_to(work)) for p in work.rglob("*.partial*") if "zig" not in p.parts]
            found += [f"round {number}: {name} was left" for name in left]
    return found


def _torn_library(cache: Path, columns: np.ndarray, number: int) -> list[str]:
    """What is wrong with the library in the cache."""
    code = (
        "import sys, numpy as np; from acc_decel import Predictor; p = Predictor(); assert p.backend == 'c', p.backend;"
        "o, s = p.predict_array(np.load('columns.npy')); np.savez('library.npz', o=o, s=s)"
    )
    np.save(cache.parents[1] / "columns.npy", columns)
    environment = os.environ | {"XDG_CACHE_HOME": str(cache.parent)}
    command = (sys.executable, "-c", code)
    done = subprocess.run(command, check=False, cwd=cache.parents[1], env=environment, capture_output=True)
    if done.returncode:
        return [f"round {number}: the cached library is not used: {done.stderr.decode().splitlines()[-1]}"]
    outputs, status = Predictor(backend="onnxruntime").predict_array(columns)
    with np.load(cache.parents[1] / "library.npz") as answers:
        same = np.allclose(answers["o"], outputs, atol=1e-4, equal_nan=True) and np.array_equal(answers["s"], status)
    return [] if same else [f"round {number}: the cached library answers otherwise"]


def main() -> None:
    """Measure and print; exits with 1 if anything was torn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--predictions", type=int, default=1_000_000, help="events by name, and as many by table")
    parser.add_argument("--rounds", type=int, default=5, help="times that four processes work on the same files")
    parser.add_argument("--json", action="store_true", help="print for a program")
    asked = parser.parse_args()
    rows = [memory(backend, way, asked.predictions) for backend in ("c", "onnxruntime") for way in ("name", "table")]
    torn = together(asked.rounds)
    if asked.json:
        print(json.dumps({"memory": [asdict(row) for row in rows], "torn": torn}, indent=1))
    else:
        for row in rows:
            print(
                f"{row.backend:12} by {row.way:5} {row.predictions:9,} predictions: "
                f"{row.first:.1f} to {row.last:.1f} MB, {row.slope:+.2f} MB per million"
            )
        print(f"{asked.rounds} rounds of {PROCESSES} processes: {len(torn)} files torn", *torn, sep="\n")
    sys.exit(bool(torn))


if __name__ == "__main__":
    main()
