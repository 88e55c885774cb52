"""`acc-decel fmu`: a model as a Functional Mock-up Unit. Needs the extra [fmu]."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from acc_decel.cli.options import NumberFormat, check_output, model_file_paths
from acc_decel.cli.terminal import progress_bar, say
from acc_decel.correction import Correction, read_correction
from acc_decel.files import replace_files
from acc_decel.model_folder import DEFAULT_MODEL, ONNX, folder_of, read_model

SUFFIX, SECOND = ".fmu", "_fmi3"


def fmu(
    model: Annotated[str, typer.Argument(help="released model or model folder")] = DEFAULT_MODEL,
    output: Annotated[Path, typer.Option(help="file to write, ending in .fmu")] = Path("acc_decel.fmu"),
    fmi: Annotated[
        int | None,
        typer.Option(help="2 or 3; both if not given: OUTPUT is of FMI 2.0, OUTPUT_fmi3 of FMI 3.0", min=2, max=3),
    ] = None,
    number_format: NumberFormat = "float",
    correction: Annotated[
        Path | None, typer.Option(help="JSON of `drives correct`: its parameters start with these values")
    ] = None,
) -> None:
    """Write a model as FMU for co-simulation, for Simulink, CarMaker, FMPy and other importers of FMI 2.0 or 3.0.

    The C of the ECU, with its sources and with libraries for Linux (x86-64, ARM), Windows and macOS, which zig compiles
    here; the first time takes a minute, and later a few seconds. The answers have the bits of the ECU.

        acc-decel fmu compact --output compact.fmu
        acc-decel fmu models/my_car --output my_car.fmu --fmi 3

    Inputs are the braking factors. Each optional one has a Boolean ..._available, which starts as false; surface and
    tyre kind are enumerations, 0 for unknown, or probabilities. Outputs are the decelerations, the delay, the stopping
    distances and the status. The documentation in the FMU is its what-if page, which runs the same C in a browser; it
    links the list of all variables. extra/acc_decel/example.csv has all inputs over time. The same model gives the same
    bytes. Needs the extra [fmu].
    """
    from acc_decel.cli.page_cars import firmware_of, fmu_page  # noqa: PLC0415 - a quick command line
    from acc_decel.integration.fmu import FMI_2, FMI_3, LIST, PLATFORMS, fmu_bytes  # noqa: PLC0415

    if output.suffix != SUFFIX:
        raise ValueError(f"--output must end in {SUFFIX}, as importers ask. Got {output}: give {output.name}{SUFFIX}.")
    paths = {FMI_2: output, FMI_3: output.with_name(f"{output.stem}{SECOND}{SUFFIX}")} if fmi is None else {fmi: output}
    folder = folder_of(model)
    for path in paths.values():
        check_output(path, correction, *model_file_paths(folder))
    net, metrics = read_model(folder)
    own = read_correction(correction, model=folder / ONNX).correction if correction else Correction()
    name = str(metrics["vehicle"])
    firmware = firmware_of(net, name, number_format)
    page = fmu_page(
        net,
        name,
        firmware,
        model=folder.resolve().name,  # not its path, which is of this machine
        variables=Path(LIST).name,
        number_format=number_format,
        correction=own,
    )
    with progress_bar() as progress:
        task = progress.add_task("compiling", total=len(paths) * len(PLATFORMS))
        done = partial(progress.advance, task)
        export = partial(fmu_bytes, net, model=name, firmware=firmware, correction=own, page=page, done=done)
        files = {path.name: export(fmi=version) for version, path in paths.items()}
    replace_files(output.parent, files)
    for version, path in paths.items():
        say(f"{name}: FMI {version}.0, {len(files[path.name]) / 1000:.0f} kB, {path}")
