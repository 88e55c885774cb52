"""The safety case: each claim is read from the evidence and can be missed; what does not belong together is refused."""

import json
import re
import shutil
import subprocess
from copy import deepcopy
from dataclasses import replace
from itertools import combinations
from math import inf, nan
from pathlib import Path
from xml.etree import ElementTree

import pytest

from acc_decel.factors import EXCLUSIONS, FACTORS
from acc_decel.integration.safety_case import Documents, drawing, judge, page, read_documents, write_case
from acc_decel.integration.safety_case.argument import Measured, Owed
from acc_decel.integration.safety_case.claims import GOALS
from acc_decel.integration.safety_case.conditions import excluded_events, outside_answers, worst_slices
from acc_decel.integration.safety_case.shapes import CHARACTER, LINE
from acc_decel.integration.safety_case.verdicts import (
    EACH,
    EVIDENCE,
    LIMITED,
    MET,
    METRICS,
    MISSED,
    PROOF,
    Bar,
    Where,
    at_least,
    at_most,
    exactly,
    not_passed,
    number,
    verdict,
)
from acc_decel.model_folder import released_models
from acc_decel.network import excluded
from acc_decel.outputs import QUANTILES
from acc_decel.status import FLAGS

EXPORT = Path(__file__).parents[2] / "firmware_export"
CLAIMS = [part for goal in GOALS for part in goal.parts if isinstance(part, Measured)]
CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def documents() -> Documents:
    """The evidence of the compact car."""
    return read_documents("compact", EXPORT)


@pytest.fixture(scope="module")
def case(documents):
    """Its case."""
    return judge(documents)


@pytest.fixture(scope="module")
def text(case) -> str:
    """Its page."""
    return page(case)


@pytest.fixture
def firmware(tmp_path) -> Path:
    """A copy of the export, to be altered."""
    return Path(shutil.copytree(EXPORT, tmp_path / "firmware"))


@pytest.fixture
def model(tmp_path) -> Path:
    """A copy of the compact car's folder, to be altered."""
    return Path(shutil.copytree(released_models()["compact"], tmp_path / "my_car"))


def changed(documents: Documents, where: Where, change) -> Documents:
    """The documents with `change` called on the innermost object that `where` leads through, and its last key."""
    contents = deepcopy(documents.contents)
    *path, last = map(documents.name, where.keys)
    inner = contents[where.file]
    for key in path:
        if isinstance(inner, list):
            inner = {entry["name"]: entry for entry in inner}
        inner = next(iter(inner.values())) if key == EACH else inner[key.split("|")[0]]
    change(inner, next(iter(inner)) if last == EACH else last.split("|")[0])
    return replace(documents, contents=contents)


def claim_of(path: str) -> Measured:
    return next(claim for claim in CLAIMS if claim.where.path.endswith(path))


def judged(documents: Documents, claim: Measured):
    (goal,) = judge(documents, [replace(GOALS[0], parts=(claim,))]).goals
    return goal.measured[0]


def test_every_claim_of_the_released_car_is_met_or_a_residual(case):
    assert len(case.measured) == len(CLAIMS)
    assert case.counts.keys() <= {MET, LIMITED}
    assert {claim.verdict for claim in case.measured if "proven range" in claim.claim} == {LIMITED}, "they have gaps"
    assert len(case.duties) == sum(isinstance(part, Owed) for goal in GOALS for part in goal.parts)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.where.path)
def test_a_missing_key_is_named_and_never_taken_for_a_value(documents, claim):
    without = changed(
        documents, claim.where, lambda inner, key: inner.pop(key) if key in claim.where.path else inner.clear()
    )
    last = [key for key in map(documents.name, claim.where.keys) if key != EACH][-1].split("|")[0]
    with pytest.raises(
        ValueError, match=rf"{re.escape(claim.where.file)} of compact must have at .*{re.escape(last)}.* Got none"
    ):
        judged(without, claim)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.where.path)
def test_every_claim_can_be_missed(documents, claim):
    bad: object = -1e9 if claim.bar.low is not None else 1e9
    if claim.where.pick is number:
        bad = ["one"] * 9
    elif claim.where.pick is not_passed:
        bad = "OTHER_BITS"
    if isinstance(documents.read(claim.where).value, bool):
        bad = False
    worse = changed(documents, claim.where, lambda inner, key: inner.update({key: bad}))
    if claim.holds is not None:
        worse = changed(worse, claim.holds, lambda inner, key: inner.update({key: False}))
    assert judged(documents, claim).verdict in (MET, LIMITED)
    assert judged(worse, claim).verdict == MISSED


def test_a_proof_that_was_not_made_is_missed(documents):
    claim = claim_of('"range of delay".least|greatest.gap')
    unproven = changed(documents, claim.holds, lambda inner, key: inner.update({key: False}))
    assert judged(unproven, claim).verdict == MISSED
    for path in ('"range of delay".least|greatest.gap', '"physical envelope".proven', '"monotone arrays".passed'):
        claim = claim_of(path)
        place = claim.holds or claim.where
        unmade = changed(
            documents, place, lambda inner, _: [inner.pop(k) for k in [*inner] if k not in ("name", "detail")]
        )
        unmade = changed(
            unmade, replace(place, keys=(*place.keys[:-1], "detail")), lambda inner, _: inner.update(passed=None)
        )
        assert (judged(unmade, claim).verdict, judged(unmade, claim).value) == (MISSED, "the proof was not made")


