"""`acc-decel info`: what a model file is."""

import json
from typing import Annotated

import typer

from acc_decel.cli.options import Json
from acc_decel.cli.terminal import print_json, print_table, say
from acc_decel.model_folder import DEFAULT_MODEL, METRICS
from acc_decel.outputs import OUTPUTS
from acc_decel.predictor import Predictor


def info(
    model: Annotated[str, typer.Argument(help="released model, model folder or ONNX file")] = DEFAULT_MODEL,
    as_json: Json = False,
) -> None:
    """Say what a model file is: vehicle, factors with ranges, outputs, what it was trained on, how accurate it is.

    The range of a factor is the range that the model was trained for. A factor that is optional may be missing: the
    interval is wider then.

        acc-decel info suv
    """
    predictor = Predictor(model)
    told: dict[str, object] = {key: _unfolded(text) for key, text in predictor.metadata.items()}
    told["schema"] = predictor.metadata["schema"]  # digits, which may look like a number
    metrics = predictor.path.parent / METRICS
    if metrics.is_file():
        told["metrics"] = json.loads(metrics.read_text())
    if as_json:
        print_json({"file": str(predictor.path)} | told)
        return
    say(f"{predictor.path}: vehicle {predictor.vehicle}, factor schema {told['schema']}")
    print_table(
        "factors",
        ("factor", "range", "may lack", "deceleration"),
        [
            (f.name, f.choices or f.span, "yes" if f.may_lack else "no", _direction(f.direction, f.forced_while))
            for f in predictor.factors
        ],
    )
    print_table("outputs", ("output", "meaning"), OUTPUTS.items())
    for key in ("weights", "code_version", "dataset", "training"):
        say(f"{key}: {told.get(key)}")
    if metrics.is_file():
        found = json.loads(metrics.read_text())
        say(
            f"held out: {found['events']} events, RMSE {found['rmse']:.2f} m/s^2, "
            f"90 % interval covers {100 * found['coverage']:.1f} %"
        )


def _direction(direction: int, forced_while: str) -> str:
    word = {1: "rises", -1: "falls", 0: "-"}[direction]
    return f"{word} with {forced_while}" if forced_while else word


def _unfolded(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
