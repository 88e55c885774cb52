"""`acc-decel info`: what a model file is."""

import json
import tomllib
from importlib import resources
from typing import Annotated

import typer

from acc_decel.cli.options import Json
from acc_decel.cli.terminal import print_json, print_table, say
from acc_decel.model_folder import DEFAULT_MODEL, METRICS, released_models
from acc_decel.outputs import OUTPUTS
from acc_decel.predictor import Predictor


def info(
    model: Annotated[str, typer.Argument(help="released model, model folder or ONNX file")] = DEFAULT_MODEL,
    every: Annotated[
        bool, typer.Option("--all", help="list the released models instead: which car, which mass")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what a model file is: vehicle, factors with ranges, outputs, what it was trained on, how accurate it is.

    The range of a factor is the range that the model was trained for. A factor that is optional may be missing: the
    interval is wider then.

        acc-decel info suv
        acc-decel info --all
    """
    if every:
        _print_models(as_json=as_json)
        return
    predictor = Predictor(model)
    description: dict[str, object] = {key: _decoded(text) for key, text in predictor.metadata.items()}
    description["schema"] = predictor.metadata["schema"]  # digits, which may look like a number
    description["car"] = _car(predictor.vehicle)
    metrics = predictor.path.parent / METRICS
    if metrics.is_file():
        description["metrics"] = json.loads(metrics.read_text())
    if as_json:
        print_json({"file": str(predictor.path)} | description)
        return
    say(f"{predictor.path}: vehicle {predictor.vehicle}, factor schema {description['schema']}")
    say(f"car: {description['car']}")
    print_table(
        "factors",
        ("factor", "range", "optional", "deceleration"),
        [
            (f.name, f.choices or f.span, "yes" if f.optional else "no", _direction(f.direction, f.forced_while))
            for f in predictor.factors
        ],
    )
    print_table("outputs", ("output", "meaning"), OUTPUTS.items())
    for key in ("weights", "code_version", "dataset", "training"):
        say(f"{key}: {description.get(key)}")
    if isinstance(accuracy := description.get("metrics"), dict):
        say(
            f"held out: {accuracy['events']} events, RMSE {accuracy['rmse']:.2f} m/s^2, "
            f"90 % interval covers {100 * accuracy['coverage']:.1f} %"
        )


def _print_models(*, as_json: bool) -> None:
    """The released models: the car of each and the range of its mass [kg]."""
    rows = []
    for name, folder in released_models().items():
        mass = next(f for f in Predictor(folder).factors if f.name == "mass")
        rows.append({"model": name, "car": _car(name), "mass_low": mass.low, "mass_high": mass.high})
    if as_json:
        print_json({"models": rows})
        return
    table = [(str(r["model"]), f"{r['mass_low']:g} to {r['mass_high']:g}", str(r["car"])) for r in rows]
    print_table("released models", ("model", "mass [kg]", "car"), table)


def _car(vehicle: str) -> str:
    """What the shipped vehicle of this name is. Read from its file, because the physics needs the extra [train]."""
    path = resources.files("acc_decel") / "physics" / "vehicles" / f"{vehicle}.toml"
    if not path.is_file():
        return f"{vehicle}, a vehicle file of your own"
    return str(tomllib.loads(path.read_text())["description"])


def _direction(direction: int, forced_while: str) -> str:
    word = {1: "rises", -1: "falls", 0: "-"}[direction]
    return f"{word} with {forced_while}" if forced_while else word


def _decoded(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
