"""`acc-decel export`: a model as C for an ECU."""

from pathlib import Path
from typing import Annotated

import typer

from acc_decel.cli.options import Prefix, check_output
from acc_decel.cli.terminal import say, warn
from acc_decel.model_folder import folder_of


def export(
    model: Annotated[str, typer.Argument(help="released model or model folder")] = "compact",
    output: Annotated[Path, typer.Option(help="folder for the firmware")] = Path("firmware_export"),
    number_format: Annotated[
        str, typer.Option("--format", help="float; fixed without FPU; shift without multiplier")
    ] = "float",
    prefix: Prefix = None,
) -> None:
    """Write a model as C for an ECU: acc_decel.c, acc_decel.h, generated tables, self-test and golden vectors.

    The C is C99 without heap, static data or library calls; README.md in the folder says how to use it. Everything is
    checked before the first file is written, and the same model gives the same bytes. sbom.cdx.json says what the
    export is made of (CycloneDX 1.6, with a card of the model), and `sha256sum -c SHA256SUMS` checks its files.

        acc-decel export models/suv --output firmware_suv
        acc-decel export compact --format fixed --output firmware_cortex_m3
        acc-decel export suv --prefix trailer --output firmware_trailer
    """
    check_output(output, folder=True)
    from acc_decel.export import firmware_files, golden_events, write_firmware  # noqa: PLC0415
    from acc_decel.integration.bill_of_materials import with_bill  # noqa: PLC0415
    from acc_decel.model_folder import read_files, read_model  # noqa: PLC0415

    net, metrics = read_model(folder := folder_of(model))
    if output.resolve() == folder.resolve():
        raise ValueError(f"--output must not be the folder of the model. Got {output}: choose another folder.")
    files = firmware_files(
        net,
        model=str(metrics["vehicle"]),
        golden=golden_events(net.factors),
        number_format=number_format,
        prefix=prefix,
    )
    files = with_bill(files, net, metrics, read_files(folder))
    measured = output / "EVIDENCE.md"
    before = {path.name: path.read_bytes() for path in output.glob("*.[ch]")} if measured.is_file() else {}
    write_firmware(output, files)
    if before and before != {path.name: path.read_bytes() for path in output.glob("*.[ch]")}:
        warn(
            f"{measured} tells of the firmware before: run `acc-decel evidence {output}`"
            if measured.is_file()
            else f"{measured} and evidence.json were of another model: deleted"
        )
    say(f"{metrics['vehicle']}: {net.weights} weights, {len(files)} files in {output}")