def test_a_range_without_a_gap_is_met_and_one_with_a_gap_is_not(documents):
    claim = claim_of('"range of deceleration".least|greatest.gap')
    tight = changed(documents, claim.where, lambda inner, key: inner.update({key: 0.0}))
    assert judged(tight, claim).verdict == MET, "the other end has no gap"
    assert judged(documents, claim).verdict == LIMITED
    assert "attained" in judged(documents, claim).detail, "the sentence of the proof is carried"


def test_bars_have_their_ends_and_nan_reaches_none():
    assert verdict(0.5, at_least(0.5), None) == MET
    assert verdict(0.5, at_most(0.5), 0.5) == MET
    assert verdict(0.49, at_least(0.5, in_part=0.4), None) == LIMITED
    assert verdict(0.39, at_least(0.5, in_part=0.4), None) == MISSED
    assert verdict(1e9, Bar(high=1, high_in_part=inf), 1) == LIMITED
    assert verdict(1, exactly(0), 0) == MISSED
    assert {verdict(nan, bar, 1.0) for bar in (at_least(0), at_most(1), Bar(high=1, high_in_part=inf))} == {MISSED}


def test_every_proof_quantile_and_flag_is_in_the_case(documents, case):
    read = {keys[1] for claim in CLAIMS for keys in (claim.where.keys,) if claim.where.file == PROOF}
    assert read == {entry["name"] for entry in documents.contents[PROOF]["proofs"]}
    assert {f"below.{name}" for name in QUANTILES} <= {claim.path for claim in case.measured}
    assert all(any(f"reaction to {name}:" in duty.claim for duty in case.duties) for name in FLAGS)


def test_the_page_traces_each_claim_to_a_value_a_file_and_a_command(case, text):
    for claim in case.measured:
        bar = claim.path.replace("|", "\\|")
        row = next(line for line in text.splitlines() if line.startswith(f"| {claim.number} |"))
        assert all(part in row for part in (claim.value, claim.bar, claim.verdict, claim.file, bar)), row
        assert f"`{claim.repeat}`" in text
        assert not claim.detail or claim.detail in text
    assert [line[6:].split()[0] for line in text.splitlines() if line.startswith("- [ ] ")] == [
        d.number for d in case.duties
    ]
    assert all(f"`{f.name}`" in text for f in FACTORS)
    assert all(exclusion.meaning in text for exclusion in EXCLUSIONS)
    assert all(case.documents.hashes[name] in text for name in (METRICS, PROOF, EVIDENCE))


def test_the_worst_kinds_of_event_come_first(documents, text):
    regimes = documents.contents[METRICS]["regimes"]
    slices = worst_slices(documents, number=len(regimes))
    assert [s.coverage for s in slices] == sorted(regime["coverage"] for regime in regimes.values())
    assert f"{100 * slices[0].coverage:.1f} %" in text


def test_what_is_answered_outside_is_of_excluded_events(documents):
    net = documents.firmware.net
    for exclusion, answers in zip(EXCLUSIONS, outside_answers(net), strict=True):
        assert excluded(net.factors, excluded_events(net, exclusion)).all(), exclusion
        assert answers.flagged == 1
        assert answers.median < answers.highest < 9, "the answer is cautious"


@pytest.mark.slow
def test_the_command_writes_the_same_bytes_again(run, case, text, tmp_path):
    (tmp_path / "case").mkdir()
    for name in ("case.md", "case.svg"):
        (tmp_path / "case" / name).write_text(text if name.endswith(".md") else drawing(case))
    before = {path.name: path.read_bytes() for path in (tmp_path / "case").iterdir()}
    code, said, err = run("case", "compact", "--firmware", EXPORT, "--output", tmp_path / "case")
    assert code == 0, err
    assert f"{len(CLAIMS)} claims measured" in said
    assert {path.name: path.read_bytes() for path in (tmp_path / "case").iterdir()} == before


def altered(firmware: Path, **values: object) -> None:
    """Other values in the float part of evidence.json."""
    path = firmware / EVIDENCE
    measured = json.loads(path.read_text())
    measured["float"].update(values)
    path.write_text(json.dumps(measured))


@pytest.mark.slow
def test_a_missed_bar_is_written_shown_and_told(run, firmware, tmp_path):
    altered(firmware, mutants={"mutants": 600, "killed": 580, "equivalent": 19, "survivors": ["a <= b"]})
    code, said, _ = run("case", "compact", "--firmware", firmware, "--output", tmp_path / "case")
    assert code == 1
    assert re.search(
        r"MISSED Sn5\.10 mutants that no test kills: 1, bar: exactly 0 \(evidence\.json: float\.mutants", said
    )
    assert "**MISSED** Sn5.10" in (tmp_path / "case" / "case.md").read_text()
    assert "Sn5.10 MISSED" in (tmp_path / "case" / "case.svg").read_text()
    code, rows, _ = run("case", "compact", "--firmware", firmware, "--output", tmp_path / "case", "--json")
    assert code == 1
    assert [row["number"] for row in json.loads(rows)["claims"] if row["verdict"] == MISSED] == ["Sn5.10"]


