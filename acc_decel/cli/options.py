"""Options that several commands share, the events that they describe, and the check of what a command writes."""

import math
import os
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from acc_decel.cli.terminal import check_table_name, note, read_table
from acc_decel.factors import FACTORS, column_names
from acc_decel.model_folder import ARRAYS, ATTRIBUTION, CARD, MANIFEST, METRICS, ONNX, PROOF
from acc_decel.predictor import ANSWERS, Given, Predictor, near_factor, other_columns

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
Prefix = Annotated[
    str | None, typer.Option(help="begin every name and file with this, so that two models link into one program")
]
Build = Annotated[Path | None, typer.Option(help="folder to keep the compiled image in")]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        help="column of the input that is no factor: copy it to the output; may be repeated; all for every such column"
    ),
]
EVERY = "all"  # as a column to keep
CLOCK_MHZ = 80.0  # of the core, if no clock is given


def check_clock(clock_mhz: float) -> float:
    """The clock [MHz]. Raises ValueError if it is none."""
    if not 0 < clock_mhz < math.inf:
        raise ValueError(f"--clock-mhz must be above 0 [MHz]. Got {clock_mhz:g}.")
    return clock_mhz


def events_of(
    factors: Factors, input_file: Path | None, keep: list[str] | None, answers: Collection[str] = ANSWERS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The events to predict, and the columns of the input to copy to the output.

    Other columns are ignored with a note. Raises ValueError that names every column that is nearly called like a
    factor, for a table without a factor, and that names a column to keep that is there twice, that is a factor, or that
    has the name of one of the `answers`.
    """
    if input_file is None:
        if keep:
            raise ValueError(f"--keep names a column of --input. Got --keep {keep[0]} without --input: add it.")
        return pd.DataFrame([factors]), pd.DataFrame(index=[0])
    if factors:
        raise ValueError(f"--input takes no other factors. Got {', '.join(sorted(factors))}: leave them out.")
    table = read_table(input_file)
    factor_columns = {f.name for f in FACTORS} | {*column_names()}
    others = [str(name) for name in table if name not in factor_columns]
    columns = list(keep or ())
    if twice := [name for i, name in enumerate(columns) if name in columns[:i]]:
        raise ValueError(f"--keep must name each column once. Got {twice[0]} twice: leave one out.")
    if EVERY in columns and EVERY not in table:
        if len(columns) > 1:
            rest = ", ".join(name for name in columns if name != EVERY)
            raise ValueError(f"--keep {EVERY} keeps every other column. Got --keep {rest} as well: leave it out.")
        columns = others
    if missing := [name for name in columns if name not in table]:
        raise ValueError(f"--keep must name columns of {input_file}: {', '.join(table.columns)}. Got {missing[0]!r}.")
    if taken := [name for name in columns if name in factor_columns]:
        raise ValueError(
            f"--keep must name columns that are no braking factor, because it takes them out of the prediction. "
            f"Got {taken[0]}: leave it out of --keep."
        )
    unknown = [name for name in others if name not in columns]
    plain = [] if len(others) == len(table.columns) else other_columns(list(table.columns))
    if misspelt := [name for name in unknown if name not in plain]:
        raise ValueError(_not_factors(input_file, misspelt))
    if clash := [name for name in columns if name in answers]:
        raise ValueError(
            f"--keep must name columns unlike those of the answers. Got {clash[0]}, which is an answer: rename that "
            f"column of {input_file}."
        )
    if unknown:
        note(f"ignored, being no braking factor: {', '.join(unknown)}; --keep {EVERY} copies such columns")
    return table.drop(columns=[*columns, *unknown]), table[columns]


def _not_factors(path: Path, columns: list[str]) -> str:
    """One sentence for all columns that are no factor, and what to do with them."""
    hints = "".join(f" Did you mean {name}?" for name in map(near_factor, columns) if name)
    options = f"--keep {EVERY}" if len(columns) > 1 else f"--keep {columns[0]}"
    return (
        f"{path} must have columns of braking factors only (see --help). Got also {', '.join(columns)}: {options} "
        f"copies what is no factor to the output.{hints}"
    )


def option_name(factor: str) -> str:
    """The option of a factor."""
    return f"--{factor.replace('_', '-')}"


def check_output(
    path: Path | None, *read: Path | str | None, option: str = "--output", folder: bool = False, table: bool = False
) -> None:
    """Raise ValueError naming `option` if a command must not, or cannot, write its answers to `path`.

    `read` are the files and folders that the command reads, or other files that it writes: none of them may be
    replaced, by whatever name (symbolic links, hard links and standard input are followed). `folder` says that `path`
    is a folder, `table` that it is a CSV or Parquet file. To be called before any work; None passes.
    """
    if path is None:
        return
    if table:
        check_table_name(path)
    if folder and path.exists() and not path.is_dir():
        raise ValueError(f"{option} must be a folder. Got the file {path}: give the name of a folder.")
    if not folder and path.is_dir():
        raise ValueError(f"{option} must be a file. Got the folder {path}: give the name of a file in it.")
    if not folder and path.exists() and not path.is_file():
        raise ValueError(f"{option} must be a file. Got the device or pipe {path}: give the name of a file.")
    for source in read:
        if source is not None and (same := _same_file(path, Path(source))) is not None:
            also = "" if str(same) == str(path) else f", which is {same}"
            raise ValueError(
                f"{option} must not be a file that the command uses. Got {path}{also}: choose another name."
            )
    _check_can_hold(option, path if folder else path.parent)


def model_files(predictor: Predictor) -> list[Path]:
    """The files of a model's folder, which no answer may replace."""
    return model_file_paths(predictor.path.parent, predictor.path.name)


def model_file_paths(folder: Path, onnx: str = ONNX) -> list[Path]:
    """The files of a model in `folder`, whose graph is the file `onnx`."""
    names = (onnx, ONNX, ARRAYS, METRICS, MANIFEST, ATTRIBUTION, PROOF, CARD)
    return [folder / name for name in dict.fromkeys(names)]


def _same_file(path: Path, source: Path) -> Path | None:
    """`source`, or the file in that folder, if it is the file `path`; None if it is not."""
    if path.resolve() == source.resolve() or (path.exists() and source.exists() and path.samefile(source)):
        return source
    if path.is_file() and source.is_dir():
        return next((file for file in source.rglob("*") if file.is_file() and path.samefile(file)), None)
    return None


def _check_can_hold(option: str, folder: Path) -> None:
    """Raise ValueError if no file can be made in `folder`, which need not be there yet."""
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not there.is_dir():
        raise ValueError(f"{option} must be in a folder. Got {there}, which is a file: choose another place.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ValueError(f"{option} must be in a folder that can be written. Got {there}: choose another place.")
