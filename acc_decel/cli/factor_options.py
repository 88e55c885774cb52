"""Command-line options computed from the factors: one for each, with its unit, range and meaning as help."""

import inspect
from collections.abc import Callable, Collection
from functools import wraps
from typing import Annotated, Any

import typer

from acc_decel.factors import FACTORS, Factor


def with_factor_options(
    command: Callable[..., None], *, without: Collection[str] = (), required: str = "Required"
) -> Callable[..., None]:
    """Give `command`, which takes a dict `factors` first, an option for each factor instead, but those `without`.

    `required` is what the help says of a factor that a prediction cannot do without.
    """
    taken = list(inspect.signature(command).parameters.values())[1:]
    options = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_annotation(f, required))
        for f in FACTORS
        if f.name not in without
    ]
    names = {f.name for f in FACTORS}

    @wraps(command)
    def with_options(**options: Any) -> None:
        factors = {name: options.pop(name) for name in names if options.get(name) is not None}
        command(factors, **{name: value for name, value in options.items() if name not in names})

    keyword_only = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in taken]
    with_options.__signature__ = inspect.Signature([*options, *keyword_only])  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in (*options, *keyword_only)}
    return with_options


def _annotation(factor: Factor, required: str) -> Any:
    kind = str if factor.levels else float
    help_text = f"{factor.named_meaning}: {factor.choices or factor.span}"
    if factor.standard is not None:
        help_text += f". Standard {factor.standard:g}"
    elif not factor.optional:
        help_text += f". {required}"
    option = typer.Option(f"--{factor.name.replace('_', '-')}", help=help_text, rich_help_panel="Braking factors")
    return Annotated[kind | None, option]
