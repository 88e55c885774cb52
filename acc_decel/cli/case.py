"""`acc-decel case`: a safety case of a model and its exported firmware."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from acc_decel.cli.options import Json, check_output
from acc_decel.cli.terminal import print_json, progress_console, say
from acc_decel.model_folder import DEFAULT_MODEL, folder_of


def case(
    model: Annotated[str, typer.Argument(help="released model or model folder")] = DEFAULT_MODEL,
    firmware: Annotated[Path, typer.Option(help="folder of its exported firmware, with evidence.json")] = Path(
        "firmware_export"
    ),
    output: Annotated[Path, typer.Option(help="folder for case.md and case.svg")] = Path("case"),
    as_json: Json = False,
) -> None:
    """Write a safety case: each claim with its measured value against its bar, and what stays with the integrator.

    case.md and its picture case.svg (GSN) are made from proof.json and metrics.json of the model, and evidence.json of
    the firmware, which must belong together. Each claim says its file and key, and the command that repeats it.
    Assumptions of use, triggering conditions, residuals and a checklist of the integrator's obligations follow. Exit
    status 1 if a bar is missed: page and picture are written and show it. The same evidence gives the same bytes.

        acc-decel case compact --firmware firmware_export --output case
    """
    from acc_decel.integration import safety_case  # noqa: PLC0415

    check_output(output, folder=True)
    if output.resolve() in (firmware.resolve(), folder_of(model).resolve()):
        raise ValueError(f"--output must be a folder of its own. Got {output}, which is read: choose another folder.")
    safety_case.check_replaceable(output)
    with Progress(TextColumn("{task.description}"), TimeElapsedColumn(), console=progress_console) as progress:
        task = progress.add_task("checking", total=None)
        documents = safety_case.read_documents(
            model, firmware, on_check=lambda what: progress.update(task, description=f"checking {what}")
        )
        progress.update(task, description="writing")
        judged = safety_case.judge(documents)
        safety_case.write_case(output, judged)
    missed = judged.with_verdict(safety_case.MISSED)
    if as_json:
        print_json({"model": documents.model, "evidence": documents.digest, "claims": list(safety_case.rows(judged))})
    else:
        say(f"{documents.model}: {safety_case.summary(judged)}")
        for claim in missed:
            say(f"MISSED {claim.number} {claim.claim}: {claim.value}, bar: {claim.bar} ({claim.file}: {claim.path})")
        say(f"{output / 'case.md'} and {output / 'case.svg'}")
    if missed:
        raise typer.Exit(1)
