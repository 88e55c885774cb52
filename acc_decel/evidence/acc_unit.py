"""What is measured of the ACC unit beside an exported firmware, for evidence.json and EVIDENCE.md."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from acc_decel.compiled import acc_sources
from acc_decel.ecu.acc_unit import FUNCTIONS, AccAnswers, AccCore, AccHost
from acc_decel.ecu.cores import CORES, CORTEX_M4F
from acc_decel.evidence.acc_states import acc_states
from acc_decel.evidence.mutation import Driven, score, survivors
from acc_decel.evidence.report import CORE, Evidence, compiler_warnings, coverage, misra, sanitize
from acc_decel.evidence.stack import acc_stack_bound
from acc_decel.evidence.tools import CPPCHECK, GCC, GCOV
from acc_decel.export.acc_reference import ANSWERS, COLUMNS, USED, acc_answers

TOOLS = (GCC, GCOV, CPPCHECK)  # that it is measured with
DRIVER = Path(__file__).parent / "acc_driver.c"
WRAP = (*FUNCTIONS, "acc_decel_acc_none")  # what the self-test calls, so that the driver can make it wrong
DRIVEN = Driven(acc_sources, DRIVER, WRAP)
DRIVER_STATES = 3_000
COST_STATES = 2_000
MOST_CODE_BYTES = 2048

# Survivors that behave like the original for all possible inputs: a part of the line -> the reason.
EQUIVALENT: dict[str, str] = {
    "if (divisor > 0.0F) {  ->  >=": "no value is 0 where the divisor is",
    "if ((faster > 0.0F) && meets) {  ->  >=": "reacted is no more than closing",
    "lead.speed = (lead_speed < ACC_DECEL_ACC_LEAST_MODEL_SPEED) ?": "equal numbers",
}


def measure_acc(folder: Path, states: int, on_step: Callable[[], None] = lambda: None) -> Evidence:
    """The evidence of the unit in an exported folder; `states` are compared bit by bit on host and cores."""
    folder, data = folder.resolve(), driver_data(DRIVER_STATES)  # compilers run elsewhere
    parts: dict[str, Callable[[], object]] = {
        CORE: lambda: cost(folder),
        "stack": lambda: acc_stack_bound(folder),
        "self_test": lambda: self_tests(folder),
        "warnings": lambda: compiler_warnings(folder, acc_sources),
        "sanitizers": lambda: sanitize(folder, data, DRIVEN),
        "coverage_pct": lambda: coverage(folder, data, DRIVEN),
        "misra_c_2012": lambda: misra(folder, acc_sources),
        "mutants": lambda: mutation_score(folder, data),
        "differences": lambda: differences(folder, states),
    }
    evidence = {}
    for name, part in parts.items():
        evidence[name] = part()
        on_step()
    return evidence


ACC_STEPS = 9  # calls of on_step


def driver_data(count: int) -> bytes:
    """States with their answers and status, in the format that acc_driver.c reads."""
    states = acc_states(count)
    kind = np.dtype([("s", "<f4", len(COLUMNS)), ("a", "<f4", len(ANSWERS)), ("t", "<u4", len(USED))])
    table = np.zeros(len(states), kind)
    table["s"] = states
    table["a"], table["t"] = acc_answers(states)
    return table.tobytes()


def cost(folder: Path) -> dict[str, object]:
    """Sizes, and what each function costs on the emulated Cortex-M4F; `task` calls all of them."""
    core, states = AccCore(folder, core=CORTEX_M4F), acc_states(COST_STATES)
    costs = {name: core.costs(states, name) for name in (*FUNCTIONS, "task")}
    return {
        "code_bytes": core.image.code_bytes,
        "table_bytes": core.image.table_bytes,
        "ram_bytes": core.image.ram_bytes,
        "states": len(states),
        "functions": {name: asdict(function) for name, (function, _) in costs.items()},
        "stack_bytes": costs["task"][1],
    }


def self_tests(folder: Path) -> dict[str, str]:
    """What the self-test of the unit says on the host and on each emulated core."""
    results = {"host": AccHost(folder).self_test()}
    results |= {name: AccCore(folder, core=name).self_test() for name in CORES}
    return {name: result.name for name, result in results.items()}


def mutation_score(folder: Path, data: bytes) -> dict[str, object]:
    """Numbers of mutants of the unit, killed and equivalent ones, and the survivors that are neither."""
    total, alive = survivors(folder, [source.name for source in acc_sources(folder)], data, DRIVEN)
    return score(total, alive, EQUIVALENT)


def differences(folder: Path, count: int) -> dict[str, dict[str, int]]:
    """Number of states whose answers differ in any bit, or in status, from NumPy's, for host and each core.

    An FPU that flushes takes a subnormal value for 0, so it accepts one that is just below a range that begins with 0.
    There only states without a subnormal value are compared.
    """
    states = acc_states(count)
    subnormal = ((states != 0) & (np.abs(states) < np.finfo(np.float32).tiny)).any(axis=1)

    def compared(name: str) -> dict[str, int]:
        own = states[~subnormal] if name in CORES and CORES[name].flushes_subnormals else states
        answers = AccHost(folder).answers if name == "host" else AccCore(folder, core=name).answers
        return {"states": len(own), "differences": unlike(answers(own), acc_answers(own))}

    names = ("host", *CORES)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(names, pool.map(compared, names), strict=True))


def unlike(got: AccAnswers, expected: AccAnswers) -> int:
    """Number of states that differ; one NaN is as good as another."""
    nan = np.isnan(got[0]) & np.isnan(expected[0])
    bits = ((got[0].view("u4") != expected[0].view("u4")) & ~nan).any(axis=1)
    return int((bits | (got[1] != expected[1]).any(axis=1)).sum())


def acc_page(evidence: Mapping[str, Any]) -> str:
    """The evidence of the unit as the section of EVIDENCE.md about it."""
    core, mutated, covered = evidence[CORE], evidence["mutants"], evidence["coverage_pct"]
    functions = "\n".join(
        f"| `{name}` | {cost['instructions_least']} to {cost['instructions']} | {cost['cycles']} |"
        for name, cost in core["functions"].items()
    )
    lines, branches = (min(file[what] for file in covered.values()) for what in ("lines", "branches"))
    passed = sum(result == "PASSED" for result in evidence["self_test"].values())
    beyond = sum(evidence["misra_c_2012"]["other_findings"].values())
    bits = "; ".join(f"{who} {n['differences']} of {n['states']}" for who, n in evidence["differences"].items())
    return f"""
## The ACC unit

`acc_decel_acc*.c` on the Cortex-M4F: {core["code_bytes"]} B of code, {core["table_bytes"]} B of tables,
{core["ram_bytes"]} B of static RAM. Stack: at most {evidence["stack"]["bound_bytes"]} B by the frames,
{core["stack_bytes"]} B measured with that of the calling task.

| function, over {core["states"]} states; `task` calls all of them | instructions | cycles, maximum |
|---|---|---|
{functions}

| | |
|---|---|
| self-test passed on | {passed} of {len(evidence["self_test"])} (host and cores) |
| compiler warnings (gcc, clang) | {sum(evidence["warnings"].values())} |
| sanitizer findings | {evidence["sanitizers"]["findings"]} |
| coverage of the least covered file: lines; branches | {lines:.1f} %; {branches:.1f} % |
| MISRA findings beyond the list | {beyond} |
| mutants: all, killed, equivalent, survived | {_mutants(mutated)} |

States that differ in any bit from the NumPy reference: {bits}.
"""


def _mutants(mutated: Mapping[str, Any]) -> str:
    return f"{mutated['mutants']}, {mutated['killed']}, {mutated['equivalent']}, {len(mutated['survivors'])}"
