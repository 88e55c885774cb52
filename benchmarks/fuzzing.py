"""Coverage-guided fuzzing of the exported C: any bytes as factors, under sanitizers, against what the header promises.

    python benchmarks/fuzzing.py [--format fixed] [--seconds 60]

Needs clang with libFuzzer (Debian: clang, libclang-rt-dev). The promises are in fuzz.c. It begins with even, spoilt and
limiting events, so that answers are reached, not only refusals.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from acc_decel.compiled import SAME_BITS, firmware_sources
from acc_decel.export import firmware_files, golden_events, write_firmware
from acc_decel.factors import column_names
from acc_decel.network import DenseNet
from acc_decel.outputs import ORDERED
from acc_decel.status import FLAGS
from benchmarks.evidence_events import events_of, released

CLANG = "clang"
INSTALL = "apt-get install clang libclang-rt-dev"
SANITIZERS = ("-fsanitize=fuzzer,address,undefined,float-cast-overflow", "-fno-sanitize-recover=all")
SEED = 1
SEED_EVENTS = 100
FINDING = re.compile(
    r"BROKEN: .*|runtime error: .*|ERROR: \w+Sanitizer: \S+|ERROR: libFuzzer: (?:timeout|out-of-memory)"
)


def fuzzed(folder: Path, net: DenseNet, *, seconds: int = 0, runs: int = -1) -> dict[str, object]:
    """What so many seconds or runs found in the firmware of `folder`, exported from `net`.

    Stops at the first finding. Edges are those of the instrumented control flow that were reached.
    """
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        program = built(folder, net, work / "fuzz")
        corpus = work / "corpus"
        corpus.mkdir()
        for i, event in enumerate(events_of(net.factors, SEED_EVENTS)):
            (corpus / f"{i:05d}").write_bytes(event.astype("<f4").tobytes())
        limits = (f"-seed={SEED}", f"-runs={runs}", f"-max_total_time={seconds}", f"-max_len={events_bytes(net)}")
        command = [str(program), str(corpus), *limits, "-print_final_stats=1", "-use_value_profile=1"]
        done = subprocess.run(command, check=False, capture_output=True, cwd=work)
    said = done.stderr.decode(errors="replace")
    findings = sorted(set(FINDING.findall(said)))
    if done.returncode and not findings:
        raise RuntimeError(f"The fuzzer must end with exit code 0 or a finding. Got {done.returncode}:\n{said[-2000:]}")
    return {
        "seconds": seconds,
        "executions": int(_last(r"stat::number_of_executed_units: (\d+)", said)),
        "edges": int(_last(r"cov: (\d+)", said)),
        "findings": findings,
    }


def built(folder: Path, net: DenseNet, program: Path) -> Path:
    """The fuzzer of a firmware."""
    sources = [*map(str, firmware_sources(folder)), str(Path(__file__).parent / "fuzz.c")]
    macros = [f"-DFUZZ_{name}={text}" for name, text in promised(net).items()]
    command = [CLANG, *SAME_BITS, "-w", "-O1", "-g", *SANITIZERS, *macros, f"-I{folder}", *sources, "-o", str(program)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"The fuzzer must compile with {CLANG}. Got:\n{done.stderr}")
    return program


def promised(net: DenseNet) -> dict[str, str]:
    """What the promises of fuzz.c need to know, as C."""
    lowest, highest = net.low.copy(), net.high.copy()
    lowest[[*ORDERED]], highest[[*ORDERED]] = lowest[[*ORDERED]].min(), highest[[*ORDERED]].max()  # they are sorted
    at, flags = column_names(net.factors).index, sum(bit for bit, _ in FLAGS.values())
    return {
        "LOWEST": _list([np.float32(f.low) for f in net.factors for _ in f.columns]),
        "HIGHEST": _list([np.float32(f.high) for f in net.factors for _ in f.columns]),
        "REQUIRED": _list([at(column) for f in net.factors if not f.may_lack for column in f.columns]),
        "OUTPUT_MIN": _list(lowest),
        "OUTPUT_MAX": _list(highest),
        "ASCENDING": _list(ORDERED),
        "FLAGS": f"UINT64_C({flags})",
    }


def _list(values) -> str:
    return "{" + ",".join(f"{value:.9g}" for value in values) + "}"


def events_bytes(net: DenseNet) -> int:
    """Bytes of one event."""
    return 4 * len(column_names(net.factors))


def _last(pattern: str, text: str) -> str:
    return (re.findall(pattern, text) or ["0"])[-1]


def missing_programs() -> list[str]:
    """What fuzzing needs and is not installed."""
    if not shutil.which(CLANG):
        return [CLANG]
    with tempfile.TemporaryDirectory() as work:
        probe = ("int LLVMFuzzerTestOneInput(void);", "int LLVMFuzzerTestOneInput(void) { return 0; }")
        (Path(work) / "probe.c").write_text("\n".join(probe))
        command = [CLANG, *SANITIZERS, "probe.c", "-o", os.devnull]
        done = subprocess.run(command, check=False, capture_output=True, cwd=work)
    return ["libFuzzer"] if done.returncode else []


def main() -> None:
    """Fuzz the released model and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--format", default="float")
    parser.add_argument("--seconds", type=int, default=60)
    asked = parser.parse_args()
    if lacking := missing_programs():
        raise SystemExit(f"Error: {lacking[0]} must be installed. Got none: {INSTALL}.")
    net = released("compact")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files = firmware_files(net, model="compact", golden=golden_events(net.factors), number_format=asked.format)
        write_firmware(folder, files)
        print(json.dumps(fuzzed(folder, net, seconds=asked.seconds), indent=1))


if __name__ == "__main__":
    main()
