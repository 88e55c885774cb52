"""`acc-decel can dbc`: the description of the bus, for every CAN tool."""

from pathlib import Path
from typing import Annotated

import typer

from acc_decel.cli.can.options import Model, read_net
from acc_decel.cli.options import check_output
from acc_decel.cli.terminal import say, say_written
from acc_decel.files import atomic_write
from acc_decel.integration.can import bus_load, bus_of, dbc_text
from acc_decel.model_folder import DEFAULT_MODEL


def dbc(
    model: Model = DEFAULT_MODEL,
    output: Annotated[Path, typer.Option(help="DBC file to write")] = Path("acc_decel.dbc"),
) -> None:
    """Write the CAN messages of the predictor as a DBC: its factors as received, its answers as sent.

    Everything is computed from the factors: which message carries which signal, its bits, steps and range, which is
    wider than what is accepted, so that a value out of range is told and not clipped. All ones mean not available
    (SNA), one less an error of the sender. Each message has a counter and a CRC of E2E profile 1. The layout is that
    of every car; the comments name the range of mass of this one.

        acc-decel can dbc compact --output acc_decel.dbc
    """
    check_output(output)
    net, car = read_net(model)
    bus = bus_of(net.factors)
    with atomic_write(output) as temporary:
        temporary.write_text(dbc_text(bus, model=car), "ascii")
    signals = sum(len(message.signals) for message in bus.messages)
    say(
        f"{len(bus.inputs)} messages to the predictor, {len(bus.outputs)} from it, {signals} signals; at worst "
        f"{bus_load(bus.inputs):.1%} and {bus_load(bus.outputs):.1%} of a bus with 500 kbit/s"
    )
    say_written(output, "description")
