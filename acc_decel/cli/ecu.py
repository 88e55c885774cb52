"""`acc-decel ecu`: the exported C on an emulated core, event by event. Needs the extra [ecu]."""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd
import typer
from numpy import ndarray

from acc_decel import evaluation
from acc_decel.cli.flag_lines import flag_cells, flag_summary, with_flags
from acc_decel.cli.options import (
    CLOCK_MHZ,
    Build,
    Factors,
    Input,
    Json,
    Keep,
    Model,
    NumberFormat,
    Output,
    check_clock,
    check_output,
    events_of,
    option_name,
)
from acc_decel.cli.terminal import print_json, print_table, say, say_written, write_table
from acc_decel.export import firmware_files, golden_events, write_firmware
from acc_decel.factors import column_names
from acc_decel.model_folder import DEFAULT_MODEL, folder_of, read_model
from acc_decel.outputs import MEDIAN, ORDERED
from acc_decel.predictor import ANSWERS, ONNX_RUNTIME, Predictor, columns_of, predictions, refusal, where
from acc_decel.status import REFUSED

if TYPE_CHECKING:
    from acc_decel.ecu import EcuReport, QemuReport

COLUMNS = ("vehicle", "onnx_deceleration", "difference")  # of the answers, beside those of every prediction
SHOWN = 50  # rows of the table on the screen
CORES = (
    "cortex-m4f, cortex-m7, cortex-m3, cortex-m0, rv32imfc or rv32ic; with --emulator qemu cortex-m4f, cortex-m7, "
    "cortex-m3, cortex-m33, cortex-m55, cortex-m55-helium, cortex-r5f or cortex-r5f-arm"
)
UNICORN, QEMU = EMULATORS = ("unicorn", "qemu")


