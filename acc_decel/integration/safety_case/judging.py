"""The argument held against the evidence: every claim with its number, its value, its bar and its verdict."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from acc_decel.integration.safety_case.argument import REPEAT, Goal, Measured, Owed
from acc_decel.integration.safety_case.claims import GOALS
from acc_decel.integration.safety_case.documents import Documents
from acc_decel.integration.safety_case.verdicts import EVIDENCE, MISSED, Bar, Number, Where, verdict

PASSED = "passed"  # the entry of a proof that says whether it holds; null if it was not made


@dataclass(frozen=True)
class Judged:
    """A measured claim: its number, its value and its bar as text, what they give, and where they come from."""

    number: str
    claim: str
    value: str
    bar: str
    verdict: str
    file: str
    path: str
    repeat: str
    detail: str = ""
    note: str = ""


@dataclass(frozen=True)
class Duty:
    """A claim that stays with the integrator, with its number."""

    number: str
    claim: str
    standard: str
    hint: str


@dataclass(frozen=True)
class JudgedGoal:
    """A goal with its number, what was measured for it, and what is left open."""

    number: str
    claim: str
    standard: str
    measured: tuple[Judged, ...]
    duties: tuple[Duty, ...]


@dataclass(frozen=True)
class Case:
    """The safety case of a model and its firmware."""

    documents: Documents
    goals: tuple[JudgedGoal, ...]

    @property
    def measured(self) -> list[Judged]:
        """Every measured claim."""
        return [claim for goal in self.goals for claim in goal.measured]

    @property
    def duties(self) -> list[Duty]:
        """Every claim that is left to the integrator."""
        return [duty for goal in self.goals for duty in goal.duties]

    def with_verdict(self, wanted: str) -> list[Judged]:
        """The measured claims of one verdict."""
        return [claim for claim in self.measured if claim.verdict == wanted]

    @property
    def counts(self) -> dict[str, int]:
        """How many claims have each verdict."""
        return dict(Counter(claim.verdict for claim in self.measured))


def judge(documents: Documents, goals: Sequence[Goal] = GOALS) -> Case:
    """Each claim of the argument held against the evidence. Raises ValueError naming a key that is missing."""
    return Case(documents, tuple(_judged_goal(documents, i, goal) for i, goal in enumerate(goals, 1)))


def _judged_goal(documents: Documents, place: int, goal: Goal) -> JudgedGoal:
    claims = [part for part in goal.parts if isinstance(part, Measured)]
    owed = [part for part in goal.parts if isinstance(part, Owed)]
    return JudgedGoal(
        f"G{place}",
        goal.claim,
        goal.standard,
        tuple(_judged(documents, f"Sn{place}.{i}", claim) for i, claim in enumerate(claims, 1)),
        tuple(Duty(f"O{place}.{i}", part.claim, part.standard, part.hint) for i, part in enumerate(owed, 1)),
    )


def _judged(documents: Documents, name: str, claim: Measured) -> Judged:
    value, bar, found = _not_made(documents, claim) or _compared(documents, claim)
    return Judged(
        number=name,
        claim=claim.claim,
        value=value,
        bar=bar,
        verdict=found,
        file=claim.where.file,
        path=documents.name(claim.where.path),
        repeat=documents.name(REPEAT[claim.where.file].replace("{part}", _part(documents, claim.where))),
        detail=documents.text(claim.detail) if claim.detail else "",
        note=claim.note,
    )


def _not_made(documents: Documents, claim: Measured) -> tuple[str, str, str] | None:
    """Value, bar and verdict of a claim whose proof was not made, so that it has no figures; None of any other."""
    proven = claim.holds or claim.where
    if proven.keys[-1] != PASSED or documents.entries(proven) != {"": None}:
        return None
    return "the proof was not made", "it is made, and holds", MISSED


def _compared(documents: Documents, claim: Measured) -> tuple[str, str, str]:
    """Value, bar and verdict of a claim."""
    reading, high = documents.read(claim.where), _high(documents, claim.bar)
    found = verdict(reading.value, claim.bar, high)
    if claim.holds is not None and documents.read(claim.holds).value is not True:
        found = MISSED
    value = _shown(claim, reading.value) + (f" ({reading.of})" if reading.of else "")
    return value, _bar_text(claim, isinstance(reading.value, bool), high), found


def _high(documents: Documents, bar: Bar) -> Number | None:
    """The upper limit of a bar: a number of the table, or one of the evidence."""
    if isinstance(bar.high, Where):
        return bar.times * documents.read(bar.high).value
    return bar.high


def _part(documents: Documents, where: Where) -> str:
    """The part of `acc-decel evidence` that measures what is at a place of evidence.json."""
    if where.file != EVIDENCE:
        return ""
    keys = [documents.name(key) for key in where.keys]
    return keys[1] if keys[0] == documents.firmware.number_format else "differences"


def _shown(claim: Measured, value: Number) -> str:
    """A value as a reader says it."""
    if isinstance(value, bool):
        return "holds" if value else "does not hold"
    number = int(value) if claim.show == "," and value == int(value) else value
    return f"{number:{claim.show}} {claim.unit}".replace("%", " %").replace("  ", " ").strip()


def _bar_text(claim: Measured, is_boolean: bool, high: Number | None) -> str:
    """The bar as a reader says it."""
    low, bar = claim.bar.low, claim.bar
    if is_boolean:
        return "holds"
    if low is not None and low == high:
        text = f"exactly {_shown(claim, low)}"
    elif low is not None and high is not None:
        text = f"{_shown(claim, low)} to {_shown(claim, high)}"
    else:
        text = f"at least {_shown(claim, low)}" if low is not None else f"at most {_shown(claim, high or 0.0)}"
    ends = [end for end in (bar.low_in_part, bar.high_in_part) if end is not None and isfinite(end)]
    return text + "".join(f", in part to {_shown(claim, end)}" for end in ends)


def rows(case: Case) -> Iterator[dict[str, str]]:
    """Every claim as a row for a program: measured ones with their verdict, the others as open."""
    for goal in case.goals:
        for claim in goal.measured:
            yield {"goal": goal.number, **vars(claim)}
        for duty in goal.duties:
            yield {"goal": goal.number, **vars(duty), "verdict": "open"}
