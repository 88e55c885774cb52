"""Options that the commands for recorded drives share."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from acc_decel.cli.terminal import note, read_table
from acc_decel.outputs import OUTPUTS

File = Annotated[Path, typer.Argument(metavar="FILE", help="recording: MF4, candump, ASC, BLF, CSV, Parquet, folder")]
Description = Annotated[Path | None, typer.Option("--recording", help="TOML that says which channel is which signal")]
Dbc = Annotated[Path | None, typer.Option("--dbc", help="database that decodes a raw bus")]
Threshold = Annotated[float, typer.Option(help="peak deceleration that makes an event [m/s^2]")]
Stops = Annotated[Path, typer.Argument(metavar="STOPS", help="CSV or Parquet of stops with measured deceleration")]
Written = Annotated[Path, typer.Option("--output", "-o", help="JSON file of the correction")]


MEASURABLE = ("deceleration", "delay")  # outputs of a model that a stop may have measured


def read_stops(path: Path) -> pd.DataFrame:
    """The table of measured stops in a file. Raises ValueError for a table that holds predictions.

    `predict` writes its median as `deceleration`, the name of what a stop measures: one must not pass for the other.
    """
    table = read_table(path)
    predicted = [name for name in map(str, table) if name.startswith("predicted_") or name in PREDICTED]
    if predicted:
        raise ValueError(
            f"{path} must hold measured stops. Got {', '.join(predicted)}, which are predictions: leave these columns "
            "out, and make sure that deceleration is measured."
        )
    return table


PREDICTED = {*OUTPUTS, "stopping_distance", "status"} - {*MEASURABLE}


def labels(files: list[str]) -> dict[str, str]:
    """What to call each file in a table: its name, or the whole path where two have the same name."""
    names = {file: Path(file).name for file in files}
    return names if len(set(names.values())) == len(names) else {file: file for file in names}


def note_ignored(columns: tuple[str, ...]) -> None:
    """Say which columns of a table were ignored, if any."""
    if columns:
        note(f"ignored, being neither a braking factor nor a measurement: {', '.join(columns)}")


def check_dbc(file: Path, dbc: Path | None) -> None:
    """Raise ValueError if a database was given for a recording that holds signals, not the frames of a bus."""
    if dbc is not None and (file.is_dir() or file.suffix.lower() in (".csv", ".parquet")):
        raise ValueError(f"--dbc decodes the frames of a raw bus. Got {file}, which holds signals: leave --dbc out.")
