"""What each factor adds to a prediction, as a bar chart in the terminal."""

from collections.abc import Mapping
from math import isnan

import pandas as pd
from rich.table import Table

from acc_decel.cli.flag_lines import NO_FLAG, flag_cells
from acc_decel.cli.terminal import console, print_table, print_wide, printable, say
from acc_decel.factors import Factor
from acc_decel.predictor import Given, Prediction
from acc_decel.status import CORRECTION_LIMITED

HALF = 18  # characters of the longest bar
EVENTS_BESIDE = 8  # columns of the table of several events


def print_attribution(answer: Prediction, given: Mapping[str, Given], factors: tuple[Factor, ...]) -> None:
    """Print the chart of one event, the factors with the largest effect first; a missing factor is left out."""
    effects = answer.attribution or {}
    known = sorted((f for f in factors if f.name not in answer.not_available), key=lambda f: -abs(effects[f.name]))
    maximum = max(abs(effects[f.name]) for f in known)
    (flag,) = flag_cells([answer.status])
    doubt = "" if flag == NO_FLAG else f" (status: {flag})"
    title = f"what each factor adds to the deceleration{doubt}"
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("factor", no_wrap=True)
    table.add_column("given")
    table.add_column("adds [m/s^2]", justify="right")
    table.add_column("takes" + "adds".rjust(2 * HALF - 4), no_wrap=True)
    for f in known:
        value = given.get(f.name)
        text = f"{f.standard if value is None else value} {f.unit}".strip()
        table.add_row(
            f.name, printable(text), f"{effects[f.name]:+.2f}", _bar(effects[f.name] / maximum if maximum else 0.0)
        )
    print_wide(table)
    say(
        f"baseline {answer.baseline:.2f} m/s^2, the mean over typical speeds and brake pressures with nothing else "
        f"known, {sum(effects.values()):+.2f} from these factors: {_result(answer, effects)}"
    )


def _result(answer: Prediction, effects: Mapping[str, float]) -> str:
    """What the chart adds up to, and what the limit of the correction makes of it."""
    total = float(answer.baseline or 0.0) + sum(effects.values())
    if not answer.status & CORRECTION_LIMITED or round(total, 2) == round(answer.deceleration, 2):
        return f"{answer.deceleration:.2f} m/s^2"
    return f"{total:.2f} m/s^2, limited to {answer.deceleration:.2f} m/s^2"


def print_attributions(answers: pd.DataFrame, status: "pd.Series[int]") -> None:
    """Print what each factor adds [m/s^2] and the flags, one event a column, so many events side by side as fit."""
    names = [str(c).removeprefix("attribution_") for c in answers.columns]
    values, row = answers.to_numpy(), answers.index.name or "row"
    labels = [f"{row} {label} ({flag})" for label, flag in zip(answers.index, flag_cells(status), strict=True)]
    for first in range(0, len(answers), EVENTS_BESIDE):
        block = slice(first, first + EVENTS_BESIDE)
        rows = [
            [name, *("-" if isnan(value) else f"{value:+.2f}" for value in column)]
            for name, column in zip(names, values[block].T, strict=True)
        ]
        print_table("what each factor adds to the baseline [m/s^2]", ("factor", *labels[block]), rows)


def _bar(share: float) -> str:
    """A bar of `share` -1 to 1, to the left or to the right of a line in the middle."""
    plain = not console.encoding.lower().startswith("utf")
    block, line = ("#", "|") if plain else ("\u2588", "\u2502")
    blocks = block * round(HALF * abs(share))
    return f"{blocks if share < 0 else '':>{HALF}}{line}{blocks if share > 0 else '':<{HALF}}"
