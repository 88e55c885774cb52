"""What `train --model fuzzy-broad` does."""

from dataclasses import asdict
from pathlib import Path

from acc_decel.cli.tables import print_json, print_table, say


def train_fuzzy_broad(dataset_folder: Path, output: Path, *, seed: int, told: tuple[str, ...], as_json: bool) -> None:
    """Train fuzzy broad learning on a dataset, write its folder and print its metrics.

    `told` names what the folder says of the dataset.
    """
    from acc_decel import dataset, physics  # noqa: PLC0415 - the extra [train] is asked for only here
    from acc_decel.network import fuzzy_broad, fuzzy_broad_folder  # noqa: PLC0415

    fuzzy_broad_folder.check_free(output)
    data = dataset.dataset(dataset_folder)
    settings = fuzzy_broad.FuzzyBroadTraining(seed=seed)
    system = fuzzy_broad.train(data, physics.vehicle_from(data.manifest["vehicle_file"]).factors, settings)
    measured, name = fuzzy_broad.metrics(system, data), str(data.manifest["vehicle"])
    source = {key: data.manifest[key] for key in told}
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
