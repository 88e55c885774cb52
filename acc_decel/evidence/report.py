"""What is measured of an exported firmware, as evidence.json and as the page EVIDENCE.md.

For each number format of the model: instructions, cycles and stack on the emulated Cortex-M4F, warnings, sanitizers,
coverage, MISRA, mutants, fuzzing, the self-test, and how many events differ in any bit between NumPy, host, ONNX and
each core. Coverage, sanitizers and mutants use a network that needs every line of the C, with the factors of the model.
"""

import gzip
import json
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.compiled import SAME_BITS, WARNINGS, firmware_sources
from acc_decel.ecu import CortexM
from acc_decel.ecu.compiler import ZIG
from acc_decel.ecu.cores import CORES, CORTEX_M4F
from acc_decel.ecu.image import compile_command
from acc_decel.ecu.qemu import check_programs
from acc_decel.evidence.bits import BITS_EVENTS, check_answerers, differences, parts_in_all, self_tests
from acc_decel.evidence.events import driver_events, records, reference, unusual_net
from acc_decel.evidence.fuzzing import fuzz
from acc_decel.evidence.mutation import PREDICTION, Driven, mutation_score
from acc_decel.evidence.stack import stack_bound
from acc_decel.evidence.tools import CLANG, CPPCHECK, GCC, GCOV, LIBFUZZER, check_tools
from acc_decel.export import HAND_WRITTEN, Firmware, even_events, sources_sha256, write_format
from acc_decel.export.firmware_files import FIXED, FLOAT, FORMATS, SHIFT
from acc_decel.factors import Factor
from acc_decel.network import DenseNet

JSON_FILE, PAGE_FILE = "evidence.json", "EVIDENCE.md"
DRIVER_EVENTS = 3_000
SLOWER = {SHIFT: 10}  # a format that takes this much longer is counted on as many fewer events
COMPILERS = {"gcc": (GCC,), "zig_clang": ZIG}
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")
DIFFERENCES = {FLOAT: "float_differences", FIXED: "fixed_point_differences", SHIFT: "shift_differences"}
DEVIATIONS = {"2.5", "8.7", "8.9", "8.14", "19.2", "11.5"}  # MISRA rules that README.md lists with their reasons
Sources = Callable[[Path], list[Path]]  # folder -> its C files
Evidence = dict[str, Any]  # the content of evidence.json


@dataclass(frozen=True)
class Settings:
    """How much is measured. Fewer events and seconds are a quick try; the page says these numbers."""

    events: int = 100_000  # on the emulated Cortex-M4F, for each format
    fuzz_seconds: int = 600  # for each format, all formats at the same time
    bits_events: int = BITS_EVENTS  # compared bit by bit, for each answerer

    def __post_init__(self) -> None:
        """Raise ValueError, naming the option, for a number below 1."""
        for name, value in asdict(self).items():
            if value < 1:
                raise ValueError(f"--{name.replace('_', '-')} must be at least 1. Got {value}.")


@dataclass(frozen=True)
class Subject:
    """One format of a model: the network, the folder with its firmware, and how much to measure."""

    net: DenseNet
    folder: Path
    number_format: str
    settings: Settings


@dataclass(frozen=True)
class Part:
    """One part of the evidence: how it is measured, and the programs that it needs."""

    measure: Callable[[Subject], object]
    tools: tuple[str, ...] = ()


