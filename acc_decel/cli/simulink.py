"""`acc-decel simulink`: a folder with all that a C Caller block needs."""

from pathlib import Path
from typing import Annotated

import typer

from acc_decel.cli.options import Prefix, check_output
from acc_decel.cli.terminal import say
from acc_decel.model_folder import folder_of


def simulink(
    model: Annotated[str, typer.Argument(help="released model or model folder")] = "compact",
    output: Annotated[Path, typer.Option(help="folder for source, header and script")] = Path("simulink_block"),
    prefix: Prefix = None,
) -> None:
    """Write a model as a C Caller block for Simulink: one source, a header with flat structs, and a script.

    The script acc_decel_add_block.m adds source, header and block to an open model. A mask of 32 bits says which
    factors are known; the status comes as two masks and bytes, so neither NaN nor a 64-bit integer crosses the block.
    The C is tested; the script was never run, because no MATLAB was at hand.

        acc-decel simulink compact --output simulink_block
        acc-decel simulink suv --prefix suv --output simulink_suv
    """
    check_output(output, folder=True)
    from acc_decel.export import write_firmware  # noqa: PLC0415 - the command line starts without the network
    from acc_decel.integration.simulink import simulink_files  # noqa: PLC0415
    from acc_decel.model_folder import read_model  # noqa: PLC0415

    net, metrics = read_model(folder_of(model))
    files = simulink_files(net, model=str(metrics["vehicle"]), prefix=prefix)
    write_firmware(output, files)
    say(f"{metrics['vehicle']}: {len(files)} files in {output}")
