"""The FMU on every platform that can be had here: sizes, build times, and events that differ in any bit.

    python benchmarks/fmu.py [--model NAME] [--events 100000] [--json]

Needs the extra [fmu] and, for a row each: gcc; Debian's qemu-user and libc6-arm64-cross for ARM; wine64 for Windows. A
row whose program is missing says so. macOS cannot be run here.

Method: the FMUs are written by the command, once with an empty cache of zig and once more; times are those of the clock
and of the processors, compilers included. Then an importer of our own in C (tests/helpers/fmu_probe.c), compiled for
the platform, steps each binary through random events, a tenth of them damaged, and compares all outputs and flags with
the reference, whose bits the firmware has on this machine. The rows `gcc` and `clang` compile the sources in the FMU
with -O2 -march=haswell and no other option; the row `fused` counts in how many answers the firmware differs if gcc may
fuse multiplications and additions, as it does where the source does not say otherwise.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table as Screen

from acc_decel.compiled import find_zig
from acc_decel.ecu import HostEcu
from acc_decel.export import firmware_files, golden_events, write_firmware
from acc_decel.integration.fmu import FMI_2, FMI_3, PLATFORMS, Platform
from acc_decel.integration.fmu.binaries import HERE, WINDOWS_RUNTIME
from acc_decel.model_folder import folder_of, read_model
from acc_decel.network import DenseNet
from tests.helpers.fmu_car import Fmu
from tests.helpers.fmu_events import PROBE, drive, probe, write_plan
from tests.helpers.random_net import random_events

LINUX, ARM, WINDOWS = PLATFORMS[:3]
ARM_LIBRARIES = "/usr/aarch64-linux-gnu"
WINE = ("wine64", "/usr/lib/wine/wine64", "wine")
IMPORTER = ("-O2", "-march=haswell", "-shared", "-fPIC")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        result = measured(Path(work), options.model, options.events)
    if options.json:
        print(json.dumps(result, indent=1))
        return
    for title, rows in result.items():
        table = Screen(*rows[0], title=title, title_justify="left")
        for row in rows:
            table.add_row(*map(str, row.values()))
        Console().print(table)


def measured(work: Path, model: str, events: int) -> dict[str, list[dict[str, object]]]:
    """All tables, as rows."""
    times = [{"zig's cache": name, **export(work, model, work / "zig")} for name in ("empty", "full")]
    fmus = {FMI_2: Fmu(work / "car.fmu", work / "fmi2"), FMI_3: Fmu(work / "car_fmi3.fmu", work / "fmi3")}
    sizes = [
        {"FMI": fmi, "binary": path.parent.name, "bytes": path.stat().st_size}
        for fmi, fmu in fmus.items()
        for path in sorted((fmu.folder / "binaries").glob("*/*"))
    ]
    sizes += [{"FMI": fmi, "binary": "whole FMU", "bytes": size(work, fmi)} for fmi in fmus]
    net, _ = read_model(folder_of(model))
    plan = write_plan(work / "plan.bin", net.factors, drive(net, events))
    rows = [row for fmi, fmu in fmus.items() for row in platform_rows(work, fmi, fmu, plan)]
    (work / "firmware").mkdir()
    write_firmware(work / "firmware", firmware_files(net, model=model, golden=golden_events(net.factors)))
    rows.append(fused_row(net, work / "firmware", events))
    return {"export of both FMUs": times, "sizes": sizes, "events that differ in any bit": rows}


def size(work: Path, fmi: int) -> int:
    """Bytes of an FMU."""
    return (work / ("car.fmu" if fmi == FMI_2 else "car_fmi3.fmu")).stat().st_size


def export(work: Path, model: str, cache: Path) -> dict[str, float]:
    """Seconds of the clock and of the processors that the command takes."""
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": str(cache)}
    command = [sys.executable, "-m", "acc_decel", "fmu", model, "--output", str(work / "car.fmu")]
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"clock [s]": round(time.perf_counter() - start, 1), "processors [s]": round(processor, 1)}


def platform_rows(work: Path, fmi: int, fmu: Fmu, plan: Path) -> Iterator[dict[str, object]]:
    """One row for each binary and compiler that can be run."""
    gcc, zig = shutil.which("gcc"), (find_zig() or ())
    native = compiled_probe([gcc], work / f"probe{fmi}", fmu, fmi, "-ldl") if gcc else None
    yield row(fmi, "linux64", [native] if native else None, fmu.library, fmu, plan)
    for compiler in ("gcc", "clang"):
        library = work / f"{compiler}{fmi}.so"
        if native and shutil.which(compiler):
            subprocess.run([compiler, *IMPORTER, fmu.folder / "sources" / "all.c", "-o", library], check=True)
        yield row(fmi, compiler, [native] if library.exists() else None, library, fmu, plan)
    qemu = shutil.which("qemu-aarch64")
    run: list[str | Path] | None = None
    if qemu and Path(ARM_LIBRARIES).is_dir():
        arm = compiled_probe([*zig, "-target", ARM.target], work / f"arm{fmi}", fmu, fmi, "-ldl")
        run = [qemu, "-L", ARM_LIBRARIES, arm]
    yield row(fmi, "aarch64-linux, qemu", run, library_of(fmu, ARM, fmi), fmu, plan)
    wine = next((found for name in WINE if (found := shutil.which(name))), None)
    run = [wine, windows_probe(zig, work, fmu, fmi)] if wine else None
    os.environ |= {"WINEPREFIX": str(work / "wine"), "WINEDEBUG": "-all"}
    yield row(fmi, "win64, wine", run, library_of(fmu, WINDOWS, fmi), fmu, plan)


def library_of(fmu: Fmu, platform: Platform, fmi: int) -> Path:
    """The binary of a platform."""
    return next((fmu.folder / "binaries" / platform.folder(fmi)).glob(f"*{platform.suffix}"))


def row(
    fmi: int, name: str, run: Sequence[str | Path] | None, library: Path, fmu: Fmu, plan: Path
) -> dict[str, object]:
    """What the probe says of a binary."""
    said = probe(run, library, fmu.token, plan) if run else "not run: a program is missing"
    answer = next((line for line in said.splitlines() if " differ" in line), said)  # wine says more, the first time
    return {"FMI": fmi, "binary": name, "result": answer}


def compiled_probe(command: Sequence[str | Path], program: Path, fmu: Fmu, fmi: int, *options: str) -> Path:
    """The importer for a platform."""
    own = ("-std=c99", "-O2", f"-DFMI={fmi}", f"-I{fmu.folder / 'sources'}", PROBE, "-o", program)
    subprocess.run([*command, *own, *options], check=True)
    return program


def windows_probe(zig: Sequence[str], work: Path, fmu: Fmu, fmi: int) -> Path:
    """The importer for Windows, without a C runtime."""
    command = [*zig, "-target", WINDOWS.target]
    compiled_probe(command, work / "probe.obj", fmu, fmi, "-c", "-fno-builtin")
    runtime = ["-O2", "-ffreestanding", "-fno-builtin", "-c", HERE / WINDOWS_RUNTIME, "-o", work / "runtime.obj"]
    subprocess.run([*command, *runtime], check=True)
    program = work / f"probe{fmi}.exe"
    linked = ["-nostdlib", "-Wl,-e,mainCRTStartup", "-lkernel32", "-lcompiler_rt", "-o", program]
    subprocess.run([*command, work / "probe.obj", work / "runtime.obj", *linked], check=True)
    return program


def fused_row(net: DenseNet, firmware: Path, events: int) -> dict[str, object]:
    """How many answers of the firmware differ if gcc may fuse multiplications and additions."""
    columns = random_events(np.random.default_rng(5), events, net.factors)
    expected, _ = HostEcu(firmware).predict_array(columns)
    fused, _ = HostEcu(
        firmware, compiler=("gcc", "-march=haswell"), options=("-std=gnu99", "-ffp-contract=fast")
    ).predict_array(columns)
    different = int((expected != fused).any(axis=1).sum())
    return {"FMI": "-", "binary": "fused", "result": f"{events} events, {different} differ"}


if __name__ == "__main__":
    main()