def cost(subject: Subject) -> dict[str, object]:
    """Instructions, cycles and stack on the emulated Cortex-M4F over all events."""
    events = even_events(subject.net.factors, -(-subject.settings.events // SLOWER.get(subject.number_format, 1)))
    report = asdict(CortexM(subject.folder).report(events, sample=len(events)))
    return {name: value for name, value in report.items() if name not in {"predictions", "target"}}


def compiler_warnings(folder: Path, sources: Sources = firmware_sources) -> dict[str, int]:
    """Number of warnings of two compilers with all warnings switched on."""
    counts = dict.fromkeys(COMPILERS, 0)
    with tempfile.TemporaryDirectory() as work:
        for name, command in COMPILERS.items():
            for source in sources(folder):
                options = [*SAME_BITS, *WARNINGS, "-O2", "-c", f"-I{folder}", str(source), "-o", f"{work}/unit.o"]
                done = subprocess.run([*command, *options], check=False, capture_output=True, text=True)
                counts[name] += done.stderr.count("error:") + done.stderr.count("warning:")
    return counts


def sanitize(folder: Path, data: bytes, driven: Driven = PREDICTION) -> dict[str, object]:
    """The driver's events under the address and undefined-behaviour sanitizers of gcc."""
    with tempfile.TemporaryDirectory() as work:
        program = Path(work) / "driver"
        build_driver(folder, program, driven, *SANITIZERS)
        done = subprocess.run([str(program)], input=data, check=False, capture_output=True)
    return {"exit_code": done.returncode, "findings": done.stderr.count(b"runtime error") + done.stderr.count(b"ERROR")}


def build_driver(folder: Path, program: Path, driven: Driven, *options: str) -> None:
    """Compile the firmware and its driver to one program."""
    sources = [*map(str, driven.sources(folder)), str(driven.driver)]
    command = [GCC, *SAME_BITS, "-w", "-O1", *options, *driven.link, f"-I{folder}", *sources, "-o", str(program)]
    subprocess.run(command, check=True, cwd=program.parent)


def coverage(folder: Path, data: bytes, driven: Driven = PREDICTION) -> dict[str, dict[str, float]]:
    """Lines and branches of each hand-written file that the driver's events execute [%]."""
    with tempfile.TemporaryDirectory() as work:
        program = Path(work) / "driver"
        build_driver(folder, program, driven, "--coverage", "-O0")
        subprocess.run([str(program)], input=data, check=True)
        counted = [GCOV, "-b", "--json-format", *map(str, Path(work).glob("*.gcda"))]
        subprocess.run(counted, check=True, cwd=work, capture_output=True)
        archives = Path(work).glob("*.json.gz")
        files = [file for path in archives for file in json.loads(gzip.decompress(path.read_bytes()))["files"]]
    shares = {}
    for file in files:
        name = Path(file["file"]).name
        if name.startswith("acc_decel") and file["lines"]:
            branches = [branch["count"] for line in file["lines"] for branch in line["branches"]]
            shares[name] = {
                "lines": 100 * float(np.mean([line["count"] > 0 for line in file["lines"]])),
                "branches": 100 * float(np.mean([count > 0 for count in branches])) if branches else 100.0,
            }
    return shares


def misra(folder: Path, sources: Sources = firmware_sources) -> dict[str, object]:
    """Findings of cppcheck's MISRA C:2012 addon by rule: the listed deviations, and all others."""
    options = ("--std=c99", "--quiet", "--suppress=missingIncludeSystem", "--template={id}", "-DACC_DECEL_PLAIN_C")
    command = [CPPCHECK, "--addon=misra", *options, f"-I{folder}"]
    done = subprocess.run([*command, *map(str, sources(folder))], check=True, capture_output=True, text=True)
    rules = sorted(Counter(re.findall(r"misra-c2012-([\d.]+)", done.stderr)).items())
    version = subprocess.run([CPPCHECK, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    return {
        "tool": version,
        "listed_deviations": {rule: n for rule, n in rules if rule in DEVIATIONS},
        "other_findings": {rule: n for rule, n in rules if rule not in DEVIATIONS},
    }


@contextmanager
def driver_firmware(factors: tuple[Factor, ...], number_format: str) -> Iterator[tuple[Path, bytes]]:
    """The firmware of a network that needs every line of the C, and the events that driver.c sends through it."""
    net = unusual_net(factors)
    events: Float32[ndarray, "events columns"] = driver_events(factors, DRIVER_EVENTS)
    with tempfile.TemporaryDirectory() as work:
        folder = write_format(Path(work), net, "unusual", number_format)
        yield folder, records(events, *reference(net, number_format)(events))


def _driven(measure_driven: Callable[[Path, bytes], object]) -> Callable[[Subject], object]:
    """How a part that runs driver.c is measured."""

    def measure_part(subject: Subject) -> object:
        with driver_firmware(subject.net.factors, subject.number_format) as (folder, data):
            return measure_driven(folder, data)

    return measure_part


CORE, FUZZING, BITS, SELF_TEST = "cortex_m4f", "fuzzing", "differences", "self_test"
PARTS = {
    CORE: Part(cost),
    "stack": Part(lambda subject: stack_bound(subject.folder)),
    SELF_TEST: Part(lambda subject: self_tests(subject.folder)),
    "warnings": Part(lambda subject: compiler_warnings(subject.folder), (GCC,)),
    "sanitizers": Part(_driven(sanitize), (GCC,)),
    "coverage_pct": Part(_driven(coverage), (GCC, GCOV)),
    "misra_c_2012": Part(lambda subject: misra(subject.folder), (CPPCHECK,)),
    "mutants": Part(lambda subject: mutation_score(subject.net.factors, subject.number_format), (GCC,)),
    FUZZING: Part(
        lambda subject: fuzz(subject.folder, subject.net, seconds=subject.settings.fuzz_seconds), (CLANG, LIBFUZZER)
    ),
}
"""What is measured of each format by itself, under its name in evidence.json."""
SETTING_OF = {CORE: "events", FUZZING: "fuzz_seconds", BITS: "bits_events"}  # that a part is measured with
ON_QEMU = (BITS, SELF_TEST)  # parts that run on QEMU, too


def measure(
    firmware: Firmware,
    settings: Settings,
    *,
    formats: Sequence[str] = FORMATS,
    on_step: Callable[[], None] = lambda: None,
) -> Evidence:
    """All evidence of a firmware and of its model in each of `formats`.

    `on_step` is called `steps_of(settings, formats)` times. Raises FileNotFoundError naming a program that is not
    installed and its Debian package.
    """
    check_tools(tool for part in PARTS.values() for tool in part.tools)
    check_programs()
    evidence = head(firmware)
    with _subjects(firmware, settings, formats) as subjects, ProcessPoolExecutor(1, get_context("spawn")) as other:
        costs = {name: other.submit(cost, subject) for name, subject in subjects.items()}
        others = {name: _measure_others(subject, on_step) for name, subject in subjects.items()}
        findings = _fuzz_together(subjects, on_step)
        for name, counting in costs.items():
            evidence[name] = {CORE: counting.result(), **others[name], FUZZING: findings[name]}
            on_step()
        for name, subject in subjects.items():
            evidence[DIFFERENCES[name]] = _differences(subject, on_step)
    return evidence


def _measure_others(subject: Subject, on_step: Callable[[], None]) -> dict[str, object]:
    """The parts of one format that are measured one after the other."""
    results = {}
    for name, part in PARTS.items():
        if name not in (CORE, FUZZING):
            results[name] = part.measure(subject)
            on_step()
    return results


def renew(
    evidence: Evidence,
    firmware: Firmware,
    settings: Settings,
    part: str,
    *,
    answerers: Sequence[str] | None = None,
    on_step: Callable[[], None] = lambda: None,
) -> Evidence:
    """`evidence` of the present C with one part measured again, for each format in it.

    `part` is a key of `PARTS`, or `BITS`, of which the rows of `answerers` may be renewed alone. Raises ValueError if
    the evidence is of other C, or if `part` or an answerer is unknown.
    """
    if part not in (*PARTS, BITS):
        raise ValueError(f"--only must be one of {', '.join((*PARTS, BITS))}. Got {part!r}.")
    check_answerers(answerers)
    present = head(firmware)
    if any(evidence.get(name) != present[name] for name in ("sources_sha256", "hand_written_sha256")):
        raise ValueError("--only must find evidence of the present C. It is of other C: measure everything.")
    check_tools(PARTS[part].tools if part in PARTS else ())
    if part in ON_QEMU:
        check_programs()
    result = dict(evidence)
    with _subjects(firmware, settings, formats_of(evidence)) as subjects:
        for name, subject in subjects.items():
            if part == BITS:
                kept = {} if answerers is None else evidence[DIFFERENCES[name]]
                result[DIFFERENCES[name]] = {**kept, **_differences(subject, on_step, answerers)}
            else:
                result[name] = {**evidence[name], part: PARTS[part].measure(subject)}
                on_step()
    return result


def steps_of(
    settings: Settings,
    formats: Iterable[str] = FORMATS,
    only: str | None = None,
    answerers: Sequence[str] | None = None,
) -> int:
    """How often `measure` calls `on_step`, or `renew` for the part `only`, of it the rows of `answerers`."""
    names = [*formats]
    parts = len(names) * (len(PARTS) if only is None else 1)
    compared = parts_in_all(names, settings.bits_events, answerers) if only in (None, BITS) else 0
    return (parts if only != BITS else 0) + compared


def check_formats(formats: Sequence[str] | None) -> Sequence[str]:
    """`formats` in the order of `FORMATS`, all of them if none is given. Raises ValueError for an unknown one."""
    if unknown := [name for name in formats or () if name not in FORMATS]:
        raise ValueError(f"--format must be one of {', '.join(FORMATS)}. Got {unknown[0]!r}.")
    return [name for name in FORMATS if name in formats] if formats else FORMATS


def formats_of(evidence: Mapping[str, Any]) -> list[str]:
    """The number formats that an evidence is about."""
    return [name for name in FORMATS if name in evidence]


def head(firmware: Firmware) -> Evidence:
    """What the evidence is about, and the C that it belongs to."""
    return {
        "model": firmware.model,
        "compiler": " ".join(compile_command(CORES[CORTEX_M4F])[1:-1]),
        "sources_sha256": sources_sha256(firmware.folder),
        "hand_written_sha256": sources_sha256(HAND_WRITTEN),
    }


@contextmanager
def _subjects(firmware: Firmware, settings: Settings, formats: Sequence[str]) -> Iterator[dict[str, Subject]]:
    """The firmware's model in each of `formats`, in temporary folders."""
    with tempfile.TemporaryDirectory() as work:
        yield {
            name: Subject(
                firmware.net, write_format(Path(work) / name, firmware.net, firmware.model, name), name, settings
            )
            for name in formats
        }


def _fuzz_together(subjects: Mapping[str, Subject], on_step: Callable[[], None]) -> dict[str, object]:
    """The fuzzing of all formats, at the same time."""
    with ThreadPoolExecutor(max(len(subjects), 1)) as pool:
        running: dict[str, Future[object]] = {
            name: pool.submit(PARTS[FUZZING].measure, subject) for name, subject in subjects.items()
        }
        results = {}
        for name, future in running.items():
            results[name] = future.result()
            on_step()
    return results


def _differences(
    subject: Subject, on_step: Callable[[], None], names: Sequence[str] | None = None
) -> dict[str, dict[str, int]]:
    events, number_format = subject.settings.bits_events, subject.number_format
    return differences(subject.folder, subject.net, number_format, events=events, names=names, on_part=on_step)


def page(evidence: Mapping[str, Any]) -> str:
    """The evidence as the text of EVIDENCE.md: a table, a column for each format."""
    formats = formats_of(evidence)
    columns = [_column(evidence[name]) for name in formats]
    names = (
        "instructions on the Cortex-M4F, minimum to maximum", "estimated cycles",
        "outside the trained domain, maximum", "checks, relative to the network",
        "flash (code + tables); static RAM", "stack: bound; measured maximum", "self-test passed on",
        "compiler warnings (gcc, clang)",
        "sanitizer findings", "coverage of the least covered file: lines; branches", "MISRA findings beyond the list",
        "fuzzing: findings; executions; reached edges of control flow", "mutants: all, killed, equivalent, survived",
    )  # fmt: skip
    rows = zip(names, zip(*columns, strict=True), strict=True)
    table = "\n".join(f"| {name} | {' | '.join(cells)} |" for name, cells in rows)
    head = f"| | {' | '.join(formats)} |\n|{'---|' * (len(formats) + 1)}"
    same_bits = "\n\n".join(
        f"Format {name}, events that differ in any bit from the NumPy reference: "
        + "; ".join(f"{who} {n['differences']} of {n['events']}" for who, n in evidence[DIFFERENCES[name]].items())
        for name in formats
    )
    return (
        f"# Evidence for the firmware of {evidence['model']}\n\nWritten by `acc-decel evidence`; {JSON_FILE} has all "
        f"details.\n\n{head}\n{table}\n\n{same_bits}.\n"
    )


def _column(part: Mapping[str, Any]) -> tuple[str, ...]:
    """The cells of one format."""
    core, covered, mutated, fuzzed = (part[name] for name in (CORE, "coverage_pct", "mutants", FUZZING))
    return (
        f"{core['instructions_least']} to {core['instructions_per_prediction']} ({core['counted']} events)",
        f"{core['cycles']} ({core['cycles_per_mac']:.2f} a multiply-add)",
        _outside(core),
        f"{core['guard_share']:.1%}",
        f"{core['code_bytes']} + {core['table_bytes']} B; {core['ram_bytes']} B",
        f"{part['stack']['bound_bytes']} B; {core['stack_bytes']} B",
        _passed_on(part["self_test"]),
        f"{sum(part['warnings'].values())}",
        f"{part['sanitizers']['findings']}",
        f"{min(c['lines'] for c in covered.values()):.1f} %; {min(c['branches'] for c in covered.values()):.1f} %",
        f"{sum(part['misra_c_2012']['other_findings'].values())}",
        f"{len(fuzzed['findings'])}; {fuzzed['executions']}; {fuzzed['edges']} ({fuzzed['seconds']} s)",
        f"{mutated['mutants']}, {mutated['killed']}, {mutated['equivalent']}, {len(mutated['survivors'])}",
    )


def _outside(core: Mapping[str, Any]) -> str:
    """What a call outside the trained domain costs, if one was measured."""
    if core["instructions_outside"] is None:
        return "no event"
    return f"{core['instructions_outside']} instructions; {core['cycles_outside']} cycles"


def _passed_on(results: Mapping[str, str]) -> str:
    """How many of the host and the cores passed the self-test, and what the others said."""
    others = [f"{name} {result}" for name, result in results.items() if result != "PASSED"]
    return "; ".join([f"{len(results) - len(others)} of {len(results)} (host and cores)", *others])


def read_evidence(folder: Path) -> Evidence:
    """The evidence in a firmware's folder. Raises ValueError if there is none."""
    path = folder / JSON_FILE
    if not path.is_file():
        raise ValueError(f"{path} must exist to renew one part of it. Got none: measure everything first.")
    evidence: Evidence = json.loads(path.read_text())
    return evidence
