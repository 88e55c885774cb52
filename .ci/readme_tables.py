"""Rewrite the generated blocks of the README: what it says of factors and accuracy is computed, never typed."""

import json
import re
import subprocess
import sys
from pathlib import Path

from acc_decel.evaluation import evaluated, predictors, published_tests, summary
from acc_decel.factors import FACTORS, Factor
from acc_decel.model_folder import METRICS, released_models
from acc_decel.outputs import OUTPUTS

DIRECTIONS = {1: "rises", -1: "falls", 0: "-"}


def factor_row(factor: Factor) -> list[str]:
    """One row of the factor table."""
    span = factor.choices if factor.levels else f"{factor.low:g} to {factor.high:g}"
    direction = DIRECTIONS[factor.direction]
    if factor.forced_while:
        direction += f" (with {factor.forced_while})"
    return [f"`{factor.name}`", factor.unit or "-", span, "yes" if factor.may_lack else "no", direction, factor.meaning]


def factor_table() -> str:
    """The braking factors; `mass` is narrowed by each vehicle."""
    head = ["factor", "unit", "range", "may lack", "deceleration", "meaning"]
    return markdown(head, [factor_row(f) for f in FACTORS])


def output_table() -> str:
    """What a prediction holds."""
    return markdown(["output", "meaning"], [[f"`{name}`", meaning] for name, meaning in OUTPUTS.items()])


def accuracy() -> str:
    """Published tests and held-out events, from the released models."""
    tests = published_tests()
    found = summary(evaluated(tests, predictors(tests)))
    lines = [
        f"{found.tests} published braking tests of real cars: mean absolute error of the distance "
        f"{found.mean_abs_error_pct:.1f} %, {found.inside_interval_pct:.0f} % of the tests inside the 90 % interval, "
        f"whose mean width is {found.mean_interval_pct:.0f} % of the distance. Simulated events held out:",
        "",
    ]
    kinds = ("every factor available", "factors lacking as trained")
    head = ["model", "weights", "held out", "covered"]
    head += [
        f"{what}, {kind}" for kind in kinds for what in ("RMSE against events", "against the best possible median")
    ]
    rows = []
    for name, folder in released_models().items():
        told = json.loads((folder / METRICS).read_text())
        cells = [f"{told['weights']}", f"{told['events']}", f"{100 * told['coverage']:.1f} %"]
        for kind, rmse in zip(kinds, (told["regimes"][kinds[0]]["rmse"], told["rmse"]), strict=True):
            cells += [f"{rmse:.2f} m/s^2", f"{told['best_possible'][kind]['rmse_conditional_median']:.2f} m/s^2"]
        rows.append([name, *cells])
    return "\n".join(lines) + markdown(head, rows)


def commands() -> str:
    """The commands with the first sentence of their help."""
    from acc_decel.cli import app

    told = [("acc-decel", command) for command in app.registered_commands]
    for group in app.registered_groups:
        inside = group.typer_instance
        told += [(f"acc-decel {inside.info.name}", command) for command in inside.registered_commands]
    rows = [[f"`{path} {c.callback.__name__}`", (c.callback.__doc__ or "").split("\n")[0]] for path, c in told]
    return markdown(["command", "what it does"], rows)


def ecu_costs() -> str:
    """What a prediction costs on the emulated core."""
    command = [sys.executable, "-m", "acc_decel", "ecu", "--tests", "--json"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return (
        f"On a Cortex-M4F: {told['instructions_per_prediction']} instructions a prediction, "
        f"{told['flash_bytes']} bytes of flash, {told['ram_bytes']} bytes of RAM, {told['stack_bytes']} bytes of stack."
    )


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


BLOCKS = {
    "factors": factor_table,
    "outputs": output_table,
    "accuracy": accuracy,
    "commands": commands,
    "ecu": ecu_costs,
}


def rewritten(text: str) -> str:
    """The README with every block computed anew."""
    for name, block in BLOCKS.items():
        mark, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        if mark not in text or end not in text:
            raise ValueError(f"README must hold the marks {mark} and {end}. Got neither: put them back.")
        text = re.sub(f"{mark}.*?{end}", lambda _: f"{mark}\n{block()}\n{end}", text, flags=re.DOTALL)  # noqa: B023
    return text


if __name__ == "__main__":
    readme = Path(sys.argv[1])
    readme.write_text(rewritten(readme.read_text()))
