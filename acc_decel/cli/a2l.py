"""`acc-decel a2l`: what a calibration tool watches and sets."""

from pathlib import Path
from typing import Annotated

import typer

from acc_decel.cli.options import Prefix, check_output
from acc_decel.cli.terminal import say
from acc_decel.model_folder import folder_of


def a2l(
    model: Annotated[str, typer.Argument(help="released model or model folder")] = "compact",
    output: Annotated[Path, typer.Option(help="A2L file; the C is written beside it")] = Path("acc_decel.a2l"),
    prefix: Prefix = None,
) -> None:
    """Write an A2L template for a calibration tool, and the C behind its names.

    To watch: every factor, the answer before and after the correction, the status as masks and bytes, with units,
    limits and value tables. To set: the correction's scale, bias and lower offset. Compile acc_decel_measured.c, which
    is written beside the A2L file, with the export of the same model and -g; then let a2ltool fill in the addresses,
    which are 0 in the template: acc_decel_measured.h has the command.

        acc-decel a2l compact --output template.a2l
        acc-decel a2l suv --prefix trailer --output trailer.a2l
    """
    check_output(output)
    if output.suffix != ".a2l":
        raise ValueError(f"--output must end in .a2l. Got {output}: give another name.")
    from acc_decel.integration.a2l import a2l_files  # noqa: PLC0415 - the command line starts without the network
    from acc_decel.integration.writing import write_generated  # noqa: PLC0415
    from acc_decel.model_folder import read_model  # noqa: PLC0415

    net, metrics = read_model(folder_of(model))
    files = a2l_files(net, model=str(metrics["vehicle"]), name=output.name, prefix=prefix)
    write_generated(output.parent, files)
    say(f"{metrics['vehicle']}: {', '.join(files)} in {output.parent}")
