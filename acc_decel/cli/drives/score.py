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
from acc_decel.cli.drives.options import Bus, Dbc, Description, Threshold, VehicleId, labels
from acc_decel.cli.drives.quality_lines import quality_summary
from acc_decel.cli.flag_lines import flag_cells, flag_summary
from acc_decel.cli.options import Factors, Json, check_output
from acc_decel.cli.terminal import print_json, print_table, progress_bar, say, write_table
from acc_decel.factors import FACTORS
from acc_decel.model_folder import DEFAULT_MODEL
from acc_decel.predictor import Predictor, columns_of
from acc_decel.status import FLAGS

if TYPE_CHECKING:
    from acc_decel.drives import DriveEvents

SHOWN = 40  # events for people
NO_SPEED = (
    "a recording must have a speed to be compared with a model. Got accelerations alone: describe its speed, or "
    "find its events with `drives events`."
)


def score(
    factors: Factors,
    files: Annotated[list[Path], typer.Argument(metavar="FILES", help="recordings, or folders that hold them")],
    model: Annotated[str | None, typer.Option(help="released model, model folder or ONNX file [compact]")] = None,
    recording: Description = None,
    dbc: Dbc = None,
    bus: Bus = None,
    vehicle_id: VehicleId = None,
    threshold: Threshold = 2.0,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="write every event as CSV or Parquet")] = None,
    as_json: Json = False,
) -> None:
    """Check that no braking event of a recording is harder than a model says the car can slow.

    Each event is predicted from its initial speed and the factors given here, or in the section [known] of the
    recording description (there also `model`); everything else is missing. Unless --brake-pressure-bar is given, the
    model is asked for full braking of its vehicle. Most real braking is partial: an event that is harder than the
    predicted upper bound speaks against the model or the recording, an event below says little. A measured peak lasts
    an instant and the prediction is a mean, so peaks may exceed it a little more often. A single file that cannot be
    read is an error; among several it is a row with the reason, and the exit code is 1. Needs the extra [drives].

        acc-decel drives score drive.csv --surface asphalt --water-film-mm 0
        acc-decel drives score recordings/ --model suv --json
    """
    from acc_decel import drives  # noqa: PLC0415 - the extra [drives] is asked for only here

    _check_factors(factors)
    drives.check_threshold(threshold)
    recordings = drives.list_recordings(files)
    check_output(output, *recordings, recording, dbc, table=True)
    load = cache(Predictor)
    if model is not None:
        load(model)  # a model that is not there is refused before a file is read
    reports, tables = [], []
    with progress_bar() as progress:
        for file in progress.track(recordings, description="recordings"):

            def read(file: Path = file) -> "DriveEvents":
                return drives.find_events(
                    file,
                    description_file=recording,
                    dbc=dbc,
                    bus=bus,
                    vehicle_id=vehicle_id,
                    threshold=threshold,
                )

            report, rows = _score_file(file, read, load, model, factors)
            if report["reason"] and len(recordings) == 1:
                raise ValueError(report["reason"])
            reports.append({"file": str(file)} | report)
            tables.append(rows.assign(file=str(file), model=report["model"]))
    every = pd.concat(tables, ignore_index=True)
    every["flags"] = flag_cells(every["status"]) if len(every) else ""
    if output is not None:
        write_table(every, output)
    total = evaluation.drive_score(every, refused=sum(r["refused"] for r in reports))
    if as_json:
        print_json({"files": reports, "rows": every} | asdict(total))
    else:
        _print_events(every)
        _print_score(reports, total)
        if output is not None:
            say(f"{len(every)} events written to {output}")
        _print_flags(every)
    if any(report["reason"] for report in reports):
        raise typer.Exit(1)


def _check_factors(factors: Factors) -> None:
    """Raise ValueError for a wrong name or value, before a file is read."""
    columns_of(factors)
    for factor in FACTORS:
        value = factors.get(factor.name)
        if isinstance(value, int | float) and not factor.levels and not factor.low <= value <= factor.high:
            raise ValueError(factor.refusal(value))


