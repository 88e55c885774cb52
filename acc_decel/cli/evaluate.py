"""`acc-decel evaluate`: braking tests, predicted beside measured."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from acc_decel import evaluation
from acc_decel.cli.options import Json
from acc_decel.cli.terminal import print_json, print_table, say


def evaluate(
    model: Annotated[list[str] | None, typer.Option(help="use this model for its vehicle; may be repeated")] = None,
    tests: Annotated[Path | None, typer.Option(help="CSV of your own braking tests")] = None,
    physics: Annotated[bool, typer.Option("--physics", help="simulate the tests instead, without a network")] = False,
    as_json: Json = False,
) -> None:
    """Predict braking tests and compare with what was measured.

    Without options: the published tests that come with the package, each by the released model of its kind of car.
    Your own tests: a CSV with the columns name, braking_distance_m, speed in m/s, optionally vehicle (a model's, see
    `info`) and any factor; empty means not available. A test stops as hard as it can: brake_pressure_bar and abs are
    taken as full braking with ABS where empty. --physics simulates what the tests state, and draws everything else as
    for the training data.

        acc-decel evaluate
        acc-decel evaluate --tests my_tests.csv --model models/my_car
    """
    rows = evaluation.published_tests() if tests is None else evaluation.read_tests(tests)
    if physics:
        from acc_decel.evaluation.physics_tests import simulate_tests  # noqa: PLC0415 - the extra [train]

        results = simulate_tests(rows)
    else:
        results = evaluation.evaluate_tests(rows, evaluation.load_predictors(rows, tuple(model or ())))
    found = evaluation.summarise(results)
    if as_json:
        print_json(asdict(found) | {"rows": results})
        return
    print_table(
        "braking tests: measured and predicted distance [m] with its 90 % interval",
        ("test", "model", "measured", "predicted", "interval", "error", "inside"),
        [
            (
                str(r.name),
                str(r.vehicle),
                f"{'>' if r.kind == 'measured_bound' else ''}{r.measured_m:.1f}",
                f"{r.predicted_m:.1f}",
                f"{r.lower_m:.1f} to {r.upper_m:.1f}",
                f"{r.error_pct:+.1f} %",
                "yes" if r.inside else "no",
            )
            for r in results.itertuples(index=False)
        ],
    )
    say(
        f"{found.tests} measured tests: mean absolute error {found.mean_abs_error_pct:.1f} %, "
        f"{found.inside_interval_pct:.0f} % inside the 90 % interval (mean width {found.mean_interval_pct:.0f} % of "
        f"the distance, {found.unbounded_intervals} without end), worst {found.worst_error_pct:.1f} % ({found.worst})"
    )
