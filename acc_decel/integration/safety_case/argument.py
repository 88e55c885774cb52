"""The parts of the argument: goals, what is measured for them, and what the integrator owes."""

from dataclasses import dataclass

from acc_decel.integration.safety_case.verdicts import EVIDENCE, METRICS, PROOF, Bar, Where

REPEAT = {
    METRICS: "acc-decel info {model} --json",  # under metrics; counted by the training
    PROOF: "acc-decel verify {model}",
    EVIDENCE: "acc-decel evidence {firmware} --only {part}",
}
"""The command that shows or repeats what a file of the evidence says."""


@dataclass(frozen=True)
class Measured:
    """A claim with a measured or proven value: where it is read, its bar, and how it is shown.

    `show` is a format of Python, in which % multiplies by 100; `unit` follows. `holds` is a truth value of the evidence
    without which the claim is missed, whatever its value. `detail` is a sentence of the evidence that says what exactly
    holds, and `note` one of ours about what the value does not say.
    """

    claim: str
    where: Where
    bar: Bar
    show: str = "g"
    unit: str = ""
    holds: Where | None = None
    detail: Where | None = None
    note: str = ""


@dataclass(frozen=True)
class Owed:
    """A claim that only the integrator can support: the diamond of a goal that is not developed here."""

    claim: str
    standard: str
    hint: str = ""  # what of acc_decel helps, or where it is described


@dataclass(frozen=True)
class Goal:
    """A claim and what supports it. `standard` names where such evidence is asked for, without clause numbers."""

    claim: str
    standard: str
    parts: tuple[Measured | Owed, ...]


@dataclass(frozen=True)
class Assumption:
    """What must be true of a use, so that the claims hold; who breaks it has no claim."""

    claim: str
    checked: str  # by what the C or the tools tell that it is broken
