"""`acc-decel compile`: the firmware of models as libraries of this machine."""

from typing import Annotated

import typer

from acc_decel.cli.options import Json
from acc_decel.cli.terminal import print_json, print_table
from acc_decel.model_folder import released_models
from acc_decel.predictor import C, Predictor


def compile(
    models: Annotated[list[str] | None, typer.Argument(help="released models or model folders; all released")] = None,
    as_json: Json = False,
) -> None:
    """Compile the firmware of models for this machine: predictions are quicker, and the same bits as on an ECU.

    Needs a C compiler: the extra [ecu], or cc. The libraries are kept in the user's cache folder; whatever predicts
    with these models takes them from there.

        acc-decel compile
        acc-decel compile models/my_car
    """
    libraries = [(name, str(Predictor(name, backend=C).library)) for name in models or released_models()]
    if as_json:
        print_json({"libraries": dict(libraries)})
    else:
        print_table("compiled for this machine", ("model", "library"), libraries)
