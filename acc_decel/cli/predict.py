"""`acc-decel predict`: one event or a table of events."""

from dataclasses import asdict
from enum import StrEnum
from math import isnan
from numbers import Real
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from acc_decel.cli.attribution_chart import print_attribution, print_attributions
from acc_decel.cli.flag_lines import FLAGS_COLUMN, flag_cells, flag_summary, with_flags
from acc_decel.cli.options import Factors, Input, Json, Keep, Model, Output, check_output, events_of
from acc_decel.cli.terminal import note, print_json, print_table, say, write_table
from acc_decel.factors import FACTORS
from acc_decel.model_folder import DEFAULT_MODEL
from acc_decel.predictor import ANSWERS, Predictor, RefusedError, attribution_column, without_text
from acc_decel.status import REFUSED, flags, not_available

BASELINE = "baseline"
SHOWN_REFUSED = 5  # rows without an answer that are named


class OnRefusal(StrEnum):
    """What to do with a row that the model refuses."""

    AUTO = "auto"
    RAISE = "raise"
    FLAG = "flag"


def predict(
    factors: Factors,
    model: Model = DEFAULT_MODEL,
    correction: Annotated[Path | None, typer.Option(help="JSON of `drives correct`: answer for that car")] = None,
    input_file: Input = None,
    output_file: Output = None,
    keep: Keep = None,
    on_refusal: Annotated[
        OnRefusal, typer.Option(help="for a row out of range: raise an error or flag it; auto flags rows of a table")
    ] = OnRefusal.AUTO,
    explain: Annotated[bool, typer.Option("--explain", help="say what each factor adds to the deceleration")] = False,
    as_json: Json = False,
) -> None:
    """Predict deceleration and stopping distance, for one event or for a table of events.

    What is not given is missing; on average the interval is wider without it. Without --brake-pressure-bar the question
    is about full braking of the vehicle, with ABS. Surface and tyre kind are given by name; in a table also as one
    column of probability for each kind (surface_asphalt, ...). Other columns of a table are ignored with a note, or
    copied if --keep names them. A row of a table that is out of range, like a car at standstill, has no answer and says
    why in status_text; with --on-refusal raise it is an error. Text in a few cells of a column of numbers, like n/a, is
    missing, and a row with an unknown surface has no answer, as a note says. The last line counts the answers that are
    flagged.

        acc-decel predict --speed 33.3 --surface asphalt --water-film-mm 1.0
        acc-decel predict --input events.csv --output answers.parquet
        acc-decel predict --input drive.csv --keep all --output answers.csv

    With --explain a chart shows what each factor adds to the median deceleration or takes from it, beginning with the
    deceleration of a car of which nothing is known; a table gets columns attribution_speed, ... and baseline.

        acc-decel predict --speed 33.3 --surface ice --explain
    """
    check_output(output_file, input_file, correction, table=True)
    predictor = Predictor(model, correction=correction)
    if input_file is None and output_file is None and not keep and on_refusal is not OnRefusal.FLAG:
        _predict_one(predictor, factors, explain=explain, as_json=as_json)
        return
    explained = [attribution_column(f.name) for f in FACTORS] + [BASELINE] if explain else []
    events, extra = events_of(factors, input_file, keep, (*ANSWERS, FLAGS_COLUMN, *explained))
    mode = OnRefusal.RAISE if input_file is None and on_refusal is OnRefusal.AUTO else on_refusal
    given = events
    if mode is not OnRefusal.RAISE:
        events, sentences = without_text(events, predictor.factors)
        for sentence in sentences:
            note(sentence)
    try:
        predicted = predictor.predict(events, on_refusal=mode.value, explain=explain)
    except RefusedError as error:
        remedy = f" With --on-refusal {OnRefusal.FLAG} such rows are flagged, and the others are answered."
        raise ValueError(f"{error}{remedy if len(events) > 1 else ''}") from error
    for sentence in _refused_rows(predictor, given, predicted):
        note(sentence)
    _print_table(pd.concat([extra, predicted], axis=1), explained, predictor.vehicle, output_file, as_json)


def _predict_one(predictor: Predictor, factors: Factors, *, explain: bool, as_json: bool) -> None:
    answer = predictor.predict(explain=explain, on_refusal="raise", **factors)
    if as_json:
        fields = {name: value for name, value in asdict(answer).items() if value is not None}
        print_json(fields | {"not_available": list(not_available(answer.status)), "flags": list(flags(answer.status))})
        return
    _print_answers(predictor.predict(pd.DataFrame([factors]), on_refusal="raise"), predictor.vehicle)
    if explain:
        print_attribution(answer, factors, predictor.factors)


def _refused_rows(predictor: Predictor, events: pd.DataFrame, answers: pd.DataFrame) -> list[str]:
    """What to say of the rows without an answer, with the reason of the first of them."""
    refused = events[(answers["status"] & REFUSED != 0).to_numpy()]
    if refused.empty:
        return []
    counted = "" if events.index.name else " (counted from 0)"
    first = [
        f"{events.index.name or 'row'} {refused.index[i]}{counted}: {_reason(predictor, refused.iloc[[i]])}"
        for i in range(min(SHOWN_REFUSED, len(refused)))
    ]
    return [f"no answer for {len(refused)} of {len(answers)} rows", *first]


def _reason(predictor: Predictor, row: pd.DataFrame) -> str:
    """Why a table of one refused row has no answer."""
    try:
        predictor.predict(row, on_refusal="raise")
    except ValueError as error:
        return str(error)
    return ""  # it cannot be: the same row was refused in its table


def _print_table(
    answers: pd.DataFrame, explained: list[str], title: str, output_file: Path | None, as_json: bool
) -> None:
    if output_file is not None:
        write_table(answers, output_file)
    if as_json:
        print_json({"predictions": with_flags(answers)})
        return
    if output_file is not None:
        say(f"{len(answers)} predictions in {output_file}")
    else:
        _print_answers(answers.drop(columns=explained), title)
        if explained:
            print_attributions(answers[explained], answers["status"])
    if len(answers) > 1 or output_file is not None:
        say(flag_summary(answers["status"], "events"))


def _print_answers(answers: pd.DataFrame, title: str) -> None:
    names = [c for c in answers.columns if c not in ("status", "status_text")]
    cells = [[_cell(row[name]) for name in names] for _, row in answers.iterrows()]
    if len(answers) == 1:
        pairs = [(name, value, _unit(name)) for name, value in zip(names, cells[0], strict=True)]
        print_table(title, ("answer", "value", "unit"), pairs)
        say(f"status: {answers['status_text'].iloc[0]}")
        return
    status = flag_cells(answers["status"])
    rows = [[str(label), *row, flag] for label, row, flag in zip(answers.index, cells, status, strict=True)]
    heads = (name.replace("_", " ") for name in names)  # that wrap between words
    print_table(title, (str(answers.index.name or "row"), *heads, "status"), rows)


def _cell(value: Any) -> str:
    """A value of the table for people; a dash for none."""
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        return "-" if isnan(value) else f"{value:.2f}"
    return "-" if value is None or value is pd.NA or value is pd.NaT else str(value)


def _unit(output: str) -> str:
    if output not in ANSWERS:
        return ""  # a column that was kept
    return "m" if "distance" in output else "s" if output == "delay" else "m/s^2"
