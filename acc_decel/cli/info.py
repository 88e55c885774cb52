"""`acc-decel info`: what a model file is."""

import json
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from acc_decel.cli.options import Json
from acc_decel.cli.terminal import print_json, print_table, say
from acc_decel.factors import Factor
from acc_decel.files import read_bounded
from acc_decel.model_folder import (
    DEFAULT_MODEL,
    MANIFEST,
    METRICS,
    ONNX,
    PROOF,
    check_model,
    find_model,
    made_for,
    read_json,
    released_as,
    released_models,
)
from acc_decel.network import StoredOnnx, factors_of, read_onnx
from acc_decel.outputs import OUTPUTS


def info(
    model: Annotated[
        str | None, typer.Argument(help="released model, model folder or ONNX file", show_default=DEFAULT_MODEL)
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="list the released models instead: which car, which mass")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what a model file is: vehicle, factors with ranges, outputs, what it was trained on, how accurate it is.

    The range of a factor is the range that the model was trained for. A factor that is optional may be missing: the
    interval is wider then. The files of a model's folder are checked: they are as written and belong together, they
    are those of a released model, or one is altered; then the exit status is 1.

        acc-decel info suv
        acc-decel info --all
    """
    if every:
        if model is not None:
            raise ValueError(f"--all lists the released models and takes no model. Got {model}: leave one of them out.")
        _print_models(as_json=as_json)
        return
    path = find_model(DEFAULT_MODEL if model is None else model)
    stored, fault = _checked(path)
    files = _files(path, fault)
    if stored is None:
        if as_json:
            print_json({"file": str(path), "files": files})
        else:
            say(f"{path}: {files['text']}")
        raise typer.Exit(1)
    description: dict[str, object] = {key: _decoded(text) for key, text in stored.metadata.items()}
    description["schema"] = stored.metadata["schema"]  # digits, which may look like a number
    description["car"] = _car(vehicle := stored.metadata.get("vehicle", ""), description.get("dataset"))
    if files["state"] == "checked":
        description["metrics"] = read_json(path.parent / METRICS)
    if as_json:
        print_json({"file": str(path), "files": files} | description)
    else:
        say(f"{path}: vehicle {vehicle}, factor schema {description['schema']}")
        say(f"files: {files['text']}")
        _print_description(factors_of(stored.metadata, path), description)
    if fault:
        raise typer.Exit(1)


def _print_description(factors: tuple[Factor, ...], description: dict[str, object]) -> None:
    """What a model is, for people."""
    say(f"car: {description['car']}")
    print_table(
        "factors",
        ("factor", "range", "optional", "deceleration"),
        [
            (f.name, f.choices or f.span, "yes" if f.optional else "no", _direction(f.direction, f.forced_while))
            for f in factors
        ],
    )
    print_table("outputs", ("output", "meaning"), OUTPUTS.items())
    for key in ("weights", "code_version", "dataset", "training"):
        say(f"{key}: {description.get(key)}")
    accuracy = description.get("metrics")
    if isinstance(accuracy, dict) and {"events", "rmse", "coverage"} <= accuracy.keys():
        say(
            f"held out: {accuracy['events']} events, RMSE {accuracy['rmse']:.2f} m/s^2, "
            f"90 % interval covers {100 * accuracy['coverage']:.1f} %"
        )


def _checked(path: Path) -> tuple[StoredOnnx | None, str | None]:
    """What the ONNX file of a model says, None if it is damaged, and what is wrong with its folder, None if nothing.

    Raises ValueError for a file without a model's folder that is no model.
    """
    try:
        return check_model(path), None
    except ValueError as error:
        if not (path.parent / MANIFEST).is_file():
            raise
        fault = str(error)
    try:
        stored = read_onnx(read_bounded(path))
        factors_of(stored.metadata, path)
    except (OSError, ValueError):
        return None, fault
    return stored, fault


def _files(path: Path, fault: str | None) -> dict[str, object]:
    """Whether the files of a model are what they were when it was written: for programs, and as a text."""
    folder, name = path.parent, None
    if fault:
        state, text = "altered", f"altered: {fault}"
    elif path.name != ONNX or not (folder / MANIFEST).is_file():
        state, text = "graph checked", "graph checked; there is no model's folder to check the rest with"
    elif name := released_as(folder):
        state, text = "checked", f"checked: the released model {name}, unaltered"
    else:
        state, text = "checked", "checked; not a released model"
    if state == "checked" and (folder / PROOF).is_file() and not _is_proven(folder):
        text += f"; its {PROOF} is of other files: `acc-decel verify --write`"
    return {"state": state, "released": name, "text": text}


def _is_proven(folder: Path) -> bool:
    """Whether the proof in a model's folder is of its files."""
    try:
        return read_json(folder / PROOF).get("sha256") == made_for(folder)
    except ValueError:
        return False


def _print_models(*, as_json: bool) -> None:
    """The released models: the car of each, the range of its mass [kg], and whether its files are as released."""
    rows = []
    for name, folder in released_models().items():
        stored, fault = _checked(folder / ONNX)
        files = "unaltered" if fault is None and released_as(folder) == name else "altered"
        factors = factors_of(stored.metadata, folder / ONNX) if stored else ()
        low, high = next(((f.low, f.high) for f in factors if f.name == "mass"), (None, None))
        rows.append({"model": name, "car": _car(name), "mass_low": low, "mass_high": high, "files": files})
    if as_json:
        print_json({"models": rows})
        return
    table = [(str(r["model"]), _span(r["mass_low"], r["mass_high"]), str(r["files"]), str(r["car"])) for r in rows]
    print_table("released models", ("model", "mass [kg]", "files", "car"), table)


def _span(low: object, high: object) -> str:
    return "unknown" if low is None else f"{low:g} to {high:g}"


def _car(vehicle: str, dataset: object = None) -> str:
    """What the shipped vehicle of this name is, unless the `dataset` of a model was of another vehicle.

    Read from its file, because the physics needs the extra [train]; the released model has the vehicle's hash.
    """
    path = resources.files("acc_decel") / "physics" / "vehicles" / f"{vehicle}.toml"
    if not vehicle.isidentifier() or not path.is_file():
        return f"{vehicle}, a vehicle file of your own"
    digest = dataset.get("vehicle_sha256") if isinstance(dataset, dict) else None
    if digest and (shipped := _shipped_digest(vehicle)) and digest != shipped:
        return f"{vehicle}, a vehicle file of your own with the name of a shipped vehicle"
    return str(tomllib.loads(path.read_text())["description"])


def _shipped_digest(vehicle: str) -> object:
    """The hash of the shipped vehicle of this name, from the released model of it; None if that is altered."""
    folder = released_models().get(vehicle)
    if folder is None or released_as(folder) is None:
        return None
    return read_json(folder / METRICS)["dataset"].get("vehicle_sha256")


def _direction(direction: int, forced_while: str) -> str:
    word = {1: "rises", -1: "falls", 0: "-"}[direction]
    return f"{word} with {forced_while}" if forced_while else word


def _decoded(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
