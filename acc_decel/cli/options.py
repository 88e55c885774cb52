"""Options that several commands share, and the events that they describe."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from acc_decel.cli.terminal import read_table
from acc_decel.predictor import Given

Factors = dict[str, Given]
Model = Annotated[str, typer.Option(help="released model, model folder or ONNX file")]
Car = Annotated[str, typer.Option(help="shipped vehicle, or a TOML file of your own")]
Json = Annotated[bool, typer.Option("--json", help="print for a program")]
Input = Annotated[
    Path | None, typer.Option("--input", help="CSV or Parquet, one event a row, columns named as options")
]
Output = Annotated[Path | None, typer.Option("--output", help="CSV or Parquet for the answers")]
Core = Annotated[str, typer.Option(help="cortex-m4f, cortex-m7, cortex-m3, cortex-m0, rv32imfc or rv32ic")]
NumberFormat = Annotated[str, typer.Option("--format", help="float, fixed or shift, as for export")]
Build = Annotated[Path | None, typer.Option(help="folder to keep the compiled image in")]
Keep = Annotated[list[str] | None, typer.Option(help="column of the input to copy to the output; may be repeated")]


def events_of(factors: Factors, input_file: Path | None, keep: list[str] | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The events to predict, and the columns of the input to copy to the output."""
    if input_file is None:
        return pd.DataFrame([factors]), pd.DataFrame(index=[0])
    if factors:
        raise ValueError(f"--input takes no other factors. Got {', '.join(sorted(factors))}: leave them out.")
    table = read_table(input_file)
    if missing := [name for name in keep or () if name not in table]:
        raise ValueError(f"--keep must name columns of {input_file}: {', '.join(table.columns)}. Got {missing[0]!r}.")
    return table.drop(columns=keep or []), table[keep or []]
