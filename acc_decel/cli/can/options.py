"""What the commands for a CAN bus share: their options, the model, and its task in a folder of its own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from numpy import ndarray

from acc_decel.cli.terminal import say
from acc_decel.export import write_firmware
from acc_decel.integration.can import Bus, bus_of, dbc_text, task_files
from acc_decel.model_folder import folder_of, read_model
from acc_decel.network import DenseNet
from acc_decel.predictor import Given, Predictor, columns_of

Model = Annotated[str, typer.Argument(help="released model or model folder")]
BusName = Annotated[str, typer.Option("--bus", help="virtual, udp_multicast or socketcan")]
Channel = Annotated[
    str | None,
    typer.Option(help="group address or device of the bus", show_default="239.74.163.2, vcan0"),
]
CanCore = Annotated[str, typer.Option(help="host, or an emulated core: cortex-m4f, cortex-m3, ... as for ecu")]
ORDINARY: dict[str, Given] = {"speed": 30.0, "surface": "asphalt", "water_film_mm": 0.0}  # if no factor is given


def read_net(model: str) -> tuple[DenseNet, str]:
    """The network of a model and the name of its car. Raises ValueError if the folder is not as it was written."""
    net, metrics = read_model(folder_of(model))
    return net, str(metrics["vehicle"])


def event_columns(model: str, factors: dict[str, Given]) -> ndarray:
    """The columns of one event: of the factors that were given, or of an ordinary one. Raises ValueError if refused."""
    predictor = Predictor(model)
    event = factors or ORDINARY
    predictor.predict(pd.DataFrame([event]), on_refusal="raise")  # a sentence for what is out of range or missing
    return columns_of(event, predictor.factors)[0]


@contextmanager
def task_folder(model: str, number_format: str) -> Iterator[tuple[Path, Bus, str]]:
    """A folder with the firmware and the CAN task of a model, its bus, and the text of its DBC."""
    net, car = read_net(model)
    bus = bus_of(net.factors)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary) / "task"
        write_firmware(folder, task_files(net, model=car, number_format=number_format))
        yield folder, bus, dbc_text(bus, model=car)


def say_costs(costs: dict[str, Any]) -> None:
    """What the task costs on the core, in words."""
    cycles = "" if costs["cycles"] is None else f" ({costs['cycles']} cycles, estimated)"
    say(
        f"a tick on the {costs['core']}: {costs['instructions']} instructions{cycles}, "
        f"{costs['instructions_outside']} outside the trained domain, {costs['instructions_refused']} if it is refused"
    )
    say(
        f"acc_decel_can.c: {costs['flash_bytes']} bytes of flash, {costs['static_ram_bytes']} of static RAM; state "
        f"{costs['state_bytes']} bytes; stack of a tick {costs['stack_bytes']} bytes"
    )
