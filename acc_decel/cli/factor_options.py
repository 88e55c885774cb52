"""Command-line options computed from the factors: one for each, with its unit, range and meaning as help."""

import inspect
from collections.abc import Callable, Collection
from functools import wraps
from typing import Annotated, Any

import typer

from acc_decel.factors import FACTORS, OF_THE_VEHICLE, Factor
from acc_decel.predictor import SWITCH_WORDS


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
        factors = {f.name: _given(f, options.pop(f.name)) for f in FACTORS if options.get(f.name) is not None}
        command(factors, **{name: value for name, value in options.items() if name not in names})

    keyword_only = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in taken]
    with_options.__signature__ = inspect.Signature([*options, *keyword_only])  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in (*options, *keyword_only)}
    return with_options


def _given(factor: Factor, text: str) -> float | str:
    """The level or the number that an option gives. Raises ValueError that names the factor and shows the text."""
    if factor.levels:
        return text
    try:
        return float(SWITCH_WORDS.get(text.lower(), text) if factor.is_switch else text)
    except ValueError:
        raise ValueError(factor.refusal(text)) from None


def _annotation(factor: Factor, required: str) -> Any:
    kind = "TEXT" if factor.levels else "FLOAT"
    help_text = f"{factor.named_meaning}: {factor.choices or factor.span}"
    if factor.name == OF_THE_VEHICLE:
        help_text += ". Full braking of the vehicle if not given"
    elif factor.standard is not None:
        help_text += f". Standard {factor.standard:g}"
    elif not factor.optional:
        help_text += f". {required}"
    name = f"--{factor.name.replace('_', '-')}"
    option = typer.Option(name, help=help_text, metavar=kind, rich_help_panel="Braking factors")
    return Annotated[str | None, option]
