"""`acc-decel ecu`: the exported C on an emulated core, event by event. Needs the extra [ecu]."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd
import typer
from numpy import ndarray

from acc_decel import evaluation
from acc_decel.cli.options import Build, Core, Factors, Input, Json, Keep, Model, NumberFormat, Output, events_of
from acc_decel.cli.terminal import print_json, print_table, say, write_table
from acc_decel.export import firmware_files, golden_events, write_firmware
from acc_decel.factors import column_names
from acc_decel.model_folder import DEFAULT_MODEL, folder_of, read_model
from acc_decel.outputs import MEDIAN, ORDERED
from acc_decel.predictor import ONNX_RUNTIME, Predictor, columns_of, predictions, refusal, where
from acc_decel.status import REFUSED

if TYPE_CHECKING:
    from acc_decel.ecu import EcuReport, QemuReport

SHOWN = 50  # rows of the table on the screen
UNICORN, QEMU = EMULATORS = ("unicorn", "qemu")


def ecu(
    factors: Factors,
    model: Model = DEFAULT_MODEL,
    input_file: Input = None,
    output_file: Output = None,
    keep: Keep = None,
    tests: Annotated[bool, typer.Option("--tests", help="run the published braking tests, each on its model")] = False,
    core: Core = "cortex-m4f",
    number_format: NumberFormat = "float",
    emulator: Annotated[
        str,
        typer.Option(help="unicorn (compiled by zig, with costs) or qemu (compiled by Arm's GCC), a second opinion"),
    ] = UNICORN,
    build: Build = None,
    as_json: Json = False,
) -> None:
    """Run the exported C on an emulated Cortex-M, event by event, beside ONNX Runtime.

    The firmware of the model is exported, cross-compiled and executed instruction by instruction. Prints what the core
    answers, how far that is from ONNX Runtime, and what a prediction costs in instructions, cycles, flash, RAM and
    stack. With --emulator qemu another compiler and another emulator answer instead, both Debian packages, and the
    command counts the events whose answers differ in any bit from those of the first. A drive over time is for
    `acc-decel replay`. Needs the extra [ecu].

        acc-decel ecu --speed 33.3 --brake-pressure-bar 160 --surface ice
        acc-decel ecu --input events.csv --output answers.csv
        acc-decel ecu --speed 33.3 --brake-pressure-bar 160 --core cortex-m3 --format fixed
        acc-decel ecu --tests --emulator qemu
    """
    if emulator not in EMULATORS:
        raise ValueError(f"The emulator must be one of {', '.join(EMULATORS)}. Got {emulator!r}.")
    chosen = Predictor(model)
    if tests:
        rows = evaluation.published_tests()
        events, extra = evaluation.factors_of(rows), rows[["name"]]
        vehicles, predictors = evaluation.vehicles_of(rows), evaluation.load_predictors(rows, (model,))
    else:
        events, extra = events_of(factors, input_file, keep)
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
    if as_json:
        print_json(costs | {"answers": answers})
    else:
        _print_answers(answers, costs)
    if output_file is not None:
        write_table(answers, output_file)


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
    from acc_decel.ecu import CortexM  # noqa: PLC0415 - the extra [ecu] is asked for only here

    ecu = CortexM(folder, core=core, build=build)
    return *ecu.predict_array(columns), ecu.report(columns)


def _on_qemu(folder: Path, columns: ndarray, core: str, build: Path | None) -> "tuple[ndarray, ndarray, QemuReport]":
    from acc_decel.ecu import CortexM, QemuEcu  # noqa: PLC0415 - the extra [ecu] is asked for only here

    ecu = QemuEcu(folder, core=core, build=build)
    answers = ecu.predict_array(columns)
    return *answers, ecu.report(answers, CortexM(folder, core=core, build=build).predict_array(columns))


def _print_answers(answers: pd.DataFrame, costs: dict[str, object]) -> None:
    named = answers.get("name", answers.index)
    print_table(
        f"on the emulated {costs['target']}, beside ONNX Runtime: deceleration [m/s^2]",
        ("event", "model", "lower", "median", "upper", "ONNX median", "difference", "stops in [m]"),
        [
            (
                str(name),
                str(row["vehicle"]),
                *(f"{row[n]:.4f}" for n in ("deceleration_lower", "deceleration", "deceleration_upper")),
                f"{row['onnx_deceleration']:.4f}",
                f"{row['difference']:.1e}",
                f"{row['stopping_distance']:.1f}",
            )
            for name, row in list(zip(named, answers.to_dict("records"), strict=True))[:SHOWN]
        ],
    )
    if len(answers) > SHOWN:
        say(f"... and {len(answers) - SHOWN} more")
    for name, value in costs.items():
        say(f"{name}: {value:.2e}" if name == "max_abs_difference" else f"{name}: {value}")
