"""`acc-decel verify`: proofs of what a model can do and cannot. Needs the extra [train]."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from acc_decel.cli.terminal import print_json, print_table, progress_console, say
from acc_decel.model_folder import DEFAULT_MODEL, folder_of, read_metrics

if TYPE_CHECKING:
    from acc_decel.assurance import ProvenModel

VERDICTS = {True: "passed", False: "FAILED", None: "not made"}


def verify(
    model: Annotated[str, typer.Argument(help="released model or model folder")] = DEFAULT_MODEL,
    vehicle: Annotated[str | None, typer.Option(help="TOML file of the vehicle, if it is not a shipped one")] = None,
    write: Annotated[bool, typer.Option("--write", help="write proof.json into the model's folder")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print for a program")] = False,
) -> None:
    """Prove a model: files, finite arithmetic, monotonicity, the range of every output, and the physical envelope.

    Monotonicity is proven for all inputs, in the arrays and in the ONNX graph. Ranges are bounds that no accepted input
    passes, with an input that comes as near as it says. Exit status 1 if a proof fails. The same model gives the same
    proof.json. Needs the extra [train].

        acc-decel verify models/suv
    """
    from acc_decel.assurance import passed, prove, write_report  # noqa: PLC0415 - the extra [train]

    opened = _opened(model, vehicle)
    with Progress(TextColumn("{task.description}"), TimeElapsedColumn(), console=progress_console) as progress:
        task = progress.add_task("proving", total=None)

        def show(name: str) -> None:
            progress.update(task, description=f"proving: {name}")

        results = list(prove(opened, on_proof=show))
    if as_json:
        print_json({"passed": passed(results), "proofs": results})
    else:
        rows = [(p.name, VERDICTS[p.passed], f"{p.seconds:.2f}", p.detail) for p in results]
        print_table(str(model), ("proof", "verdict", "seconds", "what it says"), rows)
    if write:
        path = write_report(opened, results)
        if not as_json:
            say(f"report in {path}")
    if not passed(results):
        raise typer.Exit(1)


def _opened(model: str, vehicle: str | None) -> "ProvenModel":
    """The model and its vehicle: the one that is given, or the shipped one of its name."""
    from acc_decel import physics  # noqa: PLC0415
    from acc_decel.assurance import open_model  # noqa: PLC0415
    from acc_decel.predictor import Predictor  # noqa: PLC0415

    folder = folder_of(model)
    if vehicle is not None:
        car = physics.vehicle(vehicle)
        physics.check_trained_for(car, read_metrics(folder)["dataset"], vehicle)
        return open_model(folder, car)
    name = Predictor(folder).vehicle
    return open_model(folder, physics.vehicle(name) if name in physics.vehicle_names() else None)
