"""`acc-decel predict`: one event or a table of events."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from acc_decel.cli.attribution_chart import print_attribution, print_attributions
from acc_decel.cli.options import Factors, Input, Json, Keep, Model, Output, events_of
from acc_decel.cli.terminal import print_json, print_table, say, write_table
from acc_decel.model_folder import DEFAULT_MODEL
from acc_decel.predictor import Predictor
from acc_decel.status import flags


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
        print_table(title, (str(answers.index.name or "row"), *told), index)


def _status_words(status: int) -> dict[str, object]:
    from acc_decel.status import not_available  # noqa: PLC0415

    return {"not_available": list(not_available(status)), "flags": list(flags(status))}


def _unit(output: str) -> str:
    return "m" if "distance" in output else "s" if output == "delay" else "m/s^2"