def ecu(
    factors: Factors,
    model: Model = DEFAULT_MODEL,
    input_file: Input = None,
    output_file: Output = None,
    keep: Keep = None,
    tests: Annotated[bool, typer.Option("--tests", help="run the published braking tests, each on its model")] = False,
    core: Annotated[str, typer.Option(help=CORES)] = "cortex-m4f",
    number_format: NumberFormat = "float",
    emulator: Annotated[
        str,
        typer.Option(help="unicorn (compiled by zig, with costs) or qemu (compiled by Arm's GCC), a second opinion"),
    ] = UNICORN,
    build: Build = None,
    clock_mhz: Annotated[
        float | None, typer.Option(help="clock of the core [MHz], for the time of a prediction", show_default="80")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the exported C on an emulated Cortex-M, event by event, beside ONNX Runtime.

    The firmware of the model is exported, cross-compiled and executed instruction by instruction. Prints what the core
    answers, how far that is from ONNX Runtime, and what a prediction costs in instructions, cycles, time, flash, RAM
    and stack. With --emulator qemu another compiler and another emulator answer instead, both Debian packages, and the
    command counts the events whose answers differ in any bit from those of the first. QEMU has cores that the first
    has not: Cortex-M33, M55 (with its vector unit: helium) and R5F (Thumb, and Arm instructions); their answers are
    compared with those of the Cortex-M4F. A drive over time is for `acc-decel replay`. Needs the extra [ecu].

        acc-decel ecu --speed 33.3 --surface ice
        acc-decel ecu --input events.csv --output answers.csv
        acc-decel ecu --speed 33.3 --core cortex-m3 --format fixed
        acc-decel ecu --tests --emulator qemu
        acc-decel ecu --speed 33.3 --emulator qemu --core cortex-r5f
    """
    if emulator not in EMULATORS:
        raise ValueError(f"The emulator must be one of {', '.join(EMULATORS)}. Got {emulator!r}.")
    if emulator == QEMU and clock_mhz is not None:
        raise ValueError(f"--clock-mhz is for costs, which {QEMU} does not count. Got {clock_mhz:g}: leave it out.")
    clock_mhz = check_clock(CLOCK_MHZ if clock_mhz is None else clock_mhz)
    check_output(output_file, input_file, table=True)
    check_output(build, output_file, option="--build", folder=True)
    chosen = Predictor(model)
    if tests:
        _refuse_beside_tests(
            {"--input": input_file, "--keep": keep} | {option_name(name): factors[name] for name in factors}
        )
        rows = evaluation.with_vehicles(evaluation.published_tests(), (model,))
        vehicles, predictors = evaluation.vehicles_of(rows), evaluation.load_predictors(rows, (model,))
        ranges = {name: predictor.factors for name, predictor in predictors.items()}
        events, extra = evaluation.factors_of(rows, ranges), rows[["name"]]
    else:
        events, extra = events_of(factors, input_file, keep, (*ANSWERS, *COLUMNS))
        vehicles, predictors = pd.Series(chosen.vehicle, events.index), {chosen.vehicle: chosen}
    parts: list[pd.DataFrame] = []
    reports: dict[object, EcuReport | QemuReport] = {}
    for vehicle, rows_of_vehicle in events.groupby(vehicles, sort=False):
        part, reports[vehicle] = _answer(
            predictors[str(vehicle)], rows_of_vehicle, core, number_format, emulator, build
        )
        parts.append(part.assign(vehicle=vehicle))
    answers = pd.concat([extra, pd.concat(parts).loc[events.index]], axis=1)
    costs = asdict(reports.get(chosen.vehicle) or next(iter(reports.values())))
    costs |= {"predictions": len(answers), "max_abs_difference": float(answers["difference"].max())}
    if "unlike_unicorn" in costs:
        costs["unlike_unicorn"] = sum(asdict(report)["unlike_unicorn"] for report in reports.values())
    cycles = costs.get("cycles")
    if cycles is not None:
        costs |= {"clock_mhz": clock_mhz, "time_us": cycles / clock_mhz}
    if output_file is not None:
        write_table(answers, output_file)
    if as_json:
        print_json(costs | {"answers": with_flags(answers)})
        return
    _print_answers(answers, costs)
    say_written(output_file, f"{len(answers)} answers")
    say(flag_summary(answers["status"], "tests" if tests else "events"))


def _refuse_beside_tests(others: Mapping[str, object]) -> None:
    """Raise ValueError if an option was given that has no effect on the published tests."""
    if given := [option for option, value in others.items() if value is not None]:
        raise ValueError(
            f"--tests runs the published tests and takes no other events. Got also {', '.join(given)}: leave "
            "them, or --tests, out."
        )


def _answer(
    predictor: Predictor, events: pd.DataFrame, core: str, number_format: str, emulator: str, build: Path | None
) -> "tuple[pd.DataFrame, EcuReport | QemuReport]":
    """Answers of the emulated core, ONNX Runtime's median and the maximum difference of the decelerations."""
    net, _ = read_model(folder_of(predictor.path))
    columns = columns_of(events, predictor.factors)
    with tempfile.TemporaryDirectory() as folder:
        golden = golden_events(net.factors)
        files = firmware_files(net, model=predictor.vehicle, golden=golden, number_format=number_format)
        write_firmware(Path(folder), files)
        run = _on_qemu if emulator == QEMU else _on_unicorn
        outputs, status, report = run(Path(folder), columns, core, build)
    if (refused := np.flatnonzero(status & REFUSED)).size:
        first = int(refused[0])
        raise ValueError(refusal(predictor.factors, columns[first], int(status[first]), where(events.index, first)))
    expected, _ = Predictor(predictor.path, backend=ONNX_RUNTIME).predict_array(columns)
    answers = predictions(outputs, status, columns[:, column_names().index("speed")], events.index)
    difference = np.abs(outputs - expected)[:, ORDERED].max(axis=1)
    return answers.assign(onnx_deceleration=expected[:, MEDIAN], difference=difference), report


def _on_unicorn(folder: Path, columns: ndarray, core: str, build: Path | None) -> "tuple[ndarray, ndarray, EcuReport]":
    from acc_decel.ecu import CortexM, check_passed  # noqa: PLC0415 - the extra [ecu] is asked for only here

    ecu = CortexM(folder, core=core, build=build)
    check_passed(ecu.self_test(), core)
    return *ecu.predict_array(columns), ecu.report(columns)


def _on_qemu(folder: Path, columns: ndarray, core: str, build: Path | None) -> "tuple[ndarray, ndarray, QemuReport]":
    from acc_decel.ecu import CortexM, QemuEcu  # noqa: PLC0415 - the extra [ecu] is asked for only here

    ecu = QemuEcu(folder, core=core, build=build)
    answers = ecu.predict_array(columns)
    return *answers, ecu.report(answers, CortexM(folder, core=ecu.twin, build=build).predict_array(columns))


def _print_answers(answers: pd.DataFrame, costs: dict[str, object]) -> None:
    shown = answers.head(SHOWN)
    shown_names = shown.get("name", shown.index)
    print_table(
        f"on the emulated {costs['target']}, beside ONNX Runtime: deceleration [m/s^2]",
        ("event", "model", "lower", "median", "upper", "ONNX median", "difference", "stops in [m]", "status"),
        [
            (
                str(name),
                str(row["vehicle"]),
                *(f"{row[n]:.4f}" for n in ("deceleration_lower", "deceleration", "deceleration_upper")),
                f"{row['onnx_deceleration']:.4f}",
                f"{row['difference']:.1e}",
                f"{row['stopping_distance']:.1f}",
                flag,
            )
            for name, row, flag in zip(shown_names, shown.to_dict("records"), flag_cells(shown["status"]), strict=True)
        ],
    )
    if len(answers) > SHOWN:
        say(f"... and {len(answers) - SHOWN} more")
    for name, value in costs.items():
        say(f"{name}: {_cost(name, value)}")


def _cost(name: str, value: object) -> str:
    """A cost for people; None is what no manual says."""
    if value is None and name.endswith("_outside"):
        return "not measured: no event is outside the trained domain, or no manual gives the cycles of an instruction"
    if value is None:
        return "not known, because no manual gives the cycles of an instruction"
    if name == "max_abs_difference":
        return f"{value:.2e}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
