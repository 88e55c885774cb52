"""Commands that make a model: generate, train, export. They need the extra [train]."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from acc_decel.cli.bayes import train_bayes
from acc_decel.cli.fuzzy_broad import train_fuzzy_broad
from acc_decel.cli.tables import print_json, print_table, progress_console, say
from acc_decel.correction import model_digest
from acc_decel.model_folder import model_path

if TYPE_CHECKING:
    from acc_decel.dataset import Driving
    from acc_decel.physics import Vehicle

CHECKPOINT = ".training"  # in the model's folder, while it is trained
DATASET_KEYS = ("events", "seed", "partition", "vehicle_sha256")


def generate(
    output: Annotated[Path, typer.Option(help="folder for the dataset")],
    vehicle: Annotated[str, typer.Option(help="shipped vehicle, or a TOML file of your own")] = "compact",
    events: Annotated[int, typer.Option(help="number of braking events")] = 200_000,
    seed: Annotated[int, typer.Option(help="same seed, same bytes")] = 1,
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
    That needs the extra drives as well.

    With --scheduler the workers of a running Dask cluster write the partitions, the same bytes. All must see the folder
    under the same path and run the same acc-decel with the extras train and scale. One worker a machine is enough: it
    uses every core and half a gigabyte of memory.

        acc-decel generate --events 100000000 --output /shared/compact --scheduler tcp://10.0.0.1:8786
    """
    from acc_decel import dataset, physics  # noqa: PLC0415 - the extra [train] is asked for only here

    car = physics.vehicle(vehicle)
    driving = _driving(car, scenarios) if scenarios else None
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


class Model(StrEnum):
    """What can be trained on a dataset."""

    NETWORK = "network"
    FUZZY_BROAD = "fuzzy-broad"
    BAYES = "bayes"


HOW_TRAINED = {  # why some options of the network's training make no sense for another model
    Model.FUZZY_BROAD: "is trained in closed form",
    Model.BAYES: "is trained from nothing, through all its epochs",
}


