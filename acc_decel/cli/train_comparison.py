"""`acc-decel train --model`: models to compare the network with. Needs the extra [train]."""

from dataclasses import asdict, replace
from pathlib import Path

from rich.progress import Progress

from acc_decel.cli.terminal import print_json, print_table, say


def train_bayes(
    dataset_folder: Path,
    output: Path,
    *,
    epochs: int | None,
    seed: int,
    dataset_keys: tuple[str, ...],
    progress: Progress,
    as_json: bool,
) -> None:
    """Train a network with a posterior on a dataset, write its folder and print its metrics.

    `dataset_keys` are the keys of the dataset's manifest that are copied to the metrics.
    """
    from acc_decel import dataset, physics  # noqa: PLC0415 - the extra [train] is asked for only here
    from acc_decel.comparison import bayes, bayes_training, folder  # noqa: PLC0415
    from acc_decel.network.best_possible import ORACLE_EVENTS, simulated_events  # noqa: PLC0415

    folder.check_free(output, bayes.KIND)
    data = dataset.load_dataset(dataset_folder)
    default = bayes_training.BayesTraining()
    settings = replace(default, epochs=epochs or default.epochs, seed=seed)
    factors = physics.vehicle_from(data.manifest["vehicle_file"]).factors
    with progress:
        task = progress.add_task("training", total=settings.epochs)
        trained = bayes_training.train(
            data, factors, settings, on_epoch=lambda epoch, _: progress.update(task, completed=epoch)
        )
        compared = progress.add_task("comparing with the best possible answer", total=simulated_events(factors, data))
        measured = bayes.metrics(
            trained, data, oracle_events=ORACLE_EVENTS, on_oracle=lambda events: progress.advance(compared, events)
        )
    name = str(data.manifest["vehicle"])
    folder.write_folder(
        output,
        bayes.KIND,
        trained.arrays(),
        vehicle=name,
        dataset={key: data.manifest[key] for key in dataset_keys},
        training=asdict(settings),
        metrics=measured,
    )
    if as_json:
        print_json(measured)
        return
    print_table(
        f"{name}, network with a posterior: {measured['weights']} weights, {measured['events']} events held out",
        ("layer", "scale of its weights"),
        [(layer, f"{scale:.3f}") for layer, scale in measured["scales"].items()],
    )
    say(
        f"RMSE {measured['rmse']:.2f} m/s^2, {measured['rmse_conditional_median']:.2f} from the best possible median; "
        f"its own spread is {measured['median_spread']['deceleration']:.2f} in the median"
    )
    say(f"model in {output}, for comparison: it has no ONNX or C form")


def train_fuzzy_broad(
    dataset_folder: Path, output: Path, *, seed: int, dataset_keys: tuple[str, ...], as_json: bool
) -> None:
    """Train a fuzzy broad learning system on a dataset, write its folder and print its metrics.

    `dataset_keys` are the keys of the dataset's manifest that are copied to the metrics.
    """
    from acc_decel import dataset, physics  # noqa: PLC0415 - the extra [train] is asked for only here
    from acc_decel.comparison import folder, fuzzy_broad  # noqa: PLC0415

    folder.check_free(output, fuzzy_broad.KIND)
    data = dataset.load_dataset(dataset_folder)
    settings = fuzzy_broad.FuzzyBroadTraining(seed=seed)
    system = fuzzy_broad.train(data, physics.vehicle_from(data.manifest["vehicle_file"]).factors, settings)
    measured, name = fuzzy_broad.metrics(system, data), str(data.manifest["vehicle"])
    folder.write_folder(
        output,
        fuzzy_broad.KIND,
        system.arrays(),
        vehicle=name,
        dataset={key: data.manifest[key] for key in dataset_keys},
        training=asdict(settings),
        metrics=measured,
    )
    if as_json:
        print_json(measured)
        return
    rows = [("all held-out events", measured), *measured["regimes"].items()]
    print_table(
        f"{name}, fuzzy broad learning: {measured['weights']} weights, {measured['events']} events held out",
        ("regime", "events", "RMSE [m/s^2]", "90 % interval covers", "mean width [m/s^2]"),
        [
            (n, f"{m['events']}", f"{m['rmse']:.2f}", f"{100 * m['coverage']:.1f} %", f"{m['mean_width']:.2f}")
            for n, m in rows
        ],
    )
    say(f"model in {output}, for comparison: it has no ONNX or C form")
