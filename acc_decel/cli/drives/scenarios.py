"""`acc-decel drives scenarios`: distributions of how a fleet drives. Needs the extra [drives]."""

from pathlib import Path
from typing import Annotated

import typer

from acc_decel.cli.drives.options import Threshold, note_quality
from acc_decel.cli.options import Json, check_output
from acc_decel.cli.terminal import note, print_json, print_table, read_table, say


def scenarios(
    events: Annotated[Path, typer.Argument(metavar="EVENTS", help="CSV or Parquet of `drives events` or `fleet`")],
    output: Annotated[Path, typer.Option("--output", "-o", help="scenario file in TOML")],
    threshold: Threshold = 2.0,
    as_json: Json = False,
) -> None:
    """Fit distributions of speed, demanded deceleration, duration and gap to braking events, as a scenario file.

    Each is the best of SciPy's expon, gamma, lognorm, weibull_min and norm by AIC, with the distance of Kolmogorov and
    Smirnov as goodness of fit. --threshold is that of the events. `generate --scenarios` samples speed and demanded
    deceleration; duration and gap are for your own use. Needs the extra [drives].

        acc-decel drives scenarios fleet/events.parquet --output fleet.toml
        acc-decel generate --scenarios fleet.toml --output data/fleet
    """
    check_output(output, events)
    from acc_decel import drives  # noqa: PLC0415

    drives.check_threshold(threshold)
    table = read_table(events)
    table, left_out = drives.with_speed(table)
    if left_out:
        note(f"{left_out} events are left out: found by an accelerometer alone (no_speed), they have no initial speed")
    note_quality(table)
    fits = drives.fit_scenarios(table, threshold=threshold)
    drives.write_scenarios(fits, output)
    if as_json:
        print_json({"fits": fits, "left_out": left_out})
        return
    head = ("quantity", "events", "distribution", "low", "high", "AIC", "KS distance", "p")
    rows = [
        (
            f.quantity,
            f"{f.events}",
            f.distribution,
            *(f"{x:.3g}" for x in (f.low, f.high, f.aic, f.distance, f.p_value)),
        )
        for f in fits
    ]
    print_table("how the fleet drives", head, rows)
    say(f"scenarios in {output}")
