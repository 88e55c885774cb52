"""The drive of `acc-decel ecu --task`: read, replayed through the task of the emulated ECU, and its deadline told."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.cli.options import Factors
from acc_decel.cli.terminal import check_table_name, print_json, progress_bar, read_table, say, write_table
from acc_decel.export import firmware_files, golden_events, write_firmware
from acc_decel.factors import Factor, column_names
from acc_decel.model_folder import read_model
from acc_decel.outputs import ORDERED
from acc_decel.predictor import ONNX_RUNTIME, Predictor, columns_of, predictions, unknown_factor
from acc_decel.status import REFUSED

TIME = "time_s"


def replay(
    drive: Path,
    constants: Factors,
    predictor: Predictor,
    *,
    core: str,
    number_format: str,
    build: Path | None,
    clock_mhz: float,
    max_age: list[str],
    output_file: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Replay a drive and tell answers, cost and use of the deadline."""
    if not 0 < clock_mhz < np.inf:
        raise ValueError(f"--clock-mhz must be above 0 [MHz]. Got {clock_mhz:g}.")
    if output_file is not None:
        check_table_name(output_file)
    if plot is not None:
        from acc_decel.cli import plots  # noqa: PLC0415 - Matplotlib

        plots.check_picture_name(plot)
    from acc_decel.ecu import deadline_utilisation, sample_and_hold, tick_times  # noqa: PLC0415 - the extra [ecu] is asked for only here

    time, columns, ages = _read(drive, constants, predictor.factors, max_age)
    ticks = tick_times(time)
    answers = _ticked(
        predictor, sample_and_hold(predictor.factors, time, columns, ticks, max_age=ages), core, number_format, build
    )
    answers.insert(0, TIME, ticks)
    told = {"target": core, "number_format": number_format} | _told(answers, clock_mhz)
    if plot is not None:
        use = deadline_utilisation(answers["cycles"].to_numpy(), clock_mhz) if "cycles" in answers else None
        plots.save(plots.task_over_time(answers, use, f"{drive.name} on the emulated {core}"), plot)
    if output_file is not None:
        write_table(answers, output_file)
    if as_json:
        print_json(told | {"answers": answers})
    else:
        _print(told)


def ages_of(asked: list[str], factors: tuple[Factor, ...]) -> dict[str, float]:
    """The greatest age [s] of each factor's value, from words like 0.5 (all factors) and mass=60 (this one)."""
    from acc_decel.ecu import MAX_AGE  # noqa: PLC0415

    ages = {f.name: MAX_AGE for f in factors}
    for word in sorted(asked, key=lambda word: "=" in word):
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
    """Time [s], factor columns and greatest ages of a drive; what the file has no column for never grows old."""
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
        if not (f.may_lack or f.standard is not None or f.name in given or f.name in constants):
            raise ValueError(
                f"{path} must have a column {f.name} of {f.span} ({f.meaning}), which may not lack. Got none: add it, "
                f"or give --{f.name.replace('_', '-')} for the whole drive."
            )
    for name, value in constants.items():
        table[name] = value
    try:
        columns = columns_of(table, factors)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    ages = ages_of(max_age, factors) | {f.name: np.inf for f in factors if f.name not in given}
    return time, columns, ages


def _times(path: Path, column: "pd.Series[float]") -> ndarray:
    """The time of each row [s], ascending."""
    time = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    if (wrong := np.flatnonzero(~np.isfinite(time))).size:
        raise ValueError(f"{path}: {TIME} in row {wrong[0]} must be a number [s]. Got {column.iloc[wrong[0]]!r}.")
    if (back := np.flatnonzero(np.diff(time) < 0)).size:
        first = int(back[0])
        raise ValueError(
            f"{path}: {TIME} in row {first + 1} must be at least {time[first]:g} s, that of the row before. "
            f"Got {time[first + 1]:g}: sort the rows, or split the drive."
        )
    return time


def _ticked(predictor: Predictor, columns: ndarray, core: str, number_format: str, build: Path | None) -> pd.DataFrame:
    """Answers of the task at every tick, with their cost, beside ONNX Runtime."""
    from acc_decel.ecu import CortexM  # noqa: PLC0415

    net, _ = read_model(predictor.path.parent)
    golden = golden_events(net.factors)
    with tempfile.TemporaryDirectory() as folder, progress_bar() as progress:
        bar = progress.add_task("ticks of 10 ms", total=len(columns))
        files = firmware_files(net, model=predictor.vehicle, golden=golden, number_format=number_format)
        write_firmware(Path(folder), files)
        ecu = CortexM(Path(folder), core=core, build=build)
        run = ecu.task(columns, ticked=lambda: progress.advance(bar))
    expected, _ = Predictor(predictor.path, backend=ONNX_RUNTIME).predict_array(columns)
    speed = columns[:, column_names().index("speed")]
    answers = predictions(run.outputs, run.status, speed, pd.RangeIndex(len(columns)))
    answers["difference"] = np.abs(run.outputs - expected)[:, ORDERED].max(axis=1)
    answers["instructions"] = run.instructions
    return answers if run.cycles is None else answers.assign(cycles=run.cycles)


def _told(answers: pd.DataFrame, clock_mhz: float) -> dict[str, object]:
    from acc_decel.ecu import PERIOD, deadline_utilisation  # noqa: PLC0415

    refused = answers["status"] & REFUSED != 0
    told: dict[str, object] = {
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
        told |= {"cycles_max": int(answers["cycles"].max()), "cycles_mean": float(answers["cycles"].mean())}
        told |= {"deadline_utilisation_max": float(use.max()), "deadline_utilisation_mean": float(use.mean())}
        told |= {"deadlines_missed": int((use > 1).sum())}
    return told


def _print(told: Mapping[str, Any]) -> None:
    for name in ("target", "number_format", "ticks", "seconds", "answered", "refused", "instructions_max"):
        say(f"{name}: {told[name]}")
    say(f"max_abs_difference: {told['max_abs_difference']:.2e}")
    for status in told["statuses"]:
        say(f"{status['ticks']} ticks: {status['text']}")
    if told["cycles_max"] is None:
        say(f"deadline: not known, because no manual gives the cycles of an instruction of the {told['target']}")
        return
    say(f"cycles: {told['cycles_max']} at most, {told['cycles_mean']:.0f} in the mean (estimate)")
    say(
        f"deadline of {told['period_s']:g} s at {told['clock_mhz']:g} MHz: {told['deadline_utilisation_max']:.2%} used "
        f"at most, {told['deadline_utilisation_mean']:.2%} in the mean, {told['deadlines_missed']} missed"
    )
