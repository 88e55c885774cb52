"""The evidence for the exported firmware: writes firmware_export/evidence.json and firmware_export/EVIDENCE.md.

    python benchmarks/evidence.py [--events 100000] [--fuzz-seconds 600] [--only PART]

Needs gcc with gcov, cppcheck with its MISRA addon, and clang with libFuzzer (Debian: gcc, cppcheck, clang,
libclang-rt-dev). Takes some 35 minutes on two cores. For every format: instructions from the least to the most over
the events on the emulated Cortex-M4F, stack by the compiler and by paint, sections, warnings, sanitizers, MISRA,
coverage, mutants, fuzzing; and how many of 1,000,000 events differ in any bit between NumPy, host, ONNX and each core.
"""

import argparse
import gzip
import json
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from acc_decel.cli.terminal import progress_bar
from acc_decel.compiled import SAME_BITS, WARNINGS, firmware_sources
from acc_decel.ecu import CortexM
from acc_decel.ecu.compiler import ZIG
from acc_decel.ecu.cores import CORES, CORTEX_M4F
from acc_decel.ecu.image import compile_command
from acc_decel.export import even_events, firmware_files, golden_events, write_firmware
from acc_decel.export.firmware_files import FIXED, FLOAT, FORMATS, SHIFT
from acc_decel.files import replaced
from acc_decel.network import DenseNet
from benchmarks import fuzzing, mutants
from benchmarks.evidence_bits import differences, parts_in_all
from benchmarks.evidence_events import answered, events_of, records, released, unusual
from benchmarks.evidence_stack import stack_bound

MODEL = "compact"
EXPORT = Path(__file__).parents[1] / "firmware_export"
HAND_WRITTEN = Path(__file__).parents[1] / "acc_decel" / "export" / "firmware"  # the C of all formats
DRIVEN_EVENTS = 3_000
SLOWER = {SHIFT: 10}  # a format that takes this much longer is counted on as many fewer events
COMPILERS = {"gcc": ("gcc",), "zig_clang": ZIG}
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")
DIFFERENCES = {FLOAT: "float_differences", FIXED: "fixed_point_differences", SHIFT: "shift_differences"}
Part: TypeAlias = Callable[[str, Path], object]  # of a format and the folder with its firmware
DEVIATIONS = {  # rules that README.md lists with their reasons
    "2.5", "8.7", "8.9", "8.14", "19.2", "11.5",
}  # fmt: skip


def exported(folder: Path, number_format: str) -> Path:
    """The firmware of the released model in one format."""
    return written(folder, released(MODEL), number_format)


def written(folder: Path, net: DenseNet, number_format: str) -> Path:
    """The firmware of a network."""
    golden = golden_events(net.factors)
    write_firmware(folder, firmware_files(net, model=MODEL, golden=golden, number_format=number_format))
    return folder


def cost(folder: Path, events: np.ndarray) -> dict[str, object]:
    """Instructions, cycles and stack on the emulated core over all events."""
    told = asdict(CortexM(folder).report(events, sample=len(events)))
    return {name: told[name] for name in told if name not in {"predictions", "target"}}


def warnings(folder: Path) -> dict[str, int]:
    """Warnings of two compilers with everything on."""
    counts = dict.fromkeys(COMPILERS, 0)
    with tempfile.TemporaryDirectory() as work:
        for name, command in COMPILERS.items():
            for source in firmware_sources(folder):
                options = [*SAME_BITS, *WARNINGS, "-O2", "-c", f"-I{folder}", str(source), "-o", f"{work}/unit.o"]
                done = subprocess.run([*command, *options], check=False, capture_output=True, text=True)
                counts[name] += done.stderr.count("error:") + done.stderr.count("warning:")
    return counts


def sanitized(folder: Path, data: bytes) -> dict[str, object]:
    """The driver's events under the address and undefined-behaviour sanitizers of gcc."""
    with tempfile.TemporaryDirectory() as work:
        program = Path(work) / "driver"
        build(folder, program, *SANITIZERS)
        done = subprocess.run([str(program)], input=data, check=False, capture_output=True)
    return {"exit_code": done.returncode, "findings": done.stderr.count(b"runtime error") + done.stderr.count(b"ERROR")}


def build(folder: Path, program: Path, *options: str) -> None:
    """The firmware and evidence_driver.c as one program."""
    sources = [*map(str, firmware_sources(folder)), str(mutants.HERE / "evidence_driver.c")]
    command = ["gcc", *SAME_BITS, "-w", "-O1", *options, *mutants.LINK, f"-I{folder}", *sources, "-o", str(program)]
    subprocess.run(command, check=True, cwd=program.parent)


