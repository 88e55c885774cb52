"""Help as it is written: text in square brackets is text, not markup; and no argument that is empty."""

from collections.abc import Iterable
from copy import copy
from itertools import pairwise
from typing import Any

from rich.markup import escape
from typer.core import TyperCommand, TyperGroup

EXAMPLE = "    "  # lines that begin so are commands to type, and stay as they are


class PlainCommand(TyperCommand):
    """A command whose help says what its docstring and its options say, letter by letter.

    It refuses an empty argument, as of a shell variable that is not set: as a path that would be the working folder.
    """

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        super(PlainCommand, _escaped(self)).format_help(ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments. Raises ValueError for an empty one, which as a path would be the working folder."""
        for before, argument in pairwise(["", *args]):
            if not argument or (argument.startswith("--") and argument.endswith("=")):
                name = argument[:-1] or (before if before.startswith("-") else f"what follows {before or self.name}")
                raise ValueError(f"{name} must not be empty. Got an empty text: give a value, or leave it out.")
        return super().parse_args(ctx, args)


class PlainGroup(TyperGroup):
    """A group of commands with the same kind of help."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help, with the first paragraph of each command."""
        shown = _escaped(self)
        shown.commands = {name: _escaped(command) for name, command in self.commands.items()}
        super(PlainGroup, shown).format_help(ctx, formatter)


def _escaped(command: Any) -> Any:
    """The command with help that Rich prints as it is; the command itself keeps its own, for other readers."""
    shown = copy(command)
    shown.help = _flowing((command.help or "").split("\n\n"))
    shown.params = [_escaped_parameter(parameter) for parameter in command.params]
    return shown


def _escaped_parameter(parameter: Any) -> Any:
    shown = copy(parameter)
    shown.help = escape(parameter.help or "")
    return shown


def _flowing(paragraphs: Iterable[str]) -> str:
    """Paragraphs without the line breaks of the source, with markup escaped; examples keep their lines."""
    return "\n\n".join(_example(p) if p.startswith(EXAMPLE) else escape(" ".join(p.split())) for p in paragraphs)


def _example(commands: str) -> str:
    """Commands to type, in a tag at the start of each line: without it Typer would take the indentation away."""
    return "\n".join(f"[not dim]{escape(line)}[/not dim]" for line in commands.splitlines())
