"""`acc-decel replay`: a drive through the 10 ms task of the emulated ECU. Needs the extra [ecu]."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from numpy import ndarray

from acc_decel.cli.flag_lines import flag_summary, with_flags
from acc_decel.cli.options import (
    CLOCK_MHZ,
    Build,
    Core,
    Factors,
    Json,
    Model,
    NumberFormat,
    Output,
    check_clock,
    check_output,
    option_name,
)
from acc_decel.cli.terminal import counted, print_json, progress_bar, read_table, say, say_written, write_table
from acc_decel.export import firmware_files, golden_events, write_firmware
from acc_decel.factors import Factor, column_names
from acc_decel.model_folder import DEFAULT_MODEL, folder_of, read_model
from acc_decel.outputs import ORDERED
from acc_decel.predictor import ONNX_RUNTIME, Predictor, columns_of, predictions, unknown_factor, where
from acc_decel.status import REFUSED

TIME = "time_s"


def replay(
    factors: Factors,
    drive: Annotated[
        Path, typer.Argument(metavar="DRIVE", help="CSV or Parquet with time_s and a column for each factor measured")
    ],
    model: Model = DEFAULT_MODEL,
    output_file: Output = None,
    plot: Annotated[Path | None, typer.Option(help="PNG or SVG of the answers and the deadline")] = None,
    clock_mhz: Annotated[float, typer.Option(help="clock of the core [MHz], for its deadline")] = CLOCK_MHZ,
    max_age: Annotated[
        list[str] | None,
        typer.Option(
            help="age [s] after which a value is missing: 0.5 for every factor, mass=60 for one; may be repeated",
            show_default="0.5",
        ),
    ] = None,
    core: Core = "cortex-m4f",
    number_format: NumberFormat = "float",
    build: Build = None,
    as_json: Json = False,
) -> None:
    """Replay a drive through the task of an emulated ECU: a prediction every 10 ms, and its share of that time.

    As in an ECU, a task reads its mailbox every 10 ms, predicts and writes the answer. An empty cell of the drive
    brings no new value: the last value is held until it is older than --max-age, then it is missing. A factor given as
    an option holds for the whole drive and does not age. The output has a row for each tick, with its instructions and
    cycles. Needs the extra [ecu].

        acc-decel replay drive.csv --clock-mhz 80 --output answers.csv
        acc-decel replay drive.csv --mass 1500 --max-age 0.5 --max-age brake_pressure_bar=2 --plot drive.png
    """
    check_clock(clock_mhz)
    check_output(output_file, drive, table=True)
    check_output(plot, drive, output_file, option="--plot")
    check_output(build, output_file, plot, option="--build", folder=True)
    if plot is not None:
        from acc_decel.cli import plots  # noqa: PLC0415 - Matplotlib

        plots.check_picture_name(plot)
    answers = _answers(drive, factors, Predictor(model), core, number_format, build, max_age or [])
    report = {"target": core, "number_format": number_format} | _report(answers, clock_mhz)
    if plot is not None:
        _draw(answers, clock_mhz, f"{drive.name} on the emulated {core}", plot)
    if output_file is not None:
        write_table(answers, output_file)
    if as_json:
        print_json(report | {"answers": with_flags(answers)})
        return
    _print(report)
    say_written(output_file, f"{len(answers)} answers")
    say_written(plot)
    say(flag_summary(answers["status"], "ticks"))


def _answers(
    drive: Path,
    constants: Factors,
    predictor: Predictor,
    core: str,
    number_format: str,
    build: Path | None,
    max_age: list[str],
) -> pd.DataFrame:
    """What the task answers at each tick of the drive, and what that costs."""
    from acc_decel.ecu import sample_and_hold, tick_times  # noqa: PLC0415 - the extra [ecu] is asked for only here

    time, columns, ages = _read(drive, constants, predictor.factors, max_age)
    ticks = tick_times(time)
    held = sample_and_hold(predictor.factors, time, columns, ticks, max_age=ages)
    answers = _ticked(predictor, held, core, number_format, build)
    answers.insert(0, TIME, ticks)
    return answers


def ages_of(words: list[str], factors: tuple[Factor, ...]) -> dict[str, float]:
    """The maximum age [s] of each factor's value, from words like 0.5 (all factors) and mass=60 (this one)."""
    from acc_decel.ecu import MAX_AGE  # noqa: PLC0415

    ages = {f.name: MAX_AGE for f in factors}
    names = [word.rpartition("=")[0] for word in words]
    if twice := [word for i, word in enumerate(words) if names[i] in names[:i]]:
        raise ValueError(
            f"--max-age must be given once for each factor, and once for all. Got also {twice[0]}: drop one."
        )
    for word in sorted(words, key=lambda word: "=" in word):
        name, _, number = word.rpartition("=")
        if name and name not in ages:
            raise ValueError(unknown_factor(name, factors))
        try:
            seconds = float(number)
        except ValueError:
            seconds = np.nan
        if not seconds >= 0:
            raise ValueError(f"--max-age must be seconds, or FACTOR=seconds, at least 0. Got {word!r}.")
        ages |= {name: seconds} if name else dict.fromkeys(ages, seconds)
    return ages