def coverage(folder: Path, data: bytes) -> dict[str, dict[str, float]]:
    """Lines and branches of each hand-written file that the driver's events execute [%]."""
    with tempfile.TemporaryDirectory() as work:
        program = Path(work) / "driver"
        build(folder, program, "--coverage", "-O0")
        subprocess.run([str(program)], input=data, check=True)
        subprocess.run(["gcov", "-b", "--json-format", *map(str, Path(work).glob("*.gcda"))],
                       check=True, cwd=work, capture_output=True)  # fmt: skip
        files = [
            f for path in Path(work).glob("*.json.gz") for f in json.loads(gzip.decompress(path.read_bytes()))["files"]
        ]
    told = {}
    for file in files:
        name = Path(file["file"]).name
        if name.startswith("acc_decel") and file["lines"]:
            branches = [b["count"] for line in file["lines"] for b in line["branches"]]
            told[name] = {
                "lines": 100 * float(np.mean([line["count"] > 0 for line in file["lines"]])),
                "branches": 100 * float(np.mean([b > 0 for b in branches])) if branches else 100.0,
            }
    return told


def misra(folder: Path) -> dict[str, object]:
    """Findings of cppcheck's MISRA C:2012 addon by rule; those of the listed deviations apart."""
    options = ("--std=c99", "--quiet", "--suppress=missingIncludeSystem", "--template={id}", "-DACC_DECEL_PLAIN_C")
    command = ["cppcheck", "--addon=misra", *options, f"-I{folder}"]
    done = subprocess.run([*command, *map(str, firmware_sources(folder))], check=True, capture_output=True, text=True)
    rules = Counter(re.findall(r"misra-c2012-([\d.]+)", done.stderr))
    version = subprocess.run(["cppcheck", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    return {
        "tool": version,
        "listed_deviations": {rule: n for rule, n in sorted(rules.items()) if rule in DEVIATIONS},
        "other_findings": {rule: n for rule, n in sorted(rules.items()) if rule not in DEVIATIONS},
    }


def fuzz(net: DenseNet, folders: dict[str, Path], seconds: int) -> dict[str, dict[str, object]]:
    """What so many seconds of fuzzing find in each firmware, all at the same time."""
    with ThreadPoolExecutor() as pool:
        running = {name: pool.submit(fuzzing.fuzzed, folder, net, seconds=seconds) for name, folder in folders.items()}
        return {name: future.result() for name, future in running.items()}


def fingerprint(folder: Path) -> str:
    """SHA-256 of the C files in a folder; the example is no part of it."""
    digest = sha256()
    for path in sorted([*firmware_sources(folder), *folder.glob("*.h")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@contextmanager
def driven(number_format: str) -> Iterator[tuple[Path, bytes]]:
    """The firmware of a network that uses everything, and the events that evidence_driver.c sends through it."""
    net = unusual(released(MODEL).factors)
    events = events_of(net.factors, DRIVEN_EVENTS)
    with tempfile.TemporaryDirectory() as work:
        folder = written(Path(work) / "unusual", net, number_format)
        yield folder, records(events, *answered(net, events, number_format))


def of_driven(part: Callable[[Path, bytes], object]) -> Part:
    """A part that runs evidence_driver.c."""

    def told(number_format: str, _: Path) -> object:
        with driven(number_format) as (folder, data):
            return part(folder, data)

    return told


PARTS: dict[str, Part] = {
    "stack": lambda _, folder: stack_bound(folder),
    "warnings": lambda _, folder: warnings(folder),
    "sanitizers": of_driven(sanitized),
    "coverage_pct": of_driven(coverage),
    "misra_c_2012": lambda _, folder: misra(folder),
    "mutants": lambda number_format, _: mutants.result(number_format),
}
"""What is measured of each format by itself."""


def evidence(events: int, fuzz_seconds: int) -> dict[str, object]:
    """All of it."""
    net = released(MODEL)
    told: dict[str, Any] = {"model": MODEL, "compiler": " ".join(compile_command(CORES[CORTEX_M4F])[1:-1])}
    with tempfile.TemporaryDirectory() as work, ProcessPoolExecutor(1, get_context("spawn")) as other:
        folders = {name: exported(Path(work) / name, name) for name in FORMATS}
        costs = {
            name: other.submit(cost, folder, even_events(net.factors, events // SLOWER.get(name, 1)))
            for name, folder in folders.items()
        }
        for number_format, folder in folders.items():
            told[number_format] = {name: part(number_format, folder) for name, part in PARTS.items()}
        for number_format, counting in costs.items():
            told[number_format] = {"cortex_m4f": counting.result(), **told[number_format]}
        for number_format, found in fuzz(net, folders, fuzz_seconds).items():
            told[number_format]["fuzzing"] = found
        with progress_bar() as progress:
            task = progress.add_task("comparing bits", total=parts_in_all(FORMATS))
            for name, key in DIFFERENCES.items():
                told[key] = differences(folders[name], net, name, on_part=lambda: progress.advance(task))
        told["sources_sha256"] = fingerprint(folders[FLOAT])
        told["hand_written_sha256"] = fingerprint(HAND_WRITTEN)
    return told


def renewed(told: dict[str, Any], part: str) -> dict[str, object]:
    """The evidence with one part of each format measured again. Raises SystemExit if it was of other C."""
    if (told["sources_sha256"], told.get("hand_written_sha256")) != (fingerprint(EXPORT), fingerprint(HAND_WRITTEN)):
        raise SystemExit("Error: --only must find evidence of the present C. It is of other C: measure everything.")
    with tempfile.TemporaryDirectory() as work:
        for name in FORMATS:
            told[name][part] = PARTS[part](name, exported(Path(work) / name, name))
    return told


def page(told: dict[str, object]) -> str:
    """The evidence as a table."""
    rows = []
    for name in FORMATS:
        part: dict = told[name]  # type: ignore[assignment]
        core, cover, mutated, fuzzed = (part[key] for key in ("cortex_m4f", "coverage_pct", "mutants", "fuzzing"))
        rows.append((
            f"{core['instructions_least']} to {core['instructions_per_prediction']} ({core['counted']} events)",
            f"{core['cycles']} ({core['cycles_per_mac']:.2f} a multiply-add)",
            f"{core['guard_share']:.1%}",
            f"{core['code_bytes']} + {core['table_bytes']} B; {core['ram_bytes']} B",
            f"{part['stack']['bound_bytes']} B; {core['stack_bytes']} B",
            f"{sum(part['warnings'].values())}",
            f"{part['sanitizers']['findings']}",
            f"{min(c['lines'] for c in cover.values()):.1f} %; {min(c['branches'] for c in cover.values()):.1f} %",
            f"{sum(part['misra_c_2012']['other_findings'].values())}",
            f"{len(fuzzed['findings'])}; {fuzzed['executions']}; {fuzzed['edges']} ({fuzzed['seconds']} s)",
            f"{mutated['mutants']}, {mutated['killed']}, {mutated['equivalent']}, {len(mutated['survivors'])}",
        ))  # fmt: skip
    names = (
        "instructions on the Cortex-M4F, least to most", "estimated cycles", "guards, of the network",
        "flash (code + tables); static RAM", "stack: bound; deepest seen", "compiler warnings (gcc, clang)",
        "sanitizer findings", "coverage of the least covered file: lines; branches", "MISRA findings beyond the list",
        "fuzzing: findings; executions; edges of control flow reached", "mutants: all, killed, equivalent, survived",
    )  # fmt: skip
    table = "\n".join(
        f"| {name} | {' | '.join(cells)} |" for name, cells in zip(names, zip(*rows, strict=True), strict=True)
    )
    columns = f"| | {' | '.join(FORMATS)} |\n|{'---|' * (len(FORMATS) + 1)}"
    same = "\n\n".join(
        f"Format {name}, events that differ in any bit from the NumPy reference: "
        + "; ".join(f"{k} {v['differences']} of {v['events']}" for k, v in told[key].items())  # type: ignore[attr-defined]
        for name, key in DIFFERENCES.items()
    )
    return (
        f"# Evidence for the firmware of {told['model']}\n\nWritten by benchmarks/evidence.py; all of it is in "
        f"evidence.json.\n\n{columns}\n{table}\n\n{same}.\n"
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000, help="events on the emulated Cortex-M4F")
    parser.add_argument("--fuzz-seconds", type=int, default=600, help="time of the fuzzer for each format")
    parser.add_argument("--only", choices=PARTS, help="measure this part of each format again, and keep the rest")
    asked = parser.parse_args()
    if asked.fuzz_seconds < 1:
        raise SystemExit(f"Error: --fuzz-seconds must be at least 1. Got {asked.fuzz_seconds}.")
    for tool in ("gcc", "gcov", "cppcheck"):
        if not shutil.which(tool):
            raise SystemExit(f"Error: {tool} must be installed. Got none: apt-get install gcc cppcheck.")
    if lacking := fuzzing.missing_programs():
        raise SystemExit(f"Error: {lacking[0]} must be installed. Got none: {fuzzing.INSTALL}.")
    if asked.only:
        told = renewed(json.loads((EXPORT / "evidence.json").read_text()), asked.only)
    else:
        told = evidence(asked.events, asked.fuzz_seconds)
    for name, text in {"evidence.json": json.dumps(told, indent=1) + "\n", "EVIDENCE.md": page(told)}.items():
        with replaced(EXPORT / name) as path:
            path.write_text(text)
    print(page(told))


if __name__ == "__main__":
    main()
