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

    `dataset_keys` names the keys of the manifest that the folder repeats.
    """
    from acc_decel import dataset, physics  # noqa: PLC0415 - the extra [train] is asked for only here
    from acc_decel.comparison import bayes, bayes_folder, bayes_training  # noqa: PLC0415
    from acc_decel.network.calibration import ORACLE_EVENTS  # noqa: PLC0415

    bayes_folder.check_free(output)
    data = dataset.load_dataset(dataset_folder)
    defaults = bayes_training.BayesTraining()
    settings = replace(defaults, epochs=epochs or defaults.epochs, seed=seed)
    factors = physics.vehicle_from(data.manifest["vehicle_file"]).factors
    with progress:
        task = progress.add_task("training", total=settings.epochs)
        trained = bayes_training.train(
            data, factors, settings, on_epoch=lambda epoch, _: progress.update(task, completed=epoch)
        )
        compared = progress.add_task("comparing with the best possible answer", total=4 * ORACLE_EVENTS)
        measured = bayes.metrics(
            trained, data, oracle_events=ORACLE_EVENTS, on_oracle=lambda events: progress.advance(compared, events)
        )
    name = str(data.manifest["vehicle"])
    source = {key: data.manifest[key] for key in dataset_keys}
    bayes_folder.write_folder(
        output, trained, vehicle=name, dataset=source, training=asdict(settings), metrics=measured
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
    """Train fuzzy broad learning on a dataset, write its folder and print its metrics.

    `dataset_keys` names the keys of the manifest that the folder repeats.
    """
    from acc_decel import dataset, physics  # noqa: PLC0415 - the extra [train] is asked for only here
    from acc_decel.comparison import fuzzy_broad, fuzzy_broad_folder  # noqa: PLC0415

    fuzzy_broad_folder.check_free(output)
    data = dataset.load_dataset(dataset_folder)
    settings = fuzzy_broad.FuzzyBroadTraining(seed=seed)
    system = fuzzy_broad.train(data, physics.vehicle_from(data.manifest["vehicle_file"]).factors, settings)
    measured, name = fuzzy_broad.metrics(system, data), str(data.manifest["vehicle"])
    source = {key: data.manifest[key] for key in dataset_keys}
    fuzzy_broad_folder.write_folder(
        output, system, vehicle=name, dataset=source, training=asdict(settings), metrics=measured
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
