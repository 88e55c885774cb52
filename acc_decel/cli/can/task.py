"""`acc-decel can task`: a model as a C task on a CAN bus."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from acc_decel.cli.can.options import Model, event_columns, read_net, say_costs
from acc_decel.cli.options import NumberFormat, check_output
from acc_decel.cli.terminal import say
from acc_decel.export import write_firmware
from acc_decel.integration.can import bus_of, dbc_text, task_files
from acc_decel.model_folder import DEFAULT_MODEL, folder_of


def task(
    model: Model = DEFAULT_MODEL,
    output: Annotated[Path, typer.Option(help="folder for the C files")] = Path("can_task"),
    number_format: NumberFormat = "float",
    costs: Annotated[
        str | None, typer.Option(metavar="CORE", help="say what the task costs on an emulated core, as cortex-m4f")
    ] = None,
) -> None:
    """Write a model as a C task on a CAN bus: the firmware, acc_decel_can.c with its tables, and the DBC.

    The task takes received frames, checks length, CRC, counter and age, predicts every 10 ms and writes the frames that
    answer. It is C99 without heap and static data; acc_decel_can.h says how to call it. A folder with an earlier export
    of `acc-decel export` may be given: its files are replaced, the files of the task are added.

        acc-decel can task compact --output can_task
        acc-decel can task compact --format fixed --output can_task_cortex_m3
        acc-decel can task compact --output can_task --costs cortex-m4f

    --costs compiles and emulates what was written. It needs the extras [can] and [ecu].
    """
    check_output(output, folder=True)
    if costs is not None:
        from acc_decel.ecu.cores import core_named  # noqa: PLC0415 - the extra [ecu]

        core_named(costs)
    net, car = read_net(model)
    if output.resolve() == folder_of(model).resolve():
        raise ValueError(f"--output must not be the folder of the model. Got {output}: choose another folder.")
    files = task_files(net, model=car, number_format=number_format)
    write_firmware(output, files)
    say(f"{car}: {len(files)} files in {output}; begin with acc_decel_can.h")
    if costs is not None:
        from acc_decel.integration.can.costs import can_costs  # noqa: PLC0415 - the extras [can] and [ecu]

        bus = bus_of(net.factors)
        say_costs(asdict(can_costs(output, bus, dbc_text(bus, model=car), event_columns(model, {}), core=costs)))
