"""`acc-decel drives score`: recorded events against what a model says the car can do. Needs the extra [drives]."""

import math
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

from acc_decel import evaluation
from acc_decel.cli.drives.options import Dbc, Description, Threshold
from acc_decel.cli.options import Factors, Json
from acc_decel.cli.terminal import print_json, print_table, progress_bar, say, write_table
from acc_decel.model_folder import DEFAULT_MODEL
from acc_decel.predictor import Predictor

if TYPE_CHECKING:
    from acc_decel.drives import Found


def score(
    factors: Factors,
    files: Annotated[list[Path], typer.Argument(metavar="FILES", help="recordings, or folders that hold them")],
    model: Annotated[str | None, typer.Option(help="released model, model folder or ONNX file [compact]")] = None,
    recording: Description = None,
    dbc: Dbc = None,
    threshold: Threshold = 2.0,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="write every event as CSV or Parquet")] = None,
    as_json: Json = False,
) -> None:
    """Check that no braking event of a recording is harder than a model says the car can slow.

    Each event is predicted from its initial speed and the factors given here, or in the section [known] of the
    recording description (there also `model`); everything else is not available. Unless --brake-pressure-bar is given,
    the model is asked for full braking (160 bar): most real braking is partial, so a measured deceleration above the
    predicted upper bound speaks against the model or the recording. Beside it stands the envelope of the measured peaks
    and what the model says of dry asphalt. A single file that cannot be read is an error; among several it is a row
    with the reason. Needs the extra [drives].

        acc-decel drives score drive.csv --surface asphalt --water-film-mm 0
        acc-decel drives score recordings/ --model suv --json
    """
    from acc_decel import drives  # noqa: PLC0415 - the extra [drives] is asked for only here

    found = drives.recordings(files)
    loaded = cache(Predictor)
    reports, tables = [], []
    with progress_bar() as progress:
        for file in progress.track(found, description="recordings"):

            def read(file: Path = file) -> "Found":
                return drives.found(file, description=recording, dbc=dbc, threshold=threshold)

            report, rows = _file_score(read, loaded, model, factors)
            if report["reason"] and len(found) == 1:
                raise ValueError(report["reason"])
            reports.append({"file": str(file)} | report)
            tables.append(rows.assign(file=str(file)))
    every = pd.concat(tables)
    if output is not None:
        write_table(every, output)
    total = evaluation.drive_score(every, refused=sum(r["refused"] for r in reports))
    if as_json:
        print_json({"files": reports} | asdict(total))
        return
    title = f"recordings: {len(reports)}, braking events against full braking: {total.events}; decelerations [m/s^2]"
    print_table(title, HEAD, [_row(r) for r in reports])
    for report in reports:
        if report["reason"]:
            say(f"not scored: {report['reason']}")
    say(
        f"{100 * total.above_upper:.1f} % of {total.events} events are harder on average than the predicted upper bound"
    )


def _file_score(
    read: Callable[[], "Found"], loaded: Callable[[str], Predictor], model: str | None, factors: Factors
) -> tuple[dict[str, Any], pd.DataFrame]:
    """The score of one recording with its events; a reason instead if it cannot be read or predicted."""
    chosen, rows, count, reason = model or DEFAULT_MODEL, pd.DataFrame(), 0, ""
    try:
        told = read()
        chosen, count = model or told.description.model or DEFAULT_MODEL, len(told.events)
        rows = evaluation.score_events(told.events, loaded(chosen), told.description.known | factors)
    except (ValueError, OSError) as error:
        reason, count = " ".join(str(error).split()), 0
    score = evaluation.drive_score(rows, refused=count - len(rows))
    return {"model": chosen} | asdict(score) | {"reason": reason}, rows


HEAD = ("file", "events", "above", "peaks above", "95 % of peaks", "hardest", "dry asphalt", "up to")


def _row(report: dict[str, Any]) -> tuple[str, ...]:
    numbers = (report[name] for name in ("peak_envelope", "hardest_peak", "dry_capability", "dry_upper"))
    shares = (f"{100 * report[name]:.1f} %" for name in ("above_upper", "peaks_above_upper"))
    told = ("-" if math.isnan(value) else f"{value:.2f}" for value in numbers)
    return report["file"], f"{report['events']}", *shares, *told
