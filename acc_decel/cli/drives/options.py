"""Options that the commands for recorded drives share."""

from pathlib import Path
from typing import Annotated

import typer

from acc_decel.cli.terminal import note

File = Annotated[Path, typer.Argument(metavar="FILE", help="recording: MF4, candump, ASC, BLF, CSV, Parquet, folder")]
Description = Annotated[Path | None, typer.Option("--recording", help="TOML that says which channel is which signal")]
Dbc = Annotated[Path | None, typer.Option("--dbc", help="database that decodes a raw bus")]
Threshold = Annotated[float, typer.Option(help="peak deceleration that makes an event [m/s^2]")]
Stops = Annotated[Path, typer.Argument(metavar="STOPS", help="CSV or Parquet of stops with measured deceleration")]
Written = Annotated[Path, typer.Option("--output", "-o", help="JSON file of the correction")]


def note_ignored(columns: tuple[str, ...]) -> None:
    """Say which columns of a table were ignored, if any."""
    if columns:
        note(f"ignored, being neither a braking factor nor a measurement: {', '.join(columns)}")


def check_dbc(file: Path, dbc: Path | None) -> None:
    """Raise ValueError if a database was given for a recording that holds signals, not the frames of a bus."""
    if dbc is not None and (file.is_dir() or file.suffix.lower() in (".csv", ".parquet")):
        raise ValueError(f"--dbc decodes the frames of a raw bus. Got {file}, which holds signals: leave --dbc out.")
