"""`acc-decel drives adapt`: a vehicle fitted to one car's stops. Needs the extras [train] and [drives]."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acc_decel.cli.drives.options import note_ignored, read_stops
from acc_decel.cli.options import Json, check_output
from acc_decel.cli.terminal import note, print_json, print_table, progress_bar, say

if TYPE_CHECKING:
    from acc_decel.adaptation import Estimate


def adapt(
    events: Annotated[Path, typer.Argument(metavar="EVENTS", help="CSV or Parquet of stops at known conditions")],
    vehicle: Annotated[str, typer.Option(help="shipped vehicle, or a TOML file of your own, to start from")],
    output: Annotated[Path, typer.Option("--output", "-o", help="TOML file of the adapted vehicle")],
    deceleration_error: Annotated[
        float, typer.Option(help="standard deviation of the measured m/s^2", min=0.01, max=5.0)
    ] = 0.15,
    delay_error: Annotated[
        float, typer.Option(help="standard deviation of the measured delay [s]", min=0.001, max=1.0)
    ] = 0.03,
    as_json: Json = False,
) -> None:
    """Estimate brake gain, friction level, drag, mass and response of one car from its stops, as a vehicle file.

    EVENTS has a row for each stop, a column for each braking factor (all must be known), `deceleration` [m/s^2] of the
    built-up brakes and, where the demand was recorded, `delay` [s]. A table of `drives events` serves, too, once the
    other factors are added: `initial_speed` and `mfdd` are taken, and columns that are no factor are ignored. Each
    parameter comes with its 95 % interval; one that the stops do not identify stays as the vehicle has it. `generate
    --vehicle` and `train` then make the car's own model. Needs the extras [train] and [drives].

        acc-decel drives adapt stops.csv --vehicle compact --output my_car.toml
        acc-decel generate --vehicle my_car.toml --output data/my_car
    """
    check_output(output, events, Path(vehicle) if Path(vehicle).is_file() else None)
    from acc_decel import adaptation, physics  # noqa: PLC0415 - NumPy and Numba of the extra are asked for only here

    car = physics.vehicle(vehicle)
    known = adaptation.known_stops(read_stops(events), car)
    note_ignored(known.ignored)
    noise = adaptation.MeasurementNoise(deceleration_error, delay_error)
    with progress_bar() as progress:
        task = progress.add_task(f"fitting {car.name} to {len(known.deceleration)} stops", total=None)

        def advance() -> None:
            progress.advance(task)

        fit = adaptation.fit_parameters(
            car, known.conditions, known.deceleration, known.delay, noise=noise, on_round=advance
        )
    identified = ", ".join(e.name for e in fit.estimates if e.identifiable) or "nothing"
    adaptation.write_vehicle(fit.vehicle, output, f"{car.name}, adapted from {fit.stops} stops: {identified}")
    if fit.misfit > MAX_MISFIT:
        note(
            f"the stops scatter {fit.misfit:.1f} times as much as their errors allow, so this vehicle does not explain "
            "them: check units, road and --deceleration-error before you use it"
        )
    if as_json:
        print_json({"parameters": fit.estimates, "stops": fit.stops, "left_out": known.left_out, "misfit": fit.misfit})
        return
    title = f"{car.name} from {fit.stops} stops ({known.left_out} without deceleration left out)"
    print_table(title, PARAMETER_HEAD, [_parameter_row(e) for e in fit.estimates])
    say(f"residuals are {fit.misfit:.2f} of what is expected; adapted vehicle in {output}")


MAX_MISFIT = 3.0  # of residuals to what is expected
PARAMETER_HEAD = ("parameter", "unit", "value", "95 % interval", "spread, share of prior", "identifiable", "adopted")


def _parameter_row(e: "Estimate") -> tuple[str, ...]:
    interval = f"{e.low:.4g} to {e.high:.4g}"
    identifiable = "yes" if e.identifiable else "no, as in the file"
    return e.name, e.unit or "-", f"{e.value:.4g}", interval, f"{e.narrowed_to:.2f}", identifiable, f"{e.adopted:.4g}"
