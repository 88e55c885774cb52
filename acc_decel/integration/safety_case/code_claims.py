"""Goals about the exported C and its use: the second part of the table. See claims.py."""

from acc_decel.integration.safety_case.argument import Goal, Measured, Owed
from acc_decel.integration.safety_case.standards import CONCEPT, INTEGRATION, SYSTEM, TOOLS, TRACING, UNIT
from acc_decel.integration.safety_case.verdicts import (
    DIFFERENCES,
    EACH,
    EVIDENCE,
    HOLDS,
    Where,
    at_least,
    at_most,
    evidence,
    exactly,
    least,
    metrics,
    not_passed,
    number,
    proof,
    total,
)

SLOWEST = "cores without FPU are slow to emulate: fewer events are compared there"
CODE_GOALS: tuple[Goal, ...] = (
    Goal(
        "The C computes what the model says",
        f"{UNIT}; {INTEGRATION}",
        (
            Measured(
                "the ONNX file holds the arrays, bit for bit",
                proof("ONNX holds the arrays", "passed"),
                HOLDS,
                detail=proof("ONNX holds the arrays", "detail"),
            ),
            Measured(
                "events whose answer differs in any bit from the reference",
                Where(EVIDENCE, (DIFFERENCES, EACH, "differences"), total),
                exactly(0),
                show=",",
            ),
            Measured(
                "events compared on the host",
                Where(EVIDENCE, (DIFFERENCES, "host", "events")),
                at_least(40_000),
                show=",",
                unit="events",
            ),
            Measured(
                "core with the fewest events compared",
                Where(EVIDENCE, (DIFFERENCES, EACH, "events"), least),
                at_least(5_000),
                show=",",
                unit="events",
                note=SLOWEST,
            ),
            Measured("compiler warnings", evidence("warnings", EACH, pick=total), exactly(0)),
            Measured("findings of the sanitizers", evidence("sanitizers", "findings"), exactly(0)),
            Measured(
                "file with the fewest lines executed",
                evidence("coverage_pct", EACH, "lines", pick=least),
                exactly(100),
                unit="%",
            ),
            Measured(
                "file with the fewest branches executed",
                evidence("coverage_pct", EACH, "branches", pick=least),
                exactly(100),
                unit="%",
            ),
            Measured(
                "MISRA C:2012 rules broken beyond the listed deviations",
                evidence("misra_c_2012", "other_findings", pick=number),
                exactly(0),
            ),
            Measured("mutants that no test kills", evidence("mutants", "survivors", pick=number), exactly(0)),
            Measured("mutants tried", evidence("mutants", "mutants"), at_least(150), show=","),
            Measured("findings of the fuzzer", evidence("fuzzing", "findings", pick=number), exactly(0)),
            Measured("time of the fuzzer", evidence("fuzzing", "seconds"), at_least(300), show=",", unit="s"),
            Owed(
                "Compile with -ffp-contract=off and see on the target that the self-test does not say OTHER_BITS",
                INTEGRATION,
                "README.md of the firmware",
            ),
            Owed(
                "Accept or refuse each deviation from MISRA C:2012, and each mutant that is called equivalent",
                UNIT,
                "README.md of the firmware",
            ),
            Owed("Justify the compiler, and acc_decel as the generator of the tables", TOOLS),
        ),
    ),
    Goal(
        "The code keeps to its resources",
        INTEGRATION,
        (
            Measured(
                "stack found, at most the bound from the frames",
                evidence("cortex_m4f", "stack_bytes"),
                at_most(evidence("stack", "bound_bytes")),
                show=",",
                unit="B",
            ),
            Measured("static RAM", evidence("cortex_m4f", "ram_bytes"), exactly(0), unit="B"),
            Measured(
                "instructions, the highest of an event inside the trained domain",
                evidence("cortex_m4f", "instructions_per_prediction"),
                at_most(evidence("cortex_m4f", "instructions_least")),
                show=",",
                note="the bar is the lowest: the time does not depend on the event",
            ),
            Measured(
                "instructions of a cautious answer, the highest",
                evidence("cortex_m4f", "instructions_outside"),
                at_most(evidence("cortex_m4f", "instructions_per_prediction"), times=5),
                show=",",
                note="the bar is five times an ordinary answer, which README.md of the firmware says to plan for",
            ),
            Owed(
                "Measure the worst-case time on the target, with a contradiction in the input",
                INTEGRATION,
                "`acc-decel replay`; five times an ordinary answer",
            ),
            Owed("Reserve the stack, and see on the target that it is enough", INTEGRATION),
        ),
    ),
    Goal(
        "Damaged tables, and a build that rounds otherwise, are noticed",
        SYSTEM,
        (
            Measured(
                "host and cores on which the self-test does not pass",
                evidence("self_test", EACH, pick=not_passed),
                exactly(0),
            ),
            Owed("Call acc_decel_self_test() at start-up, and use no answer unless it passed", SYSTEM, "acc_decel.h"),
            Owed("Protect memory and bus between two self-tests", SYSTEM),
        ),
    ),
    Goal(
        "Data, model and code can be traced to each other",
        f"ISO/PAS 8800, data; {TRACING}",
        (
            Measured(
                "files of the model that have the hashes of its manifest",
                proof("files", "passed"),
                HOLDS,
                detail=proof("files", "detail"),
            ),
            Measured(
                "simulated events that it was trained on",
                metrics("dataset", "events"),
                at_least(1_000_000),
                show=",",
                unit="events",
            ),
            Owed(
                "Keep sbom.cdx.json and SHA256SUMS with the release, and sign them",
                TRACING,
                "docs/guides/safety-case.md",
            ),
        ),
    ),
    Goal(
        "It is used for nothing that it was not made for",
        f"{CONCEPT}; ISO 26262-10, SEooC",
        (
            Owed("Analyse hazards and risks of the function, and give it an ASIL", CONCEPT, "acc_decel has none"),
            Owed(
                "Define where the function works, and show that the assumptions of use hold there",
                "ISO 21448, definition of the ODD",
                "the assumptions below",
            ),
            Owed(
                "Show that the car is of the kind of this model",
                CONCEPT,
                "`acc-decel drives adapt` fits a vehicle file",
            ),
            Owed("Tell the driver what the function does when it knows little", SYSTEM, "`acc-decel acc speed`"),
        ),
    ),
)
