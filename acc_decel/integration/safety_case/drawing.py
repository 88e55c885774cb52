"""The safety case as a picture in the Goal Structuring Notation: a tree from left to right, one goal a band."""

from html import escape

from acc_decel.integration.safety_case import shapes
from acc_decel.integration.safety_case.claims import STRATEGY
from acc_decel.integration.safety_case.judging import Case, Duty, Judged, JudgedGoal
from acc_decel.integration.safety_case.limits import SIMULATED
from acc_decel.integration.safety_case.page import summary, top_claim
from acc_decel.integration.safety_case.shapes import CLASSES, Line, height_of, lines
from acc_decel.integration.safety_case.verdicts import LIMITED, MET, MISSED, Number

WIDTH, EDGE, TRUNK = 1390, 40, 20  # of the picture, of its left edge, and where the line down from the top is [px]
GOAL, LEFT, PITCH, COLUMNS = 230, 310, 268, 4  # width of a goal; where claims begin, their distance, how many in a row
CARD = PITCH - 20  # width of a claim [px]
LANE, GAP = 26, 20  # above the claims of a row, for its arrows; between two bands [px]


def drawing(case: Case) -> str:
    """The case as SVG, for light and dark pages; the hash of the evidence stands at its end."""
    body, y = _top(case)
    starts = []
    for goal in case.goals:
        starts.append(y)
        band, height = _band(goal, y)
        body, y = body + band, y + height + GAP
    trunk = shapes.wire(f"M{TRUNK} {_top_end(case)}V{starts[-1] + LANE:g}") + "".join(
        shapes.wire(f"M{TRUNK} {start + LANE:g}H{EDGE}") + shapes.arrow_right(EDGE, start + LANE) for start in starts
    )
    legend, height = _legend(case, y), 92
    title = escape(f"Safety case of {case.documents.model}: {summary(case)}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + height:g}" width="{WIDTH}" role="img">'
        f"<title>{title}</title><style>{shapes.STYLE}</style>"
        f'<rect class="page" width="100%" height="100%"/>{trunk}{body}{legend}</svg>\n'
    )


def _boxes(case: Case) -> tuple[list[Line], list[Line], list[Line], list[Line]]:
    """The texts of the top: claim, strategy, assumption and context."""
    documents = case.documents
    return (
        [("G0", "title"), *lines(top_claim(), 480)],
        [("S0", "title"), *lines(f"Argument {STRATEGY}", 480)],
        [("A0", "title"), *lines(SIMULATED, 340)],
        [
            ("C0", "title"),
            *lines(f"model {documents.model}, firmware {documents.firmware.number_format}", 340),
            *lines(f"C of SHA-256 {documents.sources[:16]}...", 340),
            *lines("assumptions of use, triggering conditions and residuals: case.md", 340),
        ],
    )


def _top(case: Case) -> tuple[str, Number]:
    """Claim and strategy, with assumption and context beside them; and where the bands begin."""
    claim, plan, assumption, setting = _boxes(case)
    below = 16 + height_of(claim) + 30
    drawn = shapes.goal(EDGE, 16, 520, claim) + shapes.strategy(EDGE, below, 520, plan)
    drawn += shapes.wire(f"M300 {16 + height_of(claim)}V{below:g}") + shapes.arrow_down(300, below)
    y = 16.0
    for block, mark in ((assumption, "A"), (setting, "")):
        middle = 16 + height_of(claim) / 2
        drawn += shapes.context(640, y, 390, block, mark)
        drawn += shapes.wire(f"M560 {middle:g}H590V{y + height_of(block) / 2:g}H632")
        drawn += shapes.hollow_right(640, y + height_of(block) / 2)
        y += height_of(block) + 14
    return drawn, max(below + height_of(plan), y) + GAP


def _top_end(case: Case) -> str:
    """The way from the strategy to the trunk on the left."""
    claim, plan, *_ = _boxes(case)
    middle = 16 + height_of(claim) + 30 + height_of(plan) / 2
    return f"{middle:g}H{EDGE + 6}M{TRUNK} {middle:g}"


def _band(goal: JudgedGoal, y: Number) -> tuple[str, Number]:
    """A goal with all that supports it in rows beside it, and the height of that."""
    box = [
        (goal.number, "title"),
        *lines(goal.claim, GOAL - 2 * shapes.PAD),
        *lines(f"({goal.standard})", 214, "faint"),
    ]
    drawn, row_y = shapes.goal(EDGE, y, GOAL, box), y
    bus = LEFT - 20
    parts: list[Judged | Duty] = [*goal.measured, *goal.duties]
    for row in (parts[i : i + COLUMNS] for i in range(0, len(parts), COLUMNS)):
        lane = row_y + LANE - 14
        reach = LEFT + PITCH * (len(row) - 1) + 20
        drawn += shapes.wire(f"M{bus} {lane:g}H{reach}")
        for i, part in enumerate(row):
            x = LEFT + PITCH * i
            drawn += shapes.wire(f"M{x + 20} {lane:g}V{row_y + LANE:g}") + shapes.arrow_down(x + 20, row_y + LANE)
            drawn += _part(part, x, row_y + LANE)
        last, row_y = lane, row_y + LANE + max(map(_part_height, row)) + 6
    drawn += shapes.wire(f"M{EDGE + GOAL} {y + LANE - 14:g}H{bus}V{last:g}")
    return drawn, max(height_of(box), row_y - y)


def _block(part: Judged | Duty) -> list[Line]:
    """The text of a claim."""
    if isinstance(part, Duty):
        return [(f"{part.number} open: the integrator's", "bold"), *lines(part.claim, CARD - 2 * shapes.PAD)]
    kind, room = CLASSES[part.verdict], CARD - 48
    return [
        (f"{part.number} {part.verdict}", f"bold {kind}"),
        *lines(part.claim, room),
        *lines(part.value, room, "bold"),
        *lines(f"bar: {part.bar}", room),
        (part.file, "faint"),
    ]


def _part(part: Judged | Duty, x: Number, y: Number) -> str:
    if isinstance(part, Duty):
        return shapes.undeveloped(x, y, CARD, _block(part))
    return shapes.solution(x, y, part.verdict, _block(part))


def _part_height(part: Judged | Duty) -> Number:
    if isinstance(part, Duty):
        return height_of(_block(part)) + 16  # with its diamond
    return max(40.0, shapes.LINE * len(_block(part)))


def _legend(case: Case, y: Number) -> str:
    """What the signs mean, the count of each verdict, and the hash of the evidence."""
    drawn, x = "", EDGE
    meanings = {MET: "the bar is reached", LIMITED: "it holds, but less: a residual", MISSED: "the bar is missed"}
    for verdict, meaning in meanings.items():
        text = [(f"{case.counts.get(verdict, 0)} {verdict}", f"bold {CLASSES[verdict]}"), (meaning, "")]
        drawn += shapes.solution(x, y, verdict, text)
        x += 250
    drawn += shapes.undeveloped(x, y - 4, CARD, [(f"{len(case.duties)} open: the integrator's", "bold")])
    return drawn + shapes.text_block(EDGE, y + 58, [(f"evidence {case.documents.digest}", "faint")])
