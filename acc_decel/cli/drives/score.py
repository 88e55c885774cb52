"""`acc-decel drives score`: recorded events against what a model says the car can do. Needs the extra [drives]."""

import math
from collections.abc import Callable, Hashable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

from acc_decel import evaluation
from acc_decel.cli.drives.options import Dbc, Description, Threshold
from acc_decel.cli.options import Factors, Json, check_output
from acc_decel.cli.terminal import print_json, print_table, progress_bar, say, write_table
from acc_decel.model_folder import DEFAULT_MODEL
from acc_decel.predictor import Predictor, columns_of

if TYPE_CHECKING:
    from acc_decel.drives import DriveEvents

SHOWN = 40  # events for people
UPPER = "deceleration_upper"


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
    recording description (there also `model`); everything else is missing. Unless --brake-pressure-bar is given, the
    model is asked for full braking (160 bar). Most real braking is partial: an event that is harder than the predicted
    upper bound speaks against the model or the recording, an event below says little. A measured peak lasts an instant
    and the prediction is a mean, so peaks may exceed it a little more often. A single file that cannot be read is an
    error; among several it is a row with the reason. Needs the extra [drives].

        acc-decel drives score drive.csv --surface asphalt --water-film-mm 0
        acc-decel drives score recordings/ --model suv --json
    """
    from acc_decel import drives  # noqa: PLC0415 - the extra [drives] is asked for only here

    columns_of(factors)  # a wrong name is refused before a file is read
    recordings = drives.list_recordings(files)
    check_output(output, *files, *recordings, recording, dbc, table=True)
    load = cache(Predictor)
    reports, tables = [], []
    with progress_bar() as progress:
        for file in progress.track(recordings, description="recordings"):

            def read(file: Path = file) -> "DriveEvents":
                return drives.find_events(file, description_file=recording, dbc=dbc, threshold=threshold)

            report, rows = _score_file(read, load, model, factors)
            if report["reason"] and len(recordings) == 1:
                raise ValueError(report["reason"])
            reports.append({"file": str(file)} | report)
            tables.append(rows.assign(file=str(file), model=report["model"]))
    every = pd.concat(tables)
    if output is not None:
        write_table(every, output)
    total = evaluation.drive_score(every, refused=sum(r["refused"] for r in reports))
    if as_json:
        print_json({"files": reports, "rows": every} | asdict(total))
    else:
        _print_events(every)
        _print_score(reports, total)


def _score_file(
    read: Callable[[], "DriveEvents"], load: Callable[[str], Predictor], model: str | None, factors: Factors
) -> tuple[dict[str, Any], pd.DataFrame]:
    """The score of one recording with its events; a reason instead if it cannot be read or predicted."""
    chosen, rows, count, reason = model or DEFAULT_MODEL, pd.DataFrame(), 0, ""
    try:
        drive = read()
        chosen, count = model or drive.description.model or DEFAULT_MODEL, len(drive.events)
        rows = evaluation.score_events(drive.events, load(chosen), drive.description.known | factors)
    except (ValueError, OSError) as error:
        reason, count = " ".join(str(error).split()), 0
    score = evaluation.drive_score(rows, refused=count - len(rows))
    return {"model": chosen} | asdict(score) | {"reason": reason}, rows


EVENT_HEAD = ("file", "start [s]", "from [m/s]", "mean", "peak", "predicted", "upper bound", "harder")
HEAD = (
    "file",
    "model",
    "events",
    "harder",
    "peaks harder",
    "95 % of peaks",
    "hardest",
    "dry asphalt",
    "its upper bound",
)


def _print_events(rows: pd.DataFrame) -> None:
    """One line for each event: measured mean and peak beside the predicted median and its upper bound."""
    if rows.empty:
        return
    title = "braking events: measured mean and peak beside the prediction and its upper bound, decelerations [m/s^2]"
    labels = _labels(rows["file"].unique().tolist())
    print_table(title, EVENT_HEAD, [_event_row(r, labels[r["file"]]) for r in rows.head(SHOWN).to_dict("records")])
    if len(rows) > SHOWN:
        say(f"{len(rows) - SHOWN} more events: --output writes all")


def _event_row(row: dict[Hashable, Any], label: str) -> tuple[str, ...]:
    numbers = ("start_s", "initial_speed", "mean_deceleration", "peak_deceleration", "deceleration", UPPER)
    harder = "yes" if row["above_upper"] else "peak only" if row["peak_above_upper"] else "no"
    return label, *(f"{row[name]:.2f}" for name in numbers), harder


def _labels(files: list[str]) -> dict[str, str]:
    """What to call each file in a table: its name, or the whole path where two have the same name."""
    names = {file: Path(file).name for file in files}
    return names if len(set(names.values())) == len(names) else {file: file for file in names}


def _print_score(reports: list[dict[str, Any]], total: evaluation.DriveScore) -> None:
    """One line for each recording, what the headings mean, and what the check can show."""
    labels = _labels([r["file"] for r in reports])
    print_table(
        f"recordings: {len(reports)}, braking events: {total.events}; decelerations [m/s^2]",
        HEAD,
        [_row(r, labels[r["file"]]) for r in reports],
    )
    for report in reports:
        if report["reason"]:
            say(f"not scored: {report['reason']}")
        elif report["refused"]:
            say(f"{report['file']}: {report['refused']} events begin at a speed that the model was not trained for")
    say("harder: share of events whose mean deceleration exceeds the predicted upper bound; peaks harder: whose peak")
    say("95 % of peaks: 95 of 100 measured peaks are below; dry asphalt: median prediction for full braking on it")
    say(
        f"{100 * total.above_upper:.1f} % of {total.events} events are harder on average than the predicted upper bound"
    )
    say("Limit of this check: most braking is partial, so a low share does not show that the prediction is right.")


def _row(report: dict[str, Any], label: str) -> tuple[str, ...]:
    numbers = (report[name] for name in ("peak_envelope", "hardest_peak", "dry_capability", "dry_upper"))
    shares = (f"{100 * report[name]:.1f} %" for name in ("above_upper", "peaks_above_upper"))
    cells = ("-" if math.isnan(value) else f"{value:.2f}" for value in numbers)
    return label, report["model"], f"{report['events']}", *shares, *cells
