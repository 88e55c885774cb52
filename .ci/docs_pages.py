"""The pages of the documentation, their fenced blocks, and their generated parts."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).parents[1]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PART = re.compile(
    r"<!-- (?P<name>[a-z_]+)(?: (?P<argument>[^>]*?))? -->\n(?P<text>.*?)<!-- end of (?P=name) -->", re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and where it begins in the page."""

    language: str
    text: str
    start: int


def pages() -> tuple[Path, ...]:
    """README, then every page of docs/, by name."""
    return HOME / "README.md", *sorted((HOME / "docs").rglob("*.md"))


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [Block(found[1], found[2], found.start()) for found in FENCE.finditer(text)]


def commands(block: Block) -> list[str]:
    """The command lines of a shell block, without comments; a line that ends in a backslash goes on in the next."""
    lines = block.text.replace("\\\n", " ").splitlines()
    return [" ".join(line.split(" #")[0].split()) for line in lines if line.strip() and not line.startswith("#")]


def part_names(text: str) -> list[str]:
    """Names of the generated parts of a page."""
    return [found["name"] for found in PART.finditer(text)]


def rewritten(text: str, write: Callable[[str, str, str], str]) -> str:
    """The page with each generated part replaced by what `write` makes of its name, argument and the text before."""

    def part(found: re.Match[str]) -> str:
        name, argument = found["name"], found["argument"] or ""
        head = f"<!-- {name}{' ' if argument else ''}{argument} -->"
        return f"{head}\n\n{write(name, argument, text[: found.start()]).strip()}\n\n<!-- end of {name} -->"

    return PART.sub(part, text)
