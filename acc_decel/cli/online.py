"""Commands that use a model: predict, evaluate, info. The base install is enough."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from acc_decel import evaluation
from acc_decel.cli.attribution_chart import print_attribution, print_attributions
from acc_decel.cli.tables import print_json, print_table, read_table, say, write_table
from acc_decel.model_folder import DEFAULT_MODEL, METRICS, released_models
from acc_decel.outputs import OUTPUTS
from acc_decel.predictor import C, Given, Predictor
from acc_decel.status import flags

Factors = dict[str, Given]
Model = Annotated[str, typer.Option(help="released model, model folder or ONNX file")]
Json = Annotated[bool, typer.Option("--json", help="print for a program")]
Input = Annotated[
    Path | None, typer.Option("--input", help="CSV or Parquet, one event a row, columns named as options")
]
Output = Annotated[Path | None, typer.Option("--output", help="CSV or Parquet for the answers")]
Keep = Annotated[list[str] | None, typer.Option(help="column of the input to copy to the output; may be repeated")]


def predict(
    factors: Factors,
    model: Model = DEFAULT_MODEL,
    correction: Annotated[Path | None, typer.Option(help="JSON of `drives correct`: answer for that car")] = None,
    input_file: Input = None,
    output_file: Output = None,
    keep: Keep = None,
    explain: Annotated[bool, typer.Option("--explain", help="say what each factor adds to the deceleration")] = False,
    as_json: Json = False,
) -> None:
    """Predict deceleration and stopping distance, for one event or for a table of events.

    What is not given counts as not available and widens the interval. Surface and tyre kind are given by name; in a
    table also as one column of probability for each kind (surface_asphalt, ...).

        acc-decel predict --speed 33.3 --brake-pressure-bar 160 --surface asphalt --water-film-mm 1.0
        acc-decel predict --input events.csv --output answers.parquet

    With --explain a chart shows what each factor adds to the median deceleration or takes from it, beginning with the
    deceleration of a car of which nothing is known; a table gets columns attribution_speed, ... and baseline.

        acc-decel predict --speed 33.3 --brake-pressure-bar 160 --surface ice --explain
    """
    predictor = Predictor(model, correction=correction)
    if input_file is None and output_file is None and not keep:
        answer = predictor.predict(explain=explain, **factors)
        if as_json:
            told = {name: value for name, value in asdict(answer).items() if value is not None}
            print_json(told | _status_words(answer.status))
        else:
            _print_answers(predictor.predict(pd.DataFrame([factors])), f"{predictor.vehicle}")
        if explain and not as_json:
            print_attribution(answer, factors, predictor.factors)
        return
    events, kept = events_of(factors, input_file, keep)
    answers = pd.concat([kept, predictor.predict(events, explain=explain)], axis=1)
    _tell(answers, predictor.vehicle, output_file, as_json)


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
        from acc_decel.evaluation.physics_tests import evaluated_by_physics  # noqa: PLC0415 - the extra [train]

        results = evaluated_by_physics(rows)
    else:
        results = evaluation.evaluated(rows, evaluation.predictors(rows, tuple(model or ())))
    found = evaluation.summary(results)
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


def info(
    model: Annotated[str, typer.Argument(help="released model, model folder or ONNX file")] = DEFAULT_MODEL,
    as_json: Json = False,
) -> None:
    """Say what a model file is: vehicle, factors with ranges, outputs, what it was trained on, how accurate it is.

    acc-decel info suv
    """
    predictor = Predictor(model)
    told: dict[str, object] = {key: _unfolded(text) for key, text in predictor.metadata.items()}
    told["schema"] = predictor.metadata["schema"]  # digits, which may look like a number
    metrics = predictor.path.parent / METRICS
    if metrics.is_file():
        told["metrics"] = json.loads(metrics.read_text())
    if as_json:
        print_json({"file": str(predictor.path)} | told)
        return
    say(f"{predictor.path}: vehicle {predictor.vehicle}, factor schema {told['schema']}")
    print_table(
        "factors",
        ("factor", "range", "may lack", "deceleration"),
        [
            (f.name, f.choices or f.span, "yes" if f.may_lack else "no", _direction(f.direction, f.forced_while))
            for f in predictor.factors
        ],
    )
    print_table("outputs", ("output", "meaning"), OUTPUTS.items())
    for key in ("weights", "code_version", "dataset", "training"):
        say(f"{key}: {told.get(key)}")
    if metrics.is_file():
        found = json.loads(metrics.read_text())
        say(
            f"held out: {found['events']} events, RMSE {found['rmse']:.2f} m/s^2, "
            f"90 % interval covers {100 * found['coverage']:.1f} %"
        )


def compile(
    models: Annotated[list[str] | None, typer.Argument(help="released models or model folders; all released")] = None,
    as_json: Json = False,
) -> None:
    """Compile the firmware of models for this machine, so that predictions are quicker and an ECU's to the bit.

    Needs a C compiler: the extra [ecu], or cc. The libraries are kept in the user's cache folder; whatever predicts
    with these models takes them from there.

        acc-decel compile
        acc-decel compile models/my_car
    """
    told = [(name, str(Predictor(name, backend=C).library)) for name in models or released_models()]
    if as_json:
        print_json({"libraries": dict(told)})
    else:
        print_table("compiled for this machine", ("model", "library"), told)


def events_of(factors: Factors, input_file: Path | None, keep: list[str] | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The events to predict, and the columns of the input to copy to the output."""
    if input_file is None:
        return pd.DataFrame([factors]), pd.DataFrame(index=[0])
    if factors:
        raise ValueError(f"--input takes no other factors. Got {', '.join(sorted(factors))}: leave them out.")
    table = read_table(input_file)
    if missing := [name for name in keep or () if name not in table]:
        raise ValueError(f"--keep must name columns of {input_file}: {', '.join(table.columns)}. Got {missing[0]!r}.")
    return table.drop(columns=keep or []), table[keep or []]


def _tell(answers: pd.DataFrame, title: str, output_file: Path | None, as_json: bool) -> None:
    if output_file is not None:
        write_table(answers, output_file)
    if as_json:
        print_json({"predictions": answers})
    elif output_file is not None:
        say(f"{len(answers)} predictions in {output_file}")
    else:
        explained = [c for c in answers.columns if c.startswith("attribution_") or c == "baseline"]
        _print_answers(answers.drop(columns=explained), title)
        if explained:
            print_attributions(answers[explained])


def _print_answers(answers: pd.DataFrame, title: str) -> None:
    told = [c for c in answers.columns if c not in ("status", "status_text")]
    shown = [[c if isinstance(c := row[name], str) else f"{c:.2f}" for name in told] for _, row in answers.iterrows()]
    if len(answers) == 1:
        pairs = [(name, value, _unit(name)) for name, value in zip(told, shown[0], strict=True)]
        print_table(title, ("answer", "value", "unit"), pairs)
        say(f"status: {answers['status_text'].iloc[0]}")
    else:
        index = [[str(i), *row] for i, row in zip(answers.index, shown, strict=True)]
        print_table(title, ("row", *told), index)


def _status_words(status: int) -> dict[str, object]:
    from acc_decel.status import not_available  # noqa: PLC0415

    return {"not_available": list(not_available(status)), "flags": list(flags(status))}


def _unit(output: str) -> str:
    return "m" if "distance" in output else "s" if output == "delay" else "m/s^2"


def _direction(direction: int, forced_while: str) -> str:
    word = {1: "rises", -1: "falls", 0: "-"}[direction]
    return f"{word} with {forced_while}" if forced_while else word


def _unfolded(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
