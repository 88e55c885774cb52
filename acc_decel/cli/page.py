"""`acc-decel page`: a what-if page of models, with the exported C in it."""

import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from acc_decel.cli.options import check_output
from acc_decel.cli.terminal import note, say
from acc_decel.files import atomic_write
from acc_decel.model_folder import folder_of, read_model, released_models

ALL = "all"


def page(
    models: Annotated[
        list[str] | None, typer.Argument(help="released models or model folders; all for every released model")
    ] = None,
    output: Annotated[Path, typer.Option(help="file of the page")] = Path("what_if.html"),
    vehicle: Annotated[
        list[str] | None, typer.Option(help="TOML file of a model that is of a car of your own; in the same order")
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="open the page in the browser")] = False,
) -> None:
    """Write a page on which anyone can try what a car can do: one HTML file, without a server, that loads nothing.

    The C of the ECU runs in it as WebAssembly, with the same bits, and passes its self-test first. Every factor has a
    slider and a switch for whether the car knows it. The page shows the deceleration with its quantiles, stopping
    distances beside an assumed constant, every warning of the status, lanes of cars that keep the gaps of different
    beliefs until the lead brakes, and the same call in Python, C and at the command line. Its address holds every
    value, so that what you see can be sent to others.

        acc-decel page --open
        acc-decel page compact suv --output two_cars.html
        acc-decel page my_model --vehicle my_car.toml

    A released model comes compiled; for another one this needs the extra [ecu], and [train] for the lane of the table
    by surface, which is tuned on stops of the vehicle.
    """
    check_output(output)
    from acc_decel.cli.page_cars import stored_setting  # noqa: PLC0415 - a quick command line
    from acc_decel.integration.page import page_html  # noqa: PLC0415

    names = _names(models or [ALL])
    cars = [_car(name, toml) for name, toml in zip(names, _vehicles(names, vehicle or []), strict=True)]
    content = page_html(cars, stored_setting())
    with atomic_write(output) as temporary:
        temporary.write_bytes(content)
    say(f"{', '.join(car.name for car in cars)}: {len(content) / 1000:.1f} kB in {output}")
    if open_it and not webbrowser.open(output.resolve().as_uri()):
        note(f"no browser was found here: open {output} in one")


def _names(models: Sequence[str]) -> list[str]:
    """The models, with `all` as every released one. Raises ValueError if `all` stands beside others."""
    if ALL not in models:
        return list(models)
    if len(models) > 1:
        raise ValueError(f"{ALL} is every released model. Got {', '.join(models)}: name {ALL} alone.")
    return [*released_models()]


def _vehicles(names: Sequence[str], files: Sequence[str]) -> list[str | None]:
    """The vehicle file of each model; none for a model of a shipped vehicle. Raises ValueError for too many."""
    if len(files) > len(names):
        raise ValueError(f"--vehicle must be given once a model at most. Got {len(files)} for {len(names)} models.")
    return [*files, *[None] * (len(names) - len(files))]


def _car(model: str, toml: str | None) -> Any:
    from acc_decel.cli.page_cars import car_of, firmware_of  # noqa: PLC0415

    net, metrics = read_model(folder_of(model))
    name = str(metrics["vehicle"])
    return car_of(net, name, firmware_of(net, name), model=model, vehicle=_vehicle(name, model, toml))


def _vehicle(name: str, model: str, toml: str | None) -> Any:
    """What is known of the vehicle: as released, else simulated now, else nothing."""
    from acc_decel.cli.page_cars import stored_vehicle  # noqa: PLC0415
    from acc_decel.integration.page import Vehicle  # noqa: PLC0415

    if toml is None and (released := stored_vehicle(name)) is not None:
        return released
    try:
        from acc_decel.cli.page_setting import vehicle_of  # noqa: PLC0415
        from acc_decel.physics import vehicle_names  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if toml is not None:
            raise
        note(f"{model} has no lane for a table by surface: it needs the extra [train] (no module {error.name})")
        return Vehicle()
    if toml is None and name not in vehicle_names():
        note(f"{model} has no lane for a table by surface: name the file of the vehicle {name} with --vehicle")
        return Vehicle()
    return vehicle_of(toml or name)
