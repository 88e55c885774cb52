"""`acc-decel autosar`: a software component for AUTOSAR Classic. Needs the extra [autosar]."""

from pathlib import Path
from typing import Annotated

import typer

from acc_decel.cli.options import NumberFormat, Prefix, check_output
from acc_decel.cli.terminal import say
from acc_decel.model_folder import folder_of


def autosar(
    model: Annotated[str, typer.Argument(help="released model or model folder")] = "compact",
    output: Annotated[Path, typer.Option(help="folder for the component")] = Path("swc"),
    number_format: NumberFormat = "float",
    port_prefix: Annotated[str | None, typer.Option(help="begin the name of every port with this")] = None,
    prefix: Prefix = None,
) -> None:
    """Write a model as a software component of AUTOSAR Classic: AccDecel.arxml, AccDecel.c and the firmware.

    One port for each factor, one for the answer, one for the parameters of the correction; a runnable at start-up and
    one every 10 ms. What the RTE delivers with another result than RTE_E_OK is not available. It is a place to start
    from: a project has port names, maximum ages and memory sections of its own. Needs the extra [autosar].

        acc-decel autosar compact --output swc
        acc-decel autosar compact --port-prefix Dec_ --output swc_dec
    """
    check_output(output, folder=True)
    from acc_decel.export import write_firmware  # noqa: PLC0415 - the command line starts without the network
    from acc_decel.integration.autosar import autosar_files  # noqa: PLC0415 - the extra is needed only here
    from acc_decel.model_folder import read_model  # noqa: PLC0415

    net, metrics = read_model(folder_of(model))
    files = autosar_files(
        net,
        model=str(metrics["vehicle"]),
        number_format=number_format,
        port_prefix=port_prefix or "",
        prefix=prefix,
    )
    write_firmware(output, files)
    say(f"{metrics['vehicle']}: {len(files)} files in {output}")
