"""`acc-decel train`: a dataset to a model's folder. Needs the extra [train]."""

from dataclasses import asdict, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from acc_decel.cli.options import check_output
from acc_decel.cli.stages import Stages, few_events
from acc_decel.cli.terminal import print_json, print_table, progress_bar, quiet, say, warn
from acc_decel.cli.train_comparison import train_bayes, train_fuzzy_broad
from acc_decel.correction import model_digest
from acc_decel.model_folder import check_replaceable, folder_of, model_path

CHECKPOINT = ".training"  # in the model's folder, while it is trained
DATASET_KEYS = ("events", "seed", "partition", "vehicle_sha256")


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
    seed: Annotated[int, typer.Option(help="same seed, same network on one machine", min=0, max=2**32 - 1)] = 1,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", help="go on from this model's network: 5 epochs unless --epochs is given, at a lower rate"
        ),
    ] = None,
    oracle_events: Annotated[
        int | None, typer.Option(help="events of each kind in the comparison; 1,000 if not given", min=10)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the metrics for a program")] = False,
) -> None:
    """Train a network on a dataset, calibrate its intervals, and write the model's folder.

    The folder gets model.onnx (everything inside), network.npz (plain arrays for the firmware), metrics.json (error and
    coverage on events held out, by regime) and manifest.json (hashes). The network is monotone by construction in every
    factor whose direction the physics forces. Interrupted, the same command goes on from the last whole epoch; another
    dataset, seed or setting starts from the beginning. A model in the folder stays until the new one is finished, and
    is then replaced with its card, proof and student; a released model is never replaced.

        acc-decel train data/suv --output models/suv

    The last stage compares the network with the best possible answer, which is simulated for some events with every
    factor and for as many with factors missing. It takes about 15 s on two cores for each 250 --oracle-events;
    metrics.json says how many were compared.

    With --from it goes on from a released model or a model folder, for a dataset of an adapted car (`drives adapt`).
    The intervals are calibrated again.

        acc-decel train data/my_car --from compact --output models/my_car

    With --model fuzzy-broad a fuzzy broad learning system is trained instead, in closed form. It is for comparison: its
    folder holds fuzzy_broad.npz, metrics.json and manifest.json, and no command exports it or predicts with it.

    With --model bayes a network like ours is trained on single events, with a posterior over its weights: it knows how
    far it may itself be wrong, and how coarse the weights of each layer may be. It is for comparison, too: bayes.npz.

    Needs the extra [train].
    """
    check_output(output, dataset_folder, folder=True)
    if model is Model.BAYES:
        _refuse_changed(model, {"patience": patience, "from": start, "oracle-events": oracle_events})
        with quiet():
            from acc_decel.comparison import bayes_training  # noqa: F401, PLC0415 - TensorFlow loads here
        train_bayes(
            dataset_folder,
            output,
            epochs=epochs,
            seed=seed,
            dataset_keys=DATASET_KEYS,
            progress=progress_bar(),
            as_json=as_json,
        )
        return
    if model is Model.FUZZY_BROAD:
        _refuse_changed(model, {"epochs": epochs, "patience": patience, "from": start, "oracle-events": oracle_events})
        train_fuzzy_broad(dataset_folder, output, seed=seed, dataset_keys=DATASET_KEYS, as_json=as_json)
        return
    _train_network(
        dataset_folder,
        output,
        epochs=epochs,
        patience=patience,
        seed=seed,
        start=start,
        oracle_events=oracle_events,
        as_json=as_json,
    )


def _train_network(
    dataset_folder: Path,
    output: Path,
    *,
    epochs: int | None,
    patience: int | None,
    seed: int,
    start: str | None,
    oracle_events: int | None,
    as_json: bool,
) -> None:
    """Train the network, from nothing or from that of the model `start`, and write the model's folder."""
    from acc_decel import dataset, physics  # noqa: PLC0415
    from acc_decel.export import write_model  # noqa: PLC0415
    from acc_decel.model_folder import read_model  # noqa: PLC0415

    check_replaceable(output)
    with quiet():
        from acc_decel.network import fine_tuning  # noqa: PLC0415
        from acc_decel.network import training as learning  # noqa: PLC0415
    from acc_decel.network.best_possible import ORACLE_EVENTS, simulated_events  # noqa: PLC0415
    from acc_decel.network.calibration import metrics  # noqa: PLC0415

    data = dataset.load_dataset(dataset_folder)
    defaults, learn, how = learning.default_training(data.event), learning.train, {}
    if start:
        released, _ = read_model(folder_of(start))
        defaults = fine_tuning.with_sizes_of(fine_tuning.FINE_TUNING, released)
        learn, how = partial(fine_tuning.fine_tune, released), {"start_sha256": model_digest(model_path(start))}
    settings = replace(defaults, epochs=epochs or defaults.epochs, patience=patience or defaults.patience, seed=seed)
    factors = physics.vehicle_from(data.manifest["vehicle_file"]).factors
    oracle_events = oracle_events or ORACLE_EVENTS
    if advice := few_events(len(data.event)):
        warn(advice)
    with progress_bar() as progress:
        stages = Stages(
            progress,
            teacher_epochs=settings.teacher_epochs,
            epochs=settings.epochs,
            tries=settings.domain.tries,
            oracle_events=simulated_events(factors, data, oracle_events),
        )
        net = learn(
            data,
            factors,
            settings,
            on_epoch=stages.epoch,
            on_domain=stages.domain,
            on_other=lambda: warn(
                f"{output / CHECKPOINT} is of another training, by its data, settings, seed or version: this one "
                "starts from the beginning"
            ),
            checkpoint=output / CHECKPOINT,
        )
        stages.oracle(0)
        measured = metrics(net, data, oracle_events=oracle_events, on_oracle=stages.oracle)
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
