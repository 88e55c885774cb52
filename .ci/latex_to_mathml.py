"""A Markdown extension: equations between dollar signs become MathML, which a browser draws without a script.

`$$ ... $$` on lines of their own is an equation, `$...$` inside a line a symbol. GitHub draws the same source.
"""

import re
from typing import Any
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert
from markdown import Extension, Markdown
from markdown.inlinepatterns import InlineProcessor
from markdown.preprocessors import Preprocessor

EQUATION = re.compile(r"^\$\$\n(.+?)\n\$\$$", re.DOTALL | re.MULTILINE)
SYMBOL = r"(?<![\\$\w])\$(?! )([^$\n]+?)(?<! )\$(?![\w$])"


class Equations(Preprocessor):
    """Equations, before Markdown looks at their underscores."""

    def run(self, lines: list[str]) -> list[str]:
        """The lines with each equation replaced by its MathML."""

        def mathml(found: re.Match[str]) -> str:
            drawn = convert(found[1], display="block")
            return f'<div class="equation">{self.md.htmlStash.store(drawn)}</div>'

        return EQUATION.sub(mathml, "\n".join(lines)).split("\n")


class Symbols(InlineProcessor):
    """Symbols inside a line."""

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str | Element, int, int]:  # noqa: N802, ARG002
        """The MathML of one symbol."""
        return self.md.htmlStash.store(convert(m[1])), m.start(0), m.end(0)


class LatexToMathml(Extension):
    """The extension."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register both."""
        md.preprocessors.register(Equations(md), "equations", 22)
        md.inlinePatterns.register(Symbols(SYMBOL, md), "symbols", 186)


def makeExtension(**options: Any) -> LatexToMathml:  # noqa: N802
    """Called by Markdown."""
    return LatexToMathml(**options)
