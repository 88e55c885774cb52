"""The cars of a what-if page from their models, and the page that lies in an FMU as its documentation."""

from collections.abc import Mapping
from dataclasses import asdict

from acc_decel.correction import Correction
from acc_decel.export import firmware_files, golden_events
from acc_decel.integration.page import (
    Arm,
    Car,
    Knowledge,
    Lanes,
    Note,
    Road,
    Setting,
    Table,
    TableRows,
    Vehicle,
    module_of,
    page_html,
    record,
)
from acc_decel.network import DenseNet

FLOAT = "float"
Files = Mapping[str, str | bytes]


def firmware_of(net: DenseNet, name: str, number_format: str = FLOAT) -> Files:
    """The firmware of a model of the vehicle `name`, as every export writes it."""
    return firmware_files(net, model=name, golden=golden_events(net.factors), number_format=number_format)


def car_of(net: DenseNet, name: str, firmware: Files, *, model: str, vehicle: Vehicle) -> Car:
    """A car of a page, with its firmware; `model` is what its calls name."""
    return Car(name, model, net.factors, vehicle, module_of(firmware))


def stored_vehicle(name: str) -> Vehicle | None:
    """What came with the released model of this vehicle; None if there is none."""
    cars = record()["cars"]
    if name not in cars:
        return None
    stored = dict(cars[name]["vehicle"])
    return Vehicle(**(stored | {"table": Table(**stored["table"])}))


def stored_setting() -> Setting:
    """What all pages have in common, as it comes with the released models."""
    stored = record()["setting"]
    lanes = stored["lanes"]
    return Setting(
        [Road(**road) for road in stored["roads"]],
        stored["start"],
        stored["over"],
        [Knowledge(**known) for known in stored["knowledge"]],
        Lanes(**(lanes | {"arms": [Arm(**arm) for arm in lanes["arms"]], "table": TableRows(**lanes["table"])})),
    )


def fmu_page(
    net: DenseNet, name: str, firmware: Files, *, model: str, variables: str, number_format: str, correction: Correction
) -> bytes:
    """The page for the FMU of this model, with the C of the FMU in it, whatever its number format.

    `variables` is the page beside it that lists them. A vehicle that is not released has no lane for a table by
    surface: nothing is simulated, so that the same model gives the same bytes on every machine. Raises as `module_of`.
    """
    car = car_of(net, name, firmware, model=model, vehicle=stored_vehicle(name) or Vehicle())
    return page_html([car], stored_setting(), notes=_notes(number_format, correction, variables))


def _notes(number_format: str, correction: Correction, variables: str) -> list[Note]:
    """What a reader of this page must know of the FMU that it lies in."""
    notes = [Note("This page lies in an FMU and runs the C of the FMU.", variables, "Its variables, and how to use it")]
    if number_format != FLOAT:
        notes.append(
            Note(
                f"This C computes in the number format {number_format}. The calls in Python and at the command line "
                "compute in float, so their answers are a little different."
            )
        )
    if correction != Correction():
        values = ", ".join(f"{key.replace('_', ' ')} {value:g}" for key, value in asdict(correction).items())
        notes.append(Note(f"The FMU starts with a correction to one car ({values}). This page leaves it out."))
    return notes
