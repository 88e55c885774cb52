"""The safety case as Markdown: each claim with its value, its bar, its file and the command that repeats it."""

from collections.abc import Iterable, Iterator

from acc_decel.export.firmware_files import FLOAT
from acc_decel.factors import Factor
from acc_decel.integration.safety_case.claims import STRATEGY, TOP
from acc_decel.integration.safety_case.conditions import outside_answers, unflagged, worst_slices
from acc_decel.integration.safety_case.documents import Documents
from acc_decel.integration.safety_case.judging import Case, Judged, JudgedGoal
from acc_decel.integration.safety_case.limits import ASSUMPTIONS, NEVER_TESTED, SIMULATED
from acc_decel.integration.safety_case.verdicts import EVIDENCE, LIMITED, MET, MISSED, evidence
from acc_decel.outputs import LOWER, OUTPUTS, QUANTILES

MARK = "Written by `acc-decel case`, do not edit."
PICTURE = "case.svg"
DIRECTIONS = {1: "rises", -1: "falls", 0: "-"}


def top_claim() -> str:
    """The claim of the whole case."""
    lower = list(OUTPUTS)[LOWER]
    return TOP.format(lower=lower, share=f"{100 * QUANTILES[lower]:g}")


def page(case: Case) -> str:
    """The case as a page: what it is of, the claims, conditions, residuals, assumptions, and the checklist."""
    documents = case.documents
    parts = [
        f"# Safety case: {documents.model}\n\n{MARK}",
        _verdict(case),
        f"![the argument as a picture, in the notation of GSN]({PICTURE})",
        _subject(documents),
        f"## G0 {top_claim()}\n\nArgued {STRATEGY}. A0: {SIMULATED}.",
        *(_goal(goal) for goal in case.goals),
        _conditions(documents),
        _residuals(case),
        _assumptions(documents),
        _checklist(case),
    ]
    return "\n\n".join(parts) + "\n"


def summary(case: Case) -> str:
    """How many claims have each verdict, and how many are open."""
    counts = ", ".join(f"{case.counts.get(verdict, 0)} {verdict}" for verdict in (MET, LIMITED, MISSED))
    return f"{len(case.measured)} claims measured: {counts}; {len(case.duties)} open, the integrator's"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    cells = [list(head)]
    cells += [["---"] * len(cells[0]), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells)


def _verdict(case: Case) -> str:
    text = f"**{summary(case)}.**"
    if missed := case.with_verdict(MISSED):
        text += "\n\n" + "\n".join(f"- **MISSED** {_line(claim)}" for claim in missed)
    return (
        f"{text}\n\n*Met*: the value reaches its bar. *In part*: it holds, but less than the claim says; it is among "
        "the residuals. *Missed*: the case does not hold. *Open*: no evidence is here, and only the integrator can "
        "have it. The bars are those of acc_decel; no standard gives them, and clause numbers are for you to add. This "
        "page is evidence for an assessment, and not one."
    )


def _subject(documents: Documents) -> str:
    firmware = documents.firmware
    kind = "a released model, unaltered" if documents.released else "a model of your own"
    others = {name: digest for name, digest in documents.model_hashes.items() if name not in documents.hashes}
    rows = [[f"`{name}`", f"`{digest}`"] for name, digest in {**others, **documents.hashes}.items()]
    return (
        f"## What it is of\n\nModel `{documents.model}`, {kind}; firmware `{firmware.folder.name}` in the number "
        f"format {firmware.number_format}. Evidence `{documents.digest}`, of the last {len(documents.hashes)} files "
        f"of this table:\n\n"
        f"{table(['file', 'SHA-256'], rows)}\n\n"
        "Checked before a line was written: the model's files have the hashes of its manifest; `proof.json` is of "
        f"these files; the C is what this model exports, file by file; `{EVIDENCE}` is of this C "
        f"(`{documents.sources}`) and of the C that all exports share; the {documents.summed} files of `SHA256SUMS` "
        "are unaltered."
    )


def _goal(goal: JudgedGoal) -> str:
    text = f"## {goal.number} {goal.claim}\n\nAsked for by: {goal.standard}."
    if goal.measured:
        rows = ([c.number, c.claim, c.value, c.bar, _bold(c.verdict), f"`{c.file}`: `{c.path}`"] for c in goal.measured)
        text += "\n\n" + table(["", "claim", "measured", "bar", "verdict", "read from"], rows)
        text += (
            "\n\nShow or repeat: "
            + ", ".join(f"`{command}`" for command in dict.fromkeys(c.repeat for c in goal.measured))
            + "."
        )
    said: dict[str, list[str]] = {}  # a text of several claims stands once
    for claim, remark in ((c, remark) for c in goal.measured for remark in (c.detail, c.note) if remark):
        said.setdefault(remark, []).append(claim.number)
    remarks = [f"- {', '.join(numbers)}: {remark}" for remark, numbers in said.items()]
    owed = [f"- {d.number}, **open**: {d.claim}{f' ({d.hint})' if d.hint else ''}" for d in goal.duties]
    return "\n\n".join([text, *(["\n".join(remarks)] if remarks else []), *(["\n".join(owed)] if owed else [])])


