"""`acc-decel evaluate`: braking tests, predicted beside measured. The physics needs the extra [train]."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from acc_decel import evaluation
from acc_decel.cli.flag_lines import flag_cells, flag_summary, with_flags
from acc_decel.cli.options import Json
from acc_decel.cli.terminal import print_json, print_table, say


def evaluate(
    model: Annotated[
        list[str] | None,
        typer.Option(help="model for the tests of its vehicle, and for those without one; may be repeated"),
    ] = None,
    tests: Annotated[Path | None, typer.Option(help="CSV of your own braking tests")] = None,
    physics: Annotated[bool, typer.Option("--physics", help="simulate the tests instead, without a network")] = False,
    as_json: Json = False,
) -> None:
    """Predict braking tests and compare with what was measured.

    Without options: the published tests that come with the package, each by the released model of its kind of car.
    Your own tests: a CSV with the columns name, braking_distance_m, speed in m/s, optionally vehicle, kind (measured or
    measured_bound, a distance that is at least so long) and any factor; an empty cell is a missing value. Tests without
    vehicle are answered by --model, or by compact; a test with vehicle by the model of that vehicle (see `info --all`).
    A test stops as hard as it can: brake_pressure_bar and abs are full braking with ABS where empty. --physics
    simulates what the tests state, and draws everything else as for the training data; that needs the extra [train].

        acc-decel evaluate
        acc-decel evaluate --tests my_tests.csv --model models/my_car
    """
    rows = evaluation.published_tests() if tests is None else evaluation.read_tests(tests)
    if physics:
        if model:
            raise ValueError(f"--physics predicts without a model. Got also --model {model[0]}: leave one out.")
        from acc_decel.evaluation.physics_tests import simulate_tests  # noqa: PLC0415 - the extra [train]

        results = simulate_tests(rows)
    else:
        models = tuple(model or ())
        rows = evaluation.with_vehicles(rows, models)
        results = evaluation.evaluate_tests(rows, evaluation.load_predictors(rows, models))
    summary = evaluation.summarise(results)
    predicted = "status" in results  # the physics has none
    if as_json:
        print_json(asdict(summary) | {"rows": with_flags(results) if predicted else results})
        return
    status = flag_cells(results["status"]) if predicted else None
    _print_results(results, status)
    say(
        f"{summary.tests} measured tests: mean absolute error {summary.mean_abs_error_pct:.1f} %, "
        f"worst {summary.worst_error_pct:.1f} % ({summary.worst})"
    )
    say(
        f"{summary.inside_interval_pct:.0f} % inside the 90 % interval, whose mean width is "
        f"{summary.mean_interval_pct:.0f} % of the distance ({summary.unbounded_intervals} without an upper end)"
    )
    if predicted:
        say(flag_summary(results["status"], "tests"))


def _print_results(results: pd.DataFrame, status: list[str] | None) -> None:
    """The tests, one a row; `status` has a cell for each, where a model has answered."""
    rows = [
        (
            str(r.name),
            str(r.vehicle),
            f"{'>' if r.kind == evaluation.BOUND else ''}{r.measured_m:.1f}",
            f"{r.predicted_m:.1f}",
            f"{r.lower_m:.1f} to {r.upper_m:.1f}",
            f"{r.error_pct:+.1f} %",
            "yes" if r.inside else "no",
        )
        for r in results.itertuples(index=False)
    ]
    head = ("test", "model", "measured", "median", "interval", "error", "in")
    print_table(
        "braking tests: measured distance, predicted median and 90 % interval [m]",
        head if status is None else (*head, "status"),
        rows if status is None else [(*row, flag) for row, flag in zip(rows, status, strict=True)],
    )