def train(
    dataset_folder: Annotated[Path, typer.Argument(metavar="DATASET", help="folder written by `generate`")],
    output: Annotated[Path, typer.Option(help="folder for the model")],
    model: Annotated[Model, typer.Option(help="network, or a model to compare it with")] = Model.NETWORK,
    epochs: Annotated[int | None, typer.Option(help="passes over the training part at most", min=1)] = None,
    patience: Annotated[int | None, typer.Option(help="stop after so many epochs without progress", min=1)] = None,
    seed: Annotated[int, typer.Option(help="same seed, same network on one machine")] = 1,
    start: Annotated[
        str | None, typer.Option("--from", help="go on from this model's network: 5 epochs unless told, a lower rate")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the metrics for a program")] = False,
) -> None:
    """Train a network on a dataset, calibrate its intervals, and write the model's folder.

    The folder gets model.onnx (everything inside), network.npz (plain arrays for the firmware), metrics.json (error and
    coverage on events held out, by regime) and manifest.json (hashes). The network is monotone by construction in every
    factor whose direction the physics forces. Interrupted, the same command goes on from the last whole epoch.

        acc-decel train data/suv --output models/suv

    With --from it goes on from a released model or a model folder, for a dataset of an adapted car (`drives adapt`).
    The intervals are calibrated anew.

        acc-decel train data/my_car --from compact --output models/my_car

    With --model fuzzy-broad a fuzzy broad learning system is trained instead, in closed form. It is for comparison: its
    folder holds fuzzy_broad.npz, metrics.json and manifest.json, and no command exports it or predicts with it.

    With --model bayes a network like ours is trained on single events, with a posterior over its weights: it knows how
    far it may itself be wrong, and how coarse the weights of each layer may be. It is for comparison, too: bayes.npz.
    """
    if model is Model.BAYES:
        _refuse_changed(model, {"patience": patience, "from": start})
        with quiet():
            from acc_decel.network import bayes_training  # noqa: F401, PLC0415 - TensorFlow loads here
        train_bayes(
            dataset_folder,
            output,
            epochs=epochs,
            seed=seed,
            told=DATASET_KEYS,
            progress=progress_bar(),
            as_json=as_json,
        )
        return
    if model is Model.FUZZY_BROAD:
        _refuse_changed(model, {"epochs": epochs, "patience": patience, "from": start})
        train_fuzzy_broad(dataset_folder, output, seed=seed, told=DATASET_KEYS, as_json=as_json)
        return
    _train_network(dataset_folder, output, epochs=epochs, patience=patience, seed=seed, start=start, as_json=as_json)


def _train_network(
    dataset_folder: Path,
    output: Path,
    *,
    epochs: int | None,
    patience: int | None,
    seed: int,
    start: str | None,
    as_json: bool,
) -> None:
    """Train the network, from nothing or from that of the model `start`, and write the model's folder."""
    from acc_decel import dataset, physics  # noqa: PLC0415
    from acc_decel.export import write_model  # noqa: PLC0415
    from acc_decel.model_folder import read_model  # noqa: PLC0415

    with quiet():
        from acc_decel.network import fine_tuning  # noqa: PLC0415
        from acc_decel.network import training as learning  # noqa: PLC0415
    from acc_decel.network.calibration import ORACLE_EVENTS, metrics  # noqa: PLC0415

    data = dataset.dataset(dataset_folder)
    usual, learn, how = learning.usual(data.event), learning.train, {}
    if start:
        released, _ = read_model(model_path(start).parent)
        usual = fine_tuning.sized(fine_tuning.FINE_TUNING, released)
        learn, how = partial(fine_tuning.fine_tuned, released), {"start_sha256": model_digest(model_path(start))}
    settings = replace(usual, epochs=epochs or usual.epochs, patience=patience or usual.patience, seed=seed)
    factors = physics.vehicle_from(data.manifest["vehicle_file"]).factors
    with progress_bar() as progress:
        task = progress.add_task("training", total=settings.teacher_epochs + settings.epochs)

        def told(epoch: int, loss: float, best: float) -> None:
            learner = "teacher" if epoch <= settings.teacher_epochs else "network"
            text = f"training the {learner}: loss on unseen events {loss:.4f}, best {best:.4f}"
            progress.update(task, completed=epoch, description=text)

        net = learn(data, factors, settings, on_epoch=told, checkpoint=output / CHECKPOINT)
        progress.update(task, completed=settings.teacher_epochs + settings.epochs)
        compared = progress.add_task("comparing with the best possible answer", total=4 * ORACLE_EVENTS)
        measured = metrics(net, data, on_oracle=lambda events: progress.advance(compared, events))
    name = str(data.manifest["vehicle"])
    source = {key: data.manifest[key] for key in DATASET_KEYS}
    write_model(output, net, vehicle=name, dataset=source, training=asdict(settings) | how, metrics=measured)
    if as_json:
        print_json(measured)
    else:
        _print_metrics(name, measured)
        say(f"model in {output}")


def _print_metrics(name: str, measured: dict[str, Any]) -> None:
    """The metrics of a model as a table for people."""
    rows = [("all held-out events", measured), *measured["regimes"].items()]
    print_table(
        f"{name}: {measured['weights']} weights, {measured['events']} events held out",
        ("regime", "events", "RMSE [m/s^2]", "90 % interval covers", "mean width [m/s^2]"),
        [
            (n, f"{m['events']}", f"{m['rmse']:.2f}", f"{100 * m['coverage']:.1f} %", f"{m['mean_width']:.2f}")
            for n, m in rows
        ],
    )
    domain = measured["domain"]
    say(
        f"trained domain: {100 * domain['flagged']:.0f} % of never-trained combinations flagged (AUROC "
        f"{measured['domain_auroc']:.3f}), {100 * domain['false_alarms']:.1f} % of real events"
    )


def _refuse_changed(model: Model, given: dict[str, int | str | None]) -> None:
    """Refuse options that the training of `model` does not have, if they were given."""
    if changed := [name for name, value in given.items() if value is not None]:
        raise ValueError(
            f"--{changed[0]} must be left out with --model {model}, which {HOW_TRAINED[model]}. "
            f"Got {given[changed[0]]}: leave it out."
        )


def export(
    model: Annotated[str, typer.Argument(help="released model or model folder")] = "compact",
    output: Annotated[Path, typer.Option(help="folder for the firmware")] = Path("firmware_export"),
    number_format: Annotated[
        str, typer.Option("--format", help="float; fixed without FPU; shift without multiplier")
    ] = "float",
) -> None:
    """Write a model as C for an ECU: acc_decel.c, acc_decel.h, generated tables, self-test and golden vectors.

    The C is C99 without heap, static data or library calls; README.md in the folder says how to use it. Everything is
    checked before the first file is written, and the same model gives the same bytes.

        acc-decel export models/suv --output firmware_suv
        acc-decel export compact --format fixed --output firmware_cortex_m3
    """
    from acc_decel.export import firmware_files, golden_events, write_firmware  # noqa: PLC0415
    from acc_decel.model_folder import read_model  # noqa: PLC0415

    net, told = read_model(model_path(model).parent)
    files = firmware_files(
        net, model=str(told["vehicle"]), golden=golden_events(net.factors), number_format=number_format
    )
    write_firmware(output, files)
    say(f"{told['vehicle']}: {net.weights} weights, {len(files)} files in {output}")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what TensorFlow's C++ says about this machine while it loads off the screen."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    screen = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(screen, 2)
        os.close(screen)


def progress_bar() -> Progress:
    """A progress bar on stderr, so that it stays out of what a program reads."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=progress_console,
    )