def test_a_missing_key_is_refused_and_nothing_is_written(refused, firmware, tmp_path):
    altered(firmware, mutants={"mutants": 600})
    said = refused("case", "compact", "--firmware", firmware, "--output", tmp_path / "case")
    assert said.startswith(
        "evidence.json of compact must have at float.mutants.survivors an entry 'survivors'. Got none:"
    )
    assert not (tmp_path / "case").exists()


def test_evidence_of_other_sources_is_told(refused, firmware, tmp_path):
    source = firmware / "acc_decel_head.c"
    source.write_bytes(source.read_bytes().replace(b"1.0F", b"1.1F", 1) + b"\n")
    said = refused("case", "compact", "--firmware", firmware, "--output", tmp_path / "case")
    assert said.startswith("evidence is of other sources")
    assert not (tmp_path / "case").exists()


def test_evidence_of_the_c_of_another_version_is_told(refused, firmware, tmp_path):
    path = firmware / EVIDENCE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"hand_written_sha256": "0" * 64}))
    said = refused("case", "compact", "--firmware", firmware, "--output", tmp_path / "case")
    assert "evidence is of other sources" in said
    assert "of the C of this acc_decel" in said


@pytest.mark.slow
def test_files_that_do_not_belong_together_are_refused(refused, firmware, model, tmp_path):
    case = ("--firmware", firmware, "--output", tmp_path / "case")
    assert "export" in refused("case", "van", *case), "the firmware is of another model"
    (firmware / "README.md").write_text("altered")
    assert "README.md must be as SHA256SUMS says" in refused("case", "compact", *case)
    (firmware / "SHA256SUMS").write_text("nonsense\n")
    assert "must have a SHA-256 and a file on each line" in refused("case", "compact", *case)
    proof = json.loads((model / PROOF).read_text())
    (model / PROOF).write_text(json.dumps(proof | {"sha256": {}}))
    assert "must be of the model's files. Got the proof of other files" in refused("case", model, *case)
    (model / PROOF).unlink()
    assert "proof.json must hold JSON. Got: no such file" in refused("case", model, *case)
    (firmware / EVIDENCE).write_text("[]")
    assert "evidence.json must hold a JSON object" in refused("case", "compact", *case)
    assert not (tmp_path / "case").exists()


def test_a_file_of_something_else_is_never_replaced(refused, tmp_path):
    (tmp_path / "case.md").write_text("# My own case\n")
    assert "case.md must be of an earlier case" in refused("case", "--firmware", EXPORT, "--output", tmp_path)
    assert (tmp_path / "case.md").read_text() == "# My own case\n"
    assert "--output must be a folder of its own" in refused("case", "--firmware", EXPORT, "--output", EXPORT)
    assert "--output must be a folder. Got the file" in refused("case", "--output", tmp_path / "case.md")


def boxes(picture: str) -> list[tuple[str, float, float, float, float]]:
    """Text and box of each line of text, as wide as the widest font."""
    found = []
    for text in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text"):
        x, y, line = float(text.get("x")), float(text.get("y")), text.text
        found.append((line, x, y - LINE, x + CHARACTER * 11 * len(line), y))
    return found


def test_no_text_of_the_picture_lies_on_another(case):
    lines = boxes(drawing(case))
    assert {claim.number for claim in case.measured} <= {line.split()[0] for line, *_ in lines}
    for (one, left, top, right, bottom), (other, l2, t2, r2, b2) in combinations(lines, 2):
        assert right <= l2 or r2 <= left or bottom <= t2 or b2 <= top, (one, other)


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: apt-get install chromium")
def test_in_a_browser_every_text_is_inside_the_picture_and_on_no_other(case, tmp_path):
    write_case(tmp_path, case)
    script = (
        "const box = t => { const b = t.getBoundingClientRect();"
        "return [t.textContent, b.left, b.top, b.right, b.bottom] };"
        "document.title = JSON.stringify([...document.querySelectorAll('text')].map(box).concat("
        "[['', 0, 0, document.querySelector('svg').getBoundingClientRect().right, 0]]))"
    )
    html = tmp_path / "case.html"
    html.write_text(f"<meta charset=utf-8>{drawing(case)}<script>{script}</script>")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--virtual-time-budget=2000", "--dump-dom", html.as_uri()]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    *lines, (*_, edge, _) = json.loads(ElementTree.fromstring(
        re.search(r"<title>\[\[.*?</title>", done.stdout, re.DOTALL)[0]
    ).text)  # fmt: skip
    assert len(lines) == len(boxes(drawing(case)))
    for (one, left, top, right, bottom), (other, l2, t2, r2, b2) in combinations(lines, 2):
        assert right <= l2 or r2 <= left or bottom <= t2 + 1.5 or b2 <= top + 1.5, (one, other)  # ascents may touch
    assert max(right for _, _, _, right, _ in lines) <= edge