def _read(
    path: Path, constants: Factors, factors: tuple[Factor, ...], max_age: list[str]
) -> tuple[ndarray, ndarray, dict[str, float]]:
    """Time [s], factor columns and maximum ages of a drive; what the file has no column for does not age."""
    table = read_table(path)
    if TIME not in table:
        raise ValueError(
            f"{path} must have a column {TIME}, the time of each row [s]. Got {', '.join(map(str, table.columns))}: "
            "rename the column of the time."
        )
    time = _times(path, table.pop(TIME))
    given = {f.name for f in factors if {f.name, *f.columns} & {*table.columns}}
    for f in factors:
        if f.name in given and f.name in constants:
            raise ValueError(f"{f.name} must be a column of {path} or an option. Got both: drop one.")
        if not (f.optional or f.standard is not None or f.name in given or f.name in constants):
            raise ValueError(
                f"{path} must have a column {f.name} of {f.span} ({f.meaning}), which is required. Got none: add it, "
                f"or give {option_name(f.name)} for the whole drive."
            )
    for name, value in constants.items():
        table[name] = value
    try:
        columns = columns_of(table, factors)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    without_column = {f.name for f in factors} - given
    if idle := [word for word in max_age if word.rpartition("=")[0] in without_column]:
        raise ValueError(f"--max-age is for columns of {path}. Got {idle[0]}, which is none: leave it out.")
    ages = ages_of(max_age, factors) | {f.name: np.inf for f in factors if f.name not in given}
    return time, columns, ages


def _times(path: Path, column: "pd.Series[float]") -> ndarray:
    """The time of each row [s], ascending."""
    time = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    if (wrong := np.flatnonzero(~np.isfinite(time))).size:
        raise ValueError(
            f"{path}: {TIME}{where(column.index, int(wrong[0]))} must be a number [s]. Got {column.iloc[wrong[0]]!r}."
        )
    if (back := np.flatnonzero(np.diff(time) < 0)).size:
        row = int(back[0]) + 1
        raise ValueError(
            f"{path}: {TIME}{where(column.index, row)} must be at least {time[row - 1]:g} s, that of the row before. "
            f"Got {time[row]:g}: sort the rows, or split the drive."
        )
    return time


