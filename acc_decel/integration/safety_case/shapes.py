"""The shapes of GSN as SVG, in colours for light and dark, with text that is wrapped to fit."""

from collections.abc import Sequence
from html import escape
from textwrap import wrap

from acc_decel.integration.safety_case.verdicts import LIMITED, MET, MISSED, Number

LINE, PAD = 14, 8  # of text, and around it [px]
CHARACTER = 0.62  # width of one, of the font's size: that of wide fonts, so that no font overlaps
STYLE = """
svg { color-scheme: light dark; --page: #fff; --ink: #1b2730; --faint: #55646f; --line: #7a8a95;
  --goal: #e8f1f9; --plain: #f6f8fa; --met: #1d7a3e; --part: #9a6200; --missed: #c01c28; --open: #fff6df; }
@media (prefers-color-scheme: dark) { svg { --page: #14191d; --ink: #e6ebef; --faint: #a3b0ba; --line: #7d8c97;
  --goal: #1d3345; --plain: #20282e; --met: #57c27d; --part: #e0a63a; --missed: #ff7b7b; --open: #3a3014; } }
text { font: 11px "Helvetica Neue", Arial, sans-serif; fill: var(--ink); }
.title { font-size: 12px; font-weight: bold; } .bold { font-weight: bold; } .faint { fill: var(--faint); }
.box { stroke: var(--line); stroke-width: 1.2; } .goal { fill: var(--goal); } .plain { fill: var(--plain); }
.open { fill: var(--open); } .page { fill: var(--page); stroke: none; }
.wire { stroke: var(--line); stroke-width: 1.2; fill: none; } .head { fill: var(--line); stroke: none; }
.met { stroke: var(--met); } .part { stroke: var(--part); } .missed { stroke: var(--missed); }
.circle { fill: var(--page); stroke-width: 2.4; } .sign { fill: none; stroke-width: 2.4; }
text.met { fill: var(--met); stroke: none; } text.part { fill: var(--part); stroke: none; }
text.missed { fill: var(--missed); stroke: none; }
""".strip()
CLASSES = {MET: "met", LIMITED: "part", MISSED: "missed"}
SIGNS = {MET: "M-8 0l6 6 11 -13", LIMITED: "M-9 2q4 -8 9 -2t9 -2", MISSED: "M-7 -7l14 14m0 -14l-14 14"}
Line = tuple[str, str]  # a text and its class


def lines(text: str, width: Number, kind: str = "", *, size: Number = 11) -> list[Line]:
    """A text wrapped to a width [px], each line with its class."""
    return [(line, kind) for line in wrap(text, max(8, int(width / (CHARACTER * size)))) or [""]]


def text_block(x: Number, y: Number, block: Sequence[Line], *, anchor: str = "start") -> str:
    """Lines of text from the top left corner, or around the middle."""
    return "".join(
        f'<text x="{x:g}" y="{y + LINE * i + 11:g}" text-anchor="{anchor}"{f" class={kind!r}" if kind else ""}>'
        f"{escape(text)}</text>".replace("class='", 'class="').replace("'>", '">')
        for i, (text, kind) in enumerate(block)
    )


def height_of(block: Sequence[Line]) -> Number:
    """The height of a box around lines of text [px]."""
    return LINE * len(block) + 2 * PAD


def goal(x: Number, y: Number, width: Number, block: Sequence[Line]) -> str:
    """A goal: a rectangle."""
    return _rectangle(x, y, width, height_of(block), "box goal") + text_block(x + PAD, y + PAD, block)


def strategy(x: Number, y: Number, width: Number, block: Sequence[Line]) -> str:
    """A strategy: a parallelogram."""
    h, slant = height_of(block), 12
    corners = f"M{x + slant:g} {y:g}H{x + width:g}L{x + width - slant:g} {y + h:g}H{x:g}Z"
    return f'<path class="box plain" d="{corners}"/>' + text_block(x + slant + PAD, y + PAD, block)


def context(x: Number, y: Number, width: Number, block: Sequence[Line], mark: str = "") -> str:
    """A context: a rectangle with round ends; an assumption has its mark A."""
    h = height_of(block)
    shape = f'<rect class="box plain" x="{x:g}" y="{y:g}" width="{width:g}" height="{h:g}" rx="{min(18, h / 2):g}"/>'
    letter = text_block(x + width + 4, y + h - LINE, [(mark, "bold")]) if mark else ""
    return shape + text_block(x + 2 * PAD, y + PAD, block) + letter


def undeveloped(x: Number, y: Number, width: Number, block: Sequence[Line]) -> str:
    """A goal that is not developed here: a rectangle with a diamond below."""
    h = height_of(block)
    diamond = f"M{x + width / 2:g} {y + h:g}l8 8 -8 8 -8 -8z"
    shape = _rectangle(x, y, width, h, "box open") + f'<path class="box open" d="{diamond}"/>'
    return shape + text_block(x + PAD, y + PAD, block)


def solution(x: Number, y: Number, verdict: str, block: Sequence[Line]) -> str:
    """A solution: a circle with the sign of its verdict, its text beside it."""
    kind = CLASSES[verdict]
    circle = f'<circle class="circle {kind}" cx="{x + 20:g}" cy="{y + 20:g}" r="18"/>'
    sign = f'<path class="sign {kind}" transform="translate({x + 20:g} {y + 20:g})" d="{SIGNS[verdict]}"/>'
    return circle + sign + text_block(x + 48, y, block)


def wire(path: str) -> str:
    """A line between shapes."""
    return f'<path class="wire" d="{path}"/>'


def arrow_down(x: Number, y: Number) -> str:
    """The head of an arrow that points down to (x, y): supported by."""
    return f'<path class="head" d="M{x:g} {y:g}l-4 -7h8z"/>'


def arrow_right(x: Number, y: Number) -> str:
    """The head of an arrow that points right to (x, y): supported by."""
    return f'<path class="head" d="M{x:g} {y:g}l-7 -4v8z"/>'


def hollow_right(x: Number, y: Number) -> str:
    """The hollow head of an arrow that points right to (x, y): in context of."""
    return f'<path class="wire page" style="stroke: var(--line)" d="M{x:g} {y:g}l-8 -4v8z"/>'


def _rectangle(x: Number, y: Number, width: Number, height: Number, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="3"/>'
