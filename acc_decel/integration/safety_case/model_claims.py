"""Goals about what the model answers: the first part of the table. See claims.py."""

from math import inf

from acc_decel.factors import FACTORS
from acc_decel.integration.safety_case.argument import Goal, Measured, Owed
from acc_decel.integration.safety_case.standards import (
    AI,
    CAUSES,
    CONCEPT,
    SYSTEM,
    UNIT,
    VALIDATION,
)
from acc_decel.integration.safety_case.verdicts import (
    EACH,
    HOLDS,
    SHOULD_HOLD,
    Bar,
    at_least,
    at_most,
    exactly,
    greatest,
    least,
    metrics,
    number,
    proof,
)
from acc_decel.outputs import DELAY, OUTPUTS, QUANTILES
from acc_decel.status import FLAGS

TENTH = 0.1  # of its rarer side: how far a counted share may be from that of its quantile
WHOLE_GAP = {name: (0.01, "s" if i == DELAY else "m/s^2") for i, name in enumerate(OUTPUTS)}
"""How much wider than what was found a proven range may be, to be called tight."""


def _quantile(name: str, share: float) -> Measured:
    """The claim that as many events as promised are below a quantile."""
    off = TENTH * min(share, 1 - share)
    return Measured(
        f"share of events below {name}, {100 * share:g} % promised",
        metrics("below", name),
        Bar(low=share - off, high=share + off),
        show=".2%",
    )


def _range(name: str) -> Measured:
    """The claim that the proven range of an output is what it can reach, and not wider."""
    gap, unit = WHOLE_GAP[name]
    return Measured(
        f"{name}: how far the proven range reaches beyond what was found, at its worse end",
        proof(f"range of {name}", "least|greatest", "gap", pick=greatest),
        at_most(gap, in_part=inf),
        show=".3g",
        unit=unit,
        holds=proof(f"range of {name}", "passed"),
        detail=proof(f"range of {name}", "detail"),
        note="the bound holds; where it is not tight, only the last clamp limits the answer for certain",
    )


MODEL_GOALS: tuple[Goal, ...] = (
    Goal(
        "On events that were never trained on, each quantile is as rare as it says",
        f"{AI}; {VALIDATION}",
        (
            *(_quantile(name, share) for name, share in QUANTILES.items()),
            Measured(
                "kind of event with the lowest coverage of the 90 % interval",
                metrics("regimes", EACH, "coverage", pick=least),
                at_least(0.88, in_part=0.85),
                show=".1%",  # a sixth more events outside than promised; a half more
                note="by kind only the two ends together are counted, not the share below the lower bound",
            ),
            Measured(
                "error of the 5 % quantile against the best possible one, every factor known (rms)",
                metrics("best_possible", "every factor available", "rmse_conditional_lower"),
                at_most(0.5),
                show=".2f",
                unit="m/s^2",
            ),
            Measured(
                "surface with the largest relative error of the median, every factor known",
                metrics("best_possible_by_surface", EACH, "every", "relative_error_median", pick=greatest),
                at_most(0.1),
                show=".1%",
            ),
            Measured("events held out", metrics("events"), at_least(100_000), show=",", unit="events"),
            Owed(
                "Compare the lower bounds with stops of the real car",
                VALIDATION,
                "`acc-decel drives score`, `drives bound`",
            ),
            Owed("Watch in the field how often a stop is below its bound", VALIDATION, "`acc-decel drives fleet`"),
        ),
    ),
    Goal(
        "A reading that is worse for braking never raises a quantile",
        AI,
        (
            Measured(
                "proof over arrays, for all accepted inputs",
                proof("monotone arrays", "passed"),
                HOLDS,
                detail=proof("monotone arrays", "detail"),
            ),
            Measured(
                "proof over the ONNX graph",
                proof("monotone ONNX", "passed"),
                HOLDS,
                detail=proof("monotone ONNX", "detail"),
            ),
            Measured(
                "directions that are proven, of those that the physics forces",
                proof("monotone arrays", "forced", pick=number),
                exactly(sum(f.direction != 0 for f in FACTORS)),
            ),
            Measured(
                "most that rounding can move an answer the wrong way",
                proof("monotone arrays", "reversal"),
                at_most(0.001),
                show=".2g",
                unit="m/s^2",
            ),
            Measured(
                "directions that do not hold outside the trained domain",
                proof("monotone arrays", "unsigned outside the domain", pick=number),
                exactly(0),
            ),
            Owed(
                "Hold the smaller answer when OUTSIDE_DOMAIN goes, until the situation has changed",
                CAUSES,
                "a worse reading may end a contradiction, and the caution with it: docs/guides/ecu.md",
            ),
        ),
    ),
    Goal(
        "Every accepted input gets a finite answer that physics allows",
        f"{AI}; {UNIT}",
        (
            Measured(
                "no sum leaves float32 and none is NaN",
                proof("finite arithmetic", "passed"),
                HOLDS,
                detail=proof("finite arithmetic", "detail"),
            ),
            Measured(
                "largest proven rounding error of an output",
                proof("rounding", "allowed", EACH, pick=greatest),
                at_most(0.25),
                show=".2f",
                unit="m/s^2",
                holds=proof("rounding", "passed"),
                detail=proof("rounding", "detail"),
            ),
            Measured(
                "largest rounding error found, at most that proven",
                proof("rounding", "seen", EACH, pick=greatest),
                at_most(proof("rounding", "allowed", EACH, pick=greatest)),
                show=".1e",
                unit="m/s^2",
            ),
            *(_range(name) for name in OUTPUTS),
            *(
                Measured(
                    f"share of trained events on which the clamp acts on {name}",
                    proof("clamp", "clamped", name),
                    exactly(0),
                    show=".3%",
                )
                for name in QUANTILES
            ),
            Measured(
                "the clamp is proven idle for every accepted input",
                proof("clamp", "idle on the whole box"),
                SHOULD_HOLD,
                holds=proof("clamp", "passed"),
                detail=proof("clamp", "detail"),
            ),
            Measured(
                "highest answer, at most what friction, grade, drag and rolling allow",
                proof("physical envelope", "proven"),
                at_most(proof("physical envelope", "limit", "total")),
                show=".2f",
                unit="m/s^2",
                holds=proof("physical envelope", "passed"),
                detail=proof("physical envelope", "detail"),
            ),
            Owed(
                "Set what the function does with a bound of 0 or less, for which no stop is promised",
                CONCEPT,
                "`acc_decel_stopping_distance()` is infinite then",
            ),
        ),
    ),
    Goal(
        "An input that it was not trained for is told, and answered with caution",
        CAUSES,
        (
            Measured(
                "combinations that no training event has, flagged",
                metrics("domain", "flagged"),
                at_least(0.95),
                show=".1%",
            ),
            Measured(
                "kind of such a combination that is flagged least",
                metrics("domain", "never_trained", EACH, "flagged", pick=least),
                at_least(0.95, in_part=0.5),
                show=".1%",
            ),
            Measured(
                "real events that are flagged", metrics("domain", "false_alarms"), at_most(0.02), show=".2%"
            ),  # one in 50
            Measured("area under the ROC curve", metrics("domain_auroc"), at_least(0.99), show=".4f"),
            *(
                Owed(f"Define and test the reaction to {name}: {meaning}", SYSTEM, "docs/guides/ecu.md proposes one")
                for name, (_, meaning) in FLAGS.items()
            ),
            Owed("Diagnose each signal: a wrong but plausible value is used", SYSTEM),
            Owed(
                "Give each factor a maximum age, after which it is missing", SYSTEM, "docs/guides/ecu.md proposes ages"
            ),
        ),
    ),
)
