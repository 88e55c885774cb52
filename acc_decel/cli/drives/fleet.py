"""`acc-decel drives fleet`: the events of many recordings. Needs the extra [drives], on a cluster also [scale]."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from acc_decel.cli.drives.options import Bus, Dbc, Description, Threshold, VehicleId, labels
from acc_decel.cli.drives.quality_lines import quality_counts, quality_summary
from acc_decel.cli.options import Json, check_output
from acc_decel.cli.terminal import print_json, print_table, progress_bar, say


def fleet(
    files: Annotated[list[Path], typer.Argument(metavar="FILES", help="recordings, or folders that hold them")],
    output: Annotated[Path, typer.Option("--output", "-o", help="folder for report.csv and events.parquet")],
    recording: Description = None,
    dbc: Dbc = None,
    bus: Bus = None,
    vehicle_id: VehicleId = None,
    threshold: Threshold = 2.0,
    workers: Annotated[int | None, typer.Option(help="processes; as many as cores if not given", min=1)] = None,
    scheduler: Annotated[str | None, typer.Option(help="address of a Dask scheduler, e.g. tcp://host:8786")] = None,
    as_json: Json = False,
) -> None:
    """Find the braking events of many recordings: one row for each file in the report, a bad file with its reason.

    FILE.toml beside a FILE describes it, --recording all that have none. Interrupted, the same command resumes: files
    that are done and unchanged are not read again. With --scheduler the work goes to Dask's workers, which must see the
    files and the output folder; that needs the extra [scale]. Reports and events that this program wrote are left out.
    Every file of a folder has a row; one that is no recording, like a picture, says so, and a folder with the tables of
    one drive is one recording. With --vehicle-id all each vehicle of a table of several is a drive of its own. If a
    file fails, the exit code is 1, after the report. Needs the extra [drives].

        acc-decel drives fleet recordings/ --output fleet
        acc-decel drives fleet recordings/ --output fleet --scheduler tcp://10.0.0.1:8786
    """
    if scheduler is not None and workers is not None:
        raise ValueError(f"--scheduler has its own workers. Got also --workers {workers}: leave one of them out.")
    check_output(output, folder=True)
    from acc_decel import drives  # noqa: PLC0415

    recordings, left_out = drives.list_recordings(files), drives.list_left_out(files)
    with progress_bar() as progress:
        task = progress.add_task("recordings", total=len(recordings))
        report = drives.find_fleet_events(
            recordings,
            output,
            description_file=recording,
            dbc=dbc,
            bus=bus,
            vehicle_id=vehicle_id,
            threshold=threshold,
            workers=workers,
            scheduler=scheduler,
            left_out=left_out,
            on_file=lambda _: progress.advance(task),
        )
    failed = int((report["status"] == "failed").sum())
    quality = pd.read_parquet(output / "events.parquet", columns=["quality"])["quality"].astype(str).to_list()
    if as_json:
        print_json({"files": report, "failed": failed, "events": len(quality), "flags": quality_counts(quality)})
    else:
        title = f"recordings: {len(recordings)}, failed: {failed}, left out: {len(left_out)}"
        names = labels([*dict.fromkeys(report["file"])])
        print_table(title, HEAD, [_fleet_row(r, names[r["file"]]) for r in report.to_dict("records")])
        say(f"report.csv: {len(recordings)} recordings, events.parquet: {len(quality)} events, in {output}")
        say(quality_summary(quality))
    if failed:
        raise typer.Exit(1)


HEAD = ("file", "events", "flagged", "hardest [m/s^2]", "hours", "frames", "dropped", "reason or notes")


def _fleet_row(row: Mapping[Any, Any], label: str) -> tuple[str, ...]:
    label = f"{label}, vehicle {row['vehicle_id']}" if row["vehicle_id"] else label
    folder = f"{Path(row['file']).parent}{os.sep}"  # the label tells the files apart
    if row["status"] != "ok":
        return label, "-", "-", "-", "-", "-", "-", str(row["reason"]).replace(folder, "")
    hardest = "-" if row["hardest"] is None or row["hardest"] != row["hardest"] else f"{row['hardest']:.2f}"
    events, *counts = (f"{row[name]:.0f}" for name in ("events", "flagged", "frames", "dropped_frames"))
    return label, events, counts[0], hardest, f"{row['hours']:.3f}", *counts[1:], str(row["notes"]).replace(folder, "")