def _bold(verdict: str) -> str:
    return verdict if verdict == MET else f"**{verdict}**"


def _line(claim: Judged) -> str:
    return f"{claim.number} {claim.claim}: {claim.value}, bar: {claim.bar} (`{claim.file}`: `{claim.path}`)"


def _conditions(documents: Documents) -> str:
    slices = (
        [s.name, f"{s.events:,}", f"{100 * s.coverage:.1f} %", f"{s.rmse:.2f}", f"{s.mean_width:.2f}"]
        for s in worst_slices(documents)
    )
    kinds = ([k.name, f"{100 * k.flagged:.1f} %", f"{100 * k.by_score:.1f} %"] for k in unflagged(documents))
    answers = (
        [a.combination, a.meaning, f"{100 * a.flagged:.1f} %", f"{a.median:.2f}", f"{a.highest:.2f}"]
        for a in outside_answers(documents.firmware.net)
    )
    lower = list(OUTPUTS)[LOWER]
    return "\n\n".join([
        "## Triggering conditions",
        "The kinds of event whose 90 % interval covers least (`metrics.json`: `regimes`):",
        table(["kind of event", "events", "coverage", "RMSE [m/s^2]", "mean width [m/s^2]"], slices),
        "Combinations that no training event has, and how often the status says so (`metrics.json`: "
        "`domain.never_trained`); the rest is answered like any other event:",
        table(["combination", "flagged", "by the score alone"], kinds),
        f"What the model answers to combinations that are excluded by rule: `{lower}` of 1,000 events over all ranges, "
        "with the cautious answer of the firmware; computed by `acc-decel case` from the model's arrays. A flagged "
        "answer is cautious, not safe:",
        table(["combination", "why it is excluded", "flagged", f"{lower}, median [m/s^2]", "highest [m/s^2]"], answers),
    ])  # fmt: skip


def _residuals(case: Case) -> str:
    documents = case.documents
    limited = [f"- {_line(claim)}{f'; {claim.note}' if claim.note else ''}" for claim in case.with_verdict(LIMITED)]
    untested = ([what, why + (f": docs/{link}" if link else "")] for what, why, link in NEVER_TESTED)
    return "\n\n".join([
        "## Residuals",
        "Claims that hold in part:",
        "\n".join(limited) or "none",
        "For a person to accept:",
        "\n".join(f"- {text}" for text in _accepted(documents)),
        "Never tested:",
        table(["what", "why it matters"], untested),
    ])  # fmt: skip


def _accepted(documents: Documents) -> Iterator[str]:
    """What the evidence lists and does not judge: it is for a person to accept."""
    yield "the proofs are of the arrays and the ONNX file; the C is tied to them by comparing events, not by a proof"
    if (number_format := documents.firmware.number_format) != FLOAT:
        yield (
            f"proofs and metrics are of the network in float32, and this firmware is in the format {number_format}: "
            "README.md of the firmware says how far their answers differ"
        )
    for rule, times in documents.entries(evidence("misra_c_2012", "listed_deviations"))[""].items():
        yield f"deviation from MISRA C:2012, rule {rule}, findings: {times}; README.md of the firmware has its reason"
    equivalent = documents.read(evidence("mutants", "equivalent")).value
    yield f"mutants that are called equivalent, by a person and not by a proof: {equivalent}"
    share = documents.read(evidence("cortex_m4f", "instructions_outside")).value
    yield f"a cautious answer takes up to {share:,} instructions; cycles and times are estimates of an emulated core"


def _assumptions(documents: Documents) -> str:
    said = [[f"A{i}", a.claim, a.checked] for i, a in enumerate(ASSUMPTIONS, 1)]
    factors = [_factor(f) for f in documents.firmware.net.factors]
    head = ["factor", "unit", "range", "may be missing", "deceleration", "meaning"]
    return (
        "## Assumptions of use\n\n"
        f"{table(['', 'assumption', 'what tells that it is broken'], said)}\n\n"
        f"The ranges that the model accepts:\n\n{table(head, factors)}"
    )


def _factor(factor: Factor) -> list[str]:
    direction = DIRECTIONS[factor.direction] + (
        f", while {factor.forced_while} is at least 1" if factor.forced_while else ""
    )
    span = factor.choices if factor.levels else f"{factor.low:g} to {factor.high:g}"
    return [f"`{factor.name}`", factor.unit or "-", span, "yes" if factor.optional else "no", direction, factor.meaning]


def _checklist(case: Case) -> str:
    lines = [f"- [ ] {duty.number} {duty.claim}. Evidence: ____ ({duty.standard})" for duty in case.duties]
    return "## The integrator's obligations\n\n" + "\n".join(lines)
