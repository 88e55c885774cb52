"""`acc-decel drives fleet`: the events of many recordings. Needs the extra [drives], on a cluster also [scale]."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from acc_decel.cli.drives.options import Dbc, Description, Threshold
from acc_decel.cli.options import Json, check_output
from acc_decel.cli.terminal import print_json, print_table, progress_bar, say


def fleet(
    files: Annotated[list[Path], typer.Argument(metavar="FILES", help="recordings, or folders that hold them")],
    output: Annotated[Path, typer.Option("--output", "-o", help="folder for report.csv and events.parquet")],
    recording: Description = None,
    dbc: Dbc = None,
    threshold: Threshold = 2.0,
    workers: Annotated[int | None, typer.Option(help="processes; as many as cores if not given", min=1)] = None,
    scheduler: Annotated[str | None, typer.Option(help="address of a Dask scheduler, e.g. tcp://host:8786")] = None,
    as_json: Json = False,
) -> None:
    """Find the braking events of many recordings: one row for each file in the report, a bad file with its reason.

    FILE.toml beside a FILE describes it, --recording all that have none. Interrupted, the same command resumes: files
    that are done and unchanged are not read again. With --scheduler the work goes to Dask's workers, which must see the
    files and the output folder; that needs the extra [scale]. Needs the extra [drives].

        acc-decel drives fleet recordings/ --output fleet
        acc-decel drives fleet recordings/ --output fleet --scheduler tcp://10.0.0.1:8786
    """
    if scheduler is not None and workers is not None:
        raise ValueError(f"--scheduler has its own workers. Got also --workers {workers}: leave one of them out.")
    check_output(output, folder=True)
    from acc_decel import drives  # noqa: PLC0415

    recordings = drives.list_recordings(files)
    with progress_bar() as progress:
        task = progress.add_task("recordings", total=len(recordings))
        report = drives.find_fleet_events(
            recordings,
            output,
            description_file=recording,
            dbc=dbc,
            threshold=threshold,
            workers=workers,
            scheduler=scheduler,
            on_file=lambda _: progress.advance(task),
        )
    failed = int((report["status"] != "ok").sum())
    if as_json:
        print_json({"files": report, "failed": failed, "events": int(report["events"].fillna(0).sum())})
        return
    head = ("file", "events", "hardest [m/s^2]", "hours", "frames", "dropped", "reason")
    print_table(
        f"recordings: {len(report)}, failed: {failed}", head, [_fleet_row(r) for r in report.to_dict("records")]
    )
    say(f"report.csv and events.parquet in {output}")


def _fleet_row(row: Mapping[Any, Any]) -> tuple[str, ...]:
    if row["status"] != "ok":
        return row["file"], "-", "-", "-", "-", "-", str(row["reason"])
    hardest = "-" if row["hardest"] is None or row["hardest"] != row["hardest"] else f"{row['hardest']:.2f}"
    counts = (f"{row[name]:.0f}" for name in ("frames", "dropped_frames"))
    return row["file"], f"{row['events']:.0f}", hardest, f"{row['hours']:.3f}", *counts, ""
