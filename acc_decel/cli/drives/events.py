"""`acc-decel drives events`: the braking events of one recording. Needs the extra [drives]."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

from acc_decel.cli.drives.options import Bus, Dbc, Description, File, Threshold, VehicleId
from acc_decel.cli.drives.quality_lines import quality_counts, quality_summary
from acc_decel.cli.options import Json, check_output
from acc_decel.cli.terminal import note, print_json, print_table, progress_bar, say, write_table

if TYPE_CHECKING:
    from acc_decel import drives

SHOWN = 40  # events for people


def events(
    file: File,
    recording: Description = None,
    dbc: Dbc = None,
    bus: Bus = None,
    vehicle_id: VehicleId = None,
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
    accelerometer's bias and the road's grade are taken out. A recording of acceleration without speed has events, too:
    flagged no_speed, and without speeds, distance and MFDD. Times are seconds since the first record. --targets finds
    the events of the cars ahead instead, from radar tracks: range, lateral, range_rate and track must be described.
    Needs the extra [drives].

        acc-decel drives events drive.csv --output events.parquet --plot drive.png
        acc-decel drives events log.mf4 --dbc car.dbc --recording car.toml --json
    """
    check_output(output, file, recording, dbc, table=True)
    check_output(plot, file, recording, dbc, output, option="--plot", folder=plot is not None and not plot.suffix)
    from acc_decel import drives  # noqa: PLC0415

    find = drives.find_target_events if ahead else drives.find_events
    with progress_bar() as progress:
        task = progress.add_task(f"reading {file.name}", total=None)

        def read(records: int) -> None:
            progress.advance(task, records)

        drive = find(
            file,
            description_file=recording,
            dbc=dbc,
            bus=bus,
            vehicle_id=vehicle_id,
            threshold=threshold,
            on_records=read,
        )
    if isinstance(drive, drives.TargetEvents):
        _show_targets(drive, output, plot, as_json=as_json)
        return
    if output is not None:
        write_table(drive.events, output)
    if plot is not None:
        _draw(drive, plot)
    for sentence in drive.notes:
        note(sentence)
    if as_json:
        counts = {"frames": drive.clean.frames, "dropped_frames": drive.dropped_frames, "dropped": drive.dropped}
        whole = {"lag_s": drive.clean.lag, "hours": drive.hours, "hardest_deceleration": drive.hardest_deceleration}
        said = {"notes": list(drive.notes), "flags": quality_counts(drive.events["quality"])}
        print_json({"file": drive.file, "events": drive.events} | counts | whole | said)
        return
    print_table(f"{drive.file}, braking events: {len(drive.events)}", EVENT_HEAD, _event_rows(drive.events))
    if drive.events.empty:
        say(f"the hardest deceleration is {drive.hardest_deceleration:.2f} m/s^2, the threshold {threshold:g} m/s^2")
    if len(drive.events) > SHOWN:
        say(f"{len(drive.events) - SHOWN} more: --output writes all")
    say(f"{drive.clean.frames} frames, {drive.dropped_frames} dropped, {60 * drive.hours:.1f} minutes")
    _say_end(drive.events, output)


def _show_targets(targets: "drives.TargetEvents", output: Path | None, plot: Path | None, *, as_json: bool) -> None:
    if output is not None:
        write_table(targets.events, output)
    if plot is not None:
        from acc_decel.cli import drive_plots, plots  # noqa: PLC0415

        plots.save(drive_plots.targets(targets), plot)
    if as_json:
        flags = {"flags": quality_counts(targets.events["quality"])}
        print_json({n: getattr(targets, n) for n in ("file", "events", "frames", "dropped_frames")} | flags)
        return
    print_table(
        f"{targets.file}, braking events of cars ahead: {len(targets.events)}", EVENT_HEAD, _event_rows(targets.events)
    )
    dropped = f"{targets.dropped_frames} dropped as ghosts or scraps"
    say(f"{len(targets.targets)} cars, {targets.frames} radar frames, {dropped}")
    _say_end(targets.events, output)


def _say_end(table: Any, output: Path | None) -> None:
    """What was written, and how many events are flagged and why."""
    if output is not None:
        say(f"{len(table)} events written to {output}")
    say(quality_summary(table["quality"]))


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
            _shown(e.initial_speed),
            _shown(e.final_speed),
            f"{e.mean_deceleration:.2f}",
            f"{e.peak_deceleration:.2f}",
            _shown(e.mfdd),
            f"{e.build_up_s:.2f}",
            "-" if pd.isna(e.stopped) else "yes" if e.stopped else "no",
            e.quality,
        )
        for e in table.head(SHOWN).itertuples()
    ]


def _shown(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _draw(drive: "drives.DriveEvents", path: Path) -> None:
    from acc_decel.cli import drive_plots, plots  # noqa: PLC0415

    if path.suffix:
        plots.save(drive_plots.drive(drive), path)
        return
    plots.save(drive_plots.drive(drive), path / "drive.png")
    with progress_bar() as progress:
        task = progress.add_task("drawing", total=len(drive.events))
        for i, event in enumerate(drive.events.to_dict("records"), start=1):
            plots.save(drive_plots.event(drive, event), path / f"event-{i:03}.png")
            progress.advance(task)
