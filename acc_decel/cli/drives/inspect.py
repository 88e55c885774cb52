"""`acc-decel drives inspect`: what a recording holds. Needs the extra [drives]."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acc_decel.cli.drives.options import Bus, Dbc, File, VehicleId
from acc_decel.cli.options import Json, check_output
from acc_decel.cli.terminal import print_json, print_table, progress_bar, say

if TYPE_CHECKING:
    from acc_decel import drives


def inspect(
    file: File,
    dbc: Dbc = None,
    bus: Bus = None,
    vehicle_id: VehicleId = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="write the proposed mapping as TOML")] = None,
    as_json: Json = False,
) -> None:
    """Say what a recording holds: channels, rates, gaps and ranges, and a proposed mapping to speed and acceleration.

    Names find candidates; values decide which axis of an accelerometer is longitudinal, its sign, and a unit that the
    file does not state. The mapping is TOML: correct it by hand and give it to `events` with --recording. Needs the
    extra [drives].

        acc-decel drives inspect drive.csv --output drive.toml
        acc-decel drives inspect log.mf4 --dbc car.dbc
    """
    check_output(output, file, dbc)
    from acc_decel import drives  # noqa: PLC0415 - the extra [drives] is asked for only here

    with progress_bar() as progress:
        task = progress.add_task(f"reading {file.name}", total=None)
        inspection = drives.inspect_recording(
            file, dbc, lambda n: progress.advance(task, n), bus=bus, vehicle_id=vehicle_id
        )
    if output is not None:
        if inspection.proposal.problem:
            raise ValueError(f"{file}: {inspection.proposal.problem}")
        drives.write_description(inspection.proposal.description, output)
    if as_json:
        print_json(
            {"file": inspection.file, "duration_s": inspection.duration_s, "channels": list(inspection.channels)}
            | {"mapping": inspection.proposal.toml if not inspection.proposal.problem else None}
            | {"notes": list(inspection.proposal.notes), "problem": inspection.proposal.problem}
        )
        return
    print_table(
        f"{inspection.file}: {inspection.duration_s:.1f} s",
        ("channel", "unit", "records", "rate [Hz]", "gaps", "longest gap [s]", "low", "high", "note"),
        [_channel_row(channel) for channel in inspection.channels],
    )
    if inspection.proposal.problem:
        say(f"no mapping is proposed: {inspection.proposal.problem}")
        return
    say(f"\nproposed mapping{f', written to {output}' if output else ''}:\n\n{inspection.proposal.toml}")
    for note in inspection.proposal.notes:
        say(f"- {note}")


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
