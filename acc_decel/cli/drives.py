"""Commands for recorded drives: inspect, events, fleet. They need the extra [drives]."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acc_decel.cli.offline import progress_bar
from acc_decel.cli.tables import print_json, print_table, progress_console, say, write_table

if TYPE_CHECKING:
    from acc_decel import drives

app = typer.Typer(
    name="drives",
    help="Recorded drives: what a recording holds, its braking events, and those of a whole fleet of recordings. "
    "MF4, candump, ASC, BLF (with a DBC), CSV, Parquet and folders of NumPy arrays.",
    no_args_is_help=True,
    add_completion=False,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="recording: MF4, candump, ASC, BLF, CSV, Parquet, folder")]
Description = Annotated[Path | None, typer.Option("--recording", help="TOML that says which channel is which signal")]
Dbc = Annotated[Path | None, typer.Option("--dbc", help="database that decodes a raw bus")]
Threshold = Annotated[float, typer.Option(help="peak deceleration that makes an event [m/s^2]")]
Json = Annotated[bool, typer.Option("--json", help="print for a program")]
SHOWN = 40  # events for people


@app.command()
def inspect(
    file: File,
    dbc: Dbc = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="write the proposed mapping as TOML")] = None,
    as_json: Json = False,
) -> None:
    """Say what a recording holds: channels, rates, gaps and ranges, and a proposed mapping to speed and acceleration.

    Names find candidates; values decide which axis of an accelerometer is longitudinal, its sign, and a unit that the
    file does not tell. The mapping is TOML: mend it by hand and give it to `events` with --recording.

        acc-decel drives inspect drive.csv --output drive.toml
        acc-decel drives inspect log.mf4 --dbc car.dbc
    """
    from acc_decel import drives  # noqa: PLC0415 - the extra [drives] is asked for only here

    with progress_bar() as progress:
        task = progress.add_task(f"reading {file.name}", total=None)
        told = drives.inspected(file, dbc, lambda n: progress.advance(task, n))
    if output is not None:
        if told.proposal.problem:
            raise ValueError(f"{file}: {told.proposal.problem}")
        drives.write_description(told.proposal.recording, output)
    if as_json:
        print_json(
            {"file": told.file, "duration_s": told.duration_s, "channels": list(told.channels)}
            | {"mapping": told.proposal.toml if not told.proposal.problem else None}
            | {"notes": list(told.proposal.notes), "problem": told.proposal.problem}
        )
        return
    print_table(
        f"{told.file}: {told.duration_s:.1f} s",
        ("channel", "unit", "records", "rate [Hz]", "gaps", "longest gap [s]", "low", "high", "note"),
        [_channel_row(channel) for channel in told.channels],
    )
    if told.proposal.problem:
        say(f"no mapping is proposed: {told.proposal.problem}")
        return
    say(f"\nproposed mapping{f', written to {output}' if output else ''}:\n\n{told.proposal.toml}")
    for note in told.proposal.notes:
        say(f"- {note}")


@app.command()
def events(
    file: File,
    recording: Description = None,
    dbc: Dbc = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="write the events as CSV or Parquet")] = None,
    threshold: Threshold = 2.0,
    plot: Annotated[
        Path | None, typer.Option(help="PNG or SVG: the drive with its events; a folder: also a picture of each event")
    ] = None,
    ahead: Annotated[bool, typer.Option("--targets", help="events of the cars ahead, from radar tracks")] = False,
    as_json: Json = False,
) -> None:
    """Find the braking events in a recording: speeds, mean and peak deceleration, MFDD, build-up, stop or not, quality.

    Without --recording the mapping that `inspect` proposes is used; if it is ambiguous, the answer says what to write.
    Spikes, drop-outs, frozen values and wrong times are dropped and counted; speed is aligned with acceleration; the
    accelerometer's bias and the road's grade are taken out. Times are seconds since the first record. --targets finds
    the events of the cars ahead instead, from radar tracks: range, lateral, range_rate and track must be described.

        acc-decel drives events drive.csv --output events.parquet --plot drive.png
        acc-decel drives events log.mf4 --dbc car.dbc --recording car.toml --json
    """
    from acc_decel import drives  # noqa: PLC0415

    find = drives.found_targets if ahead else drives.found
    with progress_bar() as progress:
        task = progress.add_task(f"reading {file.name}", total=None)

        def read(records: int) -> None:
            progress.advance(task, records)

        told = find(file, description=recording, dbc=dbc, threshold=threshold, on_records=read)
    if isinstance(told, drives.Targets):
        _tell_targets(told, output, plot, as_json=as_json)
        return
    if output is not None:
        write_table(told.events, output)
    if plot is not None:
        _draw(told, plot)
    for note in _notes(told):
        progress_console.print(f"note: {note}", soft_wrap=True, markup=False, highlight=False)
    if as_json:
        counts = {"frames": told.clean.frames, "dropped_frames": told.dropped_frames, "dropped": told.dropped}
        print_json({"file": told.file, "events": told.events} | counts | {"lag_s": told.clean.lag, "hours": told.hours})
        return
    print_table(f"{told.file}, braking events: {len(told.events)}", EVENT_HEAD, _event_rows(told.events))
    if len(told.events) > SHOWN:
        say(f"{len(told.events) - SHOWN} more: --output writes all")
    say(f"{told.clean.frames} frames, {told.dropped_frames} dropped, {60 * told.hours:.1f} minutes")


def _tell_targets(told: "drives.Targets", output: Path | None, plot: Path | None, *, as_json: bool) -> None:
    if output is not None:
        write_table(told.events, output)
    if plot is not None:
        from acc_decel.cli import drive_plots, plots  # noqa: PLC0415

        plots.save(drive_plots.targets(told), plot)
    if as_json:
        print_json({n: getattr(told, n) for n in ("file", "events", "frames", "dropped_frames")})
        return
    print_table(f"{told.file}, braking events of cars ahead: {len(told.events)}", EVENT_HEAD, _event_rows(told.events))
    say(f"{len(told.targets)} cars, {told.frames} radar frames, {told.dropped_frames} dropped as ghosts or scraps")


@app.command()
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
    files and the output folder; that needs the extra [scale].

        acc-decel drives fleet recordings/ --output fleet
        acc-decel drives fleet recordings/ --output fleet --scheduler tcp://10.0.0.1:8786
    """
    from acc_decel import drives  # noqa: PLC0415

    found = drives.recordings(files)
    with progress_bar() as progress:
        task = progress.add_task("recordings", total=len(found))
        report = drives.fleet(
            found,
            output,
            description=recording,
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


EVENT_HEAD = (
    "start [s]",
    "end [s]",
    "from [m/s]",
    "to [m/s]",
    "mean [m/s^2]",
    "peak [m/s^2]",
    "MFDD [m/s^2]",
    "build-up [s]",
    "stopped",
    "quality",
)


def _event_rows(table: Any) -> list[tuple[str, ...]]:
    return [
        (
            f"{e.start_s:.2f}",
            f"{e.end_s:.2f}",
            f"{e.initial_speed:.2f}",
            f"{e.final_speed:.2f}",
            f"{e.mean_deceleration:.2f}",
            f"{e.peak_deceleration:.2f}",
            "-" if e.mfdd != e.mfdd else f"{e.mfdd:.2f}",
            f"{e.build_up_s:.2f}",
            "yes" if e.stopped else "no",
            e.quality,
        )
        for e in table.head(SHOWN).itertuples()
    ]


def _channel_row(c: "drives.ChannelReport") -> tuple[str, ...]:
    rate = "-" if c.rate_hz != c.rate_hz else f"{c.rate_hz:.3g}"
    return (
        c.name,
        c.unit,
        f"{c.records}",
        rate,
        f"{c.gaps}",
        f"{c.longest_gap_s:.2f}",
        f"{c.low:.6g}",
        f"{c.high:.6g}",
        c.note,
    )


def _fleet_row(row: Mapping[Any, Any]) -> tuple[str, ...]:
    if row["status"] != "ok":
        return row["file"], "-", "-", "-", "-", "-", str(row["reason"])
    hardest = "-" if row["hardest"] is None or row["hardest"] != row["hardest"] else f"{row['hardest']:.2f}"
    counts = (f"{row[name]:.0f}" for name in ("frames", "dropped_frames"))
    return row["file"], f"{row['events']:.0f}", hardest, f"{row['hours']:.3f}", *counts, ""


def _notes(told: "drives.Found") -> list[str]:
    notes = list(told.notes)
    if told.dropped:
        parts = ", ".join(f"{count} {reason}" for reason, count in told.dropped.items())
        notes.append(f"dropped {told.dropped_frames} of {told.clean.frames} frames: {parts}")
    if told.clean.lag:
        notes.append(f"speed is {told.clean.lag:.2f} s behind acceleration and was aligned")
    return notes


def _draw(told: "drives.Found", path: Path) -> None:
    from acc_decel.cli import drive_plots, plots  # noqa: PLC0415

    if path.suffix:
        plots.save(drive_plots.drive(told), path)
        return
    plots.save(drive_plots.drive(told), path / "drive.png")
    with progress_bar() as progress:
        task = progress.add_task("drawing", total=len(told.events))
        for i, event in enumerate(told.events.to_dict("records"), start=1):
            plots.save(drive_plots.event(told, event), path / f"event-{i:03}.png")
            progress.advance(task)
