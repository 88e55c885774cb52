"""Coverage-guided fuzzing of the exported C: random bytes as factors and correction, under sanitizers.

Needs clang with libFuzzer. The headers' promises are in fuzz.c. The first inputs are even events, invalid events and
events at limits, each with a golden correction, so that predictions are reached, not only refusals.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from acc_decel.compiled import SAME_BITS, firmware_sources
from acc_decel.evidence.events import driver_events
from acc_decel.evidence.tools import CLANG
from acc_decel.export.c_golden import CORRECTIONS
from acc_decel.factors import column_names, ranges
from acc_decel.network import DenseNet
from acc_decel.outputs import ORDERED
from acc_decel.status import FLAGS

SANITIZERS = ("-fsanitize=fuzzer,address,undefined,float-cast-overflow", "-fno-sanitize-recover=all")
SEED = 1
SEED_EVENTS = 100
STATISTICS = ("-print_final_stats=1", "-use_value_profile=1")
NO_MEMORY_LIMIT = (
    "-rss_limit_mb=0"  # the C has no heap: what grows is the fuzzer's own memory, as the machine counts it
)
FINDING = re.compile(r"BROKEN: .*|runtime error: .*|ERROR: \w+Sanitizer: \S+|ERROR: libFuzzer: timeout")


def fuzz(folder: Path, net: DenseNet, *, seconds: int = 0, runs: int = -1) -> dict[str, object]:
    """Fuzz the firmware of `folder`, exported from `net`, for so many seconds or runs; the result as JSON values.

    Stops at the first finding. Edges are the reached edges of the instrumented control flow. Raises RuntimeError with
    the message of the compiler or of the fuzzer if one fails.
    """
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        program = build_fuzzer(folder, net, work / "fuzz")
        corpus = work / "corpus"
        corpus.mkdir()
        for i, event in enumerate(driver_events(net.factors, SEED_EVENTS)):
            correction = CORRECTIONS[i % len(CORRECTIONS)]
            (corpus / f"{i:05d}").write_bytes(np.array([*event, *correction], "<f4").tobytes())
        limits = (f"-seed={SEED}", f"-runs={runs}", f"-max_total_time={seconds}", f"-max_len={input_bytes(net)}")
        command = [str(program), str(corpus), *limits, NO_MEMORY_LIMIT, *STATISTICS]
        done = subprocess.run(command, check=False, capture_output=True, cwd=work)
    output = done.stderr.decode(errors="replace")
    findings = sorted(set(FINDING.findall(output)))
    if done.returncode and not findings:
        raise RuntimeError(
            f"The fuzzer must end with exit code 0 or a finding. Got {done.returncode}:\n{output[-2000:]}"
        )
    return {
        "seconds": seconds,
        "executions": int(_last(r"stat::number_of_executed_units: (\d+)", output)),
        "edges": int(_last(r"cov: (\d+)", output)),
        "findings": findings,
    }


def build_fuzzer(folder: Path, net: DenseNet, program: Path) -> Path:
    """Compile the fuzzer of a firmware to `program`. Raises RuntimeError with the compiler's message."""
    sources = [*map(str, firmware_sources(folder)), str(Path(__file__).parent / "fuzz.c")]
    macros = [f"-DFUZZ_{name}={text}" for name, text in promise_macros(net).items()]
    command = [CLANG, *SAME_BITS, "-w", "-O1", "-g", *SANITIZERS, *macros, f"-I{folder}", *sources, "-o", str(program)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"The fuzzer must compile with {CLANG}. Got:\n{done.stderr}")
    return program


def promise_macros(net: DenseNet) -> dict[str, str]:
    """What depends on the factors and the network in the promises of fuzz.c: name -> C."""
    lowest, highest = net.low.copy(), net.high.copy()
    lowest[[*ORDERED]], highest[[*ORDERED]] = lowest[[*ORDERED]].min(), highest[[*ORDERED]].max()  # they are sorted
    at, flags = column_names(net.factors).index, sum(bit for bit, _ in FLAGS.values())
    return {
        "LOWEST": _list([float(np.float32(low)) for low, _ in ranges(net.factors)]),
        "HIGHEST": _list([float(np.float32(high)) for _, high in ranges(net.factors)]),
        "REQUIRED": _list([at(column) for f in net.factors if not f.optional for column in f.columns]),
        "OUTPUT_MIN": _list(lowest),
        "OUTPUT_MAX": _list(highest),
        "ASCENDING": _list(ORDERED),
        "FLAGS": f"UINT64_C({flags})",
    }


def _list(values: Iterable[float | int | np.floating]) -> str:
    return "{" + ",".join(f"{value:.9g}" for value in values) + "}"


def input_bytes(net: DenseNet) -> int:
    """Bytes of one event and one correction: the maximum size of an input."""
    return 4 * (len(column_names(net.factors)) + len(CORRECTIONS[0]))


def _last(pattern: str, text: str) -> str:
    return (re.findall(pattern, text) or ["0"])[-1]