def _score_file(
    file: Path,
    read: Callable[[], "DriveEvents"],
    load: Callable[[str], Predictor],
    model: str | None,
    factors: Factors,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """The score of one recording with its events; a reason instead if it cannot be read or predicted."""
    chosen, rows, count, reason = model or DEFAULT_MODEL, pd.DataFrame(), 0, ""
    notes: tuple[str, ...] = ()
    try:
        drive = read()
        if not drive.clean.has_speed:
            raise ValueError(NO_SPEED)
        notes = drive.notes
        chosen, count = model or drive.description.model or DEFAULT_MODEL, len(drive.events)
        rows = evaluation.score_events(drive.events, load(chosen), drive.description.known | factors)
    except ModuleNotFoundError:
        raise  # an extra that is not installed is not a fault of the file
    except Exception as error:  # one bad file may not end the run
        kind = "" if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: "
        sentence = kind + " ".join(str(error).split())
        reason, count = sentence if file.name in sentence else f"{file}: {sentence}", 0
    score = evaluation.drive_score(rows, refused=count - len(rows))
    return {"model": chosen} | asdict(score) | {"reason": reason, "notes": list(notes)}, rows


EVENT_HEAD = (
    "file",
    "start [s]",
    "from [m/s]",
    "mean",
    "peak",
    "predicted",
    "upper bound",
    "harder",
    "quality",
    "flags",
)
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
    names = labels(rows["file"].unique().tolist())
    print_table(title, EVENT_HEAD, [_event_row(r, names[r["file"]]) for r in rows.head(SHOWN).to_dict("records")])
    if len(rows) > SHOWN:
        say(f"{len(rows) - SHOWN} more events: --output writes all")


def _event_row(row: dict[Hashable, Any], label: str) -> tuple[str, ...]:
    measured = ("start_s", "initial_speed", "mean_deceleration", "peak_deceleration")
    numbers = (*measured, "predicted_deceleration", "predicted_deceleration_upper")
    harder = "yes" if row["above_upper"] else "peak only" if row["peak_above_upper"] else "no"
    return label, *(f"{row[name]:.2f}" for name in numbers), harder, row["quality"], row["flags"]


def _print_score(reports: list[dict[str, Any]], total: evaluation.DriveScore) -> None:
    """One line for each recording, what the headings mean, and what the check can show."""
    names = labels([r["file"] for r in reports])
    print_table(
        f"recordings: {len(reports)}, braking events: {total.events}; decelerations [m/s^2]",
        HEAD,
        [_row(r, names[r["file"]]) for r in reports],
    )
    for report in reports:
        if report["reason"]:
            say(f"not scored: {report['reason']}")
        elif report["refused"]:
            say(f"{report['file']}: {report['refused']} events begin at a speed that the model was not trained for")
        for sentence in report["notes"]:
            say(f"note on {names[report['file']]}: {sentence}")
    say("harder: share of events whose mean deceleration exceeds the predicted upper bound; peaks harder: whose peak")
    say("95 % of peaks: 95 of 100 measured peaks are below; dry asphalt: median prediction for full braking on it")
    say(
        f"{100 * total.above_upper:.1f} % of {total.events} events are harder on average than the predicted upper bound"
    )
    say("Limit of this check: most braking is partial, so a low share does not show that the prediction is right.")


def _print_flags(rows: pd.DataFrame) -> None:
    """How many measured events and how many predictions are flagged, and why."""
    quality = rows["quality"].to_list() if len(rows) else []
    say(f"measured, {quality_summary(quality)}")
    if len(rows) and (rows["dry_status"].astype("int64") & GENERAL_FLAGS).any():
        say(f"predicted for dry asphalt, {flag_summary(rows['dry_status'])}")
    say(f"predicted, {flag_summary(rows['status'] if len(rows) else [])}")


GENERAL_FLAGS = sum(bit for bit, _ in FLAGS.values())


def _row(report: dict[str, Any], label: str) -> tuple[str, ...]:
    numbers = (report[name] for name in ("peak_envelope", "hardest_peak", "dry_capability", "dry_upper"))
    shares = (f"{100 * report[name]:.1f} %" for name in ("above_upper", "peaks_above_upper"))
    cells = ("-" if math.isnan(value) else f"{value:.2f}" for value in numbers)
    return label, report["model"], f"{report['events']}", *shares, *cells
