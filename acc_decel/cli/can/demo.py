"""`acc-decel can demo`: a sender falls silent, and the lower bound falls. Needs the extras [can] and [ecu]."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

from acc_decel.cli.can.options import CanCore, Channel, Model, event_columns, task_folder
from acc_decel.cli.options import Build, Factors, Json, NumberFormat, check_output
from acc_decel.cli.terminal import print_json, print_table, progress_bar, say, say_written, write_table
from acc_decel.factors import FACTORS
from acc_decel.integration.can import bus_of
from acc_decel.model_folder import DEFAULT_MODEL
from acc_decel.outputs import QUANTILES
from acc_decel.status import FLAGS

if TYPE_CHECKING:
    from acc_decel.integration.can import Bus
    from acc_decel.integration.can.drop import Clock, Drop, Exchange

SHOWN_S = 0.1  # from row to row of the table on the screen, around the fall
AROUND_S = 0.3


def demo(
    factors: Factors,
    model: Model = DEFAULT_MODEL,
    silent: Annotated[str, typer.Option(help="sender that falls silent: Brake, Camera or Body")] = "Camera",
    silent_at: Annotated[float, typer.Option(help="when it sends nothing any more [s]")] = 1.5,
    duration: Annotated[float, typer.Option(help="seconds in all")] = 3.0,
    bus: Annotated[
        str | None,
        typer.Option(
            help="udp_multicast or socketcan: ask an ECU there, in real time", show_default="an ECU of its own"
        ),
    ] = None,
    channel: Channel = None,
    core: CanCore = "host",
    number_format: NumberFormat = "float",
    build: Build = None,
    output_file: Annotated[Path | None, typer.Option("--output", help="CSV or Parquet, a row for each tick")] = None,
    plot: Annotated[Path | None, typer.Option(help="PNG or SVG of bounds and frames over time")] = None,
    as_json: Json = False,
) -> None:
    """Show what a lost sender does: the frames of the camera stop, and the lower bound falls.

    The other ECUs of the car send the same factors again and again, encoded by cantools and protected by autosar-e2e.
    Then one of them falls silent. Its last values are held for five cycles; after that its factors are not available,
    and the interval is about all roads that are possible. Without factors it is a stop from 30 m/s on dry asphalt.

        acc-decel can demo --plot drop.png
        acc-decel can demo --speed 25 --surface asphalt --water-film-mm 1.5 --tread-depth-mm 2 --plot drop.png
        acc-decel can demo --bus udp_multicast --plot drop.png

    With --bus the answers come from an ECU that is already there, as of `acc-decel can ecu`. Needs the extras [can] and
    [ecu], and [train] for --plot.
    """
    check_output(output_file, table=True)
    check_output(plot, output_file, option="--plot")
    check_output(build, output_file, plot, option="--build", folder=True)
    if plot is not None:
        from acc_decel.cli import plots  # noqa: PLC0415 - Matplotlib

        plots.check_picture_name(plot)
    from acc_decel.integration.can.drop import check_silence, sender_falls_silent  # noqa: PLC0415 - [can] and [ecu]

    check_silence(bus_of(FACTORS), silent=silent, seconds=duration, silent_at=silent_at)
    columns = event_columns(model, factors)
    with _ecu(bus, channel, model, number_format, core, build) as (layout, text, link), progress_bar() as progress:
        bar = progress.add_task("ticks of 10 ms", total=round(100 * duration))
        exchange, clock = link
        drop = sender_falls_silent(
            layout,
            text,
            columns,
            exchange,
            silent=silent,
            seconds=duration,
            silent_at=silent_at,
            clock=clock,
            ticked=lambda now: progress.update(bar, completed=round(100 * now)),
        )
    if output_file is not None:
        write_table(drop.answers, output_file)
    if plot is not None:
        _draw(drop, plot)
    if as_json:
        print_json(_report(drop))
        return
    _print(drop)
    say_written(output_file, f"{len(drop.answers)} answers")
    say_written(plot)


@contextmanager
def _ecu(
    bus: str | None, channel: str | None, model: str, number_format: str, core: str, build: Path | None
) -> "Iterator[tuple[Bus, str, tuple[Exchange, Clock]]]":
    """The layout of the bus, its DBC, and how to exchange frames with an ECU: one on a bus, or one of this process."""
    from acc_decel.integration.can.bus_ecu import open_bus  # noqa: PLC0415
    from acc_decel.integration.can.drop import in_lockstep, on_bus  # noqa: PLC0415
    from acc_decel.integration.can.task import running_task  # noqa: PLC0415

    if bus is None and channel is not None:
        raise ValueError(f"--channel is of a bus. Got {channel} without --bus: add it.")
    with task_folder(model, number_format) as (folder, layout, text):
        if bus is None:
            yield layout, text, (running_task(folder, layout, core=core, build=build).tick, in_lockstep)
        else:
            with open_bus(bus, channel) as opened:
                yield layout, text, on_bus(opened)


def _report(drop: "Drop") -> dict[str, Any]:
    return {
        "silent": drop.silent,
        "last_frame_s": drop.last_frame_s,
        "max_age_s": drop.max_age_s,
        "lost": drop.lost,
        "lower_before": drop.before,
        "lower_after": drop.after,
        "fell_after_s": drop.fell_after_s,
        "frames_sent": len(drop.sent),
        "answers": drop.answers,
    }


def _draw(drop: "Drop", path: Path) -> None:
    from acc_decel.cli import plots  # noqa: PLC0415
    from acc_decel.cli.can.drop_plot import drop_over_time  # noqa: PLC0415

    plots.save(drop_over_time(drop), path)


def _print(drop: "Drop") -> None:
    head = ("time [s]", *(f"{quantile:.0%}" for quantile in QUANTILES.values()), "flags", "lost by now")
    title = f"{drop.silent} sends its last frame at {drop.last_frame_s:.2f} s; quantiles of the deceleration [m/s^2]"
    print_table(title, head, _rows(drop))
    if drop.fell_after_s is None:
        say(f"the lower bound did not fall: {drop.before:.2f} m/s^2 all the time")
        return
    after = "no bound" if pd.isna(drop.after) else f"{drop.after:.2f} m/s^2"
    say(
        f"{drop.fell_after_s:.2f} s after the last frame the lower bound falls from {drop.before:.2f} to {after}; "
        f"maximum age {drop.max_age_s:g} s. Lost: {', '.join(drop.lost) or 'nothing'}"
    )


def _lost(drop: "Drop", not_available: str) -> str:
    """The factors that are missing now, and were not before."""
    return ", ".join(name for name in not_available.split(", ") if name in drop.lost) or "-"


def _rows(drop: "Drop") -> list[list[str]]:
    """The answers at which the bound changes, and some around the last frame and the maximum age of its values."""
    answers, shown = drop.answers, []
    lower = answers[next(iter(QUANTILES))]
    changed = lower.ne(lower.shift()) & ~(lower.isna() & lower.shift().isna())
    moments = (drop.last_frame_s, drop.last_frame_s + drop.max_age_s)
    for row, is_changed in zip(answers.to_dict("records"), changed, strict=True):
        tenth = round(100 * row["time_s"]) % round(100 * SHOWN_S) == 0
        if is_changed or (tenth and any(abs(row["time_s"] - moment) <= AROUND_S for moment in moments)):
            flags = ", ".join(name for name in FLAGS if row[name.lower()])
            numbers = ["SNA" if pd.isna(row[name]) else f"{row[name]:.2f}" for name in QUANTILES]
            shown.append([f"{row['time_s']:.2f}", *numbers, flags or "-", _lost(drop, row["not_available"])])
    return shown
