"""`acc-decel evaluate`: braking tests, predicted beside measured. The physics needs the extra [train]."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from acc_decel import evaluation
from acc_decel.cli.flag_lines import flag_cells, flag_summary, with_flags
from acc_decel.cli.options import Json, check_output
from acc_decel.cli.terminal import print_json, print_table, say, say_written


def evaluate(
    model: Annotated[
        list[str] | None,
        typer.Option(help="model for the tests of its vehicle, and for those without one; may be repeated"),
    ] = None,
    tests: Annotated[Path | None, typer.Option(help="CSV of your own braking tests")] = None,
    physics: Annotated[bool, typer.Option("--physics", help="simulate the tests instead, without a network")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="draw the tests by regime as PNG or SVG; needs the extra [train]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Predict braking tests and compare with what was measured.

    Without options: the published tests that come with the package, each by the released model of its kind of car.
    Your own tests: a CSV with the columns name, braking_distance_m, speed in m/s, optionally vehicle, kind (measured or
    measured_bound, a distance that is at least so long) and any factor; an empty cell is a missing value. Tests without
    vehicle are answered by --model, or by compact; a test with vehicle by the model of that vehicle (see `info --all`).
    A column implied holds what the protocol implies where the test states nothing (grade=0; headwind=0), a column
    weight how much a test counts, 0 to 1. A test stops as hard as it can: brake_pressure_bar and abs are full braking
    with ABS where empty. --physics simulates what the tests state and imply, and draws everything else as for the
    training data; that needs the extra [train].

        acc-decel evaluate --plot regimes.png
        acc-decel evaluate --tests my_tests.csv --model models/my_car

    The regimes are hot (discs above 300 degC), ice, snow, wet worn (a tread stated as at most 4 mm), wet new and dry.
    Bias is positive where the predicted distance is too long. The rms of z is 1 for honest intervals: z is 1.645 where
    the measured distance is at the end of its 90 % interval; above 1 the intervals are too narrow, below too wide.
    """
    check_output(plot, tests, *(model or ()), option="--plot")
    if plot is not None:
        from acc_decel.cli import plots, regime_plots  # noqa: PLC0415 - Matplotlib

        plots.check_picture_name(plot)
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
    summary, regimes = evaluation.summarise(results), evaluation.score_regimes(results)
    predicted = "status" in results  # the physics has none
    if plot is not None:
        plots.save(regime_plots.tests_by_regime(results, regimes), plot)
    if as_json:
        print_json(asdict(summary) | {"regimes": regimes, "rows": with_flags(results) if predicted else results})
        return
    for regime in evaluation.REGIME_NAMES:
        if (results["regime"] == regime).any():
            _print_results(regime, results[results["regime"] == regime])
    _print_choices(*evaluation.common_choices(rows, results["implied"]))
    _print_regimes(regimes)
    say(
        f"{summary.tests} measured tests: mean absolute error {summary.mean_abs_error_pct:.1f} %, bias "
        f"{summary.bias_pct:+.1f} %, worst {summary.worst_error_pct:.1f} % ({summary.worst})"
    )
    say(
        f"{summary.inside_interval_pct:.0f} % inside the 90 % interval, whose mean width is "
        f"{summary.mean_interval_pct:.0f} % of the distance ({summary.unbounded_intervals} without an upper end); "
        f"rms of z {_number(summary.rms_z)}"
    )
    if predicted:
        say(flag_summary(results["status"], "tests"))
    say_written(plot)


def _print_results(regime: str, results: pd.DataFrame) -> None:
    """The tests of a regime, one a row; with their status where a model has answered."""
    status = flag_cells(results["status"]) if "status" in results else None
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
        f"{regime}: measured distance, predicted median and 90 % interval [m]",
        head if status is None else (*head, "status"),
        rows if status is None else [(*row, flag) for row, flag in zip(rows, status, strict=True)],
    )


def _print_choices(common: dict[str, float | str], others: Sequence[dict[str, float | str]]) -> None:
    """What was chosen for the tests: once for what most have, and how many tests have what else."""
    if common:
        say(f"chosen where a test states nothing else: {evaluation.implied_text(common)}")
    counts = Counter(evaluation.implied_text({name: value}) for row in others for name, value in row.items())
    if counts:
        some = ", ".join(f"{text} ({count})" for text, count in counts.items())
        say(f"chosen for some tests: {some}; the rows of --json say for which")


def _print_regimes(regimes: Sequence[evaluation.RegimeScore]) -> None:
    """One line for each regime."""
    print_table(
        "by regime: error, bias and width of the interval [% of the distance]",
        ("regime", "tests", "mean error", "bias", "inside", "mean width", "rms of z"),
        [
            (
                r.regime,
                f"{r.tests}",
                f"{r.mean_abs_error_pct:.1f}",
                f"{r.bias_pct:+.1f}",
                f"{r.inside_interval_pct:.0f} %",
                _number(r.mean_interval_pct, 0),
                _number(r.rms_z),
            )
            for r in regimes
        ],
    )


def _number(value: float, digits: int = 2) -> str:
    """A number for people; a dash for none."""
    return "-" if isnan(value) else f"{value:.{digits}f}"