def _ticked(predictor: Predictor, columns: ndarray, core: str, number_format: str, build: Path | None) -> pd.DataFrame:
    """Answers of the task at every tick, with their cost, beside ONNX Runtime."""
    from acc_decel.ecu import CortexM, check_passed  # noqa: PLC0415

    net, _ = read_model(folder_of(predictor.path))
    golden = golden_events(net.factors)
    with tempfile.TemporaryDirectory() as folder, progress_bar() as progress:
        bar = progress.add_task("ticks of 10 ms", total=len(columns))
        files = firmware_files(net, model=predictor.vehicle, golden=golden, number_format=number_format)
        write_firmware(Path(folder), files)
        ecu = CortexM(Path(folder), core=core, build=build)
        check_passed(ecu.self_test(), core)
        run = ecu.task(columns, ticked=lambda: progress.advance(bar))
    expected, _ = Predictor(predictor.path, backend=ONNX_RUNTIME).predict_array(columns)
    speed = columns[:, column_names().index("speed")]
    answers = predictions(run.outputs, run.status, speed, pd.RangeIndex(len(columns)))
    answers["difference"] = np.abs(run.outputs - expected)[:, ORDERED].max(axis=1)
    answers["instructions"] = run.instructions
    return answers if run.cycles is None else answers.assign(cycles=run.cycles)


def _report(answers: pd.DataFrame, clock_mhz: float) -> dict[str, object]:
    """Counts, costs and the use of the deadline, for a program; None where no manual gives cycles."""
    from acc_decel.ecu import PERIOD, deadline_utilisation  # noqa: PLC0415

    refused = answers["status"] & REFUSED != 0
    report: dict[str, object] = {
        "ticks": len(answers),
        "seconds": float(answers[TIME].iloc[-1] - answers[TIME].iloc[0]),
        "answered": int((~refused).sum()),
        "refused": int(refused.sum()),
        "statuses": [{"ticks": n, "text": text} for text, n in answers["status_text"].value_counts().items()],
        "instructions_max": int(answers["instructions"].max()),
        "max_abs_difference": float(answers["difference"].max()),
        "period_s": PERIOD,
        "clock_mhz": clock_mhz,
        "cycles_max": None,
        "cycles_mean": None,
        "deadline_utilisation_max": None,
        "deadline_utilisation_mean": None,
        "deadlines_missed": None,
    }
    if "cycles" in answers:
        use = deadline_utilisation(answers["cycles"].to_numpy(), clock_mhz)
        report |= {"cycles_max": int(answers["cycles"].max()), "cycles_mean": float(answers["cycles"].mean())}
        report |= {"deadline_utilisation_max": float(use.max()), "deadline_utilisation_mean": float(use.mean())}
        report |= {"deadlines_missed": int((use > 1).sum())}
    return report


def _draw(answers: pd.DataFrame, clock_mhz: float, title: str, path: Path) -> None:
    from acc_decel.cli import plots  # noqa: PLC0415 - Matplotlib
    from acc_decel.ecu import deadline_utilisation  # noqa: PLC0415

    use = deadline_utilisation(answers["cycles"].to_numpy(), clock_mhz) if "cycles" in answers else None
    plots.save(plots.task_over_time(answers, use, title), path)


def _print(report: Mapping[str, Any]) -> None:
    for name in ("target", "number_format", "ticks"):
        say(f"{name}: {report[name]}")
    say(f"seconds: {report['seconds']:.2f}")
    for name in ("answered", "refused", "instructions_max"):
        say(f"{name}: {report[name]}")
    say(f"max_abs_difference: {report['max_abs_difference']:.2e}")
    for status in report["statuses"]:
        say(f"{counted(status['ticks'], 'tick')}: {status['text']}")
    if report["cycles_max"] is None:
        say(f"deadline: not known, because no manual gives the cycles of an instruction of the {report['target']}")
        return
    use_max, use_mean = report["deadline_utilisation_max"], report["deadline_utilisation_mean"]
    longest = report["cycles_max"] / report["clock_mhz"]
    say(
        f"cycles: {report['cycles_max']} at most ({longest:.1f} us), {report['cycles_mean']:.0f} in the mean (estimate)"
    )
    say(
        f"deadline of {report['period_s']:g} s at {report['clock_mhz']:g} MHz: {use_max:.2%} used at most, "
        f"{use_mean:.2%} in the mean, {report['deadlines_missed']} missed"
    )
