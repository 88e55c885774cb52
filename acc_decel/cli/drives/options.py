"""Options that the commands for recorded drives share."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from numpy import ndarray

from acc_decel.cli.drives.quality_lines import quality_summary
from acc_decel.cli.flag_lines import flag_summary
from acc_decel.cli.terminal import note, read_table
from acc_decel.outputs import OUTPUTS
from acc_decel.status import CORRECTION_LIMITED, OUTSIDE_DOMAIN

File = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="recording: MF4, CAN log, CSV, Parquet, VBO, GPX, XML, JSON lines, folder"),
]
Description = Annotated[Path | None, typer.Option("--recording", help="TOML that says which channel is which signal")]
Dbc = Annotated[Path | None, typer.Option("--dbc", help="database that decodes a raw bus")]
Bus = Annotated[str | None, typer.Option("--bus", help="bus of a raw log that has several, as the log names it")]
VehicleId = Annotated[str | None, typer.Option("--vehicle-id", help="vehicle of a table that has several; fleet: all")]
Threshold = Annotated[float, typer.Option(help="peak deceleration that makes an event [m/s^2]")]
Stops = Annotated[Path, typer.Argument(metavar="STOPS", help="CSV or Parquet of stops with measured deceleration")]
Written = Annotated[Path, typer.Option("--output", "-o", help="JSON file of the correction")]


MEASURABLE = ("deceleration", "delay")  # outputs of a model that a stop may have measured


def read_stops(path: Path, *, each_once: bool = False) -> pd.DataFrame:
    """The table of measured stops in a file. Raises ValueError for a table that holds predictions.

    Stops that the table holds twice are counted in a note, or refused if `each_once`.

    `predict` writes its median as `deceleration`, the name of what a stop measures: one must not pass for the other.
    """
    table = read_table(path)
    predicted = [name for name in map(str, table) if name.startswith("predicted_") or name in PREDICTED]
    if predicted:
        raise ValueError(
            f"{path} must hold measured stops. Got {', '.join(predicted)}, which are predictions: leave these columns "
            "out, and make sure that deceleration is measured."
        )
    repeated = table.astype(str).duplicated()
    if each_once and repeated.any():
        raise ValueError(
            f"{path} must hold each stop once. Got one again in {table.index.name or 'row'} "
            f"{table.index[repeated][0]}: leave it out."
        )
    if repeated.any():
        note(f"{int(repeated.sum())} of {len(table)} stops are in the table more than once, and count more than once")
    note_quality(table)
    return table


PREDICTED = {*OUTPUTS, "stopping_distance", "status"} - {*MEASURABLE}


MAX_LABEL = 40  # letters of a file's name in a table, so that the numbers beside it stay whole


def labels(files: list[str]) -> dict[str, str]:
    """What to call each file in a table: its name, with as many of its folders as tell it from the others."""
    names = {file: Path(file).name or file for file in files}
    for depth in range(2, max((len(Path(file).parts) for file in files), default=0) + 1):
        count = Counter(names.values())
        names = {
            file: str(Path(*Path(file).parts[-depth:])) if count[name] > 1 else name for file, name in names.items()
        }
    short = {file: shortened(name) for file, name in names.items()}
    return short if len(set(short.values())) == len(short) else names


def shortened(name: str) -> str:
    """The name without its middle, if it is long."""
    half = MAX_LABEL // 2
    return name if len(name) <= MAX_LABEL else f"{name[: half - 3]}...{name[-half:]}"


def note_ignored(columns: tuple[str, ...]) -> None:
    """Say which columns of a table were ignored, if any."""
    if columns:
        note(f"ignored, being neither a braking factor nor a measurement: {', '.join(columns)}")


def note_quality(table: pd.DataFrame) -> None:
    """Say how many events of a table of `drives events` are flagged and why, if one is: a fit takes them all."""
    from acc_decel.drives import GOOD  # noqa: PLC0415 - the extra [drives] is asked for only here

    if "quality" in table:
        quality = table["quality"].dropna().astype(str)
        if (quality != GOOD).any():
            note(f"{quality_summary(quality)}: they count in full, leave out those that you do not trust")


def note_flags(status: ndarray) -> None:
    """Say how many predictions of stops are flagged and why, if one is."""
    if (status & (OUTSIDE_DOMAIN | CORRECTION_LIMITED)).any():
        note(f"predictions of stops, {flag_summary(status, 'stops')}")
