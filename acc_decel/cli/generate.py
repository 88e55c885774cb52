"""`acc-decel generate`: simulate braking events and write them as a dataset. Needs the extra [train]."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acc_decel.cli.options import check_output
from acc_decel.cli.stages import few_events
from acc_decel.cli.terminal import print_json, progress_bar, say, warn

if TYPE_CHECKING:
    from acc_decel.dataset import Driving
    from acc_decel.physics import Vehicle


def generate(
    output: Annotated[Path, typer.Option(help="folder for the dataset")],
    vehicle: Annotated[str, typer.Option(help="shipped vehicle, or a TOML file of your own")] = "compact",
    events: Annotated[int, typer.Option(help="number of braking events")] = 200_000,
    seed: Annotated[int, typer.Option(help="same seed, same bytes", min=0)] = 1,
    partition: Annotated[int, typer.Option(help="events in one file; the events do not depend on it")] = 65_536,
    scheduler: Annotated[str | None, typer.Option(help="address of a Dask scheduler whose workers simulate")] = None,
    scenarios: Annotated[Path | None, typer.Option(help="TOML of `drives scenarios`: drive as that fleet does")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the manifest for a program")] = False,
) -> None:
    """Simulate braking events of one vehicle and write them as sensors would see them.

    Events are quasi-random over road, tyre, brake and weather, and over what no sensor knows. Each is simulated to
    standstill, then given noise, quantisation and factors that are not available. The folder holds Parquet partitions
    and manifest.json. Interrupted, the same command resumes; a file that was damaged is simulated again.

        acc-decel generate --vehicle suv --events 400000 --output data/suv

    With --scenarios speed and brake pressure follow the fleet in 7 of 10 events, the other 3 cover the whole range.
    That needs the extra [drives] as well.

    With --scheduler the workers of a running Dask cluster write the partitions, the same bytes. All must see the folder
    under the same path and run the same acc-decel with the extras train and scale. One worker a machine is enough: it
    uses every core and half a gigabyte of memory.

        acc-decel generate --events 100000000 --output /shared/compact --scheduler tcp://10.0.0.1:8786

    Needs the extra [train].
    """
    from acc_decel import dataset, physics  # noqa: PLC0415 - the extra [train] is asked for only here

    check_output(output, folder=True)
    car = physics.vehicle(vehicle)
    driving = _driving(car, scenarios) if scenarios else None
    if advice := few_events(events):
        warn(advice)
    with progress_bar() as progress:
        task = progress.add_task(f"simulating {car.name}", total=events)
        manifest = dataset.generate(
            car,
            output,
            events=events,
            seed=seed,
            partition=partition,
            scheduler=scheduler,
            driving=driving,
            on_events=lambda n: progress.advance(task, n),
        )
    if as_json:
        print_json(manifest)
    else:
        say(f"{events} events of {car.name} in {output}")


def _driving(car: "Vehicle", scenarios: Path) -> "Driving":
    """What the scenario file asks of the car."""
    import numpy as np  # noqa: PLC0415 - as the stages below

    from acc_decel import dataset, drives  # noqa: PLC0415 - the extra [drives] is asked for only here

    quantiles = np.linspace(0, 1, 201)
    fits = {fit.quantity: fit.quantiles(quantiles) for fit in drives.read_scenarios(scenarios)}
    return dataset.fleet_driving(car, speed=fits["speed"], deceleration=fits["deceleration"])
